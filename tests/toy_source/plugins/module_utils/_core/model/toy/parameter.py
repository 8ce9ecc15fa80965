# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The SSM parameter of the toy source, which holds the ARN of its repository. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..findings import Finding, finding
from ..plan import Call
from ..resource import Resource


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of the type String."""

    name: str
    value: str


def plan(have: Parameter | None, want: Parameter | None) -> list[Call]:
    """Return the calls of SSM that turn one into the other."""
    if want is None:
        return [Call("DeleteParameter", {"Name": have.name})] if have else []
    if have == want:
        return []
    return [Call("PutParameter", {"Name": want.name, "Value": want.value, "Type": "String", "Overwrite": True})]


def findings(spec: Parameter, have: Parameter | None) -> list[Finding]:
    """Return what is wrong with it."""
    if have is None:
        return [finding("parameter_missing", f"Parameter {spec.name} does not exist.")]
    if have != spec:
        return [finding("parameter_changed", f"Parameter {spec.name} holds {have.value}, not {spec.value}.")]
    return []


def show(parameter: Parameter | None) -> dict[str, Any]:
    """Return it as it appears in results."""
    return {"name": parameter.name, "value": parameter.value} if parameter else {}


PARAMETER: Resource[Parameter, Parameter] = Resource(
    name="parameter",
    title=lambda spec: f"parameter {spec.name}",
    overlay=lambda spec, _have: spec,
    without=lambda _spec, _have: None,
    plan=plan,
    findings=findings,
    show=lambda _spec, have: show(have),
    id=lambda _spec, have: have.name if have else "",
)
