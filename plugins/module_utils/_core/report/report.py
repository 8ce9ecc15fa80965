# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of a run, in a folder of its own: JSON, Markdown, HTML, JUnit XML, CSV, OpenMetrics and OCSF."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict
from urllib.parse import quote

from ..model.account import label
from ..model.docs_links import error_url, finding_url
from ..model.errors import cannot
from ..model.findings import CHECKS, properties_of
from ..model.report_row import AccountRow, ErrorRow, FindingRow, HistoryEntry, ReportHeader
from ..model.text import one_line, visible
from . import comparison, csv, folders, headline, history, html_data, index, merge, metrics, ocsf, style, trend
from .comparison import Comparison
from .statistics import (
    AccountState,
    Statistics,
    broken_link_text,
    health_text,
    ingestion_status_of,
    is_unexpected,
    is_verification,
)
from .times import epoch_seconds

if TYPE_CHECKING:
    from jinja2 import Environment

SCHEMA = 1


class JUnitCase(TypedDict):
    """One account or failed orphan in the JUnit file; `kind` is error, failure, or "" for a test that passed."""

    name: str
    kind: str
    type: str
    message: str


def write(
    folder: Path, header: ReportHeader, rows: Sequence[AccountRow], run: str = "", notes: list[str] | None = None
) -> Path:
    """Write the files of a run below `folder`, and return the new folder that contains them.

    Earlier runs are kept; a run with the same start and playbook is replaced. No file is ever incomplete. With `run`,
    accounts are added to the report of that name; a report that is hours older is archived under its start time first.
    `notes` receives what is missing because files of other runs cannot be read or written. Raises SentinelError if the
    report itself cannot be written.
    """
    target = folder / folders.folder_name(header, run)
    try:
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
        with merge.exclusive_lock(target / ".lock") if run else nullcontext():
            before = merge.read(target) if run else None
            if before and merge.is_separate_run(merge.period_of(before), merge.period_of(header)):
                merge.archive(target, folder / folders.archive_name(before, target.name))
            elif before:
                header, rows = merge.merged(before, header, rows)
            rows = sorted(rows, key=lambda row: str(row["account_id"]))
            _write_all(folder, target, _with_defaults(header, run), rows, [] if notes is None else notes)
    except OSError as error:
        raise cannot("bad_input", f"write the report to {folder}", str(error)) from error
    return target


def _with_defaults(header: ReportHeader, run: str) -> ReportHeader:
    defaults = {"check_mode": False, "workspaces": [], "organization": None, "orphans": [], "summary": {}}
    whole: Any = {**defaults, **header, "schema": SCHEMA, **({"run": run} if run else {})}
    result: ReportHeader = whole
    return result


@contextmanager
def _noted(notes: list[str], action: str) -> Iterator[None]:
    """Add a note if files of other runs cannot be read or written; such files may belong to another user."""
    try:
        yield
    except OSError as error:
        notes.append(f"Cannot {action}: {error}.")


def _write_all(folder: Path, target: Path, header: ReportHeader, rows: Sequence[AccountRow], notes: list[str]) -> None:
    statistics = Statistics(header, rows)
    entry = _history_entry(header, statistics)
    runs, since = [entry], None
    with _noted(notes, "compare with earlier runs"):
        runs = history.read(folder, header["playbook"], entry)
        since = comparison.with_last_run(folder, runs, entry, rows, statistics.account_states)
    folders.replace(target / "report.json", _json_chunks(header, rows, statistics, since))
    folders.replace(target / "report.csv", csv.csv_lines(rows, statistics, since))
    folders.replace(target / "report.prom", metrics.metric_lines(header, rows, statistics))
    folders.replace(target / "report.ocsf.jsonl", ocsf.event_lines(header, rows, statistics))
    environment = _template_environment()
    variables = _template_variables(header, rows, statistics, runs) | {"since": since}
    for name in ("report.md", "report.junit.xml"):
        folders.replace(target / name, environment.get_template(f"{name}.j2").generate(variables))
    files = sorted(path.name for path in target.glob("report.*") if path.name != "report.html")
    page = variables | _embedded(header, rows, statistics, since) | {"files": files}
    folders.replace(target / "report.html", environment.get_template("report.html.j2").generate(page))
    folders.point_latest(target)
    with _noted(notes, "add the run to the history and the index"):
        history.append(folder, entry)
        with merge.exclusive_lock(folder / history.HISTORY_FILE):
            index.write(folder, environment, history.read(folder))


def _history_entry(header: ReportHeader, statistics: Statistics) -> HistoryEntry:
    names = ("started", "finished", "playbook", "check_mode", "run")
    entry: Any = {name: value for name in names if (value := header.get(name)) is not None}
    entry["numbers"] = statistics.numbers
    result: HistoryEntry = entry
    return result


def _to_json(value: object) -> str:
    """Return the JSON of a value; if it has invisible characters, everything but ASCII is escaped, without loss."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    return text if text.isprintable() else json.dumps(value, separators=(",", ":"), default=str)


def _json_chunks(
    header: ReportHeader, rows: Sequence[AccountRow], statistics: Statistics, since: Comparison | None
) -> Iterator[str]:
    failures = [{"class": one["class"], "accounts": len(one["accounts"])} for one in statistics.failures]
    head = {
        **header,
        "numbers": statistics.numbers,
        "findings": statistics.severities,
        "failures": failures,
        **({"since_last_run": since.show()} if since else {}),
    }
    yield _to_json(head)[:-1] + ',\n"accounts": ['
    for number, row in enumerate(rows):
        yield (",\n" if number else "\n") + _to_json(row)
    yield "\n]}\n"


def _template_environment() -> Environment:
    # Jinja2 is slow to import, and a run without a report does not need it.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

    environment = Environment(
        loader=FileSystemLoader(style.TEMPLATES),
        autoescape=select_autoescape(("html.j2", "xml.j2"), default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_visible_text,
    )
    environment.filters |= {
        "plain": markdown_text,
        "code": markdown_code,
        "url_part": url_part,
        "breakable": breakable,
        "finding_url": finding_url,
        "error_url": error_url,
        "health": health_text,
        "ingestion_status": ingestion_status_of,
        "broken_link": broken_link_text,
        "page_filter": comparison.page_filter,
        "n": "{:,}".format,
    }
    return environment


def _visible_text(value: object) -> object:
    """Escape characters that XML cannot contain, or that hide or reorder the text around them."""
    return visible(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


def url_part(text: str) -> str:
    """Return a text as the page displays it, percent-encoded for a URL."""
    return quote(visible(text), safe="/")


def breakable(text: str) -> str:
    """Return a text as HTML in which paths and ARNs are broken after a slash rather than anywhere."""
    from markupsafe import Markup, escape

    return Markup("/<wbr>").join(escape(part) for part in visible(text).split("/"))


def markdown_text(text: object) -> str:
    """Return a text for Markdown on one line, in which nothing is markup and no user is mentioned."""
    line = one_line(" ".join(str(text).split()))
    escaped = re.sub(r"([\\`*_{}\[\]()#+!|~$^-])", r"\\\1", line).replace("&", "&amp;").replace("<", "&lt;")
    return escaped.replace(">", "&gt;").replace("@", "@&#8288;")


def markdown_code(text: object) -> str:
    """Return a text as a code span that may stand in a table of Markdown."""
    line = one_line(" ".join(str(text).split())).replace("|", "\\|")
    fence = "`" * (1 + max(map(len, re.findall("`+", line)), default=0))
    blank = " " if "`" in line else ""
    return f"{fence}{blank}{line}{blank}{fence}" if line else ""


def _template_variables(
    header: ReportHeader, rows: Sequence[AccountRow], statistics: Statistics, runs: Sequence[HistoryEntry]
) -> dict[str, Any]:
    verified = is_verification(header)
    return {
        "header": header,
        "statistics": statistics,
        "verified": verified,
        "security": _security_findings(rows, statistics),
        "unexpected": _unexpected(rows, statistics),
        "headline": headline.headline(header, rows, statistics),
        "steps": headline.next_steps(header, rows, statistics),
        # The position of a check in CHECKS is that of its letter in the states of an account.
        "checks": [
            {"name": name, "index": index, **check._asdict()}
            for index, (name, check) in enumerate(CHECKS.items())
            if any((ou.checked[name] and not verified) or ou.found[name] for ou in statistics.heat_map)
        ],
        "heat_map": statistics.heat_map if any(ou.found.total() for ou in statistics.heat_map) else [],
        "runs": runs,
        "trend_numbers": trend.NUMBERS,
        "junit": _junit(header, rows, statistics),
        "panels": trend.trend_panels(runs),
        "size": (trend.WIDTH, trend.HEIGHT, trend.LEFT, trend.WIDTH - trend.RIGHT),
        "when": _display_time(header["started"]),
        "seconds": max(0, epoch_seconds(header["finished"]) - epoch_seconds(header["started"])),
    }


def _unexpected(rows: Sequence[AccountRow], statistics: Statistics) -> list[AccountRow]:
    """Return the accounts whose events are not as expected, the most urgent ones first."""
    pairs = zip(rows, statistics.account_states, strict=True)
    return [row for row, _state in sorted(pairs, key=lambda pair: pair[1].priority) if is_unexpected(row)]


def _security_findings(rows: Sequence[AccountRow], statistics: Statistics) -> list[tuple[AccountRow, FindingRow, bool]]:
    """Return the security findings of all accounts, and whether each is still open."""
    return [
        (row, finding, is_open)
        for row, state in zip(rows, statistics.account_states, strict=True)
        for finding, is_open in zip(row.get("findings", ()), state.open, strict=True)
        if properties_of(finding["code"]).security
    ]


def _junit(header: ReportHeader, rows: Sequence[AccountRow], statistics: Statistics) -> dict[str, Any]:
    pairs = zip(rows, statistics.account_states, strict=True)
    cases = [*_cases_of_the_run(header), *(_test_case(header, row, state) for row, state in pairs)]
    counts = Counter(case["kind"] for case in cases)
    return {"cases": cases, **{name: counts[name] for name in ("error", "failure")}}


def _cases_of_the_run(header: ReportHeader) -> Iterator[JUnitCase]:
    """Yield an error for an interruption, and for each orphan that could not be searched for or removed."""
    if why := header.get("interrupted"):
        yield {"name": "run", "kind": "error", "type": "interrupted", "message": why}
    for one in headline.failed_orphans(header):
        names = ("orphan", one.get("account_id"), one.get("connector_id") or one.get("role_arn"))
        name = " ".join(str(part) for part in names if part)
        yield {"name": name, "kind": "error", "type": "orphan", "message": str(one["error"])}


def _test_case(header: ReportHeader, row: AccountRow, state: AccountState) -> JUnitCase:
    names = (row["account_id"], row.get("host"), row.get("account_name"))
    case: JUnitCase = {"name": label(*(one or "" for one in names)), "kind": "", "type": "", "message": ""}
    if row["status"] in ("failed", "skipped"):
        error = row.get("error") or _reason(header, row["status"])
        return {**case, "kind": "error", "type": error["class"], "message": error["message"]}
    if state.attention:
        kind, message = _failure(row, state)
        return {**case, "kind": "failure", "type": kind, "message": message}
    return case


def _reason(header: ReportHeader, status: str) -> ErrorRow:
    """Return why an account without an error of its own was not completed."""
    if status == "failed":
        return {"class": status, "message": "The account failed."}
    reasons = [one["message"] for one in header.get("skip_reasons", ())]
    return {"class": status, "message": " ".join(["The account was skipped.", *reasons])}


def _failure(row: AccountRow, state: AccountState) -> tuple[str, str]:
    """Return type and message of a test that failed: the open findings, and the problem with events."""
    findings = _unaccepted_findings(row, state)
    lines = [f"{finding['severity']} {finding['code']}: {finding['message']}" for finding in findings]
    ingestion, ingestion_status = row.get("ingestion"), ingestion_status_of(row)
    if ingestion and is_unexpected(row):
        lines += [f"events {ingestion_status}: {ingestion.get('message') or ''}", *headline.evidence(ingestion)]
    kind = next((finding["code"] for finding in findings), ingestion_status or "drift")
    return kind, "\n".join(lines) or "The account differs from the desired state."


def _unaccepted_findings(row: AccountRow, state: AccountState) -> list[FindingRow]:
    """Return the open findings that are not accepted."""
    pairs = zip(row.get("findings", ()), state.open, strict=True)
    return [finding for finding, is_open in pairs if is_open and not finding.get("accepted")]


def _embedded(
    header: ReportHeader, rows: Sequence[AccountRow], statistics: Statistics, since: Comparison | None
) -> dict[str, Any]:
    """Return the accounts of the page, its style and script."""
    accounts = html_data.page_rows(header, rows, statistics, since)
    return {
        "accounts": accounts[: html_data.PAGE_SIZE],
        "total": len(accounts),
        "columns": html_data.columns(accounts, verified=is_verification(header)),
        "marks": html_data.MARKS,
        "data": html_data.compressed(accounts),
        **style.embedded("report.css", "report.js"),
    }


def _display_time(iso: str) -> str:
    return f"{datetime.fromtimestamp(epoch_seconds(iso), UTC):%Y-%m-%d %H:%M} UTC"
