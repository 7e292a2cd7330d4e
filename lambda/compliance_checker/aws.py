"""The function's own AWS clients: made once, at the first use, with short time-outs."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any

ClientFactory = Callable[[str], Any]


@cache
def client(service: str) -> Any:
    """The client that sends what the function has to say. boto3 takes 0.1 s to import, so late."""
    return _make(service, None, read_timeout=5, attempts=3)


@cache
def ledger_client(service: str) -> Any:
    """The client of the ledger, without which alerts go out all the same: it may not be waited for.

    DynamoDB answers in milliseconds. To look at each of a transaction's parameters beforehand, as
    botocore does, takes as long as all the rest of the call: DynamoDB does it anyway.
    """
    return _make(service, None, read_timeout=2, attempts=2, connect_timeout=1, validates=False)


@lru_cache(maxsize=64)
def client_in(service: str, region: str | None) -> Any:
    """The client that reads or repairs in a region, the function's own if None."""
    return _make(service, region, read_timeout=4, attempts=2)


def _make(
    service: str,
    region: str | None,
    *,
    read_timeout: int,
    attempts: int,
    connect_timeout: int = 3,
    validates: bool = True,
) -> Any:
    import boto3
    from botocore.config import Config

    return boto3.client(
        service,
        region_name=region,
        config=Config(
            connect_timeout=connect_timeout,
            read_timeout=read_timeout,
            parameter_validation=validates,
            retries={"mode": "standard", "total_max_attempts": attempts},
        ),
    )


def errors() -> tuple[type[Exception], ...]:
    """What a call can raise; for ``except``, which evaluates it only when something was raised."""
    from botocore.exceptions import BotoCoreError, ClientError

    return (BotoCoreError, ClientError)


def code(error: Exception) -> str:
    """The error code of a refused call, or the kind of failure of one that got no answer."""
    response = getattr(error, "response", None)
    if isinstance(response, dict):
        return str(response.get("Error", {}).get("Code", type(error).__name__))
    return type(error).__name__
