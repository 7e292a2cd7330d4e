"""Alarms: silence and trouble of the pipeline ring, and the ring reaches the alert topic."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pytest

from verify.account import reads
from verify.account.answer import pick
from verify.account.door import Aws
from verify.alarms.alarm import CannotTellError, alarm_of, others, watches, wrong_units
from verify.alarms.band import Unusual, faults_of_band
from verify.alarms.behaviour import Behaviour, faults
from verify.check import Check
from verify.checks.bucket_listings import listed
from verify.checks.metric_filters import Counted, counted_by, counting
from verify.checks.subscription import faults_of_pattern
from verify.inputs.deployment import Deployment
from verify.model import NotVerifiedError
from verify.wording import in_words

Alarm = Mapping[str, Any]  # a MetricAlarm of DescribeAlarms
_Metrics = Sequence[Mapping[str, Any]]
_Wanted = Behaviour | Unusual


@pytest.fixture
def muted(aws: Aws, baseline: Mapping[str, Any]) -> Mapping[str, str]:
    """The alarms that a mute rule keeps quiet, now or at some time, and why; by their names."""
    found: dict[str, list[str]] = {}
    for summary in aws.pick(reads.mute_rules(), "AlarmMuteRuleSummaries"):
        name = pick(summary, "AlarmMuteRuleArn").split(":", 6)[-1]
        status = pick(summary, "Status")
        if status != "EXPIRED" and name not in baseline["alarms"]["accepted_mute_rules"]:
            for alarm in aws.pick(reads.mute_rule(name), "MuteTargets", "AlarmNames"):
                found.setdefault(alarm, []).append(f"the mute rule {name} is {status}")
    return {alarm: "; ".join(rules) for alarm, rules in found.items()}


class _Judge:
    """What each alarm of the account is worth for what is required."""

    def __init__(
        self, alarms: Iterable[Alarm], muted: Mapping[str, str], deployment: Deployment
    ) -> None:
        self._alarms = [(pick(alarm, "AlarmName"), alarm) for alarm in alarms]
        self._muted = muted
        self._deployment = deployment
        self._ours = frozenset(deployment.alarm_names.values())

    def hold(
        self, check: Check, purpose: str, expected: str, ways: Iterable[tuple[_Metrics, _Wanted]]
    ) -> None:
        """In one of some ways there must be an alarm on the metrics that behaves so."""
        found: dict[str, list[str]] = {}
        unknown: dict[str, str] = {}
        for metrics, wanted in ways:
            for name, alarm in self._alarms:
                try:
                    if self._on_all(alarm, metrics):
                        found[name] = self._faults(name, alarm, metrics, wanted)
                except CannotTellError as error:
                    unknown[name] = str(error)
            if not all(found.values()):
                break
        good = not all(found.values())
        if not good and unknown:
            for name, reason in unknown.items():
                check.unknown(name, f"how the alarm behaves cannot be told: {reason}")
            return
        seen = {name: "; ".join(wrong) or "does" for name, wrong in found.items()}
        check.holds(purpose, "alarm", good, expected=expected, seen=seen or "no such alarm")

    def _on_all(self, alarm: Alarm, metrics: _Metrics) -> bool:
        account = self._deployment.account_id
        if "MetricName" not in alarm and not alarm.get("Metrics"):
            # Of what such an alarm rings at nothing is known, so it may be the one that is wanted.
            if pick(alarm, "AlarmName") in self._ours:
                raise CannotTellError("it names no metric")
            return False
        return all(watches(alarm, item, account) for item in metrics)

    def _faults(self, name: str, alarm: Alarm, metrics: _Metrics, wanted: _Wanted) -> list[str]:
        account = self._deployment.account_id
        heard = self._unheard(name, alarm)
        try:
            if depends := others(alarm, metrics, account):
                return [*heard, f"it depends on {in_words(depends)} as well"]
            units = wrong_units(alarm, metrics, account)
            if units:
                return [*heard, f"it takes data in {in_words(units)}, in which there are none"]
            return [*heard, *_evaluation(alarm), *_shortcomings(alarm, metrics, account, wanted)]
        except KeyError as error:
            raise NotVerifiedError(f"the API's answer on {name} lacks {error}") from None

    def _unheard(self, name: str, alarm: Alarm) -> list[str]:
        """Why an alarm that is not the stack's own is of no use; of its own alarm-actions says."""
        if name in self._ours:
            return []
        found = [] if notifies(alarm, self._deployment) else ["it does not notify the alert topic"]
        return [*found, *([self._muted[name]] if name in self._muted else [])]


def _shortcomings(
    alarm: Alarm, metrics: _Metrics, account: str, wanted: _Wanted
) -> tuple[str, ...]:
    if isinstance(wanted, Unusual):
        [metric] = metrics
        return faults_of_band(alarm, metric, account, wanted)
    return faults(alarm_of(alarm, metrics, account), wanted)


def notifies(alarm: Alarm, deployment: Deployment) -> bool:
    """Whether an alarm that rings tells the alert topic."""
    return bool(pick(alarm, "ActionsEnabled")) and deployment.alert_topic_arn in pick(
        alarm, "AlarmActions"
    )


def _evaluation(alarm: Alarm) -> list[str]:
    """What CloudWatch says of its evaluating an alarm; it says nothing where all is well.

    Raises CannotTellError where CloudWatch is not able to, for a while.
    """
    said = alarm.get("EvaluationState")
    if said == "EVALUATION_ERROR":
        return [f"CloudWatch cannot evaluate it: {alarm.get('StateReason')}"]
    if said is not None:
        raise CannotTellError(f"its evaluation is {said}: {alarm.get('StateReason')}")
    return []


def _hold(judge: _Judge, check: Check, required: Mapping[str, Any], timeout_seconds: float) -> None:
    share = required.get("share_of_timeout")
    value = required.get("value", 1) if share is None else share * timeout_seconds * 1000
    wanted = Behaviour(
        kind=required["behaviour"],
        within=required["within_minutes"],
        value=float(value),
        ordinary=float(required.get("ordinary", 0)),
        pause=required.get("pause_minutes", 0),
    )
    metrics = required["metrics"]
    on = " and ".join(f"{item['namespace']} {item['metric']}" for item in metrics)
    judge.hold(check, required["purpose"], f"on {on}, {wanted}", [(metrics, wanted)])


@pytest.mark.control("alarm-delivery-stopped", reads.alarms, reads.mute_rules, reads.mute_rule)
def test_alarms_ring_when_the_trail_falls_silent(
    check: Check,
    alarms: list[Alarm],
    muted: Mapping[str, str],
    deployment: Deployment,
    baseline: Mapping[str, Any],
) -> None:
    judge = _Judge(alarms, muted, deployment)
    for required in baseline["alarms"]["delivery"]:
        _hold(judge, check, required, baseline["function"]["timeout_seconds"])


@pytest.mark.control(
    "alarm-function-trouble",
    reads.alarms,
    reads.mute_rules,
    reads.mute_rule,
    reads.metric_filters,
    reads.subscription_filters,
    reads.pattern_on_messages,
)
def test_alarms_ring_when_the_function_is_in_trouble(
    check: Check,
    aws: Aws,
    alarms: list[Alarm],
    muted: Mapping[str, str],
    deployment: Deployment,
    baseline: Mapping[str, Any],
) -> None:
    deployment.require("function_name")
    judge = _Judge(alarms, muted, deployment)
    for required in baseline["alarms"]["function"]:
        _hold(judge, check, required, baseline["function"]["timeout_seconds"])
        if required["behaviour"] == "unanswered":
            _hold_count(check, aws, deployment, baseline, required["metrics"][0])


def _hold_count(
    check: Check,
    aws: Aws,
    deployment: Deployment,
    baseline: Mapping[str, Any],
    metric: Mapping[str, Any],
) -> None:
    """A metric filter counts, in `metric`, the events that should invoke the function.

    These are what the live subscription lets through, if that is what it must. If not, the
    subscription is at fault and not the count: a pattern that does is as good.
    """
    group = deployment.trail_log_group_name
    subscribed = [
        pick(entry, "filterPattern")
        for entry in aws.pick(reads.subscription_filters(deployment), "subscriptionFilters")
        if pick(entry, "filterName") == deployment.subscription_filter_name
    ]
    if not subscribed:
        check.unknown(group, "there is no subscription whose events could be seen to be counted")
        return
    counts = counted_by(aws.pick(reads.metric_filters(deployment), "metricFilters"), group)
    whole = [
        found
        for found in counts
        if found.metric == metric and not found.faults and not found.ordinary
    ]
    wrong = faults_of_pattern(aws, deployment, baseline, subscribed[0])
    check.holds(
        group,
        f"count of the events that the function must judge, in {metric['metric']}",
        any(
            found.pattern == subscribed[0]
            if not wrong
            else not faults_of_pattern(aws, deployment, baseline, found.pattern)
            for found in whole
        ),
        expected="one by each event that the subscription must let through, and by no other",
        seen=[str(found) for found in counts],
    )


@pytest.mark.control("alarm-actions", reads.alarms, reads.mute_rules, reads.mute_rule)
def test_alarms_of_the_stack_notify_the_alert_topic(
    check: Check,
    alarms: list[Alarm],
    muted: Mapping[str, str],
    deployment: Deployment,
    baseline: Mapping[str, Any],
) -> None:
    live = {pick(alarm, "AlarmName"): alarm for alarm in alarms}
    known = {deployment.alert_topic_arn, *baseline["alarms"]["accepted_actions"]}
    arns = deployment.alarm_arns
    for purpose, name in sorted(deployment.alarm_names.items()):
        alarm = live.get(name)
        check.holds(name, "alarm", alarm is not None, expected="exists", seen=alarm and "exists")
        if alarm is None:
            continue
        check.equal(name, "ARN", expected=arns[purpose], seen=pick(alarm, "AlarmArn"))
        check.equal(name, "actions enabled", expected=True, seen=pick(alarm, "ActionsEnabled"))
        actions = pick(alarm, "AlarmActions")
        topic = deployment.alert_topic_arn
        check.holds(name, "actions", topic in actions, expected=topic, seen=actions)
        others = [
            f"{member}: {action}"
            for member in ("AlarmActions", "OKActions", "InsufficientDataActions")
            for action in pick(alarm, member)
            if action not in known
        ]
        check.none(name, "actions that nobody asked for", others)
        check.none(name, "mute rules", [muted[name]] if name in muted else [])
        if alarm.get("StateValue") == "ALARM":
            check.notes.append(f"{name} is in ALARM: {alarm.get('StateReason')}")


@pytest.mark.control(
    "security-metric-alarms",
    reads.alarms,
    reads.mute_rules,
    reads.mute_rule,
    reads.metric_filters,
    reads.pattern_on_messages,
)
def test_metric_filters_and_alarms_watch_security_changes(
    check: Check,
    aws: Aws,
    alarms: list[Alarm],
    muted: Mapping[str, str],
    deployment: Deployment,
    baseline: Mapping[str, Any],
) -> None:
    ours = [alarm for alarm in alarms if notifies(alarm, deployment)]
    judge = _Judge(ours, muted, deployment)
    found = counted_by(
        aws.pick(reads.metric_filters(deployment), "metricFilters"),
        deployment.trail_log_group_name,
    )
    for required in baseline["alarms"]["metric_filters"]:
        _hold_filter(judge, check, aws, deployment, required, found)


@pytest.mark.control(
    "unusual-access-rings",
    reads.alarms,
    reads.mute_rules,
    reads.mute_rule,
    reads.bucket_request_metrics,
)
def test_unusual_access_to_the_log_bucket_rings(
    check: Check,
    aws: Aws,
    alarms: list[Alarm],
    muted: Mapping[str, str],
    deployment: Deployment,
    baseline: Mapping[str, Any],
) -> None:
    judge = _Judge([alarm for alarm in alarms if notifies(alarm, deployment)], muted, deployment)
    bucket, required = deployment.log_bucket_name, baseline["alarms"]["unusual_access"]
    wanted = Unusual(
        required["within_minutes"], required["deviations"], required["ordinary_deviations"]
    )
    counted = [
        pick(found, "Id")
        for found in listed(check, aws, deployment, reads.bucket_request_metrics)
        if "Filter" not in found
    ]
    check.holds(
        bucket,
        "metrics of its requests",
        bool(counted),
        expected="of the whole bucket",
        seen=counted or "none of the whole bucket",
    )
    ways = (
        (
            [
                {
                    "namespace": "AWS/S3",
                    "metric": "AllRequests",
                    "dimensions": {"BucketName": bucket, "FilterId": name},
                    "unit": "Count",
                }
            ],
            wanted,
        )
        for name in counted
    )
    judge.hold(check, "unusual access", f"on {bucket}'s AWS/S3 AllRequests, {wanted}", ways)


@pytest.mark.control(
    "break-glass-use-rings",
    reads.alarms,
    reads.mute_rules,
    reads.mute_rule,
    reads.metric_filters,
    reads.pattern_on_messages,
)
def test_use_of_the_break_glass_role_rings(
    check: Check,
    aws: Aws,
    alarms: list[Alarm],
    muted: Mapping[str, str],
    deployment: Deployment,
    baseline: Mapping[str, Any],
) -> None:
    judge = _Judge([alarm for alarm in alarms if notifies(alarm, deployment)], muted, deployment)
    found = counted_by(
        aws.pick(reads.metric_filters(deployment), "metricFilters"),
        deployment.trail_log_group_name,
    )
    required = baseline["access"]["break_glass"]
    _hold_filter(judge, check, aws, deployment, {"purpose": "break glass", **required}, found)


def _hold_filter(
    judge: _Judge,
    check: Check,
    aws: Aws,
    deployment: Deployment,
    required: Mapping[str, Any],
    found: Sequence[Counted],
) -> None:
    """An alarm must ring at the events that are required, counted by some filter.

    At the first of them, or at the first that is more than `more_than` in 5 minutes.
    """
    within, number = required["within_minutes"], required.get("more_than", 0) + 1
    ways = (
        ([item.metric], Behaviour("occurrence", within, item.value * number, item.ordinary))
        for item in counting(aws, deployment, required, found)
    )
    expected = f"within {within} minutes on a metric filter for every {_events(required)}"
    judge.hold(check, required["purpose"], expected, ways)


def _events(required: Mapping[str, Any]) -> str:
    names = [name for found in required.get("events", {}).values() for name in found]
    kind = [required["kind"].replace("-", " ")] if "kind" in required else []
    role = [f"use of {required['role']}"] if "role" in required else []
    return in_words([*names, *kind, *role])
