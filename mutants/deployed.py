"""A sandbox with a profile deployed into it, for as long as the mutants need it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from mutants.suite import ROOT
from verify.live_fire.probes import PERMITTED

# What faults are seeded in besides the defaults: every probe, and a further region that is neither
# the sandbox's own nor that of the global services.
_EVERYTHING: Mapping[str, str] = {
    "TF_VAR_verifier_probes": json.dumps(PERMITTED),
    "TF_VAR_further_event_regions": json.dumps(["eu-west-1"]),
}
# And what a profile's baseline admits without demanding it: copies of the log files, a bucket of
# reports and a key that signs them.
_OF_PROFILE: Mapping[str, Mapping[str, str]] = {
    "prod": {
        "TF_VAR_replication_region": "ap-southeast-2",
        "TF_VAR_reports_bucket_enabled": "true",
        "TF_VAR_report_signing_enabled": "true",
    }
}
_DEPLOY_SECONDS = 400.0
_STOP_SECONDS = 30.0
_POLL_SECONDS = 0.5


class DeployedError(Exception):
    """There is no account to break. The message says what was printed."""


def everything(profile: str) -> Mapping[str, str]:
    """The variables of a deployment of `profile` in which every fault can be seeded."""
    return {**_EVERYTHING, **_OF_PROFILE.get(profile, {})}


def build_package(folder: Path, stopping: threading.Event) -> Path:
    """The function's package, built from the sources; the same bytes on every machine.

    Raises DeployedError when the build fails or is to stop.
    """
    package = folder / "compliance_checker.zip"
    _run([sys.executable, "lambda/build.py", "--output", str(package)], 60.0, stopping, {})
    return package


@contextmanager
def sandbox(log: Path) -> Iterator[str]:
    """A sandbox of its own on a free port; its address. `log` keeps what it prints.

    Raises DeployedError when it does not start.
    """
    with log.open("w", encoding="utf-8") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "sandbox", "--port", "0"],
            cwd=ROOT,
            env=_environment(),
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            # Ctrl-C is for us: the account must outlive it until it is mended.
            start_new_session=True,
        )
    try:
        line = process.stdout.readline() if process.stdout is not None else ""
        if not line.startswith("sandbox ready: "):
            raise DeployedError(f"the sandbox did not start: {log.read_text(encoding='utf-8')}")
        yield line.split()[2]
    finally:
        _stop(process, signal.SIGTERM)
        if process.stdout is not None:
            process.stdout.close()


def deploy(
    url: str,
    package: Path,
    folder: Path,
    stopping: threading.Event,
    variables: Mapping[str, str],
    profile: str,
) -> Path:
    """Deploy a profile with these variables (``TF_VAR_``) besides; the file with the outputs.

    Raises DeployedError when the deployment fails or is to stop.
    """
    outputs = folder / "outputs.json"
    command = [sys.executable, "-m", "deploy", "apply", "--sandbox", url, "--auto-approve"]
    command += ["--working-directory", str(folder / "work"), "--function-package", str(package)]
    command += ["--profile", profile]
    _run([*command, "--output", str(outputs)], _DEPLOY_SECONDS, stopping, variables)
    return outputs


def _run(
    command: list[str],
    seconds: float,
    stopping: threading.Event,
    variables: Mapping[str, str],
) -> None:
    """Run a command to its end; when that is not awaited, let it end as after Ctrl-C."""
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**_environment(), **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    what, until = " ".join(command[1:4]), time.monotonic() + seconds
    try:
        while True:
            try:
                printed, _ = process.communicate(timeout=_POLL_SECONDS)
                break
            except subprocess.TimeoutExpired:
                if stopping.is_set():
                    raise DeployedError(f"{what} was interrupted") from None
                if time.monotonic() > until:
                    raise DeployedError(f"{what} took more than {seconds:.0f} s") from None
    finally:
        _stop(process, signal.SIGINT)
    if process.returncode != 0:
        raise DeployedError(f"{what} failed:\n{printed}")


def _stop(process: subprocess.Popen[str], number: signal.Signals) -> None:
    """End a process and its children, gently first; it leads a process group of its own."""
    if process.poll() is None:
        process.send_signal(number)
        try:
            process.communicate(timeout=_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _environment() -> Mapping[str, str]:
    """Ours without anything of AWS's: the sandbox and the deployment need none of it."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
        "AWS_EC2_METADATA_DISABLED": "true",
    }
