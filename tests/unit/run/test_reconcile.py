# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one path: what check mode promises is what happens, what was done is never forgotten, and waiting ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import (
    ChangedError,
    NotYetError,
    SentinelError,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.plan import Call
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run import reconcile as spine
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run.reconcile import Known, Outcome, reconcile

Bag = frozenset[str]


def add(word: str) -> Call:
    return Call("Add", {"word": word})


def remove(word: str) -> Call:
    return Call("Remove", {"word": word})


def plan(have: Bag | None, want: Bag | None) -> list[Call]:
    have, want = have or frozenset(), want or frozenset()
    return [*map(add, sorted(want - have)), *map(remove, sorted(have - want))]


def spec(words: str) -> Callable[[Bag | None], Bag]:
    return lambda _have: frozenset(words)


@dataclass
class Shelf:
    """A service that keeps a bag of words, where calls can fail: `errors` has those of the calls to come."""

    bag: Bag | None = None
    errors: dict[int, Exception] = field(default_factory=dict)
    colleague: dict[int, Bag] = field(default_factory=dict)
    tried: list[Call] = field(default_factory=list)
    reads: int = 0

    async def read(self) -> Bag | None:
        self.reads += 1
        return self.bag

    async def apply(self, call: Call) -> None:
        number = len(self.tried)
        self.tried.append(call)
        self.bag = self.colleague.get(number, self.bag)
        if number in self.errors:
            raise self.errors[number]
        word = frozenset({call.args["word"]})
        self.bag = (self.bag or frozenset()) | word if call.name == "Add" else (self.bag or frozenset()) - word


@dataclass
class Clock:
    """Time that passes only by sleeping."""

    now: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def bring(
    shelf: Shelf,
    overlay: Callable[[Bag | None], Bag | None],
    *,
    check_mode: bool = False,
    made: list[Call] | None = None,
    seen: Callable[[Bag | None], None] = lambda _have: None,
) -> Outcome[Bag]:
    made = [] if made is None else made
    return asyncio.run(
        reconcile(shelf, overlay, plan, check_mode=check_mode, made=made, seen=seen, sleep=spine.time.sleep)
    )


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(spine, "time", clock)
    return clock


NOT_YET = NotYetError("transient", "Cannot yet.")
CHANGED = ChangedError("connector_conflict", "Cannot now.")
DENIED = SentinelError("aws_denied", "Cannot ever.")


# --- the plain path ---


def test_what_is_right_is_only_read(clock: Clock) -> None:
    shelf, made = Shelf(frozenset("ab")), []
    outcome = bring(shelf, spec("ab"), made=made)
    assert outcome == Outcome(frozenset("ab"), frozenset("ab"), [])
    assert not outcome.changed
    assert (shelf.reads, shelf.tried, made, clock.slept) == (1, [], [], [])


def test_the_calls_of_the_plan_are_made_in_order(clock: Clock) -> None:
    shelf, made = Shelf(frozenset("xy")), []
    outcome = bring(shelf, spec("ax"), made=made)
    assert outcome == Outcome(frozenset("xy"), frozenset("ax"), [add("a"), remove("y")])
    assert outcome.changed
    assert shelf.tried == made == [add("a"), remove("y")]
    assert shelf.bag == frozenset("ax")
    assert (shelf.reads, clock.slept) == (1, [])


def test_the_wish_is_laid_over_what_is_there() -> None:
    shelf = Shelf(frozenset("x"))
    outcome = bring(shelf, lambda have: (have or frozenset()) | {"a"})
    assert outcome.want == shelf.bag == frozenset("ax")


def test_nothing_may_be_wished() -> None:
    shelf = Shelf(frozenset("x"))
    assert bring(shelf, lambda _have: None).want is None
    assert shelf.bag == frozenset()


# --- check mode ---


def test_check_mode_applies_nothing_and_tells_the_calls(clock: Clock) -> None:
    shelf, made = Shelf(frozenset("xy"), errors={0: DENIED}), []
    outcome = bring(shelf, spec("ax"), check_mode=True, made=made)
    assert outcome == Outcome(frozenset("xy"), frozenset("ax"), [add("a"), remove("y")])
    assert made == outcome.calls
    assert (shelf.tried, shelf.bag, clock.slept) == ([], frozenset("xy"), [])


bags = st.none() | st.frozensets(st.sampled_from("abcd"))


@given(bags, st.frozensets(st.sampled_from("abcd")))
def test_check_mode_and_the_real_run_have_the_same_outcome(have: Bag | None, want: Bag) -> None:
    shelf, planned, made = Shelf(have), [], []
    promised = bring(shelf, lambda _have: want, check_mode=True, made=planned)
    happened = bring(shelf, lambda _have: want, made=made)
    assert promised == happened
    assert planned == made
    assert not bring(shelf, lambda _have: want, check_mode=True).changed


def test_calls_of_an_earlier_thing_stay_and_are_not_counted_again() -> None:
    for check_mode in (True, False):
        made = [add("z")]
        outcome = bring(Shelf(), spec("a"), check_mode=check_mode, made=made)
        assert made == [add("z"), add("a")]
        assert outcome.calls == [add("a")]


# --- what was there ---


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize("have", [None, frozenset(), frozenset("x"), frozenset("a")], ids=repr)
def test_what_was_there_is_seen_once_and_before_the_first_call(have: Bag | None, check_mode: bool) -> None:
    shelf, seen = Shelf(have), []
    bring(shelf, spec("a"), check_mode=check_mode, seen=lambda found: seen.append((found, list(shelf.tried))))
    assert seen == [(have, [])]


def test_what_was_there_is_seen_though_the_first_call_fails() -> None:
    seen: list[Bag | None] = []
    with pytest.raises(SentinelError):
        bring(Shelf(frozenset("x"), errors={0: DENIED}), spec("a"), seen=seen.append)
    assert seen == [frozenset("x")]


@pytest.mark.parametrize("have", [None, frozenset("x")], ids=["nothing", "something"])
def test_a_second_look_at_the_same_is_no_second_sight(have: Bag | None) -> None:
    seen: list[Bag | None] = []
    bring(Shelf(have, errors={0: CHANGED, 1: CHANGED}), spec("a"), seen=seen.append)
    assert seen == [have]


def test_what_a_colleague_left_is_seen_as_well() -> None:
    seen: list[Bag | None] = []
    bring(Shelf(frozenset("x"), errors={0: CHANGED}, colleague={0: frozenset("y")}), spec("a"), seen=seen.append)
    assert seen == [frozenset("x"), frozenset("y")]


@pytest.mark.parametrize("have", [None, frozenset("x")], ids=["nothing", "something"])
def test_what_was_read_already_is_read_once_more_only_after_a_change(have: Bag | None) -> None:
    shelf = Shelf(frozenset("y"), errors={0: CHANGED})
    known = Known(shelf, have)
    assert asyncio.run(known.read()) == have
    assert shelf.reads == 0
    assert [asyncio.run(known.read()) for _look in range(2)] == [frozenset("y")] * 2
    with pytest.raises(ChangedError):
        asyncio.run(known.apply(add("a")))
    assert shelf.tried == [add("a")]


# --- a service that is not ready yet ---


def test_a_call_is_repeated_while_the_service_is_not_ready(clock: Clock) -> None:
    shelf, made = Shelf(errors={1: NOT_YET, 2: NOT_YET}), []
    outcome = bring(shelf, spec("ab"), made=made)
    assert shelf.tried == [add("a"), add("b"), add("b"), add("b")]
    assert outcome.calls == made == [add("a"), add("b")]
    assert shelf.reads == 1
    assert len(clock.slept) == 2


def test_pauses_grow_and_are_never_long(clock: Clock) -> None:
    shelf = Shelf(errors=dict.fromkeys(range(9), NOT_YET))
    bring(shelf, spec("a"))
    limits = [0.5, 1, 2, 4, 8, 10, 10, 10, 10]
    assert all(limit / 2 <= pause <= limit for pause, limit in zip(clock.slept, limits, strict=True))


def test_pauses_differ_so_that_accounts_do_not_come_back_together(clock: Clock) -> None:
    shelf = Shelf(errors={0: NOT_YET, 1: NOT_YET, 3: NOT_YET, 4: NOT_YET})
    bring(shelf, spec("ab"))
    assert len(set(clock.slept)) == 4


def test_waiting_for_a_call_ends(clock: Clock) -> None:
    shelf, made = Shelf(errors=dict.fromkeys(range(1, 1000), NOT_YET)), []
    with pytest.raises(NotYetError, match=r"Cannot yet\."):
        bring(shelf, spec("ab"), made=made)
    assert spine.RETRY_TIMEOUT - 10 <= sum(clock.slept) <= spine.RETRY_TIMEOUT
    assert made == [add("a")]


def test_all_calls_of_a_plan_share_one_deadline(clock: Clock) -> None:
    slow = {number: NOT_YET for number in range(1000) if number % 8 != 7}
    with pytest.raises(NotYetError):
        bring(Shelf(errors=slow), spec("abcdefghijklmnopqrstuvwxyz"))
    assert sum(clock.slept) <= spine.RETRY_TIMEOUT


# --- a colleague who changes the same thing ---


def test_after_a_change_by_somebody_else_all_is_decided_anew(clock: Clock) -> None:
    shelf = Shelf(frozenset("x"), errors={1: CHANGED}, colleague={1: frozenset("abx")})
    made: list[Call] = []
    outcome = bring(shelf, spec("abc"), made=made)
    assert shelf.tried == [add("a"), add("b"), add("c"), remove("x")]
    assert shelf.bag == frozenset("abc")
    assert outcome == Outcome(frozenset("x"), frozenset("abc"), [add("a"), add("b"), add("c"), remove("x")])
    assert made == outcome.calls
    assert (shelf.reads, len(clock.slept)) == (2, 1)


def test_work_that_is_refused_because_it_is_done_is_told_as_done() -> None:
    """By a colleague, or by an earlier try whose answer was lost."""
    shelf, made = Shelf(frozenset("ab"), {0: CHANGED}, {0: frozenset("a")}), list[Call]()
    outcome = bring(shelf, spec("a"), made=made)
    assert outcome == Outcome(frozenset("ab"), frozenset("a"), [remove("b")])
    assert made == outcome.calls
    assert shelf.tried == [remove("b")]


def test_what_was_to_be_done_to_a_thing_that_is_gone_is_not_told_as_done() -> None:
    outcome = bring(Shelf(frozenset("ax"), {0: CHANGED}, {0: frozenset()}), spec("a"))
    assert outcome.calls == [remove("x"), add("a")]
    gone = Shelf(frozenset("ax"), {0: CHANGED})
    gone.colleague = {0: None}  # type: ignore[dict-item]
    assert bring(gone, spec("a")).calls == [add("a")]


def test_the_wish_is_laid_over_what_the_colleague_left() -> None:
    shelf = Shelf(frozenset("x"), errors={0: CHANGED}, colleague={0: frozenset("y")})
    outcome = bring(shelf, lambda have: (have or frozenset()) | {"a"})
    assert outcome.want == shelf.bag == frozenset("ay")
    assert outcome.have == frozenset("x")


def test_a_quarrel_with_a_colleague_ends(clock: Clock) -> None:
    shelf = Shelf(errors=dict.fromkeys(range(1000), CHANGED))
    with pytest.raises(ChangedError, match=r"Cannot now\."):
        bring(shelf, spec("a"))
    assert spine.RETRY_TIMEOUT - 10 <= sum(clock.slept) <= spine.RETRY_TIMEOUT
    assert shelf.reads == len(shelf.tried)


# --- failures ---


def test_any_other_error_ends_it_at_once(clock: Clock) -> None:
    shelf = Shelf(errors={0: DENIED})
    with pytest.raises(SentinelError, match=r"Cannot ever\."):
        bring(shelf, spec("a"))
    assert (shelf.tried, clock.slept) == ([add("a")], [])


@pytest.mark.parametrize("failing", range(3))
def test_what_was_done_before_a_failure_is_told(failing: int) -> None:
    shelf, made = Shelf(errors={failing: DENIED}), [add("z")]
    with pytest.raises(SentinelError):
        bring(shelf, spec("abc"), made=made)
    assert made == [add("z"), *[add("a"), add("b"), add("c")][:failing]]


@pytest.mark.parametrize("crash", range(4))
def test_the_next_run_finishes_what_a_crash_left(crash: int) -> None:
    shelf = Shelf(frozenset("wx"), errors={crash: DENIED})
    with pytest.raises(SentinelError):
        bring(shelf, spec("ab"))
    bring(shelf, spec("ab"))
    assert shelf.bag == frozenset("ab")


def test_what_cannot_be_read_is_never_taken_for_absent() -> None:
    class Closed(Shelf):
        async def read(self) -> Bag | None:
            raise DENIED

    shelf = Closed()
    with pytest.raises(SentinelError, match=r"Cannot ever\."):
        bring(shelf, spec("a"))
    assert shelf.tried == []
