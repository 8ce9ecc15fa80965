# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Headless Chromium over its DevTools protocol: open a file, run scripts, read messages, take screenshots.

`python -m tests.unit.report.browser report.html picture.png 1440x900 light [whole]` takes a screenshot.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp

BUILD = Path(__file__).parents[6]


def find_chromium() -> str | None:
    """Return the path of a browser: one of this machine, else that of `make chromium`."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next(
        (path for name in names if (path := shutil.which(name))),
        next((str(path) for path in sorted(BUILD.glob("chromium/chromium-*/chrome-linux*/chrome"))), None),
    )


CHROMIUM = find_chromium()
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--remote-debugging-port=0")
READY = """new Promise((done) => {
  const root = document.documentElement;
  const check = () => "ready" in root.dataset && done();
  new MutationObserver(check).observe(root, { attributes: true });
  check();
})"""


class Tab:
    """One page. `messages` has its errors and the warnings of the browser, `requests` the URLs it requested."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._session: str | None = None
        self._loaded = asyncio.Event()
        self._numbers = itertools.count(1)
        self.messages: list[str] = []
        self.requests: list[str] = []

    async def listen(self) -> None:
        async for frame in self._socket:
            message = json.loads(frame.data)
            if "id" in message:
                self._waiting.pop(message["id"]).set_result(message)
            else:
                self._handle(message["method"], message["params"])

    def _handle(self, method: str, params: dict[str, Any]) -> None:
        if method == "Page.loadEventFired":
            self._loaded.set()
        elif method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif method in ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded"):
            self.messages.append(json.dumps(params))

    async def do(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self._numbers)
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        session = {"sessionId": self._session} if self._session else {}
        await self._socket.send_json({"id": number, "method": method, "params": params, **session})
        message = await asyncio.wait_for(answer, 30)
        assert "error" not in message, message
        return dict(message["result"])

    async def start(self) -> None:
        fresh = await self.do("Target.createBrowserContext", disposeOnDetach=True)
        target = await self.do("Target.createTarget", url="about:blank", browserContextId=fresh["browserContextId"])
        attached = await self.do("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            await self.do(f"{domain}.enable")

    async def emulate(self, width: int, height: int, scheme: str = "light", media: str = "screen") -> None:
        phone = width < 600
        await self.do(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=phone
        )
        feature = [{"name": "prefers-color-scheme", "value": scheme}]
        await self.do("Emulation.setEmulatedMedia", media=media, features=feature)

    async def open(self, address: str, *, ready: bool = True) -> None:
        """Load a page; `ready` waits until its table of accounts is unpacked."""
        self._loaded.clear()
        await self.do("Page.navigate", url=address)
        await asyncio.wait_for(self._loaded.wait(), 30)
        if ready:
            await asyncio.wait_for(self.run(READY), 30)

    async def run(self, script: str) -> Any:
        """Return the value of an expression, or the value that a promise resolves to."""
        answer = await self.do("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    async def press(self, key: str, code: int = 0, text: str = "") -> None:
        for kind in ("keyDown", "keyUp"):
            shown = {"text": text} if text and kind == "keyDown" else {}
            await self.do("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code, **shown)

    async def screenshot(self, path: Path, *, whole: bool = False) -> None:
        clip = {"clip": await self._whole()} if whole else {}
        taken = await self.do("Page.captureScreenshot", format="png", captureBeyondViewport=whole, **clip)
        path.write_bytes(base64.b64decode(taken["data"]))  # noqa: ASYNC240 nothing else waits here

    async def pdf(self) -> bytes:
        printed = await self.do("Page.printToPDF", printBackground=True, preferCSSPageSize=True)
        return base64.b64decode(printed["data"])

    async def _whole(self) -> dict[str, float]:
        size = (await self.do("Page.getLayoutMetrics"))["cssContentSize"]
        return {**size, "height": min(size["height"], 6000), "scale": 1}


@contextlib.contextmanager
def running() -> Iterator[str]:
    """Start a browser; yields the URL of its DevTools protocol."""
    assert CHROMIUM
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [CHROMIUM, *FLAGS, f"--user-data-dir={profile}"]
        env = {**os.environ, "HOME": profile, "XDG_CONFIG_HOME": profile, "XDG_CACHE_HOME": profile}
        nothing = subprocess.DEVNULL
        with subprocess.Popen(command, env=env, stdin=nothing, stdout=nothing, stderr=nothing) as process:
            try:
                yield _address(process, Path(profile))
            finally:
                process.kill()


def _address(process: subprocess.Popen[bytes], profile: Path) -> str:
    port_file = profile / "DevToolsActivePort"
    until = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < until:
        if port_file.exists() and len(lines := port_file.read_text().split()) == 2:
            return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
        time.sleep(0.02)
    raise AssertionError("Chromium did not start")


@contextlib.asynccontextmanager
async def tab(address: str) -> AsyncIterator[Tab]:
    """One page that shares nothing with other pages of the browser."""
    async with aiohttp.ClientSession() as session, session.ws_connect(address, max_msg_size=0) as socket:
        opened = Tab(socket)
        listening = asyncio.ensure_future(opened.listen())
        await opened.start()
        yield opened
        listening.cancel()


async def main(page: str, picture: str, size: str, scheme: str, *rest: str) -> None:
    with running() as address:
        async with tab(address) as opened:
            width, _x, height = size.partition("x")
            await opened.emulate(int(width), int(height), scheme)
            await opened.open(f"file://{page}" + "".join(it for it in rest if it.startswith("#")))
            for script in rest:
                if not script.startswith("#") and script != "whole":
                    await opened.run(script)
            await opened.screenshot(Path(picture), whole="whole" in rest)
            print(opened.messages)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
