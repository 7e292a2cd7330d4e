"""From the findings of the policy judgements to the observations of a check."""

from __future__ import annotations

from collections.abc import Iterable

from verify.check import Check
from verify.policy import Finding, Judgement, Verdict


def report_findings(
    check: Check,
    subject: str,
    aspect: str,
    findings: Iterable[Finding],
    expected: str = "none",
) -> None:
    """There must be no violation; what the judgement could not decide is not seen."""
    found = list(findings)
    check.none(
        subject,
        aspect,
        [item.reason for item in found if item.verdict is Verdict.VIOLATION],
        expected=expected,
    )
    for item in found:
        if item.verdict is Verdict.CANNOT_TELL:
            check.unknown(subject, item.reason)


def report_judgement(
    check: Check, subject: str, aspect: str, judgement: Judgement, expected: str
) -> None:
    """The judgement must hold, its reason is what was seen; where it may hold, it is not seen."""
    if judgement.undecided:
        check.unknown(subject, f"{aspect}: {judgement.reason}")
        return
    check.holds(subject, aspect, judgement.holds, expected=expected, seen=judgement.reason)
