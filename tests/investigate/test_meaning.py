"""Whether two queries mean the same, and which columns one needs."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from verify.investigate import meaning, sql
from verify.investigate.meaning import QueryError, absent_columns, same
from verify.kept import Kept

ROOT = Path(__file__).resolve().parents[2]
SAVED = yaml.safe_load((ROOT / "terraform/modules/investigation/queries.yaml").read_text())
BASELINE = yaml.safe_load((ROOT / "verify/inputs/baselines/dev.yaml").read_text())
REQUIRED = BASELINE["investigation"]["queries"]
COLUMNS = {
    "eventtime": "string",
    "UserIdentity": "struct<arn:string,sessionContext:struct<sourceidentity:string>>",
    "resources": "array<struct<arn:string>>",
}
EXPECTED = "SELECT a AS b FROM trail WHERE x = ? AND (y = 'Y' OR z IS NULL) ORDER BY a"


@pytest.mark.parametrize(
    ("query", "equal"),
    [
        ("select a as b from t where x = ? and (y = 'Y' or z is null) order by a", True),
        ("-- a note\nSELECT A b FROM d.T WHERE (z IS NULL OR y='Y') AND ((x=?)) ORDER BY a;", True),
        ("SELECT a AS b FROM t WHERE x = ? AND y = 'Y' OR z IS NULL ORDER BY a", False),
        ("SELECT a AS b FROM t WHERE x = ? AND (y = 'y' OR z IS NULL) ORDER BY a", False),
        ("SELECT a AS b FROM t WHERE x = ? AND (y = 'Y' OR z IS NULL)", False),
        ("SELECT a AS b FROM t WHERE x = ? AND (y = 'Y' OR z IS NULL) ORDER BY a LIMIT 5", False),
        ("SELECT a AS b FROM t WHERE x <> ? AND (y = 'Y' OR z IS NULL) ORDER BY a", False),
        ("SELECT a AS b FROM other WHERE x = ? AND (y = 'Y' OR z IS NULL) ORDER BY a", False),
        ("SELECT a AS b FROM e.t WHERE x = ? AND (y = 'Y' OR z IS NULL) ORDER BY a", False),
        ("SELECT a AS b FROM trail WHERE x = ? AND (y = 'Y' OR z IS NULL) ORDER BY a", False),
    ],
)
def test_layout_case_and_order_mean_nothing_and_the_rest_does(query: str, equal: bool) -> None:
    assert same(query, EXPECTED, "d", "t") is equal


@pytest.mark.parametrize("query", ["", "SELECT FROM", "SELECT 1; SELECT 2", "DROP TABLE t", "?"])
def test_what_is_not_one_query_is_said(query: str) -> None:
    with pytest.raises(QueryError):
        same(query, EXPECTED, "d", "t")


@pytest.mark.parametrize(
    ("query", "absent"),
    [
        ("SELECT eventtime, useridentity.arn FROM t", []),
        ("SELECT useridentity.sessioncontext.sourceidentity AS who FROM t ORDER BY who", []),
        ("SELECT transform(resources, one -> one.arn) FROM t WHERE useridentity.ARN = ?", []),
        ("SELECT sourceipaddress FROM t", ["sourceipaddress"]),
        ("SELECT useridentity.username FROM t", ["useridentity.username"]),
        (
            "SELECT 1 FROM t WHERE useridentity.sessioncontext.issuer.arn IS NULL AND nothing = 1",
            ["nothing", "useridentity.sessioncontext.issuer.arn"],
        ),
    ],
)
def test_columns_that_a_table_lacks_are_named(query: str, absent: list[str]) -> None:
    assert absent_columns(query, COLUMNS) == absent


@pytest.mark.parametrize("kind", ["<nothing", "string-other", "struct<a:string> b", ""])
def test_a_column_of_an_unknown_type_is_said(kind: str) -> None:
    with pytest.raises(QueryError, match=re.escape(f"not a type of Hive's: {kind}")):
        absent_columns("SELECT a FROM t", {"a": kind})


def test_the_module_saves_what_the_baseline_asks_for() -> None:
    assert sorted(SAVED) == sorted(REQUIRED)


@pytest.mark.parametrize("name", sorted(REQUIRED))
def test_a_saved_query_means_what_the_baseline_says(name: str) -> None:
    described: dict[str, Any] = SAVED[name]
    assert same(described["query"].replace("{table}", "records"), REQUIRED[name], "d", "records")


def test_what_is_known_of_a_query_is_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setattr(meaning, "_KEPT", Kept(tmp_path, "query", "sqlglot"))
    query = "SELECT a, b FROM trail"
    asked = (
        lambda: absent_columns(query, {"a": "string"}),
        lambda: same(query, "SELECT a, b FROM trail -- both", "d", "trail"),
        lambda: same(query, "SELECT b, a FROM trail", "d", "trail"),
    )
    assert [ask() for ask in asked] == [["b"], True, False]
    for name in ("absent_columns", "same"):
        monkeypatch.delattr(sql, name)
    assert [ask() for ask in asked] == [["b"], True, False]
    with pytest.raises(AttributeError):
        absent_columns(query, {"a": "bigint"})
