"""The Terraform modules as text: what their files declare. Without a folder named, all of them."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import hcl2

ROOT = Path(__file__).resolve().parents[2]
MODULE = ROOT / "terraform"


# The root module, and those that it calls.
MODULES = (MODULE, *sorted(path.parent for path in MODULE.glob("modules/*/variables.tf")))


@cache
def text(module: Path | None = None) -> str:
    """All files of a module, one after another."""
    folders = MODULES if module is None else (module,)
    paths = [path for folder in folders for path in sorted(folder.glob("*.tf"))]
    return "\n".join(path.read_text(encoding="utf-8") for path in paths)


@cache
def code(module: Path | None = None) -> str:
    """The same without comments."""
    return re.sub(r"^\s*#.*$", "", text(module), flags=re.MULTILINE)


def native_tests(module: Path | None = None) -> list[Path]:
    """The files of a module's native tests."""
    folders = MODULES if module is None else (module,)
    return [path for folder in folders for path in sorted(folder.glob("tests/*.tftest.hcl"))]


@cache
def blocks(kind: str, module: Path = MODULE) -> dict[str, dict[str, Any]]:
    """The blocks of a kind with one label ("variable", "output") by label, of one module."""
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(module.glob("*.tf")):
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
