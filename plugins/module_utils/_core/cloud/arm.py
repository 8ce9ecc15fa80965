# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only file that talks to Azure Resource Manager: clouds, the shared HTTP pipeline, retries, error classes."""

from __future__ import annotations

import asyncio
import email.utils
import json
import os
import random
import ssl
import time
import warnings
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from ..model.backoff import pauses
from ..model.connector.data_connector import JsonObject
from ..model.credentials import cloud as clouds
from ..model.credentials.cloud import Cloud
from ..model.credentials.credentials import AzureCredentials
from ..model.errors import SentinelError, cannot
from ..model.network_errors import UNREACHABLE_TIMEOUT
from ..model.s3 import error_codes
from . import network, packages, request_log
from .entra import Credential, find_sign_in
from .response import MalformedResponseError, parse

try:
    import requests
    from azure.core.exceptions import AzureError, HttpResponseError, ServiceRequestError, ServiceResponseError
    from azure.core.pipeline import policies
    from azure.core.pipeline.transport import RequestsTransport
    from azure.core.rest import HttpRequest, HttpResponse
    from azure.mgmt.core import ARMPipelineClient
    from azure.mgmt.core.policies import ARMChallengeAuthenticationPolicy
except ImportError:  # reported by `Azure`
    INSTALLED = False
else:
    INSTALLED = True

    class _Transport(RequestsTransport):  # type: ignore[misc]  # azure-core has no types for it
        """Raises FaultError for lasting connection problems, which azure-core and MSAL do not retry."""

        def send(self, request: Any, **more: Any) -> Any:
            """Send a request."""
            try:
                return super().send(request, **more)
            except (AzureError, OSError, ValueError) as error:
                fault = network.find_fault(error)
                if fault and fault.permanent:
                    raise network.FaultError(fault) from error
                raise

    class _Adapter(requests.adapters.HTTPAdapter):
        """Connections with one TLS context: requests would read the CA bundle again for each connection."""

        def __init__(self, context: ssl.SSLContext) -> None:
            self._context = context
            super().__init__(pool_connections=MAX_HOSTS, pool_maxsize=MAX_CONNECTIONS, max_retries=False)

        def build_connection_pool_key_attributes(
            self, request: Any, verify: Any, cert: Any = None
        ) -> tuple[dict[str, Any], dict[str, Any]]:
            """Return the address, and the context in place of CA bundle and client certificate."""
            address, _settings = super().build_connection_pool_key_attributes(request, verify, cert)
            return address, {"ssl_context": self._context}

        def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
            """Leave the connection as it is: the context verifies certificates."""

        def proxy_manager_for(self, proxy: str, **more: Any) -> Any:
            """Return the connections to a proxy, whose own certificate the same context verifies."""
            return super().proxy_manager_for(proxy, proxy_ssl_context=self._context, **more)

    if TYPE_CHECKING:
        # Before azure-mgmt-core 1.5 the class takes no parameters at run time.
        Client = ARMPipelineClient[HttpRequest, HttpResponse]

AZURE_CONNECT_TIMEOUT_SECONDS, AZURE_READ_TIMEOUT_SECONDS = 10, 60
MAX_HOSTS = 4  # Entra ID, Azure Resource Manager, Log Analytics and a spare one
MAX_CONNECTIONS = 32
# Limit for azure-core's own retries, which honour any Retry-After, even of a day.
MAX_PAUSE_SECONDS = 30.0
CLOUD_METADATA_VERSION = "2022-09-01"
# How long a request is retried after throttling or a transient error.
ARM_RETRY_SECONDS = 120.0
_SUCCESS_STATUSES = {200, 201, 204}
_RETRY_STATUSES = {408, 429, 500, 502, 503, 504}
# Of a subscription or resource group, on any resource in it ("Common Azure deployment errors").
_NOT_FOUND_CODES = {"InvalidSubscriptionId", "ResourceGroupNotFound", "SubscriptionNotFound"}
_KINDS = {"GET": "reads", "PUT": "writes", "DELETE": "deletes"}
_REMAINING = (
    "x-ms-ratelimit-remaining-subscription-{kind}",
    "x-ms-ratelimit-remaining-subscription-resource-requests",
)

_random = random.SystemRandom()


class RateLimit(Protocol):
    """The rate limit of a subscription or of Log Analytics; `kind` is reads, writes, deletes or queries."""

    async def acquire(self, kind: str) -> None:
        """Wait until one more request is allowed."""

    def record(self, kind: str, remaining: int | None, wait: float | None) -> None:
        """Record a response: remaining requests, seconds to wait if it was throttled; None if not reported."""


class Azure:
    """One credential in one cloud, with one HTTP pipeline for all subscriptions.

    azure-core blocks, so each request runs in a thread, as soon as the rate limit allows it.
    """

    def __init__(self, credentials: AzureCredentials) -> None:
        if not INSTALLED:
            raise packages.missing_packages("use Azure")
        sign_in = find_sign_in(credentials)
        self._transport = _transport(validate=sign_in.credentials.cert_validation_mode != "ignore")
        self._cloud = self._find_cloud(clouds.cloud_name(sign_in.credentials.cloud_environment))
        self._credential = Credential(sign_in, self._cloud, self._transport)
        self._arm = self._client(self._cloud.arm, ARMChallengeAuthenticationPolicy(self._credential, self._cloud.scope))
        self._threads = ThreadPoolExecutor(MAX_CONNECTIONS, "azure")
        self._reached: set[Client] = set()
        """The clients whose service has responded."""

    def close(self) -> None:
        """Close every connection, without waiting for requests that are running."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._transport.close()

    def logs(self) -> Client:
        """Return a client of Log Analytics, which needs tokens of its own; raises bad_input if the cloud has none."""
        if not self._cloud.logs:
            raise SentinelError("bad_input", "Cannot query Log Analytics: the cloud's metadata has no endpoint for it.")
        return self._client(
            self._cloud.logs, policies.BearerTokenCredentialPolicy(self._credential, f"{self._cloud.logs}/.default")
        )

    async def request(
        self,
        method: str,
        path: str,
        api_version: str,
        body: JsonObject | None = None,
        *,
        action: str,
        rate_limit: RateLimit,
    ) -> JsonObject:
        """Send a request for an ARM path or nextLink, and return the JSON object of the response.

        Raises SentinelError, "Cannot <action>: …".
        """
        link = urlsplit(path)
        # A nextLink may have another spelling of the host, and contains the API version.
        query = link.query or f"api-version={api_version}"
        request = HttpRequest(method, f"{self._cloud.arm}/{link.path.removeprefix('/')}?{query}", json=body)
        return await self.send(self._arm, request, _KINDS[method], action=action, rate_limit=rate_limit)

    async def send(
        self, client: Client, request: HttpRequest, kind: str, *, action: str, rate_limit: RateLimit
    ) -> JsonObject:
        """Send a request of that `kind` with retries, and return the JSON object of the response.

        An empty response to DELETE is {}. Raises SentinelError, "Cannot <action>: …".
        """
        deadline: float | None = None
        loop = asyncio.get_running_loop()
        with translate_azure_errors(action):
            for backoff in pauses(_random.uniform):
                await rate_limit.acquire(kind)
                answer, pause, throttled, start = None, backoff, False, time.monotonic()
                try:
                    answer = await loop.run_in_executor(self._threads, _send, client, request)
                    return parse(_parse_object, answer)
                except (HttpResponseError, ServiceRequestError, ServiceResponseError) as error:
                    answer = getattr(error, "response", None)
                    if not _can_retry(error):
                        raise
                    pause = max(backoff, _retry_after(answer))
                    # Counted from the first failure, without the time to acquire the rate limit before.
                    deadline = deadline or time.monotonic() + self._retry_seconds(error, client)
                    if time.monotonic() + pause > deadline:
                        raise
                    throttled = getattr(error, "status_code", None) == HTTPStatus.TOO_MANY_REQUESTS
                finally:
                    self._log(client, action, answer, time.monotonic() - start)
                    rate_limit.record(kind, _remaining(answer, kind), pause if throttled else None)
                if not throttled:
                    await asyncio.sleep(pause)
        raise AssertionError("pauses never end")

    def _log(self, client: Client, action: str, answer: HttpResponse | None, seconds: float) -> None:
        if answer is None:
            request_log.lost(action, seconds)
        else:
            self._reached.add(client)
            request_log.azure(action, answer.status_code, answer.headers, seconds)

    def _retry_seconds(self, error: AzureError, client: Client) -> float:
        """Return how long a request is retried: not long if the network settings of this machine may be wrong."""
        local = client not in self._reached and network.find_fault(error)
        return min(UNREACHABLE_TIMEOUT, ARM_RETRY_SECONDS) if local else ARM_RETRY_SECONDS

    def _find_cloud(self, name: str) -> Cloud:
        if name in clouds.CLOUDS:
            return clouds.CLOUDS[name]
        client = self._client(name, policies.RetryPolicy(retry_total=6, retry_backoff_max=30))
        request = HttpRequest("GET", f"{name}/metadata/endpoints?api-version={CLOUD_METADATA_VERSION}")
        with translate_azure_errors(f"read the cloud metadata of {name}"):
            return parse(clouds.from_metadata, parse(_parse_object, _send(client, request)))

    def _client(self, url: str, *more: Any) -> Client:
        """Return a client with these policies of azure-core; without the one that registers resource providers."""
        common = [policies.RequestIdPolicy(), policies.UserAgentPolicy("trailbridge.sentinel")]
        return ARMPipelineClient(url, policies=[*common, *more], transport=self._transport)


def _send(client: Client, request: HttpRequest) -> HttpResponse:
    """Send a request once; raises HttpResponseError for any status but success.

    azure-core reads each body while it sends, and raises any exception for a malformed one: MalformedResponseError.
    """
    response = parse(client.send_request, request)
    if response.status_code not in _SUCCESS_STATUSES:
        raise parse(HttpResponseError, response=response)
    return response


def _parse_object(response: HttpResponse) -> JsonObject:
    if response.request.method == "DELETE" and not response.text():
        return {}
    body = response.json()
    if not isinstance(body, Mapping):
        raise TypeError(body)
    return body


def _transport(*, validate: bool) -> RequestsTransport:
    """Return the transport of all requests, including Entra ID; proxies and CA bundles as in the package requests."""
    source = next((name for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE") if os.environ.get(name)), None)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if validate:
        bundle = os.environ[source] if source else requests.utils.DEFAULT_CA_BUNDLE_PATH
        network.load_bundle(context, bundle, source or "certifi")
    else:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    session = requests.Session()
    session.mount("https://", _Adapter(context))
    if not validate:
        # urllib3 warns about every single request.
        warnings.filterwarnings("ignore", "Unverified HTTPS request")
    transport = _Transport(
        session=session,
        session_owner=True,
        connection_timeout=AZURE_CONNECT_TIMEOUT_SECONDS,
        read_timeout=AZURE_READ_TIMEOUT_SECONDS,
        connection_verify=validate,
    )
    transport.sleep = lambda seconds: time.sleep(min(seconds, MAX_PAUSE_SECONDS))
    return transport


def _can_retry(error: AzureError) -> bool:
    """Return whether a retry of the same request can succeed; not if Sentinel checked a role or queue in vain."""
    if not isinstance(error, HttpResponseError):
        return True
    return error.status_code in _RETRY_STATUSES and not error_codes.find(azure_message(error))


def _retry_after(response: HttpResponse | None) -> float:
    """Return the seconds of Retry-After, which is a number or a date; 0 if there is none."""
    text = str(response.headers.get("Retry-After") or "") if response else ""
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    except (TypeError, ValueError, OverflowError):
        return 0.0


def _remaining(response: HttpResponse | None, kind: str) -> int | None:
    """Return the remaining number of requests of that kind, None if the response does not report it."""
    headers = response.headers if response else {}
    values = [headers.get(name.format(kind=kind), "") for name in _REMAINING]
    return next((int(text) for text in values if text.isascii() and text.isdigit()), None)


@contextmanager
def translate_azure_errors(action: str) -> Iterator[None]:
    """Raise SentinelError, "Cannot <action>: <cause>", for errors of azure-core and of `parse`, and no others."""
    try:
        yield
    except HttpResponseError as error:
        raise cannot(_azure_error_kind(error), action, azure_message(error)) from error
    except network.FaultError as error:
        raise network.connection_error(error.fault, action) from error
    except AzureError as error:
        fault = network.find_fault(error) or network.find_unreachable(error)
        if fault:
            raise network.connection_error(fault, action) from error
        raise cannot("transient", action, _first_line(str(error))) from error
    except MalformedResponseError as error:
        raise cannot("transient", action, str(error)) from error


def azure_message(error: HttpResponseError) -> str:
    """Return message and code of an error response; the message may itself contain JSON with both."""
    code, text = (error.error.code, error.error.message) if error.error else (None, None)
    with suppress(MalformedResponseError):
        code, text = parse(_inner_error, text)
    return f"{str(text or error.reason or 'no reason given').rstrip('.')} ({code or error.status_code})"


def _inner_error(text: str | None) -> tuple[str, str]:
    inner = json.loads(text or "")["error"]
    return inner["code"], inner["message"]


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0] if text.strip() else "no reason given"


def _azure_error_kind(error: HttpResponseError) -> str:
    status = error.status_code
    if error.error and error.error.code in _NOT_FOUND_CODES:
        return "workspace_not_found"
    if status in (401, 403):
        return "azure_denied"
    if status == 429:
        return "throttled"
    return "transient" if status is None or status >= 500 or status == 408 else "bad_input"
