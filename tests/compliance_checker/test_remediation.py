"""Remedies: chosen rules alone, what is still wrong alone, and never an exempt resource."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from compliance_checker.remediate import REMEDIABLE_RULES
from compliance_checker.rules import RULES
from compliance_checker.settings import ConfigurationError, Settings

from tests.compliance_checker.door import TOPIC, Door, alert_schema, logs_event, refusing
from tests.compliance_checker.mock_account import client
from tests.compliance_checker.records import (
    ACCOUNT,
    REGION,
    STRANGER,
    Record,
    flat_ingress,
    record,
)

pytestmark = pytest.mark.usefixtures("mock_account")

TAG = "trailwarden:exempt"
OWN_ROLE: Record = {
    "type": "AssumedRole",
    "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/role-compliance-checker-dev/function",
    "accountId": ACCOUNT,
    "sessionContext": {
        "sessionIssuer": {"arn": f"arn:aws:iam::{ACCOUNT}:role/role-compliance-checker-dev"}
    },
}


def _door(*rules: str, apply: bool = True, clients: Any = client) -> Door:
    return Door(
        account=clients,
        settings={"remediation_rules": frozenset(rules), "remediation_applies": apply},
    )


def _remedied(door: Door, case: Record) -> dict[str, Any]:
    door.handle(logs_event([case]))
    (alert,) = door.alerts()
    jsonschema.validate(alert, alert_schema())
    answer: dict[str, Any] = alert["remediation"]
    return answer


def _group(*cidrs: str, tags: bool = False) -> str:
    ec2 = client("ec2")
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    group = ec2.create_security_group(GroupName="g", Description="d", VpcId=vpc)["GroupId"]
    for cidr in cidrs:
        ec2.authorize_security_group_ingress(
            GroupId=group, IpProtocol="tcp", FromPort=22, ToPort=22, CidrIp=cidr
        )
    if tags:
        ec2.create_tags(Resources=[group], Tags=[{"Key": TAG, "Value": "until March"}])
    return str(group)


def _sources(group: str) -> list[str]:
    (found,) = client("ec2").describe_security_groups(GroupIds=[group])["SecurityGroups"]
    return [
        entry["CidrIp"] for each in found["IpPermissions"] for entry in each.get("IpRanges", [])
    ]


def _opened(group: str, **changes: Any) -> Record:
    case = flat_ingress("0.0.0.0/0", **changes)
    return {**case, "requestParameters": {**case["requestParameters"], "groupId": group}}


OPEN = "security-group-open-to-internet"


def test_open_rule_is_revoked_and_the_others_stay() -> None:
    group = _group("0.0.0.0/0", "10.0.0.0/8")
    answer = _remedied(_door(OPEN), _opened(group))
    assert (answer["mode"], answer["outcome"]) == ("apply", "applied")
    assert answer["call"] == "ec2:RevokeSecurityGroupIngress"
    (before,) = answer["before"]["rules"]
    assert (before["from_port"], before["cidr"]) == (22, "0.0.0.0/0")
    assert answer["after"] == {"rules": []}
    assert answer["undo"] == (
        f"aws ec2 authorize-security-group-ingress --group-id {group} --ip-permissions "
        '\'[{"IpProtocol": "tcp", "IpRanges": [{"CidrIp": "0.0.0.0/0"}], '
        '"FromPort": 22, "ToPort": 22}]\''
    )
    assert _sources(group) == ["10.0.0.0/8"]


def test_dry_run_changes_nothing() -> None:
    group = _group("0.0.0.0/0")
    answer = _remedied(_door(OPEN, apply=False), _opened(group))
    assert (answer["mode"], answer["outcome"]) == ("dry-run", "would-apply")
    assert answer["undo"]
    assert _sources(group) == ["0.0.0.0/0"]


def test_other_rules_are_left_alone() -> None:
    group = _group("0.0.0.0/0")
    door = _door("trail-stopped")
    door.handle(logs_event([_opened(group)]))
    assert "remediation" not in door.alerts()[0]
    assert _sources(group) == ["0.0.0.0/0"]


def test_exempt_resource_is_spared() -> None:
    group = _group("0.0.0.0/0", tags=True)
    answer = _remedied(_door(OPEN), _opened(group))
    assert (answer["outcome"], answer["error"]) == ("exempt", f"the resource has the tag {TAG}")
    assert _sources(group) == ["0.0.0.0/0"]


def test_what_was_put_right_already_is_not_needed() -> None:
    assert _remedied(_door(OPEN), _opened(_group()))["outcome"] == "not-needed"


def test_second_delivery_changes_nothing_further() -> None:
    group = _group("0.0.0.0/0")
    door = _door(OPEN)
    door.handle(logs_event([_opened(group)]))
    client("ec2").authorize_security_group_ingress(
        GroupId=group, IpProtocol="tcp", FromPort=22, ToPort=22, CidrIp="0.0.0.0/0"
    )
    door.handle(logs_event([_opened(group)]))
    assert _sources(group) == ["0.0.0.0/0"]
    assert len(door.alerts()) == 1


def test_own_calls_are_judged_but_not_answered() -> None:
    group = _group("0.0.0.0/0")
    door = _door(OPEN)
    door.handle(logs_event([_opened(group, userIdentity=OWN_ROLE)]))
    assert "remediation" not in door.alerts()[0]
    assert _sources(group) == ["0.0.0.0/0"]


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("RevokeSecurityGroupIngress", {"groupId": "sg-0a"}),
        ("StartLogging", {"name": "t"}),
        ("EnableKeyRotation", {"keyId": "k"}),
        ("UpdateTrail", {"name": "t", "enableLogFileValidation": True}),
        (
            "PutBucketPublicAccessBlock",
            {
                "bucketName": "b",
                "PublicAccessBlockConfiguration": {
                    "BlockPublicAcls": True,
                    "IgnorePublicAcls": True,
                    "BlockPublicPolicy": True,
                    "RestrictPublicBuckets": True,
                },
            },
        ),
    ],
)
def test_records_of_remedies_raise_nothing(name: str, parameters: Record) -> None:
    services = {"Rev": "ec2", "Sta": "cloudtrail", "Ena": "kms", "Upd": "cloudtrail", "Put": "s3"}
    door = _door(*REMEDIABLE_RULES)
    case = record(services[name[:3]], name, parameters, userIdentity=OWN_ROLE)
    assert door.handle(logs_event([case]))["violations"] == 0


def test_a_test_invocation_only_rehearses() -> None:
    group = _group("0.0.0.0/0")
    answer = _door(OPEN).handle({"test": {"records": [_opened(group)], "publish": False}})
    assert answer["alerts"][0]["remediation"]["outcome"] == "would-apply"
    assert _sources(group) == ["0.0.0.0/0"]


def test_public_access_block_is_restored() -> None:
    s3 = client("s3")
    s3.create_bucket(
        Bucket="patient-records", CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    case = record("s3", "DeleteBucketPublicAccessBlock", {"bucketName": "patient-records"})
    answer = _remedied(_door("public-access-block-weakened"), case)
    assert answer["outcome"] == "applied"
    assert answer["before"]["BlockPublicPolicy"] is False
    assert answer["undo"] == "aws s3api delete-public-access-block --bucket patient-records"
    now = s3.get_public_access_block(Bucket="patient-records")["PublicAccessBlockConfiguration"]
    assert all(now.values())
    again = _remedied(_door("public-access-block-weakened"), case)
    assert again["outcome"] == "not-needed"
    s3.delete_public_access_block(Bucket="patient-records")
    s3.put_bucket_tagging(Bucket="patient-records", Tagging={"TagSet": [{"Key": TAG, "Value": ""}]})
    assert _remedied(_door("public-access-block-weakened"), case)["outcome"] == "exempt"


def test_account_wide_block_is_left_to_people() -> None:
    case = record("s3", "DeleteAccountPublicAccessBlock", {"accountId": ACCOUNT})
    answer = _remedied(_door("public-access-block-weakened"), case)
    assert answer["outcome"] == "not-possible"


def _trail() -> str:
    client("s3").create_bucket(
        Bucket="trail-records", CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    cloudtrail = client("cloudtrail")
    arn = cloudtrail.create_trail(Name="audit", S3BucketName="trail-records")["TrailARN"]
    return str(arn)


def test_logging_is_restarted() -> None:
    arn = _trail()
    case = record("cloudtrail", "StopLogging", {"name": "audit"})
    assert _remedied(_door("trail-stopped"), case)["undo"].endswith(f"--name {arn}")
    assert client("cloudtrail").get_trail_status(Name=arn)["IsLogging"] is True
    assert _remedied(_door("trail-stopped"), case)["outcome"] == "not-needed"
    deleted = record("cloudtrail", "DeleteTrail", {"name": "audit"})
    assert _remedied(_door("trail-stopped"), deleted)["outcome"] == "not-possible"
    client("cloudtrail").stop_logging(Name=arn)
    client("cloudtrail").add_tags(ResourceId=arn, TagsList=[{"Key": TAG, "Value": "yes"}])
    assert _remedied(_door("trail-stopped"), case)["outcome"] == "exempt"


def test_validation_is_put_back() -> None:
    arn = _trail()
    case = record("cloudtrail", "UpdateTrail", {"name": "audit", "enableLogFileValidation": False})
    assert _remedied(_door("trail-weakened"), case)["outcome"] == "applied"
    trail = client("cloudtrail").get_trail(Name=arn)["Trail"]
    assert trail["LogFileValidationEnabled"] is True
    assert _remedied(_door("trail-weakened"), case)["outcome"] == "not-needed"


def test_what_else_was_changed_of_a_trail_is_left_to_people() -> None:
    case = record("cloudtrail", "UpdateTrail", {"name": "audit", "isMultiRegionTrail": False})
    done = _remedied(_door("trail-weakened"), case)
    assert (done["outcome"], done["call"]) == ("not-possible", None)


def test_what_could_not_be_judged_is_not_answered() -> None:
    omitted = {"reason": "requestParameters too large", "omitted": True, "originalSize": 102984}
    case = record("ec2", "AuthorizeSecurityGroupIngress", omitted)
    done = _remedied(_door("security-group-open-to-internet"), case)
    assert (done["outcome"], done["error"]) == (
        "not-possible",
        "what the call did could not be judged",
    )


def test_rotation_is_put_back() -> None:
    kms = client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    case = record("kms", "DisableKeyRotation", {"keyId": key})
    assert _remedied(_door("kms-key-rotation-disabled"), case)["outcome"] == "applied"
    assert kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"] is True
    kms.disable_key_rotation(KeyId=key)
    kms.tag_resource(KeyId=key, Tags=[{"TagKey": TAG, "TagValue": ""}])
    assert _remedied(_door("kms-key-rotation-disabled"), case)["outcome"] == "exempt"


def test_tags_that_cannot_be_read_spare_the_resource_and_lose_no_alert() -> None:
    answer = _remedied(_door(OPEN, clients=refusing("UnauthorizedOperation")), _opened("sg-1"))
    assert (answer["outcome"], answer["error"]) == ("failed", "UnauthorizedOperation")


def test_resources_of_other_accounts_are_left_alone() -> None:
    answer = _remedied(_door(OPEN), _opened("sg-1", recipientAccountId=STRANGER))
    assert answer["outcome"] == "not-possible"


def test_a_flood_is_not_answered_without_end() -> None:
    door = _door(OPEN)
    door.handle(logs_event([_opened("sg-1", event_id=str(number)) for number in range(25)]))
    errors = [alert["remediation"]["error"] for alert in door.alerts()]
    assert errors[20:] == ["too many remedies in one invocation"] * 5


def test_settings() -> None:
    chosen = Settings.from_environment(
        {"ALERT_TOPIC_ARN": TOPIC, "REMEDIATION_RULES": "trail-stopped, trail-weakened"}
    )
    assert chosen.remediation_rules == {"trail-stopped", "trail-weakened"}
    assert chosen.remediation_applies is False
    assert Settings.from_environment({"ALERT_TOPIC_ARN": TOPIC}).remediation_rules == frozenset()
    assert {rule.id for rule in RULES} >= REMEDIABLE_RULES
    with pytest.raises(ConfigurationError, match="root-used"):
        _door("root-used")
