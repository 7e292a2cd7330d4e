"""What Lambda says of a function, and of what belongs to it, in which moto differs."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.support import ACCOUNT, REGION, Account, name

SOURCE = "def handler(event, context): pass"
PROFILE = f"arn:aws:signer:{REGION}:{ACCOUNT}:/signing-profiles/ours/1"


@pytest.fixture
def function(account: Account) -> dict[str, str]:
    """The function, as Lambda's calls take it."""
    return {"FunctionName": account.function(SOURCE)}


def _as_role(account: Account, *statements: dict[str, Any]) -> tuple[Any, str]:
    """Lambda for a role of these permissions, and the role's name."""
    role = account.role(f"arn:aws:iam::{ACCOUNT}:root", *statements)
    session = account.sandbox.client("sts").assume_role(RoleArn=role, RoleSessionName="reader")
    keys = session["Credentials"]
    client = account.sandbox.client(
        "lambda",
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )
    return client, role


@pytest.mark.parametrize(
    ("condition", "shown"),
    [
        (None, False),
        ({"kms:ViaService": f"s3.{REGION}.amazonaws.com"}, False),
        ({"kms:ViaService": f"lambda.{REGION}.amazonaws.com"}, True),
        ({"kms:EncryptionContext:aws:lambda:FunctionArn": "{function}"}, True),
        ({"kms:EncryptionContext:aws:lambda:FunctionArn": "{function}-2"}, False),
    ],
)
def test_variables_are_decrypted_in_the_name_of_the_caller(
    account: Account, condition: dict[str, str] | None, shown: bool
) -> None:
    key = account.kms.create_key()["KeyMetadata"]["Arn"]
    variables = {"Variables": {"TOPIC": "alerts"}}
    arn = account.function(SOURCE, Environment=variables, KMSKeyArn=key)
    statements: list[dict[str, Any]] = [
        {"Effect": "Allow", "Action": "lambda:*", "Resource": "*"},
    ]
    if condition is not None:
        filled = {name: value.format(function=arn) for name, value in condition.items()}
        decrypt = {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": key}
        statements.append({**decrypt, "Condition": {"StringEquals": filled}})
    reader, _ = _as_role(account, *statements)
    [latest] = reader.list_versions_by_function(FunctionName=arn)["Versions"]
    for seen in (reader.get_function_configuration(FunctionName=arn), latest):
        assert (seen["Environment"] == variables) is shown
        if not shown:
            assert seen["Environment"]["Error"]["ErrorCode"] == "AccessDeniedException"
    # The account's administrator may.
    assert account.lambda_.get_function_configuration(FunctionName=arn)["Environment"] == variables


def test_a_function_moves_into_a_vpc_and_out(account: Account, function: dict[str, str]) -> None:
    assert "VpcConfig" not in account.lambda_.get_function_configuration(**function)
    ec2 = account.sandbox.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.1.0/24")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(GroupName=name("g"), Description="g", VpcId=vpc)["GroupId"]
    inside = {"SubnetIds": [subnet], "SecurityGroupIds": [group]}
    changed = account.lambda_.update_function_configuration(**function, VpcConfig=inside)
    assert changed["VpcConfig"] == {**inside, "VpcId": vpc, "Ipv6AllowedForDualStack": False}
    outside: dict[str, Any] = {"SubnetIds": [], "SecurityGroupIds": []}
    changed = account.lambda_.update_function_configuration(**function, VpcConfig=outside)
    assert changed["VpcConfig"] == {**outside, "VpcId": "", "Ipv6AllowedForDualStack": False}


def test_levels_are_of_the_json_format_alone(account: Account, function: dict[str, str]) -> None:
    group = f"/aws/lambda/{function['FunctionName'].rpartition(':')[2]}"
    shown = account.lambda_.get_function_configuration(**function)["LoggingConfig"]
    assert shown == {"LogFormat": "Text", "LogGroup": group}
    changed = account.lambda_.update_function_configuration(
        **function, LoggingConfig={"LogFormat": "JSON", "SystemLogLevel": "WARN"}
    )
    assert changed["LoggingConfig"] == {
        "LogFormat": "JSON",
        "ApplicationLogLevel": "INFO",
        "SystemLogLevel": "WARN",
        "LogGroup": group,
    }


def test_an_alias_has_a_policy_of_its_own(account: Account, function: dict[str, str]) -> None:
    account.lambda_.create_alias(**function, Name="live", FunctionVersion="$LATEST")
    account.lambda_.add_permission(
        **function, Qualifier="live", StatementId="s", Action="lambda:InvokeFunction", Principal="*"
    )
    policy = json.loads(account.lambda_.get_policy(**function, Qualifier="live")["Policy"])
    assert policy["Statement"][0]["Resource"] == f"{function['FunctionName']}:live"
    with pytest.raises(account.lambda_.exceptions.ResourceNotFoundException):
        account.lambda_.get_policy(**function)
    account.lambda_.remove_permission(**function, Qualifier="live", StatementId="s")
    with pytest.raises(account.lambda_.exceptions.ResourceNotFoundException):
        account.lambda_.get_policy(**function, Qualifier="live")
    with pytest.raises(ClientError, match=r"adding policies for \$LATEST"):
        account.lambda_.add_permission(
            **function,
            Qualifier="$LATEST",
            StatementId="s",
            Action="lambda:InvokeFunction",
            Principal="*",
        )


def test_listings_know_a_function_by_its_arn(account: Account, function: dict[str, str]) -> None:
    version = account.lambda_.publish_version(**function)["Version"]
    account.lambda_.create_alias(**function, Name="live", FunctionVersion=version)
    versions = account.lambda_.list_versions_by_function(**function)["Versions"]
    assert [item["Version"] for item in versions] == ["$LATEST", "1"]
    [alias] = account.lambda_.list_aliases(**function)["Aliases"]
    assert (alias["Name"], alias["FunctionVersion"]) == ("live", "1")
    _, queue = account.queue()
    made = account.lambda_.create_event_source_mapping(
        FunctionName=function["FunctionName"].rpartition(":")[2], EventSourceArn=queue
    )
    [mapping] = account.lambda_.list_event_source_mappings(**function)["EventSourceMappings"]
    assert mapping["UUID"] == made["UUID"]
    other = account.function(SOURCE)
    found = account.lambda_.list_event_source_mappings(FunctionName=other)
    assert found["EventSourceMappings"] == []


def test_asynchronous_invocation_is_set_anew(account: Account, function: dict[str, str]) -> None:
    listed = account.lambda_.list_function_event_invoke_configs
    assert listed(**function)["FunctionEventInvokeConfigs"] == []
    account.lambda_.put_function_event_invoke_config(**function, MaximumRetryAttempts=0)
    account.lambda_.put_function_event_invoke_config(**function, MaximumEventAgeInSeconds=60)
    [shown] = listed(**function)["FunctionEventInvokeConfigs"]
    del shown["LastModified"]
    assert shown == {
        "FunctionArn": f"{function['FunctionName']}:$LATEST",
        "MaximumEventAgeInSeconds": 60,
        "DestinationConfig": {"OnSuccess": {}, "OnFailure": {}},
    }


def test_code_signing_is_put_and_taken_away(account: Account, function: dict[str, str]) -> None:
    made = account.lambda_.create_code_signing_config(
        AllowedPublishers={"SigningProfileVersionArns": [PROFILE]}
    )["CodeSigningConfig"]
    assert made["CodeSigningPolicies"] == {"UntrustedArtifactOnDeployment": "Warn"}
    arn = made["CodeSigningConfigArn"]
    shown = account.lambda_.get_function_code_signing_config
    assert "CodeSigningConfigArn" not in shown(**function)
    account.lambda_.put_function_code_signing_config(**function, CodeSigningConfigArn=arn)
    assert shown(**function)["CodeSigningConfigArn"] == arn
    account.lambda_.delete_function_code_signing_config(**function)
    assert "CodeSigningConfigArn" not in shown(**function)


def test_a_runtime_is_updated_until_it_is_pinned(
    account: Account, function: dict[str, str]
) -> None:
    shown = account.lambda_.get_runtime_management_config
    assert shown(**function)["UpdateRuntimeOn"] == "Auto"
    configuration = account.lambda_.get_function_configuration(**function)
    arn = configuration["RuntimeVersionConfig"]["RuntimeVersionArn"]
    put = account.lambda_.put_runtime_management_config
    put(**function, UpdateRuntimeOn="Manual", RuntimeVersionArn=arn)
    assert shown(**function)["RuntimeVersionArn"] == arn
    with pytest.raises(ClientError, match="for the update mode Manual"):
        put(**function, UpdateRuntimeOn="Manual")
    put(**function, UpdateRuntimeOn="FunctionUpdate")
    assert "RuntimeVersionArn" not in shown(**function)


def test_regions_without_function_urls_know_no_such_operation(account: Account) -> None:
    with pytest.raises(ClientError) as raised:
        account.sandbox.client("lambda", "eu-south-2").list_function_url_configs(FunctionName="f")
    response = raised.value.response
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert response["Error"]["Code"] == "AccessDeniedException"
    assert response["Error"]["Message"].startswith("Unable to determine service/operation name")
