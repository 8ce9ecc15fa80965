# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ARM's documented token buckets, per subscription and kind of request."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field

from .answers import ServiceError
from .state import State

RATES = {"reads": (250.0, 25.0), "writes": (200.0, 10.0), "deletes": (200.0, 10.0)}
KINDS = {"GET": "reads", "DELETE": "deletes"}


@dataclass
class Bucket:
    """A token bucket."""

    size: float
    rate: float
    level: float
    at: float = field(default_factory=time.monotonic)

    def take(self) -> float:
        """Take one token; return 0, or the seconds until one is available."""
        now = time.monotonic()
        self.level = min(self.size, self.level + (now - self.at) * self.rate)
        self.at = now
        if self.level < 1:
            return (1 - self.level) / self.rate
        self.level -= 1
        return 0.0


def spend(state: State, subscription: str, method: str) -> dict[str, str]:
    """Take a token for a request; return the headers with the rest, raise a 429 without one."""
    kind = KINDS.get(method, "writes")
    size, rate = RATES[kind]
    bucket: Bucket = state.buckets.setdefault((subscription, kind), Bucket(size, rate, size))
    wait = bucket.take() if state.settings.throttle else 0.0
    left = str(int(bucket.level))
    headers = {
        "x-ms-ratelimit-remaining-subscription-resource-requests": left,
        f"x-ms-ratelimit-remaining-subscription-{kind}": left,
    }
    if wait:
        raise _too_many(
            kind,
            subscription,
            wait,
            headers if not state.settings.throttle_retry_after else headers | {"Retry-After": str(math.ceil(wait))},
        )
    return headers


def _too_many(kind: str, subscription: str, wait: float, headers: dict[str, str]) -> ServiceError:
    message = (
        f"Number of '{kind}' requests for subscription '{subscription}' exceeded. Please try again after "
        f"'{math.ceil(wait)}' seconds after additional tokens are available."
    )
    return ServiceError(429, "SubscriptionRequestsThrottled", message, headers)
