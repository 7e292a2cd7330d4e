"""The log groups of the deployment, as AWS describes them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from verify.account import reads
from verify.account.answer import pick
from verify.account.door import Aws
from verify.check import Check
from verify.inputs.deployment import Deployment


def existing_groups(
    check: Check, aws: Aws, deployment: Deployment
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each log group by its name; one that does not exist fails the check.

    AWS lists by the beginning of the name: another group is not the one that was asked for, nor is
    one of that name elsewhere. Reads `reads.log_group`.
    """
    for name in deployment.subjects("aws_cloudwatch_log_group"):
        group = existing_group(check, aws, deployment, name)
        if group is not None:
            yield name, group


def existing_group(
    check: Check, aws: Aws, deployment: Deployment, name: str
) -> Mapping[str, Any] | None:
    """The log group of that name, as for `existing_groups`; None where there is none."""
    arn = f"{reads.log_group_arn(deployment, name)}:*"
    found: dict[str, Mapping[str, Any]] = {
        pick(group, "arn"): group
        for group in aws.pick(reads.log_group(deployment, name), "logGroups")
        if pick(group, "logGroupName") == name
    }
    check.holds(name, "log group", arn in found, expected=arn, seen=set(found) or "none")
    return found.get(arn)


def required_days(baseline: Mapping[str, Any], name: str) -> int:
    """For how many days the events of a log group must be kept."""
    required = baseline["log_groups"]
    days: int = required["retention_of"].get(name, required["retention_days"])
    return days


def resource_policies(aws: Aws, deployment: Deployment, name: str) -> Iterator[Mapping[str, Any]]:
    """The policies by which others may write into a log group: the account's, and its own.

    Reads `reads.resource_policies` and `reads.resource_policies_of_group`.
    """
    yield from aws.pick(reads.resource_policies(), "resourcePolicies")
    of_group = aws.read(reads.resource_policies_of_group(deployment, name)).response
    yield from pick(of_group, "resourcePolicies") if of_group is not None else ()


def names_group(identifier: str, deployment: Deployment, name: str) -> bool:
    """Whether an identifier is a group's: its name, or its ARN with or without the last `:*`."""
    return identifier.removesuffix(":*") in (name, reads.log_group_arn(deployment, name))
