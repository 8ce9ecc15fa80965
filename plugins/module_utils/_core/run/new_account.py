# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounts that joined the organization a moment ago: the role to assume there can take minutes to be there."""

from __future__ import annotations

import random
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from datetime import datetime
from math import inf
from typing import TypeVar

from ..model.account import Account
from ..model.backoff import MIN_ACCOUNT_AGE, pauses
from ..model.errors import SentinelError, cannot
from .reconcile import Sleep

T = TypeVar("T")
_chance = random.SystemRandom()


def age(account: Account) -> float:
    """Return how many seconds ago the account joined, infinity where nobody knows."""
    with suppress(ValueError):
        return max(0.0, time.time() - datetime.fromisoformat(account.joined).timestamp())
    return inf


def last(accounts: Iterable[Account]) -> list[Account]:
    """Put the new ones at the end: what waits takes the turn of nobody."""
    return sorted(accounts, key=lambda account: age(account) < MIN_ACCOUNT_AGE)


def told(accounts: Iterable[Account]) -> str:
    """Return what there is to say of new accounts before they may be waited for, nothing where there are none."""
    new = sum(age(account) < MIN_ACCOUNT_AGE for account in accounts)
    who = "1 account is" if new == 1 else f"{new} accounts are"
    until = f"what cannot be entered yet is tried again until it is {MIN_ACCOUNT_AGE / 60:.0f} minutes old"
    return f"{who} new: {until}." if new else ""


async def patiently(account: Account, enter: Callable[[], Awaitable[T]], sleep: Sleep) -> T:
    """Enter the account; as long as it is new and refuses, again and again.

    Raises account_not_active for one that is not new any more and still refuses.
    """
    wait, waits = MIN_ACCOUNT_AGE - age(account), pauses(_chance.uniform)
    until = time.monotonic() + wait
    while True:
        try:
            return await enter()
        except SentinelError as error:
            pause = next(waits)
            if error.kind != "assume_denied" or wait <= 0:
                raise
            if time.monotonic() + pause > until:
                why = f"it joined {age(account) / 60:.0f} minutes ago, and its role may not be there yet. {error}"
                raise cannot("account_not_active", f"enter account {account.account_id}", why) from error
        await sleep(pause)
