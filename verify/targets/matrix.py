"""The verdicts of several deployments side by side. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from verify.model import Control, Outcome, Report, exit_code


@dataclass(frozen=True)
class Column:
    """A deployment's run; without a report, why there is none: then nothing of it was verified."""

    name: str
    report: Report | None
    problem: str = ""
    folder: str = ""  # of its run, from where the matrix is

    @property
    def verdict(self) -> str:
        """The run's in a few words."""
        return "NOT REACHED" if self.report is None else self.report.verdict


@dataclass(frozen=True)
class Row:
    """A control, and its outcome in each column; None where a column's baseline has it not."""

    control: Control
    outcomes: tuple[Outcome | None, ...]


@dataclass(frozen=True)
class Matrix:
    """All columns, and a row for each control that any of them has."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]

    @property
    def exit_code(self) -> int:
        """That of the worst: of one that was not reached, that of what could not be verified."""
        found = [outcome for row in self.rows for outcome in row.outcomes if outcome is not None]
        missing = [Outcome.ERROR for column in self.columns if column.report is None]
        return exit_code([*found, *missing])


def matrix_of(columns: Sequence[Column]) -> Matrix:
    """The matrix of some runs. What was not reached is ERROR in every row, and never missing."""
    controls: dict[str, Control] = {}
    outcomes: list[Mapping[str, Outcome] | None] = []
    for column in columns:
        if column.report is None:
            outcomes.append(None)
            continue
        results = column.report.results
        controls |= {one.control.identifier: one.control for one in results}
        outcomes.append({one.control.identifier: one.outcome for one in results})
    return Matrix(
        tuple(columns),
        tuple(
            Row(
                control,
                tuple(Outcome.ERROR if one is None else one.get(name) for one in outcomes),
            )
            for name, control in controls.items()
        ),
    )
