# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long to wait before a call is made again. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator

# How long a call is tried again while IAM's eventual consistency or a colleague's change is in the way, in seconds.
RETRY_TIMEOUT = 120.0
INITIAL_PAUSE, MAX_PAUSE = 0.5, 10.0
# How old an account is, in seconds, when it can be entered if it ever can. AWS gives no bound: "CreateAccount" (AWS
# Organizations API reference) works in the background for minutes, and the role in the account comes after that.
MIN_ACCOUNT_AGE = 900.0


def pauses(chance: Callable[[float, float], float]) -> Iterator[float]:
    """Yield pauses in seconds that double, each drawn by `chance` so that many who wait do not come back together.

    Source: "Exponential Backoff And Jitter" (AWS Architecture Blog).
    """
    pause = INITIAL_PAUSE
    while True:
        yield chance(pause / 2, pause)
        pause = min(pause * 2, MAX_PAUSE)
