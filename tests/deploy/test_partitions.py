"""The dev profile in other partitions: applied to a sandbox there, verified, and stable."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy.support import ROOT, run
from tests.sandbox.support import start
from tests.suite.support import variables


@pytest.mark.slow
@pytest.mark.parametrize(
    ("region", "partition", "further"),
    [("us-gov-west-1", "aws-us-gov", "us-gov-east-1"), ("cn-north-1", "aws-cn", "cn-northwest-1")],
)
def test_the_dev_profile_is_clean_and_stable(
    region: str, partition: str, further: str, tmp_path: Path
) -> None:
    environment = {**os.environ, **variables(further)}
    sandbox = start("--region", region)
    try:
        # Where the suite looks for the reviewed build.
        build = [sys.executable, str(ROOT / "lambda" / "build.py")]
        subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
        path = tmp_path / "outputs.json"
        common = (
            *("--sandbox", sandbox.url, "--region", region),
            *("--working-directory", str(tmp_path / "work")),
        )
        applied = run("apply", *common, "--output", str(path), environment=environment)
        assert applied.code == 0, applied.text
        outputs = json.loads(path.read_text())
        assert outputs["partition"]["value"] == partition
        named = set(re.findall("arn:(aws[a-z-]*):", path.read_text()))
        assert named == {partition}

        # The probes too: IAM's and sign-in's events belong to another region than us-east-1.
        verified = subprocess.run(
            [
                *(sys.executable, "-m", "pytest", f"--outputs={path}"),
                *(f"--reports={tmp_path / 'reports'}", "--as-verifier", "--probe=role"),
            ],
            cwd=ROOT,
            env={
                **os.environ,
                "AWS_ENDPOINT_URL": sandbox.url,
                "AWS_ACCESS_KEY_ID": "test",
                "AWS_SECRET_ACCESS_KEY": "test",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert verified.returncode == 0, verified.stdout
        assert "\nCLEAN: " in verified.stdout

        again = run("plan", *common, environment=environment)
        assert again.code == 0, again.text
        assert "No changes." in again.stdout, again.stdout
    finally:
        sandbox.process.terminate()
        assert sandbox.process.wait(timeout=30) == 0
