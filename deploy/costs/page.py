"""The estimates as a page for people."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from deploy.costs.estimate import Costs, Estimate, Price, Row

_CENT = Decimal("0.01")
_TIMES = " \u00d7 "


def render(costs: Costs) -> str:
    """The estimates as Markdown, a table a profile with its arithmetic, and the prices."""
    lines = [
        "# What it costs",
        "",
        "Generated from `deploy/costs/prices.yaml` and `deploy/costs/usage.yaml` by `make docs`; a "
        "test compares the numbers of resources with Terraform's plan.",
        "",
        "An estimate, in US dollars a month, with the prices that AWS publishes for "
        f"{costs.region} and without any free tier. What an account does is assumed, and said; "
        "what depends on it is easily another figure for yours.",
        "",
        "| profile | USD a month |",
        "| --- | ---: |",
        *(f"| {estimate.profile} | {_usd(estimate.usd)} |" for estimate in costs.estimates),
    ]
    for estimate in costs.estimates:
        lines += _profile(estimate)
    lines += ["", "## Prices", "", "| of | per | USD | found published | page |"]
    lines += ["| --- | --- | ---: | --- | --- |"]
    lines += [
        f"| {price.service} | {_per(price)} | {price.usd} | {price.seen} | <{price.page}> |"
        for price in costs.prices.values()
    ]
    return "\n".join(lines) + "\n"


def _profile(estimate: Estimate) -> list[str]:
    return [
        "",
        f"## {estimate.profile}",
        "",
        *(f"- {text}" for text in estimate.assumes),
        "",
        "| what | arithmetic | USD a month |",
        "| --- | --- | ---: |",
        *(f"| {row.item} | {_arithmetic(row)} | {_usd(row.usd)} |" for row in estimate.rows),
        f"| **all** | | **{_usd(estimate.usd)}** |",
    ]


def _arithmetic(row: Row) -> str:
    factors = [f"{factor:,} {what}" for factor, what in row.times]
    return _TIMES.join([*factors, f"{row.price.usd} USD per {_per(row.price)}"])


def _per(price: Price) -> str:
    return price.unit if price.number == 1 else f"{price.number:,} {price.unit}"


def _usd(amount: Decimal) -> str:
    return f"{amount.quantize(_CENT, ROUND_HALF_UP):,}"
