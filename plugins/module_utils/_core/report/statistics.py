# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the results of a run add up to: the numbers, the state of every check, findings, failures, the heat map."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..model.errors import CLASSES
from ..model.findings import CODES, SEVERITIES

Header = Mapping[str, Any]
Record = Mapping[str, Any]

# What is looked at in an account. A finding belongs to the check that its code begins with.
CHECKS = ("run", "role", "trust", "permission", "connector", "events")
LOOKED_AT = {
    "onboard": {"run", "role", "trust", "permission", "connector"},
    "drift": {"run", "role", "trust", "permission", "connector"},
    "offboard": {"run", "role", "connector"},
    "departed": {"run", "connector"},
    "verify": {"connector"},
}

# The state of a check in one letter: the worst that is still there as c, h, m, l; in capitals when it was repaired.
FINE, UNKNOWN = ".", "-"
STATES = ("c", "h", "m", "l", "C", "H", "M", "L", FINE, UNKNOWN)
LETTER = dict(zip(SEVERITIES, "chml", strict=True))
INGESTION_STATUSES = {
    "receiving": FINE,
    "silent_allowed": FINE,
    "stale": "m",
    "silent": "h",
    "unhealthy": "h",
    "not_connected": "h",
    "unknown": UNKNOWN,
}

# With one of these Sentinel reads nothing.
BREAKING = {
    "connector_disabled",
    "connector_missing",
    "connector_stale",
    "permission_inline_missing",
    "permission_policy_missing",
    "role_missing",
    "trust_deny",
    "trust_sentinel_missing",
    "trust_workspace_missing",
}
MOST_OUS = 24
NO_OU = "(no OU known)"


class Look(NamedTuple):
    """One account as a report sees it: a letter of STATES per check, which findings are still there, and so on."""

    states: str
    open: tuple[bool, ...]
    connected: bool
    drifted: bool

    @property
    def attention(self) -> tuple[int, bool]:
        """How much it needs somebody: 0 most. What is open comes before what was repaired, failures among the first."""
        return min(STATES.index(state) for state in self.states), self.states[0] in (FINE, UNKNOWN)


def look(record: Record, header: Header) -> Look:
    """Look at one account."""
    pending = bool(header.get("check_mode"))
    still = tuple(pending or not finding.get("repaired") for finding in record.get("findings", ()))
    differs = not all(map(_is_harmless, record.get("findings", ())))
    drifted = record["status"] == "changed" or (record["status"] == "ok" and differs)
    return Look(_states(record, header, still), still, _connected(record, still), drifted)


def message_of(finding: Mapping[str, Any]) -> str:
    """Return the sentence of a finding, with the reason where it was accepted."""
    reason = finding.get("accepted")
    return f"{finding['message']} Accepted: {reason}" if reason else str(finding["message"])


def _is_harmless(finding: Mapping[str, Any]) -> bool:
    """Whether nothing is to be done about it: somebody accepted it, or it only lets somebody know."""
    code = finding["code"]
    return bool(finding.get("accepted")) or (code in CODES and CODES[code].informational)


def check_of(code: str) -> str:
    """Return the check that a finding belongs to."""
    name = code.partition("_")[0]
    return name if name in CHECKS else "role"


def ingestion_status_of(record: Record) -> str:
    """Return a key of INGESTION_STATUSES, empty where it was not asked for.

    An account that is silent or stale, and allowed to be, is `silent_allowed`.
    """
    found = record.get("ingestion") or {"ingestion_status": ""}
    allowed = found.get("as_expected") and found["ingestion_status"] != "receiving"
    return "silent_allowed" if allowed else str(found["ingestion_status"])


def _states(record: Record, header: Header, still: Sequence[bool]) -> str:
    states = dict.fromkeys(CHECKS, UNKNOWN)
    if record["status"] in ("ok", "changed"):
        states |= dict.fromkeys(LOOKED_AT.get(header["playbook"], CHECKS[:-1]), FINE)
    if "error" in record:
        states["run"] = "h"
    if ingestion_status := ingestion_status_of(record):
        states["events"] = INGESTION_STATUSES.get(ingestion_status, UNKNOWN)
        states["connector"] = "h" if ingestion_status == "not_connected" else states["connector"]
    for finding, is_open in zip(record.get("findings", ()), still, strict=True):
        if finding.get("accepted"):
            continue
        letter, check = LETTER[finding["severity"]], check_of(finding["code"])
        states[check] = min(states[check], letter if is_open else letter.upper(), key=STATES.index)
    return "".join(states.values())


def _connected(record: Record, still: Sequence[bool]) -> bool:
    findings = zip(record.get("findings", ()), still, strict=True)
    if any(is_open and finding["code"] in BREAKING for finding, is_open in findings):
        return False
    if ingestion_status := ingestion_status_of(record):
        return ingestion_status != "not_connected"
    return record["status"] in ("ok", "changed") and bool(record.get("connector_id"))


@dataclass(slots=True)
class Group:
    """The accounts of one OU: how many, and per check how many there are with something found, open, and known."""

    ou: str
    others: int = 0
    accounts: int = 0
    found: Counter[str] = field(default_factory=Counter)
    open: Counter[str] = field(default_factory=Counter)
    known: Counter[str] = field(default_factory=Counter)

    def add(self, states: str, accounts: int) -> None:
        """Count accounts of the same states."""
        self.accounts += accounts
        for check, state in zip(CHECKS, states, strict=True):
            self.known[check] += accounts * (state != UNKNOWN)
            self.found[check] += accounts * (state not in (FINE, UNKNOWN))
            self.open[check] += accounts * (state in "chml")

    def merge(self, other: Group) -> None:
        """Take in the accounts of another group."""
        self.others += 1
        self.accounts += other.accounts
        self.found.update(other.found)
        self.open.update(other.open)
        self.known.update(other.known)

    @property
    def rank(self) -> tuple[int, int, str]:
        """The place in the heat map: what is open first."""
        return -self.open.total(), -self.found.total(), self.ou


class Statistics:
    """All that is counted in a run."""

    def __init__(self, header: Header, records: Sequence[Record]) -> None:
        self.looks = [look(record, header) for record in records]
        self.found: Counter[str] = Counter()
        self.open: Counter[str] = Counter()
        self.ingestion_statuses = Counter(filter(None, map(ingestion_status_of, records)))
        self.status = Counter(record["status"] for record in records)
        for record, seen in zip(records, self.looks, strict=True):
            for finding, is_open in zip(record.get("findings", ()), seen.open, strict=True):
                self.found[finding["code"]] += 1
                self.open[finding["code"]] += is_open
        self._groups = self._grouped(records)
        self.failures = failures(records)
        self.numbers = self._numbers(header)

    def _grouped(self, records: Sequence[Record]) -> dict[str, Group]:
        groups: dict[str, Group] = {}
        same = Counter(
            (record.get("ou") or NO_OU, seen.states) for record, seen in zip(records, self.looks, strict=True)
        )
        for (ou, states), accounts in same.items():
            groups.setdefault(ou, Group(ou)).add(states, accounts)
        return groups

    def _numbers(self, header: Header) -> dict[str, int | None]:
        organization, orphans = header.get("organization"), header.get("orphans")
        asked = bool(self.ingestion_statuses)
        return {
            "organization": organization["accounts"] if organization else None,
            "in_scope": len(self.looks),
            "excluded": len(organization["excluded"]) if organization else None,
            "connected": sum(seen.connected for seen in self.looks),
            "drifted": sum(seen.drifted for seen in self.looks),
            "failed": self.status["failed"],
            "receiving": self.ingestion_statuses["receiving"] if asked else None,
            "silent": self.ingestion_statuses["silent"] if asked else None,
            "orphaned": sum(map(_is_connector, orphans or ())) if organization or orphans else None,
        }

    @property
    def severities(self) -> dict[str, dict[str, int]]:
        """Findings by severity, before the run and after it."""
        result = {severity: {"before": 0, "after": 0} for severity in SEVERITIES}
        for code, count in self.found.items():
            result[severity_of(code)]["before"] += count
            result[severity_of(code)]["after"] += self.open[code]
        return result

    @property
    def codes(self) -> list[dict[str, Any]]:
        """Findings by code: security first, then the most severe."""
        listed = [
            {
                "code": code,
                "severity": severity_of(code),
                "security": code in CODES and CODES[code].security,
                "summary": CODES[code].summary if code in CODES else "",
                "before": count,
                "after": self.open[code],
            }
            for code, count in self.found.items()
        ]
        return sorted(listed, key=lambda it: (not it["security"], SEVERITIES.index(it["severity"]), it["code"]))

    @property
    def heat(self) -> list[Group]:
        """The heat map: OUs with the most open first; those beyond the first ones as one row."""
        groups = sorted(self._groups.values(), key=lambda group: group.rank)
        rest = Group("")
        for group in groups[MOST_OUS:]:
            rest.merge(group)
        return groups[:MOST_OUS] + ([rest] if rest.accounts else [])

    @property
    def ous(self) -> list[str]:
        """Every OU that an account has."""
        return sorted(self._groups.keys() - {NO_OU})


def _is_connector(orphan: Any) -> bool:
    return not isinstance(orphan, Mapping) or orphan.get("reason") not in ("no_connector", "unknown")


def severity_of(code: str) -> str:
    """Return the severity of a code, also of one that a newer release may have."""
    return CODES[code].severity if code in CODES else "low"


def failures(records: Sequence[Record]) -> list[dict[str, Any]]:
    """Return the failures by class, the most frequent first: what it means, what to do, which accounts."""
    classes: dict[str, list[Record]] = {}
    for record in records:
        if "error" in record:
            classes.setdefault(record["error"]["class"], []).append(record)
    unknown = ("", "")
    listed = [
        {"class": kind, "what": CLASSES.get(kind, unknown)[0], "advice": CLASSES.get(kind, unknown)[1], "accounts": who}
        for kind, who in classes.items()
    ]
    return sorted(listed, key=lambda it: (-len(it["accounts"]), it["class"]))
