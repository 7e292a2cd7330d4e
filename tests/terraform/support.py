"""The Terraform module as text: what its files declare."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import hcl2

ROOT = Path(__file__).resolve().parents[2]
MODULE = ROOT / "terraform"


@cache
def text() -> str:
    """All files of the module, one after another."""
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted(MODULE.glob("*.tf")))


@cache
def code() -> str:
    """The same without comments."""
    return re.sub(r"^\s*#.*$", "", text(), flags=re.MULTILINE)


@cache
def blocks(kind: str) -> dict[str, dict[str, Any]]:
    """The blocks of a kind with one label ("variable", "output") by label."""
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(MODULE.glob("*.tf")):
        with path.open(encoding="utf-8") as file:
            for block in hcl2.load(file).get(kind, []):
                for label, body in block.items():
                    found[str(plain(label))] = body
    return found


@cache
def resource_types() -> dict[str, list[str]]:
    """The names of the resources by type."""
    found: dict[str, list[str]] = {}
    for type_, name in re.findall(r'^resource "([a-z0-9_]+)" "([a-z0-9_]+)"', code(), re.MULTILINE):
        found.setdefault(type_, []).append(name)
    return found


def plain(value: Any) -> Any:
    """A value as python-hcl2 gives it, without the quotes that it keeps."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if value == "null":
        return None
    return value.strip('"') if isinstance(value, str) else value
