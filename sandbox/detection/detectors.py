"""GuardDuty: a region's detector, its protections, and what is kept from telling.

moto's has one state for all features, and lists no filters. Nothing is ever found here: what a
finding does is shown by putting its event on the bus.
https://docs.aws.amazon.com/guardduty/latest/APIReference/Welcome.html
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from moto.utilities.utils import get_partition

from sandbox.clock import now
from sandbox.refusal import RefusedError
from sandbox.world import World

_Parameters = Mapping[str, Any]
_Told = dict[str, Any]
# On with every detector, and never off.
_ALWAYS = ("CLOUD_TRAIL", "DNS_LOGS", "FLOW_LOGS")
# On with a new detector unless it is made otherwise; the last two are not.
_AT_FIRST = {
    "S3_DATA_EVENTS": "ENABLED",
    "EKS_AUDIT_LOGS": "ENABLED",
    "EBS_MALWARE_PROTECTION": "ENABLED",
    "RDS_LOGIN_EVENTS": "ENABLED",
    "LAMBDA_NETWORK_LOGS": "ENABLED",
    "EKS_RUNTIME_MONITORING": "DISABLED",
    "RUNTIME_MONITORING": "DISABLED",
}


@dataclass
class _Detector:
    identifier: str
    enabled: bool
    frequency: str
    tags: dict[str, str]
    made: datetime
    changed: datetime
    features: dict[str, tuple[str, datetime]]
    filters: dict[str, _Told] = field(default_factory=dict)
    address_sets: dict[str, _Told] = field(default_factory=dict)


class Detectors:
    """The detectors of the account: one a region at most."""

    def __init__(self, world: World) -> None:
        self._account = world.settings.account
        self._of_region: dict[str, _Detector] = {}
        self.answers = {
            "CreateDetector": self._create,
            "CreateFilter": self._create_filter,
            "CreateIPSet": self._create_address_set,
            "DeleteDetector": self._delete,
            "DeleteFilter": self._delete_filter,
            "DeleteIPSet": self._delete_address_set,
            "GetDetector": self._get,
            "GetFilter": self._get_filter,
            "GetIPSet": self._get_address_set,
            "ListDetectors": self._list,
            "ListFilters": self._list_filters,
            "ListIPSets": self._list_address_sets,
            "ListTagsForResource": self._tags,
            "TagResource": self._tag,
            "UntagResource": self._untag,
            "UpdateDetector": self._update,
            "UpdateFilter": self._update_filter,
        }

    def _found(self, region: str, identifier: object) -> _Detector:
        detector = self._of_region.get(region)
        if detector is None or detector.identifier != identifier:
            raise RefusedError(
                "BadRequestException",
                "The request is rejected because the input detectorId is not owned by the current "
                "account.",
            )
        return detector

    # --- detectors -------------------------------------------------------------------------------

    def _create(self, region: str, parameters: _Parameters) -> _Told:
        if region in self._of_region:
            raise RefusedError(
                "BadRequestException",
                "The request is rejected because a detector already exists for the current "
                "account.",
            )
        moment = now()
        features = dict.fromkeys(_ALWAYS, "ENABLED") | _AT_FIRST
        detector = _Detector(
            uuid.uuid4().hex,
            bool(parameters["Enable"]),
            parameters.get("FindingPublishingFrequency") or "SIX_HOURS",
            dict(parameters.get("Tags") or {}),
            moment,
            moment,
            {name: (status, moment) for name, status in features.items()},
        )
        self._set_features(detector, parameters)
        self._of_region[region] = detector
        return {"DetectorId": detector.identifier}

    def _set_features(self, detector: _Detector, parameters: _Parameters) -> None:
        for feature in parameters.get("Features") or []:
            name = feature["Name"]
            if name not in _AT_FIRST:
                raise RefusedError(
                    "BadRequestException",
                    "The request is rejected because an invalid or out-of-range value is "
                    "specified as an input parameter.",
                )
            detector.features[name] = (feature["Status"], now())

    def _update(self, region: str, parameters: _Parameters) -> _Told:
        detector = self._found(region, parameters["DetectorId"])
        if parameters.get("Enable") is not None:
            detector.enabled = bool(parameters["Enable"])
        if parameters.get("FindingPublishingFrequency"):
            detector.frequency = str(parameters["FindingPublishingFrequency"])
        self._set_features(detector, parameters)
        detector.changed = now()
        return {}

    def _get(self, region: str, parameters: _Parameters) -> _Told:
        detector = self._found(region, parameters["DetectorId"])
        on = {name: {"Status": status} for name, (status, _) in detector.features.items()}
        always = {"Status": "ENABLED"}
        return {
            "CreatedAt": detector.made.isoformat(),
            "FindingPublishingFrequency": detector.frequency,
            "ServiceRole": f"arn:{get_partition(region)}:iam::{self._account}:role/"
            "aws-service-role/guardduty.amazonaws.com/AWSServiceRoleForAmazonGuardDuty",
            "Status": "ENABLED" if detector.enabled else "DISABLED",
            "UpdatedAt": detector.changed.isoformat(),
            "DataSources": {
                "CloudTrail": always,
                "DNSLogs": always,
                "FlowLogs": always,
                "S3Logs": on["S3_DATA_EVENTS"],
                "Kubernetes": {"AuditLogs": on["EKS_AUDIT_LOGS"]},
            },
            "Tags": detector.tags,
            "Features": [
                {"Name": name, "Status": status, "UpdatedAt": moment}
                for name, (status, moment) in detector.features.items()
            ],
        }

    def _list(self, region: str, _: _Parameters) -> _Told:
        detector = self._of_region.get(region)
        return {"DetectorIds": [] if detector is None else [detector.identifier]}

    def _delete(self, region: str, parameters: _Parameters) -> _Told:
        self._found(region, parameters["DetectorId"])
        del self._of_region[region]
        return {}

    # --- what is kept from telling ---------------------------------------------------------------

    def _create_filter(self, region: str, parameters: _Parameters) -> _Told:
        detector = self._found(region, parameters["DetectorId"])
        name = str(parameters["Name"])
        detector.filters[name] = {
            "Name": name,
            "Description": parameters.get("Description") or "",
            "Action": parameters.get("Action") or "NOOP",
            "Rank": parameters.get("Rank") or 1,
            "FindingCriteria": parameters["FindingCriteria"],
            "Tags": parameters.get("Tags") or {},
        }
        return {"Name": name}

    def _filter(self, region: str, parameters: _Parameters) -> _Told:
        detector = self._found(region, parameters["DetectorId"])
        try:
            return detector.filters[str(parameters["FilterName"])]
        except KeyError:
            raise RefusedError(
                "BadRequestException",
                "The request is rejected since no such resource found.",
            ) from None

    def _get_filter(self, region: str, parameters: _Parameters) -> _Told:
        return self._filter(region, parameters)

    def _update_filter(self, region: str, parameters: _Parameters) -> _Told:
        found = self._filter(region, parameters)
        for member in ("Action", "Description", "FindingCriteria", "Rank"):
            if parameters.get(member) is not None:
                found[member] = parameters[member]
        return {"Name": found["Name"]}

    def _list_filters(self, region: str, parameters: _Parameters) -> _Told:
        detector = self._found(region, parameters["DetectorId"])
        return {"FilterNames": sorted(detector.filters)}

    def _delete_filter(self, region: str, parameters: _Parameters) -> _Told:
        found = self._filter(region, parameters)
        del self._found(region, parameters["DetectorId"]).filters[found["Name"]]
        return {}

    def _create_address_set(self, region: str, parameters: _Parameters) -> _Told:
        detector = self._found(region, parameters["DetectorId"])
        identifier = uuid.uuid4().hex
        detector.address_sets[identifier] = {
            "Name": parameters["Name"],
            "Format": parameters["Format"],
            "Location": parameters["Location"],
            "Status": "ACTIVE" if parameters["Activate"] else "INACTIVE",
            "Tags": parameters.get("Tags") or {},
        }
        return {"IpSetId": identifier}

    def _address_set(self, region: str, parameters: _Parameters) -> _Told:
        detector = self._found(region, parameters["DetectorId"])
        try:
            return detector.address_sets[str(parameters["IpSetId"])]
        except KeyError:
            raise RefusedError(
                "BadRequestException",
                "The request is rejected because the input ipSetId is not owned by the current "
                "account.",
            ) from None

    def _get_address_set(self, region: str, parameters: _Parameters) -> _Told:
        return self._address_set(region, parameters)

    def _list_address_sets(self, region: str, parameters: _Parameters) -> _Told:
        detector = self._found(region, parameters["DetectorId"])
        return {"IpSetIds": sorted(detector.address_sets)}

    def _delete_address_set(self, region: str, parameters: _Parameters) -> _Told:
        self._address_set(region, parameters)
        detector = self._found(region, parameters["DetectorId"])
        del detector.address_sets[str(parameters["IpSetId"])]
        return {}

    # --- tags ------------------------------------------------------------------------------------

    def _tagged(self, region: str, parameters: _Parameters) -> dict[str, str]:
        return self._found(region, str(parameters["ResourceArn"]).rpartition("/")[2]).tags

    def _tags(self, region: str, parameters: _Parameters) -> _Told:
        return {"Tags": self._tagged(region, parameters)}

    def _tag(self, region: str, parameters: _Parameters) -> _Told:
        self._tagged(region, parameters).update(parameters["Tags"])
        return {}

    def _untag(self, region: str, parameters: _Parameters) -> _Told:
        tags = self._tagged(region, parameters)
        for key in parameters["TagKeys"]:
            tags.pop(key, None)
        return {}
