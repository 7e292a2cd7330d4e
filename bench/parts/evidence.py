"""Checking 1,000 files of evidence offline: what it takes beyond hashing and judging them.

`python -m bench evidence` makes an account of its own (a sandbox with the dev profile deployed into
it, about a minute) and one run of the state checks on it. A copy of that run's folder is filled up
with its own answers as those of further regions until it holds 1,000, and is sealed. Of both, by
turns and each in a process of its own, it measures

- the SHA-256 of every file, by hashlib alone;
- the state checks on the evidence (`--replay`), which judge again what `check-evidence` judges;
- `check-evidence --no-verdicts`: manifest, files, chain, report and every format of it;
- `check-evidence`, which is all of this;

by ratios of processor time: the whole by the replay alone, and what a further file costs without
its verdict by what hashing it costs. The peak memory is that of the few files, a little more.
"""

from __future__ import annotations

import json
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.runs import CHECKS, NOT_VERIFIED, Ended, deployed_account, ended, figures
from bench.table import Row, note
from tests.suite.support import environment
from verify.account.evidence import EvidenceStore
from verify.proof import chain, manifest, report_check
from verify.report import write_reports

FILES = 1_000
RUNS = 5
BY_REPLAY, BY_HASHING, MEMORY = 1.6, 12.0, 1.5
_OWN = "trailwarden"  # of such pieces the latest counts, whatever its region
_HASH = """
import hashlib, pathlib, sys
for path in pathlib.Path(sys.argv[1]).rglob("*"):
    if path.is_file():
        hashlib.sha256(path.read_bytes()).hexdigest()
"""


def grown(run: Path, reports: Path, files: int) -> Path:
    """A sealed copy of a run's folder below `reports`, with so many files of evidence."""
    folder = Path(shutil.copytree(run, reports / run.name))
    for name in manifest.BESIDE:
        (folder / name).unlink(missing_ok=True)
    originals = [json.loads(path.read_text()) for path in sorted(folder.glob("evidence/*.json"))]
    answers = [one for one in originals if one["service"] != _OWN]
    for number in range(files - len(originals)):
        turn, place = divmod(number, len(answers))
        answer = answers[place]
        identifier = f"more-{number:04d}-{answer['service']}-{answer['operation']}"
        again = answer | {"identifier": identifier, "region": f"{answer['region']}-{turn + 2}"}
        text = json.dumps(again, ensure_ascii=False) + "\n"
        (folder / "evidence" / f"{identifier}.json").write_text(text, encoding="utf-8")
    report = report_check.read(folder)
    write_reports(replace(report, evidence=EvidenceStore(folder).references()), folder)
    chain.seal(folder, report.run_id)
    return folder


@dataclass(frozen=True)
class _Turn:
    """One turn: each way of going through a folder."""

    hashing: Ended
    replay: Ended
    files: Ended
    whole: Ended


def _turn(folder: Path) -> _Turn:
    def run(*arguments: str, code: int = 0) -> Ended:
        return ended([sys.executable, *arguments], environment(), code=code)

    check = ("-m", "verify", "check-evidence", str(folder))
    with tempfile.TemporaryDirectory(prefix="trailwarden-bench-") as reports:
        replay = ("-m", "pytest", f"--replay={folder}", f"--reports={reports}", "--formats=json")
        return _Turn(
            hashing=run("-c", _HASH, str(folder)),
            replay=run(*replay, *CHECKS, code=NOT_VERIFIED),
            files=run(*check, "--no-verdicts"),
            whole=run(*check),
        )


_PARTS: tuple[tuple[str, Callable[[_Turn], Ended]], ...] = (
    ("hashlib alone", lambda turn: turn.hashing),
    ("the state checks on it", lambda turn: turn.replay),
    ("check-evidence --no-verdicts", lambda turn: turn.files),
    ("check-evidence", lambda turn: turn.whole),
)


def _shown(count: int, turns: Sequence[_Turn]) -> None:
    for what, part in _PARTS:
        spent = figures(part(turn).processor for turn in turns)
        note(f"{count:,} files, {what}: processor time {spent}")


def _least(turns: Sequence[_Turn], part: Callable[[_Turn], Ended]) -> float:
    # What else the machine does only ever adds.
    return min(part(turn).processor for turn in turns)


def rows() -> Iterator[Row]:
    """Deploy, run, grow and check."""
    with deployed_account("dev") as account, tempfile.TemporaryDirectory() as name:
        run = account.verify(*CHECKS, code=NOT_VERIFIED)
        few = len(list(run.folder.glob("evidence/*.json")))
        many = grown(run.folder, Path(name) / "grown", FILES)
        turns = [(_turn(run.folder), _turn(many)) for _ in range(RUNS)]
    before, after = [one for one, _ in turns], [one for _, one in turns]
    _shown(few, before)
    _shown(FILES, after)
    yield Row(
        f"check-evidence on {FILES:,} files, processor time",
        "the state checks on them alone",
        statistics.median(turn.whole.processor / turn.replay.processor for turn in after),
        BY_REPLAY,
    )

    def each_further(part: Callable[[_Turn], Ended]) -> float:
        return (_least(after, part) - _least(before, part)) / (FILES - few)

    ours, least = each_further(lambda turn: turn.files), each_further(lambda turn: turn.hashing)
    yield Row(
        "check-evidence without verdicts, each further file",
        "hashing it",
        ours / least,
        BY_HASHING,
        f"{ours * 1000:.2f} ms and {least * 1000:.2f} ms",
    )
    peak, small = (max(turn.whole.megabytes for turn in some) for some in (after, before))
    yield Row(
        f"check-evidence on {FILES:,} files, peak memory",
        f"on {few:,} files",
        peak / small,
        MEMORY,
        f"{peak:.0f} MB and {small:.0f} MB",
    )
