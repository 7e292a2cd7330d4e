"""What CloudWatch Logs can set on a log group and its filters, and moto does not know.

What a filter's settings do to events is in sandbox.messaging. Not followed are scheduled queries
(they are kept and never run), syslog endpoints and bearer tokens (nothing is received by them).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from moto.logs import models as logs_models
from moto.logs.exceptions import (
    InvalidParameterException,
    LogsClientError,
    ResourceNotFoundException,
)
from moto.logs.responses import LogsResponse

from sandbox.clock import milliseconds, now
from sandbox.messaging import log_settings
from sandbox.messaging.log_settings import AccountSettings, GroupSettings
from sandbox.replacement import Kind, Replacement
from sandbox.world import World


def group_of(response: Any) -> Any:
    """moto's log group that a request names, by name or ARN.

    Raises ResourceNotFoundException.
    """
    name = response._get_param("logGroupName")
    if not name:
        given = response._get_param("logGroupIdentifier") or response._get_param(
            "resourceIdentifier"
        )
        name = (given or "").split(":log-group:")[-1].removesuffix(":*")
    group = response.logs_backend.groups.get(name)
    if group is None:
        raise ResourceNotFoundException()
    return group


def settings_of(response: Any) -> GroupSettings:
    """The settings of the log group that a request names. Raises ResourceNotFoundException."""
    return log_settings.of_group(group_of(response))


def account_of(response: Any) -> AccountSettings:
    """The settings of the account in the request's region."""
    return log_settings.of_account(response.logs_backend)


def moment() -> int:
    """Now, as CloudWatch Logs tells times."""
    return milliseconds(now())


# --- who may write into a group, and delete it ----------------------------------------------------


def invalid_operation(text: str) -> LogsClientError:
    """The error for what the state of a thing does not admit."""
    return LogsClientError("InvalidOperationException", text)


def put_deletion_protection(_: World, response: Any) -> str:
    """Keep a group from deletion, or no longer."""
    settings_of(response).deletion_protection = bool(
        response._get_param("deletionProtectionEnabled")
    )
    return ""


def refuse_if_protected(backend: Any, name: str) -> None:
    """Raise InvalidOperationException for a group that is kept from deletion."""
    group = backend.groups.get(name)
    if group is not None and log_settings.of_group(group).deletion_protection:
        raise invalid_operation("The log group is protected from deletion.")


def put_bearer_tokens(_: World, response: Any) -> str:
    """Let callers with a bearer token write into a group, or no longer."""
    settings_of(response).bearer_tokens = bool(
        response._get_param("bearerTokenAuthenticationEnabled")
    )
    return ""


def put_syslog_configuration(_: World, response: Any) -> str:
    """Let a VPC endpoint feed a group by syslog."""
    endpoint = response._get_param("vpcEndpointId")
    if not endpoint:
        raise InvalidParameterException()
    settings_of(response).syslog_endpoints.setdefault(endpoint, moment())
    return ""


def list_syslog_configurations(_: World, response: Any) -> str:
    """Which VPC endpoints feed which groups by syslog."""
    asked = response._get_param("logGroupIdentifier")
    groups = [group_of(response)] if asked else response.logs_backend.groups.values()
    found = [
        {
            "logGroupArn": group.arn,
            "sourceType": "VPCE",
            "vpcEndpointId": endpoint,
            "createdAt": created,
        }
        for group in groups
        for endpoint, created in log_settings.of_group(group).syslog_endpoints.items()
    ]
    wanted = response._get_param("vpcEndpointId")
    shown = [each for each in found if wanted in (None, each["vpcEndpointId"])]
    size, start = response._get_param("maxResults") or 50, response._get_param("nextToken") or "0"
    page, end = shown[int(start) :][:size], int(start) + size
    more = {"nextToken": str(end)} if end < len(shown) else {}
    return json.dumps({"syslogConfigurations": page, **more})


def delete_syslog_configuration(_: World, response: Any) -> str:
    """Feed a group by syslog no longer."""
    endpoints = settings_of(response).syslog_endpoints
    if endpoints.pop(response._get_param("vpcEndpointId"), None) is None:
        raise ResourceNotFoundException("The specified configuration does not exist.")
    return ""


# --- scheduled queries ----------------------------------------------------------------------------

_OF_SUMMARY = (
    "scheduledQueryArn",
    "name",
    "state",
    "scheduleType",
    "scheduleExpression",
    "timezone",
    "destinationConfiguration",
    "creationTime",
    "lastUpdatedTime",
)
_GIVEN = (
    "name",
    "description",
    "queryLanguage",
    "queryString",
    "logGroupIdentifiers",
    "scheduleExpression",
    "timezone",
    "startTimeOffset",
    "endTimeOffset",
    "destinationConfiguration",
    "scheduleStartTime",
    "scheduleEndTime",
    "executionRoleArn",
)


def create_scheduled_query(_: World, response: Any) -> str:
    """Keep a query that would be run again and again."""
    backend = response.logs_backend
    name, queries = response._get_param("name"), account_of(response).scheduled_queries
    if any(query["name"] == name for query in queries.values()):
        raise LogsClientError("ConflictException", "A scheduled query of this name exists.")
    partition = logs_models.get_partition(backend.region_name)
    arn = f"arn:{partition}:logs:{backend.region_name}:{backend.account_id}:scheduled-query:{name}"
    query = {each: response._get_param(each) for each in _GIVEN}
    queries[arn] = {each: value for each, value in query.items() if value is not None} | {
        "scheduledQueryArn": arn,
        "scheduleType": "CUSTOMER_MANAGED",
        "state": response._get_param("state") or "ENABLED",
        "creationTime": moment(),
        "lastUpdatedTime": moment(),
    }
    return json.dumps({"scheduledQueryArn": arn, "state": queries[arn]["state"]})


def _scheduled_query(response: Any) -> dict[str, Any]:
    given = response._get_param("identifier")
    for query in account_of(response).scheduled_queries.values():
        if given in (query["name"], query["scheduledQueryArn"]):
            return query
    raise ResourceNotFoundException("The specified scheduled query does not exist.")


def list_scheduled_queries(_: World, response: Any) -> str:
    """What is told of each scheduled query in a list: not the groups, nor the query."""
    found = [
        {name: query[name] for name in _OF_SUMMARY if name in query}
        for query in account_of(response).scheduled_queries.values()
    ]
    return json.dumps({"scheduledQueries": found})


def get_scheduled_query(_: World, response: Any) -> str:
    """All of one scheduled query."""
    return json.dumps(_scheduled_query(response))


def delete_scheduled_query(_: World, response: Any) -> str:
    """Take a scheduled query away."""
    arn = _scheduled_query(response)["scheduledQueryArn"]
    del account_of(response).scheduled_queries[arn]
    return "{}"


# --- what a filter has besides its pattern --------------------------------------------------------


def _given(response: Any, *names: str) -> dict[str, Any]:
    values = {name: response._get_param(name) for name in names}
    return {name: value for name, value in values.items() if value is not None}


def _checked(given: dict[str, Any], group: Any) -> dict[str, Any]:
    try:
        criteria = given.get("fieldSelectionCriteria")
        log_settings.fields_select(criteria, log_settings.system_fields(group))
    except log_settings.InvalidCriteriaError as error:
        raise InvalidParameterException(str(error)) from error
    return given


def put_subscription_filter(_: World, original: Callable[[Any], str], response: Any) -> str:
    """Make a subscription filter with all that it can have."""
    group = group_of(response)
    names = ("distribution", "applyOnTransformedLogs", "fieldSelectionCriteria", "emitSystemFields")
    given = _checked(_given(response, *names), group)
    answer = original(response)
    made = group.subscription_filters[response._get_param("filterName")]
    made.sandbox_more = given
    return answer


def subscribe_destination(
    world: World, original: Callable[..., None], backend: Any, *arguments: Any
) -> None:
    """Send a group's events to a destination (PutDestination), of this account or another.

    One of another account is taken to be there and to admit this one.
    """
    group_name, name, pattern, destination, role = arguments
    if ":destination:" not in destination:
        original(backend, *arguments)
        return
    group = backend.groups.get(group_name)
    if group is None:
        raise ResourceNotFoundException()
    if destination.split(":")[4] == world.settings.account and not any(
        made.arn == destination for made in backend.destinations.values()
    ):
        raise InvalidParameterException("Could not find the specified destination.")
    group.put_subscription_filter(name, pattern, destination, role)


def describe_subscription_filter(
    _: World, original: Callable[[Any], dict[str, Any]], subscription: Any
) -> dict[str, Any]:
    """A subscription filter with all that it was given."""
    more: dict[str, Any] = getattr(subscription, "sandbox_more", {})
    return {**original(subscription), **more}


def put_metric_filter(_: World, original: Callable[[Any], str], response: Any) -> str:
    """Make a metric filter with all that it can have."""
    group = group_of(response)
    names = ("applyOnTransformedLogs", "fieldSelectionCriteria", "emitSystemFieldDimensions")
    given = _checked(_given(response, *names), group)
    answer = original(response)
    for made in response.logs_backend.filters.metric_filters:
        if (made["filterName"], made["logGroupName"]) == (
            response._get_param("filterName"),
            group.name,
        ):
            made.update(given)
    return answer


def lacking(name: str, by: Callable[..., str], operation: str) -> Replacement:
    """An operation that is added."""
    return Replacement(LogsResponse, name, by, f"moto lacks {operation}.", Kind.ADDED)


REPLACEMENTS = (
    *(
        lacking(name, by, "".join(part.capitalize() for part in name.split("_")))
        for name, by in (
            ("put_log_group_deletion_protection", put_deletion_protection),
            ("put_bearer_token_authentication", put_bearer_tokens),
            ("put_syslog_configuration", put_syslog_configuration),
            ("list_syslog_configurations", list_syslog_configurations),
            ("delete_syslog_configuration", delete_syslog_configuration),
            ("create_scheduled_query", create_scheduled_query),
            ("list_scheduled_queries", list_scheduled_queries),
            ("get_scheduled_query", get_scheduled_query),
            ("delete_scheduled_query", delete_scheduled_query),
        )
    ),
    Replacement(
        LogsResponse,
        "put_subscription_filter",
        put_subscription_filter,
        "moto forgets distribution, system fields, their selection, and that the filter looks at "
        "transformed events.",
        Kind.AROUND,
    ),
    Replacement(
        logs_models.LogsBackend,
        "put_subscription_filter",
        subscribe_destination,
        "A subscription can send to a destination elsewhere, which moto takes for a log group.",
        Kind.AROUND,
    ),
    Replacement(
        logs_models.SubscriptionFilter,
        "to_json",
        describe_subscription_filter,
        "What a filter was given is shown.",
        Kind.AROUND,
    ),
    Replacement(
        LogsResponse,
        "put_metric_filter",
        put_metric_filter,
        "moto forgets system fields, their selection, and whether the filter looks at transformed "
        "events.",
        Kind.AROUND,
    ),
)
