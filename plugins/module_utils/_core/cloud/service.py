# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only file that talks to an AWS service: signed requests, as botocore would send them but without its cost a call.

botocore finds endpoint, Region, proxy and certificates, writes parameters and reads answers. A call of one of its
clients costs as much again as everything else that is done for it, so sending, signing and trying again are here.
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
from .curl import Http, LostError

try:
    from botocore.awsrequest import AWSPreparedRequest
    from botocore.exceptions import ClientError
    from botocore.httpsession import ProxyConfiguration
    from botocore.parsers import ResponseParserError, ResponseParserFactory
    from botocore.serialize import create_serializer
    from botocore.utils import get_environ_proxies
except ImportError:  # `cloud.aws.Aws` says so in one sentence
    pass

# For how long a call is made again that a service or the network refused for the moment, in seconds.
DEADLINE = 60.0
THROTTLED = {
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
_TRANSIENT = {"RequestTimeout", "RequestTimeoutException", "InternalFailure", "ServiceUnavailable"}
_TRANSIENT_STATUS = {429, 500, 502, 503, 504}
_STATUSES = frozenset(HTTPStatus)
_REQUEST_ID = re.compile(rb"<RequestId>[^<]*</RequestId>")
_QUOTED = {byte: quote_plus(bytes((byte,))) for byte in range(256)}
_SIGNED = ("host", "x-amz-date", "x-amz-security-token", "x-amz-target", "content-type")

log = logging.getLogger("trailbridge.sentinel")
_chance = random.SystemRandom()


@dataclass(slots=True)
class Keys:
    """A key pair, with the token of its session if it has one; `assumed` where the session is that of a role."""

    access_key: str
    secret_key: str = field(repr=False)
    token: str | None = field(default=None, repr=False)
    assumed: bool = False
    _derived: tuple[str, bytes] = field(default=("", b""), repr=False, compare=False)

    def sign(self, scope: str, text: str) -> str:
        """Return the signature of a text; `scope` is "date/Region/service/aws4_request"."""
        if self._derived[0] != scope:
            key = f"AWS4{self.secret_key}".encode()
            for part in scope.split("/"):
                key = hmac.digest(key, part.encode(), "sha256")
            self._derived = scope, key
        return hmac.new(self._derived[1], text.encode(), "sha256").hexdigest()


class Observer(Protocol):
    """Who wants to know how the services are doing."""

    def answered(self, seconds: float, *, throttled: bool) -> None: ...


class _Request(NamedTuple):
    """What all requests to a service have in common."""

    url: str
    path: str
    query: str
    host: str
    region: str
    name: str
    user_agent: str
    proxy: str | None


class _Written(NamedTuple):
    """A request without what differs from account to account: date, keys and signature."""

    headers: Mapping[str, str]
    body: bytes
    digest: str

    @classmethod
    def of(cls, headers: Mapping[str, Any], body: bytes) -> _Written:
        """Return it, from the headers that go with the body."""
        lower = {name.lower(): str(value) for name, value in headers.items()}
        return cls(lower, body, hashlib.sha256(body).hexdigest())


class Service:
    """One service at its endpoint. `client` is a client of botocore, which is asked but not used."""

    def __init__(self, client: Any, http: Http, observer: Observer) -> None:
        self._model = client.meta.service_model
        self._request = _captured(client)
        self._serializer = create_serializer(self._model.metadata["protocol"], include_validation=False)
        self._parser = _parsers().create_parser(self._model.metadata["protocol"])
        self._last: dict[str, tuple[Mapping[str, Any], _Written]] = {}
        self._list = lru_cache(maxsize=64)(partial(self._parse, status=HTTPStatus.OK))
        self._http = http
        self._observer = observer
        self._answered = False

    @property
    def region(self) -> str:
        """The Region that answers."""
        return self._request.region

    @property
    def url(self) -> str:
        """Where it is asked."""
        return self._request.url

    def of(self, keys: Keys) -> Caller:
        """Return what makes calls with these keys."""
        return Caller(self, keys)

    async def call(self, keys: Keys, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """Make one call, again and again while it is refused for the moment; raises ClientError or LostError."""
        start, waits = time.monotonic(), pauses(_chance.uniform)
        # What makes the second try of a call known as such is generated once, by the rules of botocore.
        tokens = self._model.operation_model(operation).idempotent_members
        params = {**{name: str(uuid.uuid4()) for name in tokens}, **params} if tokens else params
        while True:
            try:
                return await self._once(keys, operation, params)
            except (ClientError, LostError) as error:
                pause = next(waits)
                if not _again(error) or time.monotonic() + pause > start + self._patience(error):
                    raise
                await asyncio.sleep(pause)

    def _patience(self, error: ClientError | LostError) -> float:
        """Return for how long a call is made again: briefly where this machine may be at fault."""
        faulty = isinstance(error, LostError) and error.fault and not self._answered
        return min(UNREACHABLE_TIMEOUT, DEADLINE) if faulty else DEADLINE

    async def _once(self, keys: Keys, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
        written = self._written(operation, params)
        headers = self._headers(keys, written)
        start = time.monotonic()
        status, content = await self._http.post(self._request.url, headers, written.body, self._request.proxy)
        seconds = time.monotonic() - start
        self._answered = True
        answer = self._read(operation, status, content)
        error = answer.get("Error", {}).get("Code", "") if status >= 300 else ""
        log.debug("%s %s %s in %.0f ms %s", self._request.name, operation, status, seconds * 1000, error)
        self._observer.answered(seconds, throttled=error in THROTTLED)
        if status >= 300:
            raise ClientError(cast("Any", answer), operation)
        return answer

    def _written(self, operation: str, params: Mapping[str, Any]) -> _Written:
        """Return what a call is on its way. Most accounts are asked the same, so what was written last is kept."""
        known = self._last.get(operation)
        if known and known[0] == params:
            return known[1]
        model = self._model.operation_model(operation)
        request = self._serializer.serialize_to_request(dict(params), model)
        body = _form(request["body"]) if isinstance(request["body"], dict) else request["body"]
        written = _Written.of(request["headers"], body)
        self._last[operation] = params, written
        return written

    def _read(self, operation: str, status: int, content: bytes) -> dict[str, Any]:
        """Return an answer as data. Lists are mostly the same in all accounts, but for the id of the request."""
        if status == HTTPStatus.OK and operation.startswith("List"):
            return self._list(operation, content=_REQUEST_ID.sub(b"", content))
        return self._parse(operation, status, content)

    def _parse(self, operation: str, status: int, content: bytes) -> dict[str, Any]:
        shape = self._model.operation_model(operation).output_shape
        try:
            answer: dict[str, Any] = self._parser.parse({"status_code": status, "headers": {}, "body": content}, shape)
        except (AttributeError, LookupError, TypeError, ValueError, ResponseParserError) as error:
            if status >= HTTPStatus.MULTIPLE_CHOICES:
                # Whoever stands between answers for the service, in words of its own.
                told = {"Code": str(status), "Message": HTTPStatus(status).phrase if status in _STATUSES else ""}
                return {"Error": told, "ResponseMetadata": {"HTTPStatusCode": status}}
            raise ResponseParserError(str(error)) from error
        return answer

    def _headers(self, keys: Keys, written: _Written) -> list[str]:
        """Return the headers of a request, signed ("Signature Version 4 for API requests", IAM User Guide)."""
        now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        headers = {**written.headers, "host": self._request.host, "x-amz-date": now}
        if keys.token:
            headers["x-amz-security-token"] = keys.token
        signed = sorted(headers.keys() & set(_SIGNED))
        canonical = "\n".join(
            (
                "POST",
                self._request.path,
                self._request.query,
                *(f"{name}:{headers[name].strip()}" for name in signed),
                "",
                ";".join(signed),
                written.digest,
            )
        )
        scope = f"{now[:8]}/{self._request.region}/{self._request.name}/aws4_request"
        text = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        headers["authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={keys.access_key}/{scope}, "
            f"SignedHeaders={';'.join(signed)}, Signature={keys.sign(scope, text)}"
        )
        headers["user-agent"] = self._request.user_agent
        return [f"{name}: {value}" for name, value in headers.items()]


class Caller(NamedTuple):
    """One service with the keys of one account."""

    service: Service
    keys: Keys

    async def __call__(self, operation: str, **params: Any) -> dict[str, Any]:
        """Make one call, by the names of the API."""
        return await self.service.call(self.keys, operation, params)

    async def pages(self, operation: str, key: str, marker: str = "Marker", **params: Any) -> list[Any]:
        """Return what a listing has on all its pages under `key`; a page without it is not taken for an empty one."""
        found: list[Any] = []
        more: dict[str, Any] = {}
        while True:
            answer = await self(operation, **params, **more)
            found += answer[key]
            more = {marker: answer[marker]} if answer.get(marker) else {}
            if not more:
                return found


def _parsers() -> ResponseParserFactory:
    """Return botocore's parsers, with a reader of timestamps that takes a hundredth of the time."""
    factory = ResponseParserFactory()
    factory.set_parser_defaults(timestamp_parser=_timestamp)
    return factory


def _timestamp(value: str | float) -> datetime:
    return datetime.fromisoformat(value) if isinstance(value, str) else datetime.fromtimestamp(value, UTC)


def _captured(client: Any) -> _Request:
    """Have botocore prepare a request, and read off it what no other way tells: endpoint, signing name and Region."""
    kept: list[AWSPreparedRequest] = []

    class Enough(Exception):  # noqa: N818 it is none
        pass

    def keep(request: AWSPreparedRequest, **_more: Any) -> None:
        kept.append(request)
        raise Enough

    client.meta.events.register("before-send", keep)
    operations: Mapping[str, str] = client.meta.method_to_api_mapping
    call: Callable[[], Any] = getattr(client, next(iter(operations)))
    with contextlib.suppress(Enough):
        call()
    url, headers = kept[0].url, {name: _text(value) for name, value in kept[0].headers.items()}
    _key, _date, region, name, _end = headers["Authorization"].split("Credential=")[1].split(",")[0].rsplit("/", 4)
    parts = urlsplit(url)
    proxies = ProxyConfiguration(get_environ_proxies(url))
    return _Request(
        url=url,
        path=quote(parts.path or "/", safe="/~%"),
        query=parts.query,
        host=_host(parts),
        region=region,
        name=name,
        user_agent=headers["User-Agent"],
        proxy=proxies.proxy_url_for(url),
    )


def _form(body: Mapping[str, Any]) -> bytes:
    """Return what `urllib.parse.urlencode` does, several times as fast: session policies are long."""
    quoted = (str(text).encode().decode("latin-1").translate(_QUOTED) for pair in body.items() for text in pair)
    return "&".join(map("=".join, zip(quoted, quoted, strict=True))).encode()


def _host(parts: SplitResult) -> str:
    default = {"https": 443, "http": 80}[parts.scheme]
    name = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    return name if parts.port in (None, default) else f"{name}:{parts.port}"


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _again(error: ClientError | LostError) -> bool:
    """Tell whether the same call can succeed in a moment."""
    if isinstance(error, LostError):
        return error.again
    code = error.response.get("Error", {}).get("Code", "")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return code in THROTTLED or code in _TRANSIENT or status in _TRANSIENT_STATUS
