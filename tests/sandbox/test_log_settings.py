"""What CloudWatch Logs can set on groups and accounts, and what it does to what filters see."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.support import Account, eventually, name

ACCOUNT = "123456789012"
REGION = "eu-west-1"
# Publishes each log event that it is sent.
ECHO = """
import base64, gzip, json, os, boto3
sns = boto3.client("sns")
def handler(event, context):
    data = json.loads(gzip.decompress(base64.b64decode(event["awslogs"]["data"])))
    if data["messageType"] == "DATA_MESSAGE":
        for one in data["logEvents"]:
            sns.publish(TopicArn=os.environ["TOPIC"], Message=one["message"])
"""


def masking(*identifiers: str, **own: str) -> str:
    """A data protection policy for AWS's identifiers, and for own ones by their expressions."""
    names = [f"arn:aws:dataprotection::aws:data-identifier/{each}" for each in identifiers]
    names += list(own)
    return json.dumps(
        {
            "Name": "masks",
            "Version": "2021-06-01",
            "Configuration": {
                "CustomDataIdentifier": [{"Name": each, "Regex": own[each]} for each in own]
            },
            "Statement": [
                {
                    "Sid": "audit",
                    "DataIdentifier": names,
                    "Operation": {"Audit": {"FindingsDestination": {}}},
                },
                {
                    "Sid": "mask",
                    "DataIdentifier": names,
                    "Operation": {"Deidentify": {"MaskConfig": {}}},
                },
            ],
        }
    )


@pytest.fixture
def group(account: Account) -> str:
    """A log group with a stream, `s`."""
    made = name("/settings")
    account.logs.create_log_group(logGroupName=made)
    account.logs.create_log_stream(logGroupName=made, logStreamName="s")
    return made


def _described(account: Account, group: str) -> dict[str, Any]:
    [found] = account.logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    return dict(found)


def _put(account: Account, group: str, **event: Any) -> None:
    account.logs.put_log_events(
        logGroupName=group,
        logStreamName="s",
        logEvents=[{"timestamp": int(time.time() * 1000), "message": json.dumps(event)}],
    )


def _echo(account: Account, group: str) -> tuple[str, str]:
    """A function that a group may invoke, and the queue of what it is sent."""
    topic, queue = account.topic_with_queue()
    function = account.function(ECHO, Environment={"Variables": {"TOPIC": topic}})
    account.let_logs_invoke(function, group)
    return function, queue


def _sent(account: Account, queue: str) -> dict[str, Any]:
    return dict(json.loads(json.loads(account.message(queue)["Body"])["Message"]))


def test_a_group_by_default(account: Account, group: str) -> None:
    shown = _described(account, group)
    assert shown["deletionProtectionEnabled"] is False
    assert shown["bearerTokenAuthenticationEnabled"] is False
    assert "dataProtectionStatus" not in shown
    assert "inheritedProperties" not in shown
    logs = account.logs
    assert "transformerConfig" not in logs.get_transformer(logGroupIdentifier=group)
    assert "policyDocument" not in logs.get_data_protection_policy(logGroupIdentifier=group)
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        logs.get_transformer(logGroupIdentifier="/not/there")
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        logs.get_data_protection_policy(logGroupIdentifier="/not/there")


def test_a_function_is_sent_masked_events_and_the_stored_one_stays(
    account: Account, group: str
) -> None:
    function, queue = _echo(account, group)
    logs = account.logs
    logs.put_subscription_filter(
        logGroupName=group, filterName="all", filterPattern="", destinationArn=function
    )
    logs.put_data_protection_policy(
        logGroupIdentifier=group, policyDocument=masking("IpAddress", Calls="Authorize[A-Za-z]+")
    )
    assert _described(account, group)["dataProtectionStatus"] == "ACTIVATED"
    _put(account, group, eventName="AuthorizeIngress", sourceIPAddress="10.1.2.3", region="eu")
    assert _sent(account, queue) == {
        "eventName": "****************",
        "sourceIPAddress": "********",
        "region": "eu",
    }
    [kept] = logs.filter_log_events(logGroupName=group)["events"]
    assert json.loads(kept["message"])["eventName"] == "AuthorizeIngress"

    logs.delete_data_protection_policy(logGroupIdentifier=group)
    assert _described(account, group)["dataProtectionStatus"] == "DELETED"
    _put(account, group, eventName="AuthorizeIngress")
    assert _sent(account, queue) == {"eventName": "AuthorizeIngress"}


def test_masked_events_miss_the_patterns_of_filters(account: Account, group: str) -> None:
    function, queue = _echo(account, group)
    logs = account.logs
    logs.put_subscription_filter(
        logGroupName=group,
        filterName="stops",
        filterPattern="{ $.eventName = StopLogging }",
        destinationArn=function,
    )
    policy = {"policyName": name("masks"), "policyType": "DATA_PROTECTION_POLICY"}
    logs.put_account_policy(**policy, policyDocument=masking(Stops="StopLogging"))
    try:
        assert _described(account, group)["inheritedProperties"] == ["ACCOUNT_DATA_PROTECTION"]
        _put(account, group, eventName="StopLogging", number=1)
    finally:
        logs.delete_account_policy(**policy)
    _put(account, group, eventName="StopLogging", number=2)
    assert _sent(account, queue) == {"eventName": "StopLogging", "number": 2}


@pytest.mark.parametrize(
    "document",
    ["{}", "not JSON", json.dumps({"Statement": [{"Operation": {"Audit": {}}}]})],
)
def test_an_incomplete_data_protection_policy_is_refused(
    account: Account, group: str, document: str
) -> None:
    with pytest.raises(account.logs.exceptions.InvalidParameterException):
        account.logs.put_data_protection_policy(logGroupIdentifier=group, policyDocument=document)


def test_filters_see_transformed_events_only_where_they_ask_for_it(
    account: Account, group: str
) -> None:
    function, queue = _echo(account, group)
    logs = account.logs
    everything = {
        "logGroupName": group,
        "filterName": "all",
        "filterPattern": "",
        "destinationArn": function,
    }
    logs.put_transformer(
        logGroupIdentifier=group,
        transformerConfig=[
            {"parseJSON": {}},
            {"deleteKeys": {"withKeys": ["userIdentity.arn"]}},
            {"addKeys": {"entries": [{"key": "by", "value": "hand"}]}},
            {"renameKeys": {"entries": [{"key": "eventName", "renameTo": "call"}]}},
        ],
    )
    assert len(logs.get_transformer(logGroupIdentifier=group)["transformerConfig"]) == 4
    event = {"eventName": "StopLogging", "userIdentity": {"arn": "a", "type": "Root"}}
    logs.put_subscription_filter(**everything)
    _put(account, group, **event)
    assert _sent(account, queue) == event

    logs.put_subscription_filter(**everything, applyOnTransformedLogs=True)
    [shown] = logs.describe_subscription_filters(logGroupName=group)["subscriptionFilters"]
    assert shown["applyOnTransformedLogs"] is True
    _put(account, group, **event)
    assert _sent(account, queue) == {
        "userIdentity": {"type": "Root"},
        "by": "hand",
        "call": "StopLogging",
    }
    logs.delete_transformer(logGroupIdentifier=group)
    _put(account, group, **event)
    assert _sent(account, queue) == event


def test_a_transformer_that_cannot_be_followed_is_refused(account: Account, group: str) -> None:
    refused: list[list[dict[str, Any]]] = [
        [{"parseWAF": {}}],
        [{"deleteKeys": {"withKeys": ["a"]}}],
    ]
    for config in refused:
        with pytest.raises(account.logs.exceptions.InvalidParameterException):
            account.logs.put_transformer(logGroupIdentifier=group, transformerConfig=config)


def test_a_subscription_of_the_account_is_sent_events_of_every_group_but_some(
    account: Account, group: str
) -> None:
    function, queue = _echo(account, group)
    logs = account.logs
    policy = {"policyName": name("account"), "policyType": "SUBSCRIPTION_FILTER_POLICY"}
    document = json.dumps({"DestinationArn": function, "FilterPattern": "{ $.wanted IS TRUE }"})
    logs.put_account_policy(
        **policy,
        policyDocument=document,
        selectionCriteria=f'LogGroupName NOT IN ["/aws/lambda/{function.rpartition(":")[2]}"]',
    )
    try:
        [shown] = logs.describe_account_policies(policyType="SUBSCRIPTION_FILTER_POLICY")[
            "accountPolicies"
        ]
        assert (shown["scope"], shown["accountId"]) == ("ALL", ACCOUNT)
        assert (
            logs.describe_account_policies(policyType="TRANSFORMER_POLICY")["accountPolicies"] == []
        )
        _put(account, group, wanted=True, number=1)
        assert _sent(account, queue) == {"wanted": True, "number": 1}
        with pytest.raises(logs.exceptions.LimitExceededException):
            logs.put_account_policy(
                policyName="another", policyType=policy["policyType"], policyDocument=document
            )
        with pytest.raises(logs.exceptions.InvalidParameterException):
            logs.put_account_policy(
                **policy, policyDocument=document, selectionCriteria="every group"
            )
    finally:
        logs.delete_account_policy(**policy)
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        logs.delete_account_policy(**policy)


@pytest.mark.parametrize(
    ("criteria", "selects"),
    [
        ('@aws.account = "123456789012"', True),
        ('@aws.account != "123456789012"', False),
        ('@aws.region IN ["us-east-1", "eu-west-1"]', True),
        ('@aws.region NOT IN ["eu-west-1"]', False),
        ('@aws.account = "123456789012" AND @aws.region = "us-east-1"', False),
        ('@aws.account = "999999999999" OR @aws.region = "eu-west-1"', True),
    ],
)
def test_a_filter_looks_at_the_events_of_the_accounts_and_regions_that_it_selects(
    account: Account, group: str, criteria: str, selects: bool
) -> None:
    metric = {"metricNamespace": name("selected"), "metricName": "events"}
    account.logs.put_metric_filter(
        logGroupName=group,
        filterName="selected",
        filterPattern="",
        metricTransformations=[{**metric, "metricValue": "1"}],
        fieldSelectionCriteria=criteria,
    )
    [shown] = account.logs.describe_metric_filters(logGroupName=group)["metricFilters"]
    assert shown["fieldSelectionCriteria"] == criteria
    _put(account, group, a=1)
    found = account.cloudwatch.list_metrics(Namespace=metric["metricNamespace"])["Metrics"]
    assert bool(found) is selects


def test_system_fields_become_dimensions_of_the_metric(account: Account, group: str) -> None:
    namespace = name("dimensions")
    account.logs.put_metric_filter(
        logGroupName=group,
        filterName="by-account",
        filterPattern="",
        metricTransformations=[
            {"metricNamespace": namespace, "metricName": "events", "metricValue": "1"}
        ],
        emitSystemFieldDimensions=["@aws.account"],
    )
    _put(account, group, a=1)
    [metric] = account.cloudwatch.list_metrics(Namespace=namespace)["Metrics"]
    assert metric["Dimensions"] == [{"Name": "@aws.account", "Value": ACCOUNT}]


def test_criteria_that_nobody_can_read_are_refused(account: Account, group: str) -> None:
    with pytest.raises(account.logs.exceptions.InvalidParameterException):
        account.logs.put_metric_filter(
            logGroupName=group,
            filterName="bad",
            filterPattern="",
            metricTransformations=[{"metricNamespace": "n", "metricName": "m", "metricValue": "1"}],
            fieldSelectionCriteria="somewhere",
        )


def test_no_metrics_are_taken_from_a_log_while_a_policy_forbids_it(
    account: Account, group: str
) -> None:
    def embedded(namespace: str) -> dict[str, Any]:
        shape = {"Namespace": namespace, "Dimensions": [[]], "Metrics": [{"Name": "m"}]}
        return {
            "_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [shape]},
            "m": 1,
        }

    forbidden, taken = name("forbidden"), name("taken")
    policy = {"policyName": name("no-metrics"), "policyType": "METRIC_EXTRACTION_POLICY"}
    account.logs.put_account_policy(**policy, policyDocument="{}")
    try:
        _put(account, group, **embedded(forbidden))
    finally:
        account.logs.delete_account_policy(**policy)
    _put(account, group, **embedded(taken))
    metrics = account.cloudwatch.list_metrics
    assert eventually(lambda: metrics(Namespace=taken)["Metrics"])
    assert metrics(Namespace=forbidden)["Metrics"] == []


def test_the_accounts_retention_goes_above_the_groups(account: Account, group: str) -> None:
    logs = account.logs
    logs.put_retention_policy(logGroupName=group, retentionInDays=7)
    policy = {"policyName": name("short"), "policyType": "RETENTION_POLICY"}
    document = {"retentionInDays": 30, "enforcementMode": "RETROACTIVE"}
    for changed, seen in (
        ({}, (policy["policyName"], 30)),
        ({"enforcementMode": "NEW_ONLY"}, (None, 7)),
        ({"retentionInDays": "NEVER_EXPIRE"}, (policy["policyName"], None)),
    ):
        logs.put_account_policy(**policy, policyDocument=json.dumps({**document, **changed}))
        shown = _described(account, group)
        assert (shown.get("retentionPolicyName"), shown.get("retentionInDays")) == seen
    logs.delete_account_policy(**policy)
    assert _described(account, group)["retentionInDays"] == 7


def test_a_protected_group_cannot_be_deleted(account: Account, group: str) -> None:
    logs = account.logs
    protect = logs.put_log_group_deletion_protection
    protect(logGroupIdentifier=group, deletionProtectionEnabled=True)
    assert _described(account, group)["deletionProtectionEnabled"] is True
    with pytest.raises(ClientError, match="InvalidOperationException"):
        logs.delete_log_group(logGroupName=group)
    protect(logGroupIdentifier=group, deletionProtectionEnabled=False)
    logs.delete_log_group(logGroupName=group)


def test_a_group_that_is_gone_has_no_tags_to_tell(account: Account) -> None:
    made = name("/gone")
    account.logs.create_log_group(logGroupName=made, tags={"a": "b"})
    [found] = account.logs.describe_log_groups(logGroupNamePrefix=made)["logGroups"]
    which = {"resourceArn": found["logGroupArn"]}
    assert account.logs.list_tags_for_resource(**which)["tags"] == {"a": "b"}
    account.logs.delete_log_group(logGroupName=made)
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        account.logs.list_tags_for_resource(**which)
    account.logs.create_log_group(logGroupName=made)
    assert account.logs.list_tags_for_resource(**which)["tags"] == {}
    account.logs.delete_log_group(logGroupName=made)


def test_who_else_may_write_into_a_group_is_told(account: Account, group: str) -> None:
    logs = account.logs
    arn = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}"
    logs.put_bearer_token_authentication(
        logGroupIdentifier=group, bearerTokenAuthenticationEnabled=True
    )
    assert _described(account, group)["bearerTokenAuthenticationEnabled"] is True

    logs.put_syslog_configuration(logGroupIdentifier=group, vpcEndpointId="vpce-1")
    [shown] = logs.list_syslog_configurations(logGroupIdentifier=group)["syslogConfigurations"]
    assert (shown["logGroupArn"], shown["vpcEndpointId"]) == (arn, "vpce-1")
    assert shown in logs.list_syslog_configurations()["syslogConfigurations"]
    logs.delete_syslog_configuration(logGroupIdentifier=group, vpcEndpointId="vpce-1")
    assert logs.list_syslog_configurations(vpcEndpointId="vpce-1")["syslogConfigurations"] == []

    own = json.dumps({"Version": "2012-10-17", "Statement": []})
    logs.put_resource_policy(policyName="p", policyDocument=own, resourceArn=arn)
    [policy] = logs.describe_resource_policies(resourceArn=arn)["resourcePolicies"]
    assert (policy["policyScope"], policy["policyDocument"]) == ("RESOURCE", own)
    whole = name("whole")
    logs.put_resource_policy(policyName=whole, policyDocument=own)
    found = logs.describe_resource_policies()["resourcePolicies"]
    assert {each["policyScope"] for each in found} == {"ACCOUNT"}
    assert whole in {each["policyName"] for each in found}
    logs.delete_resource_policy(resourceArn=arn)
    assert logs.describe_resource_policies(resourceArn=arn)["resourcePolicies"] == []
    logs.delete_resource_policy(policyName=whole)


def test_a_scheduled_query_is_told_in_two_steps(account: Account, group: str) -> None:
    logs = account.logs
    query = name("query")
    made = logs.create_scheduled_query(
        name=query,
        queryLanguage="CWLI",
        queryString="fields @message",
        logGroupIdentifiers=[group],
        scheduleExpression="cron(0 * * * ? *)",
        executionRoleArn=f"arn:aws:iam::{ACCOUNT}:role/queries",
    )
    [listed] = [
        each for each in logs.list_scheduled_queries()["scheduledQueries"] if each["name"] == query
    ]
    assert "logGroupIdentifiers" not in listed
    assert listed["state"] == "ENABLED"
    whole = logs.get_scheduled_query(identifier=made["scheduledQueryArn"])
    assert whole["logGroupIdentifiers"] == [group]
    logs.delete_scheduled_query(identifier=query)
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        logs.get_scheduled_query(identifier=query)


def test_events_can_be_sent_to_a_destination_of_another_account(
    account: Account, group: str
) -> None:
    logs = account.logs
    which = {"logGroupName": group, "filterName": "theirs", "filterPattern": ""}
    theirs = f"arn:aws:logs:{REGION}:999999999999:destination:theirs"
    logs.put_subscription_filter(**which, destinationArn=theirs)
    _put(account, group, a=1)
    [shown] = logs.describe_subscription_filters(logGroupName=group)["subscriptionFilters"]
    assert shown["destinationArn"] == theirs
    missing = f"arn:aws:logs:{REGION}:{ACCOUNT}:destination:missing"
    with pytest.raises(logs.exceptions.InvalidParameterException):
        logs.put_subscription_filter(**which, destinationArn=missing)
