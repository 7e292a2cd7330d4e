"""Which management events a trail's selectors leave out.

Sources: CloudTrail API reference, EventSelector, AdvancedEventSelector, AdvancedFieldSelector;
CloudTrail user guide, "How CloudTrail evaluates multiple conditions for a field".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# What no selector names, and no prefix or suffix ends in.
_ANY_OTHER = "\0"
# The values that `readOnly` has, by a basic selector's ReadWriteType.
_READ_ONLY = {
    "All": ("true", "false"),
    "ReadOnly": ("true",),
    "WriteOnly": ("false",),
}
# What every record of an API call says; a record may lack any other field.
_ALWAYS_SAID = frozenset({"eventName", "eventSource", "eventType", "readOnly"})


@dataclass(frozen=True)
class _FieldTest:
    """What a selector demands of one field.

    Of the operators that select, one must be met, where there are any; of those that deselect,
    none may be.
    """

    field: str
    equal: frozenset[str] = frozenset()
    starts: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()
    unequal: frozenset[str] = frozenset()
    starts_not: tuple[str, ...] = ()
    ends_not: tuple[str, ...] = ()

    def accepts(self, value: str | None) -> bool:
        """Whether an event with this value passes; None stands for an event without the field."""
        if value is None:
            return not (self.equal or self.starts or self.ends)
        selected = (
            not (self.equal or self.starts or self.ends)
            or value in self.equal
            or value.startswith(self.starts)
            or value.endswith(self.ends)
        )
        deselected = (
            value in self.unequal
            or value.startswith(self.starts_not)
            or value.endswith(self.ends_not)
        )
        return selected and not deselected


_Selector = tuple[_FieldTest, ...]  # all must be met


def unrecorded(
    basic: Iterable[Mapping[str, Any]],
    advanced: Iterable[Mapping[str, Any]],
    read_write_type: str = "All",
) -> str | None:
    """A kind of management event that no selector records, in words; None when there is none.

    `basic` and `advanced` are EventSelectors and AdvancedEventSelectors of GetEventSelectors; an
    event is recorded when any of them selects it. `read_write_type` (All, ReadOnly, WriteOnly) says
    which events must be.
    """
    selectors = [*_from_basic(basic), *_from_advanced(advanced)]
    if not selectors:
        return "every management event"
    # Which selectors are still met, as bits, and the values of the fields that led there.
    reached: dict[int, tuple[str, ...]] = {(1 << len(selectors)) - 1: ()}
    for field in sorted({test.field for selector in selectors for test in selector}):
        met = dict[int, str]()
        for value in _candidates(field, selectors, read_write_type):
            met.setdefault(_accepting(selectors, field, value), _in_words(field, value))
        if len(met) == 1 and next(iter(met)) == (1 << len(selectors)) - 1:
            continue  # the field changes nothing
        reached = _narrowed(reached, met)
    return None if 0 not in reached else "events with " + ", ".join(reached[0])


def _narrowed(
    reached: Mapping[int, tuple[str, ...]], met: Mapping[int, str]
) -> dict[int, tuple[str, ...]]:
    """Which selectors are still met with one field more, and the values that led there."""
    narrowed = dict[int, tuple[str, ...]]()
    for before, said in reached.items():
        if before == 0:
            narrowed.setdefault(0, said)
            continue
        for bits, words in met.items():
            narrowed.setdefault(before & bits, (*said, words))
    return narrowed


def _from_basic(selectors: Iterable[Mapping[str, Any]]) -> Iterator[_Selector]:
    for selector in selectors:
        # AWS says these for every selector: what is left out is the default's.
        if not selector.get("IncludeManagementEvents", True):
            continue
        kinds = _READ_ONLY.get(selector.get("ReadWriteType", "All"), ())
        excluded = frozenset(selector.get("ExcludeManagementEventSources") or ())
        yield (
            _FieldTest("readOnly", equal=frozenset(kinds) or frozenset({_ANY_OTHER})),
            _FieldTest("eventSource", unequal=excluded),
        )


def _from_advanced(selectors: Iterable[Mapping[str, Any]]) -> Iterator[_Selector]:
    for selector in selectors:
        tests = [_field_test(item) for item in selector.get("FieldSelectors") or ()]
        categories = [test for test in tests if test.field == "eventCategory"]
        if categories and all(test.accepts("Management") for test in categories):
            yield tuple(test for test in tests if test not in categories)


def _field_test(item: Mapping[str, Any]) -> _FieldTest:
    def values(operator: str) -> tuple[str, ...]:
        return tuple(item.get(operator) or ())

    return _FieldTest(
        str(item.get("Field")),
        frozenset(values("Equals")),
        values("StartsWith"),
        values("EndsWith"),
        frozenset(values("NotEquals")),
        values("NotStartsWith"),
        values("NotEndsWith"),
    )


def _candidates(
    field: str, selectors: Sequence[_Selector], read_write_type: str
) -> Iterator[str | None]:
    """Values of a field, so many that whatever else a record says is treated like one of them.

    Which tests a text meets depends on which of their texts it is, and else on the longest of the
    prefixes that it starts with and the longest of the suffixes that it ends with.
    """
    if field == "readOnly":
        yield from _READ_ONLY[read_write_type]
        return
    tests = [test for selector in selectors for test in selector if test.field == field]
    prefixes = {"", *(text for test in tests for text in (*test.starts, *test.starts_not))}
    suffixes = {"", *(text for test in tests for text in (*test.ends, *test.ends_not))}
    yield from sorted({text for test in tests for text in test.equal | test.unequal})
    yield from (
        f"{prefix}{_ANY_OTHER}{suffix}"
        for prefix in sorted(prefixes)
        for suffix in sorted(suffixes)
    )
    if field not in _ALWAYS_SAID:
        yield None


def _accepting(selectors: Sequence[_Selector], field: str, value: str | None) -> int:
    """Which selectors an event with this value of the field may still pass, as bits."""
    return sum(
        1 << index
        for index, selector in enumerate(selectors)
        if all(test.accepts(value) for test in selector if test.field == field)
    )


def _in_words(field: str, value: str | None) -> str:
    if value is None:
        return f"no {field}"
    prefix, filler, suffix = value.partition(_ANY_OTHER)
    if not filler:
        return f"{field} {value}"
    return f"{field} {prefix}*{suffix}" if prefix or suffix else f"any other {field}"
