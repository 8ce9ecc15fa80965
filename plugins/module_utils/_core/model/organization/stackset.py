# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The StackSet that creates the role in all accounts of organizational units: template, desired state, plan. Pure.

Source: "AWS CloudFormation API Reference" and "StackSets concepts" (AWS).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..errors import InputError, Mistake, SentinelError
from ..plan import Call
from ..resource import Resource
from ..role.role import TAG, Role

STACKSET_DESCRIPTION = "The IAM role that lets Microsoft Sentinel read AWS CloudTrail"
RESOURCE = "SentinelRole"
MAX_UNITS_PER_CALL = 50
MAX_TEMPLATE_BYTES = 51_200
CAPABILITIES = ["CAPABILITY_NAMED_IAM"]
# An account that already has the role fails; it must not stop or delay the others.
OPERATION_PREFERENCES = {
    "FailureTolerancePercentage": 100,
    "MaxConcurrentPercentage": 100,
    "ConcurrencyMode": "SOFT_FAILURE_TOLERANCE",
}


@dataclass(frozen=True, slots=True)
class StackSet:
    """A StackSet, with the attributes that this collection reads."""

    name: str
    template: Any = None
    description: str = STACKSET_DESCRIPTION
    tags: Mapping[str, str] = field(default_factory=dict)
    units: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()
    auto_deployment: bool = True
    retain: bool = False
    managed_execution: bool = True
    """Whether CloudFormation queues operations that conflict with another one instead of rejecting them."""
    permission_model: str = "SERVICE_MANAGED"


@dataclass(frozen=True, slots=True)
class StackSetSpec:
    """The desired StackSet. None means: leave that attribute unchanged."""

    name: str
    template: Mapping[str, Any]
    region: str
    units: tuple[str, ...] | None = None
    auto_deployment: bool | None = None
    retain: bool | None = None
    adopt: bool = False


def template(role: Role) -> dict[str, Any]:
    """Return the CloudFormation template of a role; its boundary is the policy of that name in each account."""
    properties: dict[str, Any] = {
        "RoleName": role.name,
        "Path": role.path,
        "Description": role.description,
        "MaxSessionDuration": role.max_session_duration,
        "AssumeRolePolicyDocument": role.trust,
        "Tags": [{"Key": key, "Value": role.tags[key]} for key in sorted(role.tags)],
    }
    if role.managed_policies:
        properties["ManagedPolicyArns"] = sorted(role.managed_policies)
    if role.inline_policies:
        properties["Policies"] = [
            {"PolicyName": name, "PolicyDocument": role.inline_policies[name]} for name in sorted(role.inline_policies)
        ]
    if role.permissions_boundary:
        properties["PermissionsBoundary"] = _in_each_account(role.permissions_boundary)
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": STACKSET_DESCRIPTION,
        "Resources": {RESOURCE: {"Type": "AWS::IAM::Role", "Properties": properties}},
    }


def _in_each_account(arn: str) -> Any:
    """Return an ARN with the account id of the stack; ARNs of AWS managed policies are the same in all accounts."""
    start, account, rest = re.fullmatch(r"(arn:[^:]*:iam::)([^:]*):(.*)", arn).groups()  # type: ignore[union-attr]
    return arn if account == "aws" else {"Fn::Sub": f"{start}${{AWS::AccountId}}:{rest.replace('${', '${!')}"}


def validate(spec: StackSetSpec) -> None:
    """Raise bad_input if AWS would reject the name, a unit or the size of the template."""
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]{0,127}", spec.name):
        rule = "it must be 1 to 128 letters, digits and hyphens and start with a letter"
        raise SentinelError("bad_input", f"Cannot use name {spec.name!r}: {rule}.")
    for unit in spec.units or ():
        if not re.fullmatch(r"ou-[a-z0-9]{4,32}-[a-z0-9]{8,32}|r-[a-z0-9]{4,32}", unit):
            rule = "each item must be the id of an organizational unit (ou-…) or of the root (r-…)"
            raise SentinelError("bad_input", f"Cannot use organizational_units {unit!r}: {rule}.")
    if len(_json_text(spec.template)) > MAX_TEMPLATE_BYTES:
        raise SentinelError(
            "bad_input",
            f"Cannot create StackSet {spec.name}: its template would have more than {MAX_TEMPLATE_BYTES:,} bytes.",
        )


def check_units(units: Sequence[str] | None) -> None:
    """Raise bad_input for an empty list of units, which would delete all stacks and their roles."""
    if units is not None and not units:
        rule = "it must not be empty; to delete the roles of all units, set state to absent"
        raise InputError([Mistake(f"Cannot use organizational_units {list(units)!r}", "", rule)])


def overlay(spec: StackSetSpec, have: StackSet | None) -> StackSet:
    """Return the desired StackSet: the existing or a new one with the spec applied; raises stackset_conflict."""
    _check_ownership(spec.name, have, adopt=spec.adopt)
    base = have or StackSet(spec.name)
    return replace(
        base,
        template=spec.template,
        description=STACKSET_DESCRIPTION,
        tags={**base.tags, TAG: "managed"},
        units=base.units if spec.units is None else frozenset(spec.units),
        # IAM is global: a stack in a second Region would create the same role and fail.
        regions=base.regions or frozenset({spec.region}),
        auto_deployment=base.auto_deployment if spec.auto_deployment is None else spec.auto_deployment,
        retain=base.retain if spec.retain is None else spec.retain,
        managed_execution=True,
    )


def without(spec: StackSetSpec, have: StackSet | None) -> None:
    """Raise stackset_conflict unless the StackSet may be removed; nothing remains of it."""
    _check_ownership(spec.name, have, adopt=spec.adopt)


def _check_ownership(name: str, have: StackSet | None, *, adopt: bool) -> None:
    if have is None:
        return
    if have.permission_model != "SERVICE_MANAGED":
        reason = "its permissions are not service-managed, which cannot be changed"
    elif adopt or have.tags.get(TAG) == "managed":
        return
    else:
        reason = f"it does not carry the tag {TAG}, so it is not managed by this collection; set adopt if it is yours"
    raise SentinelError("stackset_conflict", f"Cannot adopt StackSet {name}: {reason}.")


def plan(have: StackSet | None, want: StackSet | None, *, retain: bool | None = None) -> list[Call]:
    """Return the calls that turn one StackSet into the other, in order; an empty list if they are equal.

    Units are removed before others are added: removing a unit also removes the stacks of the units below it. `retain`
    overrides, for the removal of the StackSet, whether its roles are kept.
    """
    if want is None:
        return _delete_stackset(have, retain) if have else []
    calls = []
    if have is None:
        calls.append(Call("CreateStackSet", {**_stackset_settings(want), "PermissionModel": want.permission_model}))
        have = replace(want, units=frozenset())
    if _stackset_settings(have) != _stackset_settings(want):
        calls.append(
            Call("UpdateStackSet", {**_stackset_settings(want), "OperationPreferences": OPERATION_PREFERENCES})
        )
    return (
        calls
        + _delete_instances(have, have.units - want.units, want.retain)
        + _create_instances(want, want.units - have.units)
    )


def _stackset_settings(want: StackSet) -> dict[str, Any]:
    # AWS accepts RetainStacksOnAccountRemoval only with automatic deployment.
    retain = {"RetainStacksOnAccountRemoval": want.retain} if want.auto_deployment else {}
    return {
        "StackSetName": want.name,
        "Description": want.description,
        "TemplateBody": want.template,
        "Capabilities": CAPABILITIES,
        "Tags": [{"Key": key, "Value": want.tags[key]} for key in sorted(want.tags)],
        "AutoDeployment": {"Enabled": want.auto_deployment, **retain},
        "ManagedExecution": {"Active": want.managed_execution},
    }


def _create_instances(want: StackSet, units: frozenset[str]) -> list[Call]:
    return [Call("CreateStackInstances", _targets(want, some)) for some in _batches(units)]


def _delete_instances(have: StackSet, units: frozenset[str], retain: bool) -> list[Call]:
    return [Call("DeleteStackInstances", {**_targets(have, some), "RetainStacks": retain}) for some in _batches(units)]


def _delete_stackset(have: StackSet, retain: bool | None) -> list[Call]:
    instances = _delete_instances(have, have.units, have.retain if retain is None else retain)
    return [*instances, Call("DeleteStackSet", {"StackSetName": have.name})]


def _targets(stackset: StackSet, units: list[str]) -> dict[str, Any]:
    return {
        "StackSetName": stackset.name,
        "DeploymentTargets": {"OrganizationalUnitIds": units},
        "Regions": sorted(stackset.regions),
        "OperationPreferences": OPERATION_PREFERENCES,
    }


def _batches(units: frozenset[str]) -> Iterator[list[str]]:
    listed = sorted(units)
    for start in range(0, len(listed), MAX_UNITS_PER_CALL):
        yield listed[start : start + MAX_UNITS_PER_CALL]


def _json_text(document: Any) -> str:
    return json.dumps(document)


def show(stackset: StackSet | None) -> dict[str, Any]:
    """Return the StackSet as it appears in results; {} for none."""
    if stackset is None:
        return {}
    return {
        "name": stackset.name,
        "description": stackset.description,
        "template": stackset.template,
        "tags": dict(sorted(stackset.tags.items())),
        "organizational_units": sorted(stackset.units),
        "regions": sorted(stackset.regions),
        "auto_deployment": stackset.auto_deployment,
        "retain": stackset.retain,
    }


STACKSET: Resource[StackSetSpec, StackSet] = Resource(
    name="stackset",
    title=lambda spec: f"StackSet {spec.name}",
    overlay=overlay,
    without=without,
    plan=plan,
    findings=lambda _spec, _have: [],
    show=lambda _spec, have: show(have),
    id=lambda spec, have: spec.name if have else "",
)
