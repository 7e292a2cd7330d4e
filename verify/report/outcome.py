"""What a run came to, in a few lines: what the next runs tell of it without reading its report."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime

from verify.model import EarlierRun, Outcome, Report, Target

FILE_NAME = "outcome.json"


class InvalidOutcomeError(Exception):
    """The text is not what `render` writes."""


def render(report: Report) -> str:
    """Of which deployment the run was, when, its verdict, how many controls came to what, and the
    longest that an alert took, in seconds."""
    document = {
        "run_id": report.run_id,
        "target": asdict(report.target),
        "started": report.started.isoformat(),
        "finished": report.finished.isoformat(),
        "verdict": report.verdict,
        "counts": {outcome.value: count for outcome, count in report.counts.items()},
        "longest_alert_seconds": report.longest_alert_seconds,
    }
    return json.dumps(document, indent=1) + "\n"


def parse(text: str) -> tuple[Target, EarlierRun]:
    """The deployment and what the run came to. Raises InvalidOutcomeError."""
    try:
        found = json.loads(text)
        return Target(**found["target"]), EarlierRun(
            run_id=found["run_id"],
            started=datetime.fromisoformat(found["started"]),
            finished=datetime.fromisoformat(found["finished"]),
            verdict=found["verdict"],
            counts={outcome: int(found["counts"].get(outcome.value, 0)) for outcome in Outcome},
            longest_alert_seconds=found["longest_alert_seconds"],
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidOutcomeError(f"{type(error).__name__}: {error}") from None
