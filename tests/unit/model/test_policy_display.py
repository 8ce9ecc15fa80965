# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Policy documents in diffs: the names as AWS spells them, and no line of what does not change."""

from __future__ import annotations

import difflib
import json
from typing import Any

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.plan import difference
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.policy import policy

MICROSOFT = "arn:aws:iam::197857026523:root"
FOREIGN = "arn:aws:iam::666666666666:root"


NO_STATEMENT = {"Statement": [{"Effect": "Allow", "Action": [["a"], {}], "Principal": {"AWS": [1]}}]}


def trust(*principals: str, action: Any = "sts:AssumeRole", key: str = "sts:ExternalId") -> dict[str, Any]:
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": list(principals)},
        "Action": action,
        "Condition": {"StringEquals": {key: "a"}},
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


def changed_lines(before: Any, after: Any) -> list[str]:
    """The lines that Ansible shows as removed and added: it compares JSON with sorted keys."""
    entry = difference("role", {"trust": before}, {"trust": after})
    texts = (json.dumps(entry[side], sort_keys=True, indent=4).splitlines() for side in ("before", "after"))
    return [line for line in difflib.unified_diff(*texts, n=0) if line[0] in "+-" and line[:3] not in ("+++", "---")]


def test_names_are_as_aws_spells_them() -> None:
    [statement] = policy.displayed(trust("197857026523", action=["STS:assumerole", "ec2:RunInstances"]))["Statement"]
    assert statement["Principal"] == {"AWS": [MICROSOFT]}
    assert statement["Action"] == ["ec2:RunInstances", "sts:AssumeRole"]
    assert statement["Condition"] == {"StringEquals": {"sts:ExternalId": ["a"]}}


def test_accounts_of_another_partition() -> None:
    found = policy.displayed(trust("arn:aws-us-gov:iam::197857026523:root"))["Statement"][0]["Principal"]
    assert found == {"AWS": ["arn:aws-us-gov:iam::197857026523:root"]}


@pytest.mark.parametrize(
    "document",
    [None, "text", {}, {"Statement": [1, {"Action": {"a": 1}}, "x"]}, {"Statement": {"Condition": 3}}, NO_STATEMENT],
)
def test_what_cannot_be_parsed_is_shown_as_it_is(document: Any) -> None:
    assert policy.displayed(document) == policy.canonical(document)


def test_two_ways_to_write_the_same_are_shown_alike() -> None:
    other = trust("197857026523", action=["STS:ASSUMEROLE"], key="STS:externalid")
    assert policy.displayed(other) == policy.displayed(trust(MICROSOFT))


@pytest.mark.parametrize("foreign", [FOREIGN, "arn:aws:iam::000000000001:root"])
def test_only_the_principal_that_changes_has_a_line(foreign: str) -> None:
    extended, desired = policy.displayed(trust(MICROSOFT, foreign)), policy.displayed(trust(MICROSOFT))
    [removed] = changed_lines(extended, desired)
    assert (removed[0], foreign in removed) == ("-", True)
    [added] = changed_lines(desired, extended)
    assert (added[0], foreign in added) == ("+", True)


def test_only_the_statement_that_changes_has_lines() -> None:
    second = trust(FOREIGN, key="aws:SourceAccount")
    both = {**second, "Statement": [*trust(MICROSOFT)["Statement"], *second["Statement"]]}
    lines = changed_lines(policy.displayed(both), policy.displayed(trust(MICROSOFT)))
    assert all(line[0] == "-" for line in lines)
    assert not any("197857026523" in line for line in lines)
