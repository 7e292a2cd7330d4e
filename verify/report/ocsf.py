"""The OCSF form of a run: a list of compliance findings (class 2003), one for each control.

Source: https://schema.ocsf.io/classes/compliance_finding
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from verify.model import ControlResult, EvidenceReference, Outcome, Report
from verify.report.display import accepted, iso_time, json_lines, visible

FILE_NAME = "ocsf-findings.json"
OCSF_VERSION = "1.5.0"

_CATEGORY, _CLASS, _CREATE = 2, 2003, 1
_SEVERITIES = {"LOW": 2, "MEDIUM": 3, "HIGH": 4, "CRITICAL": 5}
_INFORMATIONAL, _OTHER = 1, 99
# Of the finding: new, suppressed, resolved; of the compliance: pass, warning, fail.
_NEW, _SUPPRESSED, _RESOLVED = 1, 3, 4
_PASS, _WARNING, _FAIL = 1, 2, 3
_COMPLIANCE = {
    Outcome.PASS: _PASS,
    Outcome.FAIL: _FAIL,
    Outcome.WAIVED: _FAIL,
    Outcome.NOT_APPLICABLE: _OTHER,
}
_STATUS = {
    Outcome.PASS: (_RESOLVED, "Resolved"),
    Outcome.NOT_APPLICABLE: (_RESOLVED, "Resolved"),
    Outcome.WAIVED: (_SUPPRESSED, "Suppressed"),
}

Document = dict[str, Any]


def render(report: Report) -> str:
    """Return the run as a JSON list of OCSF events."""
    evidence = {one.identifier: one for one in report.evidence}
    return json_lines(
        [
            _finding(report, one, [evidence[name] for name in one.evidence if name in evidence])
            for one in report.results
        ]
    )


def _finding(
    report: Report, result: ControlResult, evidence: Sequence[EvidenceReference]
) -> Document:
    control, target = result.control, report.target
    status, caption = _STATUS.get(result.outcome, (_NEW, "New"))
    passed = result.outcome in (Outcome.PASS, Outcome.NOT_APPLICABLE)
    return {
        "activity_id": _CREATE,
        "activity_name": "Create",
        "category_uid": _CATEGORY,
        "category_name": "Findings",
        "class_uid": _CLASS,
        "class_name": "Compliance Finding",
        "type_uid": _CLASS * 100 + _CREATE,
        "type_name": "Compliance Finding: Create",
        "time": _milliseconds(report.finished),
        "time_dt": iso_time(report.finished),
        "start_time": _milliseconds(report.started),
        "end_time": _milliseconds(report.finished),
        "severity_id": _INFORMATIONAL if passed else _SEVERITIES.get(control.severity, _OTHER),
        "severity": "Informational" if passed else control.severity.title(),
        "status_id": status,
        "status": caption,
        "status_code": str(result.outcome),
        "status_detail": visible(result.message),
        "message": visible(control.statement),
        "comment": visible("; ".join(accepted(one) for one in report.waivers_of(result))),
        "metadata": {
            "version": OCSF_VERSION,
            "uid": f"{report.run_id}/{control.identifier}",
            "correlation_uid": report.run_id,
            "event_code": control.identifier,
            "product": {
                "name": "Trailwarden",
                "vendor_name": "Trailwarden",
                "uid": "trailwarden",
                "version": report.tool_version,
            },
            "profiles": ["cloud"],
            "tenant_uid": target.account,
        },
        "cloud": {
            "provider": "AWS",
            "region": target.region,
            "account": {"uid": target.account, "type": "AWS Account", "type_id": 10},
        },
        "finding_info": {
            # The same of each run, so that a later one continues it.
            "uid": "/".join(
                (target.account, target.region, target.environment, control.identifier)
            ),
            "title": control.identifier,
            "desc": visible(control.rationale),
            "created_time": _milliseconds(report.started),
            "types": [control.family],
            "data_sources": sorted({f"{one.service}.{one.operation}" for one in evidence}),
        },
        "compliance": {
            "control": control.identifier,
            "desc": visible(control.statement),
            "standards": _standards(result),
            "requirements": _requirements(result),
            "status_id": _COMPLIANCE.get(result.outcome, _WARNING),
        },
        "remediation": {"desc": visible(control.remediation)},
        "resources": _resources(report, result),
        "evidences": [
            {
                "name": one.file,
                "data": {
                    "sha256": one.sha256,
                    "operation": f"{one.service}.{one.operation}",
                    "request_id": one.request_id or "",
                    "time": iso_time(one.time),
                },
            }
            for one in evidence
        ],
    }


def _standards(result: ControlResult) -> list[str]:
    citations = result.control.citations
    named = (
        ("HIPAA Security Rule, 45 CFR Part 164", citations.primary + citations.secondary),
        ("NIST SP 800-53 Revision 5", citations.nist),
        ("CIS AWS Foundations Benchmark", citations.cis),
    )
    return [name for name, found in named if found]


def _requirements(result: ControlResult) -> list[str]:
    citations = result.control.citations
    return [
        *(f"45 CFR {one}" for one in citations.primary + citations.secondary),
        *(f"NIST SP 800-53 {one}" for one in citations.nist),
        *(f"CIS AWS {one}" for one in citations.cis),
    ]


def _resources(report: Report, result: ControlResult) -> list[Document]:
    unmet = {one.subject for one in result.observations if not one.met}
    return [
        {
            "uid": visible(subject),
            "name": visible(subject.rpartition("/")[2] or subject),
            "region": report.target.region,
            "cloud_partition": report.target.partition,
            "labels": ["not met" if subject in unmet else "met"],
        }
        for subject in dict.fromkeys(one.subject for one in result.observations)
    ]


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
