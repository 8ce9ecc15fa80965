# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWS services with signatures of our own over libcurl: IAM and STS, some calls in each of thousands of accounts.

botocore provides endpoint, Region and proxy, serializes parameters and parses responses. Calls through its own clients
would double the CPU time of a run, so signing and sending are implemented here. They use the protocol "query", and each
write is of a named thing: AWS refuses a second one, or it changes nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
import string
import time
from collections.abc import Callable, Mapping
from functools import lru_cache
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import SplitResult, quote, urlsplit

from . import query_response
from .curl import Http
from .service import READS, Keys, Parameters, Parsers, Response, ResponseObserver, Service, timestamp

try:
    from botocore.awsrequest import AWSPreparedRequest
    from botocore.httpsession import ProxyConfiguration
    from botocore.serialize import create_serializer
    from botocore.utils import get_environ_proxies
except ImportError:  # reported by `cloud.aws.Aws`
    pass

SIGNED_SERVICES = {"iam", "sts"}
_UNRESERVED = frozenset(string.ascii_letters + string.digits + "_.-~")


class _Operation(NamedTuple):
    """botocore's model of an operation, and the function that reads its response, if there is one."""

    model: Any
    read: query_response.Reader | None


class _Request(NamedTuple):
    """A request without signature: the headers that its content has, the content, and its SHA-256 in hex."""

    headers: Mapping[str, str]
    body: bytes
    digest: str


class SignedService(Service):
    """One service at its endpoint."""

    repeats_writes = True

    def __init__(self, client: Any, http: Http, observer: ResponseObserver) -> None:
        super().__init__(client, observer)
        request = _prepared_request(client)
        parts, proxies = urlsplit(request.url), ProxyConfiguration(get_environ_proxies(request.url))
        scope = _to_text(request.headers["Authorization"]).split("Credential=")[1].split(",")[0]
        self.region, self._signing_name = scope.split("/")[-3:-1]
        self.url = request.url
        self._proxy = proxies.proxy_url_for(self.url)
        self._target = "\n".join(("POST", quote(parts.path or "/", safe="/~%"), parts.query))
        self._host = _host_header(parts)
        self._user_agent = _to_text(request.headers["User-Agent"])
        self._serializer = create_serializer("query", include_validation=False)
        self._parser = Parsers().create_parser("query")
        self._http = http
        self._operations: dict[str, _Operation] = {}
        self._common = lru_cache(maxsize=256)(lambda operation, *params: self._request(operation, dict(params)))

    async def _send(self, keys: Keys, operation: str, params: Parameters) -> Response:
        # Most accounts are read with the same names.
        is_common = operation.startswith(READS) and all(isinstance(value, str) for value in params.values())
        request = self._common(operation, *params.items()) if is_common else self._request(operation, params)
        status, content = await self._http.post(self.url, self._headers(keys, request), request.body, self._proxy)
        model, read = self._operation(operation)
        if read and status == HTTPStatus.OK:
            return read(content)
        answer = {"status_code": status, "headers": {}, "body": content}
        response: Response = self._parser.parse(answer, model.output_shape)
        return response

    def _request(self, operation: str, params: Parameters) -> _Request:
        """Return a request in the form of the protocol."""
        request = self._serializer.serialize_to_request(dict(params), self._operation(operation).model)
        body = "&".join(f"{name}={_quoted(str(value))}" for name, value in request["body"].items()).encode()
        headers = {name.lower(): value for name, value in request["headers"].items()}
        return _Request(headers, body, hashlib.sha256(body).hexdigest())

    def _operation(self, name: str) -> _Operation:
        """Return what is known of an operation, made once."""
        if name not in self._operations:
            model = self._model.operation_model(name)
            self._operations[name] = _Operation(model, query_response.reader_of(model, timestamp))
        return self._operations[name]

    def _headers(self, keys: Keys, request: _Request) -> list[str]:
        """Return the signed headers of a request ("Signature Version 4 for API requests", IAM User Guide)."""
        now = _signing_time(int(time.time()))
        headers = {**request.headers, "host": self._host, "x-amz-date": now}
        if keys.token:
            headers["x-amz-security-token"] = keys.token
        signed = sorted(headers)
        names = ";".join(signed)
        lines = [f"{name}:{headers[name].strip()}" for name in signed]
        canonical = "\n".join((self._target, *lines, "", names, request.digest))
        scope = f"{now[:8]}/{self.region}/{self._signing_name}/aws4_request"
        text = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        headers["authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={keys.access_key}/{scope}, "
            f"SignedHeaders={names}, Signature={keys.sign(scope, text)}"
        )
        headers["user-agent"] = self._user_agent
        return [f"{name}: {value}" for name, value in headers.items()]


@lru_cache(maxsize=1)
def _signing_time(seconds: int) -> str:
    """Return a time since the epoch as in signatures."""
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(seconds))


_quoted_character = lru_cache(quote)


def _quoted(text: str) -> str:
    """Return the same as `quote`, in half the time for a policy: long, and of few different characters."""
    special = set(text) - _UNRESERVED
    for character in sorted(special, key="%".__ne__):  # "%" first: it is in what the others become
        text = text.replace(character, _quoted_character(character, safe=""))
    return text


def _prepared_request(client: Any) -> AWSPreparedRequest:
    """Return a request that botocore prepares but does not send: it has endpoint, signing name and Region."""
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
    return captured[0]


def _host_header(parts: SplitResult) -> str:
    default = {"https": 443, "http": 80}[parts.scheme]
    name = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    return name if parts.port in (None, default) else f"{name}:{parts.port}"


def _to_text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
