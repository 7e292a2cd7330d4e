"""The memory of the sandbox and of the function's processes, over the run."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import psutil

# What starts up is not yet what it will be: the first quarter of a run is no measure.
_QUARTERS = 4
_FEWEST_SAMPLES = 20


@dataclass(frozen=True)
class Sample:
    """Resident megabytes: the sandbox's, the largest of the function's processes, all of them."""

    sandbox: float
    largest: float
    function: float
    processes: int


@dataclass(frozen=True)
class Growth:
    """The last quarter of a run against its second, in megabytes (medians)."""

    what: str
    before: float
    after: float
    limit: float

    @property
    def ratio(self) -> float:
        """How many times as much."""
        return self.after / self.before

    @property
    def flat(self) -> bool:
        """Whether the limit is kept."""
        return self.ratio <= self.limit

    def __str__(self) -> str:
        return (
            f"{self.what}: {self.before:.0f} MB in the second quarter, {self.after:.0f} MB in the "
            f"last, {self.ratio:.2f} times (at most {self.limit:g})"
        )


def sample(sandbox: psutil.Process) -> Sample:
    """The memory of a sandbox and of the functions' processes, which are its children."""
    sizes = []
    for child in sandbox.children(recursive=True):
        try:
            sizes.append(child.memory_info().rss / 1e6)
        except psutil.NoSuchProcess:
            continue
    return Sample(sandbox.memory_info().rss / 1e6, max(sizes, default=0.0), sum(sizes), len(sizes))


def growths(samples: Sequence[Sample], limits: tuple[float, float]) -> list[Growth]:
    """How the sandbox's memory and the function's largest process grow, each with its limit.

    None where there are too few samples to tell.
    """
    if len(samples) < _FEWEST_SAMPLES:
        return []
    quarter = len(samples) // _QUARTERS
    second, last = samples[quarter : 2 * quarter], samples[-quarter:]
    columns = (
        ("memory of the sandbox", [one.sandbox for one in second], [one.sandbox for one in last]),
        (
            "memory of the function, its largest process",
            [one.largest for one in second],
            [one.largest for one in last],
        ),
    )
    return [
        Growth(what, statistics.median(before), statistics.median(after), limit)
        for (what, before, after), limit in zip(columns, limits, strict=True)
    ]
