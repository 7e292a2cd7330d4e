"""The shared tables of policy cases, and what of policies the tables cannot say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from verify.policy import (
    CONDITION_KEYS,
    Document,
    PolicyError,
    Verdict,
    denies_insecure_transport,
    denies_other_encryption,
    denies_people,
    effective_allows,
    foreign_grants,
    key_policy_findings,
    overbroad_identity_statements,
    public_grants,
    service_grants,
    trust_principals,
    verdict_of,
)
from verify.policy.condition_keys import ConditionKey, Names, key_of

CASES = Path(__file__).parent / "cases"
ACCOUNT = "123456789012"
TRAIL = "arn:aws:cloudtrail:ap-southeast-1:123456789012:trail/cloudtrail-audit-dev"


def _cases(name: str) -> list[Any]:
    table = json.loads((CASES / name).read_text(encoding="utf-8"))
    shared = {key: value for key, value in table.items() if key not in ("about", "cases")}
    return [pytest.param({**shared, **case}, id=case["name"]) for case in table["cases"]]


@pytest.mark.parametrize("case", _cases("grants.json"))
def test_grant_case(case: dict[str, Any]) -> None:
    public = public_grants(case["document"], case["account"])
    foreign = foreign_grants(case["document"], case["account"])
    assert verdict_of(public).value == case["public"], case["why"]
    assert verdict_of(foreign).value == case["foreign"], case["why"]
    assert all(finding.reason.startswith("statement ") for finding in (*public, *foreign))


def test_the_owners_canonical_user_is_no_stranger() -> None:
    def policy(user: str) -> dict[str, Any]:
        allowed = {"Action": "s3:GetObject", "Resource": "arn:aws:s3:::logs/*"}
        statement = {"Effect": "Allow", "Principal": {"CanonicalUser": user}, **allowed}
        return {"Version": "2012-10-17", "Statement": [statement]}

    assert foreign_grants(policy("79a59df9"), ACCOUNT, canonical_user="79a59df9") == ()
    [found] = foreign_grants(policy("75aa57f0"), ACCOUNT, canonical_user="79a59df9")
    assert found.verdict is Verdict.VIOLATION
    assert found.reason == (
        "statement #0 allows s3:GetObject to CanonicalUser 75aa57f0, who is not the owner"
    )


@pytest.mark.parametrize("case", _cases("insecure_transport.json"))
def test_insecure_transport_case(case: dict[str, Any]) -> None:
    judgement = denies_insecure_transport(case["document"], case["bucket"])
    assert judgement.holds is case["holds"], case["why"]
    assert judgement.undecided is case.get("undecided", False), case["why"]
    assert judgement.reason


@pytest.mark.parametrize("case", _cases("deletion.json"))
def test_deletion_case(case: dict[str, Any]) -> None:
    judgement = denies_people(
        case["document"],
        case["bucket"],
        case["actions"],
        exempt=case["exempt"],
        services_exempt=case.get("services_exempt", False),
    )
    assert judgement.holds is case["holds"], case["why"]
    assert judgement.undecided is case.get("undecided", False), case["why"]
    assert judgement.reason


@pytest.mark.parametrize("case", _cases("encryption.json"))
def test_encryption_case(case: dict[str, Any]) -> None:
    judgement = denies_other_encryption(
        case["document"], case["bucket"], case["key"], case["algorithms"]
    )
    assert judgement.holds is case["holds"], case["why"]
    assert judgement.undecided is case.get("undecided", False), case["why"]
    assert judgement.reason


@pytest.mark.parametrize("case", _cases("evaluation.json"))
def test_evaluation_case(case: dict[str, Any]) -> None:
    evaluation = effective_allows(
        case["document"], case["principal"], case["action"], case["resource"], case["context"]
    )
    assert evaluation.decision.value == case["decision"], case["why"]
    assert evaluation.reason


@pytest.mark.parametrize("case", _cases("identity.json"))
def test_identity_case(case: dict[str, Any]) -> None:
    found = overbroad_identity_statements(case["document"])
    assert [finding.subject for finding in found] == case["subjects"], case["why"]


@pytest.mark.parametrize("case", _cases("trust.json"))
def test_trust_case(case: dict[str, Any]) -> None:
    found = trust_principals(case["document"], case["account"])
    assert [[one.kind, one.value, one.foreign, one.verdict.value] for one in found] == case[
        "trusted"
    ], case["why"]


@pytest.mark.parametrize("case", _cases("key_policy.json"))
def test_key_policy_case(case: dict[str, Any]) -> None:
    found = key_policy_findings(case["document"], case["account"])
    assert [finding.subject for finding in found] == case["subjects"], case["why"]


def _allow(**elements: Any) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [{**statement, **elements}]}


def test_a_reason_names_the_statement_and_what_was_seen() -> None:
    document = _allow(
        Sid="Readers",
        Condition={"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}},
    )
    (finding,) = public_grants(document, ACCOUNT)
    assert finding.reason == (
        'statement "Readers" (#0) allows s3:GetObject to anyone (Principal *): '
        "StringEqualsIfExists aws:PrincipalOrgID [o-a1b2c3d4e5] does not narrow: "
        "IfExists also admits requests without the key"
    )
    assert (finding.index, finding.sid) == (0, "Readers")


def test_a_reason_names_the_key_that_is_not_known() -> None:
    document = _allow(Condition={"StringEquals": {"aws:PrincipalStarSign": "leo"}})
    (finding,) = public_grants(document, ACCOUNT)
    assert (finding.verdict, finding.reason) == (
        Verdict.CANNOT_TELL,
        "statement #0 allows s3:GetObject to anyone (Principal *): StringEquals "
        "aws:PrincipalStarSign [leo] does not narrow: what the key stands for is not known here",
    )


@pytest.mark.parametrize("key", CONDITION_KEYS.values(), ids=lambda key: key.name)
def test_the_table_says_of_each_key_whom_it_holds_back_and_why(key: ConditionKey) -> None:
    # A key that names nothing bounds nobody, one that names something bounds somebody.
    assert bool(key.bounds) is (key.names is not Names.NOTHING)
    assert not key.bounds & key.unsure
    assert key.why
    prefix, colon, name = key.name.partition(":")
    assert prefix.islower()
    assert colon
    assert name
    written = f"{key.name}x" if key.name[-1] in "/:" else key.name
    assert key_of(written.upper()) is key


def test_a_key_that_is_not_in_the_table_is_not_known() -> None:
    assert key_of("aws:PrincipalStarSign") is None
    assert key_of("aws:PrincipalTag") is None
    named = key_of("aws:PrincipalTag/Team")
    assert named is not None
    assert named.name == "aws:PrincipalTag/"
    context = key_of("kms:EncryptionContext:aws:logs:arn")
    assert context is not None
    assert context.names is Names.ARN


def test_trusted_accounts_and_organizations_are_not_foreign() -> None:
    account = _allow(Principal={"AWS": "999999999999"})
    assert foreign_grants(account, ACCOUNT)
    assert foreign_grants(account, ACCOUNT, trusted_accounts=["999999999999"]) == ()
    members = _allow(Condition={"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}})
    assert foreign_grants(members, ACCOUNT)
    assert foreign_grants(members, ACCOUNT, trusted_organizations=["o-a1b2c3d4e5"]) == ()


def test_grants_exempt_from_conditions_can_be_narrowed() -> None:
    document = _allow(Principal={"Service": "events.amazonaws.com"}, Action="sns:Publish")
    assert foreign_grants(document, ACCOUNT) == ()
    assert verdict_of(foreign_grants(document, ACCOUNT, unconditioned={})) is Verdict.VIOLATION


def test_service_grants_tell_what_is_required() -> None:
    document = _allow(
        Principal={"Service": ["cloudtrail.amazonaws.com", "config.amazonaws.com"]},
        Action=["s3:PutObject", "s3:GetBucketAcl"],
        Condition={
            "StringEquals": {"aws:SourceArn": TRAIL},
            "StringEqualsIfExists": {"aws:SourceAccount": ACCOUNT},
        },
    )
    assert [grant.service for grant in service_grants(document)] == [
        "cloudtrail.amazonaws.com",
        "config.amazonaws.com",
    ]
    (grant,) = service_grants(document, "cloudtrail.amazonaws.com")
    assert grant.actions == ("s3:PutObject", "s3:GetBucketAcl")
    assert grant.requires("AWS:SourceArn", TRAIL)
    assert grant.requires("aws:SourceArn", TRAIL, "another")
    assert not grant.requires("aws:SourceArn", "another")
    assert not grant.requires("aws:SourceAccount", ACCOUNT)
    assert grant.describe() == (
        "statement #0 gives cloudtrail.amazonaws.com s3:PutObject, s3:GetBucketAcl on * when "
        f"[StringEquals aws:SourceArn [{TRAIL}]; "
        f"StringEqualsIfExists aws:SourceAccount [{ACCOUNT}]]"
    )


def test_a_pattern_is_not_the_value_that_is_required() -> None:
    document = _allow(
        Principal={"Service": "cloudtrail.amazonaws.com"},
        Condition={"ArnLike": {"aws:SourceArn": [TRAIL, f"{TRAIL[:-3]}*"]}},
    )
    (grant,) = service_grants(document, "cloudtrail.amazonaws.com")
    assert not grant.requires("aws:SourceArn", TRAIL)


def test_a_statement_for_anyone_admits_every_service() -> None:
    (grant,) = service_grants(_allow(), "cloudtrail.amazonaws.com")
    assert grant.service == "*"
    assert not grant.requires("aws:SourceArn", TRAIL)


def test_what_weakens_a_denial_is_named() -> None:
    document = _allow(
        Sid="Tls",
        Effect="Deny",
        Action="s3:*",
        Resource=["arn:aws:s3:::logs", "arn:aws:s3:::logs/*"],
        Condition={"Bool": {"aws:SecureTransport": "false", "aws:MultiFactorAuthPresent": "false"}},
    )
    assert denies_insecure_transport(document, "arn:aws:s3:::logs").reason == (
        "no statement denies requests without TLS for the bucket and its objects "
        '(statement "Tls" (#0) only denies when also Bool aws:MultiFactorAuthPresent [false])'
    )


def test_trust_says_who_is_let_in_and_within_what() -> None:
    bound = _allow(
        Action="sts:AssumeRole", Condition={"StringEquals": {"aws:PrincipalAccount": ACCOUNT}}
    )
    (trusted,) = trust_principals(bound, ACCOUNT)
    assert trusted.reason == (
        "statement #0 lets anyone (*) assume the role: within account 123456789012"
    )
    (stranger,) = trust_principals(_allow(Action="sts:AssumeRole"), ACCOUNT)
    assert stranger.reason == (
        "statement #0 lets anyone (*) assume the role: without any condition"
    )


def test_named_administrators_may_manage_a_key() -> None:
    role = "arn:aws:iam::123456789012:role/key-administrator"
    document = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
                "Action": "kms:*",
                "Resource": "*",
            },
            {
                "Effect": "Allow",
                "Principal": {"AWS": role},
                "Action": ["kms:Put*", "kms:ScheduleKeyDeletion"],
                "Resource": "*",
            },
        ],
    }
    (finding,) = key_policy_findings(document, ACCOUNT)
    assert "kms:PutKeyPolicy, kms:ScheduleKeyDeletion" in finding.reason
    assert key_policy_findings(document, ACCOUNT, administrators=[role]) == ()


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("", "not JSON"),
        ("not a policy", "not JSON"),
        ("[]", "not an object but list"),
        ("{}", "has no Statement"),
        ({"Version": "2020-01-01", "Statement": []}, "unknown version"),
        ({"Statement": [], "Statements": []}, "unknown elements"),
        ({"Statement": ["x"]}, "statement #0 is not an object"),
        (_allow(Effect="allow"), "neither effect Allow nor Deny"),
        (_allow(principal="*"), "unknown elements: \\['principal'\\]"),
        (_allow(NotPrincipal="*"), "both Principal and NotPrincipal"),
        (_allow(NotAction="s3:*"), "both Action and NotAction"),
        (_allow(Principal="arn:aws:iam::123456789012:root"), "neither \\* nor an object"),
        (_allow(Principal={"User": "bob"}), "unknown kind: 'User'"),
        (_allow(Principal={"*": "bob"}), "unknown kind"),
        (_allow(Principal={"AWS": []}), "neither text nor a list"),
        (_allow(Action=[]), "neither text nor a list"),
        (_allow(Action=[1]), "neither text nor a list"),
        (_allow(Sid=1), "Sid is not text"),
        (_allow(Condition=[]), "Condition is not an object"),
        (_allow(Condition={"Bool": "x"}), "Condition Bool is not an object"),
        (_allow(Condition={"Bool": {"x": []}}), "has no values"),
        (_allow(Condition={"Bool": {"x": {}}}), "has the value"),
        (_allow(Condition={"ForSomeValues:Bool": {"x": "y"}}), "unknown qualifier"),
        ('{"Statement": [], "Statement": []}', "given twice"),
    ],
)
def test_a_document_that_cannot_be_read_is_refused_with_the_place(
    document: Any, message: str
) -> None:
    with pytest.raises(PolicyError, match=message):
        Document.parse(document)


def test_a_resource_policy_without_principal_is_refused() -> None:
    identity = {"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}
    for judge in (public_grants, foreign_grants, trust_principals):
        with pytest.raises(PolicyError, match="has no Principal"):
            judge(identity, ACCOUNT)
    with pytest.raises(PolicyError, match="has no Principal"):
        service_grants(identity)
