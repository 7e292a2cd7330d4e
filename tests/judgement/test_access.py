"""Who of an account may do something: literal cases, and properties against a plain evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verify.policy import Document, NamedPolicy, PolicyError, effective_allows
from verify.policy.access import (
    Asked,
    Guard,
    chains_to,
    how_it_may,
    others_who_may,
    strangers_who_may,
)
from verify.policy.identities import Identity, identities_of

ACCOUNT = "123456789012"
USER = f"arn:aws:iam::{ACCOUNT}:user/ada"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/team/operator"
READER = f"arn:aws:iam::{ACCOUNT}:role/reader"
FILES = "arn:aws:s3:::logs/AWSLogs/*"
KEY = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/1"
STRANGER = "arn:aws:iam::999999999999:role/theirs"

Json = Mapping[str, Any]


def _policy(name: str, *statements: Json) -> NamedPolicy:
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    return NamedPolicy(name, Document.parse(document))


def _says(effect: str, action: Any, resource: Any = "*", **more: Any) -> Json:
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


def _allow(action: Any, resource: Any = "*", **more: Any) -> Json:
    return _says("Allow", action, resource, **more)


def _deny(action: Any, resource: Any = "*", **more: Any) -> Json:
    return _says("Deny", action, resource, **more)


def _user(*statements: Json, arn: str = USER, **more: Any) -> Identity:
    return Identity(arn, (_policy("own", *statements),), **more)


def _role(*statements: Json, trusts: Any = None, arn: str = ROLE) -> Identity:
    trust = {"Effect": "Allow", "Principal": trusts or {"Service": "ec2.amazonaws.com"}}
    document = _policy("trust", {**trust, "Action": "sts:AssumeRole"}).document
    return Identity(arn, (_policy("own", *statements),) if statements else (), None, document)


def _guard(*statements: Json, alone: bool = False, **more: Any) -> Guard:
    return Guard(_policy("its policy", *statements), alone, **more)


_ROOT = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
_SPARING_READER = {
    "ArnNotLike": {"aws:PrincipalArn": [READER]},
    "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
}
_READ = Asked("s3:GetObject", FILES)


@pytest.mark.parametrize(
    "statements",
    [
        [_allow("s3:GetObject", "arn:aws:s3:::logs/*")],
        [_allow("S3:getobject", "arn:aws:s3:::logs/AWSLogs/x")],
        [_allow("s3:Get*")],
        [_allow("*")],
        [{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}],
        [{"Effect": "Allow", "Action": "s3:*", "NotResource": "arn:aws:s3:::other/*"}],
        # One of several files is enough, and so is one that is left over.
        [{"Effect": "Allow", "Action": "s3:*", "NotResource": "arn:aws:s3:::logs/AWSLogs/a*"}],
        [_allow("s3:*"), _deny("s3:*", "arn:aws:s3:::logs/AWSLogs/a*")],
        # What is not known of a request may be so.
        [_allow("s3:*", Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}})],
        [_allow("s3:*", Condition={"StringEquals": {"aws:PrincipalTag/team": "audit"}})],
        [_allow("s3:*"), _deny("s3:*", Condition={"Bool": {"aws:ViaAWSService": "false"}})],
        [_allow("s3:*"), _deny("*", Condition={"Null": {"aws:MultiFactorAuthAge": "true"}})],
        # A variable may stand for anything, and a Deny by one may be of something else.
        [_allow("s3:*", "arn:aws:s3:::logs/${aws:PrincipalTag/folder}/*")],
        [_allow("s3:*"), _deny("s3:*", "arn:aws:s3:::logs/${aws:PrincipalTag/folder}*")],
        [_allow("s3:*", "arn:aws:s3:::*/${aws:username}/*")],
        [_allow("s3:GetObject"), _deny("s3:GetObjectVersion")],
    ],
)
def test_a_user_that_may(statements: list[Json]) -> None:
    assert how_it_may(_user(*statements), _READ)


@pytest.mark.parametrize(
    "statements",
    [
        [],
        [_allow("s3:PutObject")],
        [_allow("s3:*", "arn:aws:s3:::other/*")],
        [_allow("s3:ListBucket", "arn:aws:s3:::logs")],
        [_allow("s3:*", "arn:aws:s3:::logs")],
        [{"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}],
        [{"Effect": "Allow", "Action": "s3:*", "NotResource": "arn:aws:s3:::logs/*"}],
        [_allow("*"), _deny("s3:Get*")],
        [_allow("*"), _deny("*", "arn:aws:s3:::logs*")],
        [_allow("*"), _deny("*", ["arn:aws:s3:::logs/AWSLogs/a*", "arn:aws:s3:::logs/*"])],
        [_allow("*"), {"Effect": "Deny", "NotAction": "iam:*", "Resource": "*"}],
        [_allow("s3:*", Condition={"Bool": {"aws:SecureTransport": "false"}})],
        [_allow("s3:*", Condition={"StringEquals": {"aws:PrincipalArn": READER}})],
        [_allow("*"), _deny("*", Condition=_SPARING_READER)],
        [_allow("s3:*", "arn:aws:s3:::logs-of-${aws:username}/*")],
    ],
)
def test_a_user_that_may_not(statements: list[Json]) -> None:
    assert how_it_may(_user(*statements), _READ) is None


def test_a_deny_that_several_statements_make_together_is_one() -> None:
    halves = [_deny("s3:*", f"arn:aws:s3:::logs/AWSLogs/{part}") for part in ("*", "a*")]
    assert how_it_may(_user(_allow("*"), *halves), _READ) is None


def test_a_boundary_takes_away_and_gives_nothing() -> None:
    bound = _policy("bound", _allow("ec2:*"))
    assert how_it_may(_user(_allow("*"), boundary=bound), _READ) is None
    assert how_it_may(_user(boundary=_policy("bound", _allow("*"))), _READ) is None
    assert how_it_may(_user(_allow("*"), boundary=_policy("bound", _allow("s3:*"))), _READ)


@pytest.mark.parametrize(
    ("principal", "may"),
    [
        ({"AWS": USER}, True),
        ({"AWS": "*"}, True),
        ("*", True),
        (_ROOT, False),  # the account may; its users still need policies of their own
        ({"AWS": ROLE}, False),
        ({"AWS": STRANGER}, False),
        ({"Service": "cloudtrail.amazonaws.com"}, False),
    ],
)
def test_a_bucket_policy_lets_in_by_itself(principal: Any, may: bool) -> None:
    guard = _guard(_allow("s3:GetObject", "arn:aws:s3:::logs/*", Principal=principal))
    assert bool(how_it_may(_user(), Asked("s3:GetObject", FILES, guard))) is may


def test_a_bucket_policy_lets_in_a_role_by_its_sessions() -> None:
    session = f"arn:aws:sts::{ACCOUNT}:assumed-role/operator/ada"
    guard = _guard(_allow("s3:GetObject", "arn:aws:s3:::logs/*", Principal={"AWS": session}))
    assert how_it_may(_role(), Asked("s3:GetObject", FILES, guard))
    assert how_it_may(_user(), Asked("s3:GetObject", FILES, guard)) is None


def test_a_bucket_policy_refuses_everyone_but_those_whom_it_spares() -> None:
    guard = _guard(
        _deny("s3:GetObject", "arn:aws:s3:::logs/*", Principal="*", Condition=_SPARING_READER)
    )
    asked = Asked("s3:GetObject", FILES, guard)
    assert how_it_may(_user(_allow("*")), asked) is None
    assert how_it_may(_role(_allow("*")), asked) is None
    assert how_it_may(_role(_allow("*"), arn=READER), asked)


@pytest.mark.parametrize(
    ("change", "may"),
    [
        ({}, False),
        ({"Principal": {"AWS": STRANGER}}, True),
        ({"Action": "s3:GetObjectVersion"}, True),
        ({"Resource": "arn:aws:s3:::logs/AWSLogs/1/*"}, True),
        ({"Condition": {"ArnNotLike": {"aws:PrincipalArn": [READER, USER]}}}, True),
        ({"Condition": {"StringNotLike": {"aws:PrincipalArn": "*ada"}}}, True),
        ({"Condition": {"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}}}, True),
        ({"Condition": {"Bool": {"aws:SecureTransport": "false"}}}, True),
        ({"Condition": {"ArnNotLike": {"aws:PrincipalArn": [READER, STRANGER]}}}, False),
    ],
)
def test_a_refusal_that_is_altered(change: Json, may: bool) -> None:
    refusal = _deny("s3:GetObject", "arn:aws:s3:::logs/*", Principal="*", Condition=_SPARING_READER)
    guard = _guard({**refusal, **change})
    assert bool(how_it_may(_user(_allow("*")), Asked("s3:GetObject", FILES, guard))) is may


def test_a_refusal_by_not_principal() -> None:
    refusal = {"Effect": "Deny", "Action": "s3:*", "Resource": "*", "NotPrincipal": {"AWS": USER}}
    asked = Asked("s3:GetObject", FILES, _guard(refusal))
    assert how_it_may(_user(_allow("*")), asked)
    assert how_it_may(_role(_allow("*")), asked) is None


def test_a_key_lets_in_whom_its_policy_names_or_the_accounts_policies_where_it_lets_them() -> None:
    letting = _allow("kms:*", "*", Principal=_ROOT)
    decrypt = "kms:Decrypt"
    by_account = Asked(decrypt, KEY, _guard(letting, alone=True))
    assert how_it_may(_user(_allow("kms:*")), by_account)
    assert how_it_may(_user(), by_account) is None
    assert how_it_may(_user(_allow("kms:*")), Asked(decrypt, KEY, Guard(alone=True))) is None
    named = _guard(_allow(decrypt, "*", Principal={"AWS": USER}), alone=True)
    assert how_it_may(_user(), Asked(decrypt, KEY, named))
    assert how_it_may(_role(_allow("kms:*")), Asked(decrypt, KEY, named)) is None


def test_a_grant_lets_in_beside_all_policies_but_what_denies() -> None:
    grantees = {USER: "grant 7"}
    assert how_it_may(_user(), Asked("kms:Decrypt", KEY, Guard(alone=True, grantees=grantees)))
    assert (
        how_it_may(_role(), Asked("kms:Decrypt", KEY, Guard(alone=True, grantees=grantees))) is None
    )
    refusing = _guard(
        _deny("kms:Decrypt", "*", Principal={"AWS": "*"}), alone=True, grantees=grantees
    )
    assert how_it_may(_user(), Asked("kms:Decrypt", KEY, refusing)) is None


def test_a_use_through_another_service_is_another_request() -> None:
    policy = _allow(
        "kms:Decrypt",
        KEY,
        Condition={"StringEquals": {"kms:ViaService": "sqs.eu-west-1.amazonaws.com"}},
    )
    guard = _guard(_allow("kms:*", "*", Principal=_ROOT), alone=True)
    through = {"kms:viaservice": ("s3.eu-west-1.amazonaws.com",)}
    assert how_it_may(_user(policy), Asked("kms:Decrypt", KEY, guard, through)) is None
    assert how_it_may(_user(policy), Asked("kms:Decrypt", KEY, guard))


def test_only_others_than_the_admitted_are_named() -> None:
    people = [_user(_allow("*")), _role(_allow("s3:*")), _role(arn=READER)]
    assert list(others_who_may(_READ, people, [f"arn:aws:iam::{ACCOUNT}:role/team/*"])) == [
        "user ada, by own, statement #0"
    ]


# --- chains ---------------------------------------------------------------------------------------


def test_whoever_may_assume_a_reader_is_one() -> None:
    reader = _role(trusts=_ROOT, arn=READER)
    people = [reader, _user(_allow("sts:AssumeRole", READER)), _role(_allow("ec2:*"))]
    assert list(chains_to([READER], people, {})) == [
        "user ada -> role reader, by own, statement #0"
    ]
    assert list(chains_to([READER], people, {READER: [USER]})) == []
    assert list(chains_to([READER], people, {"": [USER]})) == []


def test_a_chain_is_followed_to_its_beginning() -> None:
    reader = _role(trusts={"AWS": ROLE}, arn=READER)
    middle = _role(trusts=_ROOT)
    people = [reader, middle, _user(_allow("sts:*", "arn:aws:iam::*:role/team/*"))]
    assert list(chains_to([READER], people, {})) == [
        "role team/operator -> role reader, by its trust, statement #0",
        "user ada -> role team/operator -> role reader, by own, statement #0",
    ]
    # Whom the way begins with is admitted: nobody is looked for behind it.
    assert list(chains_to([READER], people, {READER: [ROLE]})) == []


def test_roles_that_assume_each_other_are_no_endless_chain() -> None:
    other = f"arn:aws:iam::{ACCOUNT}:role/other"
    people = [_role(trusts={"AWS": other}, arn=READER), _role(trusts={"AWS": READER}, arn=other)]
    assert list(chains_to([READER], people, {})) == [
        "role other -> role reader, by its trust, statement #0"
    ]


# --- strangers ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("principal", "strange"),
    [
        ({"AWS": STRANGER}, True),
        ({"AWS": "999999999999"}, True),
        ("*", True),
        ({"AWS": USER}, False),
        (_ROOT, False),
        ({"Service": "cloudtrail.amazonaws.com"}, False),
    ],
)
def test_strangers_are_let_in_by_the_resource_alone(principal: Any, strange: bool) -> None:
    guard = _guard(_allow("s3:*", "*", Principal=principal))
    assert bool(list(strangers_who_may(Asked("s3:GetObject", FILES, guard), ACCOUNT))) is strange
    refusing = _deny("s3:GetObject", "*", Principal="*", Condition=_SPARING_READER)
    refused = _guard(_allow("s3:*", "*", Principal=principal), refusing)
    assert list(strangers_who_may(Asked("s3:GetObject", FILES, refused), ACCOUNT)) == []


# --- what IAM tells -------------------------------------------------------------------------------

_MANAGED = f"arn:aws:iam::{ACCOUNT}:policy/reading"
_EVERYTHING = {"Version": "2012-10-17", "Statement": [_allow("*")]}


def _details(**more: Any) -> dict[str, Any]:
    return {
        "UserDetailList": [],
        "GroupDetailList": [],
        "RoleDetailList": [],
        "Policies": [
            {
                "Arn": _MANAGED,
                "DefaultVersionId": "v2",
                "PolicyVersionList": [
                    {"VersionId": "v1", "IsDefaultVersion": False, "Document": "no JSON"},
                    {"VersionId": "v2", "IsDefaultVersion": True, "Document": _EVERYTHING},
                ],
            }
        ],
        **more,
    }


def _ada(**more: Any) -> dict[str, Any]:
    return {"Arn": USER, "GroupList": [], "AttachedManagedPolicies": [], **more}


_ATTACHED = [{"PolicyName": "reading", "PolicyArn": _MANAGED}]
_INLINE = [{"PolicyName": "one", "PolicyDocument": _EVERYTHING}]


@pytest.mark.parametrize(
    ("user", "by"),
    [
        (_ada(AttachedManagedPolicies=_ATTACHED), "policy reading, statement #0"),
        (_ada(UserPolicyList=_INLINE), "inline policy one, statement #0"),
        (_ada(GroupList=["staff"]), "group staff, policy reading, statement #0"),
        (_ada(GroupList=["crew"]), "group crew, inline policy one, statement #0"),
    ],
)
def test_every_way_to_have_a_policy_counts(user: dict[str, Any], by: str) -> None:
    groups = [
        {"GroupName": "staff", "GroupPolicyList": [], "AttachedManagedPolicies": _ATTACHED},
        {"GroupName": "crew", "GroupPolicyList": _INLINE, "AttachedManagedPolicies": []},
    ]
    [identity] = identities_of(_details(UserDetailList=[user], GroupDetailList=groups))
    assert how_it_may(identity, _READ) == by


def test_a_roles_policies_trust_and_boundary_are_told() -> None:
    role = {
        "Arn": ROLE,
        "AssumeRolePolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Principal": _ROOT, "Action": "sts:AssumeRole"}],
        },
        "RolePolicyList": _INLINE,
        "AttachedManagedPolicies": [],
        "PermissionsBoundary": {"PermissionsBoundaryArn": _MANAGED},
    }
    [identity] = identities_of(_details(RoleDetailList=[role]))
    assert identity.is_role
    assert identity.name == "role team/operator"
    assert identity.boundary is not None
    assert how_it_may(identity, _READ) == "inline policy one, statement #0"


@pytest.mark.parametrize(
    ("details", "says"),
    [
        (
            _details(
                UserDetailList=[
                    _ada(AttachedManagedPolicies=[{"PolicyArn": "arn:aws:iam::aws:policy/X"}])
                ]
            ),
            "arn:aws:iam::aws:policy/X is attached, and was not told",
        ),
        (_details(UserDetailList=[_ada(GroupList=["lost"])]), "the group lost, which was not told"),
        (
            _details(
                UserDetailList=[_ada(AttachedManagedPolicies=_ATTACHED)],
                Policies=[{"Arn": _MANAGED, "DefaultVersionId": "v3", "PolicyVersionList": []}],
            ),
            "the version that is in force was not told",
        ),
        (
            _details(
                UserDetailList=[_ada(UserPolicyList=[{"PolicyName": "one", "PolicyDocument": "{"}])]
            ),
            "inline policy one: the document is not JSON",
        ),
    ],
)
def test_what_was_not_told_is_not_taken_for_nothing(details: dict[str, Any], says: str) -> None:
    with pytest.raises(PolicyError, match=says):
        identities_of(details)


# --- properties -----------------------------------------------------------------------------------

_ACTIONS = ["s3:GetObject", "s3:Get*", "s3:*", "*", "s3:PutObject", "ec2:*"]
_FILES_OF = ["arn:aws:s3:::logs/AWSLogs/a", "arn:aws:s3:::logs/AWSLogs/ab", "arn:aws:s3:::logs/x"]
_RESOURCES = [
    *_FILES_OF,
    "arn:aws:s3:::logs/*",
    "arn:aws:s3:::logs/AWSLogs/a*",
    "*",
    "arn:aws:s3:::b/*",
]


def _either(name: str, values: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    listed = st.lists(st.sampled_from(values), min_size=1, max_size=2)
    return st.tuples(st.sampled_from([name, f"Not{name}"]), listed).map(
        lambda pair: {pair[0]: pair[1]}
    )


_CONDITIONS = st.sampled_from(
    [
        {},
        {"ArnLike": {"aws:PrincipalArn": USER}},
        {"ArnNotLike": {"aws:PrincipalArn": USER}},
        {"StringNotLike": {"aws:PrincipalArn": "*:role/*"}},
        {"Bool": {"aws:SecureTransport": "false"}},
    ]
)
_STATEMENTS = st.lists(
    st.builds(
        lambda effect, action, resource, condition: {
            "Effect": effect,
            **action,
            **resource,
            **({"Condition": condition} if condition else {}),
        },
        st.sampled_from(["Allow", "Allow", "Deny"]),
        _either("Action", _ACTIONS),
        _either("Resource", _RESOURCES),
        _CONDITIONS,
    ),
    max_size=4,
)
_KNOWN = {"aws:SecureTransport": "true", "aws:PrincipalType": "User", "aws:username": "ada"}


@settings(max_examples=300, deadline=None)
@given(own=_STATEMENTS, guarding=_STATEMENTS)
def test_nobody_may_without_being_named(own: list[Json], guarding: list[Json]) -> None:
    """Whatever one file an evaluation of one request allows, the judgement of all files does."""
    guard = _guard(*({**statement, "Principal": {"AWS": USER}} for statement in guarding))
    may = how_it_may(_user(*own), Asked("s3:GetObject", "arn:aws:s3:::logs/*", guard))
    allowed = False
    for file in _FILES_OF:
        said = [
            effective_allows(document, USER, "s3:GetObject", file, _KNOWN)
            for document in (_policy("own", *own).document, guard.policy.document)  # type: ignore[union-attr]
        ]
        denied = any(one.decision.name == "DENIED" for one in said)
        allowed = allowed or (not denied and any(one.allowed for one in said))
    if allowed:
        assert may is not None


@settings(max_examples=300, deadline=None)
@given(own=_STATEMENTS, file=st.sampled_from(_FILES_OF))
def test_of_one_file_both_say_the_same(own: list[Json], file: str) -> None:
    said = effective_allows(_policy("own", *own).document, USER, "s3:GetObject", file, _KNOWN)
    assert (how_it_may(_user(*own), Asked("s3:GetObject", file)) is not None) is said.allowed


@settings(max_examples=200, deadline=None)
@given(own=_STATEMENTS, more=_STATEMENTS)
def test_more_that_allows_never_takes_away(own: list[Json], more: list[Json]) -> None:
    allowing = [{**statement, "Effect": "Allow"} for statement in more]
    if how_it_may(_user(*own), _READ) is not None:
        assert how_it_may(_user(*own, *allowing), _READ) is not None
