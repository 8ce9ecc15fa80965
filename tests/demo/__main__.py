# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tour on this machine: twelve AWS accounts are onboarded, changed, repaired, verified; one is offboarded.

Then an organization is connected by its log archive account. The tour runs the playbooks of the collection. AWS and
Azure are emulators that stop with this program.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path

from tests.emulators import events, trail
from tests.emulators.client import Emulators, emulators
from tests.emulators.s3_connection import S3Connection

ROLE = "MicrosoftSentinelRole"
MICROSOFT = "197857026523"
EXTERNAL_ACCOUNT = "666666666666"
ORGANIZATION = "o-abc1234567"
ARCHIVE = S3Connection(account="444444444401", bucket="aws-controltower-logs-444444444401-us-east-1")
MEMBERS = ("444444444402", "444444444403", "444444444404")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--reports", type=Path, default=Path("reports"), help="directory of the reports")
    reports = arguments.parse_args().reports.resolve()
    shutil.rmtree(reports, ignore_errors=True)
    show("Starting an AWS organization and a Sentinel workspace on this machine …")
    with emulators(managed_policies="few") as cloud:
        tour(cloud, reports)
    # Names begin with date and time.
    last = max(reports.glob("*/report.html"))
    show("\nThe tour is complete and the emulators have stopped. README.md describes how to connect real accounts.")
    show(f"Last report: {last}")


def tour(cloud: Emulators, reports: Path) -> None:
    """Run every step, and check its exit code and writes."""

    def play(name: str, *options: str, writes: bool, code: int = 0) -> None:
        run(cloud, name, *options, "-e", f"sentinel_report_dir={reports}", writes=writes, code=code)

    step(
        "1. Preview",
        "Every account would get a role and a data connector. Nothing is changed.\n"
        "    One task works on all accounts, so Ansible's recap counts one host.",
    )
    play("onboard", "--check", writes=False)

    step("2. Onboard", "The same accounts and calls, without check mode.")
    play("onboard", writes=True)

    step("3. Onboard again", "Nothing to change: changed=0 and no write requests.")
    play("onboard", writes=False)

    step("4. Manual changes in four accounts", "These changes are made:")
    change_by_hand(cloud)

    step("5. Drift", "Reports the four accounts with their findings, security findings first; exit code 2.")
    play("drift", writes=False, code=2)

    step("6. Repair", "Onboarding again repairs only these four accounts. The diff shows what is removed.")
    play("onboard", "--diff", writes=True)

    step("7. Drift", "No findings; exit code 0.")
    play("drift", writes=False)

    step("8. Offboard", "Removes the data connector and then the role of one account. The others are not changed.")
    play("offboard", "--limit", "website", writes=True)

    step("9. Verify", "Do events arrive? From all accounts but one, with the reason; exit code 2.")
    add_events(cloud)
    play("verify", "--limit", "!website", "-e", "sentinel_verify_wait=0", writes=False, code=2)

    organization_trail(cloud)


def organization_trail(cloud: Emulators) -> None:
    """Connect an organization whose trail delivers the events of all accounts into one bucket."""
    step(
        "10. S3 connector",
        "Another organization has an organization trail, as AWS Control Tower sets it up. One connection in the log\n"
        "    archive account is enough: nothing is created in the members, whose list of sources is empty.",
    )
    ARCHIVE.make_bucket(cloud)
    cloudtrail = ARCHIVE.boto(cloud, "cloudtrail")
    cloudtrail.create_trail(
        Name="aws-controltower-BaselineCloudTrail",
        S3BucketName=ARCHIVE.bucket,
        S3KeyPrefix=ORGANIZATION,
        IsMultiRegionTrail=True,
        IsOrganizationTrail=True,
    )
    cloudtrail.start_logging(Name="aws-controltower-BaselineCloudTrail")
    deliver(cloud, ARCHIVE.account)
    run(cloud, "onboard", writes=True, inventory="organization.yml")

    step("11. Verify", "The trail delivers events of every account into the bucket, and all of them arrive.")
    deliver(cloud, ARCHIVE.account, *MEMBERS)
    run(cloud, "verify", "-e", "sentinel_verify_wait=0", writes=False, inventory="organization.yml")


def deliver(cloud: Emulators, *accounts: str) -> None:
    for account in accounts:
        trail.deliver(cloud, ARCHIVE.bucket, ARCHIVE.account, account, organization=ORGANIZATION, prefix=ORGANIZATION)


def change_by_hand(cloud: Emulators) -> None:
    workspace_id = external_id(cloud, "111111111101")
    show(f"  payments      account {EXTERNAL_ACCOUNT} is allowed to assume the role")
    trust(cloud, "111111111101", [MICROSOFT, EXTERNAL_ACCOUNT], workspace_id)
    show("  orders        the external id is no longer required")
    trust(cloud, "111111111102", [MICROSOFT], None)
    show("  sandbox       the policy AdministratorAccess is attached")
    policy = "arn:aws:iam::aws:policy/AdministratorAccess"
    cloud.boto("iam", "222222222203").attach_role_policy(RoleName=ROLE, PolicyArn=policy)
    show("  audit         the data connector is deleted")
    [name] = [raw["name"] for raw in cloud.connectors() if "333333333304" in raw["properties"]["awsRoleArn"]]
    cloud.delete_connector(name)


def external_id(cloud: Emulators, account: str) -> str:
    role = cloud.boto("iam", account).get_role(RoleName=ROLE)["Role"]
    found: str = role["AssumeRolePolicyDocument"]["Statement"][0]["Condition"]["StringEquals"]["sts:ExternalId"]
    return found


def trust(cloud: Emulators, account: str, principals: list[str], workspace_id: str | None) -> None:
    statement: dict[str, object] = {
        "Effect": "Allow",
        "Principal": {"AWS": [f"arn:aws:iam::{principal}:root" for principal in principals]},
        "Action": "sts:AssumeRole",
    }
    if workspace_id:
        statement["Condition"] = {"StringEquals": {"sts:ExternalId": workspace_id}}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    cloud.boto("iam", account).update_assume_role_policy(RoleName=ROLE, PolicyDocument=document)


def add_events(cloud: Emulators) -> None:
    """Add events of all connected accounts but one, which denies LookupEvents to Sentinel."""
    arns = {raw["properties"]["awsRoleArn"]: raw["name"] for raw in cloud.connectors()}
    silent = f"arn:aws:iam::333333333303:role/{ROLE}"
    rows = [
        events.cloudtrail(arn.split(":")[4], (number + minute) / 60)
        for number, arn in enumerate(sorted(arns.keys() - {silent}), 1)
        for minute in range(40)
    ]
    cloud.put_rows("AWSCloudTrail", rows)
    summary = events.failure("AccessDenied", "An explicit deny in a policy.")
    health = [events.status_change(arns[silent], "Failure"), events.failure_summary(arns[silent], summary)]
    cloud.put_rows("SentinelHealth", health)


def run(
    cloud: Emulators, name: str, *options: str, writes: bool, code: int = 0, inventory: str = "accounts.yml"
) -> None:
    """Run a playbook of the collection as a user would, and check its exit code and writes."""
    command = ["ansible-playbook", f"trailbridge.sentinel.{name}", "-i", inventory, *options]
    show(f"$ {' '.join(command)}")
    cloud.forget()
    done = subprocess.run(command, cwd=Path(__file__).parent, env=cloud.whole_environment(), check=False)
    made = len([request for request in cloud.requests(write=True) if request["service"] != "sts"])
    show(f"-- exit code {done.returncode}, {len(cloud.requests())} requests, {made} of them writes")
    if done.returncode != code or bool(made) != writes:
        sys.exit("Unexpected exit code or writes.")


def step(title: str, text: str) -> None:
    show(f"\n=== {title}\n    {text}\n")


def show(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    main()
