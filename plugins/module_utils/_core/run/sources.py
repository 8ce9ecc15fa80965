# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sources: which resources each consists of, in the order in which they are made. Removal is the reverse.

A new source is one entry in SOURCES; its options are in `model/sources.py`, its findings in `model/findings.py`.
"""

from __future__ import annotations

import time
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

    `account` has its workspace id, and `sentinel` is there, as soon as the workspace is known. `found` has the
    resources by kind: as they were read, then as they are after their step. `changed_at` is when something in AWS was
    changed that other services may not see yet (monotonic time).
    """

    account: Account
    source: SourceSpec
    context: Context
    removing: bool
    caller: Callable[[str], ServiceClient]
    """Return an AWS service, by botocore's name for it, in a session in the account."""
    sentinel: Sentinel | None = None
    found: dict[str, Any] = field(default_factory=dict)
    changed_at: float | None = None

    @property
    def workspace(self) -> Sentinel:
        """The workspace, for steps that come after it is known."""
        if self.sentinel is None:
            raise RuntimeError("the workspace is not known yet")
        return self.sentinel

    @property
    def writes(self) -> bool:
        """Whether adapters may write."""
        return not self.context.check_mode


def _no_statements(_run: SourceRun, _partition: str) -> list[dict[str, Any]]:
    return []


def _is_known(_have: Any) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Step:
    """One resource of a source."""

    resource: Resource[Any, Any]
    spec: Callable[[SourceRun], Any]
    adapter: Callable[[SourceRun, Any], Adapter[Any]]
    statements: Callable[[SourceRun, str], list[dict[str, Any]]] = _no_statements
    """What the session in the account needs, by the partition."""
    is_new: Callable[[Any], bool] = _is_known
    """Whether a resource that was read may be too new for other services to see it."""
    findings_without_workspace: Callable[[SourceRun, Any], list[Finding]] | None = None
    """What is wrong as far as that is known where the workspace cannot be used."""


@dataclass(frozen=True, slots=True)
class Source:
    """A list of steps: those in the AWS account, then those in the workspace; with what is special about it."""

    in_aws: tuple[Step, ...]
    in_workspace: tuple[Step, ...] = ()
    before_removal: Callable[[SourceRun, AddFindings], Awaitable[None]] | None = None
    """Add findings to the report, and raise SentinelError where nothing may be removed."""
    after_refusal: Callable[[SourceRun, SentinelError], Iterable[Finding]] | None = None
    """Return what else is wrong where an AWS step ended with an error."""


AddFindings = Callable[[Iterable[Finding]], None]


# --- CloudTrail: the role that Microsoft Sentinel assumes, then the connector that names it ---


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


def _connector_adapter(run: SourceRun, spec: ConnectorSpec) -> Any:
    is_new = run.changed_at is not None
    until_usable = partial(run.context.visibility.turn, run.changed_at or time.monotonic()) if is_new else None
    return run.workspace.connector_adapter(spec, writes=run.writes, until_usable=until_usable)


async def _check_readers(run: SourceRun, add: AddFindings) -> None:
    """Report the connectors that go on reading the account; refuse to remove a role that one of them needs."""
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
