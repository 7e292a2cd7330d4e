"""Asks DuckDB: rows of JSON go in as a table of Hive's columns, rows of text come out."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from sandbox.queries.columns import Column
from sandbox.queries.statement import Statement, Table

_TYPES = {"VARCHAR": "varchar", "BIGINT": "bigint", "INTEGER": "integer", "BOOLEAN": "boolean"}


class QueryError(ValueError):
    """DuckDB refuses the query. The message is its own."""


@dataclass(frozen=True)
class Answer:
    """Columns (name and type) and rows; None is null."""

    columns: tuple[tuple[str, str], ...]
    rows: tuple[tuple[str | None, ...], ...]


def ask(
    statement: Statement, tables: Mapping[Table, tuple[Column, Iterable[Mapping[str, Any]]]]
) -> Answer:
    """Run a statement over its tables: each a row's type, and its rows. Raises QueryError."""
    with tempfile.TemporaryDirectory() as folder, duckdb.connect(":memory:") as connection:
        for number, (table, (row, records)) in enumerate(tables.items()):
            path = Path(folder) / f"{number}.json"
            with path.open("w", encoding="utf-8") as file:
                for record in records:
                    file.write(json.dumps(row.members(record)) + "\n")
            columns = {name: part.in_duckdb() for name, part in row.parts}
            connection.execute(
                f'CREATE TABLE "{table.stored}" AS '  # noqa: S608 - a name of ours
                "SELECT * FROM read_json(?, format = 'newline_delimited', columns = "
                + "{"
                + ", ".join(f"'{name}': '{type_}'" for name, type_ in columns.items())
                + "}"
                + ", maximum_object_size = 67108864)",
                [str(path)],
            )
        # From here on the query reads these tables, and nothing of this machine.
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        try:
            found = connection.execute(statement.text)
            described = found.description or []
            rows = found.fetchall()
        except duckdb.Error as error:
            raise QueryError(str(error).splitlines()[0]) from None
    return Answer(
        tuple((str(one[0]), _TYPES.get(str(one[1]), "varchar")) for one in described),
        tuple(tuple(_text(value) for value in row) for row in rows),
    )


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value) if isinstance(value, dict | list) else str(value)
