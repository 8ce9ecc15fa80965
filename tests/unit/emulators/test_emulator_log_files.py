# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of flow logs, findings and log events as rows; what is in another format is none."""

from __future__ import annotations

import gzip

import pytest

from tests.emulators import log_files
from tests.emulators.tables import COLUMNS

ACCOUNT = "111111111111"


@pytest.mark.parametrize("table", log_files.PARSERS)
def test_a_file_becomes_rows_with_the_columns_of_its_table(table: str) -> None:
    [row] = log_files.PARSERS[table](log_files.content(table, ACCOUNT)) or []
    assert row.keys() <= COLUMNS[table].keys()
    assert ACCOUNT in str(row)


@pytest.mark.parametrize(
    ("table", "data"),
    [
        ("AWSVPCFlow", b"PAR1"),
        ("AWSVPCFlow", gzip.compress(b"2 111111111111 eni-1\n", mtime=0)),
        ("AWSGuardDuty", gzip.compress(b"not JSON\n", mtime=0)),
        ("AWSGuardDuty", b"{}"),
        ("AWSCloudWatch", b"plain"),
    ],
)
def test_another_format_is_not_read(table: str, data: bytes) -> None:
    assert log_files.PARSERS[table](data) is None


def test_the_time_of_a_flow_log_without_start_is_that_of_the_ingestion() -> None:
    header, record = "version account-id action", f"2 {ACCOUNT} REJECT"
    [row] = log_files.flow_rows(gzip.compress(f"{header}\n{record}\n".encode())) or []
    assert "TimeGenerated" not in row
