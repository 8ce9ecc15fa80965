# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Responses of IAM and STS are read as botocore's parser reads them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape

import botocore.session
import pytest
from botocore.parsers import QueryParser
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.cloud import query_response, signed
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.cloud.response import MalformedResponseError
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.cloud.service import timestamp

SESSION = botocore.session.Session()
OPERATIONS = {
    name: SESSION.get_service_model(service).operation_model(name)
    for service in ("iam", "sts")
    for name in SESSION.get_service_model(service).operation_names
}
READABLE = [name for name, model in OPERATIONS.items() if query_response.reader_of(model, timestamp)]
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), max_size=12)
SCALARS: dict[str, st.SearchStrategy[str]] = {
    "string": TEXT.map(escape),
    "integer": st.integers(-(2**31), 2**31).map(str),
    "boolean": st.sampled_from(["true", "false"]),
    "timestamp": st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001
        lambda time: time.strftime("%Y-%m-%dT%H:%M:%SZ")
    ),
}


def written(shape: Any, tag: str, draw: st.DrawFn) -> str:
    """Return an element of a shape, in which any part may be absent, and unknown ones may be added."""
    if shape.type_name == "structure":
        names = [name for name in shape.members if draw(st.booleans())]
        parts = [written(shape.members[name], name, draw) for name in names]
        content = "".join([*parts, "<Unknown>new</Unknown>" if draw(st.booleans()) else ""])
    elif shape.type_name == "list":
        content = "".join(written(shape.member, "member", draw) for _number in range(draw(st.integers(0, 2))))
    else:
        content = draw(SCALARS[shape.type_name])
    return f"<{tag}>{content}</{tag}>"


@st.composite
def responses(draw: st.DrawFn) -> tuple[str, bytes]:
    """An operation, and the body of a response."""
    name = draw(st.sampled_from(READABLE))
    shape = OPERATIONS[name].output_shape
    namespace = draw(st.sampled_from(["", ' xmlns="https://iam.amazonaws.com/doc/2010-05-08/"']))
    result = written(shape, shape.serialization["resultWrapper"], draw)
    metadata = "<ResponseMetadata><RequestId>7a62c49f</RequestId></ResponseMetadata>"
    return name, f"<{name}Response{namespace}>{result}{metadata}</{name}Response>".encode()


def read(name: str, body: bytes) -> dict[str, Any]:
    reader = query_response.reader_of(OPERATIONS[name], timestamp)
    assert reader
    return reader(body)


@given(responses())
def test_a_response_is_read_as_by_botocore(response: tuple[str, bytes]) -> None:
    name, body = response
    parser = QueryParser(timestamp_parser=timestamp)
    expected = parser.parse({"status_code": 200, "headers": {}, "body": body}, OPERATIONS[name].output_shape)
    del expected["ResponseMetadata"]["HTTPHeaders"]
    assert read(name, body) == expected


@pytest.mark.parametrize("name", ["AssumeRole", "GetRole", "ListAttachedRolePolicies", "ListRolePolicies"])
def test_the_calls_in_every_account_need_no_other_parser(name: str) -> None:
    assert name in READABLE


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"<GetRoleResponse/>",
        b"<GetRoleResponse><GetRoleResult><Role><Path>/</Path></Role></GetRoleResponse>",
        b"<R><GetRoleResult><Role><MaxSessionDuration>long</MaxSessionDuration></Role></GetRoleResult></R>",
        b"<R><GetRoleResult><Role><CreateDate>soon</CreateDate></Role></GetRoleResult></R>",
    ],
)
def test_another_format_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedResponseError):
        read("GetRole", body)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_form_is_quoted_as_by_the_standard_library(text: str) -> None:
    assert signed._quoted(text) == quote(text, safe="")


LISTED = """<ListRolePoliciesResponse><ListRolePoliciesResult>
<PolicyNames>{names}</PolicyNames><IsTruncated>false</IsTruncated></ListRolePoliciesResult>
<ResponseMetadata>{metadata}</ResponseMetadata></ListRolePoliciesResponse>"""


@given(st.lists(st.tuples(st.lists(TEXT, max_size=3), st.none() | TEXT), max_size=6))
def test_equal_listings_are_read_once_and_keep_their_own_request_ids(
    listings: list[tuple[list[str], str | None]],
) -> None:
    read = query_response.reader_of(OPERATIONS["ListRolePolicies"], timestamp)
    assert read
    for names, request_id in listings:
        members = "".join(f"<member>{escape(name)}</member>" for name in names)
        metadata = "" if request_id is None else f"<RequestId>{quote(request_id)}</RequestId>"
        found = read(LISTED.format(names=members, metadata=metadata).encode())
        assert found["PolicyNames"] == names
        assert found["ResponseMetadata"].get("RequestId") == (None if request_id is None else quote(request_id))


def test_a_malformed_listing_stays_an_error() -> None:
    read = query_response.reader_of(OPERATIONS["ListRolePolicies"], timestamp)
    assert read
    for _again in range(2):
        with pytest.raises(MalformedResponseError):
            read(b"<ListRolePoliciesResponse><RequestId>1</RequestId></ListRolePoliciesResponse>")
