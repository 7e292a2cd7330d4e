"""Records on which a filter pattern shows what it lets through.

Their shapes are CloudTrail's: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

_TIME = "2026-01-01T00:00:00Z"  # always the same: the same question is asked once in a run
_SIGN_IN = "signin.amazonaws.com"


@dataclass(frozen=True)
class Place:
    """Where an event happens, and in which account."""

    partition: str
    account: str
    region: str


@dataclass(frozen=True)
class Sample:
    """A record; no two are alike. `wanted` ones must be let through."""

    description: str
    record: Mapping[str, Any]
    wanted: bool = True

    @cached_property
    def message(self) -> str:
        """The record as a log event has it."""
        return json.dumps(self.record)


def samples(events: Mapping[str, Iterable[str]], place: Place) -> tuple[Sample, ...]:
    """What a subscription must let through: `events`, sign-ins, root; and what it must not.

    `events` are the names of events by their source. Each occurs as today's records have it, by a
    user, and as older ones do, which say neither whether a call only reads nor what category it is
    in, by a role and in another region.
    """
    found = occurrences(events, place)
    return (
        *found,
        *_sign_ins(place),
        *root_use(place),
        ordinary_read(place),
        _invocation(place),
    )


def occurrences(events: Mapping[str, Iterable[str]], place: Place) -> tuple[Sample, ...]:
    """Each of `events`, names by their source, as today's records have it and as older ones do."""
    return tuple(
        sample
        for source, names in events.items()
        for name in names
        for sample in _both_dresses(name, place, eventSource=source, eventName=name)
    )


def misjudged(tried: Iterable[Sample], matched: Iterable[str]) -> list[str]:
    """What a pattern gets wrong, from the messages that it matched of those tried on it."""
    let_through = frozenset(matched)
    return [
        f"{sample.description} is {'kept out' if sample.wanted else 'let through'}"
        for sample in tried
        if (sample.message in let_through) != sample.wanted
    ]


def _sign_ins(place: Place) -> Iterator[Sample]:
    for used in ("Yes", "No"):
        yield from _both_dresses(
            f"a sign-in with MFAUsed {used}",
            place,
            eventSource=_SIGN_IN,
            eventName="ConsoleLogin",
            eventType="AwsConsoleSignIn",
            responseElements={"ConsoleLogin": "Success"},
            additionalEventData={"MFAUsed": used},
        )


def root_use(place: Place) -> Iterator[Sample]:
    """Something that the root user does."""
    identity = {
        "type": "Root",
        "principalId": place.account,
        "arn": f"arn:{place.partition}:iam::{place.account}:root",
        "accountId": place.account,
    }
    read = {"eventSource": "ec2.amazonaws.com", "eventName": "DescribeInstances"}
    yield from _both_dresses(
        "a read by the root user", place, **read, userIdentity=identity, readOnly=True
    )


def role_use(role: str, place: Place) -> Iterator[Sample]:
    """A user assumes `role`, by its ARN, or is refused it; and something that a session reads."""
    asked = {"roleArn": role, "roleSessionName": "ada"}
    assumed = {"eventSource": "sts.amazonaws.com", "eventName": "AssumeRole"}
    yield from _both_dresses(
        "an assumption of the role", place, **assumed, requestParameters=asked, readOnly=True
    )
    # Of what it refuses for want of permission, CloudTrail keeps no parameters.
    message = f"is not authorized to perform: sts:AssumeRole on resource: {role}"
    refused = {
        "errorCode": "AccessDenied",
        "errorMessage": f"User: arn:{place.partition}:iam::{place.account}:user/ada {message}",
    }
    yield from _both_dresses(
        "a refused assumption of the role", place, **assumed, **refused, readOnly=True
    )
    name = role.rpartition("/")[2]
    session = f"arn:{place.partition}:sts::{place.account}:assumed-role/{name}/ada"
    issuer = {"type": "Role", "principalId": "AROAEXAMPLE", "arn": role, "userName": name}
    identity = {
        "type": "AssumedRole",
        "principalId": "AROAEXAMPLE:ada",
        "arn": session,
        "accountId": place.account,
        "sessionContext": {"sessionIssuer": {**issuer, "accountId": place.account}},
    }
    read = {"eventSource": "s3.amazonaws.com", "eventName": "ListObjects"}
    yield from _both_dresses(
        "a read in a session of the role", place, **read, userIdentity=identity, readOnly=True
    )


def refused_calls(place: Place) -> Iterator[Sample]:
    """Calls that AWS refused, as services say it."""
    for source, name, code in (
        ("ec2.amazonaws.com", "RunInstances", "Client.UnauthorizedOperation"),
        ("s3.amazonaws.com", "GetObject", "AccessDenied"),
        ("kms.amazonaws.com", "Decrypt", "AccessDeniedException"),
    ):
        yield from _both_dresses(
            f"a {name} that was refused with {code}",
            place,
            eventSource=source,
            eventName=name,
            errorCode=code,
            errorMessage="not authorized",
        )


def sign_ins_without_mfa(place: Place) -> Iterator[Sample]:
    """A user's sign-in without a second factor; one with it is not among them."""
    for used in ("No", "Yes"):
        yield Sample(
            f"a user's sign-in with MFAUsed {used}", _sign_in(place, used), wanted=used == "No"
        )


def failed_sign_ins(place: Place) -> Iterator[Sample]:
    """A user's sign-in that failed; one that did not is not among them."""
    failed = {
        **_sign_in(place, "No"),
        "errorMessage": "Failed authentication",
        "responseElements": {"ConsoleLogin": "Failure"},
    }
    yield Sample("a failed sign-in", failed)
    yield Sample("a sign-in that did not fail", _sign_in(place, "Yes"), wanted=False)


def _sign_in(place: Place, used: str) -> dict[str, Any]:
    return _record(
        place,
        eventSource=_SIGN_IN,
        eventName="ConsoleLogin",
        eventType="AwsConsoleSignIn",
        responseElements={"ConsoleLogin": "Success"},
        additionalEventData={"MFAUsed": used, "MobileVersion": "No"},
    )


def ordinary_read(place: Place) -> Sample:
    """What no pattern may select that is for something: a user reads."""
    read = {"eventSource": "ec2.amazonaws.com", "eventName": "DescribeInstances"}
    record = _record(place, **read, readOnly=True)
    return Sample("a read by a user", record, wanted=False)


def _invocation(place: Place) -> Sample:
    """What the function must not be sent: it would be invoked by each of its own invocations."""
    arn = f"arn:{place.partition}:lambda:{place.region}:{place.account}:function:any"
    record = _record(
        place,
        eventSource="lambda.amazonaws.com",
        eventName="Invoke",
        userIdentity={"type": "AWSService", "invokedBy": "logs.amazonaws.com"},
        requestParameters={"functionName": arn, "invocationType": "Event"},
        resources=[{"accountId": place.account, "type": "AWS::Lambda::Function", "ARN": arn}],
        managementEvent=False,
        eventCategory="Data",
    )
    return Sample("an invocation of a function by CloudWatch Logs", record, wanted=False)


def _both_dresses(description: str, place: Place, **parts: Any) -> Iterator[Sample]:
    record = _record(place, **parts)
    yield Sample(description, record)
    older = {
        **record,
        "userIdentity": parts.get("userIdentity", _role(place)),
        "eventVersion": "1.05",
        "awsRegion": _another_region(place),
    }
    for absent in ("readOnly", "managementEvent", "eventCategory"):
        del older[absent]
    yield Sample(f"{description}, in a record without readOnly,", older)


def _record(place: Place, **parts: Any) -> dict[str, Any]:
    """A successful change by a user; `parts` replace or add members."""
    return {
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "IAMUser",
            "principalId": "AIDAEXAMPLE",
            "arn": f"arn:{place.partition}:iam::{place.account}:user/ada",
            "accountId": place.account,
            "userName": "ada",
        },
        "eventTime": _TIME,
        "awsRegion": place.region,
        "sourceIPAddress": "198.51.100.7",
        "userAgent": "trailwarden-sample",
        "requestParameters": None,
        "responseElements": None,
        "requestID": "00000000-0000-0000-0000-000000000000",
        "eventID": "00000000-0000-0000-0000-000000000000",
        "readOnly": False,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": place.account,
        "eventCategory": "Management",
        **parts,
    }


def _role(place: Place) -> dict[str, Any]:
    return {
        "type": "AssumedRole",
        "principalId": "AROAEXAMPLE:ada",
        "arn": f"arn:{place.partition}:sts::{place.account}:assumed-role/operator/ada",
        "accountId": place.account,
    }


# Two regions of each partition.
_REGIONS = {
    "aws": ("us-east-1", "us-west-2"),
    "aws-cn": ("cn-north-1", "cn-northwest-1"),
    "aws-us-gov": ("us-gov-west-1", "us-gov-east-1"),
}


def _another_region(place: Place) -> str:
    one, another = _REGIONS.get(place.partition, _REGIONS["aws"])
    return one if place.region != one else another
