"""The time stamp of a manifest: asked for, kept beside it, and checked without whoever gave it."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from tests.sandbox.support import RunningSandbox
from tests.suite.authority import Answering, Authority, serving
from tests.suite.support import python_m_verify, verify
from verify.proof import chain
from verify.proof.check import Asked, Said, check_run
from verify.proof.time_stamp import Authority as Asking
from verify.proof.time_stamp import StampingError

CHECKS = ("verify/checks/test_encryption_key.py", "--formats=json")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def stamped(
    deployed: Path,
    sandbox: RunningSandbox,
    authority: Authority,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """Reports of a run with a time stamp, and of one without."""
    reports = tmp_path_factory.mktemp("stamped") / "reports"
    with serving(authority.stamp) as url:
        verify(deployed, reports, *CHECKS, f"--timestamp-url={url}", url=sandbox.url)
    verify(deployed, reports, *CHECKS, url=sandbox.url)
    return reports


@pytest.fixture
def reports(stamped: Path, tmp_path: Path) -> Path:
    """A copy to do as one likes with."""
    return Path(shutil.copytree(stamped, tmp_path / "reports", symlinks=True))


def _runs(reports: Path) -> list[Path]:
    return [reports / link.run_id for link in chain.read(reports)]


def _check(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return python_m_verify("check-evidence", "--no-verdicts", str(folder), *arguments)


def test_a_time_stamp_is_verified_by_the_root_alone(reports: Path, authority: Authority) -> None:
    run, _ = _runs(reports)
    done = _check(run, f"--timestamp-root={authority.root}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "its chain leads to the root that you gave" in done.stdout
    stated = json.loads((run / "manifest.json").read_text())
    assert stated["time_stamped_by"].startswith("http://127.0.0.1:")
    assert f"+00:00, by {stated['time_stamped_by']}" in done.stdout
    assert authority.proves(run / "manifest.tsr", run / "manifest.json")


def test_without_a_root_the_time_is_told_and_not_whose_word_it_is(reports: Path) -> None:
    stamped, plain = _runs(reports)
    done = _check(stamped)
    assert done.returncode == 0
    assert "whose it is was not verified" in done.stdout
    assert "time stamp none" in _check(plain).stdout


def test_a_root_is_demanded_of_every_run(reports: Path, authority: Authority) -> None:
    done = _check(reports, f"--timestamp-root={authority.root}")
    assert done.returncode == 1
    assert "was sealed without one, although a root is given" in done.stdout


def test_the_root_of_another_authority_is_refused(reports: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    done = _check(_runs(reports)[0], f"--timestamp-root={Authority(other).root}")
    assert done.returncode == 1
    assert "does not lead to a certificate in" in done.stdout


def test_a_root_that_is_none_is_told(reports: Path, tmp_path: Path) -> None:
    path = tmp_path / "root.pem"
    path.write_text("no certificate")
    done = _check(_runs(reports)[0], f"--timestamp-root={path}")
    assert done.returncode == 1
    assert "must be certificates in PEM" in done.stdout
    absent = _check(_runs(reports)[0], f"--timestamp-root={tmp_path / 'none.pem'}")
    assert "cannot be read" in absent.stdout


def test_a_time_stamp_that_is_taken_away_put_in_or_altered_is_named(
    reports: Path, authority: Authority
) -> None:
    stamped, plain = _runs(reports)
    token = stamped / "manifest.tsr"
    shutil.copy(token, plain / "manifest.tsr")
    assert "put there after the sealing" in _check(plain).stdout
    before = token.read_bytes()
    unnoticed = []
    for place in range(0, len(before), 97):
        token.write_bytes(before[:place] + bytes([before[place] ^ 1]) + before[place + 1 :])
        told: list[Said] = []
        check_run(stamped, told.append, Asked(None, authority.root, judge=False))
        if not any("manifest.tsr" in said.text for said in told if said.good is False):
            unnoticed.append(place)
    assert unnoticed == []
    token.unlink()
    done = _check(stamped)
    assert done.returncode == 1
    assert "manifest.tsr: missing" in done.stdout


def test_the_time_stamp_of_another_manifest_is_refused(reports: Path, authority: Authority) -> None:
    run, _ = _runs(reports)
    with serving(authority.stamp) as url:
        (run / "manifest.tsr").write_bytes(Asking(url).stamp(b"another manifest"))
    done = _check(run)
    assert done.returncode == 1
    assert "it is of something else, by its hash" in done.stdout


def _the_first(authority: Authority) -> Answering:
    """Answers with what was asked for before."""
    kept: list[tuple[int, bytes]] = []

    def answer(request: bytes) -> tuple[int, bytes]:
        kept.append(authority.stamp(request))
        return kept[0]

    return answer


@pytest.mark.parametrize(
    ("answering", "message"),
    [
        (lambda _: (500, b"out of order"), "did not answer: HTTP 500"),
        (lambda _: (200, b"<html>sign in</html>"), "it cannot be read"),
        (lambda _: (200, b""), "it cannot be read"),
        (lambda _: (200, bytes(1_000_001)), "more than 1,000,000 bytes"),
        # PKIStatusInfo alone: rejection.
        (lambda _: (200, bytes.fromhex("30053003020102")), "refused (REJECTION)"),
    ],
)
def test_a_bad_answer_is_no_time_stamp(answering: Answering, message: str) -> None:
    with serving(answering) as url, pytest.raises(StampingError) as raised:
        Asking(url).stamp(b"text")
    assert message in str(raised.value)
    assert url in str(raised.value)


def test_an_answer_of_another_request_is_no_time_stamp(authority: Authority) -> None:
    with serving(_the_first(authority)) as url:
        Asking(url).stamp(b"text")
        with pytest.raises(StampingError, match="another request, by its nonce"):
            Asking(url).stamp(b"text")


def test_an_answer_of_another_text_is_no_time_stamp(authority: Authority) -> None:
    """Even where the nonce is that of the request."""

    def another(request: bytes) -> tuple[int, bytes]:
        digest = request.index(bytes.fromhex("0420")) + 2
        return authority.stamp(request[:digest] + bytes(32) + request[digest + 32 :])

    with serving(another) as url, pytest.raises(StampingError, match="something else, by its hash"):
        Asking(url).stamp(b"text")


def test_an_authority_that_says_nothing_is_not_awaited_for_ever() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(StampingError, match=r"did not answer: .*timed out"):
            Asking(url, patience_seconds=0.2).stamp(b"text")
    with pytest.raises(StampingError, match=r"did not answer: .*refused"):
        Asking(url).stamp(b"text")


def test_an_authority_that_cannot_be_reached_leaves_the_run_unsealed(
    deployed: Path, sandbox: RunningSandbox, tmp_path: Path
) -> None:
    reports = tmp_path / "reports"
    asked = (*CHECKS, "--timestamp-url=http://127.0.0.1:9/stamp")
    run = verify(deployed, reports, *asked, url=sandbox.url)
    assert run.code == 3
    assert "the run could not be sealed with a time stamp" in run.text
    assert "http://127.0.0.1:9/stamp did not answer" in run.text
    [folder] = [path for path in reports.iterdir() if (path / "report.json").is_file()]
    assert not (folder / "manifest.json").exists()
    assert chain.read(reports) == []
    # The next run is the first of the chain.
    verify(deployed, reports, *CHECKS, url=sandbox.url)
    assert [link.sequence for link in chain.read(reports)] == [1]


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("ftp://authority", "is no address of a time-stamping authority"),
        ("authority.example", "is no address of a time-stamping authority"),
        ("http://[", "is no address of a time-stamping authority"),
        ("https://me:secret@authority.example", "more in it than host and path"),
        ("https://authority.example/?key=secret", "more in it than host and path"),
    ],
)
def test_an_address_that_is_none_ends_the_run_before_it_begins(
    deployed: Path, tmp_path: Path, url: str, message: str
) -> None:
    run = verify(deployed, tmp_path / "reports", f"--timestamp-url={url}")
    assert run.code == 4
    assert message in run.text
    assert not (tmp_path / "reports").exists()
