"""CloudFormation's calls, as they arrive: which the sandbox answers itself, and with what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.front.own_services import Answers
from sandbox.refusal import RefusedError
from sandbox.stacks.stack_sets import Operation, Stack, StackSet, StackSets
from sandbox.world import World

_Parameters = Mapping[str, Any]


class Stacks:
    """The answers to the calls about stack sets and their stacks."""

    def __init__(self, world: World) -> None:
        self._account = world.settings.account
        self._sets = StackSets(world)
        self.answers: Answers = {
            "CreateStackInstances": self._create_instances,
            "CreateStackSet": self._create,
            "DeleteStackInstances": self._delete_instances,
            "DeleteStackSet": self._delete,
            "DescribeStackInstance": self._describe_instance,
            "DescribeStackSet": self._describe,
            "DescribeStackSetOperation": self._describe_operation,
            "DescribeStacks": self._describe_stacks,
            "ListStackInstances": self._list_instances,
            "ListStackSetOperationResults": self._list_results,
            "UpdateStackSet": self._update,
        }

    def _found(self, region: str, parameters: _Parameters) -> StackSet:
        return self._sets.get(region, str(parameters["StackSetName"]))

    # --- sets ------------------------------------------------------------------------------------

    def _create(self, region: str, parameters: _Parameters) -> Mapping[str, Any]:
        return {"StackSetId": self._sets.create(region, parameters).identifier}

    def _describe(self, region: str, parameters: _Parameters) -> Mapping[str, Any]:
        found = self._found(region, parameters)
        return {
            "StackSet": {
                **found.settings,
                "StackSetId": found.identifier,
                "StackSetARN": found.arn,
                "Status": "ACTIVE",
                "Parameters": [],
                "Capabilities": [],
                "OrganizationalUnitIds": [],
                "Regions": sorted(found.stacks),
            }
        }

    def _update(self, region: str, parameters: _Parameters) -> Mapping[str, Any]:
        return {"OperationId": self._sets.update(region, parameters).identifier}

    def _delete(self, region: str, parameters: _Parameters) -> Mapping[str, Any]:
        self._sets.delete(region, str(parameters["StackSetName"]))
        return {}

    # --- stacks ----------------------------------------------------------------------------------

    def _create_instances(self, region: str, parameters: _Parameters) -> Mapping[str, Any]:
        self._require_own(parameters)
        found = self._found(region, parameters)
        return {"OperationId": self._sets.create_stacks(found, parameters["Regions"]).identifier}

    def _delete_instances(self, region: str, parameters: _Parameters) -> Mapping[str, Any]:
        self._require_own(parameters)
        found = self._found(region, parameters)
        retain = bool(parameters["RetainStacks"])
        operation = self._sets.delete_stacks(found, parameters["Regions"], retain)
        return {"OperationId": operation.identifier}

    def _require_own(self, parameters: _Parameters) -> None:
        if list(parameters.get("Accounts", [])) != [self._account]:
            raise RefusedError(
                "ValidationError", f"the sandbox has the account {self._account} alone"
            )

    def _describe_instance(self, region: str, parameters: _Parameters) -> Mapping[str, Any]:
        found = self._found(region, parameters)
        stack = self._sets.stack(
            found,
            str(parameters["StackInstanceAccount"]),
            str(parameters["StackInstanceRegion"]),
        )
        return {"StackInstance": {**self._instance(found, stack), "ParameterOverrides": []}}

    def _list_instances(self, region: str, parameters: _Parameters) -> Mapping[str, Any]:
        found = self._found(region, parameters)
        return {"Summaries": [self._instance(found, stack) for stack in found.stacks.values()]}

    def _instance(self, found: StackSet, stack: Stack) -> Mapping[str, Any]:
        return {
            "StackSetId": found.identifier,
            "Region": stack.region,
            "Account": self._account,
            "StackId": stack.arn,
            "Status": "CURRENT",
            "StackInstanceStatus": {"DetailedStatus": "SUCCEEDED"},
            "DriftStatus": "NOT_CHECKED",
        }

    def _describe_stacks(self, region: str, parameters: _Parameters) -> Mapping[str, Any]:
        asked = parameters.get("StackName")
        there = [
            stack
            for stack in self._sets.stacks_in(region)
            if asked is None or asked in (stack.name, stack.arn)
        ]
        if asked is not None and not there:
            raise RefusedError("ValidationError", f"Stack with id {asked} does not exist")
        return {
            "Stacks": [
                {
                    "StackId": stack.arn,
                    "StackName": stack.name,
                    "CreationTime": stack.made,
                    "StackStatus": "CREATE_COMPLETE",
                    "Tags": [{"Key": key, "Value": text} for key, text in stack.tags.items()],
                }
                for stack in there
            ]
        }

    # --- operations ------------------------------------------------------------------------------

    def _operation(self, region: str, parameters: _Parameters) -> tuple[StackSet, Operation]:
        found = self._found(region, parameters)
        operation = found.operations.get(str(parameters["OperationId"]))
        if operation is None:
            raise RefusedError("OperationNotFoundException", "Operation not found")
        return found, operation

    def _describe_operation(self, region: str, parameters: _Parameters) -> Mapping[str, Any]:
        found, operation = self._operation(region, parameters)
        return {
            "StackSetOperation": {
                "OperationId": operation.identifier,
                "StackSetId": found.identifier,
                "Action": operation.action,
                "Status": operation.status,
                "AdministrationRoleARN": found.settings["AdministrationRoleARN"],
                "ExecutionRoleName": found.settings["ExecutionRoleName"],
                "CreationTimestamp": operation.moment,
                "EndTimestamp": operation.moment,
            }
        }

    def _list_results(self, region: str, parameters: _Parameters) -> Mapping[str, Any]:
        _, operation = self._operation(region, parameters)
        return {
            "Summaries": [
                {
                    "Account": self._account,
                    "Region": place,
                    "Status": "FAILED" if place in operation.reasons else "SUCCEEDED",
                    "StatusReason": operation.reasons.get(place),
                }
                for place in operation.regions
            ]
        }
