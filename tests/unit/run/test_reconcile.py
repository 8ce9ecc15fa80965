# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""reconcile: check mode equals the real run, calls that were made are never lost, and retries end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.account_result import AccountReport
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import (
    ChangedError,
    NotYetError,
    SentinelError,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.plan import Call
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.resource import Resource
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run import reconcile as reconcile_module
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run.reconcile import (
    AlreadyRead,
    Mode,
    Outcome,
    Read,
    reconcile,
)
from tests.clock import Clock

Items = frozenset[str]


def add(item: str) -> Call:
    return Call("Add", {"item": item})


def remove(item: str) -> Call:
    return Call("Remove", {"item": item})


def plan(have: Items | None, want: Items | None) -> list[Call]:
    have, want = have or frozenset(), want or frozenset()
    return [*map(add, sorted(want - have)), *map(remove, sorted(have - want))]


def spec(items: str) -> Callable[[Items | None], Items]:
    return lambda _have: frozenset(items)


@dataclass
class Service:
    """A service with a set of items; `errors` and `changes` (by others) happen at the calls with these numbers."""

    items: Items | None = None
    errors: dict[int, Exception] = field(default_factory=dict)
    changes: dict[int, Items] = field(default_factory=dict)
    attempted: list[Call] = field(default_factory=list)
    reads: int = 0

    async def read(self) -> Items | None:
        self.reads += 1
        return self.items

    async def refresh(self, _have: Items | None, _calls: Sequence[Call]) -> Items | None:
        return await self.read()

    async def apply(self, call: Call) -> None:
        number = len(self.attempted)
        self.attempted.append(call)
        self.items = self.changes.get(number, self.items)
        if number in self.errors:
            raise self.errors[number]
        item = frozenset({call.args["item"]})
        self.items = (self.items or frozenset()) | item if call.name == "Add" else (self.items or frozenset()) - item


CLOCK = Clock()


def apply_spec(
    service: Service,
    overlay: Callable[[Items | None], Items | None],
    *,
    check_mode: bool = False,
    applied: list[Call] | None = None,
    on_read: Callable[[Items | None], None] = lambda _have: None,
) -> Outcome[Items]:
    applied = [] if applied is None else applied
    report = AccountReport(calls=applied)

    class Evidence(reconcile_module._Evidence[object, Items]):
        def add(self, have: Items | None) -> None:
            super().add(have)
            on_read(have)

    resource: Resource[object, Items] = Resource(
        name="items",
        title=str,
        overlay=lambda _spec, have: overlay(have),
        without=lambda _spec, _have: None,
        plan=plan,
        findings=lambda _spec, _have: [],
        show=lambda _spec, have: {"items": sorted(have or ())},
        id=lambda _spec, _have: "items",
    )
    mode = Mode(check_mode)
    with mock.patch.object(reconcile_module, "_Evidence", Evidence):
        return CLOCK.run(reconcile(report, resource, "the items", service, mode))


@pytest.fixture(autouse=True)
def clock() -> Clock:
    """The clock of `apply_spec`."""
    CLOCK.slept.clear()
    return CLOCK


NOT_YET = NotYetError("transient", "Cannot yet.")
CHANGED = ChangedError("connector_conflict", "Cannot now.")
DENIED = SentinelError("aws_denied", "Cannot ever.")


# --- without errors ---


def test_a_resource_as_desired_is_only_read(clock: Clock) -> None:
    service, applied = Service(frozenset("ab")), []
    outcome = apply_spec(service, spec("ab"), applied=applied)
    assert outcome == Outcome(frozenset("ab"), frozenset("ab"), [])
    assert not outcome.changed
    assert (service.reads, service.attempted, applied, clock.slept) == (1, [], [], [])


def test_the_calls_of_the_plan_are_made_in_order(clock: Clock) -> None:
    service, applied = Service(frozenset("xy")), []
    outcome = apply_spec(service, spec("ax"), applied=applied)
    assert outcome == Outcome(frozenset("xy"), frozenset("ax"), [add("a"), remove("y")])
    assert outcome.changed
    assert service.attempted == applied == [add("a"), remove("y")]
    assert service.items == frozenset("ax")
    assert (service.reads, clock.slept) == (1, [])


def test_the_desired_state_is_an_overlay_of_the_current_one() -> None:
    service = Service(frozenset("x"))
    outcome = apply_spec(service, lambda have: (have or frozenset()) | {"a"})
    assert outcome.want == service.items == frozenset("ax")


def test_the_desired_state_can_be_absent() -> None:
    service = Service(frozenset("x"))
    assert apply_spec(service, lambda _have: None).want is None
    assert service.items == frozenset()


# --- check mode ---


def test_check_mode_applies_nothing_and_returns_the_calls(clock: Clock) -> None:
    service, applied = Service(frozenset("xy"), errors={0: DENIED}), []
    outcome = apply_spec(service, spec("ax"), check_mode=True, applied=applied)
    assert outcome == Outcome(frozenset("xy"), frozenset("ax"), [add("a"), remove("y")])
    assert applied == outcome.calls
    assert (service.attempted, service.items, clock.slept) == ([], frozenset("xy"), [])


item_sets = st.none() | st.frozensets(st.sampled_from("abcd"))


@given(item_sets, st.frozensets(st.sampled_from("abcd")))
def test_check_mode_and_the_real_run_have_the_same_outcome(have: Items | None, want: Items) -> None:
    service, planned, applied = Service(have), [], []
    promised = apply_spec(service, lambda _have: want, check_mode=True, applied=planned)
    happened = apply_spec(service, lambda _have: want, applied=applied)
    assert promised == happened
    assert planned == applied
    assert not apply_spec(service, lambda _have: want, check_mode=True).changed


def test_calls_of_an_earlier_resource_are_kept_and_not_counted_again() -> None:
    for check_mode in (True, False):
        applied = [add("z")]
        outcome = apply_spec(Service(), spec("a"), check_mode=check_mode, applied=applied)
        assert applied == [add("z"), add("a")]
        assert outcome.calls == [add("a")]


# --- reads ---


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize("have", [None, frozenset(), frozenset("x"), frozenset("a")], ids=repr)
def test_the_first_read_is_reported_once_before_the_first_call(have: Items | None, check_mode: bool) -> None:
    service, on_read = Service(have), []
    apply_spec(
        service,
        spec("a"),
        check_mode=check_mode,
        on_read=lambda found: on_read.append((found, list(service.attempted))),
    )
    assert on_read == [(have, [])]


def test_the_first_read_is_reported_even_if_the_first_call_fails() -> None:
    on_read: list[Items | None] = []
    with pytest.raises(SentinelError):
        apply_spec(Service(frozenset("x"), errors={0: DENIED}), spec("a"), on_read=on_read.append)
    assert on_read == [frozenset("x")]


@pytest.mark.parametrize("have", [None, frozenset("x")], ids=["nothing", "something"])
def test_an_unchanged_second_read_is_not_reported(have: Items | None) -> None:
    on_read: list[Items | None] = []
    apply_spec(Service(have, errors={0: CHANGED, 1: CHANGED}), spec("a"), on_read=on_read.append)
    assert on_read == [have]


def test_a_concurrent_change_is_reported_as_well() -> None:
    on_read: list[Items | None] = []
    apply_spec(
        Service(frozenset("x"), errors={0: CHANGED}, changes={0: frozenset("y")}), spec("a"), on_read=on_read.append
    )
    assert on_read == [frozenset("x"), frozenset("y")]


@pytest.mark.parametrize("have", [None, frozenset("x")], ids=["nothing", "something"])
def test_already_read_returns_the_given_state_first_and_then_reads(have: Items | None) -> None:
    service = Service(frozenset("y"), errors={0: CHANGED})
    already_read = AlreadyRead(service, Read(have))
    assert asyncio.run(already_read.read()) == have
    assert service.reads == 0
    assert [asyncio.run(already_read.read()) for _read in range(2)] == [frozenset("y")] * 2
    with pytest.raises(ChangedError):
        asyncio.run(already_read.apply(add("a")))
    assert service.attempted == [add("a")]


# --- a service that is not ready yet ---


def test_a_call_is_retried_while_the_service_is_not_ready(clock: Clock) -> None:
    service, applied = Service(errors={1: NOT_YET, 2: NOT_YET}), []
    outcome = apply_spec(service, spec("ab"), applied=applied)
    assert service.attempted == [add("a"), add("b"), add("b"), add("b")]
    assert outcome.calls == applied == [add("a"), add("b")]
    assert service.reads == 1
    assert len(clock.slept) == 2


def test_pauses_grow_up_to_a_maximum(clock: Clock) -> None:
    service = Service(errors=dict.fromkeys(range(9), NOT_YET))
    apply_spec(service, spec("a"))
    limits = [0.5, 1, 2, 4, 8, 10, 10, 10, 10]
    assert all(limit / 2 <= pause <= limit for pause, limit in zip(clock.slept, limits, strict=True))


def test_pauses_are_random(clock: Clock) -> None:
    service = Service(errors={0: NOT_YET, 1: NOT_YET, 3: NOT_YET, 4: NOT_YET})
    apply_spec(service, spec("ab"))
    assert len(set(clock.slept)) == 4


def test_retries_of_a_call_end_at_the_deadline(clock: Clock) -> None:
    service, applied = Service(errors=dict.fromkeys(range(1, 1000), NOT_YET)), []
    with pytest.raises(NotYetError, match=r"Cannot yet\."):
        apply_spec(service, spec("ab"), applied=applied)
    assert reconcile_module.RETRY_TIMEOUT - 10 <= sum(clock.slept) <= reconcile_module.RETRY_TIMEOUT
    assert applied == [add("a")]


def test_an_error_may_have_a_deadline_of_its_own(clock: Clock) -> None:
    slow = NotYetError("transient", "Cannot connect yet.")
    slow.retry_timeout = 300.0
    with pytest.raises(NotYetError, match=r"Cannot connect yet\."):
        apply_spec(Service(errors=dict.fromkeys(range(1000), slow)), spec("a"))
    assert 290 <= sum(clock.slept) <= 300


def test_all_calls_of_a_plan_share_one_deadline(clock: Clock) -> None:
    slow = {number: NOT_YET for number in range(1000) if number % 8 != 7}
    with pytest.raises(NotYetError):
        apply_spec(Service(errors=slow), spec("abcdefghijklmnopqrstuvwxyz"))
    assert sum(clock.slept) <= reconcile_module.RETRY_TIMEOUT


# --- concurrent changes ---


def test_a_concurrent_change_leads_to_a_new_plan(clock: Clock) -> None:
    service = Service(frozenset("x"), errors={1: CHANGED}, changes={1: frozenset("abx")})
    applied: list[Call] = []
    outcome = apply_spec(service, spec("abc"), applied=applied)
    assert service.attempted == [add("a"), add("b"), add("c"), remove("x")]
    assert service.items == frozenset("abc")
    assert outcome == Outcome(frozenset("x"), frozenset("abc"), [add("a"), add("b"), add("c"), remove("x")])
    assert applied == outcome.calls
    assert (service.reads, len(clock.slept)) == (2, 1)


def test_a_call_whose_change_exists_already_counts_as_applied() -> None:
    """By somebody else, or by an earlier attempt whose response was lost."""
    service, applied = Service(frozenset("ab"), {0: CHANGED}, {0: frozenset("a")}), list[Call]()
    outcome = apply_spec(service, spec("a"), applied=applied)
    assert outcome == Outcome(frozenset("ab"), frozenset("a"), [remove("b")])
    assert applied == outcome.calls
    assert service.attempted == [remove("b")]


def test_a_call_for_a_resource_that_was_deleted_does_not_count_as_applied() -> None:
    outcome = apply_spec(Service(frozenset("ax"), {0: CHANGED}, {0: frozenset()}), spec("a"))
    assert outcome.calls == [remove("x"), add("a")]
    deleted = Service(frozenset("ax"), {0: CHANGED})
    deleted.changes = {0: None}  # type: ignore[dict-item]
    assert apply_spec(deleted, spec("a")).calls == [add("a")]


def test_the_overlay_uses_the_state_after_a_concurrent_change() -> None:
    service = Service(frozenset("x"), errors={0: CHANGED}, changes={0: frozenset("y")})
    outcome = apply_spec(service, lambda have: (have or frozenset()) | {"a"})
    assert outcome.want == service.items == frozenset("ay")
    assert outcome.have == frozenset("x")


def test_repeated_concurrent_changes_end_at_the_deadline(clock: Clock) -> None:
    service = Service(errors=dict.fromkeys(range(1000), CHANGED))
    with pytest.raises(ChangedError, match=r"Cannot now\."):
        apply_spec(service, spec("a"))
    assert reconcile_module.RETRY_TIMEOUT - 10 <= sum(clock.slept) <= reconcile_module.RETRY_TIMEOUT
    assert service.reads == len(service.attempted)


# --- failures ---


def test_any_other_error_is_raised_at_once(clock: Clock) -> None:
    service = Service(errors={0: DENIED})
    with pytest.raises(SentinelError, match=r"Cannot ever\."):
        apply_spec(service, spec("a"))
    assert (service.attempted, clock.slept) == ([add("a")], [])


@pytest.mark.parametrize("failing", range(3))
def test_calls_before_a_failure_are_kept(failing: int) -> None:
    service, applied = Service(errors={failing: DENIED}), [add("z")]
    with pytest.raises(SentinelError):
        apply_spec(service, spec("abc"), applied=applied)
    assert applied == [add("z"), *[add("a"), add("b"), add("c")][:failing]]


@pytest.mark.parametrize("crash", range(4))
def test_the_next_run_completes_an_interrupted_one(crash: int) -> None:
    service = Service(frozenset("wx"), errors={crash: DENIED})
    with pytest.raises(SentinelError):
        apply_spec(service, spec("ab"))
    apply_spec(service, spec("ab"))
    assert service.items == frozenset("ab")


def test_an_unreadable_resource_never_counts_as_absent() -> None:
    class Unreadable(Service):
        async def read(self) -> Items | None:
            raise DENIED

    service = Unreadable()
    with pytest.raises(SentinelError, match=r"Cannot ever\."):
        apply_spec(service, spec("a"))
    assert service.attempted == []
