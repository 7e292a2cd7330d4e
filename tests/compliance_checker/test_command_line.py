"""``python -m compliance_checker`` as an incident responder uses it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from compliance_checker.rules import RULES

from tests.compliance_checker.door import alert_schema
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
    ],
)
@pytest.mark.parametrize("indent", [None, 2])
def test_each_form_of_input_is_read(value: Record, indent: int | None) -> None:
    done = _run(json.dumps(value, indent=indent))
    assert (done.returncode, _events(done)) == (1, ["AuthorizeSecurityGroupIngress"])


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
