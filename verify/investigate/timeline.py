"""The acts as lines for a terminal."""

from __future__ import annotations

from collections.abc import Iterable

from verify.investigate.act import Act
from verify.report.display import shortened, visible

_MAXIMUM_CHARACTERS = 300


def lines(acts: Iterable[Act]) -> list[str]:
    """Two lines an act: when, who and what; then on what, from where, and why it was not done.

    What comes from AWS or its callers is shown with every unseen character spelled out.
    """
    return [line for act in acts for line in _lines(act)]


def _lines(act: Act) -> list[str]:
    head = f"{act.time:%Y-%m-%d %H:%M:%S}  {_shown(act.who)}  {_shown(act.action)}"
    if act.error:
        head += f"  NOT DONE: {_shown(act.error)}"
    on = ", ".join(act.on) or "nothing named"
    return [head, f"    on {_shown(on)}  from {_shown(act.where)}  in {_shown(act.region)}"]


def _shown(text: str) -> str:
    return shortened(" ".join(visible(text).split()), _MAXIMUM_CHARACTERS)
