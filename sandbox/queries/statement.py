"""A query's text: its parameters put in, its tables named, and the same in DuckDB's dialect.

https://docs.aws.amazon.com/athena/latest/ug/querying-with-prepared-statements.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import exp, parse, parse_one
from sqlglot.dialects.athena import Athena
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import TokenType

_CATALOG = "awsdatacatalog"


class StatementError(ValueError):
    """A query that Athena would refuse. The message is the reason that it gives."""


@dataclass(frozen=True)
class Table:
    """A table that a query reads; ``stored`` is its name in DuckDB."""

    database: str
    name: str

    @property
    def stored(self) -> str:
        """One name of both, which no other pair gives."""
        return f"{len(self.database)}_{self.database}_{self.name}"


@dataclass(frozen=True)
class Statement:
    """What is to be asked of DuckDB, and of which tables."""

    text: str
    tables: tuple[Table, ...]


def prepare(query: str, parameters: Sequence[str], database: str) -> Statement:
    """Read a query. ``database`` is the one that a table without one is in.

    Raises StatementError for what is no query, or has another number of parameters.
    """
    try:
        trees = [tree for tree in parse(_filled(query, parameters), read="athena") if tree]
    except SqlglotError as error:
        raise StatementError(f"SYNTAX_ERROR: {error}") from None
    if len(trees) != 1:
        raise StatementError("SYNTAX_ERROR: Only one sql statement is allowed")
    [tree] = trees
    if not isinstance(tree, exp.Query):
        raise StatementError("NOT_SUPPORTED: only SELECT is known here")
    common = {cte.alias_or_name for cte in tree.find_all(exp.CTE)}
    tables = []
    for node in list(tree.find_all(exp.Table)):
        if not isinstance(node.this, exp.Identifier):
            raise StatementError("NOT_SUPPORTED: table functions are not known here")
        if not node.db and node.name in common:
            continue
        if node.catalog.lower() not in ("", _CATALOG):
            raise StatementError(f"CATALOG_NOT_FOUND: Catalog {node.catalog!r} does not exist")
        table = Table((node.db or database).lower(), node.name.lower())
        tables.append(table)
        renamed = exp.to_table(f'"{table.stored}"', alias=node.alias or node.name)
        node.replace(renamed)
    return Statement(tree.sql(dialect="duckdb"), tuple(dict.fromkeys(tables)))


def _filled(query: str, parameters: Sequence[str]) -> str:
    """The query with each question mark replaced by its parameter, a constant in SQL."""
    try:
        places = [
            (token.start, token.end)
            for token in Athena().tokenize(query)
            if token.token_type is TokenType.PLACEHOLDER
        ]
    except SqlglotError as error:
        raise StatementError(f"SYNTAX_ERROR: {error}") from None
    if len(places) != len(parameters):
        raise StatementError(
            "INVALID_PARAMETER_USAGE: Incorrect number of parameters: "
            f"expected {len(places)} but found {len(parameters)}"
        )
    text = query
    for (start, end), parameter in reversed(list(zip(places, parameters, strict=True))):
        text = f"{text[:start]}{_constant(parameter)}{text[end + 1 :]}"
    return text


def _constant(parameter: str) -> str:
    try:
        found = parse_one(parameter, read="athena")
    except SqlglotError:
        found = None
    inner = found.this if isinstance(found, exp.Neg | exp.Cast) else found
    if found is None or not isinstance(inner, exp.Literal | exp.Boolean | exp.Null):
        raise StatementError(f"INVALID_PARAMETER_USAGE: not a constant: {parameter}")
    return found.sql(dialect="athena")
