"""The one door to AWS: no call twice, every answer evidence, no error a state."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import botocore.utils
import pytest
from botocore.exceptions import ConnectTimeoutError

from tests.sandbox.support import RunningSandbox
from tests.suite.answers import answer
from tests.suite.support import REGION
from verify.account.door import Aws, evidence_used
from verify.account.errors import ActionFailedError, iam_action
from verify.account.evidence import EvidenceStore
from verify.account.live import Live
from verify.account.read import Read
from verify.model import NotVerifiedError


@pytest.fixture
def door(
    tmp_path: Path, sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[Aws, Path, list[str]]]:
    """A door whose answers to some operations are given instead of asked for."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", sandbox.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)

    def make(operation: str = "*.*", give: Callable[[], Any] = lambda: None) -> Any:
        session = boto3.Session()
        calls: list[str] = []

        def intercept(**about: Any) -> Any:
            calls.append(about["event_name"])
            return give()

        session.events.register(f"before-send.{operation}", intercept)
        store = EvidenceStore(tmp_path)
        return Aws(Live(session, REGION, store), store), tmp_path / "evidence", calls

    return make


def test_the_same_call_is_made_once_even_from_many_threads(door: Any) -> None:
    aws, evidence, calls = door()
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda _: aws.read(Read("cloudtrail", "describe_trails")), range(16))
        )
    assert len(calls) == 1
    assert {answer.evidence for answer in answers} == {"main-0001-cloudtrail-describe_trails"}
    assert len(list(evidence.iterdir())) == 1


def test_another_parameter_is_another_call(door: Any) -> None:
    aws, _, calls = door()
    default = [{"Name": "is-default", "Values": ["true"]}]
    aws.read(Read("ec2", "describe_vpcs"))
    aws.read(Read("ec2", "describe_vpcs", {"Filters": default}))
    aws.read(Read("ec2", "describe_vpcs"))
    assert len(calls) == 2


def test_another_moment_is_another_call(door: Any) -> None:
    aws, _, calls = door()
    for moment in ("", "later", "later"):
        aws.read(Read("ec2", "describe_vpcs", moment=moment))
    assert len(calls) == 2


def test_denial_names_the_call_and_the_missing_permission(door: Any) -> None:
    body = json.dumps({"__type": "AccessDeniedException", "message": "no"})
    aws, evidence, calls = door("cloudtrail.GetTrailStatus", lambda: answer(body, 400))
    for _ in range(2):
        with pytest.raises(NotVerifiedError) as caught:
            aws.read(Read("cloudtrail", "get_trail_status", {"Name": "t"}))
        assert str(caught.value) == (
            "cloudtrail.get_trail_status in ap-southeast-1 was denied (AccessDeniedException): "
            "the caller lacks cloudtrail:GetTrailStatus"
        )
    assert len(calls) == 1, "an error is an answer too: it is not asked for again"
    [file] = evidence.iterdir()
    assert "AccessDeniedException" in json.loads(file.read_text())["error"]


@pytest.mark.parametrize(
    ("give", "message"),
    [
        (
            lambda: answer(json.dumps({"__type": "ThrottlingException", "message": "slow"}), 400),
            "ThrottlingException",
        ),
        (lambda: answer("busy", 503), "503"),
    ],
)
def test_throttling_and_server_errors_are_not_states(
    door: Any, give: Callable[[], Any], message: str
) -> None:
    aws, _, calls = door("cloudtrail.GetTrailStatus", give)
    with pytest.raises(NotVerifiedError, match=message):
        aws.read(Read("cloudtrail", "get_trail_status", {"Name": "t"}))
    assert len(calls) > 1, "it was retried before it was given up"


def test_a_time_out_is_not_a_state(door: Any) -> None:
    def time_out() -> Any:
        raise ConnectTimeoutError(endpoint_url="https://cloudtrail")

    aws, _, _ = door("cloudtrail.GetTrailStatus", time_out)
    with pytest.raises(NotVerifiedError, match="Connect timeout"):
        aws.read(Read("cloudtrail", "get_trail_status", {"Name": "t"}))


def test_a_refused_act_names_its_call_and_the_missing_permission(door: Any) -> None:
    body = "<ErrorResponse><Error><Code>AuthorizationError</Code></Error></ErrorResponse>"
    aws, _, _ = door("sns.Subscribe", lambda: answer(body, 403))
    with pytest.raises(ActionFailedError) as raised:
        aws.act("sns", "subscribe", TopicArn="arn:aws:sns:x:1:t", Protocol="sqs", Endpoint="e")
    assert raised.value.code == "AuthorizationError"
    assert str(raised.value) == (
        f"sns.subscribe in {REGION} was denied (AuthorizationError): the caller lacks sns:Subscribe"
    )


def test_only_a_declared_error_says_that_there_is_none(door: Any, sandbox: RunningSandbox) -> None:
    sandbox.client("s3", "us-east-1").create_bucket(Bucket="door-without-policy")
    aws, _, _ = door()
    absent = aws.read(
        Read(
            "s3",
            "get_bucket_policy",
            {"Bucket": "door-without-policy"},
            ("NoSuchBucketPolicy",),
        )
    )
    assert not absent.found
    assert absent.error_code == "NoSuchBucketPolicy"
    with pytest.raises(NotVerifiedError, match="NoSuchBucketPolicy"):
        aws.read(Read("s3", "get_bucket_policy", {"Bucket": "door-without-policy"}))


def test_an_environment_that_changes_meanwhile_is_read_again(
    door: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, failures = botocore.utils.getproxies, iter(["PYTEST_CURRENT_TEST"])

    def getproxies() -> Any:
        for name in failures:
            raise KeyError(name)
        return read()

    monkeypatch.setattr(botocore.utils, "getproxies", getproxies)
    aws, _, _ = door()
    assert aws.read(Read("ec2", "describe_vpcs")).found
    assert list(failures) == []


def test_pages_are_joined(door: Any, sandbox: RunningSandbox) -> None:
    logs = sandbox.client("logs", REGION)
    for number in range(60):
        logs.create_log_group(logGroupName=f"/door/{number:03}")
    aws, _, calls = door()
    answer = aws.read(Read("logs", "describe_log_groups", {"logGroupNamePrefix": "/door/"}))
    assert len(answer.response["logGroups"]) == 60
    assert len(calls) == 2


def test_pages_are_joined_where_botocore_knows_none(door: Any, sandbox: RunningSandbox) -> None:
    logs = sandbox.client("logs", REGION)
    logs.create_log_group(logGroupName="/fed")
    for number in range(110):
        logs.put_syslog_configuration(logGroupIdentifier="/fed", vpcEndpointId=f"vpce-{number:03}")
    assert not logs.can_paginate("list_syslog_configurations")
    aws, _, calls = door()
    answer = aws.read(Read("logs", "list_syslog_configurations"))
    assert len(answer.response["syslogConfigurations"]) == 110
    assert len(calls) == 3


def test_what_a_check_uses_is_told(door: Any) -> None:
    aws, _, _ = door()
    aws.read(Read("ec2", "describe_vpcs"))
    with evidence_used() as used:
        aws.read(Read("ec2", "describe_subnets"))
        aws.read(Read("ec2", "describe_vpcs"))
    assert used == ["main-0002-ec2-describe_subnets", "main-0001-ec2-describe_vpcs"]


def test_what_is_fetched_ahead_is_not_asked_for_again(door: Any) -> None:
    aws, _, calls = door()
    ahead = [Read("ec2", name) for name in ("describe_vpcs", "describe_subnets")]
    aws.fetch_ahead(ahead)
    for read in ahead:
        assert aws.read(read).found
    assert len(calls) == 2


def test_an_error_of_a_call_made_ahead_reaches_the_check_that_needs_it(door: Any) -> None:
    body = json.dumps({"__type": "AccessDeniedException", "message": "no"})
    aws, _, calls = door("cloudtrail.GetTrailStatus", lambda: answer(body, 400))
    read = Read("cloudtrail", "get_trail_status", {"Name": "t"})
    aws.fetch_ahead([read])
    with pytest.raises(NotVerifiedError, match="lacks cloudtrail:GetTrailStatus"):
        aws.read(read)
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("service", "operation", "action"),
    [
        ("cloudtrail", "get_trail_status", "cloudtrail:GetTrailStatus"),
        ("s3", "get_bucket_encryption", "s3:GetEncryptionConfiguration"),
        ("s3", "get_bucket_lifecycle_configuration", "s3:GetLifecycleConfiguration"),
        ("s3", "get_public_access_block", "s3:GetBucketPublicAccessBlock"),
        ("lambda", "get_function_configuration", "lambda:GetFunctionConfiguration"),
        ("sts", "get_caller_identity", None),
    ],
)
def test_calls_map_to_the_permissions_that_aws_asks_for(
    service: str, operation: str, action: str | None
) -> None:
    assert iam_action(service, operation) == action
