# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Source credentials and assumed roles of AWS, from every source, against the emulator."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Coroutine, Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, TypeVar

import pytest
from botocore.tokens import SSOTokenProvider

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.cloud.aws import Aws, Identity
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.cloud.service import Keys, ServiceClient
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.credentials.credentials import (
    AssumeRole,
    AwsCredentials,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import SentinelError
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.role.permissions import policy_for
from tests.emulators import faults
from tests.emulators.client import CALLER_ACCOUNT, Emulators
from tests.faults.timing import Timing

OTHER = "222222222222"
ACCOUNT = "111111111111"
ADMIN = AssumeRole(("OrganizationAccountAccessRole",))


T = TypeVar("T")


def with_aws(work: Callable[[Aws], Coroutine[Any, Any, T]], **credentials: Any) -> T:
    """Return the result of work with an open client, on its own event loop."""

    async def opened() -> T:
        with closing(Aws(AwsCredentials(**credentials))) as aws:
            return await work(aws)

    return asyncio.run(opened())


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """Serve on a free port; yields the URL."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def identity(**credentials: Any) -> Identity:
    return with_aws(Aws.identity, **credentials)


def assume(account: str, assume_role: AssumeRole) -> Keys:
    return with_aws(lambda aws: aws.assume_role_in(account, assume_role, policy_for(account, None, "read")))


async def iam(aws: Aws, account: str, assume_role: AssumeRole = ADMIN) -> ServiceClient:
    return aws.service("iam").client(await aws.assume_role_in(account, assume_role, policy_for(account, None, "read")))


async def list_roles(aws: Aws, account: str = ACCOUNT) -> list[Any]:
    return await (await iam(aws, account)).pages("ListRoles", "Roles")


def keys(cloud: Emulators, account: str) -> dict[str, str]:
    found = cloud.credentials(account)
    return {"access_key": found["aws_access_key_id"], "secret_key": found["aws_secret_access_key"]}


def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)


def test_credentials_come_from_the_environment(here: Emulators) -> None:
    found = identity()
    assert (found.account_id, found.partition) == (CALLER_ACCOUNT, "aws")


def test_keys_from_options_take_precedence_over_the_environment(here: Emulators) -> None:
    assert identity(**keys(here, OTHER)).account_id == OTHER


@pytest.mark.parametrize("name", ["AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN"])
def test_a_session_token_from_the_environment_is_used(
    here: Emulators, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "token-of-a-session")

    async def token(aws: Aws) -> str | None:
        return aws.with_source_credentials("sts").keys.token

    assert with_aws(token) == "token-of-a-session"


def test_credentials_come_from_a_profile(here: Emulators, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = keys(here, OTHER)
    shared = tmp_path / "credentials"
    shared.write_text(
        f"[other]\naws_access_key_id = {found['access_key']}\naws_secret_access_key = {found['secret_key']}\n"
    )
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(shared))
    assert identity(profile="other").account_id == OTHER


@pytest.fixture
def sso(here: Emulators, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """The profile `sso` of IAM Identity Center with a portal that issues keys; yields the token cache directory."""
    no_environment(monkeypatch)
    handed = {**keys(here, OTHER), "session_token": "token-of-the-portal"}
    names = {"access_key": "accessKeyId", "secret_key": "secretAccessKey", "session_token": "sessionToken"}
    answer = {"roleCredentials": {names[name]: value for name, value in handed.items()} | {"expiration": 4102444800000}}

    class Portal(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            is_valid = self.headers["x-amz-sso_bearer_token"] == "token-of-the-user"
            body = json.dumps(answer if is_valid else {"message": "Session token not found or invalid"}).encode()
            self.send_response(200 if is_valid else 401)
            self.send_header("x-amzn-ErrorType", "UnauthorizedException")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: Any) -> None:
            """Log nothing."""

    config = tmp_path / "config"
    config.write_text(
        "[profile sso]\nsso_session = ours\nsso_account_id = 222222222222\nsso_role_name = Operator\n"
        "[sso-session ours]\nsso_region = eu-west-1\nsso_start_url = https://ours.awsapps.com/start\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    # botocore reads HOME on import.
    monkeypatch.setattr(SSOTokenProvider, "_SSO_TOKEN_CACHE_DIR", str(tmp_path))
    with serving(Portal) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SSO", url)
        yield tmp_path


def signed_in(cache: Path, token: str) -> None:
    """Write a token to the cache, as `aws sso login` does."""
    text = json.dumps({"accessToken": token, "expiresAt": "2100-01-01T00:00:00Z"})
    (cache / f"{hashlib.sha1(b'ours').hexdigest()}.json").write_text(text)


def test_credentials_come_from_an_identity_center_profile(sso: Path) -> None:
    signed_in(sso, "token-of-the-user")
    assert identity(profile="sso").account_id == OTHER


@pytest.mark.parametrize("token", ["", "token-that-was-revoked"])
def test_a_missing_or_revoked_identity_center_session_is_reported(sso: Path, token: str) -> None:
    if token:
        signed_in(sso, token)
    with pytest.raises(SentinelError, match="SSO") as caught:
        identity(profile="sso")
    assert caught.value.kind == "expired_credentials"
    assert "aws sso login" in str(caught.value)


def test_the_endpoint_of_a_profile_is_used(here: Emulators, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = keys(here, OTHER)
    config = tmp_path / "config"
    config.write_text(
        f"[profile other]\nendpoint_url = {here.aws}\nregion = eu-west-1\n"
        f"aws_access_key_id = {found['access_key']}\naws_secret_access_key = {found['secret_key']}\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    assert with_aws(list_roles, profile="other") == []


def test_the_endpoint_of_the_option_is_used(here: Emulators, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    assert identity(endpoint_url=here.aws, **keys(here, OTHER)).account_id == OTHER


def test_an_endpoint_from_the_options_never_gets_a_session_from_the_environment(
    here: Emulators, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token-of-a-session")
    with pytest.raises(SentinelError, match="AWS_ENDPOINT_URL") as caught:
        identity(endpoint_url=here.aws)
    assert caught.value.kind == "bad_input"
    assert here.requests() == []


def test_keys_that_cannot_be_renewed_are_expired_credentials(
    here: Emulators, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    no_environment(monkeypatch)
    config, printed = tmp_path / "config", tmp_path / "once"
    found = keys(here, OTHER)
    answer = {
        "Version": 1,
        "AccessKeyId": found["access_key"],
        "SecretAccessKey": found["secret_key"],
        "SessionToken": "token",
        "Expiration": "2026-01-01T00:00:00Z",
    }
    printed.write_text(json.dumps(answer))
    config.write_text(f"{PROCESS}sh -c 'cat {printed} && rm {printed}'\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))

    async def twice(aws: Aws) -> None:
        aws._source_keys()

    with pytest.raises(SentinelError, match="find AWS credentials") as caught:
        with_aws(twice, profile="other")
    assert caught.value.kind == "expired_credentials"


MFA = "mfa_serial = arn:aws:iam::222222222222:mfa/jane\n"
BASE = "[profile base]\naws_access_key_id = x\naws_secret_access_key = y\n"
MID = "[profile mid]\nrole_arn = {role}\nsource_profile = base\n"
PROCESS = "[profile other]\ncredential_process = "
CONFIGS = {
    "missing profile": ("", "profile_not_found", "AWS_PROFILE"),
    "not an INI file": ("[profile other", "bad_input", "~/.aws/config"),
    "missing source profile": ("[profile other]\nrole_arn = {role}\nsource_profile = nobody\n", "bad_input", "nobody"),
    "own source profile": ("[profile other]\nrole_arn = {role}\nsource_profile = other\n", "bad_input", "other"),
    "no source": ("[profile other]\nrole_arn = {role}\n", "bad_input", "credential_source"),
    "unknown credential_source": (
        "[profile other]\nrole_arn = {role}\ncredential_source = Somewhere\n", "bad_input", "Somewhere",
    ),
    "empty credential_source": (
        "[profile other]\nrole_arn = {role}\ncredential_source = Environment\n", "expired_credentials", "Environment",
    ),
    "access key without secret": ("[profile other]\naws_access_key_id = x\n", "bad_input", "aws_secret_access_key"),
    "failing process": (
        f"{PROCESS}sh -c 'echo locked out >&2; exit 1'\n",
        "expired_credentials", "credential_process",
    ),
    "missing process": (f"{PROCESS}/no/such/thing\n", "bad_input", "/no/such"),
    "process without JSON output": (f"{PROCESS}echo hello\n", "bad_input", "~/.aws/config"),
    "process with a JSON list": (f"{PROCESS}echo [1]\n", "bad_input", "~/.aws/config"),
    "MFA": (
        f"[profile other]\nrole_arn = {{role}}\nsource_profile = base\n{MFA}{BASE}",
        "bad_input", "aws configure export-credentials --profile other",
    ),
    "MFA in a chain of profiles": (
        f"[profile other]\nrole_arn = {{role}}\nsource_profile = mid\n{MID}{MFA}{BASE}",
        "bad_input", "mfa_serial",
    ),
}  # fmt: skip


@pytest.mark.parametrize("given_by", ["option", "environment"])
@pytest.mark.parametrize(("text", "kind", "expected"), CONFIGS.values(), ids=CONFIGS)
def test_an_unusable_profile_is_reported_with_advice(
    here: Emulators, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, given_by: str, text: str, kind: str, expected: str
) -> None:
    no_environment(monkeypatch)
    config = tmp_path / "config"
    config.write_text(text.format(role=f"arn:aws:iam::{OTHER}:role/Operator"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    if given_by == "environment":
        monkeypatch.setenv("AWS_PROFILE", "other")
    with pytest.raises(SentinelError) as caught:
        identity(**({"profile": "other"} if given_by == "option" else {}))
    assert (caught.value.kind, expected in str(caught.value)) == (kind, True), str(caught.value)
    assert "Run it again" not in str(caught.value)
    assert ("Set or renew the AWS credentials" in str(caught.value)) is (expected == "Environment")
    assert here.requests() == []


def test_a_token_with_a_line_ending_is_rejected_and_not_shown(here: Emulators, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "very-secret\r")
    with pytest.raises(SentinelError) as caught:
        identity()
    assert caught.value.kind == "expired_credentials"
    assert "very-secret" not in str(caught.value)


def test_failures_of_some_accounts_do_not_use_up_retries_of_others(here: Emulators) -> None:
    for number in range(40):
        here.fault(operation="ListRoles", account=f"4444444444{number:02}", times=2, **faults.UNAVAILABLE)

    async def everywhere(aws: Aws) -> list[list[Any]]:
        return await asyncio.gather(*(list_roles(aws, f"4444444444{number:02}") for number in range(40)))

    assert with_aws(everywhere) == [[]] * 40


def test_missing_credentials_are_reported(here: Emulators, monkeypatch: pytest.MonkeyPatch) -> None:
    no_environment(monkeypatch)
    with pytest.raises(SentinelError, match="Cannot find AWS credentials: set AWS_ACCESS_KEY_ID"):
        identity()


@pytest.mark.parametrize("refusal", [faults.INVALID_TOKEN, faults.EXPIRED_TOKEN])
def test_rejected_credentials_are_expired_credentials(here: Emulators, refusal: dict[str, Any]) -> None:
    here.fault(operation="GetCallerIdentity", **refusal)
    with pytest.raises(SentinelError) as caught:
        identity()
    assert caught.value.kind == "expired_credentials"


def test_the_external_id_is_sent(here: Emulators) -> None:
    here.settings(external_id="between-us")
    assert assume(ACCOUNT, AssumeRole(ADMIN.roles, external_id="between-us")).token
    with pytest.raises(SentinelError) as caught:
        assume(ACCOUNT, ADMIN)
    assert caught.value.kind == "assume_denied"


def test_the_session_has_the_configured_name(here: Emulators) -> None:
    here.fault(operation="GetRole", **faults.IDENTITY_DENIED)

    async def get_role(aws: Aws) -> Any:
        return await (await iam(aws, ACCOUNT, AssumeRole(ADMIN.roles, session_name="nightly-run")))(
            "GetRole", RoleName="x"
        )

    with pytest.raises(Exception, match="assumed-role/OrganizationAccountAccessRole/nightly-run"):
        with_aws(get_role)


def test_a_role_arn_of_another_account_is_rejected(here: Emulators) -> None:
    assume_role = AssumeRole((f"arn:aws:iam::{OTHER}:role/OrganizationAccountAccessRole",))
    with pytest.raises(SentinelError) as caught:
        assume(ACCOUNT, assume_role)
    assert caught.value.kind == "wrong_account"
    assert "AssumeRole" not in here.operations()


ADMINISTRATOR_ARN = f"arn:aws:iam::{CALLER_ACCOUNT}:role/OrganizationAccountAccessRole"


def assume_administrator(assume_role: AssumeRole) -> Keys:
    return with_aws(lambda aws: aws.assume_administrator_role(assume_role))


@pytest.mark.parametrize("account", [CALLER_ACCOUNT, OTHER])
def test_an_administrator_role_is_assumed_in_the_callers_own_account_as_well(here: Emulators, account: str) -> None:
    assert assume_administrator(AssumeRole((ADMINISTRATOR_ARN.replace(CALLER_ACCOUNT, account),))).assumed
    assert here.operations("sts").count("AssumeRole") == 1


def test_the_first_administrator_role_that_can_be_assumed_is_used(here: Emulators) -> None:
    assert assume_administrator(
        AssumeRole((ADMINISTRATOR_ARN.replace("Organization", "Nobody"), ADMINISTRATOR_ARN))
    ).assumed


def test_an_administrator_role_is_not_assumed_from_its_own_session(here: Emulators) -> None:
    session = here.boto("sts").assume_role(RoleArn=ADMINISTRATOR_ARN, RoleSessionName="nightly")["Credentials"]
    session_keys = {"access_key": session["AccessKeyId"], "secret_key": session["SecretAccessKey"]}
    session_keys["session_token"] = session["SessionToken"]
    here.forget()
    assert not with_aws(
        lambda aws: aws.assume_administrator_role(AssumeRole((ADMINISTRATOR_ARN,))), **session_keys
    ).assumed
    assert "AssumeRole" not in here.operations("sts")


def test_an_administrator_role_needs_an_arn(here: Emulators) -> None:
    for roles in [("Operator",), (ADMINISTRATOR_ARN, "Operator")]:
        with pytest.raises(SentinelError, match="Operator") as caught:
            assume_administrator(AssumeRole(roles))
        assert caught.value.kind == "bad_input"
    assert here.requests() == []


def test_several_roles_that_cannot_be_assumed_are_assume_denied(here: Emulators) -> None:
    with pytest.raises(SentinelError) as caught:
        assume(ACCOUNT, AssumeRole(("One", "Two")))
    assert caught.value.kind == "assume_denied"
    assert here.operations("sts").count("AssumeRole") == 2


def test_an_scp_stops_the_search_for_a_role(here: Emulators) -> None:
    here.fault(operation="AssumeRole", **faults.SCP_DENIED)
    with pytest.raises(SentinelError) as caught:
        assume(ACCOUNT, AssumeRole(("One", "Two")))
    assert caught.value.kind == "scp_denied"
    assert here.operations("sts").count("AssumeRole") == 1


def test_concurrent_work_uses_the_credentials_of_each_account(here: Emulators) -> None:
    accounts = [f"4444444444{number:02}" for number in range(24)]

    async def arn(aws: Aws, account: str) -> str:
        call = aws.service("iam").client(await aws.assume_role_in(account, ADMIN, policy_for(account, "mine", "write")))
        await call("CreateRole", RoleName="mine", AssumeRolePolicyDocument="{}")
        found: str = (await call("GetRole", RoleName="mine"))["Role"]["Arn"]
        return found

    async def everywhere(aws: Aws) -> list[str]:
        return await asyncio.gather(*(arn(aws, account) for account in accounts))

    assert with_aws(everywhere) == [f"arn:aws:iam::{account}:role/mine" for account in accounts]
    assert here.operations("sts").count("GetCallerIdentity") == 1


@pytest.fixture
def proxy() -> Iterator[tuple[str, list[str]]]:
    """An HTTP proxy that refuses every request; yields its URL and the list of requested paths."""
    requested: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            requested.append(self.path)
            self.send_response(403)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_arguments: Any) -> None:
            """Log nothing."""

    with serving(Handler) as url:
        yield url, requested


def test_the_proxy_of_the_environment_is_used(
    here: Emulators, monkeypatch: pytest.MonkeyPatch, proxy: tuple[str, list[str]]
) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("http_proxy", proxy[0])
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://sts.invalid")
    with Timing(aws_retries=0.0).applied(), pytest.raises(SentinelError):
        identity()
    assert proxy[1] == ["http://sts.invalid/"]
