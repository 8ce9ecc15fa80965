# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inspection of an S3 source, read-only: from the trail to the data connector, each link for itself.

What cannot be read is reported as unknown, and stops no other link.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from ..cloud import cloudtrail, cloudwatch, ec2, guardduty, iam, kms, s3
from ..model.account import Account
from ..model.connector.s3 import S3Connectors
from ..model.errors import SentinelError
from ..model.findings import finding
from ..model.s3 import inspection as model
from ..model.s3 import key, objects, options, producers, regions, traffic, trail_status
from ..model.s3.dead_letter_queue import DEAD_LETTER_QUEUE
from ..model.s3.inspection import Inspection
from ..model.s3.key import Key
from ..model.s3.notification import NOTIFICATION, Notification
from ..model.s3.objects import Folder, Objects
from ..model.s3.producers import Destination
from ..model.s3.provider import PROVIDER
from ..model.s3.queue import QUEUE, Queue
from ..model.s3.source import CLOUDTRAIL_TABLE, S3SourceSpec
from ..model.s3.trail import Trail, TrailSource, delivering
from ..model.s3.trail_status import TrailState
from ..model.session_policy import session_policy
from ..model.sources import S3, SourceSpec
from .account import Context
from .reconcile import Read, Sleep, read_consistent
from .s3_source import S3_SOURCE, prepare_connection
from .step import EarlierSources, SourceRun, Step
from .trail import find_trail_source
from .write_session import WriteSession

if TYPE_CHECKING:
    from ..cloud.sentinel import Sentinel
    from .clients import Clients

T = TypeVar("T")

[_NOTIFICATION_STEP] = [one for one in S3_SOURCE.in_aws if one.resource is NOTIFICATION]


async def inspect_account(account: Account, clients: Clients, *, serves_organization: bool = False) -> list[Inspection]:
    """Return the inspection of each S3 source that an account lists; raises SentinelError if none can begin.

    `serves_organization` is whether the sources have to bring the events of other accounts. The data connector is
    inspected if the account has a workspace.
    """
    sentinel = await clients.sentinel(account) if account.workspace else None
    aws = await clients.aws(account)
    identity = await aws.identity()
    workspace_id = account.role_spec.workspace_id
    if sentinel and not workspace_id:
        workspace_id = sentinel.customer_id or (await sentinel.workspace()).customer_id
    account = account.completed(
        account_id=account.account_id or identity.account_id,
        workspace_id=workspace_id,
        partition=identity.partition,
    )

    async def ready(_account: Account) -> Any:
        raise RuntimeError("an inspection waits for no workspace")

    context = Context.of_module(aws, clients.slots, ready, check_mode=True)
    sources = [one for one in account.sources if one.type == S3]
    return [await _inspect(account, one, context, sentinel, serves_organization=serves_organization) for one in sources]


async def _inspect(
    account: Account, source: SourceSpec, context: Context, sentinel: Sentinel | None, *, serves_organization: bool
) -> Inspection:
    """Inspect one source by a session that only reads."""

    def policy(partition: str) -> str:
        spec = options.pattern(account, source, partition)
        return session_policy([*S3_SOURCE.statements(run, partition), *model.statements(spec)])

    async def never(_policy: Any) -> Any:
        raise RuntimeError("an inspection writes nothing")

    run = SourceRun(account, source, context, False, EarlierSources(), WriteSession(never), sentinel)
    run.keys = await context.aws.assume_role_in(account.account_id, account.assume_role, policy)
    return await _Inspector(run, serves_organization=serves_organization).inspect()


class _Inspector:
    """Reads one source link by link into an `Inspection`."""

    def __init__(self, run: SourceRun, *, serves_organization: bool) -> None:
        self._run = run
        self._source = run.source
        self._account_id = run.account.account_id
        self._bucket: str = run.source.get("bucket")
        self._table: str = run.source.get("table", CLOUDTRAIL_TABLE)
        self._serves_organization = serves_organization
        self._found = Inspection(self._table, self._bucket)
        self._knows_trails = False
        self._destinations: Sequence[Destination] = ()

    @property
    def _sleep(self) -> Sleep:
        return self._run.context.slots.sleep

    async def inspect(self) -> Inspection:
        """Return everything that can be read."""
        region = await self._read_region()
        spec = await self._read_spec(region) if region else None
        if spec is None:
            return self._found
        self._found.spec = spec
        for step in S3_SOURCE.in_aws:
            await self._read_step(step)
        if self._run.sentinel:
            for step in S3_SOURCE.in_workspace:
                if step.is_used(self._run):
                    await self._read_step(step)
        await self._inspect_delivery(spec)
        await self._inspect_role(spec)
        await self._inspect_queue(spec)
        self._inspect_notification(spec)
        return self._found

    async def _attempt(self, link: str, work: Awaitable[T]) -> Read[T] | None:
        """Return what was read, None if it is unknown."""
        try:
            return Read(await work)
        except SentinelError as error:
            self._unknown(link, str(error))
            return None

    def _unknown(self, link: str, message: str) -> None:
        self._found.unknown.append(model.Unknown(link, message))

    def _add(self, code: str, message: str) -> None:
        self._found.findings.append(finding(code, message))

    # --- what the names of the other links depend on ---

    async def _read_region(self) -> str:
        """Return the Region of the bucket, empty if it is not there or unknown."""
        given: str = self._source.get("bucket_region", "")
        names = options.spec(self._run.account, self._source, given, TrailSource("", ()))
        try:
            region = await s3.bucket_region(self._run.caller("s3"), self._bucket, self._account_id, names.role_arn)
        except SentinelError as error:
            if error.kind == "bad_input":
                self._add("delivery_bucket_missing", str(error))
                return ""
            self._unknown("delivery", str(error))
            return given
        if given and given != region:
            self._add("delivery_bucket_region", f"Bucket {self._bucket} is in {region}, and bucket_region is {given}.")
        return region

    async def _read_spec(self, region: str) -> S3SourceSpec | None:
        """Return the spec of the source; None if its prefix is unknown."""
        trails, notification = await self._read_trails(region), await self._read_notification(region)
        prefix = await self._read_prefix(region, trails, notification)
        if prefix is None:
            return None
        feeding = [one for one in trails or () if one.may_deliver(prefix)]
        self._found.trails = tuple([await self._trail_state(one) for one in feeding])
        keys = tuple(sorted({one.kms_key_arn for one in feeding} - {""}))
        spec = self._spec(region, TrailSource(prefix, keys))
        connectors = await self._read_connectors()
        if notification:
            spec = options.adopted(spec, self._source, options.existing(spec, self._source, notification, connectors))
            self._found.findings += model.role_name_findings(spec, notification, connectors)
        prepared = self._run.prepared = await prepare_connection(self._run, spec, connectors)
        return prepared.spec

    def _spec(self, region: str, trail: TrailSource) -> S3SourceSpec:
        return options.spec(self._run.account, self._source, region, trail)

    async def _read_connectors(self) -> S3Connectors:
        """Return the connectors of the workspace; its step reports where they are unknown."""
        try:
            return await self._run.sentinel.s3_connectors() if self._run.sentinel else ()
        except SentinelError:
            return ()

    async def _trail_state(self, trail: Trail) -> TrailState:
        caller = self._run.caller("cloudtrail", trail.home_region)
        status = await self._attempt("delivery", cloudtrail.trail_status(caller, trail))
        selectors = await self._attempt("delivery", cloudtrail.event_selectors(caller, trail))
        return TrailState(trail, status.have if status else None, selectors.have if selectors else None)

    async def _read_trails(self, region: str) -> list[Trail] | None:
        """Return the trails that deliver into the bucket, None if they are unknown."""
        if self._table != CLOUDTRAIL_TABLE:
            return None
        caller = self._run.caller("cloudtrail", region)
        found = await self._attempt("delivery", cloudtrail.describe_trails(caller, self._account_id))
        self._knows_trails = found is not None
        return delivering(found.have or (), self._bucket) if found else None

    async def _read_notification(self, region: str) -> Notification | None:
        """Return the notification of the bucket; its step reports where it is unknown."""
        try:
            found: Notification | None = await _NOTIFICATION_STEP.adapter(
                self._run, self._spec(region, TrailSource("", ()))
            ).read()
        except SentinelError:
            return None
        return found

    async def _read_prefix(
        self, region: str, trails: list[Trail] | None, notification: Notification | None
    ) -> str | None:
        """Return the prefix of the options, else that of the trail, else that of an entry of this collection."""
        given: str | None = self._source.get("prefix")
        if given is not None:
            return given
        reason = "Set prefix to inspect the other links."
        if trails:
            try:
                return (await self._find_trail_source(region)).prefix
            except SentinelError as error:
                reason = str(error)
        prefix = model.prefix_of_entry(self._table, self._bucket, notification)
        if prefix is None:
            if self._knows_trails and not trails:
                text = f"No trail of account {self._account_id} or its organization delivers into {self._bucket}."
                self._add("delivery_trail_missing", text)
            self._unknown("notification", f"The prefix of the objects is unknown. {reason}")
        return prefix

    async def _find_trail_source(self, region: str) -> TrailSource:
        clients = {name: self._run.caller(name, region) for name in ("cloudtrail", "s3")}
        organizations = self._run.caller("organizations")
        return await find_trail_source(self._bucket, self._account_id, organizations=organizations, **clients)

    # --- the links ---

    async def _read_step(self, step: Step) -> None:
        """Read the resource of a step, with its differences from the desired one."""
        resource, spec = step.resource, step.spec(self._run)
        adapter = step.adapter(self._run, spec)
        read = await self._attempt(model.LINKS_OF_RESOURCES[resource.name], read_consistent(adapter.read, self._sleep))
        if read:
            self._run.found[resource.name] = read.have
            self._found.findings += resource.findings(spec, read.have)
            self._found.shown[resource.name] = partial(resource.show, spec, read.have)

    async def _inspect_delivery(self, spec: S3SourceSpec) -> None:
        """Inspect the objects, and what delivers them."""
        now = time.time()
        found = await self._attempt("delivery", self._read_objects(spec, now))
        self._found.objects = found.have if found else None
        trails, arrive = self._found.trails, self._found.objects_arrive
        if trails:
            self._found.findings += trail_status.findings(trails, serves_organization=self._serves_organization)
        elif self._knows_trails and not arrive:
            self._found.findings.append(trail_status.missing(spec))
        if self._found.objects:
            is_new = trail_status.is_new(trails, now)
            self._found.findings += objects.findings(spec, self._found.objects, is_new=is_new)
        if spec.table != CLOUDTRAIL_TABLE:
            await self._inspect_producers(spec)

    async def _read_objects(self, spec: S3SourceSpec, now: float) -> Objects:
        """Return the newest objects: where they usually are today or yesterday, else along the newest folders."""
        today = datetime.fromtimestamp(now, UTC)
        days = [f"{today - timedelta(days=back):%Y/%m/%d}" for back in range(2)]
        caller = self._run.caller("s3", spec.region)
        for place in objects.day_folders(spec, days):
            found = await s3.list_folder(caller, self._bucket, self._account_id, place)
            if found.objects:
                return Objects(found.objects, now)
        place, found = spec.prefix, Folder()
        for _level in range(objects.MAX_DEPTH):
            found = await s3.list_folder(caller, self._bucket, self._account_id, place)
            following = objects.next_folder(spec, found, days)
            if not following:
                break
            place += following
        return Objects(found.objects, now)

    async def _inspect_producers(self, spec: S3SourceSpec) -> None:
        """Inspect what writes the objects of other tables than CloudTrail's, as far as it is in this account."""
        found: Sequence[Any] = ()
        if spec.table == producers.FLOW_LOGS:
            caller = self._run.caller("ec2", spec.region)
            read = await self._attempt("delivery", ec2.describe_flow_logs(caller, self._account_id))
            found = [one for one in (read.have or () if read else ()) if producers.delivers(spec, one.destination_arn)]
            self._found.findings += producers.flow_log_findings(found)
        elif spec.table == producers.GUARDDUTY:
            caller = self._run.caller("guardduty", spec.region)
            listed = await self._attempt("delivery", guardduty.publishing_destinations(caller, self._account_id))
            found = self._destinations = [
                one for one in (listed.have or () if listed else ()) if producers.delivers(spec, one.destination_arn)
            ]
            self._found.findings += producers.destination_findings(self._destinations)
        if not found:
            self._unknown("delivery", producers.not_visible(spec.table))

    async def _inspect_role(self, spec: S3SourceSpec) -> None:
        """Inspect the keys of the objects, and what prevents the role from being assumed in spite of its policies."""
        self._found.findings += key.object_findings(spec, await self._read_keys(spec))
        caller = self._run.caller("iam")
        if PROVIDER.name in self._run.found and self._run.found[PROVIDER.name] is None:
            arn = spec.provider_arn.rstrip("/")
            wrong = await self._attempt("role", iam.provider_exists(caller, arn))
            if wrong and wrong.have:
                self._add("oidc_provider_slash", f"OIDC provider {arn} exists, and its URL has no slash at the end.")
        if regions.needs_opt_in(spec.region):
            version = await self._attempt("role", iam.token_version(caller, self._account_id))
            if version and version.have == 1:
                text = f"STS issues tokens of version 1, which are not valid in {spec.region}."
                self._add("role_token_version", text)

    async def _read_keys(self, spec: S3SourceSpec) -> list[Key]:
        ids = {*spec.kms_key_arns, *(one.kms_key_arn for one in self._destinations)}
        if spec.table != CLOUDTRAIL_TABLE:
            caller = self._run.caller("s3", spec.region)
            default = await self._attempt("delivery", s3.default_key(caller, self._bucket, self._account_id))
            ids.add(default.have or "" if default else "")
        found = [await self._read_key(spec, one, "role") for one in sorted(ids - {""})]
        return [one for one in found if one]

    async def _read_key(self, spec: S3SourceSpec, key_id: str, link: str) -> Key | None:
        """Return a key, None for one of AWS or an unknown one; the policy of another account's is always unknown."""
        if key.account_id(key_id) not in ("", self._account_id):
            statement = key.statement(spec)
            self._unknown(link, f"Key {key_id} belongs to another account. Its policy has to have {statement}")
            return None
        region = key.region(key_id) or spec.region
        read = await self._attempt(link, kms.read_key(self._run.caller("kms", region), key_id, self._account_id))
        found = read.have if read else None
        if found and found.policy is None:
            self._unknown(link, f"The policy of key {found.arn} cannot be read.")
        return found

    async def _inspect_queue(self, spec: S3SourceSpec) -> None:
        """Inspect the counters of the queue and the key that encrypts it."""
        queue: Queue | None = self._run.found.get(QUEUE.name)
        if queue is None:
            return
        letters = self._run.found.get(DEAD_LETTER_QUEUE.name)
        counts = await self._attempt(
            "queue", cloudwatch.queue_counts(self._run.caller("cloudwatch", spec.region), queue.name)
        )
        self._found.traffic = traffic.Traffic(
            traffic.Waiting(queue.messages - queue.in_flight, queue.in_flight),
            letters.queue.messages if letters and letters.queue else None,
            counts.have if counts else None,
        )
        self._found.findings += traffic.findings(
            queue.name, self._found.traffic, objects_arrive=self._found.objects_arrive
        )
        if queue.kms_key_id and not queue.has_aws_key:
            own = await self._read_key(spec, queue.kms_key_id, "queue")
            self._found.findings += key.queue_findings(spec, own) if own else ()

    def _inspect_notification(self, spec: S3SourceSpec) -> None:
        """Find an entry of others that S3 does not accept beside one for the queue."""
        if NOTIFICATION.name in self._run.found:
            try:
                NOTIFICATION.overlay(spec, self._run.found[NOTIFICATION.name])
            except SentinelError as error:
                self._add("notification_blocked", str(error))
