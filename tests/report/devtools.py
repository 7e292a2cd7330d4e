"""Chromium by its DevTools protocol, over a pipe: what a command line cannot set or ask.

A page is shown in a size, a scheme of colours and with scripts or without, and asked about itself
by expressions that the page's own policy does not stop.
Source: https://chromedevtools.github.io/devtools-protocol/ (a message is JSON that ends with NUL).
"""

from __future__ import annotations

import base64
import fcntl
import itertools
import json
import os
import select
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_BLOCK = 1 << 20
_STOP_SECONDS = 10.0


class DevToolsError(Exception):
    """What the browser refused, or that it did not answer in time."""


@dataclass(frozen=True)
class Look:
    """How a page is looked at: in pixels of CSS, dark or light, with scripts or without."""

    width: int = 1280
    height: int = 900
    dark: bool = False
    scripts: bool = True


class Page:
    """The one tab of a browser."""

    def __init__(self, inlet: int, outlet: int, seconds: float) -> None:
        self._inlet, self._outlet, self._seconds = inlet, outlet, seconds
        self._numbers = itertools.count(1)
        self._rest = b""
        self._events: list[Mapping[str, Any]] = []
        self._session = ""
        target = self._ask("Target.createTarget", {"url": "about:blank"})["targetId"]
        attached = self._ask("Target.attachToTarget", {"targetId": target, "flatten": True})
        self._session = attached["sessionId"]
        self._ask("Page.enable", {})

    def show(self, url: str, look: Look) -> None:
        """Open the page and wait until it is loaded."""
        self._ask(
            "Emulation.setDeviceMetricsOverride",
            {"width": look.width, "height": look.height, "deviceScaleFactor": 1, "mobile": False},
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if look.dark else "light"}
        self._ask("Emulation.setEmulatedMedia", {"media": "", "features": [scheme]})
        self._ask("Emulation.setScriptExecutionDisabled", {"value": not look.scripts})
        self._events.clear()
        failed = self._ask("Page.navigate", {"url": url}).get("errorText")
        if failed:
            raise DevToolsError(f"{url}: {failed}")
        self._await_event("Page.loadEventFired")

    def as_printed(self) -> None:
        """Style the page as for paper, until the next is shown."""
        self._ask("Emulation.setEmulatedMedia", {"media": "print"})

    def value(self, expression: str) -> Any:
        """What an expression of JavaScript is in the page, its promise awaited."""
        answer = self._ask(
            "Runtime.evaluate",
            {"expression": expression, "awaitPromise": True, "returnByValue": True},
        )
        if "exceptionDetails" in answer:
            raise DevToolsError(json.dumps(answer["exceptionDetails"])[:2_000])
        return answer["result"].get("value")

    def press(self, key: str, text: str = "") -> None:
        """A key, pressed and let go, such as Tab, or a letter with its text."""
        event: dict[str, Any] = {"key": key, "code": key}
        if key == "Tab":
            event["windowsVirtualKeyCode"] = 9
        self._ask("Input.dispatchKeyEvent", {**event, "type": "keyDown", "text": text})
        self._ask("Input.dispatchKeyEvent", {**event, "type": "keyUp"})

    def image(self, path: Path) -> None:
        """What is seen of the page, as a PNG."""
        answer = self._ask("Page.captureScreenshot", {"format": "png"})
        path.write_bytes(base64.b64decode(answer["data"]))

    def _ask(self, method: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        text = json.dumps(message).encode() + b"\0"
        while text:
            text = text[os.write(self._inlet, text) :]
        while True:
            answer = self._next()
            if answer.get("id") == number:
                if "error" in answer:
                    raise DevToolsError(f"{method}: {answer['error']}")
                result: dict[str, Any] = answer["result"]
                return result
            self._events.append(answer)

    def _await_event(self, method: str) -> None:
        while not any(event.get("method") == method for event in self._events):
            self._events.append(self._next())

    def _next(self) -> Mapping[str, Any]:
        until = time.monotonic() + self._seconds
        while b"\0" not in self._rest:
            if not select.select([self._outlet], [], [], max(0.0, until - time.monotonic()))[0]:
                raise DevToolsError(f"the browser said nothing for {self._seconds:.0f} s")
            block = os.read(self._outlet, _BLOCK)
            if not block:
                raise DevToolsError("the browser has ended")
            self._rest += block
        text, _, self._rest = self._rest.partition(b"\0")
        answer: Mapping[str, Any] = json.loads(text)
        return answer


def _above_four(descriptor: int) -> int:
    """Another number of the descriptor, which is then free to be closed by its new name."""
    moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 10)
    os.close(descriptor)
    return moved


@contextmanager
def opened(program: str, profile: Path, *flags: str, seconds: float = 60) -> Iterator[Page]:
    """A browser of its own with one tab; each answer is awaited for `seconds`."""
    hear, inlet = os.pipe()
    outlet, tell = os.pipe()
    hear, tell = _above_four(hear), _above_four(tell)
    # The protocol's pipes are the descriptors 3 and 4.
    command = f'exec "$@" 3<&{hear} 4>&{tell} {hear}<&- {tell}>&-'
    process = subprocess.Popen(
        [
            *("bash", "-c", command, "bash", program, *flags),
            *("--remote-debugging-pipe", f"--user-data-dir={profile}", "about:blank"),
        ],
        pass_fds=(hear, tell),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        # A group of its own, so that it ends with its children.
        start_new_session=True,
    )
    os.close(hear)
    os.close(tell)
    try:
        yield Page(inlet, outlet, seconds)
    finally:
        os.close(inlet)
        os.close(outlet)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
