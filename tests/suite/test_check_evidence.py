"""Somebody who was not there checks a run: its files, chain, signature, report and verdicts."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any, Self

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


@contextmanager
def _one_bit_flipped(path: Path) -> Iterator[None]:
    before = path.read_bytes()
    place = len(before) // 2
    path.write_bytes(before[:place] + bytes([before[place] ^ 1]) + before[place + 1 :])
    yield
    path.write_bytes(before)


def test_a_changed_byte_of_any_file_is_found_and_named(reports: Path) -> None:
    folder = _latest(reports)
    # What is made of the manifest is told by signature and chain, everything else by it.
    beside = [folder / "manifest.json", folder / "manifest.sig"]
    files = [path for path in _files(folder) if path not in beside]
    assert {"report.json", "report.html", "run.json", "function-package.zip"} <= {
        path.name for path in files
    }
    assert len({path for path in files if path.parent.name == "evidence"}) > 100
    # So many at a time as the command tells one by one.
    for some in (files[place : place + 50] for place in range(0, len(files), 50)):
        with ExitStack() as stack:
            for path in some:
                stack.enter_context(_one_bit_flipped(path))
            done = _check(folder, "--no-verdicts")
        assert done.returncode == 1
        for path in some:
            named = f"NOT AS IT WAS: {path.relative_to(folder)}: changed, SHA-256 "
            assert named in done.stdout, path
    for path in beside:
        with _one_bit_flipped(path):
            done = _check(folder, "--no-verdicts")
        assert done.returncode == 1
        assert re.search(rf"NOT AS IT WAS: .*{re.escape(path.name)}", done.stdout), done.stdout
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
    ledger = reports / "chain.jsonl"
    ledger.write_text(ledger.read_text() + '{"sequence": 4, "run_')  # killed while it was sealed
    again = _check(reports, "--no-verdicts")
    assert (again.returncode, again.stdout) == (0, done.stdout)
    alone = _check(half)
    assert alone.returncode == 1
    assert "its run did not end" in alone.stdout


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"schema_version": "9.0"}', "is of version '9.0'"),
        ("{", "cannot be read"),
        ('{"schema_version": "1.0", "files": "/etc/passwd"}', "is no manifest of a run"),
        ("[" * 100_000, "cannot be read"),
    ],
)
def test_a_foreign_manifest_is_refused(reports: Path, text: str, message: str) -> None:
    (_latest(reports) / "manifest.json").write_text(text)
    done = _check(_latest(reports), "--no-verdicts")
    assert done.returncode == 1
    assert message in done.stdout
    assert "Traceback" not in done.stderr


def test_the_manifest_of_another_run_is_refused(reports: Path) -> None:
    other = min(path for path in reports.iterdir() if (path / "evidence").is_dir())
    shutil.copy(other / "manifest.json", _latest(reports) / "manifest.json")
    done = _check(_latest(reports), "--no-verdicts")
    assert done.returncode == 1
    assert "NOT AS IT WAS: evidence/" in done.stdout
    assert f"the manifest of {other.name}" in done.stdout


def test_a_report_of_an_unknown_version_is_refused(reports: Path) -> None:
    report = _latest(reports) / "report.json"
    report.write_text(json.dumps(json.loads(report.read_text()) | {"schema_version": "9.0"}))
    done = _check(_latest(reports), "--no-verdicts")
    assert done.returncode == 1
    assert "NOT AS IT WAS: report.json: changed" in done.stdout
    assert "the report is of version 9.0" in done.stdout
    assert "read it with the version that made it" in done.stdout
    diff = python_m_verify("diff", str(_latest(reports)), str(_latest(reports)))
    assert diff.returncode == 2
    assert "the report is of version 9.0" in diff.stderr


@pytest.mark.parametrize("command", ["diff", "merge", "pdf"])
def test_a_half_written_run_is_refused_by_whatever_reads_runs(command: str, tmp_path: Path) -> None:
    half = tmp_path / "run"
    (half / "evidence").mkdir(parents=True)
    write_reports(sample.report(), half)
    report = half / "report.json"
    report.write_text(report.read_text()[:1_000])
    done = python_m_verify(command, *[str(half)] * (2 if command == "diff" else 1))
    assert done.returncode == 2
    assert ("is not JSON" if command == "diff" else "its run did not end") in done.stderr
    assert "Traceback" not in done.stderr


def test_evidence_that_is_gone_is_missed_by_the_verdict_too(reports: Path) -> None:
    [trail] = (_latest(reports) / "evidence").glob("*-cloudtrail-describe_trails.json")
    trail.unlink()
    done = _check(_latest(reports))
    assert done.returncode == 1
    assert f"evidence/{trail.name}: missing" in done.stdout
    assert "trail-multi-region: PASS in the report, ERROR by the evidence" in done.stdout


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]\n", "is damaged"),
        ('{"sequence": 7, "run_id": "a", "manifest_sha256": "b"}\n', "does not count from 1"),
    ],
)
def test_a_damaged_ledger_is_refused(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "chain.jsonl").write_text(text)
    done = _check(tmp_path)
    assert done.returncode == 2
    assert message in done.stderr
    assert "put it back from a copy" in done.stderr


def _sealed_at(reports: Path, name: str, moment: datetime) -> Path:
    """A run of a machine whose clock says `moment`, sealed after those that are there."""

    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return cls.fromtimestamp(moment.timestamp(), tz)

    began = moment - timedelta(seconds=10)
    report = replace(sample.report(), run_id=name, evidence=(), inputs=(), started=began)
    write_reports(replace(report, finished=moment), reports / name)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(manifest, "datetime", Clock)
        chain.seal(reports / name, name)
    return reports / name


def test_a_clock_that_ran_backwards_between_two_runs_is_told_of_both(tmp_path: Path) -> None:
    reports, now = tmp_path / "reports", datetime.now(UTC)
    _sealed_at(reports, "run-1", now - timedelta(days=3))
    _sealed_at(reports, "run-2", now - timedelta(days=1))
    _sealed_at(reports, "run-3", now - timedelta(days=2))
    _sealed_at(reports, "run-4", now - timedelta(hours=1))
    # Clocks of two machines, which differ by less than AWS minds.
    _sealed_at(reports, "run-5", now - timedelta(hours=1, minutes=4))
    done = _check(reports, "--no-verdicts")
    assert done.returncode == 6, done.stdout + done.stderr
    assert done.stdout.count("number 2 of the chain was sealed at") == 2
    assert done.stdout.count("not checked: ") == 2
    period = python_m_verify(
        "period",
        f"--from={now - timedelta(days=4):%Y-%m-%d}",
        "--no-verdicts",
        f"--output={tmp_path}",
        str(reports),
    )
    assert period.returncode == 1
    refused = [
        line.split(": ")[1] for line in period.stdout.splitlines() if "does not count" in line
    ]
    assert refused == ["run-2", "run-3"]


def test_a_run_that_is_still_to_come_is_told(tmp_path: Path) -> None:
    folder = _sealed_at(tmp_path / "reports", "run-1", datetime.now(UTC) + timedelta(days=1))
    done = _check(folder, "--no-verdicts")
    assert done.returncode == 6
    assert "not checked: sealed at" in done.stdout
    assert "still to come by this clock" in done.stdout


_SET_BACK = """
from datetime import datetime, timedelta
from verify.suite import plugin

class Clock(datetime):
    @classmethod
    def now(cls, zone=None):
        return datetime.now(zone) - timedelta(hours=1)

def pytest_collection_finish():
    plugin.datetime = Clock
"""


def test_a_clock_that_was_set_back_during_a_run_is_told(
    deployed: Path, sandbox: RunningSandbox, tmp_path: Path
) -> None:
    (tmp_path / "set_back.py").write_text(_SET_BACK)
    arguments = ("verify/checks/test_encryption_key.py", "-p", "set_back")
    where = tmp_path / "reports"
    run = verify(deployed, where, *arguments, url=sandbox.url, PYTHONPATH=str(tmp_path))
    assert run.code == 6
    assert "the clock of this machine was set back during the run" in run.text
    done = _check(_latest(run.reports), "--no-verdicts")
    assert done.returncode == 6, done.stdout
    assert "not checked: its clock was set back: begun" in done.stdout


def test_two_runs_at_once_in_one_folder_make_one_chain(
    deployed: Path, sandbox: RunningSandbox, tmp_path: Path
) -> None:
    folder = tmp_path / "reports"
    check = ("verify/checks/test_encryption_key.py", "--formats=json")
    with ThreadPoolExecutor(3) as executor:
        running = [
            executor.submit(verify, deployed, folder, *check, url=sandbox.url) for _ in range(3)
        ]
    assert [one.result().code for one in running] == [6, 6, 6]
    done = _check(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "a chain of 3 runs" in done.stdout
    assert "each follows the one before it, and none is missing" in done.stdout
    assert done.stdout.count("each is what the report says") == 3


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
