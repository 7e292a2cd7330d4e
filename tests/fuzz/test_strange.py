"""Strange input: always a value or the house's own error, never a traceback.

`FUZZ_EXAMPLES=1000` tries more.
"""

from __future__ import annotations

import base64
import hashlib
import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.doors import DOORS, Door
from tests.fuzz.entering import READ, enter, examples, folder
from tests.fuzz.foreign import as_json, documents, texts

_PROFILE = settings(
    max_examples=int(os.environ.get("FUZZ_EXAMPLES", "60")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
_MOST_SHOWN = 20_000


def _keep(name: str, content: bytes) -> str:
    """How to keep a failure as an example."""
    if len(content) > _MOST_SHOWN:
        return f"{len(content):,} bytes"
    path = f"tests/fuzz/corpus/{folder(name)}/{hashlib.sha256(content).hexdigest()[:12]}"
    return f"keep it as {path}: base64 {base64.b64encode(content).decode()}"


def _contents(door: Door) -> st.SearchStrategy[bytes]:
    strange, given_documents = texts(examples(door)), door.documents()
    if not given_documents:
        return strange
    return st.one_of(documents(given_documents).map(as_json), strange)


@pytest.mark.parametrize("name", DOORS)
def test_each_example_is_read(name: str) -> None:
    """Otherwise what is made of it would be refused at the first step."""
    door = DOORS[name]
    assert READ in {enter(door, content) for content in examples(door)}


@pytest.mark.parametrize("name", DOORS)
def test_what_is_strange_is_read_or_refused(name: str) -> None:
    door = DOORS[name]

    @_PROFILE
    @given(_contents(door))
    def try_it(content: bytes) -> None:
        try:
            enter(door, content)
        except Exception as error:
            error.add_note(_keep(name, content))
            raise

    try_it()
