# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong: one error, its classes, its one sentence. Pure."""

from __future__ import annotations

from typing import Any

CLASSES: dict[str, str] = {
    "assume_denied": "The role cannot be assumed: its trust policy or the caller's own rights refuse it.",
    "aws_denied": "The assumed role lacks an IAM permission.",
    "scp_denied": "A service control policy of the AWS organization denies the call.",
    "boundary_denied": "A permissions boundary denies the call.",
    "account_not_active": "The AWS account is suspended, closed or not ready yet.",
    "throttled": "A service kept refusing because of too many requests.",
    "role_conflict": "A role of that name exists and is not ours.",
    "quota": "A limit of the AWS account is reached.",
    "azure_denied": "The Azure credential lacks a right, or is not accepted.",
    "connector_conflict": "The data connector was changed by somebody else at the same time, or exists twice.",
    "expired_credentials": "The base credentials are missing, wrong or expired.",
    "wrong_account": "The credentials belong to another AWS account.",
    "clock_skew": "The clock of this machine is wrong.",
    "bad_input": "An option has a value that cannot be used.",
    "transient": "A service or the network failed for the moment.",
    "too_many_changes": "More accounts would change than max_change_percent allows.",
    "unexpected": "A mistake in this collection.",
}


class SentinelError(Exception):
    """The only error that this collection raises on purpose.

    `kind` is a key of `CLASSES`; the text is one sentence that says what could not be done, where and why.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.partial: dict[str, Any] = {}
        """What was found and done before, as the result of a module."""

    def show(self) -> dict[str, str]:
        """Return the error as it appears under `error` in a result."""
        return {"class": self.kind, "message": str(self)}


class NotYetError(SentinelError):
    """The service is not ready for this call yet, nothing was changed by it: wait and make it again."""


class ChangedError(SentinelError):
    """Somebody else changed the resource since it was read: read it again and decide anew."""
