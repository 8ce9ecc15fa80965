# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only file that talks to Entra ID and holds the way to Azure Resource Manager: credentials, clouds, pipeline."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.access import AzureCredentials
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.errors import SentinelError

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
    from azure.identity import ClientSecretCredential
    from azure.mgmt.core.policies import ARMChallengeAuthenticationPolicy
    from azure.mgmt.securityinsight import SecurityInsights
except ImportError:  # `Azure` says so in one sentence
    INSTALLED = False
else:
    INSTALLED = True

CONNECT_SECONDS, READ_SECONDS = 10, 60
METADATA_VERSION = "2022-09-01"


class Cloud(NamedTuple):
    """Where one Azure cloud is reached; `known` clouds need no look at their metadata."""

    arm: str
    authority: str
    scope: str
    known: bool = True


CLOUDS = {
    "AzureCloud": Cloud(
        "https://management.azure.com",
        "https://login.microsoftonline.com",
        "https://management.azure.com/.default",
    ),
    "AzureUSGovernment": Cloud(
        "https://management.usgovcloudapi.net",
        "https://login.microsoftonline.us",
        "https://management.usgovcloudapi.net/.default",
    ),
}


class Azure:
    """One credential in one cloud, with one pipeline for all subscriptions and threads."""

    def __init__(self, credentials: AzureCredentials, connections: int = 10) -> None:
        if not INSTALLED:
            raise SentinelError(
                "bad_input",
                "Cannot talk to Azure: the Python packages azure-mgmt-securityinsight and azure-identity "
                "are not both installed.",
            )
        self._transport = _transport(connections)
        self._cloud = self._find_cloud(credentials.cloud_environment)
        self._credential = self._find_credential(credentials)
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
        if name in CLOUDS:
            return CLOUDS[name]
        if name == "AzureChinaCloud":
            raise SentinelError(
                "bad_input",
                "Cannot connect AWS accounts in AzureChinaCloud: Microsoft Sentinel has no AWS connector there.",
            )
        if not name.startswith("https://"):
            raise SentinelError(
                "bad_input",
                f"Cannot use cloud_environment {name!r}: it must be AzureCloud, AzureUSGovernment "
                "or the https address of a private cloud's Azure Resource Manager.",
            )
        return self._read_metadata(name.rstrip("/"))

    def _read_metadata(self, arm: str) -> Cloud:
        plain = PipelineClient[Any, Any](arm, pipeline=Pipeline(self._transport, _common_policies()))
        with explained(f"read the cloud metadata of {arm}"):
            answer = self._json(plain, f"{arm}/metadata/endpoints", METADATA_VERSION)
            login = answer["authentication"]
            audience = login["audiences"][0].rstrip("/")
            return Cloud(answer["resourceManager"].rstrip("/"), login["loginEndpoint"], f"{audience}/.default", False)

    def _find_credential(self, given: AzureCredentials) -> ClientSecretCredential:
        missing = [name for name in ("tenant", "client_id", "secret") if not getattr(given, name)]
        if missing or not (given.tenant and given.client_id and given.secret):
            raise SentinelError(
                "azure_denied",
                f"Cannot sign in to Azure: {' and '.join(missing)} of the service principal not given "
                "(AZURE_TENANT, AZURE_CLIENT_ID and AZURE_SECRET in the environment serve as well).",
            )
        return ClientSecretCredential(
            given.tenant,
            given.client_id,
            given.secret,
            authority=self._cloud.authority,
            disable_instance_discovery=not self._cloud.known,
        )

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


def _transport(connections: int) -> RequestsTransport:
    session = requests.Session()
    adapter = requests.adapters.HTTPAdapter(pool_connections=2, pool_maxsize=connections, max_retries=False)
    session.mount("https://", adapter)
    return RequestsTransport(
        session=session, session_owner=True, connection_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS
    )


@contextmanager
def explained(what: str) -> Iterator[None]:
    """Turn errors of the Azure SDK into ours: "Cannot <what>: <cause>", with the class that the cause has."""
    try:
        yield
    except ClientAuthenticationError as error:
        raise SentinelError("azure_denied", f"Cannot {what}: {_first_line(error.message)}") from error
    except DecodeError as error:
        raise SentinelError("transient", f"Cannot {what}: the answer cannot be read.") from error
    except HttpResponseError as error:
        raise SentinelError(_kind(error.status_code), f"Cannot {what}: {cause(error)}") from error
    except AzureError as error:
        raise SentinelError("transient", f"Cannot {what}: {_first_line(str(error))}") from error
    except (KeyError, TypeError, IndexError) as error:
        raise SentinelError("transient", f"Cannot {what}: the answer lacks {error}.") from error


def cause(error: HttpResponseError) -> str:
    """Return what the service says of an error, with its code, also where the message holds JSON again."""
    code = error.error.code if error.error else None
    text = error.error.message if error.error else None
    try:
        inner = json.loads(text or "")["error"]
        code, text = inner["code"], inner["message"]
    except (ValueError, KeyError, TypeError):
        pass
    return f"{(text or error.reason or 'no reason given').rstrip('.')} ({code or error.status_code})."


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0] if text.strip() else "no reason given"


def _kind(status: int | None) -> str:
    if status in (401, 403):
        return "azure_denied"
    if status == 429:
        return "throttled"
    return "transient" if status is None or status >= 500 or status == 408 else "bad_input"
