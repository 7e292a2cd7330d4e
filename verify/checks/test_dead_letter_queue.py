"""Dead-letter queue: what the function cannot process is kept, whole and in sight."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from verify.account import reads
from verify.account.answer import pick
from verify.account.door import Aws
from verify.check import Check
from verify.checks.admission import report_admitted, report_transport, report_usable
from verify.checks.encryption import report_key
from verify.checks.subscribers import parsed
from verify.inputs.deployment import Deployment


@pytest.fixture
def queue(aws: Aws, deployment: Deployment) -> Mapping[str, Any]:
    """The attributes of the dead-letter queue."""
    attributes: Mapping[str, Any] = aws.pick(reads.dead_letter_queue(deployment), "Attributes")
    return attributes


@pytest.mark.control("function-dead-letter-queue", reads.function, reads.dead_letter_queue)
def test_function_keeps_what_it_cannot_process(
    check: Check,
    function: Mapping[str, Any],
    queue: Mapping[str, Any],
    deployment: Deployment,
    baseline: Mapping[str, Any],
    hold_settings: Callable[[], None],
) -> None:
    name = deployment.dead_letter_queue_arn
    check.equal(
        deployment.function_arn,
        "dead-letter queue",
        expected=name,
        seen=function.get("DeadLetterConfig", {}).get("TargetArn"),
    )
    check.equal(name, "ARN", expected=name, seen=pick(queue, "QueueArn"))
    report_key(check, name, queue, deployment)
    hold_settings()
    # What SQS leaves out of a queue's attributes is not set: the queue moves nothing on, any queue
    # may make it its own dead-letter queue, and it is a standard one.
    check.equal(
        name,
        "where it moves messages",
        expected="nowhere",
        seen=parsed(queue, "RedrivePolicy").get("deadLetterTargetArn", "nowhere"),
    )
    check.equal(
        name,
        "queues whose dead letters it takes",
        expected=baseline["dead_letter_queue"]["redrive_permission"],
        seen=parsed(queue, "RedriveAllowPolicy").get("redrivePermission", "allowAll"),
        declared="aws_sqs_queue.dead_letter.redrive_allow_policy",
    )
    check.equal(
        name,
        "first in, first out",  # to which Lambda cannot send
        expected=False,
        seen=queue.get("FifoQueue", "false") != "false",
    )


@pytest.mark.control("dead-letter-queue-policy", reads.dead_letter_queue)
def test_dead_letter_queue_is_open_to_nobody(
    check: Check, queue: Mapping[str, Any], deployment: Deployment
) -> None:
    name = deployment.dead_letter_queue_arn
    check.equal(name, "ARN", expected=name, seen=pick(queue, "QueueArn"))
    policy = queue.get("Policy")
    check.holds(
        name, "policy", policy is not None, expected="refuses plain HTTP", seen=policy or "none"
    )
    if policy is None:
        return
    report_admitted(check, name, policy, deployment, {})
    report_usable(check, name, policy, deployment.function_role_arn, ("sqs:SendMessage",))
    report_transport(check, name, policy, deployment, ("sqs:SendMessage", "sqs:ReceiveMessage"))
