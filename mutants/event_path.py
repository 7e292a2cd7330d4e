"""Quick-path faults: EventBridge keeps back, alters or misdirects what the function must see."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any

from mutants.account import STRANGER, Account
from mutants.model import Family

FAMILY = Family("event path")

Rule = dict[str, Any]


def _region(account: Account, *, forwarded: bool) -> str | None:
    return str(account.outputs["event_forwarding_region"]) if forwarded else None


def rule_name(account: Account, key: str) -> str:
    """The name of one of the deployment's rules."""
    return f"rule-{key}-{account.outputs['environment']}"


def alter_rule(
    change: Callable[[Rule], None], key: str, account: Account, mending: ExitStack, **where: bool
) -> None:
    """Put a rule's pattern and state anew, changed, until mended."""
    events = account.client("events", _region(account, forwarded=where.get("forwarded", False)))
    found = events.describe_rule(Name=rule_name(account, key))
    kept = {name: found[name] for name in ("Name", "EventPattern", "State", "Description")}
    changed = dict(kept)
    change(changed)
    mending.callback(events.put_rule, **kept)
    events.put_rule(**changed)


def _narrow(changed: Rule) -> None:
    pattern = json.loads(changed["EventPattern"])
    pattern["detail"]["userIdentity"] = {"type": [{"anything-but": "IAMUser"}]}
    changed["EventPattern"] = json.dumps(pattern)


def _without(name: str, changed: Rule) -> None:
    pattern = json.loads(changed["EventPattern"])
    for alternative in pattern["detail"]["$or"]:
        left = [each for each in alternative["eventName"] if each != name]
        alternative["eventName"] = left or ["NoEventOfThatName"]
    changed["EventPattern"] = json.dumps(pattern)


def _failed_alone(changed: Rule) -> None:
    pattern = json.loads(changed["EventPattern"])
    pattern["detail"]["errorCode"] = [{"exists": True}]
    changed["EventPattern"] = json.dumps(pattern)


for _name, _what, _key, _change in (
    ("disabled", "a rule is disabled", "changes-1", lambda rule: rule.update(State="DISABLED")),
    ("narrowed", "a rule passes over what users do", "changes-2", _narrow),
    ("one-event", "a rule lets StopLogging through no longer", "changes-1",
     partial(_without, "StopLogging")),
    ("failed-calls", "a rule lets through failed calls alone", "changes-1", _failed_alone),
    ("root-reads", "what the root user reads is kept back", "root-user",
     lambda rule: rule.update(State="ENABLED")),
):  # fmt: skip
    for _forwarded in (False, True):
        FAMILY.add(
            f"{_name}-{'forwarded' if _forwarded else 'home'}",
            f"{_what}, {'where events are forwarded' if _forwarded else 'in the home region'}",
            partial(alter_rule, _change, _key, forwarded=_forwarded),
            "events-reach-function",
        )


def _retarget(
    changes: dict[str, Any], account: Account, mending: ExitStack, *, forwarded: bool
) -> None:
    events = account.client("events", _region(account, forwarded=forwarded))
    rule = rule_name(account, "changes-1")
    [target] = events.list_targets_by_rule(Rule=rule)["Targets"]
    mending.callback(events.put_targets, Rule=rule, Targets=[target])
    events.put_targets(Rule=rule, Targets=[{**target, **changes}])


for _name, _what, _changes in (
    ("input-path", "a target is handed a part of the event", {"InputPath": "$.detail.requestID"}),
    ("input", "a target is handed a constant", {"Input": '{"test": {"records": []}}'}),
):
    for _forwarded in (False, True):
        FAMILY.add(
            f"{_name}-{'forwarded' if _forwarded else 'home'}",
            f"{_what}, {'where events are forwarded' if _forwarded else 'in the home region'}",
            partial(_retarget, _changes, forwarded=_forwarded),
            "events-reach-function",
        )


@FAMILY.fault("a rule sends audit events to a stranger's bus besides", "events-reach-function")
def sent_to_a_stranger(account: Account, mending: ExitStack) -> None:
    events, rule = account.client("events"), rule_name(account, "changes-1")
    values = account.outputs
    bus = f"arn:{values['partition']}:events:{values['region']}:{STRANGER}:event-bus/default"
    mending.callback(events.remove_targets, Rule=rule, Ids=["stranger"])
    events.put_targets(Rule=rule, Targets=[{"Id": "stranger", "Arn": bus}])


@FAMILY.fault("nothing is forwarded by one of the rules any more", "events-reach-function")
def not_forwarded(account: Account, mending: ExitStack) -> None:
    events = account.client("events", _region(account, forwarded=True))
    rule = rule_name(account, "changes-2")
    targets = events.list_targets_by_rule(Rule=rule)["Targets"]
    mending.callback(events.put_targets, Rule=rule, Targets=targets)
    events.remove_targets(Rule=rule, Ids=[target["Id"] for target in targets])


@FAMILY.fault("any rule of the account may wear the forwarding role", "roles-trust")
def any_rule_forwards(account: Account, mending: ExitStack) -> None:
    role = account.outputs["event_forwarding_role_name"]
    document = account.iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
    mending.callback(
        account.iam.update_assume_role_policy, RoleName=role, PolicyDocument=json.dumps(document)
    )
    [statement] = document["Statement"]
    open_to_any = {
        **statement,
        "Condition": {"StringEquals": statement["Condition"]["StringEquals"]},
    }
    account.iam.update_assume_role_policy(
        RoleName=role, PolicyDocument=json.dumps({**document, "Statement": [open_to_any]})
    )
