# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Results of the check of prerequisites: lines for the terminal, the result of the task, header and rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ..console.account_lines import Failure, failed_hosts
from ..model.console_links import azure_portal
from ..model.docs_links import pages_line
from ..model.errors import CombinedError, SentinelError
from ..model.findings import Finding
from ..model.prerequisites import CHECKS, Checked, Prerequisites, Problem
from ..model.report_row import AccountRow, FindingRow, ReportHeader

# Sentences that the terminal and the result show for a check without `verbose`.
MAX_SENTENCES = 5
MAX_NAMES = 3
# Findings that the terminal shows without `verbose`.
MAX_FINDINGS = 20


def summary(found: Prerequisites) -> dict[str, int]:
    """Return the number of accounts, and of those that are ready and not ready; a host without account counts."""
    accounts, not_ready = len(found.accounts) + len(found.hosts), len(found.not_ready) + len(found.hosts)
    return {"accounts": accounts, "ready": accounts - not_ready, "not_ready": not_ready}


def lines(found: Prerequisites, *, verbose: bool) -> Iterator[str]:
    """Yield a line for each check with its problems, then the findings, the documentation and the numbers."""
    problems, findings = list(found), _finding_lines(found)
    for check, label in CHECKS.items():
        of_check = [one for one in problems if one.check == check and (check == "packages" or not _lacks_package(one))]
        state = "failed" if of_check else "ok" if _was_made(check, found) else "skipped"
        yield f"{state}: {label}"
        yield from _limited([f"    {one}" for one in _sentences(of_check)], MAX_SENTENCES, verbose=verbose)
    yield from _limited(findings, MAX_FINDINGS, verbose=verbose)
    yield from map("note: {}".format, found.notes)
    if page := pages_line(findings=bool(findings), errors=bool(problems)):
        yield page
    yield _summary_line(found)


def _summary_line(found: Prerequisites) -> str:
    counts, with_findings = summary(found), sum(bool(one.findings) for one in found.accounts)
    noun = "account" if counts["accounts"] == 1 else "accounts"
    more = f", {with_findings} with findings" if with_findings else ""
    return f"{counts['accounts']} {noun}: {counts['ready']} ready, {counts['not_ready']} not ready{more}"


def _finding_lines(found: Prerequisites) -> list[str]:
    return [
        f"{each.severity}: [{one.account.name}] {each.code}: {each.message}"
        for one in found.accounts
        for each in one.findings
    ]


def _limited(lines: Sequence[str], limit: int, *, verbose: bool) -> Iterator[str]:
    shown = lines if verbose else lines[:limit]
    yield from shown
    if len(lines) > len(shown):
        indent = lines[0][: len(lines[0]) - len(lines[0].lstrip())]
        yield f"{indent}and {len(lines) - len(shown)} more, listed with -v"


def _lacks_package(problem: Problem) -> bool:
    """Whether the check of packages has the problem already."""
    return problem.error.kind == "missing_package"


def _was_made(check: str, found: Prerequisites) -> bool:
    """Whether a check was made in at least one account."""
    if check in ("packages", "inventory"):
        return True
    needed = {check} | {"role": {"credentials"}, "sources": {"credentials", "workspace", "role"}}.get(check, set())
    return any(not needed & {each.check for each in one.problems} for one in found.accounts)


def _sentences(problems: Sequence[Problem]) -> Iterator[str]:
    """Yield each different problem once, with its class and the accounts that have it."""
    by_text: dict[tuple[str, str], list[str]] = {}
    for one in problems:
        by_text.setdefault((one.error.kind, str(one.error)), []).append(one.name)
    for (kind, text), names in by_text.items():
        known = list(filter(None, names))
        more = f" and {len(known) - MAX_NAMES} more" if len(known) > MAX_NAMES else ""
        where = f"[{', '.join(known[:MAX_NAMES])}{more}] " if known else ""
        yield f"{where}{kind}: {text}"


def task_result(found: Prerequisites, max_fail_percentage: float, *, verbose: bool) -> dict[str, Any]:
    """Return the result of `fleet_preflight_info`.

    The task fails if no run could start, and then lists the reasons for that only; or if more than
    `max_fail_percentage` per cent of the accounts are not ready.
    """
    counts, problems = summary(found), found.run or list(found)
    failures = [] if found.run else _failures(found)
    result: dict[str, Any] = {
        "changed": False,
        "summary": counts,
        "problems": [
            {"check": one.check, "host": one.host, "account_id": one.account_id, **one.error.show()} for one in problems
        ],
        "notes": found.notes,
        "failures": failures,
        "failed_hosts": failed_hosts(failures, counts["accounts"], verbose=verbose, problem="are not ready"),
        # The lines have all of this; with -v Ansible would display it as JSON as well.
        "_ansible_verbose_override": True,
    }
    if found.run or counts["not_ready"] * 100 > max_fail_percentage * counts["accounts"]:
        first = [str(one.error) for one in problems[:MAX_SENTENCES]]
        ready = [f"{counts['not_ready']} of {counts['accounts']} accounts are not ready."] if counts["accounts"] else []
        result["failed"], result["msg"] = True, " ".join([*ready, *dict.fromkeys(first)])
    return result


def _failures(found: Prerequisites) -> list[Failure]:
    every = [*found.hosts, *(Problem("", error_of(found, one), *_ids(one)) for one in found.not_ready)]
    return [{"account_id": one.account_id, "host": one.host, "message": str(one.error)} for one in every]


def _ids(one: Checked) -> tuple[str, str]:
    return one.account.account_id, one.account.host


def error_of(found: Prerequisites, one: Checked) -> SentinelError:
    """Return all problems of an account that is not ready as one error; those of the run where it has none."""
    return CombinedError([each.error for each in one.problems or found.run])


def report_header(found: Prerequisites, started: datetime, limit: str = "") -> ReportHeader:
    """Return the header of the report; `limit` is Ansible's `--limit`."""
    return {
        "playbook": "preflight",
        "started": started.isoformat(timespec="milliseconds"),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "check_mode": False,
        "workspaces": sorted({one.account.workspace for one in found.accounts}),
        "workspace_details": sorted(found.workspaces, key=lambda one: one["name"]),
        "notes": found.notes,
        "azure_portal": azure_portal(one.account.azure.cloud_environment for one in found.accounts),
        "limit": limit,
        "summary": summary(found),
    }


def report_rows(found: Prerequisites) -> Iterator[AccountRow]:
    """Yield each account, and each host that is no account yet, as a row of the report."""
    not_ready = {id(one) for one in found.not_ready}
    for host in found.hosts:
        yield _row({"account_id": host.account_id, "host": host.host, "ou": ""}, host.error)
    for one in found.accounts:
        error = error_of(found, one) if id(one) in not_ready else None
        account = one.account
        known = {"account_id": account.account_id, "host": account.host, "ou": account.ou}
        known |= {"account_name": account.account_name} if account.account_name else {}
        yield _row(known, error, [_finding_row(each) for each in one.findings])


def _finding_row(found: Finding) -> FindingRow:
    return {"severity": found.severity, "code": found.code, "message": found.message}


def _row(known: Mapping[str, str], error: SentinelError | None, findings: Sequence[FindingRow] = ()) -> AccountRow:
    """Return a row of the report; `known` is what identifies the account."""
    row: Any = {
        **known,
        "status": "failed" if error else "ok",
        "resources": [],
        "findings": list(findings),
        "calls": [],
        "diff": [],
    }
    if error:
        row["error"] = {"class": error.kind, "message": str(error)}
    result: AccountRow = row
    return result
