# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inspection of S3 sources, read-only: from the trail to the data connector."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from ..cloud import cloudtrail, s3
from ..model.account import Account, WorkspaceKey
from ..model.connector.s3 import S3Connectors
from ..model.errors import SentinelError
from ..model.s3 import inspection as model
from ..model.s3 import links, options
from ..model.s3.inspection import Inspection
from ..model.s3.notification import Notification
from ..model.s3.source import CLOUDTRAIL_TABLE, S3SourceSpec
from ..model.s3.trail import Trail, TrailSource, delivering, keys
from ..model.s3.trail_status import TrailState
from ..model.session_policy import session_policy
from ..model.sources import S3, SourceSpec
from .account import AccountTimeout, Context
from .s3_inspector import Inspector
from .s3_links import inspect_delivery, inspect_queue, inspect_role
from .s3_source import S3_SOURCE, existing_connection, notification_adapter, prepare_connection
from .step import EarlierSources, SourceRun
from .trail import find_trail_source
from .unexpected import kept_in
from .write_session import WriteSession

if TYPE_CHECKING:
    from ..cloud.sentinel import Sentinel
    from .clients import Clients


async def inspect_account(account: Account, clients: Clients, *, serves_organization: bool = False) -> list[Inspection]:
    """Return the inspection of each S3 source that an account lists; raises SentinelError if it cannot begin.

    `serves_organization` is whether the sources have to bring the events of other accounts. The data connector is
    inspected if the account has a workspace.
    """
    sentinel = await clients.sentinel(account) if account.workspace else None
    aws = await clients.aws(account)
    identity = await aws.identity()
    workspace_id = account.role_spec.workspace_id
    if sentinel and not workspace_id:
        workspace_id = sentinel.customer_id or (await sentinel.workspace()).customer_id
    account = account.completed(
        account_id=account.account_id or identity.account_id,
        workspace_id=workspace_id,
        partition=identity.partition,
    )
    context = Context.of_module(aws, clients.slots, _never, check_mode=True)
    sources = [one for one in account.sources if one.type == S3]
    return [await _inspect(account, one, context, sentinel, serves_organization=serves_organization) for one in sources]


def members_of(accounts: Iterable[Account]) -> set[WorkspaceKey]:
    """Return the workspaces with accounts that list no source: an S3 source there has to bring their events."""
    return {one.workspace_key for one in accounts if not one.sources}


async def inspect_within_limits(account: Account, clients: Clients, members: set[WorkspaceKey]) -> list[Inspection]:
    """Return the inspection of each S3 source of an account, within the limits of a run; raises SentinelError."""
    if not any(one.type == S3 for one in account.sources):
        return []
    async with clients.slots, AccountTimeout(account):
        return await inspect_account(account, clients, serves_organization=account.workspace_key in members)


async def inspect_accounts(accounts: Sequence[Account], clients: Clients) -> dict[str, list[dict[str, Any]]]:
    """Return a summary of each S3 source by account id; what cannot be inspected is unknown, no error is raised."""
    members = members_of(accounts)
    found: dict[str, list[dict[str, Any]]] = {}

    async def work(account: Account) -> None:
        errors: dict[str, SentinelError] = {}
        inspected: list[Inspection] = []
        with kept_in(errors, account.account_id, f"inspect account {account.account_id}"):
            inspected = await inspect_within_limits(account, clients, members)
        for error in errors.values():
            inspected = [model.unread(one, str(error)) for one in account.sources if one.type == S3]
        found[account.account_id] = [model.summary(one) for one in inspected]

    await asyncio.gather(*(work(one) for one in accounts if any(each.type == S3 for each in one.sources)))
    return found


async def _never(_given: Any) -> Any:
    raise RuntimeError("an inspection waits for no workspace, and writes nothing")


async def _inspect(
    account: Account, source: SourceSpec, context: Context, sentinel: Sentinel | None, *, serves_organization: bool
) -> Inspection:
    """Inspect one source by a session that only reads."""

    def policy(partition: str) -> str:
        spec = options.pattern(account, source, partition)
        return session_policy([*S3_SOURCE.statements(run, partition), *model.statements(spec)])

    run = SourceRun(account, source, context, False, EarlierSources(), WriteSession(_never), sentinel)
    run.keys = await context.aws.assume_role_in(account.account_id, account.assume_role, policy)
    inspector = Inspector(run)
    region = await _read_region(inspector)
    trails = await _read_trails(inspector, region) if region else None
    spec = await _read_spec(inspector, region, trails) if region else None
    if spec:
        inspector.found.spec = spec
        for step in (*S3_SOURCE.in_aws, *(S3_SOURCE.in_workspace if sentinel else ())):
            if step.is_used(run):
                await inspector.read_step(step)
        await inspect_delivery(inspector, spec, trails, serves_organization=serves_organization)
        await inspect_role(inspector, spec)
        await inspect_queue(inspector, spec)
    return inspector.found


def _spec(inspector: Inspector, region: str, trail: TrailSource | None = None) -> S3SourceSpec:
    return options.spec(inspector.run.account, inspector.run.source, region, trail or TrailSource("", ()))


async def _read_region(inspector: Inspector) -> str:
    """Return the Region of the bucket, empty if it is not there or unknown."""
    given: str = inspector.run.source.get("bucket_region", "")
    role_arn = _spec(inspector, given).role_arn
    try:
        region = await s3.bucket_region(inspector.caller("s3"), inspector.bucket, inspector.account_id, role_arn)
    except SentinelError as error:
        if error.kind == "bad_input":
            inspector.add([links.bucket_missing(error)])
            return ""
        inspector.unknown("delivery", str(error))
        return given
    inspector.add(links.bucket_region(inspector.bucket, region, given))
    return region


async def _read_trails(inspector: Inspector, region: str) -> list[Trail] | None:
    """Return the trails that deliver into the bucket, None if they are unknown."""
    if inspector.found.table != CLOUDTRAIL_TABLE:
        return None
    caller = inspector.caller("cloudtrail", region)
    found = await inspector.attempt("delivery", cloudtrail.describe_trails(caller, inspector.account_id))
    return None if found is None else delivering(found, inspector.bucket)


async def _read_spec(inspector: Inspector, region: str, trails: list[Trail] | None) -> S3SourceSpec | None:
    """Return the spec of the source with the names of a connection that exists; None if its prefix is unknown."""
    run = inspector.run
    notification = await _read_notification(inspector, region)
    prefix = await _read_prefix(inspector, region, trails, notification)
    if prefix is None:
        return None
    feeding = [one for one in trails or () if one.may_deliver(prefix)]
    inspector.found.trails = tuple([await _trail_state(inspector, one) for one in feeding])
    spec, connectors = _spec(inspector, region, TrailSource(prefix, keys(feeding, prefix))), await _read_connectors(run)
    inspector.has_certain_names = not options.may_have_other_names(spec, run.source, notification, connectors)
    if notification and connectors is not None:
        connection = existing_connection(run, spec, notification, connectors)
        spec = options.adopted(spec, run.source, await inspector.attempt("notification", connection))
        inspector.add(links.role_name_findings(spec, notification, connectors))
    prepared = run.prepared = await prepare_connection(run, spec, connectors or (), notification)
    return prepared.spec


async def _trail_state(inspector: Inspector, trail: Trail) -> TrailState:
    caller = inspector.caller("cloudtrail", trail.home_region)
    return TrailState(
        trail,
        await inspector.attempt("delivery", cloudtrail.trail_status(caller, trail)),
        await inspector.attempt("delivery", cloudtrail.event_selectors(caller, trail)),
    )


async def _read_notification(inspector: Inspector, region: str) -> Notification | None:
    """Return the notification of the bucket; its step reports where it is unknown."""
    try:
        return await notification_adapter(inspector.run, _spec(inspector, region)).read()
    except SentinelError:
        return None


async def _read_connectors(run: SourceRun) -> S3Connectors | None:
    """Return the connectors of the workspace; None where they are unknown, which their step reports."""
    try:
        return await run.sentinel.s3_connectors() if run.sentinel else ()
    except SentinelError:
        return None


async def _read_prefix(
    inspector: Inspector, region: str, trails: list[Trail] | None, notification: Notification | None
) -> str | None:
    """Return the prefix of the options, else that of the trail, else that of an entry of this collection."""
    given: str | None = inspector.run.source.get("prefix")
    if given is not None:
        return given
    reason = "Set prefix to inspect the other links."
    if trails:
        clients = {name: inspector.caller(name, region) for name in ("cloudtrail", "s3")}
        organizations = inspector.caller("organizations")
        work = find_trail_source(inspector.run.source, inspector.account_id, organizations=organizations, **clients)
        try:
            return (await work).prefix
        except SentinelError as error:
            reason = str(error)
    prefix = model.prefix_of_entry(inspector.found.table, inspector.bucket, notification)
    if prefix is None:
        inspector.add([] if trails or trails is None else [links.no_trail(inspector.account_id, inspector.bucket)])
        inspector.unknown("notification", f"The prefix of the objects is unknown. {reason}")
    return prefix
