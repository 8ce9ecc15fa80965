# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A kind of resource as a value: everything that reconciling one needs to know about it. Pure."""

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
    """A kind of resource, by functions of its desired state (`Spec`) and of what was read (`T`, None for nothing).

    `overlay` and `without` raise SentinelError where the resource belongs to somebody else.
    """

    name: str
    """The kind in results, such as "role"."""
    title: Callable[[Spec], str]
    """What messages and diffs call one of them."""
    overlay: Callable[[Spec, T | None], T | None]
    """Return the desired resource: what is there with everything that the specification gives."""
    without: Callable[[Spec, T | None], T | None]
    """Return what remains after the removal."""
    plan: Callable[[T | None, T | None], list[Call]]
    """Return the calls that turn the first into the second."""
    findings: Callable[[Spec, T | None], list[Finding]]
    """Return what is wrong, the most severe first."""
    show: Callable[[Spec, T | None], dict[str, Any]]
    """Return it as it appears in results and diffs; {} for nothing."""
    id: Callable[[Spec, T | None], str]
    """Return its ARN, ARM id or URL, empty for nothing."""
    removable: Callable[[Spec, T | None], T | None] = _unchanged
    """Return the part of what is there that a removal is about."""
