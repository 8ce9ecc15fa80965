# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Realistic results of runs of any size, for reports.

`python -m tests.unit.report.reports folder 2000 drift` writes a report.
"""

from __future__ import annotations

import random
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import CLASSES
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.findings import CODES
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.report import history, report

Data = dict[str, Any]

NAMES = (
    "payments",
    "orders",
    "billing",
    "search",
    "identity",
    "data-lake",
    "web",
    "mobile",
    "ledger",
    "mail",
    "ml",
    "ci",
)
STAGES = ("production", "staging", "development", "sandbox")
OUS = tuple(f"/Root/{name}" for name in ("Workloads/Prod", "Workloads/Test", "Security", "Infrastructure", "Sandbox"))
WORKSPACE = (
    "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/security/providers"
    "/Microsoft.OperationalInsights/workspaces/sentinel/providers/Microsoft.SecurityInsights/dataConnectors"
)
REGIONS = ["eu-central-1", "us-east-1"]
NOW = datetime(2026, 11, 22, 2, 0, 0, tzinfo=UTC)
MESSAGES = {
    "trust_account_foreign": "Account 999988887777 may assume the role, and is not Sentinel's.",
    "trust_external_id_missing": "Account 197857026523 may assume the role without an external id.",
    "permission_policy_extra": "Policy arn:aws:iam::aws:policy/AdministratorAccess is attached.",
    "role_tags": "Tag owner is 'nobody', not 'platform'.",
    "role_missing": "Role MicrosoftSentinelRole does not exist.",
    "role_session_raised": "Sessions may last 43200 s, not 3600 s.",
    "connector_missing": "No connector reads role arn:aws:iam::{id}:role/MicrosoftSentinelRole.",
}
TROUBLES = (
    ("trust_account_foreign", "permission_policy_extra"),
    ("trust_external_id_missing",),
    ("permission_policy_extra", "role_tags"),
    ("role_tags",),
    ("role_session_raised", "role_tags"),
    ("role_missing", "connector_missing"),
    ("connector_missing",),
)


def record(number: int, chance: random.Random, *, broken: float = 0.2, events: bool = True) -> Data:
    """One account; `broken` is the share of accounts with problems."""
    account_id = f"{211_000_000_000 + number * 7_919_337 % 700_000_000_000:012}"
    name = f"{NAMES[number % len(NAMES)]}-{STAGES[number // len(NAMES) % 4]}{'' if number < 48 else f'-{number // 48}'}"
    connector = f"{chance.getrandbits(32):08x}-{chance.getrandbits(16):04x}-5000-8000-{chance.getrandbits(48):012x}"
    result: Data = {
        "account_id": account_id,
        "host": name,
        "ou": OUS[number % 5] if number < 100 else f"{OUS[number % 5]}/Team {number % 37:02}",
        "status": "ok",
        "resources": [
            {"kind": "role", "id": f"arn:aws:iam::{account_id}:role/MicrosoftSentinelRole", "changed": False},
            {"kind": "connector", "id": f"{WORKSPACE}/{connector}", "changed": False},
        ],
        "findings": [],
        "calls": [],
        "diff": [],
    }
    if events:
        result["ingestion"] = ingestion(chance)
    if chance.random() < broken:
        (fail if chance.random() < 0.25 else drift)(result, chance)
    return result


def ingestion(chance: random.Random) -> Data:
    ingestion_status = chance.choices(["receiving", "stale", "silent", "unhealthy"], [90, 4, 4, 2])[0]
    ago = timedelta(minutes=chance.randrange(3, 50)) * (1 if ingestion_status == "receiving" else 40)
    last = None if ingestion_status == "silent" else (NOW - ago).isoformat()
    events = 0 if ingestion_status == "silent" else chance.randrange(10, 90_000)
    message = "" if ingestion_status == "receiving" else f"Events of the account are {ingestion_status}."
    return {
        "ingestion_status": ingestion_status,
        "message": message,
        "last_event": last,
        "events": events,
        "regions": REGIONS,
    }


def verified(number: int, chance: random.Random) -> Data:
    """One account of a verification: its events, the health of its connector, and what is broken."""
    result = record(number, chance, broken=0)
    events, account_id = result["ingestion"], result["account_id"]
    events |= {"as_expected": events["ingestion_status"] == "receiving", "health": {"failed": False}}
    if events["ingestion_status"] == "unhealthy":
        reason = f"Not authorized to assume role arn:aws:iam::{account_id}:role/MicrosoftSentinelRole."
        events["message"] = f"Microsoft Sentinel reports AccessDenied: {reason}"
        events["health"] = {"failed": True, "time": NOW.isoformat(), "reason": "AccessDenied", "message": reason}
    if events["ingestion_status"] == "silent":
        events |= {"message": "No event arrived in the last 7 d.", "events": 0, "regions": []}
        events["broken_link"] = {"link": "role", "message": "The role was never used by Microsoft Sentinel."}
    if number % 101 == 5:
        message = "Cannot query table AWSCloudTrail of workspace sentinel: Log Analytics does not answer. Run it again."
        events |= {"ingestion_status": "unknown", "as_expected": False, "message": message, "last_event": None}
        result |= {"status": "failed", "error": {"class": "transient", "message": message}}
    return result


def fail(result: Data, chance: random.Random) -> None:
    kind = chance.choice(["assume_denied", "scp_denied", "throttled", "account_not_active"])
    cause = f"Cannot assume role OrganizationAccountAccessRole in account {result['account_id']}: AccessDenied."
    result |= {"status": "failed", "resources": []}
    result["error"] = {"class": kind, "message": f"{cause} {CLASSES[kind][1]}".strip()}


def drift(result: Data, chance: random.Random) -> None:
    result["status"] = "changed"
    account_id = result["account_id"]
    for code in chance.choice(TROUBLES):
        message = MESSAGES[code].format(id=account_id)
        result["findings"].append(
            {"severity": CODES[code].severity, "code": code, "message": message, "repaired": True}
        )
    trust = {"Effect": "Allow", "Principal": {"AWS": "197857026523"}, "Action": "sts:AssumeRole"}
    spec = {
        "Version": "2012-10-17",
        "Statement": [{**trust, "Condition": {"StringEquals": {"sts:ExternalId": "0f2a"}}}],
    }
    name = {"RoleName": "MicrosoftSentinelRole"}
    result["calls"] = [
        {"name": "UpdateAssumeRolePolicy", "args": {**name, "PolicyDocument": spec}},
        {"name": "DetachRolePolicy", "args": {**name, "PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}},
    ]
    before = {"trust": {"Version": "2012-10-17", "Statement": [trust]}, "tags": {"owner": "nobody", "id": account_id}}
    after = {"trust": spec, "tags": {"owner": "platform", "id": account_id}}
    header = f"role MicrosoftSentinelRole in account {account_id}"
    result["diff"] = [{"before_header": header, "after_header": header, "before": before, "after": after}]


def run(
    accounts: int, playbook: str = "drift", *, broken: float = 0.2, seed: int = 4, events: bool = True
) -> tuple[Data, list[Data]]:
    """The header and the records of a run."""
    chance = random.Random(seed)
    if playbook == "verify":
        records = [verified(number, chance) for number in range(accounts)]
    else:
        records = [record(number, chance, broken=broken, events=events) for number in range(accounts)]
    status = [one["status"] for one in records]
    excluded = [{"account_id": f"{number:012}", "reason": "SUSPENDED"} for number in range(1, 2 + accounts // 100)]
    excluded.append({"account_id": "900000000009", "reason": "The management account, excluded by its tag"})
    orphans = [{"account_id": "800000000008", "connector_id": f"{WORKSPACE}/8d3f8a70-0000-5000-8000-000000000001"}]
    orphans[0]["reason"] = "closed"
    header: Data = {
        "schema": 1,
        "playbook": playbook,
        "started": NOW.isoformat(),
        "finished": (NOW + timedelta(seconds=5 + accounts / 160)).isoformat(),
        "check_mode": playbook == "drift",
        "workspaces": ["sentinel"],
        "azure_portal": "https://portal.azure.com",
        "user": "alex",
        "limit": "production:!suspended",
        "summary": {"accounts": accounts, **{key: status.count(key) for key in ("ok", "changed", "failed", "skipped")}},
        "organization": {"accounts": accounts + len(excluded), "excluded": excluded},
        "orphans": orphans,
    }
    if playbook == "verify":
        header |= {"organization": None, "orphans": []}
    return header, records


def earlier(folder: Path, accounts: int, playbook: str = "drift", days: int = 60) -> None:
    """Write the history of earlier days into a folder, each better than the day before."""
    folder.mkdir(parents=True, exist_ok=True)
    for day in range(days, 0, -1):
        chance = random.Random(day)
        scope = accounts * (140 - day) // 140
        drifted, failed, silent = (
            round(scope * share * (0.3 + day / days) * chance.uniform(0.7, 1.2)) for share in (0.3, 0.11, 0.09)
        )
        numbers = {"in_scope": scope, "drifted": drifted, "failed": failed, "silent": silent}
        numbers |= {"connected": scope - drifted // 2 - failed, "receiving": scope - silent - failed}
        started = (NOW - timedelta(days=day)).isoformat()
        history.append(folder, {"started": started, "playbook": playbook, "check_mode": True, "numbers": numbers})


if __name__ == "__main__":
    place, size, which = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    earlier(place, size, which)
    share = 0.4 if size < 50 else 0.1
    header, records = run(size, which, broken=share, seed=720, events=False)
    report.write(place, header | {"started": (NOW - timedelta(hours=23)).isoformat()}, records[1:])
    made = run(size, which, broken=share, seed=719, events=False)
    begin = time.perf_counter()
    written = report.write(place, *made)
    print(written, f"{time.perf_counter() - begin:.2f} s", (written / "report.html").stat().st_size)
