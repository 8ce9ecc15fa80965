# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The CloudTrail data connector of one AWS account in one workspace: its desired state, plan and findings. Pure.

Source: "Data Connectors - Create Or Update" (Microsoft Sentinel REST API).
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from ..errors import cannot
from ..findings import Finding, finding, ordered
from ..plan import Call
from ..resource import Resource
from . import data_connector, s3
from .data_connector import JsonObject

KIND = "AmazonWebServicesCloudTrail"
KIND_S3 = s3.KIND
CLOUDTRAIL_TABLE = "AWSCloudTrail"


@dataclass(frozen=True, slots=True)
class Connector:
    """A data connector of the kind AmazonWebServicesCloudTrail; `created` is a time in ISO 8601, or empty."""

    name: str
    role_arn: str
    enabled: bool = True
    etag: str | None = None
    id: str = ""
    created: str = ""
    properties: JsonObject = field(default_factory=dict, compare=False, repr=False)
    """The properties as they were read, also those that this collection does not know."""

    @property
    def identity(self) -> str:
        """What it reads: the role. A connector that reads something else is another one."""
        return self.role_arn

    @property
    def account_id(self) -> str:
        """The AWS account that the connector reads: 12 digits, or empty if its role ARN is invalid."""
        return account_id_of(self.role_arn)


# All connectors of one AWS account in one workspace: normally one, sometimes none or several.
Connectors = tuple[Connector, ...]


@dataclass(frozen=True, slots=True)
class ConnectorSpec:
    """The role to read; `workspace` is the ARM id of the workspace, `workspace_id` its customer id (GUID)."""

    role_arn: str
    workspace: str
    workspace_id: str
    deduplicate: bool = False

    @property
    def name(self) -> str:
        """The name of a new connector: a UUIDv5, so that all runs use the same one."""
        return str(uuid.uuid5(uuid.UUID(self.workspace_id), f"{KIND}/{account_id_of(self.role_arn)}"))


@lru_cache(maxsize=1024)
def account_id_of(arn: str) -> str:
    """Return the account id of an ARN, empty if it has none."""
    found = re.match(r"(?:[^:]*:){4}([0-9]{12}):", arn)
    return found[1] if found else ""


def parse(raw: JsonObject) -> Connector | None:
    """Return a connector from a response of the API, None for another kind."""
    if raw.get("kind") != KIND:
        return None
    properties = data_connector.properties_of(raw)
    return Connector(
        name=str(raw.get("name") or ""),
        role_arn=str(properties.get("awsRoleArn") or ""),
        enabled=data_connector.is_enabled(properties),
        etag=raw.get("etag"),
        id=str(raw.get("id") or ""),
        created=str((raw.get("systemData") or {}).get("createdAt") or ""),
        properties=properties,
    )


def choose(spec: ConnectorSpec, have: Connectors) -> Connector | None:
    """Return the connector of the account that serves the role, None if the account has none.

    Of several, in order of precedence: the one with the same role, the enabled, the oldest, the one with the name of
    the spec. Without any, it is the connector with the name of the spec, even if it reads another account.
    """

    def rank(item: Connector) -> tuple[bool, bool, str, bool, str]:
        return item.role_arn != spec.role_arn, not item.enabled, item.created or "~", item.name != spec.name, item.name

    found = [item for item in have if not _reads_another_account(spec, item)] or [
        item for item in have if item.name == spec.name
    ]
    return min(found, key=rank) if len(found) > 1 else next(iter(found), None)


def _reads_another_account(spec: ConnectorSpec, item: Connector) -> bool:
    return item.account_id != account_id_of(spec.role_arn)


def overlay(spec: ConnectorSpec, have: Connectors) -> Connectors:
    """Return the desired connectors: the chosen one repaired, or a new one; duplicates are removed with deduplicate."""
    chosen = choose(spec, have)
    desired = replace(chosen, role_arn=spec.role_arn, enabled=True) if chosen else _new(spec)
    removed = _duplicates(spec, have) if spec.deduplicate else ()
    return (desired, *(item for item in have if item is not chosen and item not in removed))


def _new(spec: ConnectorSpec) -> Connector:
    return Connector(
        spec.name, spec.role_arn, id=f"{spec.workspace}/providers/Microsoft.SecurityInsights/dataConnectors/{spec.name}"
    )


def _duplicates(spec: ConnectorSpec, have: Connectors) -> Connectors:
    chosen = choose(spec, have)
    return tuple(item for item in have if item is not chosen and item.role_arn == spec.role_arn)


def without(spec: ConnectorSpec, have: Connectors) -> Connectors:
    """Return the connectors without those of the role."""
    return tuple(item for item in have if item.role_arn != spec.role_arn)


def readers_of_other_roles(spec: ConnectorSpec, have: Connectors, *, absent: bool) -> Connectors:
    """Return the connectors of the account that read another role, also after the plan has been applied."""
    after = without(spec, have) if absent else overlay(spec, have)
    return tuple(item for item in after if item.role_arn != spec.role_arn and not _reads_another_account(spec, item))


def remaining_findings(spec: ConnectorSpec, readers: Iterable[Mapping[str, Any]]) -> list[Finding]:
    """Return a finding for each connector that still reads the account after it was offboarded.

    `readers` are connectors as in results; those of another workspace have the additional key `workspace`.
    """
    return [
        finding(
            "connector_remaining",
            f"Data connector {one['name']} ({one['kind']}){_workspace_suffix(one)} still reads the account "
            f"through {one['role_arn']}.",
        )
        for one in readers
        if "workspace" in one or (one["kind"], one["role_arn"]) != (KIND, spec.role_arn)
    ]


def _workspace_suffix(one: Mapping[str, Any]) -> str:
    return f" in workspace {one['workspace']}" if "workspace" in one else ""


def check_no_other_reader(spec: ConnectorSpec, readers: Iterable[Mapping[str, Any]]) -> None:
    """Raise role_conflict if a connector of another kind in the workspace reads the role to remove."""
    names = [one["name"] for one in readers if one["kind"] != KIND and one["role_arn"] == spec.role_arn]
    if names:
        what = f"remove role {spec.role_arn}"
        cause = f"data connector {', '.join(sorted(names))} (Amazon Web Services S3) reads it; remove that one first"
        raise cannot("role_conflict", what, cause)


def plan(have: Connectors | None, want: Connectors | None) -> list[Call]:
    """Return the calls that turn one set of connectors into the other, in order; an empty list if they are equal."""
    before = {item.name: item for item in have or ()}
    names = {item.name for item in want or ()}
    puts = [_put(item) for item in want or () if before.get(item.name) != item]
    return puts + [data_connector.removal(name) for name in sorted(set(before) - names)]


def _put(connector: Connector) -> Call:
    state = data_connector.with_state(connector.properties, enabled=connector.enabled)
    properties = {**state, "awsRoleArn": connector.role_arn}
    return data_connector.put(connector.name, KIND, connector.etag, properties)


def findings(spec: ConnectorSpec, have: Connectors) -> list[Finding]:
    """Return the differences between the existing connectors of the account and the spec; security first."""
    found = [
        finding(
            "connector_wrong_account", f"Data connector {item.name} reads {item.role_arn} instead of {spec.role_arn}."
        )
        for item in have
        if _reads_another_account(spec, item) and item.name == spec.name
    ]
    chosen = choose(spec, have)
    if chosen is None or _reads_another_account(spec, chosen):
        return [*found, finding("connector_missing", f"No data connector reads role {spec.role_arn}.")]
    for other in have:
        if other is not chosen and not _reads_another_account(spec, other):
            text = f"Besides {chosen.name}, data connector {other.name} reads the account through {other.role_arn}."
            found.append(finding("connector_duplicate", text))
    return ordered([*found, *_findings_of_chosen(spec, chosen)])


def _findings_of_chosen(spec: ConnectorSpec, chosen: Connector) -> Iterator[Finding]:
    if chosen.role_arn != spec.role_arn:
        text = f"Data connector {chosen.name} reads {chosen.role_arn} instead of {spec.role_arn}."
        yield finding("connector_stale", text)
    if not chosen.enabled:
        yield finding("connector_disabled", f"Data connector {chosen.name} is disabled.")


def unlisted(spec: ConnectorSpec, have: Connectors) -> list[Finding]:
    """Return what an account has of the CloudTrail source though it does not list it."""
    return [
        finding(
            "source_not_listed",
            f"Data connector {item.name} reads the account by {item.role_arn}, and sentinel_sources has no cloudtrail.",
        )
        for item in have
        if item.account_id == account_id_of(spec.role_arn)
        and (item.name == spec.name or item.role_arn == spec.role_arn)
    ]


def workspace_findings(have: Iterable[Connector]) -> list[Finding]:
    """Return the findings of all connectors of a workspace that need no spec: disabled and duplicate ones."""
    found: list[Finding] = []
    accounts: dict[str, list[Connector]] = {}
    for item in have:
        if item.account_id:
            accounts.setdefault(item.account_id, []).append(item)
        if not item.enabled:
            found.append(finding("connector_disabled", f"Data connector {item.name} for {item.role_arn} is disabled."))
    for account_id, items in accounts.items():
        if len(items) > 1:
            names = ", ".join(sorted(item.name for item in items))
            found.append(
                finding("connector_duplicate", f"Account {account_id} is read by several connectors: {names}.")
            )
    return ordered(found)


def describe(raw: JsonObject) -> dict[str, Any]:
    """Return a connector of either AWS kind, from a response of the API, as it appears in results; else {}."""
    return show(parse(raw)) or s3.show(s3.parse(raw))


def show(connector: Connector | None) -> dict[str, Any]:
    """Return a connector as it appears in results; {} for none."""
    if connector is None:
        return {}
    return {
        "id": connector.id,
        "name": connector.name,
        "kind": KIND,
        "role_arn": connector.role_arn,
        "state": data_connector.state(enabled=connector.enabled),
    }


def _chosen(spec: ConnectorSpec, have: Connectors | None) -> dict[str, Any]:
    return show(choose(spec, have or ()))


def _of_role(spec: ConnectorSpec, have: Connectors | None) -> Connectors:
    return tuple(item for item in have or () if item.role_arn == spec.role_arn)


def only(connector: Connector) -> Resource[ConnectorSpec, Connectors]:
    """Return the kind of resource that is this connector alone, as long as it reads the same role, for its removal."""

    def is_it(item: Connector) -> bool:
        return (item.name, item.role_arn) == (connector.name, connector.role_arn)

    return replace(
        CONNECTOR,
        title=lambda _spec: f"data connector {connector.name}",
        without=lambda _spec, have: tuple(item for item in have or () if not is_it(item)),
        removable=lambda _spec, have: tuple(filter(is_it, have or ())),
    )


CONNECTOR: Resource[ConnectorSpec, Connectors] = Resource(
    name="connector",
    title=lambda spec: f"data connector of {spec.role_arn}",
    overlay=lambda spec, have: overlay(spec, have or ()),
    without=lambda spec, have: without(spec, have or ()),
    plan=plan,
    findings=lambda spec, have: findings(spec, have or ()),
    show=_chosen,
    id=lambda spec, have: _chosen(spec, have).get("id", ""),
    removable=_of_role,
)
