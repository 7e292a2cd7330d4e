"""The chain of the runs in one folder of reports: each names the one before it by its hash.

`chain.jsonl` lists the runs as they were sealed, so that a run which is taken out is missed even
where it was the last one. Whoever may write to the folder may shorten both: what guards against
that is a copy of the newest hash elsewhere, a signature, or a bucket with Object Lock.

In a bucket each run's line is an object of its own (`chain/<run>.json`), since several machines
write there at once: what lies there may be several chains, or one that parts.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from verify.inputs.reader import AbsentError, UnreadableError, read_text
from verify.proof import manifest
from verify.proof.manifest import Link, Manifest, ManifestError

if TYPE_CHECKING:
    from verify.proof.signature import Signer
    from verify.proof.time_stamp import Authority

LEDGER = "chain.jsonl"
LINES = "chain"  # the folder of the lines, as a bucket has them
_LOCK = ".chain.lock"
_MAXIMUM_CHARACTERS = 100_000_000
_MAXIMUM_LINE = 10_000


class ChainError(Exception):
    """The chain cannot be read, or not be gone on with. The message names cause and remedy."""


def seal(
    folder: Path,
    run_id: str,
    signer: Signer | None = None,
    authority: Authority | None = None,
) -> Manifest:
    """Write the manifest of a run's folder and take the run into the chain of the folder above.

    One run after the other, whoever else ends at the same time. `signer` signs the manifest,
    `authority` says when it was there. Raises ChainError and, where it cannot be signed or have a
    time stamp, SigningError or StampingError: then it is not sealed.
    """
    reports = folder.parent
    try:
        with _locked(reports):
            links = read(reports)
            previous = links[-1] if links else None
            signed_by = None if signer is None else signer.signed_by
            stamped_by = None if authority is None else authority.url
            made = manifest.made(folder, run_id, previous, signed_by, stamped_by)
            text = manifest.written(made).encode()
            for name, proof in (
                (manifest.SIGNATURE, None if signer is None else signer.sign(text)),
                (manifest.TIME_STAMP, None if authority is None else authority.stamp(text)),
            ):
                if proof is not None:
                    (folder / name).write_bytes(proof)
            part = folder / f".{manifest.FILE_NAME}.part"
            part.write_bytes(text)
            sealed = replace(made, sha256=hashlib.sha256(text).hexdigest())
            _append(reports, sealed.link)
            part.replace(folder / manifest.FILE_NAME)
        return sealed
    except OSError as error:
        raise ChainError(f"the manifest of {folder} could not be written: {error}") from error


@contextmanager
def _locked(reports: Path) -> Iterator[None]:
    with (reports / _LOCK).open("a") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def is_kept(reports: Path) -> bool:
    """Whether a folder has a chain of runs."""
    return (reports / LEDGER).is_file() or (reports / LINES).is_dir()


def read(reports: Path) -> list[Link]:
    """The runs of a folder as they were sealed; none where none was.

    A last line without its end is that of a run which was killed while it was written.
    Raises ChainError.
    """
    if (reports / LINES).is_dir():
        found = [_line_of(path) for path in (reports / LINES).glob("*.json")]
        return sorted(found, key=lambda link: (link.sequence, link.run_id))
    path = reports / LEDGER
    try:
        text = read_text(path, str(path), _MAXIMUM_CHARACTERS)
    except AbsentError:
        return []
    except UnreadableError as error:
        raise ChainError(str(error)) from None
    links = [_link(line, path) for line in text.split("\n")[:-1]]
    if [link.sequence for link in links] != list(range(1, len(links) + 1)):
        raise ChainError(
            f"{path} does not count from 1 to {len(links)}: lines were taken out or put in; put it "
            "back from a copy, or begin a chain by another folder (--reports=<folder>)"
        )
    return links


def _line_of(path: Path) -> Link:
    try:
        return _link(read_text(path, str(path), _MAXIMUM_LINE), path)
    except UnreadableError as error:
        raise ChainError(str(error)) from None


def _link(line: str, path: Path) -> Link:
    try:
        link = Link(**json.loads(line))
        # One that is no number could not be compared, nor one that is no name be looked for.
        if not (isinstance(link.sequence, int) and isinstance(link.run_id, str)):
            raise ValueError("a sequence is a number, a run's id a text")
    except (ValueError, TypeError, RecursionError) as error:
        raise ChainError(
            f"{path} is damaged ({error}): put it back from a copy, or begin a chain by another "
            "folder (--reports=<folder>)"
        ) from None
    return link


def line(link: Link) -> str:
    """A run's line of the chain."""
    return json.dumps(asdict(link)) + "\n"


def _append(reports: Path, link: Link) -> None:
    path = reports / LEDGER
    with path.open("ab+") as stream:
        end = stream.seek(0, os.SEEK_END)
        # What was half written belongs to no run.
        stream.seek(0)
        stream.truncate(stream.read(end).rfind(b"\n") + 1)
        stream.seek(0, os.SEEK_END)
        stream.write(line(link).encode())
        stream.flush()
        os.fsync(stream.fileno())


def faults(reports: Path) -> list[str]:
    """In what the runs of a folder are no unbroken chain; each names the run. Raises ChainError."""
    links = read(reports)
    found: list[str] = []
    listed = {link.run_id: link for link in links}
    parts = (reports / LINES).is_dir()
    earlier: Link | None = None
    for link in links:

        def before(said: Link | None, earlier: Link | None = earlier) -> Link | None:
            if not parts:
                return earlier
            return None if said is None else listed.get(said.run_id)

        found += _faults_of(reports / link.run_id, link, before)
        earlier = link
    found += [
        f"{path.parent.name}: sealed, and not in the chain"
        for path in sorted(reports.glob(f"*/{manifest.FILE_NAME}"))
        if path.parent.name not in listed and not path.parent.is_symlink()
    ]
    return found


def _faults_of(
    folder: Path, link: Link, before: Callable[[Link | None], Link | None]
) -> Iterator[str]:
    """What is wrong with a run's place in the chain.

    `before` is the run that the chain has before it, from that which its manifest names.
    """
    place = f"{link.run_id} (number {link.sequence} of the chain)"
    if not folder.is_dir():
        yield f"{place}: missing"
        return
    try:
        found = manifest.read(folder)
    except ManifestError as error:
        yield f"{place}: {error}"
        return
    if found.link != link:
        yield f"{place}: its manifest is not that which was sealed ({found.sha256})"
    earlier = before(found.previous)
    if found.previous != earlier:
        said = "none" if found.previous is None else found.previous.run_id
        by_chain = "none" if earlier is None else earlier.run_id
        yield f"{place}: it follows {said}, by its manifest, and {by_chain}, by the chain"


def unfinished(reports: Path) -> list[str]:
    """The folders of runs that were not sealed: they were killed, or still run."""
    return [
        path.name
        for path in sorted(reports.iterdir())
        if path.is_dir()
        and not path.is_symlink()
        and (path / "evidence").is_dir()
        and not (path / manifest.FILE_NAME).exists()
    ]
