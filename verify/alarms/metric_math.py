"""Metric math: the expressions of alarms, evaluated.

Source: Amazon CloudWatch User Guide, "Using math expressions with CloudWatch metrics". What is not
here CannotTellError says; so do functions of which the guide does not say what they give.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from verify.alarms.alarm import CannotTellError

# By time, the oldest first; None where there is no data point.
Series = list[float | None]
Array = tuple[Series, ...]
Value = float | Series | Array


class Named(dict[str, Value]):
    """Series by their identifiers."""

    def __missing__(self, identifier: str) -> Value:
        raise CannotTellError(f"{identifier} is not one of its series")


@dataclass(frozen=True)
class Scope:
    """What an expression may name: series, by their identifiers; `metrics` are those of metrics.

    Whether FILL fills a series that has no data point at all is nowhere said: `fills_empty`.
    """

    series: Named
    metrics: Sequence[str]
    length: int
    fills_empty: bool = True


Node = Callable[[Scope], Value]

_TOKEN = re.compile(
    r"""\s*(?:(?P<number>\d+(?:\.\d*)?|\.\d+)|(?P<name>[A-Za-z_]\w*)|(?P<text>"[^"]*"|'[^']*')"""
    r"""|(?P<operator>==|!=|<=|>=|&&|\|\||[-+*/^<>(),\[\]]))"""
)
_DEPTH = 40
# Each operator of a sum stands within the next one; no honest expression has a tenth of these.
_MOST_TOKENS = 400


def evaluate(expression: str, scope: Scope) -> Value:
    """The value of an expression. Raises CannotTellError."""
    return _compiled(expression)(scope)


@lru_cache(maxsize=256)
def _compiled(expression: str) -> Node:
    return _Parser(expression).whole()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens: list[tuple[str, str]] = []
        self._next = 0
        self._depth = 0
        position = 0
        while position < len(text.rstrip()):
            found = _TOKEN.match(text, position)
            if found is None or found.lastgroup is None:
                raise self._unknown()
            self._tokens.append((found.lastgroup, found.group(found.lastgroup)))
            position = found.end()
            if len(self._tokens) > _MOST_TOKENS:
                raise CannotTellError(f"an expression of {len(text):,} characters cannot be played")

    def whole(self) -> Node:
        node = self._binary(0)
        if self._next != len(self._tokens):
            raise self._unknown()
        return node

    def _unknown(self) -> CannotTellError:
        return CannotTellError(f"what {self._text} computes is not known")

    def _peek(self) -> str:
        if self._next == len(self._tokens):
            return ""
        kind, text = self._tokens[self._next]
        return "" if kind == "text" else _SYNONYMS.get(text, text)

    def _take(self) -> tuple[str, str]:
        if self._next == len(self._tokens):
            raise self._unknown()
        self._next += 1
        return self._tokens[self._next - 1]

    def _expect(self, text: str) -> None:
        if self._peek() != text:
            raise self._unknown()
        self._next += 1

    def _binary(self, level: int) -> Node:
        """Operators that bind as loosely as those of a level, or closer; from the left."""
        if level == len(_LEVELS):
            return self._unary()
        left = self._binary(level + 1)
        while (sign := self._peek()) in _LEVELS[level]:
            self._next += 1
            left = _operation(_LEVELS[level][sign], left, self._binary(level + 1))
        return left

    def _unary(self) -> Node:
        self._depth += 1
        if self._depth > _DEPTH:
            raise self._unknown()
        if self._peek() == "-":
            self._next += 1
            node = _operation(operator.sub, lambda _: 0.0, self._unary())
        else:
            node = self._atom()
        self._depth -= 1
        return node

    def _atom(self) -> Node:
        if self._peek() == "(":
            self._next += 1
            node = self._binary(0)
            self._expect(")")
            return node
        if self._peek() == "[":
            self._next += 1
            return _array(self._arguments("]"))
        kind, text = self._take()
        if kind == "number":
            return lambda _: float(text)
        if kind != "name":
            raise self._unknown()
        if self._peek() != "(":
            return lambda scope: scope.series[text]
        self._next += 1
        return self._call(text)

    def _call(self, name: str) -> Node:
        if name == "METRICS":
            part = self._take()[1][1:-1] if self._peek() != ")" else ""
            self._expect(")")
            return lambda scope: _gathered(
                scope.series[identifier] for identifier in scope.metrics if part in identifier
            )
        if name == "FILL":
            filled = self._binary(0)
            self._expect(",")
            filler = self._filler()
            self._expect(")")
            return lambda scope: _each(filled(scope), lambda series: _fill(series, filler, scope))
        arguments = self._arguments(")")
        function = _FUNCTIONS.get((name, len(arguments)))
        if function is None:
            raise CannotTellError(f"the function {name} of {self._text} cannot be played")
        return lambda scope: function(scope, *(argument(scope) for argument in arguments))

    def _filler(self) -> Node | str:
        if self._peek() in ("REPEAT", "LINEAR"):
            return self._take()[1]
        return self._binary(0)

    def _arguments(self, end: str) -> list[Node]:
        found = [self._binary(0)]
        while self._peek() == ",":
            self._next += 1
            found.append(self._binary(0))
        self._expect(end)
        return found


def _array(members: Sequence[Node]) -> Node:
    return lambda scope: _gathered(member(scope) for member in members)


def _gathered(values: Iterable[Value]) -> Array:
    found: list[Series] = []
    for value in values:
        if isinstance(value, float):
            raise CannotTellError("an array of numbers cannot be played")
        found.extend(value if isinstance(value, tuple) else (value,))
    return tuple(found)


def _each(value: Value, change: Callable[[Series], Series]) -> Value:
    """`change` of a series, or of each of an array."""
    if isinstance(value, float):
        raise CannotTellError("a number stands where a series must")
    return tuple(map(change, value)) if isinstance(value, tuple) else change(value)


Binary = Callable[[float, float], float | None]


def _operation(function: Binary, left: Node, right: Node) -> Node:
    return lambda scope: _combined(function, left(scope), right(scope))


def _combined(function: Binary, left: Value, right: Value) -> Value:
    if isinstance(left, tuple):
        return tuple(_pairs(function, item, _no_array(right)) for item in left)
    if isinstance(right, tuple):
        return tuple(_pairs(function, left, item) for item in right)
    if isinstance(left, float) and isinstance(right, float):
        value = function(left, right)
        if value is None:
            raise CannotTellError("a number is divided by zero")
        return value
    return _pairs(function, left, right)


def _pairs(function: Binary, left: float | Series, right: float | Series) -> Series:
    """Where one of two series has a value, the other's missing one is 0."""
    if isinstance(left, float):
        if isinstance(right, float):
            raise CannotTellError("a number stands where a series must")
        return [None if b is None else function(left, b) for b in right]
    if isinstance(right, float):
        return [None if a is None else function(a, right) for a in left]
    return [
        None if a is None and b is None else function(a or 0.0, b or 0.0)
        for a, b in zip(left, right, strict=True)
    ]


def _no_array(value: Value) -> float | Series:
    if isinstance(value, tuple):
        raise CannotTellError("an array stands where a series must")
    return value


def _if(_: Scope, test: Value, then: Value, otherwise: Value | None = None) -> Value:
    parts = [_no_array(part) for part in (test, then, otherwise) if part is not None]
    length = max((len(part) for part in parts if not isinstance(part, float)), default=0)
    if not length:
        raise CannotTellError("IF without a series cannot be played")
    if isinstance(parts[0], float):
        absent: Series = [None] * length
        return _spread(parts[1] if parts[0] else [*parts, absent][2], length)
    tests, thens, *rest = [_spread(part, length) for part in parts]
    others: Series = rest[0] if rest else [None] * length
    return [
        None if a is None else (b or 0.0 if a else c)
        for a, b, c in zip(tests, thens, others, strict=True)
    ]


def _spread(value: float | Series, length: int) -> Series:
    return [value] * length if isinstance(value, float) else value


def _fill(series: Series, filler: Node | str, scope: Scope) -> Series:
    if None not in series:
        return series
    if all(value is None for value in series) and not scope.fills_empty:
        return series
    if isinstance(filler, str):
        return _between(series, filler)
    others = _spread(_no_array(filler(scope)), len(series))
    return [b if a is None else a for a, b in zip(series, others, strict=True)]


def _between(series: Series, how: str) -> Series:
    """The last value again, or on a line to the next; at the ends the nearest one there is."""
    known = [index for index, value in enumerate(series) if value is not None]
    if not known:
        return series
    found: Series = []
    for index in range(len(series)):
        before = max((place for place in known if place <= index), default=known[0])
        after = min((place for place in known if place >= index), default=known[-1])
        start, end = series[before] or 0.0, series[after] or 0.0
        share = (index - before) / (after - before) if after > before and how == "LINEAR" else 0.0
        found.append(start + (end - start) * share)
    return found


def _running_sum(series: Series) -> Series:
    total, found = 0.0, list[float | None]()
    for value in series:
        total += value or 0.0
        found.append(None if value is None else total)
    return found


def _summary(function: Callable[[list[float]], float]) -> Callable[[Scope, Value], Value]:
    """A function that makes a number of one series, and one series of an array."""

    def summarize(_: Scope, value: Value) -> Value:
        if isinstance(value, float):
            raise CannotTellError("a number stands where a series must")
        if isinstance(value, tuple):
            return [
                None if all(item is None for item in row) else function([x or 0.0 for x in row])
                for row in zip(*value, strict=True)
            ]
        found = [item for item in value if isinstance(item, float)]
        if not found:
            raise CannotTellError("a summary of a series without data cannot be played")
        return function(found)

    return summarize


def _of_each(function: Callable[[Series], Series]) -> Callable[[Scope, Value], Value]:
    return lambda _, value: _each(value, function)


def _pointwise(function: Callable[[float], float]) -> Callable[[Scope, Value], Value]:
    return _of_each(lambda series: [None if x is None else float(function(x)) for x in series])


def _time_series(scope: Scope, value: Value) -> Value:
    if not isinstance(value, float):
        raise CannotTellError("TIME_SERIES takes a number")
    return [value] * scope.length


def _divided(left: float, right: float) -> float | None:
    return None if right == 0 else left / right


def _power(base: float, exponent: float) -> float | None:
    try:
        value = base**exponent
    except (OverflowError, ZeroDivisionError):
        return None
    return value if isinstance(value, float) and math.isfinite(value) else None


def _truth(function: Callable[[float, float], bool]) -> Binary:
    return lambda a, b: 1.0 if function(a, b) else 0.0


_SYNONYMS = {"&&": "AND", "||": "OR"}
_LEVELS: tuple[dict[str, Binary], ...] = (
    {"OR": _truth(lambda a, b: bool(a or b))},
    {"AND": _truth(lambda a, b: bool(a and b))},
    {
        "==": _truth(operator.eq),
        "!=": _truth(operator.ne),
        "<": _truth(operator.lt),
        ">": _truth(operator.gt),
        "<=": _truth(operator.le),
        ">=": _truth(operator.ge),
    },
    {"+": operator.add, "-": operator.sub},
    {"*": operator.mul, "/": _divided},
    {"^": _power},
)
_FUNCTIONS: dict[tuple[str, int], Callable[..., Value]] = {
    ("ABS", 1): _pointwise(abs),
    ("AVG", 1): _summary(lambda values: sum(values) / len(values)),
    ("CEIL", 1): _pointwise(math.ceil),
    ("FLOOR", 1): _pointwise(math.floor),
    ("IF", 2): _if,
    ("IF", 3): _if,
    ("MAX", 1): _summary(max),
    ("MIN", 1): _summary(min),
    ("RUNNING_SUM", 1): _of_each(_running_sum),
    ("SUM", 1): _summary(sum),
    ("TIME_SERIES", 1): _time_series,
}
