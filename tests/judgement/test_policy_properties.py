"""What must hold of policies for any document at all."""

from __future__ import annotations

import fnmatch
import ipaddress
import json
import re
from typing import Any
from urllib.parse import quote

from hypothesis import assume, given
from hypothesis import strategies as st

from verify.policy import (
    Decision,
    Document,
    Verdict,
    denies_insecure_transport,
    denies_people,
    effective_allows,
    foreign_grants,
    public_grants,
    verdict_of,
)
from verify.policy.patterns import arn_covers, arn_matches, covers, matches

ACCOUNT = "123456789012"
BUCKET = "arn:aws:s3:::logs"
WORST_LAST = [Verdict.CLEAN, Verdict.CANNOT_TELL, Verdict.VIOLATION]

PRINCIPALS = st.sampled_from(
    [
        "*",
        {"AWS": "*"},
        {"AWS": ["arn:aws:iam::123456789012:root", "*"]},
        {"AWS": "arn:aws:iam::123456789012:root"},
        {"AWS": "999999999999"},
        {"Service": "cloudtrail.amazonaws.com"},
        {"Service": ["events.amazonaws.com", "logs.amazonaws.com"]},
    ]
)
ACTIONS = st.sampled_from(["s3:GetObject", "s3:*", "s3:Delete*", "s3:PutObject", "*"])
RESOURCES = st.sampled_from(["*", BUCKET, f"{BUCKET}/*", [BUCKET, f"{BUCKET}/*"], f"{BUCKET}/a/*"])
LINES: list[tuple[str, str, Any]] = [
    ("StringEquals", "aws:PrincipalOrgID", "o-a1b2c3d4e5"),
    ("StringLike", "aws:PrincipalOrgID", "o-*"),
    ("StringNotEquals", "aws:PrincipalAccount", ACCOUNT),
    ("StringEquals", "aws:SourceAccount", ACCOUNT),
    ("StringEqualsIfExists", "aws:PrincipalAccount", ACCOUNT),
    ("ForAllValues:StringEquals", "aws:PrincipalOrgPaths", "o-1/r-1/"),
    ("IpAddress", "aws:SourceIp", ["0.0.0.0/1", "128.0.0.0/1"]),
    ("IpAddress", "aws:SourceIp", "198.51.100.0/24"),
    ("ArnLike", "aws:SourceArn", "arn:aws:sns:*:123456789012:*"),
    ("Bool", "aws:SecureTransport", "false"),
    ("BinaryEquals", "aws:PrincipalAccount", "eA=="),
    ("ArnNotLike", "aws:PrincipalArn", "arn:aws:iam::123456789012:role/break-glass"),
    ("Null", "aws:PrincipalOrgID", "false"),
]


@st.composite
def statements(draw: st.DrawFn) -> dict[str, Any]:
    statement: dict[str, Any] = {
        "Effect": draw(st.sampled_from(["Allow", "Deny"])),
        "Principal": draw(PRINCIPALS),
        "Action": draw(ACTIONS),
        "Resource": draw(RESOURCES),
    }
    condition: dict[str, dict[str, Any]] = {}
    for operator, key, value in draw(st.lists(st.sampled_from(LINES), max_size=3)):
        condition.setdefault(operator, {})[key] = value
    if condition:
        statement["Condition"] = condition
    return statement


STATEMENTS = st.lists(statements(), max_size=4)
REQUESTS = st.tuples(
    st.sampled_from(["*", ACCOUNT, "arn:aws:iam::999999999999:role/x", "cloudtrail.amazonaws.com"]),
    st.sampled_from(["s3:GetObject", "s3:DeleteObject", "s3:ListBucket"]),
    st.sampled_from([BUCKET, f"{BUCKET}/a/b", f"{BUCKET}/c"]),
    st.fixed_dictionaries(
        {},
        optional={
            "aws:SecureTransport": st.booleans(),
            "aws:SourceIp": st.sampled_from(["198.51.100.7", "8.8.8.8"]),
            "aws:PrincipalOrgID": st.sampled_from(["o-a1b2c3d4e5", "o-other"]),
            "aws:SourceAccount": st.sampled_from([ACCOUNT, "999999999999"]),
        },
    ),
)


def _document(drawn: list[dict[str, Any]]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": drawn}


def _allow(condition: dict[str, Any]) -> dict[str, Any]:
    return {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": "*",
        "Condition": condition,
    }


@given(STATEMENTS, statements())
def test_another_statement_never_makes_a_document_less_public(
    drawn: list[dict[str, Any]], another: dict[str, Any]
) -> None:
    for judge in (public_grants, foreign_grants):
        before = verdict_of(judge(_document(drawn), ACCOUNT))
        after = verdict_of(judge(_document([*drawn, another]), ACCOUNT))
        assert WORST_LAST.index(after) >= WORST_LAST.index(before)


@given(STATEMENTS, st.randoms(use_true_random=False))
def test_order_of_statements_does_not_matter(drawn: list[dict[str, Any]], chance: Any) -> None:
    shuffled = drawn.copy()
    chance.shuffle(shuffled)
    for judge in (public_grants, foreign_grants):
        assert verdict_of(judge(_document(drawn), ACCOUNT)) is verdict_of(
            judge(_document(shuffled), ACCOUNT)
        )
    assert (
        denies_insecure_transport(_document(drawn), BUCKET).holds
        is denies_insecure_transport(_document(shuffled), BUCKET).holds
    )


@given(STATEMENTS)
def test_what_is_public_is_foreign_too(drawn: list[dict[str, Any]]) -> None:
    public = {(f.index, f.verdict) for f in public_grants(_document(drawn), ACCOUNT)}
    foreign = {(f.index, f.verdict) for f in foreign_grants(_document(drawn), ACCOUNT)}
    assert public <= foreign


@given(statements(), st.sampled_from(LINES))
def test_another_condition_never_opens_a_statement(
    statement: dict[str, Any], line: tuple[str, str, Any]
) -> None:
    operator, key, value = line
    condition = {name: dict(lines) for name, lines in statement.get("Condition", {}).items()}
    assume(key not in condition.get(operator, {}))
    condition.setdefault(operator, {})[key] = value
    before = verdict_of(public_grants(_document([statement]), ACCOUNT))
    after = verdict_of(public_grants(_document([{**statement, "Condition": condition}]), ACCOUNT))
    # A condition that cannot be judged can make a certain answer uncertain, never worse than it
    # was.
    assert WORST_LAST.index(after) <= WORST_LAST.index(before)


@given(STATEMENTS)
def test_text_encoded_text_and_mapping_are_the_same_document(drawn: list[dict[str, Any]]) -> None:
    document = _document(drawn)
    text = json.dumps(document)
    assert Document.parse(document) == Document.parse(text) == Document.parse(quote(text, safe=""))
    assert Document.parse(Document.parse(document)) == Document.parse(document)


@given(st.sampled_from([["0.0.0.0/0"], ["::/0"], ["16.0.0.0/7"], ["17.0.0.0/8"], ["10.0.0.0/8"]]))
def test_splitting_a_source_address_changes_nothing(values: list[str]) -> None:

    halves = [
        str(half)
        for value in values
        for half in ipaddress.ip_network(value).subnets(prefixlen_diff=1)
    ]
    whole = _allow({"IpAddress": {"aws:SourceIp": values}})
    split = _allow({"IpAddress": {"aws:SourceIp": halves}})
    assert verdict_of(public_grants(_document([whole]), ACCOUNT)) is verdict_of(
        public_grants(_document([split]), ACCOUNT)
    )


@given(STATEMENTS, REQUESTS)
def test_a_public_request_that_is_allowed_is_found_public(
    drawn: list[dict[str, Any]], request: tuple[str, str, str, dict[str, Any]]
) -> None:
    # An anonymous caller with nothing but an address and TLS: whatever lets him in must be a
    # finding.
    _, action, resource, context = request
    context = {key: value for key, value in context.items() if key in ("aws:SecureTransport",)} | {
        "aws:SourceIp": "8.8.8.8"
    }
    evaluation = effective_allows(_document(drawn), "*", action, resource, context)
    if evaluation.allowed:
        assert public_grants(_document(drawn), ACCOUNT)


@given(STATEMENTS, REQUESTS)
def test_a_stranger_that_is_allowed_is_found_foreign(
    drawn: list[dict[str, Any]], request: tuple[str, str, str, dict[str, Any]]
) -> None:
    _, action, resource, context = request
    context = {**context, "aws:PrincipalOrgID": "o-other", "aws:SourceIp": "8.8.8.8"}
    context.pop("aws:SourceAccount", None)
    stranger = "arn:aws:iam::999999999999:role/x"
    if effective_allows(_document(drawn), stranger, action, resource, context).allowed:
        assert foreign_grants(_document(drawn), ACCOUNT)


@given(STATEMENTS, REQUESTS)
def test_a_request_without_tls_is_refused_where_the_judgement_holds(
    drawn: list[dict[str, Any]], request: tuple[str, str, str, dict[str, Any]]
) -> None:
    principal, action, resource, context = request
    if denies_insecure_transport(_document(drawn), BUCKET).holds:
        insecure = {**context, "aws:SecureTransport": False}
        evaluation = effective_allows(_document(drawn), principal, action, resource, insecure)
        assert evaluation.decision is Decision.DENIED


@given(STATEMENTS, REQUESTS)
def test_a_deletion_is_refused_where_the_judgement_holds(
    drawn: list[dict[str, Any]], request: tuple[str, str, str, dict[str, Any]]
) -> None:
    principal, _, _, context = request
    exempt = ["arn:aws:iam::123456789012:role/break-glass"]
    judgement = denies_people(_document(drawn), BUCKET, ["s3:DeleteObject"], exempt)
    if judgement.holds:
        evaluation = effective_allows(
            _document(drawn), principal, "s3:DeleteObject", f"{BUCKET}/a/b", context
        )
        assert not evaluation.allowed


@given(STATEMENTS, REQUESTS, statements())
def test_another_deny_never_allows(
    drawn: list[dict[str, Any]],
    request: tuple[str, str, str, dict[str, Any]],
    another: dict[str, Any],
) -> None:
    more = [*drawn, {**another, "Effect": "Deny"}]
    if effective_allows(_document(more), *request).allowed:
        assert effective_allows(_document(drawn), *request).allowed


PATTERNS = st.text(alphabet="ab:*?", max_size=8)


@given(PATTERNS, st.text(alphabet="ab:", max_size=8))
def test_patterns_match_as_a_regular_expression_would(pattern: str, text: str) -> None:
    assert matches(pattern, text) is bool(re.match(fnmatch.translate(pattern), text))


@given(PATTERNS, PATTERNS, st.text(alphabet="ab:", max_size=8))
def test_a_pattern_that_covers_another_matches_all_that_it_matches(
    pattern: str, other: str, text: str
) -> None:
    if covers(pattern, other) and matches(other, text):
        assert matches(pattern, text)


FIELDS = st.text(alphabet="ab*", max_size=3)


@given(
    st.tuples(*[FIELDS] * 5), st.tuples(*[FIELDS] * 5), st.tuples(*[st.text("ab", max_size=3)] * 5)
)
def test_an_arn_pattern_that_covers_another_matches_all_that_it_matches(
    pattern: tuple[str, ...], other: tuple[str, ...], text: tuple[str, ...]
) -> None:
    one, two, arn = (":".join(("arn", *fields)) for fields in (pattern, other, text))
    if arn_covers(one, two) and arn_matches(two, arn):
        assert arn_matches(one, arn)
