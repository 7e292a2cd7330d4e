"""What several checks look at, through the one door, which fetches it once.

Each check asks for itself, so that each names the answer as its evidence.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from verify.account import reads
from verify.account.answer import pick
from verify.account.door import Aws
from verify.inputs.deployment import Deployment
from verify.model import NotVerifiedError


def only(answer: Mapping[str, Any], key: str, what: str) -> Mapping[str, Any]:
    """The one element of the list `key`; what should hold the evidence must be there."""
    found = pick(answer, key)
    if len(found) != 1:
        raise NotVerifiedError(f"expected one {what}, AWS lists {len(found)}")
    element: Mapping[str, Any] = found[0]
    return element


@pytest.fixture
def trail(aws: Aws, deployment: Deployment) -> Mapping[str, Any]:
    """The trail as DescribeTrails gives it."""
    answer = aws.read(reads.trail(deployment))
    return only(answer.response or {}, "trailList", f"trail {deployment.trail_arn}")


@pytest.fixture
def trail_status(aws: Aws, deployment: Deployment) -> Mapping[str, Any]:
    """GetTrailStatus of the trail in its home region."""
    answer = aws.read(reads.trail_status(deployment))
    return answer.response or {}


def _with_all(
    found: list[Mapping[str, Any]], key: str, expected: Iterable[str]
) -> list[Mapping[str, Any]]:
    """`found`, if it holds all that the outputs name; a listing that lacks one is not complete."""
    missing = set(expected) - {pick(item, key) for item in found}
    if missing:
        raise NotVerifiedError(f"AWS's listing lacks {', '.join(sorted(missing))}")
    return found


@pytest.fixture
def vpc_groups(aws: Aws, deployment: Deployment) -> list[Mapping[str, Any]]:
    """Every security group of the VPC."""
    answer = aws.read(reads.security_groups(deployment))
    return _with_all(
        pick(answer.response or {}, "SecurityGroups"),
        "GroupId",
        (deployment.application_security_group_id, deployment.default_security_group_id),
    )


@pytest.fixture
def vpc_subnets(aws: Aws, deployment: Deployment) -> list[Mapping[str, Any]]:
    """Every subnet of the VPC, those that the outputs do not name included."""
    answer = aws.read(reads.subnets(deployment))
    return _with_all(
        pick(answer.response or {}, "Subnets"), "SubnetId", deployment.private_subnet_ids
    )


@pytest.fixture
def key(aws: Aws, deployment: Deployment) -> Mapping[str, Any]:
    """The key's metadata."""
    answer = aws.read(reads.key(deployment))
    metadata: Mapping[str, Any] = pick(answer.response or {}, "KeyMetadata")
    return metadata


@pytest.fixture
def function(aws: Aws, deployment: Deployment) -> Mapping[str, Any]:
    """The function's configuration."""
    answer = aws.read(reads.function(deployment))
    return answer.response or {}


@pytest.fixture
def alarms(aws: Aws) -> list[Mapping[str, Any]]:
    """Every metric alarm of the account and region."""
    answer = aws.read(reads.alarms())
    found: list[Mapping[str, Any]] = pick(answer.response or {}, "MetricAlarms")
    return found


@pytest.fixture
def alert_topic(aws: Aws, deployment: Deployment) -> Mapping[str, Any]:
    """The attributes of the alert topic."""
    answer = aws.read(reads.alert_topic(deployment))
    attributes: Mapping[str, Any] = pick(answer.response or {}, "Attributes")
    return attributes
