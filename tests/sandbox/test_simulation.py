"""IAM's policy simulator, and what IAM tells of the whole account."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.support import ACCOUNT, Account, name, trusting

TRAIL = f"arn:aws:cloudtrail:eu-west-1:{ACCOUNT}:trail/audit"
OTHER = f"{TRAIL}-2"
STOP = "cloudtrail:StopLogging"


def _statement(effect: str, **more: Any) -> dict[str, Any]:
    return {"Effect": effect, "Action": "cloudtrail:*", "Resource": "*", **more}


def _decisions(account: Account, arn: str, **more: Any) -> dict[tuple[str, str], str]:
    answer = account.iam.simulate_principal_policy(PolicySourceArn=arn, **more)
    assert answer["IsTruncated"] is False
    return {
        (one["EvalActionName"], one["EvalResourceName"]): one["EvalDecision"]
        for one in answer["EvaluationResults"]
    }


def test_each_action_is_judged_on_each_resource(account: Account) -> None:
    role = account.role(
        "ec2.amazonaws.com", _statement("Allow"), _statement("Deny", Action=STOP, Resource=TRAIL)
    )
    asked = {"ActionNames": [STOP, "s3:GetObject"], "ResourceArns": [TRAIL, OTHER]}
    assert _decisions(account, role, **asked) == {
        (STOP, TRAIL): "explicitDeny",
        (STOP, OTHER): "allowed",
        ("s3:GetObject", TRAIL): "implicitDeny",
        ("s3:GetObject", OTHER): "implicitDeny",
    }


def test_without_resources_everything_is_meant(account: Account) -> None:
    role = account.role("ec2.amazonaws.com", _statement("Allow"))
    assert _decisions(account, role, ActionNames=[STOP]) == {(STOP, "*"): "allowed"}


def test_conditions_are_on_what_is_told_of_a_request(account: Account) -> None:
    spared = {"ArnNotLike": {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/spared"}}
    role = account.role(
        "ec2.amazonaws.com", _statement("Allow"), _statement("Deny", Condition=spared)
    )

    def told(arn: str) -> dict[tuple[str, str], str]:
        entry = {
            "ContextKeyName": "aws:PrincipalArn",
            "ContextKeyValues": [arn],
            "ContextKeyType": "string",
        }
        return _decisions(account, role, ActionNames=[STOP], ContextEntries=[entry])

    assert told(role) == {(STOP, "*"): "explicitDeny"}
    assert told(f"arn:aws:iam::{ACCOUNT}:role/spared") == {(STOP, "*"): "allowed"}
    answer = account.iam.simulate_principal_policy(PolicySourceArn=role, ActionNames=[STOP])
    assert answer["EvaluationResults"][0]["MissingContextValues"] == ["aws:principalarn"]


def test_a_boundary_takes_away(account: Account) -> None:
    bound = account.iam.create_policy(
        PolicyName=name("bound"),
        PolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": [_statement("Allow", Action="s3:*")]}
        ),
    )["Policy"]["Arn"]
    role = account.role("ec2.amazonaws.com", _statement("Allow"))
    account.iam.put_role_permissions_boundary(
        RoleName=role.rpartition("/")[2], PermissionsBoundary=bound
    )
    assert _decisions(account, role, ActionNames=[STOP]) == {(STOP, "*"): "implicitDeny"}


def test_a_user_has_its_groups_policies(account: Account) -> None:
    user, group = name("user"), name("group")
    arn = account.iam.create_user(UserName=user)["User"]["Arn"]
    account.iam.create_group(GroupName=group)
    account.iam.add_user_to_group(GroupName=group, UserName=user)
    assert _decisions(account, arn, ActionNames=[STOP]) == {(STOP, "*"): "implicitDeny"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [_statement("Allow")]})
    account.iam.put_group_policy(GroupName=group, PolicyName="p", PolicyDocument=document)
    assert _decisions(account, arn, ActionNames=[STOP]) == {(STOP, "*"): "allowed"}


def test_who_is_not_there_and_what_is_no_action_is_refused(account: Account) -> None:
    role = account.role("ec2.amazonaws.com", _statement("Allow"))
    for arn, action in ((f"{role}-2", STOP), (role, "StopLogging")):
        with pytest.raises(ClientError):
            account.iam.simulate_principal_policy(PolicySourceArn=arn, ActionNames=[action])


def test_of_awss_own_policies_those_in_use_are_told(account: Account) -> None:
    used = "arn:aws:iam::aws:policy/ReadOnlyAccess"

    def told() -> set[str]:
        policies = account.iam.get_account_authorization_details()["Policies"]
        return {one["Arn"] for one in policies if ":iam::aws:" in one["Arn"]}

    assert used not in told()
    role = account.role("ec2.amazonaws.com", _statement("Allow"))
    account.iam.attach_role_policy(RoleName=role.rpartition("/")[2], PolicyArn=used)
    assert used in told()


def test_a_variable_stands_for_what_the_request_says(account: Account) -> None:
    """A role that only a session of the user's own name may assume, with a second factor."""
    user = name("user")
    arn = account.iam.create_user(UserName=user)["User"]["Arn"]
    key = account.iam.create_access_key(UserName=user)["AccessKey"]
    guarded = {
        "Bool": {"aws:MultiFactorAuthPresent": "true"},
        "NumericLessThan": {"aws:MultiFactorAuthAge": "300"},
        "StringEquals": {"sts:RoleSessionName": "${aws:username}"},
    }
    role = account.role_trusting(trusting({"Principal": {"AWS": arn}, "Condition": guarded}))
    sts = account.sandbox.client(
        "sts",
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )
    factor = {"SerialNumber": f"arn:aws:iam::{ACCOUNT}:mfa/{user}", "TokenCode": "123456"}
    assert sts.assume_role(RoleArn=role, RoleSessionName=user, **factor)["Credentials"]
    for parameters in ({"RoleSessionName": user}, {"RoleSessionName": "somebody", **factor}):
        with pytest.raises(ClientError, match="not authorized"):
            sts.assume_role(RoleArn=role, **parameters)
