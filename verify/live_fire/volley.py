"""All probes of a run: fired together at the start, awaited together, everything removed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

from verify.account.door import evidence_used
from verify.account.errors import ActionFailedError
from verify.live_fire import alarms, kept, sweep
from verify.live_fire.alarms import Ringing
from verify.live_fire.listener import Listener
from verify.live_fire.paths import required_paths, seen_by
from verify.live_fire.result import VolleyResult
from verify.live_fire.settling import once_gone
from verify.live_fire.shot import Probe, Removals, Shot
from verify.live_fire.waiting import Wait
from verify.model import NotVerifiedError
from verify.run.verification import Run


class Volley:
    """Runs in a thread of its own, so that everything else runs while alerts are on their way."""

    def __init__(self, run: Run, probes: Sequence[Probe], wait: Wait) -> None:
        self._run = run
        self._probes = probes
        self._alert_wait = wait
        self._shots = {act.key: Shot(act) for probe in probes for act in probe.acts}
        self._alarms: tuple[Ringing, ...] = ()
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="live-fire")
        self._future: Future[VolleyResult] | None = None
        self._stopping = threading.Event()
        self._until = 0.0  # when waiting ends, by the clock of `time.monotonic`

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
        required = required_paths(self._run.baseline)
        while True:
            try:
                return self._future.result(timeout=1.0)
            except TimeoutError:
                shots = self._shots.values()
                awaited = [shot.of.name for shot in shots if shot.awaited]
                late = [shot.of.name for shot in shots if shot.awaits_paths(required)]
                silent = [ringing.alarm for ringing in self._alarms if ringing.awaited]
                what = (
                    f"the alert for the {_listed(awaited)}"
                    if awaited
                    else f"the {_listed(silent)}"
                    if silent
                    else f"the second path of the {_listed(late)}"
                    if late
                    else "clean-up"
                )
                states = {
                    **{shot.of.name: shot.state for shot in shots},
                    **{ringing.alarm: ringing.state for ringing in self._alarms},
                }
                self._alert_wait.waiting(what, limit, states)

    def stop(self) -> None:
        """End the wait, if it still lasts, and wait for the clean-up."""
        self._stopping.set()
        self._executor.shutdown(wait=True)

    def _work(self) -> VolleyResult:
        fired = VolleyResult(self._shots)

        def look() -> Mapping[str, Any]:
            self._act(fired)
            return kept.written(fired)

        page, evidence = self._run.aws.looked(
            "trailwarden", "fire_probes", look, probes=[probe.key for probe in self._probes]
        )
        acts = (act for probe in self._probes for act in probe.acts)
        result = kept.read(page, acts)
        result.evidence.append(evidence)
        return result

    def _act(self, result: VolleyResult) -> None:
        with evidence_used() as evidence:
            result.evidence = evidence
            try:
                self._fire_and_wait(result)
            except ActionFailedError as error:
                raise NotVerifiedError(f"the probe could not do its work: {error}") from error

    def _fire_and_wait(self, result: VolleyResult) -> None:
        abandoned = sweep.abandoned(self._run, self._probes)
        result.swept, failed = sweep.remove(self._run, abandoned)
        result.not_removed += failed
        listener = Listener(self._run)
        with ExitStack() as stack:
            removals = Removals(stack, result.not_removed)
            listener.open(removals)
            result.alarms = self._alarms = alarms.set_off(self._run, self._shots.values())
            for probe in self._probes:
                self._fire(probe, removals)
            self._until = time.monotonic() + self._run.settings.alert_timeout
            self._wait(self._hear, result, listener)
            self._wait(self._look, result)
        result.left = once_gone(
            lambda: sweep.own(self._run, self._probes),
            lambda left: bool(left.names),
            self._stopping,
        )

    def _fire(self, probe: Probe, removals: Removals) -> None:
        """Fire one probe; one that fails keeps none of the others from being fired."""
        shots = {act.key: self._shots[act.key] for act in probe.acts}
        with evidence_used() as evidence:
            for shot in shots.values():
                shot.evidence = evidence
            try:
                probe.fire(self._run, shots, removals)
            except NotVerifiedError as error:
                for shot in shots.values():
                    if shot.ended is None and not shot.prevented:
                        shot.error = NotVerifiedError(f"the probe could not do its work: {error}")

    def _wait(
        self, outstanding: Callable[..., bool], result: VolleyResult, *arguments: Any
    ) -> None:
        """Listen until every alert has come, or look until each path has; or time is over."""
        # Imported here: it takes long, and the state checks alone have nothing to wait for.
        import tenacity

        retrying = tenacity.Retrying(
            stop=tenacity.stop_any(
                tenacity.stop_after_delay(max(0.0, self._until - time.monotonic())),
                tenacity.stop_when_event_set(self._stopping),
            ),
            # SQS itself holds each poll open; the ledger answers at once.
            wait=tenacity.wait_none() if arguments else tenacity.wait_exponential(0.1, max=5),
            retry=tenacity.retry_if_result(lambda waiting: waiting),
            retry_error_callback=lambda _: True,
        )
        waiting = (self._outstanding() or not arguments) and retrying(
            outstanding, result, *arguments
        )
        result.interrupted = result.interrupted or (waiting and self._stopping.is_set())

    def _look(self, result: VolleyResult) -> bool:
        """Ask the ledger by which paths the acts have come; whether one is still to come."""
        required = required_paths(self._run.baseline)
        for shot in self._shots.values():
            if shot.alert is not None and shot.awaits_paths(required):
                shot.paths = seen_by(self._run, str(shot.alert.body.get("alert_id")))
        return any(shot.awaits_paths(required) for shot in self._shots.values())

    def _hear(self, result: VolleyResult, listener: Listener) -> bool:
        for alert in listener.hear():
            taken = alert is not None and (
                any(shot.take(alert) for shot in self._shots.values())
                or any(ringing.take(alert) for ringing in self._alarms)
            )
            result.strangers += not taken
        return self._outstanding()

    def _outstanding(self) -> bool:
        shots = any(shot.awaited for shot in self._shots.values())
        return shots or any(ringing.awaited for ringing in self._alarms)


def _listed(names: Sequence[str], at_most: int = 3) -> str:
    """The names, or the first of many."""
    more = len(names) - at_most
    return " and the ".join(names[:at_most]) + (f" and {more} more" if more > 0 else "")
