"""Asks the trail's log files, by Athena, in the deployment's workgroup."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.config import Config
from botocore.exceptions import ClientError

from verify.account.sessions import plain_session
from verify.investigate.act import Act, UnreadableRecordError, act_of
from verify.investigate.found import Found, HistoryError
from verify.investigate.question import Question
from verify.investigate.statement import Statement, concerns, record_of, statement

_PATIENT = Config(retries={"mode": "adaptive", "total_max_attempts": 10})
# Athena ends a query itself after 30 minutes.
_SECONDS = 31 * 60.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 5.0
_SAY_EVERY_SECONDS = 5.0
_ENDED = ("SUCCEEDED", "FAILED", "CANCELLED")
_IN_ROLE = "ask in the investigation role"
_DEPLOY = "deploy with investigation_enabled, and give the outputs of that"
_REMEDIES = {
    "limit was exceeded": "ask for fewer days, or for one --region; the workgroup sets the limit",
    "not authorized": _IN_ROLE,
    "AccessDenied": _IN_ROLE,
    "Access denied": _IN_ROLE,
    "PERMISSION_DENIED": _IN_ROLE,
    "Insufficient permissions": _IN_ROLE,
    "does not exist": _DEPLOY,
    "is not found": _DEPLOY,
}


@dataclass(frozen=True)
class Place:
    """Where the trail's log files are asked: a region, and names in it."""

    region: str
    workgroup: str
    database: str
    table: str


def ask(
    question: Question,
    place: Place,
    regions: Sequence[str],
    limit: int,
    say: Callable[[str], None],
) -> Found:
    """What the log files of the regions, or of all, say to a question: at most `limit` records.

    `say` is told how far it is. Raises HistoryError when the query is refused or fails, ValueError
    for what cannot be asked for.
    """
    query = statement(question, place.database, place.table, regions, limit + 1)
    client = plain_session().create_client("athena", place.region, config=_PATIENT)
    try:
        identifier = _start(client, place, query)
        _await(client, identifier, say)
        rows = list(_rows(client, identifier))
    except ClientError as error:
        said = error.response.get("Error", {})
        raise _failed(f"{said.get('Code', '')}: {said.get('Message', '')}") from None
    acts: dict[str, Act] = {}
    unreadable = []
    for row in rows[:limit]:
        record = record_of(row)
        try:
            act = act_of(record)
        except UnreadableRecordError as error:
            unreadable.append(f"event {row['event_id'] or 'without id'}: {error}")
            continue
        if question.admits(act) and (not question.resource or concerns(record, question.resource)):
            acts[act.event_id] = act
    return Found(
        tuple(sorted(acts.values(), key=lambda act: (act.time, act.event_id))),
        ("the trail",) if len(rows) > limit else (),
        tuple(unreadable),
    )


def _start(client: Any, place: Place, query: Statement) -> str:
    # Where results go and how they are encrypted, the workgroup says.
    answer = client.start_query_execution(
        QueryString=query.text,
        QueryExecutionContext={"Database": place.database},
        WorkGroup=place.workgroup,
        ExecutionParameters=list(query.parameters),
    )
    return str(answer["QueryExecutionId"])


def _await(client: Any, identifier: str, say: Callable[[str], None]) -> None:
    """Wait until the query has ended well; stop it when nobody waits any more."""
    begun = said = time.monotonic()
    pause, ended = _FIRST_PAUSE, False
    try:
        while True:
            found = client.get_query_execution(QueryExecutionId=identifier)["QueryExecution"]
            status = found["Status"]
            read = found.get("Statistics", {}).get("DataScannedInBytes", 0)
            ended = status["State"] in _ENDED
            now = time.monotonic()
            if ended or now - said >= _SAY_EVERY_SECONDS:
                state = status["State"].lower()
                say(f"query {identifier} {state}: {read / 1e6:,.1f} MB read, {now - begun:.0f} s")
                said = now
            if ended:
                break
            if now - begun > _SECONDS:
                raise HistoryError(
                    f"query {identifier} has not ended after {_SECONDS / 60:.0f} min"
                )
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
    finally:
        if not ended:
            client.stop_query_execution(QueryExecutionId=identifier)
    if status["State"] != "SUCCEEDED":
        raise _failed(str(status.get("StateChangeReason") or status["State"]))


def _rows(client: Any, identifier: str) -> Iterator[dict[str, str | None]]:
    """The rows, by column; a value that is missing is null."""
    names: list[str] | None = None
    pages = client.get_paginator("get_query_results").paginate(QueryExecutionId=identifier)
    for page in pages:
        rows = page["ResultSet"]["Rows"]
        if names is None:
            columns = page["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]
            names, rows = [column["Name"] for column in columns], rows[1:]
        for row in rows:
            values = [datum.get("VarCharValue") for datum in row["Data"]]
            yield dict(zip(names, values, strict=True))


def _failed(reason: str) -> HistoryError:
    remedy = next((advice for part, advice in _REMEDIES.items() if part in reason), "")
    return HistoryError(
        f"the log files do not answer ({reason})" + (f": {remedy}" if remedy else "")
    )
