"""Log integrity: the trail's own signatures prove its last hours' log files, and keep coming."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from verify.account import reads
from verify.account.answer import CLOCKS_DIFFER
from verify.account.door import Aws
from verify.check import Check
from verify.inputs.deployment import Deployment
from verify.run.log_integrity import LogIntegrity, Validation
from verify.wording import byte_count, hours_or_minutes, time_span, utc_time

if TYPE_CHECKING:
    from verify.integrity.judge.anomaly import Anomaly

_HOUR = timedelta(hours=1)  # CloudTrail makes a digest for each
# Anomalies beyond this many are counted; the evidence has them all.
_SHOWN = 50
# What is known to be so, although it proves no tampering: there is no proof for these times.
_UNPROVEN = frozenset({"gap", "log-uncovered"})
_LATE = "digests-late"


@pytest.mark.control(
    "log-integrity-intact", reads.trail, reads.trail_status, reads.key, reads.enabled_regions
)
@pytest.mark.after_live_fire
def test_log_files_are_as_cloudtrail_delivered_them(
    check: Check, aws: Aws, deployment: Deployment, log_integrity: LogIntegrity
) -> None:
    _note_reads(aws, deployment)
    validation = _validated(check, log_integrity)
    _note_coverage(check, validation)
    result, arn = validation.result, deployment.trail_arn
    wrong = [anomaly for anomaly in result.anomalies if _is_wrong(anomaly)]
    unseen = [
        f"{_place(anomaly)}: {anomaly.kind.label}: {anomaly.seen}"
        for anomaly in result.anomalies
        if anomaly.kind.consequence.value == "unverifiable"
        and not (_is_wrong(anomaly) or _is_late(anomaly))
    ]
    unseen += [f"{region}: {reason}" for region, reason in sorted(validation.unasked.items())]
    _fail(check, wrong[:_SHOWN])
    more = len(wrong[_SHOWN:]) + result.totals.findings_omitted
    if more:
        check.holds(arn, "further findings", False, expected="none", seen=f"{more:,}")
    for reason in unseen[:_SHOWN]:
        check.unknown(arn, reason)
    if unseen:
        return  # Counts of what was seen would look like those of what there is.
    totals = result.totals
    if not totals.digests and not wrong:
        late = any(map(_is_late, result.anomalies))
        if validation.begun is None or late:
            check.unknown(
                arn, f"there is no digest in the last {hours_or_minutes(result.request.period)}"
            )
            return
        check.not_applicable(
            f"nothing to validate yet: {_first_due(validation.begun, result.request.lateness)}"
        )
    check.equal(
        f"{totals.digests:,} digests of the last {hours_or_minutes(result.request.period)}",
        "signed by CloudTrail, unchanged, and linked to the one before",
        expected=totals.digests,
        seen=totals.digests_proven,
    )
    check.equal(
        f"{totals.logs:,} log files that they name",
        "there, with the recorded hash",
        expected=totals.logs,
        seen=totals.logs_intact,
    )


@pytest.mark.control("digests-on-time", reads.trail_status)
@pytest.mark.after_live_fire
def test_digests_keep_coming(
    check: Check,
    aws: Aws,
    deployment: Deployment,
    log_integrity: LogIntegrity,
    baseline: Mapping[str, Any],
) -> None:
    answer = aws.read_again(reads.trail_status(deployment))
    status = answer.response or {}
    validation = _validated(check, log_integrity)
    arn, latest = deployment.trail_arn, status.get("LatestDigestDeliveryTime")
    errors = dict(validation.delivery_errors)
    errors.pop(deployment.trail_home_region, None)  # asked for again just now
    if status.get("LatestDigestDeliveryError"):
        errors[deployment.trail_home_region] = status["LatestDigestDeliveryError"]
    check.none(
        arn,
        "LatestDigestDeliveryError",
        [f"{region}: {error}" for region, error in sorted(errors.items())],
    )
    _fail(check, filter(_is_late, validation.result.anomalies))
    for region, reason in validation.unasked.items():
        check.unknown(f"{arn} in {region}", reason)
    lateness = timedelta(minutes=baseline["log_integrity"]["lateness_minutes"])
    maximum, now = _HOUR + lateness, answer.time
    begun = validation.begun
    if latest is None and begun is not None and now - begun <= maximum:
        check.not_applicable(f"no digest is due yet: {_first_due(begun, lateness)}")
    check.holds(
        arn,
        "LatestDigestDeliveryTime",
        isinstance(latest, datetime) and -CLOCKS_DIFFER <= now - latest <= maximum,
        expected=f"within the last {hours_or_minutes(maximum)}",
        seen=latest,
    )


def _note_reads(aws: Aws, deployment: Deployment) -> None:
    """Name what the validation read through the door among this check's evidence."""
    # Of the key the age is taken, where there is one.
    key = () if deployment.if_there("kms_key_arn") is None else (reads.key(deployment),)
    for read in (reads.trail(deployment), *key, reads.enabled_regions()):
        aws.read(read)
    # Of a replay the validation itself asks for no status: an empty answer is none all the same.
    aws.pick(reads.trail_status(deployment), "IsLogging")


def _validated(check: Check, log_integrity: LogIntegrity) -> Validation:
    validation = log_integrity.validation()
    if not validation.result.totals.digests and validation.begun is not None:
        # The first digest may have come since the run began.
        validation = log_integrity.again(validation)
    check.evidence.append(validation.evidence)
    return validation


def _fail(check: Check, anomalies: Iterable[Anomaly]) -> None:
    """Each anomaly is an expectation that is not met."""
    for anomaly in anomalies:
        check.holds(
            _place(anomaly),
            f"{anomaly.kind.severity.value} {anomaly.kind.label}",
            False,
            expected=anomaly.expected,
            seen=anomaly.seen,
        )


def _is_wrong(anomaly: Anomaly) -> bool:
    return (
        anomaly.kind.consequence.value in ("tampering", "loss") or anomaly.kind.label in _UNPROVEN
    )


def _is_late(anomaly: Anomaly) -> bool:
    return anomaly.kind.label == _LATE


def _place(anomaly: Anomaly) -> str:
    if anomaly.key:
        return f"s3://{anomaly.bucket}/{anomaly.key}"
    return f"{anomaly.bucket} {anomaly.region}".strip()


def _note_coverage(check: Check, validation: Validation) -> None:
    """What was really covered: the period that was asked for is not always it."""
    request, totals = validation.result.request, validation.result.totals
    covered: dict[str, list[str]] = {}
    for validated in validation.result.scopes:
        spans = "; ".join(time_span(*interval) for interval in validated.covered)
        covered.setdefault(spans or "nothing yet", []).append(validated.scope.region)
    if validation.archived:
        check.notes.append("; ".join(validation.archived))
    check.notes.append(
        f"Log integrity, asked for {time_span(request.start, request.end)}: "
        f"{totals.digests_proven + totals.backfill_digests_proven:,} of "
        f"{totals.digests + totals.backfill_digests:,} digests proven, {totals.logs_intact:,} of "
        f"{totals.logs:,} log files intact ({byte_count(totals.log_bytes)} uncompressed), "
        f"{totals.logs_pending:,} more await their digest. Covered by proven digests: "
        + " | ".join(f"{spans} in {_some(regions)}" for spans, regions in covered.items())
    )


def _some(regions: list[str]) -> str:
    if len(regions) <= 3:
        return ", ".join(regions)
    return f"{len(regions)} regions ({regions[0]}, ...)"


def _first_due(begun: datetime, lateness: timedelta) -> str:
    due = begun + _HOUR + lateness
    return f"logging began at {utc_time(begun)}, the first digest is due by {utc_time(due)}"
