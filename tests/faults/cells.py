# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The matrix: every fault at every request of a run, once and always; and a crash at every request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from .hook import Moment
from .kinds import DELETE, GET, KINDS, PUT, Kind, Request
from .world import PHASES, Phase

FOR_ALL = (
    Request("sts", "GetCallerIdentity"),
    *(
        Request("azure", operation)
        for operation in (
            "Metadata_Endpoints",
            "OpenId",
            "Token",
            "Workspaces_Get",
            "SentinelOnboardingStates_Get",
            "Permissions_ListForResource",
            "DataConnectors_List",
        )
    ),
)
"""The requests that are made once per run."""
_ASSUME = Request("sts", "AssumeRole")


def _iam(*operations: str) -> tuple[Request, ...]:
    return tuple(
        Request("iam", operation, operations[:index].count(operation)) for index, operation in enumerate(operations)
    )


ACCOUNT: dict[Phase, tuple[Request, ...]] = {
    "create": (_ASSUME, *_iam("GetRole", "CreateRole", "AttachRolePolicy"), Request("azure", PUT)),
    "repair": (
        _ASSUME,
        *_iam("GetRole", "ListAttachedRolePolicies", "ListRolePolicies", "GetRolePolicy"),
        Request("iam", "GetRole", 1),
        Request("iam", "ListAttachedRolePolicies", 1),
        Request("iam", "ListRolePolicies", 1),
        Request("iam", "GetRolePolicy", 1),
        *_iam("TagRole", "UpdateAssumeRolePolicy", "UpdateRole", "PutRolePermissionsBoundary", "PutRolePolicy"),
        *_iam("DetachRolePolicy", "DetachRolePolicy", "DeleteRolePolicy"),
        Request("azure", PUT),
    ),
    "remove": (
        _ASSUME,
        *_iam("GetRole", "ListAttachedRolePolicies", "ListRolePolicies", "ListInstanceProfilesForRole"),
        Request("azure", GET),
        Request("azure", DELETE),
        Request("iam", "GetRole", 1),
        Request("iam", "ListInstanceProfilesForRole", 1),
        *_iam("DetachRolePolicy", "DeleteRole"),
    ),
}
"""The requests in the first account, in order."""


class Cell(NamedTuple):
    """One fault at one request, `times` times or always (None)."""

    phase: Phase
    request: Request
    kind: Kind
    times: int | None

    @property
    def id(self) -> str:
        """The id of the test."""
        often = "once" if self.times else "always"
        number = f" {self.request.skip + 1}" if self.request.skip else ""
        return f"{self.phase}-{self.request.operation}{number}-{self.kind.name}-{often}"

    @property
    def classes(self) -> tuple[str, ...]:
        """The error classes with which the run may fail; if empty, it must succeed."""
        return self.kind.once if self.times else self.kind.always


class Crash(NamedTuple):
    """A run that is killed at its n-th request, before the service processes it or after it has responded."""

    phase: Phase
    number: int
    moment: Moment

    @property
    def id(self) -> str:
        """The id of the test."""
        return f"{self.phase}-{self.number}-{self.moment}"


def every() -> Iterator[Cell]:
    """The whole matrix."""
    for phase in PHASES:
        for request in (*(FOR_ALL if phase == "create" else ()), *ACCOUNT[phase]):
            for kind in KINDS:
                if kind.at(request):
                    yield Cell(phase, request, kind, 1)
                    yield Cell(phase, request, kind, None)


def sample() -> list[Cell]:
    """One cell for each kind of fault, and one for each error class with which a fault that is always applied fails.

    They are spread over phases and requests.
    """
    found: list[Cell] = []
    cells = list(every())
    for kind, times in (*((kind, 1) for kind in KINDS), *((kind, None) for kind in _kinds_that_fail_a_run(cells))):
        fitting = [cell for cell in cells if cell.kind is kind and cell.times == times]
        # A prime step selects a different request for each kind.
        found.append(fitting[7 * len(found) % len(fitting)])
    return found


def _kinds_that_fail_a_run(cells: list[Cell]) -> Iterable[Kind]:
    """Kinds that fail a run only if applied always: the first one per error class, in AWS, in Azure and in both."""
    found: dict[tuple[object, ...], Kind] = {}
    for kind in KINDS:
        if kind.once != kind.always:
            clouds = {cell.request.service == "azure" for cell in cells if cell.kind is kind}
            found.setdefault((kind.always, *sorted(clouds)), kind)
    return found.values()


def sample_of_crashes() -> list[Crash]:
    """Each phase, killed at one of its last two writes."""
    last = {phase: len(FOR_ALL) + len(ACCOUNT[phase]) for phase in PHASES}
    return [
        Crash("create", last["create"] - 1, "after"),
        Crash("repair", last["repair"], "before"),
        Crash("remove", last["remove"] - 1, "after"),
    ]


def crashes() -> Iterator[Crash]:
    """Every request of a run with one account, before and after it is processed."""
    for phase in PHASES:
        for number in range(1, len(FOR_ALL) + len(ACCOUNT[phase]) + 1):
            yield Crash(phase, number, "before")
            yield Crash(phase, number, "after")
