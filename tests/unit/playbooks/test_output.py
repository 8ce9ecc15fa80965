# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person sees on the terminal by default: a screen with what matters at its end, however many accounts."""

from __future__ import annotations

import re
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.emulators import faults
from tests.emulators.client import Emulators

from .conftest import WORKSPACE, Run

MAX_LINES, MAX_LENGTH = 60, 300
Hosts = dict[str, dict[str, Any]]
Command = Callable[..., Run]


@pytest.fixture
def command(cloud: Emulators, tmp_path: Path) -> Command:
    """Run a playbook of the collection without -v; capital letters are variables of its environment."""

    def run(playbook: str, hosts: Hosts, *options: str, **variables: Any) -> Run:
        environment = {name: variables.pop(name) for name in list(variables) if name.isupper()}
        inventory = tmp_path / "accounts.yml"
        inventory.write_text(yaml.safe_dump({"all": {"hosts": hosts, "vars": {**WORKSPACE, **variables}}}))
        done = subprocess.run(
            ["ansible-playbook", f"trailbridge.sentinel.{playbook}", "-i", str(inventory), *options],
            cwd=tmp_path,
            env=cloud.whole_environment(**{"ANSIBLE_NOCOLOR": "1", **environment}),
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
        return Run(done.returncode, done.stdout + done.stderr)

    return run


def fleet(accounts: int, *, widened: int = 0, denied: int = 0) -> Hosts:
    """Hosts of accounts that need no request, of which some have a finding and some cannot be read."""
    hosts: Hosts = {}
    for number in range(accounts):
        own = {"aws_account_id": f"{200000000000 + number}", "sentinel_sources": [], "sentinel_workspace": "central"}
        if number < widened:
            own["sentinel_workspace"] = "sentinel"
        elif number < widened + denied:
            own["sentinel_sources"] = ["cloudtrail"]
        hosts[f"team{number:04}"] = own
    return hosts


@pytest.fixture
def fed(cloud: Emulators) -> Emulators:
    """A workspace that an S3 connector feeds, and one without."""
    cloud.add_workspace(name="central")
    role = "arn:aws:iam::444444444401:role/OIDC_MicrosoftSentinelRole"
    queue = "https://sqs.us-east-1.amazonaws.com/444444444401/queue"
    properties = {
        "roleArn": role,
        "sqsUrls": [queue],
        "destinationTable": "AWSCloudTrail",
        "dataTypes": {"logs": {"state": "Enabled"}},
    }
    cloud.seed_connector({"kind": "AmazonWebServicesS3", "properties": properties}, "central")
    return cloud


def lines_of(run: Run) -> list[str]:
    lines = run.output.splitlines()
    assert [line for line in lines if len(line) > MAX_LENGTH] == []
    return lines


def test_1000_accounts_with_90_not_right_are_a_screen(fed: Emulators, command: Command, tmp_path: Path) -> None:
    fed.fault(operation="AssumeRole", **faults.IDENTITY_DENIED)
    run = command("drift", fleet(1000, widened=60, denied=30), sentinel_report_dir=str(tmp_path / "reports"))
    lines = lines_of(run)
    assert run.code == 2
    assert len(lines) <= MAX_LINES, run.output
    order = [
        r"1000 accounts: 970 ok, 0 would change, 30 failed$",
        r" +60  high source_missing ",
        r" +30  assume_denied ",
        r" +Cannot assume role ",
        r"Report: ",
        r"Next: ",
        r"PLAY RECAP counts tasks: there team0000 stands for all 1000 accounts",
        r"fatal: \[team0000\]: .*90 of 1000 accounts",
    ]
    found = [next(number for number, line in enumerate(lines) if re.match(one, line)) for one in order]
    assert found == sorted(found)
    assert len(re.findall("Cannot assume role", run.output)) == 1
    assert run.recap.keys() == {"localhost", "team0000"}


def test_of_many_accounts_that_are_not_ready_one_host_fails(cloud: Emulators, command: Command) -> None:
    run = command("preflight", fleet(60), sentinel_aws_profile="nowhere")
    lines = lines_of(run)
    assert run.code == 2
    assert len(lines) <= MAX_LINES, run.output
    assert "60 accounts: 0 ready, 60 not ready" in lines
    assert {host for host, numbers in run.recap.items() if numbers["failed"]} == {"team0000"}
    assert re.search(r"fatal: \[team0000\]: .*60 of 60 accounts are not ready", run.output)


def test_with_v_every_account_has_its_lines_and_fails_its_host(fed: Emulators, command: Command) -> None:
    run = command("drift", fleet(20, widened=10), "-v")
    assert run.output.count("differs: [") == 10
    assert {host for host, numbers in run.recap.items() if numbers["failed"]} == {f"team{n:04}" for n in range(10)}


def test_a_refused_run_displays_a_sentence(fed: Emulators, command: Command) -> None:
    hosts = fleet(300, denied=300)
    fed.fault(operation="AssumeRole", **faults.IDENTITY_DENIED)
    run = command("onboard", hosts, "-e", "sentinel_max_change_percent=1")
    assert len(lines_of(run)) <= MAX_LINES
    assert "too_many_changes" in run.output


@pytest.mark.parametrize("playbook", ["drift", "verify"])
def test_a_bad_choice_displays_no_specification(playbook: str, cloud: Emulators, command: Command) -> None:
    run = command(playbook, fleet(3), "-e", "sentinel_fail_on=sometimes")
    assert run.code == 2
    assert len(lines_of(run)) <= MAX_LINES
    assert "drift" in run.output


def test_lines_have_the_colors_of_ansible(fed: Emulators, command: Command) -> None:
    fed.fault(operation="AssumeRole", **faults.IDENTITY_DENIED)
    colors = {"ANSIBLE_NOCOLOR": "", "ANSIBLE_FORCE_COLOR": "1", "ANSIBLE_COLOR_ERROR": "bright purple"}
    run = command("onboard", fleet(1, denied=1), **colors)
    assert "\033[1;35m1 account: 0 ok, 0 changed, 1 failed" in run.output


def test_accounts_have_their_names(fed: Emulators, command: Command) -> None:
    hosts = {"200000000001": {"sentinel_sources": [], "aws_account_name": "Payments [prod]\n"}}
    assert "[200000000001 Payments (prod)" in command("drift", hosts).output


def test_the_optional_recap_counts_accounts(fed: Emulators, command: Command) -> None:
    hosts = fleet(100, widened=2)
    assert "ACCOUNTS" not in command("drift", hosts).output
    run = command("drift", hosts, ANSIBLE_CALLBACKS_ENABLED="trailbridge.sentinel.recap")
    recap = run.output.partition("ACCOUNTS ***")[2]
    assert "fleet: 100 accounts: 100 ok, 0 would change, 0 failed" in recap
    assert re.findall(r"^ok: \[(\d+) team\d+\] high source_missing$", recap, re.MULTILINE) == [
        "200000000000",
        "200000000001",
    ]


@contextmanager
def silent_server() -> Iterator[str]:
    """A server that accepts connections and never responds; yields its address."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize(
    ("name", "inventory_data"),
    [
        ("accounts.yml", {"all": {"hosts": {"200000000001": {}}, "vars": WORKSPACE}}),
        ("aws_organization.yml", {"plugin": "trailbridge.sentinel.aws_organization"}),
    ],
    ids=["hosts", "organization"],
)
def test_nobody_waits_for_an_unreachable_service_without_a_line(
    name: str, inventory_data: dict[str, Any], cloud: Emulators, tmp_path: Path
) -> None:
    inventory = tmp_path / name
    inventory.write_text(yaml.safe_dump(inventory_data))
    with silent_server() as address:
        child = subprocess.Popen(
            ["ansible-playbook", "trailbridge.sentinel.onboard", "-i", str(inventory)],
            env=cloud.whole_environment(AWS_ENDPOINT_URL=address, ANSIBLE_NOCOLOR="1"),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert child.stdout
        try:
            line = next(line for line in child.stdout if re.match(r"\d+ s: still ", line))
        finally:
            child.terminate()
            child.communicate(timeout=30)
    assert int(line.split()[0]) < 10
