# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every example runs, and what an operator imports fits together."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.sign_in import ENVIRONMENT
from tests.emulators.client import Emulators

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "examples"
AWX = EXAMPLES / "awx"
AWS_VARIABLES = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SECURITY_TOKEN"}
GONE = "999999999999"


def run(cloud: Emulators, folder: Path, playbook: str, inventory: str, *options: str, **more: str) -> str:
    """Run it in a copy of the examples, with the subscription of the emulators, and return what it says."""
    shutil.copytree(EXAMPLES, folder / "examples", dirs_exist_ok=True)
    subscription = f"sentinel_subscription_id={cloud.environment['AZURE_SUBSCRIPTION_ID']}"
    command = ["ansible-playbook", playbook, "-i", inventory, "-e", subscription, *options]
    done = subprocess.run(
        command,
        cwd=folder / "examples",
        env=cloud.whole_environment(ANSIBLE_NOCOLOR="1", **more),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def arns(cloud: Emulators, workspace: str | None = None) -> set[str]:
    """The accounts whose connectors are there."""
    return {one["properties"]["awsRoleArn"].split(":")[4] for one in cloud.connectors(workspace)}


@pytest.mark.parametrize(
    ("playbook", "inventory", "found"),
    [
        ("single_account.yml", "single_account.inventory.yml", [{"111111111111"}, set()]),
        (
            "trailbridge.sentinel.onboard",
            "several_workspaces.inventory.yml",
            [{"111111111111", "111111111112"}, {"111111111113"}],
        ),
        (
            "batches.yml",
            "several_workspaces.inventory.yml",
            [{"111111111111", "111111111112"}, {"111111111113"}],
        ),
        ("awx/project/onboard.yml", "single_account.inventory.yml", [{"111111111111"}, set()]),
    ],
)
def test_an_example_connects_its_accounts(
    cloud: Emulators, tmp_path: Path, playbook: str, inventory: str, found: list[set[str]]
) -> None:
    cloud.add_workspace(name="sentinel-america")
    run(cloud, tmp_path, playbook, inventory)
    assert [arns(cloud), arns(cloud, "sentinel-america")] == found


def test_what_an_event_leads_to(cloud: Emulators, tmp_path: Path) -> None:
    """The playbooks of the rulebook: one account of the inventory, and one that is in it no longer."""
    inventory = "several_workspaces.inventory.yml"
    run(cloud, tmp_path, "trailbridge.sentinel.onboard", inventory, "-e", '{"sentinel_hosts": "111111111112"}')
    assert arns(cloud) == {"111111111112"}
    role = f"arn:aws:iam::{GONE}:role/MicrosoftSentinelRole"
    cloud.seed_connector({"kind": "AmazonWebServicesCloudTrail", "properties": {"awsRoleArn": role}})
    one = "single_account.inventory.yml"
    run(cloud, tmp_path, "trailbridge.sentinel.departed", one, "-e", f'{{"sentinel_departed": "{GONE}"}}')
    assert arns(cloud) == {"111111111112"}
    with pytest.raises(AssertionError, match="so it is not gone"):
        run(cloud, tmp_path, "trailbridge.sentinel.departed", one, "-e", '{"sentinel_departed": "111111111111"}')


def imported(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((AWX / f"{name}.yml").read_text(encoding="utf-8"))
    return loaded


def test_the_credential_sets_what_is_read() -> None:
    (kind,) = imported("credential_type")["credential_types"]
    azure = {name for names in ENVIRONMENT.values() for name in names} | {"AZURE_SUBSCRIPTION_ID"}
    injected = kind["injectors"]["env"]
    assert injected.keys() <= AWS_VARIABLES | azure
    assert AWS_VARIABLES | {"AZURE_TENANT", "AZURE_SECRET"} <= injected.keys()
    fields = {field["id"]: field for field in kind["inputs"]["fields"]}
    assert {re.fullmatch(r"{{ (\w+) }}", value)[1] for value in injected.values()} == fields.keys()  # type: ignore[index]
    secret = {name for name, field in fields.items() if field.get("secret")}
    assert secret == {"secret_key", "security_token", "secret"}


def test_templates_schedule_and_workflow_fit_together() -> None:
    templates = {one["name"]: one for one in imported("job_template")["job_templates"]}
    for one in templates.values():
        assert (ROOT / one["playbook"]).is_file()
        assert "'" not in yaml.safe_dump(yaml.safe_load(one.get("extra_vars", "{}")))
    (workflow,) = imported("workflow")["workflow_job_templates"]
    nodes = {node["identifier"]: node for node in workflow["related"]["workflow_nodes"]}
    assert {node["unified_job_template"]["name"] for node in nodes.values()} <= templates.keys()
    for node in nodes.values():
        assert {after["identifier"] for after in node.get("related", {}).get("always_nodes", [])} <= nodes.keys()
    (schedule,) = imported("schedule")["schedules"]
    assert schedule["unified_job_template"]["name"] == workflow["name"]
    assert re.fullmatch(r"DTSTART;TZID=\S+:\d{8}T\d{6} RRULE:FREQ=DAILY;INTERVAL=1", schedule["rrule"])


def builder(*arguments: str, folder: Path) -> str:
    command = [sys.executable, "-m", "ansible_builder", *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, timeout=60).stdout


def test_an_execution_environment_can_be_built(tmp_path: Path) -> None:
    """`create` writes the context of the image, without network or containers."""
    definition = AWX / "execution-environment.yml"
    builder("create", "-f", str(definition), "-c", "context", "--output-filename", "Containerfile", folder=tmp_path)
    wanted = yaml.safe_load((tmp_path / "context/_build/requirements.yml").read_text(encoding="utf-8"))
    assert [one["name"] for one in wanted["collections"]] == ["trailbridge.sentinel"]
    assert "ansible-core>=2.19" in (tmp_path / "context/Containerfile").read_text(encoding="utf-8")


def test_an_execution_environment_gets_our_requirements(tmp_path: Path) -> None:
    """`introspect` finds what the collection needs, as a build does."""
    place = tmp_path / "ansible_collections/trailbridge"
    place.mkdir(parents=True)
    (place / "sentinel").symlink_to(ROOT)
    listed = yaml.safe_load(builder("introspect", str(tmp_path), folder=tmp_path))
    found = [line.split("  # from")[0] for line in listed["python"]]
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    assert sorted(found) == sorted(line for line in text.splitlines() if line and not line.startswith("#"))
