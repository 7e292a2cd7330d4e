"""Reports from a bucket, in a temporary folder: as they were put there first.

Each object must have one version. One that was written over or deleted is named, and its first
version is what is looked at, as long as the bucket has it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from verify.proof import chain, manifest
from verify.proof.bucket import (
    AT_A_TIME,
    RUN,
    SCHEME,
    Address,
    BucketError,
    asking,
    client,
    is_part,
    parse,
)
from verify.proof.manifest import ManifestError

MAXIMUM_BYTES = 20 * 1024**3
MAXIMUM_OBJECTS = 1_000_000
_BLOCK = 1024 * 1024
_UNVERSIONED = "null"


@dataclass(frozen=True)
class Opened:
    """A folder with reports, and how it is named; `run` is the one run that was asked for.

    `faults` are what was done to the objects since they were put into the bucket, `notes` what
    cannot be seen there.
    """

    folder: Path
    name: str
    is_local: bool = True
    run: str | None = None
    faults: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass
class _Kept:
    """An object's versions, oldest first as (time, id, bytes), and when it was deleted."""

    versions: list[tuple[datetime, str, int]] = field(default_factory=list)
    deleted: list[datetime] = field(default_factory=list)


@contextmanager
def opened(place: str, tell: Callable[[str], None]) -> Iterator[Opened]:
    """The reports at a place: a folder, or s3://bucket/[prefix/][run], which are fetched.

    `tell` is told how it goes. Raises BucketError.
    """
    if not place.startswith(SCHEME):
        yield Opened(Path(place).resolve(), place)
        return
    address = parse(place)
    above, _, last = address.prefix.rstrip("/").rpartition("/")
    run = last if RUN.fullmatch(last) else None
    if run is not None:
        address = Address(address.bucket, f"{above}/" if above else "")
    with tempfile.TemporaryDirectory(prefix="trailwarden-reports-") as folder:
        yield _fetched(client(), address, run, Path(folder), tell)


def _fetched(
    client: Any, address: Address, run: str | None, folder: Path, tell: Callable[[str], None]
) -> Opened:
    kept = _listed(client, address)
    concerned = [name for name in kept if _concerns(name, run)]
    wanted = {name: kept[name] for name in concerned if _is_file(name)}
    if run is not None and not any(name.startswith(f"{run}/") for name in wanted):
        raise BucketError(f"{address} holds no run {run}")
    if not wanted:
        raise BucketError(f"{address} holds no run: name the bucket and prefix of the reports")
    fetch = _Fetching(client, address, folder)
    size = sum(one.versions[0][2] for one in wanted.values() if one.versions)
    tell(f"fetching {len(wanted):,} objects ({size / 1e6:,.1f} MB) from {address}")
    fetch.objects(wanted)
    if run is not None:
        # What it follows must be as it was: of that run the manifest tells.
        try:
            before = manifest.read(folder / run).previous
        except ManifestError:
            before = None  # told when it is checked
        if before is not None:
            name = f"{before.run_id}/{manifest.FILE_NAME}"
            fetch.objects({name: kept[name]} if name in kept else {})
    return Opened(
        folder,
        str(address),
        is_local=False,
        run=run,
        faults=(*_nameless(concerned), *_faults(wanted)),
        notes=tuple(_notes(kept, wanted)),
    )


def _concerns(name: str, run: str | None) -> bool:
    """Whether an object is of the run that is asked for, or of any, or a line of the chain."""
    first, slash, _ = name.partition("/")
    of_run = RUN.fullmatch(first) is not None if run is None else first == run
    return bool(slash) and (of_run or first == chain.LINES)


def _is_file(name: str) -> bool:
    return all(map(is_part, name.split("/")))


def _listed(client: Any, address: Address) -> Mapping[str, _Kept]:
    """Every object below an address, by its name there. Raises BucketError."""
    kept: dict[str, _Kept] = {}
    count = 0
    with asking("list_object_versions", client.meta.region_name):
        pages = client.get_paginator("list_object_versions").paginate(
            Bucket=address.bucket, Prefix=address.prefix
        )
        for page in pages:
            for one in page.get("Versions", ()):
                name = one["Key"].removeprefix(address.prefix)
                version = one["LastModified"], one["VersionId"], one["Size"]
                kept.setdefault(name, _Kept()).versions.append(version)
            for one in page.get("DeleteMarkers", ()):
                name = one["Key"].removeprefix(address.prefix)
                kept.setdefault(name, _Kept()).deleted.append(one["LastModified"])
            count += len(page.get("Versions", ())) + len(page.get("DeleteMarkers", ()))
            if count > MAXIMUM_OBJECTS:
                raise BucketError(
                    f"{address} holds more than {MAXIMUM_OBJECTS:,} objects: name a prefix or a run"
                )
    for one in kept.values():
        # S3 lists the newest first, and times have no parts of a second.
        one.versions.reverse()
    return kept


class _Fetching:
    """What is fetched into a folder, bounded in all."""

    def __init__(self, client: Any, address: Address, folder: Path) -> None:
        self._client, self._address, self._folder = client, address, folder
        self._left = MAXIMUM_BYTES

    def objects(self, wanted: Mapping[str, _Kept]) -> None:
        """Fetch the first version of each object. Raises BucketError."""
        there = {name: one.versions[0] for name, one in wanted.items() if one.versions}
        self._left -= sum(size for _, _, size in there.values())
        if self._left < 0:
            raise BucketError(
                f"{self._address} holds more than {MAXIMUM_BYTES / 1e9:,.0f} GB: name a run, or "
                "fetch the reports and name their folder"
            )
        with ThreadPoolExecutor(AT_A_TIME, thread_name_prefix="fetch") as executor:
            try:
                list(executor.map(self._object, there, there.values()))
            except BucketError:
                executor.shutdown(wait=True, cancel_futures=True)
                raise

    def _object(self, name: str, version: tuple[datetime, str, int]) -> None:
        _, identifier, size = version
        asked = {"Bucket": self._address.bucket, "Key": self._address.key(name)}
        if identifier != _UNVERSIONED:
            asked["VersionId"] = identifier
        path = self._folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with asking("get_object", self._client.meta.region_name), path.open("wb") as stream:
                body = self._client.get_object(**asked)["Body"]
                read = 0
                while read <= size and (block := body.read(_BLOCK)):
                    read += len(block)
                    stream.write(block)
        except OSError as error:
            raise BucketError(f"{path} cannot be written: {error}") from error


def _nameless(names: Iterable[str]) -> Iterator[str]:
    """The objects that cannot be fetched, since no file could be called so."""
    for name in sorted(names):
        if not _is_file(name):
            yield f"{name!r}: not in the manifest, and no name of a file"


def _faults(kept: Mapping[str, _Kept]) -> Iterator[str]:
    """The objects that are not as they were put; each names the object."""
    for name, one in sorted(kept.items()):
        if one.deleted:
            when = _when(one.deleted)
            left = "its first version is still there" if one.versions else "no version is left"
            yield f"{name}: deleted on {when}; {left}"
        if len(one.versions) > 1:
            when = _when(time for time, _, _ in one.versions[1:])
            yield (
                f"{name}: written over on {when}; its first of {len(one.versions)} versions is "
                "what is looked at"
            )


def _when(times: Iterable[datetime]) -> str:
    return ", ".join(f"{time.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" for time in sorted(times))


def _notes(kept: Mapping[str, _Kept], wanted: Mapping[str, _Kept]) -> Iterator[str]:
    strange = [name for name in kept if not _concerns(name, None)]
    if any(version == _UNVERSIONED for one in wanted.values() for _, version, _ in one.versions):
        yield "the bucket kept no versions: whether an object was written over cannot be seen"
    if strange:
        yield f"{len(strange):,} objects are of no run, {strange[0]!r} among them"
