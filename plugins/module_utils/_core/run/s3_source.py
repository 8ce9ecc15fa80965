# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The S3 source: provider, role and queues, then the entry in the notification of the bucket, then the connector."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from ..cloud import cloudtrail, s3, sqs
from ..cloud.aws_errors import code_of
from ..cloud.iam import ProviderAdapter, RoleAdapter
from ..model.connector.s3 import S3Connectors
from ..model.errors import SentinelError, cannot
from ..model.s3 import options, permissions, trail
from ..model.s3.connector import S3_CONNECTOR, S3ConnectorSpec, queues_of_role, readers, uncertain_queues
from ..model.s3.dead_letter_queue import DEAD_LETTER_QUEUE
from ..model.s3.notification import NOTIFICATION, Notification
from ..model.s3.provider import PROVIDER
from ..model.s3.queue import QUEUE
from ..model.s3.role import WEB_IDENTITY_ROLE
from ..model.s3.source import CLOUDTRAIL_TABLE, S3SourceSpec
from ..model.s3.trail import TrailSource
from .reconcile import Adapter
from .step import AddFindings, Source, SourceRun, Step
from .trail import find_trail_source


@dataclass(frozen=True, slots=True)
class Prepared:
    """What the steps of an S3 source depend on."""

    spec: S3SourceSpec
    connector: S3ConnectorSpec


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
    connection = options.existing(desired, source, notification, connectors)
    if run.removing:
        options.check_removable(desired, source, connection)
    run.prepared = await prepare_connection(run, options.adopted(desired, source, connection), connectors)


async def prepare_connection(run: SourceRun, desired: S3SourceSpec, connectors: S3Connectors) -> Prepared:
    """Return what the steps depend on: the spec with the queues of other sources, and the spec of the connector."""
    others = options.queues_of_others(run.account, run.source, desired.region)
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
    return Prepared(desired, replace(connector, absent_queue_arns=frozenset(absent)))


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


async def _read_notification(run: SourceRun, spec: S3SourceSpec) -> Notification:
    """Return the notification of the bucket; raises bad_input if the bucket belongs to another account."""
    try:
        return await _notification_adapter(run, spec).read()
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
    is_given = source.get("prefix") is not None
    if source.get("table", CLOUDTRAIL_TABLE) != CLOUDTRAIL_TABLE or (is_given and source.get("kms_key_arns")):
        return TrailSource("", ())
    trails, objects = run.caller("cloudtrail", region), run.caller("s3", region)
    if not is_given:
        organizations = run.caller("organizations")
        return await find_trail_source(bucket, account_id, cloudtrail=trails, s3=objects, organizations=organizations)
    delivering = trail.delivering(await cloudtrail.describe_trails(trails, account_id), bucket)
    return TrailSource("", tuple(sorted({one.kms_key_arn for one in delivering} - {""})))


def _statements(run: SourceRun, partition: str) -> list[dict[str, Any]]:
    """Return what the reads of all steps need: names are not known before the first of them."""
    spec = options.pattern(run.account, run.source, partition)
    return [
        *permissions.bucket_read(spec.bucket_arn),
        *permissions.provider_read(spec),
        *permissions.role_read(spec),
        *permissions.queue_read(spec),
        *permissions.notification_read(spec),
    ]


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


def _queue_adapter(run: SourceRun, spec: S3SourceSpec) -> sqs.QueueAdapter:
    write = run.writer(QUEUE.name, "sqs", spec.region)
    return sqs.QueueAdapter(run.caller("sqs", spec.region), spec, writes=run.writes, write=write)


def _dead_letter_queue_adapter(run: SourceRun, spec: S3SourceSpec) -> sqs.DeadLetterQueueAdapter:
    write = run.writer(DEAD_LETTER_QUEUE.name, "sqs", spec.region)
    return sqs.DeadLetterQueueAdapter(run.caller("sqs", spec.region), spec, writes=run.writes, write=write)


def _notification_adapter(run: SourceRun, spec: S3SourceSpec) -> s3.NotificationAdapter:
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


def _of_connector(run: SourceRun) -> bool:
    return bool(run.source.get("connector", True))


async def _check_readers(run: SourceRun, _add: AddFindings) -> None:
    """Raise connector_conflict if a connector that this source does not manage reads the queue."""
    spec = _connector_spec(run)
    found = readers(spec, await _connectors(run))
    if found and not _of_connector(run):
        cause = f"data connector {found[0].name} reads it. Remove that connector first"
        raise cannot("connector_conflict", f"remove queue {spec.queue_arn}", cause, advice="")


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
        ),
        Step(
            DEAD_LETTER_QUEUE,
            _spec,
            _dead_letter_queue_adapter,
            write_statements=permissions.queue_write,
        ),
        Step(QUEUE, _spec, _queue_adapter, write_statements=permissions.queue_write, is_new=lambda queue: queue.is_new),
        Step(NOTIFICATION, _spec, _notification_adapter, write_statements=permissions.notification_write),
    ),
    in_workspace=(Step(S3_CONNECTOR, _connector_spec, _connector_adapter, is_used=_of_connector),),
    prepare=_prepare,
    statements=_statements,
    before_removal=_check_readers,
)
