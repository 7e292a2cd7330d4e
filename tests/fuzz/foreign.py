"""Strange input: documents with strange values, texts with strange parts, and bombs."""

from __future__ import annotations

import copy
import gzip
import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from hypothesis import strategies as st

from tests.compliance_checker.damage import JSON, paths

_GONE = object()


def _deep(depth: int) -> Any:
    value: Any = "end"
    for _ in range(depth):
        value = [value]
    return value


# What reads as well as any value, and is not what is meant.
_STRANGE: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    1 << 80,
    10**400,
    1e308,
    0.1,
    float("nan"),
    float("inf"),
    "",
    " ",
    "\ud800",
    "\x00",
    "\u202e",
    "x" * 20_000,
    "*",
    "**" * 500,
    "..",
    "../../../../etc/passwd",
    "/",
    "2026-02-30",
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59",
    "2026-01-01T00:00:00",
    "arn:",
    "arn:aws:::::",
    "arn:aws:s3:::*",
    "{each a}",
    "{account_id}",
    "${aws:username}",
    "0.0.0.0/99",
    "10.0.0.0/8,::/0",
    "(" * 500,
    "a" * 30 + "!",
    [],
    {},
    [[]],
    [None],
    {"": ""},
    {"value": None},
    _deep(400),
    ["x"] * 500,
)
_VALUES = st.one_of(st.sampled_from(_STRANGE), JSON)


@st.composite
def documents(draw: st.DrawFn, examples: tuple[Any, ...]) -> Any:
    """One of the examples with up to three of its parts gone, or strange, or doubled."""
    document = copy.deepcopy(draw(st.sampled_from(examples)))
    for _ in range(draw(st.integers(1, 3))):
        places = list(paths(document)) if isinstance(document, (dict, list)) else []
        if not places:
            return draw(_VALUES)
        document = _changed(document, draw(st.sampled_from(places)), draw(_changes))
    return document


_changes = st.one_of(st.just(_GONE), _VALUES)


def _changed(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    place = document
    for key in path[:-1]:
        place = place[key]
    if value is _GONE:
        del place[path[-1]]
    else:
        place[path[-1]] = copy.deepcopy(value)  # what is drawn again must be as it was
    return document


_TOKENS: tuple[bytes, ...] = (
    *b'{}[]"\\:,-#&*!?|>%@`=()/~+.',
    b"\x00",
    b"\xff",
    b"\xc3",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\r",
    b"\n",
    b"\t",
    b"\\ud800",
    b"\xed\xa0\x80",
    b"1" * 5000,
    b"1e999",
    b"-0",
    b"NaN",
    b"-Infinity",
    b"null",
    b'"a":1,"a":2,',
    b'{"a":{"a":{}}}',
    b"[" * 200,
    b"&a ",
    b"*a",
    b"&a [*a]",
    b"<<: *a\n",
    b"? [a]\n: b\n",
    b"? {a: b}\n: c\n",
    b"1: x\n",
    b"true: x\n",
    b"~: x\n",
    b"!!python/object/apply:os.getcwd []",
    b"!!binary =",
    b"!!set {a}",
    b"!!int x",
    b"!!timestamp x",
    b"!x y",
    b"---\n",
    b"...\n",
    b"1:30",
    b"0o17",
    b"2026-02-30",
    b"<<EOT\n",
    b"${",
    b"%{",
    b"'",
    b"--",
    b"/*",
    b" OR ",
    b"SELECT ",
)
_TOKENS = tuple(token if isinstance(token, bytes) else bytes([token]) for token in _TOKENS)


@st.composite
def texts(draw: st.DrawFn, examples: tuple[bytes, ...]) -> bytes:
    """One of the examples with up to four edits, or anything at all."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(_encoded)))
    content = draw(st.sampled_from(examples))
    for _ in range(draw(st.integers(1, 4))):
        begin = draw(st.integers(0, len(content)))
        end = min(len(content), begin + draw(st.sampled_from((0, 0, 1, 2, 8, 40, 400))))
        put = draw(
            st.one_of(st.sampled_from(_TOKENS), st.just(b""), st.just(content[begin:end] * 2))
        )
        content = content[:begin] + put + content[end:]
    return content


def _encoded(text: str) -> bytes:
    return text.encode(errors="surrogatepass")


def as_json(document: Any) -> bytes:
    """A document as JSON, what is no JSON to others (NaN, half characters) included."""
    return json.dumps(document).encode()


@cache
def bombs() -> Mapping[str, bytes]:
    """What is small to send, or cheap to make, and costs a careless reader everything."""
    return dict(_bombs())


def _bombs() -> Iterator[tuple[str, bytes]]:
    many = 20_000
    yield "nested lists of JSON", b"[" * many
    yield "nested lists of JSON, closed", b"[" * many + b"]" * many
    yield "nested lists in an object", b'{"a":' + b"[" * many + b"]" * many + b"}"
    yield "nested objects of JSON", b'{"a":' * many + b"1" + b"}" * many
    yield "nested less than Python's limit", b'{"a":' * 900 + b"1" + b"}" * 900
    yield "a number of a million digits", b'{"a": ' + b"9" * 1_000_000 + b"}"
    yield "a list of many numbers", b"[" + b"0," * 100_000 + b"0]"
    yield "one key often", b"{" + b'"a": 1,' * many + b'"a": 2}'
    yield "many keys", b"{" + b",".join(b'"%d": 1' % number for number in range(many)) + b"}"
    yield "a long text", b'"' + b"x" * 1_000_000 + b'"'
    yield "half a character", b'{"a": "\\ud800", "\\udfff": 1}'
    yield "no JSON but Python's", b'{"a": [NaN, Infinity, -Infinity]}'
    yield "white space", b" " * 1_000_000
    yield "nothing", b""
    yield "zeros", b"\x00" * 1_000_000
    yield "a mark of UTF-16 and an odd byte", b"\xff\xfea"
    lines = b"".join(
        b"a%d: &a%d [%s]\n" % (level, level, b", ".join([b"*a%d" % (level - 1)] * 9))
        for level in range(1, 30)
    )
    yield "aliases of YAML, nine to the thirtieth", b"a0: &a0 [x]\n" + lines
    yield "an alias of itself", b"a: &a [*a]\n"
    yield "a mapping of itself", b"&a {a: *a}\n"
    yield (
        "merged mappings",
        b"a0: &a0 {x: 1}\n"
        + b"".join(
            b"a%d: &a%d {<<: [%s], y%d: 1}\n"
            % (level, level, b", ".join([b"*a%d" % (level - 1)] * 9), level)
            for level in range(1, 30)
        ),
    )
    yield "nested lists of YAML", b"- " * 5_000 + b"x"
    yield "nested YAML by indentation", b"".join(b" " * n + b"a:\n" for n in range(2_000))
    yield "keys of YAML that are lists", b"? [a]\n: b\n"
    yield "keys of YAML of several kinds", b"1: a\ntrue: b\n~: c\nx: d\n1.5: e\n"
    yield "a document of Python's objects", b"!!python/object/apply:os.getcwd []\n"
    yield "a number of sixties", b"a: " + b"1:" * many + b"1\n"
    yield "gzip of zeros", gzip.compress(b"\x00" * 300_000_000, 9)
    yield "gzip in gzip", gzip.compress(gzip.compress(b"{}" * 1000))
    yield "many members of gzip", gzip.compress(b"{}") * 20_000
    yield "half a member of gzip", gzip.compress(b"x" * 1000)[:20]
    yield "nested blocks of HCL", b"a {\n" * 2_000 + b"}\n" * 2_000
    yield "nested parentheses", b"(" * 5_000 + b"1" + b")" * 5_000
    yield "a long sum", b"1" + b" + 1" * 5_000
    yield "a long pattern", b"*a" * 5_000 + b"b"
    yield "columns", b"," * 200_000
    yield "a quote that never ends", b'"' + b"a,\n" * many
