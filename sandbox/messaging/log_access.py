"""Who may write into a log group beside roles, and whether the group's key lets CloudWatch Logs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from moto.utilities.utils import get_partition

from sandbox import regions
from sandbox.access import permissions, policy
from sandbox.access.policy import AccessRequest, Decision, Principal
from sandbox.messaging import log_settings
from sandbox.world import World

# EventBridge's guide admits both, and does not say which of them opens a stream and which writes:
# what either is kept from is not delivered here.
# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html#eb-cloudwatchlogs-permissions
_OF_EVENTBRIDGE = ("delivery.logs.amazonaws.com", "events.amazonaws.com")


def rule_may_write(world: World, group: Any, rule_arn: str) -> bool:
    """Whether EventBridge may write a rule's events into one of moto's log groups.

    By the account's resource policies and the group's own together, and by the group's key. For
    what it opens a stream EventBridge does not say here: AWS's example has no condition there.
    """
    stream = f"{group_arn(world, group.region, group.name)}:log-stream:events"
    source = {"aws:sourcearn": rule_arn, "aws:sourceaccount": world.settings.account}
    documents = [policy.parse(text) for text in _policies(world, group)]
    admitted = all(
        _allowed(documents, service, action, stream, context)
        for service in _OF_EVENTBRIDGE
        for action, context in (("logs:CreateLogStream", {}), ("logs:PutLogEvents", source))
    )
    key = group.kms_key_id
    return admitted and not (key and key_refusal(world, group.region, group.name, key))


def _policies(world: World, group: Any) -> Iterable[str]:
    for kept in world.backend("logs", group.region).resource_policies.values():
        yield kept.policy_document
    own = log_settings.of_group(group).resource_policy
    if own is not None:
        yield own["policyDocument"]


def _allowed(
    documents: Iterable[policy.Document],
    service: str,
    action: str,
    resource: str,
    source: Mapping[str, str],
) -> bool:
    context = {
        "aws:principalisawsservice": "true",
        "aws:principalservicename": service,
        "aws:securetransport": "true",
        **source,
    }
    request = AccessRequest(Principal(service=service), action, resource, context)
    return policy.evaluate(documents, request) is Decision.ALLOW


def key_refusal(world: World, region: str, name: str, key: str) -> str | None:
    """Why CloudWatch Logs may not encrypt a group with a key, in KMS's words; None when it may.

    The key's policy must admit the service of the region.
    """
    arn = group_arn(world, region, name)
    encryption = {"kms:encryptioncontext:aws:logs:arn": arn}
    service = f"logs.{region}.{regions.dns_suffix(region)}"
    for action in ("kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey"):
        refusal = permissions.key_refusal(world, key, service, action, arn, encryption, region)
        if refusal is not None:
            return refusal
    return None


def group_arn(world: World, region: str, name: str) -> str:
    """The ARN of a log group, without the ending for its streams."""
    return f"arn:{get_partition(region)}:logs:{region}:{world.settings.account}:log-group:{name}"
