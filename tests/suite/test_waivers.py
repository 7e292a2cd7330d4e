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


def _waiver(
    subject: str, days: int = 30, control: str = "resources-tagged", since: int = 40
) -> Waiver:
    return Waiver(
        control,
        subject,
        "accepted until the move",
        "RISK-42",
        "team",
        "Priya Raman",
        TODAY - timedelta(days=since),
        TODAY + timedelta(days=days),
    )


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


@pytest.mark.parametrize(("since", "outcome"), [(0, Outcome.WAIVED), (-1, Outcome.FAIL)])
def test_a_waiver_holds_on_its_first_day_and_not_before(since: int, outcome: Outcome) -> None:
    judged, statuses = _applied(_result(Outcome.FAIL, "a"), _waiver("a", since=since))
    assert judged.outcome is outcome
    assert statuses == ["used" if since == 0 else "not yet in force"]


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
    ticket: RISK-42
    owner: platform team
    approver: Priya Raman
    issued: {issued}
    expires: {expires}
"""


def _entry(expires: date | str, issued: date | str = "2026-04-01") -> str:
    return ENTRY.format(issued=issued, expires=expires)


def _load(tmp_path: Path, text: str) -> tuple[Waiver, ...]:
    path = tmp_path / "waivers.yaml"
    path.write_text(text)
    return waivers.load(path, catalogue.load(), 90)


def test_waivers_are_read_from_yaml(tmp_path: Path) -> None:
    [waiver] = _load(tmp_path, _entry(expires="2026-05-06"))
    assert waiver == Waiver(
        control="resources-tagged",
        subject="arn:aws:sns:*",
        reason="accepted until the move",
        ticket="RISK-42",
        owner="platform team",
        approver="Priya Raman",
        issued=date(2026, 4, 1),
        expires=TODAY,
    )


@pytest.mark.parametrize("name", ["reason", "ticket", "owner", "approver", "issued", "expires"])
def test_a_waiver_lacks_nothing_that_an_auditor_asks_for(tmp_path: Path, name: str) -> None:
    lines = [line for line in _entry("2026-05-06").splitlines() if f"{name}:" not in line]
    with pytest.raises(waivers.WaiverError, match=f"'{name}' is a required property"):
        _load(tmp_path, "\n".join(lines))


def test_a_waiver_may_hold_as_long_as_the_baseline_admits(tmp_path: Path) -> None:
    assert len(_load(tmp_path, _entry(issued="2026-04-01", expires="2026-06-30"))) == 1
    with pytest.raises(waivers.WaiverError, match=r"for 91 days, from 2026-04-01 .* admits 90 at"):
        _load(tmp_path, _entry(issued="2026-04-01", expires="2026-07-01"))


@pytest.mark.parametrize(("subject", "refused"), [("topic-?", True), ("*", True), ("topic", False)])
def test_a_critical_control_is_waived_subject_by_subject(
    tmp_path: Path, subject: str, refused: bool
) -> None:
    assert catalogue.load()["trail-is-logging"].severity == "CRITICAL"
    text = _entry("2026-05-06").replace("resources-tagged", "trail-is-logging")
    text = text.replace("arn:aws:sns:*", subject)
    if refused:
        with pytest.raises(waivers.WaiverError, match="one subject at a time: name each"):
            _load(tmp_path, text)
    else:
        assert [waiver.subject for waiver in _load(tmp_path, text)] == [subject]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("waivers: [", "cannot be read"),
        ("- a", "not valid"),
        (_entry(expires="2026-02-30"), "a day that does not exist: 2026-02-30"),
        (_entry(expires="soon"), "expires"),
        (_entry(expires="2026-03-31"), "end on 2026-03-31, before it is issued on 2026-04-01"),
        (_entry(expires="2026-05-06").replace("reason", "because"), "'because'"),
        (_entry(expires="2026-05-06").replace("resources-", "resource-"), "does not exist"),
        ("!!python/object/apply:os.system ['true']", "is not known here"),
    ],
)
def test_bad_waivers_are_refused_with_the_cause(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(waivers.WaiverError, match=message):
        _load(tmp_path, text)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(waivers.WaiverError, match="cannot be read"):
        waivers.load(tmp_path / "none.yaml", {}, 90)


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
    today = datetime.now(UTC).date()
    expires, issued = today + timedelta(days=days), today - timedelta(days=30)
    (folder / "waivers.yaml").write_text(_entry(expires, issued))
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
    # What pytest itself says at the end agrees.
    assert ("1 waived" in run.text) is (outcome == "WAIVED")
    assert ("1 failed" in run.text) is (outcome == "FAIL")
