"""CloudFormation's stack sets: rules of EventBridge in several regions, by two roles."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.support import ACCOUNT, REGION, Account, eventually, name, refused

FAR, FARTHER = "us-west-2", "ap-northeast-1"
BUS = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default"
RULE_ACTIONS = [
    "events:DeleteRule",
    "events:DescribeRule",
    "events:ListTargetsByRule",
    "events:PutRule",
    "events:PutTargets",
    "events:RemoveTargets",
    "events:TagResource",
]
STACK_ACTIONS = [
    "cloudformation:CreateStack",
    "cloudformation:DeleteStack",
    "cloudformation:DescribeStacks",
    "cloudformation:UpdateStack",
]


def allow(actions: list[str], resource: str, **conditions: Any) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": actions, "Resource": resource}
    return {**statement, "Condition": conditions} if conditions else statement


@dataclass
class Made:
    """A stack set with its roles, and what is done to it."""

    account: Account
    forwarding: str = ""
    set_name: str = field(default_factory=lambda: name("set"))
    administration: str = ""
    execution: str = ""

    def __post_init__(self) -> None:
        self.cloudformation = self.account.sandbox.client("cloudformation")
        self.forwarding = self.account.role(
            "events.amazonaws.com", allow(["events:PutEvents"], BUS)
        )
        self.execution = name("execution")
        assume = allow(["sts:AssumeRole"], f"arn:aws:iam::{ACCOUNT}:role/{self.execution}")
        self.administration = self.account.role("cloudformation.amazonaws.com", assume)
        self.account.iam.create_role(
            RoleName=self.execution, AssumeRolePolicyDocument=self.trusting(self.administration)
        )
        self.permit(*self.permissions())

    @staticmethod
    def trusting(principal: str) -> str:
        statement = {
            "Effect": "Allow",
            "Principal": {"AWS": principal},
            "Action": "sts:AssumeRole",
        }
        return json.dumps({"Version": "2012-10-17", "Statement": [statement]})

    def permissions(self) -> list[dict[str, Any]]:
        return [
            allow(STACK_ACTIONS, f"arn:aws:cloudformation:*:{ACCOUNT}:stack/StackSet-*"),
            allow(RULE_ACTIONS, f"arn:aws:events:*:{ACCOUNT}:rule/{self.rule}"),
            allow(["iam:PassRole"], self.forwarding),
        ]

    def permit(self, *statements: dict[str, Any]) -> None:
        document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        self.account.iam.put_role_policy(
            RoleName=self.execution, PolicyName="p", PolicyDocument=document
        )

    @property
    def rule(self) -> str:
        return f"{self.set_name}-rule"

    def template(self, source: str = "mine", **properties: Any) -> str:
        target = {"Id": "home", "Arn": BUS, "RoleArn": self.forwarding}
        rule = {
            "Name": self.rule,
            "EventPattern": {"source": [source], "detail": {"error": [{"exists": False}]}},
            "State": "ENABLED",
            "Targets": [target],
            **properties,
        }
        resources = {"Forwarded": {"Type": "AWS::Events::Rule", "Properties": rule}}
        return json.dumps({"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources})

    def create(self, template: str | None = None) -> None:
        self.cloudformation.create_stack_set(
            StackSetName=self.set_name,
            TemplateBody=self.template() if template is None else template,
            AdministrationRoleARN=self.administration,
            ExecutionRoleName=self.execution,
            Tags=[{"Key": "Owner", "Value": "us"}],
        )

    def deploy(self, *regions: str) -> dict[str, str | None]:
        """Region -> why there is no stack; None where there is."""
        return self._done(
            self.cloudformation.create_stack_instances(
                StackSetName=self.set_name, Accounts=[ACCOUNT], Regions=list(regions)
            )
        )

    def remove(self, *regions: str) -> dict[str, str | None]:
        return self._done(
            self.cloudformation.delete_stack_instances(
                StackSetName=self.set_name,
                Accounts=[ACCOUNT],
                Regions=list(regions),
                RetainStacks=False,
            )
        )

    def update(self, template: str) -> dict[str, str | None]:
        return self._done(
            self.cloudformation.update_stack_set(
                StackSetName=self.set_name,
                TemplateBody=template,
                AdministrationRoleARN=self.administration,
                ExecutionRoleName=self.execution,
                Tags=[{"Key": "Owner", "Value": "them"}],
            )
        )

    def _done(self, begun: dict[str, Any]) -> dict[str, str | None]:
        of = {"StackSetName": self.set_name, "OperationId": begun["OperationId"]}
        operation = self.cloudformation.describe_stack_set_operation(**of)["StackSetOperation"]
        results = self.cloudformation.list_stack_set_operation_results(**of)["Summaries"]
        failed = any(one["Status"] == "FAILED" for one in results)
        assert operation["Status"] == ("FAILED" if failed else "SUCCEEDED")
        return {one["Region"]: one.get("StatusReason") for one in results}

    def rule_in(self, region: str) -> dict[str, Any] | None:
        events = self.account.sandbox.client("events", region)
        try:
            found: dict[str, Any] = events.describe_rule(Name=self.rule)
        except events.exceptions.ResourceNotFoundException:
            return None
        return found

    def tags_in(self, region: str) -> dict[str, str]:
        arn = f"arn:aws:events:{region}:{ACCOUNT}:rule/{self.rule}"
        events = self.account.sandbox.client("events", region)
        tags = events.list_tags_for_resource(ResourceARN=arn)["Tags"]
        return {tag["Key"]: tag["Value"] for tag in tags}


@pytest.fixture
def made(account: Account) -> Iterator[Made]:
    found = Made(account)
    yield found
    try:
        there = found.cloudformation.list_stack_instances(StackSetName=found.set_name)["Summaries"]
    except ClientError:
        return
    found.permit(*found.permissions())
    account.iam.update_assume_role_policy(
        RoleName=found.execution, PolicyDocument=found.trusting(found.administration)
    )
    assert set(found.remove(*(one["Region"] for one in there)).values()) <= {None}
    found.cloudformation.delete_stack_set(StackSetName=found.set_name)


def test_a_stack_in_each_region_has_the_rule_with_the_set_s_tags(made: Made) -> None:
    made.create()
    assert made.deploy(FAR, FARTHER) == {FAR: None, FARTHER: None}
    for region in (FAR, FARTHER):
        rule = made.rule_in(region)
        assert rule is not None
        assert json.loads(rule["EventPattern"]) == {
            "source": ["mine"],
            "detail": {"error": [{"exists": False}]},
        }
        assert rule["State"] == "ENABLED"
        tags = made.tags_in(region)
        assert tags["Owner"] == "us"
        assert tags["aws:cloudformation:logical-id"] == "Forwarded"
    assert made.rule_in(REGION) is None
    told = made.cloudformation.describe_stack_set(StackSetName=made.set_name)["StackSet"]
    assert told["Regions"] == [FARTHER, FAR]
    assert told["ExecutionRoleName"] == made.execution
    stacks = made.account.sandbox.client("cloudformation", FAR).describe_stacks()["Stacks"]
    [stack] = [one for one in stacks if f"StackSet-{made.set_name}-" in one["StackName"]]
    assert tags["aws:cloudformation:stack-id"] != stack["StackId"]
    one = made.cloudformation.describe_stack_instance(
        StackSetName=made.set_name, StackInstanceAccount=ACCOUNT, StackInstanceRegion=FAR
    )["StackInstance"]
    assert (one["StackId"], one["Status"]) == (stack["StackId"], "CURRENT")


def test_an_event_there_reaches_the_bus_here_and_keeps_its_region(made: Made) -> None:
    made.create()
    made.deploy(FAR)
    url, queue = made.account.queue()
    allowed = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    made.account.sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    made.account.events.put_rule(Name=made.rule, EventPattern='{"source": ["mine"]}')
    made.account.events.put_targets(Rule=made.rule, Targets=[{"Id": "q", "Arn": queue}])
    entry = {"Source": "mine", "DetailType": "t", "Detail": '{"a": 1}'}
    made.account.sandbox.client("events", FAR).put_events(Entries=[entry])
    [message] = eventually(
        lambda: made.account.sqs.receive_message(QueueUrl=url).get("Messages", [])
    )
    event = json.loads(message["Body"])
    assert (event["source"], event["region"], event["detail"]) == ("mine", FAR, {"a": 1})
    made.account.events.remove_targets(Rule=made.rule, Ids=["q"])
    made.account.events.delete_rule(Name=made.rule)


def test_an_altered_set_alters_its_stacks(made: Made) -> None:
    made.create()
    made.deploy(FAR)
    assert made.update(made.template("theirs", State="DISABLED")) == {FAR: None}
    rule = made.rule_in(FAR)
    assert rule is not None
    assert (json.loads(rule["EventPattern"])["source"], rule["State"]) == (["theirs"], "DISABLED")
    assert made.tags_in(FAR)["Owner"] == "them"


def test_with_a_stack_goes_its_rule_as_it_is_then(made: Made) -> None:
    made.create()
    made.deploy(FAR, FARTHER)
    events = made.account.sandbox.client("events", FAR)
    events.put_rule(Name=made.rule, EventPattern='{"source": ["another"]}')
    events.put_targets(Rule=made.rule, Targets=[{"Id": "more", "Arn": BUS}])
    delete = made.cloudformation.delete_stack_set
    assert refused(delete, StackSetName=made.set_name) == "StackSetNotEmptyException"
    assert made.remove(FAR) == {FAR: None}
    assert made.rule_in(FAR) is None
    assert made.rule_in(FARTHER) is not None
    made.remove(FARTHER)
    delete(StackSetName=made.set_name)
    describe = made.cloudformation.describe_stack_set
    assert refused(describe, StackSetName=made.set_name) == "StackSetNotFoundException"


def _no_trust(made: Made) -> None:
    stranger = made.account.role("lambda.amazonaws.com")
    made.account.iam.update_assume_role_policy(
        RoleName=made.execution, PolicyDocument=made.trusting(stranger)
    )


def _without(action: str) -> Callable[[Made], None]:
    def narrow(made: Made) -> None:
        made.permit(
            *(
                {**one, "Action": [name for name in one["Action"] if name != action] or ["s3:Get*"]}
                for one in made.permissions()
            )
        )

    return narrow


def _another_region(made: Made) -> None:
    here = {"StringEquals": {"aws:RequestedRegion": FARTHER}}
    made.permit(*(allow(one["Action"], one["Resource"], **here) for one in made.permissions()))


@pytest.mark.parametrize(
    ("narrow", "reason"),
    [
        (_no_trust, "role with trust relationship to Role"),
        (_without("cloudformation:CreateStack"), "perform: cloudformation:CreateStack on"),
        (_without("events:PutTargets"), "perform: events:PutTargets on"),
        (_without("events:TagResource"), "perform: events:TagResource on"),
        (_without("iam:PassRole"), "perform: iam:PassRole on"),
        (_another_region, f"perform: cloudformation:DescribeStacks on .*:{FAR}:"),
    ],
    ids=["trust", "stack", "targets", "tags", "pass", "region"],
)
def test_what_the_roles_may_not_is_not_made(
    made: Made, narrow: Callable[[Made], None], reason: str
) -> None:
    narrow(made)
    made.create()
    assert re.search(reason, str(made.deploy(FAR)[FAR]))
    assert made.rule_in(FAR) is None


def test_where_one_region_fails_the_others_have_their_stacks(made: Made) -> None:
    made.create()
    _another_region(made)
    told = made.deploy(FAR, FARTHER)
    assert told[FARTHER] is None
    assert "is not authorized to perform" in str(told[FAR])
    assert made.rule_in(FARTHER) is not None


def test_a_rule_that_is_there_already_is_not_taken_over(made: Made) -> None:
    events = made.account.sandbox.client("events", FAR)
    events.put_rule(Name=made.rule, EventPattern='{"source": ["another"]}')
    made.create()
    told = made.deploy(FAR)
    assert "already exists" in str(told[FAR])
    assert json.loads(str((made.rule_in(FAR) or {})["EventPattern"])) == {"source": ["another"]}
    events.delete_rule(Name=made.rule)


def test_a_name_is_taken_once_and_a_stranger_s_stack_is_none(made: Made) -> None:
    made.create()
    with pytest.raises(ClientError) as error:
        made.create()
    assert error.value.response["Error"]["Code"] == "NameAlreadyExistsException"
    describe = made.cloudformation.describe_stack_instance
    of = {"StackSetName": made.set_name, "StackInstanceRegion": FAR}
    code = refused(describe, **of, StackInstanceAccount=ACCOUNT)
    assert code == "StackInstanceNotFoundException"


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("Resources: {}", "reads templates in JSON alone"),
        ("{}", "At least one Resources member must be defined"),
        ('{"Resources": {"B": {"Type": "AWS::S3::Bucket"}}}', "not of AWS::S3::Bucket"),
        (
            '{"Resources": {"R": {"Type": "AWS::Events::Rule", "Properties": {}}}}',
            "R: the sandbox makes rules that have a Name of text",
        ),
    ],
    ids=["yaml", "empty", "bucket", "nameless"],
)
def test_a_template_that_it_cannot_make_stacks_of_is_refused(
    made: Made, template: str, message: str
) -> None:
    with pytest.raises(ClientError, match=message):
        made.create(template)


def test_a_role_reads_the_set_that_its_policy_names(made: Made) -> None:
    made.create()
    arn = made.cloudformation.describe_stack_set(StackSetName=made.set_name)["StackSet"][
        "StackSetARN"
    ]
    role = made.account.iam.create_role(
        RoleName=name("reader"),
        AssumeRolePolicyDocument=made.trusting(f"arn:aws:iam::{ACCOUNT}:root"),
    )["Role"]
    document = {
        "Version": "2012-10-17",
        "Statement": [allow(["cloudformation:DescribeStackSet"], arn)],
    }
    made.account.iam.put_role_policy(
        RoleName=role["RoleName"], PolicyName="p", PolicyDocument=json.dumps(document)
    )
    session = made.account.sts.assume_role(RoleArn=role["Arn"], RoleSessionName="reading")[
        "Credentials"
    ]
    reader = made.account.sandbox.client(
        "cloudformation",
        aws_access_key_id=session["AccessKeyId"],
        aws_secret_access_key=session["SecretAccessKey"],
        aws_session_token=session["SessionToken"],
    )
    identifier = arn.partition(":stackset/")[2]
    assert reader.describe_stack_set(StackSetName=identifier)["StackSet"]["StackSetARN"] == arn
    assert refused(reader.describe_stack_set, StackSetName="other:1") == "AccessDenied"
