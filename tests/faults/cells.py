# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The matrix: every fault at every request of a run, once and always; and every request to be killed at."""

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
"""What a run asks once."""
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
"""What a run asks and does in the first account, in order."""


class Cell(NamedTuple):
    """One fault at one request, the first time (or times), or always."""

    phase: Phase
    request: Request
    kind: Kind
    times: int | None

    @property
    def id(self) -> str:
        """Its name in a list of tests."""
        often = "once" if self.times else "always"
        number = f" {self.request.skip + 1}" if self.request.skip else ""
        return f"{self.phase}-{self.request.operation}{number}-{self.kind.name}-{often}"

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes of the error that it may end with; if it is empty the run gets over it."""
        return self.kind.once if self.times else self.kind.always


class Crash(NamedTuple):
    """A run that is killed at its request of that number, before the service acts or after it answered."""

    phase: Phase
    number: int
    moment: Moment

    @property
    def id(self) -> str:
        """Its name in a list of tests."""
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
    """One cell for each kind of fault, and one for each end of those that a run only gets over once.

    They are spread over phases and requests.
    """
    found: list[Cell] = []
    cells = list(every())
    for kind, times in (*((kind, 1) for kind in KINDS), *((kind, None) for kind in _ending(cells))):
        fitting = [cell for cell in cells if cell.kind is kind and cell.times == times]
        # A step of a prime number visits another request with each kind.
        found.append(fitting[7 * len(found) % len(fitting)])
    return found


def _ending(cells: list[Cell]) -> Iterable[Kind]:
    """What ends a run always but not once: the first kind for each class of error, in AWS, in Azure and in both."""
    found: dict[tuple[object, ...], Kind] = {}
    for kind in KINDS:
        if kind.once != kind.always:
            clouds = {cell.request.service == "azure" for cell in cells if cell.kind is kind}
            found.setdefault((kind.always, *sorted(clouds)), kind)
    return found.values()


def sample_of_crashes() -> list[Crash]:
    """Each phase killed around one of its last two writes."""
    last = {phase: len(FOR_ALL) + len(ACCOUNT[phase]) for phase in PHASES}
    return [
        Crash("create", last["create"] - 1, "after"),
        Crash("repair", last["repair"], "before"),
        Crash("remove", last["remove"] - 1, "after"),
    ]


def crashes() -> Iterator[Crash]:
    """Every request of a run over one account, before and after it was acted on."""
    for phase in PHASES:
        for number in range(1, len(FOR_ALL) + len(ACCOUNT[phase]) + 1):
            yield Crash(phase, number, "before")
            yield Crash(phase, number, "after")
