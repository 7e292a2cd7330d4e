"""Function faults: others that may invoke it, and the one that may not."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial

from mutants.account import STRANGER, Account
from mutants.function import named
from mutants.function_code import alias
from mutants.model import Family

FAMILY = Family("function callers")
_STATEMENT = "by-hand"


def _permit(settings: Mapping[str, str], account: Account, mending: ExitStack) -> None:
    filled = {key: value.format(**account.outputs) for key, value in settings.items()}
    account.functions.add_permission(
        **named(account), StatementId=_STATEMENT, Action="lambda:InvokeFunction", **filled
    )
    mending.callback(account.functions.remove_permission, **named(account), StatementId=_STATEMENT)


for _caller, _settings in (
    ("anyone", {"Principal": "*"}),
    ("a-stranger", {"Principal": STRANGER}),
    ("another-service", {"Principal": "s3.amazonaws.com", "SourceAccount": "{account_id}"}),
    ("any-log-group", {"Principal": "logs.amazonaws.com"}),
    ("whoever-of-the-account-may-nothing-else", {"Principal": "{account_id}"}),
    (
        "a-rule-of-eventbridge",
        {
            "Principal": "events.amazonaws.com",
            "SourceArn": "arn:{partition}:events:{region}:{account_id}:rule/by-hand",
            "SourceAccount": "{account_id}",
        },
    ),
    ("log-groups-of-a-stranger", {"Principal": "logs.amazonaws.com", "SourceAccount": STRANGER}),
    (
        "another-log-group",
        {
            "Principal": "logs.amazonaws.com",
            "SourceArn": "{trail_log_group_arn}-old:*",
            "SourceAccount": "{account_id}",
        },
    ),
):
    FAMILY.add(
        f"invoked-by-{_caller}",
        f"{_caller.replace('-', ' ')} may invoke the function",
        partial(_permit, _settings),
        "function-not-public",
    )


@FAMILY.fault("the trail's log group may change the function's code", "function-not-public")
def changed_by_its_invoker(account: Account, mending: ExitStack) -> None:
    values = account.outputs
    account.functions.add_permission(
        **named(account),
        StatementId=_STATEMENT,
        Action="lambda:UpdateFunctionCode",
        Principal="logs.amazonaws.com",
        SourceArn=f"{values['trail_log_group_arn']}:*",
        SourceAccount=values["account_id"],
    )
    mending.callback(account.functions.remove_permission, **named(account), StatementId=_STATEMENT)


@FAMILY.fault(
    "anyone may invoke an alias of the function", "function-not-public", "function-code-reviewed"
)
def alias_invoked_by_anyone(account: Account, mending: ExitStack) -> None:
    which = {**named(account), "Qualifier": alias(account, mending, FunctionVersion="$LATEST")}
    account.functions.add_permission(
        **which, StatementId=_STATEMENT, Action="lambda:InvokeFunction", Principal="*"
    )
    mending.callback(account.functions.remove_permission, **which, StatementId=_STATEMENT)


@FAMILY.fault("the function is fed from a queue", "function-not-public")
def fed_from_a_queue(account: Account, mending: ExitStack) -> None:
    made = account.functions.create_event_source_mapping(
        **named(account), EventSourceArn=account.outputs["dead_letter_queue_arn"], Enabled=False
    )
    mending.callback(account.functions.delete_event_source_mapping, UUID=made["UUID"])


# The verifier may read the tags of rules of the deployment's names alone.
@FAMILY.fault(
    "a rule of EventBridge invokes the function",
    "function-not-public",
    errors=frozenset({"resources-tagged"}),
)
def invoked_by_a_rule(account: Account, mending: ExitStack) -> None:
    events = account.client("events")
    events.put_rule(Name="by-hand", ScheduleExpression="rate(7 days)", State="DISABLED")
    mending.callback(events.delete_rule, Name="by-hand")
    mending.callback(events.remove_targets, Rule="by-hand", Ids=["function"])
    target = {"Id": "function", "Arn": account.outputs["function_arn"]}
    events.put_targets(Rule="by-hand", Targets=[target])


def forbid(account: Account, mending: ExitStack) -> None:
    """Take the permission to invoke the function from CloudWatch Logs until mended."""
    values = account.outputs
    mending.callback(
        account.functions.add_permission,
        **named(account),
        StatementId="AllowTrailLogGroup",
        Action="lambda:InvokeFunction",
        Principal="logs.amazonaws.com",
        SourceArn=f"{values['trail_log_group_arn']}:*",
        SourceAccount=values["account_id"],
    )
    account.functions.remove_permission(**named(account), StatementId="AllowTrailLogGroup")


@FAMILY.fault(
    "nobody may invoke the function, the trail's log group neither", "function-not-public"
)
def invoked_by_nobody(account: Account, mending: ExitStack) -> None:
    forbid(account, mending)


def _url(kind: str, account: Account, mending: ExitStack) -> None:
    account.functions.create_function_url_config(**named(account), AuthType=kind)
    mending.callback(account.functions.delete_function_url_config, **named(account))


for _kind in ("NONE", "AWS_IAM"):
    FAMILY.add(
        f"url-with-auth-{_kind.lower().replace('_', '-')}",
        f"the function has a URL with authorization {_kind}",
        partial(_url, _kind),
        "function-not-public",
    )
