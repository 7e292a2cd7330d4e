"""The function's own AWS clients: made once, at the first use, with short time-outs."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

ClientFactory = Callable[[str], "Any"]


@cache
def client(service: str) -> Any:
    """The boto3 client of a service. boto3 takes 0.1 s to import, so not before it is needed."""
    import boto3
    from botocore.config import Config

    return boto3.client(
        service,
        config=Config(
            connect_timeout=3,
            read_timeout=5,
            retries={"mode": "standard", "total_max_attempts": 3},
        ),
    )


def errors() -> tuple[type[Exception], ...]:
    """What a call can raise; for ``except``, which evaluates it only when something was raised."""
    from botocore.exceptions import BotoCoreError, ClientError

    return (BotoCoreError, ClientError)
