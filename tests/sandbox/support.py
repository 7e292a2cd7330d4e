"""A sandbox in a process of its own, and what the tests do with it."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
import uuid
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

ROOT = Path(__file__).resolve().parents[2]
ACCOUNT = "123456789012"
ROOT_ARN = f"arn:aws:iam::{ACCOUNT}:root"
REGION = "eu-west-1"


def refused(call: Callable[..., Any], **arguments: Any) -> str:
    """The code by which a call is refused; it must be."""
    with pytest.raises(ClientError) as error:
        call(**arguments)
    return str(error.value.response["Error"]["Code"])


class RunningSandbox:
    """A started sandbox process."""

    def __init__(self, process: subprocess.Popen[str], ready_line: str) -> None:
        self.process = process
        self.ready_line = ready_line
        self.url = ready_line.split()[2]

    def client(self, service: str, region: str = REGION, **credentials: str) -> Any:
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", **credentials}
        return boto3.client(
            service,
            region_name=region,
            endpoint_url=self.url,
            config=Config(retries={"total_max_attempts": 1}, read_timeout=60),
            **keys,
        )


def start(*arguments: str) -> RunningSandbox:
    """Start a sandbox on a free port and wait for its ready line."""
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox", "--port", "0", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stdout is not None
    line = process.stdout.readline().strip()
    assert line, "the sandbox did not start"
    return RunningSandbox(process, line)


@contextmanager
def started(*arguments: str) -> Iterator[RunningSandbox]:
    """A sandbox on a free port, which must end well once it is told to."""
    running = start(*arguments)
    try:
        yield running
    finally:
        running.process.terminate()
        assert running.process.wait(timeout=30) == 0


def eventually(
    probe: Callable[[], Any], accept: Callable[[Any], bool] = bool, seconds: float = 15.0
) -> Any:
    """Poll until the probe's answer is accepted; fail with the last answer otherwise."""
    until = time.monotonic() + seconds
    while True:
        answer = probe()
        if accept(answer):
            return answer
        assert time.monotonic() < until, f"not within {seconds} s; last: {answer!r}"
        time.sleep(0.05)


def name(prefix: str) -> str:
    """A name that no other test uses."""
    return f"{prefix}-{uuid.uuid4().hex[:10]}"


def package(source: str) -> bytes:
    """A deployment package with one module, ``app``."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("app.py", source)
    return buffer.getvalue()


def trust(service: str) -> str:
    """A trust policy for a service."""
    return trusting({"Principal": {"Service": service}})


def trusting(*statements: dict[str, Any]) -> str:
    """A trust policy of statements, which let their principals assume the role unless they say."""
    allowing = {"Effect": "Allow", "Action": "sts:AssumeRole"}
    return json.dumps(
        {"Version": "2012-10-17", "Statement": [{**allowing, **one} for one in statements]}
    )


class Account:
    """The clients and the few resources that most tests need."""

    def __init__(self, sandbox: RunningSandbox) -> None:
        self.sandbox = sandbox
        self.ec2 = sandbox.client("ec2")
        self.s3 = sandbox.client("s3")
        self.logs = sandbox.client("logs")
        self.cloudtrail = sandbox.client("cloudtrail")
        self.lambda_ = sandbox.client("lambda")
        self.iam = sandbox.client("iam")
        self.sns = sandbox.client("sns")
        self.sqs = sandbox.client("sqs")
        self.kms = sandbox.client("kms")
        self.events = sandbox.client("events")
        self.cloudwatch = sandbox.client("cloudwatch")
        self.sts = sandbox.client("sts")

    def role(self, service: str, *statements: dict[str, Any]) -> str:
        """A role for a service and the account, with these permissions; returns its ARN."""
        document = trusting({"Principal": {"Service": service, "AWS": ROOT_ARN}})
        return self.role_trusting(document, *statements)

    def role_trusting(self, trust_policy: str, *statements: dict[str, Any]) -> str:
        """A role with this trust policy and these permissions; returns its ARN."""
        role = name("role")
        arn = self.iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust_policy)
        if statements:
            document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
            self.iam.put_role_policy(RoleName=role, PolicyName="p", PolicyDocument=document)
        return str(arn["Role"]["Arn"])

    def function(self, source: str, **settings: Any) -> str:
        """A function that may do everything; returns its ARN."""
        everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        role = settings.pop("Role", None) or self.role("lambda.amazonaws.com", everything)
        created = self.lambda_.create_function(
            FunctionName=name("function"),
            Runtime="python3.11",
            Role=role,
            Handler="app.handler",
            Code={"ZipFile": package(source)},
            **{"Timeout": 10, "MemorySize": 256, **settings},
        )
        return str(created["FunctionArn"])

    def let_logs_invoke(self, function: str, group: str, **more: str) -> None:
        """Let CloudWatch Logs invoke a function for a log group."""
        self.lambda_.add_permission(
            FunctionName=function,
            StatementId="logs",
            Action="lambda:InvokeFunction",
            Principal="logs.amazonaws.com",
            SourceArn=f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}:*",
            **more,
        )

    def queue(self) -> tuple[str, str]:
        """A queue: its URL and its ARN."""
        url = self.sqs.create_queue(QueueName=name("queue"))["QueueUrl"]
        attributes = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        return url, attributes["Attributes"]["QueueArn"]

    def topic_with_queue(self) -> tuple[str, str]:
        """A topic and a queue subscribed to it: the topic's ARN and the queue's URL."""
        url, queue_arn = self.queue()
        topic = self.sns.create_topic(Name=name("topic"))["TopicArn"]
        self.admit(url, queue_arn, "sns.amazonaws.com", topic)
        self.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn)
        return topic, url

    def admit(self, url: str, queue_arn: str, service: str, source: str) -> None:
        """Let a service send to a queue for a source."""
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": service},
            "Action": "sqs:SendMessage",
            "Resource": queue_arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": source}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self.sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})

    def message(self, queue_url: str, seconds: int = 15) -> dict[str, Any]:
        """The next message of a queue; fails when there is none in time."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            received = self.sqs.receive_message(
                QueueUrl=queue_url, WaitTimeSeconds=5, MessageSystemAttributeNames=["All"]
            ).get("Messages", [])
            for message in received:
                self.sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
                return dict(message)
        raise AssertionError("no message")

    def bucket(self) -> str:
        bucket = name("bucket")
        self.s3.create_bucket(
            Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION}
        )
        return bucket

    def trail_bucket(self, trail: str, *folders: str) -> str:
        """A bucket that admits the trail of that name, by default to its account's own folder."""
        bucket = self.bucket()
        source = {"aws:SourceArn": f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/{trail}"}
        service = {"Service": "cloudtrail.amazonaws.com"}
        statements = [
            {
                "Effect": "Allow",
                "Principal": service,
                "Action": "s3:GetBucketAcl",
                "Resource": f"arn:aws:s3:::{bucket}",
                "Condition": {"StringEquals": source},
            },
            {
                "Effect": "Allow",
                "Principal": service,
                "Action": "s3:PutObject",
                "Resource": [
                    f"arn:aws:s3:::{bucket}/{folder}/*"
                    for folder in folders or (f"AWSLogs/{ACCOUNT}",)
                ],
                "Condition": {
                    "StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control", **source}
                },
            },
        ]
        policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
        self.s3.put_bucket_policy(Bucket=bucket, Policy=policy)
        return bucket

    def trail(self, *folders: str, **settings: Any) -> dict[str, str]:
        """A logging trail with a log group: its name, ARN, bucket and group."""
        trail = name("trail")
        bucket = self.trail_bucket(trail, *folders)
        group = name("/trail/group")
        self.logs.create_log_group(logGroupName=group)
        group_arn = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}:*"
        role = self.role(
            "cloudtrail.amazonaws.com",
            {
                "Effect": "Allow",
                "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
                "Resource": f"{group_arn.removesuffix('*')}log-stream:*",
            },
        )
        arn = self.cloudtrail.create_trail(
            Name=trail,
            S3BucketName=bucket,
            CloudWatchLogsLogGroupArn=group_arn,
            CloudWatchLogsRoleArn=role,
            **{"IsMultiRegionTrail": True, **settings},
        )["TrailARN"]
        self.cloudtrail.start_logging(Name=trail)
        return {"name": trail, "arn": arn, "bucket": bucket, "group": group, "role": role}

    def records(self, group: str, pattern: str = "") -> list[dict[str, Any]]:
        """The records in a log group that a pattern selects."""
        found: list[dict[str, Any]] = []
        for page in self.logs.get_paginator("filter_log_events").paginate(
            logGroupName=group, filterPattern=pattern
        ):
            found += [json.loads(event["message"]) for event in page["events"]]
        return found

    def record(self, group: str, event_name: str) -> dict[str, Any]:
        """The newest record of an event, once it has been delivered."""
        pattern = f'{{ $.eventName = "{event_name}" }}'
        found: list[dict[str, Any]] = eventually(lambda: self.records(group, pattern))
        return found[-1]

    def security_group(self) -> str:
        vpc = self.ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
        created = self.ec2.create_security_group(
            GroupName=name("group"), Description="for a test", VpcId=vpc
        )
        return str(created["GroupId"])


def run(account: Account, *command: str) -> subprocess.CompletedProcess[str]:
    """A Python module's command line, on the sandbox's account."""
    return subprocess.run(
        [sys.executable, "-m", *command],
        env={
            **{k: v for k, v in os.environ.items() if not k.startswith("AWS_")},
            "AWS_ENDPOINT_URL": account.sandbox.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def validate_logs(
    account: Account, trail: dict[str, str], since: datetime, region: str = REGION, *arguments: str
) -> subprocess.CompletedProcess[str]:
    """The AWS CLI's judgement of a trail's digests in a region."""
    start = since.strftime("%Y-%m-%dT%H:%M:%SZ")
    question = ["--trail-arn", trail["arn"], "--region", region, "--start-time", start]
    return run(account, "awscli", "cloudtrail", "validate-logs", *question, *arguments)
