"""The OSCAL form of a run: assessment results (NIST OSCAL 1.1.3, JSON).

Each control is an objective of this tool's own catalogue; the NIST SP 800-53 controls that it
serves are the reviewed controls. What a control saw is an observation, on the evidence that it
rests on; its verdict is a finding. An accepted failure stays not satisfied, with the risk that was
accepted. Source: https://pages.nist.gov/OSCAL-Reference/models/v1.1.3/assessment-results/json-reference/
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from verify.model import ControlResult, EvidenceReference, Outcome, Report, WaiverUse
from verify.report.display import accepted, iso_time, visible

FILE_NAME = "oscal-assessment-results.json"
OSCAL_VERSION = "1.1.3"
_OURS = "https://trailwarden.example/oscal"  # a name, not an address
_NAMESPACE = uuid.UUID("6b1f6f0e-6a0c-5d5c-9e7c-0f2f1a3d9c11")
_NIST = re.compile(r"^([A-Z]{2})-(\d+)(?:\((\d+)\))?$")

Document = dict[str, Any]


def render(report: Report) -> str:
    """Return the run as the JSON of an OSCAL document of assessment results."""
    return json.dumps(_document(report)) + "\n"


def _document(report: Report) -> Document:
    results = [_result(report)]
    return {
        "assessment-results": {
            "uuid": _uuid(report, "document"),
            "metadata": {
                "title": f"Verification of {_where(report)}",
                "last-modified": iso_time(report.finished),
                "version": report.run_id,
                "oscal-version": OSCAL_VERSION,
                "props": [_prop("tool-version", report.tool_version)],
            },
            # There is no plan apart: what is assessed is what the baseline lists.
            "import-ap": {"href": f"#{_uuid(report, 'baseline')}"},
            "results": results,
            "back-matter": {"resources": [_baseline(report)]},
        }
    }


def _baseline(report: Report) -> Document:
    return {
        "uuid": _uuid(report, "baseline"),
        "title": f"Baseline {report.baseline[0].name}",
        "rlinks": [
            {"href": source.file, "hashes": [{"algorithm": "SHA-256", "value": source.sha256}]}
            for source in report.baseline
        ],
    }


def _result(report: Report) -> Document:
    subjects = _subjects(report)
    evidence = {reference.identifier: reference for reference in report.evidence}
    nist = sorted(
        {
            identifier
            for result in report.results
            for citation in result.control.citations.nist
            for identifier in [_nist(citation)]
            if identifier
        }
    )
    selected: Document = (
        {"include-controls": [{"control-id": one} for one in nist]} if nist else {"include-all": {}}
    )
    risks = [_risk(report, waiver) for waiver in _accepted(report)]
    found: Document = {
        "uuid": _uuid(report, "result"),
        "title": f"Run {report.run_id}: {report.verdict}",
        "description": _lines(
            f"What {report.caller} saw of {_where(report)} and how it compares with the baseline "
            f"{report.baseline[0].name}.",
            *report.notes,
        ),
        "start": iso_time(report.started),
        "end": iso_time(report.finished),
        "props": [
            _prop("verdict", report.verdict),
            _prop("account", report.target.account),
            _prop("region", report.target.region),
            _prop("environment", report.target.environment),
            _prop("caller", report.caller),
        ],
        "reviewed-controls": {
            "control-selections": [selected],
            "control-objective-selections": [
                {
                    "include-objectives": [
                        {"objective-id": result.control.identifier} for result in report.results
                    ]
                }
            ],
        },
        "observations": [
            _observation(report, result, subjects, evidence) for result in report.results
        ],
        "findings": [
            _finding(report, result)
            for result in report.results
            if result.outcome is not Outcome.NOT_APPLICABLE
        ],
    }
    if subjects:
        found["local-definitions"] = {
            "inventory-items": [
                {"uuid": identifier, "description": visible(subject)}
                for subject, identifier in subjects.items()
            ]
        }
    if risks:
        found["risks"] = risks
    # OSCAL's lists have at least one member.
    return {name: value for name, value in found.items() if value != []}


def _subjects(report: Report) -> Mapping[str, str]:
    """Every subject of a verdict with its identifier."""
    named = (one.subject for result in report.results for one in result.observations)
    return {subject: _uuid(report, f"subject {subject}") for subject in dict.fromkeys(named)}


def _observation(
    report: Report,
    result: ControlResult,
    subjects: Mapping[str, str],
    evidence: Mapping[str, EvidenceReference],
) -> Document:
    control = result.control
    named = dict.fromkeys(one.subject for one in result.observations)
    references = [evidence[one] for one in result.evidence if one in evidence]
    unmet = [
        f"{one.subject}: {one.aspect}: {one.comparison}"
        for one in result.observations
        if not one.met
    ]
    found: Document = {
        "uuid": _uuid(report, f"observation {control.identifier}"),
        "title": control.identifier,
        "description": visible(control.statement),
        "props": [
            _prop("outcome", str(result.outcome)),
            _prop("severity", control.severity),
            _prop("family", control.family),
            *(_prop("hipaa", one) for one in _hipaa(result)),
            *(_prop("nist-800-53", one) for one in control.citations.nist),
            *(_prop("cis-aws", one) for one in control.citations.cis),
        ],
        "methods": ["TEST"],
        "types": ["control-objective"],
        "subjects": [
            {"subject-uuid": subjects[subject], "type": "inventory-item"} for subject in named
        ],
        "relevant-evidence": [
            {
                "href": reference.file,
                "description": f"{reference.service}.{reference.operation} in {reference.region}",
                "props": [_prop("sha-256", reference.sha256)],
            }
            for reference in references
        ],
        "collected": iso_time(
            max((reference.time for reference in references), default=report.finished)
        ),
        "remarks": _lines(*unmet) if unmet else _lines(result.message),
    }
    return {name: value for name, value in found.items() if value not in ([], "")}


def _finding(report: Report, result: ControlResult) -> Document:
    control = result.control
    satisfied = result.outcome is Outcome.PASS
    reason = {Outcome.PASS: "pass", Outcome.FAIL: "fail"}.get(result.outcome, "other")
    status: Document = {
        "state": "satisfied" if satisfied else "not-satisfied",
        "reason": reason,
    }
    if reason == "other":
        status["remarks"] = _lines(str(result.outcome), result.message)
    found: Document = {
        "uuid": _uuid(report, f"finding {control.identifier}"),
        "title": control.identifier,
        "description": visible(control.statement),
        "props": [_prop("outcome", str(result.outcome)), _prop("severity", control.severity)],
        "target": {
            "type": "objective-id",
            "target-id": control.identifier,
            "description": visible(control.rationale),
            "status": status,
        },
        "related-observations": [
            {"observation-uuid": _uuid(report, f"observation {control.identifier}")}
        ],
    }
    waivers = report.waivers_of(result)
    if waivers:
        found["related-risks"] = [{"risk-uuid": _risk_uuid(report, one)} for one in waivers]
    if not satisfied:
        found["remarks"] = visible(control.remediation)
    return found


def _accepted(report: Report) -> list[WaiverUse]:
    return list(
        dict.fromkeys(waiver for result in report.results for waiver in report.waivers_of(result))
    )


def _risk(report: Report, waiver: WaiverUse) -> Document:
    return {
        "uuid": _risk_uuid(report, waiver),
        "title": f"{waiver.control}, accepted",
        "description": visible(accepted(waiver)),
        "statement": visible(waiver.reason),
        "status": "deviation-approved",
        "props": [
            _prop("ticket", waiver.ticket),
            _prop("owner", waiver.owner),
            _prop("approver", waiver.approver),
            _prop("issued", waiver.issued),
            _prop("expires", waiver.expires),
        ],
    }


def _risk_uuid(report: Report, waiver: WaiverUse) -> str:
    return _uuid(report, f"risk {waiver}")


def _hipaa(result: ControlResult) -> tuple[str, ...]:
    citations = result.control.citations
    return citations.primary + citations.secondary


def _nist(citation: str) -> str | None:
    """OSCAL's identifier of a control of SP 800-53, e.g. au-9.4 for AU-9(4)."""
    found = _NIST.match(citation)
    if found is None:
        return None
    family, number, enhancement = found.groups()
    return f"{family.lower()}-{number}" + (f".{enhancement}" if enhancement else "")


def _where(report: Report) -> str:
    target = report.target
    return f"{target.environment} in account {target.account}, {target.region}"


def _prop(name: str, value: str) -> Document:
    # A value is a string without blanks at its ends, and never empty.
    return {"name": name, "ns": _OURS, "value": visible(value).strip() or "none"}


def _lines(*texts: str) -> str:
    return "\n".join(_of(texts))


def _of(texts: Iterable[str]) -> list[str]:
    return [visible(text) for text in texts if text.strip()]


def _uuid(report: Report, what: str) -> str:
    """The same for the same thing of the same run. OSCAL wants version 4 or 5."""
    return str(uuid.uuid5(_NAMESPACE, f"{report.run_id} {what}".encode("utf-8", "replace").hex()))
