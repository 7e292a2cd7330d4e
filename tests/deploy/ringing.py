"""Each alarm of a deployment, rung by the event that it is for.

What happens goes the whole way: a call is recorded by the sandbox's trail and delivered to the log
group, a metric filter counts it, the alarm changes, the topic tells of it. For what is no call
(somebody signs in, the root user acts) the record is put where CloudTrail puts it. The periods of
alarms are not waited for: all data of metrics are made older.
"""

from __future__ import annotations

import functools
import io
import json
import time
import uuid
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import requests
from botocore.exceptions import ClientError

from tests.sandbox.support import ROOT, RunningSandbox, eventually, trusting
from verify.events.samples import Place, Sample, failed_sign_ins, root_use, sign_ins_without_mfa

_SECONDS = 120.0
# Longer than any alarm looks back.
_OLD_MINUTES = 24 * 60
_MOST_DAYS = 6
# Of the alarm that asks for two periods without an invocation.
_PERIOD_MINUTES = 5
# One that waits for others to join it; what is counted of an invocation is so at its end.
_LONGEST_INVOCATION_SECONDS = 20
# What was deployed.
_PACKAGE = ROOT / "lambda/dist/compliance_checker.zip"
_OPERATOR = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}


@dataclass
class Stack:
    """A deployment, its alarms by their purposes, and what has been heard at its alert topic."""

    sandbox: RunningSandbox
    region: str
    outputs: Mapping[str, Any]
    queue_url: str = ""
    heard: list[tuple[str, str, str]] = field(default_factory=list)  # alarm, state before, state

    def client(self, service: str, **credentials: str) -> Any:
        return self.sandbox.client(service, self.region, **credentials)

    @property
    def alarms(self) -> dict[str, str]:
        """The names of the alarms that are declared, by their purposes."""
        return dict(self.outputs["alarm_names"])

    def described(self) -> dict[str, dict[str, Any]]:
        """The alarms that there are, by their names."""
        pages = self.client("cloudwatch").get_paginator("describe_alarms").paginate()
        return {alarm["AlarmName"]: alarm for page in pages for alarm in page["MetricAlarms"]}

    def not_in(self, state: str, purposes: Iterable[str]) -> list[str]:
        """Those of some alarms that are not in a state."""
        found = self.described()
        return [one for one in purposes if found[self.alarms[one]]["StateValue"] != state]

    def rest(self) -> None:
        """Let days pass until every alarm is OK: what happened may be delivered on the second.

        Each day somebody looks after the dead letters.
        """
        for _ in range(_MOST_DAYS):
            for _letter in self.taken(self.outputs["dead_letter_queue_url"]):
                pass
            self.pass_time()
            until = time.monotonic() + _SECONDS / _MOST_DAYS
            while time.monotonic() < until:
                if not (ringing := self.not_in("OK", self.alarms)):
                    return
                time.sleep(0.2)
        raise AssertionError(f"after {_MOST_DAYS} days these are not OK: {ringing}")

    def pass_time(self, minutes: int = _OLD_MINUTES) -> None:
        """Let all data of metrics be so much older."""
        link = f"{self.sandbox.url}/_sandbox/age-metrics"
        requests.post(link, json={"minutes": minutes}, timeout=10).raise_for_status()

    def untold(self, changes: Iterable[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
        """Those of some changes (purpose, state before, state) that the topic has not told yet."""
        for body in self.taken(self.queue_url):
            told = json.loads(json.loads(body)["Message"])
            if "AlarmName" in told:  # the function's alerts come here as well
                states = told["OldStateValue"], told["NewStateValue"]
                self.heard.append((told["AlarmName"], *states))
        return [one for one in changes if (self.alarms[one[0]], *one[1:]) not in self.heard]

    def taken(self, queue_url: str) -> Iterator[str]:
        """The messages that are in a queue, taken out of it."""
        sqs, queue = self.client("sqs"), {"QueueUrl": queue_url}
        while found := sqs.receive_message(**queue, MaxNumberOfMessages=10).get("Messages"):
            for message in found:
                sqs.delete_message(**queue, ReceiptHandle=message["ReceiptHandle"])
                yield message["Body"]

    def record(self, *samples: Sample) -> None:
        """Put records where CloudTrail puts them."""
        logs, group = self.client("logs"), self.outputs["trail_log_group_name"]
        stream = f"by-hand-{uuid.uuid4().hex}"
        logs.create_log_stream(logGroupName=group, logStreamName=stream)
        moment = int(time.time() * 1000)
        logs.put_log_events(
            logGroupName=group,
            logStreamName=stream,
            logEvents=[{"timestamp": moment, "message": sample.message} for sample in samples],
        )

    @property
    def place(self) -> Place:
        """Where records are of."""
        values = self.outputs
        return Place(values["partition"], values["account_id"], values["region"])


Way = Callable[[Stack, ExitStack], None]


# --- somebody does something ----------------------------------------------------------------------


def _security_group(stack: Stack, mending: ExitStack) -> None:
    ec2 = stack.client("ec2")
    made = ec2.create_security_group(
        GroupName=_name(), Description="-", VpcId=stack.outputs["vpc_id"]
    )
    mending.callback(ec2.delete_security_group, GroupId=made["GroupId"])


def _network_acl(stack: Stack, mending: ExitStack) -> None:
    ec2 = stack.client("ec2")
    made = ec2.create_network_acl(VpcId=stack.outputs["vpc_id"])["NetworkAcl"]["NetworkAclId"]
    mending.callback(ec2.delete_network_acl, NetworkAclId=made)


def _gateway(stack: Stack, mending: ExitStack) -> None:
    ec2 = stack.client("ec2")
    made = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    mending.callback(ec2.delete_internet_gateway, InternetGatewayId=made)


def _route_table(stack: Stack, mending: ExitStack) -> None:
    ec2 = stack.client("ec2")
    made = ec2.create_route_table(VpcId=stack.outputs["vpc_id"])["RouteTable"]["RouteTableId"]
    mending.callback(ec2.delete_route_table, RouteTableId=made)


def _vpc(stack: Stack, mending: ExitStack) -> None:
    ec2 = stack.client("ec2")
    made = ec2.create_vpc(CidrBlock="10.99.0.0/24")["Vpc"]["VpcId"]
    mending.callback(ec2.delete_vpc, VpcId=made)


def _policy(stack: Stack, mending: ExitStack) -> None:
    iam = stack.client("iam")
    document = json.dumps({"Version": "2012-10-17", "Statement": [_OPERATOR]})
    made = iam.create_policy(PolicyName=_name(), PolicyDocument=document)["Policy"]["Arn"]
    mending.callback(iam.delete_policy, PolicyArn=made)


def _trail(stack: Stack, _: ExitStack) -> None:
    stack.client("cloudtrail").start_logging(Name=stack.outputs["trail_arn"])


def _key(stack: Stack, _: ExitStack) -> None:
    kms = stack.client("kms")
    made = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.schedule_key_deletion(KeyId=made, PendingWindowInDays=7)


def _bucket(stack: Stack, mending: ExitStack) -> None:
    s3, bucket = stack.client("s3"), _name()
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": stack.region})
    mending.callback(s3.delete_bucket, Bucket=bucket)
    s3.delete_public_access_block(Bucket=bucket)


def _recorder(stack: Stack, mending: ExitStack) -> None:
    config = stack.client("config")
    [*there] = config.describe_configuration_recorders()["ConfigurationRecorders"]
    if there:  # an account has one
        config.put_configuration_recorder(ConfigurationRecorder=there[0])
        return
    role = f"arn:aws:iam::{stack.place.account}:role/by-hand"
    recorder = {"name": "default", "roleARN": role}
    config.put_configuration_recorder(ConfigurationRecorder=recorder)
    mending.callback(config.delete_configuration_recorder, ConfigurationRecorderName="default")


def _stranger(stack: Stack, mending: ExitStack) -> Mapping[str, str]:
    """The credentials of somebody who may do nothing."""
    iam, user = stack.client("iam"), _name()
    iam.create_user(UserName=user)
    mending.callback(iam.delete_user, UserName=user)
    key = iam.create_access_key(UserName=user)["AccessKey"]
    mending.callback(iam.delete_access_key, UserName=user, AccessKeyId=key["AccessKeyId"])
    return {
        "aws_access_key_id": key["AccessKeyId"],
        "aws_secret_access_key": key["SecretAccessKey"],
    }


def _refused(stack: Stack, mending: ExitStack) -> None:
    with suppress(ClientError):
        stack.client("s3", **_stranger(stack, mending)).list_buckets()


def _broken_glass(stack: Stack, mending: ExitStack) -> None:
    [role] = [one for one in stack.outputs["access_role_arns"] if "role-break-glass-" in one]
    with suppress(ClientError):
        stack.client("sts", **_stranger(stack, mending)).assume_role(
            RoleArn=role, RoleSessionName="by-hand"
        )


def _root_user(stack: Stack, _: ExitStack) -> None:
    stack.record(next(root_use(stack.place)))


def _sign_in_without_mfa(stack: Stack, _: ExitStack) -> None:
    stack.record(*(one for one in sign_ins_without_mfa(stack.place) if one.wanted))


def _failed_sign_ins(stack: Stack, _: ExitStack) -> None:
    [failed] = [one for one in failed_sign_ins(stack.place) if one.wanted]
    stack.record(*[failed] * 5)
    time.sleep(3)  # the sandbox evaluates alarms every second
    assert stack.not_in("OK", ["failed-sign-ins"]) == [], "it rings at five already"
    stack.record(failed)


# --- the function is in trouble -------------------------------------------------------------------


def _fails(stack: Stack, _: ExitStack) -> None:
    """The function fails at an event, and at each retry: it ends among the dead letters."""
    with _other_code(stack, "raise RuntimeError('broken')"):
        _invoke(stack)
        eventually(lambda: _dead_letters(stack), seconds=_SECONDS)


def _dead_letters(stack: Stack) -> int:
    attribute = "ApproximateNumberOfMessages"
    found = stack.client("sqs").get_queue_attributes(
        QueueUrl=stack.outputs["dead_letter_queue_url"], AttributeNames=[attribute]
    )
    return int(found["Attributes"][attribute])


def _is_throttled(stack: Stack, mending: ExitStack) -> None:
    """Nothing invokes the function, whatever happens: Lambda refuses, for longer than a while."""
    lambda_, name = stack.client("lambda"), stack.outputs["function_name"]
    mending.callback(lambda_.delete_function_concurrency, FunctionName=name)
    lambda_.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    time.sleep(_LONGEST_INVOCATION_SECONDS)
    stack.pass_time()
    _security_group(stack, mending)
    # It has come by both paths.
    awaited = ("function-throttles", "security-group-changes")
    eventually(lambda: stack.not_in("ALARM", awaited), lambda left: not left, _SECONDS)
    stack.pass_time(_PERIOD_MINUTES + 1)


def _is_slow(stack: Stack, _: ExitStack) -> None:
    timeout = stack.client("lambda").get_function_configuration(
        FunctionName=stack.outputs["function_name"]
    )["Timeout"]
    # The threshold is at 80 percent of the time-out. What else happens meanwhile is not held up.
    seconds = timeout * 0.8 + 0.5
    with _other_code(stack, f"import time; time.sleep(0 if event else {seconds})"):
        _invoke(stack)
        rung = functools.partial(stack.not_in, "ALARM", ["function-duration"])
        eventually(rung, lambda left: not left, seconds + _SECONDS)


def _invoke(stack: Stack) -> None:
    stack.client("lambda").invoke(
        FunctionName=stack.outputs["function_name"], InvocationType="Event", Payload=b"{}"
    )


@contextmanager
def _other_code(stack: Stack, statement: str) -> Iterator[None]:
    """The function does something else than what it is there for."""
    lambda_, name = stack.client("lambda"), stack.outputs["function_name"]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("compliance_checker/__init__.py", "")
        archive.writestr(
            "compliance_checker/handler.py", f"def handler(event, context):\n    {statement}\n"
        )
    lambda_.update_function_code(FunctionName=name, ZipFile=buffer.getvalue())
    try:
        yield
    finally:
        lambda_.update_function_code(FunctionName=name, ZipFile=_PACKAGE.read_bytes())


# --- the trail is silent --------------------------------------------------------------------------


def _is_stopped(stack: Stack, mending: ExitStack) -> None:
    """Nothing comes for a day."""
    cloudtrail, trail = stack.client("cloudtrail"), stack.outputs["trail_arn"]
    mending.callback(cloudtrail.start_logging, Name=trail)
    cloudtrail.stop_logging(Name=trail)
    time.sleep(3)  # what has been recorded is delivered yet
    stack.pass_time()


# --- somebody copies the logs ---------------------------------------------------------------------


def _is_copied(stack: Stack, _: ExitStack) -> None:
    """The log bucket is asked more and more often, until that is unusual."""
    s3, bucket = stack.client("s3"), stack.outputs["log_bucket_name"]
    until = time.monotonic() + _SECONDS
    while stack.not_in("ALARM", ["unusual-access"]):
        assert time.monotonic() < until, "however many requests there are, it does not ring"
        for _request in range(200):
            s3.head_bucket(Bucket=bucket)


# --- all of it ------------------------------------------------------------------------------------

# What rings each alarm, by its purpose: events of one turn happen together.
_TURNS: tuple[Mapping[Way, tuple[str, ...]], ...] = (
    {
        _security_group: ("security-group-changes",),
        _network_acl: ("network-acl-changes",),
        _gateway: ("gateway-changes",),
        _route_table: ("route-table-changes",),
        _vpc: ("vpc-changes",),
        _policy: ("iam-policy-changes",),
        _trail: ("cloudtrail-changes",),
        _key: ("key-removals",),
        _bucket: ("bucket-policy-changes",),
        _recorder: ("config-changes",),
        _root_user: ("root-account-use",),
        _refused: ("unauthorized-calls",),
        _sign_in_without_mfa: ("sign-ins-without-mfa",),
        _failed_sign_ins: ("failed-sign-ins",),
        _broken_glass: ("break-glass-use",),
    },
    {_fails: ("function-errors", "dead-letter-queue-depth")},
    {_is_throttled: ("function-throttles", "function-not-invoked")},
    {_is_stopped: ("trail-delivery", "log-delivery")},
    {_is_slow: ("function-duration",)},
    # Last: by now there are days from which it can be known what is usual.
    {_is_copied: ("unusual-access",)},
)


def without_a_way(stack: Stack) -> list[str]:
    """The alarms that nothing here would ring, and what here rings none."""
    known = {purpose for turn in _TURNS for rung in turn.values() for purpose in rung}
    return sorted(known ^ set(stack.alarms))


def ring(stack: Stack) -> None:
    """Take every alarm from OK to ALARM and back; fail where one stays, or is not told of."""
    with _listening(stack):
        stack.rest()
        for turn in _TURNS:
            stack.heard.clear()
            purposes = [purpose for rung in turn.values() for purpose in rung]
            with ExitStack() as mending, ThreadPoolExecutor(8) as pool:
                ways = [functools.partial(way, stack, mending) for way in turn]
                for done in [pool.submit(way) for way in ways]:
                    done.result()
                rung = [(purpose, "OK", "ALARM") for purpose in purposes]
                eventually(functools.partial(stack.untold, rung), lambda left: not left, _SECONDS)
            stack.rest()
            described = stack.described()
            rested = [
                (purpose, "ALARM", "OK")
                for purpose in purposes
                if described[stack.alarms[purpose]]["OKActions"]
            ]
            eventually(functools.partial(stack.untold, rested), lambda left: not left, _SECONDS)


@contextmanager
def _listening(stack: Stack) -> Iterator[None]:
    sqs, sns, topic = stack.client("sqs"), stack.client("sns"), stack.outputs["alert_topic_arn"]
    name = _name()
    queue = f"arn:aws:sqs:{stack.region}:{stack.place.account}:{name}"
    admitting = {"Principal": {"Service": "sns.amazonaws.com"}, "Resource": queue}
    policy = trusting({**admitting, "Action": "sqs:SendMessage"})
    url = sqs.create_queue(QueueName=name, Attributes={"Policy": policy})["QueueUrl"]
    stack.queue_url = url
    subscribed = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
    try:
        yield
    finally:
        sns.unsubscribe(SubscriptionArn=subscribed["SubscriptionArn"])
        sqs.delete_queue(QueueUrl=url)


def _name() -> str:
    return f"by-hand-{uuid.uuid4().hex[:10]}"
