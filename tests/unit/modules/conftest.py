# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules for one resource in this process, and the life cycle that every resource goes through."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core import modules, options
from tests.emulators.client import CUSTOMER_ID, Emulators
from tests.faults import engine

Result = dict[str, Any]
Module = Callable[..., Result]
ACCOUNT = "111111111111"
ARN = f"arn:aws:iam::{ACCOUNT}:role/MicrosoftSentinelRole"


@pytest.fixture(autouse=True)
def short_pauses(here: Emulators) -> Iterator[None]:
    with engine.short_pauses():
        yield


def validated(spec: options.ArgumentSpec, given: dict[str, Any]) -> dict[str, Any]:
    found = ArgumentSpecValidator(spec).validate(given)
    assert not found.error_messages
    parameters: dict[str, Any] = found.validated_parameters
    return parameters


@pytest.fixture
def aws_role(here: Emulators) -> Module:
    spec = options.AWS_SPEC | options.AZURE_SPEC | options.WORKSPACE_SPEC | options.ROLE_SPEC | options.STATE_SPEC

    def run(*, check_mode: bool = False, **given: Any) -> Result:
        base = {"account_id": ACCOUNT, "assume_role": ["OrganizationAccountAccessRole"]}
        where = {"resource_group": "security", "workspace": "sentinel"}
        return modules.aws_role(validated(spec, {**base, **where, **given}), check_mode=check_mode)

    return run


@pytest.fixture
def aws_connector(here: Emulators) -> Module:
    spec = options.AZURE_SPEC | options.WORKSPACE_SPEC | options.CONNECTOR_SPEC | options.STATE_SPEC

    def run(*, check_mode: bool = False, **given: Any) -> Result:
        base = {"resource_group": "security", "workspace": "sentinel", "role_arn": ARN}
        return modules.aws_connector(validated(spec, {**base, **given}), check_mode=check_mode)

    return run


@pytest.fixture
def aws_s3_source(here: Emulators) -> Module:
    spec = options.AWS_SPEC | options.AZURE_SPEC | options.WORKSPACE_SPEC | options.S3_SOURCE_SPEC | options.STATE_SPEC

    def run(*, check_mode: bool = False, **given: Any) -> Result:
        base = {"account_id": ACCOUNT, "assume_role": ["OrganizationAccountAccessRole"], "workspace_id": CUSTOMER_ID}
        return modules.aws_s3_source(validated(spec, {**base, **given}), check_mode=check_mode)

    return run


@pytest.fixture
def aws_stackset(here: Emulators) -> Module:
    spec = options.AWS_SPEC | options.AZURE_SPEC | options.WORKSPACE_SPEC | options.STACKSET_SPEC | options.STATE_SPEC

    def run(*, check_mode: bool = False, **given: Any) -> Result:
        return modules.aws_stackset(validated(spec, {"workspace_id": CUSTOMER_ID, **given}), check_mode=check_mode)

    return run


def written(cloud: Emulators) -> list[str]:
    """The requests that change something; sessions and tokens do not."""
    return [one["operation"] for one in cloud.requests(write=True) if one["operation"] not in {"Token", "AssumeRole"}]


def life_cycle(cloud: Emulators, module: Module, steps: list[dict[str, Any]]) -> list[Result]:
    """Run each step in check mode and for real, each twice. Returns the results of the real runs."""
    results = []
    for step in steps:
        cloud.forget()
        preview = module(check_mode=True, **step)
        assert module(check_mode=True, **step) == preview
        assert written(cloud) == []
        assert preview["changed"] is True

        real = module(**step)
        assert real == preview
        assert written(cloud) == [call["name"] for call in real["calls"]]
        results.append(real)

        cloud.forget()
        again, preview_again = module(**step), module(check_mode=True, **step)
        assert again == preview_again
        assert (again["changed"], again["calls"], again["diff"], written(cloud)) == (False, [], [], [])
    return results
