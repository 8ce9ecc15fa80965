# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No output, result, diff, log, journal or temporary file contains a secret, with any credential and any failure."""

from __future__ import annotations

import stat
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run.journal import Journal
from tests.emulators import faults
from tests.emulators.client import CALLER_ACCOUNT, Emulators
from tests.faults.world import ACCOUNTS, VICTIM, World
from tests.unit.cloud.test_azure_credentials import ISSUER, SUBJECT, federated, key_pair
from tests.unit.playbooks.conftest import WORKSPACE

TOKEN = "emulatedSessionToken/of+the+user/hush=="
BROKEN = "<AssumeRoleResponse><SecretAccessKey>emulatedSecretKeyOfABrokenAnswer</SecretAccessKey"
# The error of AWS for a wrong signature, which quotes the canonical request.
CANONICAL = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
    "and signing method.\n\nThe Canonical String for this request should have been\n'POST\n/\n\n"
    f"host:sts.amazonaws.com\nx-amz-security-token:{TOKEN}\n'"
)
FAILURES: list[dict[str, Any]] = [
    faults.TRUST_DENIED,
    {**faults.SCP_DENIED, "operation": "AttachRolePolicy"},
    {**faults.BOUNDARY_DENIED, "operation": "CreateRole"},
    {**faults.THROTTLED, "operation": "GetRole", "times": 1},
    {"operation": "CreateRole", "reset": "after", "times": 1},
    {**faults.AZURE_DENIED, "operation": "DataConnectors_CreateOrUpdate"},
    {"operation": "DataConnectors_CreateOrUpdate", "status": 200, "body": "[", "service": "azure"},
    {"operation": "AssumeRole", "status": 200, "body": BROKEN},
    {"operation": "GetRole", "status": 200, "body": "<a/>"},
]
# These end a whole run.
ENDING: dict[str, dict[str, Any]] = {
    "222222222202": {"operation": "*", "status": 403, "code": "SignatureDoesNotMatch", "message": CANONICAL},
    "222222222204": {**faults.EXPIRED_TOKEN, "operation": "GetRole"},
}
MODULES = """
- hosts: localhost
  gather_facts: false
  module_defaults:
    group/trailbridge.sentinel.aws: "{{ keys.aws }}"
    group/trailbridge.sentinel.azure: "{{ keys.azure }}"
  tasks:
    - trailbridge.sentinel.aws_role:
        account_id: "222222222202"
        assume_role: OrganizationAccountAccessRole
        resource_group: security
        workspace: sentinel
      ignore_errors: true
    - trailbridge.sentinel.fleet:
        accounts: [{account_id: "222222222203"}, {account_id: "222222222204"}]
        assume_role: OrganizationAccountAccessRole
        resource_group: security
        workspace: sentinel
      ignore_errors: true
    - trailbridge.sentinel.aws_connector:
        role_arn: arn:aws:iam::222222222203:role/MicrosoftSentinelRole
        resource_group: security
        workspace: sentinel

- import_playbook: trailbridge.sentinel.onboard
"""


def leaked(secrets: Iterable[str], *places: str) -> list[str]:
    return [secret for secret in secrets if any(secret in place for place in places)]


def credentials_of_hosts(cloud: Emulators, folder: Path) -> tuple[list[dict[str, Any]], set[str]]:
    """Every kind of credential as variables of a host, and its secrets."""
    issuer, certificate = key_pair(), key_pair()
    # Other tests on the same emulators have an issuer with a key of their own.
    name = f"{ISSUER}/secrets"
    cloud.trust_issuer(name, SUBJECT, issuer.public_key)
    cloud.trust_certificate(certificate.public)
    pem, token = folder / "certificate.pem", folder / "token"
    pem.write_text(certificate.private() + certificate.public)
    token.write_text(federated(issuer, iss=name, jti="1"))
    given = federated(issuer, iss=name, jti="2")
    user = cloud.credentials(CALLER_ACCOUNT)
    own = {name.upper(): value for name, value in cloud.credentials(CALLER_ACCOUNT).items()}
    (folder / "aws").write_text("[profile security]\n" + "".join(f"{k.lower()} = {v}\n" for k, v in own.items()))
    azure = {name: cloud.environment[f"AZURE_{name.upper()}"] for name in ("tenant", "client_id", "secret")}
    (folder / ".azure").mkdir()
    (folder / ".azure/credentials").write_text("[ours]\n" + "".join(f"{k} = {v}\n" for k, v in azure.items()))
    keys = {"access_key": user["aws_access_key_id"], "secret_key": user["aws_secret_access_key"]}
    listed = [
        {},
        {**keys, "session_token": TOKEN},
        {"aws_profile": "security"},
        {"secret": azure["secret"]},
        {"azure_profile": "ours", "auth_source": "credential_file"},
        {"auth_source": "msi", "client_id": cloud.user_assigned},
        {"x509_certificate_path": str(pem)},
        {"oidc_token": given},
        {"oidc_token_file_path": str(token)},
    ]
    secrets_in_use = {given, token.read_text(), TOKEN, *keys.values(), "emulatedSecretKeyOfABrokenAnswer"}
    secrets_in_use |= {line for line in certificate.private().splitlines() if len(line) == 64}
    return [
        {f"sentinel_{name}": value for name, value in credential.items()} for credential in listed
    ], secrets_in_use - {keys["access_key"]}


def test_no_output_and_no_file_contains_a_secret(
    cloud: Emulators, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    # Ansible puts sockets below TMPDIR, whose paths must be short.
    home, out = tmp_path / "home", tmp_path_factory.mktemp("out")
    home.mkdir()
    (out / "tmp").mkdir(parents=True)
    (out / "reports").mkdir()
    credentials, secrets_in_use = credentials_of_hosts(cloud, home)
    hosts = {
        f"way{number}": {"aws_account_id": f"1111111111{number:02}", **credential}
        for number, credential in enumerate(credentials)
    }
    for number, failure in enumerate(FAILURES):
        account = f"3333333333{number:02}"
        hosts[f"failure{number}"] = {"aws_account_id": account, **credentials[1]}
        cloud.fault(**failure, account=account)
    for account, failure in ENDING.items():
        cloud.fault(**failure, account=account)
    variables = {**WORKSPACE, "sentinel_report_dir": str(out / "reports"), "sentinel_concurrency": 8}
    (home / "accounts.yml").write_text(yaml.safe_dump({"all": {"hosts": hosts, "vars": variables}}))
    (home / "play.yml").write_text(MODULES)
    names = {"aws": credentials[1], "azure": credentials[3]}
    keys = {
        group: {name.removeprefix("sentinel_"): credential[name] for name in credential}
        for group, credential in names.items()
    }
    (home / "keys.yml").write_text(yaml.safe_dump({"keys": keys}))
    environment = cloud.whole_environment(
        HOME=str(home),
        TMPDIR=str(out / "tmp"),
        ANSIBLE_HOME=str(out / "ansible"),
        ANSIBLE_LOG_PATH=str(out / "log"),
        ANSIBLE_NOCOLOR="1",
        AWS_CONFIG_FILE=str(home / "aws"),
    )
    given = set(home.rglob("*"))
    command = ["ansible-playbook", "play.yml", "-i", "accounts.yml", "-e", "@keys.yml", "--diff", "-vvv"]
    done = subprocess.run(command, cwd=home, env=environment, capture_output=True, text=True, timeout=200, check=False)
    output = done.stdout + done.stderr
    assert all(f" way{number}] CreateRole" in output for number in range(len(credentials))), output
    assert all(f" failure{number}] " in output for number in range(len(FAILURES)))
    assert "SignatureDoesNotMatch" in output
    assert "trailbridge.sentinel.fleet" in output
    files = [path for path in {*home.rglob("*"), *out.rglob("*")} - given if path.is_file()]
    assert out / "log" in files
    written = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (out / "reports").rglob("*") if path.is_file()}
    assert {name for name, mode in written.items() if mode != 0o600} == set()
    contents = [path.read_text(errors="replace") for path in files]
    assert leaked({*secrets_in_use, *cloud.secrets()}, output, *contents) == []


def test_the_journal_contains_no_secret_and_only_its_owner_can_read_it(world: World, tmp_path: Path) -> None:
    world.prepare("repair")
    for account, failure in zip(ACCOUNTS[1:], (FAILURES[0], ENDING["222222222202"]), strict=True):
        world.e.fault(**failure, account=account)
    ended = world.run("repair")
    record = Journal(tmp_path / "below" / "reports", "record")
    for results in ended.results.values():
        record.add(results)
    text = record.path.read_text()
    assert all(account in text for account in ACCOUNTS)
    assert "UpdateAssumeRolePolicy" in text
    assert leaked({*world.e.secrets(), TOKEN}, text) == []
    assert stat.S_IMODE(record.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(record.path.parent.stat().st_mode) == 0o700
    record.close()


def test_a_secret_in_a_response_is_not_displayed(world: World) -> None:
    world.prepare("create", 1)
    secret = world.e.environment["AZURE_SECRET"]
    message = f"AADSTS7000215: Invalid client secret provided: '{secret}'."
    world.e.fault(operation="Token", status=401, code="invalid_client", message=message)
    ended = world.run("create", 1)
    assert ended.error
    assert "AADSTS7000215" in str(ended.error)
    assert leaked(world.e.secrets(), str(ended.error), repr(ended.error)) == []


@pytest.mark.parametrize("code", ["SignatureDoesNotMatch", "InvalidSignatureException"])
def test_of_a_refused_signature_only_the_first_line_is_reported(world: World, code: str) -> None:
    world.prepare("create")
    world.e.fault(operation="GetRole", account=VICTIM, status=403, code=code, message=CANONICAL)
    ended = world.run("create")
    error = ended.failed[VICTIM]
    assert TOKEN not in str(error)
    assert "Check your AWS Secret Access Key and signing method" in str(error)
