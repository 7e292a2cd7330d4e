"""What the Terraform configuration declares, read with python-hcl2 and without running Terraform.

Only what can be known without Terraform is resolved: literals, and variables with a literal value
in the profile's tfvars or in their default. Everything else is Unresolved, never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

MAXIMUM_BYTES = 2_000_000
_VARIABLE = re.compile(r"^\$\{var\.([A-Za-z_][\w-]*)\}$")
_BOOKKEEPING = frozenset({"__is_block__", "__comments__", "__inline_comments__"})


class DeclaredError(Exception):
    """The configuration cannot be read. The message names the file and the cause."""


@dataclass(frozen=True)
class Unresolved:
    """A value that only Terraform can compute; `expression` is how the configuration spells it."""

    expression: str

    def __str__(self) -> str:
        return f"the expression {self.expression}"


@dataclass(frozen=True)
class Declared:
    """The resources of a root module: (type, name) -> arguments; nested blocks are lists."""

    resources: Mapping[tuple[str, str], Mapping[str, Any]]

    def argument(self, kind: str, name: str, *path: str) -> Any:
        """The argument at `path` of a resource, None when it is not given.

        A nested block is entered at its first occurrence. Raises DeclaredError when the
        configuration has no such resource.
        """
        if (kind, name) not in self.resources:
            raise DeclaredError(f"the configuration declares no {kind}.{name}")
        value: Any = self.resources[(kind, name)]
        for part in path:
            if isinstance(value, list):
                value = value[0] if value else None
            if not isinstance(value, Mapping):
                return None
            value = value.get(part)
        return value


def load(folder: Path, profile: str, kinds: Iterable[str]) -> Declared:
    """The resources of `kinds` in `folder`/*.tf, with values of `folder`/profiles/<profile>.tfvars.

    Only files that declare a resource of `kinds` or a variable are parsed, since parsing is slow.
    Raises DeclaredError when there is no configuration or a file is not HCL.
    """
    files = sorted(folder.glob("*.tf"))
    if not files:
        raise DeclaredError(
            f"there is no Terraform configuration in {folder}: name its folder with "
            "--terraform-folder=<folder>"
        )
    wanted = [path for path in files if _concerns(path, kinds)]
    parsed = [parse(path) for path in wanted]
    values: dict[str, Any] = {}
    for document in parsed:
        for block in document.get("variable", []):
            for name, body in block.items():
                if name not in _BOOKKEEPING and "default" in body:
                    values[_unquoted(name)] = _plain(body["default"], {})
    chosen = folder / "profiles" / f"{profile}.tfvars"
    if chosen.exists():
        assigned = parse(chosen)
        values |= {
            name: _plain(value, {}) for name, value in assigned.items() if name not in _BOOKKEEPING
        }
    resources: dict[tuple[str, str], Mapping[str, Any]] = {}
    for document in parsed:
        for block in document.get("resource", []):
            for kind, named in block.items():
                if kind in _BOOKKEEPING:
                    continue
                for name, body in named.items():
                    if name not in _BOOKKEEPING:
                        resources[(_unquoted(kind), _unquoted(name))] = _plain(body, values)
    return Declared(resources)


def _concerns(path: Path, kinds: Iterable[str]) -> bool:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise DeclaredError(f"{path} cannot be read: {error}") from None
    words = "|".join(map(re.escape, kinds))
    return re.search(rf'^\s*(variable\s|resource\s+"({words})")', text, re.MULTILINE) is not None


def parse(path: Path) -> Mapping[str, Any]:
    """The blocks and assignments of an HCL file.

    Raises DeclaredError when it cannot be read or is not HCL.
    """
    try:
        if path.stat().st_size > MAXIMUM_BYTES:
            raise DeclaredError(f"{path} exceeds {MAXIMUM_BYTES:,} bytes")
        return _parsed(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DeclaredError(f"{path} cannot be read: {error}") from None
    except (ValueError, UnicodeError) as error:
        raise DeclaredError(f"{path} is not HCL: {str(error).splitlines()[0]}") from None


@cache
def _parsed(text: str) -> Mapping[str, Any]:
    # Imported here: its parser takes a quarter of a second, which only this check needs.
    import hcl2

    document: Mapping[str, Any] = hcl2.loads(text)
    return document


def _unquoted(text: str) -> str:
    return text[1:-1] if len(text) >= 2 and text[0] == text[-1] == '"' else text


def _plain(value: Any, variables: Mapping[str, Any]) -> Any:
    """`value` as python-hcl2 gives it, without its bookkeeping and quotes, variables replaced."""
    if isinstance(value, Mapping):
        return {
            _unquoted(key): _plain(item, variables)
            for key, item in value.items()
            if key not in _BOOKKEEPING
        }
    if isinstance(value, list):
        return [_plain(item, variables) for item in value]
    if not isinstance(value, str):
        return value
    named = _VARIABLE.match(value)
    if named and named.group(1) in variables:
        return variables[named.group(1)]
    if "${" in value or "%{" in value:
        return Unresolved(_unquoted(value))
    if value == "null":
        return None
    return _unquoted(value)
