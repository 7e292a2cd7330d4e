"""The estimate of costs: its arithmetic, its page, and that no resource is forgotten in it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from deploy import workspace
from deploy.costs.estimate import PRICES, USAGE, CostError, load
from deploy.costs.page import render
from tests.deploy.support import ROOT, run
from tests.sandbox.support import RunningSandbox, started
from tests.suite.support import build_package
from tests.terraform.support import resource_types
from verify.inputs import baseline

COSTS = load()
ESTIMATES = {estimate.profile: estimate for estimate in COSTS.estimates}


def test_the_page_is_current_and_says_so_on_the_command_line() -> None:
    command = [sys.executable, "-m", "deploy.costs"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == render(COSTS)
    assert (ROOT / "docs/costs.md").read_text() == done.stdout, "run `make docs`"


def test_each_profile_is_estimated_and_dev_stays_under_five_dollars() -> None:
    assert sorted(ESTIMATES) == workspace.profiles() == list(baseline.profiles())
    assert Decimal(1) < ESTIMATES["dev"].usd < 5


def test_a_line_is_the_product_of_its_factors() -> None:
    [gateways] = [row for row in ESTIMATES["prod"].rows if row.item == "NAT gateways"]
    assert gateways.usd == Decimal("65.700")  # 2 gateways, 730 hours, 0.045 USD
    [requests] = [row for row in ESTIMATES["dev"].rows if row.item == "Requests to the key"]
    assert requests.usd == Decimal("0.06")  # 20,000 at 0.03 USD for 10,000
    product = " \u00d7 ".join(("2 gateways", "730 hours", "0.045 USD per gateway and hour"))
    assert f"| NAT gateways | {product} | 65.70 |" in render(COSTS)


def test_prices_are_dated_and_come_from_aws() -> None:
    for price in COSTS.prices.values():
        assert re.fullmatch(r"20\d\d-(0[1-9]|1[0-2])", price.seen), price
        assert re.fullmatch(r"https://aws\.amazon\.com/[a-z0-9/-]+/pricing/[a-z0-9/-]*", price.page)
        assert price.usd > 0


def test_every_type_of_resource_has_a_row_or_is_free_for_a_reason() -> None:
    counted = {kind for estimate in COSTS.estimates for kind in estimate.counted()}
    assert counted | COSTS.free.keys() == resource_types().keys()
    assert not counted & COSTS.free.keys()
    assert all(COSTS.free.values())


@pytest.fixture(scope="module")
def account() -> Iterator[RunningSandbox]:
    with started("--region", "ap-southeast-1") as sandbox:
        yield sandbox


@pytest.mark.slow
@pytest.mark.parametrize("profile", sorted(ESTIMATES))
def test_the_rows_stand_for_what_terraform_plans(
    profile: str, account: RunningSandbox, tmp_path: Path
) -> None:
    flags = ("--sandbox", account.url, "--profile", profile, "--working-directory", str(tmp_path))
    build_package()
    planned = run("plan", "--json", *flags, environment=os.environ)
    assert planned.code == 0, planned.text
    values = json.loads(planned.stdout)["planned_values"]["root_module"]
    numbers = Counter(kind for kind in _types(values) if kind not in COSTS.free)
    assert dict(numbers) == ESTIMATES[profile].counted()


def _types(module: dict[str, Any]) -> Iterator[str]:
    for resource in module.get("resources", []):
        yield resource["type"]
    for child in module.get("child_modules", []):
        yield from _types(child)


@pytest.mark.parametrize(
    ("prices", "usage", "said"),
    [
        (None, "profiles: [", "cannot be read"),
        (None, "- dev", "is not a mapping"),
        (
            None,
            "{profiles: {dev: {assumes: [], rows: [{item: x, price: gold, times: []}]}}}",
            "gold",
        ),
        (None, "{profiles: {}, free: {}}", "no profile uses alarm-metric, "),
        ("region: x\nprices: {key: {service: KMS}}", None, "do not fit"),
    ],
)
def test_data_that_cannot_be_used_is_named(
    prices: str | None, usage: str | None, said: str, tmp_path: Path
) -> None:
    made = {PRICES: tmp_path / "prices.yaml", USAGE: tmp_path / "usage.yaml"}
    for original, text in zip(made, (prices, usage), strict=True):
        made[original].write_text(text or original.read_text())
    with pytest.raises(CostError, match=re.escape(said)) as refused:
        load(made[PRICES], made[USAGE])
    assert str(tmp_path) in str(refused.value)
