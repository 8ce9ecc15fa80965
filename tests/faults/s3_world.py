# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state before a run with faults over a log archive account with an S3 source, and a second account."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.account import Account
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.plan import Call
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.resource import Resource
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3 import connector as connectors
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3 import notification
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3.dead_letter_queue import (
    DEAD_LETTER_QUEUE,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3.provider import PROVIDER
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3.queue import QUEUE
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3.role import WEB_IDENTITY_ROLE
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3.source import (
    S3SourceSpec,
    default_queue_name,
)
from tests.emulators import trail
from tests.emulators.client import CUSTOMER_ID, Emulators
from tests.emulators.connectors import CLOUDTRAIL
from tests.emulators.s3_connection import S3Connection
from tests.resources import ROLE, arn_of

from . import engine, world
from .world import EXTRA_POLICY, Json, Phase, Snapshot, World

ARCHIVE, SECOND = "222222222222", "111111111101"
ORGANIZATION = "o-abc1234567"
DEFENDER = "api://6610e979-c931-41ec-adc7-b9920c9d52f1"
LOGS = S3Connection(account=ARCHIVE, bucket="organization-logs", prefix=f"AWSLogs/{ORGANIZATION}/", suffix=".gz")
OTHER = replace(LOGS, queue_name="inventory", prefix="inventory/", role_name="OIDC_OtherTeam")
SOURCE: Json = {"type": "s3", "bucket": LOGS.bucket, "purge_queue": True, "remove_provider": True}
SPEC = S3SourceSpec(
    account_id=ARCHIVE,
    region=LOGS.region,
    bucket=LOGS.bucket,
    prefix=LOGS.prefix,
    workspace_id=CUSTOMER_ID,
    queue_name=default_queue_name(LOGS.table, LOGS.bucket, LOGS.prefix),
)
CONNECTOR = connectors.S3ConnectorSpec(SPEC.role_arn, SPEC.queue_url, SPEC.table, "", CUSTOMER_ID)
ANYTHING: Json = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
_RESOURCES: tuple[tuple[Resource[S3SourceSpec, Any], str], ...] = (
    (PROVIDER, "iam"),
    (WEB_IDENTITY_ROLE, "iam"),
    (DEAD_LETTER_QUEUE, "sqs"),
    (QUEUE, "sqs"),
)
_CHANGING = ("Timestamp", "Approximate")
# The oldest botocore does not call without it.
_REQUIRED = {"CreateOpenIDConnectProvider": {"ThumbprintList": ["6" * 40]}}


class S3World(World):
    """A log archive account with an S3 source, an account with the CloudTrail source, and a workspace.

    Others have a role and a queue in the account, an entry in the notification of the bucket, whose events Amazon
    EventBridge gets as well, and two connectors: one of that queue, and one of a solution.
    """

    source: ClassVar = "s3"
    account_ids: ClassVar[tuple[str, ...]] = (ARCHIVE, SECOND)
    victim: ClassVar = ARCHIVE

    def __init__(self, emulators: Emulators) -> None:
        super().__init__(emulators)
        self._clients = {name: LOGS.boto(emulators, name) for name in ("iam", "sqs", "s3", "cloudtrail")}

    def prepare(self, phase: Phase, number: int = 2) -> None:
        """Set up the state before a run of that phase."""
        self.e.reset()
        LOGS.make_bucket(self.e)
        place = {"S3BucketName": LOGS.bucket, "IsOrganizationTrail": True}
        self._clients["cloudtrail"].create_trail(Name="organization", **place)
        trail.deliver(self.e, LOGS.bucket, ARCHIVE, ARCHIVE, [], organization=ORGANIZATION)
        self._add_resources_of_others(phase)
        if phase != "create":
            self.connect_source()
            self._connect(SECOND)
        if phase == "repair":
            self.drift_source()

    def _add_resources_of_others(self, phase: Phase) -> None:
        OTHER.make_queue(self.e)
        # A trust policy with our audience would keep the OIDC provider.
        OTHER.make_role(self.e, {"Version": "2012-10-17", "Statement": []})
        self.put_entries([OTHER.entry(Id="inventory")])
        self.e.seed_connector({"name": "other", **OTHER.connector(destinationTable="AWSCloudWatch")})
        self.e.seed_connector({"name": "codeless", **replace(OTHER, queue_name="waf").codeless()})
        if phase == "create":
            # With the role of the source, so AWS is asked whether its queue exists.
            self.e.seed_connector({"name": "same-role", **OTHER.connector(roleArn=SPEC.role_arn)})

    def connect_source(self) -> None:
        """Create the resources of the source."""
        for resource, service in _RESOURCES:
            for call in resource.plan(None, resource.overlay(SPEC, None)):
                self.call(service, call)
        added = notification.overlay(SPEC, None).document["QueueConfigurations"]
        self.put_entries([*self.entries(), *added])
        [call] = connectors.plan((), connectors.overlay(CONNECTOR, ()))
        self.e.seed_connector({"name": CONNECTOR.name, **call.args["data_connector"]})

    def call(self, service: str, call: Call) -> None:
        """Make a call in the log archive account that is not logged."""
        client = self._clients[service]
        methods = {value: name for name, value in client.meta.method_to_api_mapping.items()}
        getattr(client, methods[call.name])(**_sent(call.args), **_REQUIRED.get(call.name, {}))

    def put_entries(self, entries: list[Json]) -> None:
        """Replace the entries for queues in the notification of the bucket."""
        document = {"QueueConfigurations": entries}
        self._clients["s3"].put_bucket_notification_configuration(
            Bucket=LOGS.bucket, NotificationConfiguration=document
        )
        self.e.control("event_bridge", bucket=LOGS.bucket)

    def entries(self) -> list[Json]:
        """The entries for queues in the notification of the bucket."""
        return list(self._notification().get("QueueConfigurations", []))

    def _notification(self) -> Json:
        found: Json = self._clients["s3"].get_bucket_notification_configuration(Bucket=LOGS.bucket)
        return {name: value for name, value in found.items() if name != "ResponseMetadata"}

    def drift_source(self) -> None:
        """Change what a run repairs in each resource."""
        iam, sqs, role = self._clients["iam"], self._clients["sqs"], {"RoleName": SPEC.role_name}
        iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=SPEC.provider_arn)
        LOGS.make_provider(self.e, DEFENDER)
        trust = LOGS.trust()
        trust["Statement"].append({"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"})
        iam.update_assume_role_policy(**role, PolicyDocument=json.dumps(trust))
        iam.attach_role_policy(**role, PolicyArn=EXTRA_POLICY)
        for name in (SPEC.policy_name, "extra"):
            iam.put_role_policy(**role, PolicyName=name, PolicyDocument=json.dumps(ANYTHING))
        iam.untag_role(**role, TagKeys=["trailbridge.sentinel.workspace"])
        for url in (SPEC.queue_url, SPEC.dead_letter_queue_url):
            sqs.set_queue_attributes(QueueUrl=url, Attributes={"MessageRetentionPeriod": "60"})
            sqs.untag_queue(QueueUrl=url, TagKeys=["trailbridge.sentinel.workspace"])
        self.put_entries([one for one in self.entries() if _is_of_others(one)])
        ours = next(one for one in self.e.connectors() if one["name"] == CONNECTOR.name)
        ours["properties"]["dataTypes"]["logs"]["state"] = "Disabled"
        self.e.seed_connector(ours)

    @classmethod
    def accounts(cls, phase: Phase, number: int = 2) -> list[Account]:
        """The accounts of a run."""
        hosts: engine.Hosts = {
            ARCHIVE: {"aws_account_id": ARCHIVE, "sentinel_sources": [SOURCE]},
            SECOND: {"aws_account_id": SECOND},
        }
        return engine.accounts_of(dict(list(hosts.items())[:number]))

    def seen(self) -> Snapshot:
        """Take a snapshot of the services; these requests are not logged."""
        ours: dict[str, Json] = {account: {} for account in self.account_ids}
        others: list[Json] = []
        for account in self.account_ids:
            answer = self._boto(account).get_account_authorization_details(Filter=["Role"])
            for raw in answer["RoleDetailList"]:
                shown = world.role_of(raw)
                if raw["RoleName"] in (ROLE, SPEC.role_name):
                    ours[account]["role"] = shown
                else:
                    others.append({"account": account, **shown})
        document, entries = self._notification(), self.entries()
        theirs = [one for one in entries if _is_of_others(one)]
        ours[ARCHIVE] |= {
            "provider": self._provider(),
            "queues": self._queues("MicrosoftSentinel-"),
            "entries": [one for one in entries if one not in theirs],
        }
        others += [self._queues(OTHER.queue_name), {**document, "QueueConfigurations": theirs}]
        for raw in self.e.connectors():
            if self.is_ours(raw):
                account = SECOND if raw["kind"] == CLOUDTRAIL else ARCHIVE
                ours[account].setdefault("connectors", []).append(world.stripped(raw))
            else:
                others.append(raw)
        return Snapshot(ours, others)

    def _provider(self) -> Json:
        iam = self._clients["iam"]
        with contextlib.suppress(iam.exceptions.NoSuchEntityException):
            found = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=SPEC.provider_arn)
            return {"audiences": sorted(found["ClientIDList"]), "tags": found.get("Tags", [])}
        return {}

    def _queues(self, prefix: str) -> Json:
        urls = self._clients["sqs"].list_queues(QueueNamePrefix=prefix).get("QueueUrls", [])
        return {url.rpartition("/")[2]: self._queue(url) for url in urls}

    def _queue(self, url: str) -> Json:
        sqs = self._clients["sqs"]
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        kept = {name: value for name, value in found.items() if not any(one in name for one in _CHANGING)}
        return {**kept, "tags": sqs.list_queue_tags(QueueUrl=url).get("Tags", {})}

    def is_ours(self, raw: Json) -> bool:
        """Whether a run may change the connector."""
        properties = raw["properties"]
        if raw["kind"] == CLOUDTRAIL:
            return bool(properties.get("awsRoleArn") == arn_of(SECOND))
        return SPEC.queue_url in properties.get("sqsUrls", [])

    def duplicates(self) -> list[str]:
        """Role ARNs and queues that more than one connector reads."""
        of_connectors = [raw["properties"] for raw in self.e.connectors() if self.is_ours(raw)]
        found = [one.get("awsRoleArn") or SPEC.queue_url for one in of_connectors]
        return sorted(one for one in set(found) if found.count(one) > 1)


def _is_of_others(entry: Json) -> bool:
    return bool(entry["QueueArn"] == OTHER.queue.arn)


def _sent(args: Mapping[str, Any]) -> Json:
    """The arguments of a call as services take them: documents as text."""
    documents = ("Policy", "RedrivePolicy", "AssumeRolePolicyDocument", "PolicyDocument")
    return {
        name: _sent(value) if name == "Attributes" else json.dumps(value) if name in documents else value
        for name, value in args.items()
    }
