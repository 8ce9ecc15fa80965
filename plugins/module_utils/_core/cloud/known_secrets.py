# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only file that collects the secrets of this process, to remove them from texts such as tracebacks.

They are kept for the whole process: an exception may quote the secret of any client, also of a closed one.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Protocol
from weakref import WeakValueDictionary

MASK = "***"
# Shorter values, such as an empty string, would make a text unreadable.
MIN_SECRET_LENGTH = 8
_VARIABLE_OF_SECRET = re.compile("SECRET|TOKEN|PASSWORD|ASSERTION")
_PASSWORD_IN_URL = re.compile(r"(?<=://)[^/@\s]+(?=@)")


class _Session(Protocol):
    secret_key: str
    token: str | None


_known: set[str] = set()
# Sessions by their id; one per account, so they must not outlive their account.
_sessions: WeakValueDictionary[int, _Session] = WeakValueDictionary()


def add(*secrets: str | None) -> None:
    """Remember secrets for the rest of the process; None and short values are ignored."""
    _known.update(one for one in secrets if one and len(one) >= MIN_SECRET_LENGTH)


def add_session(session: _Session) -> None:
    """Remember the secret key and the token of a session as long as the session exists."""
    _sessions[id(session)] = session


def scrub(text: str) -> str:
    """Return the text with *** for each known secret, also those of the environment, and for passwords in URLs."""
    for secret in sorted({*_known, *_of_sessions(), *_of_environment()}, key=len, reverse=True):
        text = text.replace(secret, MASK)
    return _PASSWORD_IN_URL.sub(MASK, text)


def _of_sessions() -> Iterator[str]:
    for session in list(_sessions.values()):
        yield from (one for one in (session.secret_key, session.token) if one and len(one) >= MIN_SECRET_LENGTH)


def _of_environment() -> Iterator[str]:
    for name, value in os.environ.items():
        if len(value) >= MIN_SECRET_LENGTH and _VARIABLE_OF_SECRET.search(name.upper()):
            yield value
