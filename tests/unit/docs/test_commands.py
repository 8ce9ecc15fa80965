# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands of the pages and the examples of the modules run as they are printed."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3.source import default_queue_name
from tests.emulators import trail
from tests.emulators.client import CUSTOMER_ID, Emulators
from tests.emulators.s3_connection import S3Connection
from tests.unit.modules.test_ingestion_info import arrived
from tests.unit.playbooks.test_stackset import organization
from tests.unit.test_promises import MODULES, text

from .test_guides import ROOT
from .test_snippets import COMMANDS

ORDER = ["onboard", "drift", "verify", "offboard", "stackset"]
TO_OFFBOARD = [f"33333333333{number}" for number in range(4)]
ONE, TWO = "111111111111", "222222222222"
PRINTED_QUEUE = "MicrosoftSentinel-AWSCloudTrail-0a1b2c3d"
PRINTED_ID = "00aa00aa-1111-2222-3333-444455556666"


def run(cloud: Emulators, folder: Path, *command: str) -> str:
    environment = cloud.whole_environment(ANSIBLE_NOCOLOR="1", ANSIBLE_HOME=str(folder / "home"))
    subscription = ["-e", f"sentinel_subscription_id={cloud.environment['AZURE_SUBSCRIPTION_ID']}"]
    completed = subprocess.run(
        [*command, *subscription], cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert completed.returncode == 0, completed.stdout + completed.stderr
    return completed.stdout


def inventory() -> dict[str, Any]:
    """The inventory of the README, with some accounts for `offboard`."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    [printed] = [block for block in re.findall(r"```yaml\n(.*?)```", readme, re.DOTALL) if "aws_account_id" in block]
    loaded: dict[str, Any] = yaml.safe_load(printed)
    loaded["all"]["hosts"] |= {account: {} for account in TO_OFFBOARD}
    loaded["all"]["children"] = {"leaving": {"hosts": {TO_OFFBOARD[0]: {}}}}
    return loaded


def rank(words: list[str]) -> tuple[int, bool, bool]:
    return ORDER.index(words[1].rpartition(".")[2]), "--check" not in words, "--limit" not in words


def test_the_commands_of_the_pages_work(cloud: Emulators, tmp_path: Path) -> None:
    (tmp_path / "accounts.yml").write_text(yaml.safe_dump(inventory()))
    unit, _accounts = organization(cloud)
    (tmp_path / "units.yml").write_text(f"sentinel_stackset_organizational_units: [{unit}]\n")
    arrived(cloud, dict.fromkeys([ONE, TWO, *TO_OFFBOARD], 0.1))
    commands = {tuple(shlex.split(command, comments=True)) for command in COMMANDS}
    playbooks = [list(words) for words in commands if words[0] == "ansible-playbook" and "accounts.yml" in words]
    outputs = {" ".join(words[1:]): run(cloud, tmp_path, *words) for words in sorted(playbooks, key=rank)}
    assert [words[1].rpartition(".")[2] for words in sorted(playbooks, key=rank)] == [
        *["onboard"] * 4, "drift", "verify", *["offboard"] * 2, "stackset",
    ]  # fmt: skip
    onboard = "trailbridge.sentinel.onboard -i accounts.yml"
    assert "6 accounts: 0 ok, 6 would change, 0 failed" in outputs[f"{onboard} --check --diff"]
    assert "1 account: 0 ok, 1 would change, 0 failed" in outputs[f"{onboard} --check --diff --limit payments"]
    assert "1 account: 0 ok, 1 changed, 0 failed" in outputs[f"{onboard} --limit payments"]
    assert "6 accounts: 1 ok, 5 changed, 0 failed" in outputs[onboard]
    assert "6 accounts: 6 receiving" in outputs["trailbridge.sentinel.verify -i accounts.yml"]
    assert (
        "1 account: 0 ok, 1 changed, 0 failed"
        in outputs["trailbridge.sentinel.offboard -i accounts.yml --limit leaving"]
    )
    assert cloud.connectors() == []


def test_the_examples_of_the_modules_work(cloud: Emulators, tmp_path: Path) -> None:
    unit, _accounts = organization(cloud)
    arrived(cloud, dict.fromkeys([ONE, TWO], 0.1))
    cloud.settings(sessions_arrive=True)
    order = sorted(MODULES, key=lambda name: ("ingestion" in name, "connector" in name, name))
    written = yaml.safe_dump([{"run_once": True, **task} for name in order for task in text(name, "EXAMPLES")])
    queue = archive(cloud)
    for printed, emulated in (
        ("ou-ab12-11111111", unit),
        ("ou-ab12-22222222", second_unit(cloud)),
        (PRINTED_ID, CUSTOMER_ID),
        (PRINTED_QUEUE, queue),
    ):
        assert printed in written
        written = written.replace(printed, emulated)
    play = {"hosts": "all", "gather_facts": False, "connection": "local", "tasks": yaml.safe_load(written)}
    here = {"ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    (tmp_path / "play.yml").write_text(yaml.safe_dump([play]))
    (tmp_path / "accounts.yml").write_text(yaml.safe_dump({"all": {"hosts": {ONE: {}, TWO: {}}, "vars": here}}))
    run(cloud, tmp_path, "ansible-playbook", "play.yml", "-i", "accounts.yml")
    connectors = [raw["properties"] for raw in cloud.connectors()]
    assert {one["awsRoleArn"].split(":")[4] for one in connectors if "awsRoleArn" in one} == {ONE, TWO}
    assert [url.rpartition("/")[2] for one in connectors for url in one.get("sqsUrls", ())] == [queue]
    assert len(cloud.boto("cloudformation").list_stack_sets()["Summaries"]) == 1


def archive(cloud: Emulators) -> str:
    """Make the bucket of AWS Control Tower, and return the name of the queue that belongs to it."""
    organization_id = "o-abc1234567"
    bucket = S3Connection(account=TWO, region="eu-west-1", bucket=f"aws-controltower-logs-{TWO}-eu-west-1")
    bucket.make_bucket(cloud)
    cloud.boto("cloudtrail", TWO, bucket.region).create_trail(
        Name="aws-controltower-BaselineCloudTrail",
        S3BucketName=bucket.bucket,
        S3KeyPrefix=organization_id,
        IsMultiRegionTrail=True,
        IsOrganizationTrail=True,
    )
    key = trail.key(ONE, organization=organization_id, prefix=organization_id)
    bucket.boto(cloud, "s3").put_object(Bucket=bucket.bucket, Key=key, Body=trail.content([]))
    return default_queue_name("AWSCloudTrail", bucket.bucket, f"{organization_id}/AWSLogs/{organization_id}/")


def second_unit(cloud: Emulators) -> str:
    api = cloud.boto("organizations")
    root = api.list_roots()["Roots"][0]["Id"]
    unit: str = api.create_organizational_unit(ParentId=root, Name="lab")["OrganizationalUnit"]["Id"]
    return unit
