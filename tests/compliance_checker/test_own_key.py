"""The deployment's own key: whom its policy may name, and who takes grants and aliases away."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from compliance_checker.evaluate import evaluate
from compliance_checker.model import Violation
from compliance_checker.pipeline import AuditPipeline

from tests.compliance_checker.protections import (
    OWN_KEY,
    TRAIL_ENCRYPTS,
    for_people,
    for_service,
    key_policy,
)
from tests.compliance_checker.records import ACCOUNT, REGION, STRANGER, Record, record

_PIPELINE = AuditPipeline(environment="dev", key_arn=OWN_KEY)
_KEY_ID = OWN_KEY.rpartition("/")[2]
_OTHER = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/other"


def _judged(case: Record) -> list[tuple[str, str]]:
    return [(each.rule.id, each.severity) for each in evaluate(case, _PIPELINE)]


def _only(case: Record) -> Violation:
    (violation,) = evaluate(case, _PIPELINE)
    return violation


@pytest.mark.parametrize("name", [OWN_KEY, _KEY_ID])
@pytest.mark.parametrize(
    "who", [f"arn:aws:iam::{ACCOUNT}:role/r", f"arn:aws:iam::{STRANGER}:root", "AIDAEXAMPLE"]
)
def test_whoever_its_policy_names_is_told(name: str, who: str) -> None:
    found = _only(key_policy(TRAIL_ENCRYPTS, for_people(who), keyId=name))
    assert (found.rule.id, found.severity) == ("kms-key-policy-lets-in-strangers", "HIGH")
    assert who in found.reason
    assert found.details == {"principals": [who], "key_of_trail": True}


def test_a_policy_that_replaces_takes_away_what_it_leaves_out() -> None:
    found = _only(key_policy())
    assert found.severity == "HIGH"
    assert "no longer lets CloudTrail encrypt" in found.reason


@pytest.mark.parametrize("root", [ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root"])
def test_its_own_policy_is_of_no_concern(root: str) -> None:
    served = [for_service("cloudwatch.amazonaws.com"), for_service(f"logs.{REGION}.amazonaws.com")]
    assert _judged(key_policy(TRAIL_ENCRYPTS, for_people(root), *served)) == []


def test_of_another_key_only_strangers_are_told() -> None:
    member = for_people(f"arn:aws:iam::{ACCOUNT}:role/r")
    assert _judged(key_policy(TRAIL_ENCRYPTS, member, keyId=_OTHER)) == []
    assert _judged(key_policy(TRAIL_ENCRYPTS, for_people(STRANGER), keyId=_OTHER)) == [
        ("kms-key-policy-lets-in-strangers", "MEDIUM")
    ]


@pytest.mark.parametrize("call", ["RetireGrant", "RevokeGrant"])
@pytest.mark.parametrize(
    "parts",
    [
        {"requestParameters": {"keyId": OWN_KEY, "grantId": "g"}},
        {"requestParameters": {"keyId": _KEY_ID, "grantId": "g"}},
        # By a token: the key is in the answer, or among the resources alone.
        {"requestParameters": None, "responseElements": {"keyId": OWN_KEY}},
        {"requestParameters": None, "resources": [{"ARN": OWN_KEY, "type": "AWS::KMS::Key"}]},
    ],
)
def test_a_grant_taken_away_is_told(call: str, parts: dict[str, Any]) -> None:
    assert _judged({**record("kms", call), **parts}) == [("audit-key-grant-withdrawn", "HIGH")]


@pytest.mark.parametrize(
    "identity",
    [
        {"type": "AWSService", "invokedBy": "dynamodb.amazonaws.com"},
        {"type": "AssumedRole", "invokedBy": "AWS Internal"},
    ],
)
def test_a_service_may_retire_its_grants(identity: dict[str, str]) -> None:
    case = record("kms", "RetireGrant", {"keyId": OWN_KEY}, userIdentity=identity)
    assert _judged(case) == []


def test_a_grant_on_another_key_is_of_no_concern() -> None:
    assert _judged(record("kms", "RevokeGrant", {"keyId": _OTHER, "grantId": "g"})) == []


def test_an_alias_of_any_name_is_told_that_pointed_to_the_key() -> None:
    gone = record("kms", "DeleteAlias", {"aliasName": "alias/logs"}, resources=[{"ARN": OWN_KEY}])
    assert _judged(gone) == [("audit-key-alias-turned", "HIGH")]


def test_an_alias_turned_to_the_key_itself_is_of_no_concern() -> None:
    parameters = {"aliasName": "alias/cloudtrail-logs-key-dev", "targetKeyId": _KEY_ID}
    assert _judged(record("kms", "UpdateAlias", parameters)) == []


def test_a_grant_of_the_key_to_a_stranger_is_graver() -> None:
    parameters = {"keyId": OWN_KEY, "granteePrincipal": f"arn:aws:iam::{STRANGER}:role/r"}
    assert _judged(record("kms", "CreateGrant", parameters)) == [
        ("kms-key-granted-to-stranger", "HIGH")
    ]


def test_alarms_go_by_the_expressions_that_terraform_gives_them() -> None:
    from compliance_checker.rules import alarms

    source = (Path(__file__).parents[2] / "terraform" / "alarms.tf").read_text(encoding="utf-8")
    declared = {each.expression for each in alarms._DEPLOYED.values()} - {None}
    assert len(declared) == 2
    assert all(f'expression  = "{expression}"' in source for expression in declared)
