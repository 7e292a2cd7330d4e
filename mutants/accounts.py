"""Several accounts side by side, each with a share of the mutants; one is kept busy per core."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from mutants.account import Account
from mutants.answers.campaign import Recording
from mutants.campaign import Campaign, NotCleanError
from mutants.deployed import build_package, deploy, everything, sandbox
from mutants.model import Judged, Mutant
from mutants.suite import ROOT, SuiteRunner


@dataclass(frozen=True)
class Given:
    """A deployment that exists already: its sandbox, its outputs, and the package it was given."""

    url: str
    outputs: Path
    function_package: Path


@dataclass(frozen=True)
class Findings:
    """What became of the mutants, and what was not clean at the end."""

    judged: tuple[Judged, ...]
    problems: tuple[str, ...]


def judge_all(
    mutants: Sequence[Mutant],
    profile: str,
    given: Given | None,
    accounts: int,
    folder: Path,
    say: Callable[[str], None],
    progress: Callable[[Judged], None],
    recorded: Callable[[Recording, threading.Event], None],
    clean: Callable[[Account, SuiteRunner, Path, threading.Event], None],
) -> Findings:
    """Judge `mutants` in the given deployment of `profile`, or in `accounts` of our own.

    `recorded` is handed the first account's clean run of the state checks, before any fault;
    `clean` the last account and its run then, and must leave it as it is. Both are to raise
    InterruptedRunError once the event that they are handed is set.

    Raises what a worker raised when there is no account to break or it is not clean at the start,
    and KeyboardInterrupt, after mending and removing what was started.
    """
    queue, stopping, lock = deque(mutants), threading.Event(), threading.Lock()
    judged: list[Judged] = []
    problems: list[str] = []
    started = time.monotonic()

    def heard(item: Judged) -> None:
        with lock:
            judged.append(item)
            progress(item)

    def work(number: int) -> None:
        own = folder / f"account-{number}"
        own.mkdir()
        with ExitStack() as stack:
            deployed = given
            if deployed is None:
                url = stack.enter_context(sandbox(own / "sandbox.log"))
                say(f"deploying into {url}")
                deployed = Given(
                    url, deploy(url, package, own, stopping, everything(profile), profile), package
                )
                say(f"deployed into {url} after {time.monotonic() - started:.0f} s")
            account = Account(
                deployed.url,
                deployed.outputs,
                deployed.function_package,
                ROOT / "terraform",
                own,
            )
            runner = SuiteRunner(own / "runs", profile)
            campaign = Campaign(account, runner)
            run = campaign.require_clean("before the first fault")
            if number == 0:
                recording = Recording(run, deployed.outputs, deployed.function_package)
                recorded(recording, stopping)
            if number == accounts - 1:
                clean(account, runner, run, stopping)
            campaign.judge(queue, heard, stopping)
            try:
                campaign.require_clean("at the end")
            except NotCleanError as error:
                problems.append(str(error))

    package = build_package(folder, stopping) if given is None else given.function_package
    with ThreadPoolExecutor(accounts, thread_name_prefix="account") as executor:
        workers = [executor.submit(work, number) for number in range(accounts)]
        try:
            wait(workers)
        except KeyboardInterrupt:
            stopping.set()
            say("interrupted: mending what is broken, and stopping")
            raise
    for worker in workers:
        worker.result()
    return Findings(tuple(judged), tuple(problems))
