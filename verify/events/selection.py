"""Which events a trail's selectors leave out, and which data events they take.

Sources: CloudTrail API reference, EventSelector, DataResource, AdvancedEventSelector,
AdvancedFieldSelector; CloudTrail user guide, "How CloudTrail evaluates multiple conditions for a
field".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
_OBJECTS = "AWS::S3::Object"


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
_Values = Iterable[str | None]  # of a field, so many as there are ways to treat an event
_Domain = Callable[[str, Sequence[_FieldTest]], _Values]  # by a field and what is asked of it


@dataclass(frozen=True)
class DataEvents:
    """Events of what is done to resources of a type, by the type that CloudTrail gives.

    Their ARNs begin with `arn`, and with none of `but_for`. Without `names` they may be any event.
    """

    type: str  # such as AWS::S3::Object
    arn: str
    but_for: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    read_write_type: str = "All"

    def values(self, field: str, tests: Sequence[_FieldTest]) -> _Values:
        """What a field of such an event may say."""
        if field == "resources.type":
            return [self.type]
        if field == "eventSource":  # CloudTrail's types begin with the service's name
            return [f"{self.type.split('::')[1].lower()}.amazonaws.com"]
        if field == "readOnly":
            return _READ_ONLY[self.read_write_type]
        if field == "resources.ARN":
            return (text for text in _texts(tests, self.arn) if not text.startswith(self.but_for))
        if field == "eventName" and self.names:
            return self.names
        return _any_values(field, tests)


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

    def values(field: str, tests: Sequence[_FieldTest]) -> _Values:
        return _READ_ONLY[read_write_type] if field == "readOnly" else _any_values(field, tests)

    selectors = [*_management(basic), *_advanced(advanced, "Management")]
    if not selectors:
        return "every management event"
    return _left_out(selectors, values)


def unrecorded_data(
    basic: Iterable[Mapping[str, Any]],
    advanced: Iterable[Mapping[str, Any]],
    events: DataEvents,
) -> str | None:
    """Some of `events` that no selector records, in words; None when all are recorded."""
    selectors = [*_data(basic), *_advanced(advanced, "Data")]
    if not selectors:
        return "every data event"
    return _left_out(selectors, events.values)


def recorded_data(
    basic: Iterable[Mapping[str, Any]],
    advanced: Iterable[Mapping[str, Any]],
    events: DataEvents,
) -> str | None:
    """Some of `events` that a selector records, in words; None when none is recorded."""
    for selector in (*_data(basic), *_advanced(advanced, "Data")):
        said = []
        for field in sorted({test.field for test in selector}):
            tests = [test for test in selector if test.field == field]
            for value in events.values(field, tests):
                if all(test.accepts(value) for test in tests):
                    said.append(_in_words(field, value))
                    break
            else:
                break
        else:
            return "events with " + ", ".join(said) if said else "every data event"
    return None


def _left_out(selectors: Sequence[_Selector], values: _Domain) -> str | None:
    """Values of fields with which no selector is met, in words; None when there are none."""
    everything = (1 << len(selectors)) - 1
    # Which selectors are still met, as bits, and the values of the fields that led there.
    reached: dict[int, tuple[str, ...]] = {everything: ()}
    for field in sorted({test.field for selector in selectors for test in selector}):
        tests = [test for selector in selectors for test in selector if test.field == field]
        met = dict[int, str]()
        for value in values(field, tests):
            met.setdefault(_accepting(selectors, field, value), _in_words(field, value))
        if met.keys() == {everything}:
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


def _management(basic: Iterable[Mapping[str, Any]]) -> Iterator[_Selector]:
    for selector in basic:
        # AWS says these for every selector: what is left out is the default's.
        if not selector.get("IncludeManagementEvents", True):
            continue
        excluded = frozenset(selector.get("ExcludeManagementEventSources") or ())
        yield (_reads_and_writes(selector), _FieldTest("eventSource", unequal=excluded))


def _reads_and_writes(selector: Mapping[str, Any]) -> _FieldTest:
    kinds = _READ_ONLY.get(selector.get("ReadWriteType", "All"), ())
    return _FieldTest("readOnly", equal=frozenset(kinds) or frozenset({_ANY_OTHER}))


def _data(basic: Iterable[Mapping[str, Any]]) -> Iterator[_Selector]:
    for selector in basic:
        for resources in selector.get("DataResources") or ():
            type_, values = str(resources.get("Type")), resources.get("Values") or ()
            # A beginning of S3's objects, or such as arn:aws:lambda for all; else an ARN itself.
            beginnings = {text for text in values if type_ == _OBJECTS or text.count(":") == 2}
            if not values:
                continue
            yield (
                _reads_and_writes(selector),
                _FieldTest("resources.type", equal=frozenset({type_})),
                _FieldTest(
                    "resources.ARN",
                    equal=frozenset(values) - beginnings,
                    starts=tuple(sorted(beginnings)),
                ),
            )


def _advanced(selectors: Iterable[Mapping[str, Any]], category: str) -> Iterator[_Selector]:
    for selector in selectors:
        tests = [_field_test(item) for item in selector.get("FieldSelectors") or ()]
        categories = [test for test in tests if test.field == "eventCategory"]
        if categories and all(test.accepts(category) for test in categories):
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


def _any_values(field: str, tests: Sequence[_FieldTest]) -> Iterator[str | None]:
    """Values of a field of which nothing is known: every text, and none where that may be."""
    yield from _texts(tests)
    if field not in _ALWAYS_SAID:
        yield None


def _texts(tests: Sequence[_FieldTest], beginning: str = "") -> Iterator[str]:
    """Texts with a beginning, so many that every other is treated like one of them.

    Which tests a text meets depends on which of their texts it is, and else on the longest of the
    prefixes that it starts with and the longest of the suffixes that it ends with.
    """
    prefixes = {"", *(text for test in tests for text in (*test.starts, *test.starts_not))}
    prefixes = {text for text in prefixes if text.startswith(beginning)} | {beginning}
    suffixes = {"", *(text for test in tests for text in (*test.ends, *test.ends_not))}
    equal = {text for test in tests for text in test.equal | test.unequal}
    yield from sorted(text for text in equal if text.startswith(beginning))
    yield from (
        f"{prefix}{_ANY_OTHER}{suffix}"
        for prefix in sorted(prefixes)
        for suffix in sorted(suffixes)
    )


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
