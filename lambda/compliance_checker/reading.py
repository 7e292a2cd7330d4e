"""CloudTrail records in the files that people hold: which forms are read, and how.

Each is found by what it looks like, never by its name. Whatever can't be read comes out as an
:class:`Unreadable` in its place, so that one strange member hides none of its neighbours.
"""

from __future__ import annotations

import binascii
import gzip
import io
import json
import os
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, TextIO

from .envelope import UnreadableEventError, decompress

# One value: a line, or what spans lines. CloudTrail's own files hold some 50 MB at most.
MAXIMUM_CHARACTERS = 256 * 1024 * 1024
_MAXIMUM_DEPTH = 12
_GZIP = b"\x1f\x8b"
# What is before a record in a line of an export to S3, or as `aws logs tail` prints it.
_STAMP = re.compile(r"\s*\d{4}-\d\d-\d\dT[0-9:.+Z-]+\s+(?:[^\s{\[]+\s+)?(?=\{)")
# Where the forms keep a list of records, or of what holds one each.
_LISTS = (
    "Records",  # a CloudTrail log file
    "Events",  # aws cloudtrail lookup-events
    "events",  # aws logs filter-log-events, get-log-events
    "logEvents",  # what CloudWatch Logs delivers to a subscription
    "results",  # aws logs get-query-results
)
# Where they keep one record: as an object, or as JSON text.
_SINGLES = (
    "CloudTrailEvent",  # aws cloudtrail lookup-events
    "message",  # CloudWatch Logs
    "detail",  # EventBridge
    "event",  # a labelled collection
)
_RECORD_KEYS = ("eventName", "eventSource", "eventVersion", "eventCategory")


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A part of an input that holds no CloudTrail record, and why."""

    why: str


Part = Mapping[str, Any] | Unreadable


def _parsed(text: str) -> object:
    """The JSON value in a text, or Unreadable."""
    try:
        return json.loads(text)
    except RecursionError:
        return Unreadable("nested too deeply")
    except ValueError as error:
        return Unreadable(f"not JSON: {error}")


def records_in(value: object, depth: int = 0) -> Iterator[Part]:
    """The records in one JSON value of any of the forms, and what could not be read of it."""
    if isinstance(value, Unreadable):
        yield value
    elif depth > _MAXIMUM_DEPTH:
        yield Unreadable("nested too deeply")
    elif isinstance(value, list):
        for member in value:
            yield from records_in(member, depth + 1)
    elif isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        yield from records_in(_parsed(value), depth + 1)
    elif isinstance(value, dict):
        yield from _in_object(value, depth)
    else:
        yield Unreadable("not a JSON object")


def _in_object(value: dict[str, Any], depth: int) -> Iterator[Part]:
    if any(key in value for key in _RECORD_KEYS):
        yield value
        return
    if value.get("messageType") == "CONTROL_MESSAGE" or _is_digest(value):
        return  # no records by their nature
    for key in _LISTS:
        if isinstance(value.get(key), list):
            if key == "results":
                yield from records_in(_query_results(value[key]), depth + 1)
            else:
                yield from records_in(value[key], depth + 1)
            return
    data = value.get("awslogs")
    if isinstance(data, dict):
        yield from records_in(_subscription(data.get("data")), depth + 1)
        return
    for key in _SINGLES:
        if isinstance(value.get(key), (dict, str)):
            yield from records_in(value[key], depth + 1)
            return
    yield Unreadable("holds no CloudTrail record")


def _is_digest(value: Mapping[str, Any]) -> bool:
    """Whether this is a digest file, which lies beside the log files and names them."""
    return "digestEndTime" in value and isinstance(value.get("logFiles"), list)


def _query_results(rows: Iterable[object]) -> list[object]:
    """The messages of a query's rows, each a list of ``{"field": "@message", "value": ...}``."""
    found: list[object] = []
    for row in rows:
        fields = row if isinstance(row, list) else []
        found += [
            each.get("value")
            for each in fields
            if isinstance(each, dict) and each.get("field") == "@message"
        ] or [{}]
    return found


def _subscription(data: object) -> object:
    """The payload of a subscription's delivery: JSON in gzip in base64."""
    if not isinstance(data, str):
        return Unreadable("awslogs.data is not a string")
    try:
        return _parsed(decompress(binascii.a2b_base64(data.encode("ascii"))).decode("utf-8"))
    except UnreadableEventError as error:
        return Unreadable(str(error))
    except (binascii.Error, UnicodeError) as error:
        return Unreadable(f"awslogs.data is not base64 of UTF-8: {error}")


class _TooLongError(ValueError):
    """A value is longer than what is read."""


def _line(stream: TextIO, left: int) -> str:
    line = stream.readline(left + 1)
    if len(line) > left:
        raise _TooLongError
    return line


def values(stream: TextIO, maximum: int = MAXIMUM_CHARACTERS) -> Iterator[tuple[int, object]]:
    """JSON values with the line on which each begins; an Unreadable in place of a broken one.

    One value a line is read line by line. Where a value spans lines, or several share one, the
    rest is read as a whole: pages that were printed one behind the other, such as
    ``aws cloudtrail lookup-events`` prints them.
    """
    number = 0
    try:
        while line := _line(stream, maximum):
            number += 1
            text = line[_stamp(line) :]
            if not text.strip():
                continue
            value = _parsed(text)
            if isinstance(value, Unreadable) and text.lstrip()[:1] in ("{", "["):
                rest = [line]
                left = maximum - len(line)
                while more := _line(stream, left):
                    left -= len(more)
                    rest.append(more)
                yield from _concatenated("".join(rest), number)
                return
            yield number, value
    except _TooLongError:
        yield (
            number + 1,
            Unreadable(f"a value of more than {maximum} characters: not read, nor what follows"),
        )
    except (EOFError, OSError, zlib.error) as error:
        yield number + 1, Unreadable(f"could not be read to its end: {error}")


def _stamp(line: str) -> int:
    """Where the record begins in a line."""
    found = _STAMP.match(line)
    return found.end() if found else 0


_decoder = json.JSONDecoder()
_SPACE = re.compile(r"\s*")


def _concatenated(text: str, number: int) -> Iterator[tuple[int, object]]:
    """The values of a text, one behind the other; a broken one is left at its line's end."""
    position = counted = 0
    while True:
        found = _SPACE.match(text, position)
        position = found.end() if found else position
        if position >= len(text):
            return
        stamp = _STAMP.match(text, position)
        position = stamp.end() if stamp else position
        number += text.count("\n", counted, position)
        counted = position
        value: object
        try:
            value, position = _decoder.raw_decode(text, position)
        except (RecursionError, ValueError) as error:
            deep = isinstance(error, RecursionError)
            value = Unreadable("nested too deeply" if deep else f"not JSON: {error}")
            end = text.find("\n", position)
            position = len(text) if end < 0 else end
        yield number, value


def text_of(stream: BinaryIO) -> TextIO:
    """The text of an input, unpacked if it is gzip. Bytes that are no UTF-8 spoil one string."""
    buffered = stream if isinstance(stream, io.BufferedReader) else io.BufferedReader(stream)  # type: ignore[type-var]
    if buffered.peek(2)[:2] == _GZIP:
        unpacked: Any = gzip.GzipFile(fileobj=buffered)
        return io.TextIOWrapper(unpacked, encoding="utf-8-sig", errors="replace")
    return io.TextIOWrapper(buffered, encoding="utf-8-sig", errors="replace")


def files_in(name: str) -> Iterator[str]:
    """The files of a folder and those in it, by name; a file's own name for anything else."""
    if not os.path.isdir(name):
        yield name
        return
    for folder, folders, files in os.walk(name):
        folders.sort()
        for file in sorted(files):
            yield os.path.join(folder, file)
