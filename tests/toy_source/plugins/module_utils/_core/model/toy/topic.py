# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The SNS topic of the toy source. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from ..errors import SentinelError
from ..findings import Finding, finding
from ..plan import Call
from ..resource import Resource

TAG = "trailbridge.sentinel"


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic."""

    arn: str
    display_name: str = ""
    managed: bool = True


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """The desired topic."""

    account_id: str
    name: str
    display_name: str
    partition: str = "aws"
    region: str = "us-east-1"

    @property
    def arn(self) -> str:
        """Its ARN."""
        return f"arn:{self.partition}:sns:{self.region}:{self.account_id}:{self.name}"


def overlay(spec: TopicSpec, have: Topic | None) -> Topic:
    """Return the desired topic."""
    _check_managed(spec, have)
    return replace(have or Topic(spec.arn), display_name=spec.display_name)


def without(spec: TopicSpec, have: Topic | None) -> None:
    """Return what remains of it: nothing."""
    _check_managed(spec, have)


def _check_managed(spec: TopicSpec, have: Topic | None) -> None:
    if have and not have.managed:
        raise SentinelError("role_conflict", f"Cannot use topic {spec.arn}: it does not carry the tag {TAG}.")


def plan(have: Topic | None, want: Topic | None) -> list[Call]:
    """Return the calls of SNS that turn one into the other."""
    if want is None:
        return [Call("DeleteTopic", {"TopicArn": have.arn})] if have else []
    tags = [{"Key": TAG, "Value": "managed"}]
    calls = [] if have else [Call("CreateTopic", {"Name": want.arn.rpartition(":")[2], "Tags": tags})]
    if want.display_name != (have.display_name if have else ""):
        name = {"AttributeName": "DisplayName", "AttributeValue": want.display_name}
        calls.append(Call("SetTopicAttributes", {"TopicArn": want.arn, **name}))
    return calls


def findings(spec: TopicSpec, have: Topic | None) -> list[Finding]:
    """Return what is wrong with it."""
    if have is None:
        return [finding("topic_missing", f"Topic {spec.arn} does not exist.")]
    if have.display_name != spec.display_name:
        return [finding("topic_name", f"Topic {spec.arn} has the display name {have.display_name!r}.")]
    return []


def show(topic: Topic | None) -> dict[str, Any]:
    """Return it as it appears in results."""
    return {"arn": topic.arn, "display_name": topic.display_name} if topic else {}


TOPIC: Resource[TopicSpec, Topic] = Resource(
    name="topic",
    title=lambda spec: f"topic {spec.arn}",
    overlay=overlay,
    without=without,
    plan=plan,
    findings=findings,
    show=lambda _spec, have: show(have),
    id=lambda _spec, have: have.arn if have else "",
)
