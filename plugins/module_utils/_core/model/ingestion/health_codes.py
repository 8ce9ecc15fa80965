# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the failures mean that Microsoft Sentinel reports of a connector, and what to do about each. Pure.

Sources: "Troubleshoot AWS S3 connector issues" (Microsoft Learn); "Common errors" (AWS CloudTrail, AWS STS).
docs/verification.md has the same table.
"""

from __future__ import annotations

from typing import NamedTuple


class Failure(NamedTuple):
    """What a code stands for, and what helps."""

    meaning: str
    advice: str


FAILURES: dict[str, Failure] = {
    "S3B40011": Failure(
        "The queue refuses Microsoft Sentinel.",
        "Allow the role the five SQS actions in the policy of the queue; where opt-in Regions are used, set the "
        "account's STS tokens of the global endpoint to version 2.",
    ),
    "S3B40012": Failure("The queue does not exist.", "Make the queue again, or correct its address in the connector."),
    "S3B40029": Failure(
        "The role cannot be assumed with a web identity.",
        "Compare identity provider, audience and session name in the trust policy with the workspace's.",
    ),
    "AccessDenied": Failure(
        "The role cannot be assumed, or may not look up events.",
        "Run the playbook onboard: it puts trust and permissions right. Else a service control policy denies it.",
    ),
    "InvalidClientTokenId": Failure(
        "AWS does not know the role's session.", "Wait an hour; then remove the connector and run the playbook onboard."
    ),
    "NoSuchEntity": Failure("The role does not exist.", "Run the playbook onboard: it makes the role again."),
    "ThrottlingException": Failure(
        "AWS refuses lookups beyond two a second in a Region.",
        "Find who else looks up events there; above some 100 events a second use the S3 connector.",
    ),
    "OptInRequired": Failure("A Region is not enabled in the account.", "Nothing, unless events of it are wanted."),
}
_SAME = {
    "403": "AccessDenied",
    "401": "AccessDenied",
    "Forbidden": "AccessDenied",
    "Unauthorized": "AccessDenied",
    "AccessDeniedException": "AccessDenied",
    "429": "ThrottlingException",
    "Throttling": "ThrottlingException",
    "TooManyRequests": "ThrottlingException",
}


def explained(code: str, message: str) -> str:
    """Say what a failure means: by its code, else by a code that its message names; its own words come along."""
    known = _SAME.get(code, code)
    found = FAILURES.get(known) or next((item for name, item in FAILURES.items() if name in message), None)
    words = ": ".join(filter(None, (code, message.strip().rstrip(".")))) or "no reason given"
    said = f"Microsoft Sentinel cannot fetch events ({words})."
    return f"{said} {found.meaning} {found.advice}" if found else said
