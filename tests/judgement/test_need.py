"""Whether policies give exactly what is needed: by cases, and against single requests."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verify.policy import Document, NamedPolicy, beyond_need, effective_allows, lacking

ACCOUNT = "123456789012"
HERE = f"ap-southeast-1:{ACCOUNT}"
TOPIC, QUEUE = f"arn:aws:sns:{HERE}:alerts", f"arn:aws:sqs:{HERE}:letters"
GROUP = f"arn:aws:logs:{HERE}:log-group:/aws/lambda/checker"
BUCKET, KEY = "arn:aws:s3:::logs", f"arn:aws:kms:{HERE}:key/1234"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/checker"
CONTEXT = {
    "aws:principalaccount": (ACCOUNT,),
    "aws:principalarn": (ROLE,),
    "aws:securetransport": ("true",),
    "aws:currenttime": ("2026-11-26T04:00:00+00:00",),
}


def _policy(*statements: dict[str, Any], version: str = "2012-10-17") -> NamedPolicy:
    stated = [{"Effect": "Allow", **statement} for statement in statements]
    return NamedPolicy("policy", Document.parse({"Version": version, "Statement": stated}))


def _on(resource: Any, *actions: str, **more: Any) -> dict[str, Any]:
    return {"Action": list(actions), "Resource": resource, **more}


NEED = _policy(
    _on(f"{GROUP}:*", "logs:CreateLogStream", "logs:PutLogEvents"),
    _on(TOPIC, "sns:Publish"),
    _on(QUEUE, "sqs:SendMessage"),
    _on(KEY, "kms:GenerateDataKey*", "kms:Decrypt"),
    _on(BUCKET, "s3:GetBucketAcl"),
    _on(f"{BUCKET}/*", "s3:GetObject"),
    _on("*", "cloudtrail:DescribeTrails"),
)
EXACT = [
    _on(f"{GROUP}:*", "logs:CreateLogStream", "logs:PutLogEvents"),
    _on(TOPIC, "sns:Publish"),
    _on(QUEUE, "sqs:SendMessage"),
    _on(KEY, "kms:GenerateDataKey*", "kms:Decrypt"),
    _on(BUCKET, "s3:GetBucketAcl"),
    _on(f"{BUCKET}/*", "s3:GetObject"),
    _on("*", "cloudtrail:DescribeTrails"),
]


def _beyond(*policies: NamedPolicy) -> list[tuple[str, str]]:
    return [(one.subject, one.verdict.value) for one in beyond_need(policies, NEED, ACCOUNT)]


def _lacking(*policies: NamedPolicy) -> list[tuple[str, str]]:
    return [(one.subject, one.verdict.value) for one in lacking(policies, NEED, ACCOUNT, CONTEXT)]


def test_the_need_itself_is_exact() -> None:
    assert _beyond(_policy(*EXACT)) == []
    assert _lacking(_policy(*EXACT)) == []


def test_all_actions_but_some_are_exact_where_just_those_are_needed() -> None:
    all_but = _policy({"NotAction": ["iam:*"], "Resource": "*"})
    assert beyond_need([all_but], all_but, ACCOUNT) == ()
    assert lacking([all_but], all_but, ACCOUNT, CONTEXT) == ()
    more = _policy({"NotAction": ["iam:Create*"], "Resource": "*"})
    assert [one.subject for one in beyond_need([more], all_but, ACCOUNT)] == ["*"]


@pytest.mark.parametrize(
    "same",
    [
        pytest.param([_policy(one) for one in reversed(EXACT)], id="a policy each, reversed"),
        pytest.param(
            [
                _policy(
                    _on(
                        [f"{GROUP}:*", TOPIC, QUEUE, KEY, BUCKET, f"{BUCKET}/*", "*"],
                        "cloudtrail:DescribeTrails",
                    ),
                    _on(
                        [f"{GROUP}:*", TOPIC, QUEUE, KEY, BUCKET, f"{BUCKET}/*"],
                        *(action for one in EXACT[:-1] for action in one["Action"]),
                    ),
                )
            ],
            id="one statement for all",
        ),
        pytest.param(
            [
                _policy(
                    *({**one, "Action": [name.upper() for name in one["Action"]]} for one in EXACT)
                )
            ],
            id="other case",
        ),
        pytest.param(
            [
                _policy(*EXACT[1:]),
                _policy(_on(f"{GROUP}:?*", "logs:CreateLogStream", "logs:PutLogEvents")),
                _policy(_on(f"{GROUP}:", "logs:CreateLogStream", "logs:PutLogEvents")),
            ],
            id="two patterns that together are the one",
        ),
        pytest.param(
            [
                _policy(
                    *EXACT[:-1],
                    _on("*", "cloudtrail:DescribeTrails", "cloudtrail:LookupEvents"),
                    {"Effect": "Deny", "NotAction": "cloudtrail:DescribeTrails", "Resource": "*"},
                ),
                _policy(*EXACT),
            ],
            id="more, taken away again",
        ),
    ],
)
def test_what_is_beyond_does_not_depend_on_the_form(same: list[NamedPolicy]) -> None:
    assert _beyond(*same) == []


@pytest.mark.parametrize("count", [1, 3, len(EXACT)])
def test_what_is_lacking_does_not_depend_on_the_form(count: int) -> None:
    parts = [_policy(*EXACT[i::count]) for i in range(count)]
    assert _lacking(*parts) == []
    assert _lacking(*parts[1:]) == [
        (name.lower(), "violation") for one in EXACT[0::count] for name in one["Action"]
    ]


@pytest.mark.parametrize(
    ("statement", "subjects"),
    [
        (_on(f"{BUCKET}/*", "s3:DeleteObject"), ["s3:deleteobject"]),
        (_on(f"{BUCKET}/*", "s3:Get*"), ["s3:get*"]),
        (_on(f"{BUCKET}/*", "s3:GetObject*"), ["s3:getobject*"]),
        (_on(f"{BUCKET}*", "s3:GetObject"), ["s3:getobject"]),
        (_on("arn:aws:s3", "s3:GetObject"), ["s3:getobject"]),
        (_on("arn:aws:kms:*:*:key/*", "kms:Decrypt"), ["kms:decrypt"]),
        (_on("*", "kms:CreateGrant"), ["kms:creategrant"]),
        (_on("*", "lambda:UpdateFunctionCode"), ["lambda:updatefunctioncode"]),
        (_on("*", "iam:CreateAccessKey"), ["iam:createaccesskey"]),
        ({"NotAction": ["iam:*"], "Resource": TOPIC}, ["*"]),
        ({"Action": "sns:Publish", "NotResource": QUEUE}, ["sns:publish"]),
        (_on([TOPIC, QUEUE], "sns:Publish", "sqs:SendMessage"), []),
        (_on(QUEUE, "sns:Publish"), []),  # no queue is published to
        (_on(f"{BUCKET}/*", "s3:GetBucketAcl"), []),  # objects have no such ACL
        (_on("arn:aws:s3:*:*:accesspoint/logs", "s3:GetBucketAcl"), ["s3:getbucketacl"]),
        (_on(BUCKET, "s3:GetAccessPointPolicy"), []),  # no bucket is an access point
        (_on(TOPIC, "cloudtrail:DescribeTrails"), []),  # knows no resource but "*"
        (_on(TOPIC, "sns:Publish", Condition={"Bool": {"aws:SecureTransport": "true"}}), []),
        (_on(f"arn:aws:sns:*:{ACCOUNT}:alerts", "sns:Publish"), ["sns:publish"]),
        (_on("arn:aws:sns:ap-southeast-1:${aws:PrincipalAccount}:alerts", "sns:Publish"), []),
    ],
)
def test_beyond(statement: dict[str, Any], subjects: list[str]) -> None:
    assert _beyond(_policy(*EXACT, statement)) == [(name, "violation") for name in subjects]


def test_a_variable_may_stand_for_more() -> None:
    grant = _on("arn:aws:s3:::logs-${aws:PrincipalTag/team}/*", "s3:GetObject")
    assert _beyond(_policy(*EXACT, grant)) == [("s3:getobject", "cannot tell")]
    # In the old version it is plain text, and names an object that may well be there.
    plain = _policy(grant, version="2008-10-17")
    assert _beyond(plain) == [("s3:getobject", "violation")]


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        (_on("*", "sns:*", Effect="Deny"), "violation"),
        ({"Effect": "Deny", "NotAction": ["logs:*", "s3:*"], "Resource": TOPIC}, "violation"),
        ({"Effect": "Deny", "Action": "sns:*", "NotResource": QUEUE}, "violation"),
        (
            _on(
                "*",
                "*",
                Effect="Deny",
                Condition={"StringEquals": {"aws:PrincipalAccount": ACCOUNT}},
            ),
            "violation",
        ),
        (
            _on("*", "*", Effect="Deny", Condition={"Bool": {"aws:SecureTransport": "false"}}),
            None,
        ),
        (
            _on(
                "*", "sns:*", Effect="Deny", Condition={"StringNotEquals": {"aws:SourceVpc": "vpc"}}
            ),
            "cannot tell",
        ),
        (_on("arn:aws:sns:*:*:${aws:PrincipalTag/a}", "sns:*", Effect="Deny"), "cannot tell"),
    ],
)
def test_a_deny_takes_away_what_is_needed(change: dict[str, Any], verdict: str | None) -> None:
    found = dict(_lacking(_policy(*EXACT, change)))
    assert found.get("sns:publish") == verdict


@pytest.mark.parametrize(
    ("condition", "verdict"),
    [
        ({"Bool": {"aws:SecureTransport": "true"}}, None),
        ({"ArnEquals": {"aws:PrincipalArn": ROLE}}, None),
        ({"StringEquals": {"aws:PrincipalAccount": "999999999999"}}, "violation"),
        ({"DateLessThan": {"aws:CurrentTime": "2026-01-01T00:00:00Z"}}, "violation"),
        ({"StringEquals": {"aws:SourceVpc": "vpc-1"}}, "cannot tell"),
    ],
)
def test_a_condition_may_void_an_allowance(condition: dict[str, Any], verdict: str | None) -> None:
    granted = _policy(EXACT[0], {**EXACT[1], "Condition": condition}, *EXACT[2:])
    assert _lacking(granted) == ([] if verdict is None else [("sns:publish", verdict)])


def test_an_action_is_needed_on_what_it_is_for() -> None:
    """Of a bucket and an access point that a need lists together."""
    point = f"arn:aws:s3:{HERE}:accesspoint/*"
    need = _policy(_on([BUCKET, point], "s3:GetBucketAcl", "s3:GetAccessPointPolicy"))
    granted = [_policy(_on(BUCKET, "s3:GetBucketAcl"), _on(point, "s3:GetAccessPointPolicy"))]
    assert lacking(granted, need, ACCOUNT, CONTEXT) == ()
    assert beyond_need(granted, need, ACCOUNT) == ()


VIA = {"StringEquals": {"kms:ViaService": ["s3.eu-west-1.amazonaws.com", "sns.amazonaws.com"]}}


@pytest.mark.parametrize(
    ("condition", "beyond", "less"),
    [
        (VIA, False, False),
        ({"StringEquals": {"kms:ViaService": "sns.amazonaws.com"}}, False, True),
        ({"StringLike": {"kms:ViaService": "*.amazonaws.com"}}, True, False),
        ({"StringEqualsIfExists": VIA["StringEquals"]}, True, False),
        ({}, True, False),
    ],
)
def test_conditions_are_part_of_the_need(
    condition: dict[str, Any], beyond: bool, less: bool
) -> None:
    need = _policy(_on(KEY, "kms:Decrypt", Condition=VIA))
    granted = [_policy(_on(KEY, "kms:Decrypt", Condition=condition))]
    assert bool(beyond_need(granted, need, ACCOUNT)) is beyond
    assert bool(lacking(granted, need, ACCOUNT, CONTEXT)) is less


def test_values_may_be_in_statements_of_their_own() -> None:
    need = _policy(_on(KEY, "kms:Decrypt", Condition=VIA))
    granted = [
        _policy(_on(KEY, "kms:Decrypt", Condition={"StringEquals": {"kms:ViaService": service}}))
        for service in VIA["StringEquals"]["kms:ViaService"]
    ]
    assert beyond_need(granted, need, ACCOUNT) == ()
    assert lacking(granted, need, ACCOUNT, CONTEXT) == ()


def test_entangled_patterns_are_not_judged() -> None:
    knotted = _on([f"arn:aws:sns:*a{'?' * 40}", TOPIC], "sns:Publish")
    knot = _on(f"arn:aws:sns:*b{'?' * 40}", "sns:Publish", Effect="Deny")
    assert ("sns:publish", "cannot tell") in _beyond(_policy(*EXACT, knotted, knot))


def test_a_finding_says_where_and_what() -> None:
    granted = _policy({"Sid": "Wide", **_on("arn:aws:kms:*:*:key/*", "kms:Decrypt")})
    [found] = beyond_need([granted], NEED, ACCOUNT)
    assert found.reason == (
        'policy, statement "Wide" (#0), allows kms:Decrypt on arn:aws:kms:*:*:key/*, every key, '
        "though it can name its resources, which the role does not need"
    )
    [silenced] = lacking([_policy(*EXACT[1:])], _policy(EXACT[0]), ACCOUNT, CONTEXT)[1:]
    assert silenced.reason == f"cannot logs:PutLogEvents on {GROUP}:*"


# --- against single requests ----------------------------------------------------------------------

_ACTIONS = st.lists(st.sampled_from(["sqs:a", "sqs:a*", "sqs:b", "sqs:*", "SQS:?b"]), min_size=1)
_RESOURCES = st.lists(
    st.sampled_from([f"arn:aws:sqs:{HERE}:{name}" for name in ("a", "a*", "?b", "*", "ab")]),
    min_size=1,
)
_STATEMENTS = st.builds(
    lambda effect, actions, resources, kinds: {
        "Effect": effect,
        ("NotAction" if kinds[0] else "Action"): actions,
        ("NotResource" if kinds[1] else "Resource"): resources,
    },
    st.sampled_from(["Allow", "Allow", "Deny"]),
    _ACTIONS,
    _RESOURCES,
    st.tuples(st.integers(0, 3).map(lambda n: n == 0), st.integers(0, 3).map(lambda n: n == 0)),
)
_NEEDS = st.lists(
    st.builds(lambda actions, on: _on(on, *actions), _ACTIONS, _RESOURCES), min_size=1, max_size=3
)
_NAMES = ["".join(one) for n in (1, 2) for one in itertools.product("abc", repeat=n)]
REQUESTS = [
    (f"sqs:{action}", f"arn:aws:sqs:{HERE}:{resource}") for action in _NAMES for resource in _NAMES
]


def _allowed(policies: list[NamedPolicy]) -> set[tuple[str, str]]:
    statements = tuple(one for policy in policies for one in policy.document.statements)
    document = Document("2012-10-17", statements)
    return {request for request in REQUESTS if effective_allows(document, ROLE, *request).allowed}


@settings(max_examples=80, deadline=None)
@given(st.lists(_STATEMENTS, min_size=1, max_size=4), _NEEDS)
def test_excess_and_lack_are_what_single_requests_say(
    granted: list[dict[str, Any]], needed: list[dict[str, Any]]
) -> None:
    policies = [_policy(one) for one in granted]
    need = _policy(*needed)
    may, must = _allowed(policies), _allowed([need])
    if not beyond_need(policies, need, ACCOUNT):
        assert may <= must
    elif not any("NotAction" in one or "NotResource" in one for one in granted):
        assert may - must  # these patterns differ in short names already
    assert bool(lacking(policies, need, ACCOUNT, {})) is bool(must - may)
