"""The subscription filter: lets through what the rules look at, and little else."""

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
from compliance_checker.filter_pattern import generate

from tests.compliance_checker.records import ROOT, Record, record
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


PATTERN = (REPOSITORY / "terraform" / "subscription-filter-pattern.txt").read_text("ascii").strip()
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


def test_file_holds_what_the_rules_generate() -> None:
    assert generate() == PATTERN


def test_pattern_keeps_the_limits_of_cloudwatch_logs() -> None:
    assert len(PATTERN) <= 1024
    expressions = PATTERN.split("%")[1::2]
    assert len(expressions) == 1
    assert re.fullmatch(r"[A-Za-z0-9^|]+", expressions[0])


@pytest.mark.parametrize("case", [pytest.param(case, id=what) for what, case, _ in VIOLATIONS])
def test_every_violation_gets_through(case: Record) -> None:
    without_code = {key: value for key, value in case.items() if key != "errorCode"}
    assert _passes(without_code)


def test_every_event_of_the_rules_gets_through() -> None:
    assert [name for name in EVENT_NAMES if not _passes(record("x", name))] == []


def test_root_gets_through_whatever_it_does() -> None:
    assert _passes(record("ec2", "DescribeInstances", userIdentity=ROOT))


def test_failed_calls_stay_out() -> None:
    assert not _passes(record("cloudtrail", "StopLogging", errorCode="AccessDenied"))


def test_reading_stays_out() -> None:
    reads = [name for name in _operations() if name.startswith(_READS)]
    assert len(reads) > 1000
    assert [name for name in reads if _passes(record("x", name))] == []


@pytest.mark.parametrize(
    "name",
    [
        "AssumeRole",
        "CreateLogStream",
        "CreateNetworkInterface",
        "Decrypt",
        "GenerateDataKey",
        "Invoke",
        "Publish",
        "PutLogEvents",
        "PutMetricData",
        "PutObject",
        "SendMessage",
    ],
)
def test_the_functions_own_calls_and_the_most_frequent_stay_out(name: str) -> None:
    assert not _passes(record("x", name))
    assert evaluate(record("x", name)) == []


def test_few_other_writes_come_along() -> None:
    writes = {name for name in _operations() if not name.startswith(_READS)}
    others = {name for name in writes - EVENT_NAMES if _passes(record("x", name))}
    assert len(others) < 0.06 * len(writes)


def test_too_many_names_are_refused() -> None:
    with pytest.raises(ValueError, match="too many event names"):
        generate(
            frozenset(
                f"{first}{second}AlertsEverywhere"
                for first in "ABCDEFGHIJKLM"
                for second in "abcdefghijklmnop"
            )
        )
