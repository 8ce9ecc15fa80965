# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pauses before a call is retried, and the limits of retrying. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator

# For how many seconds a call is retried because of IAM's eventual consistency or a concurrent change.
RETRY_TIMEOUT = 120.0
# The same for the check of a new S3 connector: it needs role, provider and queue, and one attempt takes a while.
CONNECTIVITY_RETRY_TIMEOUT = 300.0
INITIAL_PAUSE, MAX_PAUSE = 0.5, 10.0
# The age in seconds from which a role of an account can be assumed, if it ever can. AWS documents no limit:
# "CreateAccount" (AWS Organizations API reference) runs in the background for minutes and creates the role last.
MIN_ACCOUNT_AGE = 900.0


def pauses(uniform: Callable[[float, float], float]) -> Iterator[float]:
    """Yield pauses in seconds, doubling up to MAX_PAUSE, with jitter: `uniform` returns a number between its arguments.

    Source: "Exponential Backoff And Jitter" (AWS Architecture Blog).
    """
    pause = INITIAL_PAUSE
    while True:
        yield uniform(pause / 2, pause)
        pause = min(pause * 2, MAX_PAUSE)
