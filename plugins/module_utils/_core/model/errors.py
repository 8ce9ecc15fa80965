# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The error of this collection, its classes, and the one form of its message. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from .text import one_line

# Public and stable. By class: its cause, and the advice that ends its messages (empty where they have their own).
CLASSES: dict[str, tuple[str, str]] = {
    "assume_denied": (
        "AWS denied assuming the role: its trust policy or the caller's own permissions do not allow it.",
        "Check that the role exists, that its trust policy allows the caller, and that the caller has sts:AssumeRole.",
    ),
    "aws_denied": (
        "The assumed role lacks an IAM permission.",
        "Allow the action in a policy of the assumed role.",
    ),
    "scp_denied": (
        "A service control policy (SCP) of the AWS organization denies the call.",
        "Exempt the assumed role in that policy.",
    ),
    "boundary_denied": (
        "A permissions boundary denies the call.",
        "Allow the action in the permissions boundary of the assumed role.",
    ),
    "account_not_active": (
        "The AWS account is suspended, closed or not ready yet.",
        "Run it again in some minutes. An account that was invited has no role to assume until you create one.",
    ),
    "throttled": (
        "A service kept throttling the requests.",
        "Run it again, with a lower concurrency if it happens again.",
    ),
    "role_conflict": ("The IAM role is not managed by this collection, or something else uses it.", ""),
    "queue_conflict": ("The SQS queue belongs to someone else, or S3 or SNS cannot send to it.", ""),
    "queue_not_empty": ("The SQS queue still has messages, which a deletion would lose.", ""),
    "notification_conflict": (
        "S3 does not accept the queue in the notification of the bucket because of another entry.",
        "",
    ),
    "stackset_conflict": ("The StackSet is not managed by this collection, or cannot be changed.", ""),
    "quota": (
        "A quota of the AWS account is reached.",
        "Request a quota increase from AWS, or remove resources that are not needed.",
    ),
    "azure_denied": (
        "The Azure credential is not accepted, or lacks a permission.",
        "Check the credential and its role assignments on the workspace.",
    ),
    "connector_conflict": (
        "The data connector was changed by someone else at the same time, or exists twice.",
        "Run it again when nothing else changes the data connectors; if one exists twice, remove the duplicate first.",
    ),
    "connectivity_check_failed": (
        "Microsoft Sentinel cannot assume the role or read the queue of an S3 connector.",
        "",
    ),
    "expired_credentials": (
        "The source AWS credentials are missing, invalid or expired.",
        "Set or renew the AWS credentials.",
    ),
    "missing_package": ("A Python package that the collection requires is not installed.", ""),
    "profile_not_found": (
        "The AWS profile does not exist.",
        "Correct its name (profile, AWS_PROFILE), or add it to ~/.aws/config: aws configure list-profiles lists all.",
    ),
    "workspace_not_found": (
        "The workspace, its resource group or its subscription does not exist.",
        "Correct subscription ID, resource group and workspace; the credential must belong to the same tenant.",
    ),
    "untrusted_certificate": ("The TLS certificate of a service or of a proxy is not trusted.", ""),
    "wrong_account": ("The credentials belong to another AWS account.", ""),
    "clock_skew": ("The clock of this machine is wrong.", "Synchronize the clock of this machine (NTP)."),
    "bad_input": ("An option, a variable or a setting of this machine has an invalid value.", ""),
    "transient": ("A service or the network failed temporarily.", "Run it again."),
    "too_many_changes": ("More accounts would change than max_change_percent allows.", ""),
    "interrupted": (
        "The run ended before the account was finished.",
        "Run it again: it continues where this run ended.",
    ),
    "unexpected": (
        "A bug in this collection.",
        "Report it with message and traceback: https://github.com/trailbridge/sentinel/issues has a form for bugs.",
    ),
}


class SentinelError(Exception):
    """The only error that this collection raises on purpose.

    `kind` is a key of `CLASSES`. The message starts with "Cannot" and names the action, the resource and the cause. It
    stays on one line, also where it quotes untrusted text.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(one_line(message))
        self.kind = kind
        self.retry_timeout: float | None = None
        """For how many seconds a call is retried because of this error, if not for the usual time."""
        self.partial: dict[str, Any] = {}
        """The findings and calls until the error, as the result of a module."""

    def show(self) -> dict[str, str]:
        """Return the error as it appears under `error` in a result."""
        return {"class": self.kind, "message": str(self)}


class CombinedError(SentinelError):
    """Several errors of one account, such as those of its sources; the class is that of the first."""

    def __init__(self, errors: Sequence[SentinelError]) -> None:
        super().__init__(errors[0].kind, "")
        self.errors = tuple(errors)

    def __str__(self) -> str:
        """Return the sentences of all errors, equal ones once."""
        return " ".join(dict.fromkeys(map(str, self.errors)))


class Mistake(NamedTuple):
    """An invalid value from a user: "<what> <preposition> <where>: <rule>."; `where` is a host or account, or empty."""

    what: str
    where: str
    rule: str
    preposition: str = " of "


class InputError(SentinelError):
    """All invalid values that a user gave, in one error (bad_input)."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        super().__init__("bad_input", _combined(mistakes))
        self.mistakes = tuple(mistakes)


MAX_MISTAKES = 10
MAX_LOCATIONS = 3


def _combined(mistakes: Iterable[Mistake]) -> str:
    """Return the first mistakes as sentences, equal ones merged with their hosts, and the count of the others."""
    hosts: dict[tuple[str, str, str], list[str]] = {}
    for one in mistakes:
        hosts.setdefault((one.what, one.preposition, one.rule), []).append(one.where)
    sentences = [
        f"{what}{_locations(preposition, found)}: {rule}."
        for (what, preposition, rule), found in list(hosts.items())[:MAX_MISTAKES]
    ]
    more = len(hosts) - len(sentences)
    return " ".join([*sentences, *([f"And {more} more."] if more else [])])


def _locations(preposition: str, hosts: Sequence[str]) -> str:
    named = list(dict.fromkeys(filter(None, hosts)))
    more = len(named) - MAX_LOCATIONS
    return f"{preposition if named else ''}{', '.join(named[:MAX_LOCATIONS])}{f' and {more} more' if more > 0 else ''}"


class NotYetError(SentinelError):
    """The service cannot accept this call yet and changed nothing: retry it later."""


class ChangedError(SentinelError):
    """Someone else changed the resource since it was read: read it again and plan again."""


class NotFoundError(ChangedError):
    """The resource does not exist, or no longer."""


class OutdatedError(ChangedError):
    """The resource changed since it was read, and no write has been sent yet."""


def cannot(
    kind: str, what: str, cause: str, error: type[SentinelError] = SentinelError, *, advice: str | None = None
) -> SentinelError:
    """Return an error with the message "Cannot <what>: <cause>. <advice>"; the default advice is that of the class."""
    advice = CLASSES[kind][1] if advice is None else advice
    return error(kind, f"Cannot {what}: {cause.strip().rstrip('.')}.{' ' if advice else ''}{advice}")
