"""Remedies as they are printed: with real identifiers; those of the log bucket are tried."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.support import RunningSandbox, refused
from tests.suite.support import REGION, verify
from verify.inputs import catalogue

EXPIRY = {
    "Rules": [{"ID": "a", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}]
}


@dataclass(frozen=True)
class Case:
    """A harm, what mends it, and the command that the remedy names for that."""

    control: str
    command: str
    harm: Callable[[Any, str], object]
    mend: Callable[[Any, str], object]


def _versioning(status: str) -> Callable[[Any, str], object]:
    return lambda s3, bucket: s3.put_bucket_versioning(
        Bucket=bucket, VersioningConfiguration={"Status": status}
    )


def _replicate(s3: Any, bucket: str) -> None:
    s3.create_bucket(Bucket="elsewhere", CreateBucketConfiguration={"LocationConstraint": REGION})
    _versioning("Enabled")(s3, "elsewhere")
    rule = {
        "ID": "a",
        "Status": "Enabled",
        "Priority": 1,
        "Filter": {"Prefix": ""},
        "DeleteMarkerReplication": {"Status": "Disabled"},
        "Destination": {"Bucket": "arn:aws:s3:::elsewhere"},
    }
    s3.put_bucket_replication(
        Bucket=bucket,
        ReplicationConfiguration={"Role": "arn:aws:iam::123456789012:role/x", "Rules": [rule]},
    )


CASES = [
    Case(
        "log-bucket-versioned",
        "put-bucket-versioning",
        _versioning("Suspended"),
        _versioning("Enabled"),
    ),
    Case(
        "log-bucket-keeps-files",
        "delete-bucket-lifecycle",
        lambda s3, bucket: s3.put_bucket_lifecycle_configuration(
            Bucket=bucket, LifecycleConfiguration=EXPIRY
        ),
        lambda s3, bucket: s3.delete_bucket_lifecycle(Bucket=bucket),
    ),
    Case(
        "log-bucket-sends-nothing-away",
        "delete-bucket-replication",
        _replicate,
        lambda s3, bucket: s3.delete_bucket_replication(Bucket=bucket),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.control)
def test_the_printed_remedy_mends_it(
    case: Case,
    sandbox: RunningSandbox,
    deployed: Path,
    outputs: dict[str, Any],
    tmp_path: Path,
) -> None:
    s3, bucket = sandbox.client("s3", REGION), outputs["log_bucket_name"]
    whole = s3.get_bucket_policy(Bucket=bucket)["Policy"]
    document = json.loads(whole)
    document["Statement"] = [
        statement for statement in document["Statement"] if statement["Sid"] != "DenyTampering"
    ]
    without = json.dumps(document)

    def outcome(reports: str) -> str:
        run = verify(
            deployed,
            tmp_path / reports,
            "verify/checks/test_log_bucket.py",
            "verify/checks/test_log_bucket_ways_out.py",
            url=sandbox.url,
        )
        return run.outcomes[case.control]

    s3.put_bucket_policy(Bucket=bucket, Policy=without)
    case.harm(s3, bucket)
    s3.put_bucket_policy(Bucket=bucket, Policy=whole)
    assert outcome("harmed") == "FAIL"

    # By itself the command is refused: the bucket's policy binds the deployer like anybody.
    assert refused(case.mend, s3=s3, bucket=bucket) == "AccessDenied"
    remedy = catalogue.load()[case.control].remediation
    steps = ("DenyTampering", "put-bucket-policy", case.command, "make deploy")
    places = [remedy.index(step) for step in steps]
    assert places == sorted(places)
    s3.put_bucket_policy(Bucket=bucket, Policy=without)
    case.mend(s3, bucket)
    s3.put_bucket_policy(Bucket=bucket, Policy=whole)
    assert outcome("mended") == "PASS"


def test_the_report_names_the_real_identifiers(
    sandbox: RunningSandbox, deployed: Path, outputs: dict[str, Any], tmp_path: Path
) -> None:
    check = "verify/checks/test_trail.py"
    run = verify(deployed, tmp_path / "reports", check, url=sandbox.url)
    remedy = run.row("trail-is-logging")["control"]["remediation"]
    assert remedy.startswith(f"`aws cloudtrail start-logging --name {outputs['trail_arn']}`")
    remedies = [row["control"]["remediation"] for row in run.report["results"]]
    assert not [one for one in remedies if re.search(r"\{[a-z_]+\}", one)]
