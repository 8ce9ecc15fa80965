# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The clients of AWS services: the one protocol of all adapters, with retries, pages and logging.

There are two kinds of `Service` behind it. Those in which every account needs some calls sign their requests themselves
(`signed.py`); all others are called by botocore in threads (`sdk.py`). An adapter does not know which one it uses.
"""

from __future__ import annotations

import asyncio
import hmac
import random
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Any, NamedTuple, Protocol, cast
from urllib.parse import urlsplit

from ..model import network_errors
from ..model.backoff import pauses
from ..model.network_errors import UNREACHABLE_TIMEOUT
from ..model.plan import Call
from . import known_secrets, network, request_log
from .network import RequestLostError
from .response import MalformedResponseError, parse

try:
    from botocore.exceptions import ClientError
    from botocore.parsers import ResponseParserError, ResponseParserFactory
    from botocore.utils import parse_timestamp
except ImportError:  # reported by `cloud.aws.Aws`
    pass

# How long a call is retried after throttling or a transient error.
AWS_RETRY_SECONDS = 60.0
THROTTLING = (
    "EC2ThrottledException PriorRequestNotComplete RequestLimitExceeded RequestThrottled RequestThrottledException "
    "SlowDown Throttling ThrottledException ThrottlingException TooManyRequestsException"
)
THROTTLING_CODES = frozenset(THROTTLING.split())
_TRANSIENT_CODES = {"RequestTimeout", "RequestTimeoutException", "InternalFailure", "ServiceUnavailable"}
_TRANSIENT_STATUSES = {429, 500, 502, 503, 504}
_STATUSES = frozenset(HTTPStatus)
READS = ("Describe", "Get", "Head", "List", "Lookup")

Parameters = Mapping[str, Any]
"""The parameters of an operation, as in the API reference."""
Response = dict[str, Any]
"""The parsed response of an operation, as in the API reference."""

_random = random.SystemRandom()


class UnconfirmedError(Exception):
    """A write that AWS may have made or not; its cause is the error of the request. It is not repeated blindly."""


@dataclass(slots=True, weakref_slot=True)
class Keys:
    """An access key with secret and session token (None for long-term keys); `assumed` for a session of a role."""

    access_key: str
    secret_key: str = field(repr=False)
    token: str | None = field(default=None, repr=False)
    assumed: bool = False
    _derived: tuple[str, bytes] = field(default=("", b""), repr=False, compare=False)
    clients: dict[object, Any] = field(default_factory=dict, repr=False, compare=False)
    """The clients of botocore with these keys, by service and Region: they are released together with the keys."""

    def __post_init__(self) -> None:
        """Remember the secrets, to remove them from tracebacks."""
        known_secrets.add_session(self)

    def sign(self, scope: str, text: str) -> str:
        """Return the hex signature of a string to sign; `scope` is "date/Region/service/aws4_request"."""
        if self._derived[0] != scope:
            key = f"AWS4{self.secret_key}".encode()
            for part in scope.split("/"):
                key = hmac.digest(key, part.encode(), "sha256")
            self._derived = scope, key
        return hmac.digest(self._derived[1], text.encode(), "sha256").hex()


class ResponseObserver(Protocol):
    """Gets the duration of every response, and whether it was throttled."""

    def record(self, seconds: float, *, throttled: bool) -> None: ...


class Service(ABC):
    """One service in one Region. `client` is a botocore client, used for its model and endpoint only."""

    repeats_writes = False
    """Whether a write that may have been made is repeated: only if AWS refuses or ignores the second one."""

    def __init__(self, client: Any, observer: ResponseObserver) -> None:
        self._model = client.meta.service_model
        self._observer = observer
        self._reached = False
        self.region: str = client.meta.region_name
        self.url: str = client.meta.endpoint_url

    def client(self, keys: Keys) -> ServiceClient:
        """Return a client of this service that signs with these keys."""
        return ServiceClient(self, keys)

    async def call(self, keys: Keys, operation: str, params: Parameters) -> Response:
        """Make one call, with retries; return the parsed response.

        Raises ClientError or RequestLostError, UnconfirmedError for a write that may have been made, and
        MalformedResponseError; `translate_aws_errors` handles all of them.
        """
        start, waits = time.monotonic(), pauses(_random.uniform)
        # Idempotency tokens: the same for all retries of a call, as in botocore.
        tokens = self._model.operation_model(operation).idempotent_members
        params = {**dict.fromkeys(tokens, str(uuid.uuid4())), **params} if tokens else params
        is_repeatable = self.repeats_writes or bool(tokens) or operation.startswith(READS)
        while True:
            try:
                return await self.attempt(keys, operation, params)
            except (ClientError, RequestLostError) as error:
                _check_repeatable(error, is_repeatable=is_repeatable)
                pause = max(next(waits), _retry_after(error))
                if time.monotonic() + pause > start + self._retry_seconds(error):
                    raise
                await asyncio.sleep(pause)

    def _retry_seconds(self, error: ClientError | RequestLostError) -> float:
        """Return how long a call is retried: not long if the network settings of this machine may be wrong."""
        local = isinstance(error, RequestLostError) and error.fault and not self._reached
        return min(UNREACHABLE_TIMEOUT, AWS_RETRY_SECONDS) if local else AWS_RETRY_SECONDS

    async def attempt(self, keys: Keys, operation: str, params: Parameters) -> Response:
        """Make one request and return the parsed response; raises ClientError or RequestLostError."""
        start, what = time.monotonic(), f"{self._model.service_name} {operation}"
        try:
            response = await self._send(keys, operation, params)
        except RequestLostError:
            request_log.lost(what, time.monotonic() - start)
            raise
        seconds = time.monotonic() - start
        status = response["ResponseMetadata"]["HTTPStatusCode"]
        if status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
            proxy = network.proxy_name(scheme=urlsplit(self.url).scheme)
            raise RequestLostError("", network_errors.proxy_refusal(proxy, "", status))
        self._reached = True
        details = _error_details(response) if status >= HTTPStatus.MULTIPLE_CHOICES else {"Code": ""}
        code = details["Code"]
        request_log.aws(what, response, code, seconds)
        self._observer.record(seconds, throttled=code in THROTTLING_CODES)
        if status >= HTTPStatus.MULTIPLE_CHOICES:
            raise ClientError(cast("Any", {**response, "Error": details}), operation)
        return response

    @abstractmethod
    async def _send(self, keys: Keys, operation: str, params: Parameters) -> Response:
        """Return the parsed response of one request, also that of an error; raises RequestLostError."""


class ServiceClient(NamedTuple):
    """One service with the credentials of one account."""

    service: Service
    keys: Keys

    @property
    def expired(self) -> str:
        """The error class of expired credentials: an expired session of a role concerns one account only."""
        return "transient" if self.keys.assumed else "expired_credentials"

    async def __call__(self, operation: str, **params: Any) -> Response:
        """Call an operation with the parameter names of the API; return the parsed response.

        Raises the errors of `Service.call`, which `translate_aws_errors` turns into a SentinelError.
        """
        return await self.service.call(self.keys, operation, params)

    async def pages(
        self,
        operation: str,
        key: str,
        cursor: str = "Marker",
        *,
        sent_as: str = "",
        absent_if_empty: bool = False,
        **params: Any,
    ) -> list[Any]:
        """Return the items under `key` on all pages of a listing.

        `cursor` is the field for the next page, sent as the parameter of that name or `sent_as`. Raises
        MalformedResponseError for a page without `key`, unless that is how the service writes an empty one.
        """
        items: list[Any] = []
        more: dict[str, Any] = {}
        while True:
            response = await self(operation, **params, **more)
            found, following = parse(_parse_page, {key: []} | response if absent_if_empty else response, key, cursor)
            items += found
            if not following:
                return items
            more = {sent_as or cursor: following}


Writer = Callable[[Call], Awaitable[ServiceClient]]
"""Returns the client for a call of a plan, whose session may be another one than that of the reads."""


def _parse_page(response: Response, key: str, cursor: str) -> tuple[list[Any], str | None]:
    """Return the items of a page of a listing, and where the next page begins, if there is one."""
    items, following = response[key], response.get(cursor)
    if not isinstance(items, list) or not isinstance(following, str | None):
        raise TypeError(response)
    return items, following


class Parsers:
    """botocore's parsers, with errors of this collection for malformed responses, and a faster timestamp parser.

    A component of a session of botocore, in place of its ResponseParserFactory.
    """

    def __init__(self) -> None:
        self._factory = ResponseParserFactory()
        self._factory.set_parser_defaults(timestamp_parser=timestamp)

    def create_parser(self, protocol: str) -> Any:
        """Return the parser of a protocol."""
        parser: Any = self._factory.create_parser(protocol)
        original = parser.parse

        def parsed(response: Mapping[str, Any], shape: Any) -> Any:
            try:
                _check_no_page(response["body"])
                return parse(original, response, shape)
            except (MalformedResponseError, ResponseParserError) as error:
                status = response["status_code"]
                if status < HTTPStatus.MULTIPLE_CHOICES:
                    raise MalformedResponseError("the response cannot be parsed") from error
                # Not from the service but from a proxy or load balancer in between.
                details = {"Code": str(status), "Message": HTTPStatus(status).phrase if status in _STATUSES else ""}
                return {"Error": details, "ResponseMetadata": {"HTTPStatusCode": status}}

        parser.parse = parsed
        return parser


def _check_no_page(body: object) -> None:
    """Raise MalformedResponseError for a page of HTML: a parser of XML takes it for an empty response."""
    if isinstance(body, bytes) and body[:64].lstrip().lower().startswith((b"<html", b"<!doctype html")):
        raise MalformedResponseError("the response is a page of HTML")


def timestamp(value: Any) -> datetime:
    """Return the same as botocore's parser, a hundred times as fast for ISO 8601; raises TypeError, ValueError."""
    try:
        return datetime.fromisoformat(value)
    except (TypeError, ValueError):
        pass
    try:
        return parse_timestamp(value)
    except RuntimeError as error:  # a number that no time has
        raise ValueError(str(error)) from error


def _error_details(response: Response) -> dict[str, str]:
    """Return code and message of an error response as strings, whatever their types are."""
    details = response.get("Error")
    found = details if isinstance(details, dict) else {}
    return {name: str(found.get(name) or "") for name in ("Code", "Message")}


def _check_repeatable(error: ClientError | RequestLostError, *, is_repeatable: bool) -> None:
    """Raise the error if a retry cannot succeed, UnconfirmedError if it might repeat a write."""
    if not _is_retryable(error):
        raise error
    if not is_repeatable and _may_be_processed(error):
        raise UnconfirmedError(str(error)) from error


def _is_retryable(error: ClientError | RequestLostError) -> bool:
    """Return whether a retry of the same call can succeed."""
    if isinstance(error, RequestLostError):
        return error.retryable
    status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    code = error.response["Error"]["Code"]
    return code in THROTTLING_CODES or code in _TRANSIENT_CODES or status in _TRANSIENT_STATUSES


def _may_be_processed(error: ClientError | RequestLostError) -> bool:
    """Return whether AWS may have processed the request of a retryable error."""
    if isinstance(error, RequestLostError):
        return error.sent
    throttled = error.response["ResponseMetadata"]["HTTPStatusCode"] == HTTPStatus.TOO_MANY_REQUESTS
    return not throttled and error.response["Error"]["Code"] not in THROTTLING_CODES


def _retry_after(error: ClientError | RequestLostError) -> float:
    """Return the seconds after which a service asks to retry, 0 if it does not."""
    metadata: Any = {} if isinstance(error, RequestLostError) else error.response["ResponseMetadata"]
    text = str(metadata.get("HTTPHeaders", {}).get("retry-after", ""))
    return float(text) if text.isdecimal() else 0.0
