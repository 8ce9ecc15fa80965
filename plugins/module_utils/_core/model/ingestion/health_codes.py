# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The failures that Microsoft Sentinel reports for a connector: their meaning, and the advice for each. Pure.

Sources: "Troubleshoot AWS S3 connector issues" (Microsoft Learn); "Common errors" (AWS CloudTrail, AWS STS).
docs/verification.md has the same table.
"""

from __future__ import annotations

from typing import NamedTuple


class HealthCode(NamedTuple):
    """The meaning of a failure code, and the advice."""

    meaning: str
    advice: str


HEALTH_CODES: dict[str, HealthCode] = {
    "S3B40011": HealthCode(
        "The queue denies access to Microsoft Sentinel.",
        "Allow the role the five SQS actions in the policy of the queue; where opt-in Regions are used, set the "
        "account's STS tokens of the global endpoint to version 2.",
    ),
    "S3B40012": HealthCode(
        "The queue does not exist.", "Create the queue again, or correct its URL in the data connector."
    ),
    "S3B40029": HealthCode(
        "The role cannot be assumed with a web identity.",
        "Compare identity provider, audience and session name in the trust policy with those of the workspace.",
    ),
    "AccessDenied": HealthCode(
        "The role cannot be assumed, or lacks the permission to look up events.",
        "Run the playbook onboard to repair trust policy and permissions. If that does not help, look for a service "
        "control policy that denies the access.",
    ),
    "InvalidClientTokenId": HealthCode(
        "AWS does not accept the session of the role.",
        "If this persists for an hour, remove the data connector and run the playbook onboard.",
    ),
    "NoSuchEntity": HealthCode("The role does not exist.", "Run the playbook onboard to create the role."),
    "ThrottlingException": HealthCode(
        "AWS throttles event lookups above two per second in a Region.",
        "Find other callers of LookupEvents in the account; above about 100 events per second use the S3 connector.",
    ),
    "OptInRequired": HealthCode(
        "A Region is not enabled in the account.", "No action is needed unless events of that Region are expected."
    ),
}
_SYNONYMS = {
    "403": "AccessDenied",
    "401": "AccessDenied",
    "Forbidden": "AccessDenied",
    "Unauthorized": "AccessDenied",
    "AccessDeniedException": "AccessDenied",
    "429": "ThrottlingException",
    "Throttling": "ThrottlingException",
    "TooManyRequests": "ThrottlingException",
}


def health_message(code: str, message: str) -> str:
    """Return a failure with its meaning and advice, found by its code or else by a code within its message."""
    name = _SYNONYMS.get(code, code)
    known = HEALTH_CODES.get(name) or next((item for name, item in HEALTH_CODES.items() if name in message), None)
    original = ": ".join(filter(None, (code, message.strip().rstrip(".")))) or "no reason given"
    failure = f"Microsoft Sentinel cannot fetch events ({original})."
    return f"{failure} {known.meaning} {known.advice}" if known else failure
