"""What is known of queries of Athena's, read once: see `verify.investigate.sql`.

To load what reads SQL takes longer than most checks, and the queries are the same from run to run.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path

from verify.investigate.errors import QueryError
from verify.kept import Kept

__all__ = ["QueryError", "absent_columns", "same"]

_FOLDER = Path(__file__).parent
_KEPT = Kept(_FOLDER / "__pycache__", "query", "sqlglot")


def same(query: str, expected: str, database: str, table: str) -> bool:
    """Whether a query, asked in a database, means what `expected` does, which asks the trail.

    Raises QueryError for a text that is no query.
    """
    key = _key("same", query, expected, database, table)
    known = _KEPT.get(key)
    if known is None:
        from verify.investigate import sql

        known = [sql.same(query, expected, database, table)]
        _KEPT.put(key, known)
    return bool(known[0])


def absent_columns(query: str, columns: Mapping[str, str]) -> list[str]:
    """What a query asks for that a table of these columns, by name their Hive types, lacks.

    Raises QueryError for a text that is no query.
    """
    key = _key("absent", query, sorted(columns.items()))
    known: list[str] | None = _KEPT.get(key)
    if known is None:
        from verify.investigate import sql

        known = sql.absent_columns(query, columns)
        _KEPT.put(key, known)
    return known


def _key(*asked: object) -> str:
    return json.dumps([_judge(), *asked])


@cache
def _judge() -> str:
    """What the judgement is made by: another reading of it is another answer."""
    return sha256((_FOLDER / "sql.py").read_bytes()).hexdigest()
