# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The data connector of one S3 source in one workspace: its desired state, plan and findings. Pure.

A queue has one reader, so the queue identifies the connector. Connectors of solutions ("codeless") are never changed.
Source: "AwsS3DataConnector" (Microsoft Sentinel REST API, preview versions).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from ..connector import data_connector
from ..connector import s3 as connectors
from ..connector.s3 import KIND, S3Connector, S3Connectors
from ..errors import cannot
from ..findings import Finding, finding, ordered
from ..plan import Call
from ..resource import Resource
from .queue_url import queue_arn_of
from .source import is_among


@dataclass(frozen=True, slots=True)
class S3ConnectorSpec:
    """The queue to read, by which role, into which table.

    `workspace` is the ARM id of the workspace, `workspace_id` its customer id (GUID). `other_queue_arns` are the queues
    of other sources, as `is_among` takes them; `absent_queue_arns` are queues that AWS reports not to exist: a denied
    answer is not among them.
    """

    role_arn: str
    queue_url: str
    table: str
    workspace: str
    workspace_id: str
    other_queue_arns: frozenset[str] = frozenset()
    absent_queue_arns: frozenset[str] = frozenset()
    deduplicate: bool = False

    @property
    def queue_arn(self) -> str:
        """The ARN of the queue."""
        return queue_arn_of(self.queue_url)

    @property
    def name(self) -> str:
        """The name of a new connector: a UUIDv5, so that all runs use the same one."""
        return name_of(self.workspace_id, self.queue_arn)


def name_of(workspace_id: str, queue_arn: str) -> str:
    """Return the name that this collection gives the connector of a queue in a workspace."""
    return str(uuid.uuid5(uuid.UUID(workspace_id), f"{KIND}/{queue_arn}"))


def _queues(item: S3Connector) -> frozenset[str]:
    """Return the ARNs of the queues that a connector reads; a URL of an unknown form stays itself."""
    return frozenset(queue_arn_of(url) or url for url in item.sqs_urls)


# --- which connector is that of the source ---


def queues_of_role(spec: S3ConnectorSpec, have: S3Connectors) -> frozenset[str]:
    """Return the other queues that connectors of every kind read by the role."""
    own = {spec.queue_arn}
    return frozenset(arn for item in have if item.role_arn == spec.role_arn for arn in _queues(item) - own)


def readers(spec: S3ConnectorSpec, have: S3Connectors) -> S3Connectors:
    """Return the connectors of every kind that read the queue."""
    return tuple(item for item in have if spec.queue_arn in _queues(item))


def _is_own(spec: S3ConnectorSpec, item: S3Connector) -> bool:
    """Whether a connector that reads the queue is that of the source, be its table changed."""
    return not item.codeless and (item.destination_table == spec.table or item.name == spec.name)


def choose(spec: S3ConnectorSpec, have: S3Connectors) -> S3Connector | None:
    """Return the connector of the source, None if it has none.

    It is one that reads the queue; else the one with the name of the spec, whatever it reads; else one of this role and
    table whose queues do not exist in AWS and belong to no other source. Of several, in order of precedence: the one
    with the same table, the same role, the enabled, the oldest, the one with the name of the spec.
    """

    def rank(item: S3Connector) -> tuple[bool, bool, bool, str, bool, str]:
        table, role = item.destination_table != spec.table, item.role_arn != spec.role_arn
        return table, role, not item.enabled, item.created or "~", item.name != spec.name, item.name

    own = [item for item in readers(spec, have) if _is_own(spec, item)]
    named = [item for item in have if item.name == spec.name and not item.codeless]
    found = own or named or [item for item in _of_role_and_table(spec, have) if _is_abandoned(spec, item)]
    return min(found, key=rank, default=None)


def _of_role_and_table(spec: S3ConnectorSpec, have: S3Connectors) -> Iterator[S3Connector]:
    for item in have:
        if not item.codeless and (item.role_arn, item.destination_table) == (spec.role_arn, spec.table):
            yield item


def _is_abandoned(spec: S3ConnectorSpec, item: S3Connector) -> bool:
    return _queues(item) <= spec.absent_queue_arns and not _is_of_others(spec, item)


def _is_of_others(spec: S3ConnectorSpec, item: S3Connector) -> bool:
    """Whether a connector reads the queue of another source."""
    return any(is_among(arn, spec.other_queue_arns) for arn in _queues(item))


def uncertain_queues(spec: S3ConnectorSpec, have: S3Connectors) -> tuple[str, ...]:
    """Return the ARNs of the queues whose existence in AWS decides which connector is that of the source."""
    if choose(replace(spec, absent_queue_arns=frozenset()), have):
        return ()
    candidates = (item for item in _of_role_and_table(spec, have) if not _is_of_others(spec, item))
    return tuple(sorted({arn for item in candidates for arn in _queues(item) if arn.startswith("arn:")}))


def _conflicts(spec: S3ConnectorSpec, have: S3Connectors) -> S3Connectors:
    """Return the connectors of others that read the queue: of a solution, or into another table."""
    return tuple(item for item in readers(spec, have) if not _is_own(spec, item))


def _check_no_other_reader(spec: S3ConnectorSpec, have: S3Connectors, action: str) -> None:
    """Raise connector_conflict if a connector that must not be changed reads the queue."""
    own = any(_is_own(spec, item) for item in readers(spec, have))
    found = [item for item in _conflicts(spec, have) if item.codeless or not own]
    if found:
        advice = "A queue has one reader: remove that connector, or use another queue."
        raise cannot(
            "connector_conflict", f"{action} queue {spec.queue_arn}", f"{_shown(found[0])} reads it", advice=advice
        )


def _shown(item: S3Connector) -> str:
    what = f"of {item.definition or 'a solution'}" if item.codeless else f"into table {item.destination_table}"
    return f"data connector {item.name} ({what})"


# --- the desired connectors ---


def overlay(spec: S3ConnectorSpec, have: S3Connectors) -> S3Connectors:
    """Return the desired connectors: the chosen one repaired, or a new one; duplicates are removed with deduplicate.

    Raises connector_conflict.
    """
    _check_no_other_reader(spec, have, "connect")
    chosen = choose(spec, have)
    removed = _duplicates(spec, have) if spec.deduplicate else ()
    desired = _repaired(spec, chosen) if chosen else _new(spec)
    return (desired, *(item for item in have if item is not chosen and item not in removed))


def _repaired(spec: S3ConnectorSpec, chosen: S3Connector) -> S3Connector:
    """Return the connector with role, table and queue of the spec; the other queues of one that reads it stay."""
    urls = chosen.sqs_urls if spec.queue_arn in _queues(chosen) else (spec.queue_url,)
    return replace(chosen, role_arn=spec.role_arn, sqs_urls=urls, destination_table=spec.table, enabled=True)


def _new(spec: S3ConnectorSpec) -> S3Connector:
    path = f"{spec.workspace}/providers/Microsoft.SecurityInsights/dataConnectors/{spec.name}"
    return S3Connector(spec.name, spec.role_arn, (spec.queue_url,), spec.table, id=path)


def _duplicates(spec: S3ConnectorSpec, have: S3Connectors) -> S3Connectors:
    """Return the other connectors that read this queue alone, by the same role into the same table."""
    chosen = choose(spec, have)
    return tuple(
        item
        for item in readers(spec, have)
        if item is not chosen and _is_own(spec, item) and len(_queues(item)) == 1 and item.role_arn == spec.role_arn
    )


def without(spec: S3ConnectorSpec, have: S3Connectors) -> S3Connectors:
    """Return the connectors without those that read the queue; one that reads others as well keeps those.

    Raises connector_conflict.
    """
    _check_no_other_reader(spec, have, "remove the data connector of")
    after = (_without_queue(spec, item) for item in have)
    return tuple(item for item in after if item is not None)


def _without_queue(spec: S3ConnectorSpec, item: S3Connector) -> S3Connector | None:
    if spec.queue_arn not in _queues(item) or not _is_own(spec, item):
        return item
    urls = tuple(url for url in item.sqs_urls if queue_arn_of(url) != spec.queue_arn)
    return replace(item, sqs_urls=urls) if urls else None


def plan(have: S3Connectors | None, want: S3Connectors | None) -> list[Call]:
    """Return the calls that turn one set of connectors into the other, in order; an empty list if they are equal."""
    before = {item.name: item for item in have or ()}
    names = {item.name for item in want or ()}
    puts = [call for item in want or () for call in _change(before.get(item.name), item)]
    return puts + [data_connector.removal(name) for name in sorted(set(before) - names)]


def _change(have: S3Connector | None, want: S3Connector) -> list[Call]:
    if have == want:
        return []
    if have and have.fixed and have.identity != want.identity:
        return [data_connector.removal(have.name), connectors.put(replace(want, etag=None))]
    return [connectors.put(want)]


# --- findings ---


def findings(spec: S3ConnectorSpec, have: S3Connectors) -> list[Finding]:
    """Return the differences between the existing connectors and the spec; security first."""
    found = [
        finding("connector_queue_shared", f"Queue {spec.queue_arn} is also read by {_shown(item)}.")
        for item in _conflicts(spec, have)
    ]
    chosen = choose(spec, have)
    if chosen is None:
        return ordered([*found, finding("connector_missing", f"No data connector reads queue {spec.queue_arn}.")])
    for item in readers(spec, have):
        if item is not chosen and _is_own(spec, item):
            text = f"Besides {chosen.name}, data connector {item.name} reads queue {spec.queue_arn}."
            found.append(finding("connector_duplicate", text))
    return ordered([*found, *_findings_of_chosen(spec, chosen)])


def _findings_of_chosen(spec: S3ConnectorSpec, chosen: S3Connector) -> Iterator[Finding]:
    for what, now, desired in (
        ("role", chosen.role_arn, spec.role_arn),
        ("table", chosen.destination_table, spec.table),
    ):
        if now != desired:
            yield finding(
                "connector_stale", f"The {what} of data connector {chosen.name} is {now} instead of {desired}."
            )
    if spec.queue_arn not in _queues(chosen):
        now = ", ".join(sorted(_queues(chosen))) or "nothing"
        yield finding("connector_stale", f"Data connector {chosen.name} reads {now} instead of {spec.queue_arn}.")
    if not chosen.enabled:
        yield finding("connector_disabled", f"Data connector {chosen.name} is disabled.")


def _chosen(spec: S3ConnectorSpec, have: S3Connectors | None) -> dict[str, Any]:
    return connectors.show(choose(spec, have or ()))


def _of_queue(spec: S3ConnectorSpec, have: S3Connectors | None) -> S3Connectors:
    return tuple(item for item in readers(spec, have or ()) if _is_own(spec, item))


S3_CONNECTOR: Resource[S3ConnectorSpec, S3Connectors] = Resource(
    name="connector",
    title=lambda spec: f"data connector of queue {spec.queue_arn}",
    overlay=lambda spec, have: overlay(spec, have or ()),
    without=lambda spec, have: without(spec, have or ()),
    plan=plan,
    findings=lambda spec, have: findings(spec, have or ()),
    show=_chosen,
    id=lambda spec, have: _chosen(spec, have).get("id", ""),
    removable=_of_queue,
)
