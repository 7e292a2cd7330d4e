"""What the Terraform configuration declares, read with python-hcl2 and without running Terraform.

Only what can be known without Terraform is resolved: literals, variables with a literal value in a
tfvars file or in their default, and what a module is given of these. Everything else is
Unresolved, never guessed.

Parsing HCL is slow, so only the blocks that are asked for are parsed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
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
_LABELS = (
    r'(?:resource[ \t]+"(?P<kind>[^"\n]+)"|(?P<block>variable|module))[ \t]+"(?P<name>[^"\n]+)"'
)
_HEADER = re.compile(rf"{_LABELS}[ \t]*{{")
_OPENING = re.compile(r"[ \t]*(?:resource|variable|module)\b")
_STRING_OR_COMMENT = re.compile(r'"(?:\\.|[^"\\\n])*"|(?:#|//).*')
_HIDING = re.compile(r"/\*|<<")  # block comments and heredocs may hold what looks like a block

# (kind, name) of a resource, ("variable", name) of a variable, ("module", name) of a module's call
_Labels = tuple[str, str]
_OTHERS = ("variable", "module")
# Arguments of a module's call that are Terraform's own and no variables of the module.
_OF_CALLS = frozenset({"source", "version", "count", "for_each", "providers", "depends_on"})


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


class _Module:
    """The module in `folder`, its variables having the values that `given` returns.

    `address` is the module's own, with a dot behind, and empty for the root; `above` are the
    folders of those that call it.
    """

    def __init__(
        self,
        folder: Path,
        given: Callable[[], Mapping[str, Any]],
        address: str = "",
        above: tuple[Path, ...] = (),
    ) -> None:
        self._folder = folder
        self._give = given
        self._address = address
        self._above = above
        self._bodies: dict[_Labels, Mapping[str, Any]] = {}
        self._modules: dict[str, _Module] = {}

    def argument(self, address: str) -> Any:
        """The argument at `address`, seen from this module; None when it is not given."""
        kind, name, *path = address.split(".")
        if kind == "var":
            return self._variable(name)
        if kind == "module":
            return self._called(name).argument(".".join(path))
        value: Any = self._body((kind, name))
        for part in path:
            if isinstance(value, list):
                value = value[0] if value else None
            if not isinstance(value, Mapping):
                return None
            value = value.get(part)
        return self._plain(value)

    def resources(self) -> Iterator[str]:
        """The addresses of the resources that this module and those that it calls declare."""
        for kind, name in self._blocks:
            if kind == "module":
                yield from self._called(name).resources()
            elif kind != "variable":
                yield f"{self._address}{kind}.{name}"

    def _called(self, name: str) -> _Module:
        """The module that is called by this name."""
        if name not in self._modules:
            self._modules[name] = self._open(name)
        return self._modules[name]

    def _open(self, name: str) -> _Module:
        call = self._body(("module", name))
        address = f"{self._address}module.{name}"
        source = self._plain(call.get("source"))
        if not isinstance(source, str) or not source.startswith(("./", "../")):
            raise DeclaredError(
                f"{address} comes from {source}: what it declares cannot be read, since only "
                "modules in folders of the configuration (./ or ../) can"
            )
        folder = (self._folder / source).resolve()
        above = (*self._above, self._folder.resolve())
        if folder in above:
            raise DeclaredError(f"{address} calls itself")
        return _Module(folder, lambda: self._inputs(call), f"{address}.", above)

    def _inputs(self, call: Mapping[str, Any]) -> Mapping[str, Any]:
        """What a module's variables are given, as far as this module knows it."""
        left_out = _OF_CALLS | _BOOKKEEPING
        return {name: self._plain(value) for name, value in call.items() if name not in left_out}

    def _body(self, labels: _Labels) -> Mapping[str, Any]:
        if labels not in self._bodies:
            if labels not in self._blocks:
                declared = f"{self._address}{'.'.join(labels)}"
                raise NotDeclaredError(f"the configuration declares no {declared}")
            path, text = self._blocks[labels]
            self._bodies |= _only(labels, text) or _bodies(_parsed(path, _read(path)))
        return self._bodies[labels]

    @cached_property
    def _blocks(self) -> Mapping[_Labels, tuple[Path, str]]:
        """Where each block is, and its text."""
        files = sorted(self._folder.glob("*.tf"))
        if not files:
            raise DeclaredError(
                f"there is no Terraform configuration in {self._folder}: name the folder of the "
                "root module, with its modules in it, by --terraform-folder=<folder>"
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
    def _given(self) -> Mapping[str, Any]:
        return self._give()

    def _variable(self, name: str) -> Any:
        """The value of a variable; Unresolved where the configuration gives it none."""
        if name in self._given:
            return self._given[name]
        if ("variable", name) in self._blocks:
            declaration = self._body(("variable", name))
            if "default" in declaration:
                return self._plain(declaration["default"])
        return _unknown(name)

    def _plain(self, value: Any) -> Any:
        return _plain(value, self._variable)


class Configuration:
    """The root module in `folder` and what it calls, with `folder`/profiles/<profile>.tfvars.

    The values in the file `variables`, if there is one, take the place of the profile's.
    """

    def __init__(self, folder: Path, profile: str, variables: Path | None = None) -> None:
        own = folder / "profiles" / f"{profile}.tfvars"
        self._assignments = [
            *([own] if own.exists() else []),
            *([variables] if variables is not None else []),
        ]
        self._root = _Module(folder, self._assigned)

    def argument(self, address: str) -> Any:
        """The argument at `address`, such as `aws_kms_key.logs.policy`; None when it is not given.

        One of a module that is called begins with the call, without the index that it may have:
        `module.network.aws_vpc.audit.cidr_block`. `var.<name>` is the value of a variable. A nested
        block is entered at its first occurrence. Raises NotDeclaredError when there is no such
        resource, DeclaredError when there is no configuration, it is not HCL or not all here.
        """
        return self._root.argument(address)

    def resource_types(self) -> frozenset[str]:
        """The types of the resources that are declared. Raises DeclaredError."""
        return frozenset(address.split(".")[-2] for address in self._root.resources())

    def resources(self) -> frozenset[str]:
        """The addresses of the resources that are declared. Raises DeclaredError."""
        return frozenset(self._root.resources())

    def _assigned(self) -> Mapping[str, Any]:
        assigned: dict[str, Any] = {}
        for path in self._assignments:
            assigned |= _parsed(path, _read(path))
        return {name: _plain(value, _unknown) for name, value in assigned.items()}


def _cut(text: str) -> dict[_Labels, str] | None:
    """The blocks of a file, unparsed; None when they cannot be told apart without parsing."""
    # Looked for as plain text first: a search for what is not there need not take out strings.
    if any(mark in text for mark in ("/*", "<<")) and _HIDING.search(
        _STRING_OR_COMMENT.sub("", text)
    ):
        return None
    blocks: dict[_Labels, str] = {}
    openings, lines = 0, iter(text.split("\n"))
    for line in lines:
        if _OPENING.match(line) is None:
            continue
        openings += 1
        found = _HEADER.match(line)
        if found is None:
            continue
        block = [line]
        if not line.rstrip(" \t").endswith("}"):
            # The one that closes it; what the file lacks, parsing tells.
            for inner in lines:
                block.append(inner)
                openings += _OPENING.match(inner) is not None
                if inner.rstrip(" \t") == "}":
                    break
        blocks[found["kind"] or found["block"], found["name"]] = "\n".join(block)
    return blocks if len(blocks) == openings else None


def _only(labels: _Labels, text: str) -> dict[_Labels, Mapping[str, Any]] | None:
    """The one block that `text` should be; None when it was cut wrongly and is something else."""
    try:
        found = _bodies(_parsed(Path(), text))
    except DeclaredError:
        return None
    return found if set(found) == {labels} else None


def _bodies(document: Mapping[str, Any]) -> dict[_Labels, Mapping[str, Any]]:
    others = {(block, name): body for block in _OTHERS for name, body in _members(document, block)}
    resources = {
        (_unquoted(kind), _unquoted(name)): body
        for kind, named in _members(document, "resource")
        for name, body in named.items()
        if name not in _BOOKKEEPING
    }
    return others | resources


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


def _plain(value: Any, variable: Callable[[str], Any]) -> Any:
    """`value` without python-hcl2's bookkeeping and quotes, and with variables replaced."""
    if isinstance(value, Mapping):
        return {
            _unquoted(key): _plain(item, variable)
            for key, item in value.items()
            if key not in _BOOKKEEPING
        }
    if isinstance(value, list):
        return [_plain(item, variable) for item in value]
    if not isinstance(value, str):
        return value
    named = _VARIABLE.match(value)
    if named:
        return variable(named.group(1))
    if "${" in value or "%{" in value:
        return Unresolved(_unquoted(value))
    if value == "null":
        return None
    return _unquoted(value)


def _unknown(name: str) -> Unresolved:
    return Unresolved(f"${{var.{name}}}")


def _unquoted(text: str) -> str:
    return text[1:-1] if len(text) >= 2 and text[0] == text[-1] == '"' else text
