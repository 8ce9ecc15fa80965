# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the emulators keep for the S3 connector beside what moto keeps, and what a test may set."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any, Literal

Json = dict[str, Any]


@dataclass
class S3Settings:
    """How AWS and Sentinel behave around the S3 connector where that is open, or a test wants it different."""

    queue_lag_seconds: float = 0.0
    """For so long after a queue's attributes were set, S3 and Sentinel find those before."""
    queue_lag_reads: bool = False
    """Whether reads show them too."""
    queue_deleted_seconds: float = 0.0
    """For so long after a delete there cannot be a queue of that name."""
    token_version: Literal[1, 2] = 1
    """The version of tokens of STS's global endpoint; 1 is valid only in Regions that need no opt-in."""
    sentinel_tenant: str = "33e01921-4d64-4f8c-a055-5bdaffd5e33d"
    sentinel_audience: str = "api://1462b192-27f7-4cb9-8523-0f4ecb54b47e"
    """What Sentinel's token names: those of the Azure commercial cloud."""
    session_prefix: str = "MicrosoftSentinel_"
    """What comes before the workspace id in the name of Sentinel's session."""
    connectivity_check: bool = True
    """Whether PUT checks role and queue first."""
    connectivity_status: int = 400
    connectivity_code: str = "BadRequest"
    """How a failed check is answered; nobody could verify it, only the text is known."""
    s3_duplicate_scope: Literal["role_table_queue", "role_table", "role", "queue", "none"] = "role_table_queue"
    """What makes two connectors of the kind the same; nobody could verify it."""
    s3_change_in_place: bool = True
    """Whether role, queue and table of a connector can be changed by PUT; nobody could verify it."""
    stable_lists_s3: bool = True
    """Whether stable API versions, which do not describe the kind, return it; nobody could verify it."""
    queues_read: Literal["all", "first"] = "all"
    """Whether a connector reads each of its queues; nobody could verify it."""
    digests: Literal["skip", "fail"] = "skip"
    """Whether a file without `Records` is put aside, or its message stays in the queue; nobody could verify it."""
    reading: Literal["on_query", "by_command"] = "on_query"
    """When connectors read their queues: before each query is answered, or only for `read_queues`."""


@dataclass(frozen=True)
class QueueChange:
    """Attributes before a change, and until when they are in force (on the monotonic clock)."""

    before: dict[str, str]
    until: float


@dataclass
class S3State:
    """What moto does not keep."""

    event_bridge: set[str] = field(default_factory=set)
    """Buckets whose events EventBridge gets."""
    queue_changes: dict[str, QueueChange] = field(default_factory=dict)
    queues_deleted: dict[str, float] = field(default_factory=dict)
    iam_changes: dict[str, float] = field(default_factory=dict)
    """When a provider, a trust policy or (`ARN#policies`) the inline policies of a role changed."""
    subscribers: dict[str, str] = field(default_factory=dict)
    """The accounts that created subscriptions to topics of other accounts, by ARN."""
    pending_subscriptions: set[str] = field(default_factory=set)
    """Subscriptions that are not confirmed."""
    trail_status: dict[str, Json] = field(default_factory=dict)
    """Fields of the status of a trail, by its ARN, that replace those of moto."""
    flow_logs: dict[tuple[str, str], list[Json]] = field(default_factory=dict)
    destinations: dict[tuple[str, str], list[Json]] = field(default_factory=dict)
    """Flow logs, and publishing destinations of GuardDuty, as the API returns them, by account and Region."""
    token_versions: dict[str, int] = field(default_factory=dict)
    """Accounts that set the version of their tokens."""
    iam_lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    read_lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def is_new(self, name: str, seconds: float) -> bool:
        """Whether something in IAM changed less than so many seconds ago."""
        return time.monotonic() - self.iam_changes.get(name, float("-inf")) < seconds
