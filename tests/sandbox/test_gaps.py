"""Answers in which moto differs from AWS, and that a verifier looks at."""

from __future__ import annotations

import hashlib
import json

import pytest
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

from tests.sandbox.support import ACCOUNT, Account, name

OTHER = "us-west-2"


def test_a_rotation_has_a_period(account: Account) -> None:
    key = account.kms.create_key()["KeyMetadata"]["Arn"]
    assert "RotationPeriodInDays" not in account.kms.get_key_rotation_status(KeyId=key)
    account.kms.enable_key_rotation(KeyId=key)
    assert account.kms.get_key_rotation_status(KeyId=key)["RotationPeriodInDays"] == 365
    account.kms.enable_key_rotation(KeyId=key, RotationPeriodInDays=2555)
    status = account.kms.get_key_rotation_status(KeyId=key)
    assert (status["KeyRotationEnabled"], status["RotationPeriodInDays"]) == (True, 2555)
    with pytest.raises(ClientError, match="between 90 and 2560"):
        account.kms.enable_key_rotation(KeyId=key, RotationPeriodInDays=2561)


@pytest.mark.parametrize(
    ("principal", "kept"),
    [
        ("999999999999", {"AWS": "arn:aws:iam::999999999999:root"}),
        (
            "arn:aws:iam::999999999999:role/caller",
            {"AWS": "arn:aws:iam::999999999999:role/caller"},
        ),
        ("sns.amazonaws.com", {"Service": "sns.amazonaws.com"}),
        ("*", "*"),
    ],
)
def test_whom_a_function_permits(account: Account, principal: str, kept: object) -> None:
    function = account.function("def handler(event, context): pass")
    account.lambda_.add_permission(
        FunctionName=function,
        StatementId="s",
        Action="lambda:InvokeFunction",
        Principal=principal,
    )
    [statement] = json.loads(account.lambda_.get_policy(FunctionName=function)["Policy"])[
        "Statement"
    ]
    assert statement["Principal"] == kept


def test_a_deleted_alarm_has_no_tags(account: Account) -> None:
    alarm = {
        "AlarmName": name("alarm"),
        "Namespace": "N",
        "MetricName": "M",
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 1.0,
        "ComparisonOperator": "GreaterThanThreshold",
    }
    cloudwatch = account.cloudwatch
    cloudwatch.put_metric_alarm(**alarm, Tags=[{"Key": "Owner", "Value": "us"}])
    [made] = cloudwatch.describe_alarms(AlarmNames=[alarm["AlarmName"]])["MetricAlarms"]
    resource = {"ResourceARN": made["AlarmArn"]}
    assert cloudwatch.list_tags_for_resource(**resource)["Tags"] == [
        {"Key": "Owner", "Value": "us"}
    ]
    cloudwatch.delete_alarms(AlarmNames=[alarm["AlarmName"]])
    with pytest.raises(cloudwatch.exceptions.ResourceNotFoundException):
        cloudwatch.list_tags_for_resource(**resource)
    cloudwatch.put_metric_alarm(**alarm)
    assert cloudwatch.list_tags_for_resource(**resource)["Tags"] == []


def test_trails_are_described_as_asked_for(account: Account) -> None:
    names = [name("trail"), name("trail")]
    arns = [
        account.cloudtrail.create_trail(
            Name=one, S3BucketName=account.trail_bucket(one), IsMultiRegionTrail=everywhere
        )["TrailARN"]
        for one, everywhere in zip(names, (False, True), strict=True)
    ]
    clients = {"home": account.cloudtrail, "away": account.sandbox.client("cloudtrail", OTHER)}

    def described(where: str, *asked: str, **settings: bool) -> list[str]:
        answer = clients[where].describe_trails(trailNameList=list(asked), **settings)
        assert all(one["HomeRegion"] in one["TrailARN"] for one in answer["trailList"])
        return [one["TrailARN"] for one in answer["trailList"]]

    # In its home region a trail goes by its name or its ARN; an unknown one is left out.
    assert described("home", names[0]) == [arns[0]]
    assert described("home", arns[1], names[0], "no-such-trail") == arns
    assert described("home", names[1], arns[1], includeShadowTrails=False) == [arns[1]]
    assert described("home", "no-such-trail", f"{arns[0]}-2") == []
    # Elsewhere by its ARN alone, and as a shadow.
    assert described("away", *names) == []
    assert described("away", *arns) == arns
    assert described("away", *arns, includeShadowTrails=False) == []
    # Who asks for none gets the region's own and the shadows of multi-region trails.
    assert set(arns) <= set(described("home"))
    assert set(arns) & set(described("away")) == {arns[1]}
    assert not set(arns) & set(described("away", includeShadowTrails=False))


def test_a_policy_has_a_greatest_length(account: Account) -> None:
    def policy(characters: int) -> str:
        document = {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": ""}],
        }
        bare = len(json.dumps(document, separators=(",", ":")))
        statement = document["Statement"][0]
        assert isinstance(statement, dict)
        statement["Resource"] = "arn:aws:s3:::".ljust(characters - bare, "a")
        return json.dumps(document, indent=4)

    made = account.iam.create_policy(PolicyName=name("policy"), PolicyDocument=policy(6144))
    refused = "Cannot exceed quota for PolicySize: 6144"
    with pytest.raises(ClientError, match=refused):
        account.iam.create_policy(PolicyName=name("policy"), PolicyDocument=policy(6145))
    with pytest.raises(ClientError, match=refused):
        account.iam.create_policy_version(
            PolicyArn=made["Policy"]["Arn"], PolicyDocument=policy(6145)
        )


def test_a_role_has_so_many_managed_policies(account: Account) -> None:
    trust = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}
    document = {"Version": "2012-10-17", "Statement": [trust]}
    role = name("role")
    account.iam.create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps(document))
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
    made = [
        account.iam.create_policy(
            PolicyName=name("policy"),
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
        )["Policy"]["Arn"]
        for _ in range(11)
    ]
    for arn in (*made[:10], made[0]):
        account.iam.attach_role_policy(RoleName=role, PolicyArn=arn)
    with pytest.raises(ClientError, match="Cannot exceed quota for PoliciesPerRole: 10"):
        account.iam.attach_role_policy(RoleName=role, PolicyArn=made[10])


def test_a_trust_policy_has_a_greatest_length(account: Account) -> None:
    document = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": "123456789012"}, "Action": "sts:AssumeRole"}
        ]
        * 40,
    }
    with pytest.raises(ClientError, match="Cannot exceed quota for ACLSizePerRole: 2048"):
        account.iam.create_role(
            RoleName=name("role"), AssumeRolePolicyDocument=json.dumps(document)
        )


@pytest.mark.parametrize(
    ("spec", "algorithm"),
    [
        ("ECC_NIST_P256", "ECDSA_SHA_256"),
        ("RSA_2048", "RSASSA_PSS_SHA_256"),
        ("RSA_2048", "RSASSA_PKCS1_V1_5_SHA_256"),
    ],
)
def test_a_digest_is_signed_as_it_is(account: Account, spec: str, algorithm: str) -> None:
    key = account.kms.create_key(KeySpec=spec, KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
    asked = {"KeyId": key, "SigningAlgorithm": algorithm}
    digest = hashlib.sha256(b"message").digest()
    signed = account.kms.sign(**asked, Message=digest, MessageType="DIGEST")["Signature"]
    public = load_der_public_key(account.kms.get_public_key(KeyId=key)["PublicKey"])
    if isinstance(public, ec.EllipticCurvePublicKey):
        public.verify(signed, b"message", ec.ECDSA(hashes.SHA256()))
    else:
        assert isinstance(public, rsa.RSAPublicKey)
        salted = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
        padded = salted if "PSS" in algorithm else padding.PKCS1v15()
        public.verify(signed, b"message", padded, hashes.SHA256())
    verified = account.kms.verify(**asked, Message=b"message", Signature=signed)
    assert verified["SignatureValid"] is True
    again = account.kms.verify(**asked, Message=digest, MessageType="DIGEST", Signature=signed)
    assert again["SignatureValid"] is True
    with pytest.raises(ClientError, match="invalid length"):
        account.kms.sign(**asked, Message=b"message", MessageType="DIGEST")
