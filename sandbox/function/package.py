"""Unpacking a function's deployment package, safely and within bounds."""

from __future__ import annotations

import io
import stat
import zipfile
from pathlib import Path, PurePosixPath

# Lambda's own limits: 250 MB unpacked; the number of files is ours, far above what a function has.
MAXIMUM_UNPACKED_BYTES = 250 * 1024 * 1024
MAXIMUM_FILES = 20_000


class InvalidPackageError(ValueError):
    """The package is not a zip file, is too large, or reaches outside its folder."""


def unpack(package: bytes, folder: Path) -> None:
    """Unpack a zip file's regular files into ``folder``.

    Raises InvalidPackageError for what is not a zip file, for absolute paths, paths with "..",
    symbolic links, more than 20,000 members or more than 250 MB unpacked. Sizes are counted
    while reading, since a zip file's own headers may lie.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(package)) as archive:
            members = archive.infolist()
            if len(members) > MAXIMUM_FILES:
                raise InvalidPackageError(f"more than {MAXIMUM_FILES} files")
            left = MAXIMUM_UNPACKED_BYTES
            for member in members:
                left -= _unpack_member(archive, member, folder, left)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        # NotImplementedError: unknown compression; RuntimeError: an encrypted member.
        raise InvalidPackageError(f"cannot read the package: {error}") from error


def _unpack_member(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path, left: int
) -> int:
    path = PurePosixPath(member.filename)
    if path.is_absolute() or ".." in path.parts or "\\" in member.filename:
        raise InvalidPackageError(f"a path that leaves the package: {member.filename!r}")
    if stat.S_ISLNK(member.external_attr >> 16):
        raise InvalidPackageError(f"a symbolic link: {member.filename!r}")
    target = folder.joinpath(*path.parts)
    if member.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        return 0
    target.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with archive.open(member) as source, target.open("wb") as sink:
        while chunk := source.read(1 << 20):
            written += len(chunk)
            if written > left:
                raise InvalidPackageError("more than 250 MB unpacked")
            sink.write(chunk)
    return written
