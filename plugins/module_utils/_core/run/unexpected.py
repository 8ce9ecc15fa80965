# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exceptions that nothing expects: an error that can be reported, with a traceback that contains no secret."""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import TypeVar

from ..cloud.known_secrets import MASK, scrub
from ..model.errors import CLASSES, CombinedError, SentinelError
from ..model.text import one_line

K = TypeVar("K")

MAX_TRACEBACK_LENGTH = 20_000
MAX_CAUSE_LENGTH = 300
# Looks like a key or a token that no part of this process knows, such as one in a response that cannot be parsed. Ids
# (GUIDs) are no secrets.
_TOKEN = re.compile(r"(?<![\w./])(?![0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b)[A-Za-z0-9+/=_~-]{32,}")
_FRAME = "  "


class UnexpectedError(SentinelError):
    """A bug of this collection (class unexpected); `traceback` is that of its cause, without secrets."""

    def __init__(self, what: str, cause: str, traceback: str) -> None:
        super().__init__("unexpected", f"Cannot {what}: {cause.rstrip('.')}.")
        self.traceback = traceback
        self.place = "With -vvv the traceback is displayed."
        """A sentence with the place of the traceback."""

    def __str__(self) -> str:
        """Return the message with the place of the traceback, and the advice of the class."""
        return f"{super().__str__()} {one_line(self.place)} {CLASSES[self.kind][1]}"


def unexpected_error(action: str, error: BaseException) -> UnexpectedError:
    """Return the error of the class `unexpected`, "Cannot <action>: <exception>", whose cause is the exception."""
    cause = _scrub_message(f"{type(error).__name__}: {error}".rstrip(": ").partition("\n")[0])[:MAX_CAUSE_LENGTH]
    found = UnexpectedError(action, cause, traceback_text(error))
    found.__cause__ = error
    return found


def bugs_in(error: SentinelError | None) -> list[UnexpectedError]:
    """Return the unexpected errors among those that an error stands for."""
    errors = error.errors if isinstance(error, CombinedError) else (error,)
    return [one for one in errors if isinstance(one, UnexpectedError)]


@contextmanager
def kept_in(errors: MutableMapping[K, SentinelError], key: K, action: str) -> Iterator[None]:
    """Keep the error that ends the block in `errors`, so that it stops nothing else; `action` names what was done."""
    try:
        yield
    except SentinelError as error:
        errors[key] = error
    except Exception as error:  # noqa: BLE001 a bug in one of many stops none of the others
        errors[key] = unexpected_error(action, error)


def traceback_text(error: BaseException) -> str:
    """Return the traceback of an exception and of its causes without secrets; of a long one both ends.

    It begins with the first cause, and ends with the exception itself.
    """
    lines = [line for line in "".join(traceback.format_exception(error)).splitlines() if line.strip(" ^~")]
    # Frames are places and lines of source code, which are indented; everything else is the message of an exception.
    text = "\n".join(line if line.startswith(_FRAME) else _scrub_message(line) for line in lines)
    text, half = scrub(text), MAX_TRACEBACK_LENGTH // 2
    return text if len(text) <= MAX_TRACEBACK_LENGTH else f"{text[:half]}\n…\n{text[-half:]}"


def _scrub_message(text: str) -> str:
    return _TOKEN.sub(MASK, scrub(text))
