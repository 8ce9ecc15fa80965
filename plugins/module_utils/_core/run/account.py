# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One AWS account: every step of its sources in order; removal in the reverse order."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AbstractContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

from ..cloud.aws import Aws
from ..cloud.service import Keys, ServiceClient
from ..model.account import Account
from ..model.account_result import AccountReport
from ..model.connector import connector as connectors
from ..model.connector.connector import ConnectorSpec
from ..model.errors import CombinedError, SentinelError, cannot
from ..model.findings import Finding
from ..model.session_policy import session_policy
from ..model.sources import CLOUDTRAIL, SourceSpec, missing_source
from . import new_account
from .pacing import Slots, Visibility
from .reconcile import Adapter, Mode, Read, Sleep, read_consistent, reconcile
from .sources import SOURCES, Source, SourceRun, Step
from .unexpected import kept_in

if TYPE_CHECKING:
    # Azure's packages take longer to load than all others, and not every module needs them.
    from ..cloud.sentinel import Sentinel

# The time limit of the work in one account: a little more than the limit of waiting for IAM to become consistent.
ACCOUNT_TIMEOUT_SECONDS = 240.0

StepRead = tuple[Adapter[Any], Read[Any]]


@dataclass(frozen=True, slots=True)
class Context:
    """The clients and limits that all accounts share, and what to do with them.

    `ready` waits until the workspace is read and may be used (`is_ready`), and returns the account with the id of the
    workspace; until then nothing is written. `workspace_id` returns the id, if known, of a workspace that may not be
    used. `other_readers` returns the connectors of other workspaces of the run that read the account.
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
    """Bring every source of an account to its desired state; in check mode report the changes only."""
    if CLOUDTRAIL not in account.sources:
        account, sentinel = await context.ready(account)
        report.findings += await _unlisted(account, sentinel)
    await _work_on_each(account, account.sources, lambda source: _connect(report, account, source, context))


async def disconnect(report: AccountReport, account: Account, context: Context) -> None:
    """Remove every listed source of an account, and the CloudTrail source even if it is not listed."""
    listed = dict.fromkeys((*account.sources, CLOUDTRAIL))
    await _work_on_each(account, reversed(listed), lambda source: _disconnect(report, account, source, context))


async def _work_on_each(
    account: Account, sources: Iterable[SourceSpec], work: Callable[[SourceSpec], Awaitable[None]]
) -> None:
    """Work on one source after the other; an error does not stop the next ones. Raises all errors at the end."""
    errors: dict[SourceSpec, SentinelError] = {}
    for source in sources:
        with kept_in(errors, source, f"finish source {source.type} of account {account.account_id}"):
            await work(source)
    if errors:
        first, *others = errors.values()
        raise CombinedError([first, *others]) if others else first


async def _connect(report: AccountReport, account: Account, spec: SourceSpec, context: Context) -> None:
    source, sleep = SOURCES[spec.type], context.slots.sleep
    async with context.slots:
        run = await _begin(account, spec, context, removing=False)
        first, *later = source.in_aws
        adapter, before = await _read_step(run, first)
        with _reporting(report, run, first, before.have):
            ready = context.ready(account)
            run.account, run.sentinel = await (ready if context.is_ready() else context.slots.without_slot(ready))
        async with account_timeout(account), _reporting_workspace(report, run, source):
            await _reconcile_step(report, run, first, sleep, (adapter, before))
            for step in later:
                await _reconcile_step(report, run, step, sleep)
    for step in source.in_workspace:
        await _reconcile_step(report, run, step, asyncio.sleep)


async def _disconnect(report: AccountReport, account: Account, spec: SourceSpec, context: Context) -> None:
    source = SOURCES[spec.type]
    async with context.slots:
        run = await _begin(account, spec, context, removing=True)
        opened = [(step, await _read_step(run, step)) for step in source.in_aws]
    first, (_adapter, before) = opened[0]
    with _reporting(report, run, first, before.have):
        run.account, run.sentinel = await context.ready(account)
    with report.with_findings(
        lambda: list(chain.from_iterable(_step_findings(run, *one) for one in opened)), security=True
    ):
        for step, (_adapter, before) in opened:
            step.resource.without(step.spec(run), before.have)
        if source.before_removal:
            await source.before_removal(run, report.findings.extend)
        for step in reversed(source.in_workspace):
            await _reconcile_step(report, run, step, asyncio.sleep)
        async with context.slots, account_timeout(account):
            for step, known in reversed(opened):
                await _reconcile_step(report, run, step, context.slots.sleep, known)


async def _begin(account: Account, spec: SourceSpec, context: Context, *, removing: bool) -> SourceRun:
    """Open a session in the account that may do what the steps of the source need."""
    keys: list[Keys] = []

    def caller(service: str) -> ServiceClient:
        return context.aws.service(service).client(keys[0])

    run = SourceRun(account, spec, context, removing, caller)

    def policy(partition: str) -> str:
        return session_policy(chain.from_iterable(one.statements(run, partition) for one in SOURCES[spec.type].in_aws))

    async def assume() -> Keys:
        async with account_timeout(account):
            return await context.aws.assume_role_in(account.account_id, account.assume_role, policy)

    keys.append(await new_account.retry_while_new(account, assume, context.slots.sleep))
    return run


async def _read_step(run: SourceRun, step: Step) -> StepRead:
    """Read the resource of a step before anything is decided."""
    adapter = step.adapter(run, step.spec(run))
    async with account_timeout(run.account):
        have = await read_consistent(adapter.read, run.context.slots.sleep)
    run.found[step.resource.name] = have
    return adapter, Read(have)


async def _reconcile_step(
    report: AccountReport, run: SourceRun, step: Step, sleep: Sleep, known: StepRead | None = None
) -> None:
    """Reconcile the resource of a step; `known` is its adapter and what was read before."""
    spec = step.spec(run)
    adapter, before = known or (step.adapter(run, spec), None)
    mode = Mode(run.context.check_mode, run.removing, sleep)
    outcome = await reconcile(report, step.resource, spec, adapter, mode, before)
    run.found[step.resource.name] = outcome.want
    if outcome.changed or (outcome.have is not None and step.is_new(outcome.have)):
        run.changed_at = time.monotonic()


def _step_findings(run: SourceRun, step: Step, known: StepRead) -> list[Finding]:
    return step.resource.findings(step.spec(run), known[1].have)


def _reporting(report: AccountReport, run: SourceRun, step: Step, have: Any) -> AbstractContextManager[None]:
    """Report the findings of the first resource even if the workspace cannot be used."""
    findings = step.findings_without_workspace
    return report.with_findings(lambda: findings(run, have) if findings else [], security=run.removing)


@asynccontextmanager
async def _reporting_workspace(report: AccountReport, run: SourceRun, source: Source) -> AsyncIterator[None]:
    """Report the findings of the workspace even if a step in AWS fails."""
    try:
        yield
    except SentinelError as error:
        for step in source.in_workspace:
            with suppress(SentinelError):
                spec = step.spec(run)
                have = run.found[step.resource.name] = await step.adapter(run, spec).read()
                report.findings += step.resource.findings(spec, have)
        if source.after_refusal:
            report.findings += source.after_refusal(run, error)
        raise


async def _unlisted(account: Account, sentinel: Sentinel) -> list[Finding]:
    """Return the findings about sources that the account does not list, from the workspace's list of connectors."""
    spec = ConnectorSpec(account.role_spec.arn, sentinel.id, account.role_spec.workspace_id)
    found = connectors.unlisted(spec, await sentinel.connectors(account.account_id, spec.name))
    if not account.sources and not await sentinel.is_fed_by_s3(connectors.CLOUDTRAIL_TABLE):
        found.append(missing_source())
    return found


@asynccontextmanager
async def account_timeout(account: Account) -> AsyncIterator[None]:
    """Give up an account that takes too long; raises transient."""
    try:
        async with asyncio.timeout(ACCOUNT_TIMEOUT_SECONDS):
            yield
    except TimeoutError as error:
        what = f"finish account {account.account_id}"
        raise cannot("transient", what, f"AWS took longer than {ACCOUNT_TIMEOUT_SECONDS:.0f} seconds") from error
