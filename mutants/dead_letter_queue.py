"""Dead-letter-queue faults: letters that are lost, hidden, moved away, or read by others."""

from __future__ import annotations

import json
from contextlib import ExitStack
from functools import partial
from typing import Any

from mutants.account import STRANGER, Account, Document, without
from mutants.model import Family
from mutants.policies import PolicyFaults, change

FAMILY = Family("dead-letter queue")


def _change(
    change_to: dict[str, str], mended: dict[str, str], account: Account, mending: ExitStack
) -> None:
    def put(attributes: dict[str, str]) -> None:
        account.sqs.set_queue_attributes(
            QueueUrl=account.outputs["dead_letter_queue_url"], Attributes=attributes
        )

    mending.callback(put, mended)
    put(change_to)


for _name, _description, _attribute, _value, _mended in (
    ("kept-a-minute", "letters are gone after a minute", "MessageRetentionPeriod", 60, 1209600),
    ("small-letters-alone", "letters above 1 KiB are refused", "MaximumMessageSize", 1024, 262144),
    ("late", "letters come 15 minutes late", "DelaySeconds", 900, 0),
    ("hidden", "a look hides a letter for 12 hours", "VisibilityTimeout", 43200, 30),
):
    FAMILY.add(
        _name,
        _description,
        partial(_change, {_attribute: str(_value)}, {_attribute: str(_mended)}),
        "function-dead-letter-queue",
        "declared-matches-live",
    )


@FAMILY.fault("a letter that was looked at is moved to another queue", "function-dead-letter-queue")
def moved_on(account: Account, mending: ExitStack) -> None:
    queues = account.outputs["dead_letter_queue_arn"].rpartition(":")[0]
    name = account.outputs["delivery_queue_url"].rpartition("/")[2]
    redrive = {"deadLetterTargetArn": f"{queues}:{name}", "maxReceiveCount": 1}
    _change({"RedrivePolicy": json.dumps(redrive)}, {"RedrivePolicy": ""}, account, mending)


@FAMILY.fault(
    "any queue may make it its own dead-letter queue, and so have its letters moved",
    "function-dead-letter-queue",
)
def taken_for_its_own(account: Account, mending: ExitStack) -> None:
    deployed = {"RedriveAllowPolicy": '{"redrivePermission":"denyAll"}'}
    _change({"RedriveAllowPolicy": ""}, deployed, account, mending)


@FAMILY.fault("letters are encrypted with SQS's own key", "function-dead-letter-queue")
def key_of_sqs(account: Account, mending: ExitStack) -> None:
    deployed = {"KmsMasterKeyId": account.outputs["kms_key_arn"]}
    _change({"SqsManagedSseEnabled": "true"}, deployed, account, mending)


# --- policy ---------------------------------------------------------------------------------------

_POLICY = PolicyFaults(
    FAMILY, partial(change, "queue:dead_letter_queue_url"), "dead-letter-queue-policy"
)


def _state(
    account: Account, document: Document, principal: Any, *actions: str, **more: Any
) -> None:
    document["Statement"].append(
        {
            "Effect": "Allow",
            "Principal": principal,
            "Action": list(actions),
            "Resource": account.outputs["dead_letter_queue_arn"],
            **more,
        }
    )


@_POLICY.fault("anyone may read the letters")
def policy_for_anyone(account: Account, document: Document) -> None:
    _state(account, document, "*", "sqs:ReceiveMessage")


@_POLICY.fault("another account may purge the queue")
def policy_for_a_stranger(account: Account, document: Document) -> None:
    _state(account, document, {"AWS": STRANGER}, "sqs:PurgeQueue")


@_POLICY.fault("a role of the account may remove letters, without any policy of its own")
def policy_for_a_role(account: Account, document: Document) -> None:
    role = {"AWS": account.outputs["trail_logs_role_arn"]}
    _state(account, document, role, "sqs:ReceiveMessage", "sqs:DeleteMessage")


@_POLICY.fault("a Deny keeps the function, whose role may send, out")
def function_denied(account: Account, document: Document) -> None:
    _state(account, document, "*", "sqs:SendMessage", Effect="Deny")


@_POLICY.fault("letters may be read in the clear")
def plain_http(account: Account, document: Document) -> None:
    without(document, "DenyInsecureTransport")
