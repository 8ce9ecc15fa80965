# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the error codes of Microsoft Sentinel's connectivity check of an S3 connector mean. Pure.

The codes are documented nowhere as a list. Sources: "Troubleshoot AWS S3 connector issues" (Microsoft Learn); issues
10888, 10933 and 11980 of the repository Azure/Azure-Sentinel.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_CODE = re.compile(r"S3B\d{5}")


class ErrorCode(NamedTuple):
    """A code: its cause, and what repairs it; `temporary` if a role or queue that was just changed leads to it too."""

    cause: str
    fix: str
    temporary: bool = False


CODES = {
    "S3B40011": ErrorCode(
        "Microsoft Sentinel assumed the role and may not read the queue",
        "Check that the role's policy allows sqs:ReceiveMessage, sqs:DeleteMessage, sqs:ChangeMessageVisibility, "
        "sqs:GetQueueUrl and sqs:GetQueueAttributes on the queue, and that the queue's policy and service control "
        "policies do not deny them. In a Region that needs an opt-in, the account's STS tokens have to be of version 2 "
        "(GlobalEndpointTokenVersion of iam:GetAccountSummary).",
        temporary=True,
    ),
    "S3B40012": ErrorCode(
        "the queue does not exist",
        "Check that the queue exists under the URL of the connector. If it does, try again later: the service has "
        "reported existing queues as missing before.",
    ),
    "S3B40029": ErrorCode(
        "Microsoft Sentinel cannot assume the role",
        "Check the name of the role (OIDC_…), the OIDC provider with its audience, and in the trust policy the "
        "provider, the audience and the session name (sts:RoleSessionName).",
        temporary=True,
    ),
}
_UNKNOWN = ErrorCode(
    "the check of role and queue failed",
    "Check the OIDC provider, the role and its trust policy, and the queue and its policy.",
)


def find(text: str) -> str:
    """Return the code in an error message, empty if it has none."""
    found = _CODE.search(text)
    return found[0] if found else ""


def explain(code: str) -> ErrorCode:
    """Return the meaning of a code, for an unknown one what holds for all."""
    return CODES.get(code, _UNKNOWN)
