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
    return (*found, *_sign_ins(place), *root_use(place), _read_by_a_user(place))


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


def _read_by_a_user(place: Place) -> Sample:
    read = {"eventSource": "ec2.amazonaws.com", "eventName": "DescribeInstances"}
    record = _record(place, **read, readOnly=True)
    return Sample("a read by a user", record, wanted=False)


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
