# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only file that talks to Azure Resource Manager itself: clouds, one pipeline for all, what its errors mean."""

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
from collections.abc import Callable, Iterator
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
from .entra import Credential, find_way

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
except ImportError:  # `Azure` says so in one sentence
    INSTALLED = False
else:
    INSTALLED = True

    class _Transport(RequestsTransport):  # type: ignore[misc]  # azure-core has no types for it
        """Raises at once what another try cannot help: neither azure-core nor MSAL tries that again."""

        def send(self, request: Any, **more: Any) -> Any:
            """Send a request."""
            try:
                return super().send(request, **more)
            except (AzureError, OSError, ValueError) as error:
                fault = network.fault_of(error)
                if fault and fault.permanent:
                    raise network.FaultError(fault) from error
                raise


if TYPE_CHECKING:
    from azure.mgmt.securityinsight import SecurityInsights

CONNECT_SECONDS, READ_SECONDS = 10, 60
HOSTS = 4  # Entra ID, Azure Resource Manager, Log Analytics, one to spare
CONNECTIONS = 32
# azure-core sleeps as long as a service asks for, be it a day; where it tries again by itself it shall be no longer.
LONGEST_PAUSE = 30.0
METADATA_VERSION = "2022-09-01"
# For how long a request is made again that was refused for the moment, in seconds.
DEADLINE = 120.0
_TRANSIENT_STATUS = {408, 429, 500, 502, 503, 504}
_REMAINING = (
    "x-ms-ratelimit-remaining-subscription-{kind}",
    "x-ms-ratelimit-remaining-subscription-resource-requests",
)

log = logging.getLogger("trailbridge.sentinel")
_chance = random.SystemRandom()

T = TypeVar("T")
Hook = Callable[[Any], None]


class Allowance(Protocol):
    """What may be asked of a subscription; `kind` is reads, writes or deletes."""

    async def turn(self, kind: str) -> None: ...

    def answered(self, kind: str, remaining: int | None, wait: float | None) -> None: ...


class Azure:
    """One credential in one cloud, with one pipeline for all subscriptions.

    The SDK waits for answers; so each of its calls runs in a thread, when its turn has come.
    """

    def __init__(self, credentials: AzureCredentials) -> None:
        if not (INSTALLED and _is_installed("azure.mgmt.securityinsight")):
            raise SentinelError(
                "bad_input",
                "Cannot talk to Azure: the Python packages azure-mgmt-securityinsight and azure-identity "
                "are not both installed.",
            )
        sign_in = find_way(credentials)
        self._transport = _transport(validate=sign_in.credentials.cert_validation_mode != "ignore")
        self._cloud = self._find_cloud(clouds.cloud_name(sign_in.credentials.cloud_environment))
        self._credential = Credential(sign_in, self._cloud, self._transport)
        self._pipeline = Pipeline(self._transport, self._policies())
        self._arm = PipelineClient(self._cloud.arm, pipeline=self._pipeline)
        self._threads = ThreadPoolExecutor(CONNECTIONS, "azure")
        self._answered: set[bool] = set()

    def close(self) -> None:
        """Wait for no thread any more, and close every connection."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._transport.close()

    async def get(self, path: str, api_version: str, *, what: str, allowance: Allowance) -> dict[str, Any]:
        """Return the answer of one GET below the ARM address, `what` says in words what is done."""
        link = urlsplit(path)
        # The link to a next page may spell the host otherwise, and has the version already.
        url = f"{self._cloud.arm}/{link.path.removeprefix('/')}{link.query and f'?{link.query}'}"
        params = {} if link.query else {"api-version": api_version}

        def work(hook: Hook) -> dict[str, Any]:
            return _json(self._arm, url, params, hook)

        return await self.ask(work, "reads", what=what, allowance=allowance)

    async def ask(self, work: Callable[[Hook], T], kind: str, *, what: str, allowance: Allowance) -> T:
        """Have a thread do `work`, one request, which hands each response to its argument; again while it may help."""
        deadline: float | None = None
        loop = asyncio.get_running_loop()
        with explained(what):
            for shortest in pauses(_chance.uniform):
                responses: list[Any] = []
                pause, refused = shortest, False
                await allowance.turn(kind)
                try:
                    return await loop.run_in_executor(self._threads, work, responses.append)
                except (HttpResponseError, ServiceRequestError, ServiceResponseError) as error:
                    if not _again(error):
                        raise
                    pause = max(shortest, _retry_after(error))
                    # Counted from the first failure: waiting for one's turn before takes nothing away.
                    deadline = deadline or time.monotonic() + self._patience(error, kind)
                    if time.monotonic() + pause > deadline:
                        raise
                    refused = _status(error) == 429
                finally:
                    self._answered |= {kind == "queries"} if responses else set()
                    for response in responses:
                        log.debug("%s %s", what, response.http_response.status_code)
                    allowance.answered(kind, _remaining(responses, kind), pause if refused else None)
                if not refused:
                    await asyncio.sleep(pause)
        raise AssertionError("pauses never end")

    def _patience(self, error: AzureError, kind: str) -> float:
        """Return for how long a request is made again: briefly where this machine may be at fault."""
        # Log Analytics is another service, at another address.
        faulty = (kind == "queries") not in self._answered and network.fault_of(error)
        return min(UNREACHABLE_TIMEOUT, DEADLINE) if faulty else DEADLINE

    def insights(self, subscription_id: str) -> SecurityInsights:
        """Return the Sentinel client of one subscription; all of them share the pipeline."""
        # Loads as long as everything else; only who writes needs it.
        from azure.mgmt.securityinsight import SecurityInsights

        return SecurityInsights(self._credential, subscription_id, self._cloud.arm, pipeline=self._pipeline)

    def logs(self) -> PipelineClient[Any, Any]:
        """Return what sends requests to Log Analytics, whose tokens are its own."""
        if not self._cloud.logs:
            raise SentinelError("bad_input", "Cannot query Log Analytics: the metadata of the cloud do not name it.")
        scope = f"{self._cloud.logs}/.default"
        steps = [*_common_policies(retries=0), policies.BearerTokenCredentialPolicy(self._credential, scope)]
        return PipelineClient(self._cloud.logs, pipeline=Pipeline(self._transport, steps))

    def _find_cloud(self, name: str) -> Cloud:
        if name in clouds.CLOUDS:
            return clouds.CLOUDS[name]
        plain = PipelineClient[Any, Any](name, pipeline=Pipeline(self._transport, _common_policies()))
        with explained(f"read the cloud metadata of {name}"):
            raw = _json(plain, f"{name}/metadata/endpoints", {"api-version": METADATA_VERSION})
            return clouds.from_metadata(raw)

    def _policies(self) -> list[Any]:
        return [*_common_policies(retries=0), ARMChallengeAuthenticationPolicy(self._credential, self._cloud.scope)]


def _is_installed(package: str) -> bool:
    try:
        return importlib.util.find_spec(package) is not None
    except ModuleNotFoundError:
        return False


def _json(
    client: PipelineClient[Any, Any], url: str, params: dict[str, str], hook: Hook | None = None
) -> dict[str, Any]:
    response = client.send_request(HttpRequest("GET", url, params=params), raw_response_hook=hook)
    response.raise_for_status()
    answer: dict[str, Any] = response.json()
    return answer


def _common_policies(retries: int = 6) -> list[Any]:
    """Return our pipeline: azure-core's, without the one that registers resource providers by itself."""
    return [
        policies.RequestIdPolicy(),
        policies.HeadersPolicy(),
        policies.UserAgentPolicy("trailbridge.sentinel"),
        policies.ContentDecodePolicy(),
        policies.CustomHookPolicy(),
        policies.RetryPolicy(retry_total=retries, retry_backoff_max=30),
    ]


def _transport(*, validate: bool) -> RequestsTransport:
    """Return what sends all requests, also those to Entra ID: proxies and CA bundles are those of requests."""
    source = next((name for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE") if os.environ.get(name)), None)
    verify = network.certificates(os.environ[source], source) if source and validate else validate
    session = requests.Session()
    adapter = requests.adapters.HTTPAdapter(pool_connections=HOSTS, pool_maxsize=CONNECTIONS, max_retries=False)
    session.mount("https://", adapter)
    if not validate:
        # urllib3 would say so for every single request.
        warnings.filterwarnings("ignore", "Unverified HTTPS request")
    transport = _Transport(
        session=session,
        session_owner=True,
        connection_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        connection_verify=verify,
    )
    transport.sleep = lambda seconds: time.sleep(min(seconds, LONGEST_PAUSE))
    return transport


def _again(error: AzureError) -> bool:
    """Tell whether the same request can succeed in a moment."""
    return not isinstance(error, HttpResponseError) or _status(error) in _TRANSIENT_STATUS


def _status(error: AzureError) -> int | None:
    return error.status_code if isinstance(error, HttpResponseError) else None


def _retry_after(error: AzureError) -> float:
    """Return the seconds that the service asks for, as a number or as a date; 0 if it asks for none."""
    response: Any = error.response if isinstance(error, HttpResponseError) else None
    text = str(response.headers.get("Retry-After") or "") if response else ""
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    except (TypeError, ValueError, OverflowError):
        return 0.0


def _remaining(responses: list[Any], kind: str) -> int | None:
    """Return how many more requests of that kind the service would take, where it says so."""
    headers = responses[-1].http_response.headers if responses else {}
    told = [headers.get(name.format(kind=kind), "") for name in _REMAINING]
    return next((int(text) for text in told if text.isascii() and text.isdigit()), None)


@contextmanager
def explained(what: str) -> Iterator[None]:
    """Turn errors of the Azure SDK into ours: "Cannot <what>: <cause>", with the class that the cause has."""
    try:
        yield
    except ClientAuthenticationError as error:
        raise cannot("azure_denied", what, _first_line(error.message)) from error
    except DecodeError as error:
        raise cannot("transient", what, "the answer cannot be read") from error
    except HttpResponseError as error:
        raise cannot(_kind(error.status_code), what, cause(error)) from error
    except network.FaultError as error:
        raise network.refused(error.fault, what) from error
    except AzureError as error:
        fault = network.fault_of(error)
        raise network.refused(fault, what) if fault else cannot("transient", what, _first_line(str(error))) from error
    except (AttributeError, ArithmeticError, LookupError, TypeError, ValueError, RecursionError) as error:
        raise cannot("transient", what, "the answer is not as documented") from error


def cause(error: HttpResponseError) -> str:
    """Return what the service says of an error, with its code, also where the message holds JSON again."""
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


def _kind(status: int | None) -> str:
    if status in (401, 403):
        return "azure_denied"
    if status == 429:
        return "throttled"
    return "transient" if status is None or status >= 500 or status == 408 else "bad_input"
