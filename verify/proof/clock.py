"""Whether a run was made when it says: by its own clock, which somebody may have set.

The chain says in which order runs were sealed, whatever their clocks say. Where the two contradict
each other, one of the clocks was wrong, and which one nobody can tell.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from verify.account.answer import CLOCKS_DIFFER
from verify.model import Report
from verify.proof import chain, manifest
from verify.proof.manifest import Manifest, ManifestError


def doubts(folder: Path, stated: Manifest, report: Report, *, within_chain: bool) -> Iterator[str]:
    """Why it is not certain when a run was made. Raises ChainError.

    `within_chain` asks the runs before and after it, too.
    """
    if stated.made > datetime.now(UTC) + CLOCKS_DIFFER:
        yield f"sealed at {stated.made.isoformat()}, which is still to come by this clock"
    moments = [report.started, report.finished, stated.made]
    if moments != sorted(moments):
        began, ended, sealed = (moment.isoformat() for moment in moments)
        yield f"its clock was set back: begun {began}, ended {ended}, sealed {sealed}"
    if within_chain:
        yield from _out_of_order(folder.parent, stated)


def _out_of_order(reports: Path, stated: Manifest) -> Iterator[str]:
    for link in chain.read(reports):
        if abs(link.sequence - stated.sequence) != 1:
            continue
        try:
            other = manifest.read(reports / link.run_id)
        except ManifestError:
            continue  # what is wrong with it is said where it is checked
        first, second = sorted((stated, other), key=lambda one: one.sequence)
        if second.made < first.made - CLOCKS_DIFFER:
            yield (
                f"number {first.sequence} of the chain was sealed at {first.made.isoformat()} and "
                f"number {second.sequence}, which follows it, at {second.made.isoformat()}: the "
                "clock of one of them was wrong"
            )
