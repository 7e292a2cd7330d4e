"""Starting and stopping ``python -m sandbox``."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.sandbox.support import ROOT, Account, RunningSandbox, start

# Each starts a sandbox of its own.
pytestmark = pytest.mark.slow

SLEEPER = "import os\ndef handler(e, c): return os.getpid()"


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sandbox", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
    )


def test_the_ready_line_and_health(sandbox: RunningSandbox) -> None:
    assert sandbox.ready_line == f"sandbox ready: {sandbox.url} (account 123456789012)"
    assert sandbox.url.startswith("http://127.0.0.1:")
    with urllib.request.urlopen(sandbox.url + "/_sandbox/health") as answer:  # noqa: S310 - loopback
        health = json.load(answer)
    assert health["status"] == "ok"
    assert health["account"] == "123456789012"
    assert health["region"] == "eu-west-1"


def status_of(url: str, method: str, body: bytes = b"") -> int:
    request = urllib.request.Request(url, data=body or None, method=method)  # noqa: S310
    try:
        with urllib.request.urlopen(request) as answer:  # noqa: S310 - loopback
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_what_is_not_signed_changes_nothing(sandbox: RunningSandbox) -> None:
    assert status_of(sandbox.url + "/some-bucket", "PUT") == 403
    assert status_of(sandbox.url + "/some-bucket", "GET") == 404
    assert status_of(sandbox.url + "/", "POST", b"Action=DeleteTopic&TopicArn=x") == 403
    assert status_of(sandbox.url + "/moto-api/reset", "POST", b"x") == 404
    assert status_of(sandbox.url + "/_sandbox/other", "GET") == 404


def test_help_names_every_option() -> None:
    finished = run("--help")
    assert finished.returncode == 0
    for option in (
        "--port",
        "--region",
        "--account",
        "--speed",
        "--digest-period",
        "--digest-regions",
        "--verbose",
        "/_sandbox/backfill-digest",
    ):
        assert option in finished.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["--port", "70000"],
        ["--port", "x"],
        ["--account", "12"],
        ["--region", "nowhere"],
        ["--speed", "0"],
        ["--speed", "fast"],
        ["--digest-period", "0"],
        ["--digest-period", "1.5"],
        ["--digest-period", "86401"],
        ["--digest-regions", "eu-west-1,nowhere"],
        ["--unknown"],
    ],
)
def test_bad_arguments(arguments: list[str]) -> None:
    finished = run(*arguments)
    assert finished.returncode == 2
    assert "Traceback" not in finished.stderr
    assert finished.stdout == ""


def test_a_bad_speed_in_the_environment() -> None:
    finished = run("--port", "0", SANDBOX_SPEED="fast")
    assert finished.returncode == 2
    assert "fast" in finished.stderr


@pytest.mark.parametrize("name", ["SANDBOX_DIGEST_PERIOD", "SANDBOX_DIGEST_REGIONS"])
def test_bad_digest_settings_in_the_environment(name: str) -> None:
    finished = run("--port", "0", **{name: "often"})
    assert finished.returncode == 2
    assert "often" in finished.stderr
    assert "Traceback" not in finished.stderr


def test_a_port_in_use() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        finished = run("--port", str(port))
    assert finished.returncode == 2
    assert finished.stderr.strip().splitlines() == [
        f"sandbox: port {port} on 127.0.0.1 is in use; choose another with --port (make: PORT=)"
    ]


def exists(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_no_child_outlives_the_sandbox(number: signal.Signals) -> None:
    running = start("--account", "210987654321")
    try:
        account = Account(running)
        assert account.sts.get_caller_identity()["Account"] == "210987654321"
        function = account.function(SLEEPER)
        child = json.loads(account.lambda_.invoke(FunctionName=function)["Payload"].read())
        assert exists(child)
        running.process.send_signal(number)
        code = running.process.wait(timeout=20)
    finally:
        running.process.kill()
        running.process.wait()
    assert code == (-number if number == signal.SIGKILL else 0)
    until = time.monotonic() + 5
    while exists(child) and time.monotonic() < until:
        time.sleep(0.05)
    assert not exists(child)
