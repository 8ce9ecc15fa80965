# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control API for tests, under `/_emulator/` on both servers; its requests are not logged."""

from __future__ import annotations

import inspect
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

from . import connectors, s3_reader
from .faults import Fault
from .organization import Organization
from .state import Federation, Json, State, Workspace


class Control:
    """One method for each command; its arguments are the JSON body."""

    def __init__(self, state: State, about: Json, reset_aws: Callable[[], Awaitable[None]]) -> None:
        self.state = state
        self.about = about
        self.reset_aws = reset_aws

    async def __call__(self, command: str, arguments: Json) -> Any:
        """Run a command."""
        if command == "reset":
            await self.reset_aws()
        method = getattr(self, f"do_{command}", None)
        if method is None:
            raise ValueError(f"There is no command '{command}'.")
        answer = method(**arguments)
        return await answer if inspect.isawaitable(answer) else answer

    def do_about(self) -> Json:
        """Return URLs and environment."""
        return self.about

    def do_reset(self) -> None:
        """Reset the state to that after the start; issued credentials stay valid."""
        self.state.reset()

    def do_requests(self, service: str | None = None, write: bool | None = None) -> list[Json]:
        """Return the request log, oldest first."""
        services = None if service is None else {service}
        if service == "aws":
            services = {record["service"] for record in self.state.log} - {"azure"}
        return [
            record
            for record in self.state.log
            if (services is None or record["service"] in services) and (write is None or record["write"] is write)
        ]

    def do_forget(self) -> None:
        """Clear the request log."""
        self.state.log = []

    def do_fault(self, **rule: Any) -> None:
        """Add a fault."""
        self.state.faults.plant(Fault(**rule))

    def do_heal(self) -> None:
        """Remove every fault."""
        self.state.faults.heal()

    def do_struck(self) -> int:
        """Return how many requests a fault was applied to since the last reset."""
        return self.state.faults.struck

    def do_settings(self, **values: Any) -> None:
        """Change settings."""
        self.state.settings.change(values)

    def do_secrets(self) -> list[str]:
        """Return all secrets: none of them may appear in any output."""
        return sorted(self.state.secrets)

    def do_credentials(self, account: str) -> Json:
        """Return new access keys of a user of that account."""
        key, secret = f"AKIAEMULATED{secrets.token_hex(4).upper()}", f"emulatedSecretKey{secrets.token_hex(12)}"
        self.state.add_caller(key, account)
        self.state.secrets.add(secret)
        return {"aws_access_key_id": key, "aws_secret_access_key": secret}

    def do_sessions(self, account: str) -> list[str]:
        """Return the names of the sessions of assumed roles in that account, oldest first."""
        arns = [caller.arn for caller in self.state.callers.values() if caller.account == account]
        return [arn.rpartition("/")[2] for arn in arns if ":assumed-role/" in arn]

    def do_organization(self, **settings: Any) -> None:
        """Create an AWS organization without accounts, which replaces moto's."""
        self.state.organization = Organization(**settings)

    def do_add_accounts(self, accounts: list[Json]) -> None:
        """Add accounts, as the API describes them, with `Parent` and `Tags` in addition."""
        if self.state.organization is None:
            raise ValueError("There is no organization.")
        self.state.organization.accounts += accounts

    def do_trust_certificate(self, pem: str) -> None:
        """Register a certificate (PEM, without key) at the service principal."""
        self.state.certificates.append(pem)

    def do_trust_issuer(self, **federation: str) -> None:
        """Add a federated credential of the service principal."""
        new = Federation(**federation)
        others = [one for one in self.state.federations if (one.issuer, one.subject) != (new.issuer, new.subject)]
        self.state.federations = [*others, new]

    def do_add_workspace(self, **values: Any) -> Json:
        """Add a workspace, by default to the default subscription."""
        workspace = Workspace(**{"subscription_id": self.state.identity.subscription_id, **values})
        self.state.workspaces.append(workspace)
        return {"id": workspace.id, "customer_id": workspace.customer_id}

    def do_change_workspace(self, workspace: str | None = None, **values: Any) -> None:
        """Change `onboarded`, `permissions`, `location`, `content_packages` or `diagnostic_settings`."""
        found = self.state.workspace(workspace)
        for name, value in values.items():
            if name not in ("onboarded", "permissions", "location", "content_packages", "diagnostic_settings"):
                raise ValueError(f"A workspace's '{name}' cannot be changed.")
            setattr(found, name, value)

    def do_put_rows(self, table: str, rows: list[Json], workspace: str | None = None) -> None:
        """Add rows to a table, which exists from then on."""
        self.state.workspace(workspace).tables.put(table, rows, self.state.now())

    def do_move_clock(self, seconds: float) -> None:
        """Move the clock of Log Analytics."""
        self.state.settings.clock_seconds += seconds

    def do_connectors(self, workspace: str | None = None) -> list[Json]:
        """Return all connectors, without the lag of reads."""
        return [connector.raw for connector in self.state.workspace(workspace).connectors.values()]

    def do_seed_connector(self, raw: Json, workspace: str | None = None) -> Json:
        """Add a connector of any kind without validation."""
        return connectors.seed(self.state, self.state.workspace(workspace), raw)

    def do_delete_connector(self, name: str, workspace: str | None = None) -> None:
        """Delete a connector without a request."""
        if connectors.delete(self.state.workspace(workspace), name) != 200:
            raise ValueError(f"There is no connector '{name}'.")

    async def do_read_queues(self, workspace: str | None = None) -> list[Json]:
        """Let the connectors of the S3 kind read."""
        return await s3_reader.read(self.state, self.state.workspace(workspace))

    def do_rows(self, table: str, workspace: str | None = None) -> list[Json]:
        """The rows of a table."""
        return self.state.workspace(workspace).tables.rows.get(table, [])

    def do_subscription(self, arn: str, owner: str = "", *, pending: bool = False) -> None:
        """Let a subscription belong to another account, or not be confirmed."""
        self.state.s3.subscribers |= {arn: owner} if owner else {}
        self.state.s3.pending_subscriptions |= {arn} if pending else set()

    def do_event_bridge(self, bucket: str) -> None:
        """Let a bucket send its events to EventBridge, too; moto forgets that it does."""
        self.state.s3.event_bridge.add(bucket)

    def do_trail_status(self, arn: str, **fields: Any) -> None:
        """Let the status of a trail have these fields."""
        self.state.s3.trail_status[arn] = fields

    def do_flow_log(self, account: str, region: str, **fields: Any) -> None:
        """Add a flow log, as DescribeFlowLogs returns it."""
        self.state.s3.flow_logs.setdefault((account, region), []).append(fields)

    def do_publishing_destination(self, account: str, region: str, **fields: Any) -> None:
        """Add a publishing destination of GuardDuty, as DescribePublishingDestination returns it."""
        self.state.s3.destinations.setdefault((account, region), []).append(fields)
