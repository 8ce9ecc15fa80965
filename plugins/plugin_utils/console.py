# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The output of a task by Ansible's display: lines, warnings, tracebacks, and the log of requests."""

from __future__ import annotations

import logging
import shlex
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any, Self, TextIO

from ansible import constants, context

from ..module_utils._core.console.style import Style, style_of, wrapped
from ..module_utils._core.model.errors import SentinelError
from ..module_utils._core.model.text import one_line, visible
from ..module_utils._core.run.unexpected import bugs_in
from .internals import parent_stdout

REQUEST_LOG_VERBOSITY = 3
# Nobody waits longer than this without a line.
SILENCE_SECONDS = 5.0


class TaskConsole:
    """The console of a task (`run.session.Console`); every text is escaped for a terminal."""

    def __init__(self, display: Any, *, diff: bool = False, on_stderr: bool = False) -> None:
        self._display = display
        self._diff = diff
        self._on_stderr = on_stderr
        self._tracebacks: set[str] = set()
        self._parent_stdout: TextIO | None = None
        self._is_ending = False
        self._last_line = 0.0
        self._colors: dict[Style, str | None] = {}

    @property
    def verbose(self) -> bool:
        """Whether the user asked for more output (-v)."""
        return bool(self._display.verbosity > 0)

    @property
    def diff_context(self) -> int | None:
        """The number of unchanged lines around a difference, None if the task does not run in diff mode."""
        return int(constants.config.get_config_value("DIFF_CONTEXT")) if self._diff else None

    def line(self, text: str) -> None:
        """Display a line, on stderr where a program reads stdout; also while Ansible itself is ending."""
        self._last_line = time.monotonic()
        text = one_line(text)
        for part in wrapped(text):
            self._display_part(part, self._color(style_of(text)))

    def _color(self, style: Style) -> str | None:
        """Return the color that the user configured for a style (COLOR_OK and so on), None for none."""
        if style not in self._colors:
            self._colors[style] = constants.config.get_config_value(f"COLOR_{style.upper()}") if style else None
        return self._colors[style]

    def _display_part(self, text: str, color: str | None) -> None:
        if not self._is_ending:
            self._display.display(text, color=color, stderr=self._on_stderr or stdout_is_data())
        elif self._parent_stdout:
            with suppress(OSError):
                print(text, file=self._parent_stdout, flush=True)

    @contextmanager
    def reporting(self, status: Callable[[float], str]) -> Iterator[None]:
        """Display the status whenever there was no line for SILENCE_SECONDS, from a thread: the caller may block.

        `status` gets the seconds since the beginning, and returns "" for no line.
        """
        ended, started = threading.Event(), time.monotonic()

        def report() -> None:
            wait = SILENCE_SECONDS
            while not ended.wait(wait):
                now = time.monotonic()
                if now - self._last_line >= SILENCE_SECONDS and (text := status(now - started)):
                    self.line(text)
                wait = max(1.0, SILENCE_SECONDS - (time.monotonic() - self._last_line))

        self._last_line = started
        thread = threading.Thread(target=report, name="status", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def warning(self, text: str) -> None:
        """Display a warning."""
        self._display.warning(one_line(text))

    def traceback(self, error: SentinelError | None) -> None:
        """Display the traceback of an unexpected error at -vvv, each one once."""
        for bug in bugs_in(error):
            if bug.traceback not in self._tracebacks:
                self._tracebacks.add(bug.traceback)
                self._display.vvv(visible(bug.traceback))

    @contextmanager
    def outliving_parent(self) -> Iterator[Self]:
        """Open what `ending` needs, while the parent process still exists."""
        with parent_stdout() as self._parent_stdout:
            yield self

    def ending(self) -> None:
        """Write lines without Ansible's display from now on: its process is ending."""
        self._is_ending = True

    def log_requests(self) -> None:
        """Log every request at -vvv."""
        log = logging.getLogger("trailbridge.sentinel")
        if self._display.verbosity >= REQUEST_LOG_VERBOSITY and not log.handlers:
            log.addHandler(_DisplayHandler(self._display))
            log.setLevel(logging.DEBUG)


class _DisplayHandler(logging.Handler):
    """Writes log messages by Ansible's display, at -vvv."""

    def __init__(self, display: Any) -> None:
        super().__init__()
        self._display = display

    def emit(self, record: logging.LogRecord) -> None:
        self._display.vvv(one_line(record.getMessage()))


@cache
def stdout_is_data() -> bool:
    """Whether a program reads stdout."""
    callback: str = constants.config.get_config_value("DEFAULT_STDOUT_CALLBACK")
    return callback.endswith(("json", "jsonl"))


def command_options() -> str:
    """Return the inventory and the limit of this run as options of ansible-playbook, without its variables.

    Those may be secret.
    """
    arguments = context.CLIARGS
    options = [("-i", source) for source in arguments.get("inventory") or ()]
    options += [("--limit", arguments["subset"])] if arguments.get("subset") else []
    return " ".join(f"{name} {shlex.quote(value)}" for name, value in options)
