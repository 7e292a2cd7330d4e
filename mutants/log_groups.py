"""Log-group faults: events kept too short, in the open, or kept from the function."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from typing import Any

from mutants.account import Account
from mutants.model import Family
from mutants.trail import make_key

FAMILY = Family("log groups")
_GROUPS = ("trail_log_group_name", "function_log_group_name")


def _retain(account: Account, group: str, days: int | None) -> None:
    name = {"logGroupName": account.outputs[group]}
    if days is None:
        account.logs.delete_retention_policy(**name)
    else:
        account.logs.put_retention_policy(**name, retentionInDays=days)


def _keep(group: str, days: int | None, account: Account, mending: ExitStack) -> None:
    mending.callback(_retain, account, group, 7)
    _retain(account, group, days)


for _group, _days in ((_GROUPS[0], 1), (_GROUPS[1], 3), (_GROUPS[0], None)):
    FAMILY.add(
        f"{_group.removesuffix('_name').replace('_', '-')}-keeps-{_days or 'for-ever'}",
        f"the retention period of the {_group} is {_days or 'removed'}",
        partial(_keep, _group, _days),
        "log-groups-retention",
    )


def _encrypt(group: str, another: bool, account: Account, mending: ExitStack) -> None:
    name = {"logGroupName": account.outputs[group]}
    mending.callback(
        account.logs.associate_kms_key, **name, kmsKeyId=account.outputs["kms_key_arn"]
    )
    if another:
        account.logs.associate_kms_key(**name, kmsKeyId=make_key(account, mending))
    else:
        account.logs.disassociate_kms_key(**name)


for _group in _GROUPS:
    FAMILY.add(
        f"{_group.removesuffix('_name').replace('_', '-')}-without-key",
        f"the {_group} is encrypted with AWS's own key",
        partial(_encrypt, _group, False),
        "log-groups-encrypted",
    )
FAMILY.add(
    "trail-log-group-with-another-key",
    "the trail's log group is encrypted with another key",
    partial(_encrypt, _GROUPS[0], True),
    "log-groups-encrypted",
)


# --- the subscription -----------------------------------------------------------------------------


def _subscribe(account: Account, mending: ExitStack, **changes: Any) -> None:
    original = account.subscription_filter
    mending.callback(account.logs.put_subscription_filter, **original)
    account.logs.put_subscription_filter(**{**original, **changes})


@FAMILY.fault("the subscription's pattern is empty", "trail-log-group-feeds-function")
def pattern_emptied(account: Account, mending: ExitStack) -> None:
    _subscribe(account, mending, filterPattern="")


@FAMILY.fault(
    "the subscription lets console sign-ins through alone", "trail-log-group-feeds-function"
)
def pattern_narrowed(account: Account, mending: ExitStack) -> None:
    _subscribe(account, mending, filterPattern="{ $.eventName = ConsoleLogin }")


@FAMILY.fault("one kind of event is cut out of the subscription", "trail-log-group-feeds-function")
def pattern_with_a_hole(account: Account, mending: ExitStack) -> None:
    _leave_out(account, mending, "AuthorizeSecurityGroupIngress")


@FAMILY.fault(
    "the subscription leaves out changes of a function's code, by the name in the records",
    "trail-log-group-feeds-function",
)
def pattern_without_function_code(account: Account, mending: ExitStack) -> None:
    _leave_out(account, mending, "UpdateFunctionCode20150331v2")


def _leave_out(account: Account, mending: ExitStack, event: str) -> None:
    whole = account.subscription_filter["filterPattern"].strip().removeprefix("{").removesuffix("}")
    _subscribe(account, mending, filterPattern=f'{{ ({whole}) && $.eventName != "{event}" }}')


@FAMILY.fault("the subscription lets the root user through alone", "trail-log-group-feeds-function")
def pattern_for_root_alone(account: Account, mending: ExitStack) -> None:
    _subscribe(account, mending, filterPattern='{ $.userIdentity.type = "Root" }')


@FAMILY.fault(
    "the subscription keeps out records that lack readOnly", "trail-log-group-feeds-function"
)
def pattern_for_newer_records_alone(account: Account, mending: ExitStack) -> None:
    pattern = account.subscription_filter["filterPattern"]
    narrowed = pattern.replace(" || $.readOnly NOT EXISTS", "")
    _subscribe(account, mending, filterPattern=narrowed)


def unsubscribe(account: Account, mending: ExitStack) -> None:
    """Delete the subscription filter until mended."""
    original = account.subscription_filter
    mending.callback(account.logs.put_subscription_filter, **original)
    account.logs.delete_subscription_filter(
        logGroupName=original["logGroupName"], filterName=original["filterName"]
    )


@FAMILY.fault(
    "the subscription is deleted",
    "trail-log-group-feeds-function",
    errors=frozenset({"alarm-function-trouble"}),  # nothing is sent that could be counted
)
def subscription_deleted(account: Account, mending: ExitStack) -> None:
    unsubscribe(account, mending)


@FAMILY.fault("the subscription feeds another function", "trail-log-group-feeds-function")
def subscription_elsewhere(account: Account, mending: ExitStack) -> None:
    made = account.functions.create_function(
        FunctionName="somewhere-else",
        Runtime="python3.12",
        Role=account.outputs["function_role_arn"],
        Handler="compliance_checker.handler.handler",
        Code={"ZipFile": account.function_package.read_bytes()},
    )["FunctionArn"]
    mending.callback(account.functions.delete_function, FunctionName=made)
    account.functions.get_waiter("function_active_v2").wait(
        FunctionName=made, WaiterConfig={"Delay": 0.1, "MaxAttempts": 100}
    )
    account.functions.add_permission(
        FunctionName=made,
        StatementId="logs",
        Action="lambda:InvokeFunction",
        Principal="logs.amazonaws.com",
    )
    _subscribe(account, mending, destinationArn=made)
