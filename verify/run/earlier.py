"""The runs that were made before, as their folders keep them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from verify.inputs.reader import UnreadableError, read_text
from verify.model import EarlierRun, Outcome, Report, Target
from verify.proof import chain, manifest
from verify.proof.chain import ChainError
from verify.proof.manifest import Link
from verify.report import json_report
from verify.report.difference import compare
from verify.report.json_report import InvalidReportError

_MAXIMUM_CHARACTERS = 200_000_000
_LOOK_BACK = 20  # runs, of which some are of other deployments
_TOLD = 10  # runs of the history


def with_history(report: Report, reports: Path) -> Report:
    """The report with the last runs of its deployment below `reports`, and what has changed since.

    It is compared with the last whole one. A run counts if its report is the one that was sealed:
    what cannot be read or was changed since is left out, for `check-evidence` to say what is wrong.
    """
    found = list(_sealed(reports, report.target))
    before = next((one for one in found if not one.counts[Outcome.NOT_TESTED]), None)
    return replace(
        report,
        since=None if before is None else compare(before, report),
        history=tuple(map(_told, found[:_TOLD])),
    )


def _told(run: Report) -> EarlierRun:
    return EarlierRun(
        run.run_id,
        run.started,
        run.finished,
        run.verdict,
        run.counts,
        run.longest_alert_seconds,
    )


def _sealed(reports: Path, target: Target) -> Iterator[Report]:
    """The runs of a deployment, the latest first."""
    for link in reversed(_links(reports)[-_LOOK_BACK:]):
        try:
            text = _sealed_text(reports / link.run_id, link)
            found = None if text is None else json_report.verdicts(text)
        except (UnreadableError, InvalidReportError):
            continue
        if found is not None and found.target == target:
            yield found


def _links(reports: Path) -> Sequence[Link]:
    try:
        return chain.read(reports)
    except ChainError:
        return ()


def _sealed_text(folder: Path, link: Link) -> str | None:
    """The text of a run's report as it was sealed; None where it is another.

    The chain names the manifest by its hash, and the manifest the report. Raises UnreadableError.
    """
    stated = _read(folder / manifest.FILE_NAME)
    if _hash(stated) != link.manifest_sha256:
        return None
    try:
        hashes = {entry["file"]: entry["sha256"] for entry in json.loads(stated)["files"]}
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    text = _read(folder / json_report.FILE_NAME)
    return text if _hash(text) == hashes.get(json_report.FILE_NAME) else None


def _read(path: Path) -> str:
    return read_text(path, str(path), _MAXIMUM_CHARACTERS)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
