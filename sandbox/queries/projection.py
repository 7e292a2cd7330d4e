"""Which files a table with partition projection has, and the partition that each lies in.

https://docs.aws.amazon.com/athena/latest/ug/partition-projection-supported-types.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_PLACE = re.compile(r"\$\{([a-z0-9_]+)\}")
_NOW = re.compile(r"NOW\s*(?:([+-])\s*(\d+)\s*(YEAR|MONTH|WEEK|DAY|HOUR|MINUTE|SECOND)S?)?")
_DAYS = {"YEAR": 365.0, "MONTH": 30.0, "WEEK": 7.0, "DAY": 1.0}
_SECONDS = {"HOUR": 3600, "MINUTE": 60, "SECOND": 1}
_FORMATS = {"yyyy": "%Y", "MM": "%m", "dd": "%d", "HH": "%H"}


class ProjectionError(ValueError):
    """The table's properties are not those of a projection."""


@dataclass(frozen=True)
class Projection:
    """Where the files of a table lie, and what each partition column may be."""

    bucket: str
    pattern: re.Pattern[str]
    admits: Mapping[str, Callable[[str], bool]]

    def values(self, key: str) -> dict[str, str] | None:
        """The partition of an object, by its key; None for one that the table does not have."""
        found = self.pattern.match(key)
        name = key.rpartition("/")[2]
        if found is None or not name or name[0] in "._":
            return None
        values = found.groupdict()
        return values if all(admits(values[name]) for name, admits in self.admits.items()) else None


def of_table(properties: Mapping[str, str], keys: list[str], moment: datetime) -> Projection | None:
    """The projection of a table at a moment; None for a table that has none.

    Raises ProjectionError for properties that are not understood.
    """
    if properties.get("projection.enabled", "false").lower() != "true":
        return None
    template = properties.get("storage.location.template", "")
    bucket, _, path = template.removeprefix("s3://").partition("/")
    if not template.startswith("s3://") or sorted(_PLACE.findall(path)) != sorted(keys):
        raise ProjectionError(f"the template {template!r} does not name {', '.join(keys)} once")
    pattern, last = "", 0
    admits = {}
    for place in _PLACE.finditer(path):
        name = place[1]
        shape, admits[name] = _column(name, properties, moment)
        pattern += re.escape(path[last : place.start()]) + f"(?P<{name}>{shape})"
        last = place.end()
    ending = path[last:].rstrip("/")
    return Projection(bucket, re.compile(f"{pattern}{re.escape(ending)}/"), admits)


def _column(
    name: str, properties: Mapping[str, str], moment: datetime
) -> tuple[str, Callable[[str], bool]]:
    def told(what: str) -> str:
        try:
            return properties[f"projection.{name}.{what}"]
        except KeyError:
            raise ProjectionError(f"projection.{name}.{what} is missing") from None

    kind = told("type")
    if kind == "enum":
        values = {value.strip() for value in told("values").split(",")}
        return "[^/]+", values.__contains__
    if kind == "date":
        shape, written = _format(told("format"))
        first, last = (_bound(text.strip(), written, moment) for text in _pair(told("range")))
        return shape, lambda text: first <= _moment(text, written) <= last
    raise ProjectionError(f"projection.{name}.type is {kind!r}, which is not known here")


def _pair(text: str) -> tuple[str, str]:
    parts = text.split(",")
    if len(parts) != 2:
        raise ProjectionError(f"a range has two ends: {text!r}")
    return parts[0], parts[1]


def _format(text: str) -> tuple[str, str]:
    """Java's format of a date as a regular expression, and as one of Python's."""
    shape, written = re.escape(text), text
    for name, directive in _FORMATS.items():
        shape = shape.replace(name, rf"\d{{{len(name)}}}")
        written = written.replace(name, directive)
    if re.search("[A-Za-z]", re.sub("%[A-Za-z]", "", written)):
        raise ProjectionError(f"the format {text!r} is not known here")
    return shape, written


def _bound(text: str, written: str, moment: datetime) -> datetime:
    found = _NOW.fullmatch(text)
    if found is None:
        return _moment(text, written)
    sign, count, unit = found.groups()
    distance = timedelta(
        days=_DAYS.get(unit, 0) * int(count or 0), seconds=_SECONDS.get(unit, 0) * int(count or 0)
    )
    at = moment - distance if sign == "-" else moment + distance
    return _moment(at.strftime(written), written)


def _moment(text: str, written: str) -> datetime:
    try:
        return datetime.strptime(text, written).replace(tzinfo=UTC)
    except ValueError:
        # A day such as the 31st of February is no partition.
        return datetime.min.replace(tzinfo=UTC)
