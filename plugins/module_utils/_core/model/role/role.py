# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The IAM role that Microsoft Sentinel assumes: its desired state, its ownership and its findings. Pure.

Sources: "Connect Microsoft Sentinel to Amazon Web Services" (Microsoft Learn); "IAM API Reference" (AWS).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..errors import SentinelError
from ..findings import CODES, Finding, finding, ordered
from ..policy import policy
from ..validation import REPLACED_POLICY, RULES

MICROSOFT_ACCOUNT = "197857026523"
MANAGED_POLICY = "AWSCloudTrail_ReadOnlyAccess"
INLINE_POLICY = "MicrosoftSentinelLookupEvents"
TAG = "trailbridge.sentinel"
TAG_WORKSPACE = "trailbridge.sentinel.workspace"
ROLE_DESCRIPTION = "Lets Microsoft Sentinel read AWS CloudTrail"
DEFAULT_SESSION_SECONDS = 3600
MAX_TAGS, MAX_TAG_LENGTH = 50, 256

LOOKUP_EVENTS: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "cloudtrail:LookupEvents", "Resource": "*"}],
}


@dataclass(frozen=True, slots=True)
class Role:
    """An IAM role, with the attributes that this collection reads. Policy documents are decoded JSON."""

    name: str
    arn: str
    path: str = "/"
    description: str = ""
    max_session_duration: int = DEFAULT_SESSION_SECONDS
    trust: Mapping[str, Any] = field(default_factory=dict)
    permissions_boundary: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    managed_policies: frozenset[str] = frozenset()
    inline_policies: Mapping[str, Any] = field(default_factory=dict)
    instance_profiles: tuple[str, ...] = ()
    is_new: bool = field(default=False, compare=False)
    """Whether it was created so recently that other services may not see it yet."""


@dataclass(frozen=True, slots=True)
class RoleSpec:
    """The desired role. None means: leave that attribute unchanged."""

    account_id: str
    workspace_id: str
    name: str = "MicrosoftSentinelRole"
    path: str | None = None
    description: str | None = None
    max_session_duration: int | None = None
    permissions_boundary: str | None = None
    tags: Mapping[str, str] | None = None
    purge_tags: bool = False
    permission_mode: str = "managed"
    microsoft_account_id: str = MICROSOFT_ACCOUNT
    external_ids: tuple[str, ...] = ()
    exclusive: bool = True
    adopt: bool = False
    partition: str = "aws"

    @property
    def arn(self) -> str:
        """The ARN of the role if it is created."""
        return f"arn:{self.partition}:iam::{self.account_id}:role{self.path or '/'}{self.name}"

    @property
    def managed_policies(self) -> frozenset[str]:
        """The managed policies that Sentinel needs."""
        arn = f"arn:{self.partition}:iam::aws:policy/{MANAGED_POLICY}"
        return frozenset({arn} if self.permission_mode == "managed" else ())

    @property
    def inline_policies(self) -> dict[str, Any]:
        """The inline policies that Sentinel needs, in the permission mode lookup_events."""
        return {INLINE_POLICY: LOOKUP_EVENTS} if self.permission_mode == "lookup_events" else {}


def trust(microsoft_account_id: str, external_ids: Iterable[str], partition: str = "aws") -> dict[str, Any]:
    """Return the trust policy that allows Microsoft Sentinel to assume the role for these workspaces only."""
    ids = sorted(external_ids)
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:{partition}:iam::{microsoft_account_id}:root"},
                "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"sts:ExternalId": ids[0] if len(ids) == 1 else ids}},
            }
        ],
    }


def _existing_key(tags: Mapping[str, str], key: str) -> str:
    """Return a key in its existing case: tag keys in IAM are case-insensitive and keep the case of their creation."""
    return key if key in tags else next((one for one in tags if one.lower() == key.lower()), key)


def _tag_value(tags: Mapping[str, str], key: str) -> str:
    return tags.get(_existing_key(tags, key), "").lower()


def has_managed_tag(tags: Mapping[str, str]) -> bool:
    """Return whether the tag of this collection is among those of a resource."""
    return _tag_value(tags, TAG) == "managed"


def is_managed(role: Role) -> bool:
    """Return whether this collection manages the role: it created or adopted it."""
    return has_managed_tag(role.tags)


def tagged_workspaces(role: Role | None) -> frozenset[str]:
    """Return the workspace ids in the tag of a managed role; anything else in the tag is ignored."""
    found = _tag_value(role.tags, TAG_WORKSPACE).split() if role and is_managed(role) else []
    return frozenset(filter(RULES["workspace_id"].holds, found))


def other_workspaces(spec: RoleSpec, have: Role | None) -> frozenset[str]:
    """Return the ids of other workspaces that keep their access: named by the tag and by the trust policy.

    A tag alone grants nothing: a principal that may tag the role must not decide who can assume it.
    """
    others = tagged_workspaces(have) - {spec.workspace_id, *spec.external_ids}
    return others & trusted_workspaces(spec, have) if have and others else frozenset()


def trusted_workspaces(spec: RoleSpec, have: Role) -> frozenset[str]:
    """Return the ids of workspaces that the trust policy names in a statement of the form of `trust`.

    External ids are case-sensitive, and Microsoft sends workspace ids in lower case. Values that are no workspace ids,
    such as policy variables, are left out: they identify no other workspace.
    """
    return policy.admitted_ids(have.trust, spec.microsoft_account_id, _is_workspace_id)


def _is_workspace_id(external_id: str) -> bool:
    return external_id == external_id.lower() and RULES["workspace_id"].holds(external_id)


def expected_external_ids(spec: RoleSpec, have: Role | None) -> frozenset[str]:
    """Return the external ids that the role has to accept: those of the spec and of other workspaces."""
    return other_workspaces(spec, have) | {spec.workspace_id, *spec.external_ids}


def check_ownership(spec: RoleSpec, have: Role | None) -> None:
    """Raise role_conflict if the existing role may belong to someone else."""
    if have is None or spec.adopt or tagged_workspaces(have):
        return
    unknown = _trusted_external_ids(spec, have.trust) - {spec.workspace_id, *spec.external_ids}
    if not is_managed(have) and not policy.trusts(have.trust, spec.microsoft_account_id):
        reason = f"it neither trusts Microsoft's account {spec.microsoft_account_id} nor carries the tag {TAG}"
    elif not policy.is_parseable(have.trust):
        reason = "its trust policy cannot be parsed, so it may serve another workspace"
    elif unknown:
        reason = f"it serves another workspace ({', '.join(sorted(unknown))}), which external_ids does not name"
    else:
        return
    raise SentinelError(
        "role_conflict",
        f"Cannot adopt role {have.name} in account {spec.account_id}: {reason}. "
        "Choose another role name, or set adopt if the role is yours.",
    )


def _is_as_created(spec: RoleSpec, have: Role) -> bool:
    """Return whether the role has what a new one would have and nothing else: there is nothing to find or to change.

    Most roles of a nightly run are like that, and the rules together take ten times as long to find nothing.
    """
    created = replace(
        have,
        path=have.path if spec.path is None else spec.path,
        description=have.description if spec.description is None else spec.description,
        max_session_duration=spec.max_session_duration or DEFAULT_SESSION_SECONDS,
        trust=trust(spec.microsoft_account_id, [spec.workspace_id], spec.partition),
        permissions_boundary=spec.permissions_boundary or None,
        tags={**(spec.tags or {}), TAG: "managed", TAG_WORKSPACE: spec.workspace_id},
        managed_policies=spec.managed_policies,
        inline_policies=spec.inline_policies,
    )
    return have == created and not spec.external_ids


def overlay(spec: RoleSpec, have: Role | None) -> Role:
    """Return the desired role: the existing or a new one with the spec applied; raises role_conflict, bad_input."""
    if have and _is_as_created(spec, have):
        return have
    check_ownership(spec, have)
    _check_tags(spec)
    base = have or Role(spec.name, spec.arn, spec.path or "/", ROLE_DESCRIPTION)
    ids = expected_external_ids(spec, have)
    return replace(
        base,
        description=base.description if spec.description is None else spec.description,
        max_session_duration=spec.max_session_duration or base.max_session_duration,
        permissions_boundary=_desired_boundary(spec, base),
        trust=_desired_trust(spec, base, ids),
        tags=desired_tags(spec, base, other_workspaces(spec, base))[0],
        managed_policies=spec.managed_policies | _kept_policies(spec, base),
        inline_policies=_desired_inline_policies(spec, base),
    )


def without(spec: RoleSpec, have: Role | None) -> Role | None:
    """Return the role without this workspace: None, or the role for its other workspaces; raises role_conflict."""
    if have is None:
        return None
    _check_removable(spec, have)
    trusted, tagged = trusted_workspaces(spec, have), tagged_workspaces(have)
    # With adopt and no tag, the trust policy alone decides which workspaces remain; else the tag has to name them.
    known = trusted if spec.adopt and not tagged else tagged | set(spec.external_ids)
    remaining = (trusted & known) - {spec.workspace_id}
    if not remaining:
        _check_no_unknown_ids(spec, have, have.trust, remaining)
        check_unused(spec.account_id, have)
        return None
    removed = [one for one in _statements(have) if spec.exclusive or not _is_kept(spec, one)]
    _check_no_unknown_ids(spec, have, {**have.trust, "Statement": removed}, remaining)
    return replace(
        have, trust=_trust_without(spec, have, remaining), tags=tags_without(have, spec.workspace_id, remaining)
    )


def tags_without(have: Role, workspace_id: str, remaining: Iterable[str]) -> dict[str, str]:
    """Return the tags without that workspace; the `remaining` ones, which keep their access, come first."""
    first = sorted(remaining)
    ids = first + sorted(tagged_workspaces(have) - {*first, workspace_id})
    key, text = _existing_key(have.tags, TAG_WORKSPACE), _workspace_tag(ids)[0]
    return {**have.tags, **({key: text} if key in have.tags or len(have.tags) < MAX_TAGS else {})}


def _check_removable(spec: RoleSpec, have: Role) -> None:
    """Raise role_conflict for a role that this collection neither manages nor may adopt to remove it."""
    if is_managed(have):
        return
    if not policy.names_account(have.trust, spec.microsoft_account_id):
        why = f"it neither carries the tag {TAG} nor trusts Microsoft's account {spec.microsoft_account_id}"
    elif not spec.adopt:
        why = f"it does not carry the tag {TAG}, so it is not managed by this collection; set adopt if it is yours"
    else:
        return
    raise SentinelError("role_conflict", f"Cannot remove role {have.name} in account {spec.account_id}: {why}.")


def _check_no_unknown_ids(spec: RoleSpec, have: Role, removed: Mapping[str, Any], remaining: Iterable[str]) -> None:
    """Raise role_conflict if the removed part of the trust policy names unknown external ids, or cannot be parsed."""
    named = policy.named_ids(removed, spec.microsoft_account_id)
    others = {one for one in named if not policy.matches_id(one, spec.workspace_id)} - set(remaining)
    if others:
        why = (
            f"its trust policy names {', '.join(sorted(others))}, which is neither this workspace nor one that both "
            f"the tag {TAG_WORKSPACE} and an exact condition name. Onboard the account first, which removes unknown "
            "external ids, or remove it from the trust policy yourself"
        )
    elif policy.is_parseable(removed) or spec.adopt:
        return
    else:
        why = "its trust policy cannot be parsed, so it may serve others; set adopt if the role is yours"
    raise SentinelError("role_conflict", f"Cannot remove role {have.name} in account {spec.account_id}: {why}.")


def check_unused(account_id: str, have: Role) -> None:
    """Raise role_conflict if an instance profile has the role to remove."""
    if have.instance_profiles:
        raise SentinelError(
            "role_conflict",
            f"Cannot remove role {have.name} in account {account_id}: "
            f"it is in the instance profile {', '.join(have.instance_profiles)}; remove it from there first.",
        )


def _desired_boundary(spec: RoleSpec, base: Role) -> str | None:
    return base.permissions_boundary if spec.permissions_boundary is None else spec.permissions_boundary or None


def _desired_trust(spec: RoleSpec, base: Role, ids: Iterable[str]) -> Mapping[str, Any]:
    desired = trust(spec.microsoft_account_id, ids, spec.partition)
    if policy.same(base.trust, desired):
        return base.trust
    if spec.exclusive or not base.trust:
        denied = _restrictions(spec, base, other_workspaces(spec, base))
        after = {**desired, "Statement": [*desired["Statement"], *denied]}
        return base.trust if policy.same(base.trust, after) else after
    return policy.add_statements(base.trust, desired)


def _restrictions(spec: RoleSpec, have: Role, others: Iterable[str]) -> list[Any]:
    """Return the conditional Deny statements for other workspaces, which must not get more access than they have."""
    return [one for one in _statements(have) if policy.restricts(one, spec.microsoft_account_id, others)]


def _trust_without(spec: RoleSpec, have: Role, remaining: Iterable[str]) -> Mapping[str, Any]:
    desired = trust(spec.microsoft_account_id, remaining, spec.partition)
    others = _restrictions(spec, have, remaining) if spec.exclusive else _kept_statements(spec, have)
    after = policy.add_statements({**(desired if spec.exclusive else have.trust), "Statement": others}, desired)
    return have.trust if policy.same(have.trust, after) else after


def _kept_statements(spec: RoleSpec, have: Role) -> list[Any]:
    """Return the statements that stay when this workspace is removed and the spec is not exclusive."""
    return [one for one in _statements(have) if _is_kept(spec, one)]


def _is_kept(spec: RoleSpec, statement: object) -> bool:
    return _denies(statement) or not _trusts_workspace(spec, {"Statement": [statement]})


def _trusts_workspace(spec: RoleSpec, document: Mapping[str, Any]) -> bool:
    """Return whether an external id or pattern of the document is for this workspace, and not for any."""
    account = spec.microsoft_account_id
    named = policy.claimed_ids(document, account) & policy.named_ids(document, account)
    return any(policy.matches_id(one, spec.workspace_id) for one in named)


def _denies(statement: object) -> bool:
    return isinstance(statement, Mapping) and statement.get("Effect") == "Deny"


def _trusted_external_ids(spec: RoleSpec, document: Mapping[str, Any]) -> frozenset[str]:
    """Return the external ids with which the document trusts Microsoft, in lower case."""
    return frozenset(one.lower() for one in policy.claimed_ids(document, spec.microsoft_account_id))


def _statements(role: Role) -> list[Any]:
    found = role.trust.get("Statement", [])
    return found if isinstance(found, list) else [found]


def _check_tags(spec: RoleSpec) -> None:
    """Raise bad_input if the tags of the spec alone exceed what a role can have."""
    tags = {TAG, TAG_WORKSPACE, *map(str.lower, spec.tags or ())}
    if len(tags) > MAX_TAGS:
        reason = f"it would have {len(tags)} tags, but AWS allows {MAX_TAGS}"
    elif _workspace_tag([spec.workspace_id, *spec.external_ids])[1]:
        reason = f"the ids of its workspaces do not fit into the tag {TAG_WORKSPACE}"
    else:
        return
    raise SentinelError("bad_input", f"Cannot tag role {spec.name} in account {spec.account_id}: {reason}.")


def desired_tags(spec: RoleSpec, base: Role, others: Iterable[str]) -> tuple[dict[str, str], list[str]]:
    """Return the desired tags, and the tags and workspaces without room; existing tags have precedence.

    `others` are the ids of other workspaces that keep their access.
    """
    # They come first: one that the tag does not name would lose its access.
    ids = [*sorted(others), spec.workspace_id, *spec.external_ids]
    text, missing = _workspace_tag([*ids, *sorted(tagged_workspaces(base) - set(ids))])
    managed = {_existing_key(base.tags, TAG): "managed", _existing_key(base.tags, TAG_WORKSPACE): text}
    tags, left_out = _tags_to_keep(spec, base), [f"workspace {one}" for one in missing]
    for key, value in [*managed.items(), *sorted(_given_tags(spec, base).items())]:
        if key in tags or len(tags) < MAX_TAGS:
            tags[key] = value
        else:
            left_out.append(f"tag {key}")
    return tags, left_out


def _tags_to_keep(spec: RoleSpec, base: Role) -> dict[str, str]:
    """Return the existing tags that are not purged; those of AWS never are."""
    purge = spec.purge_tags and spec.tags is not None
    return {key: value for key, value in base.tags.items() if not purge or key.startswith("aws:")}


def _given_tags(spec: RoleSpec, base: Role) -> dict[str, str]:
    """Return the tags of the spec with the keys as the role has them; those of this collection are not the user's."""
    return {
        _existing_key(base.tags, key): value
        for key, value in (spec.tags or {}).items()
        if key.lower() not in (TAG, TAG_WORKSPACE)
    }


def _workspace_tag(ids: Iterable[str]) -> tuple[str, list[str]]:
    """Return the value of the workspace tag with the first ids that fit, and the ids that do not."""
    found = list(filter(None, dict.fromkeys(ids)))
    count = len(found)
    while len(" ".join(found[:count])) > MAX_TAG_LENGTH:
        count -= 1
    return " ".join(sorted(found[:count])), found[count:]


def _kept_policies(spec: RoleSpec, base: Role) -> frozenset[str]:
    """Return the other policies that stay attached; never the one that AWS replaced, which could read all of S3."""
    return (
        frozenset()
        if spec.exclusive
        else frozenset(arn for arn in base.managed_policies if not _is_replaced_policy(arn))
    )


def _is_replaced_policy(arn: str) -> bool:
    """Return whether it is the policy of AWS, and not one of the account with the same name."""
    return re.fullmatch(rf"arn:[^:]+:iam::aws:policy/{REPLACED_POLICY}", arn) is not None


def _desired_inline_policies(spec: RoleSpec, base: Role) -> Mapping[str, Any]:
    kept = {
        name: base.inline_policies[name] if policy.same(base.inline_policies.get(name), document) else document
        for name, document in spec.inline_policies.items()
    }
    return kept if spec.exclusive else {**base.inline_policies, **kept}


def show(role: Role | None) -> dict[str, Any]:
    """Return the role as it appears in results, with normalized policy documents; {} for None."""
    if role is None:
        return {}
    return {
        "name": role.name,
        "arn": role.arn,
        "path": role.path,
        "description": role.description,
        "max_session_duration": role.max_session_duration,
        "assume_role_policy_document": policy.displayed(role.trust),
        "permissions_boundary": role.permissions_boundary,
        "tags": dict(sorted(role.tags.items())),
        "managed_policies": sorted(role.managed_policies),
        "inline_policies": {
            name: policy.displayed(role.inline_policies[name]) for name in sorted(role.inline_policies)
        },
    }


def findings(spec: RoleSpec, have: Role | None) -> list[Finding]:
    """Return the differences between the existing role and the spec; security first."""
    if have is None:
        return [finding("role_missing", f"Account {spec.account_id} has no role {spec.name}.")]
    if _is_as_created(spec, have):
        return []
    ids = expected_external_ids(spec, have)
    return ordered(
        [
            *policy.trust_findings(have.trust, trust(spec.microsoft_account_id, ids)),
            *_other_workspace_findings(spec, have),
            *_policy_findings(spec, have),
            *_inline_findings(spec, have),
            *boundary_findings(spec, have),
            *setting_findings(spec, have),
            *_tag_findings(spec, have),
        ]
    )


def _other_workspace_findings(spec: RoleSpec, have: Role) -> Iterator[Finding]:
    for one in sorted(other_workspaces(spec, have)):
        text = f"The role also serves workspace {one}, which the tag {TAG_WORKSPACE} names and external_ids does not."
        yield finding("role_shared", text)


def _policy_findings(spec: RoleSpec, have: Role) -> Iterator[Finding]:
    for arn in spec.managed_policies - have.managed_policies:
        yield finding("permission_policy_missing", f"Managed policy {arn} is not attached.")
    for arn in have.managed_policies - spec.managed_policies:
        code = "permission_policy_outdated" if _is_replaced_policy(arn) else "permission_policy_extra"
        yield finding(code, f"Unexpected managed policy {arn} is attached.")


def _inline_findings(spec: RoleSpec, have: Role) -> Iterator[Finding]:
    for name, document in spec.inline_policies.items():
        if name not in have.inline_policies:
            yield finding("permission_inline_missing", f"Inline policy {name} is missing.")
        elif not policy.same(have.inline_policies[name], document):
            yield finding("permission_inline_changed", f"Inline policy {name} differs from the desired one.")
    for name in set(have.inline_policies) - set(spec.inline_policies):
        yield finding("permission_inline_extra", f"The role has the unexpected inline policy {name}.")


def boundary_findings(spec: RoleSpec, have: Role) -> Iterator[Finding]:
    """Yield the difference from the desired permissions boundary."""
    if (spec.permissions_boundary or None) == have.permissions_boundary:
        return
    if spec.permissions_boundary is None:
        text = f"Permissions boundary {have.permissions_boundary} is set and limits the role, and no option sets one."
        yield finding("role_boundary_unexpected", text)
    elif not have.permissions_boundary:
        yield finding("role_boundary_missing", f"Permissions boundary {spec.permissions_boundary} is not set.")
    else:
        code = "role_boundary_changed" if spec.permissions_boundary else "role_boundary_extra"
        desired = spec.permissions_boundary or "none"
        yield finding(code, f"The permissions boundary is {have.permissions_boundary} instead of {desired}.")


def setting_findings(spec: RoleSpec, have: Role) -> Iterator[Finding]:
    """Yield the differences from the desired session duration, description and path."""
    duration = spec.max_session_duration or have.max_session_duration
    if duration != have.max_session_duration:
        code = "role_session_raised" if have.max_session_duration > duration else "role_session_lowered"
        yield finding(code, f"The maximum session duration is {have.max_session_duration} s instead of {duration} s.")
    elif spec.max_session_duration is None and duration > DEFAULT_SESSION_SECONDS:
        yield finding(
            "role_session_long",
            f"The maximum session duration is {duration} s; that of a new role is {DEFAULT_SESSION_SECONDS} s.",
        )
    if spec.description not in (None, have.description):
        yield finding("role_description", f"The description is {have.description!r} instead of {spec.description!r}.")
    if spec.path not in (None, have.path):
        yield finding(
            "role_path", f"The path is {have.path} instead of {spec.path}; only a new role can have another path."
        )


def _tag_findings(spec: RoleSpec, have: Role) -> Iterator[Finding]:
    return tag_findings(have, *desired_tags(spec, have, other_workspaces(spec, have)))


def tag_findings(have: Role, desired: Mapping[str, str], left_out: list[str]) -> Iterator[Finding]:
    """Yield the differences from the desired tags, of which some may be left out for lack of room."""
    if left_out:
        yield finding("role_tags_full", f"The tags of role {have.name} have no room for {', '.join(left_out)}.")
    if not is_managed(have):
        yield finding("role_unmanaged", f"Role {have.name} does not carry the tag {TAG}.")
    elif desired != have.tags:
        keys = sorted(key for key in {**desired, **have.tags} if desired.get(key) != have.tags.get(key))
        yield finding("role_tags", f"These tags differ from the desired ones: {', '.join(keys)}.")


def refused_role_finding(have: Role, connector: str) -> Finding:
    """Return the finding for a role that a data connector reads and that must not be adopted."""
    text = f"Data connector {connector} reads role {have.arn}, which this collection does not manage or repair."
    return finding("role_refused", text)


def findings_without_workspace(spec: RoleSpec, have: Role | None, workspace_id: str) -> list[Finding]:
    """Return the findings of a role whose workspace cannot be used; `workspace_id` is empty if it is not known.

    Then the ids in the tag of the role are used. Without them any exact external id may be the right one, so findings
    that depend on it are left out.
    """
    if have is None:
        return findings(spec, None)
    spec = replace(spec, partition=have.arn.split(":")[1])
    if workspace_id:
        return findings(replace(spec, workspace_id=workspace_id), have)
    tagged = tagged_workspaces(have)
    ids = sorted(tagged or policy.external_ids(have.trust, spec.microsoft_account_id))
    first, external_ids = next(iter(ids), ""), (*spec.external_ids, *ids)
    found = findings(replace(spec, workspace_id=first, external_ids=external_ids), have)
    return [one for one in found if tagged or not CODES[one.code].needs_workspace_id]
