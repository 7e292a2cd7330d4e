"""The runbook speaks of messages that the tool really prints, of alarms and controls that exist."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.suite.support import ROOT
from verify.inputs import catalogue

RUNBOOK = ROOT / "docs" / "runbook.md"
# What a message is filled with.
_HOLE = "\N{REPLACEMENT CHARACTER}"
_FOLDERS = ("deploy", "verify", "sandbox", "lambda/compliance_checker")
# So much of a message must be its own words, that it can be no other.
_FEWEST_LETTERS = 15


def _templates(path: Path) -> Iterator[str]:
    """Every text of a module, whole however it is split, with holes where it is filled."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    # What is printed stands in a call, and never by itself, as docstrings do.
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if id(node) in alone:
            continue
        if isinstance(node, ast.JoinedStr):
            yield "".join(
                str(part.value) if isinstance(part, ast.Constant) else _HOLE for part in node.values
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


@cache
def _printed() -> tuple[str, ...]:
    """All that the tool can print, and what Terraform says of a variable that it refuses."""
    ours = [
        text
        for folder in _FOLDERS
        for path in (ROOT / folder).rglob("*.py")
        for text in _templates(path)
    ]
    refusals = [
        found
        for path in (ROOT / "terraform").rglob("*.tf")
        for found in re.findall(r'error_message\s*=\s*"(.*)"', path.read_text(encoding="utf-8"))
    ]
    return (*ours, *refusals)


def _is_printed(message: str) -> bool:
    """Whether some text of the tool has the message's words in this order, and fills the gaps."""
    pieces = [piece.strip() for piece in message.split("…")]
    pattern = re.compile(rf".*{_HOLE}.*".join(map(re.escape, pieces)), re.IGNORECASE | re.DOTALL)
    return any(pattern.search(text) for text in _printed())


def _rows() -> list[list[str]]:
    """The rows of all tables of messages: message, why, what to do."""
    text = RUNBOOK.read_text(encoding="utf-8")
    tables = re.findall(r"\| message \| why \| what to do \|\n\|[- |]+\n((?:\|.*\n)+)", text)
    return [
        [cell.strip() for cell in line.strip().strip("|").split(" | ")]
        for table in tables
        for line in table.splitlines()
    ]


MESSAGES = [row[0].strip("`") for row in _rows()]


def test_there_are_as_many_as_people_meet_and_none_twice() -> None:
    assert len(MESSAGES) >= 25
    assert len(set(MESSAGES)) == len(MESSAGES)


def test_each_has_a_cause_and_a_remedy() -> None:
    for row in _rows():
        assert len(row) == 3, row
        assert row[0].startswith("`"), row
        assert row[0].endswith("`"), row
        assert all(len(cell) > 8 for cell in row), row


@pytest.mark.parametrize("message", MESSAGES)
def test_the_tool_prints_each(message: str) -> None:
    assert len(re.sub(r"[^A-Za-z]", "", message)) >= _FEWEST_LETTERS
    assert _is_printed(message), "no text of the tool is this message"


@pytest.mark.parametrize(
    "message",
    [
        "the verifier role … could not be presumed",  # another word
        "could not be assumed … the verifier role",  # another order
        "the … verifier role could not be assumed",  # filled elsewhere
        "no AWS credentials found … anywhere",  # filled where nothing is
    ],
)
def test_a_message_that_nobody_prints_is_noticed(message: str) -> None:
    assert not _is_printed(message)


def test_every_control_that_the_page_names_is_one() -> None:
    known = catalogue.load()
    named = set(re.findall(r"`([a-z]+(?:-[a-z]+){2,})`", RUNBOOK.read_text(encoding="utf-8")))
    roles = {name for name in named if name.startswith(("alarm-", "role-", "audit-trail-"))}
    assert named - roles <= set(known), named - roles - set(known)
