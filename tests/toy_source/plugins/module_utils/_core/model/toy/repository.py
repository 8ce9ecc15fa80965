# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ECR repository of the toy source. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from ..errors import SentinelError
from ..findings import Finding, finding
from ..plan import Call
from ..resource import Resource

TAG = "trailbridge.sentinel"
# What a repository is created with.
DEFAULT = "MUTABLE"


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository."""

    arn: str
    tag_mutability: str = DEFAULT
    managed: bool = True

    @property
    def name(self) -> str:
        """Its name."""
        return self.arn.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class RepositorySpec:
    """The desired repository."""

    account_id: str
    name: str
    tag_mutability: str
    partition: str = "aws"
    region: str = "us-east-1"

    @property
    def arn(self) -> str:
        """Its ARN."""
        return f"arn:{self.partition}:ecr:{self.region}:{self.account_id}:repository/{self.name}"


def overlay(spec: RepositorySpec, have: Repository | None) -> Repository:
    """Return the desired repository."""
    _check_managed(spec, have)
    return replace(have or Repository(spec.arn), tag_mutability=spec.tag_mutability)


def without(spec: RepositorySpec, have: Repository | None) -> None:
    """Return what remains of it: nothing."""
    _check_managed(spec, have)


def _check_managed(spec: RepositorySpec, have: Repository | None) -> None:
    if have and not have.managed:
        raise SentinelError("role_conflict", f"Cannot use repository {spec.arn}: it does not carry the tag {TAG}.")


def plan(have: Repository | None, want: Repository | None) -> list[Call]:
    """Return the calls of ECR that turn one into the other."""
    if want is None:
        return [Call("DeleteRepository", {"repositoryName": have.name})] if have else []
    tags = [{"Key": TAG, "Value": "managed"}]
    calls = [] if have else [Call("CreateRepository", {"repositoryName": want.name, "tags": tags})]
    if want.tag_mutability != (have.tag_mutability if have else DEFAULT):
        value = {"imageTagMutability": want.tag_mutability}
        calls.append(Call("PutImageTagMutability", {"repositoryName": want.name, **value}))
    return calls


def findings(spec: RepositorySpec, have: Repository | None) -> list[Finding]:
    """Return what is wrong with it."""
    if have is None:
        return [finding("repository_missing", f"Repository {spec.arn} does not exist.")]
    if have.tag_mutability != spec.tag_mutability:
        return [finding("repository_tags", f"Repository {spec.arn} has the tag mutability {have.tag_mutability!r}.")]
    return []


def show(repository: Repository | None) -> dict[str, Any]:
    """Return it as it appears in results."""
    return {"arn": repository.arn, "tag_mutability": repository.tag_mutability} if repository else {}


REPOSITORY: Resource[RepositorySpec, Repository] = Resource(
    name="repository",
    title=lambda spec: f"repository {spec.arn}",
    overlay=overlay,
    without=without,
    plan=plan,
    findings=findings,
    show=lambda _spec, have: show(have),
    id=lambda _spec, have: have.arn if have else "",
)
