"""Outputs of a deployment that does not exist, and running the suite as a user does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
ACCOUNT = "123456789012"
REGION = "ap-southeast-1"
# What the tests' deployment is made with: every probe that there is may be fired there.
VARIABLES = {"TF_VAR_verifier_probes": '["bucket-policy","role-policy"]'}


def _arn(service: str, resource: str, *, global_service: bool = False) -> str:
    region, account = ("", ACCOUNT) if global_service else (REGION, ACCOUNT)
    return f"arn:aws:{service}:{region}:{account}:{resource}"


def outputs() -> dict[str, Any]:
    """What `terraform output -json` prints for a dev deployment."""
    queue = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}"
    values: dict[str, Any] = {
        "account_id": ACCOUNT,
        "region": REGION,
        "partition": "aws",
        "environment": "dev",
        "profile": "dev",
        "tags": {"Environment": "dev"},
        "vpc_id": "vpc-0a1b2c3d4e5f60718",
        "vpc_cidr_block": "10.0.0.0/16",
        "private_subnet_ids": ["subnet-0a1b2c3d", "subnet-1a1b2c3d"],
        "private_subnet_cidr_blocks": ["10.0.10.0/24", "10.0.20.0/24"],
        "private_route_table_ids": ["rtb-0a1b2c3d", "rtb-1a1b2c3d"],
        "application_security_group_id": "sg-0a1b2c3d",
        "default_security_group_id": "sg-1a1b2c3d",
        "trail_name": "cloudtrail-audit-dev",
        "trail_arn": _arn("cloudtrail", "trail/cloudtrail-audit-dev"),
        "trail_home_region": REGION,
        "log_bucket_name": f"s3-cloudtrail-logs-dev-{ACCOUNT}",
        "log_bucket_arn": f"arn:aws:s3:::s3-cloudtrail-logs-dev-{ACCOUNT}",
        "kms_key_id": "1234abcd-12ab-34cd-56ef-1234567890ab",
        "kms_key_arn": _arn("kms", "key/1234abcd-12ab-34cd-56ef-1234567890ab"),
        "kms_key_alias": "alias/cloudtrail-logs-key-dev",
        "trail_log_group_name": "/aws/cloudtrail/cloudtrail-audit-dev",
        "trail_log_group_arn": _arn("logs", "log-group:/aws/cloudtrail/cloudtrail-audit-dev"),
        "function_name": "lambda-compliance-checker-dev",
        "function_arn": _arn("lambda", "function:lambda-compliance-checker-dev"),
        "function_log_group_name": "/aws/lambda/lambda-compliance-checker-dev",
        "function_role_name": "role-compliance-checker-dev",
        "function_role_arn": _arn("iam", "role/role-compliance-checker-dev", global_service=True),
        "trail_logs_role_name": "role-cloudtrail-logs-dev",
        "trail_logs_role_arn": _arn("iam", "role/role-cloudtrail-logs-dev", global_service=True),
        "verifier_role_name": "role-verifier-dev",
        "verifier_role_arn": _arn("iam", "role/role-verifier-dev", global_service=True),
        "alert_topic_name": "sns-compliance-alerts-dev",
        "alert_topic_arn": _arn("sns", "sns-compliance-alerts-dev"),
        "delivery_topic_arn": _arn("sns", "sns-trail-delivery-dev"),
        "delivery_queue_url": f"{queue}/sqs-trail-delivery-dev",
        "delivery_queue_arn": _arn("sqs", "sqs-trail-delivery-dev"),
        "dead_letter_queue_url": f"{queue}/sqs-compliance-checker-dlq-dev",
        "dead_letter_queue_arn": _arn("sqs", "sqs-compliance-checker-dlq-dev"),
        "subscription_filter_name": "subscription-compliance-checker-dev",
        "alarm_names": {"function-errors": "alarm-function-errors-dev"},
        "alarm_arns": {"function-errors": _arn("cloudwatch", "alarm:alarm-function-errors-dev")},
        "metric_filter_names": {"root-account-use": "metric-filter-root-account-use-dev"},
    }
    return {name: {"value": value, "sensitive": False} for name, value in values.items()}


@dataclass(frozen=True)
class Verification:
    """A finished run of the suite."""

    code: int
    text: str
    reports: Path

    @property
    def report(self) -> dict[str, Any]:
        """report.json of the run."""
        document: dict[str, Any] = json.loads((self.reports / "latest/report.json").read_text())
        return document

    @property
    def outcomes(self) -> dict[str, str]:
        """Control -> outcome."""
        return {row["control"]["identifier"]: row["outcome"] for row in self.report["results"]}

    def row(self, control: str) -> dict[str, Any]:
        """What the report says of one control."""
        [found] = [row for row in self.report["results"] if row["control"]["identifier"] == control]
        return dict(found)

    def controls(self, *outcomes: str) -> set[str]:
        """The controls with one of these outcomes."""
        return {name for name, outcome in self.outcomes.items() if outcome in outcomes}


def environment(url: str | None = None, **more: str) -> dict[str, str]:
    """The environment of a user who has nothing of AWS's but the sandbox at `url`."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTEST"))
    }
    kept |= {"AWS_EC2_METADATA_DISABLED": "true", "HOME": "/nonexistent", "COLUMNS": "120"}
    if url is not None:
        kept |= {
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }
    return kept | more


def command(outputs_file: Path | str, reports: Path, *arguments: str) -> list[str]:
    """The suite's command line, as `make verify` has it."""
    return [
        sys.executable,
        "-m",
        "pytest",
        f"--outputs={outputs_file}",
        f"--reports={reports}",
        *arguments,
    ]


def verify(
    outputs_file: Path | str,
    reports: Path,
    *arguments: str,
    url: str | None = None,
    **more: str,
) -> Verification:
    """Run the suite to its end."""
    done = subprocess.run(
        command(outputs_file, reports, *arguments),
        cwd=ROOT,
        env=environment(url, **more),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return Verification(done.returncode, done.stdout + done.stderr, reports)
