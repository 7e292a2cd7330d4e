"""One fault is told once, and two faults are two, whatever they have in common."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.report import sample
from verify.model import ControlResult, Observation, Outcome
from verify.report import html
from verify.report.causes import OUTCOMES, causes

TRAIL, QUEUE, BUCKET = sample.TRAIL, "arn:aws:sqs:eu-west-1:1:queue", sample.BUCKET
GROUP, TABLE, VPC = "sg-0a1b2c3d4e5f60718", "rtb-0a1b2c3d4e5f60718", "vpc-0a1b2c3d4e5f60718"
GATEWAY, NAT = "igw-0a1b2c3d4e5f60718", "nat-0b1b2c3d4e5f60718"
DECLARED = "aws_cloudtrail.audit."


class Row(NamedTuple):
    """An expectation that is not met."""

    subject: str
    aspect: str
    expected: str
    seen: str


def failed(name: str, *rows: Row, severity: str = "HIGH") -> ControlResult:
    control = replace(sample.control(name, "Trail", f"{name}."), severity=severity)
    met = Observation("x", "another", "yes", "yes", met=True)
    unmet = [Observation(*row, met=False) for row in rows]
    return sample.result(control, Outcome.FAIL, "said", (met, *unmet))


def told(*results: ControlResult) -> list[list[str]]:
    return [[one.control.identifier for one in cause.results] for cause in causes(results)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            Row(TRAIL, "multi-region", "yes", "no"),
            Row(TRAIL, DECLARED + "is_multi_region_trail", "yes", "no"),
        ),
        (
            Row(BUCKET, "BlockPublicAcls", "yes", "no"),
            Row(BUCKET, "aws_s3_bucket_public_access_block.logs.block_public_acls", "yes", "no"),
        ),
        (
            Row(QUEUE, "seconds that a message is kept", "1209600", "60"),
            Row(QUEUE, "aws_sqs_queue.dead_letter.message_retention_seconds", "1209600", "60"),
        ),
        (
            Row(GROUP, "rules beyond the baseline", "none", "ingress all from 0.0.0.0/0"),
            Row(GROUP, "public addresses", "none", "all protocols are open: 0.0.0.0/0"),
        ),
        (
            Row(TRAIL, "LatestDeliveryError", "none", "KMS.DisabledException"),
            Row(TRAIL, "LatestDigestDeliveryError", "none", "eu-west-1: KMS.DisabledException"),
        ),
        (
            Row(BUCKET, "grants to anyone", "none", 'statement "Reading" allows all to anyone'),
            Row(BUCKET, "grants to others", "none", 'statement "Reading" allows all to anyone'),
        ),
        (
            Row(VPC, "internet gateways", "none", GATEWAY),
            Row(TABLE, "routes", "none", f"{TABLE} sends 0.0.0.0/0 to {GATEWAY}"),
        ),
        (
            Row(VPC, "internet gateways", "none", GATEWAY),
            Row("subnet-0a1b2c3d4e5f60718", "ways out", "none", f"{GROUP} -> {GATEWAY} -> {NAT}"),
        ),
    ],
)
def test_one_fault_is_told_once(one: Row, other: Row) -> None:
    assert told(failed("first", one), failed("second", other)) == [["first", "second"]]
    assert told(failed("second", other), failed("first", one)) == [["second", "first"]]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        # Of one trail, read by one call, the same value: and yet two settings.
        (
            Row(TRAIL, "multi-region", "yes", "no"),
            Row(TRAIL, "log file validation", "yes", "no"),
        ),
        (
            Row(TRAIL, "multi-region", "yes", "no"),
            Row("another trail", "multi-region", "yes", "no"),
        ),
        (
            Row(GROUP, "rules", "none", "from 10.0.0.0/8"),
            Row(GROUP, "rules", "none", "to 1.2.3.0/24"),
        ),
        # That which is required is no stranger.
        (
            Row(TRAIL, "bucket", f"logs-of-{GATEWAY}", f"no, but {GATEWAY}"),
            Row(TABLE, "routes", f"to {GATEWAY}", f"none to {GATEWAY}"),
        ),
        # Chains of several resources say nothing of which of them should not be there.
        (
            Row(VPC, "ways in", "none", f"{GATEWAY} -> {GROUP}"),
            Row("subnet-0a1b2c3d4e5f60718", "ways out", "none", f"{GROUP} -> {NAT}"),
        ),
        (Row(TRAIL, "a", "none", "no"), Row(TRAIL, "b", "none", "no")),
    ],
)
def test_two_faults_are_two(one: Row, other: Row) -> None:
    assert told(failed("first", one), failed("second", other)) == [["first"], ["second"]]


def test_a_control_that_two_faults_fail_stands_with_both() -> None:
    regions, validation = (
        Row(TRAIL, "multi-region", "yes", "no"),
        Row(TRAIL, "log file validation", "yes", "no"),
    )
    both = failed(
        "declared",
        Row(TRAIL, DECLARED + "is_multi_region_trail", "yes", "no"),
        Row(TRAIL, DECLARED + "enable_log_file_validation", "yes", "no"),
        severity="LOW",
    )
    found = causes([both, failed("regions", regions), failed("validation", validation)])
    assert [[one.control.identifier for one in cause.results] for cause in found] == [
        ["regions", "declared"],
        ["validation", "declared"],
    ]
    assert found[0].facts == (f"{TRAIL}: multi-region: required yes, live no",)


def test_what_one_of_several_controls_alone_tells_is_told() -> None:
    both = failed(
        "declared",
        Row(TRAIL, DECLARED + "is_multi_region_trail", "yes", "no"),
        Row(TRAIL, DECLARED + "name", "one", "other"),
    )
    [found] = causes([failed("regions", Row(TRAIL, "multi-region", "yes", "no")), both])
    assert found.facts == (
        f"{TRAIL}: multi-region: required yes, live no",
        f"{TRAIL}: {DECLARED}name: required one, live other",
    )


def test_four_settings_that_two_controls_look_at_are_one_fault() -> None:
    names = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    blocks = [Row(BUCKET, name, "yes", "no") for name in names]
    [found] = causes([failed("blocked", *blocks), failed("again", *blocks)])
    assert len(found.results) == 2
    assert len(found.facts) == 4


def test_the_gravest_come_first_and_say_it() -> None:
    first = Row(TRAIL, "logging", "yes", "no")
    second = Row(TRAIL, "aws_cloudtrail.audit.enable_logging", "yes", "no")
    [found] = causes([failed("low", second, severity="LOW"), failed("high", first)])
    assert [one.control.identifier for one in found.results] == ["high", "low"]
    assert found.facts == (f"{TRAIL}: logging: required yes, live no",)
    assert told(failed("low", first, severity="LOW"), failed("critical", severity="CRITICAL")) == [
        ["critical"],
        ["low"],
    ]


def test_what_one_refusal_hid_is_one_cause_and_silence_is_none() -> None:
    entry = sample.RESULTS[3]

    def unseen(name: str, message: str) -> ControlResult:
        control = replace(entry.control, identifier=name)
        return replace(entry, control=control, message=message)

    refused = "s3:GetBucketPolicy was refused"
    found = causes([unseen("a", refused), unseen("b", ""), unseen("c", refused), unseen("d", "")])
    assert [[one.control.identifier for one in cause.results] for cause in found] == [
        ["a", "c"],
        ["b"],
        ["d"],
    ]
    assert found[0].facts == (refused,)


TEXT = st.sampled_from(["yes", "no", "none", GATEWAY, "0.0.0.0/0", "AccessDenied", "7", "", TRAIL])
ROWS = st.builds(Row, TEXT, st.sampled_from(["", "a", "a b", "b.a_c"]), TEXT, TEXT)
RESULTS = st.lists(
    st.tuples(
        st.sampled_from(list(Outcome)),
        st.sampled_from(["HIGH", "LOW", "odd"]),
        st.lists(ROWS, max_size=4),
    ),
    max_size=7,
)


@given(RESULTS)
def test_nothing_is_left_out_and_nothing_is_made_up(
    drawn: list[tuple[Outcome, str, list[Row]]],
) -> None:
    results = [
        replace(failed(f"control-{number}", *rows, severity=severity), outcome=outcome)
        for number, (outcome, severity, rows) in enumerate(drawn)
    ]
    found = causes(results)
    for cause in found:
        assert {one.outcome for one in cause.results} == {cause.outcome}
        assert len({one.control.identifier for one in cause.results}) == len(cause.results)
    listed = {one.control.identifier for cause in found for one in cause.results}
    assert listed == {one.control.identifier for one in results if one.outcome in OUTCOMES}
    unmet = {
        one.control.identifier for one in results if any(not seen.met for seen in one.observations)
    }
    for cause in found:
        if cause.results[0].control.identifier in unmet:
            assert cause.facts
    places = [OUTCOMES.index(cause.outcome) for cause in found]
    assert places == sorted(places)
    assert told(*reversed(results)).__len__() == len(found)


def test_the_page_tells_it_once_and_has_each_control_in_full() -> None:
    row = Row(TRAIL, "multi-region", "yes", "no")
    results = (
        failed("regions", row),
        failed("declared", row._replace(aspect=DECLARED + "is_multi_region_trail")),
    )
    page = html.render(sample.report(results))
    start, end = page.index('id="attention"'), page.index('id="run"')
    attention = page[start:end]
    assert "One cause, 2 controls:" in attention
    assert attention.count("required yes, live no") == 1
    for name in ("regions", "declared"):
        assert f'href="#control-{name}"' in attention
        assert f'<details class="control fail" id="control-{name}" open>' in page
