# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each widening of an S3 connection is found, reported and removed, and nothing else is changed."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from typing import Any, NamedTuple
from unittest import mock

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run import fleet
from tests.emulators.client import Emulators
from tests.emulators.environment import INTERFERING
from tests.faults import engine

from .s3_plants import ATTACKS, BUCKET, PREFIX, Chain

BYSTANDER = "888888888866"
ACCOUNTS = (*ATTACKS, BYSTANDER)
# A busy machine must not fail it.
RUN_TIMEOUT_SECONDS = 300.0
Json = dict[str, Any]


class Seen(NamedTuple):
    """Everything in the accounts, and all connectors."""

    accounts: dict[str, Json]
    connectors: list[Json]


class Campaign(NamedTuple):
    """All attacks in one run: the state before, the results of preview and run, the state after."""

    before: Seen
    preview: engine.RunResult
    preview_writes: list[Any]
    done: engine.RunResult
    after: Seen
    again: engine.RunResult


def run(*, check_mode: bool = False) -> engine.RunResult:
    hosts = {
        account: {
            "aws_account_id": account,
            "sentinel_sources": [{"type": "s3", "bucket": BUCKET.format(account), "prefix": PREFIX}],
        }
        for account in ACCOUNTS
    }
    options = fleet.RunOptions(check_mode=check_mode)
    ended = asyncio.run(engine.run_async(engine.accounts_of(hosts), options, RUN_TIMEOUT_SECONDS))
    assert (ended.error, {account: str(error) for account, error in ended.failed.items()}) == (None, {})
    return ended


@pytest.fixture(scope="module")
def campaign(clouds: Emulators) -> Iterator[Campaign]:
    kept = {name: value for name, value in os.environ.items() if name not in INTERFERING}
    with mock.patch.dict(os.environ, {**kept, **clouds.environment}, clear=True), engine.short_pauses():
        clouds.reset()
        chains = {account: Chain(clouds, account) for account in ACCOUNTS}

        def seen() -> Seen:
            connectors = [{name: one for name, one in raw.items() if name != "etag"} for raw in clouds.connectors()]
            shown = sorted(connectors, key=lambda raw: str(raw["name"]))
            return Seen({account: chain.seen() for account, chain in chains.items()}, shown)

        for chain in chains.values():
            chain.make_others()
        run()
        before = seen()
        for account, attack in ATTACKS.items():
            attack.plant(chains[account])
        clouds.forget()
        preview = run(check_mode=True)
        preview_writes = clouds.requests(write=True)
        done = run()
        yield Campaign(before, preview, preview_writes, done, seen(), run())


def test_each_attack_is_found_with_its_severity(campaign: Campaign) -> None:
    expected = {account: (attack.name, attack.found) for account, attack in ATTACKS.items()}
    for ended in (campaign.preview, campaign.done):
        found = {
            account: (
                attack.name,
                tuple(f"{one.severity} {one.code}" for one in ended.results[account].report.findings),
            )
            for account, attack in ATTACKS.items()
        }
        assert found == expected


def test_each_attack_is_reported_before_its_repair(campaign: Campaign) -> None:
    for account, attack in ATTACKS.items():
        report = campaign.done.results[account].report
        reported = " ".join([str([diff["before"] for diff in report.diff]), *(one.message for one in report.findings)])
        assert attack.shown in reported, attack.name
        assert campaign.preview.results[account].report.diff == report.diff, attack.name


def test_each_attack_is_repaired_by_the_run(campaign: Campaign) -> None:
    for account, attack in ATTACKS.items():
        assert campaign.done.results[account].status == "changed", attack.name
        assert campaign.after.accounts[account] == campaign.before.accounts[account], attack.name


def test_nothing_else_is_changed(campaign: Campaign) -> None:
    assert campaign.preview_writes == []
    assert campaign.after == campaign.before
    assert campaign.preview.results[BYSTANDER].status == campaign.done.results[BYSTANDER].status == "ok"
    planned = {account: results.report.calls for account, results in campaign.preview.results.items()}
    assert planned == {account: results.report.calls for account, results in campaign.done.results.items()}
    assert campaign.again.calls == {}
