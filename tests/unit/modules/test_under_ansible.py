# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules as Ansible runs them, all in one play."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from tests.emulators.client import Emulators

from .conftest import ACCOUNT, ARN
from .test_ingestion_info import arrived

WHERE = {"resource_group": "security", "workspace": "sentinel"}
MODULES = {
    "aws_role": {"account_id": ACCOUNT, "assume_role": "OrganizationAccountAccessRole"},
    "aws_connector": {"role_arn": ARN},
    "workspace_info": {},
    "ingestion_info": {},
}


def test_the_modules_run_under_ansible(cloud: Emulators, tmp_path: Path) -> None:
    arrived(cloud, {ACCOUNT: 0.1})
    tasks = [{f"trailbridge.sentinel.{name}": {**WHERE, **given}, "register": name} for name, given in MODULES.items()]
    results = "{{ dict(names | zip(names | map('extract', vars))) | to_json }}"
    save = {"ansible.builtin.copy": {"content": results, "dest": str(tmp_path / "results"), "mode": "0600"}}
    play = {"hosts": "localhost", "gather_facts": False, "vars": {"names": list(MODULES)}, "tasks": [*tasks, save]}
    (tmp_path / "play.yml").write_text(json.dumps([play]))
    process = subprocess.run(
        ["ansible-playbook", str(tmp_path / "play.yml"), "-vvv"],
        env=cloud.whole_environment(ANSIBLE_NOCOLOR="1"), capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    output = process.stdout + process.stderr
    assert process.returncode == 0, output
    result = json.loads((tmp_path / "results").read_text())
    assert [result["aws_role"]["role"]["arn"], result["aws_connector"]["connector"]["role_arn"]] == [ARN, ARN]
    assert result["workspace_info"]["workspace"]["onboarded"] is True
    assert result["ingestion_info"]["accounts"][ACCOUNT]["ingestion_status"] == "receiving"
    assert [secret for secret in cloud.secrets() if secret in output] == []
