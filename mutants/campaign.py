"""Goes fault by fault: break, verify, mend; and shows at the end that the account is clean."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError, WaiterError
from requests import RequestException

from mutants.account import Account
from mutants.model import Fate, Judged, Mutant, Suite, fate_of
from mutants.suite import HASTY, Outcomes, SuiteError, SuiteRunner

# What a fault or its mending may raise when the account refuses it.
_REFUSED = (
    ClientError,
    BotoCoreError,
    WaiterError,
    RequestException,
    TimeoutError,
    ValueError,
    KeyError,
)


def _fate(mutant: Mutant, outcomes: Outcomes) -> Fate:
    return fate_of(mutant, outcomes.controls("FAIL"), outcomes.controls("ERROR"))


class NotCleanError(Exception):
    """The account is not as deployed, so that nothing can be concluded. The message says how."""


class Campaign:
    """One account and the suite that watches it."""

    def __init__(self, account: Account, runner: SuiteRunner) -> None:
        self._account = account
        self._runner = runner

    def require_clean(self, when: str) -> Path:
        """Run the whole suite: nothing may fail. The folder of the run of the state checks.

        Raises NotCleanError otherwise.
        """
        folders = {}
        for suite in Suite:
            outcomes = self._runner.run(self._account, suite)
            wrong = sorted(outcomes.controls("FAIL") | outcomes.controls("ERROR"))
            if wrong:
                said = "\n  ".join(f"{name}: {outcomes.messages[name]}" for name in wrong)
                raise NotCleanError(f"the account is not clean {when}:\n  {said}")
            folders[suite] = outcomes.folder
        return folders[Suite.STATE]

    def judge(
        self, queue: deque[Mutant], progress: Callable[[Judged], None], stopping: threading.Event
    ) -> None:
        """Seed, judge and mend the mutants of `queue`, which other accounts may share.

        `progress` is told each. Ends early when `stopping` is set, after mending, and with a
        mutant that could not be mended: what followed would be judged on a broken account.
        """
        while not stopping.is_set():
            try:
                mutant = queue.popleft()
            except IndexError:
                return
            judged = self._judge(mutant)
            progress(judged)
            if judged.fate is Fate.NOT_MENDED:
                return

    def _judge(self, mutant: Mutant) -> Judged:
        started = time.monotonic()
        mending = ExitStack()
        try:
            with mending:
                try:
                    mutant.break_it(self._account, mending)
                except _REFUSED as error:
                    return self._refused(mutant, Fate.NOT_SEEDED, error, started)
                outcomes = self._outcomes(mutant)
        except _REFUSED as error:
            return self._refused(mutant, Fate.NOT_MENDED, error, started)
        except SuiteError as error:
            return self._refused(mutant, Fate.NOT_JUDGED, error, started)
        return self._concluded(mutant, outcomes, started)

    def _outcomes(self, mutant: Mutant) -> Outcomes:
        """What the suite makes of the fault; what haste may have spoilt is not concluded from."""
        outcomes = self._runner.run(self._account, mutant.suite, alert_timeout=HASTY)
        if mutant.suite is Suite.LIVE_FIRE and _fate(mutant, outcomes) is not Fate.KILLED:
            return self._runner.run(self._account, mutant.suite)
        return outcomes

    def _concluded(self, mutant: Mutant, outcomes: Outcomes, started: float) -> Judged:
        failed, errored = outcomes.controls("FAIL"), outcomes.controls("ERROR")
        fate = _fate(mutant, outcomes)
        detail = ""
        if fate is not Fate.KILLED:
            # Others may have failed because the account was dirty, not because of this fault.
            try:
                self.require_clean(f"after {mutant.name}")
            except NotCleanError as error:
                fate, detail = Fate.NOT_MENDED, str(error)
        return Judged(
            mutant,
            fate,
            failed,
            errored,
            {name: outcomes.messages[name] for name in sorted(failed | errored)},
            detail,
            round(time.monotonic() - started, 2),
        )

    @staticmethod
    def _refused(mutant: Mutant, fate: Fate, error: Exception, started: float) -> Judged:
        detail = f"{type(error).__name__}: {error}"
        return Judged(mutant, fate, detail=detail, seconds=round(time.monotonic() - started, 2))
