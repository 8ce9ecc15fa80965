# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""New accounts of the organization: the role to assume there may not exist yet for some minutes."""

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
_random = random.SystemRandom()


def age(account: Account) -> float:
    """Return the seconds since the account joined, infinity if that is unknown."""
    with suppress(ValueError):
        if account.joined:
            return max(0.0, time.time() - datetime.fromisoformat(account.joined).timestamp())
    return inf


def sort_new_last(accounts: Iterable[Account]) -> list[Account]:
    """Return the new accounts last, so that no other account waits for them."""
    return sorted(accounts, key=lambda account: age(account) < MIN_ACCOUNT_AGE)


def notice(accounts: Iterable[Account]) -> str:
    """Return the line that announces the retries for new accounts, empty if there are none."""
    new = sum(age(account) < MIN_ACCOUNT_AGE for account in accounts)
    if not new:
        return ""
    counted, age_limit = "1 account is" if new == 1 else f"{new} accounts are", f"{MIN_ACCOUNT_AGE / 60:.0f} minutes"
    return f"{counted} new: a role that cannot be assumed yet is retried until the account is {age_limit} old."


async def retry_while_new(account: Account, assume_role: Callable[[], Awaitable[T]], sleep: Sleep) -> T:
    """Assume the role in the account, with retries as long as the account is new and access is denied.

    Raises account_not_active if access is still denied when the account is no longer new.
    """
    remaining, backoff = MIN_ACCOUNT_AGE - age(account), pauses(_random.uniform)
    deadline = time.monotonic() + remaining
    while True:
        try:
            return await assume_role()
        except SentinelError as error:
            pause = next(backoff)
            if error.kind != "assume_denied" or remaining <= 0:
                raise
            if time.monotonic() + pause > deadline:
                why = f"it joined {age(account) / 60:.0f} minutes ago, and its role may not exist yet. {error}"
                raise cannot("account_not_active", f"assume the role in account {account.account_id}", why) from error
        await sleep(pause)
