"""The dev profile, really applied: to a sandbox, looked at with boto3, changed by hand, destroyed.

One test, since the steps build on each other and an apply takes most of a minute.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.deploy.support import ROOT, Outcome, run
from tests.suite.support import MAKE

REGION = "ap-southeast-1"
# Where a stack set puts rules, by the deployment's variable; and where it puts them later.
FURTHER, INSTEAD = "eu-west-1", "us-west-2"
ACCOUNT = "123456789012"


class Sandbox:
    """A sandbox in a process of its own, on the same port after a restart."""

    def __init__(self) -> None:
        self.port = "0"
        self.url = ""
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "sandbox", "--port", self.port, "--region", REGION],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line.startswith("sandbox ready: "), line
        self.url = line.split()[2]
        self.port = self.url.rpartition(":")[2]

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=30)

    def client(self, service: str, region: str = REGION) -> Any:
        return boto3.client(
            service,
            region_name=region,
            endpoint_url=self.url,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )


class Deploy:
    """`python -m deploy` on that sandbox, in a working directory of its own."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self._sandbox = sandbox
        self._folder = folder
        self.further_regions = [FURTHER]
        self._package = folder / "function.zip"
        subprocess.run(
            [sys.executable, str(ROOT / "lambda" / "build.py"), "--output", str(self._package)],
            cwd=ROOT,
            check=True,
            capture_output=True,
        )

    def __call__(self, command: str, *arguments: str) -> Outcome:
        package = ["--function-package", str(self._package)] if command in _BUILDERS else []
        return run(
            command,
            "--sandbox",
            self._sandbox.url,
            "--region",
            REGION,
            "--working-directory",
            str(self._folder / "work"),
            *package,
            *arguments,
            environment={
                **os.environ,
                "TF_VAR_further_event_regions": json.dumps(self.further_regions),
            },
        )

    @property
    def state(self) -> Path:
        return next((self._folder / "work").glob(f"sandbox-*-{REGION}-*/terraform.tfstate"))


_BUILDERS = ("apply", "plan")


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    running = Sandbox()
    running.start()
    yield running
    running.stop()


@pytest.mark.slow
def test_the_dev_profile_applies_is_stable_repairs_itself_and_leaves_nothing(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    deploy = Deploy(sandbox, tmp_path)
    path = tmp_path / "outputs.json"
    applied = deploy("apply", "--output", str(path))
    assert applied.code == 0, applied.text
    outputs = {name: output["value"] for name, output in json.loads(path.read_text()).items()}
    assert outputs["account_id"] == ACCOUNT

    again = deploy("plan")
    assert again.code == 0, again.text
    assert "No changes." in again.stdout, again.stdout

    _a_state_from_before_the_modules_changes_in_addresses_alone(deploy)
    _everything_bears_the_tags(sandbox, outputs)
    _the_log_bucket_keeps_what_it_has(sandbox, outputs)
    _a_rule_opened_by_hand_is_closed_again(sandbox, outputs, deploy)
    _another_region_with_the_same_names_is_refused(sandbox, deploy)
    _a_region_that_leaves_the_list_is_cleared(sandbox, deploy)

    old_state = deploy.state.read_text()
    _make_destroy(sandbox, tmp_path / "work")
    assert _left(sandbox) == {}
    _the_key_is_scheduled_for_deletion(sandbox, outputs)

    # A restarted sandbox has forgotten everything that the state still knows.
    sandbox.stop()
    sandbox.start()
    deploy.state.write_text(old_state)
    planned = deploy("plan")
    assert planned.code == 0, planned.text
    assert " 0 to change, 0 to destroy" in planned.stdout, planned.stdout[-2000:]
    assert deploy("destroy").code == 0


def _a_state_from_before_the_modules_changes_in_addresses_alone(deploy: Deploy) -> None:
    state = json.loads(deploy.state.read_text())
    network = "module.network[0]"
    of_network = [found for found in state["resources"] if found.get("module") == network]
    managed = [found for found in of_network if found["mode"] == "managed"]
    assert {"aws_vpc", "aws_subnet", "aws_security_group"} < {found["type"] for found in managed}
    for found in of_network:
        del found["module"]
    # Of data the earlier state had one of a name, and what depends on what it named so.
    state["resources"] = [
        found for found in state["resources"] if found not in of_network or found in managed
    ]
    text = json.dumps({**state, "serial": state["serial"] + 1})
    deploy.state.write_text(text.replace("module.network.", ""))
    planned = deploy("plan")
    assert planned.code == 0, planned.text
    assert planned.stdout.count(f"has moved to {network}.") == sum(
        len(found["instances"]) for found in managed
    )
    assert "Plan: 0 to add, 0 to change, 0 to destroy." in planned.stdout
    # The next apply takes them along.


def _make_destroy(sandbox: Sandbox, work: Path) -> None:
    """As a user does."""
    command = [MAKE, "destroy", f"SANDBOX={sandbox.url}", f"WORK={work}", "AUTO_APPROVE=1"]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _everything_bears_the_tags(sandbox: Sandbox, outputs: dict[str, Any]) -> None:
    wanted = {
        "Environment": outputs["environment"],
        "Owner": "security-team",
        "CostCenter": "compliance",
        "Purpose": "audit-logging",
        "Compliance": "HIPAA",
        "Application": "trailwarden",
        "ManagedBy": "Terraform",
    }
    ec2 = sandbox.client("ec2")
    vpc = [{"Name": "vpc-id", "Values": [outputs["vpc_id"]]}]
    found: dict[str, dict[str, str]] = {}
    for kind, identifier, answer in (
        ("Vpcs", "VpcId", ec2.describe_vpcs(Filters=vpc)),
        ("Subnets", "SubnetId", ec2.describe_subnets(Filters=vpc)),
        ("RouteTables", "RouteTableId", ec2.describe_route_tables(Filters=vpc)),
        ("NetworkAcls", "NetworkAclId", ec2.describe_network_acls(Filters=vpc)),
        ("SecurityGroups", "GroupId", ec2.describe_security_groups(Filters=vpc)),
    ):
        for resource in answer[kind]:
            found[resource[identifier]] = _pairs(resource.get("Tags", []))
    bucket = outputs["log_bucket_name"]
    found[bucket] = _pairs(sandbox.client("s3").get_bucket_tagging(Bucket=bucket)["TagSet"])
    iam = sandbox.client("iam")
    for role in iam.list_roles()["Roles"]:
        found[role["Arn"]] = _pairs(iam.list_role_tags(RoleName=role["RoleName"])["Tags"])
    for policy in iam.list_policies(Scope="Local")["Policies"]:
        found[policy["Arn"]] = _pairs(iam.list_policy_tags(PolicyArn=policy["Arn"])["Tags"])
    sns = sandbox.client("sns")
    for topic in sns.list_topics()["Topics"]:
        arn = topic["TopicArn"]
        found[arn] = _pairs(sns.list_tags_for_resource(ResourceArn=arn)["Tags"])
    sqs = sandbox.client("sqs")
    for url in sqs.list_queues()["QueueUrls"]:
        found[url] = sqs.list_queue_tags(QueueUrl=url)["Tags"]
    found["function"] = sandbox.client("lambda").list_tags(Resource=outputs["function_arn"])["Tags"]
    for region in (REGION, FURTHER):
        events = sandbox.client("events", region)
        for rule in events.list_rules()["Rules"]:
            tags = events.list_tags_for_resource(ResourceARN=rule["Arn"])["Tags"]
            found[rule["Arn"]] = _pairs(tags)
    # One VPC, its DHCP options, two subnets, three route tables, an ACL, two groups, a bucket,
    # six roles, eight policies, two topics, two queues, a function, five rules in each region.
    assert len(found) == 1 + 1 + 2 + 3 + 1 + 2 + 1 + 6 + 8 + 2 + 2 + 1 + 5 + 5
    lacking = {
        name: sorted(wanted.items() - tags.items())
        for name, tags in found.items()
        if not wanted.items() <= tags.items()
    }
    assert lacking == {}


def _pairs(tags: list[dict[str, str]]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in tags}


def _the_log_bucket_keeps_what_it_has(sandbox: Sandbox, outputs: dict[str, Any]) -> None:
    """The deployer itself, who may do anything else, may not tamper with the logs."""
    s3, bucket = sandbox.client("s3"), outputs["log_bucket_name"]
    logs = s3.list_objects_v2(Bucket=bucket, Prefix=f"AWSLogs/{ACCOUNT}/CloudTrail/")["Contents"]
    expiry = {"ID": "all", "Status": "Enabled", "Filter": {}, "Expiration": {"Days": 1}}
    for operation, parameters in (
        ("delete_object", {"Key": logs[0]["Key"]}),
        ("put_object", {"Key": f"AWSLogs/{ACCOUNT}/CloudTrail/forged.json.gz", "Body": b"{}"}),
        ("put_bucket_versioning", {"VersioningConfiguration": {"Status": "Suspended"}}),
        ("put_bucket_lifecycle_configuration", {"LifecycleConfiguration": {"Rules": [expiry]}}),
    ):
        with pytest.raises(s3.exceptions.ClientError, match="AccessDenied"):
            getattr(s3, operation)(Bucket=bucket, **parameters)


def _a_rule_opened_by_hand_is_closed_again(
    sandbox: Sandbox, outputs: dict[str, Any], deploy: Deploy
) -> None:
    ec2, group = sandbox.client("ec2"), outputs["application_security_group_id"]
    ec2.authorize_security_group_ingress(
        GroupId=group, IpProtocol="tcp", FromPort=22, ToPort=22, CidrIp="0.0.0.0/0"
    )
    assert "1 to change" in deploy("plan").stdout
    assert deploy("apply").code == 0
    rules = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]["IpPermissions"]
    assert [(rule["FromPort"], rule["IpRanges"][0]["CidrIp"]) for rule in rules] == [
        (443, "10.0.0.0/16")
    ]


def _another_region_with_the_same_names_is_refused(sandbox: Sandbox, deploy: Deploy) -> None:
    elsewhere = deploy("apply", "--region", "eu-north-1")
    assert elsewhere.code == 2, elsewhere.text
    assert f"Account {ACCOUNT} has the " in elsewhere.stderr
    assert "If another region holds a deployment of this environment" in elsewhere.stderr
    vpcs = sandbox.client("ec2", "eu-north-1").describe_vpcs(
        Filters=[{"Name": "isDefault", "Values": ["false"]}]
    )
    assert vpcs["Vpcs"] == []


def _a_region_that_leaves_the_list_is_cleared(sandbox: Sandbox, deploy: Deploy) -> None:
    deploy.further_regions = [INSTEAD]
    applied = deploy("apply")
    assert applied.code == 0, applied.text
    there = {
        region: len(sandbox.client("events", region).list_rules()["Rules"])
        for region in (FURTHER, INSTEAD)
    }
    assert there == {FURTHER: 0, INSTEAD: 5}


def _left(sandbox: Sandbox) -> dict[str, list[Any]]:
    """What is in the account besides what AWS itself puts there."""
    ec2, iam = sandbox.client("ec2"), sandbox.client("iam")
    not_default = [{"Name": "is-default", "Values": ["false"]}]
    found = {
        "vpcs": ec2.describe_vpcs(Filters=not_default)["Vpcs"],
        "groups": [
            group["GroupName"]
            for group in ec2.describe_security_groups()["SecurityGroups"]
            if group["GroupName"] != "default"
        ],
        "buckets": sandbox.client("s3").list_buckets()["Buckets"],
        "trails": sandbox.client("cloudtrail").describe_trails()["trailList"],
        "log groups": sandbox.client("logs").describe_log_groups()["logGroups"],
        "functions": sandbox.client("lambda").list_functions()["Functions"],
        "topics": sandbox.client("sns").list_topics()["Topics"],
        "subscriptions": sandbox.client("sns").list_subscriptions()["Subscriptions"],
        "queues": sandbox.client("sqs").list_queues().get("QueueUrls", []),
        "alarms": sandbox.client("cloudwatch").describe_alarms()["MetricAlarms"],
        "metric filters": sandbox.client("logs").describe_metric_filters()["metricFilters"],
        **{
            f"rules of {region}": sandbox.client("events", region).list_rules()["Rules"]
            for region in (REGION, FURTHER, INSTEAD, "us-east-1")
        },
        "stacks": sandbox.client("cloudformation", INSTEAD).describe_stacks()["Stacks"],
        "roles": iam.list_roles()["Roles"],
        "policies": iam.list_policies(Scope="Local")["Policies"],
        "aliases": [
            alias["AliasName"]
            for alias in sandbox.client("kms").list_aliases()["Aliases"]
            if not alias["AliasName"].startswith("alias/aws/")
        ],
    }
    return {kind: things for kind, things in found.items() if things}


def _the_key_is_scheduled_for_deletion(sandbox: Sandbox, outputs: dict[str, Any]) -> None:
    key = sandbox.client("kms").describe_key(KeyId=outputs["kms_key_arn"])["KeyMetadata"]
    assert key["KeyState"] == "PendingDeletion"
