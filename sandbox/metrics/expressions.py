"""Metric math: the expressions of alarms.

A part of https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html:
numbers, metric ids, ``+ - * / ^``, comparisons, ``AND OR !`` and the functions IF, FILL, ABS, CEIL,
FLOOR, MIN, MAX, SUM and AVG. A series is a list of values by period, None where there are none.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence

Series = list[float | None]
_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?)|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<operator>==|!=|<=|>=|&&|\|\||[-+*/^<>(),!]))"
)
MAXIMUM_DEPTH = 50


class UnsupportedExpressionError(ValueError):
    """The expression breaks the grammar, or uses what is not known here."""


def evaluate(expression: str, metrics: Mapping[str, Series], periods: int) -> Series:
    """The series of an expression over this many periods.

    Raises UnsupportedExpressionError.
    """
    return _Parser(expression, metrics, periods).parse()


class _Parser:
    def __init__(self, text: str, metrics: Mapping[str, Series], periods: int) -> None:
        self._metrics = metrics
        self._periods = periods
        self._depth = 0
        self._tokens: list[tuple[str, str]] = []
        position = 0
        while position < len(text.rstrip()):
            found = _TOKEN.match(text, position)
            if found is None or found.lastgroup is None:
                raise UnsupportedExpressionError(f"cannot read {text!r} at {position}")
            self._tokens.append((found.lastgroup, found.group(found.lastgroup)))
            position = found.end()
        self._position = 0

    def parse(self) -> Series:
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

    def _level(self, level: int) -> Series:
        """Left-associative binary operators, the loosest first."""
        if level == len(_LEVELS):
            return self._unary()
        left = self._level(level + 1)
        while (operator := self._peek()) in _LEVELS[level]:
            self._position += 1
            left = _pairwise(_LEVELS[level][operator], left, self._level(level + 1))
        return left

    def _unary(self) -> Series:
        self._depth += 1
        if self._depth > MAXIMUM_DEPTH:
            raise UnsupportedExpressionError("too deep")
        if self._peek() == "-":
            self._position += 1
            result = [None if value is None else -value for value in self._unary()]
        elif self._peek() == "!":
            self._position += 1
            result = [None if value is None else float(value == 0) for value in self._unary()]
        else:
            result = self._atom()
        self._depth -= 1
        return result

    def _atom(self) -> Series:
        if self._peek() == "(":
            self._take("(")
            result = self._level(0)
            self._take(")")
            return result
        if self._position == len(self._tokens):
            raise UnsupportedExpressionError("the expression ends too early")
        kind, text = self._tokens[self._position]
        self._position += 1
        if kind == "number":
            return [float(text)] * self._periods
        if kind == "name" and self._peek() == "(":
            return self._call(text)
        if kind == "name" and text in self._metrics:
            return list(self._metrics[text])
        raise UnsupportedExpressionError(f"unknown: {text!r}")

    def _call(self, name: str) -> Series:
        self._take("(")
        arguments = [self._level(0)]
        while self._peek() == ",":
            self._take(",")
            arguments.append(self._level(0))
        self._take(")")
        if name == "IF" and len(arguments) in (2, 3):
            otherwise = arguments[2] if len(arguments) == 3 else [None] * self._periods
            rows = zip(arguments[0], arguments[1], otherwise, strict=True)
            return [None if test is None else (a if test else b) for test, a, b in rows]
        if name == "FILL" and len(arguments) == 2:
            return [b if a is None else a for a, b in zip(*arguments, strict=True)]
        if name in _SINGLE and len(arguments) == 1:
            function = _SINGLE[name]
            return [None if value is None else function(value) for value in arguments[0]]
        if name in _SUMMARIES and len(arguments) == 1:
            found = [value for value in arguments[0] if value is not None]
            return [_SUMMARIES[name](found) if found else None] * self._periods
        raise UnsupportedExpressionError(f"unknown function {name}")


def _pairwise(
    function: Callable[[float, float], float | None], left: Series, right: Series
) -> Series:
    return [
        None if a is None or b is None else function(a, b) for a, b in zip(left, right, strict=True)
    ]


def _power(base: float, exponent: float) -> float | None:
    try:
        value = base**exponent
    except (OverflowError, ZeroDivisionError):
        return None
    return value if isinstance(value, float) and math.isfinite(value) else None


_LEVELS: tuple[dict[str, Callable[[float, float], float | None]], ...] = (
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
_SINGLE: dict[str, Callable[[float], float]] = {
    "ABS": abs,
    "CEIL": lambda value: float(math.ceil(value)),
    "FLOOR": lambda value: float(math.floor(value)),
}
_SUMMARIES: dict[str, Callable[[Sequence[float]], float]] = {
    "MIN": min,
    "MAX": max,
    "SUM": sum,
    "AVG": lambda values: sum(values) / len(values),
}
