"""Where moto differs from Lambda in what belongs to a function beside its configuration.

Policies, also of aliases and versions; URLs; versions and aliases by the function's ARN; event
source mappings; asynchronous invocation; code signing; runtime management.
"""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from moto.awslambda import models as lambda_models
from moto.awslambda import policy as lambda_policy
from moto.awslambda import urls as lambda_urls
from moto.awslambda.exceptions import LambdaClientError
from moto.awslambda.policy import Policy
from moto.awslambda.responses import LambdaResponse
from moto.utilities.utils import get_partition

from sandbox.replacement import Kind, Replacement
from sandbox.world import World

_FUNCTION = r"{0}/(?P<api_version>[^/]+)/functions/(?P<function_name>[\w_:%$-]+)"
_URLS_PATH = rf"{_FUNCTION}/urls/?$"
_RUNTIME_PATH = rf"{_FUNCTION}/runtime-management-config/?$"
_SIGNING_CONFIGS_PATH = r"{0}/(?P<api_version>[^/]+)/code-signing-configs/?$"
_LATEST = "$LATEST"


def answer(world: World, *arguments: Any) -> Any:
    """Answer a request of a path that moto lacks as it answers any other of Lambda's."""
    return LambdaResponse.dispatch(*arguments)


def _named(response: Any, position: int = -2) -> str:
    """The name or ARN of the function in a request's path."""
    return unquote(response.path.split("/")[position])


# --- policies -------------------------------------------------------------------------------------


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


def _policy(backend: Any, name: str, qualifier: str | None) -> Any:
    """The policy of a function, or of an alias or version, each of which has its own."""
    backend.get_function(name, qualifier)  # raises for what there is not
    function = backend.get_function(name)
    if qualifier is None:
        return function.policy
    if qualifier == _LATEST:
        raise LambdaClientError(
            "InvalidParameterValueException",
            "We currently do not support adding policies for $LATEST.",
        )
    return function.qualified_policies.setdefault(qualifier, Policy(function))


def add_permission(
    world: World, backend: Any, function_name: str, qualifier: str | None, raw: str
) -> Any:
    """Permit somebody to invoke a function, an alias or a version."""
    statement, _ = _policy(backend, function_name, qualifier).add_statement(raw, qualifier)
    return statement


def get_policy(world: World, backend: Any, function_name: str, qualifier: str | None = None) -> str:
    """The policy of a function, an alias or a version."""
    return str(_policy(backend, function_name, qualifier).wire_format())


def remove_permission(world: World, response: Any) -> Any:
    """Take back a permission."""
    qualifier = response.querystring.get("Qualifier", [None])[0]
    statement = response.path.split("/")[-1].split("?")[0]
    revision = response.querystring.get("RevisionId", [""])[0]
    _policy(response.backend, _named(response, -3), qualifier).del_statement(statement, revision)
    return 204, {"status": 204}, "{}"


# --- URLs, versions, aliases, event source mappings -----------------------------------------------


# https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html
_WITHOUT_URLS = frozenset(
    {
        "ap-east-2",
        "ap-south-2",
        "ap-southeast-4",
        "ap-southeast-5",
        "ap-southeast-6",
        "ap-southeast-7",
        "ca-west-1",
        "eu-central-2",
        "eu-south-2",
        "il-central-1",
        "me-central-1",
    }
)


def list_function_url_configs(world: World, response: Any) -> Any:
    """The one URL that a function may have, or none; some regions have no such operation."""
    if response.region in _WITHOUT_URLS:
        said = {"Message": "Unable to determine service/operation name to be authorized"}
        headers = {"status": 403, "x-amzn-errortype": "AccessDeniedException"}
        return 403, headers, json.dumps(said)
    config = response.backend.get_function(_named(response)).url_config
    return json.dumps({"FunctionUrlConfigs": [config.to_dict()] if config else []})


def list_versions_by_function(world: World, response: Any) -> str:
    """The versions of a function, $LATEST first."""
    function = response.backend.get_function(_named(response))
    versions = response.backend.list_versions_by_function(function.function_name)
    shown = [version.get_configuration() for version in versions]
    shown[0]["Version"] = _LATEST
    return json.dumps({"Versions": shown})


def list_aliases(world: World, response: Any) -> Any:
    """The aliases of a function."""
    function = response.backend.get_function(_named(response))
    aliases = [alias.to_json() for alias in response.backend.list_aliases(function.function_name)]
    return 200, {}, json.dumps({"Aliases": aliases})


def list_event_source_mappings(
    world: World, backend: Any, event_source_arn: str | None, function_name: str | None
) -> list[Any]:
    """The mappings of a source, and of a function by its name or ARN."""
    asked = backend.get_function(function_name).function_arn if function_name else None
    return [
        mapping
        for mapping in backend._event_source_mappings.values()
        if event_source_arn in (None, mapping.event_source_arn)
        and asked in (None, mapping.function_arn)
    ]


# --- asynchronous invocation ----------------------------------------------------------------------


def put_function_event_invoke_config(
    world: World, backend: Any, function_name: str, config: dict[str, Any]
) -> dict[str, Any]:
    """Say how often and for how long an event is tried, and where it goes then."""
    function = backend.get_function(function_name)
    destinations = {"OnSuccess": {}, "OnFailure": {}, **config.get("DestinationConfig", {})}
    made = lambda_models.EventInvokeConfig(
        f"{function.function_arn}:{_LATEST}",
        time.time(),
        {**config, "DestinationConfig": destinations},
    )
    function.event_invoke_config = [made]
    shown: dict[str, Any] = made.response()
    return shown


# --- code signing and runtime management ----------------------------------------------------------


def create_code_signing_config(world: World, response: Any) -> Any:
    """Make a code signing configuration. It is not kept beyond its ARN: nothing here signs."""
    backend, asked = response.backend, response.json_body
    name = f"csc-{uuid.uuid4().hex[:17]}"
    arn = (
        f"arn:{get_partition(backend.region_name)}:lambda:{backend.region_name}:"
        f"{backend.account_id}:code-signing-config:{name}"
    )
    shown = {
        "CodeSigningConfigId": name,
        "CodeSigningConfigArn": arn,
        "AllowedPublishers": asked["AllowedPublishers"],
        "CodeSigningPolicies": {
            "UntrustedArtifactOnDeployment": "Warn",
            **asked.get("CodeSigningPolicies", {}),
        },
        "LastModified": lambda_models.iso_8601_datetime_with_nanoseconds(),
    }
    return 201, {"status": 201}, json.dumps({"CodeSigningConfig": shown})


def put_function_code_signing_config(world: World, response: Any) -> str:
    """Have a function's code held to a code signing configuration."""
    function = response.backend.get_function(_named(response))
    function.code_signing_config_arn = response.json_body["CodeSigningConfigArn"]
    return json.dumps(function.get_function_code_signing_config())


def delete_function_code_signing_config(world: World, response: Any) -> Any:
    """Hold a function's code to none."""
    response.backend.get_function(_named(response)).code_signing_config_arn = None
    return 204, {"status": 204}, ""


def get_runtime_management_config(world: World, response: Any) -> str:
    """When a function's runtime is updated; Auto unless it was said otherwise."""
    function = response.backend.get_function(_named(response))
    shown = {"FunctionArn": function.function_arn, "UpdateRuntimeOn": "Auto"}
    return json.dumps(shown | getattr(function, "runtime_management", {}))


def put_runtime_management_config(world: World, response: Any) -> str:
    """Say when a function's runtime is updated. Raises LambdaClientError for a pin to nothing."""
    function, asked = response.backend.get_function(_named(response)), response.json_body
    if (asked["UpdateRuntimeOn"] == "Manual") != bool(asked.get("RuntimeVersionArn")):
        raise LambdaClientError(
            "InvalidParameterValueException",
            "A runtime version is for the update mode Manual, and for it alone.",
        )
    function.runtime_management = {name: value for name, value in asked.items() if value}
    return get_runtime_management_config(world, response)


REPLACEMENTS = (
    Replacement(
        lambda_policy.Policy,
        "principal_formatter",
        format_principal,
        "A permission for an account's id names the account's root, as in every kept policy.",
        Kind.AROUND,
    ),
    Replacement(
        lambda_models.LambdaBackend,
        "add_permission",
        add_permission,
        "moto gives what is permitted on an alias to the version that it leads to.",
    ),
    Replacement(
        lambda_models.LambdaBackend,
        "get_policy",
        get_policy,
        "An alias and a version have a policy of their own.",
    ),
    Replacement(
        LambdaResponse,
        "remove_permission",
        remove_permission,
        "moto overlooks the qualifier of what is to be removed.",
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
        answer,
        "The path of ListFunctionUrlConfigs.",
        Kind.ADDED,
    ),
    Replacement(
        LambdaResponse,
        "list_versions_by_function",
        list_versions_by_function,
        "moto knows no version of a function that is named by its ARN, and numbers $LATEST.",
    ),
    Replacement(
        LambdaResponse,
        "list_aliases",
        list_aliases,
        "moto knows no alias of a function that is named by its ARN.",
    ),
    Replacement(
        lambda_models.LambdaBackend,
        "list_event_source_mappings",
        list_event_source_mappings,
        "moto compares the function's name as it was given, so that its ARN finds nothing.",
    ),
    Replacement(
        lambda_models.LambdaBackend,
        "put_function_event_invoke_config",
        put_function_event_invoke_config,
        "moto keeps showing the first configuration, and leaves out what Lambda shows in it.",
    ),
    Replacement(
        LambdaResponse,
        "create_code_signing_config",
        create_code_signing_config,
        "moto lacks CreateCodeSigningConfig.",
        Kind.ADDED,
    ),
    Replacement(
        lambda_urls.url_paths,
        _SIGNING_CONFIGS_PATH,
        answer,
        "The path of CreateCodeSigningConfig.",
        Kind.ADDED,
    ),
    Replacement(
        LambdaResponse,
        "put_function_code_signing_config",
        put_function_code_signing_config,
        "moto lacks PutFunctionCodeSigningConfig.",
        Kind.ADDED,
    ),
    Replacement(
        LambdaResponse,
        "delete_function_code_signing_config",
        delete_function_code_signing_config,
        "moto lacks DeleteFunctionCodeSigningConfig.",
        Kind.ADDED,
    ),
    Replacement(
        LambdaResponse,
        "get_runtime_management_config",
        get_runtime_management_config,
        "moto lacks GetRuntimeManagementConfig.",
        Kind.ADDED,
    ),
    Replacement(
        LambdaResponse,
        "put_runtime_management_config",
        put_runtime_management_config,
        "moto lacks PutRuntimeManagementConfig.",
        Kind.ADDED,
    ),
    Replacement(
        lambda_urls.url_paths,
        _RUNTIME_PATH,
        answer,
        "The path of GetRuntimeManagementConfig and PutRuntimeManagementConfig.",
        Kind.ADDED,
    ),
)
