"""Reads CloudTrail's event history, region by region (LookupEvents)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from verify import foreign_json
from verify.account.sessions import plain_session
from verify.investigate.act import Act, UnreadableRecordError, act_of
from verify.investigate.found import Found, HistoryError
from verify.investigate.question import Question

ACTION = "cloudtrail:LookupEvents"
# Two calls a second are answered in an account and region: the client slows down by itself.
_PATIENT = Config(retries={"mode": "adaptive", "total_max_attempts": 10})
_PAGE = 50


def look_up(
    question: Question,
    regions: Sequence[str],
    limit: int,
    say: Callable[[str], None],
    client_of: Callable[[str], Any] | None = None,
) -> Found:
    """What the history of the regions says to a question, at most `limit` events of each.

    `say` is told how far it is. `client_of` gives CloudTrail's client of a region; without it they
    are made from the environment. Raises HistoryError when a region does not answer.
    """
    session = plain_session()
    clients = [
        session.create_client("cloudtrail", region, config=_PATIENT)
        if client_of is None
        else client_of(region)
        for region in regions
    ]
    with ThreadPoolExecutor(len(regions)) as threads:
        read = threads.map(
            lambda pair: _of_region(pair[0], pair[1], question, limit, say),
            zip(clients, regions, strict=True),
        )
        parts = list(read)
    acts = {act.event_id: act for part in parts for act in part.acts}
    return Found(
        tuple(sorted(acts.values(), key=lambda act: (act.time, act.event_id))),
        tuple(region for part in parts for region in part.cut_off),
        tuple(text for part in parts for text in part.unreadable),
    )


def _of_region(
    client: Any, region: str, question: Question, limit: int, say: Callable[[str], None]
) -> Found:
    acts: list[Act] = []
    unreadable: list[str] = []
    count = 0
    for attribute in question.attributes() or (None,):
        for number, event in enumerate(_events(client, region, question, attribute)):
            if number >= limit:
                return Found(tuple(acts), (region,), tuple(unreadable))
            count += 1
            try:
                act = _act(event)
            except UnreadableRecordError as error:
                unreadable.append(f"{region}: event {event.get('EventId', 'without id')}: {error}")
                continue
            if question.admits(act):
                acts.append(act)
            if count % (10 * _PAGE) == 0:
                say(f"{region}: {count:,} events read, back to {act.time:%Y-%m-%d %H:%M:%S} UTC")
    return Found(tuple(acts), (), tuple(unreadable))


def _events(
    client: Any, region: str, question: Question, attribute: tuple[str, str] | None
) -> Iterator[dict[str, Any]]:
    """The events of a period, the newest first."""
    asked = [{"AttributeKey": attribute[0], "AttributeValue": attribute[1]}] if attribute else []
    pages = client.get_paginator("lookup_events").paginate(
        StartTime=question.since,
        EndTime=question.until,
        **({"LookupAttributes": asked} if asked else {}),
        PaginationConfig={"PageSize": _PAGE},
    )
    try:
        for page in pages:
            yield from page.get("Events", [])
    except BotoCoreError as error:
        raise HistoryError(f"{region} does not tell its events: {error}") from None
    except ClientError as error:
        said = error.response.get("Error", {})
        code, message = said.get("Code", ""), said.get("Message", "")
        remedy = f": allow {ACTION}" if "AccessDenied" in code else ""
        raise HistoryError(
            f"{region} does not tell its events ({code}: {message}){remedy}"
        ) from None


def _act(event: dict[str, Any]) -> Act:
    try:
        record = foreign_json.parsed(event.get("CloudTrailEvent") or "")
    except ValueError as error:
        raise UnreadableRecordError(f"not JSON: {error}") from None
    if not isinstance(record, dict):
        raise UnreadableRecordError("not a record")
    names = [resource.get("ResourceName") for resource in event.get("Resources") or []]
    return act_of(record, tuple(name for name in names if name))
