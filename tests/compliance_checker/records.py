"""CloudTrail records written for these tests, in the shapes that CloudTrail gives them."""

from __future__ import annotations

import json
from typing import Any

Record = dict[str, Any]

ACCOUNT = "123456789012"
STRANGER = "999999999999"
REGION = "ap-southeast-1"

USER: Record = {
    "type": "IAMUser",
    "principalId": "AIDAEXAMPLE",
    "arn": f"arn:aws:iam::{ACCOUNT}:user/ada",
    "accountId": ACCOUNT,
    "userName": "ada",
}
ROOT: Record = {
    "type": "Root",
    "principalId": ACCOUNT,
    "arn": f"arn:aws:iam::{ACCOUNT}:root",
    "accountId": ACCOUNT,
}


def record(
    service: str,
    name: str,
    parameters: Any = None,
    response: Any = None,
    *,
    event_id: str = "11111111-2222-3333-4444-555555555555",
    **changes: Any,
) -> Record:
    """A successful call by an IAM user; ``changes`` replace or add top-level parts."""
    return {
        "eventVersion": "1.09",
        "userIdentity": USER,
        "eventTime": "2026-11-20T08:30:00Z",
        "eventSource": f"{service}.amazonaws.com",
        "eventName": name,
        "awsRegion": REGION,
        "sourceIPAddress": "198.51.100.7",
        "userAgent": "aws-cli/2.22.0",
        "requestParameters": parameters,
        "responseElements": response,
        "requestID": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
        "eventID": event_id,
        "readOnly": False,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": ACCOUNT,
        "eventCategory": "Management",
        **changes,
    }


def permission(
    *sources: str,
    ports: tuple[Any, Any] | None = (22, 22),
    protocol: str = "tcp",
) -> Record:
    """One member of requestParameters.ipPermissions.items; empty lists are ``{}``, as recorded."""
    four = [{"cidrIp": source} for source in sources if ":" not in source]
    six = [{"cidrIpv6": source} for source in sources if ":" in source]
    entry: Record = {
        "ipProtocol": protocol,
        "groups": {},
        "ipRanges": {"items": four} if four else {},
        "ipv6Ranges": {"items": six} if six else {},
        "prefixListIds": {},
    }
    if ports is not None:
        entry["fromPort"], entry["toPort"] = ports
    return entry


def ingress(*permissions: Record, **changes: Any) -> Record:
    """AuthorizeSecurityGroupIngress with a list of permissions."""
    parameters = {"groupId": "sg-0a", "ipPermissions": {"items": list(permissions)}}
    return record("ec2", "AuthorizeSecurityGroupIngress", parameters, {"_return": True}, **changes)


def flat_ingress(cidr: str, **changes: Any) -> Record:
    """The flat form that the console and ``--cidr`` produce: ipPermissions is empty."""
    parameters = {
        "groupId": "sg-0a",
        "ipProtocol": "tcp",
        "fromPort": 22,
        "toPort": 22,
        "cidrIp": cidr,
        "ipPermissions": {},
    }
    return record("ec2", "AuthorizeSecurityGroupIngress", parameters, None, **changes)


def statement(
    action: Any = "*",
    resource: Any = "*",
    *,
    effect: str = "Allow",
    **parts: Any,
) -> Record:
    """One policy statement; ``parts`` add or replace elements, None removes one."""
    whole = {"Effect": effect, "Action": action, "Resource": resource, **parts}
    return {key: value for key, value in whole.items() if value is not None}


def policy(*statements: Record) -> Record:
    """A policy document."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def policy_text(*statements: Record) -> str:
    """A policy document as IAM and KMS log it: JSON text, with white space."""
    return json.dumps(policy(*statements), indent=2)


def bucket_policy(*statements: Record, bucket: str = "patient-records") -> Record:
    """PutBucketPolicy: the policy is an object, ``policy`` the marker of the sub-resource."""
    return record(
        "s3",
        "PutBucketPolicy",
        {
            "bucketPolicy": policy(*statements),
            "bucketName": bucket,
            "Host": f"{bucket}.s3.{REGION}.amazonaws.com",
            "policy": "",
        },
    )


def role_policy(*statements: Record, name: str = "PutRolePolicy", **parameters: Any) -> Record:
    """An IAM call that carries a policy document as text."""
    return record(
        "iam",
        name,
        {
            "roleName": "application",
            "policyName": "inline",
            "policyDocument": policy_text(*statements),
            **parameters,
        },
    )


def console_sign_in(
    identity: Record = USER, outcome: str = "Success", multi_factor: Any = "No"
) -> Record:
    """ConsoleLogin: no errorCode when it fails, and flags as strings."""
    return record(
        "signin",
        "ConsoleLogin",
        None,
        {"ConsoleLogin": outcome},
        userIdentity=identity,
        eventType="AwsConsoleSignIn",
        additionalEventData={"MFAUsed": multi_factor, "MobileVersion": "No"},
    )
