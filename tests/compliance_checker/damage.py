"""Records with parts taken out or replaced by anything at all."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

from tests.compliance_checker.records import Record
from tests.compliance_checker.violations import LOOK_ALIKES, VIOLATIONS

_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(max_size=20),
    st.sampled_from(["*", "0.0.0.0/0", "Allow", "true", "%7B", "{", "x" * 5000, "\ud800", "-1"]),
)
JSON = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.one_of(st.text(max_size=8), st.sampled_from(["items", "item", "Statement"])),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=12,
)
RECORDS = [case for _, case, _ in VIOLATIONS] + [case for _, case in LOOK_ALIKES]
GONE = object()


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every part of a record."""
    members = value.items() if isinstance(value, dict) else enumerate(value)
    for key, member in members:
        yield (*path, key)
        if isinstance(member, (dict, list)):
            yield from paths(member, (*path, key))


def changed_record(record: Record, path: tuple[Any, ...], value: Any) -> Record:
    """A copy with another value at a path, or without it for GONE."""
    changed: Record = copy.deepcopy(record)
    place: Any = changed
    for key in path[:-1]:
        place = place[key]
    if value is GONE:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return changed


@st.composite
def damaged_records(draw: st.DrawFn) -> Record:
    """A record of the tables with up to three parts gone or replaced."""
    record: Record = draw(st.sampled_from(RECORDS))
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(list(paths(record))))
        record = changed_record(record, path, draw(st.one_of(st.just(GONE), JSON)))
    return record
