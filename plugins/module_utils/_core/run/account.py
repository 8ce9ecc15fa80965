# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connects and disconnects one AWS account: its role, then its connector; removal is the reverse."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ..cloud.aws import Aws
from ..cloud.iam import RoleAdapter
from ..cloud.service import Keys
from ..model.account import Account
from ..model.account_result import AccountReport
from ..model.backoff import pauses
from ..model.connector import connector as connectors
from ..model.connector.connector import Connectors, ConnectorSpec
from ..model.errors import ChangedError, SentinelError, cannot
from ..model.findings import Finding, is_security, repaired
from ..model.plan import Call, contains_new, difference
from ..model.policy import policy
from ..model.role import plan as role_plan
from ..model.role import role as roles
from ..model.role.role import Role, RoleSpec
from ..model.role.session_policy import session_scope
from . import new_account
from .pacing import Slots, Visibility
from .reconcile import Adapter, AlreadyRead, Outcome, Sleep, reconcile

if TYPE_CHECKING:
    # Azure's packages take longer to load than all others, and are not needed to change a role.
    from ..cloud.sentinel import Sentinel, UntilUsable

# Time limit for the role of one account: slightly more than the retries for IAM's eventual consistency may take.
ROLE_TIMEOUT_SECONDS = 240.0
# How often a resource is read again that changes while it is read in several requests.
MAX_REREADS = 2
_random = random.SystemRandom()

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Context:
    """What the work in an account shares with other accounts: clients, limits, and the workspaces.

    `ready` returns the account as soon as its workspace was read and can be used (`is_ready`); nothing is written
    before that. `workspace_id` returns the id even of a workspace that cannot be used, empty if it is unknown.
    `other_readers` returns the connectors in the other workspaces of the run that read an account.
    """

    aws: Aws
    ready: Callable[[Account], Awaitable[tuple[Account, Sentinel]]]
    is_ready: Callable[[], bool]
    workspace_id: Callable[[Account], str]
    other_readers: Callable[[str, Sentinel], Awaitable[list[dict[str, Any]]]]
    slots: Slots
    visibility: Visibility
    check_mode: bool


async def connect(report: AccountReport, account: Account, context: Context) -> None:
    """Reconcile the role of an account, then its connector; in check mode only report what would be done.

    Raises SentinelError; `report` has what was found and done until then.
    """
    async with context.slots:
        adapter, have = await _read_role(account, context)
        with _findings_on_error(report, partial(_findings_without_workspace, account, have, context)):
            ready = context.ready(account)
            account, sentinel = await (ready if context.is_ready() else context.slots.without_slot(ready))
        async with role_timeout(account), _connector_findings_on_error(report, account, sentinel, have):
            with _findings_on_error(report, partial(roles.findings, account.role_spec, have)):
                have = await _reread_if_changing(adapter, have, partial(roles.overlay, account.role_spec), context)
            role = await reconcile_role(
                report,
                account.role_spec,
                AlreadyRead(adapter, have),
                check_mode=context.check_mode,
                sleep=context.slots.sleep,
            )
    arn = role.want.arn if role.want else account.role_spec.arn
    spec = ConnectorSpec(arn, sentinel.id, account.role_spec.workspace_id, account.deduplicate)
    is_new = role.changed or bool(role.have and role.have.is_new)
    visible = partial(context.visibility.turn, time.monotonic()) if is_new else None
    await reconcile_connector(report, spec, sentinel, check_mode=context.check_mode, visible=visible)


async def disconnect(report: AccountReport, account: Account, context: Context) -> None:
    """Remove the connector of an account, then its role or only this workspace's part of it.

    A role that is not managed by this collection is refused before the connector is removed. Raises SentinelError.
    """
    async with context.slots:
        adapter, have = await _read_role(account, context, removing=True)
    with _findings_on_error(report, partial(_findings_without_workspace, account, have, context), is_security):
        account, sentinel = await context.ready(account)
    spec = ConnectorSpec(have.arn if have else account.role_spec.arn, sentinel.id, account.role_spec.workspace_id)
    with _findings_on_error(report, partial(roles.findings, account.role_spec, have), is_security):
        connectors_reading = await sentinel.connectors_reading(account.account_id)
        others = await context.other_readers(account.account_id, sentinel)
        report.findings += connectors.remaining_findings(spec, [*connectors_reading, *others])
        if roles.without(account.role_spec, have) != have:
            connectors.check_no_other_reader(spec, connectors_reading)
        await reconcile_connector(report, spec, sentinel, check_mode=context.check_mode, absent=True)
        async with context.slots, role_timeout(account):
            have = await _reread_if_changing(adapter, have, partial(roles.without, account.role_spec), context)
            await reconcile_role(
                report,
                account.role_spec,
                AlreadyRead(adapter, have),
                check_mode=context.check_mode,
                absent=True,
                sleep=context.slots.sleep,
            )


# Findings that need the id of the workspace.
_WORKSPACE_ID_CODES = {
    "trust_external_id_foreign",
    "trust_workspace_missing",
    "role_shared",
    "role_tags",
    "role_tags_full",
}


def _findings_without_workspace(account: Account, have: Role | None, context: Context) -> list[Finding]:
    """Return the findings of a role whose workspace cannot be used.

    If the id of the workspace is unknown, the one in the role's tag is used. Without a tag, each exact external id in
    the trust policy may be the right one, so there are no findings about ids.
    """
    if have is None:
        return roles.findings(account.role_spec, None)
    spec = replace(account.role_spec, partition=have.arn.split(":")[1])
    if workspace_id := context.workspace_id(account):
        return roles.findings(replace(spec, workspace_id=workspace_id), have)
    served = roles.tagged_workspaces(have)
    ids = sorted(served or policy.external_ids(have.trust, spec.microsoft_account_id))
    workspace_id, external_ids = next(iter(ids), ""), (*spec.external_ids, *ids)
    findings = roles.findings(replace(spec, workspace_id=workspace_id, external_ids=external_ids), have)
    return [one for one in findings if served or one.code not in _WORKSPACE_ID_CODES]


async def _reread_if_changing(
    adapter: RoleAdapter, have: Role | None, overlay: Callable[[Role | None], Role | None], context: Context
) -> Role | None:
    """Read the role again if it will be changed: someone else may have changed it since the first read."""
    if have is None or context.check_mode:
        return have
    calls: list[Call] = []
    with suppress(SentinelError):  # reconcile_role raises it again
        calls = role_plan.plan(have, overlay(have))
        if not calls:
            return have
    return await read_consistent(
        adapter.read if _removes_policies(calls) else partial(adapter.reread, have), context.slots.sleep
    )


def _removes_policies(calls: Iterable[Call]) -> bool:
    """Whether calls remove or overwrite policies, so that a policy added meanwhile must be read and reported first.

    Not if the whole role is deleted: AWS refuses to delete a role that still has a policy.
    """
    names = {call.name for call in calls}
    return bool(names & {"DeleteRolePolicy", "PutRolePolicy"}) or names & {"DetachRolePolicy", "DeleteRole"} == {
        "DetachRolePolicy"
    }


async def read_consistent(read: Callable[[], Awaitable[T]], sleep: Sleep = asyncio.sleep) -> T:
    """Read a resource that takes several requests, up to MAX_REREADS times again while it changes in between."""
    for pause, _attempt in zip(pauses(_random.uniform), range(MAX_REREADS), strict=False):
        with suppress(ChangedError):
            return await read()
        await sleep(pause)
    return await read()


@asynccontextmanager
async def _connector_findings_on_error(
    report: AccountReport, account: Account, sentinel: Sentinel, have: Role | None
) -> AsyncIterator[None]:
    """Add the findings of the connectors if the role fails, as they are not read after that."""
    try:
        yield
    except SentinelError as error:
        spec = ConnectorSpec(have.arn if have else account.role_spec.arn, sentinel.id, account.role_spec.workspace_id)
        with suppress(SentinelError):
            existing = await sentinel.connectors(account.account_id, spec.name)
            report.findings += connectors.findings(spec, existing)
            if error.kind == "role_conflict" and have:
                report.findings += [
                    roles.refused_role_finding(have, one.name) for one in existing if one.role_arn == have.arn
                ]
        raise


@contextmanager
def _findings_on_error(
    report: AccountReport,
    findings: Callable[[], list[Finding]],
    is_relevant: Callable[[Finding], bool] = lambda _finding: True,
) -> Iterator[None]:
    """Add the findings of the role if an error ends the work before they are reported."""
    try:
        yield
    except SentinelError:
        report.findings += [one for one in findings() if is_relevant(one) and one not in report.findings]
        raise


@asynccontextmanager
async def role_timeout(account: Account) -> AsyncIterator[None]:
    """Limit the time for the role of one account; raises transient."""
    try:
        async with asyncio.timeout(ROLE_TIMEOUT_SECONDS):
            yield
    except TimeoutError as error:
        what = f"finish account {account.account_id}"
        raise cannot("transient", what, f"AWS took longer than {ROLE_TIMEOUT_SECONDS:.0f} seconds") from error


async def _read_role(account: Account, context: Context, *, removing: bool = False) -> tuple[RoleAdapter, Role | None]:
    keys = await _assume_role(account, context, removing=removing)
    iam = context.aws.service("iam").client(keys)
    adapter = RoleAdapter(
        iam, account.account_id, account.role_spec.name, writes=not context.check_mode, removing=removing
    )
    async with role_timeout(account):
        return adapter, await read_consistent(adapter.read, context.slots.sleep)


async def _assume_role(account: Account, context: Context, *, removing: bool) -> Keys:
    work = session_scope(account.role_spec, check_mode=context.check_mode, removing=removing)

    async def assume_role() -> Keys:
        async with role_timeout(account):
            return await context.aws.assume_role_in(
                account.account_id, account.assume_role, account.role_spec.name, work
            )

    return await new_account.retry_while_new(account, assume_role, context.slots.sleep)


async def reconcile_role(
    report: AccountReport,
    spec: RoleSpec,
    adapter: Adapter[Role],
    *,
    check_mode: bool,
    absent: bool = False,
    sleep: Sleep = asyncio.sleep,
) -> Outcome[Role]:
    """Change the role to its desired state; with `absent` remove this workspace's part of it, or all of it."""
    overlay = partial(roles.without if absent else roles.overlay, spec)
    header = f"role {spec.name} in account {spec.account_id}"
    reads = _Reads[Role](report, header, roles.show, None if absent else partial(roles.findings, spec))
    with reads.diff_on_error(overlay):
        outcome = await reconcile(
            adapter,
            overlay,
            role_plan.plan,
            check_mode=check_mode,
            applied=report.calls,
            on_read=reads.add,
            sleep=sleep,
        )
    reads.finish(outcome)
    report.add("role", roles.show, outcome.want)
    report.role_arn = outcome.want.arn if outcome.want else ""
    if absent and outcome.want:
        report.findings += filter(is_security, roles.findings(spec, outcome.want))
    return outcome


class _Reads(Generic[T]):
    """Each state of a resource that was read, for findings and diff: what a repair removes is reported before it.

    `findings` is None if the resource is removed. Of later reads only what neither the first read had nor is desired
    counts: changes made by this run are in the diff already.
    """

    def __init__(
        self,
        report: AccountReport,
        header: str,
        show: Callable[[T | None], dict[str, Any]],
        findings: Callable[[T | None], list[Finding]] | None,
    ) -> None:
        self._report = report
        self._header = header
        self._show = show
        self._findings = findings
        self._reads: list[T | None] = []
        self._found: list[Finding] = []

    def add(self, have: T | None) -> None:
        """Add a state, and its findings to the report."""
        found = self._findings_of(have)
        if self._reads:
            found = [one for one in found if is_security(one) and one not in self._found]
        self._reads.append(have)
        self._found += found
        self._report.findings += found

    def _findings_of(self, have: T | None) -> list[Finding]:
        return self._findings(have) if self._findings else []

    @contextmanager
    def diff_on_error(self, overlay: Callable[[T | None], T | None]) -> Iterator[None]:
        """Report the intended diff if the work fails, as a part of it may have been applied."""
        try:
            yield
        except BaseException:
            for number, have in enumerate(self._reads):
                with suppress(SentinelError):  # a refusal changes nothing
                    self._add_diff(number, have, overlay(have))
            raise

    def finish(self, outcome: Outcome[T]) -> None:
        """Report the diff and the repaired findings."""
        if not outcome.changed:
            return
        self._report.repaired |= repaired(self._found, self._findings_of(outcome.want))
        for number, have in enumerate(self._reads):
            self._add_diff(number, have, outcome.want)

    def _add_diff(self, number: int, have: T | None, want: T | None) -> None:
        first, before, after = (self._show(one) for one in (self._reads[0], have, want))
        if number == 0 or contains_new(before, first, after):
            self._report.diff.append(difference(self._header, before, after))


async def reconcile_connector(
    report: AccountReport,
    spec: ConnectorSpec,
    sentinel: Sentinel,
    *,
    check_mode: bool,
    visible: UntilUsable | None = None,
    absent: bool = False,
) -> None:
    """Change the connector of a role to its desired state, or with `absent` remove it.

    For a new role, each call waits for its turn by `visible`.
    """
    adapter = sentinel.connector_adapter(spec, writes=not check_mode, until_usable=visible)

    def overlay(have: Connectors | None) -> Connectors:
        return (connectors.without if absent else connectors.overlay)(spec, have or ())

    def show(have: Connectors | None) -> dict[str, Any]:
        found = connectors.choose(spec, have or ())
        # After a removal, a connector of another role in the same account is not the result.
        return connectors.show(None if absent and found and found.role_arn != spec.role_arn else found)

    def findings(have: Connectors | None) -> list[Finding]:
        return connectors.findings(spec, have or ())

    header = f"data connector of {spec.role_arn}"
    reads = _Reads[Connectors](report, header, show, None if absent else findings)
    with reads.diff_on_error(overlay):
        outcome = await reconcile(
            adapter, overlay, connectors.plan, check_mode=check_mode, applied=report.calls, on_read=reads.add
        )
    reads.finish(outcome)
    report.add("connector", show, outcome.want)
    report.connector_id = show(outcome.want).get("id", "")
