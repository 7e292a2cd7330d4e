"""Who changed what failed: the trail itself is asked, once the checks have ended.

CloudTrail's event history knows the changes of 90 days, some minutes late. What it says is evidence
like everything else; that it says nothing, or may not be asked, changes no verdict.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from verify.model import ControlResult, Outcome, RecordedChange
from verify.report.display import severity_rank
from verify.run.verification import Run

MAXIMUM_SUBJECTS = 5  # two calls a second are answered
_MAXIMUM_CHANGES = 3  # of a subject, the latest
_EVENTS = 200  # that are looked through for them, in each region
# A resource's ARN, id or name; what else a verdict is about, no event names.
_NAME = re.compile(r"[\w.:/+=@-]{3,500}")
_GLOBAL = {"aws": "us-east-1", "aws-us-gov": "us-gov-west-1", "aws-cn": "cn-north-1"}

Found = tuple[tuple[ControlResult, ...], tuple[str, ...]]  # results, and notes on what was not told


def with_changes(run: Run, results: Sequence[ControlResult], say: Callable[[str], None]) -> Found:
    """The results, those that failed with the latest recorded changes of what failed."""
    subjects = list(_subjects(results))
    if not subjects or run.settings.replay is not None:
        return tuple(results), ()
    first = subjects[:MAXIMUM_SUBJECTS]
    say(f"asking CloudTrail who changed what failed ({len(first)} resources)")
    seen, evidence = run.aws.looked(
        "trailwarden",
        "who_changed",
        lambda: {"asked": [_of_subject(run, subject) for subject in first]},
        subjects=first,
    )
    changes = {one["subject"]: _changes(one["changes"]) for one in seen["asked"]}
    notes = [one["note"] for one in seen["asked"] if one["note"]]
    if len(subjects) > MAXIMUM_SUBJECTS:
        notes.append(
            f"who changed the other {len(subjects) - MAXIMUM_SUBJECTS} resources that failed was "
            "not asked: `python -m verify who --resource <name>` asks for each"
        )
    return tuple(_told(one, changes, evidence) for one in results), tuple(dict.fromkeys(notes))


def _told(
    result: ControlResult, changes: Mapping[str, tuple[RecordedChange, ...]], evidence: str
) -> ControlResult:
    if result.outcome is not Outcome.FAIL:
        return result
    asked = [one for one in _unmet(result) if one in changes]
    if not asked:
        return result
    return replace(
        result,
        changes=tuple(dict.fromkeys(change for one in asked for change in changes[one])),
        evidence=(*result.evidence, evidence),
    )


def _subjects(results: Iterable[ControlResult]) -> Iterator[str]:
    """The resources that failed, those of the gravest controls first."""
    failed = [one for one in results if one.outcome is Outcome.FAIL]
    failed.sort(key=lambda one: severity_rank(one.control.severity))
    yield from dict.fromkeys(subject for result in failed for subject in _unmet(result))


def _unmet(result: ControlResult) -> Iterator[str]:
    for one in result.observations:
        # Of objects the event history knows nothing: they are data.
        if not one.met and _NAME.fullmatch(one.subject) and not one.subject.startswith("s3://"):
            yield one.subject


def _of_subject(run: Run, subject: str) -> dict[str, Any]:
    # Imported here: it takes long, and a clean run asks for nothing.
    from verify.investigate.found import HistoryError
    from verify.investigate.lookup import look_up
    from verify.investigate.question import KEPT_FOR, Question

    now = datetime.now(UTC)
    # The end of the history is on its way out of it.
    since = now - KEPT_FOR + timedelta(hours=1)
    question = Question(since, now, resource=subject, changes=True)
    regions = dict.fromkeys(
        filter(None, (run.deployment.region, _GLOBAL.get(run.deployment.partition)))
    )
    try:
        found = look_up(
            question,
            list(regions),
            _EVENTS,
            lambda _: None,
            lambda region: run.aws.client("cloudtrail", region),
        )
    except HistoryError as error:
        return {"subject": subject, "changes": [], "note": f"who changed {subject}: {error}"}
    latest = [act.document() for act in reversed(found.acts)][:_MAXIMUM_CHANGES]
    note = None
    if not latest and found.cut_off:
        note = (
            f"who changed {subject}: not among its {_EVENTS} latest events; "
            f"`python -m verify who --resource {subject}` looks further back"
        )
    return {"subject": subject, "changes": latest, "note": note}


def _changes(documents: Iterable[Mapping[str, Any]]) -> tuple[RecordedChange, ...]:
    return tuple(
        RecordedChange(
            time=datetime.fromisoformat(one["time"]),
            event_id=one["event_id"],
            region=one["region"],
            action=one["action"],
            who=one["who"],
            principal=one["principal"],
            source=one["where"],
            error=one["error"],
        )
        for one in documents
    )
