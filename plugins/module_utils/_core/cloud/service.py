# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only file that talks to the endpoints of AWS services: signs, sends and retries requests.

botocore provides endpoint, Region, proxy and certificates, serializes parameters and parses responses. Calls through
its own clients would double the CPU time of a run, so signing, sending and retries are implemented here.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import logging
import random
import re
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache, partial
from http import HTTPStatus
from typing import Any, NamedTuple, Protocol, cast
from urllib.parse import SplitResult, quote, quote_plus, urlsplit

from ..model.backoff import pauses
from ..model.network_errors import UNREACHABLE_TIMEOUT
from . import known_secrets
from .curl import Http, RequestLostError
from .response import parse

try:
    from botocore.awsrequest import AWSPreparedRequest
    from botocore.exceptions import ClientError
    from botocore.httpsession import ProxyConfiguration
    from botocore.parsers import ResponseParserError, ResponseParserFactory
    from botocore.serialize import create_serializer
    from botocore.utils import get_environ_proxies
except ImportError:  # reported by `cloud.aws.Aws`
    pass

# How long a call is retried after throttling or a transient error.
AWS_RETRY_SECONDS = 60.0
THROTTLING_CODES = {
    "EC2ThrottledException",
    "PriorRequestNotComplete",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "Throttling",
    "ThrottledException",
    "ThrottlingException",
    "TooManyRequestsException",
}
_TRANSIENT_CODES = {"RequestTimeout", "RequestTimeoutException", "InternalFailure", "ServiceUnavailable"}
_TRANSIENT_STATUSES = {429, 500, 502, 503, 504}
_STATUSES = frozenset(HTTPStatus)
_REQUEST_ID = re.compile(rb"<RequestId>[^<]*</RequestId>")
_QUOTED = {byte: quote_plus(bytes((byte,))) for byte in range(256)}
_SIGNED = ("host", "x-amz-date", "x-amz-security-token", "x-amz-target", "content-type")

Parameters = Mapping[str, Any]
"""The parameters of an operation, as in the API reference."""
Response = dict[str, Any]
"""The parsed response of an operation, as in the API reference."""

log = logging.getLogger("trailbridge.sentinel")
_random = random.SystemRandom()


@dataclass(slots=True, weakref_slot=True)
class Keys:
    """An access key with secret and session token (None for long-term keys); `assumed` for a session of a role."""

    access_key: str
    secret_key: str = field(repr=False)
    token: str | None = field(default=None, repr=False)
    assumed: bool = False
    _derived: tuple[str, bytes] = field(default=("", b""), repr=False, compare=False)

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
        return hmac.new(self._derived[1], text.encode(), "sha256").hexdigest()


class ResponseObserver(Protocol):
    """Gets the duration of every response, and whether it was throttled."""

    def record(self, seconds: float, *, throttled: bool) -> None: ...


class _Endpoint(NamedTuple):
    """The endpoint of a service: the same for all its requests."""

    url: str
    path: str
    query: str
    host: str
    region: str
    name: str
    user_agent: str
    proxy: str | None


class _SerializedRequest(NamedTuple):
    """A request before signing: it does not depend on date or credentials."""

    headers: Mapping[str, str]
    body: bytes
    digest: str

    @classmethod
    def of(cls, headers: Mapping[str, Any], body: bytes) -> _SerializedRequest:
        """Return the request with lower-case headers and the SHA-256 digest of its body."""
        lower = {name.lower(): str(value) for name, value in headers.items()}
        return cls(lower, body, hashlib.sha256(body).hexdigest())


class Service:
    """One service at its endpoint. `client` is a botocore client, used for its model and endpoint only."""

    def __init__(self, client: Any, http: Http, observer: ResponseObserver) -> None:
        self._model = client.meta.service_model
        self._endpoint = _read_endpoint(client)
        self._serializer = create_serializer(self._model.metadata["protocol"], include_validation=False)
        self._parser = _parsers().create_parser(self._model.metadata["protocol"])
        self._last_requests: dict[str, tuple[Parameters, _SerializedRequest]] = {}
        self._parse_list = lru_cache(maxsize=64)(partial(self._parse, status=HTTPStatus.OK))
        self._http = http
        self._observer = observer
        self._reached = False

    @property
    def region(self) -> str:
        """The Region of the endpoint."""
        return self._endpoint.region

    @property
    def url(self) -> str:
        """The URL of the endpoint."""
        return self._endpoint.url

    def client(self, keys: Keys) -> ServiceClient:
        """Return a client of this service that signs with these keys."""
        return ServiceClient(self, keys)

    async def call(self, keys: Keys, operation: str, params: Parameters) -> Response:
        """Make one call, with retries; return the parsed response. Raises ClientError or RequestLostError."""
        start, waits = time.monotonic(), pauses(_random.uniform)
        # Idempotency tokens: the same for all retries of a call, as in botocore.
        tokens = self._model.operation_model(operation).idempotent_members
        params = {**{name: str(uuid.uuid4()) for name in tokens}, **params} if tokens else params
        while True:
            try:
                return await self._send(keys, operation, params)
            except (ClientError, RequestLostError) as error:
                pause = next(waits)
                if not _is_retryable(error) or time.monotonic() + pause > start + self._retry_seconds(error):
                    raise
                await asyncio.sleep(pause)

    def _retry_seconds(self, error: ClientError | RequestLostError) -> float:
        """Return how long a call is retried: not long if the network settings of this machine may be wrong."""
        local = isinstance(error, RequestLostError) and error.fault and not self._reached
        return min(UNREACHABLE_TIMEOUT, AWS_RETRY_SECONDS) if local else AWS_RETRY_SECONDS

    async def _send(self, keys: Keys, operation: str, params: Parameters) -> Response:
        serialized = self._serialized(operation, params)
        headers = self._headers(keys, serialized)
        start = time.monotonic()
        status, content = await self._http.post(self._endpoint.url, headers, serialized.body, self._endpoint.proxy)
        seconds = time.monotonic() - start
        self._reached = True
        response = self._parse_response(operation, status, content)
        error = response.get("Error", {}).get("Code", "") if status >= 300 else ""
        log.debug("%s %s %s in %.0f ms %s", self._endpoint.name, operation, status, seconds * 1000, error)
        self._observer.record(seconds, throttled=error in THROTTLING_CODES)
        if status >= 300:
            raise ClientError(cast("Any", response), operation)
        return response

    def _serialized(self, operation: str, params: Parameters) -> _SerializedRequest:
        """Return the serialized request of a call. The last one is cached: most accounts get the same parameters."""
        last = self._last_requests.get(operation)
        if last and last[0] == params:
            return last[1]
        model = self._model.operation_model(operation)
        request = self._serializer.serialize_to_request(dict(params), model)
        body = _urlencode(request["body"]) if isinstance(request["body"], dict) else request["body"]
        serialized = _SerializedRequest.of(request["headers"], body)
        self._last_requests[operation] = params, serialized
        return serialized

    def _parse_response(self, operation: str, status: int, content: bytes) -> Response:
        """Return a parsed response. Lists are cached without request id: they are equal in most accounts."""
        if status == HTTPStatus.OK and operation.startswith("List"):
            return self._parse_list(operation, content=_REQUEST_ID.sub(b"", content))
        return self._parse(operation, status, content)

    def _parse(self, operation: str, status: int, content: bytes) -> Response:
        shape = self._model.operation_model(operation).output_shape
        try:
            response: Response = self._parser.parse({"status_code": status, "headers": {}, "body": content}, shape)
        except (AttributeError, LookupError, TypeError, ValueError, RecursionError, ResponseParserError) as error:
            if status >= HTTPStatus.MULTIPLE_CHOICES:
                # Not from the service but from a proxy or load balancer in between.
                details = {"Code": str(status), "Message": HTTPStatus(status).phrase if status in _STATUSES else ""}
                return {"Error": details, "ResponseMetadata": {"HTTPStatusCode": status}}
            raise ResponseParserError(str(error)) from error
        return {**response, "Error": _error_details(response)} if status >= HTTPStatus.MULTIPLE_CHOICES else response

    def _headers(self, keys: Keys, serialized: _SerializedRequest) -> list[str]:
        """Return the signed headers of a request ("Signature Version 4 for API requests", IAM User Guide)."""
        now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        headers = {**serialized.headers, "host": self._endpoint.host, "x-amz-date": now}
        if keys.token:
            headers["x-amz-security-token"] = keys.token
        signed = sorted(headers.keys() & set(_SIGNED))
        canonical = "\n".join(
            (
                "POST",
                self._endpoint.path,
                self._endpoint.query,
                *(f"{name}:{headers[name].strip()}" for name in signed),
                "",
                ";".join(signed),
                serialized.digest,
            )
        )
        scope = f"{now[:8]}/{self._endpoint.region}/{self._endpoint.name}/aws4_request"
        text = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        headers["authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={keys.access_key}/{scope}, "
            f"SignedHeaders={';'.join(signed)}, Signature={keys.sign(scope, text)}"
        )
        headers["user-agent"] = self._endpoint.user_agent
        return [f"{name}: {value}" for name, value in headers.items()]


class ServiceClient(NamedTuple):
    """One service with the credentials of one account."""

    service: Service
    keys: Keys

    async def __call__(self, operation: str, **params: Any) -> Response:
        """Call an operation with the parameter names of the API; return the parsed response.

        Raises ClientError or RequestLostError.
        """
        return await self.service.call(self.keys, operation, params)

    async def pages(self, operation: str, key: str, cursor: str = "Marker", **params: Any) -> list[Any]:
        """Return the items under `key` on all pages of a listing; `cursor` is the pagination parameter.

        Raises MalformedResponseError for a page without `key`: it is not taken for an empty one.
        """
        items: list[Any] = []
        more: dict[str, Any] = {}
        while True:
            found, more = parse(_parse_page, await self(operation, **params, **more), key, cursor)
            items += found
            if not more:
                return items


def _parse_page(response: Response, key: str, cursor: str) -> tuple[list[Any], dict[str, str]]:
    """Return the items of a page of a listing, and the parameter for the next page, if there is one."""
    items, following = response[key], response.get(cursor) or None
    if not isinstance(items, list) or not isinstance(following, str | None):
        raise TypeError(response)
    return items, {cursor: following} if following else {}


def _error_details(response: Response) -> dict[str, str]:
    """Return code and message of an error response as strings, whatever their types are."""
    details = response.get("Error")
    found = details if isinstance(details, dict) else {}
    return {name: str(found.get(name) or "") for name in ("Code", "Message")}


def _parsers() -> ResponseParserFactory:
    """Return botocore's parsers with a timestamp parser that is a hundred times as fast."""
    factory = ResponseParserFactory()
    factory.set_parser_defaults(timestamp_parser=_timestamp)
    return factory


def _timestamp(value: str | float) -> datetime:
    return datetime.fromisoformat(value) if isinstance(value, str) else datetime.fromtimestamp(value, UTC)


def _read_endpoint(client: Any) -> _Endpoint:
    """Return the endpoint, signing name and Region that botocore uses, from a request it prepares but does not send."""
    captured: list[AWSPreparedRequest] = []

    class Captured(Exception):  # noqa: N818 not an error
        pass

    def capture(request: AWSPreparedRequest, **_more: Any) -> None:
        captured.append(request)
        raise Captured

    client.meta.events.register("before-send", capture)
    operations: Mapping[str, str] = client.meta.method_to_api_mapping
    call: Callable[[], Any] = getattr(client, next(iter(operations)))
    with contextlib.suppress(Captured):
        call()
    url, headers = captured[0].url, {name: _to_text(value) for name, value in captured[0].headers.items()}
    _key, _date, region, name, _end = headers["Authorization"].split("Credential=")[1].split(",")[0].rsplit("/", 4)
    parts = urlsplit(url)
    proxies = ProxyConfiguration(get_environ_proxies(url))
    return _Endpoint(
        url=url,
        path=quote(parts.path or "/", safe="/~%"),
        query=parts.query,
        host=_host_header(parts),
        region=region,
        name=name,
        user_agent=headers["User-Agent"],
        proxy=proxies.proxy_url_for(url),
    )


def _urlencode(body: Mapping[str, Any]) -> bytes:
    """Return the same as `urllib.parse.urlencode`, several times as fast: session policies are long."""
    quoted = (str(text).encode().decode("latin-1").translate(_QUOTED) for pair in body.items() for text in pair)
    return "&".join(map("=".join, zip(quoted, quoted, strict=True))).encode()


def _host_header(parts: SplitResult) -> str:
    default = {"https": 443, "http": 80}[parts.scheme]
    name = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    return name if parts.port in (None, default) else f"{name}:{parts.port}"


def _to_text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _is_retryable(error: ClientError | RequestLostError) -> bool:
    """Return whether a retry of the same call can succeed."""
    if isinstance(error, RequestLostError):
        return error.retryable
    code = error.response.get("Error", {}).get("Code", "")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return code in THROTTLING_CODES or code in _TRANSIENT_CODES or status in _TRANSIENT_STATUSES
