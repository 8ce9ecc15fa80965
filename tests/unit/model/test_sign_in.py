# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which way to sign in is chosen, and what with, wherever the parts come from."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.access import AzureCredentials
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.errors import SentinelError
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.sign_in import (
    ENVIRONMENT,
    PROOFS,
    WAYS,
    SignIn,
    choose,
)

Given = dict[str, Any]
OURS = {"tenant": "ours.example", "client_id": "ours"}
THEIRS = {"tenant": "theirs.example", "client_id": "theirs"}
FILE = {"tenant": "file.example", "client_id": "file", "secret": "of-the-file"}


def chosen(
    own: Given | None = None,
    environment: Given | None = None,
    file: dict[str, dict[str, str]] | None = None,
    *,
    az: bool = False,
) -> SignIn:
    """Choose as for a module: Ansible has filled the options in from the environment."""
    ambient, sections = environment or {}, file or {}

    def read_section(name: str, needed: bool) -> dict[str, str]:
        if needed and name not in sections:
            raise SentinelError("bad_input", f"no section {name}")
        return sections.get(name, {})

    return choose(AzureCredentials(**{**ambient, **(own or {})}), ambient, read_section, az=az)


def refused(*given: Any, **more: Any) -> SentinelError:
    with pytest.raises(SentinelError) as caught:
        chosen(*given, **more)
    return caught.value


def what(sign_in: SignIn) -> tuple[str, str | None, str | None, str | None]:
    """The way, and whose it is."""
    found = sign_in.found
    return sign_in.way, found.tenant, found.client_id, getattr(found, sign_in.way, None)


def test_every_option_but_the_source_may_come_from_the_environment() -> None:
    assert {one.name for one in fields(AzureCredentials)} == {*ENVIRONMENT, "auth_source"}
    assert set(PROOFS) < set(WAYS)


# --- the order ---

EVERYWHERE: dict[str, Any] = {
    "own": {**OURS, "secret": "of-the-options"},
    "environment": {**THEIRS, "secret": "of-the-environment"},
    "file": {"default": FILE, "named": {**FILE, "client_id": "named"}},
    "az": True,
}


def without(*names: str, **changed: Any) -> dict[str, Any]:
    return {**{name: value for name, value in EVERYWHERE.items() if name not in names}, **changed}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (without(), ("secret", "ours.example", "ours", "of-the-options")),
        (without(own={"azure_profile": "named"}), ("secret", "file.example", "named", "of-the-file")),
        (without("own", environment={**EVERYWHERE["environment"], "azure_profile": "named"}),
         ("secret", "file.example", "named", "of-the-file")),
        (without("own"), ("secret", "theirs.example", "theirs", "of-the-environment")),
        (without("own", "environment"), ("secret", "file.example", "file", "of-the-file")),
        (without("own", "environment", "file"), ("cli", None, None, None)),
        (without("own", "environment", file={"default": {"subscription_id": "x"}}), ("cli", None, None, None)),
    ],
    ids=["options", "a named section", "one named by the environment", "environment", "default section", "CLI",
         "a default section with nothing to sign in with"],
)  # fmt: skip
def test_the_first_place_counts(given: dict[str, Any], expected: tuple[str | None, ...]) -> None:
    assert what(chosen(**given)) == expected


@pytest.mark.parametrize("count", range(len(PROOFS)))
@pytest.mark.parametrize("place", ["own", "environment", "file"])
def test_the_first_proof_of_a_place_counts(place: str, count: int) -> None:
    given = {**OURS, **{name: name for name in PROOFS[count:]}}
    places: dict[str, Any] = {place: {"default": given} if place == "file" else given}
    assert chosen(**places).way == PROOFS[count]


def test_an_application_without_a_proof_is_not_replaced_by_whom_az_signed_in() -> None:
    assert "no credentials are given" in str(refused(OURS, az=True))
    assert chosen({"tenant": "ours.example"}, az=True).way == "cli"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("env", ("secret", "theirs.example", "theirs", "of-the-environment")),
        ("credential_file", ("secret", "ours.example", "ours", "of-the-file")),
        ("cli", ("cli", "ours.example", "ours", None)),
        ("msi", ("msi", "ours.example", "ours", None)),
    ],
)
def test_a_source_that_is_asked_for_is_the_only_one(source: str, expected: tuple[str | None, ...]) -> None:
    own = {**EVERYWHERE["own"], "auth_source": source}
    assert what(chosen(**without(own=own)))[0] == expected[0]
    found = chosen(**without(own={**OURS, "secret": "of-the-options", "auth_source": source}))
    assert getattr(found.found, "secret" if source in ("env", "credential_file") else "tenant") in expected


@pytest.mark.parametrize("source", ["env", "credential_file"])
def test_a_source_that_is_asked_for_and_has_nothing_is_an_error(source: str) -> None:
    error = refused({**EVERYWHERE["own"], "auth_source": source}, file={"default": THEIRS}, az=True)
    assert error.kind == "azure_denied"
    where = {"env": "in the environment", "credential_file": "in section default of ~/.azure/credentials"}[source]
    assert str(error) == f"Cannot sign in to Azure: none of {', '.join(PROOFS)} is given {where}."


def test_a_named_section_without_a_proof_is_an_error() -> None:
    error = refused(**without("own", own={"azure_profile": "named"}, file={"named": OURS}))
    assert str(error).endswith(" is given in section named of ~/.azure/credentials.")


# --- parts from several places ---


def test_tenant_and_application_may_come_from_the_environment() -> None:
    assert what(chosen({"secret": "x"}, THEIRS)) == ("secret", "theirs.example", "theirs", "x")


def test_tenant_and_application_may_be_given_for_a_secret_of_the_environment() -> None:
    assert what(chosen(OURS, {"secret": "x"})) == ("secret", "ours.example", "ours", "x")


def test_a_certificate_of_one_host_is_not_replaced_by_the_secret_of_the_run() -> None:
    environment = {**THEIRS, "secret": "x", "thumbprint": "of the environment's own certificate"}
    found = chosen({**OURS, "x509_certificate_path": "/app.pem"}, environment)
    assert what(found) == ("x509_certificate_path", "ours.example", "ours", "/app.pem")
    assert (found.found.secret, found.found.thumbprint) == (None, None)


def test_nothing_of_another_identity_is_mixed_into_a_section() -> None:
    section = {"client_id": "file", "secret": "x"}
    error = refused(environment={**THEIRS, "azure_profile": "named"}, file={"named": section})
    assert "in section named of ~/.azure/credentials: tenant not given" in str(error)


def test_settings_of_the_environment_hold_below_a_section() -> None:
    environment = {"cert_validation_mode": "ignore", "cloud_environment": "https://localhost:1"}
    found = chosen({}, environment, {"default": {**FILE, "cloud_environment": "https://localhost:2"}}).found
    assert (found.cert_validation_mode, found.cloud_environment) == ("ignore", "https://localhost:2")


def test_options_hold_above_a_section() -> None:
    found = chosen({"cloud_environment": "https://localhost:1"}, {}, {"default": {**FILE, "tenant": "x.example"}}).found
    assert (found.cloud_environment, found.tenant) == ("https://localhost:1", "x.example")


@pytest.mark.parametrize("given", [{"secret": "x"}, {"secret": "x", "tenant": "ours.example"}])
def test_what_is_missing_is_named(given: Given) -> None:
    error = refused(given)
    assert error.kind == "azure_denied"
    for name, variable in [("tenant", "AZURE_TENANT"), ("client_id", "AZURE_CLIENT_ID")]:
        assert (f"{name} " in str(error).partition("(")[0]) is (name not in given)
        assert (variable in str(error)) is (name not in given)


# --- what a section may say ---


@pytest.mark.parametrize(("text", "value"), [("true", True), ("No", False), ("1", True)])
def test_a_section_has_texts_for_booleans(text: str, value: bool) -> None:
    found = chosen(file={"default": {**FILE, "disable_instance_discovery": text}}).found
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
def test_a_bad_value_of_a_section_is_refused_with_its_place(name: str, value: str) -> None:
    error = refused(file={"default": {**FILE, name: value}})
    assert error.kind == "bad_input"
    assert str(error).startswith(f"Cannot use {name} {value!r} of section default of ~/.azure/credentials: it must be ")


def test_a_bad_secret_of_a_section_is_refused_without_being_shown() -> None:
    assert "hush hush" not in str(refused(file={"default": {**FILE, "secret": "hush hush"}}))


@pytest.mark.parametrize("cloud", ["AzureUSGovernment", "AzureChinaCloud", "https://management.usgovcloudapi.net"])
@pytest.mark.parametrize("option", [None, "AzureCloud"])
def test_a_section_alone_cannot_name_a_cloud_in_which_accounts_are_connected_differently(
    cloud: str, option: str | None
) -> None:
    error = refused(
        {}, {"cloud_environment": option} if option else {}, {"default": {**FILE, "cloud_environment": cloud}}
    )
    assert error.kind == "bad_input"
    assert "give the option cloud_environment, too" in str(error)


def test_a_section_may_name_the_same_special_cloud_as_the_option() -> None:
    own = {"cloud_environment": "AzureUSGovernment"}
    assert chosen(own, {}, {"default": {**FILE, **own}}).way == "secret"
