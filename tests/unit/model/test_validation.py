# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Valid and invalid values of options, and the error messages."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.accepted_findings import Accepted
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import SentinelError
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.validation import (
    RULES,
    SECRETS,
    TYPES,
    check,
)

ACCOUNT = "012345670123"
GUID = "00aa00aa-1111-2222-3333-444455556666"
ROLE = f"arn:aws:iam::{ACCOUNT}:role"
POLICY = f"arn:aws:iam::{ACCOUNT}:policy"
LONG = "x" * 3000

NAMES = {
    "one character": "x",
    "the longest": LONG[:64],
    "every kind of character": "aZ09_+=,.@-",
}
BAD_NAMES = {
    "empty": "",
    "65 characters": LONG[:65],
    "a space": "a b",
    "a slash": "a/b",
    "an accent": "é",
    "a trailing newline": "name\n",
    "a colon": "a:b",
    "a number": 7,
    "none": None,
    "a list": ["name"],
}
GUIDS = {"small letters": GUID, "capitals": GUID.upper(), "one digit": "00000000-0000-0000-0000-000000000001"}
BAD_GUIDS = {
    "empty": "",
    "no dashes": GUID.replace("-", ""),
    "braces": f"{{{GUID}}}",
    "only zeros": "00000000-0000-0000-0000-000000000000",
    "an ARM id": f"/subscriptions/{GUID}/resourceGroups/security",
    "a trailing space": f"{GUID} ",
    "a leading space": f" {GUID}",
    "a trailing newline": f"{GUID}\n",
    "a URN": f"urn:uuid:{GUID}",
    "not hexadecimal": GUID.replace("a", "g"),
    "full-width digits": GUID.replace("1", "１"),  # noqa: RUF001
    "another grouping": "00aa00aa1-111-2222-3333-444455556666",
    "a number": 7,
    "a list": [GUID],
}
BAD_ACCOUNTS = {
    "empty": "",
    "11 digits": "1" * 11,
    "13 digits": "1" * 13,
    "a number": 111111111111,
    "a number that was octal": 0o12345670123,
    "full-width digits": "１" * 12,  # noqa: RUF001
    "dashes": "1111-1111-1111",
    "a trailing newline": "111111111111\n",
    "a trailing space": "111111111111 ",
    "a letter": "11111111111a",
    "an ARN": f"arn:aws:iam::{ACCOUNT}:root",
    "a list": [ACCOUNT],
    "a bool": True,
}

FILE = {"a path": "/etc/some file.pem"}
BAD_FILE = {"empty": "", "two lines": "/etc/a\n/etc/b", "NUL": "/etc/\0", "a number": 7}
BAD_SECRET = {"empty": "", "a trailing newline": "hush\n", "a space": "hu sh", "a number": 7, "a list": ["hush"]}

VALID: dict[str, dict[str, Any]] = {
    **{name: {"letters": "hush", "signs": "a/b+c=~"} for name in SECRETS},
    "duration": {"days": "7d", "hours": "36h", "minutes": "90m", "seconds": "5s", "a number": "5", "none": "0"},
    "fail_on": {"drift": "drift", "security": "security", "never": "never"},
    "state": {"present": "present", "absent": "absent"},
    "minimum_accounts": {"none": 0, "many": 10_000},
    "accepted_findings": {"none": (), "one": (Accepted("role_tags", "x", "2027-01-31"),)},
    "concurrency": {"one": 1, "the most": 256},
    "percent": {"none": 0, "all": 100, "some": 12.5},
    "endpoint_url": {"https": "https://sts.example:4566/x", "http": "http://127.0.0.1:1", "IPv6": "https://[::1]:1"},
    "region": {"commercial": "eu-central-1", "GovCloud": "us-gov-west-1", "isolated": "us-isob-east-1"},
    "auth_source": {word: word for word in ("auto", "cli", "env", "credential_file", "msi")},
    "azure_profile": {"a word": "audit", "a space": "my audit"},
    "client_id": {"a GUID": GUID, "a URI": "api://sentinel"},
    "x509_certificate_path": FILE,
    "thumbprint": {"digits": "aB" * 20, "colons": ":".join(["AB"] * 20)},
    "oidc_token_file_path": FILE,
    "cloud_environment": {
        **{word: word for word in ("AzureCloud", "AzureUSGovernment", "AzureChinaCloud")},
        "a private one": "https://management.local.azurestack.external",
    },
    "adfs_authority_url": {"https": "https://adfs.example/adfs"},
    "cert_validation_mode": {"validate": "validate", "ignore": "ignore"},
    "disable_instance_discovery": {"true": True, "false": False},
    "account_id": {"12 digits": "111111111111", "a leading zero": ACCOUNT, "zeros": "0" * 12},
    "report_name": {"a number of AWX": "4711", "a day": "2026-11-22", "the longest": "a" * 64},
    "joined": {"UTC": "2026-11-22T17:00:00Z", "an offset": "2026-11-22T17:00:00.5+01:00", "unknown": ""},
    "ou": {"a path": "/Workloads/Prod", "any letters": "/Zürich 🙂", "unknown": ""},
    "microsoft_account_id": {"Microsoft's": "197857026523", "another one": "111111111111"},
    "name": NAMES,
    "path": {
        "the root": "/",
        "one step": "/security/",
        "two steps": "/security/sentinel/",
        "any printable character": "/!~{}[]|/",
        "the longest": f"/{LONG[:510]}/",
    },
    "description": {
        "empty": "",
        "the longest": LONG[:1000],
        "white space": "a\tb\nc\rd e",
        "Latin-1": "é¡ÿ~",
    },
    "max_session_duration": {"the shortest": 3600, "the longest": 43200},
    "permissions_boundary": {
        "a policy": f"{POLICY}/fence",
        "a policy with a path": f"{POLICY}/team/fence",
        "of AWS": "arn:aws:iam::aws:policy/ReadOnlyAccess",
        "of GovCloud": f"arn:aws-us-gov:iam::{ACCOUNT}:policy/fence",
        "the longest": f"{POLICY}/{LONG[: 2048 - len(POLICY) - 1]}",
        "empty, to remove it": "",
    },
    "tags": {
        "none": {},
        "one": {"owner": "us"},
        "an empty value": {"owner": ""},
        "the longest": {LONG[:128]: LONG[:256]},
        "every kind of character": {"aé1 _.:/=+-@": "ß東２ _.:/=+-@"},
        "40": {f"tag{number}": "x" for number in range(40)},
        "aws inside": {"my-aws:tag": "x"},
    },
    "workspace_id": GUIDS,
    "subscription_id": GUIDS,
    "tenant": {**GUIDS, "a domain": "contoso.onmicrosoft.com", "AD FS": "adfs"},
    "permission_mode": {"managed": "managed", "lookup_events": "lookup_events"},
    "external_ids": {"none": [], "one": [GUID], "two": (GUID, GUID.upper())},
    "resource_group": {
        "one character": "x",
        "the longest": LONG[:90],
        "every kind of character": "aZ09é_-.()x",
        "a closing bracket": "(x)",
    },
    "workspace": {"the shortest": "abcd", "the longest": LONG[:63], "hyphens": "a--b", "digits": "1234"},
    "assume_role": {
        "none": [],
        "a name": ["OrganizationAccountAccessRole"],
        "an ARN": [f"{ROLE}/Admin"],
        "an ARN with a path": [f"{ROLE}/a/b/Admin"],
        "a list": ("AWSControlTowerExecution", f"{ROLE}/Admin"),
    },
    "assume_role_session_name": {
        "two characters": "ab",
        **{key: NAMES[key] for key in NAMES if key != "one character"},
    },
    "assume_role_external_id": {"two characters": "ab", "the longest": LONG[:1224], "any": "aZ09_+=,.@:\\/-"},
    "bucket": {"a name": "aws-controltower-logs-222222222222-eu-west-1", "the shortest": "a1b", "dots": "logs.example"},
    "prefix": {
        "a folder": "AWSLogs/222222222222/",
        "no slash at the end": "o-abc",
        "a space": "a b/",
        "a sign": "a=b/",
    },
    "suffix": {"an extension": ".json.gz", "one character": "z"},
    "table": {"the default": "AWSCloudTrail", "another": "AWSCloudWatch"},
    "queue_name": {"a name": "MicrosoftSentinel-AWSCloudTrail-0a1b2c3d", "the longest": LONG[:76]},
    "queue_url": {
        "a queue": f"https://sqs.eu-west-1.amazonaws.com/{ACCOUNT}/logs",
        "the oldest spelling": f"https://queue.amazonaws.com/{ACCOUNT}/logs",
        "the older spelling": f"https://eu-west-1.queue.amazonaws.com/{ACCOUNT}/logs",
    },
    "topic_arn": {
        "a topic": f"arn:aws:sns:eu-west-1:{ACCOUNT}:new-objects",
        "of another partition": f"arn:aws-us-gov:sns:us-gov-west-1:{ACCOUNT}:new_objects",
    },
    "oidc_role_name": {"the default": "OIDC_MicrosoftSentinelRole", "the longest": f"OIDC_{LONG[:59]}"},
    "kms_key_arn": {"a key": f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/{GUID}"},
    "session_name": {"the default": f"MicrosoftSentinel_{GUID}"},
    "role_arn": {"a role": f"{ROLE}/Eyes", "a path": f"{ROLE}/a/b/Eyes", "the longest": f"{ROLE}/{LONG[:64]}"},
}

INVALID: dict[str, dict[str, Any]] = {
    **dict.fromkeys(SECRETS, BAD_SECRET),
    "duration": {"empty": "", "a unit": "d", "negative": "-1", "a fraction": "1.5h", "weeks": "1w", "a number": 5},
    "fail_on": {"another word": "always", "another case": "Drift", "a bool": True},
    "state": {"another word": "gone", "a bool": False},
    "minimum_accounts": {"negative": -1, "a string": "5", "a bool": True, "a float": 2.0},
    "accepted_findings": {"empty": "", "a code": ("role_tags",), "a list": [{"code": "role_tags"}]},
    "concurrency": {"zero": 0, "negative": -1, "257": 257, "a string": "16", "a bool": True, "a float": 2.0},
    "percent": {
        "negative": -1,
        "101": 101,
        "no number": math.nan,
        "no end": math.inf,
        "a string": "16",
        "a bool": True,
    },
    "endpoint_url": {
        "empty": "",
        "a host": "sts.example",
        "another scheme": "ftp://x",
        "a space": "https://a b",
        "a number": 7,
    },
    "region": {
        "empty": "",
        "a zone": "eu-central-1a",
        "capitals": "EU-CENTRAL-1",
        "a name": "Frankfurt",
        "a number": 7,
    },
    "auth_source": {"empty": "", "another word": "browser", "capitals": "MSI", "a list": ["msi"]},
    "azure_profile": {"empty": "", "a bracket": "[audit]", "two lines": "a\nb", "a number": 7},
    "client_id": {"empty": "", "a space": f"{GUID} ", "a newline": f"{GUID}\n", "257": LONG[:257], "a number": 7},
    "x509_certificate_path": BAD_FILE,
    "thumbprint": {"empty": "", "38 digits": "AB" * 19, "42 digits": "AB" * 21, "no digit": "XY" * 20, "a number": 7},
    "oidc_token_file_path": BAD_FILE,
    "cloud_environment": {"empty": "", "another word": "AzureGermanCloud", "http": "http://arm.example", "a number": 7},
    "adfs_authority_url": {
        "empty": "",
        "http": "http://adfs.example",
        "a host": "adfs.example",
        "a number": 7,
        "no host": "https://[bad",
        "a port": "https://a:99999999",
        "a user": "https://login.example@evil.example",
    },
    "cert_validation_mode": {"empty": "", "a bool": False, "another word": "strict"},
    "disable_instance_discovery": {"a string": "true", "a number": 1, "none": None},
    "account_id": BAD_ACCOUNTS,
    "report_name": {"empty": "", "a path": "../x", "a slash": "a/b", "hidden": ".a", "65": "a" * 65, "a number": 7},
    "joined": {"a day": "2026-11-22", "no zone": "2026-11-22T17:00:00", "a number": 1763000000, "a word": "today"},
    "ou": {"a list": ["/a"], "a number": 7},
    "microsoft_account_id": {**BAD_ACCOUNTS, "the placeholder of old documentation": "123412341234"},
    "name": BAD_NAMES,
    "path": {
        "empty": "",
        "no slash": "x",
        "no slash at the end": "/x",
        "no slash at the start": "x/",
        "two slashes": "//",
        "two slashes inside": "/a//b/",
        "a space": "/a b/",
        "an accent": "/é/",
        "DEL": "/\x7f/",
        "a trailing newline": "/x/\n",
        "513 characters": f"/{LONG[:511]}/",
        "a number": 7,
    },
    "description": {
        "1,001 characters": LONG[:1001],
        "an emoji": "🙂",
        "NUL": "\0",
        "a control character": "\x85",
        "a no-break space": "\xa0",
        "a character outside of Latin-1": "ā",
        "a number": 7,
        "a list": ["x"],
    },
    "max_session_duration": {
        "3599": 3599,
        "43201": 43201,
        "zero": 0,
        "negative": -3600,
        "1h": "1h",
        "a float": 3600.0,
        "a bool": True,
        "a string": "3600",
    },
    "permissions_boundary": {
        "a bare name": "ReadOnlyAccess",
        "a role": f"{ROLE}/fence",
        "an account too short": "arn:aws:iam::1111:policy/fence",
        "no name": f"{POLICY}/",
        "a space": f"{POLICY}/a b",
        "a trailing newline": f"{POLICY}/fence\n",
        "2,049 characters": f"{POLICY}/{LONG[: 2049 - len(POLICY) - 1]}",
        "the policy that AWS replaced": "arn:aws:iam::aws:policy/AWSCloudTrailReadOnlyAccess",
        "no partition": f"arn:awsome:iam::{ACCOUNT}:policy/fence",
        "a number": 7,
    },
    "tags": {
        "51": {f"tag{number}": "x" for number in range(51)},
        "an empty key": {"": "x"},
        "of AWS": {"aws:x": "x"},
        "of AWS in capitals": {"AWS:x": "x"},
        "of the collection": {"trailbridge.sentinel": "x"},
        "of the collection in capitals": {"Trailbridge.Sentinel.workspace": "x"},
        "keys equal without case": {"Env": "x", "env": "x"},
        "a key of 129": {LONG[:129]: "x"},
        "a value of 257": {"x": LONG[:257]},
        "a bool": {"x": True},
        "a number": {"x": 1},
        "none": {"x": None},
        "a number for a key": {1: "x"},
        "a comma": {"x": "a,b"},
        "an emoji": {"x": "🙂"},
        "a newline in a key": {"a\nb": "x"},
        "a trailing newline": {"x": "x\n"},
        "a tab": {"x": "a\tb"},
        "a list": ["x"],
        "a string": "x=y",
    },
    "workspace_id": BAD_GUIDS,
    "subscription_id": BAD_GUIDS,
    "tenant": {name: value for name, value in BAD_GUIDS.items() if name != "empty"},
    "permission_mode": {"another word": "everything", "capitals": "Managed", "empty": "", "a bool": True, "a list": []},
    "external_ids": {
        **{f"one with {name}": [GUID, value] for name, value in BAD_GUIDS.items()},
        "a string": GUID,
        "a number": 7,
        "seven": [f"{number}2345678-aaaa-4aaa-8aaa-111111111111" for number in range(7)],
    },
    "resource_group": {
        "empty": "",
        "91 characters": LONG[:91],
        "a dot at the end": "x.",
        "a slash": "a/b",
        "a space": "a b",
        "a trailing newline": "x\n",
        "an ARM id": f"/subscriptions/{GUID}/resourceGroups/security",
        "a number": 7,
    },
    "workspace": {
        "empty": "",
        "3 characters": "abc",
        "64 characters": LONG[:64],
        "a slash": "ab/cd",
        "an underscore": "ab_cd",
        "a hyphen at the start": "-abcd",
        "a hyphen at the end": "abcd-",
        "a trailing newline": "abcd\n",
        "an accent": "abcdé",
        "a number": 1234,
    },
    "assume_role": {
        **{f"a name: {name}": [value] for name, value in BAD_NAMES.items()},
        "a user": [f"arn:aws:iam::{ACCOUNT}:user/Admin"],
        "an assumed role": [f"arn:aws:sts::{ACCOUNT}:assumed-role/Admin/session"],
        "one of two": ["Admin", "a b"],
        "a string": "Admin",
    },
    "assume_role_session_name": {
        "1 character": "x",
        "65 characters": LONG[:65],
        "a space": "a b",
        "an accent": "éé",
        "a trailing newline": "ab\n",
        "a number": 77,
    },
    "assume_role_external_id": {
        "1 character": "x",
        "1,225 characters": LONG[:1225],
        "a space": "a b",
        "a trailing newline": "ab\n",
        "a number": 77,
    },
    "bucket": {
        "two characters": "ab",
        "64 characters": LONG[:64],
        "capitals": "Logs",
        "an ARN": "arn:aws:s3:::logs",
        "two dots": "a..b",
        "a slash": "logs/AWSLogs",
        "a trailing newline": "logs\n",
        "a number": 7,
    },
    "prefix": {
        "a slash at its start": "/AWSLogs/",
        "a wildcard": "AWSLogs/*/CloudTrail/",
        "a wildcard for one character": "AWSLogs?/",
        "a dollar": "AWS$/",
        "a variable": "${aws:username}/",
        "a bracket": "{a/",
        "a line break": "AWSLogs\n/",
        "too long": LONG,
        "empty": "",
        "a list": ["AWSLogs/"],
    },
    "suffix": {"empty": "", "a wildcard": "*.gz", "a slash": "a/b.gz", "a number": 7},
    "table": {"another case": "awscloudtrail", "a codeless one": "AWSWAF", "empty": ""},
    "queue_name": {"FIFO": "logs.fifo", "77 characters": LONG[:77], "an ARN": "arn:aws:sqs:::logs", "empty": ""},
    "queue_url": {
        "FIFO": f"https://sqs.eu-west-1.amazonaws.com/{ACCOUNT}/logs.fifo",
        "an ARN": f"arn:aws:sqs:eu-west-1:{ACCOUNT}:logs",
        "not encrypted": f"http://sqs.eu-west-1.amazonaws.com/{ACCOUNT}/logs",
        "another domain": f"https://sqs.eu-west-1.example.com/{ACCOUNT}/logs",
        "none": None,
    },
    "topic_arn": {
        "FIFO": f"arn:aws:sns:eu-west-1:{ACCOUNT}:new-objects.fifo",
        "a subscription": f"arn:aws:sns:eu-west-1:{ACCOUNT}:new-objects:{GUID}",
        "a queue": f"arn:aws:sqs:eu-west-1:{ACCOUNT}:new-objects",
        "a name": "new-objects",
        "none": None,
    },
    "oidc_role_name": {
        "another beginning": "MicrosoftSentinelRole",
        "the beginning alone": "OIDC_",
        "65 characters": f"OIDC_{LONG[:60]}",
        "a dot": "OIDC_a.b",
        "another case": "oidc_Sentinel",
    },
    "kms_key_arn": {
        "an alias": f"arn:aws:kms:eu-west-1:{ACCOUNT}:alias/logs",
        "the id alone": GUID,
        "a wildcard": f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/*",
    },
    "session_name": {"a wildcard": "MicrosoftSentinel_*", "one character": "M", "a space": "a b", "too long": LONG},
    "role_arn": {
        "empty": "",
        "a bare name": "Eyes",
        "a user": f"arn:aws:iam::{ACCOUNT}:user/Eyes",
        "an assumed role": f"arn:aws:sts::{ACCOUNT}:assumed-role/Eyes/session",
        "the root": f"arn:aws:iam::{ACCOUNT}:root",
        "an account too short": "arn:aws:iam::1111:role/Eyes",
        "no account": "arn:aws:iam:::role/Eyes",
        "a Region": f"arn:aws:iam:us-east-1:{ACCOUNT}:role/Eyes",
        "no name": f"{ROLE}/",
        "a name of 65": f"{ROLE}/{LONG[:65]}",
        "a space": f"{ROLE}/a b",
        "a trailing newline": f"{ROLE}/Eyes\n",
        "no partition": f"arn:awsome:iam::{ACCOUNT}:role/Eyes",
        "a number": 7,
    },
}


def rows(table: dict[str, dict[str, Any]]) -> list[Any]:
    return [
        pytest.param(rule, value, id=f"{rule}: {name}")
        for rule, values in table.items()
        for name, value in values.items()
    ]


@pytest.mark.parametrize("table", [VALID, INVALID], ids=["valid", "invalid"])
def test_every_rule_has_examples(table: dict[str, dict[str, Any]]) -> None:
    assert table.keys() == RULES.keys()


@pytest.mark.parametrize(("rule", "value"), rows(VALID))
def test_a_valid_value_is_accepted(rule: str, value: Any) -> None:
    check("host payments", rule, value, rule)


@pytest.mark.parametrize(("rule", "value"), rows(INVALID))
def test_an_error_names_option_value_host_and_rule(rule: str, value: Any) -> None:
    with pytest.raises(SentinelError) as caught:
        check("host payments", "sentinel_option", value, rule)
    assert caught.value.kind == "bad_input"
    shown = "" if rule in SECRETS else f" {value!r}"
    assert str(caught.value) == f"Cannot use sentinel_option{shown} of host payments: {RULES[rule].text}."


@pytest.mark.parametrize(
    ("kind", "valid", "invalid"),
    [
        ("str", "", 7),
        ("str", "x", None),
        ("bool", True, 1),
        ("bool", False, "no"),
        ("int", 0, True),
        ("int", -1, 1.0),
        ("dict", {}, []),
        ("dict", {"a": 1}, "a=1"),
        ("list", (), []),
        ("list", ("a",), ("a", 1)),
        ("list", ("a",), "a"),
    ],
)
def test_an_option_without_a_rule_is_checked_by_its_type(kind: str, valid: Any, invalid: Any) -> None:
    check("host payments", "option", valid, kind)
    with pytest.raises(SentinelError, match=r"Cannot use option .* of host payments: it must be ") as caught:
        check("host payments", "option", invalid, kind)
    assert str(caught.value).endswith(f": {TYPES[kind].text}.")


def test_an_error_without_a_host_is_one_sentence() -> None:
    with pytest.raises(SentinelError) as caught:
        check("", "name", "a b", "name")
    assert str(caught.value).startswith("Cannot use name 'a b': it must be 1 to 64 ")


@pytest.mark.parametrize("rule", sorted(RULES))
def test_a_rule_completes_the_error_message(rule: str) -> None:
    text = RULES[rule].text
    assert text.startswith(("it must ", "each item must "))
    assert not text.endswith(".")
    assert "\n" not in text


@pytest.mark.parametrize("rule", ["account_id", "microsoft_account_id"])
def test_the_rule_of_an_account_id_mentions_quotes(rule: str) -> None:
    assert "quote" in RULES[rule].text


def test_the_rule_of_the_placeholder_names_the_correct_account() -> None:
    assert "197857026523" in RULES["microsoft_account_id"].text


jsons = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(sorted(RULES)), jsons)
def test_any_value_is_valid_or_invalid(rule: str, value: Any) -> None:
    assert RULES[rule].holds(value) in {True, False}


@given(st.from_regex(r"[0-9]{12}", fullmatch=True, alphabet=st.characters(codec="ascii")))
def test_every_string_of_12_digits_is_an_account_id(value: str) -> None:
    check("", "account_id", value, "account_id")


@given(st.uuids().filter(lambda one: one.int != 0))
def test_every_guid_is_a_workspace_id(value: Any) -> None:
    check("", "workspace_id", str(value), "workspace_id")
    check("", "workspace_id", str(value).upper(), "workspace_id")


@given(st.text(max_size=70))
def test_a_role_name_is_what_iam_accepts(value: str) -> None:
    """The pattern of RoleName in the IAM API Reference, which is ASCII."""
    allowed = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+=,.@-")
    assert RULES["name"].holds(value) == (1 <= len(value) <= 64 and set(value) <= allowed)
