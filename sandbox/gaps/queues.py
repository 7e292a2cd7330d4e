"""Where moto's answers about queues differ from SQS's."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from moto.sqs.exceptions import SQSException
from moto.sqs.models import Queue, SQSBackend

from sandbox.replacement import Kind, Replacement
from sandbox.world import World

_LOOK_SECONDS = 0.02


def receive_message(
    world: World,
    original: Callable[..., list[Any]],
    backend: Any,
    queue_name: str,
    count: int,
    wait_seconds_timeout: int,
    visibility_timeout: int,
    message_attribute_names: list[str] | None = None,
) -> list[Any]:
    """At most ``count`` messages, waited for without the lock."""
    until = time.monotonic() + (wait_seconds_timeout or 0)
    while True:
        with world.lock:
            found = original(
                backend, queue_name, count, 0, visibility_timeout, message_attribute_names
            )
        if found or time.monotonic() >= until:
            return found
        time.sleep(_LOOK_SECONDS)


def set_attributes(
    world: World,
    original: Callable[..., None],
    queue: Any,
    attributes: dict[str, Any],
    moment: float | None = None,
) -> None:
    """Change a queue's attributes, and no others.

    SSE-SQS and KMS exclude each other: the one that is set ends the other.
    """
    changes = dict(attributes)
    known = hasattr(queue, "_policy_json")
    if "Policy" not in changes and known:
        changes["Policy"] = queue.policy
    if changes.get("KmsMasterKeyId"):
        changes["SqsManagedSseEnabled"] = False
    elif str(changes.get("SqsManagedSseEnabled")).lower() == "true" and known:
        changes["KmsMasterKeyId"] = None
    original(queue, changes, moment)


def set_up_dead_letters(
    world: World, original: Callable[[Any, Any], None], queue: Any, policy: Any
) -> None:
    """Give a queue its dead-letter queue. Raises SQSException where that one refuses to be it."""
    original(queue, policy)
    target = queue.dead_letter_queue
    if target is None or _takes_letters_of(target, queue):
        return
    queue.redrive_policy = queue.dead_letter_queue = None
    raise SQSException(
        "InvalidParameterValue",
        f"Value {policy} for parameter RedrivePolicy is invalid. Reason: the redrive allow policy "
        f"of {target.queue_arn} does not permit this queue.",
    )


def _takes_letters_of(target: Any, queue: Any) -> bool:
    """By the redrive allow policy of `target`; without one it takes every queue's."""
    allowed = json.loads(getattr(target, "redrive_allow_policy", None) or "{}")
    permission = allowed.get("redrivePermission", "allowAll")
    return permission == "allowAll" or (
        permission == "byQueue" and queue.queue_arn in allowed.get("sourceQueueArns", [])
    )


def attributes_of(
    world: World, original: Callable[[Any], dict[str, Any]], queue: Any
) -> dict[str, Any]:
    """A queue's attributes, with which queues may send it their dead letters."""
    shown = original(queue)
    allowed = getattr(queue, "redrive_allow_policy", None)
    if allowed:
        shown["RedriveAllowPolicy"] = allowed
    for name in ("CreatedTimestamp", "LastModifiedTimestamp"):
        shown[name] = int(shown[name])
    return shown


def get_queue_attributes(
    world: World,
    original: Callable[..., dict[str, Any]],
    backend: Any,
    queue_name: str,
    attribute_names: list[str],
) -> dict[str, Any]:
    """A queue's attributes of these names. Raises InvalidAttributeName."""
    added = "RedriveAllowPolicy"
    names = [name for name in attribute_names or [] if name != added]
    found = original(backend, queue_name, names) if names else {}
    if added in (attribute_names or []):
        found |= {
            name: value
            for name, value in backend.get_queue(queue_name).attributes.items()
            if name == added
        }
    return found


REPLACEMENTS = (
    # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
    Replacement(
        Queue,
        "_set_attributes",
        set_attributes,
        "Setting one attribute leaves the others: moto drops the policy with each change.",
        Kind.AROUND,
    ),
    # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html
    Replacement(
        Queue,
        "_setup_dlq",
        set_up_dead_letters,
        "A queue may refuse to be another queue's dead-letter queue, which moto does not ask.",
        Kind.AROUND,
    ),
    Replacement(
        Queue,
        "attributes",
        attributes_of,
        "RedriveAllowPolicy is an attribute, which moto takes and never shows.",
        Kind.AROUND,
    ),
    Replacement(
        SQSBackend,
        "get_queue_attributes",
        get_queue_attributes,
        "RedriveAllowPolicy can be asked for by its name.",
        Kind.AROUND,
    ),
    Replacement(
        SQSBackend,
        "receive_message",
        receive_message,
        "moto's own wait for a message would hold whatever lock its caller holds.",
        Kind.AROUND,
    ),
)
