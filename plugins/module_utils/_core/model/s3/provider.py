# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The OIDC provider of Microsoft Sentinel in an account: others share it, so only the audience is managed here. Pure.

Its thumbprints are neither read nor compared: IAM ignores them for an issuer whose certificate it trusts.
Source: "CreateOpenIDConnectProvider", "AddClientIDToOpenIDConnectProvider" (IAM API Reference).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..findings import Finding, finding
from ..plan import Call
from ..resource import Resource
from ..role.role import TAG, has_managed_tag
from .source import S3SourceSpec


@dataclass(frozen=True, slots=True)
class Provider:
    """An OIDC provider; `url` is without scheme, `roles` are the names of roles that may be assumed with our audience.

    The roles are read for its removal only.
    """

    arn: str
    url: str
    client_ids: frozenset[str] = frozenset()
    tags: Mapping[str, str] = field(default_factory=dict)
    roles: tuple[str, ...] = ()


def overlay(spec: S3SourceSpec, have: Provider | None) -> Provider:
    """Return the existing provider or a new one, with the audience of Microsoft Sentinel."""
    base = have or Provider(spec.provider_arn, spec.issuer, tags={TAG: "managed"})
    return replace(base, client_ids=base.client_ids | {spec.identity.audience})


def without(spec: S3SourceSpec, have: Provider | None) -> Provider | None:
    """Return the provider without the audience, None if it was created here and has no other; it stays by default.

    While a role uses the audience, nothing is removed; a role that does not stay does not use it any more.
    """
    if have is None or not spec.remove_provider:
        return have
    if in_use := _roles_in_use(spec, have):
        return replace(have, roles=tuple(one for one in have.roles if one in in_use))
    others = have.client_ids - {spec.identity.audience}
    if others:
        return replace(have, client_ids=others)
    return None if has_managed_tag(have.tags) else have


def _roles_in_use(spec: S3SourceSpec, have: Provider) -> frozenset[str]:
    others = frozenset(have.roles) - {spec.role_name}
    return others | {spec.role_name} if spec.role_stays else others


def plan(have: Provider | None, want: Provider | None) -> list[Call]:
    """Return the IAM calls that turn one provider into the other; an empty list if they are equal."""
    if want is None:
        return [Call("DeleteOpenIDConnectProvider", {"OpenIDConnectProviderArn": have.arn})] if have else []
    if have is None:
        return [_create(want)]
    return [
        *(_client_id("AddClientIDToOpenIDConnectProvider", want, one) for one in want.client_ids - have.client_ids),
        *(
            _client_id("RemoveClientIDFromOpenIDConnectProvider", want, one)
            for one in have.client_ids - want.client_ids
        ),
    ]


def _create(want: Provider) -> Call:
    args = {
        "Url": f"https://{want.url}",
        "ClientIDList": sorted(want.client_ids),
        "Tags": [{"Key": key, "Value": want.tags[key]} for key in sorted(want.tags)],
    }
    return Call("CreateOpenIDConnectProvider", args)


def _client_id(operation: str, provider: Provider, client_id: str) -> Call:
    return Call(operation, {"OpenIDConnectProviderArn": provider.arn, "ClientID": client_id})


def findings(spec: S3SourceSpec, have: Provider | None) -> list[Finding]:
    """Return the differences between the existing provider and the spec."""
    if have is None:
        return [finding("oidc_provider_missing", f"Account {spec.account_id} has no OIDC provider {spec.issuer}.")]
    if spec.identity.audience in have.client_ids:
        return []
    text = f"OIDC provider {have.url} does not have the audience {spec.identity.audience}."
    return [finding("oidc_provider_audience_missing", text)]


def show(have: Provider | None) -> dict[str, Any]:
    """Return the provider as it appears in results; {} for None."""
    if have is None:
        return {}
    return {
        "arn": have.arn,
        "url": have.url,
        "client_ids": sorted(have.client_ids),
        "tags": dict(sorted(have.tags.items())),
    }


PROVIDER: Resource[S3SourceSpec, Provider] = Resource(
    name="oidc_provider",
    title=lambda spec: f"OIDC provider {spec.issuer} in account {spec.account_id}",
    overlay=overlay,
    without=without,
    plan=plan,
    findings=findings,
    show=lambda _spec, have: show(have),
    id=lambda _spec, have: have.arn if have else "",
)
