"""Log-group faults: events badly kept, in the open, changed, given away, or not judged."""

from __future__ import annotations

import json
from contextlib import ExitStack
from functools import partial
from typing import Any

from mutants.account import STRANGER, Account, Document
from mutants.model import Family
from mutants.trail import make_key

FAMILY = Family("log groups")
_GROUPS = ("trail_log_group_name", "function_log_group_name")


def _retain(account: Account, group: str, days: int | None) -> None:
    if days is None:
        account.logs.delete_retention_policy(logGroupName=group)
    else:
        account.logs.put_retention_policy(logGroupName=group, retentionInDays=days)


def keep(output: str, days: int | None, account: Account, mending: ExitStack) -> None:
    """Keep the events of the log group of that output so many days, None for ever."""
    group = account.outputs[output]
    listed = account.logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    [kept] = [found.get("retentionInDays") for found in listed if found["logGroupName"] == group]
    mending.callback(_retain, account, group, kept)
    _retain(account, group, days)


for _group, _days in ((_GROUPS[0], 1), (_GROUPS[1], 3), (_GROUPS[0], None)):
    FAMILY.add(
        f"{_group.removesuffix('_name').replace('_', '-')}-keeps-{_days or 'for-ever'}",
        f"the retention period of the {_group} is {_days or 'removed'}",
        partial(keep, _group, _days),
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


@FAMILY.fault(
    "the subscription sends the function each of its own invocations",
    "trail-log-group-feeds-function",
)
def pattern_that_goes_round(account: Account, mending: ExitStack) -> None:
    pattern = account.subscription_filter["filterPattern"]
    widened = pattern.replace("($.managementEvent IS TRUE || $.managementEvent NOT EXISTS) && ", "")
    if widened == pattern:
        raise ValueError("the pattern does not ask for management events")
    _subscribe(account, mending, filterPattern=widened)


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


@FAMILY.fault(
    "the subscription looks at events as a transformer would make them",
    "trail-log-group-feeds-function",
)
def subscription_on_transformed(account: Account, mending: ExitStack) -> None:
    _subscribe(account, mending, applyOnTransformedLogs=True)


@FAMILY.fault(
    "the subscription looks at another account's events alone", "trail-log-group-feeds-function"
)
def subscription_of_another_account(account: Account, mending: ExitStack) -> None:
    _subscribe(account, mending, fieldSelectionCriteria=f'@aws.account = "{STRANGER}"')


@FAMILY.fault("the subscription adds fields of its own", "trail-log-group-feeds-function")
def subscription_with_system_fields(account: Account, mending: ExitStack) -> None:
    _subscribe(account, mending, emitSystemFields=["@source.log"])


# --- whom else the events are sent to -------------------------------------------------------------

_SENT = "log-groups-sent-to-nobody-else"


def _second_subscription(
    group: str, destination: str, account: Account, mending: ExitStack
) -> None:
    which = {"logGroupName": account.outputs[group], "filterName": "second"}
    account.logs.put_subscription_filter(
        **which,
        filterPattern="",
        destinationArn=destination.format(region=account.outputs["region"], stranger=STRANGER),
        roleArn=account.outputs["function_role_arn"],
    )
    mending.callback(account.logs.delete_subscription_filter, **which)


for _group in _GROUPS:
    FAMILY.add(
        f"{_group.removesuffix('_name').replace('_', '-')}-sent-to-another-account",
        f"a second subscription sends the {_group} to another account",
        partial(
            _second_subscription, _group, "arn:aws:logs:{region}:{stranger}:destination:theirs"
        ),
        _SENT,
    )


def _account_policy(
    kind: str, document: object, criteria: str, account: Account, mending: ExitStack
) -> None:
    policy = {"policyName": "by-hand", "policyType": kind}
    more = {"selectionCriteria": criteria} if criteria else {}
    account.logs.put_account_policy(**policy, policyDocument=json.dumps(document), **more)
    mending.callback(account.logs.delete_account_policy, **policy)


FAMILY.add(
    "account-sends-every-log-group-away",
    "a policy of the account sends every log group to another account",
    partial(
        _account_policy,
        "SUBSCRIPTION_FILTER_POLICY",
        {"DestinationArn": f"arn:aws:logs:eu-west-1:{STRANGER}:destination:theirs"},
        'LogGroupName NOT IN ["another"]',
    ),
    _SENT,
)


@FAMILY.fault("a query sends the trail's events to another account's bucket each hour", _SENT)
def query_sent_away(account: Account, mending: ExitStack) -> None:
    made = account.logs.create_scheduled_query(
        name="hourly",
        queryLanguage="CWLI",
        queryString="fields @message",
        logGroupIdentifiers=[account.outputs["trail_log_group_arn"]],
        scheduleExpression="cron(0 * * * ? *)",
        executionRoleArn=account.outputs["function_role_arn"],
        destinationConfiguration={
            "s3Configuration": {
                "destinationIdentifier": "s3://theirs/events",
                "roleArn": account.outputs["function_role_arn"],
                "ownerAccountId": STRANGER,
            }
        },
    )
    mending.callback(account.logs.delete_scheduled_query, identifier=made["scheduledQueryArn"])


# --- what changes the events ----------------------------------------------------------------------

_UNALTERED = "log-groups-unaltered"
_MASKED = ["arn:aws:dataprotection::aws:data-identifier/IpAddress"]
_MASKS = {
    "Name": "masks",
    "Version": "2021-06-01",
    "Statement": [
        {"DataIdentifier": _MASKED, "Operation": {"Audit": {"FindingsDestination": {}}}},
        {"DataIdentifier": _MASKED, "Operation": {"Deidentify": {"MaskConfig": {}}}},
    ],
}
_TRANSFORMER = [{"parseJSON": {}}, {"deleteKeys": {"withKeys": ["userIdentity"]}}]


def _mask(group: str, account: Account, mending: ExitStack) -> None:
    which = {"logGroupIdentifier": account.outputs[group]}
    account.logs.put_data_protection_policy(**which, policyDocument=json.dumps(_MASKS))
    mending.callback(account.logs.delete_data_protection_policy, **which)


def _transform(group: str, account: Account, mending: ExitStack) -> None:
    which = {"logGroupIdentifier": account.outputs[group]}
    account.logs.put_transformer(**which, transformerConfig=_TRANSFORMER)
    mending.callback(account.logs.delete_transformer, **which)


for _group in _GROUPS:
    _name = _group.removesuffix("_name").replace("_", "-")
    FAMILY.add(
        f"{_name}-masked",
        f"a data protection policy masks addresses in the {_group}",
        partial(_mask, _group),
        _UNALTERED,
    )
    FAMILY.add(
        f"{_name}-transformed",
        f"a transformer takes the caller out of the {_group}",
        partial(_transform, _group),
        _UNALTERED,
    )
for _kind, _document, _criteria, _what in (
    ("DATA_PROTECTION_POLICY", _MASKS, "", "masks addresses"),
    (
        "TRANSFORMER_POLICY",
        _TRANSFORMER,
        'LogGroupNamePrefix = "/aws/cloudtrail/"',
        "takes the caller out of events",
    ),
    ("METRIC_EXTRACTION_POLICY", {}, "", "lets nothing be measured"),
):
    FAMILY.add(
        f"account-{_kind.lower().replace('_', '-')}",
        f"a policy of the account {_what} in every log group",
        partial(_account_policy, _kind, _document, _criteria),
        _UNALTERED,
    )
FAMILY.add(
    "account-retention-policy",
    "a policy of the account keeps every log group's events for 30 days",
    partial(
        _account_policy,
        "RETENTION_POLICY",
        {"retentionInDays": 30, "enforcementMode": "RETROACTIVE"},
        "",
    ),
    "log-groups-retention",
    "session-logs-kept",
    "findings-kept",
)


# --- who else writes ------------------------------------------------------------------------------

_WRITERS = "log-groups-admit-no-writer"


def _resource_policy(principal: object, own: bool, account: Account, mending: ExitStack) -> None:
    arn = account.outputs["trail_log_group_arn"]
    statement = {
        "Effect": "Allow",
        "Principal": principal,
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": f"{arn}:*" if own else f"{arn.rpartition(':log-group:')[0]}:*",
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    which = {"resourceArn": arn} if own else {"policyName": "by-hand"}
    account.logs.put_resource_policy(**which, policyDocument=document)
    mending.callback(account.logs.delete_resource_policy, **which)


for _name, _principal, _own in (
    ("delivery-service-writes-everywhere", {"Service": "delivery.logs.amazonaws.com"}, False),
    ("anyone-writes-everywhere", "*", False),
    ("service-writes-into-trail-log-group", {"Service": "route53.amazonaws.com"}, True),
):
    FAMILY.add(
        _name,
        f"a resource policy lets {_principal} write into "
        + ("the trail's log group" if _own else "every log group"),
        partial(_resource_policy, _principal, _own),
        _WRITERS,
    )


@FAMILY.fault("whoever has a token may write into the trail's log group", _WRITERS)
def bearer_tokens(account: Account, mending: ExitStack) -> None:
    which = {"logGroupIdentifier": account.outputs["trail_log_group_name"]}
    change = account.logs.put_bearer_token_authentication
    mending.callback(change, **which, bearerTokenAuthenticationEnabled=False)
    change(**which, bearerTokenAuthenticationEnabled=True)


@FAMILY.fault("a VPC endpoint feeds the trail's log group by syslog", _WRITERS)
def syslog_endpoint(account: Account, mending: ExitStack) -> None:
    which = {
        "logGroupIdentifier": account.outputs["trail_log_group_name"],
        "vpcEndpointId": "vpce-0123456789abcdef0",
    }
    account.logs.put_syslog_configuration(**which)
    mending.callback(account.logs.delete_syslog_configuration, **which)


@FAMILY.fault("another service's logs are delivered into the trail's log group", _WRITERS)
def delivery_into_the_group(account: Account, mending: ExitStack) -> None:
    account.logs.put_delivery_destination(
        name="others",
        deliveryDestinationConfiguration={
            "destinationResourceArn": account.outputs["trail_log_group_arn"]
        },
    )
    mending.callback(account.logs.delete_delivery_destination, name="others")


# --- the metric filters: what they count ----------------------------------------------------------


def _miscount(changes: Document, of_metric: Document, account: Account, mending: ExitStack) -> None:
    [found] = account.logs.describe_metric_filters(
        logGroupName=account.outputs["trail_log_group_name"],
        filterNamePrefix="metric-filter-root-account-use",
    )["metricFilters"]
    original = account.accepted(account.logs, "PutMetricFilter", found)
    mending.callback(account.logs.put_metric_filter, **original)
    [metric] = original["metricTransformations"]
    changed = {name: value for name, value in {**metric, **of_metric}.items() if value is not None}
    account.logs.put_metric_filter(**{**original, **changes, "metricTransformations": [changed]})


for _name, _changes, _of_metric in (
    ("takes-one-off-for-each-other-event", {}, {"defaultValue": -1.0}),
    (
        "counts-apart-by-account",
        {"emitSystemFieldDimensions": ["@aws.account"]},
        {"defaultValue": None},  # AWS takes none beside dimensions
    ),
    (
        "counts-another-accounts-events",
        {"fieldSelectionCriteria": f'@aws.account = "{STRANGER}"'},
        {},
    ),
    ("counts-transformed-events", {"applyOnTransformedLogs": True}, {}),
):
    FAMILY.add(
        f"metric-filter-{_name}",
        f"the metric filter on the root user {_name.replace('-', ' ')}",
        partial(_miscount, _changes, _of_metric),
        "security-metric-alarms",
    )
