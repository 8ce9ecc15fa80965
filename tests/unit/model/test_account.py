# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of an account are converted and validated; invalid ones are errors before any call."""

from __future__ import annotations

import json
import typing
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.accepted_findings import Accepted
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.account import (
    FIELDS,
    Account,
    Field,
    check_complete,
    check_partition,
    check_unique,
    parse,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.credentials.credentials import (
    AssumeRole,
    AwsCredentials,
    AzureCredentials,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import SentinelError
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.role.role import RoleSpec
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.sources import SourceSpec
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.validation import RULES, TYPES

ACCOUNT = "111111111111"
OTHER = "222222222222"
A = "11111111-aaaa-4aaa-8aaa-111111111111"
B = "22222222-bbbb-4bbb-8bbb-222222222222"
FENCE = f"arn:aws:iam::{ACCOUNT}:policy/fence"
HOST = "host payments"
BY_OPTION = {field.option: field for field in FIELDS}

# Every option: a value as written, the part of the account that holds it, its name there and the value there.
KEPT: dict[str, tuple[Any, str, str, Any]] = {
    "account_id": (ACCOUNT, "", "account_id", ACCOUNT),
    "account_joined": ("2026-11-22T17:00:00Z", "", "joined", "2026-11-22T17:00:00Z"),
    "account_name": ("Payments 🚀", "", "account_name", "Payments 🚀"),
    "ou_path": ("/Workloads/Prod", "", "ou", "/Workloads/Prod"),
    "subscription_id": (A.upper(), "", "subscription_id", A),
    "resource_group": ("security", "", "resource_group", "security"),
    "workspace": ("sentinel", "", "workspace", "sentinel"),
    "workspace_id": (A.upper(), "role_spec", "workspace_id", A),
    "role_name": ("Eyes", "role_spec", "name", "Eyes"),
    "role_path": ("/security/", "role_spec", "path", "/security/"),
    "role_description": ("Sees", "role_spec", "description", "Sees"),
    "role_max_session_duration": (7200, "role_spec", "max_session_duration", 7200),
    "role_permissions_boundary": (FENCE, "role_spec", "permissions_boundary", FENCE),
    "role_tags": ({"owner": "us"}, "role_spec", "tags", {"owner": "us"}),
    "role_purge_tags": (True, "role_spec", "purge_tags", True),
    "permission_mode": ("lookup_events", "role_spec", "permission_mode", "lookup_events"),
    "microsoft_account_id": (OTHER, "role_spec", "microsoft_account_id", OTHER),
    "external_ids": ([A, B.upper()], "role_spec", "external_ids", (A, B)),
    "exclusive": (False, "role_spec", "exclusive", False),
    "adopt": (True, "role_spec", "adopt", True),
    "sources": (["cloudtrail"], "", "sources", (SourceSpec("cloudtrail"),)),
    "deduplicate": (True, "", "deduplicate", True),
    "accepted_findings": (
        [{"code": "role_tags", "reason": "Ticket 1", "until": "2027-01-31"}],
        "",
        "accepted",
        (Accepted("role_tags", "Ticket 1", "2027-01-31"),),
    ),
    "assume_role": (["Admin", "Spare"], "assume_role", "roles", ("Admin", "Spare")),
    "assume_role_external_id": ("handshake", "assume_role", "external_id", "handshake"),
    "assume_role_session_name": ("nightly", "assume_role", "session_name", "nightly"),
    "assume_role_session_policy": (False, "assume_role", "session_policy", False),
    "profile": ("audit", "aws", "profile", "audit"),
    "access_key": ("AKIA", "aws", "access_key", "AKIA"),
    "secret_key": ("hush", "aws", "secret_key", "hush"),
    "session_token": ("hush", "aws", "session_token", "hush"),
    "region": ("eu-west-1", "aws", "region", "eu-west-1"),
    "endpoint_url": ("https://localhost:1", "aws", "endpoint_url", "https://localhost:1"),
    "aws_ca_bundle": ("/etc/ca.pem", "aws", "aws_ca_bundle", "/etc/ca.pem"),
    "validate_certs": (False, "aws", "validate_certs", False),
    "auth_source": ("msi", "azure", "auth_source", "msi"),
    "azure_profile": ("audit", "azure", "azure_profile", "audit"),
    "tenant": (A, "azure", "tenant", A),
    "client_id": (B, "azure", "client_id", B),
    "secret": ("hush", "azure", "secret", "hush"),
    "x509_certificate_path": ("/etc/sp.pem", "azure", "x509_certificate_path", "/etc/sp.pem"),
    "thumbprint": ("AB" * 20, "azure", "thumbprint", "AB" * 20),
    "oidc_token": ("hush", "azure", "oidc_token", "hush"),
    "oidc_token_file_path": ("/run/token", "azure", "oidc_token_file_path", "/run/token"),
    "cloud_environment": ("https://arm.example", "azure", "cloud_environment", "https://arm.example"),
    "adfs_authority_url": ("https://adfs.example", "azure", "adfs_authority_url", "https://adfs.example"),
    "cert_validation_mode": ("ignore", "azure", "cert_validation_mode", "ignore"),
    "disable_instance_discovery": (True, "azure", "disable_instance_discovery", True),
}
# Options that are required together.
KEYS = {"access_key": "AKIAX", "secret_key": "hush-hush"}
BESIDE = {"access_key": KEYS, "secret_key": KEYS, "session_token": KEYS}


def part(account: Account, name: str) -> Any:
    return getattr(account, name) if name else account


def rejected(options: dict[str, Any], where: str = HOST, names: str = "option") -> str:
    """The error message for the options."""
    with pytest.raises(SentinelError) as caught:
        parse(options, where, names=names)
    assert caught.value.kind == "bad_input"
    return str(caught.value)


# --- valid values ---


def test_every_option_is_tried() -> None:
    assert list(KEPT) == [field.option for field in FIELDS]


@pytest.mark.parametrize("option", KEPT)
@pytest.mark.parametrize("names", ["option", "short", "variable"])
def test_an_option_sets_only_its_attribute(option: str, names: str) -> None:
    value, where, name, expected = KEPT[option]
    key = BY_OPTION[option].short if names == "short" else option
    beside = BESIDE.get(option, {})
    nothing, account = parse(beside, HOST), parse({**beside, key: value}, HOST, names=names)
    assert getattr(part(account, where), name) == expected
    if where:
        assert account == replace(nothing, **{where: replace(part(nothing, where), **{name: expected})})
    elif option != "account_id":  # which is part of the role spec, too
        assert account == replace(nothing, **{name: expected})


def test_the_account_id_is_part_of_the_role_spec() -> None:
    assert parse({"account_id": ACCOUNT}, HOST).role_spec.account_id == ACCOUNT


def test_nothing_given_is_every_default() -> None:
    assert parse({}, HOST) == Account(
        account_id="",
        host="",
        subscription_id="",
        resource_group="",
        workspace="",
        role_spec=RoleSpec("", ""),
        assume_role=AssumeRole(),
        aws=AwsCredentials(),
        azure=AzureCredentials(),
    )


def test_none_is_not_given() -> None:
    assert parse(dict.fromkeys(KEPT), HOST) == parse({}, HOST)


@pytest.mark.parametrize("option", [field.option for field in FIELDS if field.part in ("aws", "azure")])
def test_an_empty_credential_option_is_not_given(option: str) -> None:
    assert parse({option: ""}, HOST) == parse({}, HOST)


def test_unknown_options_are_ignored() -> None:
    assert parse({"state": "absent", "concurrency": 3}, HOST, names="short") == parse({}, HOST)


def test_the_host_is_recorded() -> None:
    assert parse({}, HOST, host="payments").host == "payments"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *((word, True) for word in ("yes", "true", "on", "1", "y", "t", "Yes", "TRUE", "True", " true ")),
        *((word, False) for word in ("no", "false", "off", "0", "n", "f", "No", "FALSE", "False", " false ")),
    ],
    ids=repr,
)
@pytest.mark.parametrize("option", ["role_purge_tags", "exclusive", "adopt"])
def test_a_string_of_an_inventory_is_a_boolean_as_in_ansible(option: str, text: str, value: bool) -> None:
    assert getattr(parse({option: text}, HOST).role_spec, BY_OPTION[option].short) is value


@pytest.mark.parametrize(("number", "value"), [(1, True), (0, False)])
def test_a_number_of_an_ini_inventory_is_a_boolean(number: int, value: bool) -> None:
    assert parse({"exclusive": number}, HOST).role_spec.exclusive is value


@pytest.mark.parametrize(("text", "number"), [("3600", 3600), ("43200", 43200), ("07200", 7200)])
def test_digits_of_an_inventory_are_a_number(text: str, number: int) -> None:
    assert parse({"role_max_session_duration": text}, HOST).role_spec.max_session_duration == number


@pytest.mark.parametrize("value", ["Admin", ["Admin"]], ids=["a string", "a list"])
def test_a_string_is_a_list_of_one_item(value: Any) -> None:
    assert parse({"assume_role": value}, HOST).assume_role.roles == ("Admin",)
    assert parse({"external_ids": A}, HOST).role_spec.external_ids == (A,)


def test_an_empty_boundary_is_given() -> None:
    assert parse({"role_permissions_boundary": ""}, HOST).role_spec.permissions_boundary == ""


@pytest.mark.parametrize("option", ["secret_key", "session_token", "secret", "oidc_token"])
def test_no_secret_is_in_the_repr_of_an_account(option: str) -> None:
    assert "handshake" not in repr(parse({**BESIDE.get(option, {}), option: "handshake"}, HOST))


@pytest.mark.parametrize("field", [field for field in FIELDS if field.part == "azure"], ids=lambda field: field.option)
def test_an_empty_azure_option_is_not_given(field: Field) -> None:
    assert parse({field.option: ""}, HOST) == parse({}, HOST)


# --- invalid values ---

# Invalid values of every option, of the right type and of other types.
WRONG: dict[str, dict[str, Any]] = {
    "account_id": {"11 digits": "1" * 11, "a short number": 11111111111, "full-width digits": "１" * 12},  # noqa: RUF001
    "account_joined": {"a word": "yesterday", "a number": 1763000000, "no time zone": "2026-11-22T17:00:00"},
    "account_name": {"a list": ["a"], "a dictionary": {"a": 1}},
    "ou_path": {"a list": ["/a"], "a dictionary": {"a": 1}},
    "subscription_id": {"no GUID": "security", "a trailing space": f"{A} "},
    "resource_group": {"a slash": "a/b"},
    "workspace": {"an ARM id": f"/subscriptions/{A}", "64": "x" * 64},
    "workspace_id": {"no dashes": A.replace("-", ""), "zeros": "00000000-0000-0000-0000-000000000000"},
    "role_name": {"a space": "a b", "a number": 7},
    "role_path": {"no slash": "x", "two slashes": "//"},
    "role_description": {"an emoji": "🙂", "a number": 7},
    "role_max_session_duration": {
        "too short": 3599,
        "too long": "43201",
        "a unit": "1h",
        "a float": 3600.5,
        "a whole float": 3600.0,
        "full-width digits": "３６００",  # noqa: RUF001
        "a sign": "-3600",
        "a bool": True,
    },
    "role_permissions_boundary": {"a bare name": "fence", "a number": 7},
    "role_tags": {"of AWS": {"aws:x": "x"}, "a bool": {"x": True}, "a string": "x=y", "a list": ["x"]},
    "role_purge_tags": {"a word": "maybe", "two": 2, "a list": [True]},
    "permission_mode": {"an unknown mode": "everything", "in another case": "Managed", "a bool": True},
    "microsoft_account_id": {"the placeholder": "123412341234", "as a number": 123412341234, "7": 7},
    "external_ids": {"no GUID": "security", "one of two": [A, "security"], "a number": 7, "a dict": {A: A}},
    "exclusive": {"a word": "never", "a list": []},
    "adopt": {"a word": "never", "a dict": {"a": 1}},
    "deduplicate": {"a word": "never", "a list": []},
    "accepted_findings": {
        "a code": "role_tags",
        "a dictionary": {"code": "role_tags", "reason": "x", "until": "2027-01-31"},
        "codes": ["role_tags"],
        "no reason": [{"code": "role_tags", "until": "2027-01-31"}],
        "an empty reason": [{"code": "role_tags", "reason": " ", "until": "2027-01-31"}],
        "a reason of two lines": [{"code": "role_tags", "reason": "a\nb", "until": "2027-01-31"}],
        "no end": [{"code": "role_tags", "reason": "x"}],
        "an end that is no day": [{"code": "role_tags", "reason": "x", "until": "2027-02-30"}],
        "an end as a number": [{"code": "role_tags", "reason": "x", "until": 20270131}],
        "an unknown code": [{"code": "role_tag", "reason": "x", "until": "2027-01-31"}],
        "a critical one": [{"code": "trust_anyone", "reason": "x", "until": "2027-01-31"}],
        "one of its own": [{"code": "acceptance_expired", "reason": "x", "until": "2027-01-31"}],
        "one key more": [{"code": "role_tags", "reason": "x", "until": "2027-01-31", "message": "y"}],
        "one of two": [{"code": "role_tags", "reason": "x", "until": "2027-01-31"}, {}],
    },
    "assume_role": {"a space": "a b", "a user": f"arn:aws:iam::{ACCOUNT}:user/x", "a number": 7, "a dict": {"x": "y"}},
    "assume_role_external_id": {"1 character": "x", "a number": 77},
    "assume_role_session_name": {"1 character": "x", "a space": "a b"},
    "assume_role_session_policy": {"a word": "maybe", "a list": []},
    "profile": {"a number": 7, "a list": ["audit"]},
    "region": {"a number": 7, "a list": ["eu-west-1"]},
    "endpoint_url": {"a number": 7, "a dict": {"sts": "https://localhost"}},
    "aws_ca_bundle": {"a number": 7, "a bool": True},
    "validate_certs": {"a word": "maybe", "a list": []},
    "tenant": {"no GUID": "a b", "braces": f"{{{A}}}", "a number": 7, "a trailing space": f"{A} "},
    "client_id": {"a number": 7, "a list": [A]},
    "cloud_environment": {"an unknown cloud": "AzureGermanCloud", "a number": 7, "a list": ["AzureCloud"]},
    "auth_source": {"an unknown source": "browser", "a number": 7},
    "azure_profile": {"a bracket": "[default]", "a number": 7},
    "x509_certificate_path": {"two lines": "/etc/a\n/etc/b", "a number": 7},
    "thumbprint": {"too short": "AB" * 19, "a number": 7},
    "oidc_token_file_path": {"two lines": "/etc/a\n/etc/b", "a number": 7},
    "adfs_authority_url": {"no https": "http://adfs.example", "a number": 7},
    "cert_validation_mode": {"a bool": False, "another word": "strict"},
    "disable_instance_discovery": {"a word": "maybe", "a list": []},
}
SECRET = ("access_key", "secret_key", "session_token", "secret", "oidc_token")


def test_every_option_except_secrets_has_invalid_values() -> None:
    assert WRONG.keys() | {*SECRET, "sources"} == KEPT.keys()


def check_error(option: str, value: Any, names: str) -> None:
    field = BY_OPTION[option]
    key = field.short if names == "short" else option
    shown = {"option": option, "short": field.short, "variable": field.variable}[names]
    sentence = rejected({key: value}, names=names)
    begin, _colon, rule = sentence.partition(f" of {HOST}: ")
    assert begin.startswith(f"Cannot use {shown} ")
    assert rule.removesuffix(".") in {one.text for one in (RULES.get(field.short), TYPES[field.type]) if one}
    assert repr(value).strip("'[]()") in begin


@pytest.mark.parametrize(
    ("option", "value"),
    [
        pytest.param(option, value, id=f"{option}: {name}")
        for option, values in WRONG.items()
        for name, value in values.items()
    ],
)
def test_an_error_names_host_option_value_and_rule(option: str, value: Any) -> None:
    check_error(option, value, "option")


@pytest.mark.parametrize(
    ("option", "value"),
    [("assume_role", "a b"), ("external_ids", "security"), ("role_max_session_duration", "43201")],
)
def test_an_invalid_value_is_shown_as_written(option: str, value: Any) -> None:
    assert rejected({option: value}).startswith(f"Cannot use {option} {value!r} of {HOST}: ")


@pytest.mark.parametrize("option", WRONG)
@pytest.mark.parametrize("names", ["short", "variable"])
def test_an_error_uses_the_option_name_of_the_user(option: str, names: str) -> None:
    check_error(option, next(iter(WRONG[option].values())), names)


@pytest.mark.parametrize("option", SECRET)
@pytest.mark.parametrize("value", [1234567, ["hush-hush"], {"key": "hush-hush"}], ids=["a number", "a list", "a dict"])
def test_an_invalid_secret_is_not_shown(option: str, value: Any) -> None:
    sentence = rejected({option: value})
    assert option in sentence
    assert HOST in sentence
    assert "hush-hush" not in sentence
    assert "1234567" not in sentence


@pytest.mark.parametrize(
    ("option", "variable"),
    [
        ("account_id", "aws_account_id"),
        ("account_joined", "aws_account_joined"),
        ("account_name", "aws_account_name"),
        ("ou_path", "aws_ou_path"),
        ("profile", "sentinel_aws_profile"),
    ],
)
def test_five_variables_have_names_of_their_own(option: str, variable: str) -> None:
    assert BY_OPTION[option].variable == variable


def test_all_other_variables_are_the_option_with_a_prefix() -> None:
    own = {"account_id", "account_joined", "account_name", "ou_path", "profile"}
    others = [field for field in FIELDS if field.option not in own]
    assert [field.variable for field in others] == [f"sentinel_{field.option}" for field in others]


# --- combinations of options ---


@pytest.mark.parametrize("names", ["option", "short", "variable"])
def test_a_boundary_of_another_account_is_rejected(names: str) -> None:
    field = BY_OPTION["role_permissions_boundary"]
    key = field.short if names == "short" else field.option
    shown = {"option": field.option, "short": field.short, "variable": field.variable}[names]
    boundary = f"arn:aws:iam::{OTHER}:policy/fence"
    sentence = rejected({"account_id": ACCOUNT, key: boundary}, names=names)
    assert sentence.startswith(f"Cannot use {shown} '{boundary}' of {HOST}: it must be ")
    assert ACCOUNT in sentence


def test_an_error_without_a_host_is_one_sentence() -> None:
    sentence = rejected({"account_id": ACCOUNT, "permissions_boundary": FENCE.replace(ACCOUNT, OTHER)}, "", "short")
    assert " of :" not in sentence


@pytest.mark.parametrize("boundary", [FENCE, "arn:aws:iam::aws:policy/ReadOnlyAccess", ""])
def test_a_boundary_of_the_account_or_of_aws_is_accepted(boundary: str) -> None:
    account = parse({"account_id": ACCOUNT, "role_permissions_boundary": boundary}, HOST)
    assert account.role_spec.permissions_boundary == boundary


def test_a_boundary_is_checked_when_the_account_becomes_known() -> None:
    account = parse({"permissions_boundary": FENCE}, "", names="short")
    with pytest.raises(SentinelError) as caught:
        account.completed(account_id=OTHER)
    assert caught.value.kind == "bad_input"


@pytest.mark.parametrize(
    "roles",
    [f"arn:aws:iam::{OTHER}:role/Admin", ["Admin", f"arn:aws:iam::{OTHER}:role/Admin"]],
    ids=["alone", "as a fallback"],
)
def test_a_role_of_another_account_cannot_be_assumed_for_this_one(roles: Any) -> None:
    sentence = rejected({"account_id": ACCOUNT, "assume_role": roles})
    assert f"arn:aws:iam::{OTHER}:role/Admin" in sentence
    assert ACCOUNT in sentence


def test_one_account_is_in_one_partition() -> None:
    sentence = rejected(
        {
            "account_id": ACCOUNT,
            "assume_role": f"arn:aws:iam::{ACCOUNT}:role/Admin",
            "role_permissions_boundary": f"arn:aws-cn:iam::{ACCOUNT}:policy/fence",
        }
    )
    assert HOST in sentence


@pytest.mark.parametrize(
    "keys",
    [
        {"access_key": "AKIA"},
        {"secret_key": "hush-hush"},
        {"session_token": "hush-hush"},
        {"access_key": "AKIA", "session_token": "hush-hush"},
        {"secret_key": "hush-hush", "session_token": "hush-hush"},
    ],
    ids="-".join,
)
def test_incomplete_keys_are_rejected_and_not_shown(keys: dict[str, str]) -> None:
    sentence = rejected(keys)
    assert HOST in sentence
    assert "access_key and secret_key" in sentence
    assert "hush-hush" not in sentence


@pytest.mark.parametrize("cloud", ["AzureChinaCloud", "https://management.chinacloudapi.cn/"])
@pytest.mark.parametrize("names", ["option", "short", "variable"])
def test_a_cloud_without_the_connector_is_rejected(cloud: str, names: str) -> None:
    assert "AzureChinaCloud" in rejected({"cloud_environment": cloud}, names=names)


@pytest.mark.parametrize("cloud", ["AzureUSGovernment", "https://management.usgovcloudapi.net"])
def test_azure_government_requires_the_account_of_microsoft(cloud: str) -> None:
    assert ": microsoft_account_id " in rejected({"cloud_environment": cloud})
    assert ": sentinel_microsoft_account_id " in rejected({"cloud_environment": cloud}, names="variable")
    parse({"cloud_environment": cloud, "microsoft_account_id": OTHER}, HOST)


def test_a_connector_needs_no_account_of_microsoft() -> None:
    parse({"cloud_environment": "AzureUSGovernment", "resource_group": "security"}, "", names="short")
    rejected({"cloud_environment": "AzureUSGovernment", "microsoft_account_id": None}, "the task", names="short")


def test_an_account_without_the_cloudtrail_source_needs_no_account_of_microsoft() -> None:
    in_government = {"cloud_environment": "AzureUSGovernment", "account_id": ACCOUNT}
    assert parse({**in_government, "sources": []}, HOST).sources == ()
    s3 = {"type": "s3", "bucket": "logs"}
    assert len(parse({**in_government, "sources": [s3]}, HOST).sources) == 1
    assert "microsoft_account_id" in rejected({**in_government, "sources": ["cloudtrail", s3]})


# --- required options ---

WHOLE = {"account_id": ACCOUNT, "subscription_id": A, "resource_group": "security", "workspace": "sentinel"}


def test_account_and_workspace_are_enough() -> None:
    check_complete(parse(WHOLE, HOST), HOST, "option")


@pytest.mark.parametrize("names", ["option", "variable"])
@pytest.mark.parametrize("option", WHOLE)
def test_a_missing_option_is_named_as_the_user_sets_it(option: str, names: str) -> None:
    account = parse({**WHOLE, option: None}, HOST)
    with pytest.raises(SentinelError) as caught:
        check_complete(account, HOST, names)
    assert caught.value.kind == "bad_input"
    shown = BY_OPTION[option].variable if names == "variable" else option
    assert f" {HOST}: {shown} " in str(caught.value)


# --- values that the services report ---


def test_values_of_the_services_are_added() -> None:
    account = parse({"role_name": "Eyes"}, HOST).completed(account_id=ACCOUNT, workspace_id=A, partition="aws-us-gov")
    assert account.account_id == ACCOUNT
    assert account.role_spec == RoleSpec(ACCOUNT, A, name="Eyes", partition="aws-us-gov")


def test_values_of_the_user_are_kept() -> None:
    account = parse({"account_id": ACCOUNT, "workspace_id": A}, HOST)
    assert account.completed(workspace_id=B) == account
    assert account.completed() == account


# --- the same account twice ---


def account(account_id: str, host: str = "") -> Account:
    return parse({"account_id": account_id}, HOST, host=host)


@pytest.mark.parametrize(
    "accounts",
    [[], [account(ACCOUNT)], [account(ACCOUNT, "a"), account(OTHER, "b")]],
    ids=["none", "one", "two"],
)
def test_different_accounts_are_fine(accounts: list[Account]) -> None:
    check_unique(accounts)


@pytest.mark.parametrize(
    ("hosts", "places"),
    [(("a", "b"), "a and b"), (("", ""), "an entry of accounts and an entry of accounts")],
    ids=["hosts", "entries"],
)
def test_a_duplicate_account_is_rejected_with_both_hosts(hosts: tuple[str, str], places: str) -> None:
    with pytest.raises(SentinelError) as caught:
        check_unique([account(ACCOUNT, hosts[0]), account(OTHER, "c"), account(ACCOUNT, hosts[1])])
    assert caught.value.kind == "bad_input"
    assert ACCOUNT in str(caught.value)
    assert places in str(caught.value)


# --- properties ---

jsons = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=15),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
near = st.sampled_from(
    [one[0] for one in KEPT.values()] + [one for values in WRONG.values() for one in values.values()]
)
options = st.dictionaries(st.sampled_from(list(KEPT)), jsons | near, max_size=4)


@given(options)
@example({"role_max_session_duration": "9" * 5000})
@example({"role_permissions_boundary": {"a": 1}, "account_id": ACCOUNT})
def test_any_options_are_accepted_or_rejected(given_options: dict[str, Any]) -> None:
    try:
        parse(given_options, HOST)
    except SentinelError as error:
        kind = error.kind
    else:
        kind = "bad_input"
    assert kind == "bad_input"


@pytest.mark.parametrize("field", FIELDS, ids=[field.option for field in FIELDS])
@settings(max_examples=40)
@given(value=jsons | near)
def test_an_accepted_value_has_the_annotated_type(field: Field, value: Any) -> None:
    try:
        account = parse({field.option: value}, HOST)
    except SentinelError:
        return
    _value, where, name, _expected = KEPT[field.option]
    holder = part(account, where)
    hints = typing.get_type_hints(type(holder))
    assert is_a(getattr(holder, name), hints[name])


def is_a(value: Any, hint: Any) -> bool:
    """Whether the value has the annotated type; a bool is not accepted as int."""
    inner = typing.get_args(hint)
    origin = typing.get_origin(hint) or hint
    if not inner:
        return isinstance(value, origin) and isinstance(value, bool) == (origin is bool)
    if origin is tuple:
        return isinstance(value, tuple) and all(is_a(one, inner[0]) for one in value)
    if isinstance(origin, type) and issubclass(origin, typing.Mapping):
        return isinstance(value, dict) and all(is_a(k, inner[0]) and is_a(v, inner[1]) for k, v in value.items())
    return any(is_a(value, one) for one in inner)


@given(options)
def test_accepted_options_survive_json(given_options: dict[str, Any]) -> None:
    """Inventory variables and task arguments have the same values."""
    try:
        account = parse(given_options, HOST)
    except SentinelError:
        return
    assert parse(json.loads(json.dumps(given_options)), HOST) == account


@given(options)
def test_accepted_credentials_can_be_shared(given_options: dict[str, Any]) -> None:
    """Accounts with equal credentials share clients."""
    try:
        account = parse(given_options, HOST)
    except SentinelError:
        return
    assert hash((account.aws, account.azure)) == hash((replace(account.aws), replace(account.azure)))


def test_every_field_of_the_parts_can_be_set() -> None:
    covered = {(where, name) for _value, where, name, _expected in KEPT.values()}
    kinds = {"assume_role": AssumeRole, "aws": AwsCredentials, "azure": AzureCredentials, "role_spec": RoleSpec}
    unset = {(where, one.name) for where, kind in kinds.items() for one in fields(kind)} - covered
    assert unset == {("role_spec", "account_id"), ("role_spec", "partition"), ("azure", "other_secrets")}


# --- values that are converted or escaped ---


@pytest.mark.parametrize("number", [222222222222, 100000000000, 999999999999])
def test_a_number_of_twelve_digits_is_the_account_of_that_id(number: int) -> None:
    assert parse({"account_id": number}, HOST).account_id == str(number)


@pytest.mark.parametrize("given", [12345670123, 1402433619, 0, -22222222222, 2222222222222, 222222222222.0, True, None])
def test_no_other_integer_becomes_an_account_id(given: Any) -> None:
    if given is None:
        assert parse({"account_id": given}, HOST).account_id == ""
        return
    assert "account_id" in rejected({"account_id": given})


@pytest.mark.parametrize(
    "text", ["/Work\tloads/Pro\nd", "/a\x1b[2K", "/\x9b1A", "/\u202edorp", "/\u2028", "/" * 1001, 7]
)
def test_a_path_that_is_only_displayed_is_escaped_and_accepted(text: Any) -> None:
    ou = parse({"ou_path": text}, HOST).ou
    assert ou.isprintable()
    assert 0 < len(ou) <= 1001


# --- the partition, which AWS reports ---


@pytest.mark.parametrize(
    ("partition", "given", "allowed"),
    [
        ("aws", {}, True),
        ("aws-us-gov", {}, False),
        ("aws-cn", {}, False),
        ("aws-us-gov", {"microsoft_account_id": "333333333333"}, True),
        ("aws-us-gov", {"sources": [{"type": "s3", "bucket": "logs"}]}, True),
        ("aws-us-gov", {"sources": []}, True),
        ("aws-us-gov", {"sources": ["cloudtrail", {"type": "s3", "bucket": "logs"}]}, False),
        ("aws", {"role_permissions_boundary": f"arn:aws:iam::{ACCOUNT}:policy/fence"}, True),
        ("aws", {"role_permissions_boundary": f"arn:aws-cn:iam::{ACCOUNT}:policy/fence"}, False),
        ("aws", {"role_permissions_boundary": ""}, True),
        ("aws", {"assume_role": ["Operator", f"arn:aws:iam::{ACCOUNT}:role/Operator"]}, True),
        ("aws", {"assume_role": ["Operator", f"arn:aws-us-gov:iam::{ACCOUNT}:role/Operator"]}, False),
    ],
)
def test_options_must_fit_the_partition_of_the_credentials(
    partition: str, given: dict[str, Any], *, allowed: bool
) -> None:
    account = parse({"account_id": ACCOUNT, **given}, HOST).completed(workspace_id=A, partition=partition)
    if allowed:
        check_partition(account)
    else:
        with pytest.raises(SentinelError, match="partition") as caught:
            check_partition(account)
        assert caught.value.kind == "bad_input"
