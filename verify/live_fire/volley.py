"""All probes of a run: fired together at the start, awaited together, everything removed."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field

from verify.account.door import evidence_used
from verify.account.errors import ActionFailedError
from verify.live_fire import sweep
from verify.live_fire.listener import Listener
from verify.live_fire.shot import Probe, Removals, Shot
from verify.live_fire.waiting import Wait
from verify.model import NotVerifiedError
from verify.run.verification import Run


@dataclass
class VolleyResult:
    """What the probes did and saw."""

    shots: dict[str, Shot]  # by the probe's key
    strangers: int = 0  # alerts that named something else
    interrupted: bool = False
    swept: sweep.Left = field(default_factory=sweep.Left)
    left: sweep.Left = field(default_factory=sweep.Left)
    not_removed: list[str] = field(default_factory=list)  # why a removal failed
    evidence: list[str] = field(default_factory=list)  # of what the shots have in common


class Volley:
    """Runs in a thread of its own, so that everything else runs while alerts are on their way."""

    def __init__(self, run: Run, probes: Sequence[Probe], wait: Wait) -> None:
        self._run = run
        self._probes = probes
        self._alert_wait = wait
        self._shots = {probe.key: Shot(probe) for probe in probes}
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="live-fire")
        self._future: Future[VolleyResult] | None = None
        self._stopping = threading.Event()

    def fire(self) -> None:
        """Start. Returns at once."""
        self._future = self._executor.submit(self._work)

    def result(self) -> VolleyResult:
        """Wait until the probes have ended and cleaned up.

        Raises NotVerifiedError when nothing could be fired, and when what is left over could not
        be seen. What befell one probe alone stands in its shot.
        """
        if self._future is None:
            raise NotVerifiedError("the probes were not fired")
        limit = self._run.settings.alert_timeout
        while True:
            try:
                return self._future.result(timeout=1.0)
            except TimeoutError:
                shots = self._shots.values()
                awaited = [shot.probe.name for shot in shots if shot.awaited]
                what = f"the alert for the {' and the '.join(awaited)}" if awaited else "clean-up"
                states = {shot.probe.name: shot.state for shot in shots}
                self._alert_wait.waiting(what, limit, states)

    def stop(self) -> None:
        """End the wait, if it still lasts, and wait for the clean-up."""
        self._stopping.set()
        self._executor.shutdown(wait=True)

    def _work(self) -> VolleyResult:
        result = VolleyResult(self._shots)
        with evidence_used() as evidence:
            result.evidence = evidence
            try:
                self._fire_and_wait(result)
            except ActionFailedError as error:
                raise NotVerifiedError(f"the probe could not do its work: {error}") from error
        return result

    def _fire_and_wait(self, result: VolleyResult) -> None:
        result.swept = sweep.abandoned(self._run, self._probes)
        sweep.remove(self._run, result.swept)
        listener = Listener(self._run)
        with ExitStack() as stack:
            removals = Removals(stack, result.not_removed)
            listener.open(removals)
            for shot in self._shots.values():
                self._fire(shot, removals)
            self._wait(listener, result)
        result.left = sweep.own(self._run, self._probes)

    def _fire(self, shot: Shot, removals: Removals) -> None:
        """Fire one shot; one that fails keeps none of the others from being fired."""
        with evidence_used() as evidence:
            shot.evidence = evidence
            try:
                shot.probe.fire(self._run, shot, removals)
            except NotVerifiedError as error:
                shot.error = NotVerifiedError(f"the probe could not do its work: {error}")

    def _wait(self, listener: Listener, result: VolleyResult) -> None:
        """Listen until every alert has come, or time is over."""
        # Imported here: it takes long, and the state checks alone have nothing to wait for.
        import tenacity

        retrying = tenacity.Retrying(
            stop=tenacity.stop_any(
                tenacity.stop_after_delay(self._run.settings.alert_timeout),
                tenacity.stop_when_event_set(self._stopping),
            ),
            wait=tenacity.wait_none(),  # SQS itself holds each poll open
            retry=tenacity.retry_if_result(lambda outstanding: outstanding),
            retry_error_callback=lambda _: True,
        )
        outstanding = self._outstanding() and retrying(self._hear, listener, result)
        result.interrupted = outstanding and self._stopping.is_set()

    def _hear(self, listener: Listener, result: VolleyResult) -> bool:
        for alert in listener.hear():
            if alert is None or not any(shot.take(alert) for shot in self._shots.values()):
                result.strangers += 1
        return self._outstanding()

    def _outstanding(self) -> bool:
        return any(shot.awaited for shot in self._shots.values())
