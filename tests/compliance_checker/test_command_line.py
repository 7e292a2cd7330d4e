"""``python -m compliance_checker`` as an incident responder uses it."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from compliance_checker.rules import RULES

from tests.compliance_checker.door import alert_schema, delivery, logs_event
from tests.compliance_checker.records import Record, flat_ingress, record

LAMBDA = Path(__file__).parents[2] / "lambda"
OPEN = flat_ingress("0.0.0.0/0")
CLOSED = flat_ingress("10.0.0.0/8")


def _run(text: str | bytes, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    content = text if isinstance(text, bytes) else text.encode()
    return subprocess.run(
        [sys.executable, "-m", "compliance_checker", *arguments],
        input=content,
        capture_output=True,
        cwd=LAMBDA,
        timeout=60,
        check=False,
    )


def _message(content: Record) -> Record:
    return {"field": "@message", "value": json.dumps(content)}


def _events(done: subprocess.CompletedProcess[bytes]) -> list[str]:
    return [json.loads(line)["event"]["event_name"] for line in done.stdout.splitlines()]


def test_one_line_of_json_for_each_violation() -> None:
    stop = record("cloudtrail", "StopLogging", {"name": "t"})
    done = _run("\n".join(json.dumps(each) for each in (OPEN, CLOSED, stop)) + "\n\n")
    assert done.returncode == 1
    assert _events(done) == ["AuthorizeSecurityGroupIngress", "StopLogging"]
    assert done.stderr == b""
    for line in done.stdout.splitlines():
        jsonschema.validate(json.loads(line), alert_schema())


@pytest.mark.parametrize(
    "value",
    [
        OPEN,
        [OPEN],
        {"Records": [CLOSED, OPEN]},
        {"detail-type": "AWS API Call via CloudTrail", "detail": OPEN},
        {"id": "7", "label": "violation", "event": OPEN},
        {"id": "7", "event": {"detail-type": "AWS API Call via CloudTrail", "detail": OPEN}},
        {"Events": [{"EventId": "e", "EventName": "X", "CloudTrailEvent": json.dumps(OPEN)}]},
        {"Events": [], "NextToken": "t", "Records": [OPEN]},
        [json.dumps(OPEN)],
        {"events": [{"logStreamName": "s", "message": json.dumps(OPEN), "eventId": "1"}]},
        {"events": [{"message": json.dumps(OPEN)}], "nextForwardToken": "f"},
        {"results": [[{"field": "@ptr", "value": "p"}, _message(OPEN)]], "status": "Complete"},
        logs_event([CLOSED, OPEN]),
        json.loads(delivery(json.dumps(OPEN))),
    ],
)
@pytest.mark.parametrize("indent", [None, 2])
def test_each_form_of_input_is_read(value: Record, indent: int | None) -> None:
    done = _run(json.dumps(value, indent=indent))
    assert (done.returncode, _events(done)) == (1, ["AuthorizeSecurityGroupIngress"])


def test_pages_printed_one_behind_the_other() -> None:
    page = json.dumps({"Events": [{"CloudTrailEvent": json.dumps(OPEN)}]}, indent=4)
    done = _run(f"{page}\n{page}\n{page}{page}\n")
    assert (done.returncode, len(_events(done)), done.stderr) == (1, 4, b"")


def test_a_line_with_its_time_before_the_record() -> None:
    lines = [
        f"2026-11-20T08:30:00.000Z {json.dumps(OPEN)}",
        f"2026-11-20T08:30:00.123000+00:00 123456789012_CloudTrail_ap-southeast-1 "
        f"{json.dumps(OPEN)}",
    ]
    done = _run("\n".join(lines))
    assert (done.returncode, len(_events(done)), done.stderr) == (1, 2, b"")


def _insight() -> Record:
    return {
        "eventVersion": "1.09",
        "eventType": "AwsCloudTrailInsight",
        "eventCategory": "Insight",
        "insightDetails": {"eventName": "StopLogging", "eventSource": "x"},
    }


@pytest.mark.parametrize(
    ("member", "status"),
    [(_insight(), 1), (None, 2), (7, 2), ("text", 2), ({}, 2), ([[]], 1), ({"Records": 7}, 2)],
    ids=str,
)
@pytest.mark.parametrize("first", [True, False])
def test_a_strange_member_hides_none_of_the_others(
    member: object, status: int, first: bool
) -> None:
    done = _run(json.dumps({"Records": [member, OPEN] if first else [OPEN, member]}))
    assert (done.returncode, len(_events(done))) == (status, 1)
    assert (done.stderr == b"") is (status == 1)
    assert b"Traceback" not in done.stderr


def test_a_broken_message_of_a_page_hides_none_of_the_others() -> None:
    page = {"Events": [{"CloudTrailEvent": '{"cut'}, {"CloudTrailEvent": json.dumps(OPEN)}]}
    done = _run(json.dumps(page))
    assert (done.returncode, len(_events(done))) == (2, 1)
    assert b"line 1: not JSON" in done.stderr


def test_unreadable_parts_are_counted_and_not_all_told() -> None:
    done = _run(json.dumps({"Records": [None] * 500 + [OPEN]}))
    assert (done.returncode, len(_events(done))) == (2, 1)
    told = done.stderr.decode().splitlines()
    assert len(told) == 21
    assert told[-1].endswith("500 parts could not be read")


def test_gzip_of_anything(tmp_path: Path) -> None:
    packed = gzip.compress(json.dumps({"Records": [OPEN]}).encode())
    assert _run(packed).returncode == 1
    two = gzip.compress(f"{json.dumps(OPEN)}\n".encode())
    assert len(_events(_run(two + two))) == 2
    log = tmp_path / "without-a-telling-name"
    log.write_bytes(packed)
    assert _run("", str(log)).returncode == 1


def test_gzip_that_is_cut_short_is_said() -> None:
    lines = "".join(f"{json.dumps({**OPEN, 'eventID': str(n)})}\n" for n in range(2000))
    packed = gzip.compress(lines.encode())
    done = _run(packed[: len(packed) // 2])
    assert done.returncode == 2
    assert b"could not be read to its end" in done.stderr
    assert b"Traceback" not in done.stderr
    assert len(_events(done)) > 100


def test_a_value_without_end_is_refused_and_not_kept() -> None:
    packed = gzip.compress(b'["' + b"x" * (257 * 1024 * 1024), compresslevel=1)
    done = _run(packed)
    assert done.returncode == 2
    assert b"a value of more than 268435456 characters" in done.stderr


def test_a_folder_is_read_with_all_that_is_in_it(tmp_path: Path) -> None:
    inner = tmp_path / "AWSLogs" / "2026"
    inner.mkdir(parents=True)
    (inner / "log.json.gz").write_bytes(gzip.compress(json.dumps({"Records": [OPEN]}).encode()))
    (inner / "log.json").write_text(json.dumps({"Records": [OPEN]}), encoding="utf-8")
    (tmp_path / "digest.json").write_text(
        json.dumps({"digestEndTime": "2026-11-20T09:00:00Z", "logFiles": []}), encoding="utf-8"
    )
    done = _run("", str(tmp_path))
    assert (done.returncode, len(_events(done)), done.stderr) == (1, 2, b"")
    (inner / "picture").write_bytes(b"\x89PNG\r\n\x1a\n")
    assert _run("", str(tmp_path)).returncode == 2


def test_standard_input_beside_files(tmp_path: Path) -> None:
    log = tmp_path / "log.json"
    log.write_text(json.dumps(OPEN), encoding="utf-8")
    assert len(_events(_run(json.dumps(OPEN), str(log), "-"))) == 2


def test_a_health_check_of_a_subscription_holds_no_record() -> None:
    check = {"messageType": "CONTROL_MESSAGE", "logEvents": [{"message": "CWL CONTROL MESSAGE"}]}
    assert _run(json.dumps(check)).returncode == 0


@pytest.mark.parametrize("text", ["", "\n \n", json.dumps(CLOSED), '{"Records": []}'])
def test_nothing_found(text: str) -> None:
    done = _run(text)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{broken", "line 2: not JSON"),
        ("7", "line 2: not a JSON object"),
        ('{"a": 1}', "line 2: holds no CloudTrail record"),
        ("[" * 100_000, "line 2: nested too deeply"),
    ],
)
def test_what_cannot_be_read_is_named_and_the_rest_judged(line: str, message: str) -> None:
    done = _run(f"{json.dumps(CLOSED)}\n{line}\n{json.dumps(OPEN)}\n")
    assert done.returncode == 2
    assert message in done.stderr.decode()
    assert b"Traceback" not in done.stderr
    assert _events(done) == ["AuthorizeSecurityGroupIngress"]


def test_broken_first_line_loses_only_itself() -> None:
    done = _run(f"{{broken\n{json.dumps(OPEN)}\n")
    assert (done.returncode, _events(done)) == (2, ["AuthorizeSecurityGroupIngress"])


def test_bytes_that_are_no_text_spoil_one_string_only() -> None:
    content = json.dumps({**OPEN, "userAgent": "caf?"}).encode().replace(b"caf?", b"caf\xe9")
    done = _run(content)
    assert (done.returncode, _events(done)) == (1, ["AuthorizeSecurityGroupIngress"])


def test_files_are_read_and_missing_ones_named(tmp_path: Path) -> None:
    log = tmp_path / "log.json"
    log.write_text(json.dumps({"Records": [OPEN]}), encoding="utf-8")
    assert _run("", str(log)).returncode == 1
    done = _run("", str(tmp_path / "none.json"), str(log))
    assert (done.returncode, len(_events(done))) == (2, 1)
    assert b"none.json: No such file or directory" in done.stderr


def test_environment_narrows_to_own_resources() -> None:
    text = json.dumps(
        record(
            "lambda", "DeleteFunction20150331", {"functionName": "lambda-compliance-checker-dev"}
        )
    )
    assert _run(text, "--environment", "dev").returncode == 1
    assert _run(text, "--environment", "prod").returncode == 0


def test_rules_can_be_listed() -> None:
    done = _run("", "--list-rules")
    listed = [json.loads(line)["rule"] for line in done.stdout.splitlines()]
    assert (done.returncode, listed) == (0, [rule.id for rule in RULES])


def test_help_says_what_goes_in_and_out() -> None:
    done = _run("", "--help")
    assert done.returncode == 0
    assert b"exit status: 0 no violation; 1 at least one" in done.stdout


def test_unknown_option_is_one_message() -> None:
    done = _run("", "--frobnicate")
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr


def test_reader_that_stops_early_is_no_error() -> None:
    many = "\n".join(json.dumps({**OPEN, "eventID": str(number)}) for number in range(2000))
    process = subprocess.Popen(
        [sys.executable, "-m", "compliance_checker"],
        cwd=LAMBDA,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    try:
        process.stdin.write(many.encode())
        process.stdin.close()
    except BrokenPipeError:
        pass
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(timeout=30) == 0
