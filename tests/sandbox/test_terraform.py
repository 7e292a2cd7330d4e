"""Terraform with AWS's provider: applied, no drift in a second plan, and destroyed to the last."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from deploy import binary, provider
from deploy.terraform import child_environment
from tests.sandbox.support import REGION, Account, RunningSandbox, name, package

SOURCE = Path(__file__).with_name("main.tf")


def test_a_stack_is_applied_without_drift_and_destroyed(
    sandbox: RunningSandbox, account: Account, tmp_path: Path
) -> None:
    program = binary.find(os.environ)
    source = provider.find(program, os.environ, tmp_path / "cache")
    shutil.copy(SOURCE, tmp_path)
    (tmp_path / "app.zip").write_bytes(package("def handler(event, context): return 1"))
    stack = name("stack")
    variables = [f"-var=name={stack}", f"-var=package={tmp_path / 'app.zip'}"]
    environment = {
        **child_environment(os.environ, source),
        "AWS_ENDPOINT_URL": sandbox.url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    for unwanted in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        environment.pop(unwanted, None)

    def terraform(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [program.path, *arguments, "-no-color"],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    ready = terraform("init", "-input=false", *source.init_arguments)
    assert ready.returncode == 0, ready.stderr
    applied = terraform("apply", "-auto-approve", "-input=false", *variables)
    assert applied.returncode == 0, applied.stderr
    planned = terraform("plan", "-detailed-exitcode", "-input=false", *variables)
    assert planned.returncode == 0, planned.stdout + planned.stderr
    listed = account.s3.list_objects_v2(Bucket=stack)
    assert listed["KeyCount"] > 0  # so that destroying has log files to remove
    destroyed = terraform("destroy", "-auto-approve", "-input=false", *variables)
    assert destroyed.returncode == 0, destroyed.stderr

    assert stack not in {one["Name"] for one in account.s3.list_buckets()["Buckets"]}
    assert stack not in {one["Name"] for one in account.cloudtrail.list_trails()["Trails"]}
    assert stack not in str(account.sns.list_topics()["Topics"])
    assert stack not in str(account.lambda_.list_functions()["Functions"])
    assert stack not in str(account.iam.list_roles()["Roles"])
    assert stack not in str(account.logs.describe_log_groups()["logGroups"])
    assert stack not in str(account.cloudwatch.describe_alarms()["MetricAlarms"])
    assert stack not in str(account.events.list_rules()["Rules"])
    vpcs = account.ec2.describe_vpcs(Filters=[{"Name": "tag:Purpose", "Values": ["drift-test"]}])
    assert vpcs["Vpcs"] == []
