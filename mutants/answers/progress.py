"""How many alterations a process has tried, in a file beside that of its findings."""

from __future__ import annotations

from pathlib import Path

_EACH = 100


def write(findings: Path, tried: int) -> None:
    """Say how many were tried, now and then."""
    if tried % _EACH == 0:
        _beside(findings).write_text(f"{tried}\n", encoding="utf-8")


def read(findings: Path) -> int:
    """How many were tried when it was said last."""
    path = _beside(findings)
    said = path.read_text(encoding="utf-8") if path.is_file() else ""
    return int(said or 0)


def _beside(findings: Path) -> Path:
    return findings.with_suffix(".tried")
