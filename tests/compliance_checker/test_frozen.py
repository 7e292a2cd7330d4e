"""The value classes of the function behave as frozen dataclasses do."""

from __future__ import annotations

import pytest
from compliance_checker.frozen import frozen


@frozen
class Point:
    """Two fields, one with a default."""

    x: int
    y: int = 7

    @property
    def total(self) -> int:
        return self.x + self.y


def test_values_are_set_by_position_and_name() -> None:
    assert Point(1) == Point(x=1, y=7) == Point(1, y=7)
    assert Point(1).total == 8
    assert repr(Point(1)) == "Point(x=1, y=7)"
    assert len({Point(1), Point(1, 7), Point(7, 1)}) == 2
    other: object = (1, 7)
    assert Point(1) != other


@pytest.mark.parametrize(
    ("values", "named"),
    [((), {}), ((1, 2, 3), {}), ((1,), {"z": 2}), ((), {"z": 2}), ((1,), {"x": 1})],
)
def test_wrong_values_are_refused(values: tuple[int, ...], named: dict[str, int]) -> None:
    with pytest.raises(TypeError, match="Point"):
        Point(*values, **named)


def test_nothing_changes_afterwards() -> None:
    point = Point(1)
    with pytest.raises(AttributeError, match="frozen"):
        point.x = 2  # type: ignore[misc]
    with pytest.raises(AttributeError, match="frozen"):
        del point.x
    assert point.x == 1
