"""Lambda's runtime in the place of moto's containers."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

from moto.awslambda import models as lambda_models
from moto.awslambda.exceptions import LambdaClientError
from moto.sqs.models import SQSBackend

from sandbox.access import permissions
from sandbox.function.runtime import MAXIMUM_ASYNC_PAYLOAD_BYTES, LambdaRuntime
from sandbox.world import World


def install(world: World) -> LambdaRuntime:
    """Make moto invoke functions for real; returns the runtime that does it."""

    def write_log(
        region: str, role: str, group_name: str, stream: str, lines: list[tuple[int, str]]
    ) -> None:
        with world.lock:
            backend = world.backend("logs", region)
            group = backend.groups.get(group_name)
            arn = f"arn:aws:logs:{region}:{world.settings.account}:log-group:{group_name}"
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
            group.put_log_events(
                stream, [{"timestamp": moment, "message": text} for moment, text in lines]
            )

    runtime = LambdaRuntime(world, write_log)

    def invoke(
        function: Any, body: Any, request_headers: Any, response_headers: Any
    ) -> str | bytes:
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
            runtime.invoke_later(function.function_arn, payload)
            return b""
        if str(function.reserved_concurrency) == "0":
            raise LambdaClientError("TooManyRequestsException", "Rate Exceeded.")
        outcome = runtime.invoke(function, payload)
        response_headers["X-Amz-Executed-Version"] = str(function.version)
        if outcome.error is not None:
            response_headers["x-amz-function-error"] = "Unhandled"
        if request_headers.get("x-amz-log-type") == "Tail":
            response_headers["x-amz-log-result"] = base64.b64encode(outcome.log_tail).decode()
        return outcome.payload

    original_delete = lambda_models.LambdaBackend.delete_function

    def delete_function(backend: Any, function_name: str, qualifier: str | None = None) -> None:
        function = backend.get_function(function_name)
        original_delete(backend, function_name, qualifier)
        if qualifier is None:
            world.scheduler.later(0, lambda: runtime.forget(function.function_arn))

    original_receive = SQSBackend.receive_message

    def receive_message(
        backend: Any,
        queue_name: str,
        count: int,
        wait_seconds_timeout: int,
        visibility_timeout: int,
        message_attribute_names: list[str] | None = None,
    ) -> list[Any]:
        # moto's own wait would hold whatever lock its caller holds.
        until = time.monotonic() + (wait_seconds_timeout or 0)
        while True:
            with world.lock:
                found: list[Any] = original_receive(
                    backend, queue_name, count, 0, visibility_timeout, message_attribute_names
                )
            if found or time.monotonic() >= until:
                return found
            time.sleep(0.02)

    lambda_models.LambdaFunction.invoke = invoke
    lambda_models.LambdaBackend.delete_function = delete_function
    SQSBackend.receive_message = receive_message
    return runtime
