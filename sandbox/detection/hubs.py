"""Security Hub: a region's hub and the standards that it holds the account to.

moto has a hub, and no standards. A standard's checks rest on AWS Config: without a recorder that
is on, its subscription stays incomplete.
https://docs.aws.amazon.com/securityhub/1.0/APIReference/Welcome.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Any

from moto.utilities.utils import get_partition

from sandbox.clock import now
from sandbox.refusal import RefusedError
from sandbox.world import World

_Parameters = Mapping[str, Any]
_Told = dict[str, Any]
_AT_FIRST = (
    "standards/aws-foundational-security-best-practices/v/1.0.0",
    "ruleset/cis-aws-foundations-benchmark/v/1.2.0",
)
_FINDINGS_A_CALL, _RESOURCES_A_FINDING = 100, 32


@dataclass
class _Hub:
    made: datetime
    tags: dict[str, str]
    automatic: bool = True
    generator: str = "SECURITY_CONTROL"
    standards: dict[str, str] = field(default_factory=dict)  # the standard, by its subscription
    findings: dict[str, _Parameters] = field(default_factory=dict)  # what was imported, by id


class Hubs:
    """The hubs of the account: one a region at most."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._of_region: dict[str, _Hub] = {}
        self.answers = {
            "BatchDisableStandards": self._disable_standards,
            "BatchEnableStandards": self._enable_standards,
            "BatchImportFindings": self._import,
            "DescribeHub": self._describe,
            "DisableSecurityHub": self._disable,
            "EnableSecurityHub": self._enable,
            "GetEnabledStandards": self._enabled_standards,
            "GetFindings": self._findings,
            "ListTagsForResource": self._tags,
            "TagResource": self._tag,
            "UntagResource": self._untag,
            "UpdateSecurityHubConfiguration": self._update,
        }

    def _found(self, region: str) -> _Hub:
        hub = self._of_region.get(region)
        if hub is None:
            account = self._world.settings.account
            raise RefusedError(
                "InvalidAccessException",
                f"Account {account} is not subscribed to AWS Security Hub",
                HTTPStatus.UNAUTHORIZED,
            )
        return hub

    def _arn(self, region: str, rest: str) -> str:
        account = self._world.settings.account
        return f"arn:{get_partition(region)}:securityhub:{region}:{account}:{rest}"

    # --- the hub ---------------------------------------------------------------------------------

    def _enable(self, region: str, parameters: _Parameters) -> _Told:
        if region in self._of_region:
            raise RefusedError(
                "ResourceConflictException",
                "Account is already subscribed to Security Hub",
                HTTPStatus.CONFLICT,
            )
        hub = _Hub(now(), dict(parameters.get("Tags") or {}))
        hub.generator = parameters.get("ControlFindingGenerator") or hub.generator
        self._of_region[region] = hub
        if parameters.get("EnableDefaultStandards") is not False:
            for name in _AT_FIRST:
                self._subscribe(region, hub, f"arn:{get_partition(region)}:securityhub:::{name}")
        return {}

    def _describe(self, region: str, _: _Parameters) -> _Told:
        hub = self._found(region)
        return {
            "HubArn": self._arn(region, "hub/default"),
            "SubscribedAt": hub.made.isoformat(),
            "AutoEnableControls": hub.automatic,
            "ControlFindingGenerator": hub.generator,
        }

    def _update(self, region: str, parameters: _Parameters) -> _Told:
        hub = self._found(region)
        if parameters.get("AutoEnableControls") is not None:
            hub.automatic = bool(parameters["AutoEnableControls"])
        hub.generator = parameters.get("ControlFindingGenerator") or hub.generator
        return {}

    def _disable(self, region: str, _: _Parameters) -> _Told:
        self._found(region)
        del self._of_region[region]
        return {}

    # --- standards -------------------------------------------------------------------------------

    def _subscribe(self, region: str, hub: _Hub, standard: str) -> str:
        name = standard.partition("/")[2]
        subscription = self._arn(region, f"subscription/{name}")
        hub.standards[subscription] = standard
        return subscription

    def _told(self, region: str, hub: _Hub, subscription: str) -> _Told:
        recorders = self._world.backend("config", region).recorders.values()
        ready = any(recorder.status.recording for recorder in recorders)
        told: _Told = {
            "StandardsSubscriptionArn": subscription,
            "StandardsArn": hub.standards[subscription],
            "StandardsInput": {},
            "StandardsStatus": "READY" if ready else "INCOMPLETE",
            "StandardsControlsUpdatable": "READY_FOR_UPDATES",
        }
        if not ready:
            reason = {"StatusReasonCode": "NO_AVAILABLE_CONFIGURATION_RECORDER"}
            told["StandardsStatusReason"] = reason
        return told

    def _enable_standards(self, region: str, parameters: _Parameters) -> _Told:
        hub = self._found(region)
        asked = [request["StandardsArn"] for request in parameters["StandardsSubscriptionRequests"]]
        made = [self._subscribe(region, hub, standard) for standard in asked]
        return {"StandardsSubscriptions": [self._told(region, hub, one) for one in made]}

    def _disable_standards(self, region: str, parameters: _Parameters) -> _Told:
        hub = self._found(region)
        gone = []
        for subscription in parameters["StandardsSubscriptionArns"]:
            if subscription not in hub.standards:
                raise RefusedError("InvalidInputException", f"no such subscription: {subscription}")
            gone.append(self._told(region, hub, subscription) | {"StandardsStatus": "DELETING"})
            del hub.standards[subscription]
        return {"StandardsSubscriptions": gone}

    def _enabled_standards(self, region: str, parameters: _Parameters) -> _Told:
        hub = self._found(region)
        asked = parameters.get("StandardsSubscriptionArns") or list(hub.standards)
        there = [subscription for subscription in asked if subscription in hub.standards]
        return {"StandardsSubscriptions": [self._told(region, hub, one) for one in there]}

    # --- findings --------------------------------------------------------------------------------

    def _import(self, region: str, parameters: _Parameters) -> _Told:
        """https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_BatchImportFindings.html"""
        hub = self._found(region)
        findings = parameters["Findings"]
        if not 1 <= len(findings) <= _FINDINGS_A_CALL:
            raise RefusedError(
                "InvalidInputException",
                f"Invalid parameter 'Findings'. Expected 1 to {_FINDINGS_A_CALL} findings",
            )
        failed = []
        for finding in findings:
            why = self._why_not(region, finding)
            if why is None:
                hub.findings[finding["Id"]] = finding
            else:
                code = "InvalidInput"
                failed.append({"Id": finding["Id"], "ErrorCode": code, "ErrorMessage": why})
        return {
            "FailedCount": len(failed),
            "SuccessCount": len(findings) - len(failed),
            "FailedFindings": failed,
        }

    def _why_not(self, region: str, finding: _Parameters) -> str | None:
        """Why Security Hub does not take a finding, if it does not."""
        account = self._world.settings.account
        if finding["AwsAccountId"] != account:
            return f"AwsAccountId {finding['AwsAccountId']} is not the caller's account {account}"
        if finding["ProductArn"] != self._arn(region, f"product/{account}/default"):
            return f"ProductArn {finding['ProductArn']} is no product of this account and region"
        if not 1 <= len(finding["Resources"]) <= _RESOURCES_A_FINDING:
            return f"Resources must be 1 to {_RESOURCES_A_FINDING}"
        return None

    def _findings(self, region: str, parameters: _Parameters) -> _Told:
        hub = self._found(region)
        if parameters.get("Filters"):
            raise RefusedError("InvalidInputException", "the sandbox knows no filters of findings")
        return {"Findings": list(hub.findings.values())}

    # --- tags ------------------------------------------------------------------------------------

    def _tags(self, region: str, _: _Parameters) -> _Told:
        return {"Tags": self._found(region).tags}

    def _tag(self, region: str, parameters: _Parameters) -> _Told:
        self._found(region).tags.update(parameters["Tags"])
        return {}

    def _untag(self, region: str, parameters: _Parameters) -> _Told:
        tags = self._found(region).tags
        for key in parameters["TagKeys"]:
            tags.pop(key, None)
        return {}
