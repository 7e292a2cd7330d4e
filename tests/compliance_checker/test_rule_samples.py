"""The records by which live fire proves the deployed function: one for each rule, and no other."""

from __future__ import annotations

import json

import pytest
from compliance_checker.evaluate import evaluate
from compliance_checker.pipeline import AuditPipeline
from compliance_checker.rules import RULES

from tests.compliance_checker.door import Door
from verify.inputs import deployment
from verify.live_fire.invocation import Sample, samples

_DEPLOYED = deployment.parse(json.dumps(deployment.example()))
_PIPELINE = AuditPipeline(
    environment=_DEPLOYED.environment,
    topic_arn=_DEPLOYED.alert_topic_arn,
    trail_arn=_DEPLOYED.trail_arn,
    key_arn=_DEPLOYED.kms_key_arn,
)
_ALL = samples(_DEPLOYED, "RUN-1")
_SAMPLES = [pytest.param(each, id=each.rule) for each in _ALL if not each.is_finding]


def test_every_rule_has_one_sample_and_so_has_a_finding() -> None:
    of_records = sorted(each.rule for each in _ALL if not each.is_finding)
    assert of_records == sorted(rule.id for rule in RULES)
    [finding] = [each for each in _ALL if each.is_finding]
    door = Door()
    [alert] = door.handle({"test": {"findings": [finding.record]}})["alerts"]
    assert (alert["rule"], alert["event"]["event_id"]) == (finding.rule, finding.event_id)


@pytest.mark.parametrize("sample", _SAMPLES)
def test_sample_violates_its_rule_alone(sample: Sample) -> None:
    assert [violation.rule.id for violation in evaluate(sample.record, _PIPELINE)] == [sample.rule]


@pytest.mark.parametrize("sample", _SAMPLES)
def test_sample_that_failed_violates_nothing(sample: Sample) -> None:
    assert evaluate({**sample.record, "errorCode": "AccessDenied"}, _PIPELINE) == []
