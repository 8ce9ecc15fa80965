# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-rulebook with the rulebook and the playbooks as they are shipped, from a queue to connectors.

Only the source of the events is another one (aws_sqs_queue.py). One start serves all messages, valid ones among hostile
ones. The inventory is that of the organization, so it has no localhost.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from tests.emulators.client import CALLER_ACCOUNT, Emulators
from tests.resources import arn_of, connector

from .events import DETAILS, EVENTS, IDS, event, leaf_paths, replaced

QUEUE = "accounts-that-come-and-go"
TIMEOUT_SECONDS = 240
RECAP = re.compile(r"\S+ +: ok=[1-9]\d* +changed=(\d+) +unreachable=(\d+) +failed=(\d+) ")
CREATED, JOINED, LAST = "222222222222", "333333333333", "011111111111"
CLOSED, LEFT = "555555555555", "066666666666"
SPARED, ACTIVE = "888888888888", "999999999999"
"""Accounts by their events. Only hostile events name the last two, of which the first is closed."""


class Outcome(NamedTuple):
    """The output of ansible-rulebook, the accounts with a connector, and files that a template would have created."""

    output: str
    connected: set[str]
    traces: list[Path]


def template(folder: Path, name: str) -> str:
    return "{{ lookup('ansible.builtin.pipe', 'touch " + str(folder / name) + "') }}"


def poisoned(body: Any, folder: Path) -> Any:
    """Return the event with a template wherever a rule does not need the value, under new names too."""
    for path in leaf_paths(body):
        if path[-1] not in {"eventName", "state", "accountId", "memberAccountId"} and path != ("id",):
            body = replaced(body, path, template(folder, "-".join(path)))
    for key in ("sentinel_hosts", "sentinel_role_name", template(folder, "a-key")):
        body["detail"]["serviceEventDetails"][key] = template(folder, "new")
    return body


def hostile(folder: Path) -> list[Any]:
    """Return messages that must start no run."""
    ids: list[Any] = [
        f"{SPARED}\n",
        f"{SPARED}\u2028",
        f"{SPARED} ",
        SPARED[:-1],
        f"{SPARED}8",
        "\uff18" * 12,
        "all",
        "*",
    ]
    ids += [f"all:!{SPARED}", f"{SPARED},{ACTIVE}", "localhost", [SPARED], {"accountId": SPARED}]
    bodies = [event(name, template(folder, "id")) for name in IDS]
    bodies += [event(name, value) for name in ("closed", "joined") for value in ids]
    one = event("joined", template(folder, "first"))
    both = replaced(one, (*DETAILS, "memberAccountId"), template(folder, "second"))
    no_events = ["text", template(folder, "text"), {}, [], {"detail": None}, {"detail": template(folder, "detail")}]
    return [*bodies, both, *no_events, *(event(name) for name in EVENTS if name not in IDS)]


def valid(folder: Path) -> list[Any]:
    """Return messages that start one run each."""
    created = event("created", CREATED)
    beside = replaced(event("joined", JOINED), (*DETAILS, "memberAccountId"), template(folder, "beside"))
    return [created, created, beside, event("closed", CLOSED), poisoned(event("departed", LEFT), folder)]


def seed(cloud: Emulators, account: str) -> None:
    cloud.seed_connector(connector("", arn_of(account)))


def organization(cloud: Emulators) -> None:
    """Create an organization without the accounts of some connectors."""
    active, closed = (CALLER_ACCOUNT, CREATED, JOINED, LAST, ACTIVE), (CLOSED, SPARED)
    cloud.organization([{"Id": one} for one in active] + [{"Id": one, "State": "CLOSED"} for one in closed])
    for account in (CLOSED, LEFT, SPARED, ACTIVE):
        seed(cloud, account)


def fill(cloud: Emulators, messages: list[Any]) -> None:
    """Send these, in order."""
    client = cloud.boto("sqs")
    url = client.create_queue(QueueName=QUEUE)["QueueUrl"]
    for start in range(0, len(messages), 10):
        entries = [
            {"Id": str(number), "MessageBody": body if isinstance(body, str) else json.dumps(body)}
            for number, body in enumerate(messages[start : start + 10])
        ]
        assert not client.send_message_batch(QueueUrl=url, Entries=entries).get("Failed")


def write(folder: Path, cloud: Emulators) -> None:
    """Write the files of a user: inventory, variables, the collection of the source."""
    inventory = folder / "inventory"
    (inventory / "group_vars").mkdir(parents=True)
    (inventory / "accounts.aws_organization.yml").write_text("plugin: trailbridge.sentinel.aws_organization\n")
    variables = {
        "sentinel_resource_group": "security",
        "sentinel_workspace": "sentinel",
        "sentinel_subscription_id": cloud.environment["AZURE_SUBSCRIPTION_ID"],
        "sentinel_assume_role": "OrganizationAccountAccessRole",
    }
    (inventory / "group_vars/all.yml").write_text(yaml.safe_dump(variables))
    (folder / "queue.yml").write_text(yaml.safe_dump({"sentinel_queue": QUEUE}))
    sources = folder / "ansible_collections/ansible/eda/extensions/eda/plugins/event_source"
    sources.mkdir(parents=True)
    shutil.copy(Path(__file__).with_name("aws_sqs_queue.py"), sources)


@contextlib.contextmanager
def rulebook(folder: Path, cloud: Emulators) -> Iterator[subprocess.Popen[str]]:
    """Run ansible-rulebook, which by itself never ends."""
    paths = os.pathsep.join([str(folder), os.environ["ANSIBLE_COLLECTIONS_PATH"]])
    process = subprocess.Popen(
        ["ansible-rulebook", "-r", "trailbridge.sentinel.onboard", "-i", "inventory", "--vars", "queue.yml"],
        cwd=folder,
        env=cloud.whole_environment(ANSIBLE_COLLECTIONS_PATH=paths, ANSIBLE_NOCOLOR="1"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    end = threading.Timer(TIMEOUT_SECONDS, os.killpg, (process.pid, signal.SIGKILL))
    end.start()
    try:
        yield process
    finally:
        end.cancel()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def connected(cloud: Emulators) -> set[str]:
    return {one["properties"]["awsRoleArn"].split(":")[4] for one in cloud.connectors()}


def until_connected(process: subprocess.Popen[str], cloud: Emulators, account: str) -> str:
    """Return the output up to the end of the run that connects the account."""
    assert process.stdout
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line)
        if RECAP.match(line) and account in connected(cloud):
            break
    return "".join(lines)


@pytest.fixture(scope="module")
def outcome(clouds: Emulators, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    folder, traces = tmp_path_factory.mktemp("eda"), tmp_path_factory.mktemp("traces")
    clouds.reset()
    organization(clouds)
    write(folder, clouds)
    fill(clouds, [*hostile(traces), *valid(traces), poisoned(event("joined_as_member", LAST), traces)])
    with rulebook(folder, clouds) as process:
        output = until_connected(process, clouds, LAST)
    return Outcome(output, connected(clouds), sorted(traces.iterdir()))


def test_no_template_of_an_event_is_executed(outcome: Outcome) -> None:
    assert outcome.traces == []


def test_added_accounts_are_connected_and_departed_ones_disconnected(outcome: Outcome) -> None:
    assert outcome.connected == {CREATED, JOINED, LAST, SPARED, ACTIVE}, outcome.output


def test_each_valid_event_starts_one_run_and_a_hostile_one_none(outcome: Outcome) -> None:
    assert outcome.output.count("PLAY RECAP") == 5, outcome.output
    recaps = [match.groups() for match in map(RECAP.match, outcome.output.splitlines()) if match]
    assert [numbers for numbers in recaps if numbers[1:] != ("0", "0")] == [], outcome.output
    assert [changed for changed, *_rest in recaps if changed != "0"] == ["1"] * 5, outcome.output
