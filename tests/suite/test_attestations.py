"""What no check can see, and somebody states: apart in the report, and for no verdict."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.sandbox.support import RunningSandbox
from tests.suite.support import ed25519_keys, python_m_verify, verify
from verify.inputs.attestations import AttestationError, load

TRAINING = {
    "title": "Workforce training",
    "citation": "164.308(a)(5)(i)",
    "statement": "All of the workforce was trained in September.",
    "by": "Ada Example",
    "role": "security officer",
    "date": "2026-10-01",
    "expires": "2027-10-01",
}
TODAY = date(2026, 11, 1)


def _file(folder: Path, *entries: dict[str, Any]) -> Path:
    path = folder / "attestations.yaml"
    path.write_text(yaml.safe_dump({"attestations": list(entries)}))
    return path


@pytest.mark.parametrize(
    ("today", "status"),
    [
        (date(2026, 9, 30), "not yet in force"),
        (date(2026, 10, 1), "in force"),
        (date(2027, 10, 1), "in force"),
        (date(2027, 10, 2), "expired"),
    ],
)
def test_a_statement_holds_from_its_day_to_its_last(
    tmp_path: Path, today: date, status: str
) -> None:
    [found] = load(_file(tmp_path, TRAINING), today)
    assert found.status == status
    assert found.signed_by is None


def test_a_signed_statement_with_an_attachment_is_bound_to_both(tmp_path: Path) -> None:
    private, public = ed25519_keys(tmp_path, "officer")
    (tmp_path / "list.pdf").write_bytes(b"%PDF the participants")
    entry = {**TRAINING, "attachment": "list.pdf"}
    file = _file(tmp_path, entry)
    signed = python_m_verify("attest", str(file), TRAINING["title"], f"--signing-key={private}")
    assert signed.returncode == 0, signed.stderr
    entry |= {"signature": signed.stdout.strip(), "public_key": public.name}
    [found] = load(_file(tmp_path, entry), TODAY)
    assert found.attachment == "list.pdf"
    assert found.signed_by is not None
    for changed in (
        {"statement": "Some of the workforce was trained in September."},
        {"expires": "2099-10-01"},
        {"by": "Eve Example"},
    ):
        with pytest.raises(AttestationError, match="the signature is not of this statement"):
            load(_file(tmp_path, {**entry, **changed}), TODAY)
    (tmp_path / "list.pdf").write_bytes(b"%PDF other participants")
    with pytest.raises(AttestationError, match="the signature is not of this statement"):
        load(_file(tmp_path, entry), TODAY)


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([{**TRAINING, "expires": "2027-13-01"}], "is not valid|is no day|is not a 'date'"),
        ([{**TRAINING, "citation": "164"}], "does not match"),
        ([TRAINING, TRAINING], "twice"),
        ([{**TRAINING, "attachment": "none.pdf"}], "cannot be read"),
        ([{**TRAINING, "signature": "aGVsbG8="}], "public_key"),
        ([{**TRAINING, "verdict": "PASS"}], "verdict"),
    ],
)
def test_bad_attestations_are_refused(
    tmp_path: Path, entries: list[dict[str, Any]], message: str
) -> None:
    with pytest.raises(AttestationError, match=message):
        load(_file(tmp_path, *entries), TODAY)


def test_a_title_that_is_not_there_is_said(tmp_path: Path) -> None:
    done = python_m_verify("attest", str(_file(tmp_path, TRAINING)), "Other")
    assert done.returncode == 2
    assert "has no attestation 'Other'" in done.stderr


def test_an_attestation_stands_apart_and_changes_no_verdict(
    deployed: Path, sandbox: RunningSandbox, tmp_path: Path
) -> None:
    (tmp_path / "list.pdf").write_bytes(b"%PDF the participants")
    file = _file(tmp_path, {**TRAINING, "attachment": "list.pdf"})
    run = verify(
        deployed,
        tmp_path / "reports",
        "verify/checks/test_trail.py",
        f"--attestations={file}",
        url=sandbox.url,
    )
    assert run.report["verdict"] == "NOT FULLY VERIFIED"
    [found] = run.report["attestations"]
    assert (found["title"], found["by"]) == ("Workforce training", "Ada Example")
    folder = (tmp_path / "reports" / "latest").resolve()
    assert "Attested, not verified" in (folder / "report.html").read_text()
    sealed = {one["file"] for one in json.loads((folder / "manifest.json").read_text())["files"]}
    assert "inputs/attestations/attestations.yaml" in sealed
    assert sum(name.endswith(".pdf") for name in sealed) == 1


def test_an_attestation_that_cannot_be_used_ends_the_run_before_it_begins(
    deployed: Path, sandbox: RunningSandbox, tmp_path: Path
) -> None:
    file = _file(tmp_path, {**TRAINING, "attachment": "none.pdf"})
    run = verify(deployed, tmp_path / "reports", f"--attestations={file}", url=sandbox.url)
    assert run.code == 4
    assert "the attachment of Workforce training cannot be read" in run.text
