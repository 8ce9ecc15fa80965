# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The IAM role that Microsoft Sentinel assumes as a web identity, to read queues and objects of S3 sources. Pure.

One role serves all S3 sources of an account, with an inline policy for each, and may serve several workspaces.
Sources: "Set up your AWS environment to collect AWS logs to Microsoft Sentinel" (Microsoft Learn); "IAM API Reference".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from ..errors import cannot
from ..findings import CODES, Finding, finding, ordered
from ..policy import policy
from ..resource import Resource
from ..role import role as roles
from ..role.plan import plan
from ..role.role import MICROSOFT_ACCOUNT, TAG, TAG_WORKSPACE, Role, RoleSpec, is_managed, tagged_workspaces
from ..validation import RULES
from .source import ROLE_PREFIX, TABLES, S3SourceSpec, is_among

ROLE_DESCRIPTION = "Lets Microsoft Sentinel read logs in Amazon S3"
PATH = "/"
_POLICY_NAME = re.compile(rf"MicrosoftSentinel-({'|'.join(TABLES)})-[0-9a-f]{{8}}")


def trust(spec: S3SourceSpec, names: Iterable[str]) -> dict[str, Any]:
    """Return the trust policy that allows Microsoft Sentinel to assume the role by sessions of these names only."""
    return policy.identity_trust(spec.web_identity, names)


# --- the workspaces that share the role ---


def workspace_of(session_name: str) -> str:
    """Return the workspace id at the end of a session name, empty if it has none."""
    found = session_name.rpartition("_")[2]
    return found if found == found.lower() and RULES["workspace_id"].holds(found) else ""


def _own_workspaces(spec: S3SourceSpec) -> frozenset[str]:
    return frozenset(filter(None, [spec.workspace_id, *map(workspace_of, spec.expected_session_names)]))


def _admitted_names(spec: S3SourceSpec, have: Role) -> frozenset[str]:
    """Return the session names of other workspaces that the trust policy has in a statement of the form of `trust`."""
    own = _own_workspaces(spec)
    names = policy.admitted_names(have.trust, spec.web_identity)
    return frozenset(one for one in names if workspace_of(one) and workspace_of(one) not in own)


def other_session_names(spec: S3SourceSpec, have: Role | None) -> frozenset[str]:
    """Return the session names of other workspaces that keep their access: named by the tag and by the trust policy."""
    if have is None:
        return frozenset()
    tagged = tagged_workspaces(have)
    return frozenset(one for one in _admitted_names(spec, have) if workspace_of(one) in tagged)


def _workspaces_of(names: Iterable[str]) -> frozenset[str]:
    return frozenset(map(workspace_of, names))


# --- ownership ---


def check_ownership(spec: S3SourceSpec, have: Role | None) -> None:
    """Raise role_conflict if the role cannot be used or may belong to someone else, bad_input for a wrong name."""
    if not spec.role_name.startswith(ROLE_PREFIX):
        cause = f"Microsoft Sentinel assumes only roles whose name begins with {ROLE_PREFIX}"
        raise cannot("bad_input", _action("use", spec), cause)
    if have is None:
        return
    if have.path != PATH:
        cause = f"its path is {have.path}, and the connector works with the path {PATH} only; choose another role name"
        raise cannot("role_conflict", _action("use", spec), cause)
    if not (spec.adopt or tagged_workspaces(have)):
        _check_adoptable(spec, have)


def _unknown_names(spec: S3SourceSpec, have: Role, known: frozenset[str]) -> frozenset[str]:
    """Return the session names and external ids in the trust policy that are for another workspace than this one."""
    names = policy.claimed_names(have.trust, spec.web_identity) - known
    ids = policy.named_ids(have.trust, MICROSOFT_ACCOUNT)
    own, expected = _own_workspaces(spec), spec.expected_session_names
    unknown = [
        *(one for one in names if not (workspace_of(one.lower()) in own or _matches_any(one, expected))),
        *(one for one in ids if not _matches_any(one, own)),
    ]
    return frozenset(unknown)


def _matches_any(pattern: str, values: Iterable[str]) -> bool:
    return any(policy.matches_id(pattern, one) for one in values)


def _check_adoptable(spec: S3SourceSpec, have: Role) -> None:
    """Raise role_conflict unless the role trusts Microsoft Sentinel for this workspace only."""
    if policy.trusts_only(have.trust, trust(spec, spec.expected_session_names)):
        return
    unknown = _unknown_names(spec, have, frozenset())
    if is_managed(have) and policy.is_parseable(have.trust) and not unknown:
        return
    if unknown:
        why = f"it serves {', '.join(sorted(unknown))}, which is not this workspace"
    elif policy.names_account(have.trust, MICROSOFT_ACCOUNT):
        why = f"it trusts Microsoft's account {MICROSOFT_ACCOUNT}, as roles of older S3 connectors do"
    elif policy.names_provider(have.trust, spec.web_identity):
        why = "it does not trust Microsoft Sentinel for this workspace only"
    elif is_managed(have):
        why = "its trust policy cannot be parsed, so it may serve another workspace"
    else:
        why = f"it neither trusts Microsoft Sentinel by {spec.provider_arn} nor carries the tag {TAG}"
    advice = "Choose another role name, or set adopt if the role is yours."
    raise cannot("role_conflict", _action("adopt", spec), why, advice=advice)


def _action(verb: str, spec: S3SourceSpec) -> str:
    return f"{verb} role {spec.role_name} in account {spec.account_id}"


# --- the desired role ---


def overlay(spec: S3SourceSpec, have: Role | None) -> Role:
    """Return the desired role: the existing or a new one with the spec applied; raises role_conflict, bad_input.

    A role that is as desired is adopted without a change, so without tags.
    """
    check_ownership(spec, have)
    base = have or Role(spec.role_name, spec.role_arn, PATH, ROLE_DESCRIPTION)
    if have and not _needs_tags(spec, have):
        return have
    return replace(_repaired(spec, base), tags=_desired_tags(spec, base)[0])


def _needs_tags(spec: S3SourceSpec, have: Role) -> bool:
    """Return whether the role carries the tags of this collection, or will: it is managed, or has to be changed."""
    return is_managed(have) or _repaired(spec, have) != have


def _repaired(spec: S3SourceSpec, base: Role) -> Role:
    """Return the role with the desired trust policy and permissions."""
    return replace(
        base,
        trust=_desired_trust(spec, base),
        managed_policies=frozenset(),
        inline_policies=_desired_inline_policies(spec, base),
    )


def _desired_trust(spec: S3SourceSpec, base: Role) -> Mapping[str, Any]:
    others = other_session_names(spec, base)
    return _trust_for(spec, base, {*spec.expected_session_names, *others}, others)


def _trust_for(spec: S3SourceSpec, base: Role, names: Iterable[str], others: Iterable[str]) -> Mapping[str, Any]:
    """Return the trust policy for these names, with what restricts others; the existing one if it means the same."""
    desired = trust(spec, names)
    if policy.same(base.trust, desired):
        return base.trust
    denied = [one for one in _statements(base) if policy.restricts_names(one, spec.web_identity, others)]
    after = {**desired, "Statement": [*desired["Statement"], *denied]}
    return base.trust if policy.same(base.trust, after) else after


def _statements(have: Role) -> list[Any]:
    return policy.raw_statements(have.trust)


def _desired_tags(spec: S3SourceSpec, base: Role) -> tuple[dict[str, str], list[str]]:
    return roles.desired_tags(_role_spec(spec), base, _workspaces_of(other_session_names(spec, base)))


def _role_spec(spec: S3SourceSpec) -> RoleSpec:
    """Return the settings that no option of the source sets, and the workspaces."""
    others = tuple(sorted(_own_workspaces(spec) - {spec.workspace_id}))
    return RoleSpec(spec.account_id, spec.workspace_id, spec.role_name, PATH, external_ids=others)


# --- inline policies ---


def source_of(spec: S3SourceSpec, name: str, document: object) -> S3SourceSpec | None:
    """Return the source that an inline policy belongs to, None if it is not exactly the one of a source.

    It is one of the source with that policy name, or of one with a queue in `other_queue_arns`.
    """
    resources = _resources(document)
    queues, objects = (_parts(pattern, resources) for pattern in (_queue_pattern(spec), _objects_pattern(spec)))
    if len(queues) != 1 or len(objects) != 1:
        return None
    table = _POLICY_NAME.fullmatch(name)
    found = replace(
        spec,
        region=queues[0][0],
        queue_name=queues[0][1],
        bucket=objects[0][0],
        prefix=objects[0][1],
        kms_key_arns=tuple(one for one in resources if re.fullmatch(rf"arn:{spec.partition}:kms:[^*?$]+", one)),
        table=table[1] if table else spec.table,
    )
    known = found.policy_name == name or is_among(found.queue_arn, spec.other_queue_arns)
    return found if known and policy.same(document, found.role_policy) else None


def _resources(document: object) -> list[str]:
    """Return the resources of all statements, none if a statement cannot be parsed."""
    if not policy.is_parseable(document):
        return []
    return [one for statement in policy.canonical(document)["Statement"] for one in statement.get("Resource", [])]


def _queue_pattern(spec: S3SourceSpec) -> str:
    return rf"arn:{spec.partition}:sqs:([a-z0-9-]+):{spec.account_id}:([A-Za-z0-9_-]+)"


def _objects_pattern(spec: S3SourceSpec) -> str:
    return rf"arn:{spec.partition}:s3:::([a-z0-9.-]+)/([^*?$]*)\*"


def _parts(pattern: str, resources: Iterable[str]) -> list[tuple[str, ...]]:
    return [found.groups() for one in resources if (found := re.fullmatch(pattern, one))]


def _own_policies(spec: S3SourceSpec, have: Role) -> frozenset[str]:
    """Return the names of the inline policies that mean what the one of this source does."""
    desired = spec.role_policy
    return frozenset(name for name, document in have.inline_policies.items() if policy.same(document, desired))


def _policies_of_others(spec: S3SourceSpec, have: Role) -> dict[str, S3SourceSpec]:
    """Return the other sources that have an inline policy, by its name."""
    own = {spec.policy_name, *_own_policies(spec, have)}
    found = {name: source_of(spec, name, one) for name, one in have.inline_policies.items() if name not in own}
    return {name: source for name, source in found.items() if source}


def _desired_inline_policies(spec: S3SourceSpec, base: Role) -> Mapping[str, Any]:
    own = _own_policies(spec, base)
    kept = {*own, *_policies_of_others(spec, base)}
    found = {name: document for name, document in base.inline_policies.items() if name in kept}
    return found if own else {**found, spec.policy_name: spec.role_policy}


# --- removal ---


def without(spec: S3SourceSpec, have: Role | None) -> Role | None:
    """Return the role without this source; None if it was the last one. Raises role_conflict.

    The workspace loses its access with its last source: of the sources that remain, one is of this workspace if its
    queue is in `other_queue_arns`; where no other workspace shares the role, all are.
    """
    if have is None:
        return None
    _check_removable(spec, have)
    others = _remaining_names(spec, have)
    sources = _policies_of_others(spec, have)
    own = {spec.policy_name, *_own_policies(spec, have)}
    kept = {name: document for name, document in have.inline_policies.items() if name not in own}
    after = replace(have, inline_policies=kept)
    if any(not others or is_among(one.queue_arn, spec.other_queue_arns) for one in sources.values()):
        return after
    _check_no_unknown_names(spec, have, others)
    if not others:
        roles.check_unused(spec.account_id, have)
        return None
    tags = roles.tags_without(have, spec.workspace_id, _workspaces_of(others))
    return replace(after, trust=_trust_for(spec, have, others, others), tags=tags)


def _remaining_names(spec: S3SourceSpec, have: Role) -> frozenset[str]:
    # With adopt and no tag, the trust policy alone decides which workspaces remain.
    untagged = spec.adopt and not tagged_workspaces(have)
    return _admitted_names(spec, have) if untagged else other_session_names(spec, have)


def _check_removable(spec: S3SourceSpec, have: Role) -> None:
    """Raise role_conflict for a role that this collection neither manages nor may adopt to remove it."""
    if is_managed(have):
        return
    if not policy.names_provider(have.trust, spec.web_identity):
        why = f"it neither carries the tag {TAG} nor trusts Microsoft Sentinel by {spec.provider_arn}"
    elif not spec.adopt:
        why = f"it does not carry the tag {TAG}, so it is not managed by this collection; set adopt if it is yours"
    else:
        return
    raise cannot("role_conflict", _action("remove", spec), why)


def _check_no_unknown_names(spec: S3SourceSpec, have: Role, remaining: frozenset[str]) -> None:
    """Raise role_conflict if the trust policy names unknown workspaces, or cannot be parsed."""
    unknown = _unknown_names(spec, have, remaining)
    if unknown:
        why = (
            f"its trust policy names {', '.join(sorted(unknown))}, which is neither this workspace nor one that both "
            f"the tag {TAG_WORKSPACE} and an exact condition name. Onboard the account first, which removes unknown "
            "session names, or remove it from the trust policy yourself"
        )
    elif policy.is_parseable(have.trust) or spec.adopt:
        return
    else:
        why = "its trust policy cannot be parsed, so it may serve others; set adopt if the role is yours"
    raise cannot("role_conflict", _action("remove", spec), why)


# --- findings ---


def findings(spec: S3SourceSpec, have: Role | None) -> list[Finding]:
    """Return the differences between the existing role and the spec; security first."""
    if have is None:
        return [finding("role_missing", f"Account {spec.account_id} has no role {spec.role_name}.")]
    return ordered(
        [
            *_trust_findings(spec, have),
            *_sharing_findings(spec, have),
            *_managed_findings(have),
            *_inline_findings(spec, have),
            *roles.boundary_findings(_role_spec(spec), have),
            *roles.setting_findings(_role_spec(spec), have),
            *(roles.tag_findings(have, *_desired_tags(spec, have)) if _needs_tags(spec, have) else ()),
        ]
    )


def _trust_findings(spec: S3SourceSpec, have: Role) -> Iterator[Finding]:
    names = {*spec.expected_session_names, *other_session_names(spec, have)}
    older = roles.trust(MICROSOFT_ACCOUNT, [spec.workspace_id], spec.partition)
    judged = policy.remove_statements(have.trust, older)
    if judged is not have.trust:
        text = (
            f"The role trusts Microsoft's account {MICROSOFT_ACCOUNT} with an external id, as older S3 connectors do."
        )
        yield finding("trust_outdated", text)
    yield from policy.trust_findings(judged, trust(spec, names))


def _sharing_findings(spec: S3SourceSpec, have: Role) -> Iterator[Finding]:
    for one in sorted(_workspaces_of(other_session_names(spec, have))):
        text = f"The role also serves workspace {one}, which the tag {TAG_WORKSPACE} names and the options do not."
        yield finding("role_shared", text)


def _managed_findings(have: Role) -> Iterator[Finding]:
    for arn in sorted(have.managed_policies):
        yield finding("permission_policy_extra", f"Unexpected managed policy {arn} is attached.")


def _inline_findings(spec: S3SourceSpec, have: Role) -> Iterator[Finding]:
    own = _own_policies(spec, have)
    if not own:
        yield _own_finding(spec, have.inline_policies.get(spec.policy_name))
    known = own or {spec.policy_name}
    for name in sorted(have.inline_policies.keys() - known - _policies_of_others(spec, have).keys()):
        yield finding("permission_inline_extra", f"The role has the unexpected inline policy {name}.")


def _own_finding(spec: S3SourceSpec, document: object) -> Finding:
    """Return what is wrong with the inline policy of this source; `document` is None if it is missing."""
    name = spec.policy_name
    if document is None:
        return finding("permission_inline_missing", f"Inline policy {name} is missing.")
    found = policy.compare(document, spec.role_policy)
    if found.missing and not (found.unexpected or found.unparseable):
        lost = sorted({one for part in found.missing for one in part.statement.action.values})
        return finding("permission_inline_incomplete", f"Inline policy {name} does not allow all of {', '.join(lost)}.")
    extra = sorted({one for part in found.unexpected for one in part.statement.resource.values})
    about = f": {', '.join(extra)}" if extra else ""
    return finding("permission_inline_changed", f"Inline policy {name} differs from the desired one{about}.")


def is_certain(spec: S3SourceSpec, found: Finding) -> bool:
    """Whether a finding holds without the list of connectors, which shows to which sources inline policies belong."""
    is_known = bool(spec.workspace_id) or not CODES[found.code].needs_workspace_id
    return is_known and found.code != "permission_inline_extra"


WEB_IDENTITY_ROLE: Resource[S3SourceSpec, Role] = Resource(
    name="role",
    title=lambda spec: f"role {spec.role_name} in account {spec.account_id}",
    overlay=overlay,
    without=without,
    plan=plan,
    findings=findings,
    show=lambda _spec, have: roles.show(have),
    id=lambda _spec, have: have.arn if have else "",
)
