"""Metrics, alarms, EventBridge and SNS."""

from __future__ import annotations

import functools
import json
import operator
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from tests.sandbox.support import ACCOUNT, REGION, Account, eventually, name


def topic_policy(account: Account, topic: str, service: str, condition: Any = None) -> None:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sns:Publish",
        "Resource": topic,
    }
    if condition:
        statement["Condition"] = condition
    document = {"Version": "2012-10-17", "Statement": [statement]}
    account.sns.set_topic_attributes(
        TopicArn=topic, AttributeName="Policy", AttributeValue=json.dumps(document)
    )


def state(account: Account, alarm: str) -> str:
    found = account.cloudwatch.describe_alarms(AlarmNames=[alarm])["MetricAlarms"]
    return str(found[0]["StateValue"])


def put_alarm(account: Account, **settings: Any) -> str:
    alarm = name("alarm")
    account.cloudwatch.put_metric_alarm(
        **{
            "AlarmName": alarm,
            "Statistic": "Sum",
            "Period": 60,
            "EvaluationPeriods": 1,
            "Threshold": 1,
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            **settings,
        }
    )
    return alarm


def total(account: Account, namespace: str, metric: str, dimensions: dict[str, str]) -> float:
    moment = datetime.now(UTC)
    found = account.cloudwatch.get_metric_statistics(
        Namespace=namespace,
        MetricName=metric,
        Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
        StartTime=moment - timedelta(minutes=10),
        EndTime=moment + timedelta(minutes=1),
        Period=3600,
        Statistics=["Sum"],
    )
    return float(sum(point["Sum"] for point in found["Datapoints"]))


def test_from_log_event_to_metric_filter_to_alarm_to_queue(account: Account) -> None:
    group, namespace = name("/group"), name("Namespace")
    account.logs.create_log_group(logGroupName=group)
    account.logs.create_log_stream(logGroupName=group, logStreamName="s")
    account.logs.put_metric_filter(
        logGroupName=group,
        filterName="root",
        filterPattern='{ $.userIdentity.type = "Root" }',
        metricTransformations=[
            {"metricName": "Root", "metricNamespace": namespace, "metricValue": "1"}
        ],
    )
    topic, queue_url = account.topic_with_queue()
    alarm = put_alarm(
        account,
        Namespace=namespace,
        MetricName="Root",
        TreatMissingData="notBreaching",
        AlarmActions=[topic],
    )
    source = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:*"
    topic_policy(account, topic, "cloudwatch.amazonaws.com", {"ArnLike": {"aws:SourceArn": source}})
    eventually(lambda: state(account, alarm), lambda found: found == "OK")
    account.logs.put_log_events(
        logGroupName=group,
        logStreamName="s",
        logEvents=[
            {"timestamp": int(time.time() * 1000), "message": text}
            for text in (
                '{"userIdentity": {"type": "IAMUser"}}',
                '{"userIdentity": {"type": "Root"}}',
            )
        ],
    )
    notification = json.loads(account.message(queue_url)["Body"])
    message = json.loads(notification["Message"])
    assert message["AlarmName"] == alarm
    assert message["NewStateValue"] == "ALARM"
    assert message["OldStateValue"] == "OK"
    assert notification["Subject"].startswith(f'ALARM: "{alarm}"')
    assert state(account, alarm) == "ALARM"
    assert total(account, namespace, "Root", {}) == 1
    assert total(account, "AWS/Logs", "IncomingLogEvents", {"LogGroupName": group}) == 2
    filters = account.logs.describe_metric_filters(logGroupName=group)["metricFilters"]
    assert [one["filterName"] for one in filters] == ["root"]


def test_silence_is_an_alarm_where_missing_data_breach(account: Account) -> None:
    group = name("/silent")
    account.logs.create_log_group(logGroupName=group)
    account.logs.create_log_stream(logGroupName=group, logStreamName="s")
    settings: dict[str, Any] = {
        "Namespace": "AWS/Logs",
        "MetricName": "IncomingLogEvents",
        "Dimensions": [{"Name": "LogGroupName", "Value": group}],
        "ComparisonOperator": "LessThanThreshold",
    }
    breaching = put_alarm(account, TreatMissingData="breaching", **settings)
    missing = put_alarm(account, **settings)
    eventually(lambda: state(account, breaching), lambda found: found == "ALARM")
    assert state(account, missing) == "INSUFFICIENT_DATA"
    account.logs.put_log_events(
        logGroupName=group,
        logStreamName="s",
        logEvents=[{"timestamp": int(time.time() * 1000), "message": "life"}],
    )
    eventually(lambda: state(account, breaching), lambda found: found == "OK")
    eventually(lambda: state(account, missing), lambda found: found == "OK")


def test_an_alarm_on_an_expression(account: Account) -> None:
    namespace, alarm = name("Namespace"), name("alarm")

    def query(metric: str) -> dict[str, Any]:
        stat = {
            "Metric": {"Namespace": namespace, "MetricName": metric},
            "Period": 60,
            "Stat": "Sum",
        }
        return {"Id": metric, "MetricStat": stat, "ReturnData": False}

    account.cloudwatch.put_metric_alarm(
        AlarmName=alarm,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        Metrics=[
            {
                "Id": "silent",
                "Expression": "IF(FILL(asked, 0) > 0 AND FILL(answered, 0) == 0, 1, 0)",
                "ReturnData": True,
            },
            query("asked"),
            query("answered"),
        ],
    )
    eventually(lambda: state(account, alarm), lambda found: found == "OK")
    for metric, expected in (("asked", "ALARM"), ("answered", "OK")):
        account.cloudwatch.put_metric_data(
            Namespace=namespace, MetricData=[{"MetricName": metric, "Value": 1}]
        )
        eventually(lambda: state(account, alarm), functools.partial(operator.eq, expected))


def test_an_alarm_comes_to_rest_when_its_data_are_made_older(account: Account) -> None:
    namespace = name("Namespace")
    alarm = put_alarm(
        account, Namespace=namespace, MetricName="m", TreatMissingData="notBreaching", Period=3600
    )
    account.cloudwatch.put_metric_data(
        Namespace=namespace, MetricData=[{"MetricName": "m", "Value": 1}]
    )
    eventually(lambda: state(account, alarm), lambda found: found == "ALARM")
    link = f"{account.sandbox.url}/_sandbox/age-metrics"
    for wrong in ({}, {"minutes": 0}, {"minutes": "60"}, {"minutes": True}, {"minutes": 10**9}):
        answer = requests.post(link, json=wrong, timeout=10)
        assert (answer.status_code, "minutes must be" in answer.text) == (400, True)
    assert requests.post(link, json={"minutes": 24 * 60}, timeout=10).json()["aged"] > 0
    eventually(lambda: state(account, alarm), lambda found: found == "OK")


def requests_counted(account: Account, bucket: str, metric: str, identifier: str) -> float:
    dimensions = {"BucketName": bucket, "FilterId": identifier}
    return total(account, "AWS/S3", metric, dimensions)


def test_s3_counts_the_requests_that_a_configuration_is_for(account: Account) -> None:
    bucket = account.bucket()
    account.s3.put_object(Bucket=bucket, Key="a/1", Body=b"-")
    for identifier, selected in (("all", {}), ("some", {"Filter": {"Prefix": "a/"}})):
        account.s3.put_bucket_metrics_configuration(
            Bucket=bucket, Id=identifier, MetricsConfiguration={"Id": identifier, **selected}
        )
    account.s3.get_object(Bucket=bucket, Key="a/1")
    account.s3.put_object(Bucket=bucket, Key="b/1", Body=b"-")
    assert requests_counted(account, bucket, "GetRequests", "some") == 1
    assert requests_counted(account, bucket, "PutRequests", "some") == 0
    assert requests_counted(account, bucket, "GetRequests", "all") == 1
    # Those by which the configurations were put are among them, once there is one.
    assert requests_counted(account, bucket, "AllRequests", "all") >= 2


def test_an_alarm_on_a_band_rings_beyond_what_was_usual(account: Account) -> None:
    namespace, alarm = name("Namespace"), name("alarm")

    def put(value: float) -> None:
        account.cloudwatch.put_metric_data(
            Namespace=namespace, MetricData=[{"MetricName": "m", "Value": value}]
        )

    account.cloudwatch.put_metric_alarm(
        AlarmName=alarm,
        EvaluationPeriods=1,
        ComparisonOperator="GreaterThanUpperThreshold",
        ThresholdMetricId="usual",
        TreatMissingData="notBreaching",
        Metrics=[
            {"Id": "usual", "Expression": "ANOMALY_DETECTION_BAND(m, 2)"},
            {
                "Id": "m",
                "MetricStat": {
                    "Metric": {"Namespace": namespace, "MetricName": "m"},
                    "Period": 60,
                    "Stat": "Sum",
                },
            },
        ],
    )
    put(1000.0)  # nothing is known yet of what is usual
    eventually(lambda: state(account, alarm), lambda found: found == "OK")
    for value in (9.0, 10.0, 11.0, 10.0):
        put(value)
        requests.post(
            f"{account.sandbox.url}/_sandbox/age-metrics", json={"minutes": 60}, timeout=10
        ).raise_for_status()
    put(5000.0)
    eventually(lambda: state(account, alarm), lambda found: found == "ALARM")


def test_an_alarm_in_another_unit_gets_no_data(account: Account) -> None:
    namespace = name("Namespace")
    about = {"Namespace": namespace, "MetricName": "m", "TreatMissingData": "notBreaching"}
    fitting, other = (put_alarm(account, **about, Unit=unit) for unit in ("Count", "Bytes"))
    account.cloudwatch.put_metric_data(
        Namespace=namespace, MetricData=[{"MetricName": "m", "Value": 1, "Unit": "Count"}]
    )
    eventually(lambda: state(account, fitting), lambda found: found == "ALARM")
    assert state(account, other) == "OK"


def test_an_alarm_is_described_with_all_that_it_was_given(account: Account) -> None:
    given = {
        "EvaluationWindow": {"WallClockWindow": {"Timezone": "UTC"}},
        "WarmUpConfiguration": {
            "WarmUpPeriodDurationInMinutes": 5,
            "OnlyStartEvaluatingAfterWarmUpPeriodEnds": False,
        },
    }
    alarm = put_alarm(account, Namespace="N", MetricName=name("m"), **given)
    [found] = account.cloudwatch.describe_alarms(AlarmNames=[alarm])["MetricAlarms"]
    assert {member: found[member] for member in given} == given
    stat = {"Metric": {"Namespace": "N", "MetricName": "m"}, "Period": 60, "Stat": "Sum"}
    query = {"Id": "m", "MetricStat": stat, "ReturnData": True, "AccountId": "999999999999"}
    account.cloudwatch.put_metric_alarm(
        AlarmName=alarm,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="LessThanThreshold",
        Metrics=[query],
    )
    [found] = account.cloudwatch.describe_alarms(AlarmNames=[alarm])["MetricAlarms"]
    assert found["Metrics"][0]["AccountId"] == "999999999999"
    assert "EvaluationWindow" not in found, "an update puts all in place of what was"


def test_a_mute_rule_holds_an_alarms_actions_back(account: Account) -> None:
    topic, queue_url = account.topic_with_queue()
    topic_policy(account, topic, "cloudwatch.amazonaws.com")
    alarm = put_alarm(account, Namespace="N", MetricName=name("m"), AlarmActions=[topic])
    rule = name("rule")
    schedule = {"Expression": "cron(* * * * *)", "Duration": "PT1H", "Timezone": "Asia/Tokyo"}
    account.cloudwatch.put_alarm_mute_rule(
        Name=rule, Rule={"Schedule": schedule}, MuteTargets={"AlarmNames": [alarm]}
    )
    later = name("rule")
    account.cloudwatch.put_alarm_mute_rule(
        Name=later,
        Rule={"Schedule": {"Expression": "at(2090-01-31T00:00)", "Duration": "P1D"}},
        ExpireDate=datetime(2091, 1, 1, tzinfo=UTC),
    )
    listed = account.cloudwatch.list_alarm_mute_rules()["AlarmMuteRuleSummaries"]
    found = {one["AlarmMuteRuleArn"].rpartition(":")[2]: one for one in listed}
    assert (found[rule]["Status"], found[rule]["MuteType"]) == ("ACTIVE", "RECURRING")
    assert (found[later]["Status"], found[later]["MuteType"]) == ("SCHEDULED", "ONE_TIME")
    got = account.cloudwatch.get_alarm_mute_rule(AlarmMuteRuleName=rule)
    assert got["Name"] == rule
    assert got["MuteTargets"] == {"AlarmNames": [alarm]}
    assert got["Rule"] == {"Schedule": schedule}
    account.cloudwatch.set_alarm_state(AlarmName=alarm, StateValue="ALARM", StateReason="test")
    assert "Messages" not in account.sqs.receive_message(QueueUrl=queue_url, WaitTimeSeconds=1)
    account.cloudwatch.delete_alarms(AlarmNames=[alarm])
    for one in (rule, later):
        account.cloudwatch.delete_alarm_mute_rule(AlarmMuteRuleName=one)
    with pytest.raises(account.cloudwatch.exceptions.ResourceNotFoundException):
        account.cloudwatch.get_alarm_mute_rule(AlarmMuteRuleName=rule)


def test_an_alarm_that_still_rings_when_it_is_muted_no_more_tells_it_then(
    account: Account,
) -> None:
    topic, queue_url = account.topic_with_queue()
    topic_policy(account, topic, "cloudwatch.amazonaws.com")
    namespace = name("Namespace")
    alarm = put_alarm(account, Namespace=namespace, MetricName="m", AlarmActions=[topic])
    rule = name("rule")
    account.cloudwatch.put_alarm_mute_rule(
        Name=rule,
        Rule={"Schedule": {"Expression": "cron(* * * * *)", "Duration": "PT1H"}},
        MuteTargets={"AlarmNames": [alarm]},
    )
    account.cloudwatch.put_metric_data(
        Namespace=namespace, MetricData=[{"MetricName": "m", "Value": 1}]
    )
    eventually(lambda: state(account, alarm), lambda found: found == "ALARM")
    assert "Messages" not in account.sqs.receive_message(QueueUrl=queue_url, WaitTimeSeconds=1)
    account.cloudwatch.delete_alarm_mute_rule(AlarmMuteRuleName=rule)
    assert alarm in account.message(queue_url)["Body"]


def test_an_alarm_whose_topic_does_not_admit_it_reaches_nobody(account: Account) -> None:
    topic, queue_url = account.topic_with_queue()
    topic_policy(account, topic, "events.amazonaws.com")
    alarm = put_alarm(account, Namespace="N", MetricName=name("m"), AlarmActions=[topic])
    reason = {"AlarmName": alarm, "StateReason": "test"}
    account.cloudwatch.set_alarm_state(StateValue="ALARM", **reason)
    received = account.sqs.receive_message(QueueUrl=queue_url, WaitTimeSeconds=1)
    assert "Messages" not in received
    topic_policy(account, topic, "cloudwatch.amazonaws.com")
    account.cloudwatch.set_alarm_state(StateValue="OK", **reason)
    account.cloudwatch.set_alarm_state(StateValue="ALARM", **reason)
    assert alarm in account.message(queue_url)["Body"]


def test_an_encrypted_topic_needs_a_key_that_admits_the_service(account: Account) -> None:
    key = account.kms.create_key()["KeyMetadata"]["Arn"]
    topic, queue_url = account.topic_with_queue()
    topic_policy(account, topic, "cloudwatch.amazonaws.com")
    account.sns.set_topic_attributes(
        TopicArn=topic, AttributeName="KmsMasterKeyId", AttributeValue=key
    )
    alarm = put_alarm(account, Namespace="N", MetricName=name("m"), AlarmActions=[topic])
    account.cloudwatch.set_alarm_state(AlarmName=alarm, StateValue="ALARM", StateReason="one")
    received = account.sqs.receive_message(QueueUrl=queue_url, WaitTimeSeconds=1)
    assert "Messages" not in received
    admit = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "cloudwatch.amazonaws.com"},
                "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
                "Resource": "*",
            }
        ],
    }
    account.kms.put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps(admit))
    account.cloudwatch.set_alarm_state(AlarmName=alarm, StateValue="OK", StateReason="two")
    account.cloudwatch.set_alarm_state(AlarmName=alarm, StateValue="ALARM", StateReason="three")
    assert alarm in account.message(queue_url)["Body"]


def test_queues_tell_their_depth(account: Account) -> None:
    url, arn = account.queue()
    queue = arn.rpartition(":")[2]
    alarm = put_alarm(
        account,
        Namespace="AWS/SQS",
        MetricName="ApproximateNumberOfMessagesVisible",
        Statistic="Maximum",
        Dimensions=[{"Name": "QueueName", "Value": queue}],
        TreatMissingData="notBreaching",
    )
    eventually(lambda: state(account, alarm), lambda found: found == "OK")
    account.sqs.send_message(QueueUrl=url, MessageBody="x")
    eventually(lambda: state(account, alarm), lambda found: found == "ALARM", seconds=20)


def test_embedded_metrics_of_a_function(account: Account) -> None:
    namespace = name("Embedded")
    function = account.function(
        "import json\n"
        "def handler(e, c): print(json.dumps({'_aws': {'Timestamp': 1, 'CloudWatchMetrics': [\n"
        f"    {{'Namespace': '{namespace}', 'Dimensions': [['Rule']],\n"
        "     'Metrics': [{'Name': 'Violations', 'Unit': 'Count'}]}]}, 'Rule': 'r',\n"
        "    'Violations': 3}))"
    )
    account.lambda_.invoke(FunctionName=function)
    assert total(account, namespace, "Violations", {"Rule": "r"}) == 3
    short = function.rpartition(":")[2]
    assert total(account, "AWS/Lambda", "Invocations", {"FunctionName": short}) == 1
    assert total(account, "AWS/Lambda", "Errors", {"FunctionName": short}) == 0


def test_filter_policies_and_counts(account: Account) -> None:
    topic = account.sns.create_topic(Name=name("topic"))["TopicArn"]
    url, arn = account.queue()
    account.admit(url, arn, "sns.amazonaws.com", topic)
    account.sns.subscribe(
        TopicArn=topic,
        Protocol="sqs",
        Endpoint=arn,
        Attributes={"FilterPolicy": json.dumps({"severity": ["HIGH"]})},
    )
    locked = account.queue()[1]
    account.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=locked)
    for severity in ("LOW", "HIGH"):
        account.sns.publish(
            TopicArn=topic,
            Message=severity,
            Subject="s",
            MessageAttributes={"severity": {"DataType": "String", "StringValue": severity}},
        )
    body = json.loads(account.message(url)["Body"])
    assert body["Message"] == "HIGH"
    assert body["MessageAttributes"]["severity"] == {"Type": "String", "Value": "HIGH"}
    assert "Messages" not in account.sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1)
    dimensions = {"TopicName": topic.rpartition(":")[2]}
    assert total(account, "AWS/SNS", "NumberOfMessagesPublished", dimensions) == 2
    assert total(account, "AWS/SNS", "NumberOfNotificationsDelivered", dimensions) == 1
    assert total(account, "AWS/SNS", "NumberOfNotificationsFilteredOut", dimensions) == 1
    # The second queue's policy does not admit the topic.
    assert total(account, "AWS/SNS", "NumberOfNotificationsFailed", dimensions) == 2


def test_an_api_call_reaches_a_topic_through_a_rule(account: Account) -> None:
    account.trail()
    topic, queue_url = account.topic_with_queue()
    rule = name("rule")
    account.events.put_rule(
        Name=rule,
        EventPattern=json.dumps(
            {
                "source": ["aws.ec2"],
                "detail-type": ["AWS API Call via CloudTrail"],
                "detail": {"eventName": ["CreateSecurityGroup"]},
            }
        ),
    )
    account.events.put_targets(
        Rule=rule,
        Targets=[
            {
                "Id": "topic",
                "Arn": topic,
                "InputTransformer": {
                    "InputPathsMap": {
                        "group": "$.detail.responseElements.groupId",
                        "who": "$.detail.userIdentity.arn",
                    },
                    "InputTemplate": '"<who> made <group>"',
                },
            }
        ],
    )
    account_condition = {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
    topic_policy(account, topic, "events.amazonaws.com", account_condition)
    account.security_group()
    # EventBridge gives topics no source: a condition on one silently drops every event.
    assert "Messages" not in account.sqs.receive_message(QueueUrl=queue_url, WaitTimeSeconds=2)
    assert total(account, "AWS/Events", "FailedInvocations", {"RuleName": rule}) == 1
    topic_policy(account, topic, "events.amazonaws.com")
    group = account.security_group()
    body = json.loads(account.message(queue_url)["Body"])
    assert body["Message"] == f"arn:aws:iam::{ACCOUNT}:user/sandbox made {group}"
    account.events.disable_rule(Name=rule)
    account.security_group()
    assert "Messages" not in account.sqs.receive_message(QueueUrl=queue_url, WaitTimeSeconds=1)


def test_a_custom_event_reaches_a_function_of_another_region(account: Account) -> None:
    function = account.function("import json\ndef handler(e, c): print('got', json.dumps(e))")
    rule = name("rule")
    arn = account.events.put_rule(Name=rule, EventPattern='{"source": ["mine"]}')["RuleArn"]
    account.lambda_.add_permission(
        FunctionName=function,
        StatementId="events",
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn=arn,
    )
    account.events.put_targets(Rule=rule, Targets=[{"Id": "f", "Arn": function}])
    far = account.sandbox.client("events", "us-east-1")
    far.put_rule(Name=rule, EventPattern='{"source": ["mine"]}')
    bus = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default"
    # Another region's bus is reached by a role, or not at all.
    entry = {"Source": "mine", "DetailType": "t"}
    far.put_targets(Rule=rule, Targets=[{"Id": "bus", "Arn": bus}])
    far.put_events(Entries=[{**entry, "Detail": '{"a": 0}'}])
    allowed = {"Effect": "Allow", "Action": "events:PutEvents", "Resource": bus}
    role = account.role("events.amazonaws.com", allowed)
    far.put_targets(Rule=rule, Targets=[{"Id": "bus", "Arn": bus, "RoleArn": role}])
    far.put_events(Entries=[{**entry, "Detail": '{"a": 1}'}])
    group = f"/aws/lambda/{function.rpartition(':')[2]}"

    def got() -> list[str]:
        try:
            found = account.logs.filter_log_events(logGroupName=group, filterPattern="got")
        except account.logs.exceptions.ResourceNotFoundException:
            return []
        return [event["message"] for event in found["events"]]

    event = json.loads(eventually(got)[0].removeprefix("got "))
    assert event["detail"] == {"a": 1}
    assert event["source"] == "mine"
    assert event["region"] == "us-east-1"
    assert datetime.fromisoformat(event["time"])


def test_a_rule_writes_into_a_log_group_that_admits_it(account: Account) -> None:
    group, rule, mine = name("/aws/events/"), name("rule"), name("mine")
    key = account.sandbox.client("kms", REGION).create_key()["KeyMetadata"]["KeyId"]
    logs, events = account.logs, account.events
    logs.create_log_group(logGroupName=group)
    arn = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}"
    pattern = json.dumps({"source": [mine]})
    rule_arn = events.put_rule(Name=rule, EventPattern=pattern)["RuleArn"]
    target = {"Id": "g", "Arn": arn}
    services = ["delivery.logs.amazonaws.com", "events.amazonaws.com"]

    def statement(action: str, source: str = "", to: list[str] = services) -> dict[str, Any]:
        condition = {"Condition": {"ArnEquals": {"aws:SourceArn": source}}} if source else {}
        who = {"Service": to}
        return {"Effect": "Allow", "Principal": who, "Action": action, "Resource": f"{arn}:*"} | (
            condition
        )

    def admit(*statements: dict[str, Any]) -> None:
        document = json.dumps({"Version": "2012-10-17", "Statement": statements})
        logs.put_resource_policy(policyName=group[1:].replace("/", "-"), policyDocument=document)

    def written(what: str, **changes: Any) -> bool:
        events.put_targets(Rule=rule, Targets=[target | changes])
        entry = {"Source": mine, "DetailType": "t", "Detail": json.dumps({"what": what})}
        events.put_events(Entries=[entry])
        found = logs.filter_log_events(logGroupName=group)["events"]
        return what in [json.loads(event["message"])["detail"]["what"] for event in found]

    opens, writes = "logs:CreateLogStream", "logs:PutLogEvents"
    assert not written("without a policy")
    admit(statement(opens), statement(writes, rule_arn))
    assert written("as AWS has it")
    assert not written("in a role", RoleArn=f"arn:aws:iam::{ACCOUNT}:role/any")
    admit(statement(opens), statement(writes, f"{rule_arn}-two"))
    assert not written("for another rule")
    admit(statement(opens, rule_arn), statement(writes, rule_arn))
    assert not written("with a condition on what EventBridge does not say")
    admit(statement(opens), statement(writes, rule_arn, to=services[1:]))
    assert not written("by one of the services alone")
    admit(statement(opens), statement(writes))
    assert written("for any rule")
    denied = statement(writes) | {"Effect": "Deny"}
    logs.put_resource_policy(
        resourceArn=arn, policyDocument=json.dumps({"Version": "2012-10-17", "Statement": [denied]})
    )
    assert not written("denied by the group's own policy")
    logs.delete_resource_policy(resourceArn=arn)
    assert written("no longer denied")
    _admit_logs(account, key, arn)
    logs.associate_kms_key(logGroupName=group, kmsKeyId=key)
    assert written("encrypted")
    account.sandbox.client("kms", REGION).disable_key(KeyId=key)
    assert not written("with a key that is disabled")
    dimensions = {"RuleName": rule}
    assert total(account, "AWS/Events", "Invocations", dimensions) == 4
    assert total(account, "AWS/Events", "FailedInvocations", dimensions) == 7


def _admit_logs(account: Account, key: str, group_arn: str) -> None:
    """Let CloudWatch Logs encrypt one log group with a key."""
    root = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    administers = {"Effect": "Allow", "Principal": root, "Action": "kms:*", "Resource": "*"}
    encrypts = {
        "Effect": "Allow",
        "Principal": {"Service": f"logs.{REGION}.amazonaws.com"},
        "Action": "kms:*",
        "Resource": "*",
        "Condition": {"ArnEquals": {"kms:EncryptionContext:aws:logs:arn": group_arn}},
    }
    account.sandbox.client("kms", REGION).put_key_policy(
        KeyId=key,
        PolicyName="default",
        Policy=json.dumps({"Version": "2012-10-17", "Statement": [administers, encrypts]}),
    )
