# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Events of AWS Organizations as AWS sends them, and as an attacker might."""

from __future__ import annotations

import copy
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Json = Any
Keys = tuple[str, ...]

DETAILS: Keys = ("detail", "serviceEventDetails")
EVENTS: dict[str, Json] = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((Path(__file__).parents[1] / "unit/eda").glob("*.json"))
}
PLAYBOOKS = {
    "created": "onboard",
    "joined": "onboard",
    "joined_as_member": "onboard",
    "closed": "departed",
    "departed": "departed",
    "departed_as_member": "departed",
}
"""The playbook for each event of an added or removed account; other events have none."""
IDS: dict[str, Keys] = {
    "created": (*DETAILS, "createAccountStatus", "accountId"),
    "joined": (*DETAILS, "accountId"),
    "joined_as_member": (*DETAILS, "memberAccountId"),
    "closed": (*DETAILS, "closeAccountStatus", "accountId"),
    "departed": (*DETAILS, "accountId"),
    "departed_as_member": (*DETAILS, "memberAccountId"),
}
EVENTS["departed_as_member"] = copy.deepcopy(EVENTS["departed"])
EVENTS["departed_as_member"]["detail"]["serviceEventDetails"] = {"memberAccountId": "011111111111"}
_serial = itertools.count(1)


def lookup(body: Json, path: Keys) -> Json:
    """Return the value at a path."""
    for key in path:
        body = body[key]
    return body


def replaced(body: Json, path: Keys, value: Json) -> Json:
    """Return the event with another value there."""
    changed = copy.deepcopy(body)
    lookup(changed, path[:-1])[path[-1]] = value
    return changed


def event(name: str, account: Json = "011111111111") -> Json:
    """Return a new event (EventBridge gives each an id of its own) of this kind about that account."""
    body = replaced(EVENTS[name], ("id",), f"00000000-0000-4000-8000-{next(_serial):012}")
    return replaced(body, IDS[name], account) if name in IDS else body


def leaf_paths(body: Json, path: Keys = ()) -> Iterator[Keys]:
    """Yield the path of every value that is no object."""
    for key, value in body.items():
        yield from leaf_paths(value, (*path, key)) if isinstance(value, dict) else [(*path, key)]


def wrapped(body: Json) -> Json:
    """Return a message as ansible.eda.aws_sqs_queue passes it on."""
    return {"body": body, "meta": {"MessageId": f"message-{next(_serial)}"}}
