"""Somebody who was not there checks a run: its files, chain, signature, report and verdicts."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from tests.report import sample
from tests.sandbox.support import RunningSandbox
from tests.suite.support import REGION, ed25519_keys, python_m_verify, verify
from verify.proof import chain, manifest, signature
from verify.proof.check import Asked, Said, check_run
from verify.proof.signature import KmsSigner, SignatureError
from verify.report import write_reports


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A private key and its public one."""
    return ed25519_keys(tmp_path_factory.mktemp("keys"), "auditor")


@pytest.fixture(scope="module")
def sealed(
    deployed: Path,
    sandbox: RunningSandbox,
    keys: tuple[Path, Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """Reports of three runs, the whole suite each, the last one signed."""
    reports = tmp_path_factory.mktemp("sealed") / "reports"
    for arguments in ((), (), (f"--signing-key={keys[0]}",)):
        done = verify(deployed, reports, *arguments, url=sandbox.url)
        assert done.code == 0, done.text
    return reports


@pytest.fixture
def reports(sealed: Path, tmp_path: Path) -> Path:
    """A copy to do as one likes with."""
    return Path(shutil.copytree(sealed, tmp_path / "reports", symlinks=True))


def _check(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return python_m_verify("check-evidence", str(folder), *arguments)


def _latest(reports: Path) -> Path:
    return (reports / "latest").resolve()


def _faults(folder: Path) -> list[str]:
    """What is wrong with the files of a run, its verdicts apart."""
    told: list[Said] = []
    checked = check_run(folder, told.append, Asked(judge=False), within_chain=True)
    faults = [said.text for said in told if said.good is False]
    assert checked.as_sealed is not bool(faults)
    return faults


def test_what_was_sealed_is_verified_without_an_account(
    reports: Path, keys: tuple[Path, Path]
) -> None:
    done = _check(_latest(reports), f"--public-key={keys[1]}")
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((_latest(reports) / "report.json").read_text())
    tested = [result for result in report["results"] if result["test"]]
    assert f"{len(tested)} judged again" in done.stdout
    assert "the key that you gave" in done.stdout
    assert "number 3" in done.stdout


def test_every_run_of_a_folder_is_verified(reports: Path) -> None:
    done = _check(reports)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "a chain of 3 runs" in done.stdout
    assert done.stdout.count("judged again") == 3


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


def test_a_changed_byte_of_any_file_is_found_and_named(reports: Path) -> None:
    folder = _latest(reports)
    assert _faults(folder) == []
    files = list(_files(folder))
    assert {"manifest.json", "manifest.sig", "report.json", "report.html"} <= {
        path.name for path in files
    }
    unnoticed, sealed = [], manifest.read(folder)
    for path in files:
        before = path.read_bytes()
        place = len(before) // 2
        path.write_bytes(before[:place] + bytes([before[place] ^ 1]) + before[place + 1 :])
        # What is made of the manifest is told by signature and chain, everything else by it.
        beside = path.name in manifest.BESIDE
        faults = _faults(folder) if beside else manifest.differences(folder, sealed)
        if not any(path.name in fault for fault in faults):
            unnoticed.append(path.name)
        path.write_bytes(before)
    assert unnoticed == []
    assert _faults(folder) == []


def test_a_file_that_is_taken_out_or_put_in_is_named(reports: Path) -> None:
    folder = _latest(reports)
    evidence = next(_files(folder / "evidence"))
    evidence.unlink()
    (folder / "evidence" / "beside.json").write_text("{}")
    (folder / "evidence" / "link.json").symlink_to("beside.json")
    assert _faults(folder) == [
        f"evidence/{evidence.name}: missing",
        "evidence/beside.json: not in the manifest",
        "evidence/link.json: not in the manifest",
    ]


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_run_that_is_taken_out_of_the_chain_is_found(reports: Path, number: int) -> None:
    runs = sorted(path for path in reports.iterdir() if (path / "manifest.json").exists())
    runs = [path for path in runs if not path.is_symlink()]
    shutil.rmtree(runs[number])
    done = _check(reports, "--no-verdicts")
    assert done.returncode == 1
    assert f"{runs[number].name} (number {number + 1} of the chain): missing" in done.stdout


def test_a_run_that_is_taken_out_of_the_ledger_too_is_found(reports: Path) -> None:
    ledger = reports / "chain.jsonl"
    lines = ledger.read_text().splitlines(keepends=True)
    taken = json.loads(lines[1])["run_id"]
    shutil.rmtree(reports / taken)
    last = json.loads(lines[2]) | {"sequence": 2}
    ledger.write_text(lines[0] + json.dumps(last) + "\n")
    done = _check(reports, "--no-verdicts")
    assert done.returncode == 1
    assert f"it follows {taken}, by its manifest" in done.stdout


def test_a_verdict_that_the_evidence_does_not_give_is_named(reports: Path) -> None:
    """Even where everything is sealed anew, so that no hash tells of it."""
    folder = _latest(reports)
    [trail] = (folder / "evidence").glob("*-cloudtrail-describe_trails.json")
    altered = trail.read_text().replace('"IsMultiRegionTrail": true', '"IsMultiRegionTrail": false')
    assert altered != trail.read_text()
    trail.write_text(altered)
    done = _check(folder)
    assert done.returncode == 1
    assert "trail-multi-region: PASS in the report, FAIL by the evidence" in done.stdout


def test_a_report_that_says_something_else_than_its_own_pages_is_named(reports: Path) -> None:
    folder = _latest(reports)
    page = folder / "summary.md"
    page.write_text(page.read_text().replace("CLEAN", "SPOTLESS"))
    assert any("it does not say what report.json says" in fault for fault in _faults(folder))


def test_a_signature_by_another_key_is_refused(
    reports: Path, keys: tuple[Path, Path], tmp_path: Path
) -> None:
    other = tmp_path / "other.pub"
    other.write_bytes(
        ed25519.Ed25519PrivateKey.generate()
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    done = _check(_latest(reports), f"--public-key={other}", "--no-verdicts")
    assert done.returncode == 1
    assert f"signed by another key than {other}: by auditor.pem" in done.stdout


def test_a_signature_that_is_taken_away_is_missed(reports: Path) -> None:
    folder = _latest(reports)
    (folder / "manifest.sig").unlink()
    assert any("manifest.sig: missing" in fault for fault in _faults(folder))


def test_an_unsigned_run_is_refused_where_a_key_is_given(
    reports: Path, keys: tuple[Path, Path]
) -> None:
    first = min(path for path in reports.iterdir() if (path / "evidence").is_dir())
    done = _check(first, f"--public-key={keys[1]}", "--no-verdicts")
    assert done.returncode == 1
    assert "sealed without one, although a key is given" in done.stdout


def test_a_half_written_run_is_told_and_breaks_no_chain(reports: Path) -> None:
    half = reports / "20260101T000000Z-00000000"
    (half / "evidence").mkdir(parents=True)
    done = _check(reports, "--no-verdicts")
    assert done.returncode == 0, done.stdout
    assert f"{half.name} was never sealed" in done.stdout
    alone = _check(half)
    assert alone.returncode == 1
    assert "its run did not end" in alone.stdout


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"schema_version": "9.0"}', "is of version '9.0'"),
        ("{", "cannot be read"),
        ('{"schema_version": "1.0", "files": "/etc/passwd"}', "is no manifest of a run"),
    ],
)
def test_a_foreign_manifest_is_refused(reports: Path, text: str, message: str) -> None:
    (_latest(reports) / "manifest.json").write_text(text)
    done = _check(_latest(reports), "--no-verdicts")
    assert done.returncode == 1
    assert message in done.stdout
    assert "Traceback" not in done.stderr


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    done = _check(tmp_path)
    assert done.returncode == 2
    assert "name reports or reports/latest" in done.stderr
    absent = _check(tmp_path / "none")
    assert absent.returncode == 2
    assert "there is no folder" in absent.stderr


def test_a_key_that_cannot_sign_ends_the_run_before_it_begins(
    deployed: Path, sandbox: RunningSandbox, tmp_path: Path
) -> None:
    key = tmp_path / "key.pem"
    key.write_text("no key")
    done = verify(deployed, tmp_path / "reports", f"--signing-key={key}", url=sandbox.url)
    assert done.code == 4
    assert "cannot be used" in done.text
    assert not (tmp_path / "reports").exists()


class _Kms:
    """A key of KMS's that signs as AWS documents it: of a DIGEST nothing is hashed again.

    moto hashes it once more, so that the sandbox cannot show this.
    """

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.asked: list[dict[str, Any]] = []

    def get_public_key(self, KeyId: str) -> dict[str, Any]:  # noqa: N803 - AWS's name
        der = self.key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return {"KeyId": KeyId, "PublicKey": der, "SigningAlgorithms": ["ECDSA_SHA_256"]}

    def sign(self, **asked: Any) -> dict[str, Any]:
        self.asked.append(asked)
        assert asked["MessageType"] == "DIGEST"
        signed = self.key.sign(asked["Message"], ec.ECDSA(Prehashed(hashes.SHA256())))
        return {"KeyId": asked["KeyId"], "Signature": signed}


def test_a_key_of_kms_signs_and_is_checked_without_it(tmp_path: Path) -> None:
    folder, kms, arn = tmp_path / "reports" / "run-1", _Kms(), "arn:aws:kms:eu-west-1:1:key/k"
    write_reports(replace(sample.report(), run_id="run-1"), folder)
    sealed = chain.seal(folder, "run-1", KmsSigner(kms, arn))
    assert [asked["SigningAlgorithm"] for asked in kms.asked] == ["ECDSA_SHA_256"]
    public = tmp_path / "kms.pub"
    public.write_bytes(
        kms.key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    found = signature.check(folder, sealed, public)
    assert found is not None
    assert (found.key, found.algorithm, found.pinned) == (arn, "ECDSA_SHA_256", True)
    (folder / "manifest.json").write_bytes((folder / "manifest.json").read_bytes() + b" ")
    with pytest.raises(SignatureError, match=r"is not the signature of manifest\.json"):
        signature.check(folder, sealed, public)


def test_a_key_of_kms_that_encrypts_seals_nothing(
    deployed: Path, sandbox: RunningSandbox, tmp_path: Path
) -> None:
    made = sandbox.client("kms", REGION).create_key()["KeyMetadata"]["Arn"]
    arguments = ("verify/checks/test_encryption_key.py", "--formats=json", f"--signing-key={made}")
    run = verify(deployed, tmp_path / "reports", *arguments, url=sandbox.url, as_verifier=False)
    assert run.code == 3
    assert "the run could not be signed" in run.text
    assert not list((tmp_path / "reports").glob("*/manifest.json"))
