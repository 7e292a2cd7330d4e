"""Where moto's workgroups and saved queries differ from Athena's.

https://docs.aws.amazon.com/athena/latest/APIReference/API_Operations.html
"""

from __future__ import annotations

import json
from typing import Any

from moto.athena.models import AthenaBackend, WorkGroup
from moto.athena.responses import AthenaResponse
from moto.core.exceptions import JsonRESTError

from sandbox.replacement import Kind, Replacement
from sandbox.world import World

_RESULTS = "ResultConfiguration"
_EFFECTIVE = "Athena engine version 3"


def _invalid(message: str) -> JsonRESTError:
    return JsonRESTError("InvalidRequestException", message)


def _group(response: Any) -> WorkGroup:
    name = response._get_param("WorkGroup")
    found = response.athena_backend.work_groups.get(name)
    if found is None:
        raise _invalid(f"WorkGroup {name} is not found.")
    return found


def get_work_group(_: World, response: Any) -> str:
    """Tell of a workgroup, or that there is none."""
    group = _group(response)
    told = response.athena_backend.get_work_group(group.name)
    engine = told["Configuration"].setdefault("EngineVersion", {})
    engine.setdefault("EffectiveEngineVersion", _EFFECTIVE)
    return json.dumps({"WorkGroup": told})


def update_work_group(_: World, response: Any) -> str:
    """Change what is given, and take away what is to be removed."""
    group = _group(response)
    group.description = response._get_param("Description") or group.description
    group.state = response._get_param("State") or group.state
    updates = dict(response._get_param("ConfigurationUpdates") or {})
    results = updates.pop("ResultConfigurationUpdates", {})
    _apply(group.configuration, updates)
    _apply(group.configuration.setdefault(_RESULTS, {}), results)
    return "{}"


def _apply(kept: dict[str, Any], updates: dict[str, Any]) -> None:
    for name, value in updates.items():
        if not name.startswith("Remove"):
            kept[name] = value
        elif value:
            kept.pop(name.removeprefix("Remove"), None)


def get_named_query(_: World, response: Any) -> str:
    """Tell of a saved query, or that there is none."""
    query = _query(response)
    told = {
        "Name": query.name,
        "Description": query.description,
        "Database": query.database,
        "QueryString": query.query_string,
        "NamedQueryId": query.id,
        "WorkGroup": query.workgroup.name,
    }
    return json.dumps({"NamedQuery": told})


def update_named_query(_: World, response: Any) -> str:
    """Change name, words and text of a saved query."""
    query = _query(response)
    query.name = response._get_param("Name")
    query.description = response._get_param("Description") or query.description
    query.query_string = response._get_param("QueryString")
    return "{}"


def delete_named_query(_: World, response: Any) -> str:
    """Remove a saved query."""
    del response.athena_backend.named_queries[_query(response).id]
    return "{}"


def _query(response: Any) -> Any:
    name = response._get_param("NamedQueryId")
    found = response.athena_backend.get_named_query(name)
    if found is None:
        raise _invalid(f"NamedQuery {name} was not found")
    return found


def delete_work_group(_: World, original: Any, backend: Any, name: str) -> None:
    """Remove a workgroup, and what is saved in it."""
    original(backend, name)
    backend.named_queries = {
        key: query for key, query in backend.named_queries.items() if query.workgroup.name != name
    }


REPLACEMENTS = (
    Replacement(
        AthenaResponse,
        "get_work_group",
        get_work_group,
        "A workgroup that is not there is an error, where moto answers null; engine 3 is in force.",
    ),
    Replacement(
        AthenaResponse, "update_work_group", update_work_group, "moto has none.", Kind.ADDED
    ),
    Replacement(
        AthenaResponse,
        "get_named_query",
        get_named_query,
        "A saved query that is not there is an error, where moto fails.",
    ),
    Replacement(
        AthenaResponse, "update_named_query", update_named_query, "moto has none.", Kind.ADDED
    ),
    Replacement(
        AthenaResponse, "delete_named_query", delete_named_query, "moto has none.", Kind.ADDED
    ),
    Replacement(
        AthenaBackend,
        "delete_work_group",
        delete_work_group,
        "With a workgroup go its saved queries, which moto keeps.",
        Kind.AROUND,
    ),
)
