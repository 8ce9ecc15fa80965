# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules for the values of options, each with the sentence that states it, and type conversion. Pure.

Sources: IAM and STS quotas, "IAM and AWS STS API reference"; Azure, "Naming rules and restrictions for resources".
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from . import accepted_findings
from .errors import InputError, Mistake
from .s3.queue_url import queue_arn_of
from .s3.source import MAX_QUEUE_NAME, ROLE_PREFIX, TABLES, UNSUPPORTED_IN_PREFIX, UNSUPPORTED_TEXT
from .text import one_line

PLACEHOLDER_ACCOUNT = "123412341234"
REPLACED_POLICY = "AWSCloudTrailReadOnlyAccess"
RESERVED_TAGS = "trailbridge.sentinel"
MAX_DISPLAYED = 1000

_GUID = r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
_NAME_CHARACTER = r"[A-Za-z0-9_+=,.@-]"
_PATH = r"/(?:[\x21-\x2e\x30-\x7e][\x21-\x7e]*/)?"


class Rule(NamedTuple):
    """Whether a value is valid (`holds`), and the rule as the end of an error message."""

    holds: Callable[[Any], bool]
    text: str


def _matches(pattern: str) -> Callable[[Any], bool]:
    compiled = re.compile(pattern)
    return lambda value: isinstance(value, str) and compiled.fullmatch(value) is not None


def _is_path(value: Any) -> bool:
    return _matches(_PATH)(value) and len(value) <= 512 and "//" not in value


def _is_guid(value: Any) -> bool:
    return _matches(_GUID)(value) and set(value) != set("0-")


def _is_microsoft_account(value: Any) -> bool:
    return _matches("[0-9]{12}")(value) and value != PLACEHOLDER_ACCOUNT


def _is_boundary(value: Any) -> bool:
    return value == "" or (_is_policy_arn(value) and not value.endswith(f"/{REPLACED_POLICY}"))


def _is_policy_arn(value: Any) -> bool:
    return (
        _matches(r"arn:aws(?:-[a-z]+)*:iam::(?:aws|[0-9]{12}):policy/[\x21-\x7e]+")(value) and 20 <= len(value) <= 2048
    )


def _is_prefix(value: Any) -> bool:
    return (
        _matches(r"[^/\0-\x1f\x7f][^\0-\x1f\x7f]*")(value)
        and len(value.encode()) <= 900
        and UNSUPPORTED_IN_PREFIX.isdisjoint(value)
    )


def _is_tag(key: Any, value: Any) -> bool:
    return (
        isinstance(key, str)
        and isinstance(value, str)
        and 1 <= len(key) <= 128
        and len(value) <= 256
        and not key.lower().startswith(("aws:", RESERVED_TAGS))
        and all(char in "_.:/=+-@" or unicodedata.category(char)[0] in "LZN" for char in key + value)
    )


def _is_tag_dict(value: Any) -> bool:
    return (
        isinstance(value, Mapping)
        and len(value) <= 48
        and all(_is_tag(key, text) for key, text in value.items())
        and len({key.lower() for key in value}) == len(value)
    )


def _each(rule: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, Iterable) and not isinstance(value, str) and all(map(rule, value))


def _one_of(*words: str) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and value in words


def _integer(low: int, high: int) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _is_percent(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 100


_ROLE_NAME = _NAME_CHARACTER + "{1,64}"
_ROLE_ARN = r"arn:aws(?:-[a-z]+)*:iam::[0-9]{12}:role/(?:[\x21-\x7e]+/)?" + _ROLE_NAME

_TIMESTAMP = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?(?:Z|[+-][0-9]{2}:[0-9]{2})"
_PORT = r":(?:[0-9]{1,4}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
_AUTHORITY = rf"(?:\[[0-9A-Fa-f:.]{{2,45}}\]|[A-Za-z0-9][A-Za-z0-9._-]{{0,252}})(?:{_PORT})?(?:[/?#][!-~]*)?"
_HTTPS = rf"https://{_AUTHORITY}"
_DOMAIN = r"(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,63}"

# Values that no message shows.
SECRETS = ("access_key", "secret_key", "session_token", "secret", "oidc_token")
_SECRET = Rule(_matches(r"[\x21-\x7e]+"), "it must be a string without spaces, line breaks and control characters")

TYPES: dict[str, Rule] = {
    "str": Rule(lambda value: isinstance(value, str), "it must be a string; quote it in YAML"),
    "bool": Rule(lambda value: isinstance(value, bool), "it must be true or false"),
    "int": Rule(lambda value: isinstance(value, int) and not isinstance(value, bool), "it must be an integer"),
    "float": Rule(lambda value: isinstance(value, int | float) and not isinstance(value, bool), "it must be a number"),
    "dict": Rule(lambda value: isinstance(value, Mapping), "it must be a dictionary"),
    "dicts": Rule(lambda value: isinstance(value, list | tuple), "it must be a list of dictionaries"),
    "list": Rule(
        lambda value: isinstance(value, tuple) and all(isinstance(item, str) for item in value),
        "it must be a string or a list of strings",
    ),
}

RULES: dict[str, Rule] = {
    **dict.fromkeys(SECRETS, _SECRET),
    "duration": Rule(
        _matches("[0-9]{1,7}[dhms]?"),
        "it must be an integer number of seconds, or an integer with the unit s, m, h or d, such as 7d",
    ),
    "report_name": Rule(
        _matches(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"),
        "it must be 1 to 64 letters, digits or ._- and start with a letter or digit",
    ),
    "fail_on": Rule(_one_of("drift", "security", "never"), "it must be drift, security or never"),
    "state": Rule(_one_of("present", "absent"), "it must be present or absent"),
    "minimum_accounts": Rule(_integer(0, 1_000_000), "it must be an integer, 0 or more"),
    "accepted_findings": Rule(accepted_findings.is_parsed, accepted_findings.RULE),
    "concurrency": Rule(_integer(1, 256), "it must be an integer from 1 to 256"),
    "percent": Rule(_is_percent, "it must be a number from 0 to 100"),
    "permission_mode": Rule(_one_of("managed", "lookup_events"), "it must be managed or lookup_events"),
    "endpoint_url": Rule(_matches(rf"https?://{_AUTHORITY}"), "it must be an http or https address"),
    "region": Rule(
        _matches("[a-z]{2,}(?:-[a-z]+)+-[0-9]+"), "it must be the code of an AWS Region such as eu-central-1"
    ),
    "account_id": Rule(
        _matches("[0-9]{12}"),
        "it must be 12 digits (a shorter number has lost its leading zeros): quote it in YAML and JSON; in an INI "
        "inventory, write it without quotes",
    ),
    "joined": Rule(
        _matches(f"(?:{_TIMESTAMP})?"), "it must be an ISO 8601 time such as 2026-11-22T17:00:00Z; quote it in YAML"
    ),
    "ou": Rule(lambda value: isinstance(value, str), "it must be the path of an OU such as /Workloads/Production"),
    "microsoft_account_id": Rule(
        _is_microsoft_account,
        "it must be a string of 12 digits, quoted in YAML, and not 123412341234, a placeholder in old documentation: "
        "Microsoft's account for the Azure commercial cloud is 197857026523, which is the default",
    ),
    "name": Rule(_matches(_ROLE_NAME), "it must be 1 to 64 of the characters A-Z, a-z, 0-9 and _+=,.@-"),
    "path": Rule(
        _is_path,
        "it must be / or start and end with /, without // and spaces, with at most 512 printable ASCII characters",
    ),
    "description": Rule(
        _matches("[\t\n\r\x20-\x7e\xa1-\xff]{0,1000}"), "it must have at most 1,000 characters, all of them Latin-1"
    ),
    "max_session_duration": Rule(_integer(3600, 43200), "it must be an integer number of seconds from 3600 to 43200"),
    "permissions_boundary": Rule(
        _is_boundary, "it must be the ARN of a managed policy, or empty to remove the boundary"
    ),
    "tags": Rule(
        _is_tag_dict,
        "it must have at most 48 tags (AWS allows 50, this collection adds two), with keys of 1 to 128 and values of 0 "
        "to 256 letters, digits, spaces or _.:/=+-@, all of them strings; keys must be unique regardless of case and "
        "not start with aws: or trailbridge.sentinel",
    ),
    "workspace_id": Rule(_is_guid, "it must be a GUID such as 00aa00aa-1111-2222-3333-444455556666, not all zeros"),
    "subscription_id": Rule(_is_guid, "it must be a GUID, not all zeros"),
    "external_ids": Rule(
        lambda value: _each(_is_guid)(value) and len(value) <= 5,
        "it must have at most 5 items, each the GUID of a Log Analytics workspace; more do not fit into the tag that "
        "names them",
    ),
    "resource_group": Rule(
        _matches(r"[\w().-]{0,89}[\w()-]"), "it must be 1 to 90 letters, digits or _-.() and not end with a dot"
    ),
    "workspace": Rule(
        _matches("[A-Za-z0-9][A-Za-z0-9-]{2,61}[A-Za-z0-9]"),
        "it must be the name of the workspace: 4 to 63 letters, digits and hyphens",
    ),
    "assume_role": Rule(
        _each(lambda role: _matches(_ROLE_NAME)(role) or _matches(_ROLE_ARN)(role)),
        "each item must be the name or the ARN of an IAM role",
    ),
    "assume_role_session_name": Rule(
        _matches(_NAME_CHARACTER + "{2,64}"), "it must be 2 to 64 of the characters A-Z, a-z, 0-9 and _+=,.@-"
    ),
    "assume_role_external_id": Rule(
        _matches(r"[A-Za-z0-9_+=,.@:\\/-]{2,1224}"), "it must be 2 to 1,224 letters, digits or _+=,.@:\\/-"
    ),
    "auth_source": Rule(
        _one_of("auto", "cli", "env", "credential_file", "msi"), "it must be auto, cli, env, credential_file or msi"
    ),
    "azure_profile": Rule(_matches(r"[^\[\]\r\n]+"), "it must be the name of a section of ~/.azure/credentials"),
    "tenant": Rule(
        lambda value: _is_guid(value) or _matches(rf"adfs|{_DOMAIN}")(value),
        "it must be the GUID or a domain name of an Entra tenant, or adfs",
    ),
    "client_id": Rule(_matches(r"[\x21-\x7e]{1,256}"), "it must be the application (client) id, without spaces"),
    "x509_certificate_path": Rule(_matches(r"[^\0\r\n]+"), "it must be the path of a file"),
    "thumbprint": Rule(
        _matches("(?:[0-9A-Fa-f]{2}:?){19}[0-9A-Fa-f]{2}"), "it must be 40 hexadecimal digits, with or without colons"
    ),
    "oidc_token_file_path": Rule(_matches(r"[^\0\r\n]+"), "it must be the path of a file"),
    "cloud_environment": Rule(
        _matches(rf"AzureCloud|AzureUSGovernment|AzureChinaCloud|{_HTTPS}"),
        "it must be AzureCloud, AzureUSGovernment or the https address of a private cloud's Azure Resource Manager",
    ),
    "adfs_authority_url": Rule(_matches(_HTTPS), "it must be an https address"),
    "cert_validation_mode": Rule(_one_of("validate", "ignore"), "it must be validate or ignore"),
    "disable_instance_discovery": Rule(lambda value: isinstance(value, bool), "it must be true or false"),
    "bucket": Rule(
        lambda value: _matches("[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")(value) and ".." not in value,
        "it must be the name of an S3 bucket: 3 to 63 lower-case letters, digits, dots and hyphens",
    ),
    "prefix": Rule(
        _is_prefix,
        "it must be the beginning of object keys such as AWSLogs/111111111111/, without a slash at its start, and "
        f"without the characters {UNSUPPORTED_TEXT}, which IAM policies read as patterns",
    ),
    "suffix": Rule(_matches(r"[A-Za-z0-9._-]{1,64}"), "it must be the end of object keys such as .json.gz"),
    "table": Rule(_one_of(*TABLES), f"it must be {', '.join(TABLES[:-1])} or {TABLES[-1]}"),
    "queue_name": Rule(
        _matches(f"[A-Za-z0-9_-]{{1,{MAX_QUEUE_NAME}}}"),
        f"it must be 1 to {MAX_QUEUE_NAME} letters, digits, hyphens and underscores (AWS allows 80, the dead-letter "
        "queue has the same name and four more characters); FIFO queues cannot be used",
    ),
    "queue_url": Rule(
        lambda value: isinstance(value, str) and bool(queue_arn_of(value)),
        "it must be the URL of a standard SQS queue: https://sqs.<Region>.amazonaws.com/<12 digits>/<name>",
    ),
    "topic_arn": Rule(
        _matches(r"arn:aws(?:-[a-z]+)*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}"),
        "it must be the ARN of a standard SNS topic: arn:aws:sns:<Region>:<12 digits>:<name>",
    ),
    "oidc_role_name": Rule(
        _matches(rf"{ROLE_PREFIX}[A-Za-z0-9_-]{{1,59}}"),
        f"it must begin with {ROLE_PREFIX}, as required by Microsoft Sentinel, then letters, digits, hyphens and "
        "underscores, with at most 64 characters",
    ),
    "kms_key_arn": Rule(
        _matches(r"arn:aws(?:-[a-z]+)*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+"),
        "it must be the ARN of a KMS key, not of an alias: arn:aws:kms:<Region>:<12 digits>:key/<id>",
    ),
    "session_name": Rule(
        _matches(r"[A-Za-z0-9_=,.@-]{2,64}"), "it must be the exact name of a role session, without wildcards"
    ),
    "role_arn": Rule(
        _matches(_ROLE_ARN), "it must be the ARN of an IAM role: arn:aws:iam::<12 digits>:role/<path><name>"
    ),
}


def account_id(given: Any) -> Any:
    """Return an integer of exactly twelve digits as a string: INI inventories and templates turn ids into integers.

    Anything else is returned unchanged and fails validation: an integer with fewer digits may have lost zeros.
    """
    return str(given) if isinstance(given, int) and len(str(given)) == 12 and given > 0 else given


def displayed(given: Any) -> Any:
    """Return a value that is only displayed, on one line and shortened to MAX_DISPLAYED; it never fails validation."""
    if not isinstance(given, str | int | float):
        return given
    text = one_line(str(given))
    return text if len(text) <= MAX_DISPLAYED else f"{text[:MAX_DISPLAYED]}…"


def check(where: str, option: str, value: Any, rule: str, given: Any = None) -> None:
    """Raise bad_input if the value violates the rule; `where` names the account or host, or is empty.

    `given` is the value before its conversion, for the message.
    """
    checked = RULES.get(rule) or TYPES[rule]
    if not checked.holds(value):
        shown = "" if rule in SECRETS else f" {value if given is None else given!r}"
        raise InputError([Mistake(f"Cannot use {option}{shown}", where, checked.text)])


# --- conversion of values that have another type, such as integers and booleans as strings ---

_TRUE, _FALSE = ("yes", "true", "on", "1", "y", "t"), ("no", "false", "off", "0", "n", "f")
_BOOLEANS = dict.fromkeys(_TRUE, True) | dict.fromkeys(_FALSE, False)
_EMPTY: dict[str, tuple[Any, ...]] = {"str": ("",), "dict": ({},), "list": ([], ()), "sources": ([], ())}


def convert(kind: str, value: Any) -> Any:
    """Return a value converted to the type of an option; unchanged if it cannot be converted."""
    return _CONVERT[kind](value) if kind in _CONVERT else value


def _boolean(value: Any) -> Any:
    word = value.strip().lower() if isinstance(value, str) else str(value) if isinstance(value, int) else ""
    return value if isinstance(value, bool) else _BOOLEANS.get(word, value)


def _integer_of(value: Any) -> Any:
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10 else value


def _number(value: Any) -> Any:
    return float(value) if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}(?:\.[0-9]{1,9})?", value) else value


def _list(value: Any) -> Any:
    return tuple(value.split(",")) if isinstance(value, str) else tuple(value) if isinstance(value, list) else value


_CONVERT: dict[str, Callable[[Any], Any]] = {"bool": _boolean, "int": _integer_of, "float": _number, "list": _list}


def has_lost_zeros(value: Any) -> bool:
    """Whether a value is an integer that may be an account id without its leading zeros; it is never padded."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**11


def is_blank(value: Any, kind: str) -> bool:
    """Whether a value for an option of this type is None, a blank string, or empty."""
    return value is None or (not value.strip() if isinstance(value, str) else _is_empty(value, kind))


def is_given(value: Any, kind: str, *, empty_counts: bool) -> bool:
    """Whether an option is given: None and blank are not, except the empty value of its type where that counts."""
    return not is_blank(value, kind) or (empty_counts and _is_empty(value, kind))


def _is_empty(value: Any, kind: str) -> bool:
    return any(value == one for one in _EMPTY.get(kind, ()))
