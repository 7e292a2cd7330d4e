"""The records by which live fire proves the deployed function: one for each rule, and no other."""

from __future__ import annotations

import json

import pytest
from compliance_checker.evaluate import evaluate
from compliance_checker.pipeline import AuditPipeline
from compliance_checker.rules import RULES

from verify.inputs import deployment
from verify.live_fire.invocation import Sample, samples

_DEPLOYED = deployment.parse(json.dumps(deployment.example()))
_PIPELINE = AuditPipeline(
    environment=_DEPLOYED.environment,
    topic_arn=_DEPLOYED.alert_topic_arn,
    trail_arn=_DEPLOYED.trail_arn,
    key_arn=_DEPLOYED.kms_key_arn,
)
_SAMPLES = [pytest.param(each, id=each.rule) for each in samples(_DEPLOYED, "RUN-1")]


def test_every_rule_has_one_sample() -> None:
    sampled = sorted(each.rule for each in samples(_DEPLOYED, "RUN-1"))
    assert sampled == sorted(rule.id for rule in RULES)


@pytest.mark.parametrize("sample", _SAMPLES)
def test_sample_violates_its_rule_alone(sample: Sample) -> None:
    assert [violation.rule.id for violation in evaluate(sample.record, _PIPELINE)] == [sample.rule]


@pytest.mark.parametrize("sample", _SAMPLES)
def test_sample_that_failed_violates_nothing(sample: Sample) -> None:
    assert evaluate({**sample.record, "errorCode": "AccessDenied"}, _PIPELINE) == []
