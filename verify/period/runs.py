"""Which runs of a folder count for a period: those whose folders are as they were sealed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from verify.account.door import PROBLEM
from verify.inputs.reader import UnreadableError, read_text
from verify.model import Report
from verify.period.timeline import Span
from verify.proof import chain, report_check
from verify.proof.check import Asked, Said, check_run
from verify.proof.report_check import NoReportError

_MAXIMUM_CHARACTERS = 200_000_000
_INTEGRITY = ("trailwarden", "validate_log_files")


@dataclass(frozen=True)
class Excluded:
    """A run that does not count, and why."""

    run_id: str
    why: tuple[str, ...]


@dataclass(frozen=True)
class Verified:
    """A run that counts: its report, and what its log validation has proven, by region."""

    report: Report
    covered: Mapping[str, tuple[Span, ...]]
    log_findings: tuple[str, ...]


def find(
    reports: Path,
    span: Span,
    valid: timedelta,
    asked: Asked,
    tell: Callable[[str], None],
) -> Iterator[Verified | Excluded]:
    """The runs that say something of a period, each checked. `tell` is told of each.

    Raises ChainError.
    """
    for link in chain.read(reports):
        folder = reports / link.run_id
        try:
            report = report_check.read(folder)
        except NoReportError as error:
            yield Excluded(link.run_id, (str(error),))
            continue
        if report.started >= span.end or report.started + valid <= span.start:
            continue
        tell(f"checking {link.run_id}")
        faults: list[str] = []

        def hear(said: Said, faults: list[str] = faults) -> None:
            if not said.good:
                faults.append(f"{said.about}: {said.text}")

        check_run(folder, hear, asked, within_chain=True, report=report)
        yield Excluded(link.run_id, tuple(faults)) if faults else _verified(folder, report)


def _verified(folder: Path, report: Report) -> Verified | Excluded:
    covered: dict[str, list[Span]] = {}
    findings: list[str] = []
    for reference in report.evidence:
        if (reference.service, reference.operation) != _INTEGRITY:
            continue
        try:
            [page] = _pages(folder / reference.file)
            if PROBLEM in page:
                continue
            for target in page["targets"]:
                covered.setdefault(target["region"], []).extend(
                    Span(datetime.fromisoformat(one["start"]), datetime.fromisoformat(one["end"]))
                    for one in target["covered"]
                )
            findings += [
                f"{one['severity']} {one['kind']}: {one['key'] or one['region']}: {one['seen']}"
                for one in page["findings"]
                if one["consequence"] != "note"
            ]
        except (UnreadableError, ValueError, KeyError, TypeError) as error:
            return Excluded(report.run_id, (f"{reference.file}: {error}",))
    return Verified(
        report, {name: tuple(spans) for name, spans in covered.items()}, tuple(findings)
    )


def _pages(path: Path) -> list[Mapping[str, Any]]:
    document = json.loads(read_text(path, str(path), _MAXIMUM_CHARACTERS))
    found: list[Mapping[str, Any]] = document["response"]
    return found
