"""OSCAL, OCSF and ASFF: valid by others' models, and true to the report."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator

from tests.report import sample
from tests.suite.support import ROOT
from verify.model import Outcome, Report
from verify.report import asff, ocsf, oscal

# An environment of its own; see requirements/formats.in.
_PYTHON = ROOT / ".venv" / "formats" / "bin" / "python"
_TRESTLE = """
import json, sys
from trestle.oscal.assessment_results import Model
from trestle.oscal import OSCAL_VERSION
document = json.load(open(sys.argv[1]))
Model.parse_obj(document) if hasattr(Model, "parse_obj") else Model.model_validate(document)
assert document["assessment-results"]["metadata"]["oscal-version"] == OSCAL_VERSION, OSCAL_VERSION
"""
_OCSF = """
import json, sys
from py_ocsf_models.events.findings.compliance_finding import ComplianceFinding
found = [ComplianceFinding.model_validate(one) for one in json.load(open(sys.argv[1]))]
for one, read in zip(json.load(open(sys.argv[1])), found):
    # What the models do not know would be dropped in silence.
    kept = json.loads(read.model_dump_json(exclude_unset=True))
    assert set(one) - {"cloud"} == set(kept), set(one) ^ set(kept)
    for part in ("finding_info", "compliance", "metadata", "remediation"):
        assert set(one[part]) == set(kept[part]), (part, set(one[part]) ^ set(kept[part]))
"""


def _hostile() -> Report:
    """With what somebody may write into a name, a message and a reason."""
    nasty = "\u202e<script>=cmd|'/C calc'!A0\x00\x1b\ud800 " + "x" * 5_000
    results = tuple(
        replace(
            result,
            message=nasty,
            observations=tuple(replace(one, subject=nasty) for one in result.observations),
        )
        for result in sample.RESULTS
    )
    return replace(sample.report(), results=results, notes=(nasty,))


REPORTS = {
    "sample": sample.report(),
    "hostile": _hostile(),
    "empty": replace(sample.report(), results=(), evidence=(), waivers=(), notes=()),
}


def _valid(script: str, text: str, tmp_path: Path) -> None:
    if not _PYTHON.exists():
        if os.environ.get("CI"):
            pytest.fail("the environment of requirements/formats.txt is not there")
        pytest.skip("`make test` installs what reads these formats")
    file = tmp_path / "report.json"
    file.write_text(text, encoding="utf-8")
    done = subprocess.run(
        [str(_PYTHON), "-c", script, str(file)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3_000:]


@pytest.mark.parametrize("report", REPORTS.values(), ids=REPORTS)
def test_oscal_is_valid_by_compliance_trestle(report: Report, tmp_path: Path) -> None:
    _valid(_TRESTLE, oscal.render(report), tmp_path)


@pytest.mark.parametrize("report", REPORTS.values(), ids=REPORTS)
def test_ocsf_is_valid_by_the_ocsf_models(report: Report, tmp_path: Path) -> None:
    _valid(_OCSF, ocsf.render(report), tmp_path)


@pytest.mark.parametrize("report", [REPORTS["sample"], REPORTS["hostile"]])
def test_asff_is_valid_by_the_model_of_security_hub(report: Report) -> None:
    findings = json.loads(asff.render(report))
    service = botocore.session.get_session().get_service_model("securityhub")
    shape = service.operation_model("BatchImportFindings").input_shape
    faults = ParamValidator().validate({"Findings": findings}, shape)
    assert not faults.has_errors(), faults.generate_report()
    # The limits that the model does not state (user guide, ASFF).
    for finding in findings:
        assert 1 <= len(finding["Title"]) <= 256
        assert 1 <= len(finding["Description"]) <= 1024
        assert 1 <= len(finding["Remediation"]["Recommendation"]["Text"]) <= 512
        assert 1 <= len(finding["Resources"]) <= 32
        assert all(len(one["Id"]) <= 512 for one in finding["Resources"])
        assert len(finding["Compliance"]["RelatedRequirements"]) <= 32


def _oscal(report: Report) -> dict[str, Any]:
    [result] = json.loads(oscal.render(report))["assessment-results"]["results"]
    return dict(result)


def test_each_verdict_is_a_finding_on_an_observation_with_its_evidence() -> None:
    result = _oscal(sample.report())
    observations = {one["uuid"]: one for one in result["observations"]}
    assert len(observations) == len(sample.RESULTS)
    judged = {one["title"]: one for one in result["findings"]}
    assert judged.keys() == {
        one.control.identifier
        for one in sample.RESULTS
        if one.outcome is not Outcome.NOT_APPLICABLE
    }
    for one in sample.RESULTS:
        if one.outcome is Outcome.NOT_APPLICABLE:
            continue
        finding = judged[one.control.identifier]
        passed = one.outcome is Outcome.PASS
        state = finding["target"]["status"]["state"]
        assert state == ("satisfied" if passed else "not-satisfied")
        [related] = finding["related-observations"]
        observed = observations[related["observation-uuid"]]
        evidence = {
            (reference.file, reference.sha256)
            for reference in sample.report().evidence
            if reference.identifier in one.evidence
        }
        assert {
            (found["href"], found["props"][0]["value"])
            for found in observed.get("relevant-evidence", [])
        } == evidence


def test_an_accepted_failure_stays_unsatisfied_and_names_its_risk() -> None:
    result = _oscal(sample.report())
    [risk] = result["risks"]
    assert risk["status"] == "deviation-approved"
    waived = [one for one in result["findings"] if "related-risks" in one]
    assert [one["target"]["status"]["state"] for one in waived] == ["not-satisfied"]
    assert waived[0]["related-risks"] == [{"risk-uuid": risk["uuid"]}]


def test_the_same_run_gives_the_same_document() -> None:
    assert oscal.render(sample.report()) == oscal.render(sample.report())


@pytest.mark.parametrize(
    ("outcome", "in_ocsf", "in_asff", "workflow"),
    [
        (Outcome.PASS, 1, "PASSED", "RESOLVED"),
        (Outcome.FAIL, 3, "FAILED", "NEW"),
        (Outcome.WAIVED, 3, "FAILED", "SUPPRESSED"),
        (Outcome.ERROR, 2, "WARNING", "NEW"),
        (Outcome.NOT_TESTED, 2, "NOT_AVAILABLE", "NEW"),
        (Outcome.NOT_APPLICABLE, 99, "NOT_AVAILABLE", "RESOLVED"),
    ],
)
def test_only_a_pass_passes_elsewhere(
    outcome: Outcome, in_ocsf: int, in_asff: str, workflow: str
) -> None:
    report = replace(
        sample.report(), results=(replace(sample.RESULTS[0], outcome=outcome, message="so"),)
    )
    [event] = json.loads(ocsf.render(report))
    assert event["compliance"]["status_id"] == in_ocsf
    [finding] = json.loads(asff.render(report))
    assert finding["Compliance"]["Status"] == in_asff
    assert finding["Workflow"]["Status"] == workflow


def test_a_finding_keeps_its_identifier_between_runs() -> None:
    later = replace(sample.report(), run_id="20991231T000000Z-ffffffff")
    for render, name in ((ocsf.render, ("finding_info", "uid")), (asff.render, ("Id",))):
        before, after = (json.loads(render(report)) for report in (sample.report(), later))
        for one, other in zip(before, after, strict=True):
            for part in name:
                one, other = one[part], other[part]
            assert one == other
