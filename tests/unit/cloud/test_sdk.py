# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Both ways to AWS, own requests and botocore in threads: the same results, errors, retries and settings."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import closing
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.cloud import curl, sdk, service
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.cloud.aws import Aws
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.cloud.aws_errors import (
    Code,
    code_of,
    translate_aws_errors,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.cloud.organizations import list_accounts
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.cloud.service import Response, ServiceClient
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.credentials.credentials import (
    AssumeRole,
    AwsCredentials,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import (
    CLASSES,
    ChangedError,
    NotFoundError,
    SentinelError,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.organization.organization import (
    Organization,
)
from tests.emulators import faults
from tests.emulators.client import CALLER_ACCOUNT, Emulators
from tests.emulators.s3_connection import S3Connection
from tests.faults import engine
from tests.unit.attacks.mutants import mutants

ONE = S3Connection()
ADMIN = AssumeRole(("OrganizationAccountAccessRole",), session_policy=False)
T = TypeVar("T")


class Call(NamedTuple):
    """A call of a service, and the key of its response."""

    service: str
    operation: str
    key: str
    params: Mapping[str, Any] = MappingProxyType({})


OWN = Call("iam", "ListRoles", "Roles")
READS = (
    Call("s3", "GetBucketNotificationConfiguration", "ResponseMetadata", {"Bucket": ONE.bucket}),
    Call("sqs", "GetQueueAttributes", "Attributes", {"QueueUrl": ONE.queue.url, "AttributeNames": ["All"]}),
    Call("cloudtrail", "DescribeTrails", "trailList"),
    Call("kms", "ListKeys", "Keys"),
    Call("guardduty", "ListDetectors", "DetectorIds"),
    Call("organizations", "DescribeOrganization", "Organization"),
    Call("cloudformation", "ListStackSets", "Summaries"),
)
BOTH = pytest.mark.parametrize("call", [OWN, READS[3]], ids=["own requests", "botocore"])
CODES = (Code("NotFoundException", "transient", NotFoundError), Code("NoSuchEntity", "transient", NotFoundError))


def run(work: Callable[[Aws], Coroutine[Any, Any, T]], observer: Any = None) -> T:
    """Return the result of work with an open client; retries pause shortly."""

    async def opened() -> T:
        with closing(Aws(AwsCredentials(), observer)) as aws:
            return await work(aws)

    with engine.short_pauses():
        return asyncio.run(opened())


async def client(aws: Aws, name: str, account: str = ONE.account, region: str = "") -> ServiceClient:
    """Return a client of a service with an assumed role in the account."""
    return aws.service(name, region).client(await aws.assume_role_in(account, ADMIN, lambda _partition: ""))


def make(call: Call, observer: Any = None, account: str = ONE.account) -> Response:
    """Return the response of a call; raises SentinelError."""

    async def work(aws: Aws) -> Response:
        made = await client(aws, call.service, account)
        with translate_aws_errors(f"make {call.operation}", CODES):
            return await made(call.operation, **call.params)

    return run(work, observer)


def error_of(call: Call) -> SentinelError:
    with pytest.raises(SentinelError) as caught:
        make(call)
    assert str(caught.value).startswith(f"Cannot make {call.operation}: ")
    return caught.value


@pytest.fixture
def queue(here: Emulators) -> Emulators:
    """The emulators with the bucket and the queue of a connection."""
    ONE.make_bucket(here)
    ONE.make_queue(here)
    here.organization([])
    here.forget()
    return here


@pytest.mark.parametrize("call", READS, ids=[call.service for call in READS])
def test_every_service_can_be_called(queue: Emulators, call: Call) -> None:
    account = CALLER_ACCOUNT if call.service == "organizations" else ONE.account
    assert call.key in make(call, account=account)
    [request] = queue.requests(call.service)
    assert (request["account"], request["status"]) == (account, 200)


REFUSALS = {
    "denied": (faults.IDENTITY_DENIED, "aws_denied"),
    "denied by SCP": (faults.SCP_DENIED, "scp_denied"),
    "denied by boundary": (faults.BOUNDARY_DENIED, "boundary_denied"),
    "expired session": (faults.EXPIRED_TOKEN, "expired_credentials"),
    "wrong clock": (faults.CLOCK_SKEW, "clock_skew"),
}
FAILURES = {
    "throttled": (faults.THROTTLED, "throttled"),
    "429": ({"status": 429, "code": "TooManyRequestsException", "message": "Too many requests."}, "throttled"),
    "500": (faults.FAILURE, "transient"),
    "503 of a proxy": ({"status": 503, "body": "upstream connect error"}, "transient"),
    "503 without body": ({"status": 503, "body": ""}, "transient"),
    "reset before": ({"reset": "before"}, "transient"),
    "reset after": ({"reset": "after"}, "transient"),
}


@BOTH
@pytest.mark.parametrize(("fault", "kind"), REFUSALS.values(), ids=REFUSALS)
def test_a_refusal_is_reported_at_once(queue: Emulators, call: Call, fault: dict[str, Any], kind: str) -> None:
    queue.fault(operation=call.operation, **fault)
    assert error_of(call).kind == kind
    assert queue.operations(call.service) == [call.operation]


@BOTH
@pytest.mark.parametrize(("fault", "kind"), FAILURES.values(), ids=FAILURES)
def test_a_read_is_repeated_until_the_timeout(
    queue: Emulators, monkeypatch: pytest.MonkeyPatch, call: Call, fault: dict[str, Any], kind: str
) -> None:
    queue.fault(operation=call.operation, times=2, **fault)
    assert call.key in make(call)
    # libcurl and urllib3 may repeat a request themselves whose connection was closed.
    assert queue.operations(call.service).count(call.operation) >= 3
    queue.fault(operation=call.operation, **fault)
    monkeypatch.setattr(service, "AWS_RETRY_SECONDS", 0.5)
    assert error_of(call).kind == kind


@BOTH
@pytest.mark.parametrize(
    "body",
    ["", "[]", "null", "{", "<a/>", "\x00", "<html>no</html>", "[" * 20_000],
    ids=lambda body: body[:9] or "empty",
)
def test_a_malformed_response_is_an_error_of_the_service(queue: Emulators, call: Call, body: str) -> None:
    for status in (200, 400):
        queue.heal()
        queue.fault(operation=call.operation, status=status, body=body)
        kinds = []
        try:
            assert not make(call).get(call.key)
        except SentinelError as error:
            kinds.append(error.kind)
        assert kinds in ([], ["transient"])


@BOTH
def test_what_does_not_exist_is_found_by_the_codes_of_the_service(here: Emulators, call: Call) -> None:
    code = {"iam": "NoSuchEntity", "kms": "NotFoundException"}[call.service]
    here.fault(operation=call.operation, status=404, code=code, message="It does not exist.")
    error = error_of(call)
    assert isinstance(error, NotFoundError)
    assert code_of(error) == code


ACCOUNTS = {"Accounts": [{"Id": ONE.account, "Name": "log", "Status": "ACTIVE", "JoinedTimestamp": 1.7e9}]}
TRAILS = {"trailList": [{"Name": "all", "S3BucketName": ONE.bucket, "TrailARN": "arn", "IsOrganizationTrail": True}]}
NOTIFICATION = (
    "<NotificationConfiguration><QueueConfiguration><Id>x</Id><Queue>arn</Queue><Event>s3:ObjectCreated:*</Event>"
    "</QueueConfiguration></NotificationConfiguration>"
)
ANSWERS = {"ListAccounts": json.dumps(ACCOUNTS), "DescribeTrails": json.dumps(TRAILS), READS[0].operation: NOTIFICATION}


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_a_changed_response_has_its_documented_type_or_is_an_error_of_the_service(
    queue: Emulators, data: st.DataObject
) -> None:
    queue.heal()
    for operation, body in ANSWERS.items():
        status = data.draw(st.sampled_from([200, 200, 400, 404]))
        queue.fault(operation=operation, status=status, body=data.draw(mutants(body)))

    async def listed(aws: Aws) -> list[Any]:
        organization = list_accounts(aws.with_source_credentials("organizations"), aws.with_source_credentials("sts"))
        calls = [aws.with_source_credentials(one.service)(one.operation, **one.params) for one in (READS[0], READS[2])]
        return await asyncio.gather(organization, *map(translated, calls), return_exceptions=True)

    async def translated(call: Awaitable[Response]) -> Response:
        with translate_aws_errors("read it"):
            return await call

    with engine.short_timeouts():
        results = run(listed)
    for result in results:
        assert isinstance(result, Organization | dict | SentinelError), repr(result)
        assert not isinstance(result, SentinelError) or result.kind in CLASSES


CREATE = Call("kms", "CreateKey", "KeyMetadata")
LOST: list[dict[str, Any]] = [{"reset": "before"}, {"reset": "after"}, faults.FAILURE]


@pytest.mark.parametrize("fault", LOST, ids=["reset before", "reset after", "500"])
def test_a_write_that_may_have_been_made_is_read_again_instead_of_repeated(
    here: Emulators, fault: dict[str, Any]
) -> None:
    here.fault(operation="CreateKey", **fault)
    error = error_of(CREATE)
    assert isinstance(error, ChangedError)
    assert error.kind == "transient"
    assert here.operations("kms").count("CreateKey") == 1


@pytest.mark.parametrize("fault", [faults.THROTTLED, FAILURES["429"][0]], ids=["throttled", "429"])
def test_a_write_that_was_throttled_is_repeated(here: Emulators, fault: dict[str, Any]) -> None:
    here.fault(operation="CreateKey", times=2, **fault)
    assert make(CREATE)["KeyMetadata"]
    assert here.operations("kms").count("CreateKey") == 3


def test_a_write_is_repeated_while_the_service_cannot_be_reached(
    here: Emulators, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "AWS_RETRY_SECONDS", 0.5)
    monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", "http://127.0.0.1:1")
    error = error_of(CREATE)
    assert error.kind == "transient"
    assert not isinstance(error, ChangedError)


def test_retries_of_a_write_send_the_same_idempotency_token(here: Emulators, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Any] = []
    original = sdk.SdkService._call

    def recording(self: sdk.SdkService, keys: Any, operation: str, params: Any) -> Response:
        sent.append(params)
        return original(self, keys, operation, params)

    monkeypatch.setattr(sdk.SdkService, "_call", recording)
    here.fault(operation="CreateStackSet", times=2, **faults.FAILURE)
    make(Call("cloudformation", "CreateStackSet", "StackSetId", {"StackSetName": "x", "TemplateBody": "{}"}))
    assert len(sent) == 3
    assert len({params["ClientRequestToken"] for params in sent}) == 1


@pytest.mark.parametrize(("seconds", "kinds"), [("1", []), ("86400", ["throttled"]), ("soon", [])])
def test_a_service_may_ask_to_retry_later(queue: Emulators, seconds: str, kinds: list[str]) -> None:
    queue.fault(operation=READS[0].operation, times=1, **{**faults.SLOW_DOWN, "headers": {"Retry-After": seconds}})
    start, found = time.monotonic(), []
    try:
        make(READS[0])
    except SentinelError as error:
        found.append(error.kind)
    assert found == kinds
    assert seconds != "1" or time.monotonic() - start >= 1


def test_a_service_is_called_in_the_given_region(here: Emulators, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")

    async def regions(aws: Aws) -> list[str]:
        found = []
        for region in ("eu-west-1", ""):
            sqs = await client(aws, "sqs", region=region)
            found += [sqs.service.region, (await sqs("CreateQueue", QueueName="x"))["QueueUrl"].split(".")[1]]
        return found

    assert run(regions) == ["eu-west-1", "eu-west-1", "eu-central-1", "eu-central-1"]


def test_the_endpoint_of_one_service_is_used(here: Emulators, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    for name in ("STS", "KMS"):
        monkeypatch.setenv(f"AWS_ENDPOINT_URL_{name}", here.aws)
    assert make(READS[3])["Keys"] == []


def test_concurrent_calls_use_the_session_of_their_account_and_a_few_threads(here: Emulators) -> None:
    accounts = [f"4444444444{number:02}" for number in range(40)]
    here.fault(operation="CreateQueue", delay=0.2)
    most = 0

    async def url(aws: Aws, account: str) -> str:
        nonlocal most
        made = await client(aws, "sqs", account)
        found: str = (await made("CreateQueue", QueueName="x"))["QueueUrl"]
        most = max(most, threading.active_count())
        return found.split("/")[3]

    async def everywhere(aws: Aws) -> list[str]:
        return await asyncio.gather(*(url(aws, account) for account in accounts))

    before = threading.active_count()
    assert run(everywhere) == accounts
    # Threads that have a result may not have ended yet.
    assert most - before < 2 * sdk.MAX_THREADS < len(accounts)


def test_one_client_of_botocore_serves_all_calls_of_a_session(here: Emulators) -> None:
    async def clients(aws: Aws) -> tuple[int, int]:
        keys = await aws.assume_role_in(ONE.account, ADMIN, lambda _partition: "")
        for _again in range(2):
            await asyncio.gather(*(aws.service("kms", "eu-west-1").client(keys)("ListKeys") for _number in range(4)))
        once = len(keys.clients)
        await aws.service("kms", "eu-west-2").client(keys)("ListKeys")
        return once, len(keys.clients)

    assert run(clients) == (1, 2)


class Observer:
    """Keeps what it gets."""

    def __init__(self) -> None:
        self.throttled: list[bool] = []

    def record(self, seconds: float, *, throttled: bool) -> None:
        assert seconds > 0
        self.throttled.append(throttled)


@BOTH
def test_every_response_is_observed_and_logged_without_secrets(
    queue: Emulators, call: Call, caplog: pytest.LogCaptureFixture
) -> None:
    observer = Observer()
    queue.fault(operation=call.operation, times=1, **faults.THROTTLED)
    with caplog.at_level(logging.DEBUG, "trailbridge.sentinel"):
        make(call, observer)
    assert observer.throttled == [False, False, True, False]
    messages = [record.getMessage() for record in caplog.records if record.name == "trailbridge.sentinel"]
    assert [line.split(" in ")[0] for line in messages[2:]] == [
        f"{call.service} {call.operation}: 400 Throttling",
        f"{call.service} {call.operation}: 200",
    ]
    assert [secret for secret in queue.secrets() if secret in "".join(messages)] == []


@BOTH
def test_an_error_does_not_show_secrets(here: Emulators, monkeypatch: pytest.MonkeyPatch, call: Call) -> None:
    monkeypatch.setattr(service, "AWS_RETRY_SECONDS", 0.2)
    monkeypatch.setenv(f"AWS_ENDPOINT_URL_{call.service.upper()}", "http://jane:hush-hush@127.0.0.1:1")
    assert "hush-hush" not in str(error_of(call))


def test_pages_of_a_service_that_leaves_out_an_empty_list(queue: Emulators) -> None:
    for number in range(3):
        queue.boto("s3", ONE.account).put_object(Bucket=ONE.bucket, Key=f"a/{number}", Body=b"x")

    async def listed(aws: Aws) -> list[list[Any]]:
        s3 = await client(aws, "s3")
        cursor, sent_as = "NextContinuationToken", "ContinuationToken"
        return [
            await s3.pages(
                "ListObjectsV2",
                "Contents",
                cursor,
                sent_as=sent_as,
                absent_if_empty=True,
                Bucket=ONE.bucket,
                Prefix=prefix,
                MaxKeys=1,
            )
            for prefix in ("a/", "b/")
        ]

    some, none = run(listed)
    assert [one["Key"] for one in some] == ["a/0", "a/1", "a/2"]
    assert none == []


def test_an_object_is_read_as_a_whole_up_to_a_limit(queue: Emulators, monkeypatch: pytest.MonkeyPatch) -> None:
    queue.boto("s3", ONE.account).put_object(Bucket=ONE.bucket, Key="a", Body=b"content")
    call = Call("s3", "GetObject", "Body", {"Bucket": ONE.bucket, "Key": "a"})
    assert make(call)["Body"] == b"content"
    monkeypatch.setattr(sdk, "MAX_RESPONSE_BYTES", 3)
    assert error_of(call).kind == "transient"


def test_a_hanging_service_times_out(queue: Emulators, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(curl, "AWS_REQUEST_TIMEOUT_SECONDS", 1)
    monkeypatch.setattr(service, "AWS_RETRY_SECONDS", 0.0)
    queue.fault(operation=READS[3].operation, delay=5)
    assert error_of(READS[3]).kind == "transient"


HANGING = """
import asyncio
import signal
from contextlib import closing
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.cloud.aws import Aws
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.credentials.credentials import (
    AwsCredentials,
)

async def work():
    with closing(Aws(AwsCredentials())) as aws:
        print("started", flush=True)
        await aws.with_source_credentials("sqs")("ListQueues")

signal.signal(signal.SIGINT, signal.default_int_handler)
asyncio.run(work())
"""


def test_the_process_ends_although_a_request_hangs(here: Emulators) -> None:
    here.fault(operation="ListQueues", delay=25)
    with subprocess.Popen(
        [sys.executable, "-c", HANGING], env={**os.environ}, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout
        process.stdout.readline()
        time.sleep(1)
        start = time.monotonic()
        process.send_signal(signal.SIGINT)
        process.wait(20)
        assert time.monotonic() - start < 5
