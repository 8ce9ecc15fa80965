# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One whole S3 connection as a value, for tests: its documents, and making it in the emulators piece by piece.

Made straight at moto, so uncounted and unchecked: whatever is changed in it is as if it had been there.
"""

from __future__ import annotations

import contextlib
import io
import json
import zipfile
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from .s3_state import S3Settings
from .sqs import Queue, partition_of
from .state import CUSTOMER_ID

if TYPE_CHECKING:
    from .client import Emulators

Json = dict[str, Any]
DEFAULTS = S3Settings()


@dataclass(frozen=True)
class S3Connection:
    """Everything between a bucket and a connector. Names are free, as long as the role's begins with `OIDC_`."""

    account: str = "222222222222"
    region: str = "us-east-1"
    bucket: str = "aws-cloudtrail-logs-222222222222"
    prefix: str = "AWSLogs/"
    suffix: str = ".json.gz"
    queue_name: str = "sentinel-cloudtrail"
    role_name: str = "OIDC_MicrosoftSentinelRole"
    workspace_id: str = CUSTOMER_ID
    tenant: str = DEFAULTS.sentinel_tenant
    audience: str = DEFAULTS.sentinel_audience
    table: str = "AWSCloudTrail"

    @property
    def partition(self) -> str:
        """Of the Region."""
        return partition_of(self.region)

    @property
    def issuer(self) -> str:
        """The provider's URL without its scheme; the slash at its end belongs to it."""
        return f"sts.windows.net/{self.tenant}/"

    @property
    def provider_arn(self) -> str:
        """Of the OIDC provider."""
        return f"arn:{self.partition}:iam::{self.account}:oidc-provider/{self.issuer}"

    @property
    def role_arn(self) -> str:
        """Of the role."""
        return f"arn:{self.partition}:iam::{self.account}:role/{self.role_name}"

    @property
    def queue(self) -> Queue:
        """Where the queue is."""
        return Queue(self.partition, self.region, self.account, self.queue_name)

    def trust(self, **conditions: Any) -> Json:
        """The role's trust policy; `conditions` replace those that it has."""
        wanted = {
            "StringEquals": {
                f"{self.issuer}:aud": self.audience,
                "sts:RoleSessionName": [f"MicrosoftSentinel_{self.workspace_id}"],
            }
        }
        return document(
            {
                "Effect": "Allow",
                "Principal": {"Federated": self.provider_arn},
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Condition": conditions or wanted,
            }
        )

    def role_policy(self) -> Json:
        """What the role may do."""
        queue = ("ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility", "GetQueueUrl", "GetQueueAttributes")
        objects = f"arn:{self.partition}:s3:::{self.bucket}/{self.prefix}*"
        return document(
            {"Effect": "Allow", "Action": [f"sqs:{one}" for one in queue], "Resource": self.queue.arn},
            {"Effect": "Allow", "Action": "s3:GetObject", "Resource": objects},
        )

    def queue_policy(self) -> Json:
        """Who may send: S3, for this bucket."""
        return document(
            {
                "Effect": "Allow",
                "Principal": {"Service": "s3.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": self.queue.arn,
                "Condition": {
                    "ArnLike": {"aws:SourceArn": f"arn:{self.partition}:s3:::{self.bucket}"},
                    "StringEquals": {"aws:SourceAccount": self.account},
                },
            }
        )

    def entry(self, **changed: Any) -> Json:
        """What the bucket's notification has for the queue."""
        rules = [{"Name": "prefix", "Value": self.prefix}, {"Name": "suffix", "Value": self.suffix}]
        return {
            "Id": "sentinel",
            "QueueArn": self.queue.arn,
            "Events": ["s3:ObjectCreated:*"],
            "Filter": {"Key": {"FilterRules": rules}},
            **changed,
        }

    def connector(self, **changed: Any) -> Json:
        """The body of the connector's PUT."""
        properties = {
            "destinationTable": self.table,
            "roleArn": self.role_arn,
            "sqsUrls": [self.queue.url],
            "dataTypes": {"logs": {"state": "Enabled"}},
        }
        return {"kind": "AmazonWebServicesS3", "properties": {**properties, **changed}}

    def codeless(self, **changed: Any) -> Json:
        """The body of one that a solution made."""
        rule = {
            "streamName": "SENTINEL_AWSWAF",
            "dataCollectionEndpoint": "https://sentinel-0000.westeurope-1.ingest.monitor.azure.com",
            "dataCollectionRuleImmutableId": "dcr-00000000000000000000000000000000",
        }
        return self.connector(
            destinationTable="",
            connectorDefinitionName="AwsS3WafCcpDefinition",
            dcrConfig=rule,
            dataFormat={"Format": "Json", "IsCompressed": True, "compressType": "Gzip"},
            **changed,
        )

    def make(self, e: Emulators, *, connector: bool = False) -> None:
        """Make all of it, and seed the connector where that is wanted."""
        self.make_bucket(e)
        self.make_provider(e)
        self.make_role(e)
        self.make_queue(e)
        self.make_notification(e)
        if connector:
            e.seed_connector(self.connector())

    def make_bucket(self, e: Emulators) -> None:
        """The bucket alone."""
        place = {} if self.region == "us-east-1" else {"LocationConstraint": self.region}
        self.boto(e, "s3").create_bucket(Bucket=self.bucket, **({"CreateBucketConfiguration": place} if place else {}))

    def make_provider(self, e: Emulators, *audiences: str) -> None:
        """The OIDC provider; it may be there already."""
        iam = self.boto(e, "iam")
        with contextlib.suppress(iam.exceptions.EntityAlreadyExistsException):
            iam.create_open_id_connect_provider(
                Url=f"https://{self.issuer}", ClientIDList=list(audiences or [self.audience]), ThumbprintList=["6" * 40]
            )

    def make_role(self, e: Emulators, trust: Json | None = None, policy: Json | None = None) -> None:
        """The role with its inline policy; another document may stand in for either."""
        iam, text = self.boto(e, "iam"), json.dumps(trust or self.trust())
        iam.create_role(RoleName=self.role_name, AssumeRolePolicyDocument=text)
        wanted = json.dumps(policy or self.role_policy())
        iam.put_role_policy(RoleName=self.role_name, PolicyName=self.queue_name, PolicyDocument=wanted)

    def make_queue(self, e: Emulators, policy: Json | None = None, **attributes: str) -> None:
        """The queue with its policy."""
        wanted = {"Policy": json.dumps(policy or self.queue_policy()), **attributes}
        self.boto(e, "sqs").create_queue(QueueName=self.queue_name, Attributes=wanted)

    def make_notification(self, e: Emulators, **others: Any) -> None:
        """The bucket's notification; `others` are more of the document."""
        wanted = {"QueueConfigurations": [self.entry()], **others}
        self.boto(e, "s3").put_bucket_notification_configuration(Bucket=self.bucket, NotificationConfiguration=wanted)

    def make_topic(self, e: Emulators, *statements: Json, account: str = "", name: str = "fan-out") -> str:
        """A topic to which S3 may publish about the bucket, and what else its policy has; returns its ARN."""
        sns = e.boto("sns", account or self.account, self.region)
        arn = str(sns.create_topic(Name=name)["TopicArn"])
        own = json.dumps(self.queue_policy()).replace("sqs:SendMessage", "sns:Publish").replace(self.queue.arn, arn)
        policy = json.loads(own)
        policy["Statement"] += statements
        sns.set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=json.dumps(policy))
        return arn

    def notify_topic(self, e: Emulators, arn: str, **changed: Any) -> None:
        """Let the bucket notify a topic of the objects in place of the queue."""
        entry = {name: value for name, value in self.entry(Id="fan-out").items() if name != "QueueArn"}
        document = {"TopicConfigurations": [{**entry, "TopicArn": arn, **changed}]}
        self.boto(e, "s3").put_bucket_notification_configuration(Bucket=self.bucket, NotificationConfiguration=document)

    def make_others(self, e: Emulators) -> Json:
        """What other teams have on the bucket: topic, function, queue and EventBridge; returns the document."""
        other = replace(self, queue_name="inventory")
        other.make_queue(e)
        found = {
            "TopicConfigurations": [
                {"Id": "removed", "TopicArn": self.make_topic(e, name="removed"), "Events": ["s3:ObjectRemoved:*"]}
            ],
            "LambdaFunctionConfigurations": [
                {
                    "Id": "scan",
                    "LambdaFunctionArn": self._function(e),
                    "Events": ["s3:ObjectCreated:*"],
                    "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": "uploads/"}]}},
                }
            ],
            "QueueConfigurations": [
                other.entry(
                    Id="inventory", Filter={"Key": {"FilterRules": [{"Name": "prefix", "Value": "inventory/"}]}}
                )
            ],
        }
        self.boto(e, "s3").put_bucket_notification_configuration(Bucket=self.bucket, NotificationConfiguration=found)
        e.control("event_bridge", bucket=self.bucket)
        return {**found, "EventBridgeConfiguration": {}}

    def _function(self, e: Emulators) -> str:
        """Moto makes it, and runs it nowhere."""
        code = io.BytesIO()
        with zipfile.ZipFile(code, "w") as archive:
            archive.writestr("scan.py", "")
        trust = json.dumps(document({"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}}))
        role = self.boto(e, "iam").create_role(RoleName="scan", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        functions = self.boto(e, "lambda")
        made = functions.create_function(
            FunctionName="scan",
            Runtime="python3.12",
            Role=role,
            Handler="scan.run",
            Code={"ZipFile": code.getvalue()},
        )
        functions.add_permission(
            FunctionName="scan",
            StatementId="s3",
            Action="lambda:InvokeFunction",
            Principal="s3.amazonaws.com",
            SourceArn=f"arn:{self.partition}:s3:::{self.bucket}",
            SourceAccount=self.account,
        )
        return str(made["FunctionArn"])

    def boto(self, e: Emulators, service: str) -> Any:
        """A client inside the account, straight at moto."""
        return e.boto(service, self.account, self.region)


def document(*statements: Json) -> Json:
    """A policy of these statements."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _below(prefix: str) -> Json:
    return {"Key": {"FilterRules": [{"Name": "prefix", "Value": prefix}]}}
