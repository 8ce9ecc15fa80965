# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The CloudTrail source: the role that Microsoft Sentinel assumes, then the connector that reads through it."""

from __future__ import annotations

from functools import partial
from typing import Any

from ..cloud.iam import RoleAdapter
from ..model.connector import connector as connectors
from ..model.connector.connector import CONNECTOR, ConnectorSpec
from ..model.errors import SentinelError
from ..model.findings import Finding
from ..model.role import permissions
from ..model.role import role as roles
from ..model.role.plan import ROLE
from ..model.role.role import Role, RoleSpec
from .reconcile import Adapter
from .step import AddFindings, Source, SourceRun, Step


def _role_adapter(run: SourceRun, spec: RoleSpec) -> RoleAdapter:
    return RoleAdapter(run.caller("iam"), run.account.account_id, spec.name, writes=run.writes, removing=run.removing)


def _role_statements(run: SourceRun, partition: str) -> list[dict[str, Any]]:
    spec = run.account.role_spec
    work = permissions.session_scope(spec, check_mode=not run.writes, removing=run.removing)
    return permissions.statements(partition, run.account.account_id, spec.name, work)


def _role_findings(run: SourceRun, have: Role | None) -> list[Finding]:
    spec = run.account.role_spec
    return roles.findings_without_workspace(spec, have, run.context.workspace_id(run.account))


def _connector_spec(run: SourceRun) -> ConnectorSpec:
    role: Role | None = run.found.get(ROLE.name)
    spec = run.account.role_spec
    arn = role.arn if role else spec.arn
    return ConnectorSpec(arn, run.workspace.id, spec.workspace_id, run.account.deduplicate)


def _connector_adapter(run: SourceRun, spec: ConnectorSpec) -> Adapter[connectors.Connectors]:
    changed_at = run.changed_at
    until_usable = None if changed_at is None else partial(run.context.visibility.turn, changed_at)
    return run.workspace.connector_adapter(spec, writes=run.writes, until_usable=until_usable)


async def _check_readers(run: SourceRun, add: AddFindings) -> None:
    """Report the connectors that would still read the account; raises role_conflict if one of them needs the role."""
    spec, role = _connector_spec(run), run.found.get(ROLE.name)
    account_id = run.account.account_id
    reading = await run.workspace.connectors_reading(account_id)
    readers = [one for one in reading if one["id"] not in run.earlier.removed]
    others = await run.context.other_readers(account_id, run.workspace)
    add(connectors.remaining_findings(spec, [*readers, *others]))
    if ROLE.without(run.account.role_spec, role) != role:
        connectors.check_no_other_reader(spec, readers)


def _refused_role(run: SourceRun, error: SentinelError) -> list[Finding]:
    role: Role | None = run.found.get(ROLE.name)
    if error.kind != "role_conflict" or role is None:
        return []
    found: connectors.Connectors = run.found.get(CONNECTOR.name) or ()
    return [roles.refused_role_finding(role, one.name) for one in found if one.role_arn == role.arn]


CLOUDTRAIL_SOURCE = Source(
    in_aws=(
        Step(
            ROLE,
            lambda run: run.account.role_spec,
            _role_adapter,
            _role_statements,
            is_new=lambda role: role.is_new,
            findings_without_workspace=_role_findings,
        ),
    ),
    in_workspace=(Step(CONNECTOR, _connector_spec, _connector_adapter),),
    before_removal=_check_readers,
    after_refusal=_refused_role,
)
