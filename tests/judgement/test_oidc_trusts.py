"""Whether a role may be assumed by exactly the pipelines that it serves, and by no other token."""

from __future__ import annotations

import fnmatch
import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.policy import PEOPLE_OF_THE_ACCOUNT, OidcTrust, trust_findings

ACCOUNT = "123456789012"
GITHUB = f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com"
OWN = f"arn:aws:iam::{ACCOUNT}:oidc-provider/gitlab.hospital.example"
HOST = "token.actions.githubusercontent.com"
MAIN, ANY_BRANCH = "repo:hospital/audit:ref:refs/heads/main", "repo:hospital/audit:ref:*"
ROOT = {
    "Effect": "Allow",
    "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
    "Action": "sts:AssumeRole",
}


def _pipelines(condition: Any, provider: str = GITHUB, **changes: Any) -> dict[str, Any]:
    return {
        "Effect": "Allow",
        "Principal": {"Federated": provider},
        "Action": "sts:AssumeRoleWithWebIdentity",
        **({} if condition is None else {"Condition": condition}),
        **changes,
    }


def _claims(
    subject: Any = MAIN, audience: Any = "sts.amazonaws.com", host: str = HOST
) -> dict[str, Any]:
    return {"StringEquals": {f"{host}:aud": audience}, "StringLike": {f"{host}:sub": subject}}


def _judge(*statements: dict[str, Any], trusts: tuple[OidcTrust, ...]) -> set[str]:
    document = {"Version": "2012-10-17", "Statement": [ROOT, *statements]}
    found = trust_findings(document, ACCOUNT, PEOPLE_OF_THE_ACCOUNT, (), trusts)
    return {finding.verdict.value for finding in found}


def _trust(*subjects: str, provider: str = GITHUB) -> OidcTrust:
    return OidcTrust(provider, "sts.amazonaws.com", subjects)


SERVED = (_trust(MAIN),)


def test_exactly_the_pipelines_that_the_baseline_lists() -> None:
    assert _judge(_pipelines(_claims()), trusts=SERVED) == set()
    both = {"StringEquals": {f"{HOST}:aud": "sts.amazonaws.com", f"{HOST}:sub": MAIN}}
    assert _judge(_pipelines(both), trusts=SERVED) == set()
    capitals = {"StringEquals": {f"{HOST}:AUD": "sts.amazonaws.com", f"{HOST}:Sub": [MAIN]}}
    assert _judge(_pipelines(capitals), trusts=SERVED) == set()
    likes = {"StringLike": {f"{HOST}:aud": "sts.amazonaws.com", f"{HOST}:sub": MAIN}}
    assert _judge(_pipelines(likes), trusts=SERVED) == set()
    assert _judge(_pipelines(_claims(ANY_BRANCH)), trusts=(_trust(ANY_BRANCH),)) == set()
    # In one statement or in two, it is the same.
    two = (_trust(MAIN, "repo:hospital/audit:environment:prod"),)
    halves = [_pipelines(_claims(subject)) for subject in two[0].subjects]
    assert _judge(*halves, trusts=two) == set()


def test_the_subjects_of_a_provider_of_ones_own_may_have_wildcards_that_the_baseline_names() -> (
    None
):
    """Whom such a provider serves is not known; its subjects are named by whoever audits."""
    subject = "project_path:care/audit:ref_type:branch:*"
    condition = _claims(subject, host="gitlab.hospital.example")
    ours = (_trust(subject, provider=OWN),)
    assert _judge(_pipelines(condition, OWN), trusts=ours) == set()
    assert "violation" in _judge(_pipelines(condition, OWN), trusts=())
    elsewhere = _claims("project_path:care/*", host="gitlab.hospital.example")
    assert "violation" in _judge(_pipelines(elsewhere, OWN), trusts=ours)


WIDER: dict[str, dict[str, Any]] = {
    "a pull request's branch too": _pipelines(_claims([MAIN, "repo:hospital/audit:pull_request"])),
    "every branch": _pipelines(_claims(ANY_BRANCH)),
    "every repository of the owner": _pipelines(_claims("repo:hospital/*")),
    "every repository": _pipelines(_claims("repo:*")),
    "one that begins alike": _pipelines(_claims(f"{MAIN}*")),
    "whatever subject": _pipelines({"StringEquals": {f"{HOST}:aud": "sts.amazonaws.com"}}),
    "whatever audience": _pipelines({"StringEquals": {f"{HOST}:sub": MAIN}}),
    "another audience": _pipelines(_claims(audience="https://elsewhere.example")),
    "two audiences": _pipelines(_claims(audience=["sts.amazonaws.com", "other"])),
    "an audience by a pattern": _pipelines(
        {"StringLike": {f"{HOST}:aud": "sts.*", f"{HOST}:sub": MAIN}}
    ),
    "no condition": _pipelines(None),
    "a subject only if there is one": _pipelines(
        {
            "StringEquals": {f"{HOST}:aud": "sts.amazonaws.com"},
            "StringLikeIfExists": {f"{HOST}:sub": MAIN},
        }
    ),
    "every subject of none": _pipelines(
        {
            "StringEquals": {f"{HOST}:aud": "sts.amazonaws.com"},
            "ForAllValues:StringLike": {f"{HOST}:sub": MAIN},
        }
    ),
    "all subjects but one": _pipelines(
        {
            "StringEquals": {f"{HOST}:aud": "sts.amazonaws.com"},
            "StringNotEquals": {f"{HOST}:sub": MAIN},
        }
    ),
    "a claim of another provider": _pipelines(_claims(host="gitlab.com")),
    "tags for their session": _pipelines(
        _claims(), Action=["sts:AssumeRoleWithWebIdentity", "sts:TagSession"]
    ),
    "whatever STS knows": _pipelines(_claims(), Action="sts:*"),
    "another provider": _pipelines(
        _claims("project_path:hospital/audit:ref_type:branch:ref:main", host="gitlab.com"),
        f"arn:aws:iam::{ACCOUNT}:oidc-provider/gitlab.com",
    ),
}


@pytest.mark.parametrize("name", WIDER)
def test_a_wider_trust_is_a_violation(name: str) -> None:
    """Also beside the statement that is as it should be."""
    assert "violation" in _judge(_pipelines(_claims()), WIDER[name], trusts=SERVED)


KEPT_OUT: dict[str, list[dict[str, Any]]] = {
    "no statement": [],
    "another branch": [_pipelines(_claims("repo:hospital/audit:ref:refs/heads/next"))],
    "a star that is none": [
        _pipelines(
            {"StringEquals": {f"{HOST}:aud": "sts.amazonaws.com", f"{HOST}:sub": ANY_BRANCH}}
        )
    ],
    "denied": [
        _pipelines(_claims()),
        {
            "Effect": "Deny",
            "Principal": {"Federated": GITHUB},
            "Action": "sts:AssumeRoleWithWebIdentity",
        },
    ],
}


@pytest.mark.parametrize("name", KEPT_OUT)
def test_whom_it_serves_must_be_let_in(name: str) -> None:
    trusts = (_trust(ANY_BRANCH),) if name == "a star that is none" else SERVED
    assert "violation" in _judge(*KEPT_OUT[name], trusts=trusts)


def test_what_cannot_be_told() -> None:
    reviewed = {**_claims()["StringLike"], f"{HOST}:job_workflow_ref": "hospital/ci/*"}
    more = {**_claims(), "StringLike": reviewed}
    assert _judge(_pipelines(more), trusts=SERVED) == {"cannot tell"}
    variable = _claims("repo:hospital/${aws:PrincipalTag/Team}:ref:refs/heads/main")
    assert "cannot tell" in _judge(_pipelines(_claims()), _pipelines(variable), trusts=SERVED)
    denied = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"NotIpAddress": {"aws:SourceIp": "192.0.2.0/24"}},
    }
    assert _judge(_pipelines(_claims()), denied, trusts=SERVED) == {"cannot tell"}


def test_a_baseline_cannot_make_a_trust_of_everybody_right() -> None:
    assert "violation" in _judge(_pipelines(_claims("repo:*")), trusts=(_trust("repo:*"),))


# Every token of a small world: two owners with two repositories, two branches, two audiences.
_SUBJECTS = [
    f"repo:{owner}/{name}:ref:{branch}"
    for owner, name, branch in itertools.product(("a", "ab"), ("x", "xy"), ("m", "mn"))
]
_PATTERNS = [
    *_SUBJECTS,
    *(f"repo:{owner}/{name}:*" for owner, name in itertools.product(("a", "ab"), ("x", "xy"))),
    "repo:a/x*:ref:m",
    "repo:a/?:ref:m*",
    "repo:a/*",
]
_AUDIENCES = ("sts.amazonaws.com", "other")
_statements = st.lists(
    st.tuples(
        st.sampled_from(["StringEquals", "StringLike"]),
        st.lists(st.sampled_from(_PATTERNS), min_size=1, max_size=3),
        st.lists(st.sampled_from(_AUDIENCES), min_size=1, max_size=2),
    ),
    max_size=3,
)


@given(_statements, st.lists(st.sampled_from(_PATTERNS[:-1]), min_size=1, max_size=3))
def test_no_finding_means_that_just_the_listed_tokens_are_let_in(
    statements: list[tuple[str, list[str], list[str]]], listed: list[str]
) -> None:
    """Held to a reading of its own of what each token of a small world may."""
    given_statements = [
        _pipelines(
            {
                "StringEquals": {f"{HOST}:aud": audiences},
                "ForAnyValue:" + operator: {f"{HOST}:sub": subjects},
            }
        )
        for operator, subjects, audiences in statements
    ]
    verdicts = _judge(*given_statements, trusts=(_trust(*listed),))

    def admits(operator: str, value: str, subject: str) -> bool:
        return (
            value == subject if operator == "StringEquals" else fnmatch.fnmatchcase(subject, value)
        )

    for subject, audience in itertools.product(_SUBJECTS, _AUDIENCES):
        admitted = any(
            audience in audiences and any(admits(operator, value, subject) for value in subjects)
            for operator, subjects, audiences in statements
        )
        wanted = audience == "sts.amazonaws.com" and any(
            fnmatch.fnmatchcase(subject, pattern) for pattern in listed
        )
        if admitted != wanted:
            assert "violation" in verdicts


@given(st.lists(st.sampled_from(_PATTERNS[:-1]), min_size=1, max_size=4, unique=True))
def test_the_listed_tokens_and_no_others_are_clean(listed: list[str]) -> None:
    assert _judge(_pipelines(_claims(listed)), trusts=(_trust(*reversed(listed)),)) == set()
