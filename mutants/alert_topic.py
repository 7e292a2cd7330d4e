"""Alert-topic faults: who may publish, who may listen, and how the alerts travel."""

from __future__ import annotations

import json
from contextlib import ExitStack
from functools import partial
from typing import Any

from mutants.account import STRANGER, Account, Document, statement, without
from mutants.model import Family
from mutants.policies import PolicyFaults, change
from mutants.topics import encrypt
from mutants.trail import make_key

FAMILY = Family("alert topic")


def _topic(account: Account) -> dict[str, str]:
    return {"TopicArn": account.outputs["alert_topic_arn"]}


# --- encryption -----------------------------------------------------------------------------------


@FAMILY.fault("the topic is not encrypted", "alert-topic-encrypted")
def no_key(account: Account, mending: ExitStack) -> None:
    encrypt(account.outputs["alert_topic_arn"], "", account, mending)


@FAMILY.fault("the topic is encrypted with AWS's key for SNS", "alert-topic-encrypted")
def managed_key(account: Account, mending: ExitStack) -> None:
    encrypt(account.outputs["alert_topic_arn"], "alias/aws/sns", account, mending)


@FAMILY.fault("the topic is encrypted with another key", "alert-topic-encrypted")
def another_key(account: Account, mending: ExitStack) -> None:
    key = make_key(account, mending)
    encrypt(account.outputs["alert_topic_arn"], key, account, mending)


# --- policy ---------------------------------------------------------------------------------------

_POLICY = PolicyFaults(FAMILY, partial(change, "topic:alert_topic_arn"), "alert-topic-policy")


def _allow(account: Account, document: Document, principal: Any, **more: Any) -> None:
    document["Statement"].append(
        {
            "Effect": "Allow",
            "Principal": principal,
            "Action": "sns:Publish",
            "Resource": account.outputs["alert_topic_arn"],
            **more,
        }
    )


@_POLICY.fault("anyone may publish")
def policy_for_anyone(account: Account, document: Document) -> None:
    _allow(account, document, "*")


@_POLICY.fault("anyone may subscribe and read along")
def policy_lets_anyone_subscribe(account: Account, document: Document) -> None:
    _allow(account, document, {"AWS": "*"}, Action=["sns:Subscribe", "sns:Receive"])


@_POLICY.fault("any account may publish, on a condition that everybody meets")
def policy_with_a_vain_condition(account: Account, document: Document) -> None:
    condition = {"StringLike": {"aws:SourceOwner": "*"}}
    _allow(account, document, {"AWS": "*"}, Condition=condition)


@_POLICY.fault("another account may publish")
def policy_for_a_stranger(account: Account, document: Document) -> None:
    _allow(account, document, {"AWS": STRANGER})


@_POLICY.fault("alarms of any account may publish: the conditions are gone")
def alarms_without_source(account: Account, document: Document) -> None:
    del statement(document, "CloudWatchAlarmsPublish")["Condition"]


@_POLICY.fault("alarms of another account may publish as well")
def alarms_of_a_stranger(account: Account, document: Document) -> None:
    condition = statement(document, "CloudWatchAlarmsPublish")["Condition"]
    ours = account.outputs["account_id"]
    condition["StringEquals"]["aws:SourceAccount"] = [ours, STRANGER]
    condition["ArnLike"]["aws:SourceArn"] = "arn:aws:cloudwatch:*:*:alarm:*"


@_POLICY.fault("one more service may publish")
def another_service(account: Account, document: Document) -> None:
    condition = {"StringEquals": {"aws:SourceAccount": account.outputs["account_id"]}}
    _allow(account, document, {"Service": "s3.amazonaws.com"}, Condition=condition)


@_POLICY.fault("alarms may no longer publish")
def alarms_left_out(account: Account, document: Document) -> None:
    without(document, "CloudWatchAlarmsPublish")


@_POLICY.fault("a Deny silences the alarms that the Allow admits")
def alarms_denied(account: Account, document: Document) -> None:
    document["Statement"].append(
        {
            "Effect": "Deny",
            "Principal": {"Service": "cloudwatch.amazonaws.com"},
            "Action": "sns:*",
            "Resource": account.outputs["alert_topic_arn"],
        }
    )


@_POLICY.fault("EventBridge may publish, for any rule of any account")
def published_by_any_rule(account: Account, document: Document) -> None:
    _allow(account, document, {"Service": "events.amazonaws.com"})


@_POLICY.fault("a role of the account may publish, without any policy of its own")
def policy_for_a_role(account: Account, document: Document) -> None:
    _allow(account, document, {"AWS": account.outputs["trail_logs_role_arn"]})


@_POLICY.fault("alarms may do everything with the topic")
def alarms_do_everything(account: Account, document: Document) -> None:
    statement(document, "CloudWatchAlarmsPublish")["Action"] = ["sns:Publish", "sns:Subscribe"]


@_POLICY.fault("a Deny silences the function, whose role may publish")
def function_denied(account: Account, document: Document) -> None:
    principal = {"AWS": account.outputs["function_role_arn"]}
    _allow(account, document, principal, Effect="Deny")


@_POLICY.fault("alerts may be published in the clear")
def plain_http(account: Account, document: Document) -> None:
    without(document, "DenyInsecureTransport")


# --- what becomes of an alert ---------------------------------------------------------------------


def _protect(operation: Document, account: Account, mending: ExitStack) -> None:
    resource = {"ResourceArn": account.outputs["alert_topic_arn"]}
    policy = {
        "Name": "protection",
        "Version": "2021-06-01",
        "Statement": [
            {
                "DataDirection": "Inbound",
                "Principal": ["*"],
                "DataIdentifier": ["arn:aws:dataprotection::aws:data-identifier/IpAddress"],
                "Operation": operation,
            }
        ],
    }
    put = account.sns.put_data_protection_policy
    mending.callback(put, **resource, DataProtectionPolicy="")
    put(**resource, DataProtectionPolicy=json.dumps(policy))


for _name, _description, _operation in (
    ("alerts-dropped", "an alert that holds an address is dropped", {"Deny": {}}),
    (
        "alerts-masked",
        "the addresses in alerts are masked",
        {"Deidentify": {"MaskConfig": {"MaskWithCharacter": "#"}}},
    ),
):
    FAMILY.add(_name, _description, partial(_protect, _operation), "alert-topic-passes-alerts-on")


def _set(attribute: str, value: str, mended: str, account: Account, mending: ExitStack) -> None:
    def put(text: str) -> None:
        account.sns.set_topic_attributes(
            **_topic(account), AttributeName=attribute, AttributeValue=text
        )

    mending.callback(put, mended)
    put(value)


for _name, _description, _policy in (
    (
        "tried-once",
        "SNS gives up at the first try",
        {"defaultHealthyRetryPolicy": {"numRetries": 0}},
    ),
    ("throttled", "SNS holds alerts back", {"defaultThrottlePolicy": {"maxReceivesPerSecond": 1}}),
):
    FAMILY.add(
        _name,
        _description,
        partial(_set, "DeliveryPolicy", json.dumps({"http": _policy}), ""),
        "alert-topic-passes-alerts-on",
    )

FAMILY.add(
    "signed-with-sha-1",
    "SNS signs alerts with SHA-1",
    partial(_set, "SignatureVersion", "1", "2"),
    "alert-topic-passes-alerts-on",
)


# --- subscriptions --------------------------------------------------------------------------------


def _subscribe(protocol: str, endpoint: str, account: Account, mending: ExitStack) -> None:
    made = account.sns.subscribe(
        **_topic(account), Protocol=protocol, Endpoint=endpoint, ReturnSubscriptionArn=True
    )
    subscription = {"SubscriptionArn": made["SubscriptionArn"]}
    state = account.sns.get_subscription_attributes(**subscription)["Attributes"]
    if state["PendingConfirmation"] == "true":
        mending.callback(account.control, "expire-unconfirmed-subscriptions")
    else:
        mending.callback(account.sns.unsubscribe, **subscription)


for _protocol, _endpoint in (
    # Nothing listens there: the sandbox sends the confirmation to the machine itself, if anywhere.
    ("http", "http://127.0.0.1:9/alerts"),
    ("email", "somebody@example.com"),
    ("sms", "+15555550100"),
):
    FAMILY.add(
        f"subscription-by-{_protocol}",
        f"somebody subscribes by {_protocol}",
        partial(_subscribe, _protocol, _endpoint),
        "alert-topic-subscriptions",
    )


@FAMILY.fault("an e-mail address that nobody asked for is subscribed", "alert-topic-subscriptions")
def mail_that_nobody_asked_for(account: Account, mending: ExitStack) -> None:
    address = "stranger@example.com"
    made = account.sns.subscribe(
        **_topic(account), Protocol="email", Endpoint=address, ReturnSubscriptionArn=True
    )
    mending.callback(account.sns.unsubscribe, SubscriptionArn=made["SubscriptionArn"])
    account.control("confirm-subscription", endpoint=address)


@FAMILY.fault("an HTTPS subscription that nobody confirmed", "alert-topic-subscriptions")
def subscription_unconfirmed(account: Account, mending: ExitStack) -> None:
    _subscribe("https", "https://127.0.0.1:9/alerts", account, mending)


@FAMILY.fault("a queue of another account is subscribed", "alert-topic-subscriptions")
def subscription_of_a_stranger(account: Account, mending: ExitStack) -> None:
    queue = f"arn:aws:sqs:{account.outputs['region']}:{STRANGER}:listening"
    _subscribe("sqs", queue, account, mending)


@FAMILY.fault("a subscriber is sent nothing that is severe", "alert-topic-subscriptions")
def subscription_filtered(account: Account, mending: ExitStack) -> None:
    answer = account.sqs.get_queue_attributes(
        QueueUrl=account.outputs["delivery_queue_url"], AttributeNames=["QueueArn"]
    )
    made = account.sns.subscribe(
        **_topic(account),
        Protocol="sqs",
        Endpoint=answer["Attributes"]["QueueArn"],
        Attributes={"FilterPolicy": json.dumps({"severity": ["LOW"]})},
        ReturnSubscriptionArn=True,
    )
    mending.callback(account.sns.unsubscribe, SubscriptionArn=made["SubscriptionArn"])
