"""Whether two queries of Athena's mean the same, and which columns one needs.

Layout, case, comments, parentheses and the order of conditions mean nothing. Whatever else differs
is taken to mean something else.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager

from sqlglot import exp, parse
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.normalize_identifiers import normalize_identifiers

from verify.investigate.errors import QueryError

_DIALECT = "athena"
# How a query of ours names the trail's table.
TRAIL = "trail"


def same(query: str, expected: str, database: str, table: str) -> bool:
    """Whether a query, asked in a database, means what `expected` does, which asks TRAIL.

    Raises QueryError for a text that is no query.
    """
    ours = {(database, table), ("", table)}
    with _bounded():
        return _canonical(query, ours) == _canonical(expected, {("", TRAIL)})


@contextmanager
def _bounded() -> Iterator[None]:
    try:
        yield
    except RecursionError:
        raise QueryError("it is nested too deeply") from None


def _tree(query: str) -> exp.Expr:
    try:
        trees = [tree for tree in parse(query, read=_DIALECT) if tree is not None]
    except SqlglotError as error:
        raise QueryError(f"not SQL: {error}") from None
    if len(trees) != 1 or not isinstance(trees[0], exp.Query):
        raise QueryError("not one query")
    return trees[0]


def _canonical(query: str, ours: Collection[tuple[str, str]]) -> str:
    """The query in one form, the trail's table under a name that no other has."""
    tree = normalize_identifiers(_tree(query), dialect=_DIALECT)
    for node in tree.find_all(exp.Table):
        if (node.db, node.name) in ours and not node.catalog:
            node.set("db", None)
            node.set("this", exp.to_identifier("the trail's", quoted=True))
    return _sorted(tree.transform(_bare)).sql(dialect=_DIALECT, comments=False, normalize=True)


def _bare(node: exp.Expr) -> exp.Expr:
    return node.unnest() if isinstance(node, exp.Paren) else node


def _sorted(tree: exp.Expr) -> exp.Expr:
    """The same with the operands of each AND and OR in one order, and in parentheses."""

    def sort(node: exp.Expr) -> exp.Expr:
        if not isinstance(node, exp.And | exp.Or) or isinstance(node.parent, type(node)):
            return node
        parts = [
            _sorted(part.copy()) if isinstance(part, exp.And | exp.Or) else part
            for part in node.flatten()
        ]
        ordered = sorted(parts, key=lambda part: part.sql(dialect=_DIALECT, comments=False))
        joined = exp.and_ if isinstance(node, exp.And) else exp.or_
        return joined(*ordered, copy=True)

    return tree.transform(sort)


# --- columns --------------------------------------------------------------------------------------


def absent_columns(query: str, columns: Mapping[str, str]) -> list[str]:
    """What a query asks for that a table of these columns, by name their Hive types, lacks.

    Raises QueryError for a text that is no query.
    """
    with _bounded():
        return _absent_columns(query, columns)


def _absent_columns(query: str, columns: Mapping[str, str]) -> list[str]:
    types = {name.lower(): _type(kind) for name, kind in columns.items()}
    tree = _tree(query)
    named = {one.alias.lower() for one in tree.find_all(exp.Alias)}
    return sorted(
        {
            ".".join(path)
            for path in _paths(tree)
            if not _has(types, path) and not (len(path) == 1 and path[0] in named)
        }
    )


def _type(kind: str) -> exp.DataType:
    try:
        found = exp.DataType.build(kind, dialect="hive")
    except SqlglotError:
        found = None
    # Whatever stands behind a type is passed over.
    if found is None or _plain(found.sql(dialect="hive")) != _plain(kind):
        raise QueryError(f"not a type of Hive's: {kind}")
    return found


def _plain(kind: str) -> str:
    return "".join(kind.split()).lower()


def _paths(tree: exp.Expr) -> Iterator[tuple[str, ...]]:
    bound = {
        one.name.lower() for function in tree.find_all(exp.Lambda) for one in function.expressions
    }
    for column in tree.find_all(exp.Column):
        names = [part.name.lower() for part in column.parts]
        node: exp.Expr = column
        while isinstance(node.parent, exp.Dot) and node.parent.this is node:
            node = node.parent
            names.append(node.expression.name.lower())
        if names[0] not in bound:
            yield tuple(names)


def _has(types: Mapping[str, exp.DataType], path: tuple[str, ...]) -> bool:
    found = types.get(path[0])
    for name in path[1:]:
        members = found.expressions if found is not None else []
        found = next((one.kind for one in members if one.name.lower() == name), None)
    return found is not None
