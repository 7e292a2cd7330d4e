"""What is passed over without parsing: nothing that concerns a rule, nothing that is broken."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

import pytest
from compliance_checker.evaluate import concerned_rules
from compliance_checker.screen import screen
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.compliance_checker.damage import damaged_records
from tests.compliance_checker.door import COMPACT, DELIVERED, Door, bus_event, delivery
from tests.compliance_checker.records import ROOT, USER, Record, record
from tests.compliance_checker.violations import LOOK_ALIKES, VIOLATIONS

SPACED = (", ", ": ")
DESCRIBE = record("ec2", "DescribeInstances", {"instancesSet": {}}, readOnly=True)
STOP = record("cloudtrail", "StopLogging", {"name": "t"})
DECOY = {"eventName": "DescribeInstances"}
WITHOUT_PARAMETERS = {key: STOP[key] for key in STOP if key != "requestParameters"}
TABLE = [case for _, case, _ in VIOLATIONS] + [case for _, case in LOOK_ALIKES]


def _text(content: Record, separators: tuple[str, str] = COMPACT) -> str:
    return json.dumps(content, separators=separators)


def _passed_over(*messages: str, separators: tuple[str, str] = COMPACT) -> list[int]:
    screened = screen(delivery(*messages, separators=separators))
    assert screened is not None
    assert len(screened.kept) + len(screened.passed_over) == len(messages)
    return [int(identifier) for identifier in screened.passed_over]


def _event(content: str) -> Record:
    data = base64.b64encode(gzip.compress(content.encode()))
    return {"awslogs": {"data": data.decode("ascii")}}


def _in_order(content: Record) -> Record:
    """As collections of records often hold them: with keys in the order of the alphabet."""
    ordered: Record = json.loads(json.dumps(content, sort_keys=True))
    return ordered


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(damaged_records(), min_size=1, max_size=3),
    st.sampled_from((COMPACT, SPACED)),
    st.sampled_from((COMPACT, SPACED)),
    st.booleans(),
)
def test_what_is_passed_over_concerns_no_rule(
    records: list[Record], inner: tuple[str, str], outer: tuple[str, str], ascii_only: bool
) -> None:
    texts = [
        json.dumps(each, separators=inner, ensure_ascii=ascii_only or "\ud800" in str(each))
        for each in records
    ]
    for number in _passed_over(*texts, separators=outer):
        assert concerned_rules(json.loads(texts[number])) == ()


@pytest.mark.parametrize("order", [dict, _in_order])
def test_what_is_cut_short_is_never_passed_over(order: Any) -> None:
    """Not a sample: every record of the tables, cut behind each of its closing braces."""
    for case in [DESCRIBE, *TABLE]:
        text = _text(order(case))
        cut = [text[: index + 1] for index, sign in enumerate(text[:-1]) if sign == "}"]
        if cut:
            assert _passed_over(*cut, text[:-1], text[:-2]) == []


@pytest.mark.parametrize("inner", [COMPACT, SPACED])
@pytest.mark.parametrize("outer", [COMPACT, SPACED])
@pytest.mark.parametrize("order", [dict, _in_order])
@pytest.mark.parametrize(
    "case",
    [
        DESCRIBE,
        {**DESCRIBE, "tlsDetails": {"clientProvidedHostHeader": "ec2.amazonaws.com"}},
        {**DESCRIBE, "sessionCredentialFromConsole": "true"},
        {**DESCRIBE, "eventName": "ListFunctions20150331"},
        {**DESCRIBE, "vpcEndpointId": "vpce-1"},
    ],
)
def test_everyday_call_is_passed_over(
    inner: tuple[str, str], outer: tuple[str, str], order: Any, case: Record
) -> None:
    text = _text(order(case), inner)
    assert _passed_over(text, text, separators=outer) == [0, 1]


@pytest.mark.parametrize(
    "text",
    [
        _text(STOP),
        _text({**STOP, "requestParameters": DECOY}),
        # A decoy before the true name.
        _text({"requestParameters": DECOY, **WITHOUT_PARAMETERS}),
        _text({"requestParameters": DECOY, **WITHOUT_PARAMETERS}, SPACED),
        _text(DESCRIBE).replace("eventName", "\\u0065ventName"),
        _text({**DESCRIBE, "eventName": "UpdateFunctionCode20150331v2"}),
        _text(STOP).replace("StopLogging", "Stop\\u004cogging"),
        _text({**DESCRIBE, "userIdentity": ROOT}),
        _text(_in_order({**DESCRIBE, "userIdentity": ROOT})),
        _text({**DESCRIBE, "userIdentity": {"arn": "arn:aws:iam::123456789012:root"}}),
        _text(_in_order({**DESCRIBE, "userIdentity": {"type": "Root"}})),
        _text(_in_order({**DESCRIBE, "userIdentity": {"type": "Root"}})).replace("oo", "\\u006fo"),
        _text({**DESCRIBE, "userIdentity": {**USER, "type": None}}).replace("ada", ":root"),
        _text(DESCRIBE) + " ",
        _text(DESCRIBE) + "}",
        _text(DESCRIBE)[:-1],
        "{}",
        "",
        "CWL CONTROL MESSAGE: Checking health of destination",
        json.dumps([DESCRIBE]),
    ],
)
def test_what_is_not_certain_is_parsed(text: str) -> None:
    everyday = _text(DESCRIBE)
    assert _passed_over(everyday, text, everyday) == [0, 2]


@pytest.mark.parametrize("separators", [COMPACT, SPACED])
def test_root_is_seen_wherever_it_stands_in_the_beginning(separators: tuple[str, str]) -> None:
    for length in range(40):
        case = {**DESCRIBE, "eventVersion": "1" * length, "userIdentity": ROOT}
        assert _passed_over(_text(case, separators)) == []


def test_log_event_without_a_thirteen_digit_stamp_is_parsed() -> None:
    content = delivery(_text(DESCRIBE)).replace(str(DELIVERED), "7")
    screened = screen(content)
    assert screened is not None
    assert screened.passed_over == ()


@pytest.mark.parametrize(
    "content",
    [
        delivery(),
        "{}",
        delivery(_text(DESCRIBE))[:-1],
        json.dumps({"logEvents": [{"message": _text(DESCRIBE), "id": "1"}]}, separators=COMPACT),
        json.dumps({"logEvents": [{"id": "1", "message": "x"}], "owner": "1"}, separators=COMPACT),
    ],
)
def test_other_envelopes_are_left_to_the_parser(content: str) -> None:
    assert screen(content) is None


@pytest.mark.parametrize("separators", [COMPACT, SPACED])
def test_each_record_passed_over_is_in_the_log(separators: tuple[str, str]) -> None:
    broken = _text(DESCRIBE)[:-1]
    parsed = _text({**DESCRIBE, "userIdentity": {**USER, "userName": "foot"}}, SPACED)
    door = Door()
    summary = door.handle(
        _event(
            delivery(
                _text(DESCRIBE), _text(STOP), broken, parsed, _text(DESCRIBE), separators=separators
            )
        )
    )
    assert (summary["records"], summary["violations"], summary["unprocessable"]) == (5, 1, 1)
    (line,) = door.said("not concerned")
    assert line["count"] == 3
    assert sorted(line["ids"]) == [f"{number:056d}" for number in (0, 3, 4)]
    assert [decision["log_event_id"] for decision in door.said("decision")] == [f"{1:056d}"]
    assert [letter["log_event_id"] for letter in door.letters()] == [f"{2:056d}"]
    assert door.decisions() == {"not-concerned": 3, "violation": 1, "unprocessable": 1}


def test_long_lists_of_what_was_passed_over_stay_under_the_size_of_a_line() -> None:
    door = Door()
    door.handle(_event(delivery(*[_text(DESCRIBE)] * 2500)))
    assert [line["count"] for line in door.said("not concerned")] == [1000, 1000, 500]
    assert all(len(json.dumps(line)) < 262_144 for line in door.said("not concerned"))


def test_record_that_event_bridge_brings_is_named_by_its_own_id() -> None:
    door = Door()
    door.handle(bus_event(DESCRIBE))
    (line,) = door.said("not concerned")
    assert line["ids"] == [DESCRIBE["eventID"]]
