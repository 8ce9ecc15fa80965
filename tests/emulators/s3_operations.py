# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which operation an S3 request is, by botocore's own description of the service, and the IAM action that it takes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

ACTIONS = {
    "CopyObject": "PutObject",
    "DeleteBucketEncryption": "PutEncryptionConfiguration",
    "DeleteBucketTagging": "PutBucketTagging",
    "DeleteObjects": "DeleteObject",
    "DeletePublicAccessBlock": "PutBucketPublicAccessBlock",
    "GetBucketEncryption": "GetEncryptionConfiguration",
    "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
    "GetBucketNotificationConfiguration": "GetBucketNotification",
    "GetObjectLockConfiguration": "GetBucketObjectLockConfiguration",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "HeadBucket": "ListBucket",
    "HeadObject": "GetObject",
    "ListBuckets": "ListAllMyBuckets",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "ListObjectVersions": "ListBucketVersions",
    "PutBucketEncryption": "PutEncryptionConfiguration",
    "PutBucketLifecycleConfiguration": "PutLifecycleConfiguration",
    "PutBucketNotificationConfiguration": "PutBucketNotification",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
}
"""Where the action is not named as the operation ("Actions, resources, and condition keys for Amazon S3")."""


class Described(NamedTuple):
    """An operation: what is in its path (0 nothing, 1 bucket, 2 object) and what its query must have."""

    name: str
    method: str
    depth: int
    flags: frozenset[tuple[str, str]]
    needed: frozenset[str]


def target(path: str) -> tuple[str, str]:
    """Bucket and key of a path."""
    bucket, _unused, key = path.lstrip("/").partition("/")
    return unquote(bucket), unquote(key)


def name_of(method: str, path: str, query: str, headers: Mapping[str, str]) -> str:
    """The operation's name; `path` is path-style."""
    bucket, key = target(path)
    depth = 2 if key else 1 if bucket else 0
    sent = dict(parse_qsl(query, keep_blank_values=True))
    fitting = [
        one
        for one in _described()
        if (one.method, one.depth) == (method, depth)
        and all(sent.get(flag) == value if value else flag in sent for flag, value in one.flags)
        and one.needed <= set(sent)
    ]
    if not fitting:
        return "Unknown"
    best = max(fitting, key=lambda one: (len(one.flags), len(one.needed))).name
    copies = {"PutObject": "CopyObject", "UploadPart": "UploadPartCopy"} if "x-amz-copy-source" in headers else {}
    return copies.get(best, best)


def action_of(operation: str) -> str:
    """The IAM action."""
    return f"s3:{ACTIONS.get(operation, operation)}"


@cache
def _described() -> list[Described]:
    """All operations that are in use, those with least in their names first."""
    import botocore.session

    model = botocore.session.get_session().get_service_model("s3")
    found = []
    for name in model.operation_names:
        operation = model.operation_model(name)
        if operation.deprecated or name in ("CopyObject", "UploadPartCopy", "ListDirectoryBuckets"):
            continue
        parts = urlsplit(operation.http["requestUri"])
        depth = 2 if "{Key+}" in parts.path else 1 if "{Bucket}" in parts.path else 0
        shape = operation.input_shape
        members = [shape.members[one] for one in shape.required_members] if shape else []
        needed = {one.serialization["name"] for one in members if one.serialization.get("location") == "querystring"}
        flags = frozenset(parse_qsl(parts.query, keep_blank_values=True))
        found.append(Described(name, operation.http["method"], depth, flags, frozenset(needed)))
    return sorted(found, key=lambda one: len(one.name))
