# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signed requests: the same endpoints and signatures as botocore, pages, retries, logging."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from contextlib import closing
from functools import cache
from typing import Any

import botocore.session
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.cloud import curl, service, signed
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.cloud.aws import Aws
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.cloud.curl import Http
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.cloud.network import RequestLostError
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.cloud.response import MalformedResponseError
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.cloud.service import Keys
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.cloud.signed import SignedService
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.credentials.credentials import (
    AssumeRole,
    AwsCredentials,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import SentinelError
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.role.permissions import policy_for
from tests.emulators import faults
from tests.emulators.client import Emulators
from tests.faults import engine

ACCOUNT = "111111111111"
ADMIN = AssumeRole(("OrganizationAccountAccessRole",))
ENDPOINTS: dict[str, tuple[str, dict[str, str], str, str]] = {
    "the default": ("iam", {}, "https://iam.amazonaws.com/", "us-east-1"),
    "another Region": (
        "sts",
        {"AWS_DEFAULT_REGION": "eu-west-1", "AWS_STS_REGIONAL_ENDPOINTS": "regional"},
        "https://sts.eu-west-1.amazonaws.com/",
        "eu-west-1",
    ),
    "FIPS": ("iam", {"AWS_USE_FIPS_ENDPOINT": "true"}, "https://iam-fips.amazonaws.com/", "us-east-1"),
    "dual-stack": (
        "sts",
        {"AWS_USE_DUALSTACK_ENDPOINT": "true", "AWS_DEFAULT_REGION": "eu-west-1"},
        "https://sts.eu-west-1.api.aws/",
        "eu-west-1",
    ),
    "GovCloud": ("iam", {"AWS_DEFAULT_REGION": "us-gov-west-1"}, "https://iam.us-gov.amazonaws.com/", "us-gov-west-1"),
    "China": ("iam", {"AWS_DEFAULT_REGION": "cn-north-1"}, "https://iam.cn-north-1.amazonaws.com.cn/", "cn-north-1"),
    "all services elsewhere": (
        "iam",
        {"AWS_ENDPOINT_URL": "https://here:8443/x"},
        "https://here:8443/x/",
        "us-east-1",
    ),
    "one service elsewhere": ("iam", {"AWS_ENDPOINT_URL_IAM": "http://here"}, "http://here/", "us-east-1"),
}


@pytest.fixture
def without_endpoint(monkeypatch: pytest.MonkeyPatch, here: Emulators) -> pytest.MonkeyPatch:
    """An environment with keys and without endpoint."""
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    return monkeypatch


async def opened(name: str) -> SignedService:
    with closing(Aws(AwsCredentials())) as aws:
        service = aws.service(name)
        assert isinstance(service, SignedService)
        return service


@pytest.mark.parametrize("case", ENDPOINTS)
def test_the_endpoint_is_the_one_of_botocore(without_endpoint: pytest.MonkeyPatch, case: str) -> None:
    name, environment, url, region = ENDPOINTS[case]
    for variable, value in environment.items():
        without_endpoint.setenv(variable, value)
    request = asyncio.run(opened(name))
    assert (request.url.rstrip("/"), request.region, request._signing_name) == (url.rstrip("/"), region, name)


def test_the_proxy_is_the_one_of_botocore(without_endpoint: pytest.MonkeyPatch) -> None:
    without_endpoint.setenv("HTTPS_PROXY", "proxy.example:3128")
    assert asyncio.run(opened("iam"))._proxy == "http://proxy.example:3128"
    without_endpoint.setenv("NO_PROXY", "iam.amazonaws.com")
    without_endpoint.setenv("no_proxy", "iam.amazonaws.com")
    assert asyncio.run(opened("iam"))._proxy is None


NOW = "20261122T153000Z"
texts = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=40)


@given(
    url=st.sampled_from(["https://iam.amazonaws.com/", "http://127.0.0.1:5000/", "https://h:8443/a/b"]),
    keys=st.builds(Keys, texts, texts, st.none() | texts),
    body=st.binary(max_size=200),
)
def test_signatures_are_equal_to_those_of_botocore(url: str, keys: Keys, body: bytes) -> None:
    signer = _service(url)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(signed, "_signing_time", lambda _seconds: NOW)
        given = {"content-type": "application/x-www-form-urlencoded"}
        unsigned = signed._Request(given, body, hashlib.sha256(body).hexdigest())
        headers = dict(line.split(": ", 1) for line in signer._headers(keys, unsigned))

    request = AWSRequest("POST", url, data=body, headers=given)
    request.context["timestamp"] = NOW
    auth = SigV4Auth(Credentials(keys.access_key, keys.secret_key, keys.token), "iam", "us-east-1")
    auth._modify_request_before_signing(request)
    canonical = auth.canonical_request(request)
    signature = auth.signature(auth.string_to_sign(request, canonical), request)
    auth._inject_signature_to_request(request, signature)
    assert headers["authorization"] == request.headers["Authorization"]


@cache
def _service(url: str) -> SignedService:
    client = botocore.session.Session().create_client(
        "iam",
        region_name="us-east-1",
        endpoint_url=url,
        aws_access_key_id="a",
        aws_secret_access_key="b",
        config=Config(parameter_validation=False),
    )
    return SignedService(client, None, None)  # type: ignore[arg-type]


def call(operation: str, **params: Any) -> dict[str, Any]:
    async def work() -> dict[str, Any]:
        with closing(Aws(AwsCredentials())) as aws:
            found: dict[str, Any] = await aws.service("iam").client(
                await aws.assume_role_in(ACCOUNT, ADMIN, policy_for(ACCOUNT, None, "read"))
            )(operation, **params)
            return found

    with engine.short_pauses():
        return asyncio.run(work())


LOST = {"reset before": {"reset": "before"}, "reset after": {"reset": "after"}}


PROXY_RESPONSE = {"status": 503, "body": "upstream connect error"}


@pytest.mark.parametrize("fault", [*LOST.values(), PROXY_RESPONSE, faults.UNAVAILABLE, faults.THROTTLED], ids=str)
def test_transient_failures_are_retried(here: Emulators, fault: dict[str, Any]) -> None:
    here.fault(operation="ListRoles", times=2, **fault)
    assert call("ListRoles")["Roles"] == []
    assert here.operations("iam").count("ListRoles") == 3


def test_a_denied_call_is_not_retried(here: Emulators) -> None:
    here.fault(operation="ListRoles", **faults.IDENTITY_DENIED)
    with pytest.raises(Exception, match="AccessDenied"):
        call("ListRoles")
    assert here.operations("iam").count("ListRoles") == 1


def test_retries_end_after_the_timeout(here: Emulators, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "AWS_RETRY_SECONDS", 0.5)
    here.fault(operation="ListRoles", times=1000, **faults.THROTTLED)
    with pytest.raises(Exception, match="Throttling"):
        call("ListRoles")


def test_a_response_above_the_size_limit_is_rejected(here: Emulators, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(curl, "MAX_RESPONSE_BYTES", 3000)
    here.fault(operation="ListRoles", times=100, status=200, body="x" * 5000)
    with pytest.raises(RequestLostError):
        call("ListRoles")
    assert here.operations("iam").count("ListRoles") == 1


def test_a_hanging_service_times_out(here: Emulators, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(curl, "AWS_REQUEST_TIMEOUT_SECONDS", 1)
    monkeypatch.setattr(service, "AWS_RETRY_SECONDS", 0.0)
    here.fault(operation="GetCallerIdentity", delay=5)

    async def work() -> None:
        with closing(Aws(AwsCredentials())) as aws:
            await aws.identity()

    with pytest.raises(SentinelError, match="timed out"):
        asyncio.run(work())


def test_all_pages_are_read(here: Emulators) -> None:
    client = here.boto("iam", ACCOUNT)
    for number in range(3):
        client.create_role(RoleName=f"role{number}", AssumeRolePolicyDocument="{}")

    async def work() -> list[Any]:
        with closing(Aws(AwsCredentials())) as aws:
            iam = aws.service("iam").client(await aws.assume_role_in(ACCOUNT, ADMIN, policy_for(ACCOUNT, None, "read")))
            return await iam.pages("ListRoles", "Roles", MaxItems=1)

    assert sorted(role["RoleName"] for role in asyncio.run(work())) == [f"role{number}" for number in range(3)]


def test_a_page_without_items_key_is_not_an_empty_page(here: Emulators) -> None:
    here.fault(operation="ListAccounts", status=200, body="{}")

    async def work() -> list[Any]:
        with closing(Aws(AwsCredentials())) as aws:
            return await aws.with_source_credentials("organizations").pages(
                "ListAccounts", "Accounts", cursor="NextToken"
            )

    with pytest.raises(MalformedResponseError, match="Accounts"):
        asyncio.run(work())


def test_every_request_is_logged_without_secrets(here: Emulators, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "trailbridge.sentinel"):
        call("ListRoles")
    messages = [record.getMessage() for record in caplog.records if record.name == "trailbridge.sentinel"]
    assert [line.split(" in ")[0] for line in messages] == [
        "sts GetCallerIdentity: 200",
        "sts AssumeRole: 200",
        "iam ListRoles: 200",
    ]
    assert [secret for secret in here.secrets() if secret in caplog.text] == []


def test_connections_are_reused_and_closed(here: Emulators) -> None:
    async def work() -> int:
        client = Http(None)
        for _again in range(3):
            status, _body = await client.post(f"{here.aws}/_emulator/about", [], b"{}")
            assert status == 200
        idle = len(client._idle)
        client.close()
        return idle

    assert asyncio.run(work()) == 1


def test_closing_cancels_requests_that_wait_for_a_response(here: Emulators) -> None:
    here.fault(operation="ListRoles", delay=30)

    async def work() -> tuple[float, bool]:
        aws = Aws(AwsCredentials())
        waiting = [asyncio.ensure_future(aws.with_source_credentials("iam")("ListRoles")) for _number in range(3)]
        await asyncio.sleep(0.5)
        start = time.monotonic()
        aws.close()
        await asyncio.gather(*waiting, return_exceptions=True)
        return time.monotonic() - start, all(one.cancelled() for one in waiting)

    took, ended = asyncio.run(work())
    assert took < 10
    assert ended


@pytest.mark.parametrize("value", [1e300, "1e300", "no time", "", [], {}])
def test_what_is_no_time_is_a_value_or_type_error(value: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        service.timestamp(value)
