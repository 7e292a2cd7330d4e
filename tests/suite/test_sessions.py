"""Sessions that start quickly answer as botocore's own do."""

from __future__ import annotations

import ast
from datetime import UTC, datetime
from pathlib import Path

import boto3
import botocore
import botocore.session
import pytest
from botocore import xform_name
from botocore.exceptions import UnknownServiceError
from botocore.utils import parse_timestamp
from hypothesis import given
from hypothesis import strategies as st

from tests.suite.support import REGION, ROOT
from verify.account import sessions
from verify.integrity.read.operations import OPERATIONS


@given(st.datetimes(datetime(1970, 1, 2), datetime(2200, 1, 1)))  # noqa: DTZ001 - drawn without
def test_a_time_is_what_botocore_makes_of_it(moment: datetime) -> None:
    factory = sessions.core_session().get_component("response_parser_factory")
    parser = factory.create_parser("rest-xml")
    for text in (
        moment.isoformat(timespec="milliseconds") + "Z",
        moment.isoformat(timespec="seconds") + "Z",
        moment.strftime("%a, %d %b %Y %H:%M:%S GMT"),
        str(moment.replace(tzinfo=UTC).timestamp()),
    ):
        assert parser._timestamp_parser(text) == parse_timestamp(text)


def test_what_is_no_time_is_refused_as_by_botocore() -> None:
    factory = sessions.core_session().get_component("response_parser_factory")
    with pytest.raises(ValueError, match="Invalid timestamp"):
        factory.create_parser("json")._timestamp_parser("1970-99-99T00:00:00Z")


def test_an_unknown_service_is_unknown() -> None:
    session = boto3.Session(botocore_session=sessions.core_session())
    with pytest.raises(UnknownServiceError, match="moonbase"):
        session.client("moonbase", region_name=REGION)


def test_the_validation_calls_nothing_that_its_clients_lack() -> None:
    called = {
        node.attr
        for path in (ROOT / "verify/integrity/read").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
    }
    session = botocore.session.get_session()
    for service, known in OPERATIONS.items():
        model = session.get_service_model(service)
        operations = {xform_name(name) for name in model.operation_names}
        assert called & operations == known, service


def test_a_client_of_a_service_s_reads_has_no_other_operations() -> None:
    session = sessions.core_session({"sqs": {"get_queue_attributes"}})
    client = session.create_client("sqs", region_name=REGION)
    assert client.meta.service_model.operation_names == ["GetQueueAttributes"]
    shape = client.meta.service_model.operation_model("GetQueueAttributes").output_shape
    whole = botocore.session.get_session().get_service_model("sqs")
    assert (
        shape.members.keys()
        == whole.operation_model("GetQueueAttributes").output_shape.members.keys()
    )
    assert (
        len(session.create_client("kms", region_name=REGION).meta.service_model.operation_names)
        > 40
    )


def test_a_model_of_the_user_s_own_is_left_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Path(botocore.__file__).parent / "data/sqs/2012-11-05"
    for found in source.glob("service-2.json*"):
        folder = tmp_path / "sqs/2012-11-05"
        folder.mkdir(parents=True)
        (folder / found.name).write_bytes(found.read_bytes())
    monkeypatch.setenv("AWS_DATA_PATH", str(tmp_path))
    client = sessions.core_session({"sqs": {"get_queue_attributes"}}).create_client(
        "sqs", region_name=REGION
    )
    assert "DeleteQueue" in client.meta.service_model.operation_names


@pytest.mark.parametrize(
    ("said", "host"),
    [(None, "https://s3.us-east-1.amazonaws.com"), ("legacy", "https://s3.amazonaws.com")],
)
def test_the_home_of_the_first_region_s_buckets_is_asked_unless_one_says_otherwise(
    said: str | None, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if said is not None:
        monkeypatch.setenv("AWS_S3_US_EAST_1_REGIONAL_ENDPOINT", said)
    client = sessions.core_session().create_client("s3", region_name="us-east-1")
    assert client.meta.endpoint_url == host
