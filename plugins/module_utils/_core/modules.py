# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entry points of the modules for one resource: options in, result out; raise SentinelError."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from contextlib import nullcontext
from dataclasses import replace
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, ParamSpec, cast

from .cloud.aws import Aws
from .cloud.cloudformation import StackSetAdapter
from .cloud.iam import RoleAdapter, find_roles_by_trust
from .cloud.service import ServiceClient
from .model import validation
from .model.account import Account, check_partition, parse
from .model.account_result import AccountReport
from .model.connector import connector as connectors
from .model.connector import workspace as workspaces
from .model.connector import workspace_content
from .model.connector.connector import CONNECTOR, Connector, ConnectorSpec
from .model.credentials.credentials import AssumeRole
from .model.duration import seconds
from .model.errors import SentinelError
from .model.ingestion.demands import expected_by_connectors, known_accounts
from .model.organization import stackset as stacksets
from .model.organization.stackset import STACKSET, StackSetSpec
from .model.policy import policy
from .model.role import role as roles
from .model.role.permissions import SessionScope, policy_for, session_scope
from .model.role.plan import ROLE
from .model.role.role import Role
from .model.s3 import inspection as inspections
from .model.s3.connector import S3_CONNECTOR, S3ConnectorSpec
from .model.sources import S3, module_source_options
from .model.text import visible
from .run.account import Context, connect_source, disconnect_source
from .run.clients import Clients
from .run.reconcile import Mode, read_consistent, reconcile
from .run.s3_inspection import inspect_account
from .run.unexpected import UnexpectedError, unexpected_error
from .verify import ingestion, results
from .verify.workspace_queries import WorkspaceQueries, open_workspaces, query_events, workspaces_of

if TYPE_CHECKING:
    from .cloud.sentinel import Sentinel

P = ParamSpec("P")
Result = dict[str, Any]
TRACEBACK_VERBOSITY = 3


def _synchronous(work: Callable[P, Coroutine[Any, Any, Result]]) -> Callable[P, Result]:
    @wraps(work)
    def run(*args: P.args, **kwargs: P.kwargs) -> Result:
        try:
            result: Result = visible(asyncio.run(work(*args, **kwargs)))
        except SentinelError as error:
            error.partial = visible(error.partial)
            # A traceback would show the causes, and the responses that they quote.
            raise error from None
        except Exception as error:  # noqa: BLE001 it is raised as an error that can be reported
            raise unexpected_error(f"run the module {work.__name__}", error) from None
        return result

    return run


def failure(error: SentinelError, verbosity: int) -> Result:
    """Return the arguments of `fail_json` for an error; from -vvv on with the traceback of an unexpected one."""
    shown: dict[str, Any] = {"msg": str(error), "error": {"class": error.kind}}
    if isinstance(error, UnexpectedError):
        # Ansible takes it where it would show a traceback of its own, with the causes and all that they quote.
        shown["exception"] = visible(error.traceback)
        shown["error"] |= {"traceback": visible(error.traceback)} if verbosity >= TRACEBACK_VERBOSITY else {}
    return {**error.partial, **shown}


@_synchronous
async def aws_role(params: Mapping[str, Any], *, check_mode: bool) -> Result:
    """Run the module `aws_role`."""
    given = parse(params, "", names="short")
    with Clients([given]) as clients:
        aws, account = await clients.aws(given), await _complete_account(given, clients, required=True)
        absent = params["state"] == "absent"
        work = session_scope(account.role_spec, check_mode=check_mode, removing=absent)
        iam = await _iam_caller(account, aws, account.role_spec.name, work)
        with AccountReport().attached_to_errors() as report:
            adapter = RoleAdapter(
                iam, account.account_id, account.role_spec.name, writes=not check_mode, removing=absent
            )
            await reconcile(report, ROLE, account.role_spec, adapter, Mode(check_mode, absent))
    return report.result()


@_synchronous
async def aws_role_info(params: Mapping[str, Any]) -> Result:
    """Run the module `aws_role_info`."""
    given = parse(params, "", names="short")
    with Clients([given]) as clients:
        aws, account = await clients.aws(given), await _complete_account(given, clients, required=False)
        iam = await _iam_caller(account, aws, params["name"], "read")
        found = [
            role
            for name in await _role_names(params["name"], account, iam)
            if (role := await read_consistent(RoleAdapter(iam, account.account_id, name, writes=False).read))
        ]
    return {"changed": False, "roles": [_role_with_findings(role, account) for role in found]}


async def _complete_account(account: Account, clients: Clients, *, required: bool) -> Account:
    """Return the account with partition, and with the ids that the options lack, read from AWS and the workspace."""
    workspace_id = account.role_spec.workspace_id
    if required or account.workspace:
        workspace_id = await _workspace_id(account, clients)
    identity = await (await clients.aws(account)).identity()
    found = account.completed(
        account_id=account.account_id or identity.account_id, workspace_id=workspace_id, partition=identity.partition
    )
    if required:
        check_partition(found)
    return found


async def _iam_caller(account: Account, aws: Aws, role_name: str | None, work: SessionScope) -> ServiceClient:
    policy = policy_for(account.account_id, role_name, work)
    return aws.service("iam").client(await aws.assume_role_in(account.account_id, account.assume_role, policy))


async def _role_names(name: str | None, account: Account, iam: ServiceClient) -> list[str]:
    if name:
        return [name]
    microsoft = account.role_spec.microsoft_account_id
    return await find_roles_by_trust(
        iam, account.account_id, lambda document: policy.allows_account(document, microsoft)
    )


def _role_with_findings(role: Role, account: Account) -> Result:
    """Return a role with its findings, for the given workspace, else for the workspaces that it serves.

    Those are the exact external ids in its trust policy; of a managed role only those that are in its tag as well.
    """
    exact = policy.external_ids(role.trust, account.role_spec.microsoft_account_id)
    tagged_workspaces = (
        roles.tagged_workspaces(role) & roles.trusted_workspaces(account.role_spec, role)
        or roles.tagged_workspaces(role)
        or exact
    )
    spec = replace(
        account.role_spec,
        name=role.name,
        workspace_id=account.role_spec.workspace_id or min(tagged_workspaces, default=""),
    )
    if not account.role_spec.workspace_id:
        spec = replace(spec, external_ids=tuple(tagged_workspaces))
    return {**roles.show(role), "findings": [found._asdict() for found in roles.findings(spec, role)]}


@_synchronous
async def aws_s3_source(params: Mapping[str, Any], *, check_mode: bool) -> Result:
    """Run the module `aws_s3_source`."""
    given = _with_s3_source(params, connector=False)
    with Clients([given]) as clients:
        account = await _complete_account(given, clients, required=True)
        # Without a workspace only its id is known, which is all that the steps in AWS need.
        sentinel = cast("Sentinel", await _workspace(account, clients) if account.workspace else None)

        async def ready(_account: Account) -> tuple[Account, Sentinel]:
            return account, sentinel

        context = Context.of_module(await clients.aws(given), clients.slots, ready, check_mode=check_mode)
        work = disconnect_source if params["state"] == "absent" else connect_source
        with AccountReport().attached_to_errors() as report:
            await work(report, account, account.sources[0], context)
    return report.result()


def _with_s3_source(params: Mapping[str, Any], *, connector: bool) -> Account:
    """Return the account with the one source that the options are for."""
    every = (*module_source_options(S3), *module_source_options(S3, for_removal=True))
    options = {option.name: params[option.name] for option in every if params.get(option.name) is not None}
    return parse({**params, "sources": [{"type": S3, "connector": connector, **options}]}, "", names="short")


@_synchronous
async def aws_s3_source_info(params: Mapping[str, Any]) -> Result:
    """Run the module `aws_s3_source_info`."""
    account = _with_s3_source(params, connector=True)
    with Clients([account]) as clients:
        if not account.workspace and not account.role_spec.workspace_id:
            _check_workspace(account)
        found = await inspect_account(account, clients, serves_organization=params["organization"])
    return {"changed": False, **inspections.show(found[0])}


@_synchronous
async def aws_stackset(params: Mapping[str, Any], *, check_mode: bool) -> Result:
    """Run the module `aws_stackset`."""
    account = parse(params, "")
    stacksets.check_units(params["organizational_units"])
    with Clients([account]) as clients:
        aws, spec = await clients.aws(account), await _stackset_spec(params, account, clients)
        call = aws.service("cloudformation").client(await aws.assume_administrator_role(account.assume_role))
        adapter = StackSetAdapter(call, spec.name, writes=not check_mode, delegated=params["delegated_administrator"])
        with AccountReport().attached_to_errors() as report:
            kind = replace(STACKSET, plan=partial(stacksets.plan, retain=spec.retain))
            await reconcile(report, kind, spec, adapter, Mode(check_mode, params["state"] == "absent"))
    return {key: value for key, value in report.result().items() if key != "findings"}


async def _stackset_spec(params: Mapping[str, Any], account: Account, clients: Clients) -> StackSetSpec:
    """Return the desired StackSet; to remove one takes neither template nor workspace."""
    aws, template = await clients.aws(account), dict[str, Any]()
    if params["state"] == "present":
        workspace_id = await _workspace_id(account, clients)
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
    stacksets.validate(found)
    return found


@_synchronous
async def aws_connector(params: Mapping[str, Any], *, check_mode: bool) -> Result:
    """Run the module `aws_connector`."""
    role_arn = params["role_arn"]
    validation.check("", "role_arn", role_arn, "role_arn")
    account = parse(params, "", names="short")
    mode = Mode(check_mode, params["state"] == "absent")
    with Clients([account]) as clients:
        sentinel, workspace_id = await _workspace(account, clients), await _workspace_id(account, clients)
        with AccountReport().attached_to_errors() as report:
            if params["kind"] == S3:
                s3_spec = _s3_connector_spec(params, sentinel.id, workspace_id)
                # How old role and queue are is not known here, so they get the time that new ones need.
                s3_adapter = sentinel.s3_connector_adapter(writes=not check_mode, until_usable=nullcontext)
                await reconcile(report, S3_CONNECTOR, s3_spec, s3_adapter, mode)
            else:
                spec = ConnectorSpec(role_arn, sentinel.id, workspace_id, account.deduplicate)
                adapter = sentinel.connector_adapter(spec, writes=not check_mode)
                await reconcile(report, CONNECTOR, spec, adapter, mode)
    return report.result()


def _s3_connector_spec(params: Mapping[str, Any], workspace: str, workspace_id: str) -> S3ConnectorSpec:
    for option in ("queue_url", "table"):
        validation.check("", option, params[option], option)
    return S3ConnectorSpec(
        params["role_arn"],
        params["queue_url"],
        params["table"],
        workspace,
        workspace_id,
        deduplicate=params["deduplicate"],
    )


@_synchronous
async def aws_connector_info(params: Mapping[str, Any]) -> Result:
    """Run the module `aws_connector_info`."""
    account = parse(params, "", names="short")
    with Clients([account]) as clients:
        sentinel = await _workspace(account, clients)
        shown, cloudtrail = await sentinel.list_connectors(_parse_connectors)
    findings = [found._asdict() for found in connectors.workspace_findings(cloudtrail)]
    return {"changed": False, "connectors": shown, "findings": findings}


def _parse_connectors(answers: list[Mapping[str, Any]]) -> tuple[list[Result], list[Connector]]:
    """Return the connectors as in results, and those of CloudTrail."""
    shown = [one for raw in answers if (one := connectors.describe(raw))]
    return shown, [one for one in map(connectors.parse, answers) if one]


@_synchronous
async def workspace_info(params: Mapping[str, Any]) -> Result:
    """Run the module `workspace_info`."""
    account = parse(params, "", names="short")
    with Clients([account]) as clients:
        sentinel = await _workspace(account, clients)
        workspace, content = await asyncio.gather(sentinel.workspace_details(), sentinel.content())
    return {"changed": False, "workspace": {**workspaces.show(workspace), **workspace_content.show(content)}}


@_synchronous
async def ingestion_info(params: Mapping[str, Any]) -> Result:
    """Run the module `ingestion_info`."""
    account = parse(params, "", names="short")
    _check_workspace(account)
    for number in (*(params["account_ids"] or ()), *params["allow_silent_account_ids"]):
        validation.check("", "account_ids or allow_silent_account_ids", number, "account_id")
    seconds(params["stale_after"], "stale_after")
    lookback = seconds(params["lookback"], "lookback")
    verify_options = ingestion.VerifyOptions(lookback, role_last_used=params["role_last_used"])
    opened = workspaces_of([account])
    [workspace] = opened.values()
    with Clients([account]) as clients:
        await open_workspaces(opened, [account], clients)
        await query_events(opened, lookback)
        if workspace.transient_error:
            raise workspace.transient_error
        accounts = _watched_accounts(params, account, workspace)
        await ingestion.finish(opened, accounts, verify_options, clients)
    return {
        "changed": False,
        "summary": results.summary(accounts),
        "accounts": {item.account.account_id: item.result() for item in accounts},
        "notes": results.workspace_notes(opened),
    }


def _watched_accounts(
    params: Mapping[str, Any], account: Account, workspace: WorkspaceQueries
) -> list[ingestion.AccountIngestion]:
    """Return the listed accounts, else all that the workspace has something of."""
    stale_after, have = seconds(params["stale_after"], "stale_after"), workspace.connectors
    numbers = params["account_ids"]
    if numbers is None:
        numbers = sorted(known_accounts(workspace.snapshot, have))
    silent = frozenset(params["allow_silent_account_ids"])
    return [
        ingestion.AccountIngestion(
            account.completed(account_id=number),
            expected_by_connectors(number, have, allow_silent=number in silent, stale_after=stale_after),
        )
        for number in dict.fromkeys(numbers)
    ]


def _check_workspace(account: Account) -> None:
    missing = [name for name in ("subscription_id", "resource_group", "workspace") if not getattr(account, name)]
    if missing:
        raise SentinelError("bad_input", f"Cannot find the workspace: {' and '.join(missing)} not given.")


async def _workspace(account: Account, clients: Clients) -> Sentinel:
    _check_workspace(account)
    return await clients.sentinel(account)


async def _workspace_id(account: Account, clients: Clients) -> str:
    """Return the workspace id of the options, else that of the workspace."""
    given = account.role_spec.workspace_id
    return given or (await (await _workspace(account, clients)).workspace()).customer_id
