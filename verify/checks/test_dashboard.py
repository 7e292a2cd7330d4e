"""Alarms: what they watch can be seen at a glance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from verify.account import reads
from verify.account.answer import pick
from verify.account.door import Aws
from verify.alarms.alarm import metrics_of
from verify.alarms.dashboard import Dashboard, DashboardError, Shown, read
from verify.check import Check
from verify.checks.metric_filters import counted_by
from verify.inputs.deployment import Deployment


@pytest.mark.control(
    "dashboard-shows-what-is-watched", reads.dashboard, reads.alarms, reads.metric_filters
)
def test_the_dashboard_shows_every_alarm_and_what_it_watches(
    check: Check, aws: Aws, deployment: Deployment, baseline: Mapping[str, Any]
) -> None:
    found = _found(check, aws, deployment)
    if found is None:
        return
    name = deployment.dashboard_name or ""
    check.none(
        name,
        "alarms that it does not show",
        [arn for arn in deployment.alarm_arns.values() if arn not in found.alarms],
    )
    wanted = {
        *_watched(aws, deployment),
        *(_shown(metric, deployment) for metric in baseline["dashboard"]["metrics"]),
    }
    check.none(name, "metrics that it does not show", _in_words(wanted - found.metrics))
    counted = {
        _shown(item.metric, deployment)
        for item in counted_by(
            aws.pick(reads.metric_filters(deployment), "metricFilters"),
            deployment.trail_log_group_name,
        )
    }
    strangers = found.metrics - wanted - counted
    check.none(name, "metrics that it shows, and nobody publishes", _in_words(strangers))


def _found(check: Check, aws: Aws, deployment: Deployment) -> Dashboard | None:
    """The dashboard; that there is none, or that it shows nothing, decides the control."""
    subject = deployment.dashboard_name or deployment.trail_name
    answer = None
    if deployment.dashboard_name is not None:
        answer = aws.read(reads.dashboard(deployment)).response
    seen = "none" if answer is None else "there"
    check.holds(subject, "dashboard", answer is not None, expected="there", seen=seen)
    if answer is None:
        return None
    try:
        return read(pick(answer, "DashboardBody"), deployment.account_id)
    except DashboardError as error:
        check.holds(subject, "body", False, expected="widgets", seen=str(error))
        return None


def _watched(aws: Aws, deployment: Deployment) -> Iterator[Shown]:
    """The metrics of the stack's alarms."""
    ours = frozenset(deployment.alarm_names.values())
    for alarm in aws.pick(reads.alarms(), "MetricAlarms"):
        if pick(alarm, "AlarmName") in ours:
            for metric in metrics_of(alarm):
                dimensions = {one["Name"]: one["Value"] for one in metric.get("Dimensions", [])}
                yield _shown(
                    {
                        "namespace": metric["Namespace"],
                        "metric": metric["MetricName"],
                        "dimensions": dimensions,
                    },
                    deployment,
                )


def _shown(metric: Mapping[str, Any], deployment: Deployment) -> Shown:
    return Shown(
        metric["namespace"],
        metric["metric"],
        frozenset(metric["dimensions"].items()),
        deployment.region,
        deployment.account_id,
    )


def _in_words(metrics: set[Shown] | frozenset[Shown]) -> list[str]:
    return sorted(map(str, metrics))
