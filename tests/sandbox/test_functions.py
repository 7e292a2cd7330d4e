"""Functions, run for real."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, ParamValidationError

from tests.sandbox.support import ACCOUNT, REGION, Account, eventually, name, package

CONTEXT = """
import os, sys, boto3, app
print("loaded")
calls = 0
def handler(event, context):
    global calls
    calls += 1
    print("called", calls)
    return {
        "event": event, "calls": calls, "pid": os.getpid(), "name": context.function_name,
        "arn": context.invoked_function_arn, "left": context.get_remaining_time_in_millis(),
        "memory": context.memory_limit_in_mb, "variable": os.environ.get("VARIABLE"),
        "region": os.environ["AWS_REGION"], "root": os.environ["LAMBDA_TASK_ROOT"],
        "file": app.__file__, "who": boto3.client("sts").get_caller_identity()["Arn"],
        "parent_variable": os.environ.get("PYTEST_CURRENT_TEST"), "stdin": sys.stdin.read(),
    }
"""


def invoke(account: Account, function: str, event: Any = None, **options: Any) -> dict[str, Any]:
    payload = json.dumps(event if event is not None else {}).encode()
    answer = account.lambda_.invoke(FunctionName=function, Payload=payload, **options)
    return {**answer, "Payload": answer["Payload"].read()}


def log_lines(account: Account, function: str) -> list[str]:
    group = f"/aws/lambda/{function.rpartition(':')[2]}"
    try:
        found = account.logs.filter_log_events(logGroupName=group)["events"]
    except account.logs.exceptions.ResourceNotFoundException:
        return []
    return [event["message"] for event in found]


def test_a_warm_process_with_the_roles_identity(account: Account) -> None:
    function = account.function(CONTEXT, Environment={"Variables": {"VARIABLE": "value"}})
    short = function.rpartition(":")[2]
    answer = invoke(account, function, {"a": 1}, LogType="Tail")
    assert "FunctionError" not in answer
    first = json.loads(answer["Payload"])
    assert first["event"] == {"a": 1}
    assert first["name"] == short
    assert first["arn"] == function
    assert 0 < first["left"] <= 10_000
    assert str(first["memory"]) == "256"
    assert first["variable"] == "value"
    assert first["region"] == REGION
    assert first["file"].startswith(first["root"])
    assert first["parent_variable"] is None
    assert first["stdin"] == ""
    role = account.lambda_.get_function_configuration(FunctionName=short)["Role"]
    assert first["who"] == (
        f"arn:aws:sts::{ACCOUNT}:assumed-role/{role.rpartition('/')[2]}/{short}"
    )
    tail = base64.b64decode(answer["LogResult"]).decode()
    assert "called 1" in tail
    second = json.loads(invoke(account, function)["Payload"])
    assert (second["pid"], second["calls"]) == (first["pid"], 2)
    lines = log_lines(account, function)
    assert [line.split()[0] for line in lines] == [
        "START", "loaded", "called", "END", "REPORT", "START", "called", "END", "REPORT",
    ] or [line.split()[0] for line in lines] == [
        "loaded", "START", "called", "END", "REPORT", "START", "called", "END", "REPORT",
    ]  # fmt: skip
    report = next(line for line in lines if line.startswith("REPORT"))
    assert "Memory Size: 256 MB" in report
    assert "Init Duration" in report
    stream = account.logs.describe_log_streams(logGroupName=f"/aws/lambda/{short}")["logStreams"]
    assert len(stream) == 1
    assert "/[$LATEST]" in stream[0]["logStreamName"]


def test_a_function_is_told_by_which_alias_it_was_called(account: Account) -> None:
    function = account.function("def handler(e, c): return c.invoked_function_arn")
    short = function.rpartition(":")[2]
    account.lambda_.create_alias(FunctionName=short, Name="try", FunctionVersion="$LATEST")
    for named, qualifier in (
        ({"FunctionName": function, "Qualifier": "try"}, ":try"),
        ({"FunctionName": f"{function}:try"}, ":try"),
        ({"FunctionName": f"{short}:try"}, ":try"),
        ({"FunctionName": function}, ""),
    ):
        answer = account.lambda_.invoke(**named)
        assert json.loads(answer["Payload"].read()) == f"{function}{qualifier}"


def test_new_code_or_configuration_means_a_new_process(account: Account) -> None:
    function = account.function("def handler(e, c): return 'one'")
    assert invoke(account, function)["Payload"] == b'"one"'
    code = package("import os\ndef handler(e, c): return ['two', os.environ.get('X')]")
    account.lambda_.update_function_code(FunctionName=function, ZipFile=code)
    assert json.loads(invoke(account, function)["Payload"]) == ["two", None]
    account.lambda_.update_function_configuration(
        FunctionName=function, Environment={"Variables": {"X": "y"}}
    )
    assert json.loads(invoke(account, function)["Payload"]) == ["two", "y"]
    configuration = account.lambda_.get_function_configuration(FunctionName=function)
    assert configuration["CodeSha256"] == base64.b64encode(hashlib.sha256(code).digest()).decode()


def test_errors_are_lambdas_own(account: Account) -> None:
    function = account.function("def handler(e, c): raise ValueError('no good')")
    answer = invoke(account, function)
    assert answer["StatusCode"] == 200
    assert answer["FunctionError"] == "Unhandled"
    error = json.loads(answer["Payload"])
    assert (error["errorType"], error["errorMessage"]) == ("ValueError", "no good")
    assert any("no good" in line for line in log_lines(account, function))
    broken = account.function("import absent_module\ndef handler(e, c): pass")
    error = json.loads(invoke(account, broken)["Payload"])
    assert error["errorType"] == "Runtime.ImportModuleError"
    leaving = account.function("import os\ndef handler(e, c): os._exit(3)")
    error = json.loads(invoke(account, leaving)["Payload"])
    assert error["errorType"] == "Runtime.ExitError"
    assert "exit status 3" in error["errorMessage"]


def test_a_function_that_takes_too_long_is_ended(account: Account) -> None:
    function = account.function(
        "import time\ndef handler(e, c): time.sleep(e.get('seconds', 0)); return 'done'", Timeout=1
    )
    assert invoke(account, function)["Payload"] == b'"done"'
    answer = invoke(account, function, {"seconds": 30})
    assert answer["FunctionError"] == "Unhandled"
    error = json.loads(answer["Payload"])
    assert error["errorType"] == "Sandbox.Timedout"
    assert "Task timed out after 1.00 seconds" in error["errorMessage"]
    assert any("Task timed out after 1.00 seconds" in one for one in log_lines(account, function))
    assert invoke(account, function)["Payload"] == b'"done"'


def test_a_failed_event_is_tried_three_times_and_then_set_aside(account: Account) -> None:
    url, arn = account.queue()
    function = account.function(
        "def handler(e, c): raise RuntimeError('always')", DeadLetterConfig={"TargetArn": arn}
    )
    configuration = account.lambda_.get_function_configuration(FunctionName=function)
    assert configuration["DeadLetterConfig"] == {"TargetArn": arn}
    answer = invoke(account, function, {"n": 1}, InvocationType="Event")
    assert answer["StatusCode"] == 202
    received = account.sqs.receive_message(
        QueueUrl=url, WaitTimeSeconds=15, MessageAttributeNames=["All"]
    )["Messages"][0]
    assert json.loads(received["Body"]) == {"n": 1}
    attributes = received["MessageAttributes"]
    assert attributes["ErrorMessage"]["StringValue"] == "always"
    lines = log_lines(account, function)
    starts = [line for line in lines if line.startswith("START")]
    assert len(starts) == 3
    assert len({line.split()[2] for line in starts}) == 1
    assert attributes["RequestID"]["StringValue"] in starts[0]


def test_a_role_without_permissions_cannot_log_or_publish(account: Account) -> None:
    topic = account.sns.create_topic(Name=name("topic"))["TopicArn"]
    source = (
        "import boto3\n"
        "def handler(e, c):\n"
        "    try:\n"
        "        boto3.client('sns').publish(TopicArn=e['topic'], Message='m')\n"
        "    except Exception as error:\n"
        "        return error.response['Error']['Code']\n"
        "    return 'published'\n"
    )
    bare = account.function(source, Role=account.role("lambda.amazonaws.com"))
    assert json.loads(invoke(account, bare, {"topic": topic})["Payload"]) == "AuthorizationError"
    assert log_lines(account, bare) == []
    allowed = {"Effect": "Allow", "Action": "sns:Publish", "Resource": topic}
    able = account.function(source, Role=account.role("lambda.amazonaws.com", allowed))
    assert json.loads(invoke(account, able, {"topic": topic})["Payload"]) == "published"


def test_a_role_that_does_not_fit_is_refused(account: Account) -> None:
    source = "def handler(e, c): return 1"
    with pytest.raises(ClientError, match="cannot be assumed by Lambda"):
        account.function(source, Role=account.role("ec2.amazonaws.com"))
    bare = account.role("lambda.amazonaws.com")
    with pytest.raises(ClientError, match="permissions to call SendMessage on SQS"):
        account.function(source, Role=bare, DeadLetterConfig={"TargetArn": account.queue()[1]})
    function = account.function(source, Role=bare)
    with pytest.raises(ClientError, match="permissions to call SendMessage on SQS"):
        account.lambda_.update_function_configuration(
            FunctionName=function, DeadLetterConfig={"TargetArn": account.queue()[1]}
        )
    configuration = account.lambda_.get_function_configuration(FunctionName=function)
    assert "DeadLetterConfig" not in configuration
    assert configuration["LoggingConfig"]["LogFormat"] == "Text"


def test_a_log_group_needs_a_key_that_admits_the_service(account: Account) -> None:
    key = account.kms.create_key()["KeyMetadata"]["Arn"]
    group = name("/encrypted")
    with pytest.raises(ClientError, match="not allowed to be used with LogGroup"):
        account.logs.create_log_group(logGroupName=group, kmsKeyId=key)
    account.logs.create_log_group(logGroupName=group)
    with pytest.raises(ClientError, match="not allowed to be used with LogGroup"):
        account.logs.associate_kms_key(logGroupName=group, kmsKeyId=key)
    arn = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}"
    admit = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": f"logs.{REGION}.amazonaws.com"},
                "Action": ["kms:Encrypt*", "kms:Decrypt*", "kms:GenerateDataKey*"],
                "Resource": "*",
                "Condition": {"ArnEquals": {"kms:EncryptionContext:aws:logs:arn": arn}},
            }
        ],
    }
    account.kms.put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps(admit))
    account.logs.associate_kms_key(logGroupName=group, kmsKeyId=key)

    def shown() -> dict[str, Any]:
        found = account.logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
        return dict(found[0])

    assert shown()["kmsKeyId"] == key
    assert shown()["logGroupClass"] == "STANDARD"
    account.logs.disassociate_kms_key(logGroupName=group)
    assert "kmsKeyId" not in shown()


def test_a_permissions_boundary_bounds(account: Account) -> None:
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    role = account.role("lambda.amazonaws.com", everything)
    function = account.function(
        "import boto3\n"
        "def handler(e, c):\n"
        "    try:\n"
        "        boto3.client('sqs').list_queues()\n"
        "    except Exception as error:\n"
        "        return error.response['Error']['Code']\n"
        "    return 'listed'\n",
        Role=role,
    )
    assert json.loads(invoke(account, function)["Payload"]) == "listed"
    boundary = account.iam.create_policy(
        PolicyName=name("boundary"),
        PolicyDocument=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}],
            }
        ),
    )["Policy"]["Arn"]
    account.iam.put_role_permissions_boundary(
        RoleName=role.rpartition("/")[2], PermissionsBoundary=boundary
    )
    assert json.loads(invoke(account, function)["Payload"]) == "AccessDeniedException"


def test_subscription_filters(account: Account) -> None:
    group = name("/group")
    account.logs.create_log_group(logGroupName=group)
    account.logs.create_log_stream(logGroupName=group, logStreamName="s")
    function = account.function(
        "import base64, gzip\n"
        "def handler(e, c): print(gzip.decompress(base64.b64decode(e['awslogs']['data'])).decode())"
    )
    with pytest.raises(ClientError, match="permission to execute"):
        account.logs.put_subscription_filter(
            logGroupName=group, filterName="f", filterPattern="", destinationArn=function
        )
    account.let_logs_invoke(function, group, SourceAccount=ACCOUNT)
    with pytest.raises(ClientError, match="Invalid filter pattern"):
        account.logs.put_subscription_filter(
            logGroupName=group, filterName="f", filterPattern="{ $.a = }", destinationArn=function
        )
    account.logs.put_subscription_filter(
        logGroupName=group, filterName="f", filterPattern="{ $.n > 1 }", destinationArn=function
    )

    def messages() -> list[dict[str, Any]]:
        lines = log_lines(account, function)
        return [json.loads(line) for line in lines if line.startswith("{")]

    control = eventually(messages)[0]
    assert control["messageType"] == "CONTROL_MESSAGE"
    events = [{"timestamp": 1000 * n + _now(), "message": json.dumps({"n": n})} for n in range(4)]
    account.logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=events)
    data = eventually(messages, lambda found: len(found) > 1)[1]
    assert data["messageType"] == "DATA_MESSAGE"
    assert data["owner"] == ACCOUNT
    assert (data["logGroup"], data["logStream"]) == (group, "s")
    assert data["subscriptionFilters"] == ["f"]
    assert [one["message"] for one in data["logEvents"]] == ['{"n": 2}', '{"n": 3}']
    assert [one["timestamp"] for one in data["logEvents"]] == [
        events[2]["timestamp"],
        events[3]["timestamp"],
    ]
    assert all(len(one["id"]) == 56 for one in data["logEvents"])
    account.logs.put_log_events(
        logGroupName=group,
        logStreamName="s",
        logEvents=[{"timestamp": _now(), "message": "not selected"}],
    )
    # Filters can be replaced, and there are two at most.
    for other in ("f", "g"):
        account.logs.put_subscription_filter(
            logGroupName=group, filterName=other, filterPattern="x", destinationArn=function
        )
    with pytest.raises(account.logs.exceptions.LimitExceededException):
        account.logs.put_subscription_filter(
            logGroupName=group, filterName="h", filterPattern="x", destinationArn=function
        )
    assert len([one for one in messages() if one["messageType"] == "DATA_MESSAGE"]) == 1


def test_a_filter_pattern_can_be_tried_on_messages(account: Account) -> None:
    messages = [json.dumps({"n": number}) for number in range(4)] + ["no JSON"]
    answer = account.logs.test_metric_filter(filterPattern="{ $.n > 1 }", logEventMessages=messages)
    assert [one["eventMessage"] for one in answer["matches"]] == messages[2:4]
    everything = account.logs.test_metric_filter(filterPattern="", logEventMessages=messages)
    assert [one["eventMessage"] for one in everything["matches"]] == messages
    with pytest.raises(ClientError, match="Invalid filter pattern"):
        account.logs.test_metric_filter(filterPattern="{ $.a = }", logEventMessages=["x"])
    for refused in ([], ["x"] * 51):
        with pytest.raises((ClientError, ParamValidationError)):
            account.logs.test_metric_filter(filterPattern="x", logEventMessages=refused)


def _now() -> int:
    import time

    return int(time.time() * 1000)
