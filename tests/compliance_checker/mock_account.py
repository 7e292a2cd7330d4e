"""An account of moto's in this process, for what is called without a sandbox."""

from __future__ import annotations

import functools
from typing import Any

import boto3

from tests.compliance_checker.records import REGION


@functools.cache
def client(service: str, region: str | None = REGION) -> Any:
    """A client of the account of the fixture `mock_account`."""
    return boto3.client(
        service,
        region_name=region or REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
