"""The dev profile in other partitions: applied to a sandbox there, verified, and stable."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from tests.deploy.support import run
from tests.sandbox.support import started
from tests.suite.support import build_package, variables, verify


@pytest.mark.slow
@pytest.mark.parametrize(
    ("region", "partition", "further"),
    [("us-gov-west-1", "aws-us-gov", "us-gov-east-1"), ("cn-north-1", "aws-cn", "cn-northwest-1")],
)
def test_the_dev_profile_is_clean_and_stable(
    region: str, partition: str, further: str, tmp_path: Path
) -> None:
    environment = {**os.environ, **variables(further)}
    with started("--region", region) as sandbox:
        build_package()
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
        verified = verify(path, tmp_path / "reports", "--probe=role", url=sandbox.url)
        assert verified.code == 0, verified.text
        assert "\nCLEAN: " in verified.text

        again = run("plan", *common, environment=environment)
        assert again.code == 0, again.text
        assert "No changes." in again.stdout, again.stdout
