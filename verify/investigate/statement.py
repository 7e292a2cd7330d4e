"""A question as a query of Athena's over the trail's table: a text of ours, and its parameters.

What somebody asked for stands in no text: it is given as execution parameters, each of them one
constant of SQL. The query lets through all that is asked for and perhaps more; Question.admits and
`concerns` have the last word.

Sources: Athena user guide, "Use parameterized queries"; API reference, StartQueryExecution.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from verify import foreign_json
from verify.investigate.question import Question

_IDENTIFIER = re.compile(r"[a-z0-9_]+")
_MAXIMUM_CHARACTERS = 1024
# A file bears the day of its delivery: what happened shortly before midnight lies in the next, and
# what CloudTrail had to deliver again somewhat later.
_LATE = timedelta(days=1)
# The columns of an answer, each from a column of the table or a member of one.
_COLUMNS: Mapping[str, str] = {
    "time": "eventtime",
    "event_id": "eventid",
    "source": "eventsource",
    "name": "eventname",
    "region": "awsregion",
    "address": "sourceipaddress",
    "agent": "useragent",
    "error_code": "errorcode",
    "error_message": "errormessage",
    "read_only": "readonly",
    "parameters": "requestparameters",
    "answer": "responseelements",
    "resource_arns": "json_format(CAST(transform(resources, one -> one.arn) AS JSON))",
    "kind": "useridentity.type",
    "arn": "useridentity.arn",
    "principal_id": "useridentity.principalid",
    "account": "useridentity.accountid",
    "user_name": "useridentity.username",
    "invoked_by": "useridentity.invokedby",
    "on_behalf_of": "useridentity.onbehalfof.userid",
    "issuer": "useridentity.sessioncontext.sessionissuer.username",
    "source_identity": "useridentity.sessioncontext.sourceidentity",
}


@dataclass(frozen=True)
class Statement:
    """A query, and what its question marks stand for, in order, as SQL."""

    text: str
    parameters: tuple[str, ...]


@dataclass(frozen=True)
class _Condition:
    text: str
    values: tuple[str, ...] = ()


def statement(
    question: Question, database: str, table: str, regions: Sequence[str], limit: int
) -> Statement:
    """The query for the newest `limit` records, of `regions` alone if there are any.

    Raises ValueError for a name that is none, and for what Athena takes as no parameter.
    """
    for name in (database, table):
        if not _IDENTIFIER.fullmatch(name):
            raise ValueError(f"{name!r} is no name of a database or table")
    conditions = list(_conditions(question, regions))
    columns = ",\n  ".join(f"{source} AS {name}" for name, source in _COLUMNS.items())
    where = "\n  AND ".join(condition.text for condition in conditions)
    text = (
        f"SELECT\n  {columns}\nFROM {database}.{table}\nWHERE {where}\n"
        f"ORDER BY eventtime DESC, eventid\nLIMIT {limit:d}"
    )
    return Statement(text, tuple(literal(value) for one in conditions for value in one.values))


def literal(value: str) -> str:
    """A text as a constant of SQL. Raises ValueError for one that Athena does not take."""
    if not value.isprintable():
        raise ValueError(f"{value!r} holds characters that cannot be asked for")
    quoted = "'" + value.replace("'", "''") + "'"
    if len(quoted) > _MAXIMUM_CHARACTERS:
        raise ValueError(
            f"{value[:40]!r}... is too long: {_MAXIMUM_CHARACTERS} characters can be asked for"
        )
    return quoted


def days(question: Question) -> tuple[datetime, datetime]:
    """The first and the last day whose files may hold what is asked for."""
    return question.since, question.until + _LATE


def _conditions(question: Question, regions: Sequence[str]) -> Iterator[_Condition]:
    first, last = (f"{day:%Y/%m/%d}" for day in days(question))
    yield _Condition("day BETWEEN ? AND ?", (first, last))
    yield _Condition(
        "eventtime BETWEEN ? AND ?",
        (f"{question.since:%Y-%m-%dT%H:%M:%SZ}", f"{question.until:%Y-%m-%dT%H:%M:%SZ}"),
    )
    if regions:
        yield _Condition(f"region IN ({', '.join('?' * len(regions))})", tuple(regions))
    if question.event:
        yield _Condition("eventname = ?", (question.event,))
    if question.changes:
        yield _Condition("coalesce(readonly, 'false') <> 'true'")
    if question.failed:
        # A failed sign-in has no error code, and says so in its answer.
        yield _Condition(
            "(errorcode IS NOT NULL OR errormessage IS NOT NULL"
            " OR responseelements LIKE '%\"Failure\"%')"
        )
    if question.principal:
        yield _Condition(
            "(? IN (useridentity.arn, useridentity.principalid)"
            " OR useridentity.arn LIKE ? ESCAPE '!' OR useridentity.arn LIKE ? ESCAPE '!')",
            (question.principal, *_endings(question.principal)),
        )
    if question.role:
        yield _Condition("useridentity.arn LIKE ? ESCAPE '!'", (f"%/{_plain(question.role)}/%",))
    if question.resource:
        yield _of_resource(question.resource)


def _of_resource(resource: str) -> _Condition:
    """Records that name it: among their resources, or as a value of what was asked or answered."""
    parts, values = [], []
    for name in names_of(resource):
        quoted = json.dumps(name, ensure_ascii=False)
        parts.append(
            "cardinality(filter(resources, one -> one.arn = ?"
            " OR one.arn LIKE ? ESCAPE '!' OR one.arn LIKE ? ESCAPE '!')) > 0"
            " OR strpos(requestparameters, ?) > 0 OR strpos(responseelements, ?) > 0"
        )
        values += [name, *_endings(name), quoted, quoted]
    return _Condition(f"({' OR '.join(parts)})", tuple(values))


def names_of(resource: str) -> tuple[str, ...]:
    """A resource may be recorded by its ARN or by the name in it."""
    return tuple(dict.fromkeys((resource, re.split(r"[:/]", resource)[-1])))


def _endings(name: str) -> tuple[str, str]:
    """Patterns of ARNs that end in a name."""
    return f"%/{_plain(name)}", f"%:{_plain(name)}"


def _plain(text: str) -> str:
    """A text in a pattern, in which it means itself."""
    return re.sub(r"([!%_])", r"!\1", text)


# --- what comes back ------------------------------------------------------------------------------


def record_of(row: Mapping[str, str | None]) -> dict[str, Any]:
    """A row as the record that it was, as far as an act is told by it."""
    identity = {
        "type": row["kind"],
        "arn": row["arn"],
        "principalId": row["principal_id"],
        "accountId": row["account"],
        "userName": row["user_name"],
        "invokedBy": row["invoked_by"],
        "onBehalfOf": {"userId": row["on_behalf_of"]},
        "sessionContext": {
            "sessionIssuer": {"userName": row["issuer"]},
            "sourceIdentity": row["source_identity"],
        },
    }
    return {
        "eventTime": row["time"],
        "eventID": row["event_id"],
        "eventSource": row["source"],
        "eventName": row["name"],
        "awsRegion": row["region"],
        "sourceIPAddress": row["address"],
        "userAgent": row["agent"],
        "errorCode": row["error_code"],
        "errorMessage": row["error_message"],
        "readOnly": row["read_only"],
        "requestParameters": _json(row["parameters"]),
        "responseElements": _json(row["answer"]),
        "resources": [{"ARN": arn} for arn in _json(row["resource_arns"]) or []],
        "userIdentity": identity,
    }


def _json(text: str | None) -> Any:
    try:
        return foreign_json.parsed(text) if text else None
    except ValueError:
        return None


def concerns(record: Mapping[str, Any], resource: str) -> bool:
    """Whether a record names a resource: whole, or as the last part of an ARN."""
    names = names_of(resource)
    arns = [str(one["ARN"]) for one in record["resources"]]
    if any(arn == name or arn.endswith((f":{name}", f"/{name}")) for arn in arns for name in names):
        return True
    asked = (record["requestParameters"], record["responseElements"])
    return any(text in names for value in asked for text in _texts(value))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
