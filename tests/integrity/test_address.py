"""Where log files are asked for: at the host that the S3 client itself would ask."""

from __future__ import annotations

import os
from typing import Any

import botocore.session
import pytest
from botocore.config import Config

from verify.integrity.read.fast_get import address_of
from verify.integrity.read.s3 import Connection, S3Reader


def _client(region: str, endpoint: str | None = None, **settings: Any) -> Any:
    session = botocore.session.Session()
    session.set_credentials("AKIAIOSFODNN7EXAMPLE", "secret")
    return session.create_client(
        "s3", region_name=region, endpoint_url=endpoint, config=Config(**settings)
    )


@pytest.mark.parametrize(
    ("region", "bucket", "expected"),
    [
        ("us-east-1", "logs", "https://logs.s3.amazonaws.com"),
        ("eu-central-1", "logs", "https://logs.s3.eu-central-1.amazonaws.com"),
        ("cn-north-1", "logs", "https://logs.s3.cn-north-1.amazonaws.com.cn"),
        ("us-gov-west-1", "logs", "https://logs.s3.us-gov-west-1.amazonaws.com"),
        # A certificate for *.s3.<region> is not one for two names before it.
        ("eu-central-1", "logs.of.ours", "https://s3.eu-central-1.amazonaws.com/logs.of.ours"),
    ],
)
def test_the_region_of_the_bucket_is_asked(region: str, bucket: str, expected: str) -> None:
    assert address_of(_client(region), bucket) == f"{expected}/trailwarden-placeholder"


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:4566", "http://localhost:4566"])
def test_an_endpoint_of_ones_own_is_asked_by_path(endpoint: str) -> None:
    client = _client("eu-central-1", endpoint)
    assert address_of(client, "logs") == f"{endpoint}/logs/trailwarden-placeholder"


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (
            {"s3": {"us_east_1_regional_endpoint": "regional"}},
            "https://logs.s3.us-east-1.amazonaws.com",
        ),
        ({"use_dualstack_endpoint": True}, "https://logs.s3.dualstack.us-east-1.amazonaws.com"),
        ({"use_fips_endpoint": True}, "https://logs.s3-fips.us-east-1.amazonaws.com"),
        ({"s3": {"addressing_style": "path"}}, "https://s3.amazonaws.com/logs"),
    ],
)
def test_what_the_user_has_set_counts(settings: dict[str, Any], expected: str) -> None:
    client = _client("us-east-1", **settings)
    assert address_of(client, "logs") == f"{expected}/trailwarden-placeholder"


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (None, "https://logs.s3.us-east-1.amazonaws.com"),
        ("legacy", "https://logs.s3.amazonaws.com"),
    ],
)
def test_a_validation_by_itself_asks_us_east_1_s_own_host_unless_told_otherwise(
    monkeypatch: pytest.MonkeyPatch, said: str | None, expected: str
) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    if said:
        monkeypatch.setenv("AWS_S3_US_EAST_1_REGIONAL_ENDPOINT", said)
    client = S3Reader(Connection("us-east-1", 1)).client("s3", "us-east-1")
    assert address_of(client, "logs") == f"{expected}/trailwarden-placeholder"


def test_nothing_is_asked_and_the_client_stays_as_it_was() -> None:
    client = _client("eu-central-1", "http://127.0.0.1:9", retries={"max_attempts": 0})
    address_of(client, "logs")
    with pytest.raises(botocore.exceptions.EndpointConnectionError):
        client.get_object(Bucket="logs", Key="a/trailwarden-placeholder")
