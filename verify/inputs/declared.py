"""What the Terraform configuration declares, read with python-hcl2 and without running Terraform.

Only what can be known without Terraform is resolved: literals, and variables with a literal value
in a tfvars file or in their default. Everything else is Unresolved, never guessed.

Parsing HCL is slow, so only the blocks that are asked for are parsed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from verify.inputs import hcl
from verify.inputs.reader import UnreadableError, read_text

MAXIMUM_CHARACTERS = 2_000_000
_VARIABLE = re.compile(r"^\$\{var\.([A-Za-z_][\w-]*)\}$")
_BOOKKEEPING = frozenset({"__is_block__", "__comments__", "__inline_comments__"})

# Blocks as `terraform fmt` lays them out: on one line, or closed by a brace in the first column.
_LABELS = r'(?:resource[ \t]+"(?P<kind>[^"\n]+)"[ \t]+|variable[ \t]+)"(?P<name>[^"\n]+)"'
_BLOCK = re.compile(rf"^{_LABELS}[ \t]*{{(?:.*}}[ \t]*$|(?s:.*?)^}}[ \t]*$)", re.MULTILINE)
_OPENING = re.compile(r"^[ \t]*(?:resource|variable)\b", re.MULTILINE)
_STRING_OR_COMMENT = re.compile(r'"(?:\\.|[^"\\\n])*"|(?:#|//).*')
_HIDING = re.compile(r"/\*|<<")  # block comments and heredocs may hold what looks like a block

# (kind, name) of a resource, ("variable", name) of a variable
_Labels = tuple[str, str]


class DeclaredError(Exception):
    """The configuration cannot be read. The message names the file and the cause."""


class NotDeclaredError(DeclaredError):
    """The configuration has no such resource."""


@dataclass(frozen=True)
class Unresolved:
    """A value that only Terraform can compute; `expression` is how the configuration spells it."""

    expression: str

    def __str__(self) -> str:
        return f"the expression {self.expression}"


class Configuration:
    """The root module in `folder`, with the values of `folder`/profiles/<profile>.tfvars.

    Those in the file `variables`, if there is one, take their place.
    """

    def __init__(self, folder: Path, profile: str, variables: Path | None = None) -> None:
        self._folder = folder
        own = folder / "profiles" / f"{profile}.tfvars"
        self._assignments = [
            *([own] if own.exists() else []),
            *([variables] if variables is not None else []),
        ]
        self._bodies: dict[_Labels, Mapping[str, Any]] = {}

    def argument(self, address: str) -> Any:
        """The argument at `address`, such as `aws_vpc.audit.cidr_block`; None when it is not given.

        `var.<name>` is the value of a variable.
        A nested block is entered at its first occurrence. Raises NotDeclaredError when
        there is no such resource, DeclaredError when there is no configuration or it is not HCL.
        """
        kind, name, *path = address.split(".")
        if kind == "var":
            return self._variable(name)
        value: Any = self._body((kind, name))
        for part in path:
            if isinstance(value, list):
                value = value[0] if value else None
            if not isinstance(value, Mapping):
                return None
            value = value.get(part)
        return self._plain(value)

    def resource_types(self) -> frozenset[str]:
        """The types of the resources that are declared. Raises DeclaredError."""
        return frozenset(kind for kind, _ in self._blocks if kind != "variable")

    def resources(self) -> frozenset[str]:
        """The addresses of the resources that are declared. Raises DeclaredError."""
        return frozenset(f"{kind}.{name}" for kind, name in self._blocks if kind != "variable")

    def _body(self, labels: _Labels) -> Mapping[str, Any]:
        if labels not in self._bodies:
            if labels not in self._blocks:
                raise NotDeclaredError(f"the configuration declares no {'.'.join(labels)}")
            path, text = self._blocks[labels]
            self._bodies |= _only(labels, text) or _bodies(_parsed(path, _read(path)))
        return self._bodies[labels]

    @cached_property
    def _blocks(self) -> Mapping[_Labels, tuple[Path, str]]:
        """Where each block is, and its text."""
        files = sorted(self._folder.glob("*.tf"))
        if not files:
            raise DeclaredError(
                f"there is no Terraform configuration in {self._folder}: name its folder with "
                "--terraform-folder=<folder>"
            )
        found: dict[_Labels, tuple[Path, str]] = {}
        for path in files:
            text = _read(path)
            blocks = _cut(text)
            if blocks is None:
                whole = _bodies(_parsed(path, text))
                self._bodies |= whole
                blocks = dict.fromkeys(whole, text)
            found |= {labels: (path, block) for labels, block in blocks.items()}
        return found

    @cached_property
    def _assigned(self) -> Mapping[str, Any]:
        assigned: dict[str, Any] = {}
        for path in self._assignments:
            assigned |= _parsed(path, _read(path))
        return assigned

    def _variable(self, name: str) -> Any:
        """The value of a variable; Unresolved where the configuration gives it none."""
        given = self._assigned
        if name not in given and ("variable", name) in self._blocks:
            declaration = self._body(("variable", name))
            given = {name: declaration["default"]} if "default" in declaration else {}
        return self._plain(given[name]) if name in given else Unresolved(f"${{var.{name}}}")

    def _plain(self, value: Any) -> Any:
        """`value` without python-hcl2's bookkeeping and quotes, and with variables replaced."""
        if isinstance(value, Mapping):
            return {
                _unquoted(key): self._plain(item)
                for key, item in value.items()
                if key not in _BOOKKEEPING
            }
        if isinstance(value, list):
            return [self._plain(item) for item in value]
        if not isinstance(value, str):
            return value
        named = _VARIABLE.match(value)
        if named:
            return self._variable(named.group(1))
        if "${" in value or "%{" in value:
            return Unresolved(_unquoted(value))
        if value == "null":
            return None
        return _unquoted(value)


def _cut(text: str) -> dict[_Labels, str] | None:
    """The blocks of a file, unparsed; None when they cannot be told apart without parsing."""
    if _HIDING.search(_STRING_OR_COMMENT.sub("", text)):
        return None
    blocks = {
        (found["kind"] or "variable", found["name"]): found[0] for found in _BLOCK.finditer(text)
    }
    return blocks if len(blocks) == len(_OPENING.findall(text)) else None


def _only(labels: _Labels, text: str) -> dict[_Labels, Mapping[str, Any]] | None:
    """The one block that `text` should be; None when it was cut wrongly and is something else."""
    try:
        found = _bodies(_parsed(Path(), text))
    except DeclaredError:
        return None
    return found if set(found) == {labels} else None


def _bodies(document: Mapping[str, Any]) -> dict[_Labels, Mapping[str, Any]]:
    variables = {("variable", name): body for name, body in _members(document, "variable")}
    resources = {
        (_unquoted(kind), _unquoted(name)): body
        for kind, named in _members(document, "resource")
        for name, body in named.items()
        if name not in _BOOKKEEPING
    }
    return variables | resources


def _members(document: Mapping[str, Any], block: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for found in document.get(block, []):
        for label, body in found.items():
            if label not in _BOOKKEEPING:
                yield _unquoted(label), body


def _read(path: Path) -> str:
    try:
        return read_text(path, str(path), MAXIMUM_CHARACTERS)
    except UnreadableError as error:
        raise DeclaredError(str(error)) from None


def _parsed(path: Path, text: str) -> Mapping[str, Any]:
    try:
        return hcl.parsed(text)
    except hcl.HclError as error:
        raise DeclaredError(f"{path} is not HCL: {error}") from None


def _unquoted(text: str) -> str:
    return text[1:-1] if len(text) >= 2 and text[0] == text[-1] == '"' else text
