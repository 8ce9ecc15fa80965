# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The second session in an account, for sources whose permissions do not fit into one session policy."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from ..cloud.service import Keys
from ..model.plan import Call
from ..model.session_policy import session_policy

Statements = Callable[[list[Call]], list[dict[str, Any]]]
"""Returns the statements of a session policy that calls need."""


@dataclass(slots=True)
class _Allowed:
    statements: Statements
    calls: list[Call]


@dataclass(slots=True)
class WriteSession:
    """A session that is assumed before the first call, and again where a later plan has other calls than expected.

    `assume` takes a function that returns the session policy as JSON, by the partition.
    """

    assume: Callable[[Callable[[str], str]], Awaitable[Keys]]
    _allowed: dict[str, _Allowed] = field(default_factory=dict)
    _keys: Keys | None = None

    def expect(self, resource: str, statements: Statements, calls: list[Call]) -> None:
        """Allow the calls of the plan for a resource."""
        self._allowed[resource] = _Allowed(statements, list(calls))

    async def keys(self, resource: str, call: Call) -> Keys:
        """Return the credentials for a call; raises SentinelError if the role cannot be assumed."""
        allowed = self._allowed[resource]
        if call.name not in (one.name for one in allowed.calls):
            allowed.calls.append(call)
            self._keys = None
        if self._keys is None:
            self._keys = await self.assume(self._policy)
        return self._keys

    def _policy(self, _partition: str) -> str:
        return session_policy(chain.from_iterable(one.statements(one.calls) for one in self._allowed.values()))
