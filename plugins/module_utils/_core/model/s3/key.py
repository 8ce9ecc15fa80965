# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The KMS keys of an S3 source: whether the role may decrypt, and whether S3 may send to an encrypted queue. Pure.

Sources: "Key policies in AWS KMS", "Key states of AWS KMS keys" (AWS KMS Developer Guide); "Granting permissions to
publish event notification messages to a destination" (Amazon S3 User Guide).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from ..findings import Finding, finding
from ..policy import policy
from .source import S3SourceSpec

_DECRYPT = "kms:decrypt"
_SENDING = (_DECRYPT, "kms:generatedatakey")
_S3 = "s3.amazonaws.com"


class Key(NamedTuple):
    """A customer managed key. `policy` is None if it cannot be read, as that of a key of another account."""

    arn: str
    is_enabled: bool = True
    policy: Mapping[str, Any] | None = None


def account_id(key_id: str) -> str:
    """Return the account of a key, empty if it is not given by its ARN."""
    return key_id.split(":")[4] if key_id.startswith("arn:") else ""


def region(key_id: str) -> str:
    """Return the Region of a key, empty if it is not given by its ARN."""
    return key_id.split(":")[3] if key_id.startswith("arn:") else ""


def statement(spec: S3SourceSpec) -> str:
    """Return the statement that lets the role decrypt, for the policy of a key, as JSON."""
    return json.dumps(
        {"Effect": "Allow", "Principal": {"AWS": spec.role_arn}, "Action": "kms:Decrypt", "Resource": "*"}
    )


def object_findings(spec: S3SourceSpec, keys: Iterable[Key]) -> Iterator[Finding]:
    """Yield what prevents the role from decrypting objects that these keys encrypt."""
    for key in keys:
        if not key.is_enabled:
            yield finding("permission_key_disabled", f"Key {key.arn} is disabled, or will be deleted.")
        if key.arn not in spec.kms_key_arns:
            text = f"Key {key.arn} encrypts the objects, and kms_key_arns does not have it."
            yield finding("permission_key_missing", text)
        if key.policy is not None and not _may_decrypt(spec, key.policy):
            text = (
                f"The policy of key {key.arn} does not allow role {spec.role_name} to decrypt. Add this statement: "
                f"{statement(spec)}"
            )
            yield finding("permission_key_policy", text)


def _may_decrypt(spec: S3SourceSpec, document: Mapping[str, Any]) -> bool:
    """Whether the policy allows the role, or leaves it to policies of its account, be it under a condition."""
    names = {f"AWS {spec.account_id}", f"AWS {spec.role_arn}"}
    return any(one.may(_DECRYPT) and (one.is_for_anyone or one.principal in names) for one in policy.grants(document))


def queue_findings(spec: S3SourceSpec, key: Key) -> Iterator[Finding]:
    """Yield what prevents S3 from sending to a queue that this key encrypts."""
    if not key.is_enabled:
        yield finding("queue_key", f"Key {key.arn} of queue {spec.queue_name} is disabled, or will be deleted.")
    elif key.policy is not None and not _may_send(key.policy):
        text = (
            f"The policy of key {key.arn} does not allow {_S3} kms:GenerateDataKey and kms:Decrypt, so that S3 cannot "
            f"send to queue {spec.queue_name}."
        )
        yield finding("queue_key", text)


def _may_send(document: Mapping[str, Any]) -> bool:
    granted = [one for one in policy.grants(document) if one.is_for_anyone or one.principal == f"Service {_S3}"]
    return all(any(one.may(action) for one in granted) for action in _SENDING)
