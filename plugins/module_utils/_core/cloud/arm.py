# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only file that talks to Azure Resource Manager: clouds, the shared HTTP pipeline, retries, error classes."""

from __future__ import annotations

import asyncio
import email.utils
import importlib.util
import json
import logging
import os
import random
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from urllib.parse import urlsplit

from ..model.backoff import pauses
from ..model.credentials import cloud as clouds
from ..model.credentials.cloud import Cloud
from ..model.credentials.credentials import AzureCredentials
from ..model.errors import SentinelError, cannot
from ..model.network_errors import UNREACHABLE_TIMEOUT
from . import network
from .entra import Credential, find_sign_in
from .response import MalformedResponseError, parse

try:
    import requests
    from azure.core import PipelineClient
    from azure.core.exceptions import (
        AzureError,
        ClientAuthenticationError,
        DecodeError,
        HttpResponseError,
        ServiceRequestError,
        ServiceResponseError,
    )
    from azure.core.pipeline import Pipeline, policies
    from azure.core.pipeline.transport import RequestsTransport
    from azure.core.rest import HttpRequest
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


if TYPE_CHECKING:
    from azure.mgmt.securityinsight import SecurityInsights

AZURE_CONNECT_TIMEOUT_SECONDS, AZURE_READ_TIMEOUT_SECONDS = 10, 60
MAX_HOSTS = 4  # Entra ID, Azure Resource Manager, Log Analytics and a spare one
MAX_CONNECTIONS = 32
# Limit for azure-core's own retries, which honour any Retry-After, even of a day.
MAX_PAUSE_SECONDS = 30.0
CLOUD_METADATA_VERSION = "2022-09-01"
# How long a request is retried after throttling or a transient error.
ARM_RETRY_SECONDS = 120.0
_RETRY_STATUSES = {408, 429, 500, 502, 503, 504}
_REMAINING = (
    "x-ms-ratelimit-remaining-subscription-{kind}",
    "x-ms-ratelimit-remaining-subscription-resource-requests",
)

log = logging.getLogger("trailbridge.sentinel")
_random = random.SystemRandom()

T = TypeVar("T")
Hook = Callable[[Any], None]
"""Gets each PipelineResponse of a request."""
JsonObject = Mapping[str, Any]
"""A JSON object, as an API of Azure returns it."""


class RateLimit(Protocol):
    """The rate limit of a subscription or of Log Analytics; `kind` is reads, writes, deletes or queries."""

    async def acquire(self, kind: str) -> None:
        """Wait until one more request is allowed."""

    def record(self, kind: str, remaining: int | None, wait: float | None) -> None:
        """Record a response: remaining requests, seconds to wait if it was throttled; None if not reported."""


class Azure:
    """One credential in one cloud, with one HTTP pipeline for all subscriptions.

    The SDK blocks, so each of its calls runs in a thread, as soon as the rate limit allows it.
    """

    def __init__(self, credentials: AzureCredentials) -> None:
        if not (INSTALLED and _is_installed("azure.mgmt.securityinsight")):
            raise SentinelError(
                "bad_input",
                "Cannot use Azure: the Python packages azure-mgmt-securityinsight and azure-identity are required. "
                "Install both.",
            )
        sign_in = find_sign_in(credentials)
        self._transport = _transport(validate=sign_in.credentials.cert_validation_mode != "ignore")
        self._cloud = self._find_cloud(clouds.cloud_name(sign_in.credentials.cloud_environment))
        self._credential = Credential(sign_in, self._cloud, self._transport)
        self._pipeline = Pipeline(self._transport, self._policies())
        self._arm = PipelineClient(self._cloud.arm, pipeline=self._pipeline)
        self._threads = ThreadPoolExecutor(MAX_CONNECTIONS, "azure")
        self._reached: set[bool] = set()
        """False: Azure Resource Manager has responded; True: Log Analytics."""

    def close(self) -> None:
        """Close every connection, without waiting for requests that are running."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._transport.close()

    async def get(self, path: str, api_version: str, *, action: str, rate_limit: RateLimit) -> JsonObject:
        """Return the JSON body of a GET of an ARM path or nextLink; raises SentinelError, "Cannot <action>: …"."""
        link = urlsplit(path)
        # A nextLink may have another spelling of the host, and contains the API version.
        url = f"{self._cloud.arm}/{link.path.removeprefix('/')}{link.query and f'?{link.query}'}"
        params = {} if link.query else {"api-version": api_version}

        def send(hook: Hook) -> JsonObject:
            return _get_json(self._arm, url, params, hook)

        return await self.call(send, "reads", action=action, rate_limit=rate_limit)

    async def call(self, send: Callable[[Hook], T], kind: str, *, action: str, rate_limit: RateLimit) -> T:
        """Run `send` in a thread, with retries, and return its result; raises SentinelError, "Cannot <action>: …".

        `send` makes one request of that `kind` and passes each response to the hook that it gets.
        """
        deadline: float | None = None
        loop = asyncio.get_running_loop()
        with translate_azure_errors(action):
            for backoff in pauses(_random.uniform):
                responses: list[Any] = []
                pause, throttled = backoff, False
                await rate_limit.acquire(kind)
                try:
                    return await loop.run_in_executor(self._threads, send, responses.append)
                except (HttpResponseError, ServiceRequestError, ServiceResponseError) as error:
                    if not _can_retry(error):
                        raise
                    pause = max(backoff, _retry_after(error))
                    # Counted from the first failure, without the time to acquire the rate limit before.
                    deadline = deadline or time.monotonic() + self._retry_seconds(error, kind)
                    if time.monotonic() + pause > deadline:
                        raise
                    throttled = _status(error) == 429
                finally:
                    self._reached |= {kind == "queries"} if responses else set()
                    for response in responses:
                        log.debug("%s %s", action, response.http_response.status_code)
                    rate_limit.record(kind, _remaining(responses, kind), pause if throttled else None)
                if not throttled:
                    await asyncio.sleep(pause)
        raise AssertionError("pauses never end")

    def _retry_seconds(self, error: AzureError, kind: str) -> float:
        """Return how long a request is retried: not long if the network settings of this machine may be wrong."""
        local = (kind == "queries") not in self._reached and network.find_fault(error)
        return min(UNREACHABLE_TIMEOUT, ARM_RETRY_SECONDS) if local else ARM_RETRY_SECONDS

    def insights(self, subscription_id: str) -> SecurityInsights:
        """Return the SDK's Sentinel client of one subscription, on the shared pipeline."""
        # Needed for writes only, and slow to import.
        from azure.mgmt.securityinsight import SecurityInsights

        return SecurityInsights(self._credential, subscription_id, self._cloud.arm, pipeline=self._pipeline)

    def logs(self) -> PipelineClient[Any, Any]:
        """Return a client of Log Analytics, which needs tokens of its own; raises bad_input if the cloud has none."""
        if not self._cloud.logs:
            raise SentinelError("bad_input", "Cannot query Log Analytics: the cloud's metadata has no endpoint for it.")
        scope = f"{self._cloud.logs}/.default"
        steps = [*_common_policies(retries=0), policies.BearerTokenCredentialPolicy(self._credential, scope)]
        return PipelineClient(self._cloud.logs, pipeline=Pipeline(self._transport, steps))

    def _find_cloud(self, name: str) -> Cloud:
        if name in clouds.CLOUDS:
            return clouds.CLOUDS[name]
        plain = PipelineClient[Any, Any](name, pipeline=Pipeline(self._transport, _common_policies()))
        with translate_azure_errors(f"read the cloud metadata of {name}"):
            raw = _get_json(plain, f"{name}/metadata/endpoints", {"api-version": CLOUD_METADATA_VERSION})
            return parse(clouds.from_metadata, raw)

    def _policies(self) -> list[Any]:
        return [*_common_policies(retries=0), ARMChallengeAuthenticationPolicy(self._credential, self._cloud.scope)]


def _is_installed(package: str) -> bool:
    try:
        return importlib.util.find_spec(package) is not None
    except ModuleNotFoundError:
        return False


def _get_json(
    client: PipelineClient[Any, Any], url: str, params: dict[str, str], hook: Hook | None = None
) -> JsonObject:
    return send_json(client, HttpRequest("GET", url, params=params), hook)


def send_json(client: PipelineClient[Any, Any], request: HttpRequest, hook: Hook | None = None) -> JsonObject:
    """Send a request and return the JSON object of the response.

    azure-core reads each body while it sends, and raises any exception for a malformed one: MalformedResponseError.
    """
    response = parse(client.send_request, request, raw_response_hook=hook)
    parse(response.raise_for_status)
    return parse(_parse_object, response)


def _parse_object(response: Any) -> JsonObject:
    body = response.json()
    if not isinstance(body, Mapping):
        raise TypeError(body)
    return body


def _common_policies(retries: int = 6) -> list[Any]:
    """Return the policies of every pipeline: azure-core's, without automatic registration of resource providers."""
    return [
        policies.RequestIdPolicy(),
        policies.HeadersPolicy(),
        policies.UserAgentPolicy("trailbridge.sentinel"),
        policies.ContentDecodePolicy(),
        policies.CustomHookPolicy(),
        policies.RetryPolicy(retry_total=retries, retry_backoff_max=30),
    ]


def _transport(*, validate: bool) -> RequestsTransport:
    """Return the transport of all requests, including Entra ID; proxies and CA bundles as in the package requests."""
    source = next((name for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE") if os.environ.get(name)), None)
    verify = network.check_bundle(os.environ[source], source) if source and validate else validate
    session = requests.Session()
    adapter = requests.adapters.HTTPAdapter(pool_connections=MAX_HOSTS, pool_maxsize=MAX_CONNECTIONS, max_retries=False)
    session.mount("https://", adapter)
    if not validate:
        # urllib3 warns about every single request.
        warnings.filterwarnings("ignore", "Unverified HTTPS request")
    transport = _Transport(
        session=session,
        session_owner=True,
        connection_timeout=AZURE_CONNECT_TIMEOUT_SECONDS,
        read_timeout=AZURE_READ_TIMEOUT_SECONDS,
        connection_verify=verify,
    )
    transport.sleep = lambda seconds: time.sleep(min(seconds, MAX_PAUSE_SECONDS))
    return transport


def _can_retry(error: AzureError) -> bool:
    """Return whether a retry of the same request can succeed."""
    return not isinstance(error, HttpResponseError) or _status(error) in _RETRY_STATUSES


def _status(error: AzureError) -> int | None:
    return error.status_code if isinstance(error, HttpResponseError) else None


def _retry_after(error: AzureError) -> float:
    """Return the seconds of Retry-After, which is a number or a date; 0 if there is none."""
    response: Any = error.response if isinstance(error, HttpResponseError) else None
    text = str(response.headers.get("Retry-After") or "") if response else ""
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    except (TypeError, ValueError, OverflowError):
        return 0.0


def _remaining(responses: list[Any], kind: str) -> int | None:
    """Return the remaining number of requests of that kind, None if the response does not report it."""
    headers = responses[-1].http_response.headers if responses else {}
    values = [headers.get(name.format(kind=kind), "") for name in _REMAINING]
    return next((int(text) for text in values if text.isascii() and text.isdigit()), None)


@contextmanager
def translate_azure_errors(action: str) -> Iterator[None]:
    """Raise SentinelError, "Cannot <action>: <cause>", for errors of the Azure SDK and of `parse`, and no others."""
    try:
        yield
    except ClientAuthenticationError as error:
        raise cannot("azure_denied", action, _first_line(error.message)) from error
    except DecodeError as error:
        raise cannot("transient", action, "the response cannot be parsed") from error
    except HttpResponseError as error:
        raise cannot(_azure_error_kind(error.status_code), action, azure_message(error)) from error
    except network.FaultError as error:
        raise network.connection_error(error.fault, action) from error
    except AzureError as error:
        fault = network.find_fault(error)
        if fault:
            raise network.connection_error(fault, action) from error
        raise cannot("transient", action, _first_line(str(error))) from error
    except MalformedResponseError as error:
        raise cannot("transient", action, str(error)) from error


def azure_message(error: HttpResponseError) -> str:
    """Return message and code of an error response; the message may itself contain JSON with both."""
    code = error.error.code if error.error else None
    text = error.error.message if error.error else None
    try:
        inner = json.loads(text or "")["error"]
        code, text = inner["code"], inner["message"]
    except (ValueError, KeyError, TypeError):
        pass
    return f"{str(text or error.reason or 'no reason given').rstrip('.')} ({code or error.status_code})"


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0] if text.strip() else "no reason given"


def _azure_error_kind(status: int | None) -> str:
    if status in (401, 403):
        return "azure_denied"
    if status == 429:
        return "throttled"
    return "transient" if status is None or status >= 500 or status == 408 else "bad_input"
