# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What both servers know: settings, workspaces, credentials, the request log."""

from __future__ import annotations

import dataclasses
import secrets
import time
import uuid
from dataclasses import dataclass, field
from typing import Any, Literal

from .faults import Faults
from .moto import Moto
from .organization import Organization
from .s3_state import S3Settings, S3State
from .stacksets import StackSets

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
"""What "Microsoft Sentinel Contributor" may do, as far as connectors and queries go."""


@dataclass
class Settings(S3Settings):
    """How the services behave where Microsoft and AWS leave it open, or a test wants it different."""

    etag_style: Literal["quoted", "guid"] = "quoted"
    stale_etag_status: Literal[409, 412] = 412
    duplicate_scope: Literal["arn", "account"] = "arn"
    create_status: Literal[200, 201] = 201
    lag_reads: int = 0
    """So many reads after a PUT still show what was there before."""
    lag_seconds: float = 0.0
    page_size: int = 100
    provider_registered: bool = True
    throttle: bool = False
    """ARM's documented token buckets: reads 250 (+25/s), writes 200 (+10/s), deletes 200 (+10/s)."""
    throttle_retry_after: bool = True
    identity_provider: Literal["AAD", "ADFS"] = "AAD"
    """What the cloud's metadata name: Entra, or an AD FS server of one's own."""
    token_seconds: float = 3600.0
    role_propagation_seconds: float = 0.0
    """For so long after CreateRole, a connector with that role is refused."""
    role_names: list[str] = field(default_factory=lambda: ["OrganizationAccountAccessRole"])
    """Roles that can be assumed in every account; wildcards allowed."""
    external_id: str = ""
    """What AssumeRole must bring along, if anything."""
    refuse_unknown_keys: bool = False
    """Answer InvalidClientTokenId to access keys that were not issued here."""

    def change(self, values: Json) -> None:
        """Set some of them; an unknown name is an error."""
        known = {f.name for f in dataclasses.fields(self)}
        for name, value in values.items():
            if name not in known:
                raise ValueError(f"There is no setting '{name}', only {', '.join(sorted(known))}.")
            setattr(self, name, value)


@dataclass
class Connector:
    """A stored connector, and what reads still show while they lag behind."""

    raw: Json
    before: Json | None = None
    hidden_reads: int = 0
    hidden_until: float = 0.0

    def read(self) -> Json | None:
        """What one read sees."""
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
    tables: dict[str, Json] = field(default_factory=dict)
    rows: dict[str, list[Json]] = field(default_factory=dict)
    """What connectors wrote, by table: raw rows with Microsoft's column names."""

    @property
    def id(self) -> str:
        """Its ARM id."""
        group = f"/subscriptions/{self.subscription_id}/resourceGroups/{self.resource_group}"
        return f"{group}/providers/Microsoft.OperationalInsights/workspaces/{self.name}"


@dataclass
class Identity:
    """The one service principal and the one AWS user; new values at every start, easy to search for."""

    tenant: str = field(default_factory=lambda: str(uuid.uuid4()))
    client_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    client_secret: str = field(default_factory=lambda: f"emulated~client~secret~{secrets.token_hex(12)}")
    user_assigned: str = field(default_factory=lambda: str(uuid.uuid4()))
    """The client id of a managed identity beside the one that the machine has itself."""
    identity_header: str = field(default_factory=lambda: f"emulated~identity~header~{secrets.token_hex(12)}")
    subscription_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    access_key: str = field(default_factory=lambda: f"AKIAEMULATED{secrets.token_hex(4).upper()}")
    secret_key: str = field(default_factory=lambda: f"emulatedSecretKey{secrets.token_hex(12)}")


@dataclass(frozen=True)
class Federation:
    """Whose tokens stand for the service principal: of which issuer, about whom, signed with which key (PEM)."""

    issuer: str
    subject: str
    key: str
    audience: str = "api://AzureADTokenExchange"


@dataclass(frozen=True)
class AwsCaller:
    """Who signs with an access key."""

    account: str
    arn: str
    policy: str = ""
    """The session policy, as JSON text."""


class State:
    """Everything the two servers share. One event loop touches it, so there are no locks."""

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
        """As after the start, but credentials that were handed out stay good."""
        self.settings = Settings()
        self.faults = Faults()
        self.log: list[Json] = []
        self.organization: Organization | None = None
        self.stacksets = StackSets()
        self.workspaces = [Workspace(self.identity.subscription_id, customer_id=CUSTOMER_ID)]
        self.roles_created: dict[str, float] = {}
        self.buckets: dict[tuple[str, str], Any] = {}
        self.s3 = S3State()

    def add_caller(self, key: str, account: str) -> None:
        """Know the access key of a user of that account."""
        self.callers[key] = AwsCaller(account, f"arn:aws:iam::{account}:user/moto")

    def workspace(self, name: str | None) -> Workspace:
        """The workspace of that name, ARM id or customer id; the first one if not said."""
        for workspace in self.workspaces:
            if name is None or name in (workspace.name, workspace.id, workspace.customer_id):
                return workspace
        raise ValueError(f"There is no workspace '{name}'.")
