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
from ..cloud.iam import RoleAdapter
from ..cloud.service import Keys
from ..model.account import Account
from ..model.account_result import AccountReport
from ..model.connector import connector as connectors
from ..model.connector.connector import ConnectorSpec
from ..model.errors import SentinelError, cannot
from ..model.findings import Finding, finding
from ..model.session_policy import session_policy
from ..model.sources import CLOUDTRAIL, SourceSpec
from . import new_account
from .pacing import Slots, Visibility
from .reconcile import Adapter, Mode, Read, Sleep, read_consistent, reconcile
from .sources import SOURCES, Source, SourceRun, Step

if TYPE_CHECKING:
    # Azure's packages take longer to load than all others, and are not needed to change a role.
    from ..cloud.sentinel import Sentinel, UntilUsable

# How long the work in an account may take in all, in seconds: a little more than waiting for IAM's consistency may.
ACCOUNT_TIMEOUT_SECONDS = 240.0

Known = tuple[Adapter[Any], Read[Any]]


@dataclass(frozen=True, slots=True)
class Context:
    """What is needed to work on an account, and shared with others.

    `ready` returns the account as soon as its workspace is known and may be used (`is_ready`); until then nothing is
    written. `workspace_id` is what is known of its id where it may not be used; `other_readers` are the connectors that
    read an account in the other workspaces of the run.
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
    """Bring every source of an account to its desired state; in check mode report what would be done."""
    if CLOUDTRAIL not in account.sources:
        account, sentinel = await context.ready(account)
        report.findings += await _unlisted(account, sentinel)
    await _each(account.sources, lambda source: _connect(report, account, source, context))


async def disconnect(report: AccountReport, account: Account, context: Context) -> None:
    """Remove every source of an account, the CloudTrail one also where it is not listed."""
    listed = dict.fromkeys((*account.sources, CLOUDTRAIL))
    await _each(reversed(listed), lambda source: _disconnect(report, account, source, context))


async def _each(sources: Iterable[SourceSpec], work: Callable[[SourceSpec], Awaitable[None]]) -> None:
    """Work on one source after the other; raises the first error when all had their turn."""
    errors: list[SentinelError] = []
    for source in sources:
        try:
            await work(source)
        except SentinelError as error:
            errors.append(error)
    if errors:
        raise errors[0]


async def _connect(report: AccountReport, account: Account, spec: SourceSpec, context: Context) -> None:
    source, aside = SOURCES[spec.type], context.slots.sleep
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


async def _disconnect(report: AccountReport, account: Account, spec: SourceSpec, context: Context) -> None:
    source = SOURCES[spec.type]
    async with context.slots:
        run = await _begin(account, spec, context, removing=True)
        opened = [(step, await _read(run, step)) for step in source.in_aws]
    first, (_adapter, before) = opened[0]
    with _reporting(report, run, first, before.have):
        run.account, run.sentinel = await context.ready(account)
    with report.with_findings(lambda: list(chain.from_iterable(_findings(run, *one) for one in opened)), security=True):
        for step, (_adapter, before) in opened:
            step.resource.without(step.spec(run), before.have)
        if source.before_removal:
            await source.before_removal(run, report.findings.extend)
        for step in reversed(source.in_workspace):
            await _step(report, run, step, asyncio.sleep)
        async with context.slots, account_timeout(account):
            for step, known in reversed(opened):
                await _step(report, run, step, context.slots.sleep, known)


async def _begin(account: Account, spec: SourceSpec, context: Context, *, removing: bool) -> SourceRun:
    """Open a session in the account that may do what the steps of the source need."""
    keys: list[Keys] = []

    def caller(service: str) -> Caller:
        return context.aws.service(service).of(keys[0])

    run = SourceRun(account, spec, context, removing, caller)

    def policy(partition: str) -> str:
        return session_policy(chain.from_iterable(one.statements(run, partition) for one in SOURCES[spec.type].in_aws))

    async def assume() -> Keys:
        async with account_timeout(account):
            return await context.aws.enter(account.account_id, account.assume_role, policy)

    keys.append(await new_account.retry_while_new(account, assume, context.slots.sleep))
    return run


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


async def _step(report: AccountReport, run: SourceRun, step: Step, sleep: Sleep, known: Known | None = None) -> None:
    """Reconcile the resource of a step; `known` is what was read of it before."""
    spec = step.spec(run)
    adapter, before = known or (step.adapter(run, spec), None)
    mode = Mode(run.context.check_mode, run.removing, sleep)
    outcome = await reconcile(report, step.resource, spec, adapter, mode, before)
    run.found[step.resource.name] = outcome.want
    if outcome.changed or (outcome.have is not None and step.is_new(outcome.have)):
        run.changed_at = time.monotonic()


def _findings(run: SourceRun, step: Step, known: Known) -> list[Finding]:
    return step.resource.findings(step.spec(run), known[1].have)


def _reporting(report: AccountReport, run: SourceRun, step: Step, have: Any) -> AbstractContextManager[None]:
    """Report what is wrong with the first resource also where the workspace cannot be used."""
    findings = step.findings_without_workspace
    return report.with_findings(lambda: findings(run, have) if findings else [], security=run.removing)


@asynccontextmanager
async def _reporting_workspace(report: AccountReport, run: SourceRun, source: Source) -> AsyncIterator[None]:
    """Report what is wrong in the workspace also where a step in AWS ends with an error."""
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
    """Return what the listing of the workspace shows of sources that the account does not list, without a request."""
    spec = ConnectorSpec(account.role_spec.arn, sentinel.id, account.role_spec.workspace_id)
    found = connectors.unlisted(spec, await sentinel.connectors(account.account_id, spec.name))
    if not account.sources and not await sentinel.is_fed_by_s3(connectors.CLOUDTRAIL_TABLE):
        found.append(finding("source_missing", "No source is listed, and no enabled S3 connector brings events."))
    return found


@asynccontextmanager
async def account_timeout(account: Account) -> AsyncIterator[None]:
    """Give up an account that takes too long; raises transient."""
    try:
        async with asyncio.timeout(ACCOUNT_TIMEOUT_SECONDS):
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
