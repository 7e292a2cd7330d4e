"""Destroying what a killed verification has left something in, really: in a sandbox."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.support import RunningSandbox, started
from tests.suite.support import MAKE, REGION, ROOT, VARIABLES, command, environment
from verify.live_fire import owner
from verify.live_fire.probes.role import PATH

pytestmark = pytest.mark.slow
PROBES = ("--probe=bucket", "--probe=role")
EVERYTHING = 5  # that a run puts into the account: queue, subscription, group, bucket, role


@pytest.fixture
def sandbox() -> Iterator[RunningSandbox]:
    with started("--region", REGION) as running:
        yield running


def _make(sandbox: RunningSandbox, folder: Path, target: str) -> subprocess.CompletedProcess[str]:
    """As users run it."""
    on_sandbox = (f"SANDBOX={sandbox.url}", f"WORK={folder / 'work'}", "AUTO_APPROVE=1")
    return subprocess.run(
        [MAKE, target, *on_sandbox],
        cwd=ROOT,
        env=environment(**VARIABLES),
        capture_output=True,
        text=True,
        check=False,
    )


def _left(sandbox: RunningSandbox) -> list[str]:
    """What is in the account of the live fire's."""
    named = [{"Name": "group-name", "Values": [f"{owner.NAME_PREFIX}*"]}]
    client = {name: sandbox.client(name, REGION) for name in ("ec2", "s3", "iam", "sqs", "sns")}
    buckets = [bucket["Name"] for bucket in client["s3"].list_buckets()["Buckets"]]
    subscriptions = client["sns"].list_subscriptions()["Subscriptions"]
    return [
        *(
            group["GroupId"]
            for group in client["ec2"].describe_security_groups(Filters=named)["SecurityGroups"]
        ),
        *(name for name in buckets if name.startswith(owner.NAME_PREFIX)),
        *(role["RoleName"] for role in client["iam"].list_roles(PathPrefix=PATH)["Roles"]),
        *client["sqs"].list_queues(QueueNamePrefix=owner.NAME_PREFIX).get("QueueUrls", []),
        *(one["Endpoint"] for one in subscriptions if owner.NAME_PREFIX in one["Endpoint"]),
    ]


def _has(sandbox: RunningSandbox, many: int) -> bool:
    return len(_left(sandbox)) >= many


def _begin(sandbox: RunningSandbox, outputs: Path, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command(outputs, outputs.parent / "reports", "--as-verifier", *PROBES, *arguments),
        cwd=ROOT,
        env=environment(sandbox.url),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _wait(process: subprocess.Popen[bytes], come: Callable[[], bool]) -> None:
    until = time.monotonic() + 120
    while not come():
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.05)


def _kill(sandbox: RunningSandbox, process: subprocess.Popen[bytes]) -> list[str]:
    """Kill the run; gives what it left."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(timeout=20)
    # A call that was on its way when its caller died may still be answered.
    left = _left(sandbox)
    while (now := _left(sandbox)) != left:
        left = now
    return left


def _silence(sandbox: RunningSandbox, outputs: dict[str, Any]) -> None:
    """No alert comes, so that a run waits until it is killed."""
    logs = sandbox.client("logs", REGION)
    group = outputs["trail_log_group_name"]["value"]
    for found in logs.describe_subscription_filters(logGroupName=group)["subscriptionFilters"]:
        logs.delete_subscription_filter(logGroupName=group, filterName=found["filterName"])


def test_what_killed_runs_left_is_swept_before_anything_is_destroyed(
    sandbox: RunningSandbox, tmp_path: Path
) -> None:
    """Killed at each moment of a run: with a part made, with everything, when it cleans up."""
    applied = _make(sandbox, tmp_path, "deploy")
    assert applied.returncode == 0, applied.stderr
    [outputs_file] = (tmp_path / "work").glob("*/outputs.json")
    outputs = json.loads(outputs_file.read_text())
    _silence(sandbox, outputs)

    def sweep(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "verify", "sweep", f"--outputs={outputs_file}", *arguments],
            cwd=ROOT,
            env=environment(sandbox.url),
            capture_output=True,
            text=True,
            check=False,
        )

    def swept(left: list[str]) -> None:
        listed = sweep("--dry-run")
        assert listed.returncode == 0, listed.stderr
        assert listed.stdout.count("would remove ") == len(left)
        assert _left(sandbox) == left, "it was only asked"
        done = sweep()
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("removed ") == len(left)
        assert _left(sandbox) == []

    for many in range(1, EVERYTHING):
        process = _begin(sandbox, outputs_file)
        _wait(process, partial(_has, sandbox, many))
        swept(_kill(sandbox, process))
    assert sweep().stdout == "no run has left anything\n"

    process = _begin(sandbox, outputs_file, "--alert-timeout=1")
    _wait(process, partial(_has, sandbox, EVERYTHING))
    _wait(process, lambda: not _has(sandbox, EVERYTHING))
    swept(_kill(sandbox, process))

    process = _begin(sandbox, outputs_file)
    _wait(process, partial(_has, sandbox, EVERYTHING))
    assert len(_kill(sandbox, process)) == EVERYTHING
    destroyed = _make(sandbox, tmp_path, "destroy")
    assert destroyed.returncode == 0, destroyed.stdout + destroyed.stderr
    assert "of killed live fires:" in destroyed.stderr
    assert _left(sandbox) == []
    names = [vpc.get("Tags", []) for vpc in sandbox.client("ec2", REGION).describe_vpcs()["Vpcs"]]
    assert names == [[]], "the region's own VPC alone"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--outputs=/nowhere.json"], "no outputs file at /nowhere.json"),
        (["--outputs=-"], "it is empty"),
    ],
)
def test_what_sweep_cannot_do_is_said(arguments: list[str], said: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "verify", "sweep", *arguments],
        cwd=ROOT,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
