# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One AWS account: its role, then its connector; removal is the reverse. The result of it as data."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from ansible_collections.trailbridge.sentinel.plugins.module_utils.cloud.aws import Aws
from ansible_collections.trailbridge.sentinel.plugins.module_utils.cloud.iam import Roles
from ansible_collections.trailbridge.sentinel.plugins.module_utils.cloud.service import Keys
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model import accepted, role_plan
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model import connector as connectors
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model import role as roles
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.accepted import Accepted
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.account import Account
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.connector import Connectors, ConnectorWish
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.errors import SentinelError, cannot
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.finding import (
    Finding,
    is_security,
    repaired,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.plan import Call, difference
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.role import Role, Wish
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.session import work_on
from ansible_collections.trailbridge.sentinel.plugins.module_utils.run import newcomer
from ansible_collections.trailbridge.sentinel.plugins.module_utils.run.converge import (
    Edge,
    Known,
    Outcome,
    Sleep,
    converge,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils.run.pacer import Slots, Visibility

if TYPE_CHECKING:
    # Azure's packages take longer to load than all others; who only works on a role does without.
    from ansible_collections.trailbridge.sentinel.plugins.module_utils.cloud.sentinel import Sentinel, Turn

# How long the work on a role may take in all, in seconds: a little more than waiting for IAM's consistency may.
LONGEST = 240.0

T = TypeVar("T")


@dataclass(slots=True)
class Report:
    """What was found and done: how to show each resource ("role", "connector"), findings before the repair, and so on.

    What nobody asks to see is not worked out.
    """

    shown: dict[str, Callable[[], dict[str, Any]]] = field(default_factory=dict)
    role_arn: str = ""
    connector_id: str = ""
    findings: list[Finding] = field(default_factory=list)
    repaired: set[Finding] = field(default_factory=set)
    """Those of them that are not found any more, in check mode those that would not be."""
    accepted: dict[Finding, str] = field(default_factory=dict)
    """Those of them that somebody accepted, with the reason."""
    calls: list[Call] = field(default_factory=list)
    diff: list[dict[str, Any]] = field(default_factory=list)

    def add(self, name: str, show: Callable[[T], dict[str, Any]], after: T) -> None:
        """Take in what a resource is."""
        self.shown[name] = partial(show, after)

    def accept(self, entries: tuple[Accepted, ...], today: str, *, complete: bool) -> None:
        """Mark the findings that were accepted; `complete` says whether everything was looked at."""
        self.accepted = accepted.reasons(entries, self.findings, today)
        self.findings += accepted.leftovers(entries, self.findings, today, complete=complete)

    @property
    def unaccepted(self) -> list[Finding]:
        """The findings that nobody accepted."""
        return [one for one in self.findings if one not in self.accepted]

    @contextmanager
    def kept(self) -> Iterator[Report]:
        """Let an error that ends the work take along what was found and done until then."""
        try:
            yield self
        except SentinelError as error:
            error.partial = self.result()
            raise

    def result(self) -> dict[str, Any]:
        """Return it as the result of a module."""
        return {
            "changed": bool(self.calls),
            **{name: show() for name, show in self.shown.items()},
            "findings": [finding._asdict() for finding in self.findings],
            "calls": [call.show() for call in self.calls],
            "diff": self.diff,
        }


@dataclass(frozen=True, slots=True)
class Means:
    """What is needed to work on an account, and shared with others.

    `ready` returns the account as soon as its workspace is known and may be used (`is_ready`); until then nothing is
    written.
    """

    aws: Aws
    ready: Callable[[Account], Awaitable[tuple[Account, Sentinel]]]
    is_ready: Callable[[], bool]
    slots: Slots
    visibility: Visibility
    check_mode: bool


async def connect(report: Report, account: Account, means: Means) -> None:
    """Bring the role of an account, then its connector, to the wish; in check mode say what would be done."""
    async with means.slots:
        edge, have = await _read(account, means)
        ready = means.ready(account)
        account, sentinel = await (ready if means.is_ready() else means.slots.aside(ready))
        async with limited(account), _connectors_told(report, account, sentinel, have):
            have = await _by_now(edge, have, partial(roles.overlay, account.wish), means)
            known, sleep = Known(edge, have), means.slots.sleep
            role = await converge_role(report, account.wish, known, check_mode=means.check_mode, sleep=sleep)
    arn = role.want.arn if role.want else account.wish.arn
    wish = ConnectorWish(arn, sentinel.id, account.wish.workspace_id, account.deduplicate)
    is_new = role.changed or bool(role.have and role.have.is_new)
    visible = partial(means.visibility.turn, time.monotonic()) if is_new else None
    await converge_connector(report, wish, sentinel, check_mode=means.check_mode, visible=visible)


async def disconnect(report: Report, account: Account, means: Means) -> None:
    """Remove the connector of an account, then what its role was there for; what is not ours is refused first."""
    async with means.slots:
        edge, have = await _read(account, means, removing=True)
    account, sentinel = await means.ready(account)
    wish = ConnectorWish(have.arn if have else account.wish.arn, sentinel.id, account.wish.workspace_id)
    report.findings += connectors.remaining(wish.role_arn, await sentinel.readers(account.account_id))
    with _refusal_told(report, account.wish, have):
        roles.without(account.wish, have)
    await converge_connector(report, wish, sentinel, check_mode=means.check_mode, absent=True)
    async with means.slots, limited(account):
        have = await _by_now(edge, have, partial(roles.without, account.wish), means)
        known, sleep = Known(edge, have), means.slots.sleep
        await converge_role(report, account.wish, known, check_mode=means.check_mode, absent=True, sleep=sleep)


async def _by_now(
    edge: Roles, have: Role | None, overlay: Callable[[Role | None], Role | None], means: Means
) -> Role | None:
    """Return the role as it is by now where something of it is to be changed: others may have while we waited."""
    if have is None or means.check_mode:
        return have
    with suppress(SentinelError):  # who refuses says so later
        if not role_plan.plan(have, overlay(have)):
            return have
    return await edge.again(have)


@asynccontextmanager
async def _connectors_told(
    report: Report, account: Account, sentinel: Sentinel, have: Role | None
) -> AsyncIterator[None]:
    """Where the work on the role ends with an error, tell of the connectors all the same: nobody gets to them."""
    try:
        yield
    except SentinelError as error:
        wish = ConnectorWish(have.arn if have else account.wish.arn, sentinel.id, account.wish.workspace_id)
        with suppress(SentinelError):
            found = await sentinel.connectors(account.account_id, wish.name)
            report.findings += connectors.findings(wish, found)
            if error.kind == "role_conflict" and have:
                report.findings += [roles.refused(have, one.name) for one in found if one.role_arn == have.arn]
        raise


@contextmanager
def _refusal_told(report: Report, wish: Wish, have: Role | None) -> Iterator[None]:
    """Where a role is not removed, tell who can get at the account by it."""
    try:
        yield
    except SentinelError:
        report.findings += filter(is_security, roles.findings(wish, have))
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


async def _read(account: Account, means: Means, *, removing: bool = False) -> tuple[Roles, Role | None]:
    keys = await _enter(account, means, removing=removing)
    iam = means.aws.service("iam").of(keys)
    edge = Roles(iam, account.account_id, account.wish.name, writes=not means.check_mode, removing=removing)
    async with limited(account):
        return edge, await edge.read()


async def _enter(account: Account, means: Means, *, removing: bool) -> Keys:
    work = work_on(account.wish, check_mode=means.check_mode, removing=removing)

    async def enter() -> Keys:
        async with limited(account):
            return await means.aws.enter(account.account_id, account.entry, account.wish.name, work)

    return await newcomer.patiently(account, enter, means.slots.sleep)


async def converge_role(
    report: Report,
    wish: Wish,
    edge: Edge[Role],
    *,
    check_mode: bool,
    absent: bool = False,
    sleep: Sleep = asyncio.sleep,
) -> Outcome[Role]:
    """Bring the role to the wish, or with `absent` remove what it is there for."""
    overlay = partial(roles.without if absent else roles.overlay, wish)

    def tell(have: Role | None, want: Role | None) -> None:
        header = f"role {wish.name} in account {wish.account_id}"
        report.diff.append(difference(header, roles.show(have), roles.show(want)))

    first: list[Role | None] = []

    def seen(have: Role | None) -> None:
        first.append(have)
        report.findings += [] if absent else roles.findings(wish, have)

    with _kept_evidence(first, lambda have: tell(have, overlay(have))):
        outcome = await converge(
            edge, overlay, role_plan.plan, check_mode=check_mode, made=report.calls, seen=seen, sleep=sleep
        )
    if outcome.changed and not absent:
        report.repaired |= repaired(roles.findings(wish, outcome.have), roles.findings(wish, outcome.want))
    report.add("role", roles.show, outcome.want)
    report.role_arn = outcome.want.arn if outcome.want else ""
    if outcome.changed:
        tell(outcome.have, outcome.want)
    return outcome


@contextmanager
def _kept_evidence(first: list[T], tell: Callable[[T], None]) -> Iterator[None]:
    """Where the work fails on the way, tell what was to be changed all the same: some of it may be gone."""
    try:
        yield
    except BaseException:
        for have in first:
            with suppress(SentinelError):  # nothing was to be changed where the decision is a refusal
                tell(have)
        raise


async def converge_connector(
    report: Report,
    wish: ConnectorWish,
    sentinel: Sentinel,
    *,
    check_mode: bool,
    visible: Turn | None = None,
    absent: bool = False,
) -> None:
    """Bring the connector of a role to the wish, or with `absent` remove it.

    Where the role is new, each call waits for its turn by `visible`.
    """
    edge = sentinel.connectors_of(wish, writes=not check_mode, visible=visible)

    def overlay(have: Connectors | None) -> Connectors:
        return (connectors.without if absent else connectors.overlay)(wish, have or ())

    def show(have: Connectors | None) -> dict[str, Any]:
        return connectors.show(connectors.choose(wish, have or ()))

    def tell(have: Connectors | None, want: Connectors | None) -> None:
        after = {} if absent else show(want)
        report.diff.append(difference(f"data connector of {wish.role_arn}", show(have), after))

    first: list[Connectors | None] = []

    def seen(have: Connectors | None) -> None:
        first.append(have)
        report.findings += [] if absent else connectors.findings(wish, have or ())

    with _kept_evidence(first, lambda have: tell(have, overlay(have))):
        outcome = await converge(edge, overlay, connectors.plan, check_mode=check_mode, made=report.calls, seen=seen)
    after = None if absent else outcome.want
    if outcome.changed and not absent:
        left = connectors.findings(wish, outcome.want or ())
        report.repaired |= repaired(connectors.findings(wish, outcome.have or ()), left)
    report.add("connector", show, after)
    report.connector_id = show(after).get("id", "")
    if outcome.changed:
        tell(outcome.have, outcome.want)
