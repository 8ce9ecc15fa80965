# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The policy of a session: no more than a run needs, whatever the role that is assumed may do. Pure.

Source: "Session policies" (IAM User Guide).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from .errors import SentinelError

MAX_LENGTH = 2048


def session_policy(statements: Iterable[dict[str, Any]]) -> str:
    """Return the JSON text of a session policy; raises bad_input where it is longer than AWS takes.

    Statements on the same resources become one, which saves the names of the resources.
    """
    text = json.dumps({"Version": "2012-10-17", "Statement": _joined(statements)}, separators=(",", ":"))
    if len(text) > MAX_LENGTH:
        raise SentinelError(
            "bad_input",
            f"Cannot limit the session by a policy of {len(text):,} characters: AWS takes {MAX_LENGTH:,}. "
            "Shorten the names, or set assume_role_session_policy to false.",
        )
    return text


def _joined(statements: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return statements of `allow` with the actions of those that differ in nothing else."""
    found: dict[str, dict[str, Any]] = {}
    for one in statements:
        rest = str({**one, "Action": None})
        before = found[rest]["Action"] if rest in found else []
        found[rest] = {**one, "Action": list(dict.fromkeys([*before, *one["Action"]]))}
    return list(found.values())


def allow(actions: Iterable[str], resource: str | list[str], **more: Any) -> dict[str, Any]:
    """Return a statement that allows actions, such as "iam:GetRole", on resources; `more` has its Condition."""
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource, **more}
