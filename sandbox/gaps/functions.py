"""Where moto's answers about functions differ from Lambda's."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from moto.awslambda import models as lambda_models
from moto.awslambda import policy as lambda_policy
from moto.awslambda import urls as lambda_urls
from moto.awslambda.exceptions import LambdaClientError
from moto.awslambda.responses import LambdaResponse
from moto.utilities.utils import get_partition

from sandbox.access import permissions
from sandbox.gaps import keys
from sandbox.replacement import Kind, Replacement
from sandbox.world import World

_URLS_PATH = r"{0}/(?P<api_version>[^/]+)/functions/(?P<function_name>[\w_:%-]+)/urls/?$"


def _check_role(world: World, role: str | None, dead_letter: dict[str, Any] | None) -> None:
    if role is None or permissions.role_documents(world, role) is None:
        return  # moto has its own message for it
    if not permissions.service_may_assume(world, role, "lambda.amazonaws.com"):
        raise LambdaClientError(
            "InvalidParameterValueException",
            "The role defined for the function cannot be assumed by Lambda.",
        )
    target = (dead_letter or {}).get("TargetArn")
    action = {"sqs": "sqs:SendMessage", "sns": "sns:Publish"}.get((target or "::").split(":")[2])
    if target and action and not permissions.role_may(world, role, action, target):
        service, name = action.split(":")
        raise LambdaClientError(
            "InvalidParameterValueException",
            "The provided execution role does not have permissions to call "
            f"{name} on {service.upper()}",
        )


def create_function(
    world: World, original: Callable[..., Any], backend: Any, spec: dict[str, Any]
) -> Any:
    """Make a function. Raises LambdaClientError for a role that it cannot have."""
    _check_role(world, spec.get("Role"), spec.get("DeadLetterConfig"))
    function = original(backend, spec)
    keys.grant_to_function(backend, function)
    return function


def update_function_configuration(
    world: World,
    original: Callable[..., Any],
    backend: Any,
    function_name: str,
    qualifier: str,
    body: dict[str, Any],
) -> Any:
    """Change a function. Raises LambdaClientError for a role that it cannot have."""
    function = backend.get_function(function_name, qualifier)
    dead_letter = body.get("DeadLetterConfig", function.dead_letter_config)
    _check_role(world, body.get("Role", function.role), dead_letter)
    return original(backend, function_name, qualifier, body)


def begin_function(
    world: World,
    original: Callable[..., None],
    function: Any,
    account_id: str,
    spec: dict[str, Any],
    region: str,
    version: Any = 1,
) -> None:
    """Make moto's function, with what its configuration shows besides."""
    original(function, account_id, spec, region, version)
    function.dead_letter_config = spec.get("DeadLetterConfig") or None
    function.logging_config = spec.get("LoggingConfig") or {}


def get_configuration(
    world: World, original: Callable[..., dict[str, Any]], function: Any, on_create: bool = False
) -> dict[str, Any]:
    """A function's configuration as Lambda shows it."""
    shown = original(function, on_create)
    if function.dead_letter_config and function.dead_letter_config.get("TargetArn"):
        shown["DeadLetterConfig"] = function.dead_letter_config
    shown["LoggingConfig"] = {
        "LogFormat": "Text",
        "LogGroup": f"/aws/lambda/{function.function_name}",
        **function.logging_config,
    }
    return {name: value for name, value in shown.items() if value is not None}


def update_configuration(
    world: World,
    original: Callable[..., Any],
    function: Any,
    updates: dict[str, Any],
) -> dict[str, Any]:
    """Change a function's configuration; returns it as it is now."""
    original(function, updates)
    if "DeadLetterConfig" in updates:
        function.dead_letter_config = updates["DeadLetterConfig"]
    if "LoggingConfig" in updates:
        function.logging_config = updates["LoggingConfig"]
    if "KMSKeyArn" in updates:
        function.kms_key_arn = updates["KMSKeyArn"]
    if "TracingConfig" in updates:
        function.tracing_config = updates["TracingConfig"]
    if "EphemeralStorage" in updates:
        function.ephemeral_storage = updates["EphemeralStorage"]["Size"]
    function.last_modified = lambda_models.iso_8601_datetime_with_nanoseconds()
    shown: dict[str, Any] = function.get_configuration()
    return shown


def format_principal(
    world: World, original: Callable[..., Any], document: Any, principal: Any
) -> Any:
    """The principal of a permission, as the function's policy keeps it.

    https://docs.aws.amazon.com/lambda/latest/dg/permissions-function-cross-account.html
    """
    if isinstance(principal, str) and re.fullmatch(r"\d{12}", principal):
        partition = get_partition(world.settings.region)
        return {"AWS": f"arn:{partition}:iam::{principal}:root"}
    if isinstance(principal, str) and principal.startswith("arn:"):
        return {"AWS": principal}
    return original(document, principal)


def list_function_url_configs(world: World, response: Any) -> str:
    """The one URL that a function may have, or none."""
    name = unquote(response.path.split("/")[-2])
    config = response.backend.get_function(name).url_config
    return json.dumps({"FunctionUrlConfigs": [config.to_dict()] if config else []})


def dispatch_urls(world: World, *arguments: Any) -> Any:
    """Answer a request for a function's URLs as moto answers any other of Lambda's."""
    return LambdaResponse.dispatch(*arguments)


REPLACEMENTS = (
    Replacement(
        lambda_models.LambdaBackend,
        "create_function",
        create_function,
        "Lambda refuses a role that does not trust it, or may not use the dead-letter queue.",
        Kind.AROUND,
    ),
    Replacement(
        lambda_models.LambdaBackend,
        "update_function_configuration",
        update_function_configuration,
        "Lambda refuses such a role also where a function is changed.",
        Kind.AROUND,
    ),
    Replacement(
        lambda_models.LambdaFunction,
        "__init__",
        begin_function,
        "moto drops a function's dead-letter queue and logging configuration.",
        Kind.AROUND,
    ),
    Replacement(
        lambda_models.LambdaFunction,
        "get_configuration",
        get_configuration,
        "Without them in the answer every plan sets them again, and nobody can see them.",
        Kind.AROUND,
    ),
    Replacement(
        lambda_models.LambdaFunction,
        "update_configuration",
        update_configuration,
        "moto does not change all that UpdateFunctionConfiguration changes, nor the time of it.",
        Kind.AROUND,
    ),
    Replacement(
        lambda_policy.Policy,
        "principal_formatter",
        format_principal,
        "A permission for an account's id names the account's root, as in every kept policy.",
        Kind.AROUND,
    ),
    Replacement(
        LambdaResponse,
        "list_function_url_configs",
        list_function_url_configs,
        "moto lacks ListFunctionUrlConfigs.",
        Kind.ADDED,
    ),
    Replacement(
        lambda_urls.url_paths,
        _URLS_PATH,
        dispatch_urls,
        "The path of ListFunctionUrlConfigs.",
        Kind.ADDED,
    ),
)
