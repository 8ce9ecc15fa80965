# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The interruption of a verification by a signal: what is awaited is given up, and what is known is reported."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from ..model.errors import SentinelError, cannot


class Interruption:
    """Bound to one event loop; `error` is why the verification was interrupted, None if it was not."""

    def __init__(self) -> None:
        self.error: SentinelError | None = None
        self._task: asyncio.Task[None] | None = None

    def interrupt(self, reason: str) -> None:
        """Give up what `run` awaits. Call it on the event loop."""
        self.error = cannot("interrupted", "finish the verification", reason)
        if self._task:
            self._task.cancel()

    async def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Run until the work is done or the verification is interrupted."""
        self._task = asyncio.ensure_future(work)
        if self.error:
            self._task.cancel()
        try:
            await self._task
        except asyncio.CancelledError:
            if not self.error:
                raise
