"""A waiver covers a failure for its time, and hides nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sandbox.support import RunningSandbox
from tests.suite.support import ROOT, verify
from verify.inputs import catalogue, waivers
from verify.inputs.waivers import Waiver
from verify.model import ControlResult, Observation, Outcome

TODAY = date(2026, 5, 6)
CONTROL = catalogue.load()["resources-tagged"]


def _waiver(subject: str, days: int = 30, control: str = "resources-tagged") -> Waiver:
    return Waiver(control, subject, "accepted until the move", "team", TODAY + timedelta(days=days))


def _result(outcome: Outcome, *unmet: str) -> ControlResult:
    return ControlResult(
        control=CONTROL,
        outcome=outcome,
        message="what was seen",
        observations=(
            Observation("met", "tags", "x", "x", True),
            *(Observation(subject, "tags", "x", "y", False) for subject in unmet),
        ),
        evidence=(),
        test="t",
        seconds=0.1,
    )


def _applied(result: ControlResult, *given_waivers: Waiver) -> tuple[ControlResult, Sequence[str]]:
    [judged], uses = waivers.apply([result], given_waivers, TODAY)
    return judged, [use.status for use in uses]


def test_a_covered_failure_is_waived_and_keeps_all_that_was_seen() -> None:
    failed = _result(Outcome.FAIL, "arn:aws:sns:::a")
    judged, statuses = _applied(failed, _waiver("arn:aws:sns:*"))
    assert judged.outcome is Outcome.WAIVED
    assert (judged.message, judged.observations) == (failed.message, failed.observations)
    assert statuses == ["used"]


def test_every_subject_that_failed_must_be_covered() -> None:
    judged, statuses = _applied(_result(Outcome.FAIL, "a", "b"), _waiver("a"))
    assert judged.outcome is Outcome.FAIL
    assert statuses == ["used"]
    judged, statuses = _applied(_result(Outcome.FAIL, "a", "b"), _waiver("a"), _waiver("b"))
    assert judged.outcome is Outcome.WAIVED
    assert statuses == ["used", "used"]


@pytest.mark.parametrize(("days", "outcome"), [(0, Outcome.WAIVED), (-1, Outcome.FAIL)])
def test_a_waiver_holds_on_its_last_day_and_not_after(days: int, outcome: Outcome) -> None:
    judged, statuses = _applied(_result(Outcome.FAIL, "a"), _waiver("a", days))
    assert judged.outcome is outcome
    assert statuses == ["used" if days == 0 else "expired"]


@pytest.mark.parametrize("outcome", [Outcome.ERROR, Outcome.NOT_TESTED])
def test_what_was_not_seen_cannot_be_waived(outcome: Outcome) -> None:
    judged, statuses = _applied(_result(outcome, "a"), _waiver("*"))
    assert judged.outcome is outcome
    assert statuses == ["unused"]


def test_a_failure_without_a_subject_cannot_be_waived() -> None:
    assert _applied(_result(Outcome.FAIL), _waiver("*"))[0].outcome is Outcome.FAIL


def test_a_waiver_of_another_control_covers_nothing() -> None:
    judged, statuses = _applied(_result(Outcome.FAIL, "a"), _waiver("*", control="key-rotates"))
    assert judged.outcome is Outcome.FAIL
    assert statuses == ["unused"]


@pytest.mark.parametrize(
    ("pattern", "subject", "covered"),
    [
        ("arn:aws:s3:::logs", "arn:aws:s3:::logs", True),
        ("arn:aws:s3:::logs", "arn:aws:s3:::logs-2", False),
        ("arn:aws:s3:::LOGS", "arn:aws:s3:::logs", False),
        ("*", "anything\nat all", True),
        ("sg-?", "sg-1", True),
        ("sg-?", "sg-12", False),
        ("a[b]c", "a[b]c", True),
        ("a[b]c", "abc", False),
        ("a.c", "abc", False),
    ],
)
def test_only_star_and_question_mark_are_special(pattern: str, subject: str, covered: bool) -> None:
    assert _waiver(pattern).covers(subject) is covered


@given(st.text(min_size=1, max_size=50).filter(lambda text: not set(text) & set("*?")))
def test_a_subject_without_wildcards_covers_itself_alone(subject: str) -> None:
    assert _waiver(subject).covers(subject)
    assert not _waiver(subject).covers(subject + "x")


ENTRY = """
waivers:
  - control: resources-tagged
    subject: "arn:aws:sns:*"
    reason: accepted until the move
    owner: platform team
    expires: {expires}
"""


def _load(tmp_path: Path, text: str) -> tuple[Waiver, ...]:
    path = tmp_path / "waivers.yaml"
    path.write_text(text)
    return waivers.load(path, catalogue.load())


def test_waivers_are_read_from_yaml(tmp_path: Path) -> None:
    [waiver] = _load(tmp_path, ENTRY.format(expires="2026-05-06"))
    assert waiver == Waiver(
        "resources-tagged", "arn:aws:sns:*", "accepted until the move", "platform team", TODAY
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("waivers: [", "cannot be read"),
        ("- a", "not valid"),
        (ENTRY.format(expires="2026-02-30"), "a day that does not exist: 2026-02-30"),
        (ENTRY.format(expires="soon"), "expires"),
        (ENTRY.format(expires="2026-05-06").replace("reason", "because"), "'because'"),
        (ENTRY.format(expires="2026-05-06").replace("resources-", "resource-"), "does not exist"),
        ("!!python/object/apply:os.system ['true']", "cannot be read"),
    ],
)
def test_bad_waivers_are_refused_with_the_cause(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(waivers.WaiverError, match=message):
        _load(tmp_path, text)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(waivers.WaiverError, match="cannot be read"):
        waivers.load(tmp_path / "none.yaml", ())


CHECK = """
import pytest

@pytest.mark.control("resources-tagged")
def test_fail(check):
    check.equal("arn:aws:sns:::topic", "tags", expected="some", seen="none")
"""


@pytest.mark.parametrize(
    ("days", "outcome", "said"),
    [
        (3, "WAIVED", "in force, 3 days left"),
        (-2, "FAIL", "expired 2 days ago: it covers nothing"),
    ],
)
def test_a_run_reports_its_waivers(
    outputs_file: Path, sandbox: RunningSandbox, days: int, outcome: str, said: str
) -> None:
    folder = outputs_file.parent
    (folder / "test_one.py").write_text(CHECK)
    expires = datetime.now(UTC).date() + timedelta(days=days)
    (folder / "waivers.yaml").write_text(ENTRY.format(expires=expires))
    run = verify(
        outputs_file,
        folder / "reports",
        f"-c{ROOT / 'pytest.ini'}",
        "-pverify.suite.plugin",
        f"--waivers={folder / 'waivers.yaml'}",
        str(folder / "test_one.py"),
        url=sandbox.url,
        as_verifier=False,
    )
    assert run.outcomes["resources-tagged"] == outcome
    assert "required some, live none" in run.row("resources-tagged")["message"]
    assert said in run.text
    assert run.report["waivers"][0]["days_left"] == days
