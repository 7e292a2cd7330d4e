"""The whole way on an account that knows and forgets as late as AWS does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy.support import ROOT, run
from tests.sandbox.support import start
from tests.suite.support import variables


@pytest.mark.slow
def test_a_deployment_is_made_verified_and_removed(tmp_path: Path) -> None:
    sandbox = start("--consistency=aws", "--region", "eu-west-1")
    try:
        build = [sys.executable, str(ROOT / "lambda" / "build.py")]
        subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
        path = tmp_path / "outputs.json"
        common = (
            *("--sandbox", sandbox.url, "--region", "eu-west-1"),
            *("--working-directory", str(tmp_path / "work")),
        )
        environment = {**os.environ, **variables("eu-central-1")}
        applied = run("apply", *common, "--output", str(path), environment=environment)
        assert applied.code == 0, applied.text
        verified = subprocess.run(
            [
                *(sys.executable, "-m", "pytest", f"--outputs={path}"),
                *(f"--reports={tmp_path / 'reports'}", "--as-verifier"),
                *(f"--probe={key}" for key in ("bucket", "key", "network", "role")),
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
        destroyed = run("destroy", *common, environment=environment)
        assert destroyed.code == 0, destroyed.text
    finally:
        sandbox.process.terminate()
        assert sandbox.process.wait(timeout=30) == 0
