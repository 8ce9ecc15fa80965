# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One thing at a time, as the single modules want it: their options in, their result out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, ParamSpec

from .cloud.aws import Aws
from .cloud.cloudformation import StackSets
from .cloud.iam import Roles, trusting
from .cloud.service import Caller
from .model import validation
from .model.account import Account, check_partition, parse
from .model.account_result import AccountReport
from .model.connector import connector as connectors
from .model.connector import workspace as workspaces
from .model.connector.connector import ConnectorSpec
from .model.credentials.credentials import AssumeRole
from .model.duration import seconds
from .model.errors import SentinelError
from .model.ingestion.ingestion import Expected
from .model.organization import stackset as stacksets
from .model.organization.stackset import StackSetSpec
from .model.plan import difference
from .model.policy import policy
from .model.role import role as roles
from .model.role.role import Role
from .model.role.session_policy import Work, work_on
from .model.text import visible
from .run.account import reconcile_connector, reconcile_role, settled
from .run.pacing import Budget
from .run.reconcile import reconcile
from .verify import ingestion, results

if TYPE_CHECKING:
    from .cloud.sentinel import Sentinel

P = ParamSpec("P")
Result = dict[str, Any]


def _on_a_loop(work: Callable[P, Coroutine[Any, Any, Result]]) -> Callable[P, Result]:
    @wraps(work)
    def run(*args: P.args, **kwargs: P.kwargs) -> Result:
        try:
            result: Result = visible(asyncio.run(work(*args, **kwargs)))
        except SentinelError as error:
            error.partial = visible(error.partial)
            # A traceback would show the causes with all that they quote.
            raise error from None
        return result

    return run


@_on_a_loop
async def aws_role(params: Mapping[str, Any], *, check_mode: bool) -> Result:
    """Run the module `aws_role`."""
    with closing(Aws(parse(params, "", names="short").aws)) as aws:
        account = await _whole(params, aws, required=True)
        absent = params["state"] == "absent"
        work = work_on(account.role_spec, check_mode=check_mode, removing=absent)
        iam = await _iam(account, aws, account.role_spec.name, work)
        with AccountReport().kept() as report:
            adapter = Roles(iam, account.account_id, account.role_spec.name, writes=not check_mode, removing=absent)
            await reconcile_role(report, account.role_spec, adapter, check_mode=check_mode, absent=absent)
    return report.result()


@_on_a_loop
async def aws_role_info(params: Mapping[str, Any]) -> Result:
    """Run the module `aws_role_info`."""
    with closing(Aws(parse(params, "", names="short").aws)) as aws:
        account = await _whole(params, aws, required=False)
        iam = await _iam(account, aws, params["name"], "read")
        found = [
            role
            for name in await _names(params["name"], account, iam)
            if (role := await settled(Roles(iam, account.account_id, name, writes=False).read))
        ]
    return {"changed": False, "roles": [_inspected(role, account) for role in found]}


async def _whole(params: Mapping[str, Any], aws: Aws, *, required: bool) -> Account:
    """Return the account with what only the services know; the workspace is asked for its id if nobody gave it."""
    account = parse(params, "", names="short")
    workspace_id = account.role_spec.workspace_id
    if not workspace_id and (required or account.workspace):
        with _opened(account) as sentinel:
            workspace_id = (await sentinel.workspace()).customer_id
    identity = await aws.identity()
    found = account.at(
        account_id=account.account_id or identity.account_id, workspace_id=workspace_id, partition=identity.partition
    )
    if required:
        check_partition(found)
    return found


async def _iam(account: Account, aws: Aws, role_name: str | None, work: Work) -> Caller:
    return aws.service("iam").of(await aws.enter(account.account_id, account.assume_role, role_name, work))


async def _names(name: str | None, account: Account, iam: Caller) -> list[str]:
    if name:
        return [name]
    microsoft = account.role_spec.microsoft_account_id
    return await trusting(iam, account.account_id, lambda document: policy.allows_account(document, microsoft))


def _inspected(role: Role, account: Account) -> Result:
    """Show a role with its findings, measured by the workspace if one is given, else by the ids that it serves.

    Those are what the trust names exactly, of a role of ours what the tag names as well: a tag alone hides nobody.
    """
    exact = policy.external_ids(role.trust, account.role_spec.microsoft_account_id)
    known = roles.served(role) & roles.admitted(account.role_spec, role) or roles.served(role) or exact
    spec = replace(
        account.role_spec, name=role.name, workspace_id=account.role_spec.workspace_id or min(known, default="")
    )
    if not account.role_spec.workspace_id:
        spec = replace(spec, external_ids=tuple(known))
    return {**roles.show(role), "findings": [found._asdict() for found in roles.findings(spec, role)]}


@_on_a_loop
async def aws_stackset(params: Mapping[str, Any], *, check_mode: bool) -> Result:
    """Run the module `aws_stackset`."""
    account = parse(params, "")
    stacksets.check_units(params["organizational_units"])
    with closing(Aws(account.aws)) as aws:
        spec = await _stackset_spec(params, account, aws)
        call = aws.service("cloudformation").of(await aws.administer(account.assume_role))
        adapter = StackSets(call, spec.name, writes=not check_mode, delegated=params["delegated_administrator"])
        with AccountReport().kept() as report:
            await _reconcile_stackset(report, spec, adapter, check_mode=check_mode, absent=params["state"] == "absent")
    return {key: value for key, value in report.result().items() if key != "findings"}


async def _stackset_spec(params: Mapping[str, Any], account: Account, aws: Aws) -> StackSetSpec:
    """Return what the StackSet shall be; one that goes needs no template, so no workspace either."""
    template: dict[str, Any] = {}
    if params["state"] == "present":
        workspace_id = account.role_spec.workspace_id
        if not workspace_id:
            with _opened(account) as sentinel:
                workspace_id = (await sentinel.workspace()).customer_id
        partition = (await aws.identity()).partition
        spec = replace(account.role_spec, workspace_id=workspace_id, partition=partition)
        check_partition(replace(account, role_spec=spec, assume_role=AssumeRole()))
        template = stacksets.template(roles.overlay(spec, None))
    units = params["organizational_units"]
    found = StackSetSpec(
        name=params["name"],
        template=template,
        region=aws.service("cloudformation").region,
        units=None if units is None else tuple(units),
        auto_deployment=params["auto_deployment"],
        retain=params["retain"],
        adopt=params["adopt"],
    )
    stacksets.check(found)
    return found


async def _reconcile_stackset(
    report: AccountReport, spec: StackSetSpec, adapter: StackSets, *, check_mode: bool, absent: bool
) -> None:
    overlay = partial(stacksets.without if absent else stacksets.overlay, spec)
    plan = partial(stacksets.plan, retain=spec.retain)
    outcome = await reconcile(adapter, overlay, plan, check_mode=check_mode, made=report.calls, seen=lambda _have: None)
    report.add("stackset", stacksets.show, outcome.want)
    if outcome.changed:
        before, after = stacksets.show(outcome.have), stacksets.show(outcome.want)
        report.diff.append(difference(f"StackSet {spec.name}", before, after))


@_on_a_loop
async def aws_connector(params: Mapping[str, Any], *, check_mode: bool) -> Result:
    """Run the module `aws_connector`."""
    role_arn = params["role_arn"]
    validation.check("", "role_arn", role_arn, "role_arn")
    account = parse(params, "", names="short")
    with _opened(account) as sentinel:
        workspace_id = account.role_spec.workspace_id or (await sentinel.workspace()).customer_id
        spec = ConnectorSpec(role_arn, sentinel.id, workspace_id, account.deduplicate)
        with AccountReport().kept() as report:
            absent = params["state"] == "absent"
            await reconcile_connector(report, spec, sentinel, check_mode=check_mode, absent=absent)
    return report.result()


@_on_a_loop
async def aws_connector_info(params: Mapping[str, Any]) -> Result:
    """Run the module `aws_connector_info`."""
    with _opened(parse(params, "", names="short")) as sentinel:
        return await sentinel.raw_connectors(_surveyed)


def _surveyed(answers: list[Mapping[str, Any]]) -> Result:
    return {
        "changed": False,
        "connectors": [shown for raw in answers if (shown := connectors.describe(raw))],
        "findings": [found._asdict() for found in connectors.survey(filter(None, map(connectors.parse, answers)))],
    }


@_on_a_loop
async def workspace_info(params: Mapping[str, Any]) -> Result:
    """Run the module `workspace_info`."""
    with _opened(parse(params, "", names="short")) as sentinel:
        return {"changed": False, "workspace": workspaces.show(await sentinel.whole_workspace())}


@_on_a_loop
async def ingestion_info(params: Mapping[str, Any]) -> Result:
    """Run the module `ingestion_info`."""
    account = parse(params, "", names="short")
    _check_place(account)
    for number in (*(params["account_ids"] or ()), *params["allow_silent_account_ids"]):
        validation.check("", "account_ids or allow_silent_account_ids", number, "account_id")
    stale_after = seconds(params["stale_after"], "stale_after")
    order = ingestion.Order(seconds(params["lookback"], "lookback"), role_last_used=params["role_last_used"])
    async with ingestion.places([account]) as found:
        [place] = found.values()
        await ingestion.look_at_events(found, order, "")
        if place.delayed:
            raise place.delayed
        numbers = params["account_ids"]
        if numbers is None:
            numbers = sorted(filter(None, {*place.links.own, *place.look.arrivals}))
        watched = [
            ingestion.Watched(
                account.at(account_id=number), Expected(number in params["allow_silent_account_ids"], stale_after)
            )
            for number in dict.fromkeys(numbers)
        ]
        await ingestion.finish(found, watched, order)
    return {
        "changed": False,
        "summary": results.summary(watched),
        "accounts": {item.account.account_id: item.result() for item in watched},
        "notes": results.notes(found),
    }


def _check_place(account: Account) -> None:
    missing = [name for name in ("subscription_id", "resource_group", "workspace") if not getattr(account, name)]
    if missing:
        raise SentinelError("bad_input", f"Cannot find the workspace: {' and '.join(missing)} not given.")


@contextmanager
def _opened(account: Account) -> Iterator[Sentinel]:
    # Azure's packages take longer to load than all others; who only works on a role does without.
    from .cloud.arm import Azure
    from .cloud.sentinel import Sentinel

    _check_place(account)
    with closing(Azure(account.azure)) as azure:
        yield Sentinel(azure, account.subscription_id, account.resource_group, account.workspace, Budget())
