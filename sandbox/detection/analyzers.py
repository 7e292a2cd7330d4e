"""IAM Access Analyzer, which moto does not have: analyzers, and what they are told to keep quiet.

They analyze nothing here: whether one is there, and what it hides, is all that is asked of it.
https://docs.aws.amazon.com/access-analyzer/latest/APIReference/Welcome.html
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


@dataclass
class _Analyzer:
    name: str
    kind: str
    arn: str
    tags: dict[str, str]
    made: datetime
    configuration: _Told | None
    rules: dict[str, _Told] = field(default_factory=dict)

    def told(self) -> _Told:
        told: _Told = {
            "arn": self.arn,
            "name": self.name,
            "type": self.kind,
            "createdAt": self.made,
            "tags": self.tags,
            "status": "ACTIVE",
        }
        return told if self.configuration is None else {**told, "configuration": self.configuration}


class Analyzers:
    """The analyzers of the account, in each region."""

    def __init__(self, world: World) -> None:
        self._account = world.settings.account
        self._analyzers: dict[tuple[str, str], _Analyzer] = {}
        self.answers = {
            "CreateAnalyzer": self._create,
            "CreateArchiveRule": self._create_rule,
            "DeleteAnalyzer": self._delete,
            "DeleteArchiveRule": self._delete_rule,
            "GetAnalyzer": self._get,
            "ListAnalyzers": self._list,
            "ListArchiveRules": self._list_rules,
            "ListTagsForResource": self._tags,
            "TagResource": self._tag,
            "UntagResource": self._untag,
        }

    def _found(self, region: str, name: object) -> _Analyzer:
        try:
            return self._analyzers[region, str(name)]
        except KeyError:
            raise RefusedError(
                "ResourceNotFoundException",
                f"The specified analyzer is not found: {name}",
                HTTPStatus.NOT_FOUND,
            ) from None

    def _create(self, region: str, parameters: _Parameters) -> _Told:
        name = str(parameters["analyzerName"])
        if (region, name) in self._analyzers:
            raise RefusedError("ConflictException", f"{name} exists already", HTTPStatus.CONFLICT)
        arn = (
            f"arn:{get_partition(region)}:access-analyzer:{region}:{self._account}:analyzer/{name}"
        )
        made = _Analyzer(
            name,
            str(parameters["type"]),
            arn,
            dict(parameters.get("tags") or {}),
            now(),
            parameters.get("configuration"),
        )
        self._analyzers[region, name] = made
        return {"arn": arn}

    def _get(self, region: str, parameters: _Parameters) -> _Told:
        return {"analyzer": self._found(region, parameters["analyzerName"]).told()}

    def _list(self, region: str, parameters: _Parameters) -> _Told:
        wanted = parameters.get("type")
        return {
            "analyzers": [
                analyzer.told()
                for (place, _), analyzer in self._analyzers.items()
                if place == region and wanted in (None, analyzer.kind)
            ]
        }

    def _delete(self, region: str, parameters: _Parameters) -> _Told:
        found = self._found(region, parameters["analyzerName"])
        del self._analyzers[region, found.name]
        return {}

    # --- what it is told to keep quiet -----------------------------------------------------------

    def _create_rule(self, region: str, parameters: _Parameters) -> _Told:
        found, moment = self._found(region, parameters["analyzerName"]), now()
        found.rules[str(parameters["ruleName"])] = {
            "ruleName": parameters["ruleName"],
            "filter": parameters["filter"],
            "createdAt": moment,
            "updatedAt": moment,
        }
        return {}

    def _list_rules(self, region: str, parameters: _Parameters) -> _Told:
        found = self._found(region, parameters["analyzerName"])
        return {"archiveRules": list(found.rules.values())}

    def _delete_rule(self, region: str, parameters: _Parameters) -> _Told:
        found = self._found(region, parameters["analyzerName"])
        found.rules.pop(str(parameters["ruleName"]), None)
        return {}

    # --- tags ------------------------------------------------------------------------------------

    def _tagged(self, region: str, parameters: _Parameters) -> dict[str, str]:
        return self._found(region, str(parameters["resourceArn"]).rpartition("/")[2]).tags

    def _tags(self, region: str, parameters: _Parameters) -> _Told:
        return {"tags": self._tagged(region, parameters)}

    def _tag(self, region: str, parameters: _Parameters) -> _Told:
        self._tagged(region, parameters).update(parameters["tags"])
        return {}

    def _untag(self, region: str, parameters: _Parameters) -> _Told:
        tags = self._tagged(region, parameters)
        for key in parameters["tagKeys"]:
            tags.pop(key, None)
        return {}
