"""What a filter pattern lets through, as CloudWatch Logs itself says when it is tried."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from verify.account import reads
from verify.account.answer import pick
from verify.account.door import Aws
from verify.events.samples import Place, Sample, misjudged, samples
from verify.inputs.deployment import Deployment
from verify.model import NotVerifiedError

_MESSAGES_A_CALL = 50  # that TestMetricFilter takes


def faults_of_pattern(
    aws: Aws, deployment: Deployment, baseline: Mapping[str, Any], pattern: str
) -> list[str]:
    """Which events of the baseline a pattern keeps out, and what it lets through without need.

    Raises NotVerifiedError when CloudWatch Logs does not say.
    """
    place = Place(deployment.partition, deployment.account_id, deployment.region)
    return misjudged_by(aws, pattern, samples(baseline["log_groups"]["subscription_events"], place))


def misjudged_by(aws: Aws, pattern: str, tried: Sequence[Sample]) -> list[str]:
    """Which of the samples a pattern gets wrong.

    Raises NotVerifiedError when CloudWatch Logs does not say.
    """
    messages = [sample.message for sample in tried]
    asked = [
        partial(
            aws.pick,
            reads.pattern_on_messages(pattern, messages[start : start + _MESSAGES_A_CALL]),
            "matches",
        )
        for start in range(0, len(messages), _MESSAGES_A_CALL)
    ]
    aws.side_by_side(asked)
    matched = [pick(match, "eventMessage") for matches in asked for match in matches()]
    if not set(matched) <= set(messages):
        raise NotVerifiedError("test_metric_filter tells of messages that it was not given")
    return misjudged(tried, matched)
