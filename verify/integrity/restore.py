"""What it takes to read archived files again: requests, money and hours, a way after the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from verify.integrity.judge.totals import Totals
from verify.wording import byte_count

FILE = Path(__file__).with_name("restore-prices.yaml")
_GIGABYTE = Decimal(1024**3)
_CENT = Decimal("0.01")


@dataclass(frozen=True)
class Tier:
    """One way of restoring, as AWS sells it."""

    name: str
    hours: str
    dollars_a_thousand_requests: Decimal
    dollars_a_gigabyte: Decimal

    def dollars(self, files: int, stored_bytes: int) -> Decimal:
        """What it costs to restore so many files of so many bytes, to the cent."""
        requests = self.dollars_a_thousand_requests * files / 1000
        return (requests + self.dollars_a_gigabyte * stored_bytes / _GIGABYTE).quantize(_CENT)


@dataclass(frozen=True)
class Prices:
    """The tiers, cheapest first, and where and when they were published."""

    storage_class: str
    region: str
    page: str
    seen: str
    tiers: tuple[Tier, ...]


@cache
def prices() -> Prices:
    """The prices of the data file."""
    found: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return Prices(
        found["storage_class"],
        found["region"],
        found["page"],
        str(found["seen"]),
        tuple(
            Tier(
                tier["name"],
                tier["hours"],
                Decimal(tier["dollars_a_thousand_requests"]),
                Decimal(tier["dollars_a_gigabyte"]),
            )
            for tier in found["tiers"]
        ),
    )


def document(totals: Totals) -> dict[str, Any] | None:
    """What is archived and what restoring it would cost, by integrity.schema.json; None if none."""
    files = totals.logs_archived + totals.digests_archived
    if not files:
        return None
    return {
        "files": files,
        "bytes": totals.archived_bytes,
        "prices": {
            "storage_class": prices().storage_class,
            "region": prices().region,
            "page": prices().page,
            "seen": prices().seen,
        },
        "restore": [
            {
                "tier": tier.name,
                "takes": tier.hours,
                "requests": files,
                "dollars": str(tier.dollars(files, totals.archived_bytes)),
            }
            for tier in prices().tiers
        ],
    }


def lines(totals: Totals) -> Iterator[str]:
    """The same for a terminal; nothing where nothing is archived."""
    files = totals.logs_archived + totals.digests_archived
    if not files:
        return
    yield (
        f"{files:,} files are archived ({byte_count(totals.archived_bytes)} as stored): they are "
        "there, and nothing is said of what they hold until they are restored"
    )
    for tier in prices().tiers:
        cost = tier.dollars(files, totals.archived_bytes)
        yield f"  {tier.name}: {files:,} requests, {cost} USD, {tier.hours}"
    yield (
        f"  (list prices of {prices().region} for {prices().storage_class}, {prices().page}, seen "
        f"{prices().seen}; the copies are kept, and paid for, as long as the restore asks for)"
    )
    yield "  aws s3api restore-object, or S3 Batch Operations for many; then validate once more"
