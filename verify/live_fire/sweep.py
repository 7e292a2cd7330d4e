"""What live fire left in the account: a killed run's leftovers, and a run's own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from verify.account.errors import ActionFailedError
from verify.live_fire import listener, owner
from verify.live_fire.shot import Probe
from verify.run.verification import Run


@dataclass(frozen=True)
class Left:
    """Things of live fire in the account: subscription ARNs, queue URLs, and each probe's own."""

    subscriptions: tuple[str, ...] = ()
    queues: tuple[str, ...] = ()
    of_probes: tuple[tuple[Probe, str], ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """All of them."""
        return (*self.subscriptions, *self.queues, *(name for _, name in self.of_probes))


def abandoned(run: Run, probes: Iterable[Probe]) -> Left:
    """What runs left that no longer are. Raises NotVerifiedError."""
    return _find(
        run,
        probes,
        lambda tags: owner.abandoned(tags, datetime.now(UTC)),
        lambda queue: not listener.queue_exists(run.aws, queue),
    )


def own(run: Run, probes: Iterable[Probe]) -> Left:
    """What this run has left. Raises NotVerifiedError."""
    identifier = run.settings.run_id
    return _find(
        run,
        probes,
        lambda tags: owner.of_run(tags, identifier),
        lambda queue: queue == owner.name(identifier),
    )


def _find(
    run: Run,
    probes: Iterable[Probe],
    wanted: Callable[[Mapping[str, str]], bool],
    orphaned: Callable[[str], bool],
) -> Left:
    queues, subscriptions = listener.find(run, wanted, orphaned)
    names = {listener.name_of(url) for url in queues}
    found = [(probe, name) for probe in probes for name in probe.find(run, wanted, names)]
    return Left(tuple(subscriptions), tuple(queues), tuple(found))


def remove(run: Run, left: Left) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Remove `left`: subscriptions first, so that nothing is sent to a queue that is gone.

    What was removed, or has gone meanwhile, and why what was not is still there: one thing that
    stays keeps no other from being removed.
    """
    removals = [
        *((arn, partial(listener.unsubscribe, run.aws, arn)) for arn in left.subscriptions),
        *((url, partial(listener.delete_queue, run.aws, url)) for url in left.queues),
        *((name, partial(probe.remove, run, name)) for probe, name in left.of_probes),
    ]
    removed: list[str] = []
    failed: list[str] = []
    for name, act in removals:
        try:
            act()
            removed.append(name)
        except ActionFailedError as error:
            failed.append(str(error))
    return tuple(removed), tuple(failed)
