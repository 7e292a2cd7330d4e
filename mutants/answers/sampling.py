"""A part of the alterations that takes seconds and still touches every member."""

from __future__ import annotations

from collections.abc import Iterable

from mutants.answers.alterations import Alteration


def sampled(found: Iterable[Alteration]) -> list[Alteration]:
    """The first place of each member, with the first of its alterations and with its absence.

    What matters in one of several places only is left to the whole.
    """
    seen: dict[tuple[object, bool], Alteration] = {}
    for alteration in found:
        if alteration.somewhere:
            continue
        seen.setdefault((alteration.way, alteration.kind == "gone"), alteration)
    return list(seen.values())
