# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only file that talks to Amazon S3: the Region of a bucket, its objects, and its notification."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any

from ..model.errors import ChangedError, NotYetError, OutdatedError, SentinelError, cannot
from ..model.plan import Call
from ..model.s3 import bucket as buckets
from ..model.s3.notification import Notification, entries, is_in_force
from ..model.s3.objects import Folder, Object
from ..model.s3.source import S3SourceSpec
from ..model.validation import RULES
from .aws_errors import Code, code_of, translate_aws_errors
from .response import parse
from .service import Response, ServiceClient, Writer

FindMissing = Callable[[Iterable[str]], Awaitable[list[str]]]

_UNVERIFIED = "unable to validate the following destination"
NO_SUCH_BUCKET = "NoSuchBucket"
CODES = (
    Code(NO_SUCH_BUCKET, "bad_input"),
    Code("OperationAborted", "transient", NotYetError),
    Code("InvalidArgument", "notification_conflict", NotYetError, phrase=_UNVERIFIED),
    # Someone else added an entry since it was read: the next plan names it.
    Code("InvalidArgument", "notification_conflict", ChangedError, phrase="overlap"),
    Code("InvalidArgument", "bad_input"),
    Code("PermanentRedirect", "bad_input"),
)
# Buckets of these Regions have a location of another name ("GetBucketLocation").
_REGIONS = {"": "us-east-1", "EU": "eu-west-1"}


async def bucket_region(s3: ServiceClient, bucket: str, account_id: str, role_arn: str) -> str:
    """Return the Region of a bucket of the account; raises bad_input if it belongs to another one or does not exist.

    `role_arn` is the role that is to read the bucket.
    """
    action = f"find bucket {bucket} in account {account_id}"
    try:
        with translate_aws_errors(action, CODES, expired=s3.expired):
            return parse(_parse_region, await s3("GetBucketLocation", Bucket=bucket, ExpectedBucketOwner=account_id))
    except SentinelError as error:
        if _may_be_of_others(error) and await _belongs_to_others(s3, bucket):
            raise buckets.other_account(bucket, account_id, role_arn) from error
        raise


def _may_be_of_others(error: SentinelError) -> bool:
    """Return whether the owner of a bucket may be the reason of a denial: not if AWS names a policy of the caller."""
    text = str(error)
    return error.kind == "aws_denied" and "identity-based policy" not in text and "session policy" not in text


async def _belongs_to_others(s3: ServiceClient, bucket: str) -> bool:
    """Return whether a bucket that the account does not own can be read without that condition, or only its owner can.

    Sources: "Bucket owner condition" (Amazon S3 User Guide), "Troubleshoot access denied error messages" (IAM).
    """
    try:
        with translate_aws_errors(f"find bucket {bucket}", CODES, expired=s3.expired):
            await s3("GetBucketLocation", Bucket=bucket)
    except SentinelError as error:
        return "no resource-based policy" in str(error)
    return True


async def organization_ids(s3: ServiceClient, bucket: str, account_id: str, folder: str) -> list[str]:
    """Return the ids of organizations that have a folder in a folder of the bucket, such as "AWSLogs/"."""
    with translate_aws_errors(f"list folder {folder} of bucket {bucket}", CODES, expired=s3.expired):
        found = await s3.pages(
            "ListObjectsV2",
            "CommonPrefixes",
            cursor="NextContinuationToken",
            sent_as="ContinuationToken",
            absent_if_empty=True,
            Bucket=bucket,
            Prefix=f"{folder}o-",
            Delimiter="/",
            ExpectedBucketOwner=account_id,
        )
        return parse(_parse_folders, found, folder)


async def list_folder(s3: ServiceClient, bucket: str, account_id: str, folder: str) -> Folder:
    """Return the first entries of a folder of the bucket, at most 1,000."""
    with translate_aws_errors(f"list folder {folder} of bucket {bucket}", CODES, expired=s3.expired):
        found = await s3("ListObjectsV2", Bucket=bucket, Prefix=folder, Delimiter="/", ExpectedBucketOwner=account_id)
        return parse(_parse_folder, found, folder)


async def default_key(s3: ServiceClient, bucket: str, account_id: str) -> str:
    """Return the id or ARN of the KMS key of the default encryption, empty if there is none."""
    try:
        with translate_aws_errors(f"read the encryption of bucket {bucket}", CODES, expired=s3.expired):
            return parse(
                _parse_default_key,
                await s3("GetBucketEncryption", Bucket=bucket, ExpectedBucketOwner=account_id),
            )
    except SentinelError as error:
        if code_of(error) == "ServerSideEncryptionConfigurationNotFoundError":
            return ""
        raise


class NotificationAdapter:
    """The notification of the bucket of an S3 source.

    `s3` has credentials in the account and is in the Region of the bucket; the put is made by the client that `write`
    returns, by default by the same one. `queue_changed` is whether S3 may not see queue or policy yet; `find_missing`
    returns which ARNs of queues do not exist. With `writes` false, `apply` raises RuntimeError.
    """

    def __init__(
        self,
        s3: ServiceClient,
        spec: S3SourceSpec,
        *,
        writes: bool,
        queue_changed: Callable[[], bool],
        find_missing: FindMissing,
        removing: bool = False,
        write: Writer | None = None,
    ) -> None:
        self._s3 = s3
        self._spec = spec
        self._writes = writes
        self._queue_changed = queue_changed
        self._find_missing = find_missing
        self._removing = removing
        self._write = write
        self._last: dict[str, Any] = {}

    async def read(self) -> Notification:
        """Return the notification, with an empty document if there is none; raises SentinelError.

        With `removing`, a bucket that does not exist has none.
        """
        try:
            self._last = await self._document()
        except SentinelError as error:
            if not (self._removing and code_of(error) == NO_SUCH_BUCKET):
                raise
            self._last = {}
        return Notification(self._spec.bucket, self._spec.account_id, self._last)

    async def refresh(self, have: Notification | None, _calls: Sequence[Call]) -> Notification | None:
        """Return it as it was read: `apply` reads it again directly before the put."""
        self._last = dict(have.document) if have else {}
        return have

    async def apply(self, call: Call) -> None:
        """Put the document, if it is still the one that was read, and check that it is in force.

        A put replaces the document whoever changed it, so it is read directly before and after. Raises OutdatedError
        before the put, ChangedError after it, NotYetError while S3 does not see the queue yet.
        """
        if not self._writes:
            raise RuntimeError(f"{call.name} in check mode")
        if await self._document() != self._last:
            raise self._error("it was changed meanwhile", OutdatedError)
        try:
            s3 = await self._write(call) if self._write else self._s3
            with self._translate_errors("change"):
                await s3(call.name, **call.args)
        except NotYetError as error:
            if code_of(error) != "InvalidArgument":
                raise
            raise await self._unverified(call, error) from error
        if not is_in_force(self._spec, call.args["NotificationConfiguration"], await self._document()):
            raise self._error("someone else changed it at the same time", ChangedError)

    async def _document(self) -> dict[str, Any]:
        bucket, owner = self._spec.bucket, self._spec.account_id
        with self._translate_errors("read"):
            found = await self._s3("GetBucketNotificationConfiguration", Bucket=bucket, ExpectedBucketOwner=owner)
        return {name: value for name, value in found.items() if name != "ResponseMetadata"}

    async def _unverified(self, call: Call, error: SentinelError) -> SentinelError:
        """Return the error for destinations to which S3 cannot send: later it may, if only the queue is new."""
        put = call.args["NotificationConfiguration"]
        arns = sorted({one.destination for one in entries(put)})
        if missing := await self._find_missing(one for one in arns if one != self._spec.queue_arn):
            return self._error(
                f"S3 checks all destinations, and these do not exist: {', '.join(missing)}. Remove their entries first"
            )
        reason = f"S3 cannot send to one of the destinations {', '.join(arns)} ({_reason(error)})"
        return self._error(reason, NotYetError if self._queue_changed() else SentinelError)

    def _error(self, reason: str, error: type[SentinelError] = SentinelError) -> SentinelError:
        return cannot("notification_conflict", f"change {self._name}", reason, error)

    @property
    def _name(self) -> str:
        return f"the notification of bucket {self._spec.bucket} in account {self._spec.account_id}"

    def _translate_errors(self, action: str) -> AbstractContextManager[None]:
        return translate_aws_errors(f"{action} {self._name}", CODES, expired=self._s3.expired)


def _reason(error: SentinelError) -> str:
    """Return what S3 adds to its error: the destination and the reason, where there are any."""
    details: Any = getattr(error.__cause__, "response", {}).get("Error", {})
    found = [str(value) for name, value in sorted(details.items()) if name.startswith("Argument")]
    return "; ".join([*found, str(details.get("Message", ""))])


# --- parse functions ---


def _parse_region(response: Response) -> str:
    location: str = response.get("LocationConstraint") or ""
    region = _REGIONS.get(location, location)
    if not RULES["region"].holds(region):
        raise ValueError(location)
    return region


def _parse_folder(response: Response, folder: str) -> Folder:
    folders = tuple(one["Prefix"].removeprefix(folder) for one in response.get("CommonPrefixes", ()))
    found = ((one["Key"], one["LastModified"].timestamp()) for one in response.get("Contents", ()))
    return Folder(folders, tuple(Object(key, modified) for key, modified in found if key != folder))


def _parse_default_key(response: Response) -> str:
    rules = response["ServerSideEncryptionConfiguration"]["Rules"]
    defaults = (one.get("ApplyServerSideEncryptionByDefault", {}) for one in rules)
    return next((one["KMSMasterKeyID"] for one in defaults if one.get("KMSMasterKeyID")), "")


def _parse_folders(found: Iterable[Response], folder: str) -> list[str]:
    return sorted(one["Prefix"].removeprefix(folder).rstrip("/") for one in found)
