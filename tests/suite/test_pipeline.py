"""The whole way: Terraform really applied, the account really changed, the alert really raised."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.sandbox.support import RunningSandbox
from tests.suite.support import REGION, ROOT, Verification, command, environment, verify
from verify.live_fire import owner
from verify.live_fire.probes.role import PATH


class Account:
    """The deployment in the sandbox, changed by hand as an administrator would."""

    def __init__(self, sandbox: RunningSandbox, outputs_file: Path) -> None:
        self.sandbox = sandbox
        self.outputs_file = outputs_file
        self.outputs = {
            name: output["value"] for name, output in json.loads(outputs_file.read_text()).items()
        }

    def client(self, service: str) -> Any:
        return self.sandbox.client(service, REGION)

    def verify(self, reports: Path, *arguments: str) -> Verification:
        return verify(self.outputs_file, reports, *arguments, url=self.sandbox.url)

    def let_alarms_rest(self) -> None:
        """Let what was done so far be long ago, so that the alarms on it ring no more."""
        url = f"{self.sandbox.url}/_sandbox/age-metrics"
        alarms = {"AlarmNames": [self.outputs["alarm_names"]["security-group-changes"]]}
        cloudwatch, until = self.client("cloudwatch"), time.monotonic() + 60
        while True:
            # Anew each time: what was done last may be counted only now.
            requests.post(url, json={"minutes": 20}, timeout=10).raise_for_status()
            found = cloudwatch.describe_alarms(**alarms)["MetricAlarms"]
            if not any(alarm["StateValue"] == "ALARM" for alarm in found):
                return
            assert time.monotonic() < until, "the alarm does not come to rest"
            time.sleep(0.2)

    def live_fire_leftovers(self) -> list[str]:
        groups = self.client("ec2").describe_security_groups(
            Filters=[{"Name": "group-name", "Values": [f"{owner.NAME_PREFIX}*"]}]
        )["SecurityGroups"]
        queues = self.client("sqs").list_queues(QueueNamePrefix=owner.NAME_PREFIX)
        subscriptions = self.client("sns").list_subscriptions()["Subscriptions"]
        buckets = self.client("s3").list_buckets()["Buckets"]
        roles = self.client("iam").list_roles(PathPrefix=PATH)["Roles"]
        ours = {"Filters": [{"Name": f"tag:{owner.PURPOSE_TAG}", "Values": [owner.PURPOSE]}]}
        acls = self.client("ec2").describe_network_acls(**ours)["NetworkAcls"]
        tables = self.client("ec2").describe_route_tables(**ours)["RouteTables"]
        gateways = self.client("ec2").describe_internet_gateways(**ours)["InternetGateways"]
        aliases = self.client("kms").list_aliases()["Aliases"]
        return [
            *(group["GroupId"] for group in groups),
            *(acl["NetworkAclId"] for acl in acls),
            *(table["RouteTableId"] for table in tables),
            *(gateway["InternetGatewayId"] for gateway in gateways),
            *(
                item["AliasName"]
                for item in aliases
                if item["AliasName"].startswith(f"alias/{owner.NAME_PREFIX}")
            ),
            *(item["Name"] for item in buckets if item["Name"].startswith(owner.NAME_PREFIX)),
            *(role["RoleName"] for role in roles),
            *queues.get("QueueUrls", []),
            *(
                item["SubscriptionArn"]
                for item in subscriptions
                if owner.NAME_PREFIX in item["Endpoint"]
            ),
        ]


@pytest.fixture(scope="module")
def account(sandbox: RunningSandbox, deployed: Path) -> Account:
    return Account(sandbox, deployed)


@pytest.mark.parametrize("workers", [[], ["-n2"]], ids=["one", "xdist"])
def test_a_fresh_deployment_is_clean(account: Account, tmp_path: Path, workers: list[str]) -> None:
    account.let_alarms_rest()
    run = account.verify(tmp_path, *workers)
    assert run.controls("FAIL", "ERROR", "NOT TESTED", "WAIVED") == set(), run.text
    assert run.controls("NOT APPLICABLE") == {
        "alert-on-public-bucket-policy",
        "alert-on-unprotected-bucket",
        "alert-on-key-removal",
        "alert-on-opened-network-acl",
        "alert-on-administrator-role",
        "no-drift",
    }
    assert run.code == 0
    assert len(run.outcomes) >= 50
    unproven = {
        row["control"]["identifier"]
        for row in run.report["results"]
        if row["outcome"] == "PASS" and not row["evidence"]
    }
    assert unproven == set(), "each PASS rests on an answer"
    opened = (tmp_path / "latest/evidence").glob("*-ec2-authorize_security_group_ingress.json")
    assert len(list(opened)) == 1, "every probe is fired once, whoever waits for it"
    timings = {timing["probe"]: timing for timing in run.report["timings"]}
    # On AWS EventBridge is minutes ahead; here by half a second, which a busy machine may take.
    ways = {
        "opened security-group rule, by EventBridge": ["CloudTrail", "EventBridge"],
        "opened security-group rule, by the log group": ["trail", "log group"],
    }
    [by] = set(timings) - {
        "opened security-group rule, to the function by EventBridge",
        "opened security-group rule, to the function by the log group",
        "opened security-group rule, by alarm-security-group-changes-dev",
    }
    told = timings[by]
    legs = [leg["name"] for leg in told["legs"]]
    assert legs == ["API call", *ways[by], "function", "SNS", "received"]
    assert all(
        leg["seconds"] is not None and leg["seconds"] >= 0
        for timing in timings.values()
        for leg in timing["legs"]
    )
    assert told["total_seconds"] < told["target_seconds"] == 300
    assert account.live_fire_leftovers() == []
    for name in ("report.html", "junit.xml", "report.json"):
        assert (tmp_path / "latest" / name).stat().st_size > 1000


PROBES = tuple(f"--probe={key}" for key in ("attempts", "bucket", "key", "network", "role"))


def test_the_probes_on_request_raise_their_alerts_and_leave_nothing(
    account: Account, tmp_path: Path
) -> None:
    account.let_alarms_rest()
    run = account.verify(tmp_path, "verify/live_fire", *PROBES)
    assert run.controls("PASS") == {
        "alert-on-opened-rule",
        "alert-on-public-bucket-policy",
        "alert-on-unprotected-bucket",
        "alert-on-key-removal",
        "alert-on-opened-network-acl",
        "alert-on-administrator-role",
        "alarms-tell-of-acts",
        "alert-by-both-paths",
        "alert-within-target",
        "function-judges-every-rule",
        "live-fire-leaves-nothing",
    }, run.text
    assert {timing["probe"].partition(", ")[0] for timing in run.report["timings"]} == {
        "opened security-group rule",
        "weakened public-access block of a bucket",
        "suspended versions of a bucket",
        "removed encryption of a bucket",
        "stopped access log of a bucket",
        "public bucket policy",
        "rotation of a key turned off",
        "disabled key",
        "key scheduled for deletion",
        "opened network ACL",
        "replaced network ACL entry",
        "administrator's inline policy",
        "administrator's managed policy",
        "call on the trail",
    }
    assert account.live_fire_leftovers() == []


def test_the_whole_suite_passes_as_the_verifier(account: Account, tmp_path: Path) -> None:
    """What Terraform permits the verifier's role is what the whole suite needs."""
    run = account.verify(tmp_path, *PROBES)
    role = account.outputs["verifier_role_name"]
    session = f"assumed-role/{role}/trailwarden-{run.report['run_id']}"
    assert run.report["caller"] == f"arn:aws:sts::123456789012:{session}"
    # What the tests before did may still ring.
    assert run.controls("NOT APPLICABLE") - {"alarms-tell-of-acts"} == {"no-drift"}, run.text
    assert set(run.outcomes.values()) == {"PASS", "NOT APPLICABLE"}, run.text
    assert run.code == 0
    assert len(run.outcomes) >= 50


def test_a_verifier_role_that_cannot_be_assumed_is_named(account: Account, tmp_path: Path) -> None:
    document = json.loads(account.outputs_file.read_text())
    gone = "arn:aws:iam::123456789012:role/role-verifier-gone"
    document["verifier_role_name"]["value"] = "role-verifier-gone"
    document["verifier_role_arn"]["value"] = gone
    outputs = tmp_path / "outputs.json"
    outputs.write_text(json.dumps(document))
    run = verify(outputs, tmp_path / "reports", url=account.sandbox.url)
    assert run.code == 4, run.text
    said = " ".join(run.text.split())
    assert f"the verifier role {gone} could not be assumed (AccessDenied" in said
    assert "sts:AssumeRole" in said


def test_a_replay_takes_no_role(account: Account, tmp_path: Path) -> None:
    run = account.verify(tmp_path, f"--replay={tmp_path}")
    assert run.code == 4, run.text
    assert "leave out --as-verifier" in run.text


def test_a_replay_publishes_nothing(account: Account, tmp_path: Path) -> None:
    run = verify(account.outputs_file, tmp_path, f"--replay={tmp_path}", "--put-metric")
    assert run.code == 4, run.text
    assert "leave out --put-metric" in run.text


def test_what_is_not_clean_publishes_nothing(account: Account, tmp_path: Path) -> None:
    """A part of the controls says nothing of the others."""
    run = account.verify(tmp_path, "verify/checks/test_alarms.py", "--put-metric")
    assert run.code == 6, run.text
    assert "published" not in run.text, "it would be refused: this verifier may not publish"


def test_an_unknown_probe_is_refused(account: Account, tmp_path: Path) -> None:
    run = account.verify(tmp_path, "--probe=earthquake")
    assert run.code == 4
    assert "choose from 'attempts', 'bucket', 'key', 'network', 'role'" in " ".join(
        run.text.split()
    )


def _security_group(account: Account, act: str) -> None:
    getattr(account.client("ec2"), f"{act}_security_group_ingress")(
        GroupId=account.outputs["application_security_group_id"],
        IpPermissions=[
            {
                "IpProtocol": "tcp",
                "FromPort": 8443,
                "ToPort": 8443,
                "IpRanges": [{"CidrIp": "0.0.0.0/0"}],
            }
        ],
    )


def _public_access_block(account: Account, value: bool) -> None:
    account.client("s3").put_public_access_block(
        Bucket=account.outputs["log_bucket_name"],
        PublicAccessBlockConfiguration={
            "BlockPublicAcls": True,
            "IgnorePublicAcls": True,
            "BlockPublicPolicy": value,
            "RestrictPublicBuckets": True,
        },
    )


def _validation(account: Account, value: bool) -> None:
    cloudtrail, name = account.client("cloudtrail"), account.outputs["trail_arn"]
    cloudtrail.update_trail(Name=name, EnableLogFileValidation=value)
    if value:
        # What was not digested meanwhile is not asked for of a trail that begins anew.
        cloudtrail.stop_logging(Name=name)
        cloudtrail.start_logging(Name=name)


def _alarm_actions(account: Account, actions: list[str]) -> None:
    cloudwatch = account.client("cloudwatch")
    [alarm] = cloudwatch.describe_alarms(
        AlarmNames=[account.outputs["alarm_names"]["function-errors"]]
    )["MetricAlarms"]
    kept = cloudwatch.meta.service_model.operation_model("PutMetricAlarm").input_shape.members
    cloudwatch.put_metric_alarm(
        **{
            **{name: value for name, value in alarm.items() if name in kept},
            "AlarmActions": actions,
        }
    )


def _tag(account: Account, value: str | None) -> None:
    topic = account.outputs["alert_topic_arn"]
    if value is None:
        account.client("sns").untag_resource(ResourceArn=topic, TagKeys=["Compliance"])
    else:
        account.client("sns").tag_resource(
            ResourceArn=topic, Tags=[{"Key": "Compliance", "Value": value}]
        )


Change = Callable[[Account], None]

FAULTS: dict[str, tuple[Change, Change, set[str]]] = {
    "rotation off": (
        lambda account: account.client("kms").disable_key_rotation(
            KeyId=account.outputs["kms_key_arn"]
        ),
        lambda account: account.client("kms").enable_key_rotation(
            KeyId=account.outputs["kms_key_arn"]
        ),
        {"key-rotates", "declared-matches-live"},
    ),
    "a public-access block removed": (
        lambda account: _public_access_block(account, False),
        lambda account: _public_access_block(account, True),
        {"log-bucket-public-access-blocked", "declared-matches-live"},
    ),
    "the application group opened": (
        lambda account: _security_group(account, "authorize"),
        lambda account: _security_group(account, "revoke"),
        {"application-group-rules", "no-internet-ingress"},
    ),
    "validation off": (
        lambda account: _validation(account, False),
        lambda account: _validation(account, True),
        {"trail-log-file-validation", "declared-matches-live"},
    ),
    "an alarm's action removed": (
        lambda account: _alarm_actions(account, []),
        lambda account: _alarm_actions(account, [account.outputs["alert_topic_arn"]]),
        {"alarm-actions"},
    ),
    "a tag removed": (
        lambda account: _tag(account, None),
        lambda account: _tag(account, "HIPAA"),
        {"resources-tagged"},
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_change_by_hand_fails_exactly_the_controls_concerned(
    account: Account, tmp_path: Path, fault: str
) -> None:
    break_it, mend_it, concerned = FAULTS[fault]
    break_it(account)
    try:
        run = account.verify(tmp_path)
    finally:
        mend_it(account)
    assert run.controls("FAIL", "ERROR") == concerned, run.text
    assert run.code == 1
    if fault == "rotation off":
        key = account.outputs["kms_key_arn"]
        said = "declared yes, required yes, live no"
        period = "declared 365, required 365, live never rotated"
        assert run.row("key-rotates")["message"].splitlines() == [
            f"{key}: rotation: {said}",
            f"{key}: days between rotations: {period}",
        ]
        [differing, _] = [
            seen for seen in run.row("key-rotates")["observations"] if not seen["met"]
        ]
        assert (differing["declared"], differing["expected"], differing["seen"]) == (
            "yes",
            "yes",
            "no",
        )


# --- ending badly ---------------------------------------------------------------------------------


# A queue and its subscription, and what the probes make: three of the network's kinds.
_MADE = 9


def _waiting_run(account: Account, reports: Path) -> subprocess.Popen[str]:
    """A run in a process group of its own that has made all that it makes, and waits."""
    process = subprocess.Popen(
        command(account.outputs_file, reports, "--as-verifier", *PROBES),
        cwd=ROOT,
        env=environment(account.sandbox.url),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    until = time.monotonic() + 60
    while len(account.live_fire_leftovers()) < _MADE:
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < until
        time.sleep(0.1)
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_an_interrupted_run_cleans_up_and_reports(
    account: Account, tmp_path: Path, silent_function: None, number: signal.Signals
) -> None:
    process = _waiting_run(account, tmp_path)
    process.send_signal(number)
    text, _ = process.communicate(timeout=60)
    assert process.returncode == 2, text
    assert account.live_fire_leftovers() == []
    assert not (tmp_path / "latest").exists(), "what was interrupted is no verdict"
    [written] = tmp_path.glob("*/report.json")
    report = json.loads(written.read_text())
    assert "the run was interrupted" in report["notes"][0]
    outcomes = {row["control"]["identifier"]: row["outcome"] for row in report["results"]}
    assert outcomes["alert-on-opened-rule"] != "PASS"


def test_a_later_run_sweeps_what_a_killed_one_left(
    account: Account, tmp_path: Path, silent_function: None
) -> None:
    process = _waiting_run(account, tmp_path / "killed")
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
    left = account.live_fire_leftovers()
    assert len(left) == _MADE, "a killed run cannot clean up"
    run = account.verify(tmp_path / "later", "--alert-timeout=1", *PROBES)
    assert account.live_fire_leftovers() == []
    notes = run.report["notes"]
    assert any(all(name in note for name in left) for note in notes), notes


def test_a_run_that_still_waits_elsewhere_is_left_alone(
    account: Account, tmp_path: Path, silent_function: None
) -> None:
    process = _waiting_run(account, tmp_path / "waiting")
    try:
        theirs = account.live_fire_leftovers()
        account.verify(tmp_path / "other", "--alert-timeout=1")
        assert account.live_fire_leftovers() == theirs
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert account.live_fire_leftovers() == []


# --- last, since what a stopped trail did not record stays missing from its digests --------------


def test_a_stopped_trail_fails_as_stopped_and_silent(account: Account, tmp_path: Path) -> None:
    cloudtrail = account.client("cloudtrail")
    cloudtrail.stop_logging(Name=account.outputs["trail_arn"])
    try:
        run = account.verify(tmp_path, "--alert-timeout=8")
    finally:
        cloudtrail.start_logging(Name=account.outputs["trail_arn"])
    assert run.code == 1
    assert run.controls("FAIL") == {
        "trail-is-logging",
        "declared-matches-live",
        "alert-on-opened-rule",
    }, run.text
    assert run.controls("ERROR") == {"alert-by-both-paths", "alert-within-target"}
    assert "within 8 s" in run.row("alert-on-opened-rule")["message"]
    assert account.live_fire_leftovers() == []


def test_what_is_deleted_is_shown_for_a_while_and_is_no_resource(
    sandbox: RunningSandbox, deployed: Path, outputs: dict[str, Any], tmp_path: Path
) -> None:
    """One without tags, which nobody is to miss, and one with them, which nobody is to look at."""
    ec2 = sandbox.client("ec2", REGION)
    endpoint = ec2.create_vpc_endpoint(
        VpcId=outputs["vpc_id"],
        ServiceName=f"com.amazonaws.{REGION}.s3",
        VpcEndpointType="Gateway",
    )["VpcEndpoint"]["VpcEndpointId"]
    ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoint])
    [shown] = ec2.describe_vpc_endpoints(VpcEndpointIds=[endpoint])["VpcEndpoints"]
    assert shown["State"] == "deleted"
    ours = {"Application": "trailwarden", "Environment": outputs["environment"]}
    tags = [{"Key": key, "Value": value} for key, value in ours.items()]
    gateway = ec2.create_nat_gateway(
        SubnetId=outputs["private_subnet_ids"][0],
        ConnectivityType="private",
        TagSpecifications=[{"ResourceType": "natgateway", "Tags": tags}],
    )["NatGateway"]["NatGatewayId"]
    ec2.delete_nat_gateway(NatGatewayId=gateway)
    [shown] = ec2.describe_nat_gateways(NatGatewayIds=[gateway])["NatGateways"]
    assert shown["State"] == "deleted"
    pages = sandbox.client("resourcegroupstaggingapi", REGION).get_paginator("get_resources")
    listed = pages.paginate().search("ResourceTagMappingList[].ResourceARN")
    assert f"arn:aws:ec2:{REGION}:{outputs['account_id']}:natgateway/{gateway}" in set(listed)
    run = verify(deployed, tmp_path, "verify/checks/test_tags_and_names.py", url=sandbox.url)
    assert run.controls("FAIL", "ERROR") == set(), run.text
