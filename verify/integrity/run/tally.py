"""What a day's work adds up to: its anomalies, up to a number, and its counts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from verify.integrity.judge.anomaly import Anomaly
from verify.integrity.judge.totals import Totals

# A day's anomalies beyond this many are counted and no longer described.
MAXIMUM_OF_A_DAY = 2_000


@dataclass
class Tally:
    """The anomalies and counts of a day so far."""

    anomalies: list[Anomaly] = field(default_factory=list)
    totals: Totals = field(default_factory=Totals)

    def find(self, anomalies: Iterable[Anomaly]) -> None:
        """Keep `anomalies`, or count them where there are too many."""
        for anomaly in anomalies:
            if len(self.anomalies) < MAXIMUM_OF_A_DAY:
                self.anomalies.append(anomaly)
            else:
                self.add(findings_omitted=1)

    def add(self, **counts: int) -> None:
        """Add to the counts of Totals with these names."""
        self.totals = replace(
            self.totals,
            **{name: getattr(self.totals, name) + count for name, count in counts.items()},
        )
