# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of a run, in a folder of its own: JSON, Markdown, HTML, JUnit XML, CSV, OpenMetrics and OCSF."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict
from urllib.parse import quote

from ..model.docs_links import error_url, finding_url
from ..model.errors import cannot
from ..model.findings import CHECKS, properties_of
from ..model.report_row import AccountRow, FindingRow, HistoryEntry, ReportHeader
from ..model.text import one_line, visible
from . import csv, history, html_data, merge, metrics, ocsf, trend
from .statistics import PASSED, STATE_BY_INGESTION_STATUS, AccountState, Statistics, ingestion_status_of
from .times import epoch_seconds

if TYPE_CHECKING:
    from jinja2 import Environment

SCHEMA = 1
TEMPLATES = Path(__file__).parent / "templates"

INGESTION_PROBLEMS = [status for status, state in STATE_BY_INGESTION_STATUS.items() if state != PASSED]


class JUnitCase(TypedDict):
    """One account in the JUnit file; `kind` is error, failure, skipped, or "" for a test that passed."""

    name: str
    kind: str
    type: str
    message: str


def write(folder: Path, header: ReportHeader, rows: Sequence[AccountRow], run: str = "") -> Path:
    """Write the files of a run below `folder`, and return the new folder that contains them.

    Earlier runs are kept; a run with the same start and playbook is replaced. No file is ever incomplete. With `run`,
    accounts are added to the report of that name; a report that is hours older is archived under its start time first.
    Raises SentinelError if it cannot be written.
    """
    target = folder / _folder_name(header, run)
    try:
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
        with merge.exclusive_lock(target) if run else nullcontext():
            before = merge.read(target) if run else None
            if before and merge.is_separate_run(merge.period_of(before), merge.period_of(header)):
                merge.archive(target, folder / _archive_name(before, target.name))
            elif before:
                header, rows = merge.merged(before, header, rows)
            _write_all(
                folder, target, _with_defaults(header, run), sorted(rows, key=lambda row: str(row["account_id"]))
            )
    except OSError as error:
        raise cannot("bad_input", f"write the report to {folder}", str(error)) from error
    return target


def _with_defaults(header: ReportHeader, run: str) -> ReportHeader:
    defaults = {"check_mode": False, "workspaces": [], "organization": None, "orphans": [], "summary": {}}
    whole: Any = {**defaults, **header, "schema": SCHEMA, **({"run": run} if run else {})}
    result: ReportHeader = whole
    return result


def _write_all(folder: Path, target: Path, header: ReportHeader, rows: Sequence[AccountRow]) -> None:
    statistics = Statistics(header, rows)
    entry = _history_entry(header, statistics)
    runs = history.read(folder, header["playbook"], entry)
    _replace(target / "report.json", _json_chunks(header, rows, statistics))
    _replace(target / "report.csv", csv.csv_lines(rows, statistics))
    _replace(target / "report.prom", metrics.metric_lines(header, rows, statistics))
    _replace(target / "report.ocsf.jsonl", ocsf.event_lines(header, rows, statistics))
    environment, variables = _template_environment(), _template_variables(header, rows, statistics, runs)
    for name in ("report.md", "report.junit.xml"):
        _replace(target / name, environment.get_template(f"{name}.j2").generate(variables))
    _replace(
        target / "report.html",
        environment.get_template("report.html.j2").generate(variables | _embedded(rows, statistics)),
    )
    history.append(folder, entry)


def _history_entry(header: ReportHeader, statistics: Statistics) -> HistoryEntry:
    names = ("started", "finished", "playbook", "check_mode", "run")
    entry: Any = {name: value for name in names if (value := header.get(name)) is not None}
    entry["numbers"] = statistics.numbers
    result: HistoryEntry = entry
    return result


def _folder_name(header: ReportHeader, run: str) -> str:
    if run:
        return _file_name(f"{run}-{header['playbook']}{'-check' if header.get('check_mode') else ''}")
    return _file_name(f"{_compact_start(header)}-{header['playbook']}")


def _archive_name(header: ReportHeader, name: str) -> str:
    return _file_name(f"{name}-{_compact_start(header)}")


def _compact_start(header: ReportHeader) -> str:
    return re.sub(r"\+00:00$", "Z", header["started"]).replace(":", "")


def _file_name(name: str) -> str:
    return re.sub(r"[^0-9A-Za-z.+-]", "_", name).lstrip(".")


def _replace(path: Path, chunks: Iterable[str]) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="replace", newline="") as file:
            file.writelines(chunks)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _to_json(value: object) -> str:
    """Return the JSON of a value; if it has invisible characters, everything but ASCII is escaped, without loss."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    return text if text.isprintable() else json.dumps(value, separators=(",", ":"), default=str)


def _json_chunks(header: ReportHeader, rows: Sequence[AccountRow], statistics: Statistics) -> Iterator[str]:
    failures = [{"class": one["class"], "accounts": len(one["accounts"])} for one in statistics.failures]
    head = {**header, "numbers": statistics.numbers, "findings": statistics.severities, "failures": failures}
    yield _to_json(head)[:-1] + ',\n"accounts": ['
    for number, row in enumerate(rows):
        yield (",\n" if number else "\n") + _to_json(row)
    yield "\n]}\n"


def _template_environment() -> Environment:
    # Jinja2 is slow to import, and a run without a report does not need it.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
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
        "finding_url": finding_url,
        "error_url": error_url,
        "n": "{:,}".format,
    }
    return environment


def _visible_text(value: object) -> object:
    """Escape characters that XML cannot contain, or that hide or reorder the text around them."""
    return visible(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


def url_part(text: str) -> str:
    """Return a text as the page displays it, percent-encoded for a URL."""
    return quote(visible(text), safe="/")


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
    return {
        "header": header,
        "statistics": statistics,
        "security": _security_findings(rows, statistics),
        "ingestion_problems": [row for row in rows if ingestion_status_of(row) in INGESTION_PROBLEMS],
        # The position of a check in CHECKS is that of its letter in the states of an account.
        "checks": [
            {"name": name, "index": index, **check._asdict()}
            for index, (name, check) in enumerate(CHECKS.items())
            if any(ou.checked[name] or ou.found[name] for ou in statistics.heat_map)
        ],
        "runs": runs,
        "junit": _junit(header, rows, statistics),
        "panels": trend.trend_panels(runs),
        "size": (trend.WIDTH, trend.HEIGHT, trend.LEFT, trend.WIDTH - trend.RIGHT),
        "when": _display_time(header["started"]),
        "seconds": max(0, epoch_seconds(header["finished"]) - epoch_seconds(header["started"])),
    }


def _security_findings(rows: Sequence[AccountRow], statistics: Statistics) -> list[tuple[AccountRow, FindingRow, bool]]:
    """Return the security findings of all accounts, and whether each is still open."""
    return [
        (row, finding, is_open)
        for row, state in zip(rows, statistics.account_states, strict=True)
        for finding, is_open in zip(row.get("findings", ()), state.open, strict=True)
        if properties_of(finding["code"]).security
    ]


def _junit(header: ReportHeader, rows: Sequence[AccountRow], statistics: Statistics) -> dict[str, Any]:
    cases = [_test_case(header, row, state) for row, state in zip(rows, statistics.account_states, strict=True)]
    counts = Counter(case["kind"] for case in cases)
    return {"cases": cases, **{name: counts[name] for name in ("error", "failure", "skipped")}}


def _test_case(header: ReportHeader, row: AccountRow, state: AccountState) -> JUnitCase:
    case: JUnitCase = {"name": f"{row['account_id']} {row.get('host') or ''}", "kind": "", "type": "", "message": ""}
    if row["status"] == "failed":
        error = row.get("error") or {"class": "failed", "message": "The account failed."}
        return {**case, "kind": "error", "type": error["class"], "message": error["message"]}
    if row["status"] == "skipped":
        return {**case, "kind": "skipped"}
    if (header["check_mode"] and row["status"] == "changed") or set(state.states) & set("chml"):
        kind, message = _failure(row, state)
        return {**case, "kind": "failure", "type": kind, "message": message}
    return case


def _failure(row: AccountRow, state: AccountState) -> tuple[str, str]:
    """Return type and message of a test that failed: the open findings, and the problem with events."""
    findings = _unaccepted_findings(row, state)
    lines = [f"{finding['severity']} {finding['code']}: {finding['message']}" for finding in findings]
    ingestion, ingestion_status = row.get("ingestion"), ingestion_status_of(row)
    if ingestion and ingestion_status in INGESTION_PROBLEMS:
        lines.append(f"events {ingestion_status}: {ingestion.get('message') or ''}")
    kind = next((finding["code"] for finding in findings), ingestion_status or "drift")
    return kind, "\n".join(lines) or "The account differs from the desired state."


def _unaccepted_findings(row: AccountRow, state: AccountState) -> list[FindingRow]:
    """Return the open findings that are not accepted."""
    pairs = zip(row.get("findings", ()), state.open, strict=True)
    return [finding for finding, is_open in pairs if is_open and not finding.get("accepted")]


def _embedded(rows: Sequence[AccountRow], statistics: Statistics) -> dict[str, Any]:
    """Return the accounts of the page, its style and script, and the hashes without which browsers run neither."""
    from markupsafe import Markup

    style, script = ((TEMPLATES / name).read_text(encoding="utf-8") for name in ("report.css", "report.js"))
    accounts = html_data.page_rows(rows, statistics)
    return {
        "accounts": accounts[: html_data.PAGE_SIZE],
        "total": len(accounts),
        "marks": html_data.MARKS,
        "data": html_data.compressed(accounts),
        # Files of this collection: no value of an account is in them.
        "style": Markup(style),  # noqa: S704
        "script": Markup(script),  # noqa: S704
        "style_hash": _hash(style),
        "script_hash": _hash(script),
    }


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _display_time(iso: str) -> str:
    return f"{datetime.fromtimestamp(epoch_seconds(iso), UTC):%Y-%m-%d %H:%M} UTC"
