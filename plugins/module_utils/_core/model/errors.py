# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong: one error, its classes, its one sentence. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from .text import one_line

# What happened, and what to do about it where the service's own words do not say.
CLASSES: dict[str, tuple[str, str]] = {
    "assume_denied": (
        "The role cannot be assumed: its trust policy or the caller's own rights refuse it.",
        "Check that the role exists, that it trusts the caller, and that the caller may assume it.",
    ),
    "aws_denied": (
        "The role that was assumed lacks an IAM permission.",
        "Grant the action to the role that is assumed.",
    ),
    "scp_denied": (
        "A service control policy of the AWS organization denies the call.",
        "Exempt the role that is assumed in that policy.",
    ),
    "boundary_denied": (
        "A permissions boundary denies the call.",
        "Allow the action in the boundary of the role that is assumed.",
    ),
    "account_not_active": (
        "The AWS account is suspended, closed or not ready yet.",
        "Run it again in some minutes. Accounts that were invited have no role until somebody makes it.",
    ),
    "throttled": (
        "A service kept refusing because of too many requests.",
        "Run it again, with a lower concurrency if this repeats itself.",
    ),
    "role_conflict": ("A role of that name exists and is not ours.", ""),
    "stackset_conflict": ("A StackSet of that name exists and is not ours.", ""),
    "quota": ("A limit of the AWS account is reached.", "Have AWS raise the limit, or remove what is not needed."),
    "azure_denied": (
        "The Azure credential lacks a right, or is not accepted.",
        "Check the credential and its rights on the workspace.",
    ),
    "connector_conflict": (
        "The data connector was changed by somebody else at the same time, or exists twice.",
        "Run it again when nobody else changes the connectors; one that exists twice is to be removed first.",
    ),
    "expired_credentials": ("The base credentials are missing, wrong or expired.", "Renew the AWS credentials."),
    "wrong_account": ("The credentials belong to another AWS account.", ""),
    "clock_skew": ("The clock of this machine is wrong.", "Set the clock of this machine."),
    "bad_input": ("An option, or a setting of this machine, has a value that cannot be used.", ""),
    "transient": ("A service or the network failed for the moment.", "Run it again."),
    "too_many_changes": ("More accounts would change than max_change_percent allows.", ""),
    "interrupted": ("The run was ended before the account was done.", "Run it again: it goes on where this one ended."),
    "unexpected": ("A mistake in this collection.", "Please report it."),
}


class SentinelError(Exception):
    """The only error that this collection raises on purpose.

    `kind` is a key of `CLASSES`; the text is one sentence that says what could not be done, where and why. It may quote
    what others wrote: whatever that holds, it stays on one line.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(one_line(message))
        self.kind = kind
        self.partial: dict[str, Any] = {}
        """What was found and done before, as the result of a module."""

    def show(self) -> dict[str, str]:
        """Return the error as it appears under `error` in a result."""
        return {"class": self.kind, "message": str(self)}


class Mistake(NamedTuple):
    """One mistake in what a user gave, as the parts of its sentence; `where` names the host or account, or is empty."""

    what: str
    where: str
    rule: str
    joint: str = " of "


class InputError(SentinelError):
    """Everything in what a user gave that cannot be used (bad_input)."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        super().__init__("bad_input", _combined(mistakes))
        self.mistakes = tuple(mistakes)


MAX_MISTAKES = 10
MAX_LOCATIONS = 3


def _combined(mistakes: Iterable[Mistake]) -> str:
    """Return the first mistakes as sentences, each once with the places where it is, and how many more there are."""
    places: dict[tuple[str, str, str], list[str]] = {}
    for one in mistakes:
        places.setdefault((one.what, one.joint, one.rule), []).append(one.where)
    sentences = [
        f"{what}{_locations(joint, found)}: {rule}."
        for (what, joint, rule), found in list(places.items())[:MAX_MISTAKES]
    ]
    more = len(places) - len(sentences)
    return " ".join([*sentences, *([f"And {more} more."] if more else [])])


def _locations(joint: str, places: Sequence[str]) -> str:
    named = list(dict.fromkeys(filter(None, places)))
    more = len(named) - MAX_LOCATIONS
    return f"{joint if named else ''}{', '.join(named[:MAX_LOCATIONS])}{f' and {more} more' if more > 0 else ''}"


class NotYetError(SentinelError):
    """The service is not ready for this call yet, nothing was changed by it: wait and make it again."""


class ChangedError(SentinelError):
    """Somebody else changed the resource since it was read: read it again and decide anew."""


class OutdatedError(ChangedError):
    """What was read is not what is there any more, and nothing was asked for yet."""


def cannot(
    kind: str, what: str, cause: str, error: type[SentinelError] = SentinelError, *, advice: str | None = None
) -> SentinelError:
    """Return an error in the one form that all have: what was tried and where, why it failed, what to do.

    `advice` is given where the cause is known better than the class alone says.
    """
    advice = CLASSES[kind][1] if advice is None else advice
    return error(kind, f"Cannot {what}: {cause.strip().rstrip('.')}.{' ' if advice else ''}{advice}")
