"""CloudWatch Logs's policies on events and writers, of accounts and groups, which moto lacks.

What they do to events on their way, and which resource policies admit EventBridge, is in
sandbox.messaging. Not followed are the findings that a data protection policy would write down, and
what a resource policy admits other services to.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from moto.logs.exceptions import (
    InvalidParameterException,
    LimitExceededException,
    ResourceNotFoundException,
)
from moto.logs.responses import LogsResponse

from sandbox.clock import milliseconds, now
from sandbox.gaps.log_settings import (
    account_of,
    invalid_operation,
    lacking,
    moment,
    settings_of,
)
from sandbox.messaging import log_settings, log_views
from sandbox.messaging.log_events import check_pattern
from sandbox.messaging.log_settings import AccountPolicy
from sandbox.replacement import Kind, Replacement
from sandbox.world import World

_ONE_EACH = frozenset({"DATA_PROTECTION_POLICY", "SUBSCRIPTION_FILTER_POLICY"})
_WITHOUT_CRITERIA = frozenset({"DATA_PROTECTION_POLICY"})
_KINDS = frozenset(
    {
        *_ONE_EACH,
        "FIELD_INDEX_POLICY",
        "METRIC_EXTRACTION_POLICY",
        "RETENTION_POLICY",
        "TRANSFORMER_POLICY",
    }
)


# --- an account's policies ------------------------------------------------------------------------


def put_account_policy(_: World, response: Any) -> str:
    """Make or change a policy for many log groups."""
    kind, document = response._get_param("policyType"), response._get_param("policyDocument")
    criteria = response._get_param("selectionCriteria") or ""
    if kind not in _KINDS or (criteria and kind in _WITHOUT_CRITERIA):
        raise InvalidParameterException()
    policy = AccountPolicy(response._get_param("policyName"), kind, document, criteria, now())
    _check_account_policy(policy)
    kept = account_of(response).policies
    others = [name for of, name in kept if of == kind and name != policy.name]
    if others and kind in _ONE_EACH:
        raise LimitExceededException()
    kept[kind, policy.name] = policy
    return json.dumps({"accountPolicy": _shown(response, policy)})


def _check_account_policy(policy: AccountPolicy) -> None:
    try:
        log_settings.criteria_select(policy.criteria, "")
        document = json.loads(policy.document)
        if policy.kind == "DATA_PROTECTION_POLICY":
            log_views.sensitive(policy.document)
        if policy.kind == "TRANSFORMER_POLICY":
            log_views.check_transformer(document)
        if policy.kind == "SUBSCRIPTION_FILTER_POLICY":
            check_pattern(document.get("FilterPattern"))
            if not document.get("DestinationArn"):
                raise InvalidParameterException("A subscription needs a DestinationArn.")
    except (
        ValueError,
        log_settings.InvalidCriteriaError,
        log_views.InvalidDocumentError,
    ) as error:
        raise InvalidParameterException(str(error)) from error


def _shown(response: Any, policy: AccountPolicy) -> dict[str, Any]:
    shown = {
        "policyName": policy.name,
        "policyDocument": policy.document,
        "policyType": policy.kind,
        "lastUpdatedTime": milliseconds(policy.updated),
        "scope": "ALL",
        "accountId": response.logs_backend.account_id,
    }
    return shown | ({"selectionCriteria": policy.criteria} if policy.criteria else {})


def describe_account_policies(_: World, response: Any) -> str:
    """The account's policies of one kind."""
    kind, name = response._get_param("policyType"), response._get_param("policyName")
    if kind not in _KINDS:
        raise InvalidParameterException()
    found = [
        _shown(response, policy)
        for policy in account_of(response).policies.values()
        if policy.kind == kind and name in (None, policy.name)
    ]
    return json.dumps({"accountPolicies": found})


def delete_account_policy(_: World, response: Any) -> str:
    """Take a policy away."""
    key = response._get_param("policyType"), response._get_param("policyName")
    if account_of(response).policies.pop(key, None) is None:
        raise ResourceNotFoundException("The specified policy does not exist.")
    return "{}"


# --- a group's data protection and transformer ----------------------------------------------------


def put_data_protection_policy(_: World, response: Any) -> str:
    """Mask what the policy names in what the group's readers are sent from now on."""
    settings, document = settings_of(response), response._get_param("policyDocument")
    try:
        log_views.sensitive(document)
    except log_views.InvalidDocumentError as error:
        raise InvalidParameterException(str(error)) from error
    settings.data_protection, settings.had_data_protection = document, True
    settings.data_protection_updated = moment()
    return get_data_protection_policy(_, response)


def get_data_protection_policy(_: World, response: Any) -> str:
    """The group's own policy; without one the answer has no document."""
    settings = settings_of(response)
    shown: dict[str, Any] = {"logGroupIdentifier": response._get_param("logGroupIdentifier")}
    if settings.data_protection is not None:
        shown["policyDocument"] = settings.data_protection
        shown["lastUpdatedTime"] = settings.data_protection_updated
    return json.dumps(shown)


def delete_data_protection_policy(_: World, response: Any) -> str:
    """Take the group's policy away."""
    settings = settings_of(response)
    if settings.data_protection is None:
        raise ResourceNotFoundException("The specified policy does not exist.")
    settings.data_protection = None
    return ""


def put_transformer(_: World, response: Any) -> str:
    """Transform the group's events from now on, for the filters that ask for that."""
    settings, processors = settings_of(response), response._get_param("transformerConfig")
    if settings.log_class != "STANDARD":
        raise invalid_operation("Only log groups of the Standard class can have a transformer.")
    try:
        log_views.check_transformer(processors)
    except log_views.InvalidDocumentError as error:
        raise InvalidParameterException(str(error)) from error
    settings.transformer = processors
    settings.transformer_created = settings.transformer_created or moment()
    return ""


def get_transformer(_: World, response: Any) -> str:
    """The group's own transformer; without one the answer is empty."""
    settings = settings_of(response)
    if settings.transformer is None:
        return "{}"
    return json.dumps(
        {
            "logGroupIdentifier": response._get_param("logGroupIdentifier"),
            "creationTime": settings.transformer_created,
            "lastModifiedTime": settings.transformer_created,
            "transformerConfig": settings.transformer,
        }
    )


def delete_transformer(_: World, response: Any) -> str:
    """Take the group's transformer away."""
    settings = settings_of(response)
    if settings.transformer is None:
        raise ResourceNotFoundException("The specified transformer does not exist.")
    settings.transformer, settings.transformer_created = None, 0
    return ""


# --- who may write into a group -------------------------------------------------------------------


def put_resource_policy(_: World, original: Callable[[Any], str], response: Any) -> str:
    """Make or change a policy of the account, or of the one group that is named."""
    arn = response._get_param("resourceArn")
    if not arn:
        return original(response)
    policy = {
        "policyName": response._get_param("policyName") or "",
        "policyDocument": response._get_param("policyDocument"),
        "lastUpdatedTime": moment(),
        "policyScope": "RESOURCE",
        "resourceArn": arn,
        "revisionId": str(moment()),
    }
    log_settings.of_group(_group_at(response, arn)).resource_policy = policy
    return json.dumps({"resourcePolicy": policy, "revisionId": policy["revisionId"]})


def _group_at(response: Any, arn: str) -> Any:
    group = response.logs_backend.groups.get(arn.split(":log-group:")[-1].removesuffix(":*"))
    if group is None:
        raise ResourceNotFoundException()
    return group


def describe_resource_policies(_: World, original: Callable[[Any], str], response: Any) -> str:
    """The policies of the account, or those of single groups."""
    arn = response._get_param("resourceArn")
    if not arn and response._get_param("policyScope") != "RESOURCE":
        shown = json.loads(original(response))["resourcePolicies"]
        return json.dumps(
            {"resourcePolicies": [{**each, "policyScope": "ACCOUNT"} for each in shown]}
        )
    groups = [_group_at(response, arn)] if arn else response.logs_backend.groups.values()
    found = [log_settings.of_group(group).resource_policy for group in groups]
    return json.dumps({"resourcePolicies": [policy for policy in found if policy]})


def delete_resource_policy(_: World, original: Callable[[Any], str], response: Any) -> str:
    """Take a policy of the account, or of one group, away."""
    arn = response._get_param("resourceArn")
    if not arn:
        return original(response)
    settings = log_settings.of_group(_group_at(response, arn))
    if settings.resource_policy is None:
        raise ResourceNotFoundException("The specified policy does not exist.")
    settings.resource_policy = None
    return ""


REPLACEMENTS = (
    *(
        lacking(name, by, "".join(part.capitalize() for part in name.split("_")))
        for name, by in (
            ("put_account_policy", put_account_policy),
            ("describe_account_policies", describe_account_policies),
            ("delete_account_policy", delete_account_policy),
            ("put_data_protection_policy", put_data_protection_policy),
            ("get_data_protection_policy", get_data_protection_policy),
            ("delete_data_protection_policy", delete_data_protection_policy),
            ("put_transformer", put_transformer),
            ("get_transformer", get_transformer),
            ("delete_transformer", delete_transformer),
        )
    ),
    *(
        Replacement(
            LogsResponse,
            name,
            by,
            "A policy can belong to one log group, beside those of the account.",
            Kind.AROUND,
        )
        for name, by in (
            ("put_resource_policy", put_resource_policy),
            ("describe_resource_policies", describe_resource_policies),
            ("delete_resource_policy", delete_resource_policy),
        )
    ),
)
