"""Where S3 Control's requests go, whose client puts the account before the host."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.awsrequest import AWSResponse

from tests.suite.answers import answer
from verify.account.endpoints import reach_by_address, stand_ins

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


URL, OTHER = "http://127.0.0.1:4566", "http://127.0.0.1:4577"
IN_PROFILE = f"endpoint_url = {OTHER}\n"
IN_SECTION = f"services = mine\n[services mine]\ncloudwatch_logs =\n  endpoint_url = {OTHER}\n"


@pytest.mark.parametrize(
    ("environment", "configuration", "expected"),
    [
        ({}, "", []),
        ({"AWS_ENDPOINT_URL": URL}, "", [URL]),
        ({"AWS_ENDPOINT_URL_CLOUDWATCH_LOGS": URL}, "", [URL]),
        ({"AWS_ENDPOINT_URL_BEDROCK": URL}, "", []),
        ({"AWS_ENDPOINT_URL": URL, "AWS_ENDPOINT_URL_S3": OTHER}, "", [URL, OTHER]),
        ({}, IN_PROFILE, [OTHER]),
        ({}, IN_SECTION, [OTHER]),
        ({"AWS_ENDPOINT_URL": URL}, IN_PROFILE, [URL]),
        ({"AWS_ENDPOINT_URL": URL}, IN_SECTION, [URL]),
        ({"AWS_ENDPOINT_URL": URL, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}, IN_PROFILE, []),
        ({}, f"ignore_configured_endpoint_urls = true\n{IN_PROFILE}", []),
        ({"AWS_ENDPOINT_URL_S3": "https://b.vpce-1.s3.eu-west-1.vpce.amazonaws.com"}, "", []),
        ({"AWS_ENDPOINT_URL_S3": "https://s3.cn-north-1.amazonaws.com.cn"}, "", []),
        (
            {"AWS_ENDPOINT_URL_S3": "https://s3.amazonaws.com.example"},
            "",
            ["https://s3.amazonaws.com.example"],
        ),
    ],
)
def test_what_answers_in_aws_s_place_is_what_botocore_s_clients_ask(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str],
    configuration: str,
    expected: list[str],
) -> None:
    file = tmp_path / "config"
    file.write_text(f"[default]\n{configuration}")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(file))
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    services = ["sts", "logs", "s3"]
    session = botocore.session.Session()
    found = [one.url for one in stand_ins(session, environment, services)]
    assert sorted(found) == sorted(expected)
    asked = {
        session.create_client(name, region_name="eu-west-1").meta.endpoint_url for name in services
    }
    assert asked >= set(expected)
    if len(expected) == 0:
        assert all(".amazonaws.com" in url for url in asked)


def test_every_setting_counts_where_it_is_not_known_what_is_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    session = botocore.session.Session()
    found = stand_ins(session, {"AWS_ENDPOINT_URL_BEDROCK": URL})
    assert [(one.url, one.setting) for one in found] == [(URL, "AWS_ENDPOINT_URL_BEDROCK")]
