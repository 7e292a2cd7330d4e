"""The verification suite: its calls, how long it takes, and how long it takes when AWS is slow.

`python -m bench suite` makes an account of its own (a sandbox with the dev profile deployed into
it, about a minute), runs the suite on it as a user does, each time in a process of its own, and
prints:

- calls and distinct calls as the network sees them (target: none twice, but for the trail's status,
  which is read before and after the live fire);
- seconds by check against the sum of the API's answers;
- the processor time of all state checks, by that of the bare start, which imports pytest and boto3
  and makes one client (target: 2.5 times);
- from the start of the process to its exit, by the bare start's (target: 5 times);
- what 20 ms more for every answer add to that, by the bare start's (target: 2.5 times);
- the whole run, live fire included, beyond its slowest alert, by the bare start's (target: 12);
- the quick path, from an act's call to the receipt of its alert (target: 1 s, the sandbox's own
  time included).

Machines differ by more than two, so all limits are ratios to what the same machine needs, in the
same run and by turns, for the start that nobody can do without: the median of the ratios.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence

from bench.delay import Seen, delaying
from bench.runs import (
    CHECKS,
    NOT_VERIFIED,
    Account,
    Bare,
    Run,
    bare_start,
    by,
    deployed_account,
    figures,
    hold,
)

RUNS = 7
WHOLE_RUNS = 3
DELAY = 0.020
QUICK_PATH_SECONDS = 1.0
_QUICK_PATH = ", by EventBridge"
PROCESSOR, STATE_CHECKS, SLOWER, BEYOND_ALERT = 2.5, 5.0, 2.5, 12.0
_LOOKED_AT_AGAIN = b".gettrailstatus"  # before and after the live fire, which must change it


def _calls(seen: Seen) -> int:
    total, distinct, again = seen.requests.total(), len(seen.requests), 0
    for (scope, first, target, body), times in seen.requests.items():
        if times > 1:
            again += not target.endswith(_LOOKED_AT_AGAIN)
            asked = b" ".join((scope, first, target, body[:200])).decode(errors="replace")
            print(f"      {times} times: {asked}")
    return hold("calls", f"{total}, distinct {distinct}, made twice: {again}", again == 0)


def _checks(run: Run) -> None:
    """Where the run's time goes, by check: its own seconds, and its calls' until the answer."""
    answers = run.answers()
    rows = [row for row in run.report["results"] if row["test"]]
    print("      seconds  calls  their answers  check")
    for row in sorted(rows, key=lambda row: row["seconds"], reverse=True):
        waited = sum(answers[identifier] for identifier in row["evidence"])
        print(
            f"      {row['seconds']:7.3f}  {len(row['evidence']):5}  {waited:11.3f} s  "
            f"{row['control']['identifier']}"
        )
    print(
        f"      {sum(row['seconds'] for row in rows):7.3f}  {len(answers):5}  "
        f"{sum(answers.values()):11.3f} s  all, each call counted once"
    )


def _state_checks(account: Account) -> tuple[int, Bare]:
    account.verify(*CHECKS, code=NOT_VERIFIED)  # compiles what has never run before
    bare, plain, delayed = [], [], []
    for _ in range(RUNS):  # by turns
        bare.append(bare_start(account))
        plain.append(account.verify(*CHECKS, code=NOT_VERIFIED))
        with delaying(account.url, DELAY) as (url, seen):
            delayed.append(account.verify(*CHECKS, url=url, code=NOT_VERIFIED))
    missed = _calls(seen)
    _checks(min(plain, key=lambda run: run.seconds))
    print(
        f"      bare start: {figures(start.seconds for start in bare)}, processor time "
        f"{figures(start.processor for start in bare)}"
    )
    print(
        f"      state checks: {figures(run.seconds for run in plain)}, processor time "
        f"{figures(run.processor for run in plain)}"
    )
    answers = sum(delayed[-1].answers().values())
    print(
        f"      with {DELAY * 1000:.0f} ms more for every answer: "
        f"{figures(run.seconds for run in delayed)}; sum of the answers {answers:.1f} s"
    )
    pairs = list(zip(bare, plain, strict=True))
    missed += by(
        "processor time of the state checks",
        (run.processor / start.processor for start, run in pairs),
        PROCESSOR,
    )
    missed += by(
        "state checks, start to exit",
        (run.seconds / start.seconds for start, run in pairs),
        STATE_CHECKS,
    )
    missed += by(
        "longer by slower answers",
        (
            (slow.seconds - run.seconds) / start.seconds
            for (start, run), slow in zip(pairs, delayed, strict=True)
        ),
        SLOWER,
    )
    return missed, min(bare, key=lambda start: start.seconds)


def _beyond_alert(run: Run) -> float:
    return run.seconds - float(max(timing["total_seconds"] for timing in run.report["timings"]))


def _quick_path(runs: Iterable[Run]) -> int:
    """How long alerts took that came by EventBridge; 1 where their median is over its target."""
    taken = [
        float(timing["total_seconds"])
        for run in runs
        for timing in run.report["timings"]
        if str(timing["probe"]).endswith(_QUICK_PATH)
    ]
    if not taken:
        print("      no alert came by the quick path")
        return 1
    print(f"      quick path: {figures(taken)} (target {QUICK_PATH_SECONDS:.0f} s)")
    return int(statistics.median(taken) > QUICK_PATH_SECONDS)


def _whole_runs(account: Account, bare: Bare, name: str, arguments: Sequence[str]) -> int:
    runs = [account.verify(*arguments) for _ in range(WHOLE_RUNS)]
    print(f"      {name}: {figures(run.seconds for run in runs)}")
    beyond = [_beyond_alert(run) for run in runs]
    print(f"      {name}, beyond its slowest alert: {figures(beyond)}")
    return _quick_path(runs) + by(
        f"{name}, beyond its slowest alert",
        (seconds / bare.seconds for seconds in beyond),
        BEYOND_ALERT,
    )


def main() -> int:
    """Deploy, run and print; 1 when a target is missed."""
    with deployed_account("dev") as account:
        missed, bare = _state_checks(account)
        missed += _whole_runs(account, bare, "the whole run", ())
        missed += _whole_runs(account, bare, "the whole run by two workers", ("-n", "2"))
    return int(missed > 0)
