"""Where moto's answers about functions differ from Lambda's; see ``sandbox.gaps``."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import unquote

from moto.awslambda import models as lambda_models
from moto.awslambda import policy as lambda_policy
from moto.awslambda import urls as lambda_urls
from moto.awslambda.exceptions import LambdaClientError
from moto.awslambda.responses import LambdaResponse
from moto.utilities.utils import get_partition

from sandbox.access import permissions
from sandbox.world import World


def install(world: World) -> None:
    """Close all the gaps."""
    for close in (_role, _configuration, _permission_for_an_account, _urls):
        close(world)


def _role(world: World) -> None:
    """Lambda refuses a role that does not trust it, or that may not use the dead-letter queue."""
    original_create = lambda_models.LambdaBackend.create_function
    original_update = lambda_models.LambdaBackend.update_function_configuration

    def check(role: str | None, dead_letter: dict[str, Any] | None) -> None:
        if role is None or permissions.role_documents(world, role) is None:
            return  # moto has its own message for it
        if not permissions.service_may_assume(world, role, "lambda.amazonaws.com"):
            raise LambdaClientError(
                "InvalidParameterValueException",
                "The role defined for the function cannot be assumed by Lambda.",
            )
        target = (dead_letter or {}).get("TargetArn")
        action = {"sqs": "sqs:SendMessage", "sns": "sns:Publish"}.get(
            (target or "::").split(":")[2]
        )
        if target and action and not permissions.role_may(world, role, action, target):
            service, name = action.split(":")
            raise LambdaClientError(
                "InvalidParameterValueException",
                "The provided execution role does not have permissions to call "
                f"{name} on {service.upper()}",
            )

    def create_function(backend: Any, spec: dict[str, Any]) -> Any:
        check(spec.get("Role"), spec.get("DeadLetterConfig"))
        return original_create(backend, spec)

    def update_function_configuration(
        backend: Any, function_name: str, qualifier: str, body: dict[str, Any]
    ) -> Any:
        function = backend.get_function(function_name, qualifier)
        dead_letter = body.get("DeadLetterConfig", function.dead_letter_config)
        check(body.get("Role", function.role), dead_letter)
        return original_update(backend, function_name, qualifier, body)

    lambda_models.LambdaBackend.create_function = create_function
    lambda_models.LambdaBackend.update_function_configuration = update_function_configuration


def _configuration(world: World) -> None:
    """Lambda returns a function's dead-letter queue and logging configuration; moto drops them.

    Without them every plan wants to set them again, and a verifier could not see them.
    """
    function_class = lambda_models.LambdaFunction
    original_init = function_class.__init__
    original_configuration = function_class.get_configuration
    original_update = function_class.update_configuration

    def __init__(  # noqa: N807
        function: Any, account_id: str, spec: dict[str, Any], region: str, version: Any = 1
    ) -> None:
        original_init(function, account_id, spec, region, version)
        function.dead_letter_config = spec.get("DeadLetterConfig") or None
        function.logging_config = spec.get("LoggingConfig") or {}

    def get_configuration(function: Any, on_create: bool = False) -> dict[str, Any]:
        shown: dict[str, Any] = original_configuration(function, on_create)
        if function.dead_letter_config and function.dead_letter_config.get("TargetArn"):
            shown["DeadLetterConfig"] = function.dead_letter_config
        shown["LoggingConfig"] = {
            "LogFormat": "Text",
            "LogGroup": f"/aws/lambda/{function.function_name}",
            **function.logging_config,
        }
        return {name: value for name, value in shown.items() if value is not None}

    def update_configuration(function: Any, updates: dict[str, Any]) -> dict[str, Any]:
        original_update(function, updates)
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

    function_class.__init__ = __init__
    function_class.get_configuration = get_configuration
    function_class.update_configuration = update_configuration


def _permission_for_an_account(world: World) -> None:
    """A permission for an account's id names the account's root, as in every policy that is kept.

    https://docs.aws.amazon.com/lambda/latest/dg/permissions-function-cross-account.html
    """
    original = lambda_policy.Policy.principal_formatter

    def principal_formatter(document: Any, principal: Any) -> Any:
        if isinstance(principal, str) and re.fullmatch(r"\d{12}", principal):
            partition = get_partition(world.settings.region)
            return {"AWS": f"arn:{partition}:iam::{principal}:root"}
        if isinstance(principal, str) and principal.startswith("arn:"):
            return {"AWS": principal}
        return original(document, principal)

    lambda_policy.Policy.principal_formatter = principal_formatter


def _urls(world: World) -> None:
    """ListFunctionUrlConfigs, which moto lacks: the one URL that a function may have, or none."""

    def list_function_url_configs(response: Any) -> str:
        name = unquote(response.path.split("/")[-2])
        config = response.backend.get_function(name).url_config
        return json.dumps({"FunctionUrlConfigs": [config.to_dict()] if config else []})

    LambdaResponse.list_function_url_configs = list_function_url_configs
    path = r"{0}/(?P<api_version>[^/]+)/functions/(?P<function_name>[\w_:%-]+)/urls/?$"
    lambda_urls.url_paths[path] = LambdaResponse.dispatch
