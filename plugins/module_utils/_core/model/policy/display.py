# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Policy documents for results and diffs: one form for all writings, with the names as AWS spells them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from .statements import canonical, is_parseable, listed

# What the documents of this collection contain. AWS ignores the case, so a document of others may differ in it.
_SPELLINGS = {
    one.lower(): one
    for one in (
        *("sts:AssumeRole", "sts:AssumeRoleWithWebIdentity", "sts:TagSession", "sts:SetSourceIdentity"),
        *("sts:ExternalId", "sts:RoleSessionName", "aws:SourceArn", "aws:SourceAccount"),
        *("sqs:SendMessage", "sqs:ReceiveMessage", "sqs:ChangeMessageVisibility", "sqs:DeleteMessage"),
        *("sqs:GetQueueUrl", "s3:GetObject", "s3:ListBucket", "kms:Decrypt", "cloudtrail:LookupEvents"),
    )
}
_ACCOUNT = re.compile("[0-9]{12}")
_ROOT = re.compile(r"arn:(aws[a-z0-9-]*):iam::[0-9]{12}:root")


def displayed(document: object) -> dict[str, Any]:
    """Return `canonical` with actions and condition keys as they are written, and accounts as their root ARN.

    Names that the documents of this collection contain are spelled alike in all documents.
    """
    shown = canonical(document)
    if not isinstance(document, dict) or "Statement" not in shown:
        return shown
    statements = [one for one in listed(document.get("Statement")) if isinstance(one, dict)]
    spellings = {text.lower(): text for one in statements for text in _names(one)} | _SPELLINGS
    partition = next((found[1] for one in statements if (found := _ROOT.search(str(one)))), "aws")
    return {**shown, "Statement": [_spelled(one, spellings, partition) for one in shown["Statement"]]}


def _names(statement: dict[str, Any]) -> Iterator[str]:
    """Yield the actions and condition keys of a statement as they are written."""
    for name in ("Action", "NotAction"):
        yield from (one for one in listed(statement.get(name, [])) if isinstance(one, str))
    condition = statement.get("Condition")
    for block in condition.values() if isinstance(condition, dict) else ():
        yield from (key for key in block if isinstance(key, str)) if isinstance(block, dict) else ()


def _spelled(statement: Any, spellings: dict[str, str], partition: str) -> Any:
    if not is_parseable({"Statement": [statement]}):
        return statement
    shown = dict(statement)
    for name, value in statement.items():
        if "Action" in name:
            shown[name] = sorted(spellings.get(one, one) for one in value)
        elif "Principal" in name:
            shown[name] = {kind: _principals(kind, names, partition) for kind, names in value.items()}
        elif name == "Condition":
            shown[name] = {operator: _block(block, spellings) for operator, block in value.items()}
    return shown


def _principals(kind: str, names: list[str], partition: str) -> list[str]:
    return sorted(
        f"arn:{partition}:iam::{one}:root" if kind == "AWS" and _ACCOUNT.fullmatch(one) else one for one in names
    )


def _block(block: dict[str, list[str]], spellings: dict[str, str]) -> dict[str, list[str]]:
    return {spellings.get(key, key): values for key, values in block.items()}
