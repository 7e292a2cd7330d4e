"""GitHub's expressions: those that the pipelines here use, and no others.

Source: GitHub's documentation, "Evaluate expressions in workflows and actions".
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_TOKEN = re.compile(r"\s*('(?:[^']|'')*'|&&|\|\||==|!=|!|\(|\)|[A-Za-z_][\w.-]*)")

Value = str | bool


def evaluate(text: str, contexts: Mapping[str, str], functions: Mapping[str, bool]) -> Value:
    """The value of an expression, without its braces.

    `contexts` are by their whole names (`matrix.name`). Raises KeyError for a name that is not
    known: GitHub would take it for an empty text, and nobody would notice.
    """
    tokens = _TOKEN.findall(text)
    assert re.sub(r"\s", "", text) == re.sub(r"\s", "", "".join(tokens)), text
    value = _Reader(tokens, contexts, functions).either()
    assert not tokens, f"{text!r} goes on with {tokens}"
    return value


def filled(text: str, contexts: Mapping[str, str]) -> str:
    """A text with each `${{ }}` replaced."""
    return re.sub(r"\$\{\{(.*?)\}\}", lambda found: str(evaluate(found[1], contexts, {})), text)


class _Reader:
    def __init__(
        self, tokens: list[str], contexts: Mapping[str, str], functions: Mapping[str, bool]
    ) -> None:
        self._tokens, self._contexts, self._functions = tokens, contexts, functions

    def either(self) -> Value:
        value = self._both()
        while self._next("||"):
            other = self._both()
            value = value or other
        return value

    def _both(self) -> Value:
        value = self._compared()
        while self._next("&&"):
            other = self._compared()
            value = value and other
        return value

    def _compared(self) -> Value:
        value = self._one()
        if self._next("=="):
            return value == self._one()
        if self._next("!="):
            return value != self._one()
        return value

    def _one(self) -> Value:
        if self._next("!"):
            return not self._one()
        if self._next("("):
            value = self.either()
            assert self._next(")")
            return value
        token = self._tokens.pop(0)
        if token.startswith("'"):
            return token[1:-1].replace("''", "'")
        if self._next("("):
            assert self._next(")")
            return self._functions[token]
        return self._contexts[token]

    def _next(self, token: str) -> bool:
        if self._tokens[:1] != [token]:
            return False
        self._tokens.pop(0)
        return True
