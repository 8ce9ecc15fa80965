# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of an S3 connector and its JSON; the codes of Microsoft Sentinel's connectivity check."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.connector import s3
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.connector.s3 import S3Connector
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3 import error_codes
from tests.emulators.s3_connection import S3Connection

ONE = S3Connection()
RIGHT = S3Connector("first", ONE.role_arn, (ONE.queue.url,), "AWSCloudTrail", etag='"1"')


def raw(body: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A connector as the API returns it."""
    return {"name": "first", "etag": '"1"', **body, **changes}


def test_a_connector_is_parsed_into_its_record() -> None:
    assert s3.parse(raw(ONE.connector())) == RIGHT
    off = s3.parse(raw(ONE.connector(dataTypes={"logs": {"state": "disabled"}})))
    assert off == replace(RIGHT, enabled=False)


def test_a_codeless_connector_is_parsed_with_its_definition() -> None:
    found = s3.parse(raw(ONE.codeless()))
    expected = replace(RIGHT, destination_table="", codeless=True, definition="AwsS3WafCcpDefinition")
    assert found == expected


@pytest.mark.parametrize("kind", ["AmazonWebServicesCloudTrail", "RestApiPoller", "", None])
def test_other_kinds_are_ignored(kind: Any) -> None:
    assert s3.parse(raw(ONE.connector(), kind=kind)) is None


def test_a_new_connector_is_the_documented_body() -> None:
    new = s3.put(replace(RIGHT, etag=None)).args
    assert new == {"data_connector_id": "first", "data_connector": ONE.connector()}


def test_properties_that_are_not_known_are_kept() -> None:
    read = s3.parse(raw(ONE.connector(sqsConfig={"x": 1}, dataTypes={"logs": {"state": "disabled", "y": 2}})))
    assert read
    body = s3.put(replace(read, enabled=True, destination_table="AWSVPCFlow")).args["data_connector"]
    logs = {"state": "Enabled", "y": 2}
    expected = ONE.connector(destinationTable="AWSVPCFlow", sqsConfig={"x": 1}, dataTypes={"logs": logs})
    assert body == {**expected, "etag": '"1"'}


@pytest.mark.parametrize("code", error_codes.CODES)
def test_a_code_is_found_in_the_message_of_a_failed_check(code: str) -> None:
    assert error_codes.find(f"Connectivity check failed: Status code:{code}, Message: x") == code
    assert error_codes.explain(code).fix.endswith(".")


def test_an_unknown_code_has_a_cause_and_a_fix() -> None:
    assert error_codes.find("Status code:S3B49999") == "S3B49999"
    assert all(error_codes.explain("S3B49999")[:2])
    assert error_codes.find("connector validation failed") == ""


def test_only_what_passes_by_itself_is_temporary() -> None:
    assert [code for code, one in error_codes.CODES.items() if one.temporary] == ["S3B40011", "S3B40029"]
