"""Whether a table with partition projection has a trail's log files: judged by their paths.

Sources: Athena user guide, "Supported types for partition projection" and "Table properties";
CloudTrail user guide, "CloudTrail log file name format".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

_PLACE = re.compile(r"\$\{([A-Za-z0-9_]+)\}")
_NOW = re.compile(r"NOW(?:\s*([+-])\s*(\d+)\s*(YEAR|MONTH|WEEK|DAY)S?)?")
_DAYS = {"YEAR": 365, "MONTH": 30, "WEEK": 7, "DAY": 1}
_DIRECTIVES = (("yyyy", "%Y", 4), ("MM", "%m", 2), ("dd", "%d", 2))


class ProjectionError(ValueError):
    """The table's properties cannot be judged. The message says which."""


@dataclass(frozen=True)
class Files:
    """Where a trail's log files lie: a bucket, what is before AWSLogs/, whose, where, since when.

    `organization` is empty for a trail of one account.
    """

    bucket: str
    prefix: str
    organization: str
    accounts: Collection[str]
    regions: Collection[str]
    first: date
    last: date

    def folder(self, account: str, region: str, day: date) -> str:
        """The folder of a day's files, as CloudTrail names it."""
        parts = (self.prefix, "AWSLogs", self.organization, account, "CloudTrail", region)
        return "/".join([*filter(None, parts), f"{day:%Y/%m/%d}"])


@dataclass(frozen=True)
class _Column:
    shape: str
    admits: Callable[[str], bool]


def missing(properties: Mapping[str, str], keys: Collection[str], files: Files) -> list[str]:
    """Which of the files the table does not have: accounts, regions, days, or all.

    `properties` are the table's parameters, `keys` its partition columns. Raises ProjectionError
    for a projection that is not understood.
    """
    if properties.get("projection.enabled", "false").lower() != "true":
        return ["all: its partitions are not projected, and nobody adds them"]
    template = properties.get("storage.location.template", "")
    if not template:
        return ["all: storage.location.template does not say where its partitions are"]
    places = _PLACE.findall(template)
    if sorted(places) != sorted(keys):
        return [f"all: {template} does not name {', '.join(sorted(keys))}, once each"]
    columns = {name: _column(name, properties, files) for name in places}
    pattern = _pattern(template, columns)

    def has(account: str, region: str, day: date) -> bool:
        found = pattern.fullmatch(f"s3://{files.bucket}/{files.folder(account, region, day)}/")
        return found is not None and all(
            column.admits(found[name]) for name, column in columns.items()
        )

    return list(_missing(has, files))


def _missing(has: Callable[[str, str, date], bool], files: Files) -> Iterator[str]:
    """A column knows nothing of the others, so each is tried with the others' good values."""
    accounts, regions = sorted(files.accounts), sorted(files.regions)
    good = next(
        (
            (account, region, day)
            for day in (files.last, files.first)
            for account in accounts
            for region in regions
            if has(account, region, day)
        ),
        None,
    )
    if good is None:
        yield f"all: none like {files.folder(accounts[0], regions[0], files.last)}/"
        return
    account, region, day = good
    yield from (f"those of the account {one}" for one in accounts if not has(one, region, day))
    yield from (f"those of the region {one}" for one in regions if not has(account, one, day))
    span = (files.last - files.first).days
    days = [files.first + timedelta(days=number) for number in range(span + 1)]
    lost = [one for one in days if not has(account, region, one)]
    if lost:
        yield f"those of {len(lost)} days, from {lost[0]} to {lost[-1]}"


def _pattern(template: str, columns: Mapping[str, _Column]) -> re.Pattern[str]:
    pattern, last = "", 0
    for place in _PLACE.finditer(template):
        pattern += re.escape(template[last : place.start()])
        pattern += f"(?P<{place[1]}>{columns[place[1]].shape})"
        last = place.end()
    # Whatever lies below the folder is read as well.
    return re.compile(f"{pattern}{re.escape(template[last:].rstrip('/'))}/.*")


def _column(name: str, properties: Mapping[str, str], files: Files) -> _Column:
    def told(what: str, otherwise: str | None = None) -> str:
        found = properties.get(f"projection.{name}.{what}", otherwise)
        if found is None:
            raise ProjectionError(f"projection.{name}.{what} is missing")
        return found

    kind = told("type")
    if kind == "enum":
        values = {value.strip() for value in told("values").split(",")}
        return _Column("[^/]+", values.__contains__)
    if kind == "date":
        shape, written = _format(told("format"))
        unit, interval = told("interval.unit", "DAYS"), told("interval", "1")
        if unit.upper().rstrip("S") != "DAY" or not interval.isdigit() or int(interval) < 1:
            raise ProjectionError(f"projection.{name}.interval is {interval} {unit}")
        ends = told("range").split(",")
        if len(ends) != 2:
            raise ProjectionError(f"projection.{name}.range is {told('range')!r}")
        first, last = (_day(text.strip(), written, files.last) for text in ends)

        def admits(text: str) -> bool:
            day = _written_day(text, written)
            return (
                day is not None and first <= day <= last and (day - first).days % int(interval) == 0
            )

        return _Column(shape, admits)
    if kind == "injected":
        # Athena refuses every query that does not name the value.
        return _Column("[^/]+", lambda _: False)
    raise ProjectionError(f"projection.{name}.type is {kind!r}, which is not judged here")


def _format(text: str) -> tuple[str, str]:
    shape, written = re.escape(text), text
    for name, directive, length in _DIRECTIVES:
        shape = shape.replace(name, rf"\d{{{length}}}")
        written = written.replace(name, directive)
    if re.search(r"[A-Za-z]", re.sub(r"%[Ymd]", "", written)):
        raise ProjectionError(f"the date format {text!r} is not judged here")
    return shape, written


def _day(text: str, written: str, today: date) -> date:
    """One end of a range, which may be so long before or after today."""
    found = _NOW.fullmatch(text)
    if found is None:
        day = _written_day(text, written)
        if day is None:
            raise ProjectionError(f"{text!r} is no day")
        return day
    sign, count, unit = found.groups()
    distance = timedelta(days=_DAYS.get(unit, 0) * int(count or 0))
    return today - distance if sign == "-" else today + distance


def _written_day(text: str, written: str) -> date | None:
    """The day that a text is, by strptime's directives, which itself is slow for many days.

    A part that is not written is the first.
    """
    found = _reader(written).fullmatch(text)
    if found is None:
        return None
    parts = {"Y": "1900", "m": "1", "d": "1"} | found.groupdict()
    try:
        return date(int(parts["Y"]), int(parts["m"]), int(parts["d"]))
    except ValueError:
        return None


@cache
def _reader(written: str) -> re.Pattern[str]:
    shape = re.escape(written)
    for _, directive, length in _DIRECTIVES:
        shape = shape.replace(directive, rf"(?P<{directive[1]}>\d{{1,{length}}})", 1)
    return re.compile(shape)
