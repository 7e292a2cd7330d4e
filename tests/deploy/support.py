"""A made-up machine on which `python -m deploy` runs as it would for a user."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]

# A stand-in for terraform: it writes down how it was called and behaves as SHIM_* says.
SHIM = """\
#!{python}
import json, os, signal, sys, time
arguments = sys.argv[1:]
words = [word for word in arguments if not word.startswith("-")]
command = words[0]
with open(os.environ["SHIM_LOG"], "a") as log:
    json.dump({{"arguments": arguments, "environment": dict(os.environ)}}, log)
    log.write("\\n")
if "SHIM_STDERR" in os.environ:
    print(os.environ["SHIM_STDERR"], file=sys.stderr)
if command == "version":
    print(os.environ.get("SHIM_BEFORE_VERSION", ""))
    print(os.environ.get("SHIM_VERSION", "Terraform v1.11.4"))
    sys.exit(0)
if command == os.environ.get("SHIM_HANGS"):
    if "SHIM_PROVIDER" in os.environ:
        import subprocess
        provider = subprocess.Popen(["sleep", "300"])
        with open(os.environ["SHIM_PROVIDER"], "w") as file:
            file.write(str(provider.pid))
    if "SHIM_STUBBORN" in os.environ:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        open(os.environ["SHIM_STUBBORN"], "w").close()
        time.sleep(300)
    def stop(number, frame):
        with open(os.environ["SHIM_LOG"], "a") as log:
            log.write(json.dumps({{"arguments": ["signal", str(number)]}}) + "\\n")
        time.sleep(0.3)  # a second signal within this time would be logged as well
        sys.exit(1)
    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    if "SHIM_STARTED" in os.environ:
        open(os.environ["SHIM_STARTED"], "w").close()
    print("hanging", flush=True)
    time.sleep(60)
for argument in arguments:
    if argument.startswith("-out="):
        open(argument[len("-out="):], "w").close()
if command == os.environ.get("SHIM_FAILS"):
    print(os.environ.get("SHIM_MESSAGE", "something broke"), file=sys.stderr)
    sys.exit(1)
if command == "plan":
    print("aws_vpc.audit: Refreshing state... [id=vpc-1]")
    print("Plan: 59 to add, 0 to change, 0 to destroy.")
if command == "apply":
    print(os.environ.get("SHIM_APPLIED", "Apply complete! Resources: 59 added."))
if command == "show":
    print(os.environ.get("SHIM_STATE", '{{"format_version": "1.2"}}'))
if command == "state":
    print(os.environ.get("SHIM_PULLED", '{{"version": 4}}'))
if command == "output":
    print(os.environ.get("SHIM_OUTPUTS", '{{"region": {{"value": "eu-west-1"}}}}'))
"""


@dataclass(frozen=True)
class Outcome:
    """How a run of `python -m deploy` ended."""

    code: int
    stdout: str
    stderr: str

    @property
    def text(self) -> str:
        """Both streams."""
        return self.stdout + self.stderr


@dataclass
class Machine:
    """A made-up machine: its own home, PATH and working directory; `environment` may be changed."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def work(self) -> Path:
        return self.folder / "work"

    def arguments(self, *arguments: str) -> list[str]:
        command, *rest = arguments
        return [
            sys.executable,
            "-m",
            "deploy",
            command,
            "--working-directory",
            str(self.work),
            *rest,
        ]

    def deploy(self, *arguments: str, stdin: Any = subprocess.DEVNULL) -> Outcome:
        done = subprocess.run(
            self.arguments(*arguments),
            cwd=ROOT,
            env=self.environment,
            stdin=stdin,
            capture_output=True,
            text=True,
            start_new_session=True,  # so that it has no terminal but what it is given
            timeout=120,
            check=False,
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    def calls(self) -> list[dict[str, Any]]:
        """How the stand-in for terraform was called, but for `version`."""
        log = Path(self.environment["SHIM_LOG"])
        lines = log.read_text().splitlines() if log.exists() else []
        calls = [json.loads(line) for line in lines]
        return [call for call in calls if call["arguments"] != ["version"]]

    def commands(self) -> list[str]:
        """The commands of these calls, in order."""
        return [
            next(word for word in call["arguments"] if not word.startswith("-"))
            for call in self.calls()
        ]

    def install(self, name: str, text: str) -> Path:
        """A program on PATH."""
        path = self.folder / "bin" / name
        path.write_text(text)
        path.chmod(0o755)
        return path

    def install_shim(self, name: str = "terraform") -> Path:
        return self.install(name, SHIM.format(python=sys.executable))

    def mirror(self, root: Path, version: str, host: str = "registry.example.io") -> Path:
        """An unpacked provider in the mirror `root`."""
        machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(
            platform.machine(), platform.machine()
        )
        system = f"{platform.system().lower()}_{machine}"
        folder = root / host / "hashicorp" / "aws" / version / system
        folder.mkdir(parents=True)
        (folder / f"terraform-provider-aws_v{version}_x5").touch()
        return root

    @property
    def package(self) -> list[str]:
        """Options that name a function package that exists."""
        path = self.folder / "function.zip"
        path.write_bytes(b"a zip")
        return ["--function-package", str(path)]


@dataclass
class FakeAws:
    """Answers STS, S3's HeadBucket, SSM's DescribeDocument, and a sandbox's health.

    `refusal` makes STS refuse.
    """

    certificate: Path
    url: str = ""
    refusal: str = ""
    buckets: dict[str, str] = field(default_factory=dict)
    health: bool = True
    assumed: int = 0  # how often a role was
    files: set[str] = field(default_factory=set)  # buckets that hold any
    documents: set[str] = field(default_factory=set)


def run(*arguments: str, environment: Mapping[str, str]) -> Outcome:
    """`python -m deploy` with exactly these arguments."""
    done = subprocess.run(
        [sys.executable, "-m", "deploy", *arguments],
        cwd=ROOT,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)
