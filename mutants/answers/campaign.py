"""Tries the altered answers of a recorded run, in several processes, and gathers the outcome."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

from mutants.answers import progress
from mutants.suite import ROOT, InterruptedRunError
from verify.inputs import accounted

_TOLD_SECONDS = 60.0


class AnswersError(Exception):
    """The answers could not be tried. The message holds what was printed."""


@dataclass(frozen=True)
class Recording:
    """A finished run of the state checks: its folder and what it was a run of."""

    folder: Path
    outputs: Path
    function_package: Path

    @property
    def profile(self) -> str:
        """The profile that was deployed, and so held."""
        document = json.loads(self.outputs.read_text(encoding="utf-8"))
        return str(document["profile"]["value"])


@dataclass(frozen=True)
class AnswerFindings:
    """What became of the alterations.

    `judged` and `harmless` are the members that were altered, `tried` how many alterations of
    either there were. `survivors` altered what is judged, and no control that should judge it
    minded; `changed` altered what is harmless, and a control minded. `blind` are the controls that
    concluded something where a call that they need had failed, of `failures` that were tried.
    """

    judged: frozenset[str]
    harmless: frozenset[str]
    tried: Mapping[str, int]
    survivors: tuple[Mapping[str, str], ...]
    changed: tuple[Mapping[str, str], ...]
    failures: int
    blind: tuple[Mapping[str, str], ...]

    @property
    def good(self) -> bool:
        """Whether each verdict stood on what it should, and on nothing else."""
        return not self.survivors and not self.changed and not self.blind


def try_answers(
    recording: Recording,
    folder: Path,
    say: Callable[[str], None],
    stopping: Event,
    *,
    only: Sequence[str] = (),
    sample: bool = False,
    processes: int = 2,
    fields: Path = accounted.FOLDER,
) -> AnswerFindings:
    """Try the alterations that match one of `only`: operation, member or control; all if empty.

    `fields` holds the account of fields; `folder` keeps what the processes leave; `say` is told
    each minute how far it is. Raises AnswersError where a process came to nothing, and where the
    recorded run is not clean, so that nothing could be concluded; InterruptedRunError once
    `stopping` is set.
    """
    running = [
        _start(recording, folder, only, sample, f"{number}/{processes}", fields)
        for number in range(1, processes + 1)
    ]
    found = []
    try:
        for process, findings in running:
            printed = _printed(process, [path for _, path in running], say, stopping)
            if not findings.is_file():
                raise AnswersError(f"the altered answers came to nothing:\n{printed}")
            found.append(json.loads(findings.read_text(encoding="utf-8")))
    finally:
        # Whoever removes `folder` next must not find one of them still writing there.
        for process, _ in running:
            process.kill()
            process.wait()
    return _gathered(found)


def _printed(
    process: subprocess.Popen[str],
    findings: Sequence[Path],
    say: Callable[[str], None],
    stopping: Event,
) -> str:
    """What the process printed, once it has ended."""
    told = time.monotonic()
    while True:
        try:
            return process.communicate(timeout=1.0)[0]
        except subprocess.TimeoutExpired:
            if stopping.is_set():
                raise InterruptedRunError("the altered answers were interrupted") from None
            if time.monotonic() - told > _TOLD_SECONDS:
                told = time.monotonic()
                say(f"altered answers: {sum(map(progress.read, findings)):,} tried so far")


def _start(
    recording: Recording,
    folder: Path,
    only: Sequence[str],
    sample: bool,
    share: str,
    fields: Path,
) -> tuple[subprocess.Popen[str], Path]:
    own = folder / f"share-{share.partition('/')[0]}"
    own.mkdir(parents=True)
    findings = own / "findings.json"
    command = [
        sys.executable,
        "-m",
        "pytest",
        "verify/checks",
        "-q",
        "-p",
        "mutants.answers.plugin",
    ]
    command += [
        f"--outputs={recording.outputs}",
        f"--profile={recording.profile}",
        f"--reports={own}",
        f"--replay={recording.folder}",
        f"--function-package={recording.function_package}",
        f"--answers-findings={findings}",
        f"--answers-share={share}",
        f"--answers-account={fields}",
        *(f"--answers-only={pattern}" for pattern in only),
        *(["--answers-sample"] if sample else []),
    ]
    kept = {n: v for n, v in os.environ.items() if not n.startswith(("AWS_", "PYTEST"))}
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**kept, "AWS_EC2_METADATA_DISABLED": "true"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return process, findings


def _gathered(found: Sequence[Mapping[str, Any]]) -> AnswerFindings:
    unclean = {name: said for findings in found for name, said in findings["unclean"].items()}
    if unclean:
        said = "\n  ".join(f"{name}: {message}" for name, message in sorted(unclean.items()))
        raise AnswersError(f"the recorded run is not clean:\n  {said}")
    survivors = [item for findings in found for item in findings["survivors"]]
    groups: dict[tuple[str, ...], bool] = {}
    for findings in found:
        for *group, killed in findings["somewhere"]:
            groups[tuple(group)] = groups.get(tuple(group), False) or killed
    survivors += [
        {
            "call": call,
            "parameters": "",
            "field": field,
            "alteration": f"{field} {kind}, anywhere",
            "controls": controls,
            "place": "",
        }
        for (call, field, kind, controls), killed in groups.items()
        if not killed
    ]
    return AnswerFindings(
        frozenset(name for findings in found for name in findings["fields"]["judged"]),
        frozenset(name for findings in found for name in findings["fields"]["harmless"]),
        {
            kind: sum(findings["tried"][kind] for findings in found)
            for kind in ("judged", "harmless")
        },
        tuple(survivors),
        tuple(item for findings in found for item in findings["changed"]),
        sum(findings["failures"] for findings in found),
        tuple(item for findings in found for item in findings["blind"]),
    )
