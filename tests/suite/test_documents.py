"""Every YAML document of the suite is of values that JSON has: so PyYAML reads it but once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from verify.inputs.located import read_located

_SUITE = Path(__file__).resolve().parents[2] / "verify"
_DOCUMENTS = sorted(_SUITE.rglob("*.yaml"))


def test_there_are_documents() -> None:
    assert {path.name for path in _DOCUMENTS} >= {"dev.yaml", "ec2.yaml", "cloudtrail.yaml"}


@pytest.mark.parametrize("path", _DOCUMENTS, ids=lambda path: str(path.relative_to(_SUITE)))
def test_a_document_comes_back_from_json_as_it_went(path: Path) -> None:
    value = read_located(path, str(path), 10_000_000).value
    assert json.loads(json.dumps(value)) == value


def test_a_time_is_read_as_the_text_that_it_is(tmp_path: Path) -> None:
    path = tmp_path / "times.yaml"
    path.write_text("at: 2999-01-01T00:00:00Z\nday: 2026-01-02\n")
    assert read_located(path, "times", 100).value == {
        "at": "2999-01-01T00:00:00Z",
        "day": "2026-01-02",
    }
