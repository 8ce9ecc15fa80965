# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The queries in docs/queries are those of the code, and KQL to Microsoft's own parser."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.ingestion.queries import (
    events_query,
    health_query,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.ingestion.tables import TABLES
from tests.emulators.tables import COLUMNS
from tests.tools.skipped import NO_NODE

from .test_guides import ROOT

LOOKBACK = 7 * 86400
QUERIES = {
    "events": events_query(LOOKBACK, TABLES),
    "canary": events_query(LOOKBACK, TABLES, "trailbridge-0123456789abcdef"),
    "health": health_query(LOOKBACK),
}
PARSER = ROOT / "tests/kusto"
NEEDS_NODE = pytest.mark.skipif(not shutil.which("npm"), reason=NO_NODE)


def test_the_queries_to_paste_into_the_portal_are_those_of_the_code() -> None:
    files = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "docs/queries").glob("*.kql")}
    assert set(files) == set(QUERIES)
    for name, text in files.items():
        lines = text.splitlines(keepends=True)
        assert lines[0].startswith("// ")
        assert "".join(line for line in lines if not line.startswith("//")) == QUERIES[name]


@pytest.fixture(scope="module")
def parser() -> Path:
    """The folder of Microsoft's package, in the version of the lock file; it is downloaded once."""
    folder = ROOT.parents[2] / "cache/kusto"
    folder.mkdir(parents=True, exist_ok=True)
    wanted = (PARSER / "package-lock.json").read_bytes()
    have = folder / "package-lock.json"
    if not (folder / "node_modules").exists() or have.read_bytes() != wanted:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(PARSER / name, folder)
        install = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        subprocess.run(install, cwd=folder, check=True, capture_output=True, timeout=300)
    return folder / "node_modules/@kusto/language-service-next"


def messages(parser: Path, *queries: str) -> list[list[str]]:
    schemas = {
        table: "({})".format(", ".join(f"{name}:{kind}" for name, kind in columns.items()))
        for table, columns in COLUMNS.items()
    }
    done = subprocess.run(
        ["node", PARSER / "parse.cjs", parser],
        input=json.dumps({"schemas": schemas, "queries": queries}),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    found: list[list[str]] = json.loads(done.stdout)
    return found


@NEEDS_NODE
def test_microsofts_parser_accepts_the_queries(parser: Path) -> None:
    wrong = ("AWSCloudTrail | where Account == 'x'", "AWSCloudTrails | count", "AWSCloudTrail | wherever")
    found = messages(parser, *QUERIES.values(), *wrong)
    assert found[: len(QUERIES)] == [[] for _query in QUERIES]
    assert all(found[len(QUERIES) :]), "the parser does not find what is wrong"
