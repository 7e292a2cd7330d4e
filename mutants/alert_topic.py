"""Alert-topic faults: who may publish, who may listen, and how the alerts travel."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from typing import Any

from mutants.account import STRANGER, Account, Document, statement, without
from mutants.model import Family
from mutants.policies import PolicyFaults, change
from mutants.trail import make_key

FAMILY = Family("alert topic")


def _topic(account: Account) -> dict[str, str]:
    return {"TopicArn": account.outputs["alert_topic_arn"]}


# --- encryption -----------------------------------------------------------------------------------


def _encrypt(account: Account, mending: ExitStack, key: str) -> None:
    def put(value: str) -> None:
        account.sns.set_topic_attributes(
            **_topic(account), AttributeName="KmsMasterKeyId", AttributeValue=value
        )

    mending.callback(put, account.outputs["kms_key_arn"])
    put(key)


@FAMILY.fault("the topic is not encrypted", "alert-topic-encrypted")
def no_key(account: Account, mending: ExitStack) -> None:
    _encrypt(account, mending, "")


@FAMILY.fault("the topic is encrypted with AWS's key for SNS", "alert-topic-encrypted")
def managed_key(account: Account, mending: ExitStack) -> None:
    _encrypt(account, mending, "alias/aws/sns")


@FAMILY.fault("the topic is encrypted with another key", "alert-topic-encrypted")
def another_key(account: Account, mending: ExitStack) -> None:
    _encrypt(account, mending, make_key(account, mending))


# --- policy ---------------------------------------------------------------------------------------

_POLICY = PolicyFaults(FAMILY, partial(change, "alert-topic"), "alert-topic-policy")


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


@_POLICY.fault("EventBridge is held to a condition that it cannot meet, and falls silent")
def events_on_a_condition(account: Account, document: Document) -> None:
    condition = {"StringEquals": {"aws:SourceAccount": account.outputs["account_id"]}}
    statement(document, "EventBridgePublishes")["Condition"] = condition


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


@FAMILY.fault("an HTTPS subscription that nobody confirmed", "alert-topic-subscriptions")
def subscription_unconfirmed(account: Account, mending: ExitStack) -> None:
    _subscribe("https", "https://127.0.0.1:9/alerts", account, mending)
