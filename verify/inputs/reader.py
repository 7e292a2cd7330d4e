"""The one way in which a file or standard input is read: bounded, as text."""

from __future__ import annotations

import codecs
import sys
from pathlib import Path


class UnreadableError(Exception):
    """What was given cannot be read. The message names it and the cause."""


class AbsentError(UnreadableError):
    """There is no such file."""


def read_text(source: str | Path, what: str, maximum: int) -> str:
    """The text of the file `source`, or of standard input for "-"; `what` names it to the reader.

    UTF-8, and UTF-16 or UTF-32 with the byte-order mark that Windows' shells put before it.
    Raises UnreadableError when it cannot be read, is neither or exceeds `maximum` characters.
    """
    limit = (maximum + 1) * 4  # bytes that one character has at most
    try:
        if source == "-":
            content = sys.stdin.buffer.read(limit)
        else:
            with Path(source).open("rb") as stream:
                content = stream.read(limit)
        text = content.decode(_encoding(content))
    except FileNotFoundError as error:
        raise AbsentError(f"{what} cannot be read: {error}") from None
    except (OSError, UnicodeError) as error:
        raise UnreadableError(f"{what} cannot be read: {error}") from None
    if len(text) > maximum:
        raise UnreadableError(f"{what} exceeds {maximum:,} characters")
    return text.replace("\r\n", "\n")


def _encoding(content: bytes) -> str:
    # UTF-32's mark begins with UTF-16's.
    for marks, encoding in (
        ((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE), "utf-32"),
        ((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE), "utf-16"),
        ((codecs.BOM_UTF8,), "utf-8-sig"),
    ):
        if content.startswith(marks):
            return encoding
    return "utf-8"
