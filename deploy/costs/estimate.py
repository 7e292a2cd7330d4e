"""What a deployment costs in a month: published prices times what a profile uses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from math import prod
from pathlib import Path
from typing import Any

import yaml

_FOLDER = Path(__file__).parent
PRICES, USAGE = _FOLDER / "prices.yaml", _FOLDER / "usage.yaml"


class CostError(Exception):
    """The prices or the usage cannot be used. The message names the file and the fault."""


@dataclass(frozen=True)
class Price:
    """A published price in US dollars of so many units; `seen` is when it was found, YYYY-MM."""

    service: str
    usd: Decimal
    number: int
    unit: str
    page: str
    seen: str


@dataclass(frozen=True)
class Row:
    """A line of the estimate: the factors of its quantity, each with what it counts.

    `counts` is how many resources of a Terraform type the row stands for.
    """

    item: str
    price: Price
    times: tuple[tuple[Decimal, str], ...]
    counts: Mapping[str, int]

    @property
    def usd(self) -> Decimal:
        """The line's cost in a month, not rounded."""
        quantity = prod(factor for factor, _ in self.times)
        return quantity * self.price.usd / self.price.number


@dataclass(frozen=True)
class Estimate:
    """A profile's month."""

    profile: str
    assumes: tuple[str, ...]
    rows: tuple[Row, ...]

    @property
    def usd(self) -> Decimal:
        """All lines together, in US dollars."""
        return sum((row.usd for row in self.rows), Decimal(0))

    def counted(self) -> Mapping[str, int]:
        """How many resources of each Terraform type the rows stand for."""
        found: dict[str, int] = {}
        for row in self.rows:
            for kind, number in row.counts.items():
                found[kind] = found.get(kind, 0) + number
        return found


@dataclass(frozen=True)
class Costs:
    """The estimates of all profiles, the region of their prices, and what is free, with reasons."""

    region: str
    prices: Mapping[str, Price]
    estimates: tuple[Estimate, ...]
    free: Mapping[str, str]


def load(prices: Path = PRICES, usage: Path = USAGE) -> Costs:
    """The estimates from the two files.

    Raises CostError for a file that is not of this shape, a price that nobody published, and one
    that no row needs.
    """
    published, used = _document(prices), _document(usage)
    try:
        known = {name: _price(entry) for name, entry in published["prices"].items()}
        named: set[str] = set()
        estimates = tuple(
            Estimate(
                profile,
                tuple(entry["assumes"]),
                tuple(_row(row, known, named) for row in entry["rows"]),
            )
            for profile, entry in used["profiles"].items()
        )
        region, free = str(published["region"]), dict(used["free"])
    except (KeyError, TypeError, ValueError, AttributeError, InvalidOperation) as error:
        raise CostError(f"{usage} and {prices} do not fit: {error!r}") from None
    spare = sorted(known.keys() - named)
    if spare:
        raise CostError(f"{prices}: no profile uses {', '.join(spare)}: remove them")
    return Costs(region, known, estimates, free)


def _document(path: Path) -> dict[str, Any]:
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise CostError(f"{path} cannot be read: {error}") from None
    if not isinstance(found, dict):
        raise CostError(f"{path} is not a mapping of names to values")
    return found


def _price(entry: Mapping[str, Any]) -> Price:
    return Price(
        entry["service"],
        Decimal(entry["usd"]),
        entry.get("for", 1),
        entry["unit"],
        entry["page"],
        entry["seen"],
    )


def _row(entry: Mapping[str, Any], prices: Mapping[str, Price], named: set[str]) -> Row:
    named.add(entry["price"])
    return Row(
        entry["item"],
        prices[entry["price"]],
        tuple((Decimal(str(factor)), what) for factor, what in entry["times"]),
        dict(entry.get("counts", {})),
    )
