# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was found out about events, as text for people and as data: of accounts, of workspaces, of the whole run."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

from ..model.ingestion.ingestion import EVENTS, HEALTH, INGESTION_STATUSES
from .ingestion import Places, Watched

# So many accounts are told of, unless it is to be verbose.
NAMED = 20


def summary(watched: list[Watched]) -> dict[str, int]:
    """Count the accounts by verdict."""
    counts = Counter(item.ingestion_status.name for item in watched)
    return {"accounts": len(watched)} | {name: counts[name] for name in INGESTION_STATUSES}


def numbers(watched: list[Watched]) -> str:
    """Say the counts in one line."""
    counts = summary(watched)
    noun = "account" if len(watched) == 1 else "accounts"
    said = [f"{counts[name]} {name}" for name in INGESTION_STATUSES if counts[name] or name == "receiving"]
    return f"{len(watched)} {noun}: {', '.join(said)}"


def lines(watched: list[Watched], *, verbose: bool = False) -> list[str]:
    """Return what there is to say of accounts: nothing of those that are as expected, unless it is to be `verbose`."""
    said = [
        f"{item.ingestion_status.name}: [{item.account.name}] {item.ingestion_status.message}"
        for item in watched
        if not item.ingestion_status.as_expected
    ]
    unproved = [item for item in watched if item.shown.get("canary") is False and item.ingestion_status.as_expected]
    said += [f"unproved: [{item.account.name}] Its marker has not arrived." for item in unproved]
    said += [
        f"note: [{item.account.name}] {item.error}"
        for item in watched
        if item.error and str(item.error) != item.ingestion_status.message
    ]
    if verbose:
        return said + [
            f"{item.ingestion_status.name}: [{item.account.name}]"
            for item in watched
            if item.ingestion_status.as_expected
        ]
    more = len(said) - NAMED
    return said[:NAMED] + ([f"and {more} more, which -v lists"] if more > 0 else [])


def notes(found: Places) -> list[str]:
    """Return what there is to say of the workspaces."""
    said = []
    for place in found.values():
        if place.error:
            continue  # its accounts tell
        if not place.look.has_table:
            said.append(f"Workspace {place.name} has no table {EVENTS} yet: nothing was ever ingested.")
        if place.look.partial:
            said.append(f"Log Analytics answered in part only for workspace {place.name}.")
        if place.unheard:
            said.append(place.unheard)
        elif place.look.health is None:
            said.append(
                f"Workspace {place.name} keeps no {HEALTH}: switch on health monitoring in the settings of "
                "Microsoft Sentinel to learn why a connector fails."
            )
    return said


def failures(watched: list[Watched], fail_on: str) -> list[dict[str, str]]:
    """List the accounts that end a run with an error, each with its sentence; none where `fail_on` is "never"."""
    return [
        {
            "account_id": item.account.account_id,
            "host": item.account.host,
            "message": f"Account {item.account.account_id} is {status.name}: {status.message}",
        }
        for item in watched
        if fail_on != "never" and not (status := item.ingestion_status).as_expected
    ]


def result(watched: list[Watched], found: list[str], fail_on: str, most: float) -> dict[str, Any]:
    """Return it as the result of `fleet_ingestion_info`: accounts as they should be are counted and not listed.

    `found` is what is to be said of the workspaces. Where more than `most` per cent of the accounts fail, so does the
    task.
    """
    failed = failures(watched, fail_on)
    answer: dict[str, Any] = {
        "changed": False,
        "summary": summary(watched),
        "accounts": {
            item.account.account_id: item.result()
            for item in watched
            if not item.ingestion_status.as_expected or item.error
        },
        "failures": failed,
        "notes": found,
    }
    if len(failed) * 100 > most * len(watched):
        sentences = [f"{len(failed)} of {len(watched)} accounts are not as expected."]
        sentences += [one["message"] for one in failed[:NAMED]]
        answer |= {"failed": True, "msg": " ".join(sentences)}
    return answer


def header(watched: list[Watched], started: datetime, finished: datetime) -> dict[str, Any]:
    """Return what the report says of the run."""
    return {
        "playbook": "verify",
        "started": started.isoformat(timespec="milliseconds"),
        "finished": finished.isoformat(timespec="seconds"),
        "check_mode": False,
        "workspaces": sorted({item.account.workspace for item in watched}),
        "summary": summary(watched),
    }


def record(item: Watched) -> dict[str, Any]:
    """Return an account as the report wants it; the names are those of docs/report.schema.json."""
    shown = item.shown
    return {
        "account_id": item.account.account_id,
        "host": item.account.host,
        "ou": item.account.ou,
        "status": "ok",
        "role_arn": shown["role_arn"],
        "connector_id": shown["connector_id"],
        "findings": [],
        "calls": [],
        "diff": [],
        "ingestion": {
            name: shown[name]
            for name in ("ingestion_status", "as_expected", "message", "last_event", "events", "regions")
        },
    }
