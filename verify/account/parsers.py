"""Keeps in an answer what botocore's models do not know yet.

botocore drops a member that its model of the service lacks. Such a member is what AWS added since:
it belongs to the evidence, and to what the account of fields is held to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from botocore.model import Shape, StructureShape
from botocore.parsers import (
    PROTOCOL_PARSERS,
    BaseXMLResponseParser,
    ResponseParserFactory,
)

_Unknown = Callable[[Any, StructureShape, Any], Iterator[tuple[str, Any]]]

# What the protocols themselves put beside an operation's members.
_OF_PROTOCOL = frozenset({"__type", "ResponseMetadata", "RequestId", "requestId"})


class WholeAnswers(ResponseParserFactory):  # type: ignore[misc]  # botocore has no types
    """Makes parsers that keep unknown members: botocore's component `response_parser_factory`."""

    def create_parser(self, protocol_name: str) -> Any:
        """A parser of a protocol."""
        return _keeping(PROTOCOL_PARSERS[protocol_name])(**self._defaults)


@cache
def _keeping(parser: Any) -> Any:
    # Each family takes a structure as what its text was read into: mappings, or XML nodes.
    of_xml = issubclass(parser, BaseXMLResponseParser)
    unknown: _Unknown = _unknown_of_xml if of_xml else _unknown_of_mapping

    class Keeping(parser):  # type: ignore[misc]  # made for each of botocore's
        def __init__(self, **defaults: Any) -> None:
            super().__init__(**defaults)
            self.known_names: dict[str, frozenset[str]] = {}  # by shape

        def _handle_structure(self, shape: StructureShape, node: Any) -> Any:
            parsed = super()._handle_structure(shape, node)
            if isinstance(parsed, dict) and not shape.metadata.get("exception"):
                for name, value in unknown(self, shape, node):
                    parsed.setdefault(name, value)
            return parsed

    return Keeping


def _unknown_of_mapping(parser: Any, shape: StructureShape, node: Any) -> Iterator[tuple[str, Any]]:
    if not isinstance(node, dict) or shape.is_document_type:
        return
    for name in node.keys() - _known(parser, shape, _name_in_mapping):
        if node[name] is not None:
            yield name, node[name]


def _unknown_of_xml(parser: Any, shape: StructureShape, node: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(node, list):
        node = node[0]
    known = _known(parser, shape, parser._member_key_name)
    for child in node:
        name = parser._node_tag(child)
        if name not in known:
            yield name, _plain(parser, child)


def _name_in_mapping(member: Shape, name: str) -> str:
    return str(member.serialization.get("name", name))


def _known(
    parser: Any, shape: StructureShape, name_of: Callable[[Shape, str], str]
) -> frozenset[str]:
    """What the members of `shape` are called on the wire, and what the protocol adds."""
    known: frozenset[str] | None = parser.known_names.get(shape.name)
    if known is None:
        names = {name_of(member, name) for name, member in shape.members.items()}
        known = parser.known_names[shape.name] = frozenset(names | _OF_PROTOCOL)
    return known


def _plain(parser: Any, node: Any) -> Any:
    """An XML node without a model: its text, or its children by name."""
    if not len(node):
        return node.text or ""
    return {parser._node_tag(child): _plain(parser, child) for child in node}
