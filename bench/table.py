"""The table of `make bench`: its rows, and the page that they make."""

from __future__ import annotations

import dataclasses
import json
import os
import platform
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from deploy import binary

_VERSIONS = ("boto3", "pytest", "moto", "cryptography")
_PROCESSORS = Path("/proc/cpuinfo")


@dataclass(frozen=True)
class Row:
    """One measurement: ours, divided by what it is measured against in the same run.

    `ratio` may be `limit` at most; without a limit it is told and not judged. `figures` says what
    the ratio was made of, with units.
    """

    what: str
    against: str
    ratio: float
    limit: float | None = None
    figures: str = ""

    @property
    def met(self) -> bool:
        """Whether the limit is kept."""
        return self.limit is None or self.ratio <= self.limit

    def __str__(self) -> str:
        limit = "" if self.limit is None else f" (at most {self.limit:g})"
        made_of = f": {self.figures}" if self.figures else ""
        verdict = "ok  " if self.met else "MISS"
        return f"{verdict}  {self.what}, against {self.against}: {self.ratio:.2f}{limit}{made_of}"


@dataclass(frozen=True)
class Part:
    """A part as it ended: its rows, and its exit code (0: it has measured all that it is for)."""

    name: str
    rows: Sequence[Row]
    code: int


def note(text: str) -> None:
    """Print what no row says."""
    print(f"      {text}", flush=True)


def write_rows(path: Path, rows: Iterable[Row]) -> None:
    """Print the rows and append them to a file, a line of JSON each, as they come."""
    with path.open("a", encoding="utf-8") as file:
        for row in rows:
            print(row, flush=True)
            file.write(f"{json.dumps(dataclasses.asdict(row))}\n")
            file.flush()


def read_rows(path: Path) -> Iterator[Row]:
    """The rows in a file by `write_rows`; none if it is not there."""
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            yield Row(**json.loads(line))


def page(parts: Sequence[Part], load: float) -> str:
    """The table as Markdown; `load` is the machine's load average before the first part."""
    lines = [
        "# What `make bench` has measured",
        "",
        "Each ratio is ours, divided by what it is measured against, in the same run. Limits are",
        "ratios, so that they hold on any machine; the figures are this one's.",
        "",
        f"- {datetime.now(UTC):%d %B %Y}",
        f"- {os.cpu_count()} cores ({_model()}), {_memory()}, load {load:.1f} at the start; "
        f"{platform.system()} {platform.machine()}",
        f"- {', '.join(_versions())}",
        "",
        "| part | measured | against | ratio | at most | kept | figures |",
        "| --- | --- | --- | ---: | ---: | --- | --- |",
    ]
    for part in parts:
        lines += [_line(part.name, row) for row in part.rows]
    if broken := [part for part in parts if part.code]:
        lines += ["", "Not measured to the end: " + ", ".join(part.name for part in broken) + "."]
    return "\n".join(lines) + "\n"


def _line(part: str, row: Row) -> str:
    limit = "" if row.limit is None else f"{row.limit:g}"
    kept = "" if row.limit is None else ("yes" if row.met else "**no**")
    cells = (part, row.what, row.against, f"{row.ratio:.2f}", limit, kept, row.figures)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _model() -> str:
    """The processors' model, as Linux knows it."""
    if _PROCESSORS.exists():
        found = re.search(r"^model name\s*:\s*(.+)$", _PROCESSORS.read_text(), re.MULTILINE)
        if found:
            return found[1]
    return platform.processor() or "model unknown"


def _memory() -> str:
    gibibytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{gibibytes:.0f} GiB of memory"


def _versions() -> list[str]:
    return [
        f"Python {platform.python_version()}",
        *(f"{name} {metadata.version(name)}" for name in _VERSIONS),
        binary.find(os.environ).name,
    ]
