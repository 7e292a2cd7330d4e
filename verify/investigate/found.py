"""What was found, by whatever way it was asked for."""

from __future__ import annotations

from dataclasses import dataclass

from verify.investigate.act import Act


class HistoryError(Exception):
    """The acts could not be read. The message names the cause and the remedy."""


@dataclass(frozen=True)
class Found:
    """The acts, the earliest first; where there was more than was read; what was unreadable."""

    acts: tuple[Act, ...]
    cut_off: tuple[str, ...]
    unreadable: tuple[str, ...]
