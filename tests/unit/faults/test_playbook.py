# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real playbook, with a different fault in each account."""

from __future__ import annotations

from tests.emulators.client import Emulators
from tests.faults.cells import ACCOUNT
from tests.faults.kinds import KINDS, Kind, Request
from tests.unit.playbooks.conftest import Play

# Time-outs take too long without short timeouts; an expired session stops the whole run, and the refusal of a role
# names one of another account.
LEFT_OUT = ("time-out", "time-out, processed late", "expired session", "role rejected")


def faults_by_account() -> dict[str, tuple[Kind, Request]]:
    """Each kind of fault in its own account, at one of the requests where it can happen."""
    assert {kind.name for kind in KINDS} >= set(LEFT_OUT)
    kinds = [kind for kind in KINDS if kind.name not in LEFT_OUT]
    places = [(kind, [request for request in ACCOUNT["create"] if kind.at(request)]) for kind in kinds]
    fitting = [(kind, requests[number % len(requests)]) for number, (kind, requests) in enumerate(places) if requests]
    return {f"4444444444{number:02}": place for number, place in enumerate(fitting)}


def test_every_account_recovers_from_its_fault_or_fails_with_its_class(cloud: Emulators, play: Play) -> None:
    hosts = {f"host{account[-2:]}": {"aws_account_id": account} for account in faults_by_account()}
    for account, (kind, request) in faults_by_account().items():
        cloud.fault(service=request.service, operation=request.operation, account=account, times=1, **kind.rule())
    run = play("onboard", hosts)
    assert run.code == 2, run.output
    assert cloud.struck() == len(hosts)
    failed = {account: sentence.split(":")[0] for account, sentence in run.failed.items()}
    assert failed == {account: kind.once[0] for account, (kind, _request) in faults_by_account().items() if kind.once}
    assert set(run.changed) == set(faults_by_account()) - set(failed)

    again = play("onboard", hosts)
    assert again.code == 0, again.output
    assert set(again.changed) == set(failed)
    arns = [raw["properties"]["awsRoleArn"] for raw in cloud.connectors()]
    assert len(arns) == len(set(arns)) == len(hosts)
