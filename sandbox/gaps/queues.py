"""Where moto's answers about queues differ from SQS's."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from moto.sqs.models import SQSBackend

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


REPLACEMENTS = (
    Replacement(
        SQSBackend,
        "receive_message",
        receive_message,
        "moto's own wait for a message would hold whatever lock its caller holds.",
        Kind.AROUND,
    ),
)
