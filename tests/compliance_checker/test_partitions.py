"""Every partition as ``aws``: the same records with another partition in each ARN."""

from __future__ import annotations

import json
from typing import Any

import pytest
from compliance_checker.evaluate import evaluate

from tests.compliance_checker.records import Record
from tests.compliance_checker.violations import LOOK_ALIKES, VIOLATIONS

_PARTITIONS = (
    "aws-cn",
    "aws-eusc",
    "aws-iso",
    "aws-iso-b",
    "aws-iso-e",
    "aws-iso-f",
    "aws-us-gov",
)


def _moved(case: Record, partition: str) -> Any:
    return json.loads(json.dumps(case).replace("arn:aws:", f"arn:{partition}:"))


@pytest.mark.parametrize("partition", _PARTITIONS)
def test_what_is_found_in_aws_is_found_everywhere(partition: str) -> None:
    for what, case, rules in VIOLATIONS:
        found = [violation.rule.id for violation in evaluate(_moved(case, partition))]
        assert found == rules, what


@pytest.mark.parametrize("partition", _PARTITIONS)
def test_what_is_sound_in_aws_is_sound_everywhere(partition: str) -> None:
    for what, case in LOOK_ALIKES:
        assert evaluate(_moved(case, partition)) == [], what
