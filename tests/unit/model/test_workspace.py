# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The id of a workspace, the rights on it, and its result."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.connector.workspace import (
    Workspace,
    arm_id,
    check_id,
    check_ready,
    rights,
    show,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import SentinelError

ALL = {"read": True, "write": True, "delete": True}
NONE = {"read": False, "write": False, "delete": False}
READ = {**NONE, "read": True}
CONNECTORS = "Microsoft.SecurityInsights/dataConnectors"


def entry(*actions: str, not_actions: tuple[str, ...] = ()) -> dict[str, Any]:
    """The actions of one role assignment."""
    return {"actions": list(actions), "notActions": list(not_actions), "dataActions": [], "notDataActions": []}


# The response of the permissions API, and the rights.
RIGHTS: dict[str, tuple[list[dict[str, Any]], dict[str, bool]]] = {
    "no assignment": ([], NONE),
    "an empty entry": ([{}], NONE),
    "null lists": ([{"actions": None, "notActions": None}], NONE),
    "Owner": ([entry("*")], ALL),
    "Reader": ([entry("*/read")], READ),
    "Microsoft Sentinel Contributor": (
        [entry("Microsoft.SecurityInsights/*", not_actions=("Microsoft.SecurityInsights/ConfidentialWatchlists/*",))],
        ALL,
    ),
    "Microsoft Sentinel Reader": ([entry("Microsoft.SecurityInsights/*/read")], READ),
    "a custom role": ([entry(f"{CONNECTORS}/read", f"{CONNECTORS}/write")], {**ALL, "delete": False}),
    "another case": ([entry("microsoft.securityinsights/DATACONNECTORS/*")], ALL),
    "another provider": ([entry("Microsoft.OperationalInsights/*")], NONE),
    "another resource": ([entry("Microsoft.SecurityInsights/alertRules/*")], NONE),
    "a longer name": ([entry(f"{CONNECTORS}CheckRequirements/*")], NONE),
    "all but to delete": ([entry("*", not_actions=("*/delete",))], {**ALL, "delete": False}),
    "all but to delete, in another case": ([entry("*", not_actions=("*/DELETE",))], {**ALL, "delete": False}),
    "all but connectors": ([entry("*", not_actions=(f"{CONNECTORS}/*",))], NONE),
    "excluded by one assignment, allowed by another": (
        [entry("*", not_actions=("*/delete",)), entry(f"{CONNECTORS}/*")],
        ALL,
    ),
    "two assignments": ([entry("*/read"), entry(f"{CONNECTORS}/write")], {**ALL, "delete": False}),
}


@pytest.mark.parametrize(("permissions", "expected"), RIGHTS.values(), ids=RIGHTS.keys())
def test_rights_are_allowed_actions_without_not_actions(
    permissions: list[dict[str, Any]], expected: dict[str, bool]
) -> None:
    assert rights(permissions) == expected


def test_rights_can_be_read_from_an_iterator() -> None:
    assert rights(one for one in [entry("*/read"), entry("*/write")]) == {**ALL, "delete": False}


patterns = st.sampled_from(["*", "*/read", "*/write", f"{CONNECTORS}/*", f"{CONNECTORS}/delete", "Microsoft.Web/*"])
entries = st.builds(
    lambda actions, not_actions: entry(*actions, not_actions=tuple(not_actions)),
    st.lists(patterns),
    st.lists(patterns, max_size=1),
)


@given(st.lists(entries, max_size=3), entries)
def test_another_assignment_never_removes_a_right(some: list[dict[str, Any]], more: dict[str, Any]) -> None:
    before, after = rights(some), rights([*some, more])
    assert all(after[verb] for verb in before if before[verb])


# --- readiness ---

ID = "11111111-aaaa-4aaa-8aaa-111111111111"
READY = Workspace("/w", "sentinel", ID, "westeurope", onboarded=True, rights=ALL)


def unusable(workspace: Workspace, right: str) -> SentinelError:
    with pytest.raises(SentinelError) as caught:
        check_ready(workspace, right)
    return caught.value


@pytest.mark.parametrize("right", ["read", "write", "delete"])
def test_a_workspace_with_sentinel_and_the_right_is_ready(right: str) -> None:
    check_ready(replace(READY, rights={**NONE, right: True}), right)


@pytest.mark.parametrize("right", ["read", "write", "delete"])
@pytest.mark.parametrize("held", ["the others", "none"])
def test_a_missing_right_is_named_with_the_role_to_assign(right: str, held: str) -> None:
    error = unusable(replace(READY, rights={**ALL, right: False} if held == "the others" else {}), right)
    assert error.kind == "azure_denied"
    assert str(error).startswith(f"Cannot {right} data connectors of workspace sentinel: ")
    assert f"Microsoft.SecurityInsights/dataConnectors/{right}" in str(error)
    assert "Microsoft Sentinel Contributor" in str(error)


def test_a_workspace_without_sentinel_cannot_be_used() -> None:
    error = unusable(replace(READY, onboarded=False, rights={}), "write")
    assert error.kind == "bad_input"
    assert str(error).startswith("Cannot use workspace sentinel: Microsoft Sentinel is not enabled")


@pytest.mark.parametrize("given_id", ["", ID])
def test_a_workspace_id_may_be_omitted_or_correct(given_id: str) -> None:
    check_id(READY, given_id, "host payments")


def test_the_id_of_another_workspace_is_rejected_with_the_correct_one() -> None:
    with pytest.raises(SentinelError) as caught:
        check_id(READY, ID.replace("1", "2"), "host payments")
    assert caught.value.kind == "bad_input"
    assert all(text in str(caught.value) for text in ("host payments", ID, ID.replace("1", "2"), "sentinel"))


# --- results ---


def test_the_arm_id_of_a_workspace() -> None:
    assert arm_id("00aa00aa-1111-2222-3333-444455556666", "security", "sentinel") == (
        "/subscriptions/00aa00aa-1111-2222-3333-444455556666/resourceGroups/security"
        "/providers/Microsoft.OperationalInsights/workspaces/sentinel"
    )


def test_a_workspace_is_shown_with_all_fields() -> None:
    workspace = Workspace("/w", "sentinel", "11111111-aaaa-4aaa-8aaa-111111111111", "westeurope", True, ALL)
    assert show(workspace) == {
        "id": "/w",
        "name": "sentinel",
        "customer_id": "11111111-aaaa-4aaa-8aaa-111111111111",
        "location": "westeurope",
        "onboarded": True,
        "rights": ALL,
    }


def test_changing_a_result_does_not_change_the_workspace() -> None:
    workspace = Workspace("/w", "sentinel", "x", rights=dict(ALL))
    show(workspace)["rights"]["read"] = False
    assert workspace.rights == ALL
