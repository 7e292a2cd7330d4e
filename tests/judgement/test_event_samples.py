"""Samples of records: what a subscription's pattern is tried on."""

from __future__ import annotations

import json

import pytest

from sandbox.messaging.filter_pattern import compile_pattern
from verify.events.patterns import names_selected
from verify.events.samples import (
    Place,
    Sample,
    failed_sign_ins,
    misjudged,
    ordinary_read,
    refused_calls,
    samples,
    sign_ins_without_mfa,
)

PLACE = Place("aws", "123456789012", "ap-southeast-1")
EVENTS = {
    "ec2.amazonaws.com": ["AuthorizeSecurityGroupIngress"],
    "sqs.amazonaws.com": ["PurgeQueue"],
}
SAMPLES = samples(EVENTS, PLACE)
RECORDS = [json.loads(sample.message) for sample in SAMPLES]


def test_no_two_samples_are_alike() -> None:
    assert len({sample.message for sample in SAMPLES}) == len(SAMPLES)
    assert len({sample.description for sample in SAMPLES}) == len(SAMPLES)


def test_each_event_occurs_with_and_without_the_newer_fields() -> None:
    for source, [name] in EVENTS.items():
        found = [record for record in RECORDS if record["eventName"] == name]
        assert [record["eventSource"] for record in found] == [source, source]
        assert [record.get("readOnly") for record in found] == [False, None]
        assert "managementEvent" not in found[1]
        assert all("errorCode" not in record for record in found)


def test_sign_ins_with_and_without_a_second_factor_are_among_them() -> None:
    used = [
        record["additionalEventData"]["MFAUsed"]
        for record in RECORDS
        if record["eventName"] == "ConsoleLogin"
    ]
    assert sorted(used) == ["No", "No", "Yes", "Yes"]


def test_the_root_user_is_wanted_when_it_reads_and_others_are_not() -> None:
    reads = [
        (record["userIdentity"]["type"], sample.wanted)
        for sample, record in zip(SAMPLES, RECORDS, strict=True)
        if record["eventName"] == "DescribeInstances"
    ]
    assert reads == [("Root", True), ("Root", True), ("IAMUser", False)]


def test_what_is_kept_out_or_let_through_wrongly_is_named() -> None:
    right = [sample.message for sample in SAMPLES if sample.wanted]
    assert misjudged(SAMPLES, right) == []
    assert misjudged(SAMPLES, right[1:]) == ["AuthorizeSecurityGroupIngress is kept out"]
    everything = [sample.message for sample in SAMPLES]
    assert misjudged(SAMPLES, everything) == [
        "a read by a user is let through",
        "an invocation of a function by CloudWatch Logs is let through",
    ]


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("{ ($.eventName = A) || ($.eventName = B) }", {"A", "B"}),
        ('{($.eventName="A")||($.eventName = B)}', {"A", "B"}),
        ("{ ($.eventName = A) }", {"A"}),
        ("{ ($.eventName = A) && ($.eventName = B) }", set()),
        ("{ (($.eventName = A) || ($.eventName = B)) && $.userIdentity.userName != ada }", set()),
        ("{ ($.eventName = A) || ($.eventName != B) }", set()),
        ("{ ($.eventName = A*) }", set()),
        ("{ ($.eventSource = A) }", set()),
        ("", set()),
    ],
)
def test_what_a_plain_pattern_selects_is_read_and_no_other(pattern: str, names: set[str]) -> None:
    assert names_selected(pattern) == names


# --- what no name tells ---------------------------------------------------------------------------

REFUSED = [*refused_calls(PLACE), ordinary_read(PLACE)]
WITHOUT_MFA = [*sign_ins_without_mfa(PLACE), ordinary_read(PLACE)]
FAILED = [*failed_sign_ins(PLACE), ordinary_read(PLACE)]


def _wrong(pattern: str, tried: list[Sample]) -> list[str]:
    compiled = compile_pattern(pattern)
    return misjudged(tried, [each.message for each in tried if compiled.matches(each.message)])


@pytest.mark.parametrize(
    ("pattern", "tried"),
    [
        (
            '{ (($.errorCode = "*UnauthorizedOperation") || ($.errorCode = "AccessDenied*")) && '
            '($.sourceIPAddress != "delivery.logs.amazonaws.com") }',
            REFUSED,
        ),
        ('{ $.errorCode = "*" }', REFUSED),
        (
            '{ ($.eventName = "ConsoleLogin") && ($.additionalEventData.MFAUsed != "Yes") }',
            WITHOUT_MFA,
        ),
        (
            '{ ($.eventName = ConsoleLogin) && ($.errorMessage = "Failed authentication") }',
            FAILED,
        ),
        ('{ $.responseElements.ConsoleLogin = "Failure" }', FAILED),
    ],
)
def test_a_pattern_that_selects_what_is_meant_is_right(pattern: str, tried: list[Sample]) -> None:
    assert _wrong(pattern, tried) == []


@pytest.mark.parametrize(
    ("pattern", "tried", "said"),
    [
        # As the benchmark printed it in its version 1.4: it selects nearly every event.
        (
            '{ ($.errorCode = "*UnauthorizedOperation") || ($.errorCode = "AccessDenied*") || '
            '($.sourceIPAddress!="delivery.logs.amazonaws.com") || ($.eventName!="HeadBucket") }',
            REFUSED,
            "a read by a user is let through",
        ),
        (
            '{ $.errorCode = "AccessDenied*" }',
            REFUSED,
            "a RunInstances that was refused with Client.UnauthorizedOperation is kept out",
        ),
        ('{ $.errorCode = "UnauthorizedOperation" }', REFUSED, "is kept out"),
        ("{ $.eventName = ConsoleLogin }", WITHOUT_MFA, "MFAUsed Yes is let through"),
        ("{ $.eventName = ConsoleLogin }", FAILED, "a sign-in that did not fail is let through"),
        ("{ $.eventName = Nothing }", FAILED, "a failed sign-in is kept out"),
    ],
)
def test_a_pattern_that_does_not_says_what_it_gets_wrong(
    pattern: str, tried: list[Sample], said: str
) -> None:
    assert any(text.endswith(said) for text in _wrong(pattern, tried))
