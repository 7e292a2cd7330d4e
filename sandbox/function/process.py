"""One execution environment of a Lambda function: a warm process and its output."""

from __future__ import annotations

import array
import fcntl
import json
import os
import queue
import select
import shutil
import subprocess
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sandbox.clock import milliseconds, now
from sandbox.function.package import InvalidPackageError, unpack
from sandbox.function.runtime_api import Message, RuntimeApi, Work

# AWS gives the init phase 10 s. A busy machine may start Python more slowly than a Lambda worker
# does, so the bound here is generous: it is there to end what hangs.
INIT_SECONDS = 30.0
MAXIMUM_LINE_BYTES = 256 * 1024

LineSink = Callable[[int, str], None]


@dataclass(frozen=True)
class FunctionDefinition:
    """What an execution environment is made from; another definition needs another process."""

    name: str
    arn: str
    version: str
    handler: str
    runtime: str
    role: str
    region: str
    timeout_seconds: int
    memory_megabytes: int
    code_sha256: str
    environment: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Outcome:
    """How an invocation ended.

    ``error`` is None on success, else Lambda's word for it: ``Unhandled`` for what the function
    raised, ``Timeout``, ``Exit`` or ``Init``; the payload is then Lambda's error document.
    Durations are in milliseconds; ``init`` is None for a warm process.
    """

    payload: bytes
    error: str | None
    duration: float
    init: float | None
    peak_megabytes: int
    log_tail: bytes = b""


class FunctionProcess:
    """A process under ``awslambdaric``, invoked one invocation at a time."""

    def __init__(
        self,
        definition: FunctionDefinition,
        package: bytes,
        environment: Mapping[str, str],
        log_stream: str,
        on_line: LineSink,
    ) -> None:
        """Unpack the package and start the process.

        Raises InvalidPackageError when the package cannot be unpacked.
        """
        self.definition = definition
        self.log_stream = log_stream
        self._on_line = on_line
        self._folder = Path(tempfile.mkdtemp(prefix="sandbox-function-"))
        task = self._folder / "task"
        scratch = self._folder / "tmp"
        task.mkdir()
        scratch.mkdir()
        try:
            unpack(package, task)
        except InvalidPackageError:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise
        self._api = RuntimeApi()
        self._started = time.monotonic()
        self._process = subprocess.Popen(
            [sys.executable, "-P", _BOOTSTRAP, definition.handler],
            cwd=task,
            env={
                **dict(definition.environment),
                **environment,
                "AWS_LAMBDA_RUNTIME_API": self._api.address,
                "LAMBDA_TASK_ROOT": str(task),
                "PYTHONPATH": str(task),
                "PYTHONUNBUFFERED": "1",
                # The package was made for reading only; Lambda's file system is too.
                "PYTHONDONTWRITEBYTECODE": "1",
                "TMPDIR": str(scratch),
                "HOME": str(scratch),
                "PATH": os.defpath,
                "LANG": "C.UTF-8",
                "TZ": ":UTC",
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        # What the function has written since the end of its last invocation.
        self.lines: list[str] = []
        self._warm = False
        self._output_lock = threading.Lock()
        self._partial = b""
        self._reader = threading.Thread(
            target=self._read_output, name=f"sandbox-output-{definition.name}", daemon=True
        )
        self._reader.start()

    @property
    def alive(self) -> bool:
        """Whether another invocation can be given to the process."""
        return self._process.poll() is None

    def invoke(self, request_id: str, payload: bytes, invoked_arn: str) -> Outcome:
        """Run one invocation to its end; a failure is an Outcome, not an exception.

        ``invoked_arn`` is the function as it was called, with the version or alias if there was
        one.
        """
        init: float | None = None
        if not self._warm:
            message = self._wait(time.monotonic() + INIT_SECONDS)
            if message is None or message.kind != "ready":
                return self._failed_start(request_id, message)
            self._warm = True
            init = (time.monotonic() - self._started) * 1000
        begun = time.monotonic()
        timeout = self.definition.timeout_seconds
        self._api.offer(
            Work(
                request_id=request_id,
                payload=payload,
                deadline=milliseconds(now()) + timeout * 1000,
                function_arn=invoked_arn,
            )
        )
        message = self._wait(begun + timeout)
        duration = (time.monotonic() - begun) * 1000
        peak = self._peak_megabytes()
        if message is None:
            timed_out = self.alive
            self.stop()
            if timed_out:
                why = f"Task timed out after {timeout:.2f} seconds"
                self._line(f"{_instant()} {request_id} {why}")
                document = {
                    "errorType": "Sandbox.Timedout",
                    "errorMessage": f"RequestId: {request_id} Error: {why}",
                }
                return Outcome(_json(document), "Timeout", duration, init, peak)
            return self._exited(request_id, duration, init, peak)
        self._drain()
        error = "Unhandled" if message.kind == "error" else None
        return Outcome(message.body, error, duration, init, peak)

    def stop(self) -> None:
        """End the process, read what it still had to say, and remove its files."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._api.close()
        self._reader.join(timeout=2)
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _wait(self, until: float) -> Message | None:
        """The process's next word, or None when it has ended or the time is up."""
        while (left := until - time.monotonic()) > 0:
            try:
                return self._api.messages.get(timeout=min(left, 0.2))
            except queue.Empty:
                if not self.alive and self._api.messages.empty():
                    return None
        return None

    def _failed_start(self, request_id: str, message: Message | None) -> Outcome:
        duration = (time.monotonic() - self._started) * 1000
        peak = self._peak_megabytes()
        if message is not None:
            self._drain()
        self.stop()
        if message is not None:
            return Outcome(message.body, "Init", duration, None, peak)
        return self._exited(request_id, duration, None, peak)

    def _exited(self, request_id: str, duration: float, init: float | None, peak: int) -> Outcome:
        self.stop()
        code = self._process.returncode
        reason = f"signal: {-code}" if code < 0 else f"exit status {code}"
        message = f"RequestId: {request_id} Error: Runtime exited with error: {reason}"
        self._line(message)
        document = {"errorType": "Runtime.ExitError", "errorMessage": message}
        return Outcome(_json(document), "Exit", duration, init, peak)

    def _peak_megabytes(self) -> int:
        try:
            status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii")
        except OSError:  # not Linux, or the process has gone
            return 0
        for line in status.splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) // 1024
        return 0

    def _read_output(self) -> None:
        stream = self._process.stdout
        if stream is None:
            return
        descriptor = stream.fileno()
        while True:
            select.select([descriptor], [], [])
            with self._output_lock:
                chunk = os.read(descriptor, 65536)
                if not chunk:
                    if self._partial:
                        self._line(self._partial.decode("utf-8", "replace"))
                        self._partial = b""
                    return
                *lines, self._partial = (self._partial + chunk).split(b"\n")
                if len(self._partial) > MAXIMUM_LINE_BYTES:
                    lines.append(self._partial)
                    self._partial = b""
                for line in lines:
                    self._line(line.decode("utf-8", "replace"))

    def _drain(self) -> None:
        """Wait until everything written before the message was posted has been logged."""
        stream = self._process.stdout
        until = time.monotonic() + 1.0
        while stream is not None and time.monotonic() < until:
            with self._output_lock:
                waiting = array.array("i", [0])
                try:
                    fcntl.ioctl(stream.fileno(), termios.FIONREAD, waiting)
                except (OSError, ValueError):
                    return
                if waiting[0] == 0:
                    return
            time.sleep(0.001)

    def _line(self, text: str) -> None:
        # The runtime client separates an error's lines by carriage returns within one event.
        text = text.rstrip("\r").replace("\r", "\n")
        if text:
            self.lines.append(text)
            self._on_line(milliseconds(now()), text)


_BOOTSTRAP = str(Path(__file__).with_name("bootstrap.py"))


def _json(document: Mapping[str, str]) -> bytes:
    return json.dumps(document).encode()


def _instant() -> str:
    return now().strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
