"""The findings that the rule of kept findings is tried on, and what is none."""

from __future__ import annotations

from typing import Any

from verify.events.event_bus import Pattern
from verify.events.finding_samples import findings, others
from verify.events.samples import Place
from verify.inputs import baseline

PLACE = Place("aws", "123456789012", "eu-west-1")
KINDS = baseline.load("prod").values["kept_findings"]["kinds"]
EVERY = [event for _, event in findings(KINDS, PLACE)]
OTHERS = [event for _, event in others(KINDS, PLACE)]


def _rule(**more: Any) -> Pattern:
    kinds = [kind for names in KINDS.values() for kind in names]
    return Pattern({"source": list(KINDS), "detail-type": kinds, **more})


def test_the_rule_of_the_kinds_takes_each_finding_and_nothing_else() -> None:
    rule = _rule()
    assert all(rule.matches(event) for event in EVERY)
    assert not any(rule.matches(event) for event in OTHERS)


def test_each_kind_is_tried_by_several_findings() -> None:
    for source, names in KINDS.items():
        for kind in names:
            of_kind = [
                event
                for event in EVERY
                if (event["source"], event["detail-type"]) == (source, kind)
            ]
            assert len(of_kind) >= 3
            assert {event["account"] for event in of_kind} == {PLACE.account}


def test_a_rule_that_takes_too_little_or_too_much_is_told_by_one_of_them() -> None:
    for narrower in (
        {"account": ["999999999999"]},
        {"region": ["us-east-1"]},
        {"detail": {"severity": [{"numeric": [">=", 7]}]}},
        {"detail": {"status": ["ACTIVE"]}},
        {"detail": {"findings": {"Severity": {"Label": ["CRITICAL", "HIGH"]}}}},
        {"detail": {"findings": {"RecordState": [{"anything-but": "ARCHIVED"}]}}},
        {"resources": [{"exists": True}]},
    ):
        assert not all(_rule(**narrower).matches(event) for event in EVERY), narrower
    for wider in (
        {"source": list(KINDS)},
        {"detail-type": [kind for names in KINDS.values() for kind in names]},
        {"source": [{"prefix": "aws."}]},
    ):
        assert any(Pattern(wider).matches(event) for event in OTHERS), wider


def test_what_the_baseline_calls_a_finding_is_one() -> None:
    more = {**KINDS, "aws.inspector2": ["Inspector2 Finding"]}
    assert "Inspector2 Finding of aws.inspector2" not in dict(others(more, PLACE))
    assert "Inspector2 Finding, of whatever says" in dict(findings(more, PLACE))
