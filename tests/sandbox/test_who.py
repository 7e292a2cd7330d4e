"""`python -m verify who`, on an account in which something has happened."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.sandbox.support import REGION, ROOT, ROOT_ARN, RunningSandbox, eventually, name

Who = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def who(sandbox: RunningSandbox) -> Who:
    """The command, as somebody would run it against the account."""

    def run(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
        environment = {
            **kept,
            "AWS_ENDPOINT_URL": sandbox.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
            **more,
        }
        command = [sys.executable, "-m", "verify", "who", *arguments]
        return subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )

    return run


def test_a_resource_is_asked_for_by_its_name_or_its_arn(sandbox: RunningSandbox, who: Who) -> None:
    user = name("bob")
    sandbox.client("iam").create_user(UserName=user)
    arn = f"arn:aws:iam::123456789012:user/{user}"
    sandbox.client("iam").delete_user(UserName=user)
    done = eventually(
        lambda: who("--resource", arn, "--changes"), lambda done: "2 acts, " in done.stderr
    )
    assert done.returncode == 0
    # Times are whole seconds: which of two acts of one second was first, no record says.
    first, on, second, also_on = done.stdout.splitlines()
    assert {line.partition("  ")[2] for line in (first, second)} == {
        "user sandbox  iam:CreateUser",
        "user sandbox  iam:DeleteUser",
    }
    assert on == also_on == f"    on userName={user}  from 127.0.0.1  in us-east-1"
    assert f"in {REGION}, us-east-1" in done.stderr


def test_what_was_not_done_is_told_with_its_reason(sandbox: RunningSandbox, who: Who) -> None:
    trail = name("trail")
    client = sandbox.client("cloudtrail")
    with pytest.raises(client.exceptions.TrailNotFoundException):
        client.stop_logging(Name=trail)
    done = eventually(
        lambda: who("--resource", trail, "--failed", "--json"), lambda done: bool(done.stdout)
    )
    [line] = done.stdout.splitlines()
    act = json.loads(line)
    assert act["action"] == "cloudtrail:StopLogging"
    assert act["who"] == "user sandbox"
    assert act["on"] == [f"name={trail}"]
    assert act["error"].startswith("TrailNotFoundException: ")


def test_what_is_cut_off_is_said_and_is_no_success(sandbox: RunningSandbox, who: Who) -> None:
    for _ in range(2):
        sandbox.client("ec2").describe_vpcs()
    done = who("--since", "1h", "--limit", "1", "--region", REGION)
    assert done.returncode == 2
    assert f"{REGION} has more: the newest 1 were read" in done.stderr


def test_a_missing_permission_is_named(sandbox: RunningSandbox, who: Who) -> None:
    role = name("nobody")
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": ROOT_ARN}}
        ],
    }
    made = sandbox.client("iam").create_role(
        RoleName=role, AssumeRolePolicyDocument=json.dumps(trust)
    )
    session = sandbox.client("sts").assume_role(
        RoleArn=made["Role"]["Arn"], RoleSessionName="nobody"
    )["Credentials"]
    own = {
        "AWS_ACCESS_KEY_ID": session["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": session["SecretAccessKey"],
        "AWS_SESSION_TOKEN": session["SessionToken"],
    }
    done = who(**own)
    assert (done.returncode, done.stdout) == (2, "")
    assert "AccessDenied" in done.stderr
    assert done.stderr.rstrip().endswith(": allow cloudtrail:LookupEvents")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--since", "yesterday"], "say how long ago (90m, 2h, 3d)"),
        (["--since", "91d"], "goes back 90 days"),
        (["--since", "1h", "--until", "2h"], "--since must be before --until"),
        (["--outputs", "no-such-file"], "no outputs file at no-such-file"),
        (["--limit", "0"], "'0' is not a number above 0"),
    ],
)
def test_a_question_that_cannot_be_asked_says_why(
    arguments: list[str], said: str, who: Who
) -> None:
    done = who(*arguments)
    assert done.returncode == 2
    assert said in done.stderr


def test_without_a_region_it_asks_for_one(who: Who) -> None:
    done = who(AWS_REGION="")
    assert done.returncode == 2
    assert "which region? name it with --region, --outputs or AWS_REGION" in done.stderr
