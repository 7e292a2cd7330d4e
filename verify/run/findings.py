"""A run's findings in Security Hub: imported on request only.

Source: AWS Security Hub API Reference, BatchImportFindings (at most 100 findings a call).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from verify.account.errors import describe
from verify.model import Report
from verify.report import asff
from verify.run.verification import Run

OPERATION = "batch_import_findings"
_AT_A_TIME = 100
_TOLD = 5  # of the findings that were not taken


class ImportFindingsError(Exception):
    """Security Hub has not taken every finding. The message says which, and why."""


def import_findings(run: Run, report: Report) -> int:
    """Import a report's findings, one a control; how many they were. Raises ImportFindingsError."""
    findings: list[Mapping[str, Any]] = json.loads(asff.render(report))
    refused = [
        refused
        for start in range(0, len(findings), _AT_A_TIME)
        for refused in _sent(run, findings[start : start + _AT_A_TIME])
    ]
    if refused:
        more = len(refused) - _TOLD
        raise ImportFindingsError(
            f"Security Hub did not take {len(refused)} of {len(findings)} findings: "
            + "; ".join(refused[:_TOLD])
            + (f"; and {more} more" if more > 0 else "")
        )
    return len(findings)


def _sent(run: Run, batch: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Why each finding was not taken that was not. Raises ImportFindingsError."""
    region = run.deployment.region
    try:
        answer = run.aws.client("securityhub", region).batch_import_findings(Findings=batch)
    except (ClientError, BotoCoreError) as error:
        said = describe(error, "securityhub", OPERATION, region)
        raise ImportFindingsError(
            f"{said}; Security Hub must be on in the region, and finding_import_enabled lets the "
            "verifier role import"
        ) from error
    told = answer.get("FailedFindings", ())
    for one in told:
        yield f"{one.get('Id')}: {one.get('ErrorCode')}: {one.get('ErrorMessage')}"
    for _ in range(answer.get("FailedCount", 0) - len(told)):
        yield "one of which it says nothing"
