"""Which of a trail's log files a table with partition projection has."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from verify.investigate.partitions import Files, ProjectionError, missing

TODAY = date(2026, 5, 1)
FILES = Files(
    bucket="logs",
    prefix="",
    organization="",
    accounts=("123456789012",),
    regions=("eu-west-1", "us-east-1"),
    first=date(2026, 4, 1),
    last=TODAY,
)
KEYS = ("account", "region", "day")
TABLE = {
    "projection.enabled": "true",
    "projection.account.type": "enum",
    "projection.account.values": "123456789012",
    "projection.region.type": "enum",
    "projection.region.values": "eu-west-1, us-east-1,me-south-1",
    "projection.day.type": "date",
    "projection.day.format": "yyyy/MM/dd",
    "projection.day.range": "NOW-30DAYS,NOW",
    "storage.location.template": "s3://logs/AWSLogs/${account}/CloudTrail/${region}/${day}",
}


@pytest.mark.parametrize(
    ("changes", "lost"),
    [
        ({}, []),
        ({"projection.day.range": "2013/11/01,NOW"}, []),
        ({"projection.day.range": "NOW-1YEARS,NOW+1DAYS"}, []),
        ({"projection.day.range": "NOW - 5 WEEKS, NOW"}, []),
        ({"projection.day.interval": "1", "projection.day.interval.unit": "DAYS"}, []),
        (
            {"storage.location.template": f"{TABLE['storage.location.template']}/"},
            [],
        ),
        (
            {"projection.day.range": "NOW-29DAYS,NOW"},
            ["those of 1 days, from 2026-04-01 to 2026-04-01"],
        ),
        (
            {"projection.day.range": "NOW-30DAYS,NOW-1DAYS"},
            ["those of 1 days, from 2026-05-01 to 2026-05-01"],
        ),
        (
            {"projection.day.interval": "2"},
            ["those of 15 days, from 2026-04-02 to 2026-04-30"],
        ),
        ({"projection.region.values": "us-east-1"}, ["those of the region eu-west-1"]),
        (
            {"projection.enabled": "false"},
            ["all: its partitions are not projected, and nobody adds them"],
        ),
        (
            {"storage.location.template": ""},
            ["all: storage.location.template does not say where its partitions are"],
        ),
        (
            {"storage.location.template": "s3://logs/AWSLogs/${account}/CloudTrail/${day}"},
            [
                "all: s3://logs/AWSLogs/${account}/CloudTrail/${day} does not name "
                "account, day, region, once each"
            ],
        ),
        *(
            (
                {"storage.location.template": template},
                ["all: none like AWSLogs/123456789012/CloudTrail/eu-west-1/2026/05/01/"],
            )
            for template in (
                "s3://other/AWSLogs/${account}/CloudTrail/${region}/${day}",
                "s3://logs/AWSLogs/${account}/CloudTrail-Digest/${region}/${day}",
                "s3://logs/AWSLogs/${account}/CloudTrail/${day}/${region}",
                "s3://logs/AWSLogs/o-a1b2c3d4e5/${account}/CloudTrail/${region}/${day}",
                "s3://logs/audit/AWSLogs/${account}/CloudTrail/${region}/${day}",
            )
        ),
        (
            {"projection.account.values": "210987654321"},
            ["all: none like AWSLogs/123456789012/CloudTrail/eu-west-1/2026/05/01/"],
        ),
        (
            {"projection.region.type": "injected"},
            ["all: none like AWSLogs/123456789012/CloudTrail/eu-west-1/2026/05/01/"],
        ),
    ],
)
def test_what_the_projection_lacks_is_named(changes: dict[str, str], lost: list[str]) -> None:
    assert missing({**TABLE, **changes}, KEYS, FILES) == lost


def test_an_organizations_files_and_a_prefix_have_their_own_paths() -> None:
    files = replace(
        FILES,
        prefix="audit",
        organization="o-a1b2c3d4e5",
        accounts=("123456789012", "210987654321"),
    )
    template = "s3://logs/audit/AWSLogs/o-a1b2c3d4e5/${account}/CloudTrail/${region}/${day}"
    table = {**TABLE, "storage.location.template": template}
    assert missing(table, KEYS, files) == ["those of the account 210987654321"]
    both = {**table, "projection.account.values": "123456789012,210987654321"}
    assert missing(both, KEYS, files) == []


def test_columns_may_be_fewer_where_the_template_names_the_rest() -> None:
    template = "s3://logs/AWSLogs/123456789012/CloudTrail/${region}/${day}"
    table = {**TABLE, "storage.location.template": template}
    assert missing(table, ("region", "day"), FILES) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"projection.day.type": "integer"}, "projection.day.type is 'integer'"),
        ({"projection.day.format": "yyyy/MMM/dd"}, "the date format 'yyyy/MMM/dd'"),
        ({"projection.day.range": "NOW"}, "projection.day.range is 'NOW'"),
        ({"projection.day.range": "yesterday,NOW"}, "'yesterday' is no day"),
        ({"projection.day.interval.unit": "MONTHS"}, "projection.day.interval is 1 MONTHS"),
        ({"projection.region.type": None}, "projection.region.type is missing"),
    ],
)
def test_what_is_not_understood_is_no_verdict(changes: dict[str, str | None], said: str) -> None:
    table = {key: value for key, value in {**TABLE, **changes}.items() if value is not None}
    with pytest.raises(ProjectionError, match=said.replace("(", "\\(")):
        missing(table, KEYS, FILES)
