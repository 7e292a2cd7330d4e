"""Outputs of a deployment that does not exist, and running the suite as a user does."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from tests.sandbox.support import RunningSandbox
from verify.live_fire.probes import PERMITTED

ROOT = Path(__file__).resolve().parents[2]
REGION = "ap-southeast-1"
MAKE = shutil.which("make") or "make"


def variables(further_region: str) -> dict[str, str]:
    """What the tests' deployments are made with.

    Every probe that there is may be fired there, and a further region has rules of the quick path.
    """
    return {
        "TF_VAR_verifier_probes": json.dumps(PERMITTED),
        "TF_VAR_further_event_regions": json.dumps([further_region]),
    }


VARIABLES = variables("eu-west-1")


@dataclass(frozen=True)
class Verification:
    """A finished run of the suite."""

    code: int
    text: str
    reports: Path

    @property
    def report(self) -> dict[str, Any]:
        """report.json of the run."""
        document: dict[str, Any] = json.loads((self.reports / "latest/report.json").read_text())
        return document

    @property
    def outcomes(self) -> dict[str, str]:
        """Control -> outcome."""
        return {row["control"]["identifier"]: row["outcome"] for row in self.report["results"]}

    def row(self, control: str) -> dict[str, Any]:
        """What the report says of one control."""
        [found] = [row for row in self.report["results"] if row["control"]["identifier"] == control]
        return dict(found)

    def controls(self, *outcomes: str) -> set[str]:
        """The controls with one of these outcomes."""
        return {name for name, outcome in self.outcomes.items() if outcome in outcomes}


def environment(url: str | None = None, **more: str) -> dict[str, str]:
    """The environment of a user who has nothing of AWS's but the sandbox at `url`."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTEST"))
    }
    kept |= {"AWS_EC2_METADATA_DISABLED": "true", "HOME": "/nonexistent", "COLUMNS": "120"}
    if url is not None:
        kept |= {
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }
    return kept | more


def ended(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    folder: Path = ROOT,
    seconds: float = 300,
) -> subprocess.CompletedProcess[str]:
    """A command of the project's, run to its end; by default with no account at hand."""
    return subprocess.run(
        command,
        cwd=folder,
        env=environment() if env is None else env,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


def command(outputs_file: Path | str, reports: Path, *arguments: str) -> list[str]:
    """The suite's command line, as `make verify` has it."""
    return [
        sys.executable,
        "-m",
        "pytest",
        f"--outputs={outputs_file}",
        f"--reports={reports}",
        *arguments,
    ]


def verify(
    outputs_file: Path | str,
    reports: Path,
    *arguments: str,
    url: str | None = None,
    as_verifier: bool = True,
    **more: str,
) -> Verification:
    """Run the suite to its end; in the sandbox at `url` as the deployment's verifier role.

    Only where there is no deployment, and so no role, is `as_verifier` false.
    """
    role = ["--as-verifier"] if url and as_verifier else []
    done = ended(command(outputs_file, reports, *role, *arguments), env=environment(url, **more))
    return Verification(done.returncode, done.stdout + done.stderr, reports)


def verify_strictly(
    outputs_file: Path,
    folder: Path,
    check: str,
    controls: Sequence[str],
    url: str,
    **values: Any,
) -> Verification:
    """Hold dev to `controls` that it has not got, by a file of checks; `values` as a user's."""
    path = folder / "strict.yaml"
    extended = {"extends": "dev", "additional_controls": list(controls), **values}
    path.write_text(json.dumps(extended, indent=1), encoding="utf-8")
    return verify(outputs_file, folder, check, f"--profile={path}", url=url)


@contextmanager
def role_statement(
    sandbox: RunningSandbox, role: str, effect: str, action: str, *resources: str
) -> Iterator[None]:
    """Allow or deny (`effect`) a role an action, on any or these, inside the `with` block."""
    which = {"RoleName": role, "PolicyName": f"{effect}-{action.replace(':', '-')}"}
    statement = {"Effect": effect, "Action": action, "Resource": resources or "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam = sandbox.client("iam", REGION)
    iam.put_role_policy(**which, PolicyDocument=document)
    try:
        yield
    finally:
        iam.delete_role_policy(**which)


def python_m_verify(
    *arguments: str, url: str | None = None, **more: str
) -> subprocess.CompletedProcess[str]:
    """Run one of the commands of `python -m verify` to its end.

    With no account at hand but, if a `url` is given, the sandbox there.
    """
    return ended([sys.executable, "-m", "verify", *arguments], env=environment(url, **more))


def build_package() -> None:
    """Build the function where the suite looks for the reviewed build."""
    done = ended([sys.executable, "lambda/build.py"])
    assert done.returncode == 0, done.stderr


def deploy(sandbox: RunningSandbox, folder: Path, *arguments: str, **more: str) -> Path:
    """Deploy into a sandbox by a working directory in `folder`; the file of the outputs."""
    build_package()
    outputs = folder / "outputs.json"
    command = [sys.executable, "-m", "deploy", "apply", "--sandbox", sandbox.url, "--auto-approve"]
    command += ["--working-directory", str(folder / "work"), "--output", str(outputs)]
    done = ended([*command, *arguments], env=environment(**more), seconds=400)
    assert done.returncode == 0, done.stdout + done.stderr
    return outputs


def ed25519_keys(folder: Path, name: str) -> tuple[Path, Path]:
    """A new private key and its public one, as PEM files `name`.pem and `name`.pub."""
    key = ed25519.Ed25519PrivateKey.generate()
    private, public = folder / f"{name}.pem", folder / f"{name}.pub"
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    public.write_bytes(
        key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    return private, public
