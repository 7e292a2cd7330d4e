"""CloudWatch Logs filter patterns.

The syntax is that of "Filter pattern syntax for metric filters, subscription filters, filter log
events" in the CloudWatch Logs user guide: JSON patterns (``{ $.a = "b" && $.c NOT EXISTS }``),
terms (``ERROR -"health check" ?warn``), a regular expression between per cent signs, and the
empty pattern that matches everything. Space-delimited patterns (``[ip, user, status = 4*]``) are
refused with a clear message.

What the guide leaves open is decided the cautious way: a comparison with a field that does not
exist, or that holds an array or an object, never matches, ``!=`` included.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

MAXIMUM_LENGTH = 1024
MAXIMUM_REGULAR_EXPRESSIONS = 2
MAXIMUM_WILDCARD_SELECTORS = 3
MAXIMUM_DEPTH = 64

Matcher = Callable[[str], bool]
# A condition on a decoded JSON document.
Condition = Callable[[Any], bool]
Step = str | int  # a member's name, an index, or one of the two wildcards below
ANY_MEMBER = ".*"
ANY_ELEMENT = "[*]"


class InvalidFilterPattern(ValueError):  # noqa: N818 - the name AWS's own message uses
    """The pattern breaks the grammar or one of its limits."""


@dataclass(frozen=True)
class FilterPattern:
    """A compiled pattern."""

    text: str
    _matcher: Matcher

    def matches(self, message: str) -> bool:
        """Whether a log event with this message is selected."""
        return self._matcher(message)


@functools.lru_cache(maxsize=256)
def compile_pattern(text: str | None) -> FilterPattern:
    """Compile a pattern.

    Raises InvalidFilterPattern when it is longer than 1024 characters, breaks the grammar, or
    has more regular expressions or wildcard selectors than CloudWatch Logs allows.
    """
    text = text or ""
    if len(text) > MAXIMUM_LENGTH:
        raise InvalidFilterPattern(f"the pattern is longer than {MAXIMUM_LENGTH} characters")
    stripped = text.strip()
    if not stripped:
        return FilterPattern(text, lambda message: True)
    if stripped.startswith("{"):
        return FilterPattern(text, _json_matcher(stripped))
    if stripped.startswith("["):
        raise InvalidFilterPattern("space-delimited patterns are not supported by the sandbox")
    if len(stripped) > 2 and stripped.startswith("%") and stripped.endswith("%"):
        expression = _regular_expression(stripped[1:-1])
        return FilterPattern(text, lambda message: expression.search(message) is not None)
    return FilterPattern(text, _terms_matcher(stripped))


def value_at(selector: str, message: str) -> Any:
    """The first value that a selector such as ``$.detail.bytes`` finds in a JSON message."""
    return next(_select(_document(message), _steps(selector)), None)


@functools.lru_cache(maxsize=16)
def _document(message: str) -> Any:
    """A message's JSON, which nobody may change; None for one that is none.

    Kept, since a group's filters look at a message one after the other.
    """
    try:
        return json.loads(message)
    except (ValueError, RecursionError):
        return None


# --- JSON patterns -------------------------------------------------------------------------

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<selector>\$(?:\.\*|\.\['[^']*'\]|\['[^']*'\]|\.[\w-]+|\[\d+\]|\[\*\])+)
    | (?P<string>"(?:[^"\\]|\\.)*")
    | (?P<regex>%[^%]*%)
    | (?P<operator>&&|\|\||!=|<=|>=|=|<|>|\(|\)|\{|\})
    | (?P<word>[^\s"%&|!=<>(){}]+)
    )""",
    re.VERBOSE | re.DOTALL,
)
_SELECTOR_STEP = re.compile(
    r"\.\*|\.\['(?P<dotted>[^']*)'\]|\['(?P<quoted>[^']*)'\]|\.(?P<name>[\w-]+)"
    r"|\[(?P<index>\d+)\]|\[\*\]"
)
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?")
_NUMBER_WITH_WILDCARD = re.compile(r"[+-]?[\d.*]*\*[\d.*]*")
_REGULAR_EXPRESSION_TEXT = re.compile(r"[A-Za-z0-9:_#=@/;,\-^$?\[\]{}|\\*+. ]*")


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str


class _JsonParser:
    """Recursive descent over: or := and {"||" and}; and := unit {"&&" unit}."""

    def __init__(self, text: str) -> None:
        self._tokens = list(_tokens(text))
        self._position = 0
        self._regular_expressions = 0
        self._wildcards = 0

    def parse(self) -> Condition:
        self._expect("{")
        condition = self._alternatives(0)
        self._expect("}")
        if self._peek() is not None:
            raise InvalidFilterPattern("text after the closing brace")
        return condition

    def _peek(self) -> _Token | None:
        return self._tokens[self._position] if self._position < len(self._tokens) else None

    def _next(self) -> _Token:
        token = self._peek()
        if token is None:
            raise InvalidFilterPattern("the pattern ends too early")
        self._position += 1
        return token

    def _expect(self, operator: str) -> None:
        token = self._next()
        if token != _Token("operator", operator):
            raise InvalidFilterPattern(f"expected {operator!r}, found {token.text!r}")

    def _accept(self, operator: str) -> bool:
        if self._peek() == _Token("operator", operator):
            self._position += 1
            return True
        return False

    def _alternatives(self, depth: int) -> Condition:
        parts = [self._conjunction(depth)]
        while self._accept("||"):
            parts.append(self._conjunction(depth))
        return parts[0] if len(parts) == 1 else _any_of(parts)

    def _conjunction(self, depth: int) -> Condition:
        parts = [self._unit(depth)]
        while self._accept("&&"):
            parts.append(self._unit(depth))
        return parts[0] if len(parts) == 1 else _all_of(parts)

    def _unit(self, depth: int) -> Condition:
        if depth > MAXIMUM_DEPTH:
            raise InvalidFilterPattern("too many nested parentheses")
        if self._accept("("):
            condition = self._alternatives(depth + 1)
            self._expect(")")
            return condition
        return self._comparison()

    def _comparison(self) -> Condition:
        token = self._next()
        if token.kind != "selector":
            raise InvalidFilterPattern(f"expected a selector such as $.a, found {token.text!r}")
        steps = _steps(token.text)
        wildcards = sum(step in (ANY_MEMBER, ANY_ELEMENT) for step in steps)
        self._wildcards += wildcards
        if wildcards > 1 or self._wildcards > MAXIMUM_WILDCARD_SELECTORS:
            raise InvalidFilterPattern("too many wildcard selectors")
        operator = self._next()
        if operator.kind == "word":
            return self._keyword_comparison(steps, operator.text)
        if operator.text in ("=", "!="):
            test = self._equality(self._next())
            if operator.text == "=":
                return _Exists(steps, test)
            return _Exists(steps, lambda value: not test(value))
        if operator.text in ("<", ">", "<=", ">="):
            return _Exists(steps, _order(operator.text, self._next()))
        raise InvalidFilterPattern(f"expected a comparison, found {operator.text!r}")

    def _keyword_comparison(self, steps: list[Step], keyword: str) -> Condition:
        word = self._next().text
        if keyword == "NOT" and word == "EXISTS":
            find = _finder(steps)
            return lambda document: not any(True for _ in find(document))
        if keyword == "IS":
            wanted = {"NULL": None, "TRUE": True, "FALSE": False}
            if word in wanted:
                value = wanted[word]
                find = _finder(steps)
                return lambda document: any(found is value for found in find(document))
        raise InvalidFilterPattern(f"unknown condition {keyword} {word}")

    def _equality(self, token: _Token) -> Callable[[Any], bool]:
        if token.kind == "regex":
            self._regular_expressions += 1
            if self._regular_expressions > MAXIMUM_REGULAR_EXPRESSIONS:
                raise InvalidFilterPattern("more than two regular expressions")
            expression = _regular_expression(token.text[1:-1])
            return lambda value: isinstance(value, str) and bool(expression.search(value))
        if token.kind == "string":
            return _text_equality(_unquote(token.text))
        if token.kind == "word":
            if _NUMBER.fullmatch(token.text):
                return _number_equality(token.text)
            if _NUMBER_WITH_WILDCARD.fullmatch(token.text) and token.text != "*":
                return _wildcard_number_equality(token.text)
            return _text_equality(token.text)
        raise InvalidFilterPattern(f"expected a value, found {token.text!r}")


def _tokens(text: str) -> Iterator[_Token]:
    position = 0
    end = len(text.rstrip())
    while position < end:
        found = _TOKEN.match(text, position)
        if found is None or found.lastgroup is None:
            raise InvalidFilterPattern(f"cannot read the pattern at character {position}")
        yield _Token(found.lastgroup, found.group(found.lastgroup))
        position = found.end()


def _steps(selector: str) -> list[Step]:
    steps: list[Step] = []
    for found in _SELECTOR_STEP.finditer(selector, 1):
        if found.group("index") is not None:
            steps.append(int(found.group("index")))
        elif found.group() == ".*":
            steps.append(ANY_MEMBER)
        elif found.group() == "[*]":
            steps.append(ANY_ELEMENT)
        else:
            names = (found.group("name"), found.group("dotted"), found.group("quoted"))
            # A prefix keeps a member that is really called ".*" apart from the wildcard.
            steps.append("=" + next(name for name in names if name is not None))
    return steps


def _select(document: Any, steps: list[Step]) -> Iterator[Any]:
    if not steps:
        yield document
        return
    step, rest = steps[0], steps[1:]
    if isinstance(step, int):
        if isinstance(document, list) and step < len(document):
            yield from _select(document[step], rest)
    elif step == ANY_ELEMENT:
        if isinstance(document, list):
            for element in document:
                yield from _select(element, rest)
    elif step == ANY_MEMBER:
        if isinstance(document, dict):
            for member in document.values():
                yield from _select(member, rest)
    elif isinstance(document, dict) and step[1:] in document:
        yield from _select(document[step[1:]], rest)


def _finder(steps: Sequence[Step]) -> Callable[[Any], Iterable[Any]]:
    """What selects like `_select`; members by their names, as nearly all selectors have, sooner."""
    if any(isinstance(step, int) or not step.startswith("=") for step in steps):
        return lambda document: _select(document, list(steps))
    names = [str(step)[1:] for step in steps]

    def found(document: Any) -> Iterable[Any]:
        for name in names:
            if not isinstance(document, dict) or name not in document:
                return ()
            document = document[name]
        return (document,)

    return found


class _Exists:
    """The condition that a selector finds a scalar value of which `test` holds."""

    def __init__(self, steps: Sequence[Step], test: Callable[[Any], bool]) -> None:
        self.steps = tuple(steps)
        self.test = test
        self._find = _finder(self.steps)

    def __call__(self, document: Any) -> bool:
        return any(
            self.test(value)
            for value in self._find(document)
            if value is not None and not isinstance(value, list | dict)
        )


@dataclass(frozen=True)
class _OneOf:
    """The test that a value is one of some texts."""

    texts: frozenset[str]

    def __call__(self, value: Any) -> bool:
        return isinstance(value, str) and value in self.texts


def _any_of(parts: list[Condition]) -> Condition:
    # A pattern names dozens of events by one selector: they are looked up, not tried in turn.
    texts: dict[tuple[Step, ...], frozenset[str]] = {}
    others: list[Condition] = []
    for part in parts:
        if isinstance(part, _Exists) and isinstance(part.test, _OneOf):
            texts[part.steps] = texts.get(part.steps, frozenset()) | part.test.texts
        else:
            others.append(part)
    joined: list[Condition] = [
        *(_Exists(steps, _OneOf(names)) for steps, names in texts.items()),
        *others,
    ]
    return lambda document: any(part(document) for part in joined)


def _all_of(parts: list[Condition]) -> Condition:
    return lambda document: all(part(document) for part in parts)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _order(operator: str, token: _Token) -> Callable[[Any], bool]:
    if token.kind != "word" or not _NUMBER.fullmatch(token.text):
        raise InvalidFilterPattern(f"{operator} needs a number, found {token.text!r}")
    bound = float(token.text)
    if operator == "<":
        return lambda value: _is_number(value) and value < bound
    if operator == ">":
        return lambda value: _is_number(value) and value > bound
    if operator == "<=":
        return lambda value: _is_number(value) and value <= bound
    return lambda value: _is_number(value) and value >= bound


def _text_equality(pattern: str) -> Callable[[Any], bool]:
    if "*" not in pattern:
        return _OneOf(frozenset({pattern}))
    expression = _glob(pattern)
    if pattern.strip("*") == "":
        # A lone wildcard asks whether there is a value at all, of whatever scalar type.
        return lambda value: True
    return lambda value: isinstance(value, str) and bool(expression.fullmatch(value))


def _number_equality(text: str) -> Callable[[Any], bool]:
    number = float(text)
    return lambda value: value == text or (_is_number(value) and value == number)


def _wildcard_number_equality(text: str) -> Callable[[Any], bool]:
    expression = _glob(text)

    def test(value: Any) -> bool:
        if isinstance(value, str) or _is_number(value):
            return bool(expression.fullmatch(str(value)))
        return False

    return test


def _glob(pattern: str) -> re.Pattern[str]:
    # Runs of stars are one star, and each is possessive-free but literal-anchored: no backtracking
    # beyond the message's length squared.
    pieces = [re.escape(piece) for piece in re.split(r"\*+", pattern)]
    return re.compile(".*".join(pieces), re.DOTALL)


def _unquote(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL)


def _regular_expression(text: str) -> re.Pattern[str]:
    if not text or not _REGULAR_EXPRESSION_TEXT.fullmatch(text):
        raise InvalidFilterPattern("a character that regular expressions here may not contain")
    try:
        return re.compile(text, re.ASCII)
    except re.error as error:
        raise InvalidFilterPattern(f"not a regular expression: {error}") from error


def _json_matcher(text: str) -> Matcher:
    condition = _JsonParser(text).parse()

    def matches(message: str) -> bool:
        # An event that is not JSON is never selected by a JSON pattern.
        document = _document(message)
        return isinstance(document, dict | list) and condition(document)

    return matches


# --- terms -----------------------------------------------------------------------------------

_TERM = re.compile(r'\s*(?P<sign>[?-]?)(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>[^\s"]+))')


def _terms_matcher(text: str) -> Matcher:
    required: list[str] = []
    optional: list[str] = []
    excluded: list[str] = []
    position = 0
    while position < len(text):
        found = _TERM.match(text, position)
        if found is None:
            raise InvalidFilterPattern(f"cannot read the term at character {position}")
        quoted = found.group("quoted")
        term = found.group("bare") if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
        {"": required, "?": optional, "-": excluded}[found.group("sign")].append(term)
        position = found.end()
    if required or excluded:
        optional = []  # documented: optional terms are ignored when combined with others

    def matches(message: str) -> bool:
        return (
            all(term in message for term in required)
            and not any(term in message for term in excluded)
            and (not optional or any(term in message for term in optional))
        )

    return matches
