# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Account ids are accepted as strings and numbers, alone and in lists, with the --limit of ansible-rulebook and AWX."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.emulators.client import CALLER_ACCOUNT, Emulators
from tests.resources import arn_of, connector
from tests.unit.inventory.conftest import needs_paths

from .conftest import Play

NUMBER, TEXT, OTHER = 222222222222, "011111111111", "333333333333"
ALL = ("--limit", "all")
HOSTS: dict[str, dict[str, Any]] = {str(NUMBER): {}, TEXT: {}, OTHER: {}}


def given(**variables: Any) -> tuple[str, str]:
    """Return extra variables with their types."""
    return "-e", json.dumps(variables)


def organization(cloud: Emulators) -> None:
    """Create an organization in which these accounts are closed and still have their connectors."""
    cloud.organization([{"Id": CALLER_ACCOUNT}, *({"Id": account, "State": "CLOSED"} for account in HOSTS)])
    for account in HOSTS:
        cloud.seed_connector(connector("", arn_of(account, "x")))


def connected(cloud: Emulators) -> set[str]:
    return {one["properties"]["awsRoleArn"].split(":")[4] for one in cloud.connectors()}


def test_hosts_may_be_numbers_and_strings(cloud: Emulators, play: Play) -> None:
    run = play("onboard", HOSTS, *ALL, *given(sentinel_hosts=[[TEXT], NUMBER]))
    assert run.code == 0, run.output
    assert connected(cloud) == {str(NUMBER), TEXT}


@needs_paths
def test_departed_accounts_may_be_numbers_and_strings(cloud: Emulators, play: Play) -> None:
    organization(cloud)
    run = play("departed", HOSTS, *ALL, *given(sentinel_departed=[NUMBER, TEXT], sentinel_max_change_percent=100))
    assert run.code == 0, run.output
    assert connected(cloud) == {OTHER}


@pytest.mark.parametrize(
    ("playbook", "variable", "ids"),
    [
        ("onboard", "sentinel_hosts", [NUMBER, 11111111111]),
        ("departed", "sentinel_departed", [NUMBER, 11111111111]),
        ("departed", "sentinel_departed", f"{TEXT}\n"),
    ],
)
def test_an_invalid_id_is_refused_with_the_name_of_its_variable(
    cloud: Emulators, play: Play, playbook: str, variable: str, ids: Any
) -> None:
    """A number of eleven digits has lost its zero; padding it would be a guess."""
    organization(cloud)
    run = play(playbook, HOSTS, *ALL, *given(**{variable: ids}))
    assert run.code != 0
    assert variable in run.output
    assert cloud.operations(write=True) == []
    assert connected(cloud) == {str(NUMBER), TEXT, OTHER}
