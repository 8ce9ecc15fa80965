# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes of an attacker, or a careless colleague, in an S3 connection, and the findings that must report them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3.source import default_queue_name
from tests.emulators.client import Emulators
from tests.emulators.s3_connection import S3Connection

from .plants import ADMIN, ANYTHING, INTRUDER, OTHER_ID, ROOT

Json = dict[str, Any]
BUCKET, PREFIX = "logs-{}", "AWSLogs/"
AUDIENCE, SESSION = "aud", "sts:RoleSessionName"
OTHER_AUDIENCE = "api://another-application"


class Chain:
    """The connection of one account, changed by clients that the proxy does not count."""

    def __init__(self, cloud: Emulators, account: str) -> None:
        bucket = BUCKET.format(account)
        name = default_queue_name("AWSCloudTrail", bucket, PREFIX)
        self.is_at = S3Connection(account=account, bucket=bucket, prefix=PREFIX, suffix=".gz", queue_name=name)
        self.others = replace(self.is_at, queue_name="inventory", prefix="inventory/")
        self.cloud = cloud
        self.iam, self.sqs, self.s3 = (self.is_at.boto(cloud, one) for one in ("iam", "sqs", "s3"))
        self.role = {"RoleName": self.is_at.role_name}
        self.url, self.dead_letter_url = self.is_at.queue.url, f"{self.is_at.queue.url}-dlq"

    def make_others(self) -> None:
        """The bucket, and what others have: a queue that anyone may read, an entry, a role that anyone may assume."""
        self.is_at.make_bucket(self.cloud)
        self.others.make_queue(self.cloud, {**self.others.queue_policy(), "Id": "theirs"})
        self.put_entries([self.others.entry(Id="inventory")])
        open_to_all = {"Version": "2012-10-17", "Statement": [_allow("sts:AssumeRole", {"AWS": ROOT})]}
        self.iam.create_role(RoleName="theirs", AssumeRolePolicyDocument=json.dumps(open_to_all))

    def seen(self) -> Json:
        """Everything in the account, without times."""
        roles = self.iam.get_account_authorization_details(Filter=["Role"])["RoleDetailList"]
        queues = self.sqs.list_queues()["QueueUrls"]
        return {
            "roles": [{**one, "RoleId": None, "CreateDate": None} for one in roles],
            "provider": self._provider(),
            "queues": {url: self._queue(url) for url in sorted(queues)},
            "entries": sorted(self.entries(), key=lambda one: str(one["Id"])),
        }

    def _provider(self) -> Json:
        found = self.iam.get_open_id_connect_provider(OpenIDConnectProviderArn=self.is_at.provider_arn)
        return {"audiences": sorted(found["ClientIDList"]), "tags": found["Tags"]}

    def _queue(self, url: str) -> Json:
        found = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        kept = {name: one for name, one in found.items() if not ("Timestamp" in name or "Approximate" in name)}
        for name in {"Policy", "RedrivePolicy"} & kept.keys():
            kept[name] = json.loads(kept[name])
        return {**kept, "tags": self.sqs.list_queue_tags(QueueUrl=url).get("Tags", {})}

    def entries(self) -> list[Json]:
        """The entries of the bucket's notification."""
        found = self.s3.get_bucket_notification_configuration(Bucket=self.is_at.bucket)
        return list(found.get("QueueConfigurations", []))

    def put_entries(self, entries: list[Json]) -> None:
        """Replace the entries of the bucket's notification."""
        document = {"QueueConfigurations": entries}
        self.s3.put_bucket_notification_configuration(Bucket=self.is_at.bucket, NotificationConfiguration=document)

    def connector(self) -> Json:
        """The connector of the queue."""
        return next(one for one in self.cloud.connectors() if self.url in one["properties"].get("sqsUrls", []))


class Attack(NamedTuple):
    """One change: its findings, and the value that must be reported before the repair."""

    name: str
    plant: Callable[[Chain], object]
    found: tuple[str, ...]
    """Severity and code of each finding."""
    shown: str


def _allow(action: str, principal: Any, **more: Any) -> Json:
    return {"Effect": "Allow", "Action": action, "Principal": principal, **more}


def _queue_policy(statement: Json, *, dead_letters: bool = False, alone: bool = False) -> Callable[[Chain], object]:
    """Another statement in the policy of a queue."""

    def plant(chain: Chain) -> None:
        own = {**statement, "Resource": chain.is_at.queue.arn + ("-dlq" if dead_letters else "")}
        document = chain.is_at.queue_policy()
        document["Statement"] = [own] if alone or dead_letters else [*document["Statement"], own]
        url = chain.dead_letter_url if dead_letters else chain.url
        chain.sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(document)})

    return plant


def _without_account(chain: Chain) -> None:
    document = chain.is_at.queue_policy()
    del document["Statement"][0]["Condition"]["StringEquals"]
    chain.sqs.set_queue_attributes(QueueUrl=chain.url, Attributes={"Policy": json.dumps(document)})


def _attributes(**attributes: str) -> Callable[[Chain], object]:
    """Other attributes of the queue; moto keeps the policy of one only if it is repeated."""

    def plant(chain: Chain) -> None:
        own = {"Policy": json.dumps(chain.is_at.queue_policy()), **attributes}
        chain.sqs.set_queue_attributes(QueueUrl=chain.url, Attributes=own)

    return plant


def _trust(change: Callable[[Chain, Json], object]) -> Callable[[Chain], object]:
    """The trust policy, changed; the condition of its statement is given."""

    def plant(chain: Chain) -> None:
        document = chain.is_at.trust()
        change(chain, document)
        chain.iam.update_assume_role_policy(**chain.role, PolicyDocument=json.dumps(document))

    return plant


def _condition(name: str, operator: str, value: Any) -> Callable[[Chain], object]:
    """One condition of the trust policy, replaced; None removes it."""

    def change(chain: Chain, document: Json) -> None:
        key = f"{chain.is_at.issuer}:aud" if name == AUDIENCE else name
        condition = document["Statement"][0]["Condition"]
        del condition["StringEquals"][key]
        if value is not None:
            condition.setdefault(operator, {})[key] = value(chain.is_at) if callable(value) else value

    return _trust(change)


def _statement(statement: Json) -> Callable[[Chain], object]:
    """Another statement in the trust policy."""
    return _trust(lambda _chain, document: document["Statement"].append(statement))


def _inline(name: str | None, document: Callable[[S3Connection], Json]) -> Callable[[Chain], object]:
    """An inline policy; without name that of the source."""

    def plant(chain: Chain) -> None:
        text = json.dumps(document(chain.is_at))
        chain.iam.put_role_policy(**chain.role, PolicyName=name or chain.is_at.queue_name, PolicyDocument=text)

    return plant


def _entry(**changed: Any) -> Callable[[Chain], object]:
    """The entry of the queue, changed."""

    def plant(chain: Chain) -> None:
        own = {**chain.is_at.entry(Id=chain.is_at.queue_name), **changed}
        chain.put_entries([chain.others.entry(Id="inventory"), own])

    return plant


def _connector(**properties: Any) -> Callable[[Chain], object]:
    """The connector with other properties."""

    def plant(chain: Chain) -> None:
        raw = chain.connector()
        chain.cloud.seed_connector({**raw, "properties": {**raw["properties"], **properties}})

    return plant


_READ, _SEND = "sqs:ReceiveMessage", "sqs:SendMessage"
_DENY_S3 = {"Effect": "Deny", "Principal": {"Service": "s3.amazonaws.com"}, "Action": _SEND}
_FOREIGN_SESSION = f"MicrosoftSentinel_{OTHER_ID}"
_FILTER_ALL = {"Key": {"FilterRules": [{"Name": "prefix", "Value": "AWS"}, {"Name": "suffix", "Value": ".gz"}]}}


def _beyond_prefix(place: S3Connection) -> Json:
    document = place.role_policy()
    document["Statement"][1]["Resource"] = f"arn:aws:s3:::{place.bucket}/*"
    return document


def _anything(_place: S3Connection) -> Json:
    return {"Version": "2012-10-17", "Statement": [ANYTHING]}


QUEUES = (
    Attack("anyone reads", _queue_policy(_allow(_READ, "*")), ("critical queue_policy_open",), "*"),
    Attack("anyone does anything", _queue_policy(_allow("sqs:*", {"AWS": "*"})), ("critical queue_policy_open",),
           "sqs:*"),
    Attack("an account reads", _queue_policy(_allow(_READ, {"AWS": ROOT})), ("high queue_policy_foreign",), INTRUDER),
    Attack("anyone sends", _queue_policy(_allow(_SEND, "*")), ("high queue_policy_sender",), "*"),
    Attack("everyone but one", _queue_policy({"Effect": "Allow", "Action": _READ, "NotPrincipal": {"AWS": ROOT}}),
           ("critical queue_policy_open",), "NotPrincipal"),
    Attack("buckets of that name", _without_account, ("medium queue_policy_account",), ""),
    Attack("S3 may not send", _queue_policy(_allow(_SEND, {"AWS": ROOT}), alone=True),
           ("high queue_policy_sender", "high queue_policy_missing"), INTRUDER),
    Attack("anyone reads dead letters", _queue_policy(_allow(_READ, "*"), dead_letters=True),
           ("critical queue_policy_open",), "*"),
    Attack("messages are kept a minute", _attributes(MessageRetentionPeriod="60"), ("low queue_settings",), "60"),
    Attack("no encryption", _attributes(SqsManagedSseEnabled="false"), ("low queue_encryption_missing",), "False"),
    Attack("no dead letters", _attributes(RedrivePolicy=""), ("low queue_dead_letter_missing",), ""),
    Attack("no queue", lambda chain: chain.sqs.delete_queue(QueueUrl=chain.url), ("high queue_missing",), ""),
)  # fmt: skip

TRUST = (
    Attack("no audience", _condition(AUDIENCE, "", None), ("high trust_condition_missing",), SESSION),
    Attack("another audience", _condition(AUDIENCE, "StringEquals", lambda at: [at.audience, OTHER_AUDIENCE]),
           ("high trust_condition_foreign",), OTHER_AUDIENCE),
    Attack("any audience", _condition(AUDIENCE, "StringLike", "*"), ("high trust_condition_weak",), "StringLike"),
    Attack("no session name", _condition(SESSION, "", None), ("high trust_condition_missing",), ""),
    Attack("any session name", _condition(SESSION, "StringLike", "MicrosoftSentinel_*"),
           ("high trust_condition_weak",), "MicrosoftSentinel_*"),
    Attack("the session of another workspace", _condition(SESSION, "StringEquals", lambda at: [
        f"MicrosoftSentinel_{at.workspace_id}", _FOREIGN_SESSION]), ("high trust_condition_foreign",), OTHER_ID),
    Attack("anyone", _statement(_allow("sts:AssumeRole", {"AWS": "*"})), ("critical trust_anyone",), "*"),
    Attack("an account", _statement(_allow("sts:AssumeRole", {"AWS": ROOT})), ("critical trust_account_foreign",),
           INTRUDER),
    Attack("an identity provider", _statement(_allow("sts:AssumeRoleWithWebIdentity", {"Federated": "accounts.google"
           ".com"})), ("critical trust_principal_type",), "accounts.google"),
)  # fmt: skip

PERMISSIONS = (
    Attack("more rights", lambda chain: chain.iam.attach_role_policy(**chain.role, PolicyArn=ADMIN),
           ("high permission_policy_extra",), ADMIN),
    Attack("the whole bucket", _inline(None, _beyond_prefix), ("high permission_inline_changed",), "/*"),
    Attack("an inline policy", _inline("helper", _anything), ("high permission_inline_extra",), "s3:*"),
)  # fmt: skip

NOTIFICATIONS = (
    Attack("all objects", _entry(Filter=_FILTER_ALL), ("medium notification_wider",), "'AWS'"),
    Attack("more events", _entry(Events=["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]), ("medium notification_wider",),
           "ObjectRemoved"),
    Attack("no entry", lambda chain: chain.put_entries([chain.others.entry(Id="inventory")]),
           ("high notification_missing",), ""),
)  # fmt: skip

CONNECTORS = (
    Attack("another role", _connector(roleArn=f"arn:aws:iam::{INTRUDER}:role/OIDC_x"), ("medium connector_stale",),
           INTRUDER),
    Attack("another table", _connector(destinationTable="AWSVPCFlow"), ("medium connector_stale",), "AWSVPCFlow"),
    Attack("another queue", _connector(sqsUrls=[f"https://sqs.us-east-1.amazonaws.com/{INTRUDER}/q"]),
           ("medium connector_stale",), f"{INTRUDER}/q"),
    Attack("off", _connector(dataTypes={"logs": {"state": "Disabled"}}), ("high connector_disabled",), "Disabled"),
    Attack("no connector", lambda chain: chain.cloud.delete_connector(chain.connector()["name"]),
           ("high connector_missing",), ""),
)  # fmt: skip

ATTACKS = {
    f"7777777766{number:02}": attack
    for number, attack in enumerate((*QUEUES, *TRUST, *PERMISSIONS, *NOTIFICATIONS, *CONNECTORS))
}
"""Attacks by account."""
