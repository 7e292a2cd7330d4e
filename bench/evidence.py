"""Checking 1,000 files of evidence offline: what it takes beyond hashing and judging them.

`python -m bench evidence` makes an account of its own (a sandbox with the dev profile deployed into
it, about a minute) and one run of the state checks on it. A copy of that run's folder is filled up
with its own answers as those of further regions until it holds 1,000, and is sealed. Of both, by
turns and each in a process of its own, it measures

- the SHA-256 of every file, by hashlib alone;
- the state checks on the evidence (`--replay`), which judge again what `check-evidence` judges;
- `check-evidence --no-verdicts`: manifest, files, chain, report and every format of it;
- `check-evidence`, which is all of this;

and prints processor times and their ratios: the whole by the replay alone (target: 1.8 times), what
a further file costs without its verdict by what hashing it costs (target: 12 times), and the
peak memory (target: 400 MB).
"""

from __future__ import annotations

import json
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.runs import CHECKS, NOT_VERIFIED, Ended, deployed_account, ended, figures, hold
from tests.suite.support import environment
from verify.account.evidence import EvidenceStore
from verify.proof import chain, manifest, report_check
from verify.report import write_reports

FILES = 1_000
RUNS = 5
BY_REPLAY, BY_HASHING, MEGABYTES = 1.8, 12.0, 400.0
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
        print(f"      {count:,} files, {what}: processor time {spent}")


def _least(turns: Sequence[_Turn], part: Callable[[_Turn], Ended]) -> float:
    # What else the machine does only ever adds.
    return min(part(turn).processor for turn in turns)


def main() -> int:
    """Deploy, run, grow, check and print; 1 when a target is missed."""
    with deployed_account("dev") as account:
        run = account.verify(*CHECKS, code=NOT_VERIFIED)
        few = len(list(run.folder.glob("evidence/*.json")))
        many = grown(run.folder, account.folder / "grown", FILES)
        turns = []
        for number in range(RUNS):
            print(f"      turn {number + 1} of {RUNS}", flush=True)
            turns.append((_turn(run.folder), _turn(many)))
    before, after = [one for one, _ in turns], [one for _, one in turns]
    _shown(few, before)
    _shown(FILES, after)
    ratio = statistics.median(turn.whole.processor / turn.replay.processor for turn in after)
    missed = hold(
        "check-evidence", f"{ratio:.2f} times the replay alone (<= {BY_REPLAY})", ratio <= BY_REPLAY
    )

    def each_further(part: Callable[[_Turn], Ended]) -> float:
        return (_least(after, part) - _least(before, part)) / (FILES - few)

    ours, least = each_further(lambda turn: turn.files), each_further(lambda turn: turn.hashing)
    missed += hold(
        "each further file, without its verdict",
        f"{ours * 1000:.2f} ms, {ours / least:.1f} times hashing it (<= {BY_HASHING:.0f})",
        ours <= BY_HASHING * least,
    )
    peak = max(turn.whole.megabytes for turn in after)
    missed += hold("peak memory", f"{peak:.0f} MB (<= {MEGABYTES:.0f})", peak <= MEGABYTES)
    return int(missed > 0)
