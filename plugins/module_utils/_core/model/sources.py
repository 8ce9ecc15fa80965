# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sources that Microsoft Sentinel reads in an account: types, options, and the list of an account. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from . import validation
from .errors import InputError, Mistake
from .findings import Finding, finding
from .s3 import source as s3


class SourceOption(NamedTuple):
    """An option of a source: its type and rule as in `validation`, and its documentation."""

    name: str
    type: str
    description: str
    rule: str = ""
    required: bool = False
    for_removal: bool = False


class SourceType(NamedTuple):
    """A type of source: its documentation in a sentence, and its options beside `type`."""

    description: str
    options: tuple[SourceOption, ...] = ()


# The documentation of the option is written from this table: run make specs after a change.
SOURCE_TYPES: dict[str, SourceType] = {
    "cloudtrail": SourceType(
        "An IAM role that trusts Microsoft with the workspace id as external id, and a data connector of the kind "
        "C(AmazonWebServicesCloudTrail). Its options are those of the account, such as O(role_name).",
    ),
    "s3": SourceType(
        "A bucket into which AWS delivers logs, with an OIDC provider, an IAM role, two SQS queues, an entry in the "
        "notification configuration of the bucket, and a data connector of the kind C(AmazonWebServicesS3). One "
        "serves all accounts of an organization trail. The account is that of the bucket.",
        (
            SourceOption("bucket", "str", "The name of the bucket.", "bucket", required=True),
            SourceOption(
                "table",
                "str",
                "The table of the workspace, C(AWSCloudTrail) if not set. Others are C(AWSVPCFlow), C(AWSGuardDuty) "
                "and C(AWSCloudWatch).",
                "table",
            ),
            SourceOption(
                "prefix",
                "str",
                "The beginning of the keys of the objects, up to a slash. If not set, that of the trail that delivers "
                "into the bucket. Required for other tables than C(AWSCloudTrail).",
                "prefix",
            ),
            SourceOption("suffix", "str", "The end of the keys of the objects, C(.gz) if not set.", "suffix"),
            SourceOption(
                "account_ids",
                "list",
                "Only these accounts, at most 100, by their folders below C(prefix). If not set, all accounts.",
                "account_id",
            ),
            SourceOption(
                "bucket_region", "str", "The Region of the bucket. If not set, it is read from AWS.", "region"
            ),
            SourceOption(
                "topic_arn",
                "str",
                "The ARN of an SNS topic that the bucket notifies. If set, the queue is subscribed to this topic, and "
                "the notification configuration of the bucket is not changed. If not set, the bucket notifies the "
                "queue.",
                "topic_arn",
            ),
            SourceOption(
                "connector",
                "bool",
                "Whether the data connector is created, C(true) if not set. With C(false) the account is prepared for "
                "a connector of the Codeless Connector Framework, which takes the role ARN and the queue URL of the "
                "result.",
            ),
            SourceOption(
                "queue_name",
                "str",
                "The name of the queue. If not set, it is made of table, bucket and prefix, or that of a connection "
                "that exists for them.",
                "queue_name",
            ),
            SourceOption(
                "role_name",
                "str",
                "The name of the role, C(OIDC_MicrosoftSentinelRole) if not set, or that of a connection that exists.",
                "oidc_role_name",
            ),
            SourceOption(
                "session_names",
                "list",
                "The names of the sessions of Microsoft Sentinel, C(MicrosoftSentinel_) and the workspace id if not "
                "set.",
                "session_name",
            ),
            SourceOption(
                "kms_key_arns",
                "list",
                "The ARNs of the KMS keys that encrypt the objects. If not set, that of the trail.",
                "kms_key_arn",
            ),
            SourceOption(
                "purge_queue",
                "bool",
                "Whether a removal deletes a queue that has messages, C(false) if not set.",
                for_removal=True,
            ),
            SourceOption(
                "remove_provider",
                "bool",
                "Whether a removal removes the audience of Microsoft Sentinel from the OIDC provider if no other role "
                "uses it, and the provider if this collection created it and it has no other audience, C(false) if not "
                "set.",
                for_removal=True,
            ),
        ),
    ),
}


class SourceSpec(NamedTuple):
    """One source of an account, with the options that were given, by name."""

    type: str
    options: tuple[tuple[str, Any], ...] = ()

    @property
    def title(self) -> str:
        """The type, with the bucket of an S3 source: an account may have several of them."""
        return " of bucket ".join(filter(None, (self.type, self.get("bucket"))))

    def get(self, option: str, default: Any = None) -> Any:
        """Return the value of an option, or the default where it was not given."""
        return dict(self.options).get(option, default)


CLOUDTRAIL = SourceSpec("cloudtrail")
S3 = "s3"
DEFAULT = (CLOUDTRAIL,)


def types(specs: Iterable[SourceSpec]) -> list[str]:
    """Return the types of sources, each once and sorted."""
    return sorted({spec.type for spec in specs})


def parse(given: Any) -> Any:
    """Return the list of sources; a value that is none stays unchanged, and `check` reports it."""
    listed = given.split(",") if isinstance(given, str) else given if isinstance(given, list | tuple) else [given]
    return tuple(_parse(one) for one in listed)


def _parse(given: Any) -> Any:
    if isinstance(given, str):
        return SourceSpec(given.strip())
    if not isinstance(given, Mapping) or not isinstance(given.get("type"), str):
        return given
    known = _options(given["type"])
    options = {
        name: _convert(known[name], value) if name in known else value
        for name, value in given.items()
        if name != "type" and not (name in known and validation.is_blank(value, known[name].type))
    }
    return SourceSpec(given["type"], tuple(sorted(options.items())))


def _convert(option: SourceOption, given: Any) -> Any:
    if option.rule != "account_id" or not isinstance(given, list | tuple):
        return validation.convert(option.type, given)
    return tuple(map(validation.account_id, given))


def _options(source_type: str) -> dict[str, SourceOption]:
    """Return the options of a type of source by name; none for an unknown type."""
    options = SOURCE_TYPES[source_type].options if source_type in SOURCE_TYPES else ()
    return {option.name: option for option in options}


def feeds_other_accounts(source: SourceSpec) -> bool:
    """Whether a source ingests the CloudTrail events of accounts that list no source themselves."""
    is_connected = source.get("connector", True) and not source.get("account_ids")
    return source.type == S3 and source.get("table", s3.CLOUDTRAIL_TABLE) == s3.CLOUDTRAIL_TABLE and is_connected


def module_source_options(source_type: str, *, for_removal: bool = False) -> list[SourceOption]:
    """Return the options of a type of source that modules for the AWS side of one source have.

    With `for_removal` those that only a removal needs, otherwise all others.
    """
    found = (option for option in SOURCE_TYPES[source_type].options if option.name != "connector")
    return [option for option in found if option.for_removal == for_removal]


def missing_source() -> Finding:
    """Return the finding for an account without sources whose events no other connection ingests."""
    return finding("source_missing", "No source is listed, and no enabled S3 connector brings events.")


def check(sources: Iterable[Any], where: str, name: str) -> None:
    """Raise InputError with every mistake in a list of sources; `name` is that of the option or variable."""
    listed = list(sources)
    found = [mistake for one in listed for mistake in _mistakes(one, where, name)]
    for number, one in enumerate(listed):
        if isinstance(one, SourceSpec) and one in listed[:number]:
            found.append(Mistake(f"Cannot use {name} {one.type!r}", where, "it is listed twice"))
    found += [] if found else _s3_mistakes(listed, where, name)
    if found:
        raise InputError(found)


def _s3_mistakes(listed: Iterable[SourceSpec], where: str, name: str) -> list[Mistake]:
    """Return the mistakes in the options of S3 sources that concern several options or sources."""
    found: list[Mistake] = []
    queues: set[str] = set()
    for source in listed:
        if source.type != S3:
            continue
        what = f"Cannot use {name} {S3!r} of bucket {source.get('bucket')}"
        found += [Mistake(what, where, rule) for rule in s3.broken_rules(dict(source.options))]
        used = _queue_names(source)
        if not queues.isdisjoint(used):
            found.append(
                Mistake(what, where, "another source of the account has the same queue, or the same table and prefix")
            )
        queues |= used
    return found


def _queue_names(source: SourceSpec) -> set[str]:
    """Return the names of the queue and of the dead-letter queue, as far as options determine them."""
    table = source.get("table", s3.CLOUDTRAIL_TABLE)
    name = source.get("queue_name") or s3.default_queue_name(table, source.get("bucket"), source.get("prefix"))
    return {name, f"{name}{s3.DEAD_LETTER_SUFFIX}"}


def _mistakes(source: Any, where: str, name: str) -> list[Mistake]:
    if not isinstance(source, SourceSpec):
        rule = "each source is the name of a type, or a dictionary with type and the options of that type"
        return [Mistake(f"Cannot use {name} {source!r}", where, rule)]
    what = f"Cannot use {name} {source.type!r}"
    if source.type not in SOURCE_TYPES:
        return [Mistake(what, where, f"unknown type, the types are {', '.join(SOURCE_TYPES)}")]
    options = _options(source.type)
    unknown = f"the options are {', '.join(options) or 'none'}"
    found = [
        Mistake(what, where, f"unknown option {option}, {unknown}")
        for option, _value in source.options
        if option not in options
    ]
    for option in options.values():
        value = source.get(option.name)
        if value is not None:
            found += _option_mistakes(option, value, where, f"{option.name} of {name} {source.type!r}")
        elif option.required:
            found.append(Mistake(what, where, f"{option.name} is not set"))
    return found


def _option_mistakes(option: SourceOption, value: Any, where: str, name: str) -> tuple[Mistake, ...]:
    try:
        validation.check(where, name, value, option.type)
        for item in value if isinstance(value, tuple) else (value,):
            if option.rule:
                validation.check(where, name, item, option.rule)
    except InputError as error:
        return error.mistakes
    return ()
