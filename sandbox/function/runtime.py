"""Lambda: functions run for real, in warm processes under AWS's own runtime client."""

from __future__ import annotations

import json
import logging
import math
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

from sandbox.clock import milliseconds, now
from sandbox.function.package import InvalidPackageError
from sandbox.function.process import FunctionDefinition, FunctionProcess, Outcome
from sandbox.metrics import data_points
from sandbox.scheduler import report
from sandbox.world import World

log = logging.getLogger(__name__)

# https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
RETRY_SECONDS = (60.0, 120.0)
LOG_TAIL_BYTES = 4096
MAXIMUM_ASYNC_PAYLOAD_BYTES = 1024 * 1024

# Variables that a function's configuration cannot change.
_INHERITED_BY_NO_FUNCTION = frozenset({"AWS_LAMBDA_RUNTIME_API", "LAMBDA_TASK_ROOT"})

LogWriter = Callable[[str, str, str, str, list[tuple[int, str]]], None]


@dataclass
class _Environment:
    """A function's one execution environment.

    ``lock`` serializes its invocations; ``events`` is the one thread that takes its asynchronous
    ones in turn, so that a slow function delays nothing but itself.
    """

    lock: threading.Lock = field(default_factory=threading.Lock)
    events: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(1, thread_name_prefix="sandbox-events")
    )
    process: FunctionProcess | None = None


class LambdaRuntime:
    """Invokes functions and keeps their processes warm."""

    def __init__(self, world: World, write_log: LogWriter) -> None:
        self._world = world
        self._write_log = write_log
        self._environments: dict[str, _Environment] = {}
        self._guard = threading.Lock()
        self._stopped = False

    def invoke(
        self,
        function: Any,
        payload: bytes,
        request_id: str | None = None,
        invoked_arn: str | None = None,
    ) -> Outcome:
        """Invoke a moto LambdaFunction and wait for its answer. Never call it under the lock.

        ``invoked_arn`` is what the function is told to have been called by, its own ARN by default.
        """
        request_id = request_id or str(uuid.uuid4())
        definition, package = self._define(function)
        environment = self._environment(definition)
        with environment.lock:
            outcome, log_stream, lines = self._run(
                environment, definition, package, payload, request_id, invoked_arn or definition.arn
            )
            report_line = self._report(definition, request_id, outcome, log_stream)
        tail = "\n".join([*lines, report_line]).encode()[-LOG_TAIL_BYTES:]
        return replace(outcome, log_tail=tail)

    def invoke_later(self, function_arn: str, payload: bytes, delay: float = 0.0) -> str:
        """Queue an asynchronous invocation and return its request id.

        A failed one is tried again after 60 and 120 s (at the sandbox's pace); what still fails
        goes to the function's dead-letter queue or on-failure destination.
        """
        request_id = str(uuid.uuid4())
        self._queue(function_arn, payload, request_id, 0, delay)
        return request_id

    def find(self, function_arn: str) -> Any | None:
        """The function of an ARN, qualified or not; None when there is none."""
        parts = function_arn.split(":")
        if len(parts) < 7:
            return None
        with self._world.lock:
            storage = self._world.backend("lambda", parts[3])._lambdas
            unqualified = ":".join(parts[:7])
            if unqualified not in storage._arns:
                return None
            alias = storage._get_function_aliases(parts[6]).get(":".join(parts[7:8]))
            if alias is not None:
                return storage._arns.get(f"{unqualified}:{alias.function_version}")
            return storage._arns.get(function_arn) or storage._arns[unqualified]

    def stop(self) -> None:
        """End every process."""
        with self._guard:
            self._stopped = True
            environments = list(self._environments.values())
        for environment in environments:
            environment.events.shutdown(wait=False, cancel_futures=True)
            process = environment.process
            if process is not None:
                process.stop()

    def forget(self, function_arn: str) -> None:
        """End the process of a deleted function."""
        with self._guard:
            environment = self._environments.pop(function_arn, None)
        if environment is not None:
            environment.events.shutdown(wait=False, cancel_futures=True)
            with environment.lock:
                if environment.process is not None:
                    environment.process.stop()
                    environment.process = None

    def forget_later(self, function_arn: str) -> None:
        """End the process of a deleted function without waiting for it, as under the lock."""
        self._world.scheduler.later(0, lambda: self.forget(function_arn))

    def _queue(
        self, function_arn: str, payload: bytes, request_id: str, attempt: int, delay: float
    ) -> None:
        def submit() -> None:
            with self._guard:
                if self._stopped:
                    return
                unqualified = ":".join(function_arn.split(":")[:7])
                events = self._environments.setdefault(unqualified, _Environment()).events
                events.submit(
                    self._attempt, function_arn, payload, request_id, attempt
                ).add_done_callback(report)

        if delay > 0:
            self._world.scheduler.later(delay, submit)
        else:
            submit()

    def _attempt(self, function_arn: str, payload: bytes, request_id: str, attempt: int) -> None:
        function = self.find(function_arn)
        if function is None or self._stopped:
            log.debug("%s is gone; an event for it is dropped", function_arn)
            return  # as AWS drops the queued events of a deleted function
        region = function_arn.split(":")[3]
        if str(function.reserved_concurrency) == "0":
            self._metric(region, function.function_name, "Throttles", 1)
            self._give_up(function, payload, request_id, "429", "Rate Exceeded.", attempt)
            return
        outcome = self.invoke(function, payload, request_id, function_arn)
        if outcome.error is None:
            return
        if attempt < self._retries(function):
            delay = self._world.settings.latency(RETRY_SECONDS[attempt])
            self._queue(function_arn, payload, request_id, attempt + 1, delay)
        else:
            message = _error_message(outcome.payload)
            self._give_up(function, payload, request_id, "200", message, attempt)

    @staticmethod
    def _retries(function: Any) -> int:
        for config in function.event_invoke_config:
            retries = config.config.get("MaximumRetryAttempts")
            if retries is not None:
                return min(int(retries), len(RETRY_SECONDS))
        return len(RETRY_SECONDS)

    def _give_up(
        self, function: Any, payload: bytes, request_id: str, code: str, message: str, attempt: int
    ) -> None:
        target = (getattr(function, "dead_letter_config", None) or {}).get("TargetArn")
        if not target:
            return
        region = function.region
        attributes = {
            "RequestID": {"StringValue": request_id, "DataType": "String"},
            "ErrorCode": {"StringValue": code, "DataType": "Number"},
            "ErrorMessage": {"StringValue": message[:1024] or "error", "DataType": "String"},
        }
        body = payload.decode("utf-8", "replace")
        parts = target.split(":")
        with self._world.lock:
            if parts[2] == "sqs" and parts[5] in self._world.backend("sqs", parts[3]).queues:
                attributes_of_queue = {
                    name: {
                        "data_type": value["DataType"],
                        "string_value": value["StringValue"],
                        "DataType": value["DataType"],
                        "StringValue": value["StringValue"],
                    }
                    for name, value in attributes.items()
                }
                self._world.backend("sqs", parts[3]).send_message(
                    parts[5], body, message_attributes=attributes_of_queue
                )
                return
            if parts[2] == "sns" and target in self._world.backend("sns", parts[3]).topics:
                self._world.backend("sns", parts[3]).publish(
                    body,
                    arn=target,
                    message_attributes={
                        name: {"Type": value["DataType"], "Value": value["StringValue"]}
                        for name, value in attributes.items()
                    },
                )
                return
        self._metric(region, function.function_name, "DeadLetterErrors", 1)

    def _define(self, function: Any) -> tuple[FunctionDefinition, bytes]:
        with self._world.lock:
            definition = FunctionDefinition(
                name=function.function_name,
                arn=function.function_arn,
                version=str(function.version),
                handler=function.handler or "",
                runtime=function.run_time or "",
                role=function.role,
                region=function.region,
                timeout_seconds=int(function.timeout),
                memory_megabytes=int(function.memory_size),
                code_sha256=function.code_sha_256,
                environment=tuple(
                    sorted(
                        (name, str(value))
                        for name, value in function.environment_vars.items()
                        if name not in _INHERITED_BY_NO_FUNCTION
                    )
                ),
            )
            return definition, function.code_bytes

    def _environment(self, definition: FunctionDefinition) -> _Environment:
        with self._guard:
            return self._environments.setdefault(definition.arn, _Environment())

    def _run(
        self,
        environment: _Environment,
        definition: FunctionDefinition,
        package: bytes,
        payload: bytes,
        request_id: str,
        invoked_arn: str,
    ) -> tuple[Outcome, str, list[str]]:
        process = environment.process
        if process is not None and (process.definition != definition or not process.alive):
            process.stop()
            process = environment.process = None
        if process is None:
            if self._stopped:
                return _refused("the sandbox is stopping"), "", []
            try:
                process = environment.process = self._start(definition, package)
            except InvalidPackageError as error:
                return _refused(str(error)), "", []
        stream = process.log_stream
        start = f"START RequestId: {request_id} Version: {definition.version}"
        self._log(definition, stream, start)
        outcome = process.invoke(request_id, payload, invoked_arn)
        lines, process.lines = [start, *process.lines, f"END RequestId: {request_id}"], []
        if outcome.error in ("Timeout", "Exit", "Init"):
            environment.process = None
        return outcome, stream, lines

    def _start(self, definition: FunctionDefinition, package: bytes) -> FunctionProcess:
        moment = now()
        stream = f"{moment:%Y/%m/%d}/[{definition.version}]{uuid.uuid4().hex}"
        group = f"/aws/lambda/{definition.name}"
        with self._world.lock:
            session = self._world.backend("sts", definition.region).assume_role(
                region_name=definition.region,
                role_session_name=definition.name,
                role_arn=definition.role,
                policy=None,
                duration=12 * 3600,
                external_id=None,
            )
        environment = {
            "_HANDLER": definition.handler,
            "AWS_ACCESS_KEY_ID": session.access_key_id,
            "AWS_SECRET_ACCESS_KEY": session.secret_access_key,
            "AWS_SESSION_TOKEN": session.session_token,
            "AWS_REGION": definition.region,
            "AWS_DEFAULT_REGION": definition.region,
            "AWS_ENDPOINT_URL": self._world.settings.url,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{definition.runtime}",
            "AWS_LAMBDA_FUNCTION_NAME": definition.name,
            "AWS_LAMBDA_FUNCTION_VERSION": definition.version,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(definition.memory_megabytes),
            "AWS_LAMBDA_LOG_GROUP_NAME": group,
            "AWS_LAMBDA_LOG_STREAM_NAME": stream,
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        }

        def on_line(moment: int, text: str) -> None:
            self._write_log(definition.region, definition.role, group, stream, [(moment, text)])

        return FunctionProcess(definition, package, environment, stream, on_line)

    def _log(self, definition: FunctionDefinition, stream: str, *lines: str) -> None:
        moment = milliseconds(now())
        self._write_log(
            definition.region,
            definition.role,
            f"/aws/lambda/{definition.name}",
            stream,
            [(moment, line) for line in lines],
        )

    def _report(
        self, definition: FunctionDefinition, request_id: str, outcome: Outcome, stream: str
    ) -> str:
        billed = math.ceil(outcome.duration + (outcome.init or 0.0))
        line = (
            f"REPORT RequestId: {request_id}\tDuration: {outcome.duration:.2f} ms\t"
            f"Billed Duration: {billed} ms\tMemory Size: {definition.memory_megabytes} MB\t"
            f"Max Memory Used: {outcome.peak_megabytes} MB"
        )
        if outcome.init is not None:
            line += f"\tInit Duration: {outcome.init:.2f} ms"
        if stream:
            self._log(definition, stream, f"END RequestId: {request_id}", line)
        self._metric(definition.region, definition.name, "Invocations", 1)
        self._metric(
            definition.region, definition.name, "Errors", 0 if outcome.error is None else 1
        )
        self._metric(definition.region, definition.name, "Throttles", 0)
        self._metric(
            definition.region, definition.name, "Duration", outcome.duration, "Milliseconds"
        )
        return line

    def _metric(
        self, region: str, function_name: str, name: str, value: float, unit: str = "Count"
    ) -> None:
        dimensions = {"FunctionName": function_name}
        data_points.publish(self._world, region, "AWS/Lambda", name, value, dimensions, unit)


def _refused(reason: str) -> Outcome:
    document = {"errorType": "Runtime.InvalidPackage", "errorMessage": reason}
    return Outcome(json.dumps(document).encode(), "Init", 0.0, None, 0)


def _error_message(payload: bytes) -> str:
    try:
        document = json.loads(payload)
    except ValueError:
        return payload.decode("utf-8", "replace")
    return str(document.get("errorMessage", "")) if isinstance(document, dict) else ""
