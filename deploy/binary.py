"""Finding Terraform or OpenTofu, and knowing which version it is."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy import pinned
from deploy.errors import DeployError

MINIMUM = (1, 5, 0)

_VERSION = re.compile(r"^(Terraform|OpenTofu) v(\d+)\.(\d+)\.(\d+)", re.MULTILINE)
# What the wrapper of hashicorp/setup-terraform adds: a line for the command, and workflow commands.
_WRAPPED = re.compile(r"^(\[command\]|::(debug|set-output)\b)", re.MULTILINE)
_INSTALL = (
    "Install Terraform 1.5 or later (or OpenTofu) and put it on PATH, or name it: "
    "TERRAFORM=/path/to/terraform."
)


@dataclass(frozen=True)
class Binary:
    """The program that applies the module. `product` is "Terraform" or "OpenTofu"."""

    path: str
    product: str
    version: tuple[int, int, int]

    @property
    def name(self) -> str:
        """Product and version for people: `Terraform 1.11.4`."""
        return f"{self.product} {'.'.join(map(str, self.version))}"

    def require(self, minimum: tuple[int, int, int], purpose: str) -> None:
        """Raise DeployError unless this is at least version `minimum`, needed for `purpose`."""
        if self.version < minimum:
            wanted = ".".join(map(str, minimum))
            raise DeployError(
                f"{purpose} needs version {wanted} or later, but {self.path} is {self.name}",
                "Update it, or name a newer one: TERRAFORM=/path/to/terraform.",
            )


class NotFoundError(DeployError):
    """There is neither Terraform nor OpenTofu, and none was named."""


def find(environment: Mapping[str, str]) -> Binary:
    """The program named by `TERRAFORM`, or else `terraform` or `tofu` on PATH, or one fetched.

    Raises NotFoundError when there is none, DeployError when the named one cannot be run, when it
    is not what it should be, or is too old.
    """
    asked = environment.get("TERRAFORM", "").strip()
    search = environment.get("PATH", "")
    candidates = [asked] if asked else ["terraform", "tofu", str(pinned.program(environment))]
    found = next(filter(None, (shutil.which(name, path=search) for name in candidates)), None)
    if found is None and asked:
        raise DeployError(
            f"TERRAFORM names {asked}, which is not a program that can be run", _INSTALL
        )
    if found is None:
        raise NotFoundError("Neither terraform nor tofu was found on PATH", _INSTALL)
    binary = _identify(str(Path(found).absolute()), environment)
    binary.require(MINIMUM, "This module")
    return binary


def _identify(path: str, environment: Mapping[str, str]) -> Binary:
    try:
        answer = subprocess.run(
            [path, "version"],
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=60,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DeployError(f"{path} could not be run: {error}", _INSTALL) from error
    if _WRAPPED.search(answer.stdout):
        raise DeployError(
            f"{path} is a wrapper that adds lines of its own to what Terraform prints",
            "Name the program itself: TERRAFORM=/path/to/terraform. In GitHub Actions, give "
            "hashicorp/setup-terraform the input terraform_wrapper: false.",
        )
    match = _VERSION.search(answer.stdout)
    if match is None:
        raise DeployError(f"{path} does not say that it is Terraform or OpenTofu", _INSTALL)
    major, minor, patch = (int(part) for part in match.groups()[1:])
    return Binary(path, match.group(1), (major, minor, patch))
