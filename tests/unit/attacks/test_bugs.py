# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bug of this collection is reported as one, with a traceback without secrets; no service is blamed for it."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core import modules
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.cloud import known_secrets
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.cloud.response import (
    MalformedResponseError,
    parse,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.cloud.service import Keys
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.account import Account
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.account_result import (
    AccountReport,
    AccountResult,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run import fleet
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run.journal import Journal
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run.unexpected import (
    MAX_TRACEBACK_LENGTH,
    UnexpectedError,
    traceback_text,
    unexpected_error,
)
from tests.emulators.client import Emulators
from tests.faults.world import ACCOUNTS, VICTIM, World

CORE = "ansible_collections.trailbridge.sentinel.plugins.module_utils._core"
# Functions of this collection that read no response, each within the translation of the errors of a service.
OWN = {
    "cloud.iam": "RoleAdapter._pages",
    "cloud.signed": "_quoted",
    "cloud.sentinel": "Sentinel._connector_path",
    "cloud.entra": "Credential._request_token",
    "cloud.arm": "_remaining",
}
READ = {
    "cloud.iam": "_parse_role",
    "cloud.aws": "_parse_keys",
    "model.connector.connector": "parse",
    "model.connector.workspace": "rights",
}
BUGS = [KeyError("Arn"), TypeError("'NoneType' object is not subscriptable"), ValueError("x"), AttributeError("x")]


def plant(monkeypatch: pytest.MonkeyPatch, module: str, function: str, bug: Exception) -> None:
    def broken(*_arguments: Any, **_more: Any) -> Any:
        raise bug

    owner: Any = importlib.import_module(f"{CORE}.{module}")
    *classes, name = function.split(".")
    for one in classes:
        owner = getattr(owner, one)
    monkeypatch.setattr(owner, name, broken)


def errors_of(world: World) -> list[Any]:
    ended = world.run("repair", 1)
    return [error for error in (ended.error, *ended.failed.values()) if error]


@pytest.mark.parametrize("bug", BUGS, ids=repr)
@pytest.mark.parametrize(("module", "function"), OWN.items())
def test_a_bug_is_not_blamed_on_a_service(
    world: World, monkeypatch: pytest.MonkeyPatch, module: str, function: str, bug: Exception
) -> None:
    world.prepare("repair", 1)
    plant(monkeypatch, module, function, bug)
    [error] = errors_of(world)
    assert error.kind == "unexpected"
    assert "Run it again" not in str(error)
    assert repr(bug).partition("(")[0] in str(error)
    assert function.rpartition(".")[2] in error.traceback
    assert error.__cause__


@pytest.mark.parametrize(("module", "function"), READ.items())
def test_a_parse_function_blames_the_response(
    world: World, monkeypatch: pytest.MonkeyPatch, module: str, function: str
) -> None:
    world.prepare("repair", 1)
    plant(monkeypatch, module, function, TypeError("x"))
    [error] = errors_of(world)
    assert error.kind == "transient"
    assert "the response has an unexpected format" in str(error)


def test_a_field_that_is_missing_is_named() -> None:
    with pytest.raises(MalformedResponseError, match="does not contain 'Arn'"):
        parse(lambda response: response["Arn"], dict[str, str]())


def test_other_accounts_are_not_affected(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.prepare("create")
    connect: Callable[..., Any] = fleet.connect

    async def broken(report: AccountReport, account: Account, context: Any) -> None:
        if account.account_id == VICTIM:
            keys = await context.aws.assume_role_in(account.account_id, account.assume_role, lambda _partition: "")
            quoted = f"{keys.secret_key} {keys.token} {world.e.environment['AZURE_SECRET']}"
            raise KeyError(quoted)
        await connect(report, account, context)

    monkeypatch.setattr(fleet, "connect", broken)
    ended = world.run("create")
    assert set(ended.failed) == {VICTIM}
    assert set(ended.calls) == set(ACCOUNTS) - {VICTIM}
    error = ended.failed[VICTIM]
    assert isinstance(error, UnexpectedError)
    assert "KeyError: '*** *** ***'" in error.traceback
    assert "in broken" in error.traceback
    assert [secret for secret in world.e.secrets() if secret in f"{error} {error.traceback}"] == []


def broken_result(account: Account, bug: Exception) -> AccountResult:
    return AccountResult(account, AccountReport(), unexpected_error(f"finish account {account.account_id}", bug))


def test_the_journal_has_the_traceback_and_is_kept(world: World, tmp_path: Path) -> None:
    one, other, third = (broken_result(account, KeyError("x")) for account in world.accounts("create"))
    third.error = unexpected_error("finish the account", ValueError("y"))
    journal = Journal(tmp_path, "run")
    for result in (one, other, third):
        journal.add(result)
    rows = list(journal.read())
    journal.keep = False
    journal.close()
    lines = [json.loads(line) for line in journal.path.read_text().splitlines()]
    first = one.account.account_id
    assert [line["traceback"] for line in lines] == [
        "KeyError: 'x'",
        f"the same as that of account {first}",
        "ValueError: y",
    ]
    assert all(f"The traceback is in {journal.path}." in line["error"]["message"] for line in lines)
    assert all("traceback" not in row for row in rows)


def test_a_module_shows_the_traceback_from_vvv_on(
    here: Emulators, aws_role: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = here.environment["AZURE_SECRET"]
    plant(monkeypatch, "modules", "session_scope", TypeError(f"no {secret}"))
    with pytest.raises(UnexpectedError) as caught:
        aws_role()
    assert caught.value.kind == "unexpected"
    assert "-vvv" in str(caught.value)
    assert "traceback" not in modules.failure(caught.value, 2)["error"]
    shown = modules.failure(caught.value, 3)
    assert "TypeError: no ***" in shown["error"]["traceback"]
    assert "session_scope" in shown["error"]["traceback"]
    assert secret not in str(shown)


LONG = "A1b2" * 10
SCRUBBED = {
    LONG: "***",
    f"no {LONG} here": "no *** here",
    "http://jane:hush@proxy:3128": "http://***@proxy:3128",
    "workspace 11111111-2222-4333-8444-555555555555": "workspace 11111111-2222-4333-8444-555555555555",
    "arn:aws:iam::111111111111:role/MicrosoftSentinelRole": "arn:aws:iam::111111111111:role/MicrosoftSentinelRole",
}


@pytest.mark.parametrize("text", SCRUBBED)
def test_what_looks_like_a_secret_is_masked(text: str) -> None:
    assert traceback_text(ValueError(text)) == f"ValueError: {SCRUBBED[text]}"


def test_secrets_of_sessions_are_known_as_long_as_the_session_exists() -> None:
    keys = Keys("AKIA", "short secret", "short token")
    assert known_secrets.scrub("short secret, short token") == "***, ***"
    del keys
    assert known_secrets.scrub("short secret") == "short secret"


def test_of_a_long_traceback_both_ends_are_kept() -> None:
    text = traceback_text(ValueError("x " * MAX_TRACEBACK_LENGTH + "end"))
    assert len(text) == MAX_TRACEBACK_LENGTH + len("\n…\n")
    assert text.startswith("ValueError: x")
    assert text.endswith("end")
