"""The quick path from a further region: it alerts by itself, and a run sees that it is there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.support import RunningSandbox, eventually, name
from tests.suite.support import REGION, verify

FURTHER = "eu-west-1"
CHECKS = "verify/checks/test_event_path.py"
RULES = [*(f"rule-changes-{number}-dev" for number in (1, 2, 3, 4)), "rule-root-user-dev"]


@pytest.fixture
def log_path_cut(sandbox: RunningSandbox, outputs: dict[str, Any]) -> Iterator[None]:
    """The log group's subscription is away: what comes, comes by EventBridge."""
    logs, group = sandbox.client("logs", REGION), outputs["trail_log_group_name"]
    [found] = logs.describe_subscription_filters(logGroupName=group)["subscriptionFilters"]
    logs.delete_subscription_filter(logGroupName=group, filterName=found["filterName"])
    yield
    logs.put_subscription_filter(
        logGroupName=group,
        filterName=found["filterName"],
        filterPattern=found["filterPattern"],
        destinationArn=found["destinationArn"],
    )


@pytest.fixture
def alerts(sandbox: RunningSandbox, outputs: dict[str, Any]) -> Iterator[str]:
    """The URL of a queue that is sent what the alert topic is."""
    sqs, sns = sandbox.client("sqs", REGION), sandbox.client("sns", REGION)
    url = sqs.create_queue(QueueName=name("alerts"))["QueueUrl"]
    asked = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    arn = asked["Attributes"]["QueueArn"]
    allowed = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    subscription = sns.subscribe(
        TopicArn=outputs["alert_topic_arn"],
        Protocol="sqs",
        Endpoint=arn,
        Attributes={"RawMessageDelivery": "true"},
        ReturnSubscriptionArn=True,
    )["SubscriptionArn"]
    yield url
    sns.unsubscribe(SubscriptionArn=subscription)
    sqs.delete_queue(QueueUrl=url)


@pytest.mark.slow
def test_an_act_in_a_further_region_is_alerted_by_eventbridge(
    sandbox: RunningSandbox, log_path_cut: None, alerts: str
) -> None:
    sqs, ec2 = sandbox.client("sqs", REGION), sandbox.client("ec2", FURTHER)
    group = ec2.create_security_group(GroupName=name("group"), Description="opened")["GroupId"]
    ec2.authorize_security_group_ingress(
        GroupId=group, IpProtocol="tcp", FromPort=22, ToPort=22, CidrIp="0.0.0.0/0"
    )
    told: list[dict[str, Any]] = []

    def ours() -> list[dict[str, Any]]:
        for message in sqs.receive_message(QueueUrl=alerts, WaitTimeSeconds=1).get("Messages", []):
            alert = json.loads(message["Body"])
            if alert.get("resource", {}).get("id") == group:
                told.append(alert)
        return told

    alert = eventually(ours, seconds=30.0)[0]
    ec2.delete_security_group(GroupId=group)
    assert alert["rule"] == "security-group-open-to-internet"
    assert (alert["path"], alert["region"]) == ("eventbridge", FURTHER)
    legs = alert["timing"]["legs"]
    assert set(legs) == {
        "event_to_delivered",
        "delivered_to_received",
        "event_to_received",
        "received_to_published",
    }
    assert all(leg >= 0 for leg in legs.values())


@pytest.mark.slow
def test_a_rule_that_is_away_in_a_further_region_is_named(
    sandbox: RunningSandbox, deployed: Path, tmp_path: Path
) -> None:
    events = sandbox.client("events", FURTHER)
    rule = "rule-changes-3-dev"
    targets = events.list_targets_by_rule(Rule=rule)["Targets"]
    events.remove_targets(Rule=rule, Ids=[target["Id"] for target in targets])
    try:
        run = verify(deployed, tmp_path, CHECKS, url=sandbox.url)
    finally:
        events.put_targets(Rule=rule, Targets=targets)
    message = run.row("events-reach-function")["message"]
    assert run.controls("FAIL") == {"events-reach-function"}, run.text
    assert f"{FURTHER}: EventBridge rules that send to the home region's bus" in message
    assert rule in message


@pytest.mark.slow
def test_outputs_that_name_a_region_without_rules_do_not_pass(
    sandbox: RunningSandbox, deployed: Path, tmp_path: Path
) -> None:
    changed = json.loads(deployed.read_text())
    changed["further_event_regions"]["value"] = [FURTHER, "eu-west-2"]
    outputs = tmp_path / "outputs.json"
    outputs.write_text(json.dumps(changed))
    run = verify(outputs, tmp_path / "reports", CHECKS, url=sandbox.url)
    assert run.controls("FAIL") == {"events-reach-function"}, run.text
    message = run.row("events-reach-function")["message"]
    # The role may not look at rules in a region that nobody deployed to: which there are, it may.
    lacking = (
        f"eu-west-2: EventBridge rules that send to the home region's bus: required {RULES[0]}"
    )
    assert lacking in message


@pytest.mark.slow
@pytest.mark.parametrize(
    ("required", "outcome"),
    [([FURTHER, "us-east-1", REGION], "PASS"), ([FURTHER, "eu-west-2"], "FAIL")],
    ids=["there", "not there"],
)
def test_a_region_that_the_auditor_requires_must_be_there(
    sandbox: RunningSandbox, deployed: Path, tmp_path: Path, required: list[str], outcome: str
) -> None:
    baseline = tmp_path / "strict.yaml"
    baseline.write_text(f"extends: dev\nfunction: {{event_regions: {json.dumps(required)}}}\n")
    run = verify(deployed, tmp_path / "reports", CHECKS, f"--profile={baseline}", url=sandbox.url)
    assert run.outcomes["events-reach-function"] == outcome, run.text
    if outcome == "FAIL":
        message = run.row("events-reach-function")["message"]
        assert "regions whose events must come by the quick path, and do not" in message
        assert "eu-west-2" in message
