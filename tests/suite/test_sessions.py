"""Sessions that start quickly answer as botocore's own do."""

from __future__ import annotations

from datetime import UTC, datetime

import boto3
import pytest
from botocore.exceptions import UnknownServiceError
from botocore.utils import parse_timestamp
from hypothesis import given
from hypothesis import strategies as st

from tests.suite.support import REGION
from verify.account import sessions


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
