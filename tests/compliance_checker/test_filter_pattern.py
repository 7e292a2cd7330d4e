"""The subscription filter: lets through all that the rules look at, and not what is noise."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from pathlib import Path
from typing import Any

import botocore.loaders
import pytest
from compliance_checker.evaluate import EVENT_NAMES, evaluate
from compliance_checker.filter_pattern import deployed_pattern

from tests.compliance_checker.records import ROOT, Record, console_sign_in, record
from tests.compliance_checker.violations import VIOLATIONS

REPOSITORY = Path(__file__).parents[2]
# Services whose records make up most of a trail.
_SERVICES = (
    "autoscaling",
    "cloudformation",
    "cloudtrail",
    "cloudwatch",
    "config",
    "dynamodb",
    "ec2",
    "ecr",
    "ecs",
    "elbv2",
    "events",
    "guardduty",
    "iam",
    "kms",
    "lambda",
    "logs",
    "rds",
    "s3",
    "secretsmanager",
    "securityhub",
    "sns",
    "sqs",
    "ssm",
    "sts",
)
_READS = (
    "BatchGet",
    "Check",
    "Describe",
    "Get",
    "Head",
    "List",
    "Lookup",
    "Query",
    "Search",
    "Test",
)


def _load_grammar() -> Any:
    """The sandbox's filter patterns, by path: pytest gives its name to a folder of tests."""
    path = REPOSITORY / "sandbox" / "messaging" / "filter_pattern.py"
    spec = importlib.util.spec_from_file_location("_sandbox_filter_pattern", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


NOTES = (REPOSITORY / "terraform" / "subscription-filter-pattern.txt").read_text("ascii")
PATTERN = deployed_pattern()
LEFT_OUT = re.findall(r'eventName != "(\w+)"', PATTERN)
FILTER = _load_grammar().compile_pattern(PATTERN)


def _passes(content: Record) -> bool:
    return bool(FILTER.matches(json.dumps(content)))


def _operations() -> set[str]:
    loader = botocore.loaders.Loader()
    return {
        name
        for service in _SERVICES
        for name in loader.load_service_model(service, "service-2")["operations"]
    }


def _older(content: Record) -> Record:
    """A record as CloudTrail wrote it before it said whether a call only reads."""
    return {key: content[key] for key in content if key not in ("readOnly", "managementEvent")}


def _lets_through_in_any_dress(name: str) -> bool:
    """Whether a change gets through with today's fields and with those of older records."""
    return _passes(record("x", name)) and _passes(_older(record("x", name)))


def test_pattern_keeps_the_limits_of_cloudwatch_logs() -> None:
    assert len(PATTERN) <= 1024
    assert f"{len(PATTERN)} characters of the 1,024" in NOTES
    assert "%" not in PATTERN
    assert "#" not in PATTERN


@pytest.mark.parametrize("case", [pytest.param(case, id=what) for what, case, _ in VIOLATIONS])
def test_every_violation_gets_through(case: Record) -> None:
    without_code = {key: value for key, value in case.items() if key != "errorCode"}
    assert _passes(without_code)


def test_every_event_of_the_rules_gets_through() -> None:
    kept = [name for name in EVENT_NAMES if not _lets_through_in_any_dress(name)]
    assert kept == [], "remove their lines from terraform/subscription-filter-pattern.txt"


def test_a_change_that_no_rule_knows_yet_gets_through() -> None:
    assert _lets_through_in_any_dress("ShareTheWholeDatabase")


def test_root_gets_through_whatever_it_does() -> None:
    read: Record = {"userIdentity": ROOT, "readOnly": True}
    assert _passes(record("ec2", "DescribeInstances", **read))
    assert _passes(record("s3", "GetObject", managementEvent=False, **read))
    assert all(_passes(record("x", name, userIdentity=ROOT)) for name in LEFT_OUT)


@pytest.mark.parametrize("read_only", [True, False])
def test_every_sign_in_gets_through(read_only: bool) -> None:
    for used in ("No", "Yes"):
        assert _passes({**console_sign_in(multi_factor=used), "readOnly": read_only})


def test_failed_calls_stay_out() -> None:
    assert not _passes(record("cloudtrail", "StopLogging", errorCode="AccessDenied"))


def test_reading_stays_out() -> None:
    reads = [name for name in _operations() if name.startswith(_READS)]
    assert len(reads) > 1000
    assert [name for name in reads if _passes(record("x", name, readOnly=True))] == []


@pytest.mark.parametrize("name", LEFT_OUT)
def test_what_is_noise_stays_out_and_is_in_no_rule(name: str) -> None:
    assert not _passes(record("x", name))
    assert not _passes(_older(record("x", name)))
    assert name not in EVENT_NAMES
    assert evaluate(record("x", name)) == []


@pytest.mark.parametrize(
    "name",
    ["Invoke", "Publish", "PutItem", "PutLogEvents", "PutMetricData", "PutObject", "SendMessage"],
)
def test_data_events_stay_out(name: str) -> None:
    assert not _passes(record("x", name, managementEvent=False, eventCategory="Data"))
    assert evaluate(record("x", name)) == []


@pytest.mark.parametrize("name", ["AssumeRole", "Decrypt", "Encrypt", "GenerateDataKey"])
def test_the_functions_own_reads_and_the_most_frequent_stay_out(name: str) -> None:
    assert not _passes(record("x", name, readOnly=True))
    assert evaluate(record("x", name)) == []
