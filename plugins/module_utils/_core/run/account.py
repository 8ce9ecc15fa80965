# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One AWS account: its role, then its connector; removal is the reverse. The result of it as data."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
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
from ..model.plan import Call, difference, is_news
from ..model.policy import policy
from ..model.role import plan as role_plan
from ..model.role import role as roles
from ..model.role.role import Role, RoleSpec
from ..model.role.session_policy import work_on
from . import new_account
from .pacing import Slots, Visibility
from .reconcile import Adapter, Known, Outcome, Sleep, reconcile

if TYPE_CHECKING:
    # Azure's packages take longer to load than all others; who only works on a role does without.
    from ..cloud.sentinel import Sentinel, UntilUsable

# How long the work on a role may take in all, in seconds: a little more than waiting for IAM's consistency may.
LONGEST = 240.0
# So many times more a role is read that changes while it is read.
AGAIN = 2
_chance = random.SystemRandom()

T = TypeVar("T")


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
    """Bring the role of an account, then its connector, to the wish; in check mode say what would be done."""
    async with context.slots:
        adapter, have = await _read(account, context)
        with _told(report, partial(_known_findings, account, have, context)):
            ready = context.ready(account)
            account, sentinel = await (ready if context.is_ready() else context.slots.aside(ready))
        async with limited(account), _connectors_told(report, account, sentinel, have):
            with _told(report, partial(roles.findings, account.role_spec, have)):
                have = await _by_now(adapter, have, partial(roles.overlay, account.role_spec), context)
            known, sleep = Known(adapter, have), context.slots.sleep
            role = await reconcile_role(report, account.role_spec, known, check_mode=context.check_mode, sleep=sleep)
    arn = role.want.arn if role.want else account.role_spec.arn
    spec = ConnectorSpec(arn, sentinel.id, account.role_spec.workspace_id, account.deduplicate)
    is_new = role.changed or bool(role.have and role.have.is_new)
    visible = partial(context.visibility.turn, time.monotonic()) if is_new else None
    await reconcile_connector(report, spec, sentinel, check_mode=context.check_mode, visible=visible)


async def disconnect(report: AccountReport, account: Account, context: Context) -> None:
    """Remove the connector of an account, then what its role was there for; what is not ours is refused first."""
    async with context.slots:
        adapter, have = await _read(account, context, removing=True)
    with _told(report, partial(_known_findings, account, have, context), is_security):
        account, sentinel = await context.ready(account)
    spec = ConnectorSpec(have.arn if have else account.role_spec.arn, sentinel.id, account.role_spec.workspace_id)
    with _told(report, partial(roles.findings, account.role_spec, have), is_security):
        readers = await sentinel.connectors_reading(account.account_id)
        others = await context.other_readers(account.account_id, sentinel)
        report.findings += connectors.remaining(spec, [*readers, *others])
        if roles.without(account.role_spec, have) != have:
            connectors.check_unread(spec, readers)
        await reconcile_connector(report, spec, sentinel, check_mode=context.check_mode, absent=True)
        async with context.slots, limited(account):
            have = await _by_now(adapter, have, partial(roles.without, account.role_spec), context)
            known, sleep = Known(adapter, have), context.slots.sleep
            await reconcile_role(
                report, account.role_spec, known, check_mode=context.check_mode, absent=True, sleep=sleep
            )


# What depends on the id of the workspace alone.
_BY_ID = {
    "trust_external_id_foreign",
    "trust_workspace_missing",
    "role_shared",
    "role_tags",
    "role_tags_full",
}


def _known_findings(account: Account, have: Role | None, context: Context) -> list[Finding]:
    """Return what is wrong with a role whose workspace cannot be used.

    Where nobody knows the workspace's id that of the tag stands for it. Without that, whoever is let in by an exact id
    may be the right one, so nothing is said of ids.
    """
    if have is None:
        return roles.findings(account.role_spec, None)
    spec = replace(account.role_spec, partition=have.arn.split(":")[1])
    if workspace_id := context.workspace_id(account):
        return roles.findings(replace(spec, workspace_id=workspace_id), have)
    served = roles.served(have)
    ids = sorted(served or policy.external_ids(have.trust, spec.microsoft_account_id))
    first, external_ids = next(iter(ids), ""), (*spec.external_ids, *ids)
    found = roles.findings(replace(spec, workspace_id=first, external_ids=external_ids), have)
    return [one for one in found if served or one.code not in _BY_ID]


async def _by_now(
    adapter: RoleAdapter, have: Role | None, overlay: Callable[[Role | None], Role | None], context: Context
) -> Role | None:
    """Return the role as it is by now where something of it is to be changed: others may have while we waited."""
    if have is None or context.check_mode:
        return have
    calls: list[Call] = []
    with suppress(SentinelError):  # who refuses says so later
        calls = role_plan.plan(have, overlay(have))
        if not calls:
            return have
    return await settled(
        adapter.read if _touches_policies(calls) else partial(adapter.reread, have), context.slots.sleep
    )


def _touches_policies(calls: Iterable[Call]) -> bool:
    """Tell whether calls take away policies, or overwrite them: what came meanwhile would go unseen.

    Not so where all of the role goes: as long as it has a policy that was not seen AWS does not delete it.
    """
    names = {call.name for call in calls}
    return bool(names & {"DeleteRolePolicy", "PutRolePolicy"}) or names & {"DetachRolePolicy", "DeleteRole"} == {
        "DetachRolePolicy"
    }


async def settled(read: Callable[[], Awaitable[T]], sleep: Sleep = asyncio.sleep) -> T:
    """Read something in several requests; once more, and again, where it changes in between."""
    for pause, _again in zip(pauses(_chance.uniform), range(AGAIN), strict=False):
        with suppress(ChangedError):
            return await read()
        await sleep(pause)
    return await read()


@asynccontextmanager
async def _connectors_told(
    report: AccountReport, account: Account, sentinel: Sentinel, have: Role | None
) -> AsyncIterator[None]:
    """Where the work on the role ends with an error, tell of the connectors all the same: nobody gets to them."""
    try:
        yield
    except SentinelError as error:
        spec = ConnectorSpec(have.arn if have else account.role_spec.arn, sentinel.id, account.role_spec.workspace_id)
        with suppress(SentinelError):
            found = await sentinel.connectors(account.account_id, spec.name)
            report.findings += connectors.findings(spec, found)
            if error.kind == "role_conflict" and have:
                report.findings += [roles.refused(have, one.name) for one in found if one.role_arn == have.arn]
        raise


@contextmanager
def _told(
    report: AccountReport,
    findings: Callable[[], list[Finding]],
    wanted: Callable[[Finding], bool] = lambda _found: True,
) -> Iterator[None]:
    """Where the work ends with an error before it tells itself what is wrong with the role, tell it all the same."""
    try:
        yield
    except SentinelError:
        report.findings += [one for one in findings() if wanted(one) and one not in report.findings]
        raise


@asynccontextmanager
async def limited(account: Account) -> AsyncIterator[None]:
    """Give up an account that takes too long, whatever hangs there; raises transient."""
    try:
        async with asyncio.timeout(LONGEST):
            yield
    except TimeoutError as error:
        what = f"finish account {account.account_id}"
        raise cannot("transient", what, f"AWS took longer than {LONGEST:.0f} seconds") from error


async def _read(account: Account, context: Context, *, removing: bool = False) -> tuple[RoleAdapter, Role | None]:
    keys = await _enter(account, context, removing=removing)
    iam = context.aws.service("iam").client(keys)
    adapter = RoleAdapter(
        iam, account.account_id, account.role_spec.name, writes=not context.check_mode, removing=removing
    )
    async with limited(account):
        return adapter, await settled(adapter.read, context.slots.sleep)


async def _enter(account: Account, context: Context, *, removing: bool) -> Keys:
    work = work_on(account.role_spec, check_mode=context.check_mode, removing=removing)

    async def enter() -> Keys:
        async with limited(account):
            return await context.aws.assume_role_in(
                account.account_id, account.assume_role, account.role_spec.name, work
            )

    return await new_account.patiently(account, enter, context.slots.sleep)


async def reconcile_role(
    report: AccountReport,
    spec: RoleSpec,
    adapter: Adapter[Role],
    *,
    check_mode: bool,
    absent: bool = False,
    sleep: Sleep = asyncio.sleep,
) -> Outcome[Role]:
    """Bring the role to the wish, or with `absent` remove what it is there for."""
    overlay = partial(roles.without if absent else roles.overlay, spec)

    header = f"role {spec.name} in account {spec.account_id}"
    evidence = _Evidence[Role](report, header, roles.show, [] if absent else [partial(roles.findings, spec)])
    with evidence.kept(overlay):
        outcome = await reconcile(
            adapter, overlay, role_plan.plan, check_mode=check_mode, made=report.calls, seen=evidence.seen, sleep=sleep
        )
    evidence.close(outcome)
    report.add("role", roles.show, outcome.want)
    report.role_arn = outcome.want.arn if outcome.want else ""
    if absent and outcome.want:
        report.findings += filter(is_security, roles.findings(spec, outcome.want))
    return outcome


class _Evidence(Generic[T]):
    """What was read of a thing, for its findings and for its diff: what a repair removes is told before it is gone.

    There may be nobody who `judges`, then there are no findings. Of later reads only that counts which neither was
    there at first nor is wished: what we did ourselves is in the diff already.
    """

    def __init__(
        self,
        report: AccountReport,
        header: str,
        show: Callable[[T | None], dict[str, Any]],
        judges: Sequence[Callable[[T | None], list[Finding]]],
    ) -> None:
        self._report = report
        self._header = header
        self._show = show
        self._judges = judges
        self._reads: list[T | None] = []
        self._found: list[Finding] = []

    def seen(self, have: T | None) -> None:
        """Take in what was read."""
        found = self._judge(have)
        if self._reads:
            found = [one for one in found if is_security(one) and one not in self._found]
        self._reads.append(have)
        self._found += found
        self._report.findings += found

    def _judge(self, have: T | None) -> list[Finding]:
        return [one for judge in self._judges for one in judge(have)]

    @contextmanager
    def kept(self, overlay: Callable[[T | None], T | None]) -> Iterator[None]:
        """Where the work fails on the way, tell what was to be changed all the same: some of it may be gone."""
        try:
            yield
        except BaseException:
            for number, have in enumerate(self._reads):
                with suppress(SentinelError):  # nothing was to be changed where the decision is a refusal
                    self._tell(number, have, overlay(have))
            raise

    def close(self, outcome: Outcome[T]) -> None:
        """Tell what was changed and repaired."""
        if not outcome.changed:
            return
        self._report.repaired |= repaired(self._found, self._judge(outcome.want))
        for number, have in enumerate(self._reads):
            self._tell(number, have, outcome.want)

    def _tell(self, number: int, have: T | None, want: T | None) -> None:
        first, now, after = (self._show(one) for one in (self._reads[0], have, want))
        if number == 0 or is_news(now, first, after):
            self._report.diff.append(difference(self._header, now, after))


async def reconcile_connector(
    report: AccountReport,
    spec: ConnectorSpec,
    sentinel: Sentinel,
    *,
    check_mode: bool,
    visible: UntilUsable | None = None,
    absent: bool = False,
) -> None:
    """Bring the connector of a role to the wish, or with `absent` remove it.

    Where the role is new, each call waits for its turn by `visible`.
    """
    adapter = sentinel.connector_adapter(spec, writes=not check_mode, until_usable=visible)

    def overlay(have: Connectors | None) -> Connectors:
        return (connectors.without if absent else connectors.overlay)(spec, have or ())

    def show(have: Connectors | None) -> dict[str, Any]:
        found = connectors.choose(spec, have or ())
        # Where this one goes another one of the account takes its place for nobody.
        return connectors.show(None if absent and found and found.role_arn != spec.role_arn else found)

    def judge(have: Connectors | None) -> list[Finding]:
        return connectors.findings(spec, have or ())

    evidence = _Evidence[Connectors](report, f"data connector of {spec.role_arn}", show, [] if absent else [judge])
    with evidence.kept(overlay):
        outcome = await reconcile(
            adapter, overlay, connectors.plan, check_mode=check_mode, made=report.calls, seen=evidence.seen
        )
    evidence.close(outcome)
    report.add("connector", show, outcome.want)
    report.connector_id = show(outcome.want).get("id", "")
