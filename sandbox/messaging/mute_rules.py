"""Alarm mute rules, which moto lacks: for a while they keep alarms' actions from being run.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-mute-rules.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from moto.cloudwatch.exceptions import ResourceNotFoundException
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.responses import ActionResult, EmptyResult
from moto.utilities.utils import get_partition

from sandbox.clock import now
from sandbox.messaging.schedule import cron_matches
from sandbox.replacement import Kind, Replacement
from sandbox.world import World

Rule = dict[str, Any]  # as GetAlarmMuteRule gives it

_AT = re.compile(r"at\((\d{4}-\d\d-\d\dT\d\d:\d\d)\)")
_CRON = re.compile(r"cron\((\S+ \S+ \S+ \S+) (\S+)\)")
_DURATION = re.compile(r"P(?:(?P<days>\d+)D)?(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?)?")
_ATTRIBUTE = "sandbox_mute_rules"


def rules_of(backend: Any) -> dict[str, Rule]:
    """The mute rules of a region's CloudWatch, by their names."""
    found: dict[str, Rule] = backend.__dict__.setdefault(_ATTRIBUTE, {})
    return found


def is_muted(backend: Any, alarm: str) -> bool:
    """Whether the actions of an alarm are muted now."""
    moment = now()
    return any(
        alarm in rule.get("MuteTargets", {}).get("AlarmNames", [])
        and _status(rule, moment) == "ACTIVE"
        for rule in rules_of(backend).values()
    )


def _status(rule: Rule, moment: datetime) -> str:
    expires, starts = rule.get("ExpireDate"), rule.get("StartDate")
    schedule = rule["Rule"]["Schedule"]
    if (expires is not None and moment >= _aware(expires)) or _is_over(schedule, moment):
        return "EXPIRED"
    begun = starts is None or moment >= _aware(starts)
    return "ACTIVE" if begun and _in_window(schedule, moment) else "SCHEDULED"


def _is_over(schedule: Mapping[str, str], moment: datetime) -> bool:
    """Whether the only window of a schedule has passed."""
    at = _AT.fullmatch(schedule["Expression"])
    return at is not None and _local(schedule, moment) >= (
        datetime.fromisoformat(at[1]) + _lasts(schedule)
    )


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _local(schedule: Mapping[str, str], moment: datetime) -> datetime:
    zone = ZoneInfo(schedule.get("Timezone", "UTC"))
    return moment.astimezone(zone).replace(second=0, microsecond=0, tzinfo=None)


def _lasts(schedule: Mapping[str, str]) -> timedelta:
    parts = _DURATION.fullmatch(schedule["Duration"])
    given = {} if parts is None else parts.groupdict(default="0")
    return timedelta(**{unit: int(number) for unit, number in given.items()})


def _in_window(schedule: Mapping[str, str], moment: datetime) -> bool:
    local, lasts = _local(schedule, moment), _lasts(schedule)
    if at := _AT.fullmatch(schedule["Expression"]):
        start = datetime.fromisoformat(at[1])
        return start <= local < start + lasts
    cron = _CRON.fullmatch(schedule["Expression"])
    if cron is None:
        return False
    # EventBridge's form has a year, and counts the days of the week from 1.
    weekday = re.sub(r"\d", lambda day: str(int(day[0]) % 7 + 1), cron[2])
    expression = f"cron({cron[1]} {weekday} *)"
    minutes = range(int(lasts.total_seconds()) // 60)
    return any(cron_matches(expression, local - timedelta(minutes=ago)) for ago in minutes)


def put_alarm_mute_rule(_: World, response: Any) -> EmptyResult:
    """Make a rule, or put another in its place."""
    members = ("Name", "Description", "Rule", "MuteTargets", "StartDate", "ExpireDate")
    given = {member: response._get_param(member) for member in members}
    rule = {member: value for member, value in given.items() if value is not None}
    rule["LastUpdatedTimestamp"] = now()
    rules_of(response.cloudwatch_backend)[rule["Name"]] = rule
    return EmptyResult()


def get_alarm_mute_rule(world: World, response: Any) -> ActionResult:
    """A rule. Raises ResourceNotFoundException."""
    name = response._get_param("AlarmMuteRuleName")
    rule = rules_of(response.cloudwatch_backend).get(name)
    if rule is None:
        raise ResourceNotFoundException(f"Unknown alarm mute rule: {name}")
    return ActionResult({**rule, **_summary(world, response.region, rule)})


def list_alarm_mute_rules(world: World, response: Any) -> ActionResult:
    """The rules, of an alarm or with a status where those are asked for."""
    return ActionResult({"AlarmMuteRuleSummaries": [*_listed(world, response)]})


def _listed(world: World, response: Any) -> Iterator[dict[str, Any]]:
    alarm, statuses = response._get_param("AlarmName"), response._get_param("Statuses")
    for rule in rules_of(response.cloudwatch_backend).values():
        summary = _summary(world, response.region, rule)
        targets = rule.get("MuteTargets", {}).get("AlarmNames", [])
        if (not alarm or alarm in targets) and (not statuses or summary["Status"] in statuses):
            yield summary


def delete_alarm_mute_rule(_: World, response: Any) -> EmptyResult:
    """Delete a rule, if there is one."""
    name = response._get_param("AlarmMuteRuleName")
    rules_of(response.cloudwatch_backend).pop(name, None)
    return EmptyResult()


def _summary(world: World, region: str, rule: Rule) -> dict[str, Any]:
    once = rule["Rule"]["Schedule"]["Expression"].startswith("at(")
    return {
        "AlarmMuteRuleArn": f"arn:{get_partition(region)}:cloudwatch:{region}"
        f":{world.settings.account}:alarm-mute-rule:{rule['Name']}",
        "Status": _status(rule, now()),
        "MuteType": "ONE_TIME" if once else "RECURRING",
        "LastUpdatedTimestamp": rule["LastUpdatedTimestamp"],
        **({"ExpireDate": rule["ExpireDate"]} if "ExpireDate" in rule else {}),
    }


REPLACEMENTS = tuple(
    Replacement(
        CloudWatchResponse,
        function.__name__,
        function,
        "moto has no alarm mute rules, by which an alarm rings and nobody is told.",
        Kind.ADDED,
    )
    for function in (
        put_alarm_mute_rule,
        get_alarm_mute_rule,
        list_alarm_mute_rules,
        delete_alarm_mute_rule,
    )
)
