# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The OIDC provider: our audience is added and removed, those of others stay; deleted only on request and unused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.plan import Call
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3.provider import PROVIDER, Provider
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3.source import S3SourceSpec

SPEC = S3SourceSpec("222222222222", "eu-west-1", "logs", "AWSLogs/", "11111111-aaaa-4aaa-8aaa-111111111111", "queue")
TENANT = "33e01921-4d64-4f8c-a055-5bdaffd5e33d"
URL = f"sts.windows.net/{TENANT}/"
ARN = f"arn:aws:iam::222222222222:oidc-provider/{URL}"
AUDIENCE = "api://1462b192-27f7-4cb9-8523-0f4ecb54b47e"
DEFENDER = "api://6610e979-c931-41ec-adc7-b9920c9d52f1"
TAGS = {"trailbridge.sentinel": "managed"}
OURS = Provider(ARN, URL, frozenset({AUDIENCE}), TAGS)
SHARED = replace(OURS, client_ids=frozenset({AUDIENCE, DEFENDER}))
FOREIGN = Provider(ARN, URL, frozenset({DEFENDER}), {"owner": "defender"})
REMOVING = replace(SPEC, remove_provider=True, role_stays=False)


def calls(have: Provider | None, want: Provider | None) -> list[Call]:
    return PROVIDER.plan(have, want)


def test_a_new_provider_has_the_slash_the_audience_and_the_tag() -> None:
    assert calls(None, PROVIDER.overlay(SPEC, None)) == [
        Call(
            "CreateOpenIDConnectProvider",
            {
                "Url": f"https://{URL}",
                "ClientIDList": [AUDIENCE],
                "Tags": [{"Key": "trailbridge.sentinel", "Value": "managed"}],
            },
        )
    ]


def test_the_audience_is_added_to_an_existing_provider_and_nothing_else_changes() -> None:
    want = PROVIDER.overlay(SPEC, FOREIGN)
    assert want == replace(FOREIGN, client_ids=frozenset({AUDIENCE, DEFENDER}))
    args = {"OpenIDConnectProviderArn": ARN, "ClientID": AUDIENCE}
    assert calls(FOREIGN, want) == [Call("AddClientIDToOpenIDConnectProvider", args)]


@pytest.mark.parametrize("have", [OURS, SHARED, replace(SHARED, tags={})])
def test_a_provider_with_the_audience_is_left_alone(have: Provider) -> None:
    assert calls(have, PROVIDER.overlay(SPEC, have)) == []
    assert PROVIDER.findings(SPEC, have) == []


@pytest.mark.parametrize(
    ("have", "code"), [(None, "oidc_provider_missing"), (FOREIGN, "oidc_provider_audience_missing")]
)
def test_what_is_missing_is_found(have: Provider | None, code: str) -> None:
    assert [one.code for one in PROVIDER.findings(SPEC, have)] == [code]


DELETE = Call("DeleteOpenIDConnectProvider", {"OpenIDConnectProviderArn": ARN})
REMOVE = Call("RemoveClientIDFromOpenIDConnectProvider", {"OpenIDConnectProviderArn": ARN, "ClientID": AUDIENCE})
UPPER = {"Trailbridge.Sentinel": "Managed"}
REMOVALS: dict[str, tuple[Provider | None, dict[str, Any], list[Call]]] = {
    "it stays by default": (OURS, {"remove_provider": False}, []),
    "ours alone": (OURS, {}, [DELETE]),
    "a tag in another case": (replace(OURS, tags=UPPER), {}, [DELETE]),
    "shared": (SHARED, {}, [REMOVE]),
    "shared, of others": (replace(SHARED, tags={}), {}, [REMOVE]),
    "ours alone, of others": (replace(OURS, tags={}), {}, []),
    "without our audience": (FOREIGN, {}, []),
    "the role stays": (OURS, {"role_stays": True}, []),
    "shared, the role stays": (SHARED, {"role_stays": True}, []),
    "another role uses it": (replace(OURS, roles=("OIDC_Other",)), {}, []),
    "our role is still listed": (replace(OURS, roles=("OIDC_MicrosoftSentinelRole",)), {}, [DELETE]),
    "none": (None, {}, []),
}


@pytest.mark.parametrize(("have", "options", "expected"), REMOVALS.values(), ids=list(REMOVALS))
def test_a_removal(have: Provider | None, options: dict[str, Any], expected: list[Call]) -> None:
    assert calls(have, PROVIDER.without(replace(REMOVING, **options), have)) == expected


def test_the_role_is_taken_to_stay_unless_the_source_knows_better() -> None:
    assert PROVIDER.without(replace(SPEC, remove_provider=True), OURS) == OURS


def test_results_show_it() -> None:
    shown = {"arn": ARN, "url": URL, "client_ids": [AUDIENCE], "tags": TAGS}
    assert PROVIDER.show(SPEC, OURS) == shown
    assert PROVIDER.show(SPEC, None) == {}
    assert (PROVIDER.id(SPEC, OURS), PROVIDER.id(SPEC, None)) == (ARN, "")
    assert TENANT in PROVIDER.title(SPEC)
