# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text of others in policies, names, tags, responses and tables adds no line to the terminal."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import yaml

from tests.emulators.client import CUSTOMER_ID, Emulators
from tests.faults.world import World, arn_of, connector, name_of
from tests.unit.modules.test_ingestion_info import arrived, unhealthy
from tests.unit.playbooks.conftest import WORKSPACE

from .plants import at, iam, pinned, statement, trusting

LINE = "ok: [222222222222] MARK"
# XML cannot contain all of these characters.
HOSTILE_TEXT = f"x\n{LINE}\x9b1A\u202e\u200f\u200b\u2028{LINE}\ufeff\U000e0041"
FORGED = f"x\n{LINE}\r{LINE}\x1b[2K\x9b1A\u202e\u2066\u200f\u061c\u200b\u2028{LINE}\x85{LINE}\ufeff\U000e0041"
TRUST, DENIED, ARM, CONFLICT, TAGS, STALE = (f"11111111111{number}" for number in range(6))
PLAY = """
- hosts: all
  gather_facts: false
  connection: local
  tasks:
    - trailbridge.sentinel.fleet:
        report_dir: "{{ sentinel_report_dir }}"
        find_unconnected_roles: true
        fail_on: drift
        role_tags: {owner: security}
      check_mode: "{{ preview }}"
      ignore_errors: true
      register: done
      loop: [true, false]
      loop_control: {loop_var: preview}
    - trailbridge.sentinel.fleet_ingestion_info: {wait: 0, report_dir: "{{ sentinel_report_dir }}"}
      ignore_errors: true
    - run_once: true
      ignore_errors: true
      block:
        - trailbridge.sentinel.aws_role_info: {account_id: "111111111110"}
        - trailbridge.sentinel.aws_connector:
            role_arn: arn:aws:iam::111111111112:role/MicrosoftSentinelRole
"""


def plant(cloud: Emulators) -> None:
    """Put a hostile string into every value that is read."""
    accounts = (TRUST, DENIED, ARM, CONFLICT, TAGS, STALE)
    world = World(cloud)
    for account in accounts:
        world.connect_role(account)
    hostile = statement(Sid="x", Condition=pinned([CUSTOMER_ID, FORGED]), Principal={"AWS": ["*", FORGED]})
    trusting(statement(), hostile, {**hostile, FORGED: FORGED})(cloud, TRUST)
    iam("tag_role", Tags=[{"Key": "owner", "Value": HOSTILE_TEXT}])(cloud, TAGS)
    iam("update_role", Description=f"é {HOSTILE_TEXT}")(cloud, TAGS)
    at(cloud, TAGS).create_role(RoleName="Other", AssumeRolePolicyDocument=json.dumps({"Statement": [statement()]}))
    iam("untag_role", TagKeys=["trailbridge.sentinel"])(cloud, CONFLICT)
    trusting(hostile)(cloud, CONFLICT)
    cloud.fault(operation="GetRole", account=DENIED, status=403, code=HOSTILE_TEXT, message=HOSTILE_TEXT, service="aws")
    for account in accounts[:3]:
        cloud.seed_connector(connector(name_of(account), arn_of(account), "disabled"))
    cloud.seed_connector(connector(FORGED, arn_of(STALE, f"Old{FORGED}")))
    cloud.seed_connector(connector("y", f"arn:aws:iam::{STALE}:role/{FORGED}", FORGED))
    cloud.fault(
        operation="DataConnectors_CreateOrUpdate", account=ARM, status=403, code=FORGED, message=FORGED, service="azure"
    )
    arrived(cloud, {TRUST: 0.1})
    cloud.seed_connector(connector(f"c-{DENIED}", arn_of(DENIED)))
    unhealthy(cloud, DENIED, FORGED)


def seen(cloud: Emulators, folder: Path, *options: str, **environment: str) -> str:
    hosts = {account: {"aws_ou_path": f"/{FORGED}"} for account in (TRUST, DENIED, ARM, CONFLICT, TAGS)}
    inventory, play = folder / "accounts.yml", folder / "play.yml"
    inventory.write_text(yaml.safe_dump({"all": {"hosts": {**hosts, "h": {"aws_account_id": STALE}}, "vars": {
        **WORKSPACE, "ansible_python_interpreter": sys.executable, "sentinel_report_dir": str(folder / "reports"),
    }}}))  # fmt: skip
    defaults = {
        "group/trailbridge.sentinel.aws": {"assume_role": "OrganizationAccountAccessRole"},
        "group/trailbridge.sentinel.azure": {"resource_group": "security", "workspace": "sentinel"},
    }
    [content] = yaml.safe_load(PLAY)
    play.write_text(yaml.safe_dump([{**content, "module_defaults": defaults}]))
    done = subprocess.run(
        ["ansible-playbook", str(play), "-i", str(inventory), *options],
        cwd=folder,
        env=cloud.whole_environment(ANSIBLE_NOCOLOR="1", **environment),
        capture_output=True,
        timeout=120,
        check=False,
    )
    return (done.stdout + done.stderr).decode()


def hidden(text: str) -> set[str]:
    return {letter for letter in text.replace("\n", "") if not letter.isprintable()}


def test_no_text_of_others_adds_a_line_to_the_terminal(cloud: Emulators, tmp_path: Path) -> None:
    plant(cloud)
    # YAML escapes less than JSON does; a traceback shows the causes of an error as well.
    style = {"ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml", "ANSIBLE_DISPLAY_TRACEBACK": "error"}
    output = seen(cloud, tmp_path, "-vvv", "--diff", **style)
    for part in ("GetRole: 403", "failed: [111111111112]", "trust_unreadable", "unhealthy: [111111111111]", "orphan:"):
        assert part in output
    assert output.count("MARK") > 20
    assert hidden(output) == set()
    assert [line for line in output.splitlines() if line.startswith(LINE)] == []
    for name in ("report.md", "report.csv", "report.html", "report.json", "report.junit.xml"):
        for report in (tmp_path / "reports").glob(f"*/{name}"):
            written = report.read_bytes().decode("utf-8-sig")
            assert hidden(written.replace("\r\n", "\n")) <= {"\t"}, name
