# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The newest objects of an S3 source: whether AWS delivers into its prefix today. Pure.

Sources: "Finding your CloudTrail log files" (CloudTrail User Guide), "Flow log files" (Amazon VPC User Guide),
"Exporting findings" (Amazon GuardDuty User Guide).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from ..findings import Finding, finding
from .source import CLOUDTRAIL_TABLE, TABLE_FOLDERS, S3SourceSpec

# AWS delivers CloudTrail objects about every five minutes, and each day has a folder of its own.
MAX_AGE_SECONDS = 86_400.0
# The folders below the prefix of a source: organization, account, service, Region, year, month, day, hour.
MAX_DEPTH = 9
# GuardDuty has no findings for weeks, and when others write is unknown.
_REGULAR_TABLES = (CLOUDTRAIL_TABLE, "AWSVPCFlow")


class Object(NamedTuple):
    """An object of a bucket: `modified` in seconds since 1970."""

    key: str
    modified: float


class Folder(NamedTuple):
    """The first entries of a folder: the names of folders in it, each with a slash at its end, and its objects."""

    folders: tuple[str, ...] = ()
    objects: tuple[Object, ...] = ()


def day_folders(spec: S3SourceSpec, days: Sequence[str]) -> Iterator[str]:
    """Yield where the objects of an active account usually are; `days` such as "2026/11/28", the newest first."""
    service = TABLE_FOLDERS.get(spec.table)
    if not service:
        return
    region_folder = f"{spec.region}/"
    base = spec.prefix
    if not base.endswith(f"/{service}/"):
        account = spec.account_ids[0] if spec.account_ids else spec.account_id
        base = f"{base}{account}/{service}/"
    yield from (f"{base}{region_folder}{day}/" for day in days)


def next_folder(spec: S3SourceSpec, folder: Folder, days: Sequence[str]) -> str:
    """Return the folder in which objects of the source are most likely new, empty if there is none."""
    service = TABLE_FOLDERS.get(spec.table, "")
    accounts = spec.account_ids or (spec.account_id,)
    parts = {part for day in days[:1] for part in day.split("/")}
    preferred = (*(f"{one}/" for one in (*accounts, service, spec.region)), *(f"{one}/" for one in parts))
    found = next((one for one in preferred if one in folder.folders), "")
    return found or max(folder.folders, default="")


class Objects(NamedTuple):
    """A sample of the newest objects below the prefix: that of the newest day in one folder, empty if there are none.

    `now` is the time of the request in seconds since 1970.
    """

    sample: tuple[Object, ...]
    now: float

    @property
    def newest(self) -> Object | None:
        """The object that was modified last."""
        return max(self.sample, key=lambda one: one.modified, default=None)

    @property
    def are_recent(self) -> bool:
        """Whether an object was modified within a day."""
        return self.newest is not None and self.now - self.newest.modified < MAX_AGE_SECONDS


def findings(spec: S3SourceSpec, objects: Objects, *, is_new: bool) -> Iterator[Finding]:
    """Yield what is wrong with the objects; `is_new` if their delivery began a short time ago."""
    newest = objects.newest
    if not objects.are_recent and spec.table in _REGULAR_TABLES and not is_new:
        last = f"The newest one is {newest.key}" if newest else "There is none"
        text = (
            f"No object with the prefix {spec.prefix!r} was found in bucket {spec.bucket} that is newer than a day. "
            f"{last}."
        )
        yield finding("delivery_objects_missing", text)
    if newest and not any(one.key.endswith(spec.suffix) for one in objects.sample):
        text = f"The keys of the objects do not end with {spec.suffix!r}, such as {newest.key}."
        yield finding("notification_suffix", text)


def show(objects: Objects | None) -> dict[str, Any]:
    """Return the sample as it appears in results: the newest object and its age in seconds; {} for unknown."""
    newest = objects.newest if objects else None
    if not objects or not newest:
        return {}
    return {"newest_key": newest.key, "age_seconds": max(0, int(objects.now - newest.modified))}
