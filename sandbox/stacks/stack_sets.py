"""Stack sets: what each is, and what becomes of its stacks, region by region.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stacksets-prereqs-self-managed.html:
CloudFormation wears the administration role, and by it the execution role, whose permissions count.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Any

from moto.utilities.utils import get_partition

from sandbox.access import permissions
from sandbox.access.policy import Principal
from sandbox.clock import now
from sandbox.refusal import RefusedError
from sandbox.stacks.template import Needed, Rule, TemplateError, rules_of, to_put, to_remove
from sandbox.world import World

SERVICE = "cloudformation.amazonaws.com"
_SELF_MANAGED = "SELF_MANAGED"


@dataclass
class Stack:
    """A stack of a set, in one region."""

    region: str
    name: str
    arn: str
    tags: dict[str, str]
    rules: tuple[Rule, ...]
    made: datetime


@dataclass
class Operation:
    """What was done to a set's stacks: ``reasons`` are those of the regions where it failed."""

    identifier: str
    action: str
    regions: tuple[str, ...]
    reasons: dict[str, str]
    moment: datetime

    @property
    def status(self) -> str:
        """One region where it failed makes all of it fail."""
        return "FAILED" if self.reasons else "SUCCEEDED"


@dataclass
class StackSet:
    """A stack set. ``settings`` are the members of CreateStackSet that DescribeStackSet tells."""

    identifier: str
    arn: str
    settings: dict[str, Any]
    stacks: dict[str, Stack] = field(default_factory=dict)
    operations: dict[str, Operation] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Its name, unique in account and region."""
        return str(self.settings["StackSetName"])

    @property
    def tags(self) -> dict[str, str]:
        """Its tags, which each of its stacks has as well."""
        return {tag["Key"]: tag["Value"] for tag in self.settings.get("Tags", [])}


class StackSets:
    """The stack sets of an account, by region and name; whoever calls holds the world's lock."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._sets: dict[tuple[str, str], StackSet] = {}

    # --- sets ------------------------------------------------------------------------------------

    def create(self, region: str, settings: Mapping[str, Any]) -> StackSet:
        """Make a set without stacks. Raises RefusedError."""
        name = str(settings["StackSetName"])
        if (region, name) in self._sets:
            message = f"The name {name} is already in use."
            raise RefusedError("NameAlreadyExistsException", message, HTTPStatus.CONFLICT)
        kept = _settings(self._world, region, settings)
        _rules(kept)
        identifier = f"{name}:{uuid.uuid4()}"
        arn = f"{self._place(region, 'cloudformation')}:stackset/{identifier}"
        made = StackSet(identifier, arn, kept)
        self._sets[region, name] = made
        return made

    def get(self, region: str, name: str) -> StackSet:
        """The set of a name or an id. Raises RefusedError."""
        found = self._sets.get((region, name.partition(":")[0]))
        if found is None or name not in (found.name, found.identifier):
            message = f"StackSet {name} not found"
            raise RefusedError("StackSetNotFoundException", message, HTTPStatus.NOT_FOUND)
        return found

    def update(self, region: str, settings: Mapping[str, Any]) -> Operation:
        """Alter a set, and then all of its stacks. Raises RefusedError."""
        found = self.get(region, str(settings["StackSetName"]))
        template = found.settings if settings.get("UsePreviousTemplate") else settings
        changes = {"StackSetName": found.name, "TemplateBody": template.get("TemplateBody")}
        kept = _settings(self._world, region, {**settings, **changes})
        rules = _rules(kept)
        found.settings = kept

        def alter(place: str) -> str | None:
            stack = found.stacks[place]
            reason = self._refusal(found, place, stack.name, "UpdateStack", rules)
            if reason is None:
                gone = {rule.name for rule in stack.rules} - {rule.name for rule in rules}
                for name in gone:
                    self._remove_rule(place, name)
                stack.rules, stack.tags = rules, found.tags
                self._put_rules(stack)
            return reason

        return self._operate(found, "UPDATE", tuple(found.stacks), alter)

    def delete(self, region: str, name: str) -> None:
        """Delete a set without stacks; one that is not there is deleted. Raises RefusedError."""
        found = self._sets.get((region, name.partition(":")[0]))
        if found is None:
            return
        if found.stacks:
            message = "StackSet is not empty"
            raise RefusedError("StackSetNotEmptyException", message, HTTPStatus.CONFLICT)
        del self._sets[region, found.name]

    # --- stacks ----------------------------------------------------------------------------------

    def create_stacks(self, found: StackSet, regions: Iterable[str]) -> Operation:
        """Make a stack in each region that has none yet."""
        rules = _rules(found.settings)

        def make(place: str) -> str | None:
            if place in found.stacks:
                return None
            name = f"StackSet-{found.name}-{uuid.uuid4()}"
            reason = self._refusal(found, place, name, "CreateStack", rules)
            if reason is not None:
                return reason
            there = self._world.backend("events", place).event_buses["default"].rules
            for rule in rules:
                if rule.name in there:
                    return (
                        f"ResourceLogicalId:{rule.logical}, ResourceType:AWS::Events::Rule, "
                        f"ResourceStatusReason:{rule.name} already exists."
                    )
            arn = f"{self._place(place, 'cloudformation')}:stack/{name}/{uuid.uuid4()}"
            found.stacks[place] = Stack(place, name, arn, found.tags, rules, now())
            self._put_rules(found.stacks[place])
            return None

        return self._operate(found, "CREATE", tuple(regions), make)

    def delete_stacks(self, found: StackSet, regions: Iterable[str], retain: bool) -> Operation:
        """Delete the stacks of some regions, or let go of them as they are."""

        def remove(place: str) -> str | None:
            stack = found.stacks.get(place)
            if stack is None:
                return None
            if not retain:
                reason = self._refusal(found, place, stack.name, "DeleteStack", stack.rules)
                if reason is not None:
                    return reason
                for rule in stack.rules:
                    self._remove_rule(place, rule.name)
            del found.stacks[place]
            return None

        return self._operate(found, "DELETE", tuple(regions), remove)

    def stack(self, found: StackSet, account: str, region: str) -> Stack:
        """The stack of a set in a region. Raises RefusedError."""
        there = found.stacks.get(region) if account == self._world.settings.account else None
        if there is None:
            message = f"Stack instance for StackSet {found.name} not found"
            raise RefusedError("StackInstanceNotFoundException", message, HTTPStatus.NOT_FOUND)
        return there

    def stacks_in(self, region: str) -> list[Stack]:
        """The stacks of all sets in a region."""
        every = (one.stacks.get(region) for one in self._sets.values())
        return [stack for stack in every if stack is not None]

    # --- how it is done --------------------------------------------------------------------------

    def _place(self, region: str, service: str) -> str:
        account = self._world.settings.account
        return f"arn:{get_partition(region)}:{service}:{region}:{account}"

    def _operate(
        self,
        found: StackSet,
        action: str,
        regions: tuple[str, ...],
        act: Callable[[str], str | None],
    ) -> Operation:
        told = {region: act(region) for region in regions}
        reasons = {region: reason for region, reason in told.items() if reason is not None}
        operation = Operation(str(uuid.uuid4()), action, regions, reasons, now())
        found.operations[operation.identifier] = operation
        return operation

    def _put_rules(self, stack: Stack) -> None:
        backend = self._world.backend("events", stack.region)
        for rule in stack.rules:
            put = backend.put_rule(
                rule.name,
                description=rule.properties.get("Description"),
                event_pattern=rule.pattern,
                scheduled_expression=rule.properties.get("ScheduleExpression"),
                state=rule.properties.get("State"),
            )
            put.remove_targets([target["Id"] for target in put.targets])
            if rule.targets:
                backend.put_targets(rule.name, "default", rule.targets)
            # Since August 2025 a stack's tags are its rules' as well:
            # https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/358
            backend.tagger.delete_all_tags_for_resource(put.arn)
            own = {tag["Key"]: tag["Value"] for tag in rule.properties.get("Tags", [])}
            by_cloudformation = {
                "aws:cloudformation:logical-id": rule.logical,
                "aws:cloudformation:stack-id": stack.arn,
                "aws:cloudformation:stack-name": stack.name,
            }
            backend.tag_resource(put.arn, {**stack.tags, **own, **by_cloudformation})

    def _remove_rule(self, region: str, name: str) -> None:
        backend = self._world.backend("events", region)
        rule = backend.event_buses["default"].rules.get(name)
        if rule is not None:
            rule.remove_targets([target["Id"] for target in rule.targets])
            backend.delete_rule(name, "default")

    def _refusal(
        self, found: StackSet, region: str, stack: str, action: str, rules: tuple[Rule, ...]
    ) -> str | None:
        """Why the roles cannot act on a stack, in CloudFormation's words; None when they can."""
        account, partition = self._world.settings.account, get_partition(region)
        administration = str(found.settings["AdministrationRoleARN"])
        name = str(found.settings["ExecutionRoleName"])
        execution = f"arn:{partition}:iam::{account}:role/{name}"
        wearer = Principal(account, (administration,))
        worn = {"aws:principalarn": administration, "aws:principalaccount": account}
        if not (
            permissions.service_may_assume(self._world, administration, SERVICE, found.arn)
            and permissions.role_may(self._world, administration, "sts:AssumeRole", execution)
            and permissions.trusts(self._world, execution, wearer, worn)
        ):
            return (
                f"Account {account} should have '{name}' role with trust relationship to Role "
                f"'{administration.rpartition('/')[2]}'."
            )
        tagged = bool(found.tags)
        for needed in self._needed(region, stack, action, rules, tagged):
            context = {"aws:requestedregion": region, **needed.context}
            allowed = permissions.role_may(
                self._world, execution, needed.action, needed.resource, context
            )
            if not allowed:
                session = f"arn:{partition}:sts::{account}:assumed-role/{name}/{stack}"
                return (
                    f"User: {session} is not authorized to perform: {needed.action} on resource: "
                    f"{needed.resource}"
                )
        return None

    def _needed(
        self, region: str, stack: str, action: str, rules: tuple[Rule, ...], tagged: bool
    ) -> Iterator[Needed]:
        arn = f"{self._place(region, 'cloudformation')}:stack/{stack}/*"
        yield Needed("cloudformation:DescribeStacks", arn, {})
        yield Needed(f"cloudformation:{action}", arn, {})
        for rule in rules:
            of_rule = f"{self._place(region, 'events')}:rule/{rule.name}"
            if action == "DeleteStack":
                yield from to_remove(of_rule)
            else:
                yield from to_put(rule, of_rule, tagged)


def _settings(world: World, region: str, given: Mapping[str, Any]) -> dict[str, Any]:
    model = given.get("PermissionModel") or _SELF_MANAGED
    if model != _SELF_MANAGED:
        raise RefusedError("ValidationError", f"the sandbox has no stack sets of model {model}")
    if given.get("Parameters"):
        raise RefusedError("ValidationError", "the sandbox has no parameters of stack sets")
    role = "arn:{}:iam::{}:role/AWSCloudFormationStackSetAdministrationRole"
    return {
        "StackSetName": given["StackSetName"],
        "Description": given.get("Description"),
        "TemplateBody": given.get("TemplateBody"),
        "Tags": list(given.get("Tags", [])),
        "AdministrationRoleARN": given.get("AdministrationRoleARN")
        or role.format(get_partition(region), world.settings.account),
        "ExecutionRoleName": given.get("ExecutionRoleName")
        or "AWSCloudFormationStackSetExecutionRole",
        "PermissionModel": model,
        "ManagedExecution": {"Active": False, **given.get("ManagedExecution", {})},
    }


def _rules(settings: Mapping[str, Any]) -> tuple[Rule, ...]:
    try:
        return rules_of(settings["TemplateBody"] or "")
    except TemplateError as error:
        raise RefusedError("ValidationError", str(error)) from None
