"""The Terraform that is fetched where there is none: which, from where, and where it is kept."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from deploy.workspace import REPOSITORY

VERSION = "1.11.4"
# The SHA-256 of terraform_<VERSION>_<platform>.zip, as HashiCorp publishes them beside it in
# terraform_<VERSION>_SHA256SUMS.
SUMS: Mapping[str, str] = {
    "darwin_amd64": "a56d5002b9f7647291faccc3dd1a70350e60fb61e4c45037629508b8fdc2575b",
    "darwin_arm64": "867e0808fa971217043e25b7a792b10720c79b1546f8a68479b74f138be73e18",
    "linux_amd64": "1ce994251c00281d6845f0f268637ba50c0005657eb3cf096b92f753b42ef4dc",
    "linux_arm64": "a43d1d0da9b9bab214a8305a39db0e40869572594ccf50c416a7756499143633",
}

_RELEASES = "https://releases.hashicorp.com/terraform"


def folder(environment: Mapping[str, str]) -> Path:
    """Where a fetched one is kept: `TERRAFORM_FOLDER`, or `.tools` in the project's folder."""
    return Path(environment.get("TERRAFORM_FOLDER", "").strip() or REPOSITORY / ".tools").absolute()


def program(environment: Mapping[str, str]) -> Path:
    """The fetched Terraform, whether or not it is there."""
    return folder(environment) / f"terraform-{VERSION}" / "terraform"


def address(environment: Mapping[str, str], platform: str) -> str:
    """The URL of the zip for `platform`, below `TERRAFORM_RELEASES` or HashiCorp's own releases.

    What lies there is laid out as HashiCorp does: `<version>/terraform_<version>_<platform>.zip`.
    """
    base = environment.get("TERRAFORM_RELEASES", "").strip() or _RELEASES
    return f"{base.rstrip('/')}/{VERSION}/terraform_{VERSION}_{platform}.zip"
