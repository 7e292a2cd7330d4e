"""`python -m verify who --athena`, on an account whose trail has delivered what happened."""

from __future__ import annotations

import json
import re
from functools import partial
from pathlib import Path

import pytest

from tests.sandbox import investigation
from tests.sandbox.investigation import Investigation
from tests.sandbox.support import Account, eventually, name
from tests.sandbox.test_who import Who, who

__all__ = ["who"]


@pytest.fixture(scope="module")
def made(account: Account) -> Investigation:
    return investigation.make(account, account.trail()["bucket"])


@pytest.fixture(scope="module")
def user(account: Account, made: Investigation) -> str:
    """Somebody who was made, could not be made again, and was deleted."""
    user = name("bob")
    account.iam.create_user(UserName=user)
    with pytest.raises(account.iam.exceptions.EntityAlreadyExistsException):
        account.iam.create_user(UserName=user)
    account.iam.delete_user(UserName=user)
    return user


def test_a_resource_is_asked_for_by_its_name_or_its_arn(
    made: Investigation, user: str, who: Who, tmp_path: Path
) -> None:
    outputs = made.outputs(tmp_path)
    for asked in (user, f"arn:aws:iam::123456789012:user/{user}"):
        done = eventually(
            partial(who, "--athena", "--outputs", outputs, "--resource", asked),
            lambda done: "DeleteUser" in done.stdout,
            60.0,
        )
        assert done.returncode == 0, done.stderr
        heads = done.stdout.splitlines()[::2]
        # Of one second, in whatever order.
        assert sorted(head.split("  ", 1)[1] for head in heads) == [
            "user sandbox  iam:CreateUser",
            "user sandbox  iam:CreateUser  NOT DONE: EntityAlreadyExists: "
            f"User {user} already exists",
            "user sandbox  iam:DeleteUser",
        ]
        assert "3 acts, " in done.stderr
        assert "in all regions of the trail" in done.stderr
        assert re.search(r"query [0-9a-f-]{36} succeeded: [0-9.]+ MB read, \d+ s", done.stderr)


@pytest.mark.parametrize(
    ("narrower", "acts"),
    [
        (["--failed"], ["CreateUser"]),
        (["--event", "DeleteUser"], ["DeleteUser"]),
        (["--principal", "sandbox", "--changes"], ["CreateUser", "CreateUser", "DeleteUser"]),
        (["--principal", "sand_ox"], []),
        (["--principal", "' OR '1'='1"], []),
        (["--role", "sandbox"], []),
        (["--region", "us-east-1"], ["CreateUser", "CreateUser", "DeleteUser"]),
        (["--region", "eu-west-1"], []),
        (["--until", "1h"], []),
    ],
)
def test_what_is_asked_for_narrows_the_answer(
    narrower: list[str], acts: list[str], made: Investigation, user: str, who: Who, tmp_path: Path
) -> None:
    outputs = made.outputs(tmp_path)
    asked = ["--athena", "--outputs", outputs, "--json", "--resource", user]
    eventually(lambda: who(*asked), lambda done: "DeleteUser" in done.stdout, 60.0)
    done = who(*asked, *narrower)
    assert done.returncode == 0, done.stderr
    found = [json.loads(line)["action"] for line in done.stdout.splitlines()]
    assert sorted(found) == [f"iam:{act}" for act in acts]


def test_what_is_older_than_the_history_is_asked_of_the_log_files(
    made: Investigation, who: Who, tmp_path: Path
) -> None:
    done = who("--since", "91d", "--outputs", made.outputs(tmp_path), "--resource", "nothing-of-it")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert "0 acts, " in done.stderr
    assert "in all regions of the trail" in done.stderr


def test_what_is_cut_off_is_said_and_is_no_success(
    made: Investigation, user: str, who: Who, tmp_path: Path
) -> None:
    outputs = made.outputs(tmp_path)
    asked = ["--athena", "--outputs", outputs, "--resource", user]
    eventually(lambda: who(*asked), lambda done: "DeleteUser" in done.stdout, 60.0)
    done = who(*asked, "--limit", "2")
    assert done.returncode == 2
    assert "the trail has more: the newest 2 were read" in done.stderr
    # All three may be of one second, in whatever order.
    heads = [line for line in done.stdout.splitlines() if "user sandbox  iam:" in line]
    assert len(heads) == 2


def test_archived_files_are_told_and_are_no_success(
    made: Investigation, account: Account, who: Who, tmp_path: Path
) -> None:
    key = "AWSLogs/123456789012/CloudTrail/eu-west-1/2026/01/02/old.json.gz"
    account.s3.put_object(Bucket=made.bucket, Key=key, Body=b"x" * 100, StorageClass="GLACIER")
    period = ["--since", "2026-01-01T00:00", "--until", "2026-01-02T00:00"]
    try:
        done = who("--athena", "--outputs", made.outputs(tmp_path), *period)
        elsewhere = who(
            "--athena", "--outputs", made.outputs(tmp_path), *period, "--region", "us-east-1"
        )
    finally:
        account.s3.delete_object(Bucket=made.bucket, Key=key)
    assert done.returncode == 2
    assert "1 log files of these days are archived (0.0 MB): restore them" in done.stderr
    assert elsewhere.returncode == 0


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"investigation_workgroup_name": "absent"}, "WorkGroup absent is not found"),
        ({"investigation_table_name": "absent"}, "TABLE_NOT_FOUND"),
        ({"investigation_table_name": "t; DROP TABLE x"}, "is no name of a database or table"),
        ({"investigation_workgroup_name": None}, "--athena needs the --outputs"),
    ],
)
def test_a_query_that_fails_says_why(
    changes: dict[str, str | None], said: str, made: Investigation, who: Who, tmp_path: Path
) -> None:
    done = who("--athena", "--outputs", made.outputs(tmp_path, **changes))
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--resource", "a\nb"], "holds characters that cannot be asked for"),
        (["--principal", "x" * 1100], "is too long: 1024 characters can be asked for"),
    ],
)
def test_what_cannot_be_asked_for_is_refused(
    arguments: list[str], said: str, made: Investigation, who: Who, tmp_path: Path
) -> None:
    done = who("--athena", "--outputs", made.outputs(tmp_path), *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


def test_without_outputs_the_log_files_are_not_known(who: Who) -> None:
    done = who("--athena")
    assert done.returncode == 2
    assert "--athena needs the --outputs of a deployment" in done.stderr
