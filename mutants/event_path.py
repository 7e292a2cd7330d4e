"""Quick-path faults: EventBridge keeps back, alters or misdirects what the function must see."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from typing import Any

from mutants.account import STRANGER, Account
from mutants.model import Family

FAMILY = Family("event path")

Rule = dict[str, Any]


# Where rules are, and the region there; none for the home region.
PLACES: Mapping[str, tuple[str, Callable[[Account], str | None]]] = {
    "home": ("in the home region", lambda account: None),
    "forwarded": (
        "where events are forwarded",
        lambda account: str(account.outputs["event_forwarding_region"]),
    ),
    "further": ("in a further region", lambda account: _further_region(account)),
}


def _further_region(account: Account) -> str:
    regions = account.outputs["further_event_regions"]
    if not regions:
        raise ValueError("the deployment has no further_event_regions")
    return str(regions[0])


def _events(account: Account, place: str) -> Any:
    return account.client("events", PLACES[place][1](account))


def rule_name(account: Account, key: str) -> str:
    """The name of one of the deployment's rules."""
    return f"rule-{key}-{account.outputs['environment']}"


def alter_rule(
    change: Callable[[Rule], None],
    key: str,
    account: Account,
    mending: ExitStack,
    place: str = "home",
) -> None:
    """Put a rule's pattern and state anew, changed, until mended."""
    events = _events(account, place)
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
    for _place, (_where, _) in PLACES.items():
        FAMILY.add(
            f"{_name}-{_place}",
            f"{_what}, {_where}",
            partial(alter_rule, _change, _key, place=_place),
            "events-reach-function",
        )


def _retarget(changes: dict[str, Any], account: Account, mending: ExitStack, *, place: str) -> None:
    events = _events(account, place)
    rule = rule_name(account, "changes-1")
    [target] = events.list_targets_by_rule(Rule=rule)["Targets"]
    mending.callback(events.put_targets, Rule=rule, Targets=[target])
    events.put_targets(Rule=rule, Targets=[{**target, **changes}])


for _name, _what, _changes in (
    ("input-path", "a target is handed a part of the event", {"InputPath": "$.detail.requestID"}),
    ("input", "a target is handed a constant", {"Input": '{"test": {"records": []}}'}),
):
    for _place, (_where, _) in PLACES.items():
        FAMILY.add(
            f"{_name}-{_place}",
            f"{_what}, {_where}",
            partial(_retarget, _changes, place=_place),
            "events-reach-function",
        )


@FAMILY.fault("a rule sends audit events to a stranger's bus besides", "events-reach-function")
def sent_to_a_stranger(account: Account, mending: ExitStack) -> None:
    events, rule = account.client("events"), rule_name(account, "changes-1")
    values = account.outputs
    bus = f"arn:{values['partition']}:events:{values['region']}:{STRANGER}:event-bus/default"
    mending.callback(events.remove_targets, Rule=rule, Ids=["stranger"])
    events.put_targets(Rule=rule, Targets=[{"Id": "stranger", "Arn": bus}])


def _not_forwarded(account: Account, mending: ExitStack, *, place: str) -> None:
    events, rule = _events(account, place), rule_name(account, "changes-2")
    targets = events.list_targets_by_rule(Rule=rule)["Targets"]
    mending.callback(events.put_targets, Rule=rule, Targets=targets)
    events.remove_targets(Rule=rule, Ids=[target["Id"] for target in targets])


def _elsewhere(account: Account, mending: ExitStack, *, place: str) -> None:
    values = account.outputs
    bus = f"arn:{values['partition']}:events:{values['region']}:{STRANGER}:event-bus/default"
    _retarget({"Arn": bus}, account, mending, place=place)


def _gone(account: Account, mending: ExitStack, *, place: str) -> None:
    events, rule = _events(account, place), rule_name(account, "changes-4")
    found = events.describe_rule(Name=rule)
    kept = {name: found[name] for name in ("Name", "EventPattern", "State", "Description")}
    tags = events.list_tags_for_resource(ResourceARN=found["Arn"])["Tags"]
    own = [tag for tag in tags if not tag["Key"].startswith("aws:")]
    targets = events.list_targets_by_rule(Rule=rule)["Targets"]
    mending.callback(events.put_targets, Rule=rule, Targets=targets)
    mending.callback(events.put_rule, **kept, Tags=own)
    events.remove_targets(Rule=rule, Ids=[target["Id"] for target in targets])
    events.delete_rule(Name=rule)


def _without_role(account: Account, mending: ExitStack, *, place: str) -> None:
    events, rule = _events(account, place), rule_name(account, "changes-1")
    [target] = events.list_targets_by_rule(Rule=rule)["Targets"]
    mending.callback(events.put_targets, Rule=rule, Targets=[target])
    bare = {name: value for name, value in target.items() if name != "RoleArn"}
    events.put_targets(Rule=rule, Targets=[bare])


for _name, _what, _break in (
    ("not-forwarded", "nothing is forwarded by one of the rules any more", _not_forwarded),
    ("misdirected", "a rule sends to a stranger's bus instead", _elsewhere),
    ("gone", "a rule is deleted", _gone),
    ("without-role", "a rule has no role to cross regions with", _without_role),
):
    for _place in ("forwarded", "further"):
        FAMILY.add(
            f"{_name}-{_place}",
            f"{_what}, {PLACES[_place][0]}",
            partial(_break, place=_place),
            "events-reach-function",
        )


# --- the scan's rule, which prod has --------------------------------------------------------------

_SCAN = "account-scan"


def _scan_otherwise(changes: Rule, account: Account, mending: ExitStack) -> None:
    """Put the scan's rule anew, changed, until mended."""
    events = account.client("events")
    found = events.describe_rule(Name=rule_name(account, _SCAN))
    kept = {name: found[name] for name in ("Name", "ScheduleExpression", "State", "Description")}
    mending.callback(events.put_rule, **kept)
    events.put_rule(**{**kept, **changes})


def _scan_retargeted(changes: Rule | None, account: Account, mending: ExitStack) -> None:
    """Put the target of the scan's rule anew, changed, or take it away, until mended."""
    events, rule = account.client("events"), rule_name(account, _SCAN)
    [target] = events.list_targets_by_rule(Rule=rule)["Targets"]
    mending.callback(events.put_targets, Rule=rule, Targets=[target])
    if changes is None:
        events.remove_targets(Rule=rule, Ids=[target["Id"]])
    else:
        events.put_targets(Rule=rule, Targets=[{**target, **changes}])


for _name, _what, _break, _others in (
    ("disabled", "the scan's rule is disabled",
     partial(_scan_otherwise, {"State": "DISABLED"}), ()),
    ("slower", "the account is scanned once a week",
     partial(_scan_otherwise, {"ScheduleExpression": "rate(7 days)"}), ()),
    ("by-events", "the scan's rule takes events besides",
     partial(_scan_otherwise, {"EventPattern": '{"source": ["mine"]}'}), ()),
    ("input", "the scan is handed something else than what starts it",
     partial(_scan_retargeted, {"Input": '{"test": {"records": []}}'}), ()),
    ("without-target", "the scan's rule starts nothing",
     partial(_scan_retargeted, None), ("function-not-public",)),
):  # fmt: skip
    FAMILY.add(
        f"scan-{_name}", _what, _break, "events-reach-function", *_others, needs="tier-routes"
    )


@FAMILY.fault("a rule of a further region bears no tags any more", "resources-tagged")
def untagged_further_rule(account: Account, mending: ExitStack) -> None:
    events = _events(account, "further")
    arn = events.describe_rule(Name=rule_name(account, "root-user"))["Arn"]
    tags = events.list_tags_for_resource(ResourceARN=arn)["Tags"]
    own = [tag for tag in tags if not tag["Key"].startswith("aws:")]
    mending.callback(events.tag_resource, ResourceARN=arn, Tags=own)
    events.untag_resource(ResourceARN=arn, TagKeys=[tag["Key"] for tag in own])


def _stack_set_role(account: Account, purpose: str) -> str:
    """The name of one of the roles by which the stack set acts."""
    arns: list[str] = account.outputs["event_stack_set_role_arns"]
    names = [arn.rpartition("/")[2] for arn in arns]
    found = [name for name in names if f"-{purpose}-" in name]
    if not found:
        raise ValueError("the deployment has no further_event_regions")
    return found[0]


def _trust(account: Account, mending: ExitStack, role: str, change: Callable[[Rule], Rule]) -> None:
    """Change the one statement of a role's trust policy until mended."""
    document = account.iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
    mending.callback(
        account.iam.update_assume_role_policy, RoleName=role, PolicyDocument=json.dumps(document)
    )
    [statement] = document["Statement"]
    account.iam.update_assume_role_policy(
        RoleName=role,
        PolicyDocument=json.dumps({**document, "Statement": [change(statement)]}),
    )


@FAMILY.fault("any stack set of any account may wear the administration role", "roles-trust")
def any_stack_set(account: Account, mending: ExitStack) -> None:
    role = _stack_set_role(account, "administration")
    _trust(account, mending, role, lambda one: {k: v for k, v in one.items() if k != "Condition"})


@FAMILY.fault("the whole account may wear the execution role", "roles-trust")
def anyone_executes(account: Account, mending: ExitStack) -> None:
    values = account.outputs
    everyone = {"AWS": f"arn:{values['partition']}:iam::{values['account_id']}:root"}
    role = _stack_set_role(account, "execution")
    _trust(account, mending, role, lambda one: {**one, "Principal": everyone})


@FAMILY.fault("the execution role may make rules in any region", "roles-least-privilege")
def executes_everywhere(account: Account, mending: ExitStack) -> None:
    role, name = _stack_set_role(account, "execution"), "anywhere"
    rule = f"arn:{account.outputs['partition']}:events:*:{account.outputs['account_id']}:rule/*"
    allowed = {"Effect": "Allow", "Action": "events:PutRule", "Resource": rule}
    document = {"Version": "2012-10-17", "Statement": [allowed]}
    mending.callback(account.iam.delete_role_policy, RoleName=role, PolicyName=name)
    account.iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(document))


@FAMILY.fault("any rule of the account may wear the forwarding role", "roles-trust")
def any_rule_forwards(account: Account, mending: ExitStack) -> None:
    role = account.outputs["event_forwarding_role_name"]
    _trust(account, mending, role, _of_the_account_alone)


def _of_the_account_alone(statement: Rule) -> Rule:
    return {**statement, "Condition": {"StringEquals": statement["Condition"]["StringEquals"]}}
