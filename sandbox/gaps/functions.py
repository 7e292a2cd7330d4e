"""Where moto's answers about functions differ from Lambda's."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from moto.awslambda import models as lambda_models
from moto.awslambda.exceptions import LambdaClientError
from moto.awslambda.utils import make_function_arn

from sandbox.access import current, permissions
from sandbox.gaps import keys
from sandbox.replacement import Kind, Replacement
from sandbox.world import World

# What a function may be given besides, and its configuration then shows as it was given.
_SHOWN_AS_GIVEN = ("FileSystemConfigs", "SnapStart", "TenancyConfig")
_OUTSIDE_OF_ANY_VPC = {
    "SubnetIds": [],
    "SecurityGroupIds": [],
    "VpcId": "",
    "Ipv6AllowedForDualStack": False,
}


def _check_role(
    world: World, function_arn: str, role: str | None, dead_letter: dict[str, Any] | None
) -> None:
    if role is None or permissions.role_documents(world, role) is None:
        return  # moto has its own message for it
    if not permissions.service_may_assume(world, role, "lambda.amazonaws.com", function_arn):
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
    arn = make_function_arn(backend.region_name, backend.account_id, spec["FunctionName"])
    _check_role(world, arn, spec.get("Role"), spec.get("DeadLetterConfig"))
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
    _check_role(world, function.function_arn, body.get("Role", function.role), dead_letter)
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
    function.shown_as_given = {name: spec[name] for name in _SHOWN_AS_GIVEN if name in spec}
    function.qualified_policies = {}


def get_configuration(
    world: World, original: Callable[..., dict[str, Any]], function: Any, on_create: bool = False
) -> dict[str, Any]:
    """A function's configuration as Lambda shows it to who asks."""
    shown = original(function, on_create)
    if function.dead_letter_config and function.dead_letter_config.get("TargetArn"):
        shown["DeadLetterConfig"] = function.dead_letter_config
    shown["LoggingConfig"] = _logging(function)
    shown["VpcConfig"] = _network(world, function)
    shown["KMSKeyArn"] = function.kms_key_arn or None
    shown["Layers"] = function.layers or None
    shown["RuntimeVersionConfig"] = {"RuntimeVersionArn": _runtime_version(function)}
    shown |= function.shown_as_given
    if "SnapStart" in function.shown_as_given:
        shown["SnapStart"] = {"OptimizationStatus": "Off", **function.shown_as_given["SnapStart"]}
    if "Environment" in shown and not _may_decrypt(world, function):
        shown["Environment"] = {"Error": _REFUSED}
    return {name: value for name, value in shown.items() if value is not None}


_REFUSED = {
    "ErrorCode": "AccessDeniedException",
    "Message": "Lambda was unable to decrypt your environment variables because the KMS access was "
    "denied. Please check your KMS permissions. KMS Exception: AccessDeniedException",
}


def _may_decrypt(world: World, function: Any) -> bool:
    """Whether the caller may see the variables: Lambda decrypts them in the caller's name.

    https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars-encryption.html
    """
    caller = current.caller()
    if caller is None or caller.role_arn is None or not function.kms_key_arn:
        return True
    key = permissions.find_key(world, function.kms_key_arn, function.region)
    suffix = "amazonaws.com.cn" if function.partition == "aws-cn" else "amazonaws.com"
    context = {
        "kms:viaservice": f"lambda.{function.region}.{suffix}",
        "kms:encryptioncontext:aws:lambda:functionarn": _unqualified(function.function_arn),
    }
    return key is not None and permissions.role_may(
        world, caller.role_arn, "kms:Decrypt", key.arn, context
    )


def _unqualified(arn: str) -> str:
    """A function's ARN without version or alias."""
    return ":".join(arn.split(":")[:7])


def _logging(function: Any) -> dict[str, Any]:
    """Levels are for JSON alone; there they are INFO unless given.

    https://docs.aws.amazon.com/lambda/latest/api/API_LoggingConfig.html
    """
    shown = {
        "LogFormat": "Text",
        "LogGroup": f"/aws/lambda/{function.function_name}",
        **function.logging_config,
    }
    if shown["LogFormat"] == "JSON":
        shown = {"ApplicationLogLevel": "INFO", "SystemLogLevel": "INFO", **shown}
    return shown


def _network(world: World, function: Any) -> dict[str, Any] | None:
    """The VPC is that of the subnets; a function that left one keeps an empty configuration."""
    config: Mapping[str, Any] | None = function._vpc_config
    if config is None:
        return None
    if not config.get("SubnetIds"):
        return _OUTSIDE_OF_ANY_VPC
    vpc = world.backend("ec2", function.region).get_subnet(config["SubnetIds"][0]).vpc_id
    return {"Ipv6AllowedForDualStack": False, **config, "VpcId": vpc}


def _runtime_version(function: Any) -> str:
    """Of each managed runtime there is one version here."""
    digest = hashlib.sha256(str(function.run_time).encode()).hexdigest()
    return f"arn:{function.partition}:lambda:{function.region}::runtime:{digest}"


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
    function.shown_as_given = {
        **function.shown_as_given,
        **{name: updates[name] for name in _SHOWN_AS_GIVEN if name in updates},
    }
    function.last_modified = lambda_models.iso_8601_datetime_with_nanoseconds()
    shown: dict[str, Any] = function.get_configuration()
    return shown


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
        "moto drops a function's dead-letter queue, logging configuration and file systems.",
        Kind.AROUND,
    ),
    Replacement(
        lambda_models.LambdaFunction,
        "get_configuration",
        get_configuration,
        "Without them every plan sets them again; and who may not decrypt sees no variables.",
        Kind.AROUND,
    ),
    Replacement(
        lambda_models.LambdaFunction,
        "update_configuration",
        update_configuration,
        "moto does not change all that UpdateFunctionConfiguration changes, nor the time of it.",
        Kind.AROUND,
    ),
)
