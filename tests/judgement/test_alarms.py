"""Alarms judged by what they do: equal ones are equal, and each way to be wrong is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verify.alarms.alarm import CannotTellError, alarm_of, watches, wrong_units
from verify.alarms.band import Unusual, faults_of_band
from verify.alarms.behaviour import Behaviour, faults
from verify.alarms.play import Data, Play, World, datum

ACCOUNT = "123456789012"
EVENTS = {"namespace": "N", "metric": "Events", "dimensions": {"Name": "n"}, "unit": "Count"}
ANSWERS = {"namespace": "N", "metric": "Answers", "dimensions": {}}
OCCURRENCE = Behaviour("occurrence", 5)
SILENCE = Behaviour("silence", 75, pause=30)
UNANSWERED = Behaviour("unanswered", 15, pause=3)

NOT_ANSWERED = (
    "((events > 0) > (answers > 0)) OR "
    "((RUNNING_SUM(FILL(events, 0)) > 0) > (RUNNING_SUM(FILL(answers, 0)) > 0))"
)
ONCE = "IF(FILL(events, 0) > 0 AND FILL(answers, 0) == 0, 1, 0)"


def alarm(**changes: Any) -> dict[str, Any]:
    """An alarm that rings at the first event, with other members; None takes one away."""
    members = {
        "AlarmName": "a",
        "Namespace": "N",
        "MetricName": "Events",
        "Dimensions": [{"Name": "Name", "Value": "n"}],
        "Statistic": "Sum",
        "Period": 300,
        "EvaluationPeriods": 1,
        "Threshold": 1.0,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "TreatMissingData": "notBreaching",
        **changes,
    }
    return {name: value for name, value in members.items() if value is not None}


def silence(**changes: Any) -> dict[str, Any]:
    """An alarm that rings when nothing has come for an hour."""
    return alarm(
        **{
            "Period": 900,
            "EvaluationPeriods": 4,
            "ComparisonOperator": "LessThanThreshold",
            "TreatMissingData": "breaching",
            **changes,
        }
    )


def computed(expressions: Mapping[str, str], period: int, **changes: Any) -> dict[str, Any]:
    """An alarm on metric math, of which "watched" is watched."""
    queries: list[dict[str, Any]] = [
        {"Id": name, "Expression": text, "ReturnData": name == "watched"}
        for name, text in expressions.items()
    ]
    for name, metric in (("events", EVENTS), ("answers", ANSWERS)):
        if any(name in text for text in expressions.values()):
            dimensions: Mapping[str, str] = metric["dimensions"]  # type: ignore[assignment]
            asked = {
                "Namespace": "N",
                "MetricName": name.capitalize(),
                "Dimensions": [{"Name": key, "Value": text} for key, text in dimensions.items()],
            }
            stat = {"Metric": asked, "Period": period, "Stat": "Sum"}
            queries.append({"Id": name, "MetricStat": stat, "ReturnData": False})
    absent = dict.fromkeys(("Namespace", "MetricName", "Dimensions", "Statistic", "Period"))
    return alarm(**{**absent, "Metrics": queries, **changes})


def judged(found: Mapping[str, Any], wanted: Behaviour) -> str:
    """All the faults of an alarm."""
    metrics = [EVENTS, ANSWERS] if wanted.kind == "unanswered" else [EVENTS]
    return "; ".join(faults(alarm_of(found, metrics, ACCOUNT), wanted))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"Threshold": 0.0, "ComparisonOperator": "GreaterThanThreshold"},
        {"Threshold": 0.5},
        {"Statistic": "Maximum"},
        {"TreatMissingData": "missing"},
        {"TreatMissingData": None},
        {"Period": 60},
        {"Period": 60, "EvaluationPeriods": 5, "DatapointsToAlarm": 1},
        {"DatapointsToAlarm": 1},
        {"EvaluationWindow": {"SlidingWindow": {}}},
        {"EvaluationWindow": {"WallClockWindow": {"Timezone": "UTC+05:30"}}},
        {"Unit": "Count"},
    ],
)
def test_alarms_that_ring_at_an_event_are_equal(changes: dict[str, Any]) -> None:
    assert judged(alarm(**changes), OCCURRENCE) == ""


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"Threshold": 0.0}, "it does not rest amid values of 0"),
        ({"Threshold": -1.0}, "it does not rest amid values of 0"),
        ({"Threshold": 2.0}, "it does not ring within 5 minutes of an event"),
        ({"Threshold": 1.0, "ComparisonOperator": "GreaterThanThreshold"}, "does not ring within"),
        ({"ComparisonOperator": "LessThanThreshold"}, "does not ring within"),
        ({"ComparisonOperator": "LessThanOrEqualToThreshold"}, "it does not rest amid values of 0"),
        ({"Period": 60, "EvaluationPeriods": 5}, "it does not ring within 5 minutes of an event"),
        ({"EvaluationPeriods": 2}, "it does not ring within 5 minutes of an event"),
        ({"TreatMissingData": "breaching"}, "it does not rest amid no data"),
        ({"TreatMissingData": "ignore"}, "it does not come to rest"),
        ({"Statistic": "Average"}, "it does not ring within 5 minutes of an event amid values"),
        ({"Statistic": "Minimum"}, "it does not ring within 5 minutes of an event amid values"),
        ({"Statistic": "SampleCount"}, "it does not rest amid values of 0"),
        ({"Period": 900}, "it must ring within 5 minutes, and its periods are of 15"),
        ({"Period": 86400, "EvaluationPeriods": 7}, "its periods are of 1440"),
        ({"Period": 60, "EvaluationPeriods": 600, "DatapointsToAlarm": 1}, "it looks at 600 min"),
        ({"EvaluationPeriods": 3, "DatapointsToAlarm": 5}, "it needs 5 of 3 periods"),
        ({"Namespace": "AWS/DynamoDB"}, "it does not come to rest"),
    ],
)
def test_an_alarm_on_events_that_is_wrong(changes: dict[str, Any], fault: str) -> None:
    metric = {**EVENTS, "namespace": changes.get("Namespace", "N")}
    found = faults(alarm_of(alarm(**changes), [metric], ACCOUNT), OCCURRENCE)
    assert fault in "; ".join(found)


def test_what_has_no_data_without_events_may_be_averaged() -> None:
    rare = Behaviour("occurrence", 5, ordinary=None)
    assert judged(alarm(Statistic="Average"), rare) == ""
    assert judged(alarm(Statistic="SampleCount"), rare) == ""
    assert "it does not come to rest" in judged(alarm(TreatMissingData="ignore"), rare)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"Statistic": "Maximum"}, ""),
        ({"Statistic": "Maximum", "Threshold": 20000.0}, ""),
        ({"Statistic": "Maximum", "Threshold": 48001.0}, "of an event"),
        ({"Statistic": "Maximum", "Threshold": 1000.0}, "does not rest amid values of 1000"),
        ({"Statistic": "Sum"}, "does not rest amid values of 1000"),
        ({"Statistic": "Average"}, "of an event amid values of 1000"),
    ],
)
def test_a_high_value_among_ordinary_ones(changes: dict[str, Any], fault: str) -> None:
    wanted = Behaviour("occurrence", 5, value=48000, ordinary=1000)
    found = judged(alarm(**{"Threshold": 48000.0, **changes}), wanted)
    assert fault in found if fault else found == ""


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"Statistic": "Maximum"}, ""),
        ({"TreatMissingData": "ignore"}, ""),
        ({"Statistic": "Minimum", "Period": 60}, ""),
        ({"Statistic": "Minimum"}, "within 5 minutes of a level amid values of 0"),
        ({"Statistic": "Maximum", "Threshold": 2.0}, "within 5 minutes of a level amid no data"),
        ({"TreatMissingData": "breaching"}, "does not rest amid no data"),
    ],
)
def test_a_level_that_stays(changes: dict[str, Any], fault: str) -> None:
    found = judged(alarm(**changes), Behaviour("level", 5))
    assert fault in found if fault else found == ""


@pytest.mark.parametrize(
    ("found", "fault"),
    [
        (
            computed(
                {"watched": "FILL(events, 0)"},
                900,
                **{
                    name: value
                    for name, value in silence().items()
                    if name in ("EvaluationPeriods", "ComparisonOperator", "TreatMissingData")
                },
            ),
            "",
        ),
        # CloudWatch looks for missing data further back than it evaluates: so much later it rings.
        (silence(), "it does not ring within 75 minutes of silence"),
        (silence(Period=300, EvaluationPeriods=6), ""),
        (silence(Period=300, EvaluationPeriods=3), "it rings while something comes every 30 min"),
        (silence(TreatMissingData="notBreaching"), "when nothing ever comes"),
        (silence(TreatMissingData="missing"), "when nothing ever comes"),
        (silence(TreatMissingData="ignore"), "when nothing ever comes"),
        (silence(Threshold=0.0, Period=300, EvaluationPeriods=6), ""),
        (silence(Period=3600, EvaluationPeriods=24), "and its periods are of 60"),
    ],
)
def test_silence(found: dict[str, Any], fault: str) -> None:
    seen = judged(found, SILENCE)
    assert fault in seen if fault else seen == ""


@pytest.mark.parametrize(
    ("expression", "period", "changes", "fault"),
    [
        (NOT_ANSWERED, 300, {"EvaluationPeriods": 2}, ""),
        # An event in the newest minute of a window, and its answer in the next one's.
        (NOT_ANSWERED, 300, {}, "it rings at events that are answered 3 minutes later"),
        (ONCE, 900, {}, "it rings at events that are answered 3 minutes later"),
        (ONCE, 300, {"EvaluationPeriods": 2}, "of an event that is not answered"),
        (
            NOT_ANSWERED,
            300,
            {"EvaluationPeriods": 3, "DatapointsToAlarm": 2},
            "it rings at events that are answered 3 minutes later",
        ),
        ("events", 300, {}, "it rings at events that are answered in the same minute"),
        ("answers", 300, {}, "of an event that is not answered"),
        ("events * 0", 300, {}, "of an event that is not answered"),
        (NOT_ANSWERED, 1800, {"EvaluationPeriods": 2}, "and its periods are of 30"),
    ],
)
def test_events_without_an_answer(
    expression: str, period: int, changes: dict[str, Any], fault: str
) -> None:
    seen = judged(computed({"watched": expression}, period, **changes), UNANSWERED)
    assert fault in seen if fault else seen == ""


def test_expressions_may_name_expressions() -> None:
    parts = {
        "watched": "flow OR lone",
        "flow": "(events > 0) > (answers > 0)",
        "lone": "arrived > answered",
        "arrived": "RUNNING_SUM(FILL(events, 0)) > 0",
        "answered": "RUNNING_SUM(FILL(answers, 0)) > 0",
    }
    assert judged(computed(parts, 300, EvaluationPeriods=2), UNANSWERED) == ""


def test_made_up_minutes_on_which_one_period_flaps_and_two_do_not() -> None:
    """An event each 7 minutes, its answer 2 minutes later, evaluated every minute for 2 hours."""
    events = {minute: datum(1) for minute in range(0, 120, 7)}
    answers = {minute + 2: datum(1) for minute in events}
    world = World(further=2, every=1, phase=0, fills_empty=True)

    def rings(found: Mapping[str, Any], answered: Mapping[int, Any]) -> list[int]:
        judged_alarm = alarm_of(found, [EVENTS, ANSWERS], ACCOUNT)
        data = Data(judged_alarm, metrics=2)
        data.timelines[:] = [events, dict(answered)]
        play = Play(judged_alarm, world, data)
        return [minute for minute in range(120) if play.rings(minute, minute + 1)]

    flapping = computed({"watched": ONCE}, 300)
    steady = computed({"watched": NOT_ANSWERED}, 300, EvaluationPeriods=2)
    # From the minute of each event until that of its answer, where no earlier answer is in reach.
    assert rings(flapping, answers)[:6] == [0, 1, 7, 8, 14, 15]
    assert rings(steady, answers) == []
    cut = {minute: value for minute, value in answers.items() if minute < 60}
    found = rings(steady, cut)
    assert found[0] == 70, "two periods after the last answer"
    assert found[-34:] == list(range(86, 120)), "once no answer is in reach any more"


# --- what cannot be told --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (alarm(Statistic=None, ExtendedStatistic="p99"), "the statistic p99 cannot be played"),
        (alarm(ExtendedStatistic="tm90"), "the statistic tm90 cannot be played"),
        (alarm(Statistic=None), "the statistic None cannot be played"),
        (alarm(Period=30), "what periods of 30 s bring is not known"),
        (alarm(Period=90), "what periods of 90 s bring is not known"),
        (alarm(ThresholdMetricId="band"), "it is an anomaly detector's (ThresholdMetricId)"),
        (alarm(EvaluationCriteria={"PromQLCriteria": {}}), "it asks a query (EvaluationCriteria)"),
        (alarm(EvaluationInterval=60), "it asks a query (EvaluationInterval)"),
        (alarm(EvaluationWindow={"NewWindow": {}}), "evaluation window ['NewWindow'] is not known"),
        (alarm(ComparisonOperator="GreaterThanUpperThreshold"), "comparison GreaterThanUpper"),
        (alarm(TreatMissingData="wish"), "its treatment of missing data wish is not known"),
        (alarm(MetricName=None), "it is neither on one metric nor on metric math"),
        (alarm(Metrics=[{"Id": "e", "Expression": "1"}]), "neither on one metric nor on"),
        (computed({"watched": "RATE(events)"}, 300), "the function RATE of RATE(events)"),
        (computed({"watched": "SELECT COUNT(events) FROM x"}, 300), "computes is not known"),
        (computed({"watched": "events + watched"}, 300), "does not give one series"),
        (computed({"watched": "SUM(events)"}, 300), "a summary of a series without data"),
        (computed({"watched": "[events, events]"}, 300), "does not give one series"),
        (computed({"watched": "events", "other": "answers"}, 300), "also looks at N Answers"),
        (computed({"none": "events"}, 300), "it watches 0 series"),
    ],
)
def test_what_cannot_be_played_is_not_judged(found: dict[str, Any], reason: str) -> None:
    with pytest.raises(CannotTellError) as caught:
        faults(alarm_of(found, [EVENTS], ACCOUNT), OCCURRENCE)
    assert reason in str(caught.value)


def test_an_alarm_without_a_member_that_every_alarm_has_is_no_alarm() -> None:
    for member in ("Threshold", "EvaluationPeriods", "ComparisonOperator", "Period"):
        with pytest.raises(KeyError, match=member):
            alarm_of(alarm(**{member: None}), [EVENTS], ACCOUNT)


def test_metrics_of_two_periods_cannot_be_played() -> None:
    found = computed({"watched": NOT_ANSWERED}, 300)
    found["Metrics"][-1]["MetricStat"]["Period"] = 60
    with pytest.raises(CannotTellError, match="its metrics have 2 periods"):
        alarm_of(found, [EVENTS, ANSWERS], ACCOUNT)


# --- which metric, and in which unit --------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, True),
        ({"Namespace": "M"}, False),
        ({"MetricName": "Answers"}, False),
        ({"Dimensions": []}, False),
        ({"Dimensions": None}, False),
        ({"Dimensions": [{"Name": "Name", "Value": "m"}]}, False),
    ],
)
def test_which_metric_an_alarm_is_on(changes: dict[str, Any], expected: bool) -> None:
    assert watches(alarm(**changes), EVENTS, ACCOUNT) is expected


def test_a_metric_of_another_account_is_another_metric() -> None:
    found = computed({"watched": "events"}, 300)
    assert watches(found, EVENTS, ACCOUNT)
    found["Metrics"][-1]["AccountId"] = ACCOUNT
    assert watches(found, EVENTS, ACCOUNT)
    found["Metrics"][-1]["AccountId"] = "999999999999"
    assert not watches(found, EVENTS, ACCOUNT)


def test_an_alarm_in_another_unit_gets_no_data() -> None:
    assert wrong_units(alarm(), [EVENTS], ACCOUNT) == []
    assert wrong_units(alarm(Unit="Count"), [EVENTS], ACCOUNT) == []
    assert wrong_units(alarm(Unit="Bytes"), [EVENTS], ACCOUNT) == ["Bytes"]
    in_math = computed({"watched": "answers"}, 300)
    in_math["Metrics"][-1]["MetricStat"]["Unit"] = "Count"
    with pytest.raises(CannotTellError, match="the unit of N Answers is not known"):
        wrong_units(in_math, [EVENTS, ANSWERS], ACCOUNT)


# --- properties -----------------------------------------------------------------------------------

_ALARMS = st.fixed_dictionaries(
    {
        "Statistic": st.sampled_from(["Sum", "Maximum", "Minimum", "Average", "SampleCount"]),
        "Period": st.sampled_from([60, 300]),
        "EvaluationPeriods": st.integers(1, 4),
        "DatapointsToAlarm": st.sampled_from([None, 1, 2]),
        "Threshold": st.sampled_from([0.0, 1.0, 2.0]),
        "TreatMissingData": st.sampled_from(["breaching", "notBreaching", "ignore", "missing"]),
    }
)


@settings(max_examples=40, deadline=None)
@given(_ALARMS)
def test_at_least_one_is_more_than_none_for_what_is_counted(changes: dict[str, Any]) -> None:
    least = alarm(**changes, ComparisonOperator="GreaterThanOrEqualToThreshold")
    more = {**least, "ComparisonOperator": "GreaterThanThreshold"}
    more["Threshold"] = least["Threshold"] - 0.01
    assert judged(least, OCCURRENCE) == judged(more, OCCURRENCE)


@settings(max_examples=40, deadline=None)
@given(_ALARMS)
def test_more_time_is_never_worse(changes: dict[str, Any]) -> None:
    found = alarm(**changes)
    if judged(found, OCCURRENCE) == "":
        assert judged(found, Behaviour("occurrence", 10)) == ""


@settings(max_examples=40, deadline=None)
@given(_ALARMS)
def test_metric_math_that_does_nothing_changes_nothing(changes: dict[str, Any]) -> None:
    statistic, period = changes["Statistic"], changes["Period"]
    others = {name: changes[name] for name in changes if name not in ("Statistic", "Period")}
    same = computed({"watched": "events"}, period, **others)
    same["Metrics"][-1]["MetricStat"]["Stat"] = statistic
    assert judged(same, OCCURRENCE) == judged(alarm(**changes), OCCURRENCE)


# --- alarms on a band -----------------------------------------------------------------------------

UNUSUAL = Unusual(within=15, deviations=5, ordinary=1)


def banded(
    expression: str = "ANOMALY_DETECTION_BAND(requests, 3)",
    stat: str = "Sum",
    returned: bool = True,
    period: int = 300,
    **changes: Any,
) -> dict[str, Any]:
    """An alarm that rings when there are more events than is usual."""
    metric = {
        "Namespace": "N",
        "MetricName": "Events",
        "Dimensions": [{"Name": "Name", "Value": "n"}],
    }
    absent = dict.fromkeys(
        ("Namespace", "MetricName", "Dimensions", "Statistic", "Period", "Threshold")
    )
    queries = [
        {"Id": "usual", "Expression": expression, "ReturnData": True},
        {
            "Id": "requests",
            "MetricStat": {"Metric": metric, "Period": period, "Stat": stat},
            "ReturnData": returned,
        },
    ]
    return alarm(
        **{
            **absent,
            "ThresholdMetricId": "usual",
            "ComparisonOperator": "GreaterThanUpperThreshold",
            "Metrics": queries,
            **changes,
        }
    )


@pytest.mark.parametrize(
    "found",
    [
        banded(),
        banded("ANOMALY_DETECTION_BAND( requests )"),
        banded("ANOMALY_DETECTION_BAND(requests, 1.5)"),
        banded(ComparisonOperator="LessThanLowerOrGreaterThanUpperThreshold"),
        banded(stat="SampleCount"),
        banded(period=60),
        banded(EvaluationPeriods=3, DatapointsToAlarm=1),
        banded(TreatMissingData=None),
    ],
)
def test_an_alarm_that_rings_at_what_is_unusual_does(found: dict[str, Any]) -> None:
    assert faults_of_band(found, EVENTS, ACCOUNT, UNUSUAL) == ()


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (banded("ANOMALY_DETECTION_BAND(requests, 6)"), "does not ring within 15 minutes"),
        (banded("ANOMALY_DETECTION_BAND(requests, 0.9)"), "does not rest amid values of 1"),
        (banded(ComparisonOperator="LessThanLowerThreshold"), "does not ring within 15 minutes"),
        (banded(stat="Average"), "watches the Average, which does not rise"),
        (banded(returned=False), "watches nothing"),
        (banded(period=3600), "its periods are of 60"),
        (banded(EvaluationPeriods=3), "does not ring within 15 minutes"),
        (banded(TreatMissingData="breaching"), "does not rest amid no data"),
        (banded(TreatMissingData="ignore"), "does not come to rest"),
        (alarm(), "against a fixed number"),
    ],
)
def test_one_that_does_not_says_in_what_it_falls_short(found: dict[str, Any], said: str) -> None:
    assert said in "; ".join(faults_of_band(found, EVENTS, ACCOUNT, UNUSUAL))


@pytest.mark.parametrize(
    "found",
    [
        banded("ANOMALY_DETECTION_BAND(requests, 3) * 2"),
        banded("ANOMALY_DETECTION_BAND(others, 3)"),
        banded(ThresholdMetricId="requests"),
        banded(ThresholdMetricId="nothing"),
        banded(Metrics=[]),
        banded(ComparisonOperator="GreaterThanThreshold"),
    ],
)
def test_a_band_that_is_not_known_cannot_be_judged(found: dict[str, Any]) -> None:
    with pytest.raises(CannotTellError):
        faults_of_band(found, EVENTS, ACCOUNT, UNUSUAL)


def test_an_alarm_on_a_band_is_none_on_a_threshold() -> None:
    with pytest.raises(CannotTellError, match="is an anomaly detector's"):
        alarm_of(banded(), [EVENTS], ACCOUNT)
