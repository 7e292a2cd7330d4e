"""The manifest of a run: every file of its folder with its SHA-256, and the run before it.

The report names the hashes of the evidence and of the inputs that it was made of, and the manifest
that of the report: neither can be exchanged without the other.
"""

from __future__ import annotations

import hashlib
import json
import stat
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from verify import __version__, foreign_json, schemas
from verify.inputs.reader import AbsentError, UnreadableError, read_text

FILE_NAME = "manifest.json"
SIGNATURE = "manifest.sig"
TIME_STAMP = "manifest.tsr"
SCHEMA_VERSION = "1.0"
# What is made of the manifest cannot be in it.
BESIDE = frozenset({FILE_NAME, SIGNATURE, TIME_STAMP})
MAXIMUM_FILES = 100_000
_MAXIMUM_CHARACTERS = 50_000_000
_BLOCK = 1024 * 1024


class ManifestError(Exception):
    """There is no manifest that could be used. The message names the cause and the remedy."""


class AbsentManifestError(ManifestError):
    """The folder has none."""


@dataclass(frozen=True)
class FileEntry:
    """A file of the run's folder: its name below it, its size and its SHA-256."""

    file: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Link:
    """A sealed run as the next one names it. `sequence` counts from 1."""

    sequence: int
    run_id: str
    manifest_sha256: str


@dataclass(frozen=True)
class SignedBy:
    """By which key the manifest is signed: its name or ARN, and its public key (DER in base64)."""

    key: str
    algorithm: str
    public_key: str


@dataclass(frozen=True)
class Manifest:
    """A manifest and the SHA-256 of its own file, empty as long as it has none."""

    run_id: str
    sequence: int
    made: datetime
    tool_version: str
    previous: Link | None
    signed_by: SignedBy | None
    time_stamped_by: str | None  # the address of an authority
    files: tuple[FileEntry, ...]
    sha256: str

    @property
    def link(self) -> Link:
        """By which the next run names this one."""
        return Link(self.sequence, self.run_id, self.sha256)


def made(
    folder: Path,
    run_id: str,
    previous: Link | None,
    signed_by: SignedBy | None = None,
    time_stamped_by: str | None = None,
) -> Manifest:
    """The manifest of a run's folder as it is, not yet written. Raises OSError."""
    return Manifest(
        run_id=run_id,
        sequence=1 if previous is None else previous.sequence + 1,
        made=datetime.now(UTC),
        tool_version=__version__,
        previous=previous,
        signed_by=signed_by,
        time_stamped_by=time_stamped_by,
        files=tuple(entries_of(folder)),
        sha256="",
    )


def written(manifest: Manifest) -> str:
    """The text of a manifest, a line for each file: people read it, and tools compare it."""
    document = {
        "schema_version": SCHEMA_VERSION,
        "run_id": manifest.run_id,
        "sequence": manifest.sequence,
        "made": manifest.made.isoformat(),
        "tool": {"name": "trailwarden", "version": manifest.tool_version},
        "previous": None if manifest.previous is None else asdict(manifest.previous),
        # Whoever takes the signature or the time stamp away has to change what was sealed.
        "signed_by": None if manifest.signed_by is None else asdict(manifest.signed_by),
        "time_stamped_by": manifest.time_stamped_by,
    }
    head = json.dumps(document, indent=1)[:-2]
    rows = ",\n  ".join(json.dumps(vars(entry)) for entry in manifest.files)
    return f'{head},\n "files": [\n  {rows}\n ]\n}}\n'


def entries_of(folder: Path) -> Iterator[FileEntry]:
    """Every file below the folder but what is made of the manifest, by name.

    What is no plain file has the mode's first letter for its hash: a link shows something else to
    each reader. Raises OSError.
    """
    for path in sorted(folder.rglob("*")):
        name, mode = path.relative_to(folder).as_posix(), path.lstat().st_mode
        if name in BESIDE or stat.S_ISDIR(mode):
            continue
        if not stat.S_ISREG(mode):
            yield FileEntry(name, 0, stat.filemode(mode)[0])
            continue
        yield FileEntry(name, path.stat().st_size, sha256_of(path))


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal. Raises OSError."""
    found = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            found.update(block)
    return found.hexdigest()


def read(folder: Path) -> Manifest:
    """The manifest of a run's folder.

    Raises AbsentManifestError where it has none, ManifestError where it cannot be used.
    """
    path = folder / FILE_NAME
    try:
        text = read_text(path, str(path), _MAXIMUM_CHARACTERS)
        document = foreign_json.parsed(text)
    except AbsentError:
        raise AbsentManifestError(
            f"{folder} has no {FILE_NAME}: it is no run's folder, or its run did not end"
        ) from None
    except (UnreadableError, ValueError) as error:
        raise ManifestError(f"{path} cannot be read: {error}") from None
    version = document.get("schema_version") if isinstance(document, Mapping) else None
    if version != SCHEMA_VERSION:
        raise ManifestError(
            f"{path} is of version {version!r}, and this version of trailwarden reads "
            f"{SCHEMA_VERSION}: check it with the version that made it"
        )
    if wrong := schemas.violations("manifest", document):
        raise ManifestError(f"{path} is no manifest of a run:\n  " + "\n  ".join(wrong))
    try:
        return _manifest(document, sha256_of(path))
    except ValueError as error:  # of the time, which no schema knows
        raise ManifestError(f"{path} is no manifest of a run: {error}") from None


def _manifest(document: Mapping[str, Any], own: str) -> Manifest:
    previous, signed_by = document["previous"], document["signed_by"]
    return Manifest(
        run_id=document["run_id"],
        sequence=document["sequence"],
        made=datetime.fromisoformat(document["made"]),
        tool_version=document["tool"]["version"],
        previous=None if previous is None else Link(**previous),
        signed_by=None if signed_by is None else SignedBy(**signed_by),
        # Runs were sealed before there were time stamps.
        time_stamped_by=document.get("time_stamped_by"),
        files=tuple(FileEntry(**entry) for entry in document["files"]),
        sha256=own,
    )


def differences(folder: Path, manifest: Manifest) -> list[str]:
    """In what the folder's files are not those of its manifest; each names the file.

    Raises OSError.
    """
    stated = {entry.file: entry for entry in manifest.files}
    found = {entry.file: entry for entry in entries_of(folder)}
    return [
        *(f"{name}: missing" for name in sorted(stated.keys() - found.keys())),
        *(f"{name}: not in the manifest" for name in sorted(found.keys() - stated.keys())),
        *(
            f"{name}: changed, SHA-256 {found[name].sha256}, by the manifest {entry.sha256}"
            for name, entry in stated.items()
            if name in found and found[name] != entry
        ),
    ]
