# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The trails that deliver into a bucket, and the prefix of their objects. Pure.

Source: "Finding your CloudTrail log files" (CloudTrail User Guide).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ..errors import SentinelError

CLOUDTRAIL_FOLDER = "CloudTrail"


class Trail(NamedTuple):
    """A trail as DescribeTrails returns it. `prefix` is its S3KeyPrefix, without a slash at its end."""

    arn: str
    bucket: str
    prefix: str = ""
    is_organization: bool = False
    kms_key_arn: str = ""
    is_multi_region: bool = False
    home_region: str = ""
    """The Region in which status and event selectors of the trail are read."""

    @property
    def account_id(self) -> str:
        """The account that owns the trail: of an organization trail the management account."""
        return self.arn.split(":")[4]

    @property
    def folder(self) -> str:
        """The common prefix of all objects of the trail, such as `AWSLogs/`."""
        return f"{self.prefix}/AWSLogs/" if self.prefix else "AWSLogs/"

    def object_prefix(self, organization_id: str) -> str:
        """Return the prefix of the objects with events; under Control Tower `<o-id>/AWSLogs/<o-id>/`."""
        if self.is_organization:
            return f"{self.folder}{organization_id}/"
        return f"{self.folder}{self.account_id}/{CLOUDTRAIL_FOLDER}/"

    def common_prefix(self, organization_id: str, *, of_accounts: bool) -> str:
        """Return the prefix of the objects, or with `of_accounts` that of the folders of accounts."""
        return self.folder if of_accounts and not self.is_organization else self.object_prefix(organization_id)

    def may_deliver(self, prefix: str) -> bool:
        """Return whether objects of the trail may begin with a prefix, whatever the organization is."""
        if self.is_organization:
            return self.folder.startswith(prefix) or prefix.startswith(f"{self.folder}o-")
        own = self.object_prefix("")
        return own.startswith(prefix) or prefix.startswith(own)


class TrailSource(NamedTuple):
    """What trails deliver: the prefix of the objects, and the ARNs of the KMS keys that encrypt them."""

    prefix: str
    kms_key_arns: tuple[str, ...] = ()


def delivering(trails: Iterable[Trail], bucket: str) -> list[Trail]:
    """Return the trails that deliver into a bucket, each once: an organization trail is listed in every Region."""
    return sorted({one.arn: one for one in trails if one.bucket == bucket}.values())


def keys(trails: Iterable[Trail], prefix: str) -> tuple[str, ...]:
    """Return the ARNs of the KMS keys that encrypt objects below a prefix."""
    return tuple(sorted({one.kms_key_arn for one in trails if one.may_deliver(prefix)} - {""}))


def find_source(
    bucket: str, trails: Iterable[Trail], organization_id: str = "", *, of_accounts: bool = False
) -> TrailSource:
    """Return what is delivered into the bucket; raises bad_input if no trail does, or several under other prefixes.

    `organization_id` is only needed for an organization trail. With `of_accounts` the prefix is that of the folders of
    accounts: trails of several accounts may deliver below it.
    """
    found = delivering(trails, bucket)
    if not found:
        raise _cannot_find(
            bucket,
            "no trail of this account or of its organization delivers into it. Set prefix if another account's trail "
            "does",
        )
    if not organization_id and (unknown := next((one for one in found if one.is_organization), None)):
        raise _cannot_find(
            bucket, f"{unknown.arn} is an organization trail, and the id of the organization is unknown. Set prefix"
        )
    prefixes = {one: one.common_prefix(organization_id, of_accounts=of_accounts) for one in found}
    if len(set(prefixes.values())) > 1:
        named = ", ".join(f"{one.arn} ({prefix})" for one, prefix in prefixes.items())
        raise _cannot_find(bucket, f"several trails deliver into it: {named}. Set prefix to one of these")
    prefix = prefixes[found[0]]
    return TrailSource(prefix, keys(found, prefix))


def _cannot_find(bucket: str, reason: str) -> SentinelError:
    return SentinelError("bad_input", f"Cannot find the prefix of the CloudTrail objects in bucket {bucket}: {reason}.")
