# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the trails of an S3 source deliver all events: status and event selectors. Pure.

Source: "GetTrailStatus", "GetEventSelectors", "AdvancedFieldSelector" (AWS CloudTrail API Reference).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ..findings import Finding, finding
from .trail import Trail

_NEW_SECONDS = 3_600.0
_BOTH = frozenset({"ReadOnly", "WriteOnly"})


class TrailStatus(NamedTuple):
    """The status of a trail in its home Region; times in seconds since 1970, None for never."""

    is_logging: bool
    started: float | None = None
    delivered: float | None = None
    error: str = ""
    """The error of the last delivery, empty if it succeeded."""


class EventSelectors(NamedTuple):
    """The selectors of a trail as GetEventSelectors returns them; a trail without any has all management events."""

    basic: tuple[Mapping[str, Any], ...] = ()
    advanced: tuple[Mapping[str, Any], ...] = ()


class TrailState(NamedTuple):
    """A trail with status and selectors; None for what cannot be read."""

    trail: Trail
    status: TrailStatus | None = None
    selectors: EventSelectors | None = None

    @property
    def may_log(self) -> bool:
        """Whether the trail logs, as far as it is known."""
        return self.status is None or self.status.is_logging


def omitted_events(selectors: EventSelectors) -> str:
    """Return which management events no selector includes, for a message; empty if all are included."""
    if selectors.advanced:
        return _omitted_by_advanced(selectors.advanced)
    return _omitted_by_basic(selectors.basic) if selectors.basic else ""


def _omitted_by_basic(selectors: Iterable[Mapping[str, Any]]) -> str:
    having = [one for one in selectors if one.get("IncludeManagementEvents", True)]
    kinds = {one.get("ReadWriteType", "All") for one in having}
    if not kinds:
        return "all management events"
    if not ("All" in kinds or kinds >= _BOTH):
        return "read events" if kinds == {"WriteOnly"} else "write events"
    sources = [frozenset(one.get("ExcludeManagementEventSources") or ()) for one in having]
    return ", ".join(sorted(frozenset.intersection(*sources)))


def _omitted_by_advanced(selectors: Iterable[Mapping[str, Any]]) -> str:
    fields = [one.get("FieldSelectors") or [] for one in selectors]
    having = [one for one in fields if _has_management_events(one)]
    if not having:
        return "all management events"
    limits = [frozenset(map(_limit, _limiting(one))) for one in having]
    if frozenset() in limits or {frozenset({"readOnly Equals true"}), frozenset({"readOnly Equals false"})} <= set(
        limits
    ):
        return ""
    return "events other than " + " or ".join(" and ".join(sorted(one)) for one in limits)


def _has_management_events(fields: Iterable[Mapping[str, Any]]) -> bool:
    return any(one.get("Field") == "eventCategory" and "Management" in (one.get("Equals") or ()) for one in fields)


def _limiting(fields: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    return (one for one in fields if one.get("Field") != "eventCategory")


def _limit(field: Mapping[str, Any]) -> str:
    conditions = (f"{name} {', '.join(map(str, value))}" for name, value in field.items() if name != "Field" and value)
    return f"{field.get('Field')} {' '.join(conditions)}"


def findings(states: Sequence[TrailState], *, serves_organization: bool) -> Iterator[Finding]:
    """Yield what is wrong with the trails of a source, which may be several: what one has, others may lack."""
    active = [one for one in states if one.may_log]
    if not active:
        yield from map(_stopped, states)
        return
    yield from _delivery_findings(active)
    yield from _selector_findings(active)
    named = ", ".join(one.trail.arn for one in active)
    if serves_organization and not any(one.trail.is_organization for one in active):
        yield finding("delivery_trail_account", f"{named} is no organization trail: it has events of its account only.")
    if all(not one.trail.is_multi_region for one in active):
        yield finding("delivery_trail_region", f"{named} has events of Region {active[0].trail.home_region} only.")


def _stopped(state: TrailState) -> Finding:
    return finding("delivery_trail_stopped", f"Trail {state.trail.arn} does not log.")


def _delivery_findings(active: Iterable[TrailState]) -> Iterator[Finding]:
    for one in active:
        if one.status and one.status.error:
            text = f"Trail {one.trail.arn} cannot deliver into bucket {one.trail.bucket}: {one.status.error}."
            yield finding("delivery_trail_failed", text)


def _selector_findings(active: Sequence[TrailState]) -> Iterator[Finding]:
    omitted = [omitted_events(one.selectors) if one.selectors is not None else "" for one in active]
    if all(omitted):
        text = f"The event selectors of {active[0].trail.arn} omit {omitted[0]}."
        yield finding("delivery_trail_events", text)


def is_new(states: Iterable[TrailState], now: float) -> bool:
    """Return whether a trail logs for so short a time that it may not have delivered anything; `now` as in status."""
    started = [one.status.started for one in states if one.status and one.status.started is not None]
    return any(now - one < _NEW_SECONDS for one in started)


def show(state: TrailState) -> dict[str, Any]:
    """Return a trail as it appears in results; None for what is unknown."""
    status = state.status
    return {
        "arn": state.trail.arn,
        "is_organization_trail": state.trail.is_organization,
        "is_multi_region_trail": state.trail.is_multi_region,
        "kms_key_arn": state.trail.kms_key_arn or None,
        "is_logging": status.is_logging if status else None,
        "latest_delivery_error": (status.error if status else "") or None,
        "omitted_events": None if state.selectors is None else omitted_events(state.selectors),
    }
