# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The S3 source: provider, role and queues, how the queue is notified of new objects, and the connector.

The bucket notifies the queue, or with `topic_arn` a topic that others own and to which the queue is subscribed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from ..cloud import cloudtrail, s3, sns, sqs
from ..cloud.aws_errors import code_of
from ..cloud.iam import ProviderAdapter, RoleAdapter
from ..model.connector.s3 import S3Connectors
from ..model.errors import SentinelError, cannot
from ..model.findings import Finding, is_security
from ..model.resource import Resource
from ..model.role.role import Role
from ..model.s3 import options, permissions, subscription, trail
from ..model.s3.connector import S3_CONNECTOR, S3ConnectorSpec, queues_of_role, readers, uncertain_queues
from ..model.s3.dead_letter_queue import DEAD_LETTER_QUEUE, DeadLetterQueue
from ..model.s3.notification import NOTIFICATION, Notification
from ..model.s3.provider import PROVIDER
from ..model.s3.queue import QUEUE, Queue
from ..model.s3.role import WEB_IDENTITY_ROLE, is_certain
from ..model.s3.source import CLOUDTRAIL_TABLE, S3SourceSpec, check_prefix
from ..model.s3.subscription import SUBSCRIPTION
from ..model.s3.trail import TrailSource
from .reconcile import Adapter, AlreadyRead, Read
from .step import AddFindings, Source, SourceRun, Step
from .trail import find_trail_source


@dataclass(frozen=True, slots=True)
class Prepared:
    """What the steps of an S3 source depend on."""

    spec: S3SourceSpec
    connector: S3ConnectorSpec
    notification: Notification | None
    """As it was read; None if it is unknown."""


def _spec(run: SourceRun) -> S3SourceSpec:
    prepared: Prepared = run.prepared
    return prepared.spec


async def _prepare(run: SourceRun) -> None:
    """Read bucket, trail and the connections that exist, for the names and the prefix of the source."""
    account, source = run.account, run.source
    region = source.get("bucket_region") or await _bucket_region(run)
    desired = options.spec(account, source, region, await _trail(run, region))
    notification = await _read_notification(run, desired)
    connectors = await _connectors(run)
    connection = await existing_connection(run, desired, notification, connectors)
    if run.removing:
        options.check_removable(desired, source, connection)
    adopted = options.adopted(desired, source, connection)
    if not run.removing:
        check_prefix(adopted)
    run.prepared = await prepare_connection(run, adopted, connectors, notification)


async def prepare_connection(
    run: SourceRun, desired: S3SourceSpec, connectors: S3Connectors, notification: Notification | None
) -> Prepared:
    """Return what the steps depend on: the spec with the queues of other sources, and the spec of the connector."""
    others = options.queues_of_others(run.account, run.source)
    connector = S3ConnectorSpec(
        desired.role_arn,
        desired.queue_url,
        desired.table,
        run.sentinel.id if run.sentinel else "",
        desired.workspace_id,
        other_queue_arns=others,
        deduplicate=run.account.deduplicate,
    )
    absent = await _missing_queues(run, uncertain_queues(connector, connectors))
    in_use = queues_of_role(connector, connectors) | others
    desired = replace(desired, other_queue_arns=tuple(sorted(in_use)))
    return Prepared(desired, replace(connector, absent_queue_arns=frozenset(absent)), notification)


async def _bucket_region(run: SourceRun) -> str:
    spec = options.spec(run.account, run.source, "", TrailSource("", ()))
    try:
        return await s3.bucket_region(run.caller("s3"), spec.bucket, spec.account_id, spec.role_arn)
    except SentinelError as error:
        if run.removing and code_of(error) == s3.NO_SUCH_BUCKET:
            what = f"find the Region of bucket {spec.bucket} in account {spec.account_id}"
            cause = "it does not exist any more. In the source, set bucket_region and prefix to remove the rest"
            raise cannot("bad_input", what, cause) from error
        raise


async def existing_connection(
    run: SourceRun, desired: S3SourceSpec, notification: Notification, connectors: S3Connectors
) -> options.Connection | None:
    """Return the connection that was created for the objects by other means."""
    if not desired.topic_arn:
        return options.existing(desired, run.source, notification, connectors)
    subscription.check_region(desired)
    found = await sns.subscriptions(run.caller("sns", desired.region), desired, removing=run.removing)
    return options.subscribed(desired, run.source, found, connectors)


async def _read_notification(run: SourceRun, spec: S3SourceSpec) -> Notification:
    """Return the notification of the bucket; raises bad_input if the bucket belongs to another account."""
    try:
        return await notification_adapter(run, spec).read()
    except SentinelError as error:
        if error.kind == "aws_denied":
            await _bucket_region(run)
        raise


async def _connectors(run: SourceRun) -> S3Connectors:
    """Return the connectors of the workspace without those that an earlier source removed."""
    listed = await run.sentinel.s3_connectors() if run.sentinel else ()
    return tuple(one for one in listed if one.id not in run.earlier.removed)


async def _missing_queues(run: SourceRun, arns: Sequence[str]) -> list[str]:
    """Return the ARNs of queues that do not exist in their Regions."""
    regions = sorted({arn.split(":")[3] for arn in arns})
    return [one for region in regions for one in await sqs.missing_queues(run.caller("sqs", region), arns)]


async def _trail(run: SourceRun, region: str) -> TrailSource:
    """Return prefix and keys of the trail that delivers into the bucket, as far as options do not give them."""
    source, account_id, bucket = run.source, run.account.account_id, run.source.get("bucket")
    prefix = source.get("prefix")
    if source.get("table", CLOUDTRAIL_TABLE) != CLOUDTRAIL_TABLE or (prefix is not None and source.get("kms_key_arns")):
        return TrailSource("", ())
    trails, objects = run.caller("cloudtrail", region), run.caller("s3", region)
    if prefix is None:
        organizations = run.caller("organizations")
        return await find_trail_source(source, account_id, cloudtrail=trails, s3=objects, organizations=organizations)
    delivering = trail.delivering(await cloudtrail.describe_trails(trails, account_id), bucket)
    return TrailSource("", trail.keys(delivering, prefix))


def _statements(run: SourceRun, partition: str) -> list[dict[str, Any]]:
    """Return what the reads of all steps need: names are not known before the first of them."""
    return permissions.read(options.pattern(run.account, run.source, partition))


def _provider_spec(run: SourceRun) -> S3SourceSpec:
    """Return the spec of the provider, which stays as long as the role does."""
    return replace(_spec(run), role_stays=run.found.get(WEB_IDENTITY_ROLE.name) is not None)


def _provider_adapter(run: SourceRun, spec: S3SourceSpec) -> ProviderAdapter:
    write = run.writer(PROVIDER.name, "iam")
    return ProviderAdapter(run.caller("iam"), spec, writes=run.writes, removing=run.removing, write=write)


def _role_adapter(run: SourceRun, spec: S3SourceSpec) -> RoleAdapter:
    write = run.writer(WEB_IDENTITY_ROLE.name, "iam")
    iam, account_id = run.caller("iam"), run.account.account_id
    return RoleAdapter(iam, account_id, spec.role_name, writes=run.writes, removing=run.removing, write=write)


def _queue_adapter(run: SourceRun, spec: S3SourceSpec) -> Adapter[Queue]:
    """Return the adapter of the queue, which was read together with its dead-letter queue."""
    write = run.writer(QUEUE.name, "sqs", spec.region)
    adapter = sqs.QueueAdapter(run.caller("sqs", spec.region), spec, writes=run.writes, write=write)
    if DEAD_LETTER_QUEUE.name not in run.found:
        return adapter
    both: DeadLetterQueue | None = run.found[DEAD_LETTER_QUEUE.name]
    return AlreadyRead(adapter, Read(both.source if both else None))


def _dead_letter_queue_adapter(run: SourceRun, spec: S3SourceSpec) -> sqs.DeadLetterQueueAdapter:
    write = run.writer(DEAD_LETTER_QUEUE.name, "sqs", spec.region)
    return sqs.DeadLetterQueueAdapter(run.caller("sqs", spec.region), spec, writes=run.writes, write=write)


def _subscription_adapter(run: SourceRun, spec: S3SourceSpec) -> sns.SubscriptionAdapter:
    write = run.writer(SUBSCRIPTION.name, "sns", spec.region)
    client = run.caller("sns", spec.region)
    return sns.SubscriptionAdapter(client, spec, writes=run.writes, removing=run.removing, write=write)


def _read_notification_adapter(run: SourceRun, spec: S3SourceSpec) -> Adapter[Notification]:
    prepared: Prepared = run.prepared
    adapter = notification_adapter(run, spec)
    return AlreadyRead(adapter, Read(prepared.notification)) if prepared.notification else adapter


def notification_adapter(run: SourceRun, spec: S3SourceSpec) -> s3.NotificationAdapter:
    """Return the adapter of the notification of the bucket."""
    return s3.NotificationAdapter(
        run.caller("s3", spec.region),
        spec,
        writes=run.writes,
        write=run.writer(NOTIFICATION.name, "s3", spec.region),
        removing=run.removing,
        queue_changed=lambda: run.changed_at is not None,
        find_missing=partial(sqs.missing_queues, run.caller("sqs", spec.region)),
    )


def _connector_spec(run: SourceRun) -> S3ConnectorSpec:
    prepared: Prepared = run.prepared
    return prepared.connector


def _connector_adapter(run: SourceRun, _spec: S3ConnectorSpec) -> Adapter[Any]:
    changed_at = run.changed_at
    until_usable = None if changed_at is None else partial(run.context.visibility.turn, changed_at)
    return run.workspace.s3_connector_adapter(writes=run.writes, until_usable=until_usable)


def _has_topic(run: SourceRun) -> bool:
    return bool(run.source.get("topic_arn"))


def _of_connector(run: SourceRun) -> bool:
    return bool(run.source.get("connector", True))


async def _check_readers(run: SourceRun, _add: AddFindings) -> None:
    """Raise an error if a connector that this source does not manage reads the queue, or another queue by the role."""
    spec, connectors = _connector_spec(run), await _connectors(run)
    found = readers(spec, connectors)
    if found and not _of_connector(run):
        cause = f"data connector {found[0].name} reads it. Remove that connector first"
        raise cannot("connector_conflict", f"remove queue {spec.queue_arn}", cause, advice="")
    others = [one for one in connectors if one.role_arn == spec.role_arn and one not in found]
    if others and _loses_access(run):
        what = f"remove role {_spec(run).role_name} in account {run.account.account_id}"
        cause = f"data connector {others[0].name} reads {', '.join(others[0].sqs_urls)} by it. Remove that one first"
        raise cannot("role_conflict", what, cause, advice="")


def _loses_access(run: SourceRun) -> bool:
    """Whether the role is removed, or does not trust the workspace any more."""
    role: Role | None = run.found[WEB_IDENTITY_ROLE.name]
    after = WEB_IDENTITY_ROLE.without(_spec(run), role)
    return role is not None and (after is None or after.trust != role.trust)


def _is_new(run: SourceRun) -> bool:
    return run.found[WEB_IDENTITY_ROLE.name] is None or run.found[QUEUE.name] is None


def _without_workspace(resource: Resource[Any, Any]) -> Callable[[SourceRun, Any], list[Finding]]:
    """Return a function that returns the security findings of what exists.

    Without the list of connectors it is not known under which names others created the connection, and which sources
    the other policies of the role belong to.
    """
    return lambda run, have: findings_whatever_the_names(resource, _spec(run), have)


def findings_whatever_the_names(resource: Resource[S3SourceSpec, Any], spec: S3SourceSpec, have: Any) -> list[Finding]:
    """Return the security findings of a resource that exists, which hold also if the connection has other names."""
    found = resource.findings(spec, have) if have else []
    return [one for one in found if is_security(one) and is_certain(spec, one)]


S3_SOURCE = Source(
    in_aws=(
        Step(
            PROVIDER,
            _provider_spec,
            _provider_adapter,
            write_statements=permissions.provider_write,
        ),
        Step(
            WEB_IDENTITY_ROLE,
            _spec,
            _role_adapter,
            write_statements=permissions.role_write,
            is_new=lambda role: role.is_new,
            findings_without_workspace=_without_workspace(WEB_IDENTITY_ROLE),
        ),
        Step(
            DEAD_LETTER_QUEUE,
            _spec,
            _dead_letter_queue_adapter,
            write_statements=permissions.queue_write,
            findings_without_workspace=_without_workspace(DEAD_LETTER_QUEUE),
        ),
        Step(
            QUEUE,
            _spec,
            _queue_adapter,
            write_statements=permissions.queue_write,
            is_new=lambda queue: queue.is_new,
            findings_without_workspace=_without_workspace(QUEUE),
        ),
        Step(
            SUBSCRIPTION,
            _spec,
            _subscription_adapter,
            write_statements=permissions.subscription_write,
            is_used=_has_topic,
        ),
        Step(NOTIFICATION, _spec, _read_notification_adapter, write_statements=permissions.notification_write),
    ),
    in_workspace=(Step(S3_CONNECTOR, _connector_spec, _connector_adapter, is_used=_of_connector),),
    prepare=_prepare,
    statements=_statements,
    is_new=_is_new,
    before_removal=_check_readers,
)
