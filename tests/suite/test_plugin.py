"""Outcomes, exit codes and options of the suite, through pytest itself."""

from __future__ import annotations

import contextlib
import inspect
import json
import os
import pty
import select
import subprocess
import sys
import types
from pathlib import Path

import pytest

from tests.sandbox.support import RunningSandbox
from tests.suite.support import REGION, ROOT, Verification, command, environment, verify
from verify.inputs import baseline
from verify.inputs.deployment import example
from verify.suite.plugin import pytest_keyboard_interrupt

CHECKS = """
import pytest
from verify.model import NotVerifiedError

@pytest.mark.control("trail-is-logging")
def test_pass(check):
    check.equal("trail", "logging", expected=True, seen=True)

@pytest.mark.control("trail-encrypted")
def test_fail(check):
    check.equal("trail", "key", expected="ours", seen=None)
    check.equal("trail", "colour", expected="blue", seen="blue")

@pytest.mark.control("trail-multi-region")
def test_nothing_looked_at(check):
    pass

@pytest.mark.control("trail-destination")
def test_not_seen(check):
    check.equal("trail", "bucket", expected="b", seen="b")
    check.unknown("trail", "the topic could not be read")

@pytest.mark.control("trail-management-events")
def test_denied(check):
    raise NotVerifiedError("cloudtrail.get_event_selectors was denied")

@pytest.mark.control("trail-log-file-validation")
def test_fails_and_then_cannot_see(check):
    check.equal("trail", "validation", expected=True, seen=False)
    raise NotVerifiedError("and the rest was denied")

@pytest.mark.control("key-usable")
def test_bug(check):
    raise KeyError("State")

@pytest.fixture
def broken_setup():
    raise NotVerifiedError("what the check needs was denied")

@pytest.mark.control("key-rotates")
def test_setup(check, broken_setup):
    check.equal("key", "rotation", expected=True, seen=True)

@pytest.fixture
def broken_teardown():
    yield
    raise OSError("could not clean up")

@pytest.mark.control("log-bucket-versioned")
def test_teardown(check, broken_teardown):
    check.equal("bucket", "versioning", expected=True, seen=True)

@pytest.mark.control("log-bucket-encrypted")
def test_skipped(check):
    pytest.skip("not today")

@pytest.mark.control("log-bucket-not-public")
def test_not_applicable(check):
    check.not_applicable("there is no bucket in this profile")

@pytest.mark.control("log-bucket-owner-enforced")
def test_not_applicable_after_a_failure(check):
    check.equal("bucket", "owner", expected="us", seen="them")
    check.not_applicable("and yet it is wrong")

@pytest.mark.control("log-bucket-protects-files")
def test_not_applicable_after_not_seeing(check):
    check.unknown("bucket", "the policy could not be read")
    check.not_applicable("and yet it was not seen")
"""

EXPECTED = {
    "trail-is-logging": "PASS",
    "trail-encrypted": "FAIL",
    "trail-multi-region": "ERROR",
    "trail-destination": "ERROR",
    "trail-management-events": "ERROR",
    "trail-log-file-validation": "FAIL",
    "key-usable": "ERROR",
    "key-rotates": "ERROR",
    "log-bucket-versioned": "ERROR",
    "log-bucket-encrypted": "NOT TESTED",
    "log-bucket-not-public": "NOT APPLICABLE",
    "log-bucket-owner-enforced": "FAIL",
    "log-bucket-protects-files": "ERROR",
}


@pytest.fixture
def checks(tmp_path: Path) -> Path:
    """A suite of our own, with every way in which a check can end."""
    path = tmp_path / "test_ways_to_end.py"
    path.write_text(CHECKS)
    return path


def _run(
    outputs_file: Path, sandbox: RunningSandbox, *arguments: str | Path, **more: str
) -> Verification:
    return verify(
        outputs_file,
        outputs_file.parent / "reports",
        # The checks of these tests lie outside the repository, so its conftest.py is not found.
        f"-c{ROOT / 'pytest.ini'}",
        "-pverify.suite.plugin",
        *map(str, arguments),
        url=sandbox.url,
        as_verifier=False,
        **more,
    )


@pytest.mark.parametrize("workers", [[], ["-n2", "--dist=loadgroup"]], ids=["one", "xdist"])
def test_each_way_to_end_has_its_outcome(
    outputs_file: Path, sandbox: RunningSandbox, checks: Path, workers: list[str]
) -> None:
    run = _run(outputs_file, sandbox, checks, *workers)
    assert {name: run.outcomes[name] for name in EXPECTED} == EXPECTED
    assert run.code == 1
    others = {outcome for name, outcome in run.outcomes.items() if name not in EXPECTED}
    assert others == {"NOT TESTED"}, "a control for which no test ran keeps its row"
    assert "required ours, live nothing" in run.row("trail-encrypted")["message"]
    failed = run.row("trail-log-file-validation")["message"]
    assert "required yes, live no" in failed
    assert "not seen: and the rest was denied" in failed
    assert run.row("trail-multi-region")["message"] == "the check found nothing to look at"
    assert "KeyError" in run.row("key-usable")["message"]
    absent = run.row("log-bucket-not-public")["message"]
    assert absent == "there is no bucket in this profile"
    assert "\nFAIL trail-encrypted\n" in run.text
    assert "Traceback" not in run.text


@pytest.mark.parametrize(
    ("selection", "code"),
    [("test_pass", 6), ("test_pass or test_not_seen", 6), ("test_pass or test_fail", 1)],
)
def test_a_run_is_clean_only_when_every_control_was_seen(
    outputs_file: Path, sandbox: RunningSandbox, checks: Path, selection: str, code: int
) -> None:
    assert _run(outputs_file, sandbox, checks, "-k", selection).code == code


def test_pytests_own_exit_codes_keep_their_meaning(
    outputs_file: Path, sandbox: RunningSandbox, checks: Path
) -> None:
    assert _run(outputs_file, sandbox, checks, "-k", "no_such_test").code == 5
    assert _run(outputs_file, sandbox, "--no-such-option").code == 4
    checks.write_text("import no_such_module")
    assert _run(outputs_file, sandbox, checks).code == 2


def test_help_and_collection_need_no_deployment() -> None:
    for option in ("--help", "--collect-only"):
        done = subprocess.run(
            [sys.executable, "-m", "pytest", option],
            cwd=ROOT,
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "--outputs" in done.stdout or "test_trail_is_logging" in done.stdout


# --- bad input: one clear message, exit code 4, nothing run, no traceback -----------------------


def _refused(run: Verification) -> str:
    assert run.code == 4, run.text
    assert "Traceback" not in run.text
    assert not run.reports.exists() or not list(run.reports.iterdir()), "nothing was run"
    return run.text


def test_no_outputs_at_all(sandbox: RunningSandbox, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest"],
        cwd=ROOT,
        env=environment(sandbox.url),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 4
    assert "no outputs given: run `make verify`" in done.stdout + done.stderr


def test_missing_outputs_file(sandbox: RunningSandbox, tmp_path: Path) -> None:
    run = verify(tmp_path / "none.json", tmp_path / "reports", url=sandbox.url)
    assert "no outputs file at" in _refused(run)


def test_unknown_profile(outputs_file: Path, sandbox: RunningSandbox) -> None:
    text = _refused(_run(outputs_file, sandbox, "--profile=stage"))
    assert "unknown profile 'stage': there is a baseline for dev" in text


def test_outputs_of_another_account(tmp_path: Path, sandbox: RunningSandbox) -> None:
    path = tmp_path / "outputs.json"
    path.write_text(json.dumps(example()).replace("123456789012", "210987654321"))
    text = _refused(_run(path, sandbox))
    assert "the outputs are of account 210987654321" in text
    assert "the credentials are of account 123456789012" in text


@pytest.mark.parametrize("elsewhere", [None, "eu-west-1"], ids=["of this region", "of another"])
def test_outputs_of_a_deployment_that_is_not_there(
    tmp_path: Path, sandbox: RunningSandbox, elsewhere: str | None
) -> None:
    path = tmp_path / "outputs.json"
    path.write_text(json.dumps(example()).replace(REGION, elsewhere or REGION))
    text = _refused(_run(path, sandbox))
    vpc = example()["vpc_id"]["value"]
    assert f"the VPC {vpc} of {path} is not in {elsewhere or REGION} of account 12" in text
    assert "OUTPUTS=<file>" in text


def test_nothing_answers_at_the_endpoint(outputs_file: Path) -> None:
    run = verify(outputs_file, outputs_file.parent / "reports", url="http://127.0.0.1:9")
    assert "nothing answers at AWS_ENDPOINT_URL=http://127.0.0.1:9" in _refused(run)
    assert "make sandbox" in run.text


def test_no_credentials(outputs_file: Path) -> None:
    run = verify(outputs_file, outputs_file.parent / "reports")
    assert "no AWS credentials found: sign in" in _refused(run)


def test_a_code_of_an_mfa_device_is_asked_for_once(
    outputs_file: Path, sandbox: RunningSandbox, checks: Path
) -> None:
    """By the run, for all of its sessions and workers; a second question would find no answer."""
    checks.write_text(READING)
    name = "role-with-mfa"
    sandbox.client("iam", REGION).create_role(
        RoleName=name,
        AssumeRolePolicyDocument=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [
                    {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
                ],
            }
        ),
    )
    configuration = outputs_file.with_name("config")
    configuration.write_text(
        f"[default]\nrole_arn = arn:aws:iam::123456789012:role/{name}\nsource_profile = base\n"
        "mfa_serial = arn:aws:iam::123456789012:mfa/me\n"
        "[profile base]\naws_access_key_id = test\naws_secret_access_key = test\n"
    )
    reports = outputs_file.parent / "reports"
    outside = [f"-c{ROOT / 'pytest.ini'}", "-pverify.suite.plugin", str(checks)]
    for number, workers in enumerate(([], ["-n2"])):
        folder = reports / str(number)
        run, shown = _on_terminal(
            [*command(outputs_file, folder, *outside), *workers],
            environment(AWS_CONFIG_FILE=str(configuration), AWS_ENDPOINT_URL=sandbox.url),
            folder,
        )
        assert run.reports.exists(), run.text
        assert f":assumed-role/{name}/" in run.report["caller"]
        # The role may do nothing, and it is the role that asks.
        assert "the caller lacks kms:DescribeKey" in run.row("key-rotates")["message"]
        assert shown.count("Enter MFA code") == 1, shown


def _on_terminal(
    command: list[str], environment: dict[str, str], reports: Path
) -> tuple[Verification, str]:
    """A run with a terminal on which one code is typed when it is asked for; what it showed."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", ON_TERMINAL, *command],
        cwd=ROOT,
        env=environment,
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        shown = ""
        while "code" not in shown and select.select([ours], [], [], 60)[0]:
            shown += os.read(ours, 10_000).decode()
        os.write(ours, b"123456\n")
        text, _ = process.communicate(timeout=60)
        while select.select([ours], [], [], 0)[0]:
            shown += os.read(ours, 10_000).decode()
    finally:
        process.kill()
        os.close(ours)
        os.close(theirs)
    return Verification(process.returncode, text, reports), shown


# A process whose standard input is the terminal that it can ask on.
ON_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""

READING = """
import pytest
from verify.account import reads

@pytest.mark.control("key-rotates", reads.key)
def test_reads(check, aws, deployment):
    aws.read(reads.key(deployment))
"""


def test_credentials_profile_that_does_not_exist(outputs_file: Path) -> None:
    run = verify(outputs_file, outputs_file.parent / "reports", AWS_PROFILE="nobody")
    assert "correct AWS_PROFILE" in _refused(run)


def test_expired_credentials(outputs_file: Path, tmp_path: Path) -> None:
    """A service of our own says what AWS says of an expired session."""
    server = tmp_path / "expired.py"
    server.write_text(
        "from http.server import BaseHTTPRequestHandler, HTTPServer\n"
        "BODY = (b'<ErrorResponse><Error><Type>Sender</Type><Code>ExpiredToken</Code>'\n"
        "        b'<Message>expired</Message></Error></ErrorResponse>')\n"
        "class Handler(BaseHTTPRequestHandler):\n"
        "    def do_POST(self):\n"
        "        self.send_response(403)\n"
        "        self.send_header('Content-Length', str(len(BODY)))\n"
        "        self.end_headers()\n"
        "        self.wfile.write(BODY)\n"
        "    def log_message(self, *_): pass\n"
        "server = HTTPServer(('127.0.0.1', 0), Handler)\n"
        "print(server.server_port, flush=True)\n"
        "server.serve_forever()\n"
    )
    process = subprocess.Popen(
        [sys.executable, str(server)], stdout=subprocess.PIPE, text=True, env=os.environ.copy()
    )
    try:
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        run = verify(outputs_file, outputs_file.parent / "reports", url=f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        process.wait(timeout=10)
    assert "the AWS credentials have expired (ExpiredToken): sign in again" in _refused(run)


def test_reports_folder_that_cannot_be_written(
    outputs_file: Path, sandbox: RunningSandbox, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    run = verify(outputs_file, tmp_path / "file", url=sandbox.url, as_verifier=False)
    assert run.code == 4
    assert "cannot be written" in run.text
    assert "Traceback" not in run.text


@pytest.mark.parametrize(
    ("option", "reason"),
    [
        ("--alert-timeout=-1", "'-1' is no number of seconds above 0 and up to 86400"),
        ("--alert-timeout=nan", "'nan' is no number of seconds"),
        ("--alert-timeout=inf", "'inf' is no number of seconds"),
        ("--alert-timeout=soon", "'soon' is no number of seconds"),
        ("--integrity-hours=600", "above 0 and up to 168: python -m verify integrity looks back"),
        ("--integrity-hours=0", "'0' is no number of hours"),
        ("--lf", "--lf goes by what an earlier run found"),
        ("--ff", "--ff goes by what an earlier run found"),
        ("--nf", "--nf goes by what an earlier run found"),
        ("--sw", "--stepwise goes by what an earlier run found"),
    ],
)
def test_options_that_cannot_be_used(
    outputs_file: Path, sandbox: RunningSandbox, option: str, reason: str
) -> None:
    assert reason in _refused(_run(outputs_file, sandbox, option))


def test_outputs_of_a_region_that_does_not_exist(tmp_path: Path, sandbox: RunningSandbox) -> None:
    path = tmp_path / "outputs.json"
    path.write_text(json.dumps(example()).replace(REGION, "ap-southeast-9"))
    text = _refused(_run(path, sandbox))
    assert "there is no region ap-southeast-9 that botocore" in text
    assert "is ap-southeast-" in text


# --- which reports are written --------------------------------------------------------------------


def test_those_reports_are_written_that_are_asked_for_and_the_run_s_own(
    outputs_file: Path, sandbox: RunningSandbox, checks: Path
) -> None:
    run = _run(outputs_file, sandbox, checks, "-k", "test_pass", "--formats=csv, markdown")
    [folder] = [path.parent for path in run.reports.glob("[0-9]*/report.json")]
    written = {path.name for path in folder.iterdir() if path.is_file()}
    assert written == {
        "report.json",
        "outcome.json",
        "controls.csv",
        "summary.md",
        "manifest.json",
    }


def test_a_format_that_there_is_not(outputs_file: Path, sandbox: RunningSandbox) -> None:
    text = _refused(_run(outputs_file, sandbox, "--formats=csv,docx"))
    assert "there is no format 'docx': choose of html, junit, json, outcome, csv, markdown" in text


# --- reports that cannot be written, or not all of them ------------------------------------------


def _latest_is_a_folder(reports: Path) -> None:
    (reports / "latest" / "kept").mkdir(parents=True)


@pytest.mark.parametrize(("selection", "code"), [("test_pass", 6), ("test_fail", 1)])
def test_a_verdict_does_not_depend_on_a_link(
    outputs_file: Path, sandbox: RunningSandbox, checks: Path, selection: str, code: int
) -> None:
    reports = outputs_file.parent / "reports"
    _latest_is_a_folder(reports)
    run = _run(outputs_file, sandbox, checks, "-k", selection)
    assert run.code == code
    assert "does not lead to this run's reports, which are in" in run.text
    assert (reports / "latest" / "kept").is_dir()
    assert len(list(reports.glob("*/report.json"))) == 1
    assert not list(reports.glob(".latest*"))


@pytest.mark.parametrize(
    ("room", "code", "message"),
    [
        # What the run is given is kept before anything is asked.
        (200, 4, "the reports folder cannot be written"),
        (20_000, 4, "the reports folder cannot be written"),
        (100_000, 3, "cannot write the reports to"),
    ],
)
def test_a_disk_that_is_full(
    outputs_file: Path, sandbox: RunningSandbox, checks: Path, room: int, code: int, message: str
) -> None:
    """Played by a limit on the size of each file, which fails a write in the same way."""
    checks.write_text(READING)
    reports = outputs_file.parent / "reports"
    done = subprocess.run(
        [
            sys.executable,
            "-B",
            "-c",
            LIMITED,
            str(room),
            *command(
                outputs_file,
                reports,
                f"-c{ROOT / 'pytest.ini'}",
                "-pverify.suite.plugin",
                "--function-package=/nonexistent",  # larger than all that is written
                str(checks),
            ),
        ],
        cwd=ROOT,
        env=environment(sandbox.url),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    text = done.stdout + done.stderr
    assert done.returncode == code, text
    assert message in text
    assert "choose another" in text
    assert (code == 3) is bool(list(reports.glob("*/evidence")))
    assert "Traceback" not in text
    assert "INTERNALERROR" not in text
    assert not list(reports.rglob("*.part"))


LIMITED = """
import os, resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
os.execv(sys.argv[2], sys.argv[2:])
"""


def test_a_run_that_selects_nothing_is_not_the_latest(
    outputs_file: Path, sandbox: RunningSandbox, checks: Path
) -> None:
    before = _run(outputs_file, sandbox, checks, "-k", "test_pass")
    latest = (before.reports / "latest").resolve()
    run = _run(outputs_file, sandbox, checks, "-k", "no_such_test")
    assert run.code == 5
    assert "nothing was selected, so nothing was verified: see -k and -m" in run.text
    assert (run.reports / "latest").resolve() == latest


def test_an_interruption_between_two_lines_is_shown_as_one() -> None:
    """An instruction that belongs to no line has no line number in a traceback."""

    def interrupted() -> types.FrameType | None:
        with contextlib.suppress(ValueError):
            return inspect.currentframe()
        return None

    frame = interrupted()
    assert frame is not None
    without_line = next(start for start, _, line in frame.f_code.co_lines() if line is None)
    error = KeyboardInterrupt()
    inner = types.TracebackType(None, frame, without_line, -1)
    outer = types.TracebackType(inner, frame, 0, frame.f_code.co_firstlineno)
    raised = pytest.ExceptionInfo.from_exc_info((KeyboardInterrupt, error, outer))
    with pytest.raises(TypeError):
        raised.getrepr(funcargs=True)
    pytest_keyboard_interrupt(raised)
    assert "KeyboardInterrupt" in str(raised.getrepr(funcargs=True))


# --- from wherever it is started ------------------------------------------------------------------


@pytest.mark.parametrize("folder", ["verify", "docs", "verify/checks"])
def test_the_suite_is_found_from_the_project_s_folders(folder: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only"],
        cwd=ROOT / folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "test_trail_is_logging" in done.stdout


def test_the_suite_can_be_named_from_elsewhere(
    tmp_path: Path, outputs_file: Path, sandbox: RunningSandbox
) -> None:
    done = subprocess.run(
        command(outputs_file, tmp_path / "reports", str(ROOT / "verify/checks"), "-kis_logging"),
        cwd=tmp_path,
        env=environment(sandbox.url),
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stdout + done.stderr
    assert done.returncode == 6, done.stdout + done.stderr
    assert (tmp_path / "reports/latest/report.json").is_file()


def test_a_command_that_does_not_exist_is_named() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "verify", "foo"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "there is no command 'foo'" in done.stderr
    assert "integrity" in done.stderr


# --- profiles -------------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [[], ["-n2"]], ids=["one", "xdist"])
def test_a_control_that_the_baseline_does_not_list_neither_runs_nor_passes(
    outputs_file: Path, sandbox: RunningSandbox, checks: Path, workers: list[str]
) -> None:
    mine = outputs_file.with_name("mine.yaml")
    mine.write_text("extends: dev\nwithout_controls: [trail-encrypted]\n")
    run = _run(outputs_file, sandbox, checks, f"--profile={mine}", *workers)
    assert "trail-encrypted" not in run.outcomes
    assert run.outcomes["trail-log-file-validation"] == "FAIL"
    assert run.code == 1
    assert run.report["target"]["profile"] == "mine"


UNLISTED = """
import pytest

@pytest.mark.control("trail-is-logging")
def test_pass(check):
    check.equal("trail", "logging", expected=True, seen=True)

def test_of_nothing():
    assert not "seen"
"""


def test_a_failure_of_pytests_is_never_made_undone(
    outputs_file: Path, sandbox: RunningSandbox, checks: Path
) -> None:
    checks.write_text(UNLISTED)
    mine = outputs_file.with_name("mine.yaml")
    others = [name for name in baseline.load("dev").controls if name != "trail-is-logging"]
    mine.write_text(f"extends: dev\nwithout_controls: {json.dumps(others)}\n")
    run = _run(outputs_file, sandbox, checks, f"--profile={mine}")
    assert run.outcomes == {"trail-is-logging": "PASS"}
    assert run.code == 1
    assert _run(outputs_file, sandbox, checks, f"--profile={mine}", "-ktest_pass").code == 0


SMUGGLED = """
import pytest

def test_smuggled(check, request):
    request.node.add_marker(pytest.mark.control("key-rotates"))
    check.equal("key", "rotation", expected=True, seen=False)
"""


def test_a_result_without_a_row_is_an_error(
    outputs_file: Path, sandbox: RunningSandbox, checks: Path
) -> None:
    checks.write_text(SMUGGLED)
    mine = outputs_file.with_name("mine.yaml")
    mine.write_text("extends: dev\nwithout_controls: [key-rotates]\n")
    run = _run(outputs_file, sandbox, checks, f"--profile={mine}")
    assert run.code == 3
    assert "results without a row: key-rotates: the baseline mine does not list" in run.text


UNDECLARED = """
import pytest
from verify.account import reads

@pytest.mark.control("key-rotates", reads.key)
def test_reads_more(check, aws, deployment):
    aws.pick(reads.key_rotation(deployment), "KeyRotationEnabled")
"""


def test_a_read_that_the_control_does_not_declare_is_an_error(
    outputs_file: Path, sandbox: RunningSandbox, checks: Path
) -> None:
    checks.write_text(UNDECLARED)
    run = _run(outputs_file, sandbox, checks)
    assert run.outcomes["key-rotates"] == "ERROR"
    message = run.row("key-rotates")["message"]
    assert "reads kms.get_key_rotation_status, which its control does not declare" in message
