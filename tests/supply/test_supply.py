"""Licences, known vulnerabilities and the bill of materials of what is locked."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler
from importlib.metadata import Distribution, packages_distributions
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supply import audit, licences, lock
from supply.errors import SupplyError
from tests.serving import Quiet, served_by
from tests.suite.support import MAKE, ROOT, environment

RUNTIME = ROOT / "requirements" / "runtime.txt"
# An environment of its own; see requirements/supply.in.
TOOLS = ROOT / ".venv" / "supply" / "bin"


@pytest.fixture
def tools() -> Path:
    if not (TOOLS / "pip-audit").exists():
        if os.environ.get("CI"):
            pytest.fail("the environment of requirements/supply.txt is not there")
        pytest.skip("`make test` installs what looks at the locks")
    return TOOLS


def _supply(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "supply", *arguments],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


# --- licences -------------------------------------------------------------------------------------


def test_the_page_of_licences_is_what_is_installed_and_each_is_admitted() -> None:
    done = _supply("licences")
    assert done.returncode == 0, done.stderr
    assert (ROOT / "docs/licences.md").read_text() == done.stdout, "run `make docs`"
    for name, version in lock.pins(RUNTIME).items():
        assert f"\n| {name} | {version} | " in done.stdout


class _Stated(Distribution):
    """A distribution that has metadata alone."""

    def __init__(self, **fields: str | list[str]) -> None:
        self._message = Message()
        for name, values in fields.items():
            for value in [values] if isinstance(values, str) else values:
                self._message[name.replace("_", "-")] = value

    def read_text(self, filename: str) -> str | None:
        return str(self._message) if filename == "METADATA" else None

    def locate_file(self, path: Any) -> Any:
        raise NotImplementedError


@pytest.mark.parametrize(
    ("distribution", "licence", "refused"),
    [
        (_Stated(License_Expression="MIT"), "MIT", set()),
        (
            _Stated(License_Expression="(MIT OR GPL-2.0-only) AND ISC", License="MIT"),
            "(MIT OR GPL-2.0-only) AND ISC",
            {"GPL-2.0-only"},
        ),
        (_Stated(Classifier="License :: OSI Approved :: MIT License"), "MIT", set()),
        (
            _Stated(
                Classifier=[
                    "License :: OSI Approved :: BSD License",
                    "License :: OSI Approved :: GNU Affero General Public License v3",
                ]
            ),
            "BSD License; GNU Affero General Public License v3",
            {"GNU Affero General Public License v3"},
        ),
        (_Stated(License="MIT"), "MIT", set()),
        (_Stated(License="Proprietary"), "Proprietary", {"Proprietary"}),
        (_Stated(Name="x"), "", {"no licence"}),
    ],
    ids=["one", "either", "classifier", "copyleft", "text", "proprietary", "none"],
)
def test_a_licence_that_nobody_admitted_is_refused(
    distribution: Distribution, licence: str, refused: set[str]
) -> None:
    stated = licences.stated(distribution)
    assert stated == licence
    assert licences.Licensed("x", "1", stated).refused == refused


def test_metadata_of_another_version_is_none_of_the_locks() -> None:
    with pytest.raises(SupplyError, match=r"^jinja2 is locked at 0\.0\.1, but .* is installed"):
        licences.licensed({"jinja2": "0.0.1"})
    with pytest.raises(SupplyError, match=r"^no-such-thing is not installed"):
        licences.licensed({"no-such-thing": "1"})


# --- dependencies ---------------------------------------------------------------------------------


def _imported(*packages: str) -> set[str]:
    """The top-level modules that the code of `packages` imports."""
    found: set[str] = set()
    for package in packages:
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Import):
                    found |= {alias.name.partition(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    found.add(node.module.partition(".")[0])
    return found


def test_what_is_installed_at_run_time_is_imported_and_the_other_way_round() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    direct = {lock.normalized(re.split("[<>=]", one)[0]) for one in project["dependencies"]}
    providers = {
        module: {lock.normalized(name) for name in names}
        for module, names in packages_distributions().items()
    }
    imported = _imported("verify", "deploy") - {"verify", "deploy"}
    needed = {name for module in imported for name in providers.get(module, set())}
    assert needed <= lock.pins(RUNTIME).keys(), "it is not installed with `make deploy`"
    # pytest loads its plugin by itself, for the suite's option -n.
    assert direct - needed == {"pytest-xdist"}, "nobody imports it"


# --- locks ----------------------------------------------------------------------------------------


def test_each_pin_of_a_lock_has_hashes_and_no_index() -> None:
    locks = sorted((ROOT / "requirements").glob("*.txt"))
    assert RUNTIME in locks
    for path in locks:
        text = path.read_text()
        assert "://" not in text, path
        for block in _blocks(text):
            assert "--hash=sha256:" in block, f"{path.name}: {block[:60]}"
        assert len(_blocks(text)) == len(lock.pins(path))


def _blocks(text: str) -> list[str]:
    """The lock's requirements, each with the lines that belong to it."""
    found: list[str] = []
    for line in text.splitlines():
        if line.startswith("#") or not line.strip():
            continue
        if line.startswith(" "):
            found[-1] += line
        else:
            found.append(line)
    return found


@pytest.mark.parametrize("text", ["", "# nothing\n", "--index-url x\n", "boto3>=1\n"])
def test_what_pins_nothing_is_no_lock(tmp_path: Path, text: str) -> None:
    path = tmp_path / "lock.txt"
    path.write_text(text)
    with pytest.raises(SupplyError, match="pins nothing; name a lock file"):
        lock.pins(path)
    with pytest.raises(SupplyError, match="cannot be read"):
        lock.pins(tmp_path / "none.txt")


# --- known vulnerabilities ------------------------------------------------------------------------

_names = st.sampled_from(["a", "b-c", "d"])
_answers = st.dictionaries(
    _names,
    st.one_of(
        st.just({"skip_reason": "not found"}),
        st.lists(
            st.fixed_dictionaries({"id": st.just("CVE-1"), "fix_versions": st.just(["2"])})
        ).map(lambda known: {"version": "1", "vulns": known}),
    ),
)


@given(_answers)
def test_whatever_is_answered_what_was_not_seen_is_told(answer: dict[str, Any]) -> None:
    wanted = {"a", "b-c", "d"}
    rows = [{"name": name.replace("-", "_"), **one} for name, one in answer.items()]
    found = audit.judge({"dependencies": rows}, wanted)
    seen = {name for name, one in answer.items() if "vulns" in one}
    assert {line.partition(":")[0] for line in found.unseen} == wanted - seen
    assert len(found.vulnerable) == sum(len(one.get("vulns", [])) for one in answer.values())
    assert found.total == 3


def _program(folder: Path, code: int, printed: str, complained: str = "") -> str:
    path = folder / "pip-audit"
    path.write_text(
        f"#!{sys.executable}\nimport sys\nsys.stdout.write({printed!r})\n"
        f"sys.stderr.write({complained!r})\nsys.exit({code})\n"
    )
    path.chmod(0o755)
    return str(path)


PINS = ("six==1.17.0", "Py_YAML==6.0.3")


def _audited(folder: Path, program: str, *locks: Path) -> subprocess.CompletedProcess[str]:
    path = folder / "lock.txt"
    path.write_text(
        "six==1.17.0 \\\n    --hash=sha256:00\nPy_YAML==6.0.3 \\\n    --hash=sha256:00\n"
    )
    return _supply("audit", f"--program={program}", *(f"--lock={one}" for one in (path, *locks)))


def _answer(**known: Any) -> str:
    rows = [{"name": name, "version": "1", **one} for name, one in known.items()]
    return json.dumps({"dependencies": rows, "fixes": []})


CLEAN: dict[str, Any] = {"vulns": []}
VULNERABLE = {"vulns": [{"id": "CVE-2099-1", "fix_versions": ["2", "3"]}]}


@pytest.mark.parametrize(
    ("answer", "code", "line"),
    [
        (_answer(six=CLEAN, py_yaml=CLEAN), 0, "0 known vulnerabilities; 2 of 2 distributions"),
        (_answer(six=VULNERABLE, py_yaml=CLEAN), 1, "six 1: CVE-2099-1, mended in 2, 3"),
        (_answer(six=CLEAN), 6, "py-yaml: not in the answer"),
        (_answer(six=CLEAN, py_yaml={"skip_reason": "not there"}), 6, "py-yaml: not there"),
        (_answer(six=VULNERABLE), 1, "1 known vulnerabilities; 1 of 2 distributions looked up"),
    ],
    ids=["clean", "vulnerable", "left-out", "skipped", "both"],
)
def test_what_is_known_decides_how_it_ends(
    tmp_path: Path, answer: str, code: int, line: str
) -> None:
    done = _audited(tmp_path, _program(tmp_path, 0, answer))
    assert done.returncode == code, done.stdout + done.stderr
    assert line in done.stdout
    assert "lock.txt: asking what is known of 2 distributions ..." in done.stdout


@pytest.mark.parametrize("printed", ["", "[]", "{}", '{"dependencies": [{}]}', "[" * 100_000])
def test_what_is_no_answer_is_said(tmp_path: Path, printed: str) -> None:
    done = _audited(tmp_path, _program(tmp_path, 1, printed, "Traceback\nConnectionError: no\n"))
    assert done.returncode == 2
    assert done.stderr.startswith("supply: pip-audit could not look at ")
    assert "lock.txt: ConnectionError: no; it asks PyPI" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_pip_audit_it_says_so(tmp_path: Path) -> None:
    done = _audited(tmp_path, str(tmp_path / "none"))
    assert (done.returncode, "could not be run" in done.stderr) == (2, True)


def test_of_several_locks_a_vulnerability_outweighs_what_was_not_seen(tmp_path: Path) -> None:
    other = tmp_path / "other.txt"
    other.write_text("unknown==1 \\\n    --hash=sha256:00\n")
    program = _program(tmp_path, 0, _answer(six=VULNERABLE, py_yaml=CLEAN))
    assert _audited(tmp_path, program, other).returncode == 1


@dataclass
class Osv:
    """OSV, as far as pip-audit asks it."""

    url: str = ""
    known: dict[str, list[Any]] = field(default_factory=dict)


@pytest.fixture
def osv() -> Iterator[Osv]:
    state = Osv()

    class Handler(Quiet, BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            body = json.dumps({"vulns": state.known.get(asked["package"]["name"], [])}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with served_by(Handler) as url:
        state.url = f"{url}/v1/query"
        yield state


@pytest.mark.slow
def test_pip_audit_itself_asks_of_every_distribution(tools: Path, osv: Osv) -> None:
    asked = (f"--program={tools / 'pip-audit'}", f"--lock={RUNTIME}", "--", "--osv-url", osv.url)
    total = len(lock.pins(RUNTIME))
    done = _supply("audit", *asked, "-s", "osv")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{total} of {total} distributions looked up" in done.stdout

    osv.known["six"] = [
        {
            "id": "PYSEC-2099-1",
            "affected": [
                {
                    "package": {"name": "six", "ecosystem": "PyPI"},
                    "ranges": [{"type": "ECOSYSTEM", "events": [{"fixed": "99"}]}],
                }
            ],
        }
    ]
    done = _supply("audit", *asked, "-s", "osv")
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"  six {lock.pins(RUNTIME)['six']}: PYSEC-2099-1, mended in 99" in done.stdout


# --- the bill of materials ------------------------------------------------------------------------

_VALIDATE = """
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
sys.exit(str(JsonStrictValidator(SchemaVersion.V1_6).validate_str(sys.stdin.read()) or "") or 0)
"""


def _valid(tools: Path, text: str) -> bool:
    done = subprocess.run(
        [tools / "python", "-c", _VALIDATE], input=text, text=True, capture_output=True, check=False
    )
    assert "ModuleNotFoundError" not in done.stderr
    return done.returncode == 0


@pytest.mark.slow
def test_the_bill_of_materials_is_what_the_lock_pins(tools: Path, tmp_path: Path) -> None:
    path = tmp_path / "a folder" / "sbom.cdx.json"
    path.parent.mkdir()
    done = subprocess.run(
        [MAKE, "sbom", f"SBOM={path}"],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"bill of materials: {path}" in done.stdout
    text = path.read_text()
    document = json.loads(text)
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    assert _valid(tools, text)
    assert str(ROOT) not in text, "it is of this project and not of this machine"
    assert not _valid(tools, text.replace('"library"', '"nonsense"'))

    pins = lock.pins(RUNTIME)
    components = {lock.normalized(one["name"]): one for one in document["components"]}
    assert {name: one["version"] for name, one in components.items()} == pins
    for name, one in components.items():
        assert one["purl"] == f"pkg:pypi/{name}@{pins[name]}"
        assert one["licenses"], name
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    root = document["metadata"]["component"]
    assert (root["name"], root["version"]) == (project["name"], project["version"])
    [direct] = [one for one in document["dependencies"] if one["ref"] == root["bom-ref"]]
    wanted = {lock.normalized(line.partition(">")[0]) for line in project["dependencies"]}
    assert {lock.normalized(ref.partition("==")[0]) for ref in direct["dependsOn"]} == wanted
