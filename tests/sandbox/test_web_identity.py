"""A role's assumption with a pipeline's token: by the account's providers and the role's trust."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.support import ACCOUNT, REGION, Account, name, trusting

HOST = "ci.hospital.example"
SUBJECT = "repo:hospital/audit-trail:ref:refs/heads/main"
AUDIENCE = "sts.amazonaws.com"


def token(**claims: Any) -> str:
    """A token of the provider, which is signed by nobody."""
    body = {
        "iss": f"https://{HOST}",
        "aud": AUDIENCE,
        "sub": SUBJECT,
        "exp": int(time.time()) + 300,
        **claims,
    }
    parts = ({"alg": "none"}, body)
    return ".".join(
        [
            *(
                base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
                for part in parts
            ),
            "",
        ]
    )


@pytest.fixture
def provider(account: Account) -> Iterator[str]:
    arn: str = account.iam.create_open_id_connect_provider(
        Url=f"https://{HOST}", ClientIDList=[AUDIENCE], ThumbprintList=["0" * 40]
    )["OpenIDConnectProviderArn"]
    yield arn
    account.iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)


Assume = Callable[[str], Any]


@pytest.fixture
def assume(account: Account, provider: str) -> Assume:
    """Assume a role that trusts one branch's pipelines of the provider, and may list roles."""
    role = name("pipeline")
    condition = {
        "StringEquals": {f"{HOST}:aud": AUDIENCE},
        "StringLike": {f"{HOST}:sub": [SUBJECT]},
    }
    document = trusting(
        {
            "Principal": {"Federated": provider},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": condition,
        }
    )
    arn = account.iam.create_role(RoleName=role, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    allowed = {"Effect": "Allow", "Action": "iam:ListRoles", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    account.iam.put_role_policy(RoleName=role, PolicyName="p", PolicyDocument=policy)
    sts = account.sandbox.client("sts")

    def ask(presented: str) -> Any:
        return sts.assume_role_with_web_identity(
            RoleArn=arn, RoleSessionName="run-1", WebIdentityToken=presented
        )

    return ask


def _refusal(assume: Assume, presented: str) -> tuple[str, str]:
    with pytest.raises(ClientError) as refused:
        assume(presented)
    error = refused.value.response["Error"]
    return error["Code"], error["Message"]


def test_the_pipeline_that_a_role_trusts_works_as_the_role(
    account: Account, assume: Assume
) -> None:
    answer = assume(token())
    keys = answer["Credentials"]
    credentials = {
        "aws_access_key_id": keys["AccessKeyId"],
        "aws_secret_access_key": keys["SecretAccessKey"],
        "aws_session_token": keys["SessionToken"],
    }
    caller = account.sandbox.client("sts", REGION, **credentials).get_caller_identity()
    assert caller["Arn"] == answer["AssumedRoleUser"]["Arn"]
    iam = account.sandbox.client("iam", REGION, **credentials)
    assert iam.list_roles()["Roles"]
    with pytest.raises(ClientError, match="not authorized to perform: iam:ListUsers"):
        iam.list_users()


@pytest.mark.parametrize(
    "claims",
    [
        {"sub": "repo:hospital/audit-trail:pull_request"},
        {"sub": "repo:somebody/audit-trail:ref:refs/heads/main"},
        {"sub": None},
    ],
)
def test_another_pipeline_is_refused(assume: Assume, claims: dict[str, Any]) -> None:
    assert _refusal(assume, token(**claims)) == (
        "AccessDenied",
        "Not authorized to perform sts:AssumeRoleWithWebIdentity",
    )


def test_tokens_of_others_and_for_others_are_refused(assume: Assume) -> None:
    issuer = "https://elsewhere.example"
    assert _refusal(assume, token(iss=issuer)) == (
        "InvalidIdentityToken",
        f"No OpenIDConnect provider found in your account for {issuer}",
    )
    assert _refusal(assume, token(aud="another")) == (
        "InvalidIdentityToken",
        "Incorrect token audience",
    )
    assert _refusal(assume, token(exp=int(time.time()) - 60))[0] == "ExpiredTokenException"
    for nonsense in ("none", "a.b.c", f"a.{base64.b64encode(b'[]').decode()}.c", "a.é.c"):
        assert _refusal(assume, nonsense)[0] == "InvalidIdentityToken"


def test_a_role_that_trusts_an_account_admits_no_token(account: Account, provider: str) -> None:
    assert provider
    role = name("people")
    document = trusting({"Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}})
    arn = account.iam.create_role(RoleName=role, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    sts = account.sandbox.client("sts")
    with pytest.raises(ClientError, match="Not authorized"):
        sts.assume_role_with_web_identity(
            RoleArn=arn, RoleSessionName="run-1", WebIdentityToken=token()
        )
