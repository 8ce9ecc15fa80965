# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The signals that would end this process at once: a run finishes the accounts in progress first."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# Signals within so many seconds are one Ctrl-C.
SAME_SIGNAL_SECONDS = 0.5


@contextmanager
def handle_signals(interrupt: Callable[[str], None]) -> Iterator[None]:
    """Call `interrupt` once, with the reason, for SIGINT or SIGTERM; a second Ctrl-C ends the process."""
    loop, interrupted_at = asyncio.get_running_loop(), list[float]()

    def handle(number: int) -> None:
        # Ansible passes Ctrl-C on, and at once a SIGTERM of its own, which the system may deliver first; a Ctrl-C that
        # comes later is the user's second one.
        now = time.monotonic()
        if not interrupted_at:
            interrupted_at.append(now)
            interrupt(f"it received {signal.Signals(number).name}")
        elif number == signal.SIGINT and now > interrupted_at[0] + SAME_SIGNAL_SECONDS:
            os._exit(1)

    is_main = threading.current_thread() is threading.main_thread()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM) if is_main}
    for number in before:
        loop.add_signal_handler(number, handle, number)
    try:
        yield
    finally:
        for number, handler in before.items():
            loop.remove_signal_handler(number)
            signal.signal(number, handler)
