"""How much was checked and how much of it holds."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields


@dataclass(frozen=True)
class Totals:
    """Counts of objects; `log_bytes` is uncompressed, `archived_bytes` as stored.

    The names are those of integrity.schema.json, which calls an anomaly a finding.
    """

    digests: int = 0
    digests_proven: int = 0
    backfill_digests: int = 0
    backfill_digests_proven: int = 0
    logs: int = 0
    logs_intact: int = 0
    logs_under_unproven_digests: int = 0
    logs_unreferenced: int = 0
    logs_uncovered: int = 0
    logs_pending: int = 0
    log_bytes: int = 0
    digests_archived: int = 0
    logs_archived: int = 0
    archived_bytes: int = 0
    findings_omitted: int = 0

    def __add__(self, other: Totals) -> Totals:
        return Totals(
            **{
                field.name: getattr(self, field.name) + getattr(other, field.name)
                for field in fields(self)
            }
        )

    def as_dict(self) -> dict[str, int]:
        """The counts by name."""
        return asdict(self)
