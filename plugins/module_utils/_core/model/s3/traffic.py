# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The traffic of a queue: messages that wait, and what Amazon CloudWatch counted. Pure.

Source: "Available CloudWatch metrics for Amazon SQS" (Amazon SQS Developer Guide). CloudWatch has counts of a queue
that was used in the last six hours only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from ..duration import format_duration
from ..findings import Finding, finding

# The hours that CloudWatch's counts are for.
WINDOW_SECONDS = 10_800
MAX_AGE_SECONDS = 3_600


@dataclass(frozen=True, slots=True)
class Waiting:
    """The messages of a queue: those that wait, and those that were received and not deleted yet."""

    messages: int
    in_flight: int


@dataclass(frozen=True, slots=True)
class Counts:
    """What CloudWatch counted within WINDOW_SECONDS; `oldest_seconds` is the age of the oldest message."""

    sent: int
    received: int
    deleted: int
    oldest_seconds: int


@dataclass(frozen=True, slots=True)
class Traffic:
    """The traffic of a queue and of its dead-letter queue; None for what is unknown or does not exist."""

    waiting: Waiting | None = None
    dead_letters: int | None = None
    counts: Counts | None = None


def findings(name: str, traffic: Traffic, *, objects_arrive: bool) -> Iterator[Finding]:
    """Yield what the counters of the queue of this name show; `objects_arrive` is whether objects are new."""
    if traffic.dead_letters:
        text = f"{traffic.dead_letters:,} messages of queue {name} could not be processed, and are dead letters."
        yield finding("queue_dead_letters", text)
    counts = traffic.counts
    if not counts:
        return
    window = format_duration(WINDOW_SECONDS)
    if objects_arrive and not counts.sent:
        yield finding("queue_unused", f"Objects arrive, and nothing was sent to queue {name} in {window}.")
    if counts.sent and not counts.received:
        text = f"{counts.sent:,} messages were sent to queue {name} in {window}, and none was received."
        yield finding("connector_receives_nothing", text)
    if counts.received and not counts.deleted:
        text = f"{counts.received:,} messages of queue {name} were received in {window}, and none was deleted."
        yield finding("connector_deletes_nothing", text)
    if counts.oldest_seconds > MAX_AGE_SECONDS:
        yield finding(
            "queue_backlog", f"The oldest message of queue {name} waits for {format_duration(counts.oldest_seconds)}."
        )


def show(traffic: Traffic) -> dict[str, Any]:
    """Return the counters as they appear in results; None for what is unknown."""
    waiting, counts = traffic.waiting, traffic.counts
    return {
        "messages": waiting.messages if waiting else None,
        "in_flight": waiting.in_flight if waiting else None,
        "dead_letters": traffic.dead_letters,
        **(asdict(counts) if counts else dict.fromkeys(("sent", "received", "deleted", "oldest_seconds"))),
    }
