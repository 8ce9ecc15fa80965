# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The findings by their stable code, with everything that is known of a code, and the checks of the report. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import NamedTuple

from .text import one_line

SEVERITIES = ("critical", "high", "medium", "low")

# Listed among the calls that repair a finding if (also) a person has to act.
MANUAL = "manual"


class Check(NamedTuple):
    """A check of an account: a column of the report, in which the findings of its codes are shown."""

    label: str
    description: str
    playbooks: tuple[str, ...] = ()
    """The playbooks that make it in every account that they complete."""
    resource: str = ""
    """The kind of resource that is checked, where not every account has one."""


class Code(NamedTuple):
    """The properties of a code."""

    severity: str
    check: str
    """A key of CHECKS."""
    summary: str
    repaired_by: tuple[str, ...]
    """The names of the API calls that repair it, and MANUAL where no run does, or not always."""
    security: bool = False
    """Whether it is about unwanted access, too many permissions, or an account that was hidden."""
    informational: bool = False
    """Whether it is only for information: nothing differs from the desired state, no run repairs it or fails for it."""
    breaking: bool = False
    """Whether Microsoft Sentinel cannot read the account."""
    new_account: bool = False
    """Whether it means that nothing exists in the account yet."""
    needs_workspace_id: bool = False
    """Whether it is only certain if the id of the workspace is known."""
    offboarding: bool = False
    """Whether only offboarding looks for it."""
    about_acceptance: bool = False
    """Whether it is about an entry of accepted findings."""

    @property
    def is_acceptable(self) -> bool:
        """Whether an entry of accepted findings may name it."""
        return self.severity != "critical" and not self.about_acceptance


class Finding(NamedTuple):
    """A deviation in one account; ``message`` is one sentence with the principal, policy ARN or value."""

    severity: str
    code: str
    message: str


_RECONCILING = ("onboard", "drift")

# The columns of the report, in this order; a code without a check of its own belongs to "role".
CHECKS: dict[str, Check] = {
    "run": Check(
        "Run", "Whether the run completed in the account", (*_RECONCILING, "offboard", "departed", "preflight")
    ),
    "role": Check("Role", "The IAM role, its settings and its OIDC provider", (*_RECONCILING, "offboard")),
    "trust": Check("Trust", "The trust policy of the role", _RECONCILING),
    "permission": Check("Permissions", "The permissions of the role", _RECONCILING),
    "delivery": Check("Delivery", "Whether AWS delivers the objects of an S3 source", resource="notification"),
    "queue": Check("Queue", "The queue of an S3 source and its policy", (*_RECONCILING, "offboard"), resource="queue"),
    "notification": Check(
        "Notification",
        "The notification of the bucket",
        (*_RECONCILING, "offboard"),
        resource="notification",
    ),
    "connector": Check(
        "Connector", "The data connector in the workspace", (*_RECONCILING, "offboard", "departed", "verify")
    ),
    "events": Check("Events", "Whether events arrive in the workspace"),
}

_security = partial(Code, security=True)
_drift = partial(Code, security=False)

_BY_HAND = (MANUAL,)
_TRUST_POLICY = ("UpdateAssumeRolePolicy",)
_CONNECTOR = ("DataConnectors_CreateOrUpdate",)
_QUEUE = ("SetQueueAttributes",)
_NOTIFICATION = ("PutBucketNotificationConfiguration",)
_SUBSCRIPTION = ("SetSubscriptionAttributes",)

# Public and stable: reports, dashboards and playbooks of users compare these codes.
CODES: dict[str, Code] = {
    "trust_anyone": _security(
        "critical", "trust", "The trust policy trusts any principal (a wildcard).", _TRUST_POLICY
    ),
    "trust_not_principal": _security(
        "critical",
        "trust",
        "The trust policy trusts everyone except the principals it names (NotPrincipal).",
        _TRUST_POLICY,
    ),
    "trust_principal_type": _security(
        "critical", "trust", "The trust policy trusts an unexpected AWS service or identity provider.", _TRUST_POLICY
    ),
    "trust_account_foreign": _security(
        "critical", "trust", "The trust policy trusts an unexpected AWS account.", _TRUST_POLICY
    ),
    "trust_external_id_missing": _security(
        "high", "trust", "The trust policy trusts Microsoft's account without an external id.", _TRUST_POLICY
    ),
    "trust_external_id_weak": _security(
        "high", "trust", "The condition on the external id also accepts other ids, or no id.", _TRUST_POLICY
    ),
    "trust_external_id_foreign": _security(
        "high", "trust", "The trust policy accepts an unknown external id.", _TRUST_POLICY, needs_workspace_id=True
    ),
    "trust_condition_missing": _security(
        "high", "trust", "The trust policy lacks the condition on the audience or the session name.", _TRUST_POLICY
    ),
    "trust_condition_weak": _security(
        "high",
        "trust",
        "The condition on the audience or the session name accepts other values, or none.",
        _TRUST_POLICY,
    ),
    "trust_condition_foreign": _security(
        "high",
        "trust",
        "The trust policy accepts an unknown audience or session name.",
        _TRUST_POLICY,
        needs_workspace_id=True,
    ),
    "trust_unreadable": _security(
        "high", "trust", "A part of the trust policy cannot be parsed, so it is unclear whom it trusts.", _TRUST_POLICY
    ),
    "trust_not_action": _security(
        "medium", "trust", "The trust policy allows all actions except those it names (NotAction).", _TRUST_POLICY
    ),
    "trust_action_extra": _security(
        "medium", "trust", "The trust policy allows more than to assume the role.", _TRUST_POLICY
    ),
    "trust_deny": _security(
        "medium",
        "trust",
        "A Deny in the trust policy blocks Microsoft Sentinel.",
        ("UpdateAssumeRolePolicy", MANUAL),
        breaking=True,
    ),
    "trust_sentinel_missing": _drift(
        "high", "trust", "The trust policy does not trust Microsoft Sentinel.", _TRUST_POLICY, breaking=True
    ),
    "trust_workspace_missing": _drift(
        "high",
        "trust",
        "The trust policy does not accept an expected workspace (its external id or session name).",
        _TRUST_POLICY,
        breaking=True,
        needs_workspace_id=True,
    ),
    "trust_condition_extra": _drift(
        "medium",
        "trust",
        "The trust policy has an additional condition, which may block Microsoft Sentinel.",
        _TRUST_POLICY,
    ),
    "trust_outdated": _drift(
        "medium",
        "trust",
        "The role has the trust policy of older S3 connectors: Microsoft's account with an external id.",
        _TRUST_POLICY,
    ),
    "trust_principal_narrowed": _drift(
        "medium",
        "trust",
        "The trust policy names a user or role of Microsoft's account instead of the account.",
        _TRUST_POLICY,
    ),
    "trust_principal_deleted": _drift(
        "low", "trust", "The trust policy names a principal that has been deleted.", _TRUST_POLICY
    ),
    "trust_statement_extra": _drift(
        "low", "trust", "The trust policy has a Deny that does not block an expected workspace.", _TRUST_POLICY
    ),
    "trust_version": _drift(
        "low", "trust", "The trust policy uses another version of the policy language.", _TRUST_POLICY
    ),
    "trust_differs": _drift(
        "low",
        "trust",
        "The trust policy differs from the desired one in a way that has no code of its own.",
        _TRUST_POLICY,
    ),
    "permission_policy_extra": _security(
        "high", "permission", "An unexpected managed policy is attached.", ("DetachRolePolicy",)
    ),
    "permission_policy_outdated": _security(
        "high", "permission", "The managed policy that AWS replaced in 2022 is attached.", ("DetachRolePolicy",)
    ),
    "permission_inline_extra": _security(
        "high", "permission", "The role has an unexpected inline policy.", ("DeleteRolePolicy",)
    ),
    "permission_inline_changed": _security(
        "high", "permission", "The inline policy differs from the desired one.", ("PutRolePolicy",)
    ),
    "permission_policy_missing": _drift(
        "high", "permission", "The required managed policy is not attached.", ("AttachRolePolicy",), breaking=True
    ),
    "permission_inline_missing": _drift(
        "high", "permission", "The required inline policy is missing.", ("PutRolePolicy",), breaking=True
    ),
    "permission_inline_incomplete": _drift(
        "high",
        "permission",
        "The inline policy lacks a part of what Microsoft Sentinel needs.",
        ("PutRolePolicy",),
        breaking=True,
    ),
    "permission_key_missing": _drift(
        "high", "permission", "The role may not use the key that encrypts the objects.", _BY_HAND, breaking=True
    ),
    "permission_key_policy": _drift(
        "high", "permission", "The policy of a key does not allow the role to decrypt.", _BY_HAND, breaking=True
    ),
    "permission_key_disabled": _drift(
        "high", "permission", "A key that encrypts the objects is disabled.", _BY_HAND, breaking=True
    ),
    "role_boundary_missing": _security(
        "high", "role", "The role lacks the desired permissions boundary.", ("PutRolePermissionsBoundary",)
    ),
    "role_boundary_changed": _security(
        "medium",
        "role",
        "The role has another permissions boundary than the desired one.",
        ("PutRolePermissionsBoundary",),
    ),
    "role_session_raised": _security(
        "medium", "role", "The maximum session duration is longer than desired.", ("UpdateRole",)
    ),
    "role_refused": _security(
        "high",
        "role",
        "A data connector reads a role that this collection does not manage, so no run repairs it.",
        _BY_HAND,
    ),
    "role_missing": _drift(
        "high", "role", "The role does not exist.", ("CreateRole",), breaking=True, new_account=True
    ),
    "role_boundary_extra": _drift(
        "medium",
        "role",
        "The role has a permissions boundary although none is desired.",
        ("DeleteRolePermissionsBoundary",),
    ),
    "role_tags_full": _drift(
        "medium", "role", "The role has no room for all desired tags.", _BY_HAND, needs_workspace_id=True
    ),
    "role_boundary_unexpected": _drift(
        "low", "role", "The role has a permissions boundary, and no option sets one.", _BY_HAND, informational=True
    ),
    "role_session_long": _drift(
        "low",
        "role",
        "The maximum session duration is longer than that of a new role, and no option sets it.",
        _BY_HAND,
        informational=True,
    ),
    "role_session_lowered": _drift(
        "low", "role", "The maximum session duration is shorter than desired.", ("UpdateRole",)
    ),
    "role_description": _drift("low", "role", "The description differs from the desired one.", ("UpdateRole",)),
    "role_shared": _drift(
        "low",
        "role",
        "The role also serves a workspace that its tag names and no option does.",
        _BY_HAND,
        needs_workspace_id=True,
    ),
    "role_tags": _drift(
        "low", "role", "The tags differ from the desired ones.", ("TagRole", "UntagRole"), needs_workspace_id=True
    ),
    "role_path": _drift("low", "role", "The path differs from the desired one, and AWS cannot change it.", _BY_HAND),
    "role_unmanaged": _drift(
        "low", "role", "The role trusts Microsoft Sentinel but does not carry the tag of this collection.", ("TagRole",)
    ),
    "oidc_provider_missing": _drift(
        "high", "role", "The OIDC provider does not exist.", ("CreateOpenIDConnectProvider",), breaking=True
    ),
    "oidc_provider_audience_missing": _drift(
        "high",
        "role",
        "The OIDC provider lacks the audience of Microsoft Sentinel.",
        ("AddClientIDToOpenIDConnectProvider",),
        breaking=True,
    ),
    "oidc_provider_slash": _drift(
        "medium", "role", "An OIDC provider has a URL without the slash at its end, which is another one.", _BY_HAND
    ),
    "role_name": _drift("high", "role", "The name of the role does not begin with OIDC_.", _BY_HAND, breaking=True),
    "role_token_version": _drift(
        "high",
        "role",
        "The session tokens of the account are not valid in the Region of the queue.",
        _BY_HAND,
        breaking=True,
    ),
    "source_missing": _drift(
        "high",
        "role",
        "The account lists no source, and no S3 connector ingests its events.",
        _BY_HAND,
        breaking=True,
    ),
    "source_not_listed": _drift(
        "low", "role", "A CloudTrail connector reads the account, and its list of sources has none.", _BY_HAND
    ),
    "delivery_bucket_missing": _drift(
        "high", "delivery", "The bucket does not exist, or belongs to another account.", _BY_HAND, breaking=True
    ),
    "delivery_trail_missing": _drift(
        "high", "delivery", "No trail delivers into the bucket with the prefix.", _BY_HAND, breaking=True
    ),
    "delivery_trail_stopped": _drift("high", "delivery", "The trail does not log.", _BY_HAND, breaking=True),
    "delivery_trail_failed": _drift(
        "high", "delivery", "The trail cannot deliver into the bucket.", _BY_HAND, breaking=True
    ),
    "delivery_objects_missing": _drift(
        "high", "delivery", "No object with the prefix is newer than a day.", _BY_HAND, breaking=True
    ),
    "delivery_flow_log_failed": _drift("high", "delivery", "A flow log cannot deliver.", _BY_HAND, breaking=True),
    "delivery_flow_log_format": _drift(
        "high", "delivery", "A flow log writes a format that Microsoft Sentinel cannot read.", _BY_HAND, breaking=True
    ),
    "delivery_findings_failed": _drift(
        "high", "delivery", "GuardDuty cannot publish its findings to the bucket.", _BY_HAND, breaking=True
    ),
    "delivery_bucket_region": _drift(
        "medium", "delivery", "The bucket is in another Region than bucket_region.", _BY_HAND, breaking=True
    ),
    "delivery_trail_account": _drift(
        "medium", "delivery", "The trail has the events of one account, not of the organization.", _BY_HAND
    ),
    "delivery_trail_region": _drift("medium", "delivery", "The trail has the events of one Region only.", _BY_HAND),
    "delivery_trail_events": _drift(
        "medium", "delivery", "The event selectors of the trail omit management events.", _BY_HAND
    ),
    "delivery_flow_log_fields": _drift(
        "medium", "delivery", "The record format of a flow log has no start time.", _BY_HAND
    ),
    "queue_policy_open": _security(
        "critical",
        "queue",
        "The policy of a queue allows anyone to receive or delete messages, or to change the queue.",
        _QUEUE,
    ),
    "queue_policy_foreign": _security(
        "high",
        "queue",
        "The policy of a queue allows another account or a service to receive or delete messages, or to change it.",
        _QUEUE,
    ),
    "queue_policy_sender": _security(
        "high",
        "queue",
        "The policy of a queue allows others to send messages, and no condition limits the source.",
        _QUEUE,
    ),
    "queue_policy_unreadable": _security(
        "high",
        "queue",
        "A part of the policy of a queue cannot be parsed, so it is unclear whom it allows what.",
        _BY_HAND,
    ),
    "queue_policy_account": _security(
        "medium",
        "queue",
        "S3 may send messages of a bucket of that name, whichever account owns it.",
        (*_QUEUE, MANUAL),
    ),
    "queue_policy_topic": _security(
        "medium",
        "queue",
        "SNS may send messages of other topics than that of the source.",
        (*_QUEUE, MANUAL),
    ),
    "queue_policy_deny": _security(
        "medium", "queue", "A Deny in the policy of the queue may block S3 or SNS from sending messages.", _BY_HAND
    ),
    "queue_policy_reader": _security(
        "medium",
        "queue",
        "The policy of a queue allows others to receive or delete messages under a condition.",
        _BY_HAND,
    ),
    "queue_missing": _drift("high", "queue", "The queue does not exist.", ("CreateQueue",), breaking=True),
    "queue_fifo": _drift(
        "high", "queue", "The queue is a FIFO queue, to which S3 cannot send messages.", _BY_HAND, breaking=True
    ),
    "queue_encryption_key": _drift(
        "high",
        "queue",
        "The queue is encrypted by the key of SQS, with which S3 cannot send messages.",
        (*_QUEUE, MANUAL),
        breaking=True,
    ),
    "queue_policy_missing": _drift(
        "high", "queue", "The policy of the queue does not allow S3 or SNS to send messages.", _QUEUE, breaking=True
    ),
    "queue_key": _drift("high", "queue", "S3 may not use the key that encrypts the queue.", _BY_HAND, breaking=True),
    "queue_unused": _drift(
        "high", "queue", "Objects arrive, and nothing is sent to the queue.", _BY_HAND, breaking=True
    ),
    "queue_backlog": _drift("medium", "queue", "Messages wait in the queue for more than an hour.", _BY_HAND),
    "queue_dead_letters": _drift("low", "queue", "The dead-letter queue has messages.", _BY_HAND),
    "queue_dead_letter_missing": _drift(
        "low", "queue", "The queue has no dead-letter queue.", ("CreateQueue", "SetQueueAttributes")
    ),
    "queue_encryption_missing": _drift("low", "queue", "A queue is not encrypted.", _QUEUE),
    "queue_settings": _drift("low", "queue", "A setting of a queue differs from the desired one.", _QUEUE),
    "queue_tags": _drift("low", "queue", "The tags of a queue differ from the desired ones.", ("TagQueue",)),
    "notification_missing": _drift(
        "high", "notification", "The bucket does not notify the queue.", _NOTIFICATION, breaking=True
    ),
    "notification_narrower": _drift(
        "high", "notification", "The bucket does not notify the queue of all new objects.", _NOTIFICATION, breaking=True
    ),
    "notification_blocked": _drift(
        "high",
        "notification",
        "Another entry of the bucket prevents one for the queue.",
        _BY_HAND,
        breaking=True,
    ),
    "notification_suffix": _drift(
        "high", "notification", "The keys of the objects end otherwise than the suffix.", _BY_HAND, breaking=True
    ),
    "notification_wider": _drift(
        "medium", "notification", "The bucket notifies the queue of other objects or events too.", _NOTIFICATION
    ),
    "notification_topic_missing": _drift(
        "high", "notification", "The bucket does not notify the SNS topic of the source.", _BY_HAND, breaking=True
    ),
    "notification_topic_narrower": _drift(
        "high",
        "notification",
        "The bucket does not notify the SNS topic of all new objects of the source.",
        _BY_HAND,
        breaking=True,
    ),
    "notification_topic_wider": _drift(
        "low", "notification", "The bucket notifies the SNS topic of other objects too.", _BY_HAND
    ),
    "subscription_missing": _drift(
        "high", "notification", "The queue is not subscribed to the SNS topic.", ("Subscribe",), breaking=True
    ),
    "subscription_pending": _drift(
        "high", "notification", "The subscription to the SNS topic is not confirmed.", ("Subscribe",), breaking=True
    ),
    "subscription_not_raw": _drift(
        "high",
        "notification",
        "The subscription to the SNS topic has no raw message delivery.",
        _SUBSCRIPTION,
        breaking=True,
    ),
    "subscription_filter": _drift(
        "high",
        "notification",
        "The subscription to the SNS topic has a filter policy, so messages may be missing.",
        _SUBSCRIPTION,
        breaking=True,
    ),
    "subscription_foreign": _drift(
        "medium",
        "notification",
        "The subscription to the SNS topic belongs to another account, so its settings are unknown.",
        _BY_HAND,
    ),
    "connector_disabled": _security("high", "connector", "The data connector is disabled.", _CONNECTOR, breaking=True),
    "connector_wrong_account": _security(
        "high",
        "connector",
        "The data connector of the account reads a role of another account.",
        ("DataConnectors_CreateOrUpdate", MANUAL),
    ),
    "connector_missing": _drift(
        "high", "connector", "The workspace has no data connector for the account.", _CONNECTOR, breaking=True
    ),
    "connector_queue_shared": _drift(
        "high", "connector", "Another data connector reads the queue, too.", _BY_HAND, breaking=True
    ),
    "connector_receives_nothing": _drift(
        "high", "connector", "Messages are sent to the queue, and none is received.", _BY_HAND, breaking=True
    ),
    "connector_deletes_nothing": _drift(
        "high", "connector", "Messages of the queue are received, and none is deleted.", _BY_HAND, breaking=True
    ),
    "connector_stale": _drift(
        "medium",
        "connector",
        "The data connector of the account has another role, queue or table.",
        _CONNECTOR,
        breaking=True,
    ),
    "connector_remaining": _drift(
        "medium",
        "connector",
        "Another data connector still reads the account that was offboarded.",
        _BY_HAND,
        offboarding=True,
    ),
    "connector_duplicate": _drift(
        "low",
        "connector",
        "The workspace has more than one data connector for the account.",
        ("DataConnectors_Delete", MANUAL),
    ),
    "acceptance_expired": _drift(
        "low", "role", "The acceptance of a finding has expired.", _BY_HAND, about_acceptance=True
    ),
    "acceptance_unused": _drift(
        "low", "role", "A finding is accepted that the account does not have.", _BY_HAND, about_acceptance=True
    ),
}


# Of a code of a newer release, in reports that it wrote.
_UNKNOWN = Code("low", "role", "", _BY_HAND)


def properties_of(name: str) -> Code:
    """Return the properties of a code; of one that this release does not know, the check that its name begins with."""
    if name in CODES:
        return CODES[name]
    check = name.partition("_")[0]
    return _UNKNOWN._replace(check=check) if check in CHECKS else _UNKNOWN


def finding(code: str, message: str) -> Finding:
    """Return a finding with the severity of its code, on one line; raises KeyError for an unknown code."""
    return Finding(CODES[code].severity, code, one_line(message))


def is_security(found: Finding) -> bool:
    """Whether the finding concerns security and is not only drift."""
    return CODES[found.code].security


def is_informational(found: Finding) -> bool:
    """Whether the finding is only for information."""
    return CODES[found.code].informational


def ordered(findings: Iterable[Finding]) -> list[Finding]:
    """Return each finding once: security first, then by severity, code and message."""
    return sorted(set(findings), key=_sort_key)


def repaired(before: Iterable[Finding], after: Iterable[Finding]) -> frozenset[Finding]:
    """Return the findings that were repaired; none of a code that still has another message, which may be the same."""
    before, after = set(before), set(after)
    changed = {one.code for one in after - before}
    return frozenset(one for one in before - after if one.code not in changed)


def _sort_key(found: Finding) -> tuple[bool, int, str, str]:
    return not is_security(found), SEVERITIES.index(found.severity), found.code, found.message
