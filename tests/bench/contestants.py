# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The programs: each runs in the same environment, with the same accounts."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

FIRST_ACCOUNT = 200000000001
CONCURRENCY = 256
"""Concurrent accounts of the floor: the best of 64, 128 and 256 at 30 ms a request."""

INVENTORY = """\
all:
  vars:
    sentinel_resource_group: security
    sentinel_workspace: sentinel
    sentinel_assume_role: OrganizationAccountAccessRole
  hosts:
"""

START = """\
- hosts: all
  gather_facts: false
  strategy: ansible.builtin.linear
  tasks:
    - name: Do nothing
      ansible.builtin.debug:
        msg: nothing
      run_once: true
"""

READ = """\
- hosts: all
  gather_facts: false
  strategy: ansible.builtin.linear
  tasks:
    - name: Read the variables of all hosts; the last one has no account id, so the run ends there
      trailbridge.sentinel.fleet:
      run_once: true
"""


def accounts(number: int) -> list[str]:
    """Return account ids."""
    return [str(FIRST_ACCOUNT + index) for index in range(number)]


@dataclass(frozen=True)
class Files:
    """Inventories and playbooks for a number of accounts, in one directory."""

    folder: Path
    number: int

    @property
    def inventory(self) -> Path:
        """One host per account."""
        return self.folder / f"accounts-{self.number}.yml"

    @property
    def incomplete(self) -> Path:
        """The same, with a last host that has no account."""
        return self.folder / f"incomplete-{self.number}.yml"

    def write(self) -> None:
        """Write all files."""
        hosts = [f'    account-{index:05}: {{aws_account_id: "{account}"}}\n'
                 for index, account in enumerate(accounts(self.number))]  # fmt: skip
        self.inventory.write_text(INVENTORY + "".join(hosts))
        self.incomplete.write_text(INVENTORY + "".join(hosts[:-1]) + "    nobody:\n")
        (self.folder / "accounts.txt").write_text("\n".join(accounts(self.number)))
        (self.folder / "start.yml").write_text(START)
        (self.folder / "read.yml").write_text(READ)


def command(name: str, files: Files) -> list[str]:
    """Return the command of a program."""
    here = f"{__package__}."
    playbook = ["ansible-playbook", "-i", str(files.inventory)]
    return {
        "playbook": [*playbook, "trailbridge.sentinel.onboard"],
        "check": [*playbook, "trailbridge.sentinel.onboard", "--check", "--diff"],
        "ansible": [*playbook, str(files.folder / "start.yml")],
        "reading": ["ansible-playbook", "-i", str(files.incomplete), str(files.folder / "read.yml")],
        "floor": [sys.executable, "-m", f"{here}floor", str(files.number), str(CONCURRENCY)],
        "script": [sys.executable, "-m", f"{here}script", str(files.number)],
    }[name]
