# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only code that changes a resource, and decides whether it changed: read, overlay, plan, apply."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from ..model.account_result import AccountReport
from ..model.backoff import RETRY_TIMEOUT, pauses
from ..model.errors import ChangedError, NotYetError, OutdatedError, SentinelError
from ..model.findings import Finding, is_security, repaired
from ..model.plan import Call, contains_new, difference
from ..model.resource import Resource

_random = random.SystemRandom()

Sleep = Callable[[float], Awaitable[None]]
Spec = TypeVar("Spec")
T = TypeVar("T")

# How often a resource that changes while it is read is read again.
MAX_REREADS = 2


class Adapter(Protocol[T]):
    """One resource of a service."""

    async def read(self) -> T | None:
        """Return the resource, None if it does not exist."""

    async def refresh(self, have: T | None, calls: Sequence[Call], /) -> T | None:
        """Return the current resource, right before these calls are made; `have` was read some time ago."""

    async def apply(self, call: Call, /) -> None:
        """Make one call of a plan; raises NotYetError or ChangedError if another attempt can succeed."""


@dataclass(frozen=True, slots=True)
class Outcome(Generic[T]):
    """The resource before and after (in check mode: as it would be after), and the calls in between."""

    have: T | None
    want: T | None
    calls: list[Call]

    @property
    def changed(self) -> bool:
        """Whether any call was made, or in check mode would be."""
        return bool(self.calls)


class Read(NamedTuple, Generic[T]):
    """A resource that was read some time ago; `have` is None if it did not exist."""

    have: T | None


class Mode(NamedTuple):
    """How to reconcile: in check mode or not, removing or not, and the function that waits."""

    check_mode: bool
    absent: bool = False
    sleep: Sleep = asyncio.sleep


class AlreadyRead(Generic[T]):
    """An adapter whose first read returns what was read before."""

    def __init__(self, adapter: Adapter[T], before: Read[T]) -> None:
        self._adapter = adapter
        self._before = [before.have]
        self.apply = adapter.apply
        self.refresh = adapter.refresh

    async def read(self) -> T | None:
        """Return what was read before; from the second time on, read."""
        return self._before.pop() if self._before else await self._adapter.read()


async def read_consistent(read: Callable[[], Awaitable[T]], sleep: Sleep = asyncio.sleep) -> T:
    """Read a resource by several requests; again if it changes in between. Raises ChangedError the third time."""
    for pause, _again in zip(pauses(_random.uniform), range(MAX_REREADS), strict=False):
        with suppress(ChangedError):
            return await read()
        await sleep(pause)
    return await read()


async def reconcile(
    report: AccountReport,
    resource: Resource[Spec, T],
    spec: Spec,
    adapter: Adapter[T],
    mode: Mode,
    before: Read[T] | None = None,
) -> Outcome[T]:
    """Bring one resource to its desired state, or remove it.

    Findings are added to the report after the read, before anything is decided; in a removal only security findings
    that remain. Changes are in `report.calls` and `report.diff` even if a later call fails. In check mode nothing is
    written, and the report is the same. A resource that was read `before` is read again only if it is to be changed.
    """
    overlay = partial(resource.without if mode.absent else resource.overlay, spec)
    evidence = _Evidence(report, resource, spec, absent=mode.absent)
    planned = _planned(resource, overlay, before.have) if before else None
    if planned and not planned.calls:
        evidence.add(planned.have)
        outcome = planned
    else:
        if before and planned and not mode.check_mode:
            with report.with_findings(partial(resource.findings, spec, before.have), security=mode.absent):
                fresh = partial(adapter.refresh, before.have, planned.calls)
                before = Read(await read_consistent(fresh, mode.sleep))
        with evidence.kept(overlay):
            known = AlreadyRead(adapter, before) if before else adapter
            outcome = await _converge(known, overlay, resource.plan, mode, applied=report.calls, on_read=evidence.add)
    evidence.close(outcome)
    return outcome


def _planned(resource: Resource[Any, T], overlay: Callable[[T | None], T | None], have: T | None) -> Outcome[T] | None:
    """Return what the earlier read leads to; None if the resource is refused or does not exist."""
    if have is None:
        return None
    with suppress(SentinelError):
        want = overlay(have)
        return Outcome(have, want, resource.plan(have, want))
    return None


class _Evidence(Generic[Spec, T]):
    """The states of a resource that were read; findings and differences are reported before a repair removes them.

    A later read is reported only if it has something new that is not desired: the run's own changes are in the diff
    already.
    """

    def __init__(self, report: AccountReport, resource: Resource[Spec, T], spec: Spec, *, absent: bool) -> None:
        self._report = report
        self._resource = resource
        self._spec = spec
        self._absent = absent
        self._reads: list[T | None] = []
        self._found: list[Finding] = []

    def add(self, have: T | None) -> None:
        """Add a state that was read."""
        found = self._findings(have)
        if self._reads:
            found = [one for one in found if is_security(one) and one not in self._found]
        self._reads.append(have)
        self._found += found
        self._report.findings += found

    def _findings(self, have: T | None) -> list[Finding]:
        return [] if self._absent else self._resource.findings(self._spec, have)

    @contextmanager
    def kept(self, overlay: Callable[[T | None], T | None]) -> Iterator[None]:
        """Report the intended changes if the work fails on the way: some of them may have been made."""
        try:
            yield
        except BaseException:
            for number, have in enumerate(self._reads):
                with suppress(SentinelError):  # a refused resource was not to be changed
                    self._add_diff(number, have, overlay(have))
            raise

    def close(self, outcome: Outcome[T]) -> None:
        """Report the resource, its changes and repairs, and in a removal the security findings that remain."""
        if outcome.changed:
            self._report.repaired |= repaired(self._found, self._findings(outcome.want))
            for number, have in enumerate(self._reads):
                self._add_diff(number, have, outcome.want)
        had, remaining = self._part(outcome.have), self._part(outcome.want)
        self._report.add(self._resource, self._spec, had, remaining, changed=outcome.changed)
        if self._absent and remaining:
            self._report.findings += filter(is_security, self._resource.findings(self._spec, remaining))

    def _add_diff(self, number: int, have: T | None, want: T | None) -> None:
        first, now, after = (self._show(one) for one in (self._reads[0], have, want))
        if number == 0 or contains_new(now, first, after):
            self._report.diff.append(difference(self._resource.title(self._spec), now, after))

    def _show(self, have: T | None) -> dict[str, Any]:
        return self._resource.show(self._spec, self._part(have))

    def _part(self, have: T | None) -> T | None:
        """Return the part of the resource that is reconciled: in a removal the part that may be removed."""
        return self._resource.removable(self._spec, have) if self._absent else have


async def _converge(
    adapter: Adapter[T],
    overlay: Callable[[T | None], T | None],
    plan: Callable[[T | None, T | None], list[Call]],
    mode: Mode,
    *,
    applied: list[Call],
    on_read: Callable[[T | None], None],
) -> Outcome[T]:
    """Change one resource to its desired state. In check mode nothing is applied, and the outcome is the same.

    `on_read` is called with the resource before anything is decided, and again if a later read differs. Each call is
    added to `applied` as soon as it was made, so that a later failure does not lose it. A call that is refused because
    its change exists already counts as applied: an earlier attempt may have made it whose response was lost.
    Raises the SentinelError of the read or of the call that failed.
    """
    calls = _Calls(applied, check_mode=mode.check_mode)
    reads: list[T | None] = []
    deadline = _RetryDeadline(mode.sleep)
    backoff = deadline.backoff()
    while True:
        try:
            have = await adapter.read()
            if have not in reads[-1:]:
                reads.append(have)
                on_read(have)
            want = overlay(have)
            planned = plan(have, want)
            calls.confirm(planned, missing=have is None and want is not None)
            await calls.make(planned, adapter, deadline)
            return Outcome(reads[0], want, calls.made)
        except ChangedError as error:
            if isinstance(error, OutdatedError):
                calls.refused()
            await deadline.wait(backoff, error)


class _Calls:
    """The calls for one resource: those that were made, and one without a response that may have been made."""

    def __init__(self, applied: list[Call], *, check_mode: bool) -> None:
        self._applied, self._start = applied, len(applied)
        self._check_mode = check_mode
        self._unconfirmed: list[Call] = []

    @property
    def made(self) -> list[Call]:
        """The calls of this resource that were made."""
        return self._applied[self._start :]

    def confirm(self, planned: list[Call], *, missing: bool) -> None:
        """Decide by a new plan whether the call without a response was made; `missing` is a resource to create."""
        # A call that is planned again was not made, and neither was one for a resource that was deleted meanwhile.
        if not missing:
            again = list(map(_without_etag, planned))
            self._applied += [call for call in self._unconfirmed if _without_etag(call) not in again]
        self._unconfirmed.clear()

    async def make(self, planned: list[Call], adapter: Adapter[Any], deadline: _RetryDeadline) -> None:
        """Make the calls in order; in check mode only add them."""
        if self._check_mode:
            self._applied += planned
            return
        for call in planned:
            self._unconfirmed.append(call)
            await _apply_with_retries(adapter, call, deadline)
            self._applied.append(self._unconfirmed.pop())

    def refused(self) -> None:
        """The service refused the last call: it was not made."""
        self._unconfirmed.clear()


def _without_etag(call: Call) -> tuple[str, dict[str, object]]:
    """Return the name and arguments of a call, without the version of the resource it is made for."""
    args = {
        name: {key: part for key, part in value.items() if key != "etag"} if isinstance(value, dict) else value
        for name, value in call.args.items()
    }
    return call.name, args


class _RetryDeadline:
    """Ends the retries for one resource; it starts with the first error, so a slow service costs no retries."""

    def __init__(self, sleep: Sleep) -> None:
        self._sleep = sleep
        self._start: float | None = None

    @staticmethod
    def backoff() -> Iterator[float]:
        """Return the pauses between the attempts of one operation, in seconds."""
        return pauses(_random.uniform)

    async def wait(self, backoff: Iterator[float], error: SentinelError) -> None:
        """Wait for the next attempt; raises `error` if that would be after the deadline."""
        now, pause = time.monotonic(), next(backoff)
        self._start = self._start or now
        if now + pause > self._start + (error.retry_timeout or RETRY_TIMEOUT):
            raise error
        await self._sleep(pause)


async def _apply_with_retries(adapter: Adapter[T], call: Call, deadline: _RetryDeadline) -> None:
    backoff = deadline.backoff()
    while True:
        try:
            await adapter.apply(call)
        except NotYetError as error:
            await deadline.wait(backoff, error)
        else:
            return
