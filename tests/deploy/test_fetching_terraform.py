"""A machine without Terraform: it is said, and with consent the pinned one is fetched."""

from __future__ import annotations

import hashlib
import json
import os
import pty
import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from io import BytesIO
from pathlib import Path

import pytest

from deploy import pinned
from deploy.provider import platform_name
from tests.deploy.support import ROOT, SHIM, Machine, Outcome
from tests.serving import Quiet, served_by

FailsClearly = Callable[[Outcome, str, str], None]

PROGRAM = SHIM.format(python=sys.executable).encode()

# As `python -m deploy`, but that what is pinned is what the test's server gives, on a platform.
_WITH_SUMS = """
import json, os, sys
from deploy import __main__, fetching, pinned
pinned.SUMS = json.loads(sys.argv[1])
if sys.argv[2]:
    fetching.platform_name = lambda: sys.argv[2]
sys.exit(__main__.main(sys.argv[3:], os.environ))
"""


def _zip(*members: tuple[str, bytes], mode: int = 0o100755) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            entry = zipfile.ZipInfo(name)
            entry.external_attr = mode << 16
            archive.writestr(entry, content)
    return buffer.getvalue()


GOOD = _zip(("LICENSE.txt", b"the licence"), ("terraform", PROGRAM))


@dataclass
class Releases:
    """A server of releases; `cut` is how many bytes of each answer never come."""

    url: str = ""
    content: bytes = GOOD
    status: int = 200
    cut: int = 0
    says_length: bool = True
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def releases() -> Iterator[Releases]:
    state = Releases()

    class Handler(Quiet, BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.asked.append(self.path)
            self.send_response(state.status)
            if state.says_length:
                self.send_header("Content-Length", str(len(state.content)))
            self.end_headers()
            self.wfile.write(state.content[: len(state.content) - state.cut])

    with served_by(Handler) as url:
        state.url = url
        yield state


@pytest.fixture
def bare(machine: Machine, releases: Releases) -> Machine:
    """A machine without Terraform, which fetches from the test's server."""
    (machine.folder / "bin" / "terraform").unlink()
    machine.environment |= {
        "PATH": str(machine.folder / "bin"),
        "TERRAFORM_FOLDER": str(machine.folder / "tools"),
        "TERRAFORM_RELEASES": f"{releases.url}/terraform/",
    }
    return machine


def _sum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _command(content: bytes, platform: str, *arguments: str) -> list[str]:
    sums = json.dumps({platform_name(): _sum(content)})
    return [sys.executable, "-c", _WITH_SUMS, sums, platform, *arguments]


def _fetch(machine: Machine, content: bytes = GOOD, platform: str = "") -> Outcome:
    """`python -m deploy terraform` with `content` as what is pinned."""
    done = subprocess.run(
        _command(content, platform, "terraform"),
        cwd=ROOT,
        env=machine.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


def _nothing_is_left(machine: Machine) -> bool:
    return list((machine.folder / "tools").glob("**/*")) == []


def test_with_consent_the_pinned_one_is_fetched_once(bare: Machine, releases: Releases) -> None:
    bare.environment["INSTALL_TERRAFORM"] = "1"
    first = _fetch(bare)
    assert first.code == 0, first.text
    version = pinned.VERSION
    program = bare.folder / "tools" / f"terraform-{version}" / "terraform"
    assert first.stdout == f"{program}\n"
    assert releases.asked == [
        f"/terraform/{version}/terraform_{version}_{platform_name()}.zip",
    ]
    assert f"fetching {releases.url}/terraform/{version}/" in first.stderr
    assert f"SHA-256 as pinned ({_sum(GOOD)})" in first.stderr
    assert program.read_bytes() == PROGRAM
    assert stat.S_IMODE(program.stat().st_mode) == 0o755
    assert (program.parent / "LICENSE.txt").read_bytes() == b"the licence"
    assert [path.name for path in (bare.folder / "tools").iterdir()] == [f"terraform-{version}"]

    del bare.environment["INSTALL_TERRAFORM"]
    again = _fetch(bare)
    assert (again.code, again.stdout) == (0, first.stdout)
    assert "fetching" not in again.stderr
    assert len(releases.asked) == 1


def test_what_is_fetched_deploys(bare: Machine) -> None:
    bare.environment["INSTALL_TERRAFORM"] = "1"
    assert _fetch(bare).code == 0
    outcome = bare.deploy("check")
    assert outcome.code == 0, outcome.text
    assert f"Terraform {pinned.VERSION}, provider" in outcome.stderr
    assert bare.commands()[0] == "fmt"


def test_a_terraform_of_ones_own_comes_first(bare: Machine, releases: Releases) -> None:
    bare.environment["INSTALL_TERRAFORM"] = "1"
    assert _fetch(bare).code == 0
    own = bare.install_shim()
    assert _fetch(bare).stdout == f"{own}\n"


def test_without_consent_nothing_is_fetched(
    bare: Machine, releases: Releases, fails_clearly: FailsClearly
) -> None:
    outcome = _fetch(bare)
    fails_clearly(outcome, "Neither terraform nor tofu was found", "with INSTALL_TERRAFORM=1")
    assert f"{releases.url}/terraform/{pinned.VERSION}/" in outcome.stderr
    assert str(bare.folder / "tools") in outcome.stderr
    assert releases.asked == []
    assert _nothing_is_left(bare)


@pytest.mark.parametrize(("answer", "code"), [("yes", 0), ("no", 2), ("", 2)])
def test_on_a_terminal_it_is_asked(
    bare: Machine, releases: Releases, answer: str, code: int
) -> None:
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        _command(GOOD, "", "terraform"),
        cwd=ROOT,
        env=bare.environment,
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        os.write(ours, f"{answer}\n".encode())
        _, errors = process.communicate(timeout=60)
    os.close(ours)
    os.close(theirs)
    assert process.returncode == code, errors
    assert "Type yes to fetch it: " in errors
    assert len(releases.asked) == (1 if code == 0 else 0)
    if code:
        assert "Not wanted, so nothing was fetched" in errors
        assert _nothing_is_left(bare)


def _refused(machine: Machine, content: bytes = GOOD) -> Outcome:
    machine.environment["INSTALL_TERRAFORM"] = "1"
    outcome = _fetch(machine, content)
    assert _nothing_is_left(machine)
    return outcome


def test_another_checksum(bare: Machine, releases: Releases, fails_clearly: FailsClearly) -> None:
    releases.content = _zip(("terraform", PROGRAM + b"# and something else\n"))
    outcome = _refused(bare)
    fails_clearly(outcome, "is not Terraform", "Nothing was installed")
    assert f"its SHA-256 is {_sum(releases.content)}, not {_sum(GOOD)}" in outcome.stderr


def test_half_of_it(bare: Machine, releases: Releases, fails_clearly: FailsClearly) -> None:
    releases.cut = 10
    fails_clearly(_refused(bare), f"only {len(GOOD) - 10} of {len(GOOD)} bytes came", "Try again")


def test_half_of_it_from_a_server_that_says_no_length(
    bare: Machine, releases: Releases, fails_clearly: FailsClearly
) -> None:
    releases.cut, releases.says_length = 10, False
    fails_clearly(_refused(bare), "is not Terraform", "Nothing was installed")


def test_an_error_of_http(bare: Machine, releases: Releases, fails_clearly: FailsClearly) -> None:
    releases.status = 404
    fails_clearly(_refused(bare), "could not be fetched: HTTP 404", "TERRAFORM_RELEASES")


def test_nobody_answers(bare: Machine, fails_clearly: FailsClearly) -> None:
    bare.environment["TERRAFORM_RELEASES"] = "http://127.0.0.1:1"
    fails_clearly(_refused(bare), "Connection refused", "HTTPS_PROXY")


@pytest.mark.parametrize("url", ["file:///etc", "releases.example.com", "ftp://127.0.0.1"])
def test_what_is_no_web_server(bare: Machine, url: str, fails_clearly: FailsClearly) -> None:
    bare.environment["TERRAFORM_RELEASES"] = url
    fails_clearly(_refused(bare), "does not begin with http:// or https://", "leave it out")


def test_a_platform_that_nothing_is_pinned_for(
    bare: Machine, releases: Releases, fails_clearly: FailsClearly
) -> None:
    bare.environment["INSTALL_TERRAFORM"] = "1"
    outcome = _fetch(bare, platform="plan9_mips")
    fails_clearly(outcome, "none to be fetched for plan9_mips", "Install Terraform 1.5 or later")
    assert releases.asked == []


def _bomb() -> bytes:
    """A zip that says that its program is larger than any is."""
    content = bytearray(_zip(("terraform", b"0" * 1000)))
    large = (600_000_000).to_bytes(4, "little")
    at = content.index(b"PK\x01\x02") + 24
    content[at : at + 4] = large
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (_zip(("terraform", PROGRAM), ("../../.bashrc", b"rm")), "'../../.bashrc'"),
        (_zip(("terraform", PROGRAM), ("extra", b"")), "it holds 'terraform', 'extra'"),
        (_zip(("LICENSE.txt", b"")), "it holds 'LICENSE.txt'"),
        (_zip(), "it holds nothing"),
        (_zip(("terraform", b"/bin/sh"), mode=0o120777), "'terraform' is no regular file"),
        (_bomb(), "'terraform' is 600 MB large"),
        (b"this is no zip", "it cannot be unpacked"),
        (GOOD[:-40], "it cannot be unpacked"),
        (GOOD[:80] + bytes([GOOD[80] ^ 0xFF]) + GOOD[81:], "it cannot be unpacked"),
    ],
    ids=["outside", "extra", "none", "empty", "link", "bomb", "no-zip", "cut", "altered"],
)
def test_a_zip_that_is_not_hashicorps(
    bare: Machine, releases: Releases, fails_clearly: FailsClearly, content: bytes, what: str
) -> None:
    """Even if its checksum were the pinned one."""
    releases.content = content
    fails_clearly(_refused(bare, content), what, "Nothing was installed")


def test_a_folder_that_cannot_be_written_to(bare: Machine, fails_clearly: FailsClearly) -> None:
    (bare.folder / "file").touch()
    bare.environment |= {
        "INSTALL_TERRAFORM": "1",
        "TERRAFORM_FOLDER": str(bare.folder / "file" / "tools"),
    }
    fails_clearly(_fetch(bare), "could not be written to", "TERRAFORM_FOLDER=")


def test_one_that_was_named_is_not_replaced(
    bare: Machine, releases: Releases, fails_clearly: FailsClearly
) -> None:
    bare.environment |= {"INSTALL_TERRAFORM": "1", "TERRAFORM": "/nowhere/terraform"}
    fails_clearly(_fetch(bare), "TERRAFORM names /nowhere/terraform", "Install Terraform")
    assert releases.asked == []


def test_each_platform_has_a_sum_of_its_own() -> None:
    assert sorted(pinned.SUMS) == ["darwin_amd64", "darwin_arm64", "linux_amd64", "linux_arm64"]
    assert len(set(pinned.SUMS.values())) == len(pinned.SUMS)
    for value in pinned.SUMS.values():
        assert len(bytes.fromhex(value)) == hashlib.sha256().digest_size


def test_by_default_it_is_hashicorps_own_and_in_the_projects_folder() -> None:
    assert pinned.address({}, "linux_amd64") == (
        "https://releases.hashicorp.com/terraform/1.11.4/terraform_1.11.4_linux_amd64.zip"
    )
    folder = pinned.folder({})
    assert folder == ROOT / ".tools"
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    assert f"{folder.name}/" in ignored


def test_the_folder_of_tools_is_where_it_is_looked_for(bare: Machine) -> None:
    program = Path(bare.environment["TERRAFORM_FOLDER"], f"terraform-{pinned.VERSION}/terraform")
    program.parent.mkdir(parents=True)
    program.write_bytes(PROGRAM)
    program.chmod(0o755)
    assert _fetch(bare).stdout == f"{program}\n"
