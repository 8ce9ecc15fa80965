# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A source of two resources: a repository, and a parameter that holds its ARN."""

from __future__ import annotations

from ..cloud.ecr import Repositories
from ..cloud.ssm import Parameters
from ..model.session_policy import allow
from ..model.toy.parameter import PARAMETER, Parameter
from ..model.toy.repository import DEFAULT, REPOSITORY, RepositorySpec
from .step import Source, Step

TOY_SOURCE = Source(
    in_aws=(
        Step(
            REPOSITORY,
            lambda run: RepositorySpec(
                run.account.account_id, run.source.get("repository"), run.source.get("tag_mutability", DEFAULT)
            ),
            lambda run, spec: Repositories(run.caller("ecr"), spec.arn, writes=run.writes),
            lambda _run, _partition: [
                allow(("ecr:DescribeRepositories", "ecr:ListTagsForResource"), "*"),
                allow(("ecr:CreateRepository", "ecr:TagResource"), "*"),
                allow(("ecr:PutImageTagMutability", "ecr:DeleteRepository"), "*"),
            ],
        ),
        Step(
            PARAMETER,
            lambda run: Parameter(
                "/sentinel/repository", run.found["repository"].arn if run.found.get("repository") else ""
            ),
            lambda run, spec: Parameters(run.caller("ssm"), spec.name, writes=run.writes),
            lambda _run, _partition: [
                allow(("ssm:GetParameter", "ssm:PutParameter", "ssm:DeleteParameter"), "*"),
            ],
        ),
    ),
)
