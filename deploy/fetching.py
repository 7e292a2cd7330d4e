"""Fetching the pinned Terraform, with consent, on a machine that has none."""

from __future__ import annotations

import hashlib
import http.client
import os
import shutil
import stat
import sys
import tempfile
import time
import urllib.request
import zipfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import IO
from urllib.error import HTTPError
from urllib.parse import urlsplit

from deploy import binary, pinned
from deploy.binary import Binary
from deploy.consent import given
from deploy.errors import DeployError
from deploy.provider import platform_name

# Of a zip of 27 MB with a program of 90 MB. What is larger is something else.
_LARGEST_ZIP = 200_000_000
_LARGEST_MEMBER = 500_000_000
_CHUNK = 1 << 16
# How long a server may say nothing, and how often it is told how much has come, in seconds.
_PATIENCE = 30.0
_TELLING = 3.0

# What HashiCorp packs.
_PROGRAM, _LICENCE = "terraform", "LICENSE.txt"

_OTHERWISE = "Install Terraform 1.5 or later (or OpenTofu) yourself and put it on PATH."


def find_or_fetch(environment: Mapping[str, str]) -> Binary:
    """The program that `binary.find` finds; where there is none, the pinned one, if that is wanted.

    Consent is `INSTALL_TERRAFORM=1`, or "yes" on a terminal. Raises DeployError without it, and
    when what is fetched cannot be had or is not what is pinned; then nothing is left behind.
    """
    try:
        return binary.find(environment)
    except binary.NotFoundError as missing:
        system = platform_name()
        if system not in pinned.SUMS:
            raise DeployError(
                f"{missing.cause}, and there is none to be fetched for {system}", missing.remedy
            ) from missing
        _require_consent(environment, system, missing)
    _fetch(environment, system)
    return binary.find(environment)


def _require_consent(
    environment: Mapping[str, str], system: str, missing: binary.NotFoundError
) -> None:
    if given(environment, "INSTALL_TERRAFORM"):
        return
    offer = (
        f"Terraform {pinned.VERSION} (27 MB) from {pinned.address(environment, system)} "
        f"into {pinned.folder(environment)}, checked by SHA-256"
    )
    if not sys.stdin.isatty():
        raise DeployError(
            missing.cause,
            f"{missing.remedy}\nOr have it fetched, with INSTALL_TERRAFORM=1: {offer}.",
        )
    _say(f"{missing.cause}.\nIt can be fetched: {offer}.")
    sys.stderr.write("Type yes to fetch it: ")
    sys.stderr.flush()
    if sys.stdin.readline().strip() != "yes":
        raise DeployError("Not wanted, so nothing was fetched", missing.remedy)


def _fetch(environment: Mapping[str, str], system: str) -> None:
    """Put the pinned Terraform for `system` where `pinned.program` says."""
    url = pinned.address(environment, system)
    if urlsplit(url).scheme not in ("http", "https"):
        raise DeployError(
            f"TERRAFORM_RELEASES does not begin with http:// or https://: {url}",
            "Name a server that is laid out as HashiCorp's releases are, or leave it out.",
        )
    _say(f"fetching {url}")
    content = _download(url)
    found = hashlib.sha256(content).hexdigest()
    if found != pinned.SUMS[system]:
        raise DeployError(
            f"What {url} gave is not Terraform {pinned.VERSION}: its SHA-256 is {found}, not "
            f"{pinned.SUMS[system]}",
            f"Nothing was installed. Look at what answers there, a proxy perhaps. {_OTHERWISE}",
        )
    program = pinned.program(environment)
    try:
        _install(_members(content, url), program.parent)
    except OSError as error:
        raise DeployError(
            f"Terraform could not be written to {program.parent} ({error.strerror})",
            "Make room or name another folder: TERRAFORM_FOLDER=/path/to/folder.",
        ) from error
    _say(f"SHA-256 as pinned ({found}); Terraform {pinned.VERSION} is in {program.parent}")


def _download(url: str) -> bytes:
    try:
        # Only http and https get here.
        with urllib.request.urlopen(url, timeout=_PATIENCE) as response:  # noqa: S310
            length = response.headers.get("Content-Length", "")
            expected = int(length) if length.isdecimal() else None
            content = _read(response, url, expected)
    except HTTPError as error:
        raise _unreachable(url, f"HTTP {error.code} {error.reason}") from error
    except (OSError, http.client.HTTPException) as error:
        raise _unreachable(url, str(getattr(error, "reason", "") or error)) from error
    if expected is not None and len(content) < expected:
        raise _unreachable(url, f"only {len(content)} of {expected} bytes came")
    return content


def _read(response: IO[bytes], url: str, expected: int | None) -> bytes:
    content = bytearray()
    told = time.monotonic()
    while chunk := response.read(_CHUNK):
        content += chunk
        if len(content) > _LARGEST_ZIP:
            raise DeployError(
                f"What {url} gives is larger than {_LARGEST_ZIP // 1_000_000} MB, and so no "
                "Terraform",
                f"Nothing was installed. Look at what answers there. {_OTHERWISE}",
            )
        if time.monotonic() - told > _TELLING:
            told = time.monotonic()
            whole = f" of {expected / 1e6:.0f}" if expected else ""
            _say(f"  {len(content) / 1e6:.0f}{whole} MB")
    return bytes(content)


def _unreachable(url: str, why: str) -> DeployError:
    return DeployError(
        f"{url} could not be fetched: {why}",
        "Try again; behind a proxy, set HTTPS_PROXY; a mirror of HashiCorp's releases is named by "
        f"TERRAFORM_RELEASES. {_OTHERWISE}",
    )


def _members(content: bytes, url: str) -> Mapping[str, bytes]:
    """What the zip holds, by name. Raises DeployError for what no zip of HashiCorp's holds."""
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            entries = archive.infolist()
            _require_usual(entries, url)
            return {entry.filename: archive.read(entry) for entry in entries}
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise _odd(url, f"it cannot be unpacked ({error})") from error


def _require_usual(entries: list[zipfile.ZipInfo], url: str) -> None:
    names = [entry.filename for entry in entries]
    if sorted(names) not in ([_PROGRAM], [_LICENCE, _PROGRAM]):
        raise _odd(url, f"it holds {', '.join(map(repr, names[:5])) or 'nothing'}")
    for entry in entries:
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if kind not in (0, stat.S_IFREG):
            raise _odd(url, f"{entry.filename!r} is no regular file")
        if entry.file_size > _LARGEST_MEMBER:
            raise _odd(url, f"{entry.filename!r} is {entry.file_size / 1e6:.0f} MB large")


def _odd(url: str, what: str) -> DeployError:
    return DeployError(
        f"The zip from {url} is not as HashiCorp packs it: {what}",
        f"Nothing was installed. {_OTHERWISE}",
    )


def _install(members: Mapping[str, bytes], folder: Path) -> None:
    """Write `members` into `folder`, which is there as a whole or not at all."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=".fetching-", dir=folder.parent))
    try:
        for name, content in members.items():
            path = made / name
            path.write_bytes(content)
            path.chmod(0o755 if name == _PROGRAM else 0o644)
        made.chmod(0o755)
        # One that is there and cannot be run has been replaced, or somebody else was quicker.
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(made, folder)
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
