"""The verification suite: its calls, how long it takes, and how long it takes when AWS is slow.

`python -m bench suite` makes an account of its own (a sandbox with the dev profile deployed into
it, about a minute), runs the suite on it as a user does, each time in a process of its own, and
measures:

- calls against distinct calls, as the network sees them (none twice, but for the trail's status,
  which is read before and after the live fire);
- the processor time of all state checks, by that of the bare start, which imports pytest and boto3
  and makes one client, and from the start of the process to its exit;
- what 20 ms more for every answer add to that;
- the whole run, live fire included, beyond its slowest alert;
- the quick path, from an act's call to the receipt of its alert, the sandbox's own time included.

It prints seconds by check beside the sum of the API's answers.

Machines differ by more than two, so all limits are ratios to what the same machine needs, in the
same run and by turns, for the start that nobody can do without: the median of the ratios.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence

from bench.delay import Seen, delaying
from bench.runs import (
    CHECKS,
    NOT_VERIFIED,
    Account,
    Bare,
    Run,
    bare_start,
    by_bare_start,
    deployed_account,
    figures,
)
from bench.table import Row, note

RUNS = 7
WHOLE_RUNS = 3
DELAY = 0.020
_QUICK_PATH = ", by EventBridge"
PROCESSOR, STATE_CHECKS, SLOWER, BEYOND_ALERT, QUICK_PATH_LIMIT = 2.5, 5.0, 2.5, 12.0, 2.0
_LOOKED_AT_AGAIN = b".gettrailstatus"  # before and after the live fire, which must change it


def _calls(seen: Seen) -> Row:
    distinct, again = len(seen.requests), 0
    for (scope, first, target, body), times in seen.requests.items():
        if times > 1:
            again += 0 if target.endswith(_LOOKED_AT_AGAIN) else times - 1
            asked = b" ".join((scope, first, target, body[:200])).decode(errors="replace")
            note(f"{times} times: {asked}")
    return Row("calls of the state checks", "distinct calls", (distinct + again) / distinct, 1.0)


def _checks(run: Run) -> None:
    """Where the run's time goes, by check: its own seconds, and its calls' until the answer."""
    answers = run.answers()
    rows = [row for row in run.report["results"] if row["test"]]
    note("seconds  calls  their answers  check")
    for row in sorted(rows, key=lambda row: row["seconds"], reverse=True):
        waited = sum(answers[identifier] for identifier in row["evidence"])
        note(
            f"{row['seconds']:7.3f}  {len(row['evidence']):5}  {waited:11.3f} s  "
            f"{row['control']['identifier']}"
        )
    note(
        f"{sum(row['seconds'] for row in rows):7.3f}  {len(answers):5}  "
        f"{sum(answers.values()):11.3f} s  all, each call counted once"
    )


def _state_checks(
    bare: Sequence[Bare], plain: Sequence[Run], delayed: Sequence[Run]
) -> Iterator[Row]:
    pairs = list(zip(bare, plain, strict=True))
    yield by_bare_start(
        "processor time of the state checks",
        (run.processor / start.processor for start, run in pairs),
        PROCESSOR,
        figures(run.processor for run in plain),
    )
    yield by_bare_start(
        "state checks, start to exit",
        (run.seconds / start.seconds for start, run in pairs),
        STATE_CHECKS,
        figures(run.seconds for run in plain),
    )
    answers = sum(delayed[-1].answers().values())
    yield by_bare_start(
        f"longer by {DELAY * 1000:.0f} ms more for every answer",
        (
            (slow.seconds - run.seconds) / start.seconds
            for (start, run), slow in zip(pairs, delayed, strict=True)
        ),
        SLOWER,
        f"{figures(run.seconds for run in delayed)}; sum of the answers {answers:.1f} s",
    )


def _beyond_alert(run: Run) -> float:
    return run.seconds - float(max(timing["total_seconds"] for timing in run.report["timings"]))


def _quick_path(name: str, runs: Iterable[Run], bare: Bare) -> Row:
    """How long alerts took that came by EventBridge."""
    taken = [
        float(timing["total_seconds"])
        for run in runs
        for timing in run.report["timings"]
        if str(timing["probe"]).endswith(_QUICK_PATH)
    ]
    if not taken:
        sys.exit("no alert came by the quick path")
    return by_bare_start(
        f"{name}, an alert by the quick path",
        (seconds / bare.seconds for seconds in taken),
        QUICK_PATH_LIMIT,
        figures(taken),
    )


def _whole_runs(account: Account, bare: Bare, name: str, arguments: Sequence[str]) -> Iterator[Row]:
    runs = [account.verify(*arguments) for _ in range(WHOLE_RUNS)]
    note(f"{name}: {figures(run.seconds for run in runs)}")
    yield _quick_path(name, runs, bare)
    beyond = [_beyond_alert(run) for run in runs]
    yield by_bare_start(
        f"{name}, beyond its slowest alert",
        (seconds / bare.seconds for seconds in beyond),
        BEYOND_ALERT,
        figures(beyond),
    )


def rows() -> Iterator[Row]:
    """Deploy and run."""
    with deployed_account("dev") as account:
        account.verify(*CHECKS, code=NOT_VERIFIED)  # compiles what has never run before
        bare, plain, delayed = [], [], []
        for _ in range(RUNS):  # by turns
            bare.append(bare_start(account))
            plain.append(account.verify(*CHECKS, code=NOT_VERIFIED))
            with delaying(account.url, DELAY) as (url, seen):
                delayed.append(account.verify(*CHECKS, url=url, code=NOT_VERIFIED))
        _checks(min(plain, key=lambda run: run.seconds))
        yield _calls(seen)
        note(f"bare start: {figures(start.seconds for start in bare)}")
        yield from _state_checks(bare, plain, delayed)
        quickest = min(bare, key=lambda start: start.seconds)
        yield from _whole_runs(account, quickest, "the whole run", ())
        yield from _whole_runs(account, quickest, "the whole run by two workers", ("-n", "2"))
