# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may assume a role by the web identity of an OIDC provider, and with which session names. Pure.

The audience is the same for all customers of Microsoft: the name of the session identifies the workspace.
Source: "AssumeRoleWithWebIdentity" (AWS STS API Reference); "AWS JSON policy elements: Principal" (IAM User Guide).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from .compare import compare
from .conditions import is_met, may_meet
from .elements import may_overlap
from .statements import SESSION_NAME, VERSION, Condition, Element, Statement, contains, parse

_ASSUME = Element(frozenset({"sts:assumerolewithwebidentity"}))


class WebIdentity(NamedTuple):
    """An OIDC provider and the audience of its tokens; `issuer` is its URL without scheme."""

    provider_arn: str
    issuer: str
    audience: str

    @property
    def audience_key(self) -> str:
        """The key of the condition on the audience, as policies have it."""
        return f"{self.issuer}:aud"


def identity_trust(identity: WebIdentity, names: Iterable[str]) -> dict[str, Any]:
    """Return the trust policy that allows sessions of these names only; the names are always a list."""
    condition = {"StringEquals": {identity.audience_key: identity.audience, "sts:RoleSessionName": sorted(names)}}
    statement = {
        "Effect": "Allow",
        "Principal": {"Federated": identity.provider_arn},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": condition,
    }
    return {"Version": VERSION, "Statement": [statement]}


def admitted_names(document: object, identity: WebIdentity) -> frozenset[str]:
    """The session names for which a statement trusts the identity exactly as a desired one does, and none denies it.

    A Deny under a condition that depends on more than the identity counts as not fulfilled.
    """
    statements = parse(document).statements
    denies = [one for one in statements if one.effect == "Deny" and _concerns(one, identity)]
    exact = (name for name in _exact_names(statements) if _allows_exactly(document, identity, name))
    return frozenset(name for name in exact if not any(_applies(deny, identity, name) for deny in denies))


def _exact_names(statements: Iterable[Statement]) -> set[str]:
    lines = [line for one in statements if one.effect == "Allow" for line in _on_name(one)]
    return {value for line in lines if line.operator == "StringEquals" for value in line.values}


def _allows_exactly(document: object, identity: WebIdentity, name: str) -> bool:
    [statement] = identity_trust(identity, [name])["Statement"]
    return contains(document, statement)


def claimed_names(document: object, identity: WebIdentity) -> frozenset[str]:
    """The values of every condition on the session name, exact or not, where a statement trusts or exempts an identity.

    They show whose a role is. What stands for everybody, such as ``*`` or a variable, names nobody.
    """
    statements = [one for one in parse(document).statements if _concerns(one, identity)]
    values = (value for one in statements for line in _claims(one) for value in line.values)
    named = (re.sub(r"\$\{[^}$]*\}", "", value) for value in values)
    return frozenset(value for value in named if re.search(r"[0-9A-Za-z]", value))


def _claims(statement: Statement) -> list[Condition]:
    """Return the conditions on the name by which a statement trusts sessions; a Deny exempts some by a negated one."""
    lines = _on_name(statement)
    return lines if statement.effect == "Allow" else [one for one in lines if "not" in one.operator.lower()]


def restricts_names(statement: object, identity: WebIdentity, names: Iterable[str]) -> bool:
    """Whether a statement denies the identity something by one of these session names, be it only sometimes."""
    found = parse({"Version": VERSION, "Statement": [statement]}).statements
    denies = [_on_name(one) for one in found if one.effect == "Deny" and _concerns(one, identity)]
    names = list(names)
    return any(all(may_meet(line, SESSION_NAME, name) for line in some) for some in denies if some for name in names)


def names_provider(document: object, identity: WebIdentity) -> bool:
    """Whether a statement trusts the provider by naming it."""
    return any(
        one.effect == "Allow" and not one.principal.negated and _principal(identity) <= one.principal.values
        for one in parse(document).statements
    )


def may_use(document: object, identity: WebIdentity) -> bool:
    """Whether a role with this trust policy may be assumed with the audience; "yes" where that is hard to decide."""
    parsed = parse(document)
    key = identity.audience_key.lower()
    uses = (
        all(may_meet(line, key, identity.audience) for line in one.conditions)
        for one in parsed.statements
        if one.effect == "Allow" and _concerns(one, identity)
    )
    return any(uses) or any(identity.provider_arn in one for one in parsed.unparseable)


def trusts_only(document: object, desired: object) -> bool:
    """Whether a trust policy allows something of the desired one, and nothing else."""
    found = compare(document, desired)
    allows = any(one.effect == "Allow" for one in parse(document).statements)
    widened = any(one.statement.effect == "Allow" for one in found.unexpected)
    return allows and not widened and not found.unparseable


def _principal(identity: WebIdentity) -> frozenset[str]:
    return frozenset({f"Federated {identity.provider_arn}"})


def _concerns(statement: Statement, identity: WebIdentity) -> bool:
    """Whether a statement can be about the identity; a NotPrincipal exempts the providers that it names."""
    principal, own = statement.principal, _principal(identity)
    exempted = principal.negated and own <= principal.values
    about = not exempted and may_overlap("principal", principal, Element(own))
    return about and may_overlap("action", statement.action, _ASSUME)


def _applies(deny: Statement, identity: WebIdentity, name: str) -> bool:
    keys = {identity.audience_key.lower(): (identity.audience,), SESSION_NAME: (name,)}
    return all(is_met(line, keys, unknown=False) for line in deny.conditions)


def _on_name(statement: Statement) -> list[Condition]:
    return [one for one in statement.conditions if one.key == SESSION_NAME]
