# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a run pauses, retries and waits, as one value. Nothing else in the tests knows where the engine has it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from unittest import mock

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.cloud import arm, curl, sentinel, service
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model import backoff
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run import account, fleet, pacing, reconcile

_PLACES = {
    "first_pause": ((backoff, "INITIAL_PAUSE"),),
    "max_pause": ((backoff, "MAX_PAUSE"),),
    "max_azure_pause": ((arm, "MAX_PAUSE_SECONDS"),),
    "consistency": (
        (reconcile, "RETRY_TIMEOUT"),
        (pacing, "RETRY_TIMEOUT"),
        (sentinel, "CONNECTIVITY_RETRY_TIMEOUT"),
    ),
    "aws_retries": ((service, "AWS_RETRY_SECONDS"),),
    "azure_retries": ((arm, "ARM_RETRY_SECONDS"),),
    "unreachable": ((service, "UNREACHABLE_TIMEOUT"), (arm, "UNREACHABLE_TIMEOUT")),
    "aws_request": ((curl, "AWS_REQUEST_TIMEOUT_SECONDS"),),
    "azure_request": ((arm, "AZURE_READ_TIMEOUT_SECONDS"),),
    "account": ((account, "ACCOUNT_TIMEOUT_SECONDS"),),
    "grace": ((fleet, "GRACE_SECONDS"),),
}


@dataclass(frozen=True)
class Timing:
    """Pauses and time limits in seconds; None: as in production."""

    first_pause: float | None = None
    max_pause: float | None = None
    """The first and the longest pause between two attempts of a call."""
    max_azure_pause: float | None = None
    consistency: float | None = None
    """How long a call is retried until services are consistent."""
    aws_retries: float | None = None
    azure_retries: float | None = None
    unreachable: float | None = None
    """How long requests to a service are retried that never responded."""
    aws_request: int | None = None
    azure_request: float | None = None
    account: float | None = None
    grace: float | None = None
    """How long accounts in progress may go on after an interruption."""

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Run everything within this context with these values."""
        with ExitStack() as stack:
            for name, seconds in asdict(self).items():
                for module, constant in _PLACES[name] if seconds is not None else ():
                    stack.enter_context(mock.patch.object(module, constant, seconds))
            yield


SHORT_PAUSES = Timing(first_pause=0.05, max_pause=0.2, max_azure_pause=0.05)
SHORT = replace(SHORT_PAUSES, consistency=1.0, aws_retries=1.0, azure_retries=2.5, account=20.0)
"""Retries end after a second or two."""
SHORT_REQUESTS = Timing(aws_retries=3.0, azure_retries=3.0, aws_request=1, azure_request=1.0)
"""Only for faults without any response, as a busy machine may be as slow."""
