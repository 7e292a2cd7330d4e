"""Every variable with another value than its default: deployed, and verified clean."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from botocore.exceptions import ClientError

from tests.deploy import ringing
from tests.deploy.support import run
from tests.deploy.variables import (
    ACCOUNT,
    AUDITOR,
    BOUNDARY,
    BREAK_GLASS,
    FULL,
    KEEPER,
    MAILBOX,
    PIPELINE,
    PROFILES,
    REGION,
    SPARE,
    STACK,
    TOPIC,
    TOPIC_KEY,
    baseline_of,
    values_of,
)
from tests.sandbox.support import RunningSandbox, eventually, started
from tests.suite.support import Verification, build_package, python_m_verify, verify
from verify.proof import manifest

_IN_FULL = pytest.mark.parametrize("deployed", [FULL], indirect=True)
_IN_SPARE = pytest.mark.parametrize("deployed", [SPARE], indirect=True)
_IN_STACK = pytest.mark.parametrize("deployed", [STACK], indirect=True)
_WITHIN = ("verify/checks/test_event_path.py", "verify/checks/test_function_callers.py")


@dataclass(frozen=True)
class Deployed:
    """A deployment with the values of one group, and how it is verified."""

    group: str
    sandbox: RunningSandbox
    folder: Path
    baseline: dict[str, Any]
    credentials: dict[str, str]
    flags: tuple[str, ...]

    def client(self, service: str) -> Any:
        return self.sandbox.client(service, REGION)

    @property
    def outputs(self) -> dict[str, Any]:
        text = (self.folder / "outputs.json").read_text()
        return {name: output["value"] for name, output in json.loads(text).items()}

    def verify(self, *arguments: str, baseline: dict[str, Any] | None = None) -> Verification:
        """Hold it to its baseline, or to another, as the verifier role."""
        path = self.folder / "own.yaml"
        path.write_text(yaml.safe_dump(baseline or self.baseline))
        return verify(
            self.folder / "outputs.json",
            self.folder / "reports",
            f"--profile={path}",
            f"--variables={self.folder / 'own.tfvars'}",
            *arguments,
            url=self.sandbox.url,
            as_verifier=True,
            **self.credentials,
        )

    def plan(self) -> str:
        """What another plan with the same values says."""
        done = run("plan", *self.flags, environment=os.environ)
        assert done.code == 0, done.text
        return done.stdout


def _deploy(group: str, sandbox: RunningSandbox, folder: Path) -> Deployed:
    """Make what the values name, and deploy with them."""
    credentials, topic_key = _before(sandbox, values_of(group))

    def named(value: Any) -> Any:
        return json.loads(json.dumps(value).replace(TOPIC_KEY, topic_key))

    build_package()
    own = folder / "own.tfvars"
    # A value in JSON is one in HCL.
    lines = [f"{name} = {json.dumps(named(value))}\n" for name, value in values_of(group).items()]
    own.write_text("".join(lines))
    flags = (
        *("--sandbox", sandbox.url, "--region", REGION),
        *("--profile", PROFILES[group]),
        *("--working-directory", str(folder / "work"), "--variables", str(own)),
        *("--profile", PROFILES[group]),
    )
    output = ("--output", str(folder / "outputs.json"))
    applied = run("apply", *flags, *output, environment=os.environ)
    assert applied.code == 0, applied.text
    if "alert_subscriptions" in values_of(group):
        link = f"{sandbox.url}/_sandbox/confirm-subscription"
        requests.post(link, json={"endpoint": MAILBOX}, timeout=10).raise_for_status()
    if "verifier_principals" not in values_of(group):
        credentials = {}  # anybody of the account may verify
    return Deployed(group, sandbox, folder, named(baseline_of(group)), credentials, flags)


def _before(sandbox: RunningSandbox, values: dict[str, Any]) -> tuple[dict[str, str], str]:
    """The principals, the boundary and the topic that the values name.

    Returns the credentials of the one principal that may verify, and the topic's key.
    """
    iam = sandbox.client("iam", REGION)
    people = _statement("sts:AssumeRole", Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"})
    _, path, name = BREAK_GLASS.rsplit(":", 1)[1].split("/")
    iam.create_role(RoleName=name, Path=f"/{path}/", AssumeRolePolicyDocument=people)
    iam.create_policy(
        PolicyName=BOUNDARY.rpartition("/")[2], PolicyDocument=_statement("*", Resource="*")
    )
    if values.get("config_service_linked_role_enabled") is False:
        iam.create_service_linked_role(AWSServiceName="config.amazonaws.com")
    user = AUDITOR.rpartition("/")[2]
    iam.create_user(UserName=user)
    iam.put_user_policy(
        UserName=user, PolicyName="p", PolicyDocument=_statement("sts:AssumeRole", Resource="*")
    )
    key = iam.create_access_key(UserName=user)["AccessKey"]
    credentials = {
        "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
    }
    return credentials, _topic(sandbox)


def _topic(sandbox: RunningSandbox) -> str:
    """An organization's own topic, as the variable's description asks for it; its key's ARN."""
    alarms = {
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
        "ArnLike": {"aws:SourceArn": f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:*"},
    }
    root = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    cloudwatch = {"Service": "cloudwatch.amazonaws.com"}
    of_key = [
        {"Effect": "Allow", "Principal": root, "Action": "kms:*", "Resource": "*"},
        {
            "Effect": "Allow",
            "Principal": cloudwatch,
            "Action": ["kms:GenerateDataKey*", "kms:Decrypt"],
            "Resource": "*",
            "Condition": alarms,
        },
    ]
    key: str = sandbox.client("kms", REGION).create_key(Policy=_document(of_key))["KeyMetadata"][
        "Arn"
    ]
    of_topic = [
        {
            "Effect": "Allow",
            "Principal": cloudwatch,
            "Action": "sns:Publish",
            "Resource": TOPIC,
            "Condition": alarms,
        },
        {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "sns:Publish",
            "Resource": TOPIC,
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
    ]
    sandbox.client("sns", REGION).create_topic(
        Name=TOPIC.rpartition(":")[2],
        Attributes={
            "KmsMasterKeyId": key,
            "SignatureVersion": "2",
            "Policy": _document(of_topic),
        },
    )
    return key


def _statement(action: str, **more: Any) -> str:
    return _document([{"Effect": "Allow", "Action": action, **more}])


def _document(statements: list[dict[str, Any]]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


@pytest.fixture(scope="module", params=list(PROFILES))
def deployed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployed]:
    with started("--region", REGION) as sandbox:
        yield _deploy(request.param, sandbox, tmp_path_factory.mktemp(request.param))


def test_each_value_is_verified_clean_by_the_baseline_that_says_so(deployed: Deployed) -> None:
    probes = values_of(SPARE)["verifier_probes"] if deployed.group == SPARE else []
    publishes = ["--put-metric", "--import-findings"] if deployed.group == SPARE else []
    keeps = _kept(deployed) if deployed.group == STACK else []
    ran = deployed.verify(*(f"--probe={probe}" for probe in probes), *publishes, *keeps)
    assert ran.controls("FAIL", "ERROR", "NOT TESTED", "WAIVED") == set(), ran.text
    assert ran.code == 0, ran.text
    assert "alert-on-opened-rule" in ran.controls("PASS")
    assert "No changes." in deployed.plan()
    run = (deployed.folder / "reports" / "latest").resolve()
    assert manifest.differences(run, manifest.read(run)) == []
    if publishes:
        _that_it_was_clean_is_a_metric(deployed)
        found = deployed.client("securityhub").get_findings()["Findings"]
        assert len(found) == len(ran.outcomes)
    if keeps:
        _that_the_run_is_locked(deployed, run)


def _kept(deployed: Deployed) -> list[str]:
    """How a run is signed and kept by what the deployment made for that."""
    [key], [bucket] = (
        deployed.outputs[name] for name in ("report_signing_key_arns", "reports_bucket_names")
    )
    return [f"--signing-key={key}", f"--reports-bucket=s3://{bucket}/runs"]


def _that_the_run_is_locked(deployed: Deployed, run: Path) -> None:
    """Each object of it, by the lock that the log files have; and its signature is the key's."""
    s3, [bucket] = deployed.client("s3"), deployed.outputs["reports_bucket_names"]
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket)
    versions = [one for page in pages for one in page["Versions"]]
    files = [path for path in run.rglob("*") if path.is_file()]
    assert len(versions) == len(files) + 1  # its line of the chain
    for one in versions[:3]:
        found = s3.get_object_retention(Bucket=bucket, Key=one["Key"], VersionId=one["VersionId"])
        assert found["Retention"]["Mode"] == "GOVERNANCE"
        left = found["Retention"]["RetainUntilDate"] - datetime.now(UTC)
        assert timedelta(days=399) < left <= timedelta(days=400)
    environment = {"AWS_DEFAULT_REGION": REGION}
    done = python_m_verify(
        "check-evidence", f"s3://{bucket}/runs", url=deployed.sandbox.url, **environment
    )
    assert done.returncode == 0, done.stdout + done.stderr
    [key] = deployed.outputs["report_signing_key_arns"]
    assert f"by {key} (ECDSA_SHA_256)" in done.stdout


def _that_it_was_clean_is_a_metric(deployed: Deployed) -> None:
    """What a run has published that was asked to, and the dashboard shows."""
    cloudwatch = deployed.client("cloudwatch")
    namespace = deployed.outputs["verification_metric_namespace"]
    [metric] = cloudwatch.list_metrics(Namespace=namespace)["Metrics"]
    assert metric["MetricName"] == "LastCleanVerification"
    assert metric["Dimensions"] == [
        {"Name": "Environment", "Value": deployed.outputs["environment"]}
    ]
    present = datetime.now(UTC)
    found = cloudwatch.get_metric_statistics(
        **metric,
        StartTime=present - timedelta(hours=1),
        EndTime=present + timedelta(minutes=1),
        Period=3600,
        Statistics=["Maximum"],
    )["Datapoints"]
    assert 0 <= present.timestamp() - max(point["Maximum"] for point in found) < 3600
    body = cloudwatch.get_dashboard(DashboardName=deployed.outputs["dashboard_name"])
    assert json.dumps(["LastCleanVerification", "Environment"])[1:-1] in json.dumps(
        json.loads(body["DashboardBody"])
    )


@_IN_FULL
def test_a_deployment_does_not_declare_itself_right(deployed: Deployed) -> None:
    """By a baseline that does not ask for a scan and remedies, they are refused."""
    silent = {
        **deployed.baseline,
        "function": {
            key: value
            for key, value in deployed.baseline["function"].items()
            if key not in ("scan", "remediation")
        },
    }
    ran = deployed.verify("verify/checks", baseline=silent)
    assert ran.controls("FAIL", "ERROR") == {
        "function-configuration",
        "function-not-public",
        "roles-least-privilege",
    }, ran.text


@_IN_FULL
def test_the_pipelines_that_the_baseline_lists_may_verify_and_no_other(deployed: Deployed) -> None:
    """By the control alone, in both directions; and what is deployed is not thereby right."""
    iam, role = deployed.client("iam"), deployed.outputs["verifier_role_name"]
    made = iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
    [people, pipelines] = made["Statement"]
    claim = "token.actions.githubusercontent.com:sub"
    assert pipelines["Condition"]["StringLike"] == {claim: [PIPELINE]}
    roles = "verify/checks/test_roles.py"

    def verified(*subjects: str) -> set[str]:
        condition = {**pipelines["Condition"], "StringLike": {claim: list(subjects)}}
        altered = {**made, "Statement": [people, {**pipelines, "Condition": condition}]}
        iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(altered))
        return deployed.verify(roles).controls("FAIL", "ERROR")

    assert verified(PIPELINE, "repo:hospital/audit-trail:pull_request") == {"roles-trust"}
    assert verified(f"{PIPELINE}*") == {"roles-trust"}
    assert verified("repo:hospital/audit-trail:ref:refs/heads/next") == {"roles-trust"}
    assert verified(PIPELINE) == set()
    silent = json.loads(json.dumps(deployed.baseline))
    del silent["roles"]["oidc_trusts"]
    assert deployed.verify(roles, baseline=silent).controls("FAIL", "ERROR") == {"roles-trust"}


@_IN_SPARE
def test_what_a_baseline_asks_for_must_be_there(deployed: Deployed) -> None:
    asking = json.loads(json.dumps(deployed.baseline))
    asking["function"] |= {
        "scan": {"checks": ["buckets"]},
        "remediation": {"rules": ["trail-stopped"]},
    }
    ran = deployed.verify("verify/checks", baseline=asking)
    assert ran.controls("FAIL", "ERROR") == {
        "events-reach-function",
        "function-configuration",
        "function-not-public",
        "roles-least-privilege",
    }, ran.text


def _put_rule(events: Any, rule: dict[str, Any], **changes: Any) -> None:
    kept = {key: rule[key] for key in ("Name", "ScheduleExpression", "State", "Description")}
    events.put_rule(
        **{key: value for key, value in {**kept, **changes}.items() if value is not None}
    )


def _slower(events: Any, rule: dict[str, Any], mending: ExitStack) -> None:
    _put_rule(events, rule, ScheduleExpression="rate(7 days)")
    mending.callback(_put_rule, events, rule)


def _disabled(events: Any, rule: dict[str, Any], mending: ExitStack) -> None:
    _put_rule(events, rule, State="DISABLED")
    mending.callback(_put_rule, events, rule)


def _besides_by_events(events: Any, rule: dict[str, Any], mending: ExitStack) -> None:
    _put_rule(events, rule, EventPattern='{"source": ["mine"]}')
    mending.callback(_put_rule, events, rule)


def _retarget(events: Any, rule: dict[str, Any], mending: ExitStack, **changes: Any) -> None:
    [target] = events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
    mending.callback(events.put_targets, Rule=rule["Name"], Targets=[target])
    events.put_targets(Rule=rule["Name"], Targets=[{**target, **changes}])


def _forged(events: Any, rule: dict[str, Any], mending: ExitStack) -> None:
    _retarget(events, rule, mending, Input='{"test": {"publish": true}}')


def _sent_elsewhere_too(events: Any, rule: dict[str, Any], mending: ExitStack) -> None:
    bus = f"arn:aws:events:{REGION}:999999999999:event-bus/default"
    events.put_targets(Rule=rule["Name"], Targets=[{"Id": "theirs", "Arn": bus}])
    mending.callback(events.remove_targets, Rule=rule["Name"], Ids=["theirs"])


def _without_target(events: Any, rule: dict[str, Any], mending: ExitStack) -> None:
    targets = events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
    mending.callback(events.put_targets, Rule=rule["Name"], Targets=targets)
    events.remove_targets(Rule=rule["Name"], Ids=[target["Id"] for target in targets])


def _somebody_elses(events: Any, rule: dict[str, Any], mending: ExitStack) -> None:
    """The scan is started by a rule of another name, in the place of the deployment's."""
    _without_target(events, rule, mending)
    function = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:lambda-compliance-checker-staging-eu"
    events.put_rule(Name="by-hand", ScheduleExpression=rule["ScheduleExpression"])
    events.put_targets(Rule="by-hand", Targets=[{"Id": "scan", "Arn": function}])
    mending.callback(events.delete_rule, Name="by-hand")
    mending.callback(events.remove_targets, Rule="by-hand", Ids=["scan"])


_OF_SCHEDULE = {"events-reach-function"}
_OF_CALLERS = {"events-reach-function", "function-not-public"}
Fault = Callable[[Any, dict[str, Any], ExitStack], None]
SCAN_FAULTS: list[tuple[Fault, set[str]]] = [
    (_slower, _OF_SCHEDULE),
    (_disabled, _OF_SCHEDULE),
    (_besides_by_events, _OF_SCHEDULE),
    (_forged, _OF_SCHEDULE),
    (_sent_elsewhere_too, _OF_SCHEDULE),
    (_without_target, _OF_CALLERS),
    (_somebody_elses, _OF_CALLERS),
]


@pytest.mark.parametrize(("fault", "concerned"), SCAN_FAULTS)
@_IN_FULL
def test_a_scan_that_is_asked_for_must_be_started_as_asked(
    deployed: Deployed, fault: Fault, concerned: set[str]
) -> None:
    events = deployed.client("events")
    rule = events.describe_rule(Name="rule-account-scan-staging-eu")
    with ExitStack() as mending:
        fault(events, rule, mending)
        ran = deployed.verify(*_WITHIN)
    assert ran.controls("FAIL", "ERROR") == concerned, ran.text
    assert deployed.verify(*_WITHIN).controls("FAIL", "ERROR") == set()


@_IN_FULL
def test_each_remedy_that_the_baseline_asks_for_is_permitted_and_applied(
    deployed: Deployed,
) -> None:
    """The role's permissions are those that AWS asks for: each change is really put right."""
    ec2, s3, kms = (deployed.client(service) for service in ("ec2", "s3", "kms"))
    cloudtrail, trail = deployed.client("cloudtrail"), deployed.outputs["trail_arn"]

    group = ec2.create_security_group(
        GroupName="by-hand", Description="-", VpcId=deployed.outputs["vpc_id"]
    )["GroupId"]
    ports = {"IpProtocol": "tcp", "FromPort": 3389, "ToPort": 3389}
    inside = {**ports, "IpRanges": [{"CidrIp": "172.20.0.0/20"}]}
    added = ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[inside])
    [rule] = added["SecurityGroupRules"]

    def rules() -> list[Any]:
        found = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"]
        return list(found[0]["IpPermissions"])

    ec2.modify_security_group_rules(
        GroupId=group,
        SecurityGroupRules=[
            {
                "SecurityGroupRuleId": rule["SecurityGroupRuleId"],
                "SecurityGroupRule": {**ports, "CidrIpv4": "0.0.0.0/0"},
            }
        ],
    )
    eventually(lambda: not rules(), seconds=60)
    opened = {**ports, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[opened])
    eventually(lambda: not rules(), seconds=60)

    s3.create_bucket(
        Bucket="by-hand-remedied", CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    flags = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    s3.put_public_access_block(
        Bucket="by-hand-remedied",
        PublicAccessBlockConfiguration={**dict.fromkeys(flags, True), "BlockPublicPolicy": False},
    )
    eventually(
        lambda: (
            s3.get_public_access_block(Bucket="by-hand-remedied")["PublicAccessBlockConfiguration"]
            == dict.fromkeys(flags, True)
        ),
        seconds=60,
    )

    key = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.enable_key_rotation(KeyId=key)
    kms.disable_key_rotation(KeyId=key)
    eventually(lambda: kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"], seconds=60)

    cloudtrail.update_trail(Name=trail, EnableLogFileValidation=False)
    eventually(
        lambda: cloudtrail.get_trail(Name=trail)["Trail"]["LogFileValidationEnabled"], seconds=60
    )
    cloudtrail.stop_logging(Name=trail)
    eventually(lambda: cloudtrail.get_trail_status(Name=trail)["IsLogging"], seconds=60)


@_IN_STACK
def test_the_named_user_breaks_the_glass_with_a_second_factor_and_under_its_own_name(
    deployed: Deployed,
) -> None:
    """By the trust policy as IAM reads it: so it is no role that nobody can assume."""
    iam, path = deployed.client("iam"), KEEPER.rsplit(":", 1)[1].split("/")
    iam.create_user(UserName=path[2], Path=f"/{path[1]}/")
    key = iam.create_access_key(UserName=path[2])["AccessKey"]
    keeper = deployed.sandbox.client(
        "sts",
        REGION,
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )
    arn = next(one for one in deployed.outputs["access_role_arns"] if "break-glass" in one)
    factor = {"SerialNumber": f"arn:aws:iam::{ACCOUNT}:mfa/{path[2]}", "TokenCode": "123456"}

    def assume(**parameters: str) -> Any:
        return keeper.assume_role(RoleArn=arn, **parameters)["AssumedRoleUser"]["Arn"]

    assert assume(RoleSessionName=path[2], **factor).endswith(f"/{path[2]}")
    for parameters in ({"RoleSessionName": path[2]}, {"RoleSessionName": "somebody", **factor}):
        with pytest.raises(ClientError, match="not authorized to perform: sts:AssumeRole"):
            assume(**parameters)


@_IN_STACK
def test_every_alarm_rings_at_what_it_is_for_and_comes_to_rest(deployed: Deployed) -> None:
    """By way of the trail, the log group and its metric filters, or the metrics of services."""
    stack = ringing.Stack(deployed.sandbox, REGION, deployed.outputs)
    assert ringing.without_a_way(stack) == []
    assert set(stack.described()) == set(stack.alarms.values())
    ringing.ring(stack)
