# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One AWS account: its role, then its connector; removal is the reverse. The result of it as data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from ansible_collections.trailbridge.sentinel.plugins.module_utils.cloud.aws import Aws
from ansible_collections.trailbridge.sentinel.plugins.module_utils.cloud.iam import Roles
from ansible_collections.trailbridge.sentinel.plugins.module_utils.cloud.sentinel import ConnectorOf, Sentinel
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model import connector as connectors
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model import role as roles
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model import role_plan
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.account import Account
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.connector import Connector
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.finding import Finding
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.plan import Call, difference
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.role import Role
from ansible_collections.trailbridge.sentinel.plugins.module_utils.run.converge import Outcome, converge

T = TypeVar("T")


@dataclass(slots=True)
class Report:
    """What was found and done: `shown` by resource ("role", "connector"), findings before the repair, calls, diff."""

    shown: dict[str, dict[str, Any]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    diff: list[dict[str, Any]] = field(default_factory=list)

    def add(
        self,
        name: str,
        header: str,
        outcome: Outcome[T],
        findings: list[Finding],
        show: Callable[[T | None], dict[str, Any]],
    ) -> None:
        """Take in the outcome of one resource."""
        self.shown[name] = show(outcome.want)
        self.findings += findings
        if outcome.changed:
            self.diff.append(difference(header, show(outcome.have), show(outcome.want)))

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
    role = converge_role(report, account, aws, check_mode=check_mode)
    if role.want is None:
        raise AssertionError("a wished role is never none")
    converge_connector(
        report,
        sentinel,
        role.want.arn,
        workspace_id=account.wish.workspace_id,
        role_is_new=role.changed,
        check_mode=check_mode,
    )


def converge_role(
    report: Report, account: Account, aws: Aws, *, check_mode: bool, absent: bool = False
) -> Outcome[Role]:
    """Bring the role of an account to the wish, or with `absent` remove what it is there for."""
    wish = account.wish
    with aws.enter(account.account_id, account.entry):
        edge = Roles(aws.iam, account.account_id, wish.name, writes=not check_mode)
        overlay = partial(roles.without if absent else roles.overlay, wish)
        outcome = converge(edge, overlay, role_plan.plan, check_mode=check_mode, made=report.calls)
    findings = [] if absent else roles.findings(wish, outcome.have)
    report.add("role", f"role {wish.name} in account {account.account_id}", outcome, findings, roles.show)
    return outcome


def converge_connector(
    report: Report,
    sentinel: Sentinel,
    role_arn: str,
    *,
    workspace_id: str,
    check_mode: bool,
    role_is_new: bool = False,
    absent: bool = False,
) -> Outcome[Connector]:
    """Bring the connector of a role to the wish, or with `absent` remove it."""
    edge = ConnectorOf(sentinel, role_arn, role_is_new=role_is_new, writes=not check_mode)

    def overlay(have: Connector | None) -> Connector | None:
        if absent:
            return None
        return connectors.overlay(role_arn, have, workspace=sentinel.id, workspace_id=workspace_id)

    outcome = converge(edge, overlay, connectors.plan, check_mode=check_mode, made=report.calls)
    findings = [] if absent else connectors.findings(outcome.have, role_arn)
    report.add("connector", f"data connector of {role_arn}", outcome, findings, connectors.show)
    return outcome
