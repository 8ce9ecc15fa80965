# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Azure credential that is chosen from options, environment and file."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.credentials.credentials import (
    AwsCredentials,
    AzureCredentials,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.credentials.sign_in import (
    CREDENTIAL_OPTIONS,
    CREDENTIAL_TYPES,
    ENVIRONMENT,
    SignIn,
    check_endpoint,
    choose_sign_in,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import SentinelError

Given = dict[str, Any]
OPTIONS_APP = {"tenant": "options.example", "client_id": "options-app"}
ENVIRONMENT_APP = {"tenant": "environment.example", "client_id": "environment-app"}
FILE = {"tenant": "file.example", "client_id": "file", "secret": "of-the-file"}


def chosen(
    own: Given | None = None,
    environment: Given | None = None,
    file: dict[str, dict[str, str]] | None = None,
    *,
    az: bool = False,
) -> SignIn:
    """Choose as for a module: Ansible fills in only the cloud from the environment."""
    ambient, sections = environment or {}, file or {}
    filled = {name: value for name, value in ambient.items() if name == "cloud_environment"}

    def read_section(name: str, needed: bool) -> dict[str, str]:
        if needed and name not in sections:
            raise SentinelError("bad_input", f"no section {name}")
        return sections.get(name, {})

    return choose_sign_in(AzureCredentials(**{**filled, **(own or {})}), ambient, read_section, az=az)


def rejected(*given: Any, **more: Any) -> SentinelError:
    with pytest.raises(SentinelError) as caught:
        chosen(*given, **more)
    return caught.value


def what(sign_in: SignIn) -> tuple[str, str | None, str | None, str | None]:
    """The credential type, the application and the credential."""
    found = sign_in.credentials
    return sign_in.credential_type, found.tenant, found.client_id, getattr(found, sign_in.credential_type, None)


def test_every_option_but_the_source_may_come_from_the_environment() -> None:
    assert {one.name for one in fields(AzureCredentials)} == {*ENVIRONMENT, "auth_source", "other_secrets"}
    assert set(CREDENTIAL_OPTIONS) < set(CREDENTIAL_TYPES)


# --- order of precedence ---

EVERYWHERE: dict[str, Any] = {
    "own": {**OPTIONS_APP, "secret": "of-the-options"},
    "environment": {**ENVIRONMENT_APP, "secret": "of-the-environment"},
    "file": {"default": FILE, "named": {**FILE, "client_id": "named"}},
    "az": True,
}


def without(*names: str, **changed: Any) -> dict[str, Any]:
    return {**{name: value for name, value in EVERYWHERE.items() if name not in names}, **changed}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (without(), ("secret", "options.example", "options-app", "of-the-options")),
        (without(own={"azure_profile": "named"}), ("secret", "file.example", "named", "of-the-file")),
        (without("own", environment={**EVERYWHERE["environment"], "azure_profile": "named"}),
         ("secret", "file.example", "named", "of-the-file")),
        (without("own"), ("secret", "environment.example", "environment-app", "of-the-environment")),
        (without("own", "environment"), ("secret", "file.example", "file", "of-the-file")),
        (without("own", "environment", "file"), ("cli", None, None, None)),
        (without("own", "environment", file={"default": {"subscription_id": "x"}}), ("cli", None, None, None)),
    ],
    ids=["options", "a named section", "one named by the environment", "environment", "default section", "CLI",
         "a default section without a credential"],
)  # fmt: skip
def test_the_first_source_with_a_credential_is_used(given: dict[str, Any], expected: tuple[str | None, ...]) -> None:
    assert what(chosen(**given)) == expected


@pytest.mark.parametrize("count", range(len(CREDENTIAL_OPTIONS)))
@pytest.mark.parametrize("place", ["own", "environment", "file"])
def test_the_first_credential_of_a_source_is_used(place: str, count: int) -> None:
    given = {**OPTIONS_APP, **{name: name for name in CREDENTIAL_OPTIONS[count:]}}
    places: dict[str, Any] = {place: {"default": given} if place == "file" else given}
    assert chosen(**places).credential_type == CREDENTIAL_OPTIONS[count]


@pytest.mark.parametrize("place", ["own", "environment", "file"])
def test_an_application_without_a_credential_is_not_replaced_by_the_azure_cli(place: str) -> None:
    rejected(**{place: {"default": OPTIONS_APP} if place == "file" else OPTIONS_APP}, az=True)
    tenant = {"tenant": "options.example"}
    assert chosen(**{place: {"default": tenant} if place == "file" else tenant}, az=True).credential_type == "cli"


@pytest.mark.parametrize("place", ["own", "environment", "file"])
@pytest.mark.parametrize("given", [OPTIONS_APP, {"tenant": "options.example"}, {"client_id": "options-app"}])
def test_an_error_names_the_options_that_are_missing(place: str, given: dict[str, str]) -> None:
    error = rejected(**{place: {"default": given} if place == "file" else given})
    given_part, _but, missing = str(error).partition(", but none of ")
    assert (error.kind, "no credentials are given" in str(error)) == ("azure_denied", False)
    for name, variable in [("tenant", "AZURE_TENANT"), ("client_id", "AZURE_CLIENT_ID"), ("secret", "AZURE_SECRET")]:
        assert (name in given_part, name in missing) == (name in given, name not in given)
        # A section of the file ignores the credential variables of the environment.
        assert (f"{variable}," in missing or f"{variable} " in missing) is (name not in given and place != "file")


# --- addresses to which credentials are sent ---

PRIVATE = "https://arm.example"
ADDRESSES = [{"cloud_environment": PRIVATE}, {"adfs_authority_url": "https://login.example/adfs"}]
ID = {"tenant": "x.example", "client_id": "x"}


def _with(*names: str) -> Given:
    return {name: name for name in names}


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("credential", CREDENTIAL_OPTIONS)
@pytest.mark.parametrize(
    ("from_options", "from_environment", "from_file", "allowed"),
    [
        ("address credential id", "", "", True),
        ("address credential", "id", "", True),
        ("address credential id", "credential id", "", True),
        ("", "address credential id", "", True),
        ("credential id", "address", "", True),
        ("", "address", "credential id", True),
        ("", "", "address credential id", True),
        ("address", "address credential id", "", True),
        ("address id", "address credential id", "", True),
        ("address", "credential id", "", False),
        ("address id", "credential", "", False),
        ("address", "", "credential id", False),
        ("address id", "credential id", "credential id", False),
    ],
)
def test_an_address_from_the_options_gets_no_secret_of_this_machine(
    address: Given, credential: str, from_options: str, from_environment: str, from_file: str, *, allowed: bool
) -> None:
    parts = {"address": address, "credential": _with(credential), "id": ID}
    own, environment, file = (
        {name: value for part in text.split() for name, value in parts[part].items()}
        for text in (from_options, from_environment, from_file)
    )
    # The path of a file is not a credential.
    from_a_file = (
        credential == "oidc_token_file_path" and "address" in from_options and "address" not in from_environment
    )
    if allowed and not from_a_file:
        assert chosen(own, environment, {"default": file}).credential_type == credential
    else:
        error = rejected(own, environment, {"default": file})
        assert (error.kind, next(iter(address)) in str(error)) == ("bad_input", True)


@pytest.mark.parametrize("source", ["env", "credential_file"])
@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("credential", CREDENTIAL_OPTIONS)
def test_a_credential_that_is_not_used_does_not_allow_an_address(address: Given, source: str, credential: str) -> None:
    own = {**address, **ID, "auth_source": source, credential: "dummy"}
    elsewhere = {**ID, credential: "of the machine"}
    assert rejected(own, elsewhere, {"default": elsewhere}).kind == "bad_input"


@pytest.mark.parametrize("source", ["msi", "cli"])
@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_from_the_options_gets_no_token_of_this_machine(address: Given, source: str) -> None:
    assert rejected({**address, "auth_source": source}, az=True).kind == "bad_input"
    assert chosen({"auth_source": source}, address, az=True).credential_type == source
    assert rejected(address, az=True).kind == "bad_input"


@pytest.mark.parametrize(
    "address",
    [
        {"cloud_environment": "AzureCloud"},
        {"cloud_environment": "AzureUSGovernment"},
        {"cloud_environment": "https://management.azure.com/"},
        {"adfs_authority_url": "https://login.microsoftonline.com"},
        {"adfs_authority_url": "https://login.microsoftonline.us/"},
    ],
)
def test_predefined_clouds_accept_any_credential(address: Given) -> None:
    assert chosen(address, {**ID, "secret": "x"}).credential_type == "secret"


@pytest.mark.parametrize(
    "address",
    [
        "https://management.azure.com.example",
        "https://management.azure.com@evil.example",
        "https://evil.example/?https://management.azure.com",
        "https://management.azure.com:8443",
        "https://evil.example/https://arm.example",
        "https://arm.example.evil",
    ],
)
def test_a_similar_address_gets_no_secret(address: str) -> None:
    environment = {**ID, "secret": "x", "cloud_environment": PRIVATE}
    assert rejected({"cloud_environment": address}, environment).kind == "bad_input"


def test_a_secret_from_the_options_may_equal_that_of_the_environment() -> None:
    given = {**ID, "secret": "x"}
    assert chosen({**given, "cloud_environment": PRIVATE}, given).credential_type == "secret"


@pytest.mark.parametrize(
    ("url", "given", "from_environment", "allowed"),
    [
        (None, {}, None, True),
        ("https://aws.example", {}, None, False),
        ("https://aws.example", {"profile": "x"}, None, False),
        ("https://aws.example", {"access_key": "x"}, None, False),
        ("https://aws.example", {"access_key": "x", "secret_key": "y"}, None, True),
        ("https://aws.example", {}, "https://aws.example", True),
        ("https://aws.example", {}, "https://other.example", False),
        ("https://sts.eu-central-1.amazonaws.com", {}, None, True),
        ("https://iam.amazonaws.com/", {}, None, True),
        ("https://vpce-0a1-b2.sts.eu-west-1.vpce.amazonaws.com", {}, None, True),
        ("https://sts.cn-north-1.amazonaws.com.cn", {}, None, True),
        ("http://sts.amazonaws.com", {}, None, False),
        ("https://sts.s3.amazonaws.com", {}, None, False),
        ("https://abc.execute-api.eu-west-1.amazonaws.com", {}, None, False),
        ("https://sts.amazonaws.com.example", {}, None, False),
        ("https://sts.amazonaws.com@aws.example", {}, None, False),
        ("https://sts.amazonaws.com:444", {}, None, False),
    ],
)
def test_an_endpoint_from_the_options_gets_no_credentials_of_this_machine(
    url: str | None, given: Given, from_environment: str | None, *, allowed: bool
) -> None:
    base = AwsCredentials(endpoint_url=url, **given)
    if allowed:
        check_endpoint(base, from_environment)
    else:
        with pytest.raises(SentinelError, match="endpoint_url") as caught:
            check_endpoint(base, from_environment)
        assert caught.value.kind == "bad_input"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("env", ("secret", "environment.example", "environment-app", "of-the-environment")),
        ("credential_file", ("secret", "options.example", "options-app", "of-the-file")),
        ("cli", ("cli", "options.example", "options-app", None)),
        ("msi", ("msi", "options.example", "options-app", None)),
    ],
)
def test_an_explicit_source_is_the_only_one(source: str, expected: tuple[str | None, ...]) -> None:
    own = {**EVERYWHERE["own"], "auth_source": source}
    assert what(chosen(**without(own=own)))[0] == expected[0]
    found = chosen(**without(own={**OPTIONS_APP, "secret": "of-the-options", "auth_source": source}))
    assert getattr(found.credentials, "secret" if source in ("env", "credential_file") else "tenant") in expected


@pytest.mark.parametrize("source", ["env", "credential_file"])
def test_an_explicit_source_without_a_credential_is_an_error(source: str) -> None:
    error = rejected({**EVERYWHERE["own"], "auth_source": source}, file={"default": ENVIRONMENT_APP}, az=True)
    assert error.kind == "azure_denied"
    where = {"env": "in the environment", "credential_file": "in section default of ~/.azure/credentials"}[source]
    assert str(error) == f"Cannot sign in to Azure: none of {', '.join(CREDENTIAL_OPTIONS)} is given {where}."


def test_a_named_section_without_a_credential_is_an_error() -> None:
    error = rejected(**without("own", own={"azure_profile": "named"}, file={"named": OPTIONS_APP}))
    assert str(error).endswith(" is given in section named of ~/.azure/credentials.")


# --- settings from several sources ---


def test_tenant_and_application_may_come_from_the_environment() -> None:
    assert what(chosen({"secret": "x"}, ENVIRONMENT_APP)) == ("secret", "environment.example", "environment-app", "x")


def test_tenant_and_application_may_be_given_for_a_secret_of_the_environment() -> None:
    assert what(chosen(OPTIONS_APP, {"secret": "x"})) == ("secret", "options.example", "options-app", "x")


def test_a_certificate_of_one_host_is_not_replaced_by_the_secret_of_the_run() -> None:
    environment = {**ENVIRONMENT_APP, "secret": "x", "thumbprint": "of the environment's own certificate"}
    found = chosen({**OPTIONS_APP, "x509_certificate_path": "/app.pem"}, environment)
    assert what(found) == ("x509_certificate_path", "options.example", "options-app", "/app.pem")
    assert (found.credentials.secret, found.credentials.thumbprint) == (None, None)


def test_nothing_of_another_identity_is_mixed_into_a_section() -> None:
    section = {"client_id": "file", "secret": "x"}
    error = rejected(environment={**ENVIRONMENT_APP, "azure_profile": "named"}, file={"named": section})
    assert "in section named of ~/.azure/credentials: tenant not given" in str(error)
    assert "AZURE_TENANT" not in str(error)


def test_a_section_overrides_the_environment() -> None:
    environment = {"cert_validation_mode": "ignore", "cloud_environment": "https://localhost:1"}
    found = chosen({}, environment, {"default": {**FILE, "cloud_environment": "https://localhost:2"}}).credentials
    assert (found.cert_validation_mode, found.cloud_environment) == ("ignore", "https://localhost:2")


def test_options_override_a_section() -> None:
    found = chosen({"cloud_environment": "AzureCloud"}, {}, {"default": {**FILE, "tenant": "x.example"}}).credentials
    assert (found.cloud_environment, found.tenant) == ("AzureCloud", "x.example")


def test_an_option_overrides_a_section_even_if_it_equals_the_environment() -> None:
    found = chosen({"tenant": "options.example"}, {"tenant": "options.example"}, {"default": FILE}).credentials
    assert found.tenant == "options.example"


@pytest.mark.parametrize("given", [{"secret": "x"}, {"secret": "x", "tenant": "options.example"}])
def test_what_is_missing_is_named(given: Given) -> None:
    error = rejected(given)
    assert error.kind == "azure_denied"
    for name, variable in [("tenant", "AZURE_TENANT"), ("client_id", "AZURE_CLIENT_ID")]:
        assert (f"{name} " in str(error).partition("(")[0]) is (name not in given)
        assert (variable in str(error)) is (name not in given)


# --- values of a section ---


@pytest.mark.parametrize(("text", "value"), [("true", True), ("No", False), ("1", True)])
def test_booleans_of_a_section_are_strings(text: str, value: bool) -> None:
    found = chosen(file={"default": {**FILE, "disable_instance_discovery": text}}).credentials
    assert found.disable_instance_discovery is value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tenant", "a b"),
        ("cloud_environment", "http://localhost"),
        ("cert_validation_mode", "never"),
        ("disable_instance_discovery", "maybe"),
    ],
)
def test_an_invalid_value_of_a_section_is_rejected_with_the_section(name: str, value: str) -> None:
    error = rejected(file={"default": {**FILE, name: value}})
    assert error.kind == "bad_input"
    assert str(error).startswith(f"Cannot use {name} {value!r} of section default of ~/.azure/credentials: it must be ")


def test_an_invalid_secret_of_a_section_is_not_shown() -> None:
    assert "hush hush" not in str(rejected(file={"default": {**FILE, "secret": "hush hush"}}))


@pytest.mark.parametrize("cloud", ["AzureUSGovernment", "AzureChinaCloud", "https://management.usgovcloudapi.net"])
@pytest.mark.parametrize("option", [None, "AzureCloud"])
def test_a_section_alone_cannot_name_a_sovereign_cloud(cloud: str, option: str | None) -> None:
    error = rejected(
        {}, {"cloud_environment": option} if option else {}, {"default": {**FILE, "cloud_environment": cloud}}
    )
    assert error.kind == "bad_input"
    assert "option cloud_environment" in str(error)


def test_a_section_may_name_the_same_sovereign_cloud_as_the_option() -> None:
    own = {"cloud_environment": "AzureUSGovernment"}
    assert chosen(own, {}, {"default": {**FILE, **own}}).credential_type == "secret"
