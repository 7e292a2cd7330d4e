"""A run's result for people and for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from verify import __version__
from verify.integrity.judge.anomaly import Finding, Severity
from verify.integrity.judge.coverage import Interval
from verify.integrity.run.state import finding_document
from verify.integrity.run.validation import INTACT, NOT_VERIFIED, TAMPERED, Result
from verify.wording import time_span, utc_time

SCHEMA_VERSION = "1.0"
VERDICTS = {
    INTACT: "INTACT",
    TAMPERED: "TAMPERING OR LOSS",
    NOT_VERIFIED: "NOT FULLY VERIFIED",
}
_SHOWN = 200
_ORDER = list(reversed(Severity))


def document(result: Result, trail_arn: str, finished: datetime) -> dict[str, Any]:
    """The result as JSON, by integrity.schema.json."""
    request, layout = result.request, result.request.layout
    return {
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": "trailwarden", "version": __version__},
        "trail_arn": trail_arn,
        "bucket": layout.bucket,
        "prefix": layout.prefix,
        "organization": layout.organization,
        "period": _interval((request.start, request.end)),
        "started": utc_time(request.now),
        "finished": utc_time(finished),
        "verdict": VERDICTS[result.exit_code],
        "exit_code": result.exit_code,
        "totals": result.totals.as_dict(),
        "targets": [
            {
                "account": one.target.account,
                "region": one.target.region,
                "covered": [_interval(interval) for interval in one.covered],
                "totals": one.totals.as_dict(),
            }
            for one in result.targets
        ],
        "findings": [finding_document(finding) for finding in _sorted(result)],
    }


def _interval(interval: Interval) -> dict[str, str]:
    return {"start": utc_time(interval[0]), "end": utc_time(interval[1])}


def _sorted(result: Result) -> list[Finding]:
    return sorted(
        result.findings,
        key=lambda one: (_ORDER.index(one.kind.severity), one.account, one.region, one.key),
    )


def lines(result: Result, trail_arn: str) -> Iterator[str]:
    """The result for a terminal."""
    request, totals = result.request, result.totals
    yield f"Trail {trail_arn}"
    yield f"Period {time_span(request.start, request.end)}"
    findings = _sorted(result)
    if findings:
        yield ""
    for finding in findings[:_SHOWN]:
        place = f"s3://{finding.bucket}/{finding.key}" if finding.key else finding.region
        yield f"{finding.kind.severity.value:<8} {finding.kind.label}  {place or finding.bucket}"
        if finding.key == "" and finding.account and place != finding.bucket:
            yield f"         account  {finding.account}"
        yield f"         expected {finding.expected}"
        yield f"         seen     {finding.seen}"
    if len(findings) > _SHOWN:
        yield f"and {len(findings) - _SHOWN:,} more; --json has them"
    if totals.findings_omitted:
        yield f"and {totals.findings_omitted:,} more that are only counted"
    yield ""
    yield f"{totals.digests_proven:,} of {totals.digests:,} digests proven"
    if totals.backfill_digests:
        yield (
            f"{totals.backfill_digests_proven:,} of {totals.backfill_digests:,} "
            "backfill digests proven"
        )
    yield f"{totals.logs_intact:,} of {totals.logs:,} log files intact"
    for count, what in (
        (totals.logs_under_unproven_digests, "of them only named by digests that are not proven"),
        (totals.logs_unreferenced, "log files that no digest names"),
        (totals.logs_uncovered, "log files at times without a digest"),
        (totals.logs_pending, "log files whose digest is still to come"),
    ):
        if count:
            yield f"{count:,} {what}"
    yield ""
    yield from _coverage(result)
    yield ""
    yield f"{VERDICTS[result.exit_code]}{_counts(findings)}"


def _coverage(result: Result) -> Iterator[str]:
    period = (result.request.start, result.request.end)
    whole = [one for one in result.targets if one.covered == (period,)]
    if whole and len(whole) == len(result.targets):
        yield f"Covered  {time_span(*period)} in all of {len(whole)} region(s)"
        return
    for one in result.targets:
        place = f"{one.target.account} {one.target.region}"
        covered = "; ".join(time_span(*interval) for interval in one.covered[:10]) or "nothing"
        more = f"; and {len(one.covered) - 10} more" if len(one.covered) > 10 else ""
        yield f"Covered  {place}: {covered}{more}"


def _counts(findings: list[Finding]) -> str:
    counts = Counter(finding.kind.consequence.value for finding in findings)
    if not counts:
        return ""
    return " (" + ", ".join(f"{count:,} {name}" for name, count in sorted(counts.items())) + ")"
