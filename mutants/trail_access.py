"""Faults of who may see the trail's records and who may stop it, where there are access roles."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from typing import Any

from mutants import alerts
from mutants.account import STRANGER, Account, Document, statement, without
from mutants.model import Family, Suite
from mutants.policies import change
from mutants.trail import change_policy, policy_statements
from mutants.whole_account import fresh_report

FAMILY = Family("trail access")
_READ, _STOPPED = "logs-read-by-named-roles-alone", "trail-cannot-be-stopped-by-others"
_GUARDED, _RINGS = "break-glass-role-guarded", "break-glass-use-rings"
_SIMULATED = "access-roles-refused-by-simulation"
# It alone may delete what any bucket keeps.
_BREAK_GLASS_TRUST = (
    _GUARDED,
    "roles-trust",
    "log-bucket-protects-files",
    "access-log-bucket-keeps-files",
    "configuration-history-kept",
    "copies-kept",
    "session-logs-kept",
    "reports-bucket",
)

Statement = Mapping[str, Any]


def _role_name(account: Account, purpose: str) -> str:
    return f"role-{purpose}-{account.outputs['environment']}"


def _allow(action: Any, resource: Any = "*", **more: Any) -> Document:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def _document(*statements: Statement) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


# --- people ---------------------------------------------------------------------------------------


def somebody(account: Account, mending: ExitStack, *statements: Statement) -> str:
    """A user with an inline policy, until mended; gives its ARN."""
    name = {"UserName": "somebody"}
    mending.callback(fresh_report, account)
    arn = str(account.iam.create_user(**name)["User"]["Arn"])
    mending.callback(account.iam.delete_user, **name)
    fresh_report(account)
    if statements:
        policy = {**name, "PolicyName": "by-hand"}
        account.iam.put_user_policy(**policy, PolicyDocument=_document(*statements))
        mending.callback(account.iam.delete_user_policy, **policy)
    return arn


def _member(account: Account, mending: ExitStack) -> dict[str, str]:
    """A group with one user, until mended."""
    group, user = {"GroupName": "staff"}, {"UserName": "somebody"}
    somebody(account, mending)
    account.iam.create_group(**group)
    mending.callback(account.iam.delete_group, **group)
    account.iam.add_user_to_group(**group, **user)
    mending.callback(account.iam.remove_user_from_group, **group, **user)
    return group


def _role(
    account: Account, mending: ExitStack, principal: Statement, *statements: Statement
) -> str:
    """A role that trusts a principal, with an inline policy, until mended; gives its ARN."""
    name = "someones-role"
    trust = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    made = account.iam.create_role(RoleName=name, AssumeRolePolicyDocument=_document(trust))
    mending.callback(account.iam.delete_role, RoleName=name)
    account.role_policy(mending, name, *statements)
    return str(made["Role"]["Arn"])


_EC2 = {"Service": "ec2.amazonaws.com"}


def _root(account: Account) -> dict[str, str]:
    return {"AWS": f"arn:aws:iam::{account.outputs['account_id']}:root"}


# --- a further reader -----------------------------------------------------------------------------


def _group_of(account: Account) -> str:
    return f"{account.outputs['trail_log_group_arn']}:*"


@FAMILY.fault("a user may read the trail's events by a policy of its own", _READ)
def reader_by_inline_policy(account: Account, mending: ExitStack) -> None:
    somebody(account, mending, _allow("logs:FilterLogEvents", _group_of(account)))


@FAMILY.fault("a user may query every log group, if a second factor is there", _READ)
def reader_on_a_condition(account: Account, mending: ExitStack) -> None:
    factor = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    somebody(account, mending, _allow("logs:StartQuery", Condition=factor))


@FAMILY.fault("the members of a group may read the trail's events", _READ)
def reader_by_group(account: Account, mending: ExitStack) -> None:
    group = _member(account, mending)
    policy = {**group, "PolicyName": "by-hand"}
    account.iam.put_group_policy(**policy, PolicyDocument=_document(_allow("logs:Get*")))
    mending.callback(account.iam.delete_group_policy, **policy)


@FAMILY.fault("AWS's own policy for reading log groups is attached to a group", _READ)
def reader_by_managed_policy(account: Account, mending: ExitStack) -> None:
    arn = "arn:aws:iam::aws:policy/CloudWatchLogsReadOnlyAccess"
    attachment = {**_member(account, mending), "PolicyArn": arn}
    account.iam.attach_group_policy(**attachment)
    mending.callback(account.iam.detach_group_policy, **attachment)


@FAMILY.fault(
    "a role may do whatever is not IAM's", _READ, _STOPPED, "application-logs-unmasked-for-nobody"
)
def reader_by_not_action(account: Account, mending: ExitStack) -> None:
    everything_else = {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}
    _role(account, mending, _EC2, everything_else)


@FAMILY.fault("a role may read whatever is not one bucket", _READ)
def reader_by_not_resource(account: Account, mending: ExitStack) -> None:
    all_but_one = {"Effect": "Allow", "Action": "logs:Filter*", "NotResource": "arn:aws:s3:::one"}
    _role(account, mending, _EC2, all_but_one)


@FAMILY.fault("a role exports log groups to a bucket", _READ)
def reader_by_export(account: Account, mending: ExitStack) -> None:
    _role(account, mending, _EC2, _allow("logs:CreateExportTask"))


def _spared(account: Account, mending: ExitStack, kind: str, sid: str, arn: str) -> None:
    """Spare one more principal from what a policy refuses."""

    def edit(_: Account, document: Document) -> None:
        statement(document, sid)["Condition"]["ArnNotLike"]["aws:PrincipalArn"].append(arn)

    change(kind, edit, account, mending)


@FAMILY.fault("the bucket's policy spares a user that may get objects", _READ)
def reader_by_bucket_policy(account: Account, mending: ExitStack) -> None:
    arn = somebody(account, mending, _allow("s3:GetObject", "arn:aws:s3:::*"))
    _spared(account, mending, "bucket", "DenyReadsByOthers", arn)


@FAMILY.fault("the bucket's policy spares a user, and lets it in itself", _READ)
def reader_let_in_by_the_bucket(account: Account, mending: ExitStack) -> None:
    arn = somebody(account, mending)

    def edit(account: Account, document: Document) -> None:
        refusal = statement(document, "DenyReadsByOthers")
        refusal["Condition"]["ArnNotLike"]["aws:PrincipalArn"].append(arn)
        files = f"{account.outputs['log_bucket_arn']}/*"
        document["Statement"].append(_allow("s3:GetObject", files, Principal={"AWS": arn}))

    change("bucket", edit, account, mending)


def _edit(
    name: str, description: str, kind: str, sid: str, change_it: Callable[[Document], None]
) -> None:
    def edit(_: Account, document: Document) -> None:
        change_it(statement(document, sid))

    FAMILY.add(name, description, partial(change, kind, edit), _READ)


_edit(
    "bucket-refuses-no-versions",
    "the bucket refuses files to others, and not their versions",
    "bucket",
    "DenyReadsByOthers",
    lambda refusal: refusal.update(Action="s3:GetObject"),
)
_edit(
    "bucket-spares-every-role",
    "the bucket refuses files to users alone",
    "bucket",
    "DenyReadsByOthers",
    lambda refusal: refusal["Condition"].update(
        {"StringNotLike": {"aws:PrincipalArn": ["arn:aws:iam::*:role/*", "arn:aws:iam::*:user/*"]}}
    ),
)
_edit(
    "bucket-refuses-old-files",
    "the bucket refuses the files of one region alone",
    "bucket",
    "DenyReadsByOthers",
    lambda refusal: refusal.update(Resource=f"{refusal['Resource'][:-1]}AWSLogs/*/eu-west-1/*"),
)
_edit(
    "bucket-refuses-without-tls",
    "the bucket refuses files to others without TLS alone",
    "bucket",
    "DenyReadsByOthers",
    lambda refusal: refusal["Condition"].update({"Bool": {"aws:SecureTransport": "false"}}),
)
_edit(
    "key-refuses-another-service",
    "the key refuses decryption to others through another service",
    "key",
    "DenyDecryptionByOthers",
    lambda refusal: refusal["Condition"].update(
        {"StringEquals": {"kms:ViaService": "s3.eu-west-1.amazonaws.com"}}
    ),
)
_edit(
    "key-refuses-one-user",
    "the key refuses decryption to one user",
    "key",
    "DenyDecryptionByOthers",
    lambda refusal: refusal.update(Principal={"AWS": "arn:aws:iam::123456789012:user/ada"}),
)


@FAMILY.fault("the bucket's policy refuses files to nobody", _READ)
def bucket_refuses_nobody(account: Account, mending: ExitStack) -> None:
    account.replace(mending, "bucket", without(account.document("bucket"), "DenyReadsByOthers"))


@FAMILY.fault("the key's policy refuses decryption to nobody", _READ)
def key_refuses_nobody(account: Account, mending: ExitStack) -> None:
    account.replace(mending, "key", without(account.document("key"), "DenyDecryptionByOthers"))


@FAMILY.fault("the key's policy spares a user that may decrypt", _READ)
def reader_by_key_policy(account: Account, mending: ExitStack) -> None:
    arn = somebody(account, mending, _allow("kms:Decrypt"))
    _spared(account, mending, "key", "DenyDecryptionByOthers", arn)


@FAMILY.fault("a grant lets a user decrypt whom the key's policy spares", _READ, "key-grants")
def reader_by_grant(account: Account, mending: ExitStack) -> None:
    arn = somebody(account, mending)
    _spared(account, mending, "key", "DenyDecryptionByOthers", arn)
    key = {"KeyId": account.outputs["kms_key_arn"]}
    made = account.kms.create_grant(**key, GranteePrincipal=arn, Operations=["Decrypt"])
    mending.callback(account.kms.revoke_grant, **key, GrantId=made["GrantId"])


# --- a way to a reader ----------------------------------------------------------------------------


@FAMILY.fault("a user may assume the verifier's role, which trusts the account", _READ)
def chain_of_one(account: Account, mending: ExitStack) -> None:
    somebody(account, mending, _allow("sts:AssumeRole", account.outputs["verifier_role_arn"]))


@FAMILY.fault("a user may assume a role that may assume the verifier's", _READ)
def chain_of_two(account: Account, mending: ExitStack) -> None:
    verifier = account.outputs["verifier_role_arn"]
    middle = _role(account, mending, _root(account), _allow("sts:AssumeRole", verifier))
    somebody(account, mending, _allow("sts:*", middle))


@FAMILY.fault("the investigation role trusts another role as well", _READ, "roles-trust")
def chain_by_trust(account: Account, mending: ExitStack) -> None:
    arn = _role(account, mending, _EC2, _allow("ec2:DescribeVpcs"))

    def edit(_: Account, document: Document) -> None:
        statement(document, "InvestigatorsAssumeRole")["Principal"] = {
            "AWS": [arn, account.outputs["verifier_role_arn"]]
        }

    change(f"role:{_role_name(account, 'investigation')}", edit, account, mending)


# --- another who stops the trail ------------------------------------------------------------------


def _may_stop(name: str, description: str, action: str, output: str | None = None) -> None:
    def give(account: Account, mending: ExitStack) -> None:
        resource = "*" if output is None else account.outputs[output]
        somebody(account, mending, _allow(action, resource))

    FAMILY.add(f"stopper-{name}", f"a user may {description}", give, _STOPPED)


_may_stop("of-the-trail", "stop the trail", "cloudtrail:StopLogging", "trail_arn")
_may_stop("by-selectors", "change what the trail records", "cloudtrail:Put*Selectors")
_may_stop("by-key-policy", "change the key's policy", "kms:PutKeyPolicy", "kms_key_arn")
_may_stop("by-filters", "delete subscription filters", "logs:DeleteSubscriptionFilter")
_may_stop("by-alarms", "disable alarms", "cloudwatch:DisableAlarmActions")
_may_stop("by-roles", "attach policies to the trail's roles", "iam:AttachRolePolicy")
_may_stop("by-policies", "put other versions in force", "iam:SetDefaultPolicyVersion")


@FAMILY.fault(
    "an administrator whom the baseline does not name",
    _READ,
    _STOPPED,
    "application-logs-unmasked-for-nobody",
)
def unnamed_administrator(account: Account, mending: ExitStack) -> None:
    somebody(account, mending, _allow("*"))


def _protection(account: Account) -> str:
    [arn] = account.outputs["trail_protection_policy_arns"]
    return str(arn)


@FAMILY.fault("the protecting policy is detached from the verifier's role", _STOPPED)
def protection_detached(account: Account, mending: ExitStack) -> None:
    role = account.outputs["verifier_role_name"]
    attachment = {"RoleName": role, "PolicyArn": _protection(account)}
    account.iam.detach_role_policy(**attachment)
    mending.callback(account.iam.attach_role_policy, **attachment)


def _protects(name: str, description: str, edit: Callable[[list[Document]], object]) -> None:
    def alter(account: Account, mending: ExitStack) -> None:
        statements = policy_statements(account, _protection(account))
        edit(statements)
        change_policy(account, mending, _protection(account), *statements)

    FAMILY.add(f"protection-{name}", description, alter, _STOPPED)


_protects(
    "lacks-an-act",
    "the protecting policy denies all but to stop the trail",
    lambda statements: statements[0]["Action"].remove("cloudtrail:StopLogging"),
)
_protects(
    "lacks-account-wide-acts",
    "the protecting policy has lost its second statement",
    lambda statements: statements.pop(),
)
_protects(
    "spares-another",
    "the protecting policy spares another role",
    lambda statements: statements[0]["Condition"]["ArnNotLike"]["aws:PrincipalArn"].append(
        "arn:aws:iam::123456789012:role/operator"
    ),
)
_protects(
    "spares-nobody",
    "the protecting policy denies the break-glass role as well",
    lambda statements: statements[0].pop("Condition"),
)
_protects(
    "on-a-condition",
    "the protecting policy denies without a second factor alone",
    lambda statements: statements[0]["Condition"].update(
        {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}
    ),
)
_protects(
    "of-another-trail",
    "the protecting policy is about another trail",
    lambda statements: statements[0].update(
        Resource=[f"{one}-2" if ":cloudtrail:" in one else one for one in statements[0]["Resource"]]
    ),
)


# --- break glass ----------------------------------------------------------------------------------


def _opens(
    name: str, description: str, principal: Callable[[str], str], condition: Statement
) -> None:
    def trust(account: Account, mending: ExitStack) -> None:
        admitted = {"AWS": principal(account.outputs["account_id"])}
        opened = {"Effect": "Allow", "Principal": admitted, "Action": "sts:AssumeRole"}
        document = {
            "Version": "2012-10-17",
            "Statement": [{**opened, **({"Condition": condition} if condition else {})}],
        }
        account.replace(mending, f"role:{_role_name(account, 'break-glass')}", document)

    FAMILY.add(f"break-glass-{name}", description, trust, *_BREAK_GLASS_TRUST)


_FACTOR = {
    "Bool": {"aws:MultiFactorAuthPresent": "true"},
    "NumericLessThan": {"aws:MultiFactorAuthAge": "900"},
    "StringEquals": {"sts:RoleSessionName": "${aws:username}"},
}
_opens(
    "of-another-user",
    "a user whom nobody named may assume the break-glass role",
    lambda account: f"arn:aws:iam::{account}:user/somebody-else",
    _FACTOR,
)
_opens(
    "without-second-factor",
    "the account's own policies say who assumes the break-glass role, without a second factor",
    lambda account: f"arn:aws:iam::{account}:root",
    {},
)
_opens(
    "of-a-stranger",
    "users of another account may assume the break-glass role",
    lambda _: f"arn:aws:iam::{STRANGER}:root",
    _FACTOR,
)


@FAMILY.fault("sessions of the break-glass role last twelve hours", _GUARDED, "roles-trust")
def break_glass_for_long(account: Account, mending: ExitStack) -> None:
    role = {"RoleName": _role_name(account, "break-glass")}
    mending.callback(account.iam.update_role, **role, MaxSessionDuration=3600)
    account.iam.update_role(**role, MaxSessionDuration=43200)


def _filter(account: Account) -> Document:
    name = f"metric-filter-break-glass-use-{account.outputs['environment']}"
    [found] = account.logs.describe_metric_filters(
        logGroupName=account.outputs["trail_log_group_name"], filterNamePrefix=name
    )["metricFilters"]
    return account.accepted(account.logs, "PutMetricFilter", found)


def _counts(name: str, description: str, pattern: Callable[[str], str]) -> None:
    def put(account: Account, mending: ExitStack) -> None:
        now = _filter(account)
        mending.callback(account.logs.put_metric_filter, **now)
        role = f"arn:aws:iam::123456789012:role/{_role_name(account, 'break-glass')}"
        account.logs.put_metric_filter(**{**now, "filterPattern": pattern(role)})

    FAMILY.add(f"break-glass-use-{name}", description, put, _RINGS)


_counts(
    "counted-when-it-begins",
    "what is done in the break-glass role is not counted",
    lambda role: f'{{ $.eventName = AssumeRole && $.requestParameters.roleArn = "{role}" }}',
)
_counts(
    "counted-when-it-goes-on",
    "that the break-glass role is assumed is not counted",
    lambda role: f'{{ $.userIdentity.sessionContext.sessionIssuer.arn = "{role}" }}',
)
_counts(
    "counted-if-it-succeeds",
    "a refused assumption of the break-glass role is not counted",
    lambda role: (
        f'{{ ($.eventName = AssumeRole && $.requestParameters.roleArn = "{role}" '
        "&& $.errorCode NOT EXISTS) "
        f'|| ($.userIdentity.sessionContext.sessionIssuer.arn = "{role}") }}'
    ),
)


_counts(
    "counted-by-its-parameters",
    "that somebody is refused the break-glass role is not counted: such a call has no parameters",
    lambda role: (
        f'{{ ($.eventName = AssumeRole && $.requestParameters.roleArn = "{role}") || '
        f'($.userIdentity.sessionContext.sessionIssuer.arn = "{role}") }}'
    ),
)


@FAMILY.fault("nothing counts the use of the break-glass role", _RINGS)
def break_glass_unheard(account: Account, mending: ExitStack) -> None:
    now = _filter(account)
    mending.callback(account.logs.put_metric_filter, **now)
    account.logs.delete_metric_filter(
        logGroupName=now["logGroupName"], filterName=now["filterName"]
    )


@FAMILY.fault("the alarm on the break-glass role's use rings at the tenth", _RINGS)
def break_glass_used_often(account: Account, mending: ExitStack) -> None:
    account.change_alarm(mending, "break-glass-use", Threshold=10)


# --- what IAM says, and what happens --------------------------------------------------------------


@FAMILY.fault(
    "the break-glass role cannot stop the trail any more", _SIMULATED, "roles-least-privilege"
)
def break_glass_powerless(account: Account, mending: ExitStack) -> None:
    arn = f"arn:aws:iam::123456789012:policy/policy-break-glass-{account.outputs['environment']}"
    statements = policy_statements(account, arn)
    statement({"Statement": statements}, "AlterTrail")["Action"].remove("cloudtrail:StopLogging")
    change_policy(account, mending, arn, *statements)


def _unprotected(account: Account, mending: ExitStack, given: Statement) -> None:
    """The investigation role has lost the protecting policy, and has a permission too many."""
    role = _role_name(account, "investigation")
    attachment = {"RoleName": role, "PolicyArn": _protection(account)}
    account.iam.detach_role_policy(**attachment)
    mending.callback(account.iam.attach_role_policy, **attachment)
    account.role_policy(mending, role, given)


@FAMILY.fault(
    "the investigation role may stop the trail",
    _SIMULATED,
    _STOPPED,
    "roles-least-privilege",
)
def investigator_stops(account: Account, mending: ExitStack) -> None:
    _unprotected(account, mending, _allow("cloudtrail:StopLogging"))


def _let_through(action: str, account: Account, mending: ExitStack) -> None:
    _unprotected(account, mending, _allow(action))


for _name, _action in (
    ("the-trail", "cloudtrail:UpdateTrail"),
    ("the-selectors", "cloudtrail:PutEventSelectors"),
    ("the-log-group", "logs:PutRetentionPolicy"),
    ("the-code", "lambda:UpdateFunctionCode"),
):
    # Live fire has a family of its own, whatever it is about.
    alerts.FAMILY.add(
        f"investigator-alters-{_name}",
        f"whoever investigates is let through with {_action}",
        partial(_let_through, _action),
        "investigation-role-refused",
        suite=Suite.LIVE_FIRE,
    )
