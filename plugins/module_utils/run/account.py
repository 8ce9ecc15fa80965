# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One AWS account: its role, then its connector; removal is the reverse. The result of it as data."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ansible_collections.trailbridge.sentinel.plugins.module_utils.cloud.aws import Aws
from ansible_collections.trailbridge.sentinel.plugins.module_utils.cloud.iam import Roles
from ansible_collections.trailbridge.sentinel.plugins.module_utils.cloud.sentinel import ConnectorsOf, Sentinel
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model import connector as connectors
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model import role as roles
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model import role_plan
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.account import Account
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.connector import Connectors, ConnectorWish
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.errors import SentinelError
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.finding import Finding
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.plan import Call, difference
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.role import Role, Wish
from ansible_collections.trailbridge.sentinel.plugins.module_utils.run.converge import Edge, Known, Outcome, converge


@dataclass(slots=True)
class Report:
    """What was found and done: `shown` by resource ("role", "connector"), findings before the repair, calls, diff."""

    shown: dict[str, dict[str, Any]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    diff: list[dict[str, Any]] = field(default_factory=list)

    def add(self, name: str, header: str, changed: bool, before: dict[str, Any], after: dict[str, Any]) -> None:
        """Take in what a resource was and is."""
        self.shown[name] = after
        if changed:
            self.diff.append(difference(header, before, after))

    @contextmanager
    def kept(self) -> Iterator[Report]:
        """Let an error that ends the work take along what was found and done until then."""
        try:
            yield self
        except SentinelError as error:
            error.partial = self.result()
            raise

    def result(self) -> dict[str, Any]:
        """Return it as the result of a module."""
        return {
            "changed": bool(self.calls),
            **self.shown,
            "findings": [finding._asdict() for finding in self.findings],
            "calls": [call.show() for call in self.calls],
            "diff": self.diff,
        }


def connect(report: Report, account: Account, aws: Aws, sentinel: Sentinel, *, check_mode: bool) -> None:
    """Bring the role of an account, then its connector, to the wish; in check mode say what would be done."""
    with aws.enter(account.account_id, account.entry):
        edge = Roles(aws.iam, account.account_id, account.wish.name, writes=not check_mode)
        role = converge_role(report, account.wish, edge, check_mode=check_mode)
    arn = role.want.arn if role.want else account.wish.arn
    wish = ConnectorWish(arn, sentinel.id, account.wish.workspace_id, account.deduplicate)
    role_is_new = role.changed or bool(role.have and role.have.is_new)
    converge_connector(report, wish, sentinel, check_mode=check_mode, role_is_new=role_is_new)


def disconnect(report: Report, account: Account, aws: Aws, sentinel: Sentinel, *, check_mode: bool) -> None:
    """Remove the connector of an account, then what its role was there for; what is not ours is refused first."""
    with aws.enter(account.account_id, account.entry):
        edge = Roles(aws.iam, account.account_id, account.wish.name, writes=not check_mode, removing=True)
        have = edge.read()
        roles.without(account.wish, have)
        wish = ConnectorWish(have.arn if have else account.wish.arn, sentinel.id, account.wish.workspace_id)
        converge_connector(report, wish, sentinel, check_mode=check_mode, absent=True)
        converge_role(report, account.wish, Known(edge, have), check_mode=check_mode, absent=True)


def converge_role(
    report: Report, wish: Wish, edge: Edge[Role], *, check_mode: bool, absent: bool = False
) -> Outcome[Role]:
    """Bring the role to the wish, or with `absent` remove what it is there for."""

    def seen(have: Role | None) -> None:
        report.findings += [] if absent else roles.findings(wish, have)

    overlay = partial(roles.without if absent else roles.overlay, wish)
    outcome = converge(edge, overlay, role_plan.plan, check_mode=check_mode, made=report.calls, seen=seen)
    header = f"role {wish.name} in account {wish.account_id}"
    report.add("role", header, outcome.changed, roles.show(outcome.have), roles.show(outcome.want))
    return outcome


def converge_connector(
    report: Report,
    wish: ConnectorWish,
    sentinel: Sentinel,
    *,
    check_mode: bool,
    role_is_new: bool = False,
    absent: bool = False,
) -> None:
    """Bring the connector of a role to the wish, or with `absent` remove it."""
    edge = ConnectorsOf(sentinel, wish.role_arn, role_is_new=role_is_new, writes=not check_mode)

    def seen(have: Connectors | None) -> None:
        report.findings += [] if absent else connectors.findings(wish, have or ())

    def overlay(have: Connectors | None) -> Connectors:
        return (connectors.without if absent else connectors.overlay)(wish, have or ())

    outcome = converge(edge, overlay, connectors.plan, check_mode=check_mode, made=report.calls, seen=seen)
    before, after = (connectors.choose(wish, found or ()) for found in (outcome.have, outcome.want))
    shown = {} if absent else connectors.show(after)
    report.add("connector", f"data connector of {wish.role_arn}", outcome.changed, connectors.show(before), shown)
