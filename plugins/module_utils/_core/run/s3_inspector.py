# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading one S3 source link by link: what cannot be read is unknown, and stops no other link."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable
from functools import partial
from typing import Any, TypeVar

from ..cloud.service import ServiceClient
from ..model.errors import SentinelError
from ..model.findings import Finding
from ..model.resource import Resource
from ..model.s3.connector import S3_CONNECTOR
from ..model.s3.inspection import LINKS_OF_RESOURCES, Inspection, Unknown
from ..model.s3.provider import PROVIDER
from ..model.s3.source import CLOUDTRAIL_TABLE
from .reconcile import read_consistent
from .s3_source import findings_whatever_the_names
from .step import SourceRun, Step

T = TypeVar("T")


class Inspector:
    """The inspection of a source while it is made. `caller` returns a client by botocore's name of a service."""

    def __init__(self, run: SourceRun) -> None:
        self.run = run
        self.account_id = run.account.account_id
        self.bucket: str = run.source.get("bucket")
        self.found = Inspection(run.source.get("table", CLOUDTRAIL_TABLE), self.bucket)
        self.has_certain_names = True
        """Whether the connection is known to have the names of the spec; else what is not found is unknown."""

    def caller(self, service: str, region: str = "") -> ServiceClient:
        """Return a client of an AWS service, by botocore's name for it, with the session in the account."""
        return self.run.caller(service, region)

    def add(self, findings: Iterable[Finding]) -> None:
        """Report findings."""
        self.found.findings += findings

    def unknown(self, link: str, message: str) -> None:
        """Report a part of a link as unknown."""
        self.found.unknown.append(Unknown(link, message))

    async def attempt(self, link: str, work: Awaitable[T]) -> T | None:
        """Return what was read, None if it is unknown."""
        try:
            return await work
        except SentinelError as error:
            self.unknown(link, str(error))
            return None

    async def read_step(self, step: Step) -> None:
        """Read the resource of a step into `run.found`, and report its differences from the desired one."""
        resource, spec = step.resource, step.spec(self.run)
        adapter = step.adapter(self.run, spec)
        try:
            have = await read_consistent(adapter.read, self.run.context.slots.sleep)
        except SentinelError as error:
            self.unknown(LINKS_OF_RESOURCES[resource.name], str(error))
            return
        self.run.found[resource.name] = have
        self.add(self._findings(resource, spec, have))
        self.found.shown[resource.name] = partial(resource.show, spec, have)

    def _findings(self, resource: Resource[Any, Any], spec: Any, have: Any) -> list[Finding]:
        found = resource.findings(spec, have)
        if self.has_certain_names or resource is PROVIDER:
            return found
        certain = findings_whatever_the_names(resource, spec, have) if resource is not S3_CONNECTOR else []
        if len(certain) < len(found):
            reason = "is not as desired, but the connection may have other names. Set queue_name and role_name"
            self.unknown(LINKS_OF_RESOURCES[resource.name], f"{resource.title(spec)} {reason} to inspect it.")
        return certain
