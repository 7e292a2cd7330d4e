"""What the suite says of log groups that others write into or are sent, or that look like ours."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.support import RunningSandbox
from tests.suite.support import REGION, Verification, verify

CHECKS = ("verify/checks/test_log_groups.py", "verify/checks/test_log_group_access.py")
CONTROLS = {
    "log-groups-retention",
    "log-groups-encrypted",
    "log-groups-unaltered",
    "log-groups-admit-no-writer",
    "log-groups-sent-to-nobody-else",
    "trail-log-group-feeds-function",
}
THEIRS = f"arn:aws:logs:{REGION}:999999999999:destination:theirs"


@pytest.fixture
def mending() -> Iterator[ExitStack]:
    """What puts the account back at the test's end."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def logs(sandbox: RunningSandbox) -> Any:
    return sandbox.client("logs", REGION)


@pytest.fixture
def judge(sandbox: RunningSandbox, deployed: Path, tmp_path: Path) -> Any:
    """Runs the checks of log groups; lines of a baseline may be given that extend the usual one."""

    def run(*lines: str) -> Verification:
        baseline = tmp_path / "baseline.yaml"
        baseline.write_text("\n".join(("extends: dev", *lines)))
        return verify(deployed, tmp_path, *CHECKS, f"--profile={baseline}", url=sandbox.url)

    return run


def test_the_verifiers_own_role_sees_all_of_it(judge: Any) -> None:
    run = judge()
    assert run.controls("PASS") == CONTROLS, run.text


def test_a_second_subscriber_must_be_listed_with_its_role(
    logs: Any, outputs: dict[str, Any], mending: ExitStack, judge: Any
) -> None:
    which = {"logGroupName": outputs["trail_log_group_name"], "filterName": "aaa"}  # comes first
    role = outputs["function_role_arn"]
    logs.put_subscription_filter(**which, filterPattern="", destinationArn=THEIRS, roleArn=role)
    mending.callback(logs.delete_subscription_filter, **which)

    refused = judge()
    assert refused.controls("FAIL") == {"log-groups-sent-to-nobody-else"}, refused.text
    message = refused.row("log-groups-sent-to-nobody-else")["message"]
    assert f"the subscription filter aaa: {THEIRS} in the role {role}" in message

    listed = f"log_groups: {{subscribers: [{{destination: '{THEIRS}', role: '{role}'}}]}}"
    assert judge(listed).controls("PASS") == CONTROLS
    without = f"log_groups: {{subscribers: [{{destination: '{THEIRS}'}}]}}"
    assert judge(without).controls("FAIL") == {"log-groups-sent-to-nobody-else"}


def test_a_service_that_writes_must_be_listed_and_act_for_the_account(
    logs: Any, outputs: dict[str, Any], mending: ExitStack, judge: Any
) -> None:
    def let_write(condition: dict[str, Any]) -> None:
        statement = {
            "Sid": "Deliver",
            "Effect": "Allow",
            "Principal": {"Service": "delivery.logs.amazonaws.com"},
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": "*",
            "Condition": condition,
        }
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        logs.put_resource_policy(policyName="deliveries", policyDocument=document)

    mending.callback(logs.delete_resource_policy, policyName="deliveries")
    let_write({"StringEquals": {"aws:SourceAccount": outputs["account_id"]}})
    refused = judge()
    assert refused.controls("FAIL") == {"log-groups-admit-no-writer"}, refused.text
    message = refused.row("log-groups-admit-no-writer")["message"]
    assert "lets delivery.logs.amazonaws.com write into arn:aws:logs:" in message

    listed = "log_groups: {writers: [delivery.logs.amazonaws.com]}"
    assert judge(listed).controls("PASS") == CONTROLS
    let_write({})
    assert judge(listed).controls("FAIL") == {"log-groups-admit-no-writer"}


def test_a_policy_of_the_account_counts_for_the_groups_that_it_reaches(
    logs: Any, mending: ExitStack, judge: Any
) -> None:
    policy = {"policyName": "transform", "policyType": "TRANSFORMER_POLICY"}
    document = json.dumps([{"parseJSON": {}}, {"deleteKeys": {"withKeys": ["userIdentity"]}}])
    mending.callback(logs.delete_account_policy, **policy)
    for prefix, failed in (("/aws/lambda/another", set()), ("/aws/", {"log-groups-unaltered"})):
        logs.put_account_policy(
            **policy,
            policyDocument=document,
            selectionCriteria=f'LogGroupNamePrefix = "{prefix}"',
        )
        run = judge()
        assert run.controls("FAIL") == failed, run.text
        assert run.controls("ERROR") == set()


def test_a_query_that_may_look_at_the_group_is_not_passed(
    logs: Any, outputs: dict[str, Any], mending: ExitStack, judge: Any
) -> None:
    made = logs.create_scheduled_query(
        name="everything",
        queryLanguage="CWLI",
        queryString='SOURCE logGroups(namePrefix: ["/aws/"]) | fields @message',
        scheduleExpression="cron(0 * * * ? *)",
        executionRoleArn=outputs["function_role_arn"],
        destinationConfiguration={
            "s3Configuration": {
                "destinationIdentifier": "s3://theirs/",
                "roleArn": outputs["function_role_arn"],
            }
        },
    )
    mending.callback(logs.delete_scheduled_query, identifier=made["scheduledQueryArn"])
    run = judge()
    assert run.controls("ERROR") == {"log-groups-sent-to-nobody-else"}, run.text
    message = run.row("log-groups-sent-to-nobody-else")["message"]
    assert "whether the scheduled query everything looks at the group: SOURCE" in message


def test_a_group_whose_name_begins_alike_is_not_the_one(
    logs: Any, outputs: dict[str, Any], mending: ExitStack, judge: Any
) -> None:
    alike = f"{outputs['trail_log_group_name']}-two"
    logs.create_log_group(logGroupName=alike)
    mending.callback(logs.delete_log_group, logGroupName=alike)
    logs.put_bearer_token_authentication(
        logGroupIdentifier=alike, bearerTokenAuthenticationEnabled=True
    )
    run = judge()
    assert run.controls("PASS") == CONTROLS, run.text


@pytest.mark.parametrize("value", ["", " "])
def test_a_tag_without_a_value_is_none(
    value: str, sandbox: RunningSandbox, deployed: Path, outputs: dict[str, Any], tmp_path: Path
) -> None:
    kms, key = sandbox.client("kms", REGION), outputs["kms_key_arn"]
    tags = {tag["TagKey"]: tag["TagValue"] for tag in kms.list_resource_tags(KeyId=key)["Tags"]}
    assert (tags["Owner"], tags["CostCenter"]) == ("security-team", "compliance")

    def own(text: str) -> Verification:
        kms.tag_resource(KeyId=key, Tags=[{"TagKey": "Owner", "TagValue": text}])
        checks = "verify/checks/test_tags_and_names.py"
        return verify(deployed, tmp_path, checks, url=sandbox.url)

    try:
        refused = own(value)
        assert refused.controls("FAIL") == {"resources-tagged"}, refused.text
        assert "resources-tagged" in own("cardiology").controls("PASS")
    finally:
        kms.tag_resource(KeyId=key, Tags=[{"TagKey": "Owner", "TagValue": tags["Owner"]}])
