# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A minimal AWS for the calls of the collection, as an ASGI application.

moto needs about 5 ms per request; this needs 0.1 ms. The access keys that it issues contain the account id.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.role import role as model
from tests.emulators.state import CALLER_ACCOUNT, State

from . import aws_answers as answers
from .aws_answers import Stored

Form = dict[str, str]
Message = dict[str, Any]
Answer = tuple[int, bytes]

CREDENTIAL = b"Credential="
LONG_AGO = "2025-01-02T03:04:05Z"
EXTERNAL_ACCOUNT = "666666666666"
EXTRA_POLICY = "arn:aws:iam::aws:policy/AdministratorAccess"


def expected_role(account: str, workspace_id: str) -> Stored:
    """Return the role that the collection creates."""
    role = model.overlay(model.RoleSpec(account_id=account, workspace_id=workspace_id), None)
    return Stored(
        role.name, role.arn, role.path, role.description, role.max_session_duration, LONG_AGO, role.trust,
        dict(role.tags), sorted(role.managed_policies),
    )  # fmt: skip


def change_role(stored: Stored, workspace_id: str) -> None:
    """Change a role: attach another policy, trust an external account."""
    trust = model.trust(model.MICROSOFT_ACCOUNT, [workspace_id])
    statement = trust["Statement"][0]
    statement["Principal"] = {"AWS": [statement["Principal"]["AWS"], f"arn:aws:iam::{EXTERNAL_ACCOUNT}:root"]}
    stored.trust = trust
    stored.managed.append(EXTRA_POLICY)


class Aws:
    """All accounts, one role each."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.latency = 0.0
        self.throttle_every = 0
        """Every n-th IAM request is throttled; 0 for none."""
        self.throttled = 0
        self.counts: Counter[str] = Counter()
        self.roles: dict[str, Stored] = {}

    def reset(self) -> None:
        """Remove everything."""
        self.latency = 0.0
        self.throttle_every = self.throttled = 0
        self.counts.clear()
        self.roles.clear()

    def add_roles(self, accounts: Iterable[str], drifted: set[str], workspace_id: str) -> None:
        """Create the expected role in accounts, and change it in some of them."""
        for account in accounts:
            self.roles[account] = expected_role(account, workspace_id)
            if account in drifted:
                change_role(self.roles[account], workspace_id)

    async def __call__(
        self, scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
    ) -> None:
        """Respond to one request."""
        body = await _body(receive)
        authorization = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
        status, text = self.answer(_account(authorization), dict(parse_qsl(body.decode(), keep_blank_values=True)))
        if self.latency:
            await asyncio.sleep(self.latency)
        headers = [(b"content-type", b"text/xml"), (b"content-length", b"%d" % len(text))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": text})

    def answer(self, account: str, form: Form) -> Answer:
        """Return status and body."""
        operation = form.get("Action", "")
        self.counts[operation] += 1
        if operation == "GetCallerIdentity":
            return 200, answers.caller_identity(account)
        if operation == "AssumeRole":
            return 200, answers.assumed(form["RoleArn"], form["RoleSessionName"])
        if self.throttle_every and self.counts.total() % self.throttle_every == 0:
            self.throttled += 1
            return 400, answers.error("Throttling", "Rate exceeded")
        return self._iam(account, operation, form)

    def _iam(self, account: str, operation: str, form: Form) -> Answer:
        if operation == "CreateRole":
            return self._create(account, form)
        stored = self.roles.get(account)
        if stored is None or stored.name != form.get("RoleName"):
            return 404, answers.error("NoSuchEntity", f"The role with name {form.get('RoleName')} cannot be found.")
        if operation in READS:
            return 200, READS[operation](stored)
        return self._change(account, stored, operation, form)

    def _create(self, account: str, form: Form) -> Answer:
        if account in self.roles:
            return 409, answers.error("EntityAlreadyExists", f"Role with name {form['RoleName']} already exists.")
        path = form.get("Path", "/")
        stored = Stored(
            form["RoleName"], f"arn:aws:iam::{account}:role{path}{form['RoleName']}", path, form.get("Description", ""),
            int(form.get("MaxSessionDuration", "3600")), f"{datetime.now(tz=UTC):%Y-%m-%dT%H:%M:%SZ}",
            answers.document(form["AssumeRolePolicyDocument"]), answers.tags(form),
        )  # fmt: skip
        self.roles[account] = stored
        self.state.roles_created[stored.arn] = time.monotonic()
        return 200, answers.role("CreateRole", stored)

    def _change(self, account: str, stored: Stored, operation: str, form: Form) -> Answer:
        if operation == "AttachRolePolicy" and form["PolicyArn"] not in stored.managed:
            stored.managed.append(form["PolicyArn"])
        elif operation == "DetachRolePolicy" and form["PolicyArn"] in stored.managed:
            stored.managed.remove(form["PolicyArn"])
        elif operation == "UpdateAssumeRolePolicy":
            stored.trust = answers.document(form["PolicyDocument"])
        elif operation == "TagRole":
            stored.tags |= answers.tags(form)
        elif operation == "DeleteRole":
            del self.roles[account]
        elif operation not in CHANGES:
            return 400, answers.error("InvalidAction", f"Could not find operation {operation}.")
        return 200, answers.done(operation)


CHANGES = {"AttachRolePolicy", "DetachRolePolicy"}
READS: dict[str, Callable[[Stored], bytes]] = {
    "GetRole": lambda stored: answers.role("GetRole", stored),
    "ListAttachedRolePolicies": answers.attached,
    "ListRolePolicies": answers.inline,
    "ListInstanceProfilesForRole": answers.instance_profiles,
}


def _account(authorization: bytes) -> str:
    """Return the account of the access key: issued keys contain it, other keys belong to the caller's."""
    key = authorization.partition(CREDENTIAL)[2].partition(b"/")[0]
    return key[4:].decode() if key.startswith(b"ASIA") else CALLER_ACCOUNT


async def _body(receive: Callable[[], Awaitable[Message]]) -> bytes:
    message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body"):
        message = await receive()
        body += message.get("body", b"")
    return body
