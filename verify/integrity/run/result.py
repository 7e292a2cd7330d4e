"""What a run found, and what its exit code is."""

from __future__ import annotations

from dataclasses import dataclass

from verify.integrity.judge.anomaly import Anomaly, Consequence
from verify.integrity.judge.coverage import Interval
from verify.integrity.judge.layout import ChainScope
from verify.integrity.judge.totals import Totals
from verify.integrity.run.request import Request

INTACT, TAMPERED, NOT_VERIFIED = 0, 1, 2


@dataclass(frozen=True)
class ScopeResult:
    """What was validated of one account and region; `covered` is by proven digests."""

    scope: ChainScope
    covered: tuple[Interval, ...]
    totals: Totals


@dataclass(frozen=True)
class Result:
    """What a run found."""

    request: Request
    scopes: tuple[ScopeResult, ...]
    anomalies: tuple[Anomaly, ...]
    totals: Totals

    @property
    def exit_code(self) -> int:
        """0 intact, 1 tampering or loss, 2 nothing to validate or partly unverifiable."""
        consequences = {anomaly.kind.consequence for anomaly in self.anomalies}
        if consequences & {Consequence.TAMPERING, Consequence.LOSS}:
            return TAMPERED
        if Consequence.UNVERIFIABLE in consequences or not self.totals.digests_proven:
            return NOT_VERIFIED
        return INTACT
