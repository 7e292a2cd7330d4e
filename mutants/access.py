"""Access faults: roles that may do more than they need, and roles that open to others."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from typing import Any

from mutants.account import STRANGER, Account, Document, statement
from mutants.model import Family
from mutants.trail import change_policy, policy_statements

FAMILY = Family("access")
_PROTECTED = "trail-cannot-be-stopped-by-others"
_FUNCTION_ROLE = "function_role_name"
_TRAIL_ROLE = "trail_logs_role_name"
_VERIFIER_ROLE = "verifier_role_name"
# Of the deployment, by its outputs.
_BUCKET = "arn:aws:s3:::{log_bucket_name}"
_FUNCTION = "{function_arn}"
_TOPIC = "{alert_topic_name}"


def _grant(role: str, statement: Mapping[str, Any], account: Account, mending: ExitStack) -> None:
    text = json.dumps({"Effect": "Allow", **statement})
    for output in re.findall(r"(?<!\$)\{([a-z_]+)\}", text):
        text = text.replace(f"{{{output}}}", account.outputs[output])
    account.role_policy(mending, account.outputs[role], json.loads(text))


_RECORDS = ("logs-read-by-named-roles-alone", "application-logs-unmasked-for-nobody")

for _name, _description, _role, _statement, *_also in (
    ("everything", "everything", _FUNCTION_ROLE, {"Action": "*", "Resource": "*"}, *_RECORDS),
    ("a-whole-service", "everything of S3", _FUNCTION_ROLE, {"Action": "s3:*", "Resource": "*"}),
    (
        "a-whole-service-on-one-resource",
        "everything with one topic",
        _VERIFIER_ROLE,
        {"Action": "sns:*", "Resource": f"arn:aws:sns:ap-southeast-1:{STRANGER}:one"},
    ),
    (
        "all-but-iam",
        "whatever is not IAM's",
        _VERIFIER_ROLE,
        {"NotAction": "iam:*", "Resource": "*"},
        *_RECORDS,
    ),
    (
        "all-resources-but-one",
        "publishing to every topic but one",
        _FUNCTION_ROLE,
        {"Action": "sns:Publish", "NotResource": f"arn:aws:sns:ap-southeast-1:{STRANGER}:one"},
    ),
    (
        "any-role-passed",
        "passing any role",
        _FUNCTION_ROLE,
        {"Action": "iam:PassRole", "Resource": "*"},
    ),
    (
        "any-role-assumed",
        "assuming any role",
        _TRAIL_ROLE,
        {"Action": "sts:AssumeRole", "Resource": "*"},
        "logs-read-by-named-roles-alone",  # by way of the roles that may
    ),
    (
        "deletion-of-any-file",
        "deleting any object",
        _TRAIL_ROLE,
        {"Action": ["s3:DeleteObject", "s3:DeleteObjectVersion"], "Resource": "*"},
    ),
    (
        "deletion-of-log-files",
        "deleting the trail's log files",
        _FUNCTION_ROLE,
        {"Action": "s3:DeleteObject", "Resource": f"{_BUCKET}/AWSLogs/*"},
    ),
    (
        "replacing-its-own-code",
        "replacing the function's own code",
        _FUNCTION_ROLE,
        {"Action": "lambda:UpdateFunctionCode", "Resource": _FUNCTION},
    ),
    (
        "reads-by-a-wildcard",
        "whatever reads the log bucket",
        _VERIFIER_ROLE,
        {"Action": "s3:Get*", "Resource": _BUCKET},
    ),
    (
        "one-more-read",
        "reading the whole account's users",
        _VERIFIER_ROLE,
        {"Action": "iam:ListUsers", "Resource": "*"},
    ),
    (
        "access-keys",
        "making access keys for one user",
        _VERIFIER_ROLE,
        {"Action": "iam:CreateAccessKey", "Resource": "arn:aws:iam::123456789012:user/somebody"},
    ),
    (
        "grants",
        "handing the key on by a grant",
        _VERIFIER_ROLE,
        {
            "Action": "KMS:CREATEGRANT",
            "Resource": "arn:aws:kms:*:*:key/*",
            "Condition": {"Bool": {"kms:GrantIsForAWSResource": "true"}},
        },
    ),
    (
        "any-use-of-the-key",
        "decrypting with the key, through whatever service",
        _VERIFIER_ROLE,
        {"Action": "kms:Decrypt", "Resource": "arn:aws:kms:*:123456789012:key/*"},
    ),
    (
        "other-log-groups",
        "writing to every log group",
        _FUNCTION_ROLE,
        {
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": "arn:aws:logs:*:123456789012:log-group:*",
        },
    ),
    (
        "another-instruction-to-its-own-topic",
        "changing what the alert topic does",
        _FUNCTION_ROLE,
        {
            "Action": "sns:SetTopicAttributes",
            "Resource": f"arn:aws:sns:*:${{aws:PrincipalAccount}}:{_TOPIC}",
        },
    ),
    (
        "anything-that-writes",
        "what begins with Put or Delete",
        _VERIFIER_ROLE,
        {"Action": ["s3:Put*", "s3:Delete*"], "Resource": "*"},
    ),
):
    FAMILY.add(
        f"role-permits-{_name}",
        f"an inline policy of the {_role.removesuffix('_name')} permits {_description}",
        partial(_grant, _role, _statement),
        "roles-least-privilege",
        *_also,
    )


@FAMILY.fault(
    "AWS's policy for administrators is attached to the function's role",
    "roles-least-privilege",
    *_RECORDS,
)
def administrator(account: Account, mending: ExitStack) -> None:
    attachment = {
        "RoleName": account.outputs[_FUNCTION_ROLE],
        "PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess",
    }
    account.iam.attach_role_policy(**attachment)
    mending.callback(account.iam.detach_role_policy, **attachment)


@FAMILY.fault(
    "the function's own policy gets a wider default version", "roles-least-privilege", *_RECORDS
)
def wider_version(account: Account, mending: ExitStack) -> None:
    arn = account.own_policy(account.outputs[_FUNCTION_ROLE])
    everything = {
        "Effect": "Allow",
        "Action": ["logs:*", "sns:*", "sqs:*", "kms:*"],
        "Resource": "*",
    }
    change_policy(account, mending, arn, everything)


def no_policy(account: Account, mending: ExitStack) -> None:
    account.verify_as_administrator(mending)
    role = {"RoleName": account.outputs[_VERIFIER_ROLE]}
    for attached in account.iam.list_attached_role_policies(**role)["AttachedPolicies"]:
        arn = {"PolicyArn": attached["PolicyArn"]}
        mending.callback(account.iam.attach_role_policy, **role, **arn)
        account.iam.detach_role_policy(**role, **arn)


FAMILY.add(
    "no-policy",
    "the verifier's role has lost its policies",
    no_policy,
    "roles-least-privilege",
    unless=_PROTECTED,
)
FAMILY.add(
    "no-policy-where-the-log-is-guarded",
    "the verifier's role has lost its policies, and nobody else of the suite may read the log",
    no_policy,
    "roles-least-privilege",
    _PROTECTED,  # for what protects the trail from it is one of them
    errors=frozenset({"log-integrity-intact"}),
    needs=_PROTECTED,
)


def _change_function_policy(
    account: Account, mending: ExitStack, change: Callable[[list[Document]], None]
) -> None:
    arn = account.own_policy(account.outputs[_FUNCTION_ROLE])
    statements = policy_statements(account, arn)
    change(statements)
    change_policy(account, mending, arn, *statements)


@FAMILY.fault("the function may no longer write its log", "roles-least-privilege")
def silent(account: Account, mending: ExitStack) -> None:
    def change(statements: list[Document]) -> None:
        statement({"Statement": statements}, "WriteOwnLogs")["Action"] = ["logs:CreateLogStream"]

    _change_function_policy(account, mending, change)


@FAMILY.fault("the function may set records aside until yesterday", "roles-least-privilege")
def too_late(account: Account, mending: ExitStack) -> None:
    def change(statements: list[Document]) -> None:
        statement({"Statement": statements}, "SetAsideRecords")["Condition"] = {
            "DateLessThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}
        }

    _change_function_policy(account, mending, change)


@FAMILY.fault("an inline policy denies the function its alerts", "roles-least-privilege")
def denied(account: Account, mending: ExitStack) -> None:
    everything = {"Effect": "Deny", "NotAction": ["logs:*", "sqs:*"], "Resource": "*"}
    account.role_policy(mending, account.outputs[_FUNCTION_ROLE], everything)


@FAMILY.fault("a boundary keeps the function from its alerts", "roles-least-privilege")
def cut_by_a_boundary(account: Account, mending: ExitStack) -> None:
    role = {"RoleName": account.outputs[_FUNCTION_ROLE]}
    mending.callback(account.iam.delete_role_permissions_boundary, **role)
    account.iam.put_role_permissions_boundary(
        **role, PermissionsBoundary="arn:aws:iam::aws:policy/ReadOnlyAccess"
    )


# --- trust ----------------------------------------------------------------------------------------


def _trust(role: str, changes: Mapping[str, Any], account: Account, mending: ExitStack) -> None:
    kind = f"role:{account.outputs[role]}"
    document: Document = account.document(kind)
    document["Statement"].append({"Effect": "Allow", "Action": "sts:AssumeRole", **changes})
    account.replace(mending, kind, document)


def _pipelines(subject: str | None) -> Mapping[str, Any]:
    """What lets pipelines of GitHub's in: those of a subject, or all."""
    host = "token.actions.githubusercontent.com"
    claims = {f"{host}:aud": "sts.amazonaws.com"} | ({f"{host}:sub": subject} if subject else {})
    return {
        "Principal": {"Federated": f"arn:aws:iam::123456789012:oidc-provider/{host}"},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringLike": claims},
    }


for _name, _description, _role, _changes, *_also in (
    ("anyone", "anyone", _FUNCTION_ROLE, {"Principal": {"AWS": "*"}}),
    (
        "a-stranger",
        "another account",
        _VERIFIER_ROLE,
        {"Principal": {"AWS": f"arn:aws:iam::{STRANGER}:root"}},
    ),
    (
        "a-stranger-with-a-word",
        "another account that knows a word",
        _VERIFIER_ROLE,
        {
            "Principal": {"AWS": f"arn:aws:iam::{STRANGER}:root"},
            "Condition": {"StringEquals": {"sts:ExternalId": "please"}},
        },
    ),
    (
        "anyone-on-a-vain-condition",
        "anyone, on a condition that everybody meets",
        _VERIFIER_ROLE,
        {"Principal": {"AWS": "*"}, "Condition": {"StringLike": {"aws:PrincipalArn": "*"}}},
        "logs-read-by-named-roles-alone",  # by way of the verifier's, which may
    ),
    (
        "another-service",
        "EC2, so that an instance may wear it,",
        _FUNCTION_ROLE,
        {"Principal": {"Service": "ec2.amazonaws.com"}},
    ),
    (
        "our-own-people",
        "whoever of this account may assume roles,",
        _TRAIL_ROLE,
        {"Principal": {"AWS": "arn:aws:iam::123456789012:root"}},
    ),
    (
        "its-service-with-tags",
        "Lambda, which may tag its session,",
        _FUNCTION_ROLE,
        {
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": ["sts:AssumeRole", "sts:TagSession"],
        },
    ),
    (
        "a-federation",
        "whoever a foreign identity provider signs in",
        _VERIFIER_ROLE,
        {
            "Principal": {"Federated": f"arn:aws:iam::{STRANGER}:saml-provider/partner"},
            "Action": "sts:AssumeRoleWithSAML",
        },
    ),
    (
        "pipelines-that-nobody-listed",
        "the pipelines of a repository that the baseline does not list",
        _VERIFIER_ROLE,
        _pipelines("repo:hospital/audit-trail:ref:refs/heads/main"),
    ),
    (
        "anybodys-pipelines",
        "the pipelines of every repository",
        _VERIFIER_ROLE,
        _pipelines("repo:*"),
    ),
    (
        "pipelines-without-a-subject",
        "whatever a provider of tokens signs",
        _VERIFIER_ROLE,
        _pipelines(None),
    ),
):
    FAMILY.add(
        f"role-assumed-by-{_name}",
        f"{_description} may assume the {_role.removesuffix('_name')}",
        partial(_trust, _role, _changes),
        "roles-trust",
        *_also,
    )


@FAMILY.fault("the function's role may be worn by a machine", "roles-trust")
def instance_profile(account: Account, mending: ExitStack) -> None:
    profile = {"InstanceProfileName": "by-hand"}
    worn = {**profile, "RoleName": account.outputs[_FUNCTION_ROLE]}
    account.iam.create_instance_profile(**profile)
    mending.callback(account.iam.delete_instance_profile, **profile)
    account.iam.add_role_to_instance_profile(**worn)
    mending.callback(account.iam.remove_role_from_instance_profile, **worn)


@FAMILY.fault("a session of the verifier's role may last twelve hours", "roles-trust")
def long_sessions(account: Account, mending: ExitStack) -> None:
    role = {"RoleName": account.outputs[_VERIFIER_ROLE]}
    mending.callback(account.iam.update_role, **role, MaxSessionDuration=3600)
    account.iam.update_role(**role, MaxSessionDuration=43200)


@FAMILY.fault("no service may assume the function's role any more", "roles-trust")
def nobody_served(account: Account, mending: ExitStack) -> None:
    kind = f"role:{account.outputs[_FUNCTION_ROLE]}"
    document = account.document(kind)
    document["Statement"].append({"Effect": "Deny", "Action": "sts:AssumeRole", "Principal": "*"})
    account.replace(mending, kind, document)


@FAMILY.fault("Lambda may assume the function's role for another account alone", "roles-trust")
def served_elsewhere(account: Account, mending: ExitStack) -> None:
    kind = f"role:{account.outputs[_FUNCTION_ROLE]}"
    document = account.document(kind)
    document["Statement"][0]["Condition"] = {"StringEquals": {"aws:SourceAccount": STRANGER}}
    account.replace(mending, kind, document)
