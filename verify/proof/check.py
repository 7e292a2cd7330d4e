"""Checking one run: its files, signature, place in the chain, report and verdicts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from verify import __version__
from verify.model import Report
from verify.proof import (
    chain,
    clock,
    manifest,
    rejudge,
    report_check,
    signature,
    time_stamp,
)
from verify.proof.manifest import Manifest, ManifestError
from verify.proof.rejudge import NotJudgedError
from verify.proof.report_check import NoReportError
from verify.proof.signature import SignatureError
from verify.proof.time_stamp import TimeStampError

_AT_MOST = 50  # faults of a kind that are told one by one


@dataclass(frozen=True)
class Said:
    """A line of what was found; `good` is None where it could not be checked."""

    about: str
    text: str
    good: bool | None = True


@dataclass(frozen=True)
class Asked:
    """What a run is held to: by which key it must be signed (PEM), to which certificates its time
    stamp must lead (PEM), each if that is known; and whether its verdicts are judged again."""

    public_key: Path | None = None
    time_stamp_root: Path | None = None
    judge: bool = True


@dataclass(frozen=True)
class Checked:
    """Whether a run is as it was sealed, and whether all that was asked for could be checked."""

    as_sealed: bool
    complete: bool


def check_run(
    folder: Path,
    tell: Callable[[Said], None],
    asked: Asked,
    *,
    within_chain: bool = False,
    report: Report | None = None,
) -> Checked:
    """Check the run in a folder, telling each finding as it comes.

    `within_chain` asks for its place among the runs of the folder above. `report` is the run's,
    where the caller has read it already.
    """
    good = complete = True

    def hear(said: Said) -> None:
        nonlocal good, complete
        good = good and said.good is not False
        complete = complete and said.good is not None
        tell(said)

    for said in _findings(folder, asked, report, within_chain=within_chain):
        hear(said)
    return Checked(good, complete)


def _findings(
    folder: Path, asked: Asked, report: Report | None, *, within_chain: bool
) -> Iterator[Said]:
    try:
        stated = manifest.read(folder)
        changed = manifest.differences(folder, stated)
    except (ManifestError, OSError) as error:
        yield Said("manifest", str(error), good=False)
        return
    yield Said("manifest", f"run {stated.run_id}, SHA-256 {stated.sha256}")
    yield from _each("files", changed, f"{len(stated.files):,} files, all as in the manifest")
    yield _signed(folder, stated, asked.public_key)
    yield _time_stamped(folder, stated, asked.time_stamp_root)
    if within_chain:
        yield from _linked(folder, stated)
    try:
        report = report or report_check.read(folder)
    except NoReportError as error:
        yield Said("report", str(error), good=False)
        return
    for doubt in clock.doubts(folder, stated, report, within_chain=within_chain):
        yield Said("time", doubt, good=None)
    wrong = list(report_check.faults(folder, report, stated))
    yield from _each(
        "report",
        wrong,
        f"{report.verdict}, of this evidence and these inputs; every format says the same",
    )
    if asked.judge:
        yield from _judged(folder, report)


def _each(about: str, faults: list[str], otherwise: str) -> Iterator[Said]:
    """The faults, or that there are none."""
    for fault in faults[:_AT_MOST]:
        yield Said(about, fault, good=False)
    if len(faults) > _AT_MOST:
        yield Said(about, f"and {len(faults) - _AT_MOST:,} more", good=False)
    if not faults:
        yield Said(about, otherwise)


def _signed(folder: Path, stated: Manifest, public_key: Path | None) -> Said:
    try:
        signed = signature.check(folder, stated, public_key)
    except SignatureError as error:
        return Said("signature", str(error), good=False)
    if signed is None:
        return Said("signature", "none: whoever may write to the folder could seal it anew")
    whose = "the key that you gave" if signed.pinned else "which you must know to be whose it is"
    return Said(
        "signature",
        f"by {signed.key} ({signed.algorithm}), public key SHA-256 {signed.fingerprint}: {whose}",
    )


def _time_stamped(folder: Path, stated: Manifest, root: Path | None) -> Said:
    try:
        stamped = time_stamp.check(folder, stated, root)
    except TimeStampError as error:
        return Said("time stamp", str(error), good=False)
    if stamped is None:
        return Said("time stamp", "none: when it was sealed is its own word alone")
    proven = (
        "its chain leads to the root that you gave"
        if stamped.proven
        else "whose it is was not verified: give the authority's root certificate"
    )
    return Said("time stamp", f"it was there at {stamped.at}, by {stamped.authority}: {proven}")


def _linked(folder: Path, stated: Manifest) -> Iterator[Said]:
    link = next((one for one in chain.read(folder.parent) if one.run_id == stated.run_id), None)
    if link != stated.link:
        yield Said("chain", f"{manifest.FILE_NAME} is not that which the chain has", good=False)
        return
    before = stated.previous
    if before is None:
        yield Said("chain", "the first of its chain")
        return
    try:
        earlier = manifest.read(folder.parent / before.run_id)
    except ManifestError as error:
        yield Said("chain", f"it follows {before.run_id}: {error}", good=False)
        return
    if earlier.link != before:
        yield Said("chain", f"it follows {before.run_id}, which is not as it was", good=False)
        return
    yield Said("chain", f"number {link.sequence}, it follows {before.run_id}, which is as it was")


def _judged(folder: Path, report: Report) -> Iterator[Said]:
    try:
        again = rejudge.judged_again(folder)
    except NotJudgedError as error:
        yield Said("verdicts", str(error), good=None)
        return
    tested = sum(result.test is not None for result in report.results)
    other = "" if report.tool_version == __version__ else f" (by {report.tool_version} then)"
    yield from _each(
        "verdicts",
        list(rejudge.differences(report, again)),
        f"{tested} judged again by version {__version__}{other}: each is what the report says",
    )
