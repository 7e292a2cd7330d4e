"""The runs that were made before, as their folders keep them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from verify.inputs.reader import UnreadableError, read_text
from verify.model import EarlierRun, Outcome, Report, Target
from verify.proof import chain, manifest
from verify.proof.chain import ChainError
from verify.proof.manifest import Link
from verify.report import json_report, outcome
from verify.report.difference import compare
from verify.report.json_report import InvalidReportError
from verify.report.outcome import InvalidOutcomeError

_MAXIMUM_CHARACTERS = 200_000_000
_LOOK_BACK = 20  # runs, of which some are of other deployments
_TOLD = 10  # runs of the history


def with_history(report: Report, reports: Path) -> Report:
    """The report with the last runs of its deployment below `reports`, and what has changed since.

    It is compared with the last whole one. A run counts if its files are those that were sealed:
    what cannot be read or was changed since is left out, for `check-evidence` to say what is wrong.
    """
    found = list(_sealed(reports, report.target))
    whole = (one for one in found if not one.came_to.counts[Outcome.NOT_TESTED])
    before = next((then for one in whole if (then := _report(one)) is not None), None)
    return replace(
        report,
        since=None if before is None else compare(before, report),
        history=tuple(one.came_to for one in found[:_TOLD]),
    )


@dataclass(frozen=True)
class _Run:
    """A sealed run: its folder, the SHA-256 of each of its files, and what it came to."""

    folder: Path
    files: Mapping[str, str]
    came_to: EarlierRun


def _sealed(reports: Path, target: Target) -> Iterator[_Run]:
    """The runs of a deployment, the latest first."""
    for link in reversed(_links(reports)[-_LOOK_BACK:]):
        folder = reports / link.run_id
        files = _files(folder, link)
        text = _as_sealed(folder, files, outcome.FILE_NAME)
        try:
            of, came_to = outcome.parse(text or "")
        except InvalidOutcomeError:
            continue
        if of == target:
            yield _Run(folder, files, came_to)


def _links(reports: Path) -> Sequence[Link]:
    try:
        return chain.read(reports)
    except ChainError:
        return ()


def _files(folder: Path, link: Link) -> Mapping[str, str]:
    """The SHA-256 of each file by the manifest that the chain names by its own; none by another."""
    stated = _read(folder / manifest.FILE_NAME)
    if stated is None or _hash(stated) != link.manifest_sha256:
        return {}
    try:
        return {entry["file"]: entry["sha256"] for entry in json.loads(stated)["files"]}
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}


def _report(run: _Run) -> Report | None:
    text = _as_sealed(run.folder, run.files, json_report.FILE_NAME)
    try:
        return None if text is None else json_report.verdicts(text)
    except InvalidReportError:
        return None


def _as_sealed(folder: Path, files: Mapping[str, str], name: str) -> str | None:
    """The text of a file if it is the one that was sealed."""
    text = _read(folder / name) if name in files else None
    return text if text is not None and _hash(text) == files[name] else None


def _read(path: Path) -> str | None:
    try:
        return read_text(path, str(path), _MAXIMUM_CHARACTERS)
    except UnreadableError:
        return None


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
