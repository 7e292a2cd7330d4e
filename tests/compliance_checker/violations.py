"""For each rule the records that break it, in every dress: (what, record, rules expected)."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from compliance_checker.filter_pattern import deployed_pattern

from tests.compliance_checker.protections import KEPT, TAKEN_BACK
from tests.compliance_checker.records import (
    ACCOUNT,
    ROOT,
    STRANGER,
    USER,
    Record,
    bucket_policy,
    console_sign_in,
    flat_ingress,
    ingress,
    permission,
    policy,
    policy_text,
    record,
    role_policy,
    statement,
)

GROUP = "security-group-open-to-internet"
PUBLIC = {"Principal": "*"}
ANYONE = statement("s3:GetObject", "arn:aws:s3:::patient-records/*", **PUBLIC)
ALL_USERS = "http://acs.amazonaws.com/groups/global/AllUsers"
GITHUB = f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com"
KEY = "arn:aws:kms:ap-southeast-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
TOPIC = f"arn:aws:sns:ap-southeast-1:{ACCOUNT}:sns-compliance-alerts-dev"
TRAIL_GROUP = "/aws/cloudtrail/cloudtrail-audit-dev"
FUNCTION = "lambda-compliance-checker-dev"
BLOCKS = {
    "xmlns": "http://s3.amazonaws.com/doc/2006-03-01/",
    "BlockPublicAcls": True,
    "IgnorePublicAcls": True,
    "BlockPublicPolicy": True,
    "RestrictPublicBuckets": True,
}


def assume(**parts: Any) -> Record:
    """A statement of a trust policy, which has no Resource."""
    return statement("sts:AssumeRole", None, **parts)


def _blocks(**changes: object) -> Record:
    return record(
        "s3",
        "PutBucketPublicAccessBlock",
        {
            "publicAccessBlock": "",
            "bucketName": "patient-records",
            "PublicAccessBlockConfiguration": {**BLOCKS, **changes},
        },
    )


def _trust(*statements: Record, name: str = "CreateRole") -> Record:
    key = "assumeRolePolicyDocument" if name == "CreateRole" else "policyDocument"
    return record("iam", name, {"roleName": "partner", key: policy_text(*statements)}, None)


def _key_policy(*statements: Record) -> Record:
    return record(
        "kms",
        "PutKeyPolicy",
        {
            "keyId": KEY,
            "policyName": "default",
            "policy": policy_text(*statements),
            "bypassPolicyLockoutSafetyCheck": False,
        },
    )


def _selectors(*selectors: Record) -> Record:
    return record(
        "cloudtrail", "PutEventSelectors", {"trailName": "t", "eventSelectors": list(selectors)}
    )


def _advanced(*selectors: list[Record]) -> Record:
    return record(
        "cloudtrail",
        "PutEventSelectors",
        {
            "trailName": "t",
            "advancedEventSelectors": [{"name": "", "fieldSelectors": each} for each in selectors],
        },
    )


NETWORK: list[tuple[str, Record, list[str]]] = [
    ("list form", ingress(permission("0.0.0.0/0")), [GROUP]),
    ("flat form with empty ipPermissions", flat_ingress("0.0.0.0/0"), [GROUP]),
    ("prefix length 0 in other dress", flat_ingress("208.236.235.254/0"), [GROUP]),
    ("IPv6", ingress(permission("::/0")), [GROUP]),
    ("IPv6 written out", ingress(permission("0:0:0:0:0:0:0:0/0")), [GROUP]),
    ("halves in one permission", ingress(permission("0.0.0.0/1", "128.0.0.0/1")), [GROUP]),
    (
        "halves in two permissions",
        ingress(permission("0.0.0.0/1"), permission("128.0.0.0/1", ports=(0, 65535))),
        [GROUP],
    ),
    ("halves of IPv6", ingress(permission("::/1", "8000::/1")), [GROUP]),
    ("one half", ingress(permission("128.0.0.0/1")), [GROUP]),
    (
        "all traffic without ports",
        ingress(permission("0.0.0.0/0", ports=None, protocol="-1")),
        [GROUP],
    ),
    (
        "all traffic with ports 0-0",
        ingress(permission("0.0.0.0/0", ports=(0, 0), protocol="-1")),
        [GROUP],
    ),
    ("every port", ingress(permission("0.0.0.0/0", ports=(0, 65535))), [GROUP]),
    ("a range around 22", ingress(permission("0.0.0.0/0", ports=(20, 30))), [GROUP]),
    ("ports as text", ingress(permission("0.0.0.0/0", ports=("22", "22"))), [GROUP]),
    ("web port", ingress(permission("0.0.0.0/0", ports=(443, 443))), [GROUP]),
    ("ping", ingress(permission("0.0.0.0/0", ports=(-1, -1), protocol="icmp")), [GROUP]),
    ("wide beside narrow", ingress(permission("10.0.0.0/8"), permission("0.0.0.0/0")), [GROUP]),
    (
        "one permission in place of a list",
        record(
            "ec2",
            "AuthorizeSecurityGroupIngress",
            {"groupId": "sg-0a", "ipPermissions": permission("0.0.0.0/0")},
        ),
        [GROUP],
    ),
    (
        "response alone",
        record(
            "ec2",
            "AuthorizeSecurityGroupIngress",
            None,
            {
                "_return": True,
                "securityGroupRuleSet": {
                    "items": [
                        {
                            "groupId": "sg-0a",
                            "securityGroupRuleId": "sgr-1",
                            "isEgress": False,
                            "ipProtocol": "tcp",
                            "fromPort": 22,
                            "toPort": 22,
                            "cidrIpv4": "0.0.0.0/0",
                        }
                    ]
                },
            },
        ),
        [GROUP],
    ),
    ("empty error code", flat_ingress("0.0.0.0/0", errorCode=""), [GROUP]),
    (
        "an old record",
        {
            key: value
            for key, value in flat_ingress("0.0.0.0/0").items()
            if key not in ("readOnly", "managementEvent", "eventCategory", "recipientAccountId")
        },
        [GROUP],
    ),
    (
        "rule changed",
        record(
            "ec2",
            "ModifySecurityGroupRules",
            {
                "ModifySecurityGroupRulesRequest": {
                    "GroupId": "sg-0a",
                    "SecurityGroupRule": {
                        "SecurityGroupRuleId": "sgr-1",
                        "tag": 1,
                        "SecurityGroupRule": {
                            "CidrIpv4": "0.0.0.0/0",
                            "FromPort": 22,
                            "ToPort": 22,
                            "IpProtocol": "tcp",
                        },
                    },
                }
            },
        ),
        ["security-group-rule-changed-to-internet"],
    ),
    (
        "rules changed, IPv6",
        record(
            "ec2",
            "ModifySecurityGroupRules",
            {
                "ModifySecurityGroupRulesRequest": {
                    "GroupId": "sg-0a",
                    "SecurityGroupRule": [
                        {"tag": 1, "SecurityGroupRule": {"CidrIpv4": "10.0.0.0/8"}},
                        {
                            "tag": 2,
                            "SecurityGroupRule": {"CidrIpv6": "::/0", "IpProtocol": "-1"},
                        },
                    ],
                }
            },
        ),
        ["security-group-rule-changed-to-internet"],
    ),
    (
        "database group",
        record(
            "rds",
            "AuthorizeDBSecurityGroupIngress",
            {"dBSecurityGroupName": "records", "cIDRIP": "0.0.0.0/0"},
        ),
        ["database-group-open-to-internet"],
    ),
    (
        "warehouse group",
        record(
            "redshift",
            "AuthorizeClusterSecurityGroupIngress",
            {"clusterSecurityGroupName": "records", "cIDRIP": "0.0.0.0/0"},
        ),
        ["database-group-open-to-internet"],
    ),
    *(
        (
            f"network ACL, {what}",
            record(
                "ec2",
                name,
                {
                    "networkAclId": "acl-1",
                    "ruleNumber": 10,
                    "egress": False,
                    "ruleAction": "allow",
                    "icmpTypeCode": {},
                    "portRange": ports,
                    "aclProtocol": protocol,
                    **source,
                },
                {"_return": True},
            ),
            ["network-acl-open-to-internet"],
        )
        for what, name, ports, protocol, source in (
            ("created", "CreateNetworkAclEntry", {}, "-1", {"cidrBlock": "0.0.0.0/0"}),
            ("replaced", "ReplaceNetworkAclEntry", {}, "-1", {"cidrBlock": "0.0.0.0/0"}),
            (
                "port",
                "CreateNetworkAclEntry",
                {"from": 22, "to": 22},
                "6",
                {"cidrBlock": "0.0.0.0/0"},
            ),
            ("IPv6", "CreateNetworkAclEntry", {}, "-1", {"ipv6CidrBlock": "::/0"}),
        )
    ),
]

POLICY_RULE = ["bucket-policy-public"]
ACL_RULE = ["bucket-acl-public"]
STORAGE: list[tuple[str, Record, list[str]]] = [
    ("policy for everyone", bucket_policy(ANYONE), POLICY_RULE),
    ("policy for AWS *", bucket_policy({**ANYONE, "Principal": {"AWS": "*"}}), POLICY_RULE),
    (
        "policy for a list with *",
        bucket_policy({**ANYONE, "Principal": {"AWS": [f"arn:aws:iam::{ACCOUNT}:root", "*"]}}),
        POLICY_RULE,
    ),
    (
        "policy for everyone but one",
        bucket_policy(
            {**ANYONE, "Principal": None, "NotPrincipal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}}
        ),
        POLICY_RULE,
    ),
    (
        "one statement that is no list",
        record(
            "s3",
            "PutBucketPolicy",
            {"bucketName": "b", "bucketPolicy": {"Statement": ANYONE}, "policy": [""]},
        ),
        POLICY_RULE,
    ),
    (
        "TLS does not narrow",
        bucket_policy({**ANYONE, "Condition": {"Bool": {"aws:SecureTransport": "true"}}}),
        POLICY_RULE,
    ),
    (
        "every address does not narrow",
        bucket_policy({**ANYONE, "Condition": {"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}}),
        POLICY_RULE,
    ),
    (
        "nor do the halves",
        bucket_policy(
            {**ANYONE, "Condition": {"IpAddress": {"aws:SourceIp": ["0.0.0.0/1", "128.0.0.0/1"]}}}
        ),
        POLICY_RULE,
    ),
    (
        "a wildcard for the organisation does not narrow",
        bucket_policy({**ANYONE, "Condition": {"StringLike": {"aws:PrincipalOrgID": "o-*"}}}),
        POLICY_RULE,
    ),
    (
        "a condition that a stranger's request skips",
        bucket_policy(
            {**ANYONE, "Condition": {"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-1"}}}
        ),
        POLICY_RULE,
    ),
    (
        "an address that a request through an endpoint lacks",
        bucket_policy(
            {**ANYONE, "Condition": {"IpAddressIfExists": {"aws:SourceIp": "198.51.100.0/24"}}}
        ),
        POLICY_RULE,
    ),
    (
        "a condition of which nobody knows whom it holds back",
        bucket_policy({**ANYONE, "Condition": {"StringEquals": {"aws:PrincipalStarSign": "leo"}}}),
        POLICY_RULE,
    ),
    (
        "another statement's Deny that leaves anonymous callers alone",
        bucket_policy(
            ANYONE,
            statement(
                "s3:*",
                "*",
                effect="Deny",
                Principal="*",
                Condition={
                    "StringNotEquals": {"aws:SourceVpce": "vpce-1"},
                    "Bool": {"aws:PrincipalIsAWSService": "false"},
                },
            ),
        ),
        POLICY_RULE,
    ),
    (
        "another statement's Deny that leaves callers of no organisation alone",
        bucket_policy(
            ANYONE,
            statement(
                "s3:*",
                "*",
                effect="Deny",
                Principal="*",
                Condition={"ForAnyValue:StringNotLike": {"aws:PrincipalOrgPaths": "o-a1b2/*"}},
            ),
        ),
        POLICY_RULE,
    ),
    (
        "another statement's Deny on other objects",
        bucket_policy(
            ANYONE,
            statement(
                "s3:*",
                "arn:aws:s3:::patient-records/secret/*",
                effect="Deny",
                Principal="*",
                Condition={"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}},
            ),
        ),
        POLICY_RULE,
    ),
    (
        "canned ACL",
        record("s3", "PutBucketAcl", {"bucketName": "b", "acl": "", "x-amz-acl": "public-read"}),
        ACL_RULE,
    ),
    (
        "canned ACL in the old list form",
        record(
            "s3",
            "PutBucketAcl",
            {"bucketName": "b", "acl": [""], "x-amz-acl": ["public-read-write"]},
        ),
        ACL_RULE,
    ),
    (
        "canned ACL at creation",
        record("s3", "CreateBucket", {"bucketName": "b", "x-amz-acl": "authenticated-read"}),
        ACL_RULE,
    ),
    (
        "grant header",
        record(
            "s3",
            "PutBucketAcl",
            {
                "bucketName": "b",
                "accessControlList": {
                    "x-amz-grant-write-acp": "uri=http://acs.amazonaws.com/groups/global/"
                    "AuthenticatedUsers"
                },
            },
        ),
        ACL_RULE,
    ),
    *(
        (
            f"grant in the body as {what}",
            record(
                "s3",
                "PutBucketAcl",
                {
                    "bucketName": "b",
                    "AccessControlPolicy": {"AccessControlList": {"Grant": grant}},
                },
            ),
            ACL_RULE,
        )
        for what, grant in (
            ("an object", {"Grantee": {"URI": ALL_USERS}, "Permission": "READ"}),
            (
                "a list",
                [
                    {"Grantee": {"ID": "owner"}, "Permission": "FULL_CONTROL"},
                    {"Grantee": {"URI": ALL_USERS}, "Permission": "READ_ACP"},
                ],
            ),
        )
    ),
    *(
        (f"{name} off", _blocks(**{name: False}), ["public-access-block-weakened"])
        for name in BLOCKS
        if name != "xmlns"
    ),
    (
        "flags left out",
        record(
            "s3",
            "PutBucketPublicAccessBlock",
            {"bucketName": "b", "PublicAccessBlockConfiguration": {"BlockPublicAcls": True}},
        ),
        ["public-access-block-weakened"],
    ),
    (
        "block deleted",
        record("s3", "DeleteBucketPublicAccessBlock", {"bucketName": "b"}),
        ["public-access-block-weakened"],
    ),
    (
        "the account's block deleted",
        record("s3", "DeleteAccountPublicAccessBlock", {"host": ["s3-control.amazonaws.com"]}),
        ["public-access-block-weakened"],
    ),
    (
        "the account's block weakened",
        record(
            "s3",
            "PutAccountPublicAccessBlock",
            {"PublicAccessBlockConfiguration": {**BLOCKS, "BlockPublicPolicy": "false"}},
        ),
        ["public-access-block-weakened"],
    ),
    (
        "encryption deleted",
        record("s3", "DeleteBucketEncryption", {"bucketName": "b", "encryption": ""}),
        ["bucket-encryption-weakened"],
    ),
    (
        "log bucket without its key",
        record(
            "s3",
            "PutBucketEncryption",
            {
                "bucketName": "s3-cloudtrail-logs-dev-123456789012",
                "ServerSideEncryptionConfiguration": {
                    "Rule": {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
                },
            },
        ),
        ["bucket-encryption-weakened"],
    ),
    (
        "versioning suspended",
        record(
            "s3",
            "PutBucketVersioning",
            {
                "bucketName": "b",
                "VersioningConfiguration": {"Status": "Suspended"},
                "versioning": "",
            },
        ),
        ["bucket-versioning-suspended"],
    ),
    (
        "logging off",
        record(
            "s3",
            "PutBucketLogging",
            {"bucketName": "b", "BucketLoggingStatus": {"xmlns": "x"}, "logging": ""},
        ),
        ["bucket-logging-disabled"],
    ),
    (
        "log bucket deleted",
        record("s3", "DeleteBucket", {"bucketName": "s3-cloudtrail-logs-dev-123456789012"}),
        ["log-bucket-unprotected"],
    ),
    (
        "log bucket's policy deleted",
        record("s3", "DeleteBucketPolicy", {"bucketName": "s3-cloudtrail-logs-dev-123456789012"}),
        ["log-bucket-unprotected"],
    ),
    (
        "log bucket that forgets after a week, by the newer name",
        record(
            "s3",
            "PutBucketLifecycleConfiguration",
            {
                "bucketName": "s3-cloudtrail-logs-dev-123456789012",
                "lifecycle": "",
                "LifecycleConfiguration": {
                    "xmlns": "http://s3.amazonaws.com/doc/2006-03-01/",
                    "Rule": [
                        {"ID": "all", "Status": "Enabled", "Filter": {"Prefix": ""}},
                        {"ID": "a", "Status": "Enabled", "Expiration": {"Days": 7}},
                    ],
                },
            },
        ),
        ["log-bucket-expiry-shortened"],
    ),
    (
        "log bucket that forgets after a day",
        record(
            "s3",
            "PutBucketLifecycle",
            {
                "bucketName": "s3-cloudtrail-logs-dev-123456789012",
                "LifecycleConfiguration": {
                    "Rule": {"Status": "Enabled", "Filter": "", "Expiration": {"Days": 1}}
                },
            },
        ),
        ["log-bucket-expiry-shortened"],
    ),
]

BROAD = ["iam-policy-too-broad"]
IDENTITY: list[tuple[str, Record, list[str]]] = [
    ("role", role_policy(statement()), BROAD),
    ("user", role_policy(statement(["*"], ["*"]), name="PutUserPolicy", userName="eve"), BROAD),
    ("group", role_policy(statement(), name="PutGroupPolicy", groupName="all"), BROAD),
    ("managed policy", role_policy(statement(), name="CreatePolicy", roleName=None), BROAD),
    (
        "new version",
        role_policy(statement(), name="CreatePolicyVersion", policyArn="arn:aws:iam::1:policy/p"),
        BROAD,
    ),
    (
        "permission set",
        record(
            "sso",
            "PutInlinePolicyToPermissionSet",
            {"permissionSetArn": "arn:aws:sso:::ps/1", "inlinePolicy": policy_text(statement())},
        ),
        BROAD,
    ),
    ("*:*", role_policy(statement("*:*")), BROAD),
    ("several stars", role_policy(statement("**", "**")), BROAD),
    ("ARN of stars", role_policy(statement("*", "arn:aws:*:*:*:*")), BROAD),
    ("NotAction", role_policy(statement(None, NotAction="aws-portal:*")), BROAD),
    ("power user", role_policy(statement(None, NotAction=["iam:*", "organizations:*"])), BROAD),
    ("NotResource", role_policy(statement("*", None, NotResource="arn:aws:s3:::x")), BROAD),
    (
        "second factor or not",
        role_policy(statement(Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}})),
        BROAD,
    ),
    (
        "split by first letter",
        role_policy(statement([f"{letter}*" for letter in "abcdefghijklmnopqrstuvwxyz"])),
        BROAD,
    ),
    (
        "split over statements",
        role_policy(
            statement([f"{letter}*" for letter in "abcdefghijklm"]),
            statement([f"{letter}*" for letter in "nopqrstuvwxyz"]),
        ),
        BROAD,
    ),
    ("mixed case", role_policy({"effect": "Allow", "ACTION": "*", "Resource": "*"}), BROAD),
    (
        "one statement that is no list",
        record(
            "iam",
            "PutRolePolicy",
            {
                "roleName": "r",
                "policyDocument": policy_text(statement()).replace("[", "").replace("]", ""),
            },
        ),
        BROAD,
    ),
    (
        "URL-encoded",
        record(
            "iam",
            "PutRolePolicy",
            {"roleName": "r", "policyDocument": quote(policy_text(statement()))},
        ),
        BROAD,
    ),
    (
        "as an object",
        record("iam", "PutRolePolicy", {"roleName": "r", "policyDocument": policy(statement())}),
        BROAD,
    ),
    ("all of S3", role_policy(statement("s3:*")), BROAD),
    ("all of S3 by ARN", role_policy(statement("S3:*", "arn:aws:s3:::*")), BROAD),
    *(
        (
            f"all of S3 in {partition}",
            role_policy(statement("s3:*", f"arn:{partition}:s3:::*")),
            BROAD,
        )
        for partition in ("aws-cn", "aws-us-gov", "aws-eusc", "aws*")
    ),
    (
        "all of IAM but one role, in GovCloud",
        role_policy(
            {
                "Effect": "Allow",
                "Action": "iam:*",
                "NotResource": f"arn:aws-us-gov:iam::{ACCOUNT}:role/one",
            }
        ),
        BROAD,
    ),
    (
        "all of IAM in the account",
        role_policy(statement("iam:*", f"arn:aws:iam::{ACCOUNT}:*")),
        BROAD,
    ),
    ("all of KMS", role_policy(statement(["ec2:Describe*", "kms:*"])), BROAD),
    ("escalation", role_policy(statement("iam:PutUserPolicy")), BROAD),
    (
        "pass any role and run",
        role_policy(statement("iam:PassRole"), statement("lambda:CreateFunction")),
        BROAD,
    ),
    (
        "pass any role by its ARN",
        role_policy(
            statement(
                ["iam:PassRole", "ec2:RunInstances"],
                [f"arn:aws:iam::{ACCOUNT}:role/*", "arn:aws:ec2:*:*:*"],
            )
        ),
        BROAD,
    ),
    *(
        (
            f"{arn.rsplit('/', 1)[1]} by {name}",
            record("iam", name, {holder: "x", "policyArn": arn}),
            ["iam-administrator-policy-attached"],
        )
        for name, holder in (
            ("AttachUserPolicy", "userName"),
            ("AttachRolePolicy", "roleName"),
            ("AttachGroupPolicy", "groupName"),
        )
        for arn in (
            "arn:aws:iam::aws:policy/AdministratorAccess",
            "arn:aws:iam::aws:policy/PowerUserAccess",
            "arn:aws:iam::aws:policy/IAMFullAccess",
            "arn:aws-us-gov:iam::aws:policy/AdministratorAccess",
        )
    ),
    (
        "administrator permission set",
        record(
            "sso",
            "AttachManagedPolicyToPermissionSet",
            {
                "permissionSetArn": "arn:aws:sso:::ps/1",
                "managedPolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess",
            },
        ),
        ["iam-administrator-policy-attached"],
    ),
    (
        "role for anyone",
        _trust(assume(Principal={"AWS": "*"})),
        ["iam-role-trusts-anyone"],
    ),
    (
        "role opened to anyone",
        _trust(assume(Principal="*"), name="UpdateAssumeRolePolicy"),
        ["iam-role-trusts-anyone"],
    ),
    (
        "anyone with a word",
        _trust(
            assume(
                Principal={"AWS": "*"},
                Condition={"StringEquals": {"sts:ExternalId": "sesame"}},
            )
        ),
        ["iam-role-trusts-anyone"],
    ),
    (
        "trust in the response alone",
        record(
            "iam",
            "CreateRole",
            {"roleName": "r"},
            {"role": {"assumeRolePolicyDocument": quote(policy_text(assume(Principal="*")))}},
        ),
        ["iam-role-trusts-anyone"],
    ),
    (
        "any repository of GitHub",
        _trust(
            statement(
                "sts:AssumeRoleWithWebIdentity",
                None,
                Principal={"Federated": GITHUB},
                Condition={
                    "StringEquals": {"token.actions.githubusercontent.com:aud": "sts.amazonaws.com"}
                },
            )
        ),
        ["iam-role-trusts-anyone"],
    ),
    (
        "the function's role stripped",
        record(
            "iam",
            "DeleteRolePolicy",
            {"roleName": "role-compliance-checker-dev", "policyName": "publish"},
        ),
        ["audit-role-changed"],
    ),
    (
        "the function's role without its permissions",
        record(
            "iam",
            "DetachRolePolicy",
            {
                "roleName": "role-compliance-checker-dev",
                "policyArn": f"arn:aws:iam::{ACCOUNT}:policy/publish",
            },
        ),
        ["audit-role-changed"],
    ),
    (
        "the trail's role deleted",
        record("iam", "DeleteRole", {"roleName": "role-cloudtrail-logs-dev"}),
        ["audit-role-changed"],
    ),
    (
        "the trail's role opened and widened",
        role_policy(statement(), roleName="role-cloudtrail-logs-dev"),
        ["iam-policy-too-broad", "audit-role-changed"],
    ),
]

KEYS: list[tuple[str, Record, list[str]]] = [
    (
        "anyone",
        _key_policy(statement("kms:Encrypt", Principal={"AWS": "*"})),
        ["kms-key-policy-public"],
    ),
    (
        "anyone by way of a service",
        _key_policy(
            statement(
                "kms:Decrypt",
                Principal="*",
                Condition={"StringEquals": {"kms:ViaService": "s3.ap-southeast-1.amazonaws.com"}},
            )
        ),
        ["kms-key-policy-public"],
    ),
    (
        "at creation",
        record(
            "kms",
            "CreateKey",
            {"policy": policy_text(statement("kms:*", Principal="*")), "tags": []},
            {"keyMetadata": {"keyId": "k", "arn": KEY}},
        ),
        ["kms-key-policy-public"],
    ),
    (
        "in a replica, which the response alone tells",
        record(
            "kms",
            "ReplicateKey",
            {
                "keyId": "arn:aws:kms:us-east-1:123456789012:key/mrk-1234abcd",
                "replicaRegion": "us-west-2",
                "bypassPolicyLockoutSafetyCheck": False,
                "description": "",
            },
            {
                "replicaKeyMetadata": {
                    "aWSAccountId": ACCOUNT,
                    "keyId": "mrk-1234abcd",
                    "arn": "arn:aws:kms:us-west-2:123456789012:key/mrk-1234abcd",
                    "multiRegion": True,
                },
                "replicaPolicy": policy_text(statement("kms:*", Principal={"AWS": "*"})),
            },
        ),
        ["kms-key-policy-public"],
    ),
    (
        "imported material deleted",
        record("kms", "DeleteImportedKeyMaterial", {"keyId": KEY}, {"keyId": KEY}),
        ["kms-key-disabled"],
    ),
    (
        "deletion",
        record("kms", "ScheduleKeyDeletion", {"keyId": KEY, "pendingWindowInDays": 7}),
        ["kms-key-deletion-scheduled"],
    ),
    ("disabled", record("kms", "DisableKey", {"keyId": "1234abcd"}), ["kms-key-disabled"]),
    (
        "rotation off",
        record("kms", "DisableKeyRotation", {"keyId": KEY}, {"keyId": KEY}),
        ["kms-key-rotation-disabled"],
    ),
]

WEAK = ["trail-weakened"]
NARROW = ["trail-selectors-narrowed"]
MANAGEMENT = {"field": "eventCategory", "equals": ["Management"]}
TRAILS: list[tuple[str, Record, list[str]]] = [
    ("stopped", record("cloudtrail", "StopLogging", {"name": "t"}), ["trail-stopped"]),
    ("deleted", record("cloudtrail", "DeleteTrail", {"name": "t"}), ["trail-stopped"]),
    *(
        (f"{flag} off", record("cloudtrail", "UpdateTrail", {"name": "t", flag: False}), WEAK)
        for flag in ("enableLogFileValidation", "isMultiRegionTrail", "includeGlobalServiceEvents")
    ),
    (
        "key removed",
        record("cloudtrail", "UpdateTrail", {"name": "t", "kmsKeyId": ""}, {"name": "t"}),
        WEAK,
    ),
    (
        "cut off from the log group",
        record(
            "cloudtrail",
            "UpdateTrail",
            {"name": "t", "cloudWatchLogsLogGroupArn": ""},
            {"name": "t"},
        ),
        WEAK,
    ),
    *(
        (
            f"turned to another bucket, {bucket}",
            record(
                "cloudtrail",
                "UpdateTrail",
                {"name": "cloudtrail-audit-dev", "s3BucketName": bucket},
                {"name": "cloudtrail-audit-dev", "s3BucketName": bucket},
            ),
            WEAK,
        )
        for bucket in ("elsewhere", f"s3-cloudtrail-logs-dev-{STRANGER}")
    ),
    (
        "seen in the response alone",
        record("cloudtrail", "UpdateTrail", None, {"name": "t", "logFileValidationEnabled": False}),
        WEAK,
    ),
    (
        "no management events",
        _selectors({"readWriteType": "All", "includeManagementEvents": False, "dataResources": []}),
        NARROW,
    ),
    (
        "reads only",
        _selectors({"readWriteType": "ReadOnly", "includeManagementEvents": True}),
        NARROW,
    ),
    (
        "without KMS",
        _selectors(
            {
                "readWriteType": "All",
                "includeManagementEvents": True,
                "excludeManagementEventSources": ["kms.amazonaws.com"],
            }
        ),
        NARROW,
    ),
    ("advanced, data alone", _advanced([{"field": "eventCategory", "equals": ["Data"]}]), NARROW),
    (
        "advanced, reads alone",
        _advanced([MANAGEMENT, {"field": "readOnly", "equals": ["true"]}]),
        NARROW,
    ),
    (
        "advanced, without KMS",
        _advanced([MANAGEMENT, {"field": "eventSource", "notEquals": ["kms.amazonaws.com"]}]),
        NARROW,
    ),
    (
        "advanced, all but one user",
        _advanced([MANAGEMENT, {"field": "userIdentity.arn", "notEquals": [USER["arn"]]}]),
        NARROW,
    ),
    (
        "advanced, of one service",
        _advanced([MANAGEMENT, {"field": "eventSource", "equals": ["ec2.amazonaws.com"]}]),
        NARROW,
    ),
    (
        "no insights",
        record("cloudtrail", "PutInsightSelectors", {"trailName": "t", "insightSelectors": []}),
        ["trail-insights-disabled"],
    ),
]

LOGS: list[tuple[str, Record, list[str]]] = [
    ("any group", record("logs", "DeleteLogGroup", {"logGroupName": "app"}), ["log-group-deleted"]),
    (
        "any filter",
        record("logs", "DeleteSubscriptionFilter", {"logGroupName": "app", "filterName": "f"}),
        ["subscription-filter-deleted"],
    ),
    *(
        (
            f"filter {what}",
            record(
                "logs",
                "PutSubscriptionFilter",
                {
                    "logGroupName": TRAIL_GROUP,
                    "filterName": "subscription-compliance-checker-dev",
                    "filterPattern": pattern,
                    "destinationArn": f"arn:aws:lambda:ap-southeast-1:{ACCOUNT}:function:{name}",
                },
            ),
            ["subscription-filter-redirected"],
        )
        for what, pattern, name in (
            ("turned elsewhere", "", "other"),
            ("made deaf", '{ $.eventName = "Nothing" }', FUNCTION),
        )
    ),
    *(
        (name, record("logs", name, {"logGroupName": TRAIL_GROUP, **extra}), ["audit-log-weakened"])
        for name, extra in (
            ("DeleteLogStream", {"logStreamName": f"{ACCOUNT}_CloudTrail_ap-southeast-1"}),
            ("DeleteMetricFilter", {"filterName": "root"}),
            ("DisassociateKmsKey", {}),
            ("PutRetentionPolicy", {"retentionInDays": 1}),
        )
    ),
    *(
        (
            f"flow logs, {what}",
            record("ec2", "DeleteFlowLogs", parameters, response),
            ["flow-logs-deleted"],
        )
        for what, parameters, response in (
            (
                "one",
                {"DeleteFlowLogsRequest": {"FlowLogId": {"content": "fl-1", "tag": 1}}},
                {"DeleteFlowLogsResponse": {"unsuccessful": ""}},
            ),
            (
                "two of which one refused",
                {
                    "DeleteFlowLogsRequest": {
                        "FlowLogId": [{"content": "fl-1", "tag": 1}, {"content": "fl-2", "tag": 2}]
                    }
                },
                {"DeleteFlowLogsResponse": {"unsuccessful": {"item": {"resourceId": "fl-1"}}}},
            ),
            ("plain list", {"flowLogId": ["fl-1"]}, {"unsuccessful": []}),
        )
    ),
]

DETECTION: list[tuple[str, Record, list[str]]] = [
    (name, record(service, name, parameters), [rule])
    for service, name, parameters, rule in (
        (
            "config",
            "StopConfigurationRecorder",
            {"configurationRecorderName": "d"},
            "config-recorder-stopped",
        ),
        (
            "config",
            "DeleteConfigurationRecorder",
            {"configurationRecorderName": "d"},
            "config-recorder-stopped",
        ),
        (
            "config",
            "PutConfigurationRecorder",
            {
                "configurationRecorder": {
                    "name": "d",
                    "recordingGroup": {"allSupported": False, "resourceTypes": ["AWS::EC2::VPC"]},
                }
            },
            "config-recorder-narrowed",
        ),
        (
            "config",
            "DeleteDeliveryChannel",
            {"deliveryChannelName": "d"},
            "config-delivery-deleted",
        ),
        ("config", "DeleteConfigRule", {"configRuleName": "r"}, "config-rule-deleted"),
        ("guardduty", "DeleteDetector", {"detectorId": "d"}, "guardduty-disabled"),
        ("guardduty", "UpdateDetector", {"detectorId": "d", "enable": False}, "guardduty-disabled"),
        (
            "guardduty",
            "UpdateDetector",
            {"detectorId": "d", "features": [{"name": "S3_DATA_EVENTS", "status": "DISABLED"}]},
            "guardduty-protection-reduced",
        ),
        (
            "guardduty",
            "DisassociateFromAdministratorAccount",
            {"detectorId": "d"},
            "detection-membership-ended",
        ),
        (
            "guardduty",
            "DisassociateFromMasterAccount",
            {"detectorId": "d"},
            "detection-membership-ended",
        ),
        (
            "guardduty",
            "DisassociateMembers",
            {"detectorId": "d", "accountIds": ["111122223333"]},
            "detection-membership-ended",
        ),
        (
            "securityhub",
            "DisassociateFromAdministratorAccount",
            None,
            "detection-membership-ended",
        ),
        ("securityhub", "DisassociateFromMasterAccount", None, "detection-membership-ended"),
        (
            "securityhub",
            "DisassociateMembers",
            {"accountIds": ["111122223333"]},
            "detection-membership-ended",
        ),
        ("securityhub", "DisableSecurityHubV2", None, "security-hub-disabled"),
        (
            "guardduty",
            "StopMonitoringMembers",
            {"detectorId": "d", "accountIds": ["1"]},
            "detection-membership-ended",
        ),
        ("securityhub", "DisableSecurityHub", None, "security-hub-disabled"),
        (
            "securityhub",
            "BatchDisableStandards",
            {"standardsSubscriptionArns": ["arn:aws:securityhub:::s"]},
            "security-hub-standard-disabled",
        ),
    )
]

FUNCTION_RULE = "compliance-function-tampered"
ALARM = "alarm-trail-delivery-dev"
DELIVERY: list[tuple[str, Record, list[str]]] = [
    (f"{service} {name}", record(service, name, parameters, response), [rule])
    for service, name, parameters, response, rule in (
        ("lambda", "DeleteFunction20150331", {"functionName": FUNCTION}, None, FUNCTION_RULE),
        (
            "lambda",
            "UpdateFunctionCode20150331v2",
            {
                "functionName": f"arn:aws:lambda:ap-southeast-1:{ACCOUNT}:function:{FUNCTION}",
                "dryRun": False,
            },
            {"codeSha256": "x"},
            FUNCTION_RULE,
        ),
        (
            "lambda",
            "UpdateFunctionConfiguration20150331v2",
            {"functionName": FUNCTION},
            None,
            FUNCTION_RULE,
        ),
        (
            "lambda",
            "RemovePermission20150331v2",
            {"functionName": FUNCTION, "statementId": "s"},
            None,
            FUNCTION_RULE,
        ),
        (
            "lambda",
            "PutFunctionConcurrency20171031",
            {"functionName": FUNCTION, "reservedConcurrentExecutions": 0},
            None,
            FUNCTION_RULE,
        ),
        (
            "lambda",
            "CreateFunctionUrlConfig",
            {"functionName": FUNCTION, "authType": "NONE"},
            None,
            FUNCTION_RULE,
        ),
        (
            "lambda",
            "UpdateFunctionUrlConfig",
            {"functionName": FUNCTION, "authType": "NONE"},
            None,
            FUNCTION_RULE,
        ),
        (
            "lambda",
            "AddPermission20150331v2",
            {
                "functionName": FUNCTION,
                "statementId": "s",
                "action": "lambda:InvokeFunction",
                "principal": STRANGER,
            },
            None,
            "function-policy-public",
        ),
        (
            "lambda",
            "AddPermission20150331v2",
            {"functionName": "any", "action": "lambda:InvokeFunction", "principal": "*"},
            None,
            "function-policy-public",
        ),
        ("monitoring", "DeleteAlarms", {"alarmNames": ["x", ALARM]}, None, "audit-alarm-silenced"),
        (
            "monitoring",
            "DisableAlarmActions",
            {"alarmNames": [ALARM]},
            None,
            "audit-alarm-silenced",
        ),
        (
            "monitoring",
            "PutMetricAlarm",
            {"alarmName": ALARM, "actionsEnabled": False, "alarmActions": [TOPIC]},
            None,
            "audit-alarm-silenced",
        ),
        (
            "monitoring",
            "PutMetricAlarm",
            {"alarmName": ALARM, "alarmActions": []},
            None,
            "audit-alarm-silenced",
        ),
        (
            "monitoring",
            "SetAlarmState",
            {"alarmName": ALARM, "stateValue": "OK"},
            None,
            "audit-alarm-silenced",
        ),
        ("sns", "DeleteTopic", {"topicArn": TOPIC}, None, "alert-topic-tampered"),
        (
            "sns",
            "AddPermission",
            {
                "topicArn": TOPIC,
                "label": "l",
                "aWSAccountIds": [STRANGER],
                "actionNames": ["Subscribe"],
            },
            None,
            "alert-topic-tampered",
        ),
        (
            "sns",
            "RemovePermission",
            {"topicArn": TOPIC, "label": "l"},
            None,
            "alert-topic-tampered",
        ),
        (
            "sns",
            "Unsubscribe",
            {"subscriptionArn": f"{TOPIC}:1234-abcd"},
            None,
            "alert-topic-tampered",
        ),
        (
            "sns",
            "SetTopicAttributes",
            {"topicArn": TOPIC, "attributeName": "KmsMasterKeyId", "attributeValue": ""},
            None,
            "alert-topic-tampered",
        ),
        (
            "sns",
            "SetSubscriptionAttributes",
            {
                "subscriptionArn": f"{TOPIC}:1234-abcd",
                "attributeName": "FilterPolicy",
                "attributeValue": '{"severity":["NONE"]}',
            },
            None,
            "alert-topic-tampered",
        ),
        (
            "sns",
            "SetTopicAttributes",
            {
                "topicArn": "arn:aws:sns:ap-southeast-1:123456789012:any",
                "attributeName": "Policy",
                "attributeValue": policy_text(statement("SNS:Publish", Principal={"AWS": "*"})),
            },
            None,
            "topic-policy-public",
        ),
        (
            "sns",
            "CreateTopic",
            {
                "name": "any",
                "attributes": {"Policy": policy_text(statement("SNS:*", Principal="*"))},
            },
            None,
            "topic-policy-public",
        ),
        (
            "sqs",
            "DeleteQueue",
            {
                "queueUrl": f"https://sqs.ap-southeast-1.amazonaws.com/{ACCOUNT}/sqs-compliance-checker-dlq-dev"
            },
            None,
            "audit-queue-emptied",
        ),
        (
            "sqs",
            "PurgeQueue",
            {
                "queueUrl": f"https://sqs.ap-southeast-1.amazonaws.com/{ACCOUNT}/sqs-compliance-checker-dlq-dev"
            },
            None,
            "audit-queue-emptied",
        ),
        (
            "events",
            "DisableRule",
            {"name": "rule-hourly-scan-dev"},
            None,
            "audit-event-rule-disabled",
        ),
        (
            "events",
            "DeleteRule",
            {"name": "rule-hourly-scan-dev"},
            None,
            "audit-event-rule-disabled",
        ),
        (
            "events",
            "RemoveTargets",
            {"rule": "rule-hourly-scan-dev", "ids": ["1"]},
            None,
            "audit-event-rule-disabled",
        ),
        (
            "events",
            "PutRule",
            {
                "name": "rule-hourly-scan-dev",
                "state": "DISABLED",
                "scheduleExpression": "rate(1 hour)",
            },
            None,
            "audit-event-rule-disabled",
        ),
    )
]

ROOT_RULE = ["root-used"]
SIGN_IN: list[tuple[str, Record, list[str]]] = [
    ("root at the console", console_sign_in(ROOT, multi_factor="Yes"), ROOT_RULE),
    ("root call", record("iam", "CreateUser", {"userName": "x"}, userIdentity=ROOT), ROOT_RULE),
    (
        "root looking around",
        record("ec2", "DescribeInstances", {}, userIdentity=ROOT, readOnly=True),
        ROOT_RULE,
    ),
    (
        "root through the old console",
        record(
            "iam", "CreateUser", None, userIdentity={**ROOT, "invokedBy": "signin.amazonaws.com"}
        ),
        ROOT_RULE,
    ),
    (
        "root and what it did",
        record("cloudtrail", "StopLogging", {"name": "t"}, userIdentity=ROOT),
        ["trail-stopped", "root-used"],
    ),
    ("user without MFA", console_sign_in(), ["console-sign-in-without-mfa"]),
    (
        "user without MFA, shouted",
        console_sign_in(multi_factor="NO"),
        ["console-sign-in-without-mfa"],
    ),
    (
        "user without MFA by the session",
        {
            **console_sign_in(
                {**USER, "sessionContext": {"attributes": {"mfaAuthenticated": "false"}}}
            ),
            "additionalEventData": {},
        },
        ["console-sign-in-without-mfa"],
    ),
]

VIOLATIONS = [
    *NETWORK,
    *STORAGE,
    *IDENTITY,
    *KEYS,
    *TRAILS,
    *LOGS,
    *DETECTION,
    *DELIVERY,
    *SIGN_IN,
    *TAKEN_BACK,
]


LOOK_ALIKES: list[tuple[str, Record]] = [
    ("a network of one's own", ingress(permission("10.0.0.0/8"))),
    (
        "every private network",
        ingress(permission("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")),
    ),
    ("an office", flat_ingress("203.0.113.0/24")),
    ("begins with zeros", ingress(permission("0.0.0.0/24", "0.0.0.0/16"))),
    ("no CIDR at all", flat_ingress("office")),
    ("another group", ingress({**permission(), "groups": {"items": [{"groupId": "sg-1"}]}})),
    (
        "an outgoing rule in the answer",
        {
            **flat_ingress("10.0.0.0/8"),
            "responseElements": {
                "securityGroupRuleSet": {
                    "items": [{"isEgress": True, "ipProtocol": "-1", "cidrIpv4": "0.0.0.0/0"}]
                }
            },
        },
    ),
    (
        "a prefix list",
        ingress({**permission(), "prefixListIds": {"items": [{"prefixListId": "pl-1"}]}}),
    ),
    (
        "warehouse group of an office",
        record(
            "redshift",
            "AuthorizeClusterSecurityGroupIngress",
            {"clusterSecurityGroupName": "records", "cIDRIP": "203.0.113.0/24"},
        ),
    ),
    ("refused", flat_ingress("0.0.0.0/0", errorCode="Client.UnauthorizedOperation")),
    ("a dry run", flat_ingress("0.0.0.0/0", errorCode="Client.DryRunOperation")),
    ("answered with false", {**flat_ingress("0.0.0.0/0"), "responseElements": {"_return": False}}),
    (
        "egress",
        record(
            "ec2",
            "AuthorizeSecurityGroupEgress",
            {"groupId": "sg", "ipPermissions": {"items": [permission("0.0.0.0/0")]}},
        ),
    ),
    (
        "revoked",
        record("ec2", "RevokeSecurityGroupIngress", {"groupId": "sg", "cidrIp": "0.0.0.0/0"}),
    ),
    (
        "the name at another service",
        {**flat_ingress("0.0.0.0/0"), "eventSource": "example.amazonaws.com"},
    ),
    (
        "network ACL egress",
        record(
            "ec2",
            "CreateNetworkAclEntry",
            {"egress": True, "ruleAction": "allow", "cidrBlock": "0.0.0.0/0"},
        ),
    ),
    (
        "network ACL deny",
        record(
            "ec2",
            "CreateNetworkAclEntry",
            {"egress": False, "ruleAction": "deny", "cidrBlock": "0.0.0.0/0"},
        ),
    ),
    (
        "database group of an office",
        record("rds", "AuthorizeDBSecurityGroupIngress", {"cIDRIP": "203.0.113.0/24"}),
    ),
    (
        "another account named",
        bucket_policy({**ANYONE, "Principal": {"AWS": f"arn:aws:iam::{STRANGER}:root"}}),
    ),
    ("a service", bucket_policy({**ANYONE, "Principal": {"Service": "cloudtrail.amazonaws.com"}})),
    ("a denial for everyone", bucket_policy({**ANYONE, "Effect": "Deny"})),
    *(
        (f"narrowed by {key}", bucket_policy({**ANYONE, "Condition": {operator: {key: value}}}))
        for operator, key, value in (
            ("StringEquals", "aws:PrincipalOrgID", "o-a1b2c3d4e5"),
            ("StringEquals", "AWS:SourceOwner", ACCOUNT),
            ("StringEquals", "aws:SourceVpce", ["vpce-1", "vpce-2"]),
            ("IpAddress", "aws:SourceIp", ["203.0.113.0/24", "2001:db8::/48"]),
            ("ArnLike", "aws:PrincipalArn", f"arn:aws:iam::{ACCOUNT}:role/*"),
            ("ArnLike", "aws:SourceArn", "arn:aws:s3:::one-bucket"),
            ("ForAnyValue:StringLike", "aws:PrincipalOrgPaths", "o-a1b2c3d4e5/*"),
            ("StringEquals", "aws:PrincipalAccount", "${aws:ResourceAccount}"),
        )
    ),
    (
        "narrowed by a Deny",
        bucket_policy(
            ANYONE,
            statement(
                "s3:*",
                "*",
                effect="Deny",
                Principal="*",
                Condition={
                    "StringNotEquals": {"aws:SourceVpce": "vpce-1"},
                    "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
                },
            ),
        ),
    ),
    (
        "no policy in the record",
        record("s3", "PutBucketPolicy", {"bucketName": "b", "bucketPolicy": "not json"}),
    ),
    (
        "private ACL",
        record("s3", "PutBucketAcl", {"bucketName": "b", "acl": [""], "x-amz-acl": ["private"]}),
    ),
    (
        "log delivery ACL",
        record(
            "s3",
            "PutBucketAcl",
            {
                "AccessControlPolicy": {
                    "AccessControlList": {
                        "Grant": {
                            "Grantee": {"URI": "http://acs.amazonaws.com/groups/s3/LogDelivery"},
                            "Permission": "WRITE",
                        }
                    }
                }
            },
        ),
    ),
    ("every block on", _blocks()),
    (
        "no block in the record",
        record("s3", "PutBucketPublicAccessBlock", {"bucketName": "b", "host": "h"}),
    ),
    ("encryption set", record("s3", "PutBucketEncryption", {"bucketName": "b"})),
    (
        "versioning on",
        record("s3", "PutBucketVersioning", {"VersioningConfiguration": {"Status": "Enabled"}}),
    ),
    (
        "logging on",
        record(
            "s3",
            "PutBucketLogging",
            {"BucketLoggingStatus": {"LoggingEnabled": {"TargetBucket": "l"}}},
        ),
    ),
    ("some bucket deleted", record("s3", "DeleteBucket", {"bucketName": "scratch"})),
    (
        "a short life for scratch",
        record(
            "s3",
            "PutBucketLifecycle",
            {
                "bucketName": "scratch",
                "LifecycleConfiguration": {
                    "Rule": {"Status": "Enabled", "Expiration": {"Days": 1}}
                },
            },
        ),
    ),
    ("quarantine", role_policy(statement(effect="Deny"), name="PutUserPolicy")),
    ("an Allow undone", role_policy(statement(), statement(effect="Deny"))),
    (
        "everything on one bucket",
        role_policy(statement("s3:*", ["arn:aws:s3:::b", "arn:aws:s3:::b/*"])),
    ),
    (
        "reading everywhere",
        role_policy(statement(["ec2:Describe*", "s3:Get*", "s3:List*", "*:List*"])),
    ),
    (
        "logs of a function",
        role_policy(statement(["logs:CreateLogGroup", "logs:PutLogEvents"], "arn:aws:logs:*:*:*")),
    ),
    (
        "passing one role",
        role_policy(
            statement("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/one"),
            statement("ec2:RunInstances"),
        ),
    ),
    (
        "passing to one service",
        role_policy(
            statement(
                "iam:PassRole",
                Condition={"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}},
            ),
            statement("ec2:RunInstances"),
        ),
    ),
    (
        "read-only policy",
        record(
            "iam",
            "AttachUserPolicy",
            {"userName": "u", "policyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"},
        ),
    ),
    (
        "own policy of that name",
        record(
            "iam",
            "AttachUserPolicy",
            {"userName": "u", "policyArn": f"arn:aws:iam::{ACCOUNT}:policy/AdministratorAccess"},
        ),
    ),
    ("member of a group", record("iam", "AddUserToGroup", {"userName": "u", "groupName": "g"})),
    ("trust in a service", _trust(assume(Principal={"Service": "ec2.amazonaws.com"}))),
    (
        "trust in another account",
        _trust(assume(Principal={"AWS": f"arn:aws:iam::{STRANGER}:root"})),
    ),
    (
        "trust in one's organisation",
        _trust(assume(Principal="*", Condition={"StringEquals": {"aws:PrincipalOrgID": "o-1"}})),
    ),
    (
        "one owner at GitHub",
        _trust(
            statement(
                "sts:AssumeRoleWithWebIdentity",
                None,
                Principal={"Federated": GITHUB},
                Condition={
                    "StringLike": {"token.actions.githubusercontent.com:sub": "repo:example/app:*"}
                },
            )
        ),
    ),
    (
        "key policy of the CloudTrail console",
        _key_policy(
            statement(
                "kms:ReEncryptFrom",
                Principal={"AWS": "*"},
                Condition={
                    "StringEquals": {"kms:CallerAccount": ACCOUNT},
                    "StringLike": {"kms:EncryptionContext:aws:cloudtrail:arn": "*"},
                },
            )
        ),
    ),
    ("key by AWS", record("kms", "DeleteKey", None, eventType="AwsServiceEvent")),
    (
        "replica with a policy of its own",
        record(
            "kms",
            "ReplicateKey",
            {
                "keyId": KEY,
                "replicaRegion": "us-west-2",
                "policy": policy_text(
                    statement("kms:*", Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"})
                ),
            },
            {"replicaKeyMetadata": {"keyId": "mrk-1"}},
        ),
    ),
    ("rotation on", record("kms", "EnableKeyRotation", {"keyId": KEY})),
    (
        "trail created with defaults",
        record("cloudtrail", "CreateTrail", {"name": "t"}, {"isMultiRegionTrail": False}),
    ),
    (
        "trail strengthened",
        record(
            "cloudtrail",
            "UpdateTrail",
            {"name": "t", "enableLogFileValidation": True},
            {"isMultiRegionTrail": False},
        ),
    ),
    (
        "trail kept in the log bucket",
        record(
            "cloudtrail",
            "UpdateTrail",
            {
                "name": "cloudtrail-audit-dev",
                "s3BucketName": "s3-cloudtrail-logs-dev-123456789012",
                "snsTopicName": "",
            },
        ),
    ),
    (
        "another trail in another bucket",
        record("cloudtrail", "UpdateTrail", {"name": "t", "s3BucketName": "elsewhere"}),
    ),
    ("all events", _selectors({"readWriteType": "All", "includeManagementEvents": True})),
    (
        "two selectors that complete each other",
        _selectors(
            {"readWriteType": "All", "includeManagementEvents": False},
            {"includeManagementEvents": True},
        ),
    ),
    (
        "advanced, all events",
        _advanced([MANAGEMENT], [{"field": "eventCategory", "equals": ["Data"]}]),
    ),
    (
        "advanced, one part by its service and all the rest",
        _advanced(
            [MANAGEMENT, {"field": "eventSource", "equals": ["ec2.amazonaws.com"]}],
            [MANAGEMENT, {"field": "readOnly", "equals": ["false"], "notEquals": []}],
        ),
    ),
    (
        "insights on",
        record(
            "cloudtrail",
            "PutInsightSelectors",
            {"insightSelectors": [{"insightType": "ApiCallRateInsight"}]},
        ),
    ),
    (
        "stream of an application",
        record("logs", "DeleteLogStream", {"logGroupName": "app", "logStreamName": "s"}),
    ),
    (
        "a week of logs",
        record("logs", "PutRetentionPolicy", {"logGroupName": TRAIL_GROUP, "retentionInDays": 7}),
    ),
    (
        "the deployment's own filter",
        record(
            "logs",
            "PutSubscriptionFilter",
            {
                "logGroupName": TRAIL_GROUP,
                "filterName": "subscription-compliance-checker-dev",
                "filterPattern": f"{deployed_pattern()}\n",
                "destinationArn": f"arn:aws:lambda:ap-southeast-1:{ACCOUNT}:function:{FUNCTION}",
            },
        ),
    ),
    (
        "flow logs that stayed",
        record(
            "ec2",
            "DeleteFlowLogs",
            {"DeleteFlowLogsRequest": {"FlowLogId": {"content": "fl-1"}}},
            {"DeleteFlowLogsResponse": {"unsuccessful": {"item": {"resourceId": "fl-1"}}}},
        ),
    ),
    (
        "recorder of everything",
        record(
            "config",
            "PutConfigurationRecorder",
            {"configurationRecorder": {"recordingGroup": {"allSupported": True}}},
        ),
    ),
    (
        "rule removed by its service",
        record(
            "config",
            "DeleteConfigRule",
            {"configRuleName": "r"},
            userIdentity={**USER, "invokedBy": "securityhub.amazonaws.com"},
        ),
    ),
    (
        "detector kept on",
        record("guardduty", "UpdateDetector", {"detectorId": "d", "enable": True}),
    ),
    (
        "another function",
        record("lambda", "UpdateFunctionCode20150331v2", {"functionName": "billing"}),
    ),
    (
        "a rehearsal",
        record(
            "lambda", "UpdateFunctionCode20150331v2", {"functionName": FUNCTION, "dryRun": True}
        ),
    ),
    (
        "invoked by one bucket",
        record(
            "lambda",
            "AddPermission20150331v2",
            {"functionName": "f", "principal": "*", "sourceArn": "arn:aws:s3:::b"},
        ),
    ),
    (
        "invoked by its log group",
        record(
            "lambda",
            "AddPermission20150331v2",
            {
                "functionName": FUNCTION,
                "principal": "logs.ap-southeast-1.amazonaws.com",
                "sourceArn": f"arn:aws:logs:ap-southeast-1:{ACCOUNT}:log-group:{TRAIL_GROUP}:*",
            },
        ),
    ),
    (
        "another function for another account",
        record("lambda", "AddPermission20150331v2", {"functionName": "f", "principal": STRANGER}),
    ),
    (
        "a URL of another function",
        record("lambda", "CreateFunctionUrlConfig", {"functionName": "f", "authType": "AWS_IAM"}),
    ),
    (
        "alarms of a scaling policy",
        record("monitoring", "DeleteAlarms", {"alarmNames": ["TargetTracking-table/t"]}),
    ),
    (
        "the deployment's own alarm",
        record(
            "monitoring",
            "PutMetricAlarm",
            {"alarmName": ALARM, "actionsEnabled": True, "alarmActions": [TOPIC]},
        ),
    ),
    (
        "another topic",
        record("sns", "DeleteTopic", {"topicArn": f"arn:aws:sns:ap-southeast-1:{ACCOUNT}:news"}),
    ),
    (
        "default topic policy",
        record(
            "sns",
            "SetTopicAttributes",
            {
                "topicArn": TOPIC,
                "attributeName": "Policy",
                "attributeValue": policy_text(
                    statement(
                        "SNS:Publish",
                        Principal={"AWS": "*"},
                        Condition={"StringEquals": {"AWS:SourceOwner": ACCOUNT}},
                    )
                ),
            },
        ),
    ),
    ("rule of an application", record("events", "DisableRule", {"name": "nightly"})),
    (
        "rule switched on",
        record("events", "PutRule", {"name": "rule-hourly-scan-dev", "state": "ENABLED"}),
    ),
    (
        "root by a service",
        record("autoscaling", "X", userIdentity={**ROOT, "invokedBy": "autoscaling.amazonaws.com"}),
    ),
    (
        "root forwarded by AWS",
        record("kms", "Decrypt", userIdentity={**ROOT, "invokedBy": "AWS Internal"}),
    ),
    ("root in a service event", record("ec2", "X", userIdentity=ROOT, eventType="AwsServiceEvent")),
    ("root turned away", console_sign_in(ROOT, outcome="Failure")),
    ("root refused", record("iam", "CreateUser", userIdentity=ROOT, errorCode="AccessDenied")),
    ("user with MFA", console_sign_in(multi_factor="Yes")),
    ("user turned away", console_sign_in(outcome="Failure")),
    ("single sign-on", console_sign_in({**USER, "type": "AssumedRole"})),
    (
        "password changed in vain",
        record(
            "signin", "PasswordUpdated", None, {"PasswordUpdated": "Failure"}, userIdentity=ROOT
        ),
    ),
    *KEPT,
]
