# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only file that talks to Azure Resource Manager itself: clouds, one pipeline for all, what its errors mean."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ansible_collections.trailbridge.sentinel.plugins.module_utils.cloud.entra import Credential, find_way
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model import cloud as clouds
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.access import AzureCredentials
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.cloud import Cloud
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.errors import SentinelError, cannot

try:
    import requests
    from azure.core import PipelineClient
    from azure.core.exceptions import (
        AzureError,
        ClientAuthenticationError,
        DecodeError,
        HttpResponseError,
    )
    from azure.core.pipeline import Pipeline, policies
    from azure.core.pipeline.transport import RequestsTransport
    from azure.core.rest import HttpRequest
    from azure.mgmt.core.policies import ARMChallengeAuthenticationPolicy
    from azure.mgmt.securityinsight import SecurityInsights
except ImportError:  # `Azure` says so in one sentence
    INSTALLED = False
else:
    INSTALLED = True

CONNECT_SECONDS, READ_SECONDS = 10, 60
HOSTS = 4  # Entra ID, Azure Resource Manager, Log Analytics, one to spare
METADATA_VERSION = "2022-09-01"


class Azure:
    """One credential in one cloud, with one pipeline for all subscriptions and threads."""

    def __init__(self, credentials: AzureCredentials, connections: int = 10) -> None:
        if not INSTALLED:
            raise SentinelError(
                "bad_input",
                "Cannot talk to Azure: the Python packages azure-mgmt-securityinsight and azure-identity "
                "are not both installed.",
            )
        sign_in = find_way(credentials)
        self._transport = _transport(connections, validate=sign_in.found.cert_validation_mode != "ignore")
        self._cloud = self._find_cloud(clouds.name_of(sign_in.found.cloud_environment))
        self._credential = Credential(sign_in, self._cloud, self._transport)
        self._pipeline = Pipeline(self._transport, self._policies())
        self._arm = PipelineClient(self._cloud.arm, pipeline=self._pipeline)

    def get(self, path: str, api_version: str, *, what: str) -> dict[str, Any]:
        """Return the answer of one GET below the ARM address, `what` says in words what is done."""
        with explained(what):
            return self._json(self._arm, self._cloud.arm + path, api_version)

    def insights(self, subscription_id: str) -> SecurityInsights:
        """Return the Sentinel client of one subscription; all of them share the pipeline."""
        return SecurityInsights(self._credential, subscription_id, self._cloud.arm, pipeline=self._pipeline)

    @staticmethod
    def _json(client: PipelineClient[Any, Any], url: str, api_version: str) -> dict[str, Any]:
        response = client.send_request(HttpRequest("GET", url, params={"api-version": api_version}))
        response.raise_for_status()
        answer: dict[str, Any] = response.json()
        return answer

    def _find_cloud(self, name: str) -> Cloud:
        if name in clouds.CLOUDS:
            return clouds.CLOUDS[name]
        plain = PipelineClient[Any, Any](name, pipeline=Pipeline(self._transport, _common_policies()))
        with explained(f"read the cloud metadata of {name}"):
            return clouds.described(self._json(plain, f"{name}/metadata/endpoints", METADATA_VERSION))

    def _policies(self) -> list[Any]:
        return [*_common_policies(), ARMChallengeAuthenticationPolicy(self._credential, self._cloud.scope)]


def _common_policies() -> list[Any]:
    """Return our pipeline: azure-core's, without the one that registers resource providers by itself."""
    return [
        policies.RequestIdPolicy(),
        policies.HeadersPolicy(),
        policies.UserAgentPolicy("trailbridge.sentinel"),
        policies.ContentDecodePolicy(),
        policies.CustomHookPolicy(),
        policies.RetryPolicy(retry_total=6, retry_backoff_max=30),
    ]


def _transport(connections: int, *, validate: bool) -> RequestsTransport:
    """Return what sends all requests, also those to Entra ID: proxies and CA bundles are those of requests."""
    session = requests.Session()
    adapter = requests.adapters.HTTPAdapter(pool_connections=HOSTS, pool_maxsize=connections, max_retries=False)
    session.mount("https://", adapter)
    if not validate:
        # urllib3 would say so for every single request.
        warnings.filterwarnings("ignore", "Unverified HTTPS request")
    return RequestsTransport(
        session=session,
        session_owner=True,
        connection_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        connection_verify=validate,
    )


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
    except AzureError as error:
        raise cannot("transient", what, _first_line(str(error))) from error
    except (AttributeError, KeyError, TypeError, IndexError, ValueError) as error:
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
    return f"{(text or error.reason or 'no reason given').rstrip('.')} ({code or error.status_code})"


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0] if text.strip() else "no reason given"


def _kind(status: int | None) -> str:
    if status in (401, 403):
        return "azure_denied"
    if status == 429:
        return "throttled"
    return "transient" if status is None or status >= 500 or status == 408 else "bad_input"
