"""What is small, or cheap to make, and would cost a careless reader everything."""

from __future__ import annotations

from functools import partial

import pytest

from tests.fuzz.bounded import outcome
from tests.fuzz.doors import DOORS
from tests.fuzz.entering import enter, went_well
from tests.fuzz.foreign import bombs


@pytest.mark.parametrize("name", DOORS)
def test_a_bomb_costs_no_more_than_it_may(name: str) -> None:
    door = DOORS[name]
    wrong = []
    for bomb, content in bombs().items():
        said = outcome(partial(enter, door, content))
        if not went_well(said):
            wrong.append(f"{bomb}: {said}")
    assert not wrong, "\n".join(wrong)
