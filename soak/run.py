"""The run: workers that make calls, a queue that hears, a meter, and the judgement of all three."""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psutil
from botocore.exceptions import BotoCoreError, ClientError

from soak.account import Account
from soak.calls import MIX, Act, Worker
from soak.hearing import Hearing
from soak.ledger import Ledger, Verdict
from soak.memory import Growth, Sample, growths, sample
from verify.inputs import deployment
from verify.live_fire.paths import read_item

_PROGRESS_SECONDS = 10.0
_METER_SECONDS = 5.0
# How long after the last call the last alert may take, and how long none must come besides.
_LAST_ALERT_SECONDS = 180.0
_QUIET_SECONDS = 20.0
# The sandbox keeps what it is told, log files and log events among it: of the calls of a run.
SANDBOX_LIMIT, FUNCTION_LIMIT = 1.5, 1.1
_NAMED = 20


@dataclass(frozen=True)
class Plan:
    """How many calls, in how many seconds, by how many workers, chosen by which seed."""

    calls: int
    seconds: float
    workers: int
    seed: int


@dataclass(frozen=True)
class Result:
    """What came of it."""

    plan: Plan
    calls: int
    seconds: float
    rules: int
    verdict: Verdict
    faults: list[str]
    memory: list[Growth]
    others: int

    @property
    def clean(self) -> bool:
        """Whether all was as it must be."""
        return (
            self.verdict.clean
            and not self.faults
            and self.calls >= self.plan.calls
            and all(growth.flat for growth in self.memory)
        )

    def text(self) -> str:
        """The summary, as Markdown."""
        verdict = self.verdict
        lines = [
            "# What `make soak` has found",
            "",
            f"- {datetime.now(UTC):%d %B %Y}, seed {self.plan.seed}, {self.plan.workers} workers",
            f"- {self.calls:,} calls in {self.seconds / 60:.1f} minutes",
            f"- {verdict.caused:,} violations of {self.rules} rules; {verdict.told:,} told, "
            f"{verdict.together:,} of them together; {self.others} messages of alarms besides",
            *(f"- {growth}" for growth in self.memory),
        ]
        if not self.memory:
            lines.append("- memory not judged: the run was too short")
        for what, found in (
            ("Lost", verdict.lost),
            ("Told more than once", verdict.twice),
            ("Told, but caused by nobody", verdict.uncaused),
            ("Did not come by each path", verdict.missed_paths),
            ("Calls that failed, and other faults", self.faults),
        ):
            lines += ["", f"{what}: {len(found) or 'none'}"]
            lines += [f"- {each}" for each in found[:_NAMED]]
            if len(found) > _NAMED:
                lines.append(f"- and {len(found) - _NAMED} more")
        lines += ["", "Held." if self.clean else "**Not held.**"]
        return "\n".join(lines) + "\n"


@dataclass
class _Work:
    """What the workers share: the acts that are left, when each is due, and what was made."""

    plan: Plan
    ledger: Ledger
    acts: Iterator[tuple[int, Act]]
    began: float = field(default_factory=time.monotonic)
    calls: int = 0
    faults: list[str] = field(default_factory=list)
    guard: threading.Lock = field(default_factory=threading.Lock)

    def next_act(self) -> tuple[int, Act] | None:
        """The next act, as soon as the calls so far are due; None when all have been made."""
        with self.guard:
            if self.calls >= self.plan.calls:
                return None
            due = self.began + self.plan.seconds * self.calls / self.plan.calls
            chosen = next(self.acts)
        time.sleep(max(0.0, due - time.monotonic()))
        return chosen

    def work(self, worker: Worker) -> None:
        """Act until all calls have been made."""
        while chosen := self.next_act():
            number, act = chosen
            source = random.Random(f"{self.plan.seed}-{number}")  # noqa: S311 - to be repeated
            try:
                for made in act(worker, source):
                    with self.guard:
                        self.calls += 1
                        if made.violation:
                            self.ledger.cause(made.violation)
            except (ClientError, BotoCoreError) as error:
                with self.guard:
                    self.faults.append(f"{act.__name__}: {error}")


def _acts(seed: int) -> Iterator[tuple[int, Act]]:
    source = random.Random(seed)  # noqa: S311 - to be repeated
    acts, weights = list(MIX), list(MIX.values())
    number = 0
    while True:
        yield number, source.choices(acts, weights)[0]
        number += 1


def run(
    plan: Plan, url: str, sandbox: psutil.Process, outputs: Path, say: Callable[[str], None]
) -> Result:
    """Make the calls in the sandbox at `url`, and judge what was told of them."""
    account = Account(url, deployment.parse(outputs.read_text(encoding="utf-8")))
    ledger = Ledger(lambda region, event_id: _request_of(account, region, event_id))
    workers = [Worker(account, number) for number in range(plan.workers)]
    hearing = Hearing(account, ledger.hear)
    _settle(hearing)
    work = _Work(plan, ledger, _acts(plan.seed))
    threads = [
        threading.Thread(target=work.work, args=(worker,), name=worker.name, daemon=True)
        for worker in workers
    ]
    samples: list[Sample] = []
    for thread in threads:
        thread.start()
    told_at = time.monotonic()
    while any(thread.is_alive() for thread in threads):
        samples.append(sample(sandbox))
        if time.monotonic() - told_at >= _PROGRESS_SECONDS:
            told_at = time.monotonic()
            say(_progress(work, samples[-1]))
        threads[0].join(_METER_SECONDS / 2 if len(samples) < 10 else _METER_SECONDS)
    seconds = time.monotonic() - work.began
    say(f"all {work.calls} calls are made; waiting for the last alerts")
    _await_last(hearing, ledger)
    hearing.close()
    if hearing.fault is not None:
        work.faults.append(f"the queue could not be heard: {hearing.fault}")
    work.faults += _dead_letters(account)
    verdict = ledger.judge(lambda identity: _paths_of(account, identity))
    rules = Counter(violation.rule for violation in ledger.caused.values())
    memory = growths(samples, (SANDBOX_LIMIT, FUNCTION_LIMIT))
    return Result(
        plan, work.calls, seconds, len(rules), verdict, work.faults, memory, hearing.others
    )


def _settle(hearing: Hearing) -> None:
    """What deploying and preparing have raised is told before the first call."""
    time.sleep(_METER_SECONDS)
    hearing.open()


def _progress(work: _Work, memory: Sample) -> str:
    ledger = work.ledger
    return (
        f"{time.monotonic() - work.began:5.0f} s: {work.calls} of {work.plan.calls} calls, "
        f"{len(ledger.caused)} violations, {ledger.open} not told yet; memory: sandbox "
        f"{memory.sandbox:.0f} MB, function {memory.largest:.0f} MB ({memory.processes} processes)"
    )


def _await_last(hearing: Hearing, ledger: Ledger) -> None:
    until = time.monotonic() + _LAST_ALERT_SECONDS
    while time.monotonic() < until:
        if not ledger.open and hearing.quiet_for(_QUIET_SECONDS):
            return
        time.sleep(0.5)


def _request_of(account: Account, region: str, event_id: str) -> str:
    """The request of an event; one that was put by hand is in no history, and has one id."""
    found = account.client("cloudtrail", region).lookup_events(
        LookupAttributes=[{"AttributeKey": "EventId", "AttributeValue": event_id}]
    )["Events"]
    return str(json.loads(found[0]["CloudTrailEvent"])["requestID"]) if found else event_id


def _paths_of(account: Account, identity: str) -> frozenset[str]:
    item = account.client("dynamodb").get_item(
        TableName=account.deployment.ledger_table_name, Key={"id": {"S": identity}}
    )
    return frozenset(read_item(item.get("Item", {})))


def _dead_letters(account: Account) -> list[str]:
    """What the function could not tell."""
    url = account.deployment.dead_letter_queue_url
    answer = account.client("sqs").get_queue_attributes(
        QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"]
    )
    number = int(answer["Attributes"]["ApproximateNumberOfMessages"])
    return [f"{number} dead letters in {url}"] if number else []
