"""Which code verified: its commit, whether it was changed since, and what it ran on."""

from __future__ import annotations

import platform
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from verify.model import Provenance

_PROJECT = Path(__file__).parents[2]
_PATIENCE_SECONDS = 10
# What a verdict may depend on beside our own code.
_LIBRARIES = ("boto3", "botocore", "cryptography", "pytest", "python-hcl2", "sqlglot")


def provenance(project: Path = _PROJECT) -> Provenance:
    """Of the project in a folder; without a commit where that is no checkout, or git is missing."""
    commit = _git(project, "rev-parse", "HEAD")
    # What git does not know is not part of the code that was reviewed, but may be imported. The
    # function's is what the deployed one is compared with.
    looked_at = ("status", "--porcelain", "--", "verify", "lambda")
    changed = None if commit is None else _git(project, *looked_at)
    return Provenance(
        commit=commit,
        clean=None if changed is None else not changed,
        python=platform.python_version(),
        libraries=tuple(f"{name} {found}" for name in _LIBRARIES if (found := _version(name))),
    )


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _git(project: Path, *arguments: str) -> str | None:
    program = shutil.which("git")
    if program is None or not (project / ".git").exists():
        return None
    try:
        done = subprocess.run(
            # No lock, so that a run beside somebody's work disturbs nobody.
            [program, "--no-optional-locks", "-C", str(project), *arguments],
            capture_output=True,
            text=True,
            timeout=_PATIENCE_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
