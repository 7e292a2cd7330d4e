"""When each leg of an alert began and ended, from how long each took."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.report import sample
from verify.model import AWS, OURS, AlertTiming, Leg
from verify.report import html
from verify.report.waterfall import drawing, placed


def _timing(total: float, *legs: tuple[str, float | None]) -> AlertTiming:
    return AlertTiming("act", tuple(Leg(name, seconds) for name, seconds in legs), total, 60.0)


def _spans(timing: AlertTiming) -> list[tuple[str, float, float]]:
    return [(one.leg.name, round(one.start, 3), round(one.end, 3)) for one in placed(timing)]


@pytest.mark.parametrize(
    ("timing", "spans"),
    [
        (
            # The event is on its way while the call that made it still goes on.
            _timing(10.0, ("call", 0.5), ("trail", 6.0), ("function", 3.0), ("topic", 1.0)),
            [("call", 0, 0.5), ("trail", 0, 6), ("function", 6, 9), ("topic", 9, 10)],
        ),
        (
            _timing(10.0, ("call", 0.5), ("trail", None), ("function", 3.0), ("topic", 1.0)),
            [("call", 0, 0.5), ("trail", 0.5, 6), ("function", 6, 9), ("topic", 9, 10)],
        ),
        (
            _timing(10.0, ("call", 0.5), ("trail", None), ("function", None), ("topic", 1.0)),
            [("call", 0, 0.5), ("trail", 0.5, 0.5), ("function", 0.5, 9), ("topic", 9, 10)],
        ),
        (
            _timing(10.0, ("call", 0.5), ("trail", 9.0), ("topic", None)),
            [("call", 0, 0.5), ("trail", 0.5, 9.5), ("topic", 9.5, 10)],
        ),
        # Two clocks disagree.
        (_timing(1.0, ("call", 0.1), ("trail", 5.0)), [("call", 0, 0.1), ("trail", 0, 1)]),
        (
            _timing(1.0, ("call", 0.1), ("trail", -0.2), ("topic", 0.5)),
            [("call", 0, 0.1), ("trail", 0.5, 0.5), ("topic", 0.5, 1)],
        ),
        (_timing(0.0, ("call", 0.1)), [("call", 0, 0)]),
        (_timing(1.0), []),
    ],
)
def test_each_leg_stands_where_it_was(
    timing: AlertTiming, spans: list[tuple[str, float, float]]
) -> None:
    assert _spans(timing) == spans


SECONDS = st.none() | st.floats(0, 1_000)


@given(st.floats(0, 1_000), st.lists(SECONDS, max_size=7))
def test_legs_stay_within_the_alert_and_follow_one_another(
    total: float, lengths: list[float | None]
) -> None:
    timing = _timing(total, *((str(place), length) for place, length in enumerate(lengths)))
    found = placed(timing)
    assert [one.leg for one in found] == list(timing.legs)
    for one in found:
        assert 0 <= one.start <= one.end <= total
    for one, next_one in pairwise(found[1:]):
        assert next_one.start == pytest.approx(one.end)
    if len(found) > 1:
        assert found[-1].end == pytest.approx(total) or None in lengths


@given(st.lists(st.tuples(st.floats(0, 1_000), st.lists(SECONDS, max_size=5)), max_size=5))
def test_bars_stay_within_the_drawing(drawn: list[tuple[float, list[float | None]]]) -> None:
    timings = [
        _timing(total, *((str(place), length) for place, length in enumerate(lengths)))
        for total, lengths in drawn
    ]
    found = drawing(timings)
    assert len(found.rows) == len(timings)
    for row in found.rows:
        assert 0 < row.y < found.height
        for bar in row.bars:
            assert bar.x >= 0
            assert bar.width > 0
            assert bar.x + bar.width <= found.width


def test_whose_a_leg_is_and_what_is_not_known_is_seen() -> None:
    legs = (Leg("call", 1.0, AWS), Leg("trail", None, AWS), Leg("function", 1.0, OURS))
    [row] = drawing([AlertTiming("act", legs, 4.0, None)]).rows
    assert [bar.kind for bar in row.bars] == ["aws", "unknown", "ours"]


def test_the_page_draws_it_and_says_it_in_words() -> None:
    page = html.render(sample.report())
    figure = re.search(r'<svg class="waterfall" role="img".*?</svg>', page, re.DOTALL)
    assert figure is not None
    assert (
        "2 ways of alerts, from 2 min 38 s (open port 22 to the world) to 5 min 41 s" in figure[0]
    )
    assert figure[0].count("<rect") == 7
    assert "stop the trail: 5 min 41 s</text>" in figure[0]
    assert '<td role="cell" class="number" data-label="Began">2 min 1 s</td>' in page
