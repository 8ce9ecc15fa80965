# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The links of an S3 source beside its resources: what delivers, objects, keys, counters."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from ..cloud import cloudwatch, ec2, guardduty, iam, kms, s3
from ..model.s3 import key, links, objects, producers, traffic, trail_status
from ..model.s3.dead_letter_queue import DEAD_LETTER_QUEUE
from ..model.s3.key import Key
from ..model.s3.notification import NOTIFICATION
from ..model.s3.objects import Folder, Objects
from ..model.s3.provider import PROVIDER
from ..model.s3.queue import QUEUE, Queue
from ..model.s3.source import CLOUDTRAIL_TABLE, S3SourceSpec
from ..model.s3.trail import Trail
from .s3_inspector import Inspector


async def inspect_delivery(
    inspector: Inspector, spec: S3SourceSpec, trails: list[Trail] | None, *, serves_organization: bool
) -> None:
    """Inspect the objects, and what delivers them; `trails` are all into the bucket, None if they are unknown."""
    found, now = inspector.found, time.time()
    found.objects = await inspector.attempt("delivery", _read_objects(inspector, spec, now))
    if found.trails:
        inspector.add(trail_status.findings(found.trails, serves_organization=serves_organization))
    elif trails is not None and not found.objects_arrive:
        inspector.add([links.no_trail(spec.account_id, spec.bucket)])
    if found.objects:
        inspector.add(objects.findings(spec, found.objects, is_new=trail_status.is_new(found.trails, now)))
    if spec.table == producers.FLOW_LOGS:
        await _inspect_flow_logs(inspector, spec)
    elif spec.table == producers.CLOUDWATCH:
        inspector.unknown("delivery", producers.not_visible(spec.table))


async def _read_objects(inspector: Inspector, spec: S3SourceSpec, now: float) -> Objects:
    """Return the newest objects: where they usually are today or yesterday, else along the newest folders."""
    today = datetime.fromtimestamp(now, UTC)
    days = [f"{today - timedelta(days=back):%Y/%m/%d}" for back in range(2)]
    caller = inspector.caller("s3", spec.region)
    for place in objects.day_folders(spec, days):
        found = await s3.list_folder(caller, spec.bucket, spec.account_id, place)
        if found.objects:
            return Objects(found.objects, now)
    place, found = spec.prefix, Folder()
    for _level in range(objects.MAX_DEPTH):
        found = await s3.list_folder(caller, spec.bucket, spec.account_id, place)
        following = objects.next_folder(spec, found, days)
        if not following:
            break
        place += following
    return Objects(found.objects, now)


async def _inspect_flow_logs(inspector: Inspector, spec: S3SourceSpec) -> None:
    caller = inspector.caller("ec2", spec.region)
    listed = await inspector.attempt("delivery", ec2.describe_flow_logs(caller, spec.account_id))
    found = [one for one in listed or () if producers.delivers(spec, one.destination_arn)]
    inspector.add(producers.flow_log_findings(found))
    if not found:
        inspector.unknown("delivery", producers.not_visible(spec.table))


async def _read_keys_of_destinations(inspector: Inspector, spec: S3SourceSpec) -> set[str]:
    """Inspect where GuardDuty publishes; return the keys that it encrypts objects with."""
    if spec.table != producers.GUARDDUTY:
        return set()
    caller = inspector.caller("guardduty", spec.region)
    listed = await inspector.attempt("delivery", guardduty.publishing_destinations(caller, spec.account_id))
    found = [one for one in listed or () if producers.delivers(spec, one.destination_arn)]
    inspector.add(producers.destination_findings(found))
    if not found:
        inspector.unknown("delivery", producers.not_visible(spec.table))
    return {one.kms_key_arn for one in found}


async def inspect_role(inspector: Inspector, spec: S3SourceSpec) -> None:
    """Inspect the keys of the objects, and what prevents the role from being assumed in spite of its policies."""
    inspector.add(key.object_findings(spec, await _read_keys(inspector, spec)))
    caller, found = inspector.caller("iam"), inspector.run.found
    if PROVIDER.name in found and found[PROVIDER.name] is None:
        arn = spec.provider_arn.rstrip("/")
        if await inspector.attempt("role", iam.provider_exists(caller, arn)):
            inspector.add([links.provider_without_slash(arn)])
    if links.needs_new_tokens(spec.region):
        version = await inspector.attempt("role", iam.token_version(caller, spec.account_id))
        inspector.add(links.old_tokens(spec.region, version or 0))


async def _read_keys(inspector: Inspector, spec: S3SourceSpec) -> list[Key]:
    """Return the keys that encrypt objects; CloudTrail does not use the default key of the bucket."""
    ids = {*spec.kms_key_arns, *await _read_keys_of_destinations(inspector, spec)}
    if spec.table != CLOUDTRAIL_TABLE:
        caller = inspector.caller("s3", spec.region)
        ids.add(await inspector.attempt("role", s3.default_key(caller, spec.bucket, spec.account_id)) or "")
    found = [await _read_key(inspector, spec, one, "role") for one in sorted(ids - {""})]
    return [one for one in found if one]


async def _read_key(inspector: Inspector, spec: S3SourceSpec, key_id: str, link: str) -> Key | None:
    """Return a key, None for one of AWS or an unknown one; the policy of another account's is always unknown."""
    if key.account_id(key_id) not in ("", spec.account_id):
        statement = key.statement(spec)
        inspector.unknown(link, f"Key {key_id} belongs to another account. Its policy has to have {statement}")
        return None
    caller = inspector.caller("kms", key.region(key_id) or spec.region)
    found = await inspector.attempt(link, kms.read_key(caller, key_id, spec.account_id))
    if found and found.policy is None:
        inspector.unknown(link, f"The policy of key {found.arn} cannot be read.")
    return found


async def inspect_queue(inspector: Inspector, spec: S3SourceSpec) -> None:
    """Inspect the entries of others that are in the way, the counters of the queue, and the key that encrypts it."""
    found = inspector.run.found
    if NOTIFICATION.name in found and inspector.has_certain_names:
        inspector.add(links.blocked(spec, found[NOTIFICATION.name]))
    queue: Queue | None = found.get(QUEUE.name)
    if queue is None:
        return
    letters = found.get(DEAD_LETTER_QUEUE.name)
    counts = cloudwatch.queue_counts(inspector.caller("cloudwatch", spec.region), queue.name)
    inspector.found.traffic = traffic.Traffic(
        traffic.Waiting(queue.messages - queue.in_flight, queue.in_flight),
        letters.queue.messages if letters and letters.queue else None,
        await inspector.attempt("queue", counts),
    )
    inspector.add(traffic.findings(queue.name, inspector.found.traffic, objects_arrive=inspector.found.objects_arrive))
    if queue.kms_key_id and not queue.has_aws_key:
        own = await _read_key(inspector, spec, queue.kms_key_id, "queue")
        inspector.add(key.queue_findings(spec, own) if own else ())
