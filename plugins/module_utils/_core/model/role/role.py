# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The IAM role that Microsoft Sentinel assumes: what a correct one is, whose it is, what is wrong with one. Pure.

Sources: "Connect Microsoft Sentinel to Amazon Web Services" (Microsoft Learn); "IAM API Reference" (AWS).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..errors import SentinelError
from ..findings import Finding, finding, ordered
from ..policy import policy
from ..validation import OLD_POLICY, RULES

MICROSOFT_ACCOUNT = "197857026523"
POLICY = "AWSCloudTrail_ReadOnlyAccess"
INLINE = "MicrosoftSentinelLookupEvents"
TAG = "trailbridge.sentinel"
TAG_WORKSPACE = "trailbridge.sentinel.workspace"
DESCRIPTION = "Lets Microsoft Sentinel read AWS CloudTrail"
SESSION = 3600
MOST_TAGS, LONGEST_TAG = 50, 256

LOOKUP_EVENTS: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "cloudtrail:LookupEvents", "Resource": "*"}],
}


@dataclass(frozen=True, slots=True)
class Role:
    """An IAM role: everything that this collection looks at. Policy documents are decoded JSON."""

    name: str
    arn: str
    path: str = "/"
    description: str = ""
    max_session_duration: int = SESSION
    trust: Mapping[str, Any] = field(default_factory=dict)
    permissions_boundary: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    managed: frozenset[str] = frozenset()
    inline: Mapping[str, Any] = field(default_factory=dict)
    instance_profiles: tuple[str, ...] = ()
    is_new: bool = field(default=False, compare=False)
    """Whether it was created so lately that others may not see it yet."""


@dataclass(frozen=True, slots=True)
class RoleSpec:
    """What the user wants the role to be. None means: leave that alone."""

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
        """The ARN that the role gets when it is made."""
        return f"arn:{self.partition}:iam::{self.account_id}:role{self.path or '/'}{self.name}"

    @property
    def managed(self) -> frozenset[str]:
        """The managed policies that Sentinel needs."""
        arn = f"arn:{self.partition}:iam::aws:policy/{POLICY}"
        return frozenset({arn} if self.permission_mode == "managed" else ())

    @property
    def inline(self) -> dict[str, Any]:
        """The inline policies that Sentinel needs: the least there is, where that was chosen."""
        return {INLINE: LOOKUP_EVENTS} if self.permission_mode == "lookup_events" else {}


def trust(microsoft_account_id: str, external_ids: Iterable[str], partition: str = "aws") -> dict[str, Any]:
    """Return the trust policy that lets Sentinel in, and only on behalf of the given workspaces."""
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


def _spelled(tags: Mapping[str, str], key: str) -> str:
    """Return a key as it is written there: IAM's keys are equal without case and keep the case that was there first."""
    return key if key in tags else next((one for one in tags if one.lower() == key.lower()), key)


def _tag(role: Role, key: str) -> str:
    return role.tags.get(_spelled(role.tags, key), "").lower()


def ours(role: Role) -> bool:
    """Tell whether this collection made or adopted the role."""
    return _tag(role, TAG) == "managed"


def served(role: Role | None) -> frozenset[str]:
    """Return the workspace ids that a role of ours is tagged to serve; other words there name nobody."""
    found = _tag(role, TAG_WORKSPACE).split() if role and ours(role) else []
    return frozenset(filter(RULES["workspace_id"].holds, found))


def other_workspaces(spec: RoleSpec, have: Role | None) -> frozenset[str]:
    """Return the ids of other workspaces that keep their access: those that the tag names and the trust lets in by id.

    A tag alone lets nobody in: who may tag the role may not change who assumes it, however open its trust is.
    """
    return (served(have) & admitted(spec, have)) - {spec.workspace_id, *spec.external_ids} if have else frozenset()


def admitted(spec: RoleSpec, have: Role) -> frozenset[str]:
    """Return the ids of workspaces that the role lets in by a statement like those that are written here.

    External ids are compared in their case, and Microsoft sends a workspace's in lower case. What is no workspace id,
    such as a policy variable, is nobody whose access is kept.
    """
    return policy.admitted_ids(have.trust, spec.microsoft_account_id, _is_sent)


def _is_sent(external_id: str) -> bool:
    return external_id == external_id.lower() and RULES["workspace_id"].holds(external_id)


def expected_ids(spec: RoleSpec, have: Role | None) -> frozenset[str]:
    """Return the external ids that the role shall accept: the wished ones and those of its neighbours."""
    return other_workspaces(spec, have) | {spec.workspace_id, *spec.external_ids}


def check_ownership(spec: RoleSpec, have: Role | None) -> None:
    """Raise role_conflict when the role that is there belongs to somebody else."""
    if have is None or spec.adopt or served(have):
        return
    wished = {spec.workspace_id, *spec.external_ids}
    strangers = _claimed(spec, have.trust) - wished
    if not ours(have) and not policy.trusts(have.trust, spec.microsoft_account_id):
        reason = f"it neither trusts Microsoft's account {spec.microsoft_account_id} nor carries the tag {TAG}"
    elif not policy.is_parseable(have.trust):
        reason = "its trust policy cannot be read, so it may serve somebody else"
    elif strangers:
        reason = f"it serves another workspace ({', '.join(sorted(strangers))}), which external_ids does not name"
    else:
        return
    raise SentinelError(
        "role_conflict",
        f"Cannot take over role {have.name} in account {spec.account_id}: {reason}; "
        "choose another role name, or set adopt if the role is yours.",
    )


def overlay(spec: RoleSpec, have: Role | None) -> Role:
    """Lay the wish over the role that is there (or over a blank one) and return the role that shall be."""
    check_ownership(spec, have)
    _check_tags(spec)
    base = have or Role(spec.name, spec.arn, spec.path or "/", DESCRIPTION)
    ids = expected_ids(spec, have)
    return replace(
        base,
        description=base.description if spec.description is None else spec.description,
        max_session_duration=spec.max_session_duration or base.max_session_duration,
        permissions_boundary=_boundary(spec, base),
        trust=_trust(spec, base, ids),
        tags=_tags(spec, base)[0],
        managed=spec.managed | _kept_policies(spec, base),
        inline=_inline(spec, base),
    )


def without(spec: RoleSpec, have: Role | None) -> Role | None:
    """Return what remains when this workspace no longer needs the role: nothing, or the role for its other ones."""
    if have is None:
        return None
    _check_ours(spec, have)
    exact = admitted(spec, have)
    # Who has a role without our tag adopted answers for whom it serves; else the tag has to name them.
    known = exact if spec.adopt and not served(have) else served(have) | set(spec.external_ids)
    remaining = (exact & known) - {spec.workspace_id}
    if not remaining:
        _check_serves_nobody_else(spec, have, have.trust, remaining)
        _check_unused(spec, have)
        return None
    gone = [one for one in _statements(have) if spec.exclusive or not _is_left_alone(spec, one)]
    _check_serves_nobody_else(spec, have, {**have.trust, "Statement": gone}, remaining)
    ids = sorted(remaining) + sorted((served(have) - remaining) - {spec.workspace_id})
    key, text = _spelled(have.tags, TAG_WORKSPACE), _fitting(ids)[0]
    tagged = {key: text} if key in have.tags or len(have.tags) < MOST_TAGS else {}
    return replace(have, trust=_trust_without(spec, have, remaining), tags={**have.tags, **tagged})


def _check_ours(spec: RoleSpec, have: Role) -> None:
    """Raise role_conflict for a role that is not to be removed: adopt is for those that let Microsoft in."""
    if ours(have):
        return
    if not policy.names_account(have.trust, spec.microsoft_account_id):
        why = f"it neither carries the tag {TAG} nor trusts Microsoft's account {spec.microsoft_account_id}"
    elif not spec.adopt:
        why = f"it does not carry the tag {TAG}, so it was not made here; set adopt if it is yours"
    else:
        return
    raise SentinelError("role_conflict", f"Cannot remove role {have.name} in account {spec.account_id}: {why}.")


def _check_serves_nobody_else(spec: RoleSpec, have: Role, goes: Mapping[str, Any], remaining: Iterable[str]) -> None:
    """Raise role_conflict where what goes of the trust names somebody whom the tag does not, or cannot be read."""
    named = policy.named_ids(goes, spec.microsoft_account_id)
    others = {one for one in named if not policy.matches_id(one, spec.workspace_id)} - set(remaining)
    if others:
        why = (
            f"its trust policy names {', '.join(sorted(others))}, which is not this workspace, and nobody whom "
            f"the tag {TAG_WORKSPACE} and an exact condition name together. Onboard the account first, which "
            "takes out what does not belong there, or take it out of the trust policy yourself"
        )
    elif policy.is_parseable(goes) or spec.adopt:
        return
    else:
        why = "its trust policy cannot be read, so it does not tell whom it serves; set adopt if the role is yours"
    raise SentinelError("role_conflict", f"Cannot remove role {have.name} in account {spec.account_id}: {why}.")


def _check_unused(spec: RoleSpec, have: Role) -> None:
    if have.instance_profiles:
        raise SentinelError(
            "role_conflict",
            f"Cannot remove role {have.name} in account {spec.account_id}: "
            f"it is in the instance profile {', '.join(have.instance_profiles)}; take it out first.",
        )


def _boundary(spec: RoleSpec, base: Role) -> str | None:
    return base.permissions_boundary if spec.permissions_boundary is None else spec.permissions_boundary or None


def _trust(spec: RoleSpec, base: Role, ids: Iterable[str]) -> Mapping[str, Any]:
    wanted = trust(spec.microsoft_account_id, ids, spec.partition)
    if policy.same(base.trust, wanted):
        return base.trust
    if spec.exclusive or not base.trust:
        kept = {**wanted, "Statement": [*wanted["Statement"], *_restrictions(spec, base, other_workspaces(spec, base))]}
        return base.trust if policy.same(base.trust, kept) else kept
    return policy.add_statements(base.trust, wanted)


def _restrictions(spec: RoleSpec, have: Role, others: Iterable[str]) -> list[Any]:
    """Return the statements that sometimes deny other workspaces that stay: they never get more than they have."""
    return [one for one in _statements(have) if policy.restricts(one, spec.microsoft_account_id, others)]


def _trust_without(spec: RoleSpec, have: Role, remaining: Iterable[str]) -> Mapping[str, Any]:
    wanted = trust(spec.microsoft_account_id, remaining, spec.partition)
    others = _restrictions(spec, have, remaining) if spec.exclusive else _left_alone(spec, have)
    after = policy.add_statements({**(wanted if spec.exclusive else have.trust), "Statement": others}, wanted)
    return have.trust if policy.same(have.trust, after) else after


def _left_alone(spec: RoleSpec, have: Role) -> list[Any]:
    """Return the statements that stay when this workspace goes, where the wish is not exclusive."""
    return [one for one in _statements(have) if _is_left_alone(spec, one)]


def _is_left_alone(spec: RoleSpec, statement: object) -> bool:
    return _denies(statement) or not _lets_in_by_id(spec, {"Statement": [statement]})


def _lets_in_by_id(spec: RoleSpec, document: Mapping[str, Any]) -> bool:
    """Tell whether an id or a pattern there stands for this workspace; what stands for everybody does not."""
    account = spec.microsoft_account_id
    named = policy.claimed_ids(document, account) & policy.named_ids(document, account)
    return any(policy.matches_id(one, spec.workspace_id) for one in named)


def _denies(statement: object) -> bool:
    return isinstance(statement, Mapping) and statement.get("Effect") == "Deny"


def _claimed(spec: RoleSpec, document: Mapping[str, Any]) -> frozenset[str]:
    """Return the external ids with which the document lets Microsoft in."""
    return frozenset(one.lower() for one in policy.claimed_ids(document, spec.microsoft_account_id))


def _statements(role: Role) -> list[Any]:
    found = role.trust.get("Statement", [])
    return found if isinstance(found, list) else [found]


def _check_tags(spec: RoleSpec) -> None:
    """Raise bad_input where the options alone are more than fits into the tags of a role."""
    tags = {TAG, TAG_WORKSPACE, *map(str.lower, spec.tags or ())}
    if len(tags) > MOST_TAGS:
        reason = f"it would have {len(tags)} tags, AWS allows {MOST_TAGS}"
    elif _fitting([spec.workspace_id, *spec.external_ids])[1]:
        reason = "it would serve more workspaces than fit into the tag that names them"
    else:
        return
    raise SentinelError("bad_input", f"Cannot tag role {spec.name} in account {spec.account_id}: {reason}.")


def _tags(spec: RoleSpec, base: Role) -> tuple[dict[str, str], list[str]]:
    """Return the tags that shall be, and what there is no room for; what is there already keeps its place."""
    purge = spec.purge_tags and spec.tags is not None
    spelled = {key.lower(): key for key in base.tags}
    own = {key: _spelled(base.tags, key) for key in (TAG, TAG_WORKSPACE)}
    given = {spelled.get(key.lower(), key): value for key, value in (spec.tags or {}).items() if key.lower() not in own}
    # Those whom the trust lets in by the tag come first: who is left out there is cut off by the next other workspace.
    ids = [*sorted(other_workspaces(spec, base)), spec.workspace_id, *spec.external_ids]
    text, missing = _fitting([*ids, *sorted(served(base) - set(ids))])
    tags = {key: value for key, value in base.tags.items() if not purge or key.startswith("aws:")}
    left_out = [f"workspace {one}" for one in missing]
    for key, value in [(own[TAG], "managed"), (own[TAG_WORKSPACE], text), *sorted(given.items())]:
        if key in tags or len(tags) < MOST_TAGS:
            tags[key] = value
        else:
            left_out.append(f"tag {key}")
    return tags, left_out


def _fitting(ids: Iterable[str]) -> tuple[str, list[str]]:
    """Return the value of the tag that names workspaces, the first ones that fit, and those that do not."""
    found = list(filter(None, dict.fromkeys(ids)))
    most = len(found)
    while len(" ".join(found[:most])) > LONGEST_TAG:
        most -= 1
    return " ".join(sorted(found[:most])), found[most:]


def _kept_policies(spec: RoleSpec, base: Role) -> frozenset[str]:
    """Return what stays beside the wished policies; the one that AWS replaced, which could read all of S3, goes."""
    return frozenset() if spec.exclusive else frozenset(arn for arn in base.managed if not _outdated(arn))


def _outdated(arn: str) -> bool:
    """Tell AWS's own policy from one of the account with that name."""
    return re.fullmatch(rf"arn:[^:]+:iam::aws:policy/{OLD_POLICY}", arn) is not None


def _inline(spec: RoleSpec, base: Role) -> Mapping[str, Any]:
    kept = {
        name: base.inline[name] if policy.same(base.inline.get(name), document) else document
        for name, document in spec.inline.items()
    }
    return kept if spec.exclusive else {**base.inline, **kept}


def show(role: Role | None) -> dict[str, Any]:
    """Return the role as it appears in results, policy documents in one readable form; {} for no role."""
    if role is None:
        return {}
    return {
        "name": role.name,
        "arn": role.arn,
        "path": role.path,
        "description": role.description,
        "max_session_duration": role.max_session_duration,
        "assume_role_policy_document": policy.canonical(role.trust),
        "permissions_boundary": role.permissions_boundary,
        "tags": dict(sorted(role.tags.items())),
        "managed_policies": sorted(role.managed),
        "inline_policies": {name: policy.canonical(role.inline[name]) for name in sorted(role.inline)},
    }


def findings(spec: RoleSpec, have: Role | None) -> list[Finding]:
    """Say what is wrong with the role that is there, measured by the wish; security first."""
    if have is None:
        return [finding("role_missing", f"Account {spec.account_id} has no role {spec.name}.")]
    ids = expected_ids(spec, have)
    return ordered(
        [
            *policy.trust_findings(have.trust, trust(spec.microsoft_account_id, ids)),
            *_neighbour_findings(spec, have),
            *_policy_findings(spec, have),
            *_inline_findings(spec, have),
            *_boundary_findings(spec, have),
            *_setting_findings(spec, have),
        ]
    )


def _neighbour_findings(spec: RoleSpec, have: Role) -> Iterator[Finding]:
    for one in sorted(other_workspaces(spec, have)):
        told = f"Workspace {one} is let in too: the tag {TAG_WORKSPACE} names it, external_ids does not."
        yield finding("role_shared", told)


def _policy_findings(spec: RoleSpec, have: Role) -> Iterator[Finding]:
    for arn in spec.managed - have.managed:
        yield finding("permission_policy_missing", f"Managed policy {arn} is not attached.")
    for arn in have.managed - spec.managed:
        code = "permission_policy_outdated" if _outdated(arn) else "permission_policy_extra"
        yield finding(code, f"Managed policy {arn} is attached beyond the wish.")


def _inline_findings(spec: RoleSpec, have: Role) -> Iterator[Finding]:
    for name, document in spec.inline.items():
        if name not in have.inline:
            yield finding("permission_inline_missing", f"Inline policy {name} is missing.")
        elif not policy.same(have.inline[name], document):
            yield finding("permission_inline_changed", f"Inline policy {name} was changed.")
    for name in set(have.inline) - set(spec.inline):
        yield finding("permission_inline_extra", f"Inline policy {name} is there beyond the wish.")


def _boundary_findings(spec: RoleSpec, have: Role) -> Iterator[Finding]:
    if (spec.permissions_boundary or None) == have.permissions_boundary:
        return
    if spec.permissions_boundary is None:
        text = f"The permissions boundary {have.permissions_boundary} is set; what it does not allow is denied."
        yield finding("role_boundary_unexpected", text)
    elif not have.permissions_boundary:
        yield finding("role_boundary_missing", f"Permissions boundary {spec.permissions_boundary} is not set.")
    else:
        code = "role_boundary_changed" if spec.permissions_boundary else "role_boundary_extra"
        yield finding(code, f"The permissions boundary is {have.permissions_boundary}.")


def _setting_findings(spec: RoleSpec, have: Role) -> Iterator[Finding]:
    duration = spec.max_session_duration or have.max_session_duration
    if duration != have.max_session_duration:
        code = "role_session_raised" if have.max_session_duration > duration else "role_session_lowered"
        yield finding(code, f"Sessions may last {have.max_session_duration} s, {duration} s are wished.")
    elif spec.max_session_duration is None and duration > SESSION:
        yield finding("role_session_long", f"Sessions may last {duration} s, those of a new role {SESSION} s.")
    if spec.description not in (None, have.description):
        yield finding("role_description", f"The description is {have.description!r}.")
    if spec.path not in (None, have.path):
        yield finding("role_path", f"The path is {have.path}, not {spec.path}; only a new role can have another one.")
    yield from _tag_findings(spec, have)


def _tag_findings(spec: RoleSpec, have: Role) -> Iterator[Finding]:
    wanted, left_out = _tags(spec, have)
    if left_out:
        yield finding("role_tags_full", f"There is no room in the tags of role {have.name} for {', '.join(left_out)}.")
    if not ours(have):
        yield finding("role_unmanaged", f"Role {have.name} does not carry the tag {TAG} yet.")
    elif wanted != have.tags:
        keys = sorted(key for key in {**wanted, **have.tags} if wanted.get(key) != have.tags.get(key))
        yield finding("role_tags", f"The tags {', '.join(keys)} differ.")


def refused(have: Role, connector: str) -> Finding:
    """The finding of a role that a connector of the workspace reads, and that is refused: nobody repairs it."""
    told = f"Data connector {connector} reads role {have.arn}, which is not taken over, so no run repairs it."
    return finding("role_refused", told)
