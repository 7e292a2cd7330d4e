"""Faults of the dashboard: what is watched cannot be seen, or what is seen is nobody's."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any

from mutants.account import STRANGER, Account
from mutants.model import Family

_SHOWS = "dashboard-shows-what-is-watched"
FAMILY = Family("dashboard", _SHOWS)

Widgets = list[dict[str, Any]]


def _draw(change: Callable[[Widgets], None], account: Account, mending: ExitStack) -> None:
    """Draw the dashboard's widgets otherwise until mended."""
    name = {"DashboardName": account.outputs["dashboard_name"]}
    body = account.cloudwatch.get_dashboard(**name)["DashboardBody"]
    mending.callback(account.cloudwatch.put_dashboard, **name, DashboardBody=body)
    changed = json.loads(body)
    change(changed["widgets"])
    account.cloudwatch.put_dashboard(**name, DashboardBody=json.dumps(changed))


def _widget(widgets: Widgets, title: str) -> dict[str, Any]:
    """The properties of the widget whose title ends so."""
    [found] = [one["properties"] for one in widgets if one["properties"]["title"].endswith(title)]
    return found  # type: ignore[no-any-return]  # JSON


_DONE, _FUNCTION, _HOURS = "what somebody did", "the compliance function", "clean verification"


def _without_an_alarm(widgets: Widgets) -> None:
    _widget(widgets, "Alarms")["alarms"].pop()


def _without_a_widget(widgets: Widgets) -> None:
    widgets[:] = [one for one in widgets if not one["properties"]["title"].endswith(_DONE)]


def _without_a_metric(widgets: Widgets) -> None:
    _widget(widgets, _FUNCTION)["metrics"].pop(0)


def _elsewhere(widgets: Widgets) -> None:
    _widget(widgets, _FUNCTION)["region"] = "eu-west-1"


def _of_another_account(widgets: Widgets) -> None:
    _widget(widgets, _FUNCTION)["accountId"] = STRANGER


def _of_another_function(widgets: Widgets) -> None:
    [errors] = [row for row in _widget(widgets, _FUNCTION)["metrics"] if row[1] == "Errors"]
    errors[3] = "lambda-of-somebody"


def _hidden(widgets: Widgets) -> None:
    for row in _widget(widgets, _DONE)["metrics"]:
        row[-1]["visible"] = False


def _of_nobody(widgets: Widgets) -> None:
    _widget(widgets, _DONE)["metrics"].append(["Trailwarden/AuditTrail", "logins-of-strangers"])


def _in_another_namespace(widgets: Widgets) -> None:
    for row in _widget(widgets, _DONE)["metrics"]:
        row[0] = "Trailwarden/AuditTrails"


def _without_the_clock(widgets: Widgets) -> None:
    shown = _widget(widgets, _HOURS)
    shown["metrics"] = [row for row in shown["metrics"] if "expression" not in row[0]]


for _name, _description, _change in (
    ("without-an-alarm", "an alarm is missing on the dashboard", _without_an_alarm),
    ("without-a-widget", "the widget of what somebody did is gone", _without_a_widget),
    ("without-a-metric", "a metric of the function's alarms is missing", _without_a_metric),
    ("of-another-region", "the function's metrics are another region's", _elsewhere),
    ("of-another-account", "the function's metrics are another account's", _of_another_account),
    ("of-another-function", "the errors are another function's", _of_another_function),
    ("hidden", "the metrics of what somebody did are hidden", _hidden),
    ("of-nobody", "a metric is shown that nobody publishes", _of_nobody),
    (
        "in-another-namespace",
        "what somebody did is read in a wrong namespace",
        _in_another_namespace,
    ),
    ("without-the-clock", "nothing is computed of the last clean verification", _without_the_clock),
):
    FAMILY.add(f"dashboard-{_name}", _description, partial(_draw, _change), _SHOWS)


@FAMILY.fault("the dashboard is deleted", _SHOWS)
def dashboard_deleted(account: Account, mending: ExitStack) -> None:
    name = account.outputs["dashboard_name"]
    body = account.cloudwatch.get_dashboard(DashboardName=name)["DashboardBody"]
    mending.callback(account.cloudwatch.put_dashboard, DashboardName=name, DashboardBody=body)
    account.cloudwatch.delete_dashboards(DashboardNames=[name])
