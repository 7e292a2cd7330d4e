"""What an auditor may demand of the log bucket, or permit, beyond the profile dev."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.support import ACCOUNT, RunningSandbox
from tests.suite.support import REGION, role_statement, verify
from verify.account.endpoints import reach_by_address

BUCKET = f"s3-cloudtrail-logs-dev-{ACCOUNT}"
BLOCKS = ["BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"]
ROLE = f"arn:aws:iam::{ACCOUNT}:role/break/glass"
CHECKS = ("verify/checks/test_log_bucket.py", "verify/checks/test_log_bucket_ways_out.py")


@pytest.fixture(autouse=True)
def readable(sandbox: RunningSandbox, outputs: dict[str, Any]) -> Iterator[None]:
    """The verifier may read the exempt role, as it may where one is deployed with."""
    by_name = [f"arn:aws:iam::{ACCOUNT}:role/{path}glass" for path in ("", "*/")]
    with role_statement(sandbox, outputs["verifier_role_name"], "Allow", "iam:GetRole", *by_name):
        yield


@pytest.fixture
def outcomes(deployed: Path, sandbox: RunningSandbox, tmp_path: Path) -> Any:
    """Runs the bucket's controls against dev with other values: outcome and message of each."""

    def run(**values: Any) -> dict[str, tuple[str, str]]:
        path = tmp_path / "strict.yaml"
        path.write_text(json.dumps({"extends": "dev", "log_bucket": values}))
        done = verify(deployed, tmp_path, *CHECKS, f"--profile={path}", url=sandbox.url)
        return {
            row["control"]["identifier"]: (row["outcome"], row["message"])
            for row in done.report["results"]
        }

    return run


def test_what_is_demanded_and_not_there_fails(outcomes: Any) -> None:
    lock = {"mode": "GOVERNANCE", "minimum_days": 365}
    found = outcomes(
        mfa_delete="Enabled",
        object_lock=lock,
        account_public_access_blocks=BLOCKS,
        acceleration="Enabled",
        break_glass_roles=[ROLE],
    )
    outcome, message = found["log-bucket-versioned"]
    assert outcome == "FAIL"
    assert "MFA delete: required Enabled, live Disabled" in message
    assert "Object Lock: required" in message
    outcome, message = found["log-bucket-public-access-blocked"]
    assert outcome == "FAIL"
    assert f"account {ACCOUNT}: BlockPublicAcls: required yes, live no" in message
    assert found["log-bucket-has-one-door"][0] == "FAIL"
    outcome, message = found["log-bucket-protects-files"]
    assert outcome == "FAIL"
    assert f"{ROLE}: the exempt role: required {ROLE}, live no role of that name" in message


@contextmanager
def _control(sandbox: RunningSandbox) -> Iterator[Any]:
    client = sandbox.client("s3control", REGION)
    reach_by_address(client)
    yield client


def test_what_is_demanded_and_there_passes(outcomes: Any, sandbox: RunningSandbox) -> None:
    s3 = sandbox.client("s3", REGION)
    events: dict[str, Any] = {"EventBridgeConfiguration": {}}
    with ExitStack() as mending:
        control = mending.enter_context(_control(sandbox))
        control.put_public_access_block(
            AccountId=ACCOUNT,
            PublicAccessBlockConfiguration=dict.fromkeys(BLOCKS, True),
        )
        mending.callback(control.delete_public_access_block, AccountId=ACCOUNT)
        s3.put_bucket_notification_configuration(Bucket=BUCKET, NotificationConfiguration=events)
        mending.callback(
            s3.put_bucket_notification_configuration, Bucket=BUCKET, NotificationConfiguration={}
        )
        which = {"AccountId": ACCOUNT, "Name": "analysts"}
        control.create_access_point(**which, Bucket=BUCKET)
        mending.callback(control.delete_access_point, **which)
        _admit(control, which, f"arn:aws:iam::{ACCOUNT}:root")
        permitted = {
            "account_public_access_blocks": BLOCKS,
            "sends_to": ["EventBridge"],
            "access_points": ["analysts"],
        }
        found = outcomes(**permitted)
        assert {name for name, (outcome, _) in found.items() if outcome == "FAIL"} == set()
        assert found["log-bucket-has-one-door"][0] == "PASS"
        assert found["log-bucket-sends-nothing-away"][0] == "PASS"
        assert found["log-bucket-public-access-blocked"][0] == "PASS"

        _admit(control, which, "arn:aws:iam::999999999999:root")
        outcome, message = outcomes(**permitted)["log-bucket-has-one-door"]
        assert outcome == "FAIL"
        assert "access point analysts: grants to other accounts or to anyone" in message


def _admit(control: Any, which: dict[str, str], principal: str) -> None:
    arn = control.get_access_point(**which)["AccessPointArn"]
    allowed = {"Action": "s3:GetObject", "Resource": f"{arn}/object/*"}
    statement = {"Effect": "Allow", "Principal": {"AWS": principal}, **allowed}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    control.put_access_point_policy(**which, Policy=document)


@pytest.mark.parametrize(
    ("path", "principal", "outcome", "said"),
    [
        ("/break/", {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "PASS", ""),
        ("/break/", {"AWS": "arn:aws:iam::999999999999:root"}, "FAIL", "999999999999"),
        ("/break/", {"Service": "lambda.amazonaws.com"}, "FAIL", "lambda.amazonaws.com"),
        ("/break/", "*", "FAIL", "lets anyone"),
        (
            "/",
            {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
            "FAIL",
            f"live arn:aws:iam::{ACCOUNT}:role/glass",
        ),
    ],
)
def test_an_exempt_role_is_held_shut(
    path: str,
    principal: Any,
    outcome: str,
    said: str,
    outcomes: Any,
    sandbox: RunningSandbox,
) -> None:
    iam = sandbox.client("iam", REGION)
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.create_role(RoleName="glass", Path=path, AssumeRolePolicyDocument=trust)
    try:
        seen, message = outcomes(break_glass_roles=[ROLE])["log-bucket-protects-files"]
    finally:
        iam.delete_role(RoleName="glass")
    assert seen == outcome, message
    assert said in message
