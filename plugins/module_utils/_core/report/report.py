# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of a run: results to JSON, Markdown, HTML, JUnit and CSV, kept by date."""

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
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ..model.errors import CLASSES, cannot
from ..model.findings import CODES
from ..model.text import one_line, visible
from . import csv, history, html_data, merge, trend
from .statistics import CHECKS, FINE, INGESTION_STATUSES, Header, Look, Record, Statistics, ingestion_status_of

if TYPE_CHECKING:
    from jinja2 import Environment

SCHEMA = 1
TEMPLATES = Path(__file__).parent / "templates"

UNWELL = [ingestion_status for ingestion_status, state in INGESTION_STATUSES.items() if state != FINE]
DEFAULTS: Header = {"check_mode": False, "workspaces": [], "organization": None, "orphans": [], "summary": {}}


def write(folder: Path, header: Header, records: Sequence[Record], run: str = "") -> Path:
    """Write the five files of a run below `folder`, and return the new folder that holds them.

    `header` and `records` are described in docs/report.md. A run of the same start and playbook is written anew, every
    other one is kept. Each file is whole at any moment. What has the name of a `run` is added to what is there under
    that name, unless that is of another night: then it is set aside, with its date behind the name. Raises
    SentinelError when it cannot be written.
    """
    target = folder / _name(header, run)
    try:
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
        with merge.alone(target) if run else nullcontext():
            before = merge.read(target) if run else None
            if before and merge.is_of_another_night(before, header):
                merge.set_aside(target, folder / _dated(before, target.name))
            elif before:
                header, records = merge.merged(before, header, records)
            header = {**DEFAULTS, **header, "schema": SCHEMA, **({"run": run} if run else {})}
            _write_all(folder, target, header, sorted(records, key=lambda record: str(record["account_id"])))
    except OSError as error:
        raise cannot("bad_input", f"write the report to {folder}", str(error)) from error
    return target


def _write_all(folder: Path, target: Path, header: Header, records: Sequence[Record]) -> None:
    statistics = Statistics(header, records)
    run = {key: header[key] for key in ("started", "finished", "playbook", "check_mode", "run") if key in header}
    run["numbers"] = statistics.numbers
    runs = history.read(folder, header["playbook"], run)
    _replace(target / "report.json", _json(header, records, statistics))
    _replace(target / "report.csv", csv.lines(records, statistics))
    environment, values = _environment(), _values(header, records, statistics, runs)
    for name in ("report.md", "report.junit.xml"):
        _replace(target / name, environment.get_template(f"{name}.j2").generate(values))
    _replace(
        target / "report.html",
        environment.get_template("report.html.j2").generate(values | _parts(records, statistics)),
    )
    history.add(folder, run)


def _name(header: Header, run: str) -> str:
    if run:
        return _safe(f"{run}-{header['playbook']}{'-check' if header.get('check_mode') else ''}")
    return _safe(f"{_compact(header)}-{header['playbook']}")


def _dated(header: Header, name: str) -> str:
    return _safe(f"{name}-{_compact(header)}")


def _compact(header: Header) -> str:
    return re.sub(r"\+00:00$", "Z", header["started"]).replace(":", "")


def _safe(name: str) -> str:
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


def _json(header: Header, records: Sequence[Record], statistics: Statistics) -> Iterator[str]:
    failures = [{"class": one["class"], "accounts": len(one["accounts"])} for one in statistics.failures]
    head = {**header, "numbers": statistics.numbers, "findings": statistics.severities, "failures": failures}
    yield html_data.packed(head)[:-1] + ',\n"accounts": ['
    for number, record in enumerate(records):
        yield (",\n" if number else "\n") + html_data.packed(record)
    yield "\n]}\n"


def _environment() -> Environment:
    # Jinja2 takes a while to load, and runs without a report do without.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(("html.j2", "xml.j2"), default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_clean,
    )
    environment.filters |= {"plain": plain, "code": code, "link": link, "n": "{:,}".format}
    return environment


def _clean(value: object) -> object:
    """Leave nothing that XML cannot hold, or that moves, hides or reorders what stands around it."""
    return visible(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


def link(text: str) -> str:
    """Return a text as a part of an address, half surrogate pairs included."""
    return quote(text.encode(errors="replace"), safe="/")


def plain(text: object) -> str:
    """Return a text for Markdown in which nothing is markup, no line ends, and nobody is called by name."""
    line = one_line(" ".join(str(text).split()))
    escaped = re.sub(r"([\\`*_{}\[\]()#+!|~$^-])", r"\\\1", line).replace("&", "&amp;").replace("<", "&lt;")
    return escaped.replace(">", "&gt;").replace("@", "@&#8288;")


def code(text: object) -> str:
    """Return a text as a code span that may stand in a table of Markdown."""
    line = one_line(" ".join(str(text).split())).replace("|", "\\|")
    fence = "`" * (1 + max(map(len, re.findall("`+", line)), default=0))
    blank = " " if "`" in line else ""
    return f"{fence}{blank}{line}{blank}{fence}" if line else ""


def _values(header: Header, records: Sequence[Record], statistics: Statistics, runs: Sequence[Any]) -> dict[str, Any]:
    return {
        "header": header,
        "statistics": statistics,
        "security": [
            (record, one, still)
            for record, seen in zip(records, statistics.looks, strict=True)
            for one, still in zip(record.get("findings", ()), seen.open, strict=True)
            if one["code"] in CODES and CODES[one["code"]].security
        ],
        "silent": [one for one in records if ingestion_status_of(one) in UNWELL],
        "checks": [name for name in CHECKS if any(group.known[name] or group.found[name] for group in statistics.heat)],
        "runs": runs,
        "junit": _junit(header, records, statistics),
        "panels": trend.trend(runs),
        "size": (trend.WIDTH, trend.HEIGHT, trend.LEFT, trend.WIDTH - trend.RIGHT),
        "when": _moment(header["started"]),
        "seconds": max(0, _seconds(header["finished"]) - _seconds(header["started"])),
    }


def _junit(header: Header, records: Sequence[Record], statistics: Statistics) -> dict[str, Any]:
    cases = [_case(header, record, seen) for record, seen in zip(records, statistics.looks, strict=True)]
    counts = Counter(case["kind"] for case in cases)
    return {"cases": cases, **{name: counts[name] for name in ("error", "failure", "skipped")}}


def _case(header: Header, record: Record, seen: Look) -> dict[str, Any]:
    case = {"name": f"{record['account_id']} {record.get('host') or ''}", "kind": "", "type": "", "message": ""}
    if record["status"] == "failed":
        error = record.get("error") or {"class": "failed", "message": "The account failed."}
        return case | {"kind": "error", "type": error["class"], "message": error["message"]}
    if record["status"] == "skipped":
        return case | {"kind": "skipped"}
    if (header["check_mode"] and record["status"] == "changed") or set(seen.states) & set("chml"):
        found = zip(record.get("findings", ()), seen.open, strict=True)
        left = [one for one, still in found if still and not one.get("accepted")]
        told = [f"{one['severity']} {one['code']}: {one['message']}" for one in left]
        ingestion_status = ingestion_status_of(record)
        told += (
            [f"events {ingestion_status}: {record['ingestion'].get('message') or ''}"]
            if ingestion_status in UNWELL
            else []
        )
        kind = next((one["code"] for one in left), ingestion_status or "drift")
        return case | {"kind": "failure", "type": kind, "message": "\n".join(told) or "It differs from the wish."}
    return case


def _parts(records: Sequence[Record], statistics: Statistics) -> dict[str, Any]:
    """Return what the page holds inside of it, and the hashes that let the browser run nothing else."""
    from markupsafe import Markup

    style, script = ((TEMPLATES / name).read_text(encoding="utf-8") for name in ("report.css", "report.js"))
    parts = {"style": style, "script": script, "data": html_data.data(records, statistics)}
    parts["advice"] = json.dumps({name: advice for name, (_what, advice) in CLASSES.items()}).replace("<", "\\u003c")
    # Two are files of ours, the others hold no "<": nothing of an account can end the element that it stands in.
    marked = {name: Markup(text) for name, text in parts.items()}  # noqa: S704
    return {**marked, "style_hash": _hash(style), "script_hash": _hash(script)}


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _seconds(iso: str) -> float:
    moment = datetime.fromisoformat(iso)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _moment(iso: str) -> str:
    return f"{datetime.fromtimestamp(_seconds(iso), UTC):%Y-%m-%d %H:%M} UTC"
