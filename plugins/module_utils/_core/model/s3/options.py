# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The spec of an S3 source: from its options, from the trail, and from a connection that exists. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Any, NamedTuple

from ..account import Account
from ..connector.s3 import S3Connector
from ..credentials import cloud as clouds
from ..errors import cannot
from ..sources import S3, SourceSpec
from .connector import name_of
from .notification import Notification, Rule, entries
from .queue_url import queue_arn_of
from .source import (
    ANY_REGION,
    CLOUDTRAIL_TABLE,
    DEFAULT_ROLE_NAME,
    DEFAULT_SUFFIX,
    IDENTITIES,
    ROLE_PREFIX,
    S3SourceSpec,
    default_queue_name,
)
from .subscription import Subscription
from .trail import TrailSource

# Names in the session policy of reads, before they are known.
_ANY = "*"


class Connection(NamedTuple):
    """A connection that was created by other means: an entry of the notification, and the connector of its queue."""

    queue_name: str
    role_name: str
    prefix: str
    suffix: str


def pattern(account: Account, source: SourceSpec, partition: str) -> S3SourceSpec:
    """Return a spec with wildcards for everything that is not known before the first read."""
    return replace(
        spec(account, source, source.get("bucket_region", _ANY), TrailSource("", ())),
        partition=partition,
        queue_name=source.get("queue_name", _ANY),
        role_name=source.get("role_name", f"{ROLE_PREFIX}{_ANY}"),
    )


def spec(account: Account, source: SourceSpec, region: str, trail: TrailSource) -> S3SourceSpec:
    """Return the spec of a source of an account; `trail` stands for options that are not given."""
    bucket, table = source.get("bucket"), source.get("table", CLOUDTRAIL_TABLE)
    prefix = source.get("prefix", trail.prefix)
    cloud = clouds.cloud_name(account.azure.cloud_environment)
    return S3SourceSpec(
        account_id=account.account_id,
        region=region,
        bucket=bucket,
        prefix=prefix,
        workspace_id=account.role_spec.workspace_id,
        queue_name=source.get("queue_name", default_queue_name(table, bucket, prefix)),
        table=table,
        suffix=source.get("suffix", DEFAULT_SUFFIX),
        account_ids=source.get("account_ids", ()),
        kms_key_arns=source.get("kms_key_arns", trail.kms_key_arns),
        role_name=source.get("role_name", DEFAULT_ROLE_NAME),
        session_names=source.get("session_names", ()),
        identity=IDENTITIES.get(cloud, IDENTITIES[clouds.PUBLIC]),
        partition=account.role_spec.partition,
        adopt=account.role_spec.adopt,
        topic_arn=source.get("topic_arn", ""),
        purge_queue=source.get("purge_queue", False),
        remove_provider=source.get("remove_provider", False),
    )


def adopted(desired: S3SourceSpec, source: SourceSpec, connection: Connection | None) -> S3SourceSpec:
    """Return the spec with the names of a connection that exists, where no option gives another one."""
    return replace(desired, **_differences(desired, source, connection)) if connection else desired


def _differences(desired: S3SourceSpec, source: SourceSpec, connection: Connection) -> dict[str, Any]:
    """Return the values of the connection that differ from the spec, by option, without options that are given."""
    found = connection._asdict()
    if desired.account_ids:
        del found["prefix"]  # the folders of the accounts are below that of the trail
    return {
        name: value for name, value in found.items() if source.get(name) is None and value != getattr(desired, name)
    }


def check_removable(desired: S3SourceSpec, source: SourceSpec, connection: Connection | None) -> None:
    """Raise bad_input for a connection that only its connector identifies, and which is removed first.

    A run that continues an interrupted removal would not find queue, role and entry under other names.
    """
    differences = _differences(desired, source, connection) if connection else {}
    differences.pop("suffix", "")  # the queue alone identifies an entry
    if differences:
        named = ", ".join(f"{name} to {value!r}" for name, value in differences.items())
        what = f"remove the S3 connection of bucket {desired.bucket} in account {desired.account_id}"
        raise cannot("bad_input", what, f"it was created by other means. In the source, set {named}")


def existing(
    desired: S3SourceSpec, source: SourceSpec, have: Notification, connectors: Collection[S3Connector]
) -> Connection | None:
    """Return the only connection that exists for the objects and the table of a spec, None for none or several.

    One that was created for the spec is None too: its queue has the default name, or its connector the name that this
    collection gives it. Where its entry differs from the spec, that is drift.
    """
    is_named = bool(source.get("queue_name"))
    return _only(
        [
            _connection(reader, queue_arn, rule)
            for queue_arn, reader in _candidates(desired, source, connectors).items()
            for rule in _adoptable_rules(desired, have, queue_arn, is_named=is_named)
        ]
    )


def may_have_other_names(
    desired: S3SourceSpec, source: SourceSpec, have: Notification | None, connectors: Collection[S3Connector] | None
) -> bool:
    """Return whether the connection may be one by other means, while notification or connectors are unknown (None)."""
    if source.get("queue_name") and source.get("role_name"):
        return False
    if connectors is not None:
        return have is None and bool(_candidates(desired, source, connectors))
    if have is None or desired.topic_arn:  # the notification names the topic instead of the queue
        return True
    covering = [one.destination for one in entries(have.document) if _covers(desired, one.rule)]
    return any(_is_candidate(desired, source, queue_arn) for queue_arn in covering)


def subscribed(
    desired: S3SourceSpec, source: SourceSpec, have: Iterable[Subscription], connectors: Collection[S3Connector]
) -> Connection | None:
    """Return the only connection that exists for the table of a spec, by the subscriptions to its topic.

    Like `existing`; prefix and suffix are those of the spec, because the objects are those of the topic.
    """
    queue_arns = {one.queue_arn for one in have}
    if not source.get("queue_name") and desired.queue_arn in queue_arns:
        return None
    found = _candidates(desired, source, connectors).items()
    return _only([_connection(reader, arn, _rule(desired)) for arn, reader in found if arn in queue_arns])


def _only(found: list[Connection]) -> Connection | None:
    return found[0] if len(found) == 1 else None


def _readers(desired: S3SourceSpec, connectors: Collection[S3Connector]) -> dict[str, S3Connector]:
    """Return the connectors that read into the table of a spec, by the ARN of the queue."""
    return {queue_arn_of(url): one for one in connectors if _reads(desired, one) for url in one.sqs_urls}


def queues_of_others(account: Account, source: SourceSpec) -> frozenset[str]:
    """Return the queues of other S3 sources of the account as `is_among` takes them, as far as options determine them.

    The Region of a bucket is read when it is that source's turn.
    """
    others = (one for one in account.sources if one.type == S3 and one != source)
    known = (one for one in others if one.get("queue_name") or one.get("prefix") is not None)
    no_trail = TrailSource("", ())
    return frozenset(spec(account, one, one.get("bucket_region", ANY_REGION), no_trail).queue_arn for one in known)


def _candidates(
    desired: S3SourceSpec, source: SourceSpec, connectors: Collection[S3Connector]
) -> dict[str, S3Connector]:
    """Return the connectors that connections by other means may have, by the ARN of the queue."""
    if source.get("queue_name") and _has_own_connector(desired, connectors):
        return {}
    return {arn: one for arn, one in _readers(desired, connectors).items() if _is_candidate(desired, source, arn)}


def _is_candidate(desired: S3SourceSpec, source: SourceSpec, queue_arn: str) -> bool:
    """Whether a connection by other means may have this queue: the one that options name, else any other."""
    is_named = bool(source.get("queue_name"))
    return (queue_arn == desired.queue_arn) == is_named and _is_in_place(desired, queue_arn)


def _connection(connector: S3Connector, queue_arn: str, rule: Rule) -> Connection:
    queue_name, role_name = queue_arn.rpartition(":")[2], connector.role_arn.rpartition("/")[2]
    return Connection(queue_name, role_name, rule.prefix, rule.suffix)


def _has_own_connector(desired: S3SourceSpec, connectors: Collection[S3Connector]) -> bool:
    """Whether this collection created the connector of the queue, whatever it reads now."""
    return any(one.name == name_of(desired.workspace_id, desired.queue_arn) for one in connectors)


def _adoptable_rules(desired: S3SourceSpec, have: Notification, queue_arn: str, *, is_named: bool) -> set[Rule]:
    """Return prefix and suffix of the entries of a queue that report objects of the spec, or of one of its accounts.

    Where options name queue or accounts, all entries of the queue are one connection, also where they differ.
    """
    rules = [one.rule for one in entries(have.document) if one.destination == queue_arn and _covers(desired, one.rule)]
    found = {_adoptable_rule(desired, one, is_named=is_named) for one in rules}
    return {_rule(desired)} if len(found) > 1 and (is_named or desired.account_ids) else found


def _adoptable_rule(desired: S3SourceSpec, rule: Rule, *, is_named: bool) -> Rule:
    """Return prefix and suffix of an entry; those of the spec where options name the queue and the entry is wider."""
    if is_named and not _rule(desired).includes(rule):
        return _rule(desired)
    return Rule(desired.prefix if desired.account_ids else rule.prefix, rule.suffix)


def _rule(desired: S3SourceSpec) -> Rule:
    return Rule(desired.prefix, desired.suffix)


def _covers(desired: S3SourceSpec, rule: Rule) -> bool:
    return desired.prefix.startswith(rule.prefix) or rule.prefix in desired.prefixes


def _is_in_place(desired: S3SourceSpec, queue_arn: str) -> bool:
    """Whether a queue is in the account of the source and in the Region of the bucket."""
    return queue_arn.startswith(f"arn:{desired.partition}:sqs:{desired.region}:{desired.account_id}:")


def _reads(desired: S3SourceSpec, connector: S3Connector) -> bool:
    """Whether a connector reads into the same table, by a role that can be adopted."""
    own_role = connector.role_arn.startswith(f"arn:{desired.partition}:iam::{desired.account_id}:role/{ROLE_PREFIX}")
    return own_role and connector.destination_table in (desired.table, "")
