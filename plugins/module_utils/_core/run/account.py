# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One AWS account: every step of its sources in order; removal in the reverse order."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ..cloud.aws import Aws
from ..cloud.service import Keys, ServiceClient
from ..model.account import Account
from ..model.account_result import AccountReport
from ..model.connector import connector as connectors
from ..model.connector.connector import ConnectorSpec
from ..model.errors import CombinedError, SentinelError, cannot
from ..model.findings import Finding
from ..model.plan import Call
from ..model.session_policy import session_policy
from ..model.sources import CLOUDTRAIL, SourceSpec, missing_source
from . import new_account
from .pacing import Slots, Visibility
from .reconcile import Adapter, Mode, Read, Sleep, read_consistent, reconcile
from .sources import SOURCES
from .step import EarlierSources, Prepare, Source, SourceRun, Step
from .unexpected import kept_in
from .write_session import WriteSession

if TYPE_CHECKING:
    # Azure's packages take longer to load than all others, and not every module needs them.
    from ..cloud.sentinel import Sentinel

# The time limit of the work in one account: a little more than the limit of waiting for IAM to become consistent.
ACCOUNT_TIMEOUT_SECONDS = 240.0

StepRead = tuple[Adapter[Any], Read[Any]]
OpenedStep = tuple[Step, StepRead]


Ready = Callable[[Account], Awaitable[tuple[Account, "Sentinel"]]]


@dataclass(frozen=True, slots=True)
class Context:
    """The clients and limits that all accounts share, and what to do with them.

    `ready` waits until the workspace is read and may be used (`is_ready`), and returns the account with the id of the
    workspace; until then nothing is written. `workspace_id` returns the id, if known, of a workspace that may not be
    used. `other_readers` returns the connectors of other workspaces of the run that read the account.
    """

    aws: Aws
    ready: Ready
    is_ready: Callable[[], bool]
    workspace_id: Callable[[Account], str]
    other_readers: Callable[[str, Sentinel], Awaitable[list[dict[str, Any]]]]
    is_fed_by_run: Callable[[Account], bool]
    """Whether another account of the run has a source that ingests the events of an account without sources."""
    slots: Slots
    visibility: Visibility
    check_mode: bool

    @classmethod
    def of_module(cls, aws: Aws, slots: Slots, ready: Ready, *, check_mode: bool) -> Context:
        """Return the context of a module, which works on one account."""

        async def no_readers(_account_id: str, _sentinel: Sentinel) -> list[dict[str, Any]]:
            return []

        return cls(
            aws,
            ready,
            lambda: True,
            lambda _account: "",
            no_readers,
            lambda _account: False,
            slots,
            Visibility(),
            check_mode,
        )

    def client(self, service: str, region: str, keys: Keys) -> ServiceClient:
        """Return a client of an AWS service, by botocore's name for it, in a Region."""
        return self.aws.service(service, region).client(keys)


async def connect(report: AccountReport, account: Account, context: Context) -> None:
    """Bring every source of an account to its desired state; in check mode report the changes only."""
    if CLOUDTRAIL not in account.sources:
        # A workspace that cannot be used fails the sources, which report what they find without it.
        with suppress(SentinelError) if account.sources else nullcontext():
            report.findings += await _unlisted(*await context.ready(account), context)
    earlier = EarlierSources()

    async def work(source: SourceSpec) -> None:
        await connect_source(report, account, source, context, earlier)

    await _work_on_each(account, account.sources, work)


async def disconnect(report: AccountReport, account: Account, context: Context) -> None:
    """Remove every listed source of an account, and the CloudTrail source even if it is not listed."""
    listed = account.sources if CLOUDTRAIL in account.sources else (CLOUDTRAIL, *account.sources)
    earlier = EarlierSources()

    async def work(source: SourceSpec) -> None:
        await disconnect_source(report, account, source, context, earlier)

    await _work_on_each(account, reversed(listed), work)


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


async def connect_source(
    report: AccountReport,
    account: Account,
    spec: SourceSpec,
    context: Context,
    earlier: EarlierSources | None = None,
) -> None:
    """Bring one source of an account to its desired state; `earlier` is shared by its sources."""
    source, sleep = SOURCES[spec.type](), context.slots.sleep
    async with context.slots:
        run, opened = await _open(report, account, spec, context, earlier, removing=False)
        first, (_adapter, before) = opened[0]
        with _reporting(report, run, first, before.have):
            ready = context.ready(account)
            run.account, run.sentinel = await (ready if context.is_ready() else context.slots.without_slot(ready))
        async with AccountTimeout(account), _reporting_workspace(report, run, source):
            if source.is_new and source.is_new(run):
                _check_creatable(report, run, opened)
            for step, known in opened:
                await _reconcile_step(report, run, step, sleep, known)
    for step in _in_workspace(run):
        await _reconcile_step(report, run, step, asyncio.sleep)


async def disconnect_source(
    report: AccountReport,
    account: Account,
    spec: SourceSpec,
    context: Context,
    earlier: EarlierSources | None = None,
) -> None:
    """Remove one source of an account; `earlier` is shared by its sources."""
    source = SOURCES[spec.type]()
    async with context.slots:
        run, opened = await _open(report, account, spec, context, earlier, removing=True)
    first, (_adapter, before) = opened[0]
    with _reporting(report, run, first, before.have):
        run.account, run.sentinel = await context.ready(account)
    with report.with_findings(partial(_all_findings, run, opened), security=True):
        for step, (_adapter, before) in opened:
            step.resource.without(step.spec(run), before.have)
        if source.before_removal:
            await source.before_removal(run, report.findings.extend)
        for step in reversed(_in_workspace(run)):
            await _reconcile_step(report, run, step, asyncio.sleep)
        async with context.slots, AccountTimeout(account):
            for step, known in reversed(opened):
                await _reconcile_step(report, run, step, context.slots.sleep, known)


def _check_creatable(report: AccountReport, run: SourceRun, opened: Sequence[OpenedStep]) -> None:
    """Raise the error of a later step before an earlier one creates something that is of no use without it."""
    with report.with_findings(partial(_all_findings, run, opened), security=False):
        for step, (_adapter, before) in opened:
            step.resource.overlay(step.spec(run), before.have)


async def _open(
    report: AccountReport,
    account: Account,
    spec: SourceSpec,
    context: Context,
    earlier: EarlierSources | None,
    *,
    removing: bool,
) -> tuple[SourceRun, list[OpenedStep]]:
    """Open a session in the account, and read the resources of the source in AWS before anything is decided."""
    source = SOURCES[spec.type]()

    async def assume(policy: Callable[[str], str]) -> Keys:
        async with AccountTimeout(account):
            with _naming_source(account, spec):
                return await context.aws.assume_role_in(account.account_id, account.assume_role, policy)

    def policy(partition: str) -> str:
        of_steps = chain.from_iterable(step.statements(run, partition) for step in source.in_aws)
        return session_policy([*source.statements(run, partition), *of_steps])

    run = SourceRun(account, spec, context, removing, earlier or EarlierSources(), WriteSession(assume))
    run.keys = await new_account.retry_while_new(account, lambda: assume(policy), context.slots.sleep)
    if source.prepare:
        try:
            run.account, run.sentinel = await context.slots.without_slot(context.ready(account))
        except SentinelError:
            report.findings += await _find_without_workspace(run, source.prepare, source.in_aws)
            raise
        async with AccountTimeout(account):
            await source.prepare(run)
    opened = [(step, await _read_step(run, step)) for step in source.in_aws if step.is_used(run)]
    _expect_writes(run, opened)
    return run, opened


async def _find_without_workspace(run: SourceRun, prepare: Prepare, steps: Iterable[Step]) -> list[Finding]:
    """Return the findings that can be determined if the workspace cannot be used; its error is the one to report."""
    context, found = run.context, list[Finding]()
    with suppress(SentinelError):
        account = run.account.completed(partition=(await context.aws.identity()).partition)
        # The id of the options may be that of another workspace, which is why this one cannot be used.
        spec = replace(account.role_spec, workspace_id=context.workspace_id(account))
        run.account = replace(account, role_spec=spec)
        async with AccountTimeout(run.account):
            await prepare(run)
        for step in steps:
            if step.findings_without_workspace:
                _adapter, before = await _read_step(run, step)
                found += step.findings_without_workspace(run, before.have)
    return found


@contextmanager
def _naming_source(account: Account, spec: SourceSpec) -> Iterator[None]:
    """Name the source in the error about a session policy that AWS does not take: that of another source may fit."""
    try:
        yield
    except SentinelError as error:
        if error.kind != "bad_input" or spec == CLOUDTRAIL:
            raise
        what = f"open a session for source {spec.title} in account {account.account_id}"
        raise cannot(error.kind, what, str(error), advice="") from error


def _in_workspace(run: SourceRun) -> list[Step]:
    """Return the steps in the workspace that the options of the source ask for."""
    return [step for step in SOURCES[run.source.type]().in_workspace if step.is_used(run)]


def _expect_writes(run: SourceRun, opened: Sequence[OpenedStep]) -> None:
    """Prepare the session for the calls of the steps that make them in a session of their own."""
    if not any(step.write_statements for step, _known in opened):
        return
    found = dict(run.found)
    for step, (_adapter, before) in reversed(opened) if run.removing else opened:
        spec, have, calls = step.spec(run), before.have, list[Call]()
        with suppress(SentinelError):  # the step itself reports it
            desired = (step.resource.without if run.removing else step.resource.overlay)(spec, have)
            calls = step.resource.plan(have, desired)
            run.found[step.resource.name] = desired  # a later step may depend on it
        if step.write_statements:
            run.write_session.expect(step.resource.name, partial(step.write_statements, spec), calls)
    run.found = found


async def _read_step(run: SourceRun, step: Step) -> StepRead:
    """Read the resource of a step before anything is decided."""
    spec = step.spec(run)
    adapter, title = step.adapter(run, spec), step.resource.title(spec)
    if title in run.earlier.previewed:
        have = run.earlier.previewed[title]
    else:
        async with AccountTimeout(run.account):
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
    if run.context.check_mode:
        run.earlier.previewed[step.resource.title(spec)] = outcome.want
    if run.removing and outcome.changed:
        run.earlier.removed.add(step.resource.id(spec, outcome.have))
    if outcome.changed or (outcome.have is not None and step.is_new(outcome.have)):
        run.changed_at = time.monotonic()


def _all_findings(run: SourceRun, opened: Sequence[OpenedStep]) -> list[Finding]:
    found = (step.resource.findings(step.spec(run), before.have) for step, (_adapter, before) in opened)
    return list(chain.from_iterable(found))


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
        for step in _in_workspace(run):
            with suppress(SentinelError):
                spec = step.spec(run)
                have = run.found[step.resource.name] = await step.adapter(run, spec).read()
                report.findings += step.resource.findings(spec, have)
        if source.after_refusal:
            report.findings += source.after_refusal(run, error)
        raise


async def _unlisted(account: Account, sentinel: Sentinel, context: Context) -> list[Finding]:
    """Return the findings about sources that the account does not list, from the workspace's list of connectors."""
    spec = ConnectorSpec(account.role_spec.arn, sentinel.id, account.role_spec.workspace_id)
    found = connectors.unlisted(spec, await sentinel.connectors(account.account_id, spec.name))
    is_fed = context.is_fed_by_run(account) or await sentinel.is_fed_by_s3(connectors.CLOUDTRAIL_TABLE)
    if not account.sources and not is_fed:
        found.append(missing_source())
    return found


class AccountTimeout:
    """Give up an account that takes too long; raises transient."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._timeout = asyncio.timeout(ACCOUNT_TIMEOUT_SECONDS)

    async def __aenter__(self) -> None:
        await self._timeout.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            await self._timeout.__aexit__(kind, error, traceback)
        except TimeoutError as expired:
            what = f"finish account {self._account.account_id}"
            why = f"AWS took longer than {ACCOUNT_TIMEOUT_SECONDS:.0f} seconds"
            raise cannot("transient", what, why) from expired


async def inspect(report: AccountReport, account: Account, context: Context) -> list[SentinelError]:
    """Read every resource of every source, add the findings, and return why a run would refuse resources.

    In contrast to a preview, a refused resource does not end its source. Raises SentinelError if the workspace of an
    account without the CloudTrail source cannot be used.
    """
    if CLOUDTRAIL not in account.sources:
        account, sentinel = await context.ready(account)
        report.findings += await _unlisted(account, sentinel, context)
    earlier, errors = EarlierSources(), dict[Any, SentinelError]()
    for spec in account.sources:
        with kept_in(errors, spec, f"check source {spec.type} of account {account.account_id}"):
            await _inspect_source(report, account, spec, context, earlier, errors)
    return list(errors.values())


async def _inspect_source(
    report: AccountReport,
    account: Account,
    spec: SourceSpec,
    context: Context,
    earlier: EarlierSources,
    errors: dict[Any, SentinelError],
) -> None:
    async with context.slots:
        run, opened = await _open(report, account, spec, context, earlier, removing=False)
    run.account, run.sentinel = await context.ready(account)
    in_workspace = [(step, await _read_step(run, step)) for step in _in_workspace(run)]
    for step, (_adapter, before) in (*opened, *in_workspace):
        resource, wanted = step.resource, step.spec(run)
        report.findings += resource.findings(wanted, before.have)
        with kept_in(errors, (spec, resource.name), f"check {resource.title(wanted)}"):
            desired = run.found[resource.name] = resource.overlay(wanted, before.have)
            resource.plan(before.have, desired)
            earlier.previewed[resource.title(wanted)] = desired
