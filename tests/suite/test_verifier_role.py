"""The verifier's role: what Terraform permits it is what the whole suite needs."""

from __future__ import annotations

import json
from pathlib import Path

from tests.sandbox.support import RunningSandbox
from tests.suite.support import REGION, verify


def test_the_whole_suite_passes_as_the_verifier(
    sandbox: RunningSandbox, deployed: Path, tmp_path: Path
) -> None:
    role = json.loads(deployed.read_text())["verifier_role_arn"]["value"]
    session = sandbox.client("sts", REGION).assume_role(RoleArn=role, RoleSessionName="verifier")
    keys = session["Credentials"]
    run = verify(
        deployed,
        tmp_path,
        "--probe=bucket-policy",
        "--probe=role-policy",
        url=sandbox.url,
        AWS_ACCESS_KEY_ID=keys["AccessKeyId"],
        AWS_SECRET_ACCESS_KEY=keys["SecretAccessKey"],
        AWS_SESSION_TOKEN=keys["SessionToken"],
    )
    assert run.controls("NOT APPLICABLE") == {"no-drift"}, run.text
    assert set(run.outcomes.values()) == {"PASS", "NOT APPLICABLE"}, run.text
    assert run.code == 0
    assert len(run.outcomes) >= 50
