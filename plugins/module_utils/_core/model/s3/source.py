# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One S3 source of an account: its options, and the names, ARNs and policies that follow from them. Pure.

Sources: "Set up your AWS environment to collect AWS logs to Microsoft Sentinel" (Microsoft Learn); "Amazon S3 event
notifications" (Amazon S3 User Guide).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..credentials import cloud as clouds
from ..errors import cannot
from ..policy.policy import WebIdentity
from .queue_url import queue_url

CLOUDTRAIL_TABLE = "AWSCloudTrail"
# The folder below the one of an account, in which AWS delivers the logs of a table.
TABLE_FOLDERS = {CLOUDTRAIL_TABLE: "CloudTrail", "AWSVPCFlow": "vpcflowlogs", "AWSGuardDuty": "GuardDuty"}
TABLES = (*TABLE_FOLDERS, "AWSCloudWatch")
ROLE_PREFIX = "OIDC_"
DEFAULT_ROLE_NAME = "OIDC_MicrosoftSentinelRole"
DEFAULT_SUFFIX = ".gz"
# "Amazon S3 event notifications": the number of entries of a bucket.
MAX_ACCOUNT_IDS = 100
EVENTS = "s3:ObjectCreated:*"
DEAD_LETTER_SUFFIX = "-dlq"
ANY_REGION = "*"
_REGION = re.compile(r"(arn:[^:]+:sqs:)[^:]+(:.+)")
_AWS_LOGS = "AWSLogs/"
# Characters that a policy does not read as they are, as wildcards and variables.
UNSUPPORTED_IN_PREFIX = frozenset("*?${}")
UNSUPPORTED_TEXT = " ".join(sorted(UNSUPPORTED_IN_PREFIX))
# "Finding your CloudTrail log files" (CloudTrail User Guide): below which folders those of accounts are.
_ACCOUNT_FOLDERS = re.compile(rf"(?:.*/)?{_AWS_LOGS}(?:o-[a-z0-9]+/)?")
MAX_QUEUE_NAME = 80 - len(DEAD_LETTER_SUFFIX)
QUEUE_ACTIONS = (
    "sqs:ChangeMessageVisibility",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "sqs:GetQueueUrl",
    "sqs:ReceiveMessage",
)


class Identity(NamedTuple):
    """The identity of Microsoft Sentinel in a cloud: the tenant that issues its tokens, and their audience."""

    tenant: str
    audience: str


IDENTITIES = {
    clouds.PUBLIC: Identity("33e01921-4d64-4f8c-a055-5bdaffd5e33d", "api://1462b192-27f7-4cb9-8523-0f4ecb54b47e"),
    clouds.GOVERNMENT: Identity("cab8a31a-1906-4287-a0d8-4eef66b95f6e", "api://d4230588-5f84-4281-a9c7-2c15194b28f7"),
}


@dataclass(frozen=True, slots=True)
class S3SourceSpec:
    """One S3 source: a prefix of a bucket that Sentinel reads into one table, by one queue and one role.

    `region` is that of the bucket, `prefix` the beginning of the keys of its objects. `account_ids` restrict the source
    to the folders of these accounts below the prefix, which then ends with a slash. `topic_arn` is the SNS topic that
    the bucket notifies in place of the queue. `other_queue_arns` are the queues of other S3 sources of the account in
    this workspace, as `is_among` takes them. `role_stays` is for the removal of the OIDC provider: whether the role
    still exists then.
    """

    account_id: str
    region: str
    bucket: str
    prefix: str
    workspace_id: str
    queue_name: str
    table: str = CLOUDTRAIL_TABLE
    suffix: str = DEFAULT_SUFFIX
    account_ids: tuple[str, ...] = ()
    kms_key_arns: tuple[str, ...] = ()
    role_name: str = DEFAULT_ROLE_NAME
    session_names: tuple[str, ...] = ()
    identity: Identity = IDENTITIES[clouds.PUBLIC]
    partition: str = "aws"
    adopt: bool = False
    topic_arn: str = ""
    purge_queue: bool = False
    remove_provider: bool = False
    other_queue_arns: tuple[str, ...] = ()
    role_stays: bool = True

    @property
    def issuer(self) -> str:
        """The URL of the OIDC provider without scheme; the slash at its end is part of the identity."""
        return f"sts.windows.net/{self.identity.tenant}/"

    @property
    def provider_arn(self) -> str:
        """The ARN of the OIDC provider."""
        return f"arn:{self.partition}:iam::{self.account_id}:oidc-provider/{self.issuer}"

    @property
    def web_identity(self) -> WebIdentity:
        """The identity that the role trusts."""
        return WebIdentity(self.provider_arn, self.issuer, self.identity.audience)

    @property
    def role_arn(self) -> str:
        """The ARN of the role; the connector works with the path "/" only."""
        return f"arn:{self.partition}:iam::{self.account_id}:role/{self.role_name}"

    @property
    def policy_name(self) -> str:
        """The name of the inline policy of this source: one role may serve several sources of the same objects."""
        name = default_queue_name(self.table, self.bucket, self.prefix)
        return name if name == self.queue_name else _name(self.table, f"{self.queue_name}@{self.bucket}/{self.prefix}")

    @property
    def bucket_arn(self) -> str:
        """The ARN of the bucket."""
        return f"arn:{self.partition}:s3:::{self.bucket}"

    @property
    def queue_arn(self) -> str:
        """The ARN of the queue."""
        return f"arn:{self.partition}:sqs:{self.region}:{self.account_id}:{self.queue_name}"

    @property
    def queue_url(self) -> str:
        """The URL of the queue, as Microsoft Sentinel takes it."""
        return queue_url(self.partition, self.region, self.account_id, self.queue_name)

    @property
    def dead_letter_queue_name(self) -> str:
        """The name of the queue for messages that were received too often."""
        return f"{self.queue_name}{DEAD_LETTER_SUFFIX}"

    @property
    def dead_letter_queue_arn(self) -> str:
        """The ARN of the queue for messages that were received too often."""
        return f"{self.queue_arn}{DEAD_LETTER_SUFFIX}"

    @property
    def dead_letter_queue_url(self) -> str:
        """The URL of the queue for messages that were received too often."""
        return f"{self.queue_url}{DEAD_LETTER_SUFFIX}"

    @property
    def prefixes(self) -> tuple[str, ...]:
        """The prefixes of the objects: one for each of `account_ids`, else the prefix itself."""
        folder = TABLE_FOLDERS.get(self.table, "")
        return tuple(f"{self.prefix}{one}/{folder}/" for one in self.account_ids) or (self.prefix,)

    @property
    def expected_session_names(self) -> tuple[str, ...]:
        """The names of the sessions of Microsoft Sentinel for this workspace: they bind the role to it."""
        return self.session_names or (f"MicrosoftSentinel_{self.workspace_id}",)

    @property
    def role_policy(self) -> dict[str, Any]:
        """The inline policy of the role: reading this queue and these objects."""
        statements = [
            _allow(QUEUE_ACTIONS, self.queue_arn),
            _allow(("s3:GetObject",), f"{self.bucket_arn}/{self.prefix}*"),
        ]
        if self.kms_key_arns:
            statements.append(_allow(("kms:Decrypt",), list(self.kms_key_arns)))
        return {"Version": "2012-10-17", "Statement": statements}

    @property
    def sender(self) -> str:
        """The service that sends messages to the queue, for messages."""
        return "SNS" if self.topic_arn else "S3"

    @property
    def origin(self) -> str:
        """The resource whose messages the queue receives, for messages."""
        return f"topic {self.topic_arn}" if self.topic_arn else f"bucket {self.bucket}"

    @property
    def topic_account_id(self) -> str:
        """The account of the topic."""
        return self.topic_arn.split(":")[4]

    @property
    def queue_policy(self) -> dict[str, Any]:
        """The policy of the queue: S3 may send messages about this bucket of this account, or SNS those of a topic."""
        by_topic = {"ArnEquals": {"aws:SourceArn": self.topic_arn}}
        by_bucket = {
            "ArnLike": {"aws:SourceArn": self.bucket_arn},
            "StringEquals": {"aws:SourceAccount": self.account_id},
        }
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": f"{self.sender.lower()}.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": self.queue_arn,
            "Condition": by_topic if self.topic_arn else by_bucket,
        }
        return {"Version": "2012-10-17", "Statement": [statement]}


def default_queue_name(table: str, bucket: str, prefix: str) -> str:
    """Return the name of a queue that identifies table, bucket and prefix."""
    return _name(table, f"{bucket}/{prefix}")


def _name(table: str, identity: str) -> str:
    return f"MicrosoftSentinel-{table}-{hashlib.sha256(identity.encode()).hexdigest()[:8]}"


def is_among(queue_arn: str, queue_arns: Collection[str]) -> bool:
    """Return whether a queue is one of these, whose Region is `*` where it is not known."""
    return queue_arn in queue_arns or _REGION.sub(rf"\1{ANY_REGION}\2", queue_arn) in queue_arns


def check_prefix(spec: S3SourceSpec) -> None:
    """Raise bad_input for a prefix, such as that of a trail, that the policy of the role would read as a pattern."""
    if not UNSUPPORTED_IN_PREFIX.isdisjoint(spec.prefix):
        cause = f"its prefix has one of the characters {UNSUPPORTED_TEXT}, which IAM policies read as patterns"
        raise cannot("bad_input", f"read {spec.bucket}/{spec.prefix}", cause)


def broken_rules(options: Mapping[str, Any]) -> Iterator[str]:
    """Yield the rules that the options of a source break together."""
    table, accounts = options.get("table", CLOUDTRAIL_TABLE), options.get("account_ids", ())
    if table != CLOUDTRAIL_TABLE and "prefix" not in options:
        example = _AWS_LOGS if table in TABLE_FOLDERS else "the folder of the exported log events"
        yield f"prefix is not set, which table {table} requires, such as {example}"
    if accounts and table not in TABLE_FOLDERS:
        yield f"account_ids cannot be used with table {table}, whose objects have no folder for each account"
    elif accounts and not _ACCOUNT_FOLDERS.fullmatch(options.get("prefix", _AWS_LOGS)):
        yield (
            f"account_ids cannot be used with prefix {options['prefix']}, which does not end with {_AWS_LOGS} or "
            f"{_AWS_LOGS}<organization id>/: the folders of the accounts are below that"
        )
    if len(accounts) > MAX_ACCOUNT_IDS:
        yield f"account_ids has {len(accounts)} items, at most {MAX_ACCOUNT_IDS} fit into the notification of a bucket"


def _allow(actions: tuple[str, ...], resource: str | list[str]) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions) if len(actions) > 1 else actions[0], "Resource": resource}
