"""The one way in which a file or standard input is read: bounded, as UTF-8 text."""

from __future__ import annotations

import sys
from pathlib import Path


class UnreadableError(Exception):
    """What was given cannot be read. The message names it and the cause."""


class AbsentError(UnreadableError):
    """There is no such file."""


def read_text(source: str | Path, what: str, maximum: int) -> str:
    """The text of the file `source`, or of standard input for "-"; `what` names it to the reader.

    Raises UnreadableError when it cannot be read, is not UTF-8 or exceeds `maximum` characters.
    """
    try:
        if source == "-":
            text = sys.stdin.read(maximum + 1)
        else:
            with Path(source).open(encoding="utf-8") as stream:
                text = stream.read(maximum + 1)
    except FileNotFoundError as error:
        raise AbsentError(f"{what} cannot be read: {error}") from None
    except (OSError, UnicodeError) as error:
        raise UnreadableError(f"{what} cannot be read: {error}") from None
    if len(text) > maximum:
        raise UnreadableError(f"{what} exceeds {maximum:,} characters")
    return text
