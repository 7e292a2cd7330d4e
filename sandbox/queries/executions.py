"""Athena's queries: taken, run in the background, and told of; results lie in S3.

https://docs.aws.amazon.com/athena/latest/APIReference/API_StartQueryExecution.html
"""

from __future__ import annotations

import csv
import io
import json
import uuid
from dataclasses import dataclass, field
from typing import Any

from moto.athena.responses import AthenaResponse
from moto.core.exceptions import JsonRESTError

from sandbox.access import caller as callers
from sandbox.access import current
from sandbox.clock import now
from sandbox.queries import engine, source, statement
from sandbox.queries.access import Access
from sandbox.replacement import Replacement
from sandbox.world import World

_DONE = ("SUCCEEDED", "FAILED", "CANCELLED")
_MAXIMUM_RESULTS = 1000
_SMALLEST_CUTOFF = 10_000_000


class InvalidRequestError(JsonRESTError):  # type: ignore[misc]  # moto has no types
    """A request that Athena refuses."""

    def __init__(self, message: str) -> None:
        super().__init__("InvalidRequestException", message)


class _ExhaustedError(ValueError):
    """The query would read more than its workgroup lets it."""


@dataclass
class Execution:
    """One query; guarded by the world's lock."""

    query: str
    parameters: list[str]
    context: dict[str, Any]
    workgroup: str
    location: str
    encryption: dict[str, Any]
    region: str
    caller: callers.Caller
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    state: str = "QUEUED"
    reason: str = ""
    answer: engine.Answer | None = None
    scanned: int = 0
    submitted: float = field(default_factory=lambda: now().timestamp())
    completed: float | None = None

    @property
    def output(self) -> str:
        """Where the results lie."""
        return f"{self.location.rstrip('/')}/{self.id}.csv"

    def end(self, state: str, reason: str = "") -> None:
        """Be done, unless it is."""
        if self.state not in _DONE:
            self.state, self.reason, self.completed = state, reason, now().timestamp()

    def document(self) -> dict[str, Any]:
        """The query as GetQueryExecution tells of it."""
        status: dict[str, Any] = {"State": self.state, "SubmissionDateTime": self.submitted}
        if self.reason:
            status["StateChangeReason"] = self.reason
            status["AthenaError"] = {"ErrorCategory": 2, "ErrorMessage": self.reason}
        if self.completed is not None:
            status["CompletionDateTime"] = self.completed
        found: dict[str, Any] = {
            "QueryExecutionId": self.id,
            "Query": self.query,
            "StatementType": "DML",
            "ResultConfiguration": {"OutputLocation": self.output},
            "QueryExecutionContext": self.context,
            "Status": status,
            "Statistics": {"DataScannedInBytes": self.scanned},
            "WorkGroup": self.workgroup,
            "EngineVersion": {
                "SelectedEngineVersion": "Athena engine version 3",
                "EffectiveEngineVersion": "Athena engine version 3",
            },
        }
        if self.encryption:
            found["ResultConfiguration"]["EncryptionConfiguration"] = self.encryption
        if self.parameters:
            found["ExecutionParameters"] = self.parameters
        return found


class Executions:
    """All queries of the account."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._known: dict[str, Execution] = {}

    def start(self, response: Any) -> str:
        """StartQueryExecution."""
        asked = json.loads(response.body)
        name = asked.get("WorkGroup") or "primary"
        group = response.athena_backend.work_groups.get(name)
        if group is None:
            raise InvalidRequestError(f"WorkGroup {name} is not found.")
        own = group.configuration.get("ResultConfiguration") or {}
        given = asked.get("ResultConfiguration") or {}
        chosen = own if group.configuration["EnforceWorkGroupConfiguration"] else {**own, **given}
        if not chosen.get("OutputLocation"):
            raise InvalidRequestError("No output location provided. An output location is required")
        caller = current.caller()
        if caller is None:
            raise InvalidRequestError("Nobody asks.")
        execution = Execution(
            query=asked["QueryString"],
            parameters=asked.get("ExecutionParameters") or [],
            context=asked.get("QueryExecutionContext") or {},
            workgroup=name,
            location=chosen["OutputLocation"],
            encryption=chosen.get("EncryptionConfiguration") or {},
            region=response.region,
            caller=caller,
        )
        cutoff = group.configuration.get("BytesScannedCutoffPerQuery")
        self._known[execution.id] = execution
        self._world.scheduler.later(0, lambda: self._run(execution, cutoff))
        return json.dumps({"QueryExecutionId": execution.id})

    def get(self, response: Any) -> str:
        """GetQueryExecution."""
        return json.dumps({"QueryExecution": self._find(response).document()})

    def results(self, response: Any) -> str:
        """GetQueryResults: rows by pages, of which the first begins with the columns' names."""
        execution = self._find(response)
        asked = json.loads(response.body)
        if execution.answer is None or execution.state != "SUCCEEDED":
            raise InvalidRequestError(
                f"Query has not yet finished. Current state: {execution.state}"
                if execution.state not in _DONE
                else f"Query did not finish successfully. Final query state: {execution.state}"
            )
        caller = current.caller()
        bucket, _, key = execution.output.removeprefix("s3://").partition("/")
        stored = self._bucket(bucket, execution.region)
        if caller is None or not Access(self._world, caller, execution.region).may_on(
            stored, "s3:GetObject", f"{stored.arn}/{key}"
        ):
            raise InvalidRequestError(f"You do not have permission to read {execution.output}")
        names = tuple(name for name, _ in execution.answer.columns)
        rows = (names, *execution.answer.rows)
        first, size = int(asked.get("NextToken") or 0), int(asked.get("MaxResults") or 1000)
        last = first + min(size, _MAXIMUM_RESULTS)
        told: dict[str, Any] = {
            "ResultSet": {
                "Rows": [
                    {"Data": [{} if one is None else {"VarCharValue": one} for one in row]}
                    for row in rows[first:last]
                ],
                "ResultSetMetadata": {
                    "ColumnInfo": [
                        {"CatalogName": "hive", "Name": name, "Label": name, "Type": kind}
                        for name, kind in execution.answer.columns
                    ]
                },
            },
            "UpdateCount": 0,
        }
        return json.dumps({**told, **({"NextToken": str(last)} if last < len(rows) else {})})

    def stop(self, response: Any) -> str:
        """StopQueryExecution."""
        self._find(response).end("CANCELLED", "Query cancelled by user")
        return "{}"

    def list(self, response: Any) -> str:
        """ListQueryExecutions: of a workgroup, the newest first."""
        name = json.loads(response.body).get("WorkGroup") or "primary"
        found = [one.id for one in self._known.values() if one.workgroup == name]
        return json.dumps({"QueryExecutionIds": found[::-1]})

    def _find(self, response: Any) -> Execution:
        name = json.loads(response.body).get("QueryExecutionId")
        if name not in self._known:
            raise InvalidRequestError(f"QueryExecution {name} was not found")
        return self._known[name]

    def _bucket(self, name: str, region: str) -> Any:
        bucket = self._world.backend("s3", region).buckets.get(name)
        if bucket is None:
            raise InvalidRequestError(f"The bucket {name} does not exist")
        return bucket

    def _run(self, execution: Execution, cutoff: int | None) -> None:
        with self._world.lock:
            execution.state = "RUNNING" if execution.state == "QUEUED" else execution.state
            if execution.state != "RUNNING":
                return
        try:
            answer = self._answer(execution, cutoff)
        except _ExhaustedError as error:
            with self._world.lock:
                execution.end("CANCELLED", str(error))
        except (
            statement.StatementError,
            source.SourceError,
            engine.QueryError,
            InvalidRequestError,
        ) as error:
            with self._world.lock:
                execution.end("FAILED", getattr(error, "message", str(error)))
        else:
            with self._world.lock:
                execution.answer = answer
                execution.end("SUCCEEDED")

    def _answer(self, execution: Execution, cutoff: int | None) -> engine.Answer:
        database = execution.context.get("Database") or "default"
        prepared = statement.prepare(execution.query, execution.parameters, database)
        access = Access(self._world, execution.caller, execution.region)
        with self._world.lock:
            self._hold_output(execution, access)
            read = {
                table: source.read(self._world, access, execution.region, table)
                for table in prepared.tables
            }
        execution.scanned = sum(one.scanned for one in read.values())
        if cutoff is not None and execution.scanned > max(cutoff, _SMALLEST_CUTOFF):
            raise _ExhaustedError(
                "Query cancelled! : Bytes scanned limit was exceeded: "
                f"{execution.scanned} of {cutoff} bytes"
            )
        answer = engine.ask(
            prepared, {table: (one.row, one.records()) for table, one in read.items()}
        )
        with self._world.lock:
            self._write(execution, answer)
        return answer

    def _hold_output(self, execution: Execution, access: Access) -> None:
        """Refuse a caller who may not write results, or not with the key that they are to have."""
        name, _, path = execution.output.removeprefix("s3://").partition("/")
        bucket = self._bucket(name, execution.region)
        for action, resource in (
            ("s3:GetBucketLocation", bucket.arn),
            ("s3:PutObject", f"{bucket.arn}/{path}"),
        ):
            if not access.may_on(bucket, action, resource):
                raise source.SourceError(
                    f"Access denied when writing output to url: {execution.output}: {action}"
                )
        key = execution.encryption.get("KmsKey")
        if key and not access.may_use(key, "kms:GenerateDataKey"):
            raise source.SourceError(
                f"Access denied when writing output to url: {execution.output}: "
                f"kms:GenerateDataKey on {key}"
            )

    def _write(self, execution: Execution, answer: engine.Answer) -> None:
        text = io.StringIO()
        writer = csv.writer(text, quoting=csv.QUOTE_ALL)
        writer.writerow([name for name, _ in answer.columns])
        writer.writerows(["" if one is None else one for one in row] for row in answer.rows)
        bucket, _, key = execution.output.removeprefix("s3://").partition("/")
        kms = execution.encryption.get("EncryptionOption") == "SSE_KMS"
        self._world.backend("s3", execution.region).put_object(
            bucket,
            key,
            text.getvalue().encode(),
            encryption="aws:kms" if kms else None,
            kms_key_id=execution.encryption.get("KmsKey") if kms else None,
        )


def start_query_execution(executions: Executions, response: Any) -> str:
    """Take a query, and run it."""
    return executions.start(response)


def get_query_execution(executions: Executions, response: Any) -> str:
    """Tell how far a query is."""
    return executions.get(response)


def get_query_results(executions: Executions, response: Any) -> str:
    """Tell a page of what a query found."""
    return executions.results(response)


def stop_query_execution(executions: Executions, response: Any) -> str:
    """End a query."""
    return executions.stop(response)


def list_query_executions(executions: Executions, response: Any) -> str:
    """Tell which queries there have been."""
    return executions.list(response)


_WHY = "moto takes queries and runs none; here they read the files and answer."

REPLACEMENTS = tuple(
    Replacement(AthenaResponse, by.__name__, by, _WHY)
    for by in (
        start_query_execution,
        get_query_execution,
        get_query_results,
        stop_query_execution,
        list_query_executions,
    )
)
