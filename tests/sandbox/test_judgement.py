"""The pure parts: schedules, input transformers, embedded metrics, packages."""

from __future__ import annotations

import io
import json
import stat
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sandbox.function.package import InvalidPackageError, unpack
from sandbox.messaging.event_bus import target_input
from sandbox.messaging.schedule import cron_matches, is_due
from sandbox.metrics.embedded import EmbeddedMetric, read

EVENT: dict[str, Any] = {
    "id": "1",
    "detail-type": "AWS API Call via CloudTrail",
    "source": "aws.ec2",
    "detail": {"eventName": "StopLogging", "count": 3, "list": ["a", "b"], "say": 'a "b"'},
}


@pytest.mark.parametrize(
    ("expression", "moment", "expected"),
    [
        ("cron(0 8 ? * MON-FRI *)", "2026-06-01T08:00:00+00:00", True),
        ("cron(0 8 ? * MON-FRI *)", "2026-06-01T08:01:00+00:00", False),
        ("cron(0 8 ? * MON-FRI *)", "2026-06-06T08:00:00+00:00", False),
        ("cron(0/15 * * * ? *)", "2026-06-01T08:45:00+00:00", True),
        ("cron(0/15 * * * ? *)", "2026-06-01T08:50:00+00:00", False),
        ("cron(0 0 L * ? *)", "2024-02-29T00:00:00+00:00", True),
        ("cron(0 0 L * ? *)", "2024-02-28T00:00:00+00:00", False),
        ("cron(5 10 1 1,JUL ? *)", "2026-07-01T10:05:00+00:00", True),
        ("cron(5 10 ? * 1 2026)", "2026-06-07T10:05:00+00:00", True),
        ("cron(5 10 ? * 1 2027)", "2026-06-07T10:05:00+00:00", False),
        ("rate(1 hour)", "2026-06-01T08:00:00+00:00", False),
    ],
)
def test_cron(expression: str, moment: str, expected: bool) -> None:
    assert cron_matches(expression, datetime.fromisoformat(moment)) is expected


def test_a_schedule_is_due_after_its_time_and_not_before() -> None:
    since = datetime(2026, 6, 1, 7, 59, 30, tzinfo=UTC)
    assert not is_due("rate(1 hour)", since, since + timedelta(minutes=59))
    assert is_due("rate(1 hour)", since, since + timedelta(minutes=60))
    assert not is_due("cron(0 8 ? * * *)", since, since + timedelta(seconds=29))
    assert is_due("cron(0 8 ? * * *)", since, since + timedelta(seconds=30))
    assert not is_due("nonsense", since, since + timedelta(days=9))


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ({}, EVENT),
        ({"Input": '{"a": 1}'}, {"a": 1}),
        ({"InputPath": "$.detail.list[1]"}, "b"),
        ({"InputPath": "$.detail.list[7]"}, None),
        (
            {
                "InputTransformer": {
                    "InputPathsMap": {"name": "$.detail.eventName", "n": "$.detail.count"},
                    "InputTemplate": '"<name> was called <n> times"',
                }
            },
            "StopLogging was called 3 times",
        ),
        (
            {
                "InputTransformer": {
                    "InputPathsMap": {"n": "$.detail.count", "l": "$.detail.list"},
                    "InputTemplate": '{"n": <n>, "l": <l>, "gone": <gone>}',
                }
            },
            '{"n": 3, "l": ["a", "b"], "gone": <gone>}',
        ),
        (
            {
                "InputTransformer": {
                    "InputPathsMap": {"say": "$.detail.say", "none": "$.detail.none"},
                    "InputTemplate": '{"say": "<say>", "json": <say>, "none": "<none>"}',
                }
            },
            {"say": 'a "b"', "json": 'a "b"', "none": ""},
        ),
        (
            {
                "InputTransformer": {
                    "InputPathsMap": {"name": "$.detail.eventName"},
                    "InputTemplate": '"first <name>"\n"by <aws.events.rule-name>"',
                }
            },
            "first StopLogging\nby the-rule",
        ),
    ],
)
def test_what_a_target_receives(target: dict[str, Any], expected: Any) -> None:
    assert target_input(target, EVENT, "arn:rule", "the-rule") == expected


def test_embedded_metrics() -> None:
    message = {
        "_aws": {
            "Timestamp": 1,
            "CloudWatchMetrics": [
                {
                    "Namespace": "N",
                    "Dimensions": [["Rule"], [], ["Absent"]],
                    "Metrics": [{"Name": "Count", "Unit": "Count"}, {"Name": "Times"}],
                }
            ],
        },
        "Rule": "r",
        "Count": 2,
        "Times": [1, 2.5],
    }
    assert list(read(json.dumps(message))) == [
        EmbeddedMetric("N", "Count", "Count", (2.0,), (("Rule", "r"),)),
        EmbeddedMetric("N", "Times", "None", (1.0, 2.5), (("Rule", "r"),)),
        EmbeddedMetric("N", "Count", "Count", (2.0,), ()),
        EmbeddedMetric("N", "Times", "None", (1.0, 2.5), ()),
    ]


@pytest.mark.parametrize(
    "message",
    ["plain", '{"a": 1}', '{"_aws": 1}', '{"_aws": {"CloudWatchMetrics": [1]}}', '{"_aws": {}'],
)
def test_what_has_no_embedded_metrics(message: str) -> None:
    assert list(read(message)) == []


def _zip(members: dict[str, bytes], mode: int = 0) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, content in members.items():
            info = zipfile.ZipInfo(path)
            info.external_attr = mode << 16
            archive.writestr(info, content)
    return buffer.getvalue()


def test_a_package_is_unpacked(tmp_path: Path) -> None:
    unpack(_zip({"a.py": b"1", "deep/er/b.py": b"2"}), tmp_path)
    assert (tmp_path / "a.py").read_bytes() == b"1"
    assert (tmp_path / "deep/er/b.py").read_bytes() == b"2"


@pytest.mark.parametrize(
    "package",
    [
        b"no zip file",
        _zip({"../outside.py": b""}),
        _zip({"/absolute.py": b""}),
        _zip({"a/../../outside.py": b""}),
        _zip({"link": b"/etc/passwd"}, stat.S_IFLNK | 0o777),
    ],
)
def test_a_dangerous_package_is_refused(tmp_path: Path, package: bytes) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    with pytest.raises(InvalidPackageError):
        unpack(package, inside)
    assert [path.name for path in tmp_path.iterdir()] == ["inside"]


def test_a_package_that_grows_too_large_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sandbox.function.package.MAXIMUM_UNPACKED_BYTES", 1000)
    with pytest.raises(InvalidPackageError, match="250 MB"):
        unpack(_zip({"a": b"x" * 600, "b": b"x" * 600}), tmp_path)
