"""The page on incidents: its commands do what it says, on an account with something to find."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sandbox import investigation
from tests.sandbox.investigation import Investigation
from tests.sandbox.support import REGION, ROOT, Account, RunningSandbox, eventually, name
from tests.sandbox.test_who import Who, who

__all__ = ["who"]

PAGE = (ROOT / "docs/investigation.md").read_text(encoding="utf-8")


def _example(kind: str) -> str:
    [found] = re.findall(rf"^```sh {kind}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return str(found)


@pytest.fixture(scope="module")
def made(account: Account) -> Investigation:
    return investigation.make(account, account.trail()["bucket"])


@pytest.mark.parametrize("line", _example("who").splitlines())
def test_each_question_is_answered(
    line: str, made: Investigation, who: Who, tmp_path: Path
) -> None:
    words = shlex.split(line.replace("outputs.json", made.outputs(tmp_path)))
    assert words[:4] == ["python", "-m", "verify", "who"]
    done = who(*words[4:])
    assert done.returncode == 0, done.stderr
    assert " acts, " in done.stderr


def test_a_saved_query_is_asked_by_its_name(
    made: Investigation, account: Account, sandbox: RunningSandbox, tmp_path: Path
) -> None:
    user = name("bob")
    account.iam.create_user(UserName=user)
    with pytest.raises(account.iam.exceptions.EntityAlreadyExistsException):
        account.iam.create_user(UserName=user)
    kept = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    environment = {
        **kept,
        "PATH": f"{Path(sys.executable).parent}:{kept['PATH']}",
        "AWS_ENDPOINT_URL": sandbox.url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
    }
    script = _example("saved").replace("workgroup-investigation-prod", made.workgroup)

    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["/bin/bash", "-e", "-o", "pipefail", "-c", script],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    done = eventually(run, lambda done: done.returncode != 0 or "CreateUser" in done.stdout, 90.0)
    assert done.returncode == 0, done.stderr
    state, found = done.stdout.splitlines()
    assert state == "SUCCEEDED"
    assert found.split("\t")[0] == "eventname"
    assert "CreateUser" in found
