"""Destroying what a killed verification has left something in, really: in a sandbox."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.support import Outcome, run
from tests.sandbox.support import RunningSandbox, start
from tests.suite.support import MAKE, REGION, ROOT, VARIABLES, command, environment
from verify.live_fire import owner
from verify.live_fire.probes.role_policy import PATH

pytestmark = pytest.mark.slow
PROBES = ("--probe=bucket-policy", "--probe=role-policy")
EVERYTHING = 5  # that a run puts into the account: queue, subscription, group, bucket, role


@pytest.fixture
def sandbox() -> Iterator[RunningSandbox]:
    running = start("--region", REGION)
    yield running
    running.process.terminate()
    assert running.process.wait(timeout=20) == 0


def _deploy(sandbox: RunningSandbox, folder: Path, step: str, *arguments: str) -> Outcome:
    where = ("--sandbox", sandbox.url, "--working-directory", str(folder / "work"))
    return run(step, *where, *arguments, environment=environment(**VARIABLES))


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


def _killed_with(sandbox: RunningSandbox, outputs: Path, reports: Path, many: int) -> list[str]:
    """Kill a run as soon as it has left so many things; gives those that are there then."""
    process = subprocess.Popen(
        command(outputs, reports, "--as-verifier", *PROBES),
        cwd=ROOT,
        env=environment(sandbox.url),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    until = time.monotonic() + 60
    while len(_left(sandbox)) < many:
        assert process.poll() is None
        assert time.monotonic() < until
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
    """At each moment of a run: with nothing made yet, with a part, with everything."""
    subprocess.run([sys.executable, "lambda/build.py"], cwd=ROOT, check=True, capture_output=True)
    outputs_file = tmp_path / "outputs.json"
    applied = _deploy(sandbox, tmp_path, "apply", "--auto-approve", "--output", str(outputs_file))
    assert applied.code == 0, applied.text
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

    for many in range(1, EVERYTHING + 1):
        left = _killed_with(sandbox, outputs_file, tmp_path / str(many), many)
        listed = sweep("--dry-run")
        assert listed.returncode == 0, listed.stderr
        assert listed.stdout.count("would remove ") == len(left)
        assert _left(sandbox) == left, "it was only asked"
        if many < EVERYTHING:
            done = sweep()
            assert done.returncode == 0, done.stderr
            assert done.stdout.count("removed ") == len(left)
            assert _left(sandbox) == []
            assert sweep().stdout == "no run has left anything\n"

    destroyed = _deploy(sandbox, tmp_path, "destroy", "--auto-approve")
    assert destroyed.code == 0, destroyed.text
    assert "of killed live fires:" in destroyed.stderr
    assert _left(sandbox) == []
    vpcs = sandbox.client("ec2", REGION).describe_vpcs()["Vpcs"]
    assert outputs["vpc_id"]["value"] not in {vpc["VpcId"] for vpc in vpcs}


def test_runs_killed_at_any_moment_leave_nothing_that_destroy_cannot_remove(
    sandbox: RunningSandbox, tmp_path: Path
) -> None:
    """As users run it, in the middle of each tenth of the time that a whole run takes."""
    on_sandbox = (f"SANDBOX={sandbox.url}", f"WORK={tmp_path / 'work'}", "AUTO_APPROVE=1")
    variables = environment(**VARIABLES)

    def make(target: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [MAKE, target, *on_sandbox],
            cwd=ROOT,
            env=variables,
            capture_output=True,
            text=True,
            check=False,
        )

    def begin(reports: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [
                *(MAKE, "verify", *on_sandbox, "AS_VERIFIER=1"),
                *(f"REPORTS={tmp_path / reports}", f"VERIFY_ARGS={' '.join(PROBES)}"),
            ],
            cwd=ROOT,
            env=variables,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    applied = make("deploy")
    assert applied.returncode == 0, applied.stderr
    started = time.monotonic()
    assert begin("whole").wait(timeout=300) == 0
    whole = time.monotonic() - started
    codes = []
    for tenth in range(10):
        killed = begin(f"killed-{tenth}")
        try:
            killed.wait(timeout=whole * (tenth + 0.5) / 10)
        except subprocess.TimeoutExpired:
            os.killpg(killed.pid, signal.SIGKILL)
            killed.wait(timeout=20)
        codes.append(killed.returncode)
    # A run that is quicker than the one that was timed may be over before its last moments.
    assert set(codes) <= {0, -signal.SIGKILL}
    assert codes.count(-signal.SIGKILL) >= 5

    destroyed = make("destroy")
    assert destroyed.returncode == 0, destroyed.stdout + destroyed.stderr
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
