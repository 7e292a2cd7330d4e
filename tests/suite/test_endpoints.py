"""Where S3 Control's requests go, whose client puts the account before the host."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse

from tests.suite.answers import answer
from verify.account.endpoints import reach_by_address

ANSWER = "<ListAccessPointsResult><AccessPointList/></ListAccessPointsResult>"


@pytest.mark.parametrize(
    ("endpoint", "host"),
    [
        (None, "https://123456789012.s3-control.eu-west-1.amazonaws.com/"),
        ("http://127.0.0.1:4566", "http://127.0.0.1:4566/"),
        ("http://sandbox.example:4566", "http://123456789012.sandbox.example:4566/"),
    ],
)
def test_an_account_is_put_before_a_name_and_never_before_an_address(
    endpoint: str | None, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    client = boto3.client(
        "s3control",
        region_name="eu-west-1",
        endpoint_url=endpoint,
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    asked: list[str] = []

    def asked_for(request: Any, **_: Any) -> AWSResponse:
        asked.append(request.url)
        return answer(ANSWER)

    client.meta.events.register("before-send", asked_for)
    reach_by_address(client)
    found = client.list_access_points(AccountId="123456789012", Bucket="s3-logs")
    assert found["AccessPointList"] == []
    assert asked == [f"{host}v20180820/accesspoint?bucket=s3-logs"]


def test_other_services_are_asked_where_they_were() -> None:
    client = boto3.client("s3", region_name="eu-west-1", endpoint_url="http://127.0.0.1:4566")
    before = client.meta.endpoint_url
    reach_by_address(client)
    assert client.meta.endpoint_url == before
