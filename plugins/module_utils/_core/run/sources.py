# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sources: the steps of each, one resource per step, in the order of creation. Removal is in the reverse order.

A new source is one entry in SOURCES; its options are in `model/sources.py`, its findings in `model/findings.py`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from ..cloud.iam import RoleAdapter
from ..cloud.service import ServiceClient
from ..model.account import Account
from ..model.connector import connector as connectors
from ..model.connector.connector import CONNECTOR, ConnectorSpec
from ..model.errors import SentinelError
from ..model.findings import Finding
from ..model.resource import Resource
from ..model.role import permissions
from ..model.role import role as roles
from ..model.role.plan import ROLE
from ..model.role.role import Role, RoleSpec
from ..model.sources import SourceSpec
from .reconcile import Adapter

if TYPE_CHECKING:
    from ..cloud.sentinel import Sentinel
    from .account import Context


@dataclass(slots=True)
class SourceRun:
    """The work on one source of one account.

    `sentinel` is the workspace, and `account` has its id, as soon as the workspace was read. `found` has the resources
    by kind: as they were read, after their step as they are then. `changed_at` is the monotonic time of the last change
    in AWS that other services may not see yet.
    """

    account: Account
    source: SourceSpec
    context: Context
    removing: bool
    caller: Callable[..., ServiceClient]
    """Return a client of an AWS service, by botocore's name and a Region if it needs one, with a session there."""
    sentinel: Sentinel | None = None
    found: dict[str, Any] = field(default_factory=dict)
    changed_at: float | None = None

    @property
    def workspace(self) -> Sentinel:
        """The workspace, for steps that run after it was read."""
        if self.sentinel is None:
            raise RuntimeError("the workspace was not read yet")
        return self.sentinel

    @property
    def writes(self) -> bool:
        """Whether adapters may write."""
        return not self.context.check_mode


def _no_statements(_run: SourceRun, _partition: str) -> list[dict[str, Any]]:
    return []


def _is_never_new(_have: Any) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Step:
    """One resource of a source."""

    resource: Resource[Any, Any]
    spec: Callable[[SourceRun], Any]
    adapter: Callable[[SourceRun, Any], Adapter[Any]]
    statements: Callable[[SourceRun, str], list[dict[str, Any]]] = _no_statements
    """Return the statements of the session policy that this step needs, for the AWS partition."""
    is_new: Callable[[Any], bool] = _is_never_new
    """Return whether a resource was created so recently that other services may not see it yet."""
    findings_without_workspace: Callable[[SourceRun, Any], list[Finding]] | None = None
    """Return the findings that can be determined if the workspace cannot be used."""


@dataclass(frozen=True, slots=True)
class Source:
    """The steps in the AWS account, then those in the workspace, and checks that concern the source as a whole."""

    in_aws: tuple[Step, ...]
    in_workspace: tuple[Step, ...] = ()
    before_removal: Callable[[SourceRun, AddFindings], Awaitable[None]] | None = None
    """Add findings to the report; raises SentinelError if nothing may be removed."""
    after_refusal: Callable[[SourceRun, SentinelError], Iterable[Finding]] | None = None
    """Return additional findings if a step in AWS failed."""


AddFindings = Callable[[Iterable[Finding]], None]


# --- CloudTrail: the role that Microsoft Sentinel assumes, then the connector that reads through it ---


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
    readers = await run.workspace.connectors_reading(account_id)
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


SOURCES: dict[str, Source] = {
    "cloudtrail": Source(
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
    ),
}
