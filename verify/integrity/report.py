"""A run's result for people and for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from verify import __version__
from verify.integrity import restore
from verify.integrity.judge.anomaly import Anomaly, Severity, anomaly_document
from verify.integrity.judge.coverage import Interval
from verify.integrity.judge.totals import Totals
from verify.integrity.run.result import INTACT, NOT_VERIFIED, TAMPERED, Result
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
        "archived": restore.document(result.totals),
        "targets": [
            {
                "account": validated.scope.account,
                "region": validated.scope.region,
                "covered": [_interval(interval) for interval in validated.covered],
                "totals": validated.totals.as_dict(),
            }
            for validated in result.scopes
        ],
        "findings": [anomaly_document(anomaly) for anomaly in _sorted(result)],
    }


def _interval(interval: Interval) -> dict[str, str]:
    return {"start": utc_time(interval[0]), "end": utc_time(interval[1])}


def _sorted(result: Result) -> list[Anomaly]:
    return sorted(
        result.anomalies,
        key=lambda anomaly: (
            _ORDER.index(anomaly.kind.severity),
            anomaly.account,
            anomaly.region,
            anomaly.key,
        ),
    )


def lines(result: Result, trail_arn: str) -> Iterator[str]:
    """The result for a terminal."""
    anomalies = _sorted(result)
    yield f"Trail {trail_arn}"
    yield f"Period {time_span(result.request.start, result.request.end)}"
    if anomalies:
        yield ""
    for anomaly in anomalies[:_SHOWN]:
        yield from _described(anomaly)
    if len(anomalies) > _SHOWN:
        yield f"and {len(anomalies) - _SHOWN:,} more; --json has them"
    if result.totals.findings_omitted:
        yield f"and {result.totals.findings_omitted:,} more that are only counted"
    yield ""
    yield from _totals(result.totals)
    yield from restore.lines(result.totals)
    yield ""
    yield from _coverage(result)
    yield ""
    yield f"{VERDICTS[result.exit_code]}{_counts(anomalies)}"


def _described(anomaly: Anomaly) -> Iterator[str]:
    place = f"s3://{anomaly.bucket}/{anomaly.key}" if anomaly.key else anomaly.region
    yield f"{anomaly.kind.severity.value:<8} {anomaly.kind.label}  {place or anomaly.bucket}"
    if anomaly.key == "" and anomaly.account and place != anomaly.bucket:
        yield f"         account  {anomaly.account}"
    yield f"         expected {anomaly.expected}"
    yield f"         seen     {anomaly.seen}"


def _totals(totals: Totals) -> Iterator[str]:
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


def _coverage(result: Result) -> Iterator[str]:
    period = (result.request.start, result.request.end)
    scopes = result.scopes
    if scopes and all(validated.covered == (period,) for validated in scopes):
        yield f"Covered  {time_span(*period)} in all of {len(scopes)} region(s)"
        return
    for validated in scopes:
        covered, scope = validated.covered, validated.scope
        shown = "; ".join(time_span(*interval) for interval in covered[:10]) or "nothing"
        more = f"; and {len(covered) - 10} more" if len(covered) > 10 else ""
        yield f"Covered  {scope.account} {scope.region}: {shown}{more}"


def _counts(anomalies: list[Anomaly]) -> str:
    counts = Counter(anomaly.kind.consequence.value for anomaly in anomalies)
    if not counts:
        return ""
    return " (" + ", ".join(f"{count:,} {name}" for name, count in sorted(counts.items())) + ")"
