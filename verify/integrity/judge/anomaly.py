"""Anomalies: what can be wrong, how grave each is and what it means for the verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from verify.integrity.judge.layout import ChainScope


class Severity(Enum):
    """How grave an anomaly is."""

    INFO = "INFO"
    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"
    CRITICAL = "CRITICAL"


class Consequence(Enum):
    """What an anomaly means for the period that was asked for."""

    TAMPERING = "tampering"  # something is there that CloudTrail did not put there so
    LOSS = "loss"  # something is not there that CloudTrail put there
    UNVERIFIABLE = "unverifiable"  # nothing can be said
    NOTE = "note"  # no bearing on the verdict


class AnomalyKind(Enum):
    """Every kind of anomaly: its name, severity and consequence."""

    DIGEST_MALFORMED = ("digest-malformed", Severity.CRITICAL, Consequence.TAMPERING)
    DIGEST_TRAILING_DATA = ("digest-trailing-data", Severity.CRITICAL, Consequence.TAMPERING)
    DIGEST_MOVED = ("digest-moved", Severity.CRITICAL, Consequence.TAMPERING)
    DIGEST_SIGNATURE_INVALID = (
        "digest-signature-invalid",
        Severity.CRITICAL,
        Consequence.TAMPERING,
    )
    DIGEST_SIGNATURE_MISSING = ("digest-signature-missing", Severity.HIGH, Consequence.LOSS)
    DIGEST_KEY_UNKNOWN = ("digest-key-unknown", Severity.CRITICAL, Consequence.TAMPERING)
    DIGEST_KEY_NOT_VALID = ("digest-key-not-valid", Severity.CRITICAL, Consequence.TAMPERING)
    DIGEST_PREVIOUS_HASH = ("digest-previous-hash", Severity.CRITICAL, Consequence.TAMPERING)
    DIGEST_PREVIOUS_SIGNATURE = (
        "digest-previous-signature",
        Severity.CRITICAL,
        Consequence.TAMPERING,
    )
    DIGEST_NOT_IN_CHAIN = ("digest-not-in-chain", Severity.HIGH, Consequence.TAMPERING)
    DIGEST_MISSING = ("digest-missing", Severity.CRITICAL, Consequence.LOSS)
    NEWEST_DIGEST_MISSING = ("newest-digest-missing", Severity.CRITICAL, Consequence.LOSS)
    DIGEST_HIDDEN = ("digest-hidden", Severity.CRITICAL, Consequence.LOSS)
    DIGEST_OVERWRITTEN = ("digest-overwritten", Severity.CRITICAL, Consequence.TAMPERING)
    DIGEST_UNREADABLE = ("digest-unreadable", Severity.HIGH, Consequence.UNVERIFIABLE)
    DIGEST_ARCHIVED = ("digest-archived", Severity.LOW, Consequence.UNVERIFIABLE)
    DIGEST_PROVEN_BY_NEXT = ("digest-proven-by-next", Severity.INFO, Consequence.NOTE)
    PREVIOUS_UNAVAILABLE = ("previous-unavailable", Severity.INFO, Consequence.NOTE)
    CHAIN_RESTARTED = ("chain-restarted", Severity.INFO, Consequence.NOTE)
    CHAIN_LOST = ("chain-lost", Severity.CRITICAL, Consequence.LOSS)
    GAP = ("gap", Severity.HIGH, Consequence.UNVERIFIABLE)
    DIGESTS_LATE = ("digests-late", Severity.HIGH, Consequence.UNVERIFIABLE)
    RECORDING_ENDED = ("recording-ended", Severity.INFO, Consequence.NOTE)
    DIGEST_PENDING = ("digest-pending", Severity.INFO, Consequence.NOTE)
    UNEXPECTED_OBJECT = ("unexpected-object", Severity.MEDIUM, Consequence.TAMPERING)
    LOG_MISSING = ("log-missing", Severity.CRITICAL, Consequence.LOSS)
    LOG_HIDDEN = ("log-hidden", Severity.CRITICAL, Consequence.LOSS)
    LOG_CHANGED = ("log-changed", Severity.CRITICAL, Consequence.TAMPERING)
    LOG_OVERWRITTEN = ("log-overwritten", Severity.HIGH, Consequence.TAMPERING)
    LOG_TRAILING_DATA = ("log-trailing-data", Severity.CRITICAL, Consequence.TAMPERING)
    LOG_UNREFERENCED = ("log-unreferenced", Severity.HIGH, Consequence.TAMPERING)
    LOG_AWAITING_BACKFILL = (
        "log-awaiting-backfill",
        Severity.MEDIUM,
        Consequence.UNVERIFIABLE,
    )
    LOG_UNCOVERED = ("log-uncovered", Severity.MEDIUM, Consequence.UNVERIFIABLE)
    LOG_UNREADABLE = ("log-unreadable", Severity.HIGH, Consequence.UNVERIFIABLE)
    LOG_ARCHIVED = ("log-archived", Severity.LOW, Consequence.UNVERIFIABLE)
    VERSIONS_UNREADABLE = ("versions-unreadable", Severity.MEDIUM, Consequence.UNVERIFIABLE)
    KEYS_UNREADABLE = ("keys-unreadable", Severity.HIGH, Consequence.UNVERIFIABLE)
    LISTING_UNREADABLE = ("listing-unreadable", Severity.HIGH, Consequence.UNVERIFIABLE)
    STATUS_UNREADABLE = ("status-unreadable", Severity.HIGH, Consequence.UNVERIFIABLE)
    REGIONS_UNKNOWN = ("regions-unknown", Severity.LOW, Consequence.UNVERIFIABLE)

    def __init__(self, label: str, severity: Severity, consequence: Consequence) -> None:
        self.label = label
        self.severity = severity
        self.consequence = consequence


_BY_LABEL = {kind.label: kind for kind in AnomalyKind}


def kind_of(label: str) -> AnomalyKind:
    """The kind with this name. Raises KeyError when there is none."""
    return _BY_LABEL[label]


@dataclass(frozen=True)
class Discrepancy:
    """Something that is not as it should be, by itself: where it is stands in an Anomaly."""

    kind: AnomalyKind
    expected: str
    seen: str


@dataclass(frozen=True)
class Anomaly:
    """A discrepancy at its place. `key` is empty where it is about a time and not an object."""

    kind: AnomalyKind
    account: str
    region: str
    bucket: str
    key: str
    expected: str
    seen: str

    @classmethod
    def at(cls, scope: ChainScope, bucket: str, key: str, discrepancy: Discrepancy) -> Anomaly:
        """The anomaly that `discrepancy` is for the object `key` of `scope`."""
        return cls(
            discrepancy.kind,
            scope.account,
            scope.region,
            bucket,
            key,
            discrepancy.expected,
            discrepancy.seen,
        )


def anomaly_document(anomaly: Anomaly) -> dict[str, str]:
    """An anomaly as JSON, by integrity.schema.json, which calls it a finding."""
    return {
        "kind": anomaly.kind.label,
        "severity": anomaly.kind.severity.value,
        "consequence": anomaly.kind.consequence.value,
        "account": anomaly.account,
        "region": anomaly.region,
        "bucket": anomaly.bucket,
        "key": anomaly.key,
        "expected": anomaly.expected,
        "seen": anomaly.seen,
    }


def anomaly_of(document: Mapping[str, str]) -> Anomaly:
    """The anomaly that `anomaly_document` wrote. Raises KeyError for any other document."""
    names = ("account", "region", "bucket", "key", "expected", "seen")
    return Anomaly(kind_of(document["kind"]), *(str(document[name]) for name in names))
