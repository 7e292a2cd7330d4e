"""Metric math: the expressions of alarms.

A part of https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html:
numbers, ids of metrics and of other expressions, arrays, METRICS, ``+ - * / ^``, comparisons,
``AND OR`` and the functions of the table below.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

# By period, the newest first; None where there is no value.
Series = list[float | None]
Value = float | Series | tuple[Series, ...]
_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?)|(?P<name>[A-Za-z_][A-Za-z0-9_]*)|\"(?P<text>[^\"]*)\""
    r"|(?P<operator>==|!=|<=|>=|&&|\|\||[-+*/^<>(),\[\]]))"
)
MAXIMUM_DEPTH = 50


class UnsupportedExpressionError(ValueError):
    """The expression breaks the grammar, or uses what is not known here."""


@dataclass(frozen=True)
class Data:
    """What an expression may name: the series of metrics, and the texts of other expressions."""

    metrics: Mapping[str, Series]
    expressions: Mapping[str, str]
    periods: int


def evaluate(expression: str, data: Data) -> Series:
    """The series of an expression.

    Raises UnsupportedExpressionError, also for what is not one series: no alarm can watch that.
    """
    value = _Parser(expression, data, 0).parse()
    if not isinstance(value, list):
        raise UnsupportedExpressionError(f"{expression} does not give one series")
    return value


class _Parser:
    def __init__(self, text: str, data: Data, depth: int) -> None:
        self._data = data
        self._depth = depth
        self._tokens: list[tuple[str, str]] = []
        position = 0
        while position < len(text.rstrip()):
            found = _TOKEN.match(text, position)
            if found is None or found.lastgroup is None:
                raise UnsupportedExpressionError(f"cannot read {text!r} at {position}")
            self._tokens.append((found.lastgroup, found.group(found.lastgroup)))
            position = found.end()
        self._position = 0

    def parse(self) -> Value:
        result = self._level(0)
        if self._position != len(self._tokens):
            raise UnsupportedExpressionError("text after the expression")
        return result

    def _peek(self) -> str:
        if self._position == len(self._tokens):
            return ""
        text = self._tokens[self._position][1]
        return {"&&": "AND", "||": "OR"}.get(text, text)

    def _take(self, expected: str) -> None:
        if self._peek() != expected:
            raise UnsupportedExpressionError(f"expected {expected!r}, found {self._peek()!r}")
        self._position += 1

    def _level(self, level: int) -> Value:
        """Left-associative binary operators, the loosest first."""
        if level == len(_LEVELS):
            return self._unary()
        left = self._level(level + 1)
        while (operator := self._peek()) in _LEVELS[level]:
            self._position += 1
            left = _operate(_LEVELS[level][operator], left, self._level(level + 1))
        return left

    def _unary(self) -> Value:
        self._depth += 1
        if self._depth > MAXIMUM_DEPTH:
            raise UnsupportedExpressionError("too deep")
        if self._peek() == "-":
            self._position += 1
            result = _operate(lambda a, b: a - b, 0.0, self._unary())
        else:
            result = self._atom()
        self._depth -= 1
        return result

    def _atom(self) -> Value:
        if self._peek() == "(":
            self._take("(")
            result = self._level(0)
            self._take(")")
            return result
        if self._peek() == "[":
            self._take("[")
            found = self._arguments("]")
            return tuple(itertools.chain.from_iterable(map(_members, found)))
        if self._position == len(self._tokens):
            raise UnsupportedExpressionError("the expression ends too early")
        kind, text = self._tokens[self._position]
        self._position += 1
        if kind == "number":
            return float(text)
        if kind == "name" and self._peek() == "(":
            return self._call(text)
        if kind == "name" and text in self._data.metrics:
            return list(self._data.metrics[text])
        if kind == "name" and text in self._data.expressions:
            return _Parser(self._data.expressions[text], self._data, self._depth).parse()
        raise UnsupportedExpressionError(f"unknown: {text!r}")

    def _arguments(self, end: str) -> list[Value]:
        found = [self._level(0)]
        while self._peek() == ",":
            self._take(",")
            found.append(self._level(0))
        self._take(end)
        return found

    def _call(self, name: str) -> Value:
        self._take("(")
        if name == "METRICS":
            part = ""
            if self._peek() != ")":
                part = self._tokens[self._position][1]
                self._position += 1
            self._take(")")
            return tuple(series for key, series in self._data.metrics.items() if part in key)
        arguments = self._arguments(")")
        if name == "IF" and len(arguments) in (2, 3):
            return _choose(*arguments)
        if name == "FILL" and len(arguments) == 2:
            return _each(lambda series: _filled(series, arguments[1]), arguments[0])
        if name == "TIME_SERIES" and len(arguments) == 1 and isinstance(arguments[0], float):
            return [arguments[0]] * self._data.periods
        if name in _EACH and len(arguments) == 1:
            return _each(_EACH[name], arguments[0])
        if name in _SUMMARIES and len(arguments) == 1:
            return _summarize(_SUMMARIES[name], arguments[0])
        raise UnsupportedExpressionError(f"unknown function {name}")


def _members(value: Value) -> tuple[Series, ...]:
    if isinstance(value, float):
        raise UnsupportedExpressionError("a number where a series is expected")
    return value if isinstance(value, tuple) else (value,)


def _each(function: Callable[[Series], Series], value: Value) -> Value:
    if isinstance(value, tuple):
        return tuple(function(series) for series in value)
    return function(_members(value)[0])


Operator = Callable[[float, float], float | None]


def _operate(function: Operator, left: Value, right: Value) -> Value:
    if isinstance(left, tuple) or isinstance(right, tuple):
        lefts = left if isinstance(left, tuple) else itertools.repeat(left)
        rights = right if isinstance(right, tuple) else itertools.repeat(right)
        pairs = zip(lefts, rights, strict=False)
        return tuple(_members(_operate(function, a, b))[0] for a, b in pairs)
    if isinstance(left, float) and isinstance(right, float):
        value = function(left, right)
        if value is None:
            raise UnsupportedExpressionError("no number")
        return value
    return _pairwise(function, left, right)


def _pairwise(function: Operator, left: float | Series, right: float | Series) -> Series:
    """A value that one of two series lacks is 0; a period that both lack is left out."""
    if isinstance(left, list) and isinstance(right, list):
        return [
            None if a is None and b is None else function(a or 0.0, b or 0.0)
            for a, b in zip(left, right, strict=True)
        ]
    length = len(left) if isinstance(left, list) else len(_members(right)[0])
    rows = zip(_spread(left, length), _spread(right, length), strict=True)
    return [None if a is None or b is None else function(a, b) for a, b in rows]


def _spread(value: Value, length: int) -> Series:
    if isinstance(value, tuple):
        raise UnsupportedExpressionError("an array where a series is expected")
    return [value] * length if isinstance(value, float) else value


def _choose(test: Value, then: Value, otherwise: Value | None = None) -> Series:
    lengths = [len(value) for value in (test, then, otherwise) if isinstance(value, list)]
    if not lengths:
        raise UnsupportedExpressionError("IF without a series")
    length = lengths[0]
    others: Series = [None] * length if otherwise is None else _spread(otherwise, length)
    if isinstance(test, float):
        return _spread(then, length) if test else others
    rows = zip(_spread(test, length), _spread(then, length), others, strict=True)
    return [None if test is None else ((a or 0.0) if test else b) for test, a, b in rows]


def _filled(series: Series, filler: Value) -> Series:
    fillers = _spread(filler, len(series))
    return [b if a is None else a for a, b in zip(series, fillers, strict=True)]


def _running_sum(series: Series) -> Series:
    total, found = 0.0, list[float | None]()
    for value in reversed(series):
        total += value or 0.0
        found.append(None if value is None else total)
    return found[::-1]


def _summarize(function: Callable[[Sequence[float]], float], value: Value) -> Value:
    """A number of one series; of an array a series."""
    if isinstance(value, tuple):
        return [
            None if set(row) == {None} else function([item or 0.0 for item in row])
            for row in zip(*value, strict=True)
        ]
    found = [item for item in _members(value)[0] if item is not None]
    if not found:
        raise UnsupportedExpressionError("a summary of nothing")
    return function(found)


def _single(function: Callable[[float], float]) -> Callable[[Series], Series]:
    return lambda series: [None if value is None else float(function(value)) for value in series]


def _power(base: float, exponent: float) -> float | None:
    try:
        value = base**exponent
    except (OverflowError, ZeroDivisionError):
        return None
    return value if isinstance(value, float) and math.isfinite(value) else None


_LEVELS: tuple[dict[str, Operator], ...] = (
    {"OR": lambda a, b: float(bool(a) or bool(b))},
    {"AND": lambda a, b: float(bool(a) and bool(b))},
    {
        "==": lambda a, b: float(a == b),
        "!=": lambda a, b: float(a != b),
        "<": lambda a, b: float(a < b),
        ">": lambda a, b: float(a > b),
        "<=": lambda a, b: float(a <= b),
        ">=": lambda a, b: float(a >= b),
    },
    {"+": lambda a, b: a + b, "-": lambda a, b: a - b},
    {"*": lambda a, b: a * b, "/": lambda a, b: None if b == 0 else a / b},
    {"^": _power},
)
_EACH: dict[str, Callable[[Series], Series]] = {
    "ABS": _single(abs),
    "CEIL": _single(math.ceil),
    "FLOOR": _single(math.floor),
    "RUNNING_SUM": _running_sum,
}
_SUMMARIES: dict[str, Callable[[Sequence[float]], float]] = {
    "MIN": min,
    "MAX": max,
    "SUM": sum,
    "AVG": lambda values: sum(values) / len(values),
}
