"""The whole way on an account that knows and forgets as late as AWS does."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.deploy.support import run
from tests.sandbox.support import started
from tests.suite.support import build_package, variables, verify


@pytest.mark.slow
def test_a_deployment_is_made_verified_and_removed(tmp_path: Path) -> None:
    with started("--consistency=aws", "--region", "eu-west-1") as sandbox:
        build_package()
        path = tmp_path / "outputs.json"
        common = (
            *("--sandbox", sandbox.url, "--region", "eu-west-1"),
            *("--working-directory", str(tmp_path / "work")),
        )
        environment = {**os.environ, **variables("eu-central-1")}
        applied = run("apply", *common, "--output", str(path), environment=environment)
        assert applied.code == 0, applied.text
        probes = (f"--probe={key}" for key in ("bucket", "key", "network", "role"))
        verified = verify(path, tmp_path / "reports", *probes, url=sandbox.url)
        assert verified.code == 0, verified.text
        assert "\nCLEAN: " in verified.text
        destroyed = run("destroy", *common, environment=environment)
        assert destroyed.code == 0, destroyed.text
