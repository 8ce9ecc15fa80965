# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of inventories are refused with one message before the first request, or accepted and applied."""

from __future__ import annotations

import string
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.vars.manager import VariableManager
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.account import FIELDS, Account
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import CLASSES, SentinelError
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run import fleet
from tests.emulators.client import Emulators
from tests.faults import engine
from tests.faults.world import VICTIM, World

from .mutants import ODD

FULL_WIDTH = "\uff11\uff12" * 6
# Values as written in the file, which YAML reads as (octal) numbers, booleans or dates instead of strings.
WRITTEN = {
    "aws_account_id": [
        "12345678901", "1234567890123", "-12345678901", "123456789012.0", "012345670123", "0x1234567890",
        f"'{FULL_WIDTH}'", '"123456789012\\n"', "' 123456789012'", "1.23456789012e11", "[123456789012]", "yes",
    ],
    "sentinel_role_name": [
        f"'{'x' * 65}'", "'a b'", "'a/b'", "'é'", '"Role\\n"', "'a\\b'", "'*'", "12", "on", '"a\\u200b"',
    ],
    "sentinel_role_path": [
        "x", "/x", "x/", "//", "'/a b/'", f"'/{'x' * 511}/'", "'/é/'", '"/x/\\n"', "'/a//b/'",
    ],
    "sentinel_assume_role": [
        "arn:aws:iam::123456789012:user/x", "arn:aws:sts::111111111101:assumed-role/x/y",
        "arn:aws:iam::222222222222:role/x", "arn:aws:iam::1:role/x", "'a b'", "[a, 5]", "{a: b}",
    ],
    "sentinel_role_description": [f"'{'x' * 1001}'", "'\U0001f600'", '"a\\0b"', '"\\u20ac"', "5", "[a]"],
    "sentinel_role_max_session_duration": ["3599", "43201", "1h", "3600.0", "'3600.5'", "-3600", "true", "0:59:59"],
    "sentinel_role_tags": [
        str({f"k{number}": "x" for number in range(51)}), "{'': x}", "{'aws:x': x}", "{'AWS:x': x}",
        "{Env: a, env: b}", f"{{a: '{'x' * 257}'}}", f"{{'{'x' * 129}': a}}", "{a: true}", "{a: 5}", "{5: a}",
        "{trailbridge.sentinel: mine}", "{a: '<x>'}", '{a: "x\\n"}', "[a]", "a=b", "{a: {b: c}}",
    ],
    "sentinel_role_permissions_boundary": [
        "PowerUserAccess", "arn:aws:iam::222222222222:policy/x", "arn:aws:iam::aws:policy/AWSCloudTrailReadOnlyAccess",
        "arn:aws:iam::aws:role/x", f"'arn:aws:iam::aws:policy/{'x' * 2048}'", "'arn:aws:iam::aws:policy/a b'",
    ],
    "sentinel_workspace_id": [
        "2f7b3c1a5d844e6b9a0f1c2d3e4f5a6b", "'{2f7b3c1a-5d84-4e6b-9a0f-1c2d3e4f5a6b}'",
        "00000000-0000-0000-0000-000000000000", "'2f7b3c1a-5d84-4e6b-9a0f-1c2d3e4f5a6b '", "5",
        "/subscriptions/2f7b3c1a-5d84-4e6b-9a0f-1c2d3e4f5a6b/resourceGroups/x", "sentinel",
    ],
    "sentinel_resource_group": ["a/b", "'a.'", f"'{'x' * 91}'", "'a b'", "7"],
    "sentinel_workspace": ["a/b", f"'{'x' * 64}'", "abc", "-abcd", "a_bcd", '"sentinel\\n"'],
    "sentinel_assume_role_session_name": ["x", "'a b'", f"'{'x' * 65}'", "'é!'", '"ab\\n"'],
    "sentinel_external_ids": ["'*'", "[a]", "[2f7b3c1a-5d84-4e6b-9a0f-1c2d3e4f5a6b, '']", "{}", "5"],
    "sentinel_microsoft_account_id": ["123412341234", "'123412341234'", "19785702652", "'19785702652'"],
    "sentinel_permission_mode": ["Managed", "admin", "[managed]"],
    "sentinel_exclusive": ["perhaps", "2", "'2'", "[]"],
}  # fmt: skip
WRITTEN["sentinel_subscription_id"] = WRITTEN["sentinel_workspace_id"]
WRITTEN["sentinel_tenant"] = [text for text in WRITTEN["sentinel_workspace_id"] if text != "sentinel"]


@pytest.mark.parametrize("name", WRITTEN)
def test_an_invalid_value_is_refused_with_name_and_host_before_the_first_request(world: World, name: str) -> None:
    world.e.forget()
    for text in WRITTEN[name]:
        written = yaml.safe_load(f"{name}: {text}")
        with pytest.raises(SentinelError) as caught:
            engine.accounts_of({"pay": {"aws_account_id": VICTIM, **written}})
        assert caught.value.kind == "bad_input"
        assert str(caught.value).startswith("Cannot use ")
        assert name in str(caught.value) or name.removeprefix("sentinel_") in str(caught.value), text
        assert "host pay" in str(caught.value), text
    assert world.e.requests() == []


FORMS = {
    "hosts": "[all]\nx aws_account_id={}\n",
    "hosts.ini": "x\n[all:vars]\naws_account_id={}\n",
    "hosts.yml": "all: {{hosts: {{x: {{aws_account_id: {}}}}}}}\n",
    "hosts.json": '{{"all": {{"hosts": {{"x": {{"aws_account_id": {}}}}}}}}}\n',
}
TAKEN = {
    "hosts": ["222222222222", '"222222222222"', "012345670123", '"012345670123"', "012345678901", "'222222222222'"],
    "hosts.ini": ["222222222222", '"222222222222"', "012345670123", '"012345670123"'],
    "hosts.yml": ["222222222222", '"222222222222"', '"012345670123"', "012345678901"],
    "hosts.json": ["222222222222", '"222222222222"', '"012345670123"'],
}
REFUSED = {
    "hosts": ["12345670123", "222222222222.0", "2.22222222222e11", "0o12345670123", "-222222222222", "True"],
    "hosts.ini": ["12345670123", "222222222222.0", "\"'222222222222'\"", "012345670123.0"],
    "hosts.yml": ["012345670123", "222222222222.0", "12345670123", "!!float 222222222222", "0x123456789012"],
    "hosts.json": ["222222222222.0", "12345670123", "2.22222222222e11", "true"],
}


def of_ansible(folder: Path, name: str, text: str) -> dict[str, Any]:
    """Return the variables that Ansible reads from an inventory."""
    (folder / name).write_text(FORMS[name].format(text))
    inventory = InventoryManager(DataLoader(), [str(folder / name)])
    found: dict[str, Any] = VariableManager(inventory._loader, inventory).get_vars(host=inventory.get_host("x"))
    return {"aws_account_id": found["aws_account_id"]}


@pytest.mark.parametrize("name", FORMS)
def test_an_id_is_accepted_in_every_inventory_format_that_keeps_its_digits(
    here: Emulators, tmp_path: Path, name: str
) -> None:
    for text in TAKEN[name]:
        [account] = engine.accounts_of({"x": of_ansible(tmp_path, name, text)})
        assert account.account_id == text.strip("\"'")
    for text in REFUSED[name]:
        with pytest.raises(SentinelError, match=r"aws_account_id.* of host x.*YAML.*INI") as caught:
            engine.accounts_of({"x": of_ansible(tmp_path, name, text)})
        assert caught.value.kind == "bad_input"


ROLE_LETTERS = string.ascii_letters + string.digits + "_+=,.@-"
PRINTABLE = "".join(map(chr, range(0x21, 0x7F))).replace("/", "")
LATIN = "".join(map(chr, [*range(0x20, 0x7F), *range(0xA1, 0x100)])) + "\t\n"
tag_text = st.text(st.characters(categories=["L", "N", "Zs"], include_characters="_.:/=+-@"), max_size=40)
accepted = st.fixed_dictionaries(
    {"aws_account_id": st.just(VICTIM)},
    optional={
        "sentinel_role_name": st.text(ROLE_LETTERS, min_size=1, max_size=64),
        "sentinel_role_path": st.text(PRINTABLE, min_size=1, max_size=510).map("/{}/".format),
        "sentinel_role_description": st.text(LATIN, max_size=1000),
        "sentinel_role_max_session_duration": st.sampled_from([3600, "3600", 43200, "43200", 7201]),
        "sentinel_role_tags": st.dictionaries(
            tag_text.filter(lambda key: key and not key.lower().startswith(("aws:", "trailbridge"))),
            tag_text,
            max_size=4,
        ).filter(lambda tags: len({key.lower() for key in tags}) == len(tags)),
        "sentinel_assume_role_session_name": st.text(ROLE_LETTERS, min_size=2, max_size=64),
        "sentinel_permission_mode": st.sampled_from(["managed", "lookup_events"]),
        "sentinel_external_ids": st.lists(st.uuids().map(str), max_size=3),
        "sentinel_exclusive": st.sampled_from([True, False, "yes", "no", 1, 0]),
    },
)


@settings(max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(own=accepted)
def test_an_accepted_value_is_applied_and_then_in_sync(world: World, own: dict[str, Any]) -> None:
    world.e.reset()
    hosts = {"pay": own}
    first = engine.run(engine.accounts_of(hosts), fleet.RunOptions())
    assert (first.error, first.failed) == (None, {})
    assert set(first.calls) == {VICTIM}
    again = engine.run(engine.accounts_of(hosts), fleet.RunOptions())
    assert (again.error, again.failed, again.calls) == (None, {}, {})
    removed = engine.run(engine.accounts_of(hosts), fleet.RunOptions(absent=True))
    assert (removed.error, removed.failed) == (None, {})
    assert world.e.connectors() == [] or own.get("sentinel_external_ids")


ASKED = [field.variable for field in FIELDS if field.part in ("account", "spec", "entry")]
LATER = ("sentinel_workspace_id", "sentinel_subscription_id", "sentinel_resource_group", "sentinel_workspace")
odd = st.sampled_from(ODD) | st.text(max_size=12) | st.integers() | st.lists(st.text(max_size=5), max_size=2)


def validated(own: dict[str, Any]) -> tuple[SentinelError | None, list[Account]]:
    try:
        return None, engine.accounts_of({"pay": {"aws_account_id": VICTIM, **own}})
    except SentinelError as error:
        return error, []


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(own=st.dictionaries(st.sampled_from(ASKED), odd, min_size=1, max_size=2))
def test_an_unusual_value_of_any_option_is_refused_or_works(world: World, own: dict[str, Any]) -> None:
    world.e.forget()
    error, accounts = validated(own)
    if error:
        assert (error.kind, world.e.requests()) == ("bad_input", [])
        assert "host pay" in str(error)
        return
    ended = engine.run(accounts, fleet.RunOptions(check_mode=True))
    for error in filter(None, (ended.error, *ended.failed.values())):
        assert error.kind in CLASSES
        assert error.kind != "unexpected"
    assert ended.error is None or set(own) & set(LATER)
    assert world.writes() == []


def test_the_same_account_twice_is_refused_before_the_first_request(world: World) -> None:
    world.e.forget()
    ended = engine.run(
        engine.accounts_of({host: {"aws_account_id": VICTIM} for host in ("pay", "web")}), fleet.RunOptions()
    )
    assert ended.error
    assert (ended.error.kind, ended.results) == ("bad_input", {})
    assert all(word in str(ended.error) for word in (VICTIM, "pay", "web"))
    assert world.e.requests() == []
