"""The program as a user runs it: against a deployment, with good mutants and a harmless one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from threading import Event
from typing import Any, cast

import pytest

from mutants import __main__ as program
from mutants import untagged
from mutants.account import Account
from mutants.accounts import Given
from mutants.campaign import Campaign
from mutants.deployed import build_package, deploy, everything, sandbox
from mutants.families import every_mutant, mutants_of
from mutants.model import Fate, Judged, Mutant, Suite
from mutants.suite import HASTY, PATIENT, ROOT, Outcomes, SuiteRunner
from tests.suite.support import ended
from verify.inputs import baseline


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Given]:
    """One deployment for all of these tests."""
    folder = tmp_path_factory.mktemp("deployed")
    package = build_package(folder, Event())
    with sandbox(folder / "sandbox.log") as url:
        yield Given(url, deploy(url, package, folder, Event(), everything("dev"), "dev"), package)


def _arguments(deployed: Given, report: Path, *more: str) -> list[str]:
    return [
        f"--sandbox={deployed.url}",
        f"--outputs={deployed.outputs}",
        f"--function-package={deployed.function_package}",
        f"--json={report}",
        *more,
    ]


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return ended([sys.executable, "-m", "mutants", *arguments])


def _account(deployed: Given, folder: Path) -> Account:
    return Account(
        deployed.url, deployed.outputs, deployed.function_package, ROOT / "terraform", folder
    )


def _report(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text())
    return document


def test_killed_mutants_give_exit_0_and_a_clean_account(deployed: Given, tmp_path: Path) -> None:
    report = tmp_path / "reports" / "mutants.json"
    only = ["--only=validation-off", "--only=kms_key_arn"]
    done = _run(*_arguments(deployed, report, *only))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "[  1/1] minded: kms_key_arn" in done.stdout
    assert "outputs that lead nowhere: 1 tried; 0 survived," in done.stdout
    assert "[  1/1] killed        trail: validation-off" in done.stdout
    assert "1 seeded faults: 1 killed, 0 survived, 0 wrong control;" in done.stdout
    document = _report(report)
    assert document["clean_at_the_end"] is True
    assert document["totals"]["killed"] == 1
    assert document["controls"]["not_covered"] == []
    assert document["outputs"] == [{"tried": ["kms_key_arn"], "wrong": [], "unmoved": []}]
    [mutant] = document["mutants"]
    assert mutant["seen"] == {
        "fail": ["declared-matches-live", "trail-log-file-validation"],
        "error": [],
    }
    assert "log file validation" in mutant["messages"]["trail-log-file-validation"]


def _harmless(account: Account, mending: ExitStack) -> None:
    """Changes what no control may mind."""
    topic = {"ResourceArn": account.outputs["alert_topic_arn"]}
    account.sns.tag_resource(**topic, Tags=[{"Key": "Note", "Value": "harmless"}])
    mending.callback(account.sns.untag_resource, **topic, TagKeys=["Note"])


def _stop(account: Account, mending: ExitStack) -> None:
    name = {"Name": account.outputs["trail_arn"]}
    mending.callback(account.cloudtrail.start_logging, **name)
    account.cloudtrail.stop_logging(**name)


def _stop_for_good(account: Account, mending: ExitStack) -> None:
    account.cloudtrail.stop_logging(Name=account.outputs["trail_arn"])


def _refused(account: Account, mending: ExitStack) -> None:
    _stop(account, mending)
    account.cloudtrail.stop_logging(Name=f"{account.outputs['trail_arn']}-none")


@pytest.mark.parametrize(
    ("break_it", "fails", "fate", "failed"),
    [
        (_harmless, "resources-tagged", "survived", []),
        (
            _stop,
            "trail-encrypted",
            "wrong_control",
            ["declared-matches-live", "trail-is-logging"],
        ),
        (_refused, "trail-is-logging", "not_seeded", []),
    ],
    ids=["survived", "wrong control", "not seeded"],
)
def test_a_mutant_that_is_not_killed_gives_exit_1(
    deployed: Given,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    break_it: Any,
    fails: str,
    fate: str,
    failed: list[str],
) -> None:
    mutant = Mutant("harmless", "trail", "a fault for a test", frozenset({fails}), break_it)
    real = mutants_of(baseline.load("dev").controls)
    monkeypatch.setattr(program, "mutants_of", lambda _: (*real, mutant))
    report = tmp_path / "mutants.json"
    assert program.main(_arguments(deployed, report, "--only=harmless")) == 1
    [found] = _report(report)["mutants"]
    assert found["fate"] == fate
    assert found["seen"]["fail"] == failed
    assert _report(report)["clean_at_the_end"] is True
    printed = capsys.readouterr().out
    assert f"{fate.upper().replace('_', ' ')}: trail: harmless: a fault for a test" in printed


def test_an_account_that_is_not_mended_ends_the_campaign(
    deployed: Given, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Mutant("m1", "trail", "not mended", frozenset({"key-usable"}), _stop_for_good)
    second = Mutant("m2", "trail", "never tried", frozenset({"trail-is-logging"}), _stop)
    real = mutants_of(baseline.load("dev").controls)
    monkeypatch.setattr(program, "mutants_of", lambda _: (*real, first, second))
    report = tmp_path / "mutants.json"
    account = _account(deployed, tmp_path)
    try:
        assert program.main(_arguments(deployed, report, "--only=m[12]")) == 1
    finally:
        account.cloudtrail.start_logging(Name=account.outputs["trail_arn"])
    document = _report(report)
    assert [(item["name"], item["fate"]) for item in document["mutants"]] == [("m1", "not_mended")]
    assert document["clean_at_the_end"] is False


def test_a_dirty_account_is_refused(deployed: Given, tmp_path: Path) -> None:
    account = _account(deployed, tmp_path)
    with ExitStack() as mending:
        _stop(account, mending)
        done = _run(*_arguments(deployed, tmp_path / "mutants.json", "--only=validation-off"))
    assert done.returncode == 2
    assert "not clean before the first fault:\n  declared-matches-live:" in done.stderr


def _wait_until_gone(group: int) -> None:
    """The fork server ends when it notices that we have; nothing of the group may stay."""
    until = time.monotonic() + 10
    while True:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        assert time.monotonic() < until, "a process was left behind"
        time.sleep(0.1)


@pytest.mark.parametrize(
    ("number", "moment"),
    [
        (signal.SIGINT, "killed"),
        (signal.SIGTERM, "killed"),
        (signal.SIGTERM, "altering the answers of a clean run"),
    ],
    ids=["SIGINT", "SIGTERM", "altering"],
)
def test_an_interrupted_campaign_mends(
    deployed: Given, tmp_path: Path, number: signal.Signals, moment: str
) -> None:
    arguments = _arguments(deployed, tmp_path / "mutants.json", "--only=trail")
    process = subprocess.Popen(
        [sys.executable, "-m", "mutants", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        start_new_session=True,
    )
    assert process.stdout is not None
    while moment not in (line := process.stdout.readline()):
        assert line, "it ended before that moment"
    process.send_signal(number)
    text, _ = process.communicate(timeout=240)  # on a busy machine
    assert process.returncode == 130, text
    assert "interrupted; the account was mended" in text
    _wait_until_gone(process.pid)
    if moment != "killed":
        return  # nothing was broken yet
    account = _account(deployed, tmp_path)
    Campaign(account, SuiteRunner(tmp_path / "runs", "dev")).require_clean("after the interruption")


class _Hurried:
    """A suite on a machine that is so busy that what is awaited in haste comes too late."""

    def __init__(self, folder: Path, fails: frozenset[str]) -> None:
        self.timeouts: list[int] = []
        self._folder = folder
        self._fails = fails

    def run(self, _account: Account, suite: Suite, *, alert_timeout: int = PATIENT) -> Outcomes:
        self.timeouts.append(alert_timeout)
        late = frozenset({"alert-by-both-paths"} if alert_timeout == HASTY else ())
        failed = self._fails | late if suite is Suite.LIVE_FIRE else self._fails
        outcomes = dict.fromkeys(failed, "FAIL")
        return Outcomes(outcomes, dict.fromkeys(failed, "late"), self._folder)


@pytest.mark.parametrize(
    ("suite", "timeouts"),
    [
        (Suite.LIVE_FIRE, [HASTY, PATIENT]),
        (Suite.STATE, [HASTY]),
    ],
)
def test_what_came_late_is_waited_for_before_anything_is_concluded(
    tmp_path: Path, suite: Suite, timeouts: list[int]
) -> None:
    fault = Mutant("m", "alerts", "none", frozenset({"topic"}), lambda *_: None, suite=suite)
    hurried = _Hurried(tmp_path, fault.fails)
    judged: list[Judged] = []
    campaign = Campaign(cast(Account, None), cast(SuiteRunner, hurried))
    campaign.judge(deque([fault]), judged.append, Event())
    assert [item.fate for item in judged] == [Fate.KILLED]
    assert hurried.timeouts == timeouts


def test_the_list_names_mutants_and_controls() -> None:
    done = _run("--list", "--only=key-rotates")
    assert done.returncode == 0
    assert "encryption key: rotation-off: the key is no longer rotated" in done.stdout
    assert "declared-matches-live, key-rotates" in done.stdout
    assert "trail:" not in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--only=nothing-like-it"], "no mutant matches nothing-like-it"),
        (["--sandbox=http://127.0.0.1:1"], "--sandbox and --outputs belong together"),
        (["--accounts=0"], "invalid choice: 0"),
    ],
)
def test_bad_arguments_give_exit_2(arguments: list[str], message: str) -> None:
    done = _run(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_each_of_several_alike_resources_is_missed_when_untagged(
    deployed: Given, tmp_path: Path
) -> None:
    """The mutants untag the last of each address; here are the others."""
    account = _account(deployed, tmp_path)
    runner = SuiteRunner(tmp_path / "runs", "dev")
    others = [
        (untagged.kind_of(address), found)
        for address in untagged.taggable()
        for found in untagged.instances(deployed.outputs, address)[:-1]
    ]
    assert len(others) >= 7, "subnets, route tables and alarms"
    with ExitStack() as mending:
        for kind, found in others:
            untagged.untag(account, mending, kind, found)
        outcomes = runner.run(account, Suite.STATE)
    assert outcomes.controls("FAIL") == {"resources-tagged"}
    message = outcomes.messages["resources-tagged"]
    assert [found["id"] for _, found in others if found["id"] not in message] == []


def _caller(outcomes: Outcomes) -> str:
    return str(json.loads((outcomes.folder / "report.json").read_text())["caller"])


def test_a_run_is_the_verifiers_but_for_a_fault_that_blinds_its_role(
    deployed: Given, tmp_path: Path
) -> None:
    account = _account(deployed, tmp_path)
    runner = SuiteRunner(tmp_path / "runs", "dev")
    role = account.outputs["verifier_role_name"]
    [blinding] = [mutant for mutant in every_mutant() if mutant.name == "no-policy"]
    with ExitStack() as mending:
        blinding.break_it(account, mending)
        outcomes = runner.run(account, Suite.STATE)
    assert f":assumed-role/{role}/" not in _caller(outcomes)
    assert outcomes.controls("FAIL") == {"roles-least-privilege"}
    assert outcomes.controls("ERROR") == set()
    outcomes = runner.run(account, Suite.STATE)
    assert f":assumed-role/{role}/" in _caller(outcomes)
    assert outcomes.controls("FAIL") | outcomes.controls("ERROR") == set()
