"""Samples of records: what a subscription's pattern is tried on."""

from __future__ import annotations

import json

import pytest

from verify.events.patterns import names_selected
from verify.events.samples import Place, misjudged, samples

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
    assert misjudged(SAMPLES, everything) == ["a read by a user is let through"]


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
