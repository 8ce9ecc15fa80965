# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A kind of resource as a value: the functions that reconciling needs. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from .findings import Finding
from .plan import Call

Spec = TypeVar("Spec")
T = TypeVar("T")


def _unchanged(_spec: Any, have: Any) -> Any:
    return have


@dataclass(frozen=True, slots=True)
class Resource(Generic[Spec, T]):
    """A kind of resource: functions of its desired state (`Spec`) and its current state (`T`, None if there is none).

    `overlay` and `without` raise SentinelError if the resource must not be changed, such as one of another owner.
    """

    name: str
    """The kind in results, such as "role"."""
    title: Callable[[Spec], str]
    """Return its name in messages and diffs."""
    overlay: Callable[[Spec, T | None], T | None]
    """Return the resource with every attribute that the spec sets."""
    without: Callable[[Spec, T | None], T | None]
    """Return the resource that remains after the removal, or None."""
    plan: Callable[[T | None, T | None], list[Call]]
    """Return the calls that turn the first state into the second."""
    findings: Callable[[Spec, T | None], list[Finding]]
    """Return the differences from the desired state, the most severe first."""
    show: Callable[[Spec, T | None], dict[str, Any]]
    """Return it as it appears in results and diffs; {} for None."""
    id: Callable[[Spec, T | None], str]
    """Return its ARN, ARM id or URL; an empty string for None."""
    removable: Callable[[Spec, T | None], T | None] = _unchanged
    """Return the part of the current state that a removal may remove."""
