"""State checks of the production profile, and what a full account adds to them.

`python -m bench production` deploys prod into a sandbox of its own (two minutes), runs the state
checks as a user does, and prints:

- their processor time by that of the bare start, which imports pytest and boto3 and makes one
  client (target: 4 times);
- how much longer they take, and how many more calls they make, when the account has 200 security
  groups, 50 alarms and 20 buckets more that are none of the deployment's (target: 30 %).
"""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable
from typing import Any

import boto3

from bench.runs import (
    CHECKS,
    NOT_VERIFIED,
    Account,
    Bare,
    Run,
    bare_start,
    by,
    deployed_account,
    figures,
    hold,
)

RUNS = 5
PROCESSOR, GROWTH = 4.0, 1.30
GROUPS, ALARMS, BUCKETS = 200, 50, 20
_REGION = "ap-southeast-1"


def _fill(url: str) -> None:
    """Make what an account of some years has besides."""

    def client(service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=url,
            region_name=_REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",  # noqa: S106 - the sandbox knows no others
        )

    ec2, cloudwatch, s3 = client("ec2"), client("cloudwatch"), client("s3")
    vpc = ec2.create_vpc(CidrBlock="172.20.0.0/16")["Vpc"]["VpcId"]
    for number in range(GROUPS):
        ec2.create_security_group(GroupName=f"other-{number}", Description="other", VpcId=vpc)
    for number in range(ALARMS):
        cloudwatch.put_metric_alarm(
            AlarmName=f"other-{number}",
            Namespace="Other",
            MetricName="errors",
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=1,
            ComparisonOperator="GreaterThanThreshold",
        )
    for number in range(BUCKETS):
        s3.create_bucket(
            Bucket=f"other-{number}", CreateBucketConfiguration={"LocationConstraint": _REGION}
        )


def _runs(account: Account) -> tuple[list[Bare], list[Run]]:
    account.verify(*CHECKS, "--profile=prod", code=NOT_VERIFIED)  # what has never run before
    bare, plain = [], []
    for _ in range(RUNS):  # by turns
        bare.append(bare_start(account))
        plain.append(account.verify(*CHECKS, "--profile=prod", code=NOT_VERIFIED))
    return bare, plain


def _ratio(bare: list[Bare], plain: list[Run], part: Callable[[Bare | Run], float]) -> float:
    return statistics.median(
        part(run) / part(start) for start, run in zip(bare, plain, strict=True)
    )


def main() -> int:
    """Deploy, run, fill, run and print; 1 when a target is missed."""
    os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
    with deployed_account("prod") as account:
        bare, plain = _runs(account)
        _fill(account.url)
        bare_full, full = _runs(account)
        before, after = len(plain[-1].answers()), len(full[-1].answers())
    print(f"      state checks: {figures(run.seconds for run in plain)}")
    print(f"      in a full account: {figures(run.seconds for run in full)}")
    missed = by(
        "processor time of the state checks",
        (run.processor / start.processor for start, run in zip(bare, plain, strict=True)),
        PROCESSOR,
    )
    parts: tuple[tuple[str, Callable[[Bare | Run], float]], ...] = (
        ("processor time", lambda one: one.processor),
        ("start to exit", lambda one: one.seconds),
    )
    for what, part in parts:
        growth = _ratio(bare_full, full, part) / _ratio(bare, plain, part)
        missed += hold(f"{what} in a full account", f"{growth:.2f} times", growth <= GROWTH)
    print(f"      calls: {before}, in a full account {after}")
    return int(missed > 0)
