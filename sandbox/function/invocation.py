"""Lambda's runtime in the place of moto's containers."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from moto.awslambda import models as lambda_models
from moto.awslambda.exceptions import LambdaClientError
from moto.awslambda.responses import LambdaResponse
from moto.utilities.utils import get_partition

from sandbox.access import permissions
from sandbox.function.runtime import MAXIMUM_ASYNC_PAYLOAD_BYTES, LambdaRuntime
from sandbox.replacement import Kind, Replacement
from sandbox.world import World


def start_runtime(world: World) -> LambdaRuntime:
    """The runtime of the account's functions; their output goes to their log groups."""

    def write_log(
        region: str, role: str, group_name: str, stream: str, lines: list[tuple[int, str]]
    ) -> None:
        with world.lock:
            _write_log(world, region, role, group_name, stream, lines)

    return LambdaRuntime(world, write_log)


def _write_log(
    world: World,
    region: str,
    role: str,
    group_name: str,
    stream: str,
    lines: list[tuple[int, str]],
) -> None:
    backend = world.backend("logs", region)
    group = backend.groups.get(group_name)
    account = world.settings.account
    arn = f"arn:{get_partition(region)}:logs:{region}:{account}:log-group:{group_name}"
    if group is None:
        # Lambda makes the group with the function's own role, if that may.
        if not permissions.role_may(world, role, "logs:CreateLogGroup", f"{arn}:*"):
            return
        backend.create_log_group(group_name, {})
        group = backend.groups[group_name]
    stream_arn = f"{arn}:log-stream:{stream}"
    if not permissions.role_may(world, role, "logs:PutLogEvents", stream_arn):
        return
    if stream not in group.streams:
        group.create_log_stream(stream)
    group.put_log_events(stream, [{"timestamp": moment, "message": text} for moment, text in lines])


# By which version or alias the request in whose thread moto invokes a function names it.
_qualifier: ContextVar[str | None] = ContextVar("qualifier", default=None)


def invoke_by_name(
    runtime: LambdaRuntime,
    original: Callable[..., Any],
    backend: Any,
    function_name: str,
    qualifier: str | None,
    *arguments: Any,
) -> Any:
    """Invoke a function, which learns the version or alias that it was called by."""
    parts = function_name.split(":")
    qualifier = qualifier or _qualifier.get()
    if len(parts) in (2, 8):  # name:qualifier, or a qualified ARN
        function_name, _, named = function_name.rpartition(":")
        qualifier = qualifier or named
    token = _qualifier.set(qualifier)
    try:
        return original(backend, function_name, qualifier, *arguments)
    finally:
        _qualifier.reset(token)


def invoke_by_request(runtime: LambdaRuntime, original: Callable[[Any], Any], response: Any) -> Any:
    """Invoke the function that a request names, by the version or alias that it names besides."""
    token = _qualifier.set((response.querystring.get("Qualifier") or [None])[0])
    try:
        return original(response)
    finally:
        _qualifier.reset(token)


def _invoked_arn(function: Any) -> str:
    unqualified = ":".join(function.function_arn.split(":")[:7])
    qualifier = _qualifier.get()
    return f"{unqualified}:{qualifier}" if qualifier else function.function_arn


def invoke(
    runtime: LambdaRuntime,
    function: Any,
    body: Any,
    request_headers: Any,
    response_headers: Any,
) -> str | bytes:
    """Invoke's payload; its other answers go into ``response_headers``.

    Raises LambdaClientError as the API does.
    """
    payload = (body.encode() if isinstance(body, str) else body) or b"{}"
    try:
        json.loads(payload)
    except ValueError as error:
        raise LambdaClientError(
            "InvalidRequestContentException",
            f"Could not parse request body into json: {error}",
        ) from error
    kind = request_headers.get("x-amz-invocation-type", "RequestResponse")
    if kind == "DryRun":
        return b""
    if kind == "Event":
        if len(payload) > MAXIMUM_ASYNC_PAYLOAD_BYTES:
            raise LambdaClientError(
                "RequestEntityTooLargeException", "The event is larger than 1 MB."
            )
        runtime.invoke_later(_invoked_arn(function), payload)
        return b""
    if str(function.reserved_concurrency) == "0":
        raise LambdaClientError("TooManyRequestsException", "Rate Exceeded.")
    outcome = runtime.invoke(function, payload, invoked_arn=_invoked_arn(function))
    response_headers["X-Amz-Executed-Version"] = str(function.version)
    if outcome.error is not None:
        response_headers["x-amz-function-error"] = "Unhandled"
    if request_headers.get("x-amz-log-type") == "Tail":
        response_headers["x-amz-log-result"] = base64.b64encode(outcome.log_tail).decode()
    return outcome.payload


def delete_function(
    runtime: LambdaRuntime,
    original: Callable[..., None],
    backend: Any,
    function_name: str,
    qualifier: str | None = None,
) -> None:
    """Delete a function, and soon afterwards its process; a version alone has none to end."""
    function = backend.get_function(function_name)
    original(backend, function_name, qualifier)
    if qualifier is None:
        runtime.forget_later(function.function_arn)


REPLACEMENTS = (
    Replacement(
        lambda_models.LambdaFunction,
        "invoke",
        invoke,
        "moto runs functions in containers; here they run in warm processes under AWS's client.",
    ),
    # https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
    Replacement(
        LambdaResponse,
        "invoke",
        invoke_by_request,
        "Invoke takes a version or alias as Qualifier, which moto spells in lower case and misses.",
        Kind.AROUND,
    ),
    # https://docs.aws.amazon.com/lambda/latest/dg/python-context.html
    Replacement(
        lambda_models.LambdaBackend,
        "invoke",
        invoke_by_name,
        "A function is told by which version or alias it was called.",
        Kind.AROUND,
    ),
    Replacement(
        lambda_models.LambdaBackend,
        "delete_function",
        delete_function,
        "The process of a deleted function ends with it.",
        Kind.AROUND,
    ),
)
