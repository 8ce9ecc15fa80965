# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The examples that take results elsewhere run: mail, webhook and metrics of the nightly script, CI, alerts."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from tests.emulators.client import CALLER_ACCOUNT, Emulators
from tests.tools.skipped import NO_CURL
from tests.unit.modules.test_ingestion_info import arrived
from tests.unit.report import reports
from tests.unit.report.test_report import written

from .test_examples import EXAMPLES

ACCOUNTS = (CALLER_ACCOUNT, "111111111111", "222222222222")
SECRET_PATH = "/hooks/T0-secret-of-the-webhook"
MAIL_TO = "security@example.com"


class Webhook(HTTPServer):
    """Keeps what it receives."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Receiver)
        self.received: list[tuple[str, Any]] = []


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        assert isinstance(self.server, Webhook)
        assert self.headers["Content-Type"] == "application/json"
        self.server.received.append((self.path, json.loads(body)))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with Webhook() as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def folder(cloud: Emulators, tmp_path: Path) -> Path:
    """A folder with the files that each of the examples needs, for an organization of three accounts."""
    cloud.organization([{"Id": one, "Name": one} for one in ACCOUNTS])
    shared = (EXAMPLES / "group_vars/aws_accounts.yml").read_text(encoding="utf-8")
    (theirs,) = re.findall(r"^sentinel_subscription_id: (.*)$", shared, re.MULTILINE)
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars/all.yml").write_text(shared.replace(theirs, cloud.environment["AZURE_SUBSCRIPTION_ID"]))
    shutil.copy(EXAMPLES / "accounts.aws_organization.yml", tmp_path)
    return tmp_path


def start(cloud: Emulators, folder: Path, *command: str | Path, **variables: str) -> tuple[int, str]:
    done = subprocess.run(
        command,
        cwd=folder,
        env=cloud.whole_environment(ANSIBLE_NOCOLOR="1", **variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=240,
        check=False,
    )
    return done.returncode, done.stdout


def junit(folder: Path) -> dict[str, str]:
    """The number of failures in the JUnit file of each playbook."""
    suites = {
        path.parent.name: ET.parse(path).find(".//testsuite") for path in folder.glob("reports/2*/report.junit.xml")
    }
    return {name.rpartition("-")[2]: suite.attrib["failures"] for name, suite in suites.items() if suite is not None}


@pytest.mark.skipif(not shutil.which("curl"), reason=NO_CURL)
def test_the_nightly_run_mails_posts_and_publishes(cloud: Emulators, folder: Path, webhook: Webhook) -> None:
    """No event arrives, so `verify` requires action; the other two do not."""
    shutil.copy(EXAMPLES / "nightly.sh", folder)
    (folder / "sendmail").write_text('#!/bin/sh\necho "$@" > arguments\ncat > mail.$$\n')
    (folder / "sendmail").chmod(0o700)
    (folder / "metrics").mkdir()
    (folder / "credentials").write_text(
        f"MAIL_TO={MAIL_TO}\nWEBHOOK=http://127.0.0.1:{webhook.server_port}{SECRET_PATH}\n"
        f"METRICS_DIR={folder}/metrics\nSENDMAIL={folder}/sendmail\n"
    )
    code, output = start(cloud, folder, folder / "nightly.sh")
    assert code == 2, output
    assert "onboard: no action is required." in output
    check_mail(folder, "verify")
    [(path, sent)] = webhook.received
    assert path == SECRET_PATH
    assert re.fullmatch(r"Microsoft Sentinel: verify on \S+ requires action. The report is in (\S+)\.", sent["text"])
    assert (folder / sent["text"].rpartition(" ")[2].rstrip(".") / "report.html").is_file()
    check_metrics(folder / "metrics", folder.name)
    assert SECRET_PATH not in output
    check_no_secret(cloud, folder)


def check_mail(folder: Path, playbook: str) -> None:
    [path] = folder.glob("mail.*")
    mail = message_from_bytes(path.read_bytes(), policy=policy.default)
    assert mail["To"] == MAIL_TO
    assert f": {playbook} on " in mail["Subject"]
    [report] = folder.glob(f"reports/*-{playbook}/report.md")
    assert mail.get_content().strip() == report.read_text(encoding="utf-8").strip()
    assert (folder / "arguments").read_text() == "-i -t\n", "a line with a single dot does not end the mail"


def check_metrics(folder: Path, name: str) -> None:
    playbooks = ("departed", "onboard", "verify")
    files = [f"trailbridge_sentinel_{name}_{playbook}.prom" for playbook in playbooks]
    assert sorted(path.name for path in folder.iterdir()) == files
    for path, playbook in zip(sorted(folder.iterdir()), playbooks, strict=True):
        assert path.stat().st_mode & 0o777 == 0o644, "node_exporter is another user"
        samples = [sample for one in text_string_to_metric_families(path.read_text()) for sample in one.samples]
        assert {sample.labels["playbook"] for sample in samples} == {playbook}
        sources = {sample.labels["source"] for sample in samples if "source" in sample.labels}
        assert sources == (set() if playbook == "departed" else {"cloudtrail"})


def check_no_secret(cloud: Emulators, folder: Path) -> None:
    secrets = [cloud.environment[name] for name in ("AWS_SECRET_ACCESS_KEY", "AZURE_SECRET")]
    for path in folder.rglob("*"):
        if path.is_file() and path.name != "credentials":
            content = path.read_text(encoding="utf-8", errors="replace")
            assert not [secret for secret in (*secrets, SECRET_PATH) if secret in content], path


def test_the_workflow_of_github_runs(cloud: Emulators, folder: Path) -> None:
    workflow = yaml.safe_load((EXAMPLES / "ci/github.yml").read_text(encoding="utf-8"))
    [job] = workflow["jobs"].values()
    steps = [step["run"] for step in job["steps"] if "run" in step]
    assert "pip install" in steps[0], "the first one needs the network"
    arrived(cloud, dict.fromkeys(ACCOUNTS, 0.1))
    for step in steps[1:]:
        shell = ("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step)
        code, output = start(cloud, folder, *shell, **job["env"], GITHUB_STEP_SUMMARY=str(folder / "summary.md"))
        assert code == 0, output
    assert (folder / "summary.md").read_text(encoding="utf-8").startswith("# ")
    uploads = {key: value for step in job["steps"] for key, value in step.get("with", {}).items()}
    assert {path.name for path in folder.glob(uploads["report_paths"])} == {"report.junit.xml"}
    assert (folder / uploads["path"]).is_dir()
    assert junit(folder) == {"onboard": "0", "verify": "0"}


@pytest.mark.parametrize("receiving", [True, False])
def test_the_pipeline_of_gitlab_runs(receiving: bool, cloud: Emulators, folder: Path) -> None:
    pipeline = yaml.safe_load((EXAMPLES / "ci/gitlab.yml").read_text(encoding="utf-8"))
    job = pipeline["accounts"]
    arrived(cloud, dict.fromkeys(ACCOUNTS, 0.1) if receiving else {})
    code, output = start(cloud, folder, "bash", "-eo", "pipefail", "-c", "\n".join(job["script"]), **job["variables"])
    assert (code == 0) is receiving, output
    assert list(folder.glob(job["artifacts"]["reports"]["junit"]))
    assert job["artifacts"]["when"] == "always"
    assert junit(folder) == {"onboard": "0", "verify": "0" if receiving else "3"}


def test_the_alerts_read_metrics_and_labels_that_exist(tmp_path: Path) -> None:
    header, rows = reports.run(100, "verify")
    text = (written(tmp_path, *rows, **header) / "report.prom").read_text(encoding="utf-8")
    labels = {one.name: {*one.samples[0].labels} for one in text_string_to_metric_families(text)}
    rules = yaml.safe_load((EXAMPLES / "prometheus/alerts.yml").read_text(encoding="utf-8"))
    for rule in (rule for group in rules["groups"] for rule in group["rules"]):
        (metric,) = re.findall(r"trailbridge_sentinel_\w+", rule["expr"])
        used = re.findall(r'(\w+)[!=~]+"', rule["expr"])
        used += [name for names in re.findall(r"by \(([\w, ]+)\)", rule["expr"]) for name in names.split(", ")]
        used += re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"])
        assert {*used} <= labels[metric], rule["alert"]
