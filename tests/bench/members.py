# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One S3 connection through which the accounts of an organization are read, measured against the tests' emulators."""

from __future__ import annotations

import contextlib
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.emulators import trail
from tests.emulators.client import Emulators, emulators
from tests.emulators.s3_connection import S3Connection

from .contestants import Files, accounts, command
from .measure import run
from .plan import Case
from .runs import OUTPUT_KEPT, Result

ARCHIVE = "222222222222"
ORGANIZATION = "o-abc1234567"
CONNECTION = S3Connection(account=ARCHIVE, bucket=f"organization-logs-{ARCHIVE}")
INVENTORY = f"""\
all:
  vars:
    sentinel_resource_group: security
    sentinel_workspace: sentinel
    sentinel_assume_role: OrganizationAccountAccessRole
  hosts:
    archive: {{aws_account_id: "{ARCHIVE}", sentinel_sources: [{{type: s3, bucket: {CONNECTION.bucket}}}]}}
  children:
    members:
      vars: {{sentinel_sources: []}}
      hosts:
"""


class MemberFiles(Files):
    """The log archive account, and members of the organization for the rest of the number."""

    @property
    def inventory(self) -> Path:
        """One host per account."""
        return self.folder / f"members-{self.number}.yml"

    def write(self) -> None:
        """Write all files."""
        super().write()
        hosts = [
            f'        account-{index:05}: {{aws_account_id: "{account}"}}\n'
            for index, account in enumerate(accounts(self.number - 1))
        ]
        self.inventory.write_text(INVENTORY + "".join(hosts))


@contextlib.contextmanager
def organization() -> Iterator[Emulators]:
    """Start the emulators with a bucket that an organization trail fills."""
    with emulators(managed_policies="few") as cloud:
        CONNECTION.make_bucket(cloud)
        cloud.boto("cloudtrail", ARCHIVE).create_trail(
            Name="organization", S3BucketName=CONNECTION.bucket, IsMultiRegionTrail=True, IsOrganizationTrail=True
        )
        trail.deliver(cloud, CONNECTION.bucket, ARCHIVE, ARCHIVE, organization=ORGANIZATION)
        yield cloud


def measured(cases: list[Case], folder: Path) -> Iterator[Result]:
    """Connect the log archive account, then run all programs with nothing to change, in turn."""
    if not cases:
        return
    with organization() as cloud:
        environment = cloud.whole_environment(ANSIBLE_NOCOLOR="1", ANSIBLE_HOME=str(folder))
        first = MemberFiles(folder, 1)
        first.write()
        subprocess.run(command("playbook", first), env=environment, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        for repetition in range(max(case.repetitions for case in cases)):
            for case in (one for one in cases if repetition < one.repetitions):
                files = MemberFiles(folder, case.number)
                files.write()
                for contestant in case.contestants:
                    yield _measure(cloud, case, contestant, files, environment)


def _measure(cloud: Emulators, case: Case, contestant: str, files: Files, environment: dict[str, str]) -> Result:
    cloud.forget()
    used = run(command(contestant, files), environment, files.folder, files.folder / "output.txt")
    return Result(
        phase=case.phase,
        number=case.number,
        latency=case.latency,
        contestant=contestant,
        wall=used.wall,
        cpu=used.cpu,
        memory=used.memory,
        server_cpu=0.0,
        requests=dict(Counter(cloud.operations())),
        refused=0,
        lost=0,
        problem=f"exit code {used.code}: {used.output[-OUTPUT_KEPT:]}" if used.code else "",
    )
