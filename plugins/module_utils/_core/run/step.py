# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A source as a value: its steps, one resource per step, in the order of creation; removal is in the reverse order."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..cloud.service import Keys, ServiceClient, Writer
from ..model.account import Account
from ..model.errors import SentinelError
from ..model.findings import Finding
from ..model.plan import Call
from ..model.resource import Resource
from ..model.sources import SourceSpec
from .reconcile import Adapter
from .write_session import WriteSession

if TYPE_CHECKING:
    from ..cloud.sentinel import Sentinel
    from .account import Context


@dataclass(slots=True)
class EarlierSources:
    """What the earlier sources of an account did, or would do in check mode: they may share resources with later ones.

    `previewed` has the resources in check mode as they would be, by title; `removed` the ids of removed ones.
    """

    previewed: dict[str, Any] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)


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
    earlier: EarlierSources
    write_session: WriteSession
    """For the steps that have `write_statements`."""
    sentinel: Sentinel | None = None
    found: dict[str, Any] = field(default_factory=dict)
    changed_at: float | None = None
    prepared: Any = None
    """What `Source.prepare` read."""
    keys: Keys | None = None
    """The credentials of the session in the account."""

    def caller(self, service: str, region: str = "") -> ServiceClient:
        """Return a client of an AWS service, by botocore's name for it, with the session in the account."""
        if self.keys is None:
            raise RuntimeError("no role was assumed yet")
        return self.context.client(service, region, self.keys)

    @property
    def workspace(self) -> Sentinel:
        """The workspace, for steps that run after it was read."""
        if self.sentinel is None:
            raise RuntimeError("the workspace was not read yet")
        return self.sentinel

    def writer(self, resource: str, service: str, region: str = "") -> Writer:
        """Return a function that returns the client for a call of the plan for a resource."""

        async def client(call: Call) -> ServiceClient:
            return self.context.client(service, region, await self.write_session.keys(resource, call))

        return client

    @property
    def writes(self) -> bool:
        """Whether adapters may write."""
        return not self.context.check_mode


def _no_statements(_run: SourceRun, _partition: str) -> list[dict[str, Any]]:
    return []


def _is_always_used(_run: SourceRun) -> bool:
    return True


def _is_never_new(_have: Any) -> bool:
    return False


WriteStatements = Callable[[Any, list[Call]], list[dict[str, Any]]]
"""Returns the statements of a session policy that calls need, by the spec of the resource."""


@dataclass(frozen=True, slots=True)
class Step:
    """One resource of a source."""

    resource: Resource[Any, Any]
    spec: Callable[[SourceRun], Any]
    adapter: Callable[[SourceRun, Any], Adapter[Any]]
    statements: Callable[[SourceRun, str], list[dict[str, Any]]] = _no_statements
    """Return the statements of the session policy that this step needs, for the AWS partition."""
    write_statements: WriteStatements | None = None
    """Given where the calls of a plan are made in a session of their own."""
    is_used: Callable[[SourceRun], bool] = _is_always_used
    is_new: Callable[[Any], bool] = _is_never_new
    """Return whether a resource was created so recently that other services may not see it yet."""
    findings_without_workspace: Callable[[SourceRun, Any], list[Finding]] | None = None
    """Return the findings that can be determined if the workspace cannot be used."""


@dataclass(frozen=True, slots=True)
class Source:
    """The steps in the AWS account, then those in the workspace, and checks that concern the source as a whole."""

    in_aws: tuple[Step, ...]
    in_workspace: tuple[Step, ...] = ()
    prepare: Prepare | None = None
    """Read what the steps depend on, after the workspace was read, if it can be used; raises SentinelError."""
    statements: Callable[[SourceRun, str], list[dict[str, Any]]] = _no_statements
    """Return the statements of the session policy that `prepare` needs, for the AWS partition."""
    is_new: Callable[[SourceRun], bool] | None = None
    """Return whether the source does not work yet, so that a refusal of any step is due before the first write."""
    before_removal: Callable[[SourceRun, AddFindings], Awaitable[None]] | None = None
    """Add findings to the report; raises SentinelError if nothing may be removed."""
    after_refusal: Callable[[SourceRun, SentinelError], Iterable[Finding]] | None = None
    """Return additional findings if a step in AWS failed."""


AddFindings = Callable[[Iterable[Finding]], None]
Prepare = Callable[[SourceRun], Awaitable[None]]
