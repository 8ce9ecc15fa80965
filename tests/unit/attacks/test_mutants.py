# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Responses of every protocol can be recorded, malformed and returned: forms and XML, JSON of AWS, JSON of Azure."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import boto3
import pytest
from botocore.config import Config
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.emulators.client import CALLER_ACCOUNT, Emulators
from tests.faults.world import World
from tests.unit.modules.test_ingestion_info import arrived

from .mutants import mutants, recorded
from .test_answers import look


@pytest.fixture
def sqs(here: Emulators) -> Any:
    """A client of a service that has a JSON protocol, as botocore makes it."""
    return boto3.client("sqs", region_name="eu-west-1", config=Config(retries={"total_max_attempts": 1}))


def test_responses_of_every_protocol_are_recorded(world: World, sqs: Any) -> None:
    world.prepare("create", 1)
    world.e.organization([{"Id": CALLER_ACCOUNT, "Name": "management"}])
    arrived(world.e, {"111111111101": 0.1})
    with recorded() as answers:
        assert world.run("create", 1, orphans="report").failed == {}
        look(world)
        sqs.create_queue(QueueName="events")
    assert answers["GetRole"][0].startswith("<")
    by_json = ["ListAccounts", "DataConnectors_List", "DataConnectors_CreateOrUpdate", "Query"]
    # Older releases of botocore use the query protocol for it.
    by_json += ["CreateQueue"] if sqs.meta.service_model.protocol == "json" else []
    assert {name: type(json.loads(answers[name][-1])) for name in by_json} == dict.fromkeys(by_json, dict)


@settings(max_examples=10, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_malformed_response_is_returned_as_it_is(here: Emulators, sqs: Any, data: st.DataObject) -> None:
    body = data.draw(mutants(json.dumps({"QueueUrls": ["https://sqs.eu-west-1.amazonaws.com/1/events"]})))
    struck = here.struck()
    here.fault(operation="ListQueues", times=1, status=200, body=body)
    with recorded() as answers, contextlib.suppress(Exception):
        sqs.list_queues()
    # What botocore cannot parse raises errors of any type.
    assert answers in ({}, {"ListQueues": [body]})
    assert here.struck() > struck
