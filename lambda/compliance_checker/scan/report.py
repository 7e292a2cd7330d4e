"""What a scan found: faults, counts, and the reads that brought no answer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..live import NotReadError
from ..model import Severity

_RANKS: dict[str, int] = {"LOW": 0, "MEDIUM": 1, "HIGH": 2, "CRITICAL": 3}


@dataclass(frozen=True, slots=True)
class Fault:
    """One resource that is not as it has to be."""

    check: str
    resource_type: str
    resource: str
    severity: Severity
    what: str

    def as_details(self) -> dict[str, str]:
        """The fault as it stands in log and alert."""
        return {
            "check": self.check,
            "type": self.resource_type,
            "resource": self.resource,
            "severity": self.severity,
            "what": self.what,
        }


class Report:
    """What a scan found: how many resources each check looked at, faults, and reads that failed."""

    def __init__(self, checks: Iterable[str]) -> None:
        self.resources: dict[str, int] = dict.fromkeys(checks, 0)
        self.faults: list[Fault] = []
        self.not_read: list[tuple[str, NotReadError]] = []

    def add(self, check: str, kind: str, resource: str, severity: Severity, what: str) -> None:
        """Add the fault of a resource; ``kind`` is its CloudFormation type."""
        self.faults.append(Fault(check, kind, resource, severity, what))

    @property
    def clean(self) -> bool:
        """Whether everything was read and nothing is wrong."""
        return not self.faults and not self.not_read

    @property
    def severity(self) -> Severity:
        """The gravest fault's; MEDIUM at least for what could not be read."""
        found: list[Severity] = [fault.severity for fault in self.faults]
        if self.not_read:
            found.append("MEDIUM")
        return max(found, key=_RANKS.__getitem__, default="LOW")

    def counts(self, check: str) -> dict[str, int]:
        """The numbers of one check, by the names of their metrics."""
        return {
            "ScanResources": self.resources[check],
            "ScanFaults": sum(fault.check == check for fault in self.faults),
            "ScanNotRead": sum(name == check for name, _ in self.not_read),
        }
