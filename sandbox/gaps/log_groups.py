"""Where moto's answers about log groups and their metric filters differ from CloudWatch Logs's."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from moto.logs import models as logs_models
from moto.logs.exceptions import InvalidParameterException, ResourceNotFoundException
from moto.logs.metric_filters import MetricFilters
from moto.logs.responses import LogsResponse

from sandbox.clock import milliseconds, now
from sandbox.gaps.log_settings import group_of, refuse_if_protected
from sandbox.messaging import filter_pattern, log_access, log_settings
from sandbox.messaging.log_events import check_pattern
from sandbox.replacement import Kind, Replacement
from sandbox.world import World

MAXIMUM_MESSAGES = 50  # that TestMetricFilter takes


def create_log_group(world: World, original: Callable[[Any], str], response: Any) -> str:
    """Make a group and keep its class.

    Raises InvalidParameterException for a key that does not admit the service.
    """
    region = response.logs_backend.region_name
    name, key = response._get_param("logGroupName"), response._get_param("kmsKeyId")
    if key and name:
        _check_key(world, region, name, key)
    answer = original(response)
    group = response.logs_backend.groups[response._get_param("logGroupName")]
    settings = log_settings.of_group(group)
    settings.log_class = response._get_param("logGroupClass") or "STANDARD"
    settings.deletion_protection = bool(response._get_param("deletionProtectionEnabled"))
    return answer


def describe_log_group(
    world: World, original: Callable[[Any], dict[str, Any]], group: Any
) -> dict[str, Any]:
    """A group as DescribeLogGroups shows it."""
    shown = original(group)
    backend = world.backend("logs", group.region)
    shown["metricFilterCount"] = sum(
        each["logGroupName"] == group.name for each in backend.filters.metric_filters
    )
    settings = log_settings.of_group(group)
    shown["logGroupClass"] = settings.log_class
    shown["deletionProtectionEnabled"] = settings.deletion_protection
    shown["bearerTokenAuthenticationEnabled"] = settings.bearer_tokens
    if settings.had_data_protection:
        active = settings.data_protection is not None
        shown["dataProtectionStatus"] = "ACTIVATED" if active else "DELETED"
    account = log_settings.of_account(backend)
    if account.policies_for("DATA_PROTECTION_POLICY", group.name):
        shown["inheritedProperties"] = ["ACCOUNT_DATA_PROTECTION"]
    return _retained(shown, group, account)


def _retained(
    shown: dict[str, Any], group: Any, account: log_settings.AccountSettings
) -> dict[str, Any]:
    """A group as shown, with the retention that a policy of the account puts above its own."""
    for policy in account.policies_for("RETENTION_POLICY", group.name):
        document = json.loads(policy.document)
        created = group.creation_time.replace(tzinfo=policy.updated.tzinfo)
        if document.get("enforcementMode") != "RETROACTIVE" and created < policy.updated:
            continue
        shown["retentionPolicyName"] = policy.name
        shown["retentionInDays"] = document["retentionInDays"]
        if shown["retentionInDays"] == "NEVER_EXPIRE":
            del shown["retentionInDays"]
    return shown


def _check_key(world: World, region: str, name: str, key: str) -> None:
    """CloudWatch Logs takes a key only when its policy admits the service of the region."""
    if log_access.key_refusal(world, region, name, key):
        arn = log_access.group_arn(world, region, name)
        raise InvalidParameterException(
            "The specified KMS key does not exist or is not allowed to be used with "
            f"LogGroup '{arn}'"
        )


def associate_kms_key(world: World, response: Any) -> str:
    """Encrypt a group with a key from now on."""
    group, key = group_of(response), response._get_param("kmsKeyId")
    _check_key(world, group.region, group.name, key)
    group.kms_key_id = key
    return ""


def disassociate_kms_key(world: World, response: Any) -> str:
    """Leave a group to the service's own key."""
    group_of(response).kms_key_id = None
    return ""


def add_filter(
    world: World,
    filters: Any,
    filter_name: str,
    filter_pattern: str,
    log_group_name: str,
    metric_transformations: Any,
) -> None:
    """Put a metric filter in the place of the one of its name, if there is one."""
    check_pattern(filter_pattern)
    delete_filter(world, filters, filter_name, log_group_name)
    filters.metric_filters.append(
        {
            "filterName": filter_name,
            "filterPattern": filter_pattern,
            "logGroupName": log_group_name,
            "metricTransformations": metric_transformations,
            "creationTime": milliseconds(now()),
        }
    )


def delete_filter(
    world: World,
    filters: Any,
    filter_name: str | None = None,
    log_group_name: str | None = None,
) -> list[dict[str, Any]]:
    """Take a metric filter away; returns those that are left."""
    filters.metric_filters = [
        kept
        for kept in filters.metric_filters
        if (kept["filterName"], kept["logGroupName"]) != (filter_name, log_group_name)
    ]
    remaining: list[dict[str, Any]] = filters.metric_filters
    return remaining


def try_metric_filter(_: World, response: Any) -> str:
    """Tell which of some messages a pattern selects.

    https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_TestMetricFilter.html
    """
    messages = response._get_param("logEventMessages") or []
    if not 1 <= len(messages) <= MAXIMUM_MESSAGES or not all(messages):
        raise InvalidParameterException(
            "1 validation error detected: Value at 'logEventMessages' failed to satisfy "
            f"constraint: Member must have length between 1 and {MAXIMUM_MESSAGES}, and each "
            "message a length of at least 1"
        )
    check_pattern(response._get_param("filterPattern"))
    pattern = filter_pattern.compile_pattern(response._get_param("filterPattern"))
    matches = [
        {"eventNumber": number, "eventMessage": message, "extractedValues": {}}
        for number, message in enumerate(messages, start=1)
        if pattern.matches(message)
    ]
    return json.dumps({"matches": matches})


def delete_log_group(
    world: World, original: Callable[..., None], backend: Any, log_group_name: str
) -> None:
    """Delete a group that is not protected, with its metric filters and its tags."""
    refuse_if_protected(backend, log_group_name)
    arn = None if (group := backend.groups.get(log_group_name)) is None else group.arn
    original(backend, log_group_name)
    backend.tagger.delete_all_tags_for_resource(arn)
    backend.filters.metric_filters = [
        kept for kept in backend.filters.metric_filters if kept["logGroupName"] != log_group_name
    ]


def list_tags(_: World, original: Callable[..., Any], backend: Any, resource_arn: str) -> Any:
    """The tags of a group, or of another resource; a group that is not there has none to tell.

    https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_ListTagsForResource.html
    """
    _before, is_group, name = resource_arn.partition(":log-group:")
    if is_group and name.removesuffix(":*") not in backend.groups:
        raise ResourceNotFoundException()
    return original(backend, resource_arn)


REPLACEMENTS = (
    Replacement(
        LogsResponse,
        "create_log_group",
        create_log_group,
        "A group has a class, and takes only a key that admits the service.",
        Kind.AROUND,
    ),
    Replacement(
        logs_models.LogGroup,
        "to_describe_dict",
        describe_log_group,
        "Without the class in the answer the provider replaces the group at each apply; the other "
        "settings are shown as well.",
        Kind.AROUND,
    ),
    Replacement(
        LogsResponse,
        "associate_kms_key",
        associate_kms_key,
        "moto lacks AssociateKmsKey.",
        Kind.ADDED,
    ),
    Replacement(
        LogsResponse,
        "disassociate_kms_key",
        disassociate_kms_key,
        "moto lacks DisassociateKmsKey.",
        Kind.ADDED,
    ),
    Replacement(
        LogsResponse,
        "test_metric_filter",
        try_metric_filter,
        "moto lacks TestMetricFilter.",
        Kind.ADDED,
    ),
    Replacement(
        MetricFilters,
        "add_filter",
        add_filter,
        "A second PutMetricFilter of a name replaces the first, where moto keeps both; a filter "
        "has a creation time.",
    ),
    Replacement(
        MetricFilters,
        "delete_filter",
        delete_filter,
        "A filter is that of its name and its group together.",
    ),
    Replacement(
        logs_models.LogsBackend,
        "delete_log_group",
        delete_log_group,
        "A protected group stays; its metric filters and tags go with a group.",
        Kind.AROUND,
    ),
    Replacement(
        logs_models.LogsBackend,
        "list_tags_for_resource",
        list_tags,
        "Of a group that is not there no tags are told, where moto tells those that it had.",
        Kind.AROUND,
    ),
)
