# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every example runs, and the AWX objects fit together."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.credentials.sign_in import ENVIRONMENT
from tests.emulators import log_files, trail
from tests.emulators.client import CALLER_ACCOUNT, Emulators
from tests.emulators.s3_connection import S3Connection
from tests.resources import arn_of, connector
from tests.unit.modules.test_ingestion_info import arrived

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "examples"
AWX = EXAMPLES / "awx"
AWS_VARIABLES = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SECURITY_TOKEN"}
GONE = "999999999999"


def run(cloud: Emulators, folder: Path, inventory: str, *playbooks: str, **variables: str) -> str:
    """Run them one after the other in a copy of the examples, and return their output.

    One process for several playbooks: most of the time is that of a start.
    """
    shutil.copytree(EXAMPLES, folder / "examples", dirs_exist_ok=True)
    given = {"sentinel_subscription_id": cloud.environment["AZURE_SUBSCRIPTION_ID"], **variables}
    done = subprocess.run(
        ["ansible-playbook", *playbooks, "-i", inventory, "-e", json.dumps(given)],
        cwd=folder / "examples",
        env=cloud.whole_environment(ANSIBLE_NOCOLOR="1"),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_a_log_archive_account_connects_the_members_of_its_organization(cloud: Emulators, tmp_path: Path) -> None:
    archive, members = "222222222222", ("111111111111", "333333333333")
    bucket = f"aws-controltower-logs-{archive}-eu-west-1"
    logs = S3Connection(account=archive, region="eu-west-1", bucket=bucket)
    place = {"organization": "o-abc1234567", "prefix": "o-abc1234567"}
    logs.make_bucket(cloud)
    logs.boto(cloud, "cloudtrail").create_trail(
        Name="aws-controltower-BaselineCloudTrail",
        S3BucketName=bucket,
        S3KeyPrefix=place["prefix"],
        IsMultiRegionTrail=True,
        IsOrganizationTrail=True,
    )
    logs.boto(cloud, "s3").put_object(Bucket=bucket, Key=trail.key(archive, **place), Body=trail.content([]))
    done = run(cloud, tmp_path, "log_archive.inventory.yml", "trailbridge.sentinel.onboard")
    assert "3 accounts: 2 ok, 1 changed, 0 failed" in done
    for account in (archive, *members):
        body = trail.content([trail.event(account)])
        logs.boto(cloud, "s3").put_object(Bucket=bucket, Key=trail.key(account, **place), Body=body)
    done = run(cloud, tmp_path, "log_archive.inventory.yml", "trailbridge.sentinel.verify", sentinel_verify_wait="0")
    assert "3 accounts: 3 receiving" in done
    assert not {one["account"] for one in cloud.requests("aws")} & set(members)


def test_tables_of_a_log_archive_account_are_connected_one_of_them_by_a_topic(cloud: Emulators, tmp_path: Path) -> None:
    archive = "222222222222"
    logs = S3Connection(account=archive, region="eu-west-1", bucket=f"aws-controltower-logs-{archive}-eu-west-1")
    flows = replace(logs, bucket=f"flow-logs-{archive}", prefix="AWSLogs/", suffix=".gz")
    others = [replace(logs, bucket=name) for name in (f"guardduty-{archive}-eu-west-1", f"log-groups-{archive}")]
    for one in (logs, flows, *others):
        one.make_bucket(cloud)
    logs.boto(cloud, "cloudtrail").create_trail(Name="own", S3BucketName=logs.bucket)
    flows.notify_topic(cloud, flows.make_topic(cloud, name="flow-logs"))
    for changed in (True, False):
        done = run(cloud, tmp_path, "s3_tables.inventory.yml", "trailbridge.sentinel.onboard")
        assert f"1 account: {'0 ok, 1' if changed else '1 ok, 0'} changed, 0 failed" in done
    files = {"AWSVPCFlow": flows.bucket, "AWSGuardDuty": others[0].bucket, "AWSCloudWatch": others[1].bucket}
    for table, bucket in files.items():
        where = {"prefix": "payments/"} if table == "AWSCloudWatch" else {}
        log_files.deliver(cloud, table, bucket, archive, archive, **where)
    cloud.read_queues()
    assert {table: len(cloud.rows(table)) for table in files} == dict.fromkeys(files, 1)


def arns(cloud: Emulators, workspace: str | None = None) -> set[str]:
    """The accounts with a connector."""
    return {one["properties"]["awsRoleArn"].split(":")[4] for one in cloud.connectors(workspace)}


def test_one_account_module_by_module_and_one_departed_by_an_event(cloud: Emulators, tmp_path: Path) -> None:
    """A repeated event, or one before the listing shows the account, has nothing to remove."""
    cloud.organization([{"Id": one, "Name": one} for one in (CALLER_ACCOUNT, "111111111111")])
    cloud.seed_connector(connector("", arn_of(GONE)))
    playbooks = ["single_account.yml", "awx/project/drift.yml", *["awx/project/departed.yml"] * 2]
    done = run(cloud, tmp_path, "single_account.inventory.yml", *playbooks, sentinel_departed=GONE)
    assert arns(cloud) == {"111111111111"}
    assert "1 account: 1 ok, 0 would change, 0 failed" in done
    assert done.count(f"orphan: [{GONE}] the account has left the organization, ") == 1
    assert done.count("Nothing was removed") == 1


def test_one_account_of_an_event_then_the_others_in_batches(cloud: Emulators, tmp_path: Path) -> None:
    cloud.add_workspace(name="sentinel-america")
    playbooks = ["awx/project/onboard.yml", "batches.yml"]
    done = run(cloud, tmp_path, "several_workspaces.inventory.yml", *playbooks, sentinel_hosts="111111111112")
    assert re.findall(r"^changed: \[(\d{12})\]", done, re.MULTILINE)[0] == "111111111112"
    assert re.findall(r"\d accounts?: .*", done) == [
        "1 account: 0 ok, 1 changed, 0 failed",
        "1 account: 0 ok, 1 changed, 0 failed",
        "2 accounts: 1 ok, 1 changed, 0 failed",
    ]
    assert arns(cloud) == {"111111111111", "111111111112"}
    assert arns(cloud, "sentinel-america") == {"111111111113"}


def test_the_nightly_run_connects_verifies_and_removes_departed_accounts(cloud: Emulators, tmp_path: Path) -> None:
    """With the files of the guide, in a folder of their own."""
    accounts = ["111111111111", "222222222222"]
    cloud.organization([{"Id": one, "Name": one} for one in (CALLER_ACCOUNT, *accounts)])
    cloud.seed_connector(connector("", arn_of(GONE)))
    arrived(cloud, dict.fromkeys((CALLER_ACCOUNT, *accounts), 0.1))
    for name in ("accounts.aws_organization.yml", "nightly.sh"):
        shutil.copy(EXAMPLES / name, tmp_path)
    shared = (EXAMPLES / "group_vars/aws_accounts.yml").read_text(encoding="utf-8")
    (theirs,) = re.findall(r"^sentinel_subscription_id: (.*)$", shared, re.MULTILINE)
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars/all.yml").write_text(shared.replace(theirs, cloud.environment["AZURE_SUBSCRIPTION_ID"]))
    (tmp_path / "credentials").write_text("export ANSIBLE_NOCOLOR=1\n")
    done = subprocess.run(
        [tmp_path / "nightly.sh"],
        env=cloud.whole_environment(),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert arns(cloud) == {CALLER_ACCOUNT, *accounts}
    assert "3 accounts: 0 ok, 3 changed, 0 failed" in done.stdout
    assert "3 accounts: 3 receiving" in done.stdout
    assert f"orphan: [{GONE}]" in done.stdout
    assert len(list((tmp_path / "reports").glob("2*/report.html"))) == 3


def imported(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((AWX / f"{name}.yml").read_text(encoding="utf-8"))
    return loaded


def test_the_credential_sets_the_environment_variables_that_are_read() -> None:
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
        # Paths of the project that the page describes, which holds these files at its top.
        assert (AWX / "project" / one["playbook"]).is_file()
        assert one.get("job_slice_count", 1) == 1
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
    assert "ansible-core>=2.19.4" in (tmp_path / "context/Containerfile").read_text(encoding="utf-8")


def test_an_execution_environment_has_the_requirements_of_the_collection(tmp_path: Path) -> None:
    """`introspect` finds the requirements of the collection, as in a build."""
    place = tmp_path / "ansible_collections/trailbridge"
    place.mkdir(parents=True)
    (place / "sentinel").symlink_to(ROOT)
    listed = yaml.safe_load(builder("introspect", str(tmp_path), folder=tmp_path))
    found = [line.split("  # from")[0] for line in listed["python"]]
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    assert sorted(found) == sorted(line for line in text.splitlines() if line and not line.startswith("#"))
