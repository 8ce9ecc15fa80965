# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of both servers: settings, workspaces, credentials, request log."""

from __future__ import annotations

import dataclasses
import secrets
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from . import events, workspace_content
from .faults import Faults
from .moto import Moto
from .organization import Organization
from .s3_state import S3Settings, S3State
from .stacksets import StackSets
from .tables import Tables, iso

Json = dict[str, Any]

CUSTOMER_ID = "2f7b3c1a-5d84-4e6b-9a0f-1c2d3e4f5a6b"
CALLER_ACCOUNT = "123456789012"
RESOURCE_GROUP = "security"
WORKSPACE = "sentinel"

SENTINEL_CONTRIBUTOR: list[Json] = [
    {
        "actions": [
            "Microsoft.SecurityInsights/*",
            "Microsoft.OperationalInsights/workspaces/read",
            "Microsoft.OperationalInsights/workspaces/*/read",
            "Microsoft.OperationalInsights/workspaces/analytics/query/action",
            "Microsoft.OperationalInsights/workspaces/savedSearches/*",
            "Microsoft.Authorization/*/read",
            "Microsoft.Resources/deployments/*",
        ],
        "notActions": [
            "Microsoft.SecurityInsights/ConfidentialWatchlists/*",
            "Microsoft.OperationalInsights/workspaces/query/ConfidentialWatchlist/*",
        ],
    }
]
"""The permissions of "Microsoft Sentinel Contributor" that concern connectors and queries."""


@dataclass
class Settings(S3Settings):
    """How the services behave where Microsoft and AWS leave it open, or a test wants it different."""

    etag_style: Literal["quoted", "guid"] = "quoted"
    stale_etag_status: Literal[409, 412] = 412
    duplicate_scope: Literal["arn", "account"] = "arn"
    create_status: Literal[200, 201] = 201
    lag_reads: int = 0
    """Number of reads after a PUT that still return the previous state."""
    lag_seconds: float = 0.0
    page_size: int = 100
    provider_registered: bool = True
    throttle: bool = False
    """ARM's documented token buckets: reads 250 (+25/s), writes 200 (+10/s), deletes 200 (+10/s)."""
    throttle_retry_after: bool = True
    identity_provider: Literal["AAD", "ADFS"] = "AAD"
    """The identity provider in the cloud metadata: Entra ID or an AD FS server."""
    token_seconds: float = 3600.0
    clock_ahead: float = 0.0
    """By how many seconds the clock of Entra ID is ahead of this machine's."""
    role_propagation_seconds: float = 0.0
    """How long after CreateRole a connector with that role is rejected."""
    role_names: list[str] = field(default_factory=lambda: ["OrganizationAccountAccessRole"])
    """Roles that can be assumed in every account; wildcards allowed."""
    external_id: str = ""
    """The external id that AssumeRole requires, if any."""
    clock_seconds: float = 0.0
    """How far the clock of Log Analytics is ahead of that of this machine."""
    sessions_arrive: bool = False
    """Whether each AssumeRole is at once an event in the workspaces that have a connector of the account."""
    max_rows: int = 500_000
    """The most rows of an answer of Log Analytics; what is left off makes the answer partial."""
    refuse_unknown_keys: bool = False
    """Return InvalidClientTokenId for access keys that the emulator has not issued."""

    def change(self, values: Json) -> None:
        """Change settings; raise ValueError for an unknown name."""
        known = {f.name for f in dataclasses.fields(self)}
        for name, value in values.items():
            if name not in known:
                raise ValueError(f"There is no setting '{name}', only {', '.join(sorted(known))}.")
            setattr(self, name, value)


@dataclass
class Connector:
    """A stored connector, and its previous state for reads that lag."""

    raw: Json
    before: Json | None = None
    hidden_reads: int = 0
    hidden_until: float = 0.0

    def read(self) -> Json | None:
        """Return what one read returns, None before it exists."""
        if self.hidden_reads > 0:
            self.hidden_reads -= 1
            return self.before
        return self.before if time.monotonic() < self.hidden_until else self.raw


@dataclass
class Workspace:
    """A Log Analytics workspace."""

    subscription_id: str
    resource_group: str = RESOURCE_GROUP
    name: str = WORKSPACE
    customer_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    location: str = "westeurope"
    onboarded: bool = True
    permissions: list[Json] = field(default_factory=lambda: SENTINEL_CONTRIBUTOR)
    connectors: dict[str, Connector] = field(default_factory=dict)
    tables: Tables = field(default_factory=Tables)
    content_packages: list[Json] = field(default_factory=lambda: [workspace_content.package()])
    diagnostic_settings: list[Json] = field(default_factory=list)

    @property
    def id(self) -> str:
        """The ARM id."""
        group = f"/subscriptions/{self.subscription_id}/resourceGroups/{self.resource_group}"
        return f"{group}/providers/Microsoft.OperationalInsights/workspaces/{self.name}"


@dataclass
class Identity:
    """The service principal and the AWS user; new values at every start, easy to search for."""

    tenant: str = field(default_factory=lambda: str(uuid.uuid4()))
    client_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    client_secret: str = field(default_factory=lambda: f"emulated~client~secret~{secrets.token_hex(12)}")
    user_assigned: str = field(default_factory=lambda: str(uuid.uuid4()))
    """The client id of the user-assigned managed identity."""
    identity_header: str = field(default_factory=lambda: f"emulated~identity~header~{secrets.token_hex(12)}")
    subscription_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    access_key: str = field(default_factory=lambda: f"AKIAEMULATED{secrets.token_hex(4).upper()}")
    secret_key: str = field(default_factory=lambda: f"emulatedSecretKey{secrets.token_hex(12)}")


@dataclass(frozen=True)
class Federation:
    """A federated credential of the service principal: issuer, subject and signing key (PEM)."""

    issuer: str
    subject: str
    key: str
    audience: str = "api://AzureADTokenExchange"


@dataclass(frozen=True)
class AwsCaller:
    """The identity of an access key."""

    account: str
    arn: str
    policy: str = ""
    """The session policy as JSON."""


class State:
    """The shared state of the two servers, on one event loop, so without locks."""

    def __init__(self) -> None:
        self.identity = Identity()
        self.secrets = {self.identity.client_secret, self.identity.identity_header, self.identity.secret_key}
        self.certificates: list[str] = []
        self.federations: list[Federation] = []
        self.tokens: dict[str, float] = {}
        self.callers: dict[str, AwsCaller] = {}
        self.touched = time.monotonic()
        self.moto = Moto("")
        self.add_caller(self.identity.access_key, CALLER_ACCOUNT)
        self.reset()

    def reset(self) -> None:
        """Reset to the state after the start; issued credentials stay valid."""
        self.settings = Settings()
        self.faults = Faults()
        self.log: list[Json] = []
        self.organization: Organization | None = None
        self.stacksets = StackSets()
        self.workspaces = [Workspace(self.identity.subscription_id, customer_id=CUSTOMER_ID)]
        self.roles_created: dict[str, float] = {}
        self.buckets: dict[tuple[str, str], Any] = {}
        self.s3 = S3State()

    def now(self) -> datetime:
        """Return the time of Log Analytics."""
        return datetime.now(UTC) + timedelta(seconds=self.settings.clock_seconds)

    def record_session(self, account: str, session_name: str) -> None:
        """Put the event of an assumed role into the workspaces that have a connector of the account."""
        row = {**events.cloudtrail(account, session_name=session_name), "TimeGenerated": iso(self.now())}
        for workspace in self.workspaces:
            if any(f"::{account}:" in str(one.raw.get("properties")) for one in workspace.connectors.values()):
                workspace.tables.put("AWSCloudTrail", [row], self.now())

    def add_caller(self, key: str, account: str) -> None:
        """Add the access key of a user of that account."""
        self.callers[key] = AwsCaller(account, f"arn:aws:iam::{account}:user/moto")

    def workspace(self, name: str | None) -> Workspace:
        """Return the workspace with that name, ARM id or customer id; the first one for None."""
        for workspace in self.workspaces:
            if name is None or name in (workspace.name, workspace.id, workspace.customer_id):
                return workspace
        raise ValueError(f"There is no workspace '{name}'.")
