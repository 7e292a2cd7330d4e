"""The Lambda entry point: ``compliance_checker.handler.handler``."""

from __future__ import annotations

from functools import cache
from typing import Any

from .checker import Checker
from .ledger import AlertLedger
from .live import LiveState
from .output import StructuredLog
from .pipeline import AuditPipeline
from .publish import AlertPublisher, DeadLetterQueue
from .settings import Settings

# The alias by which a verifier asks for judgements: nothing that comes by it is published or acted
# upon, whatever it says.
REHEARSAL = "rehearsal"
_PARTS_WITH_QUALIFIER = 8


@cache
def _checker() -> Checker:
    settings = Settings.from_environment()
    pipeline = AuditPipeline.from_environment()
    queue_url = settings.dead_letter_queue_url
    return Checker(
        settings=settings,
        pipeline=pipeline,
        log=StructuredLog(settings.log_level),
        publisher=AlertPublisher(settings.alert_topic_arn),
        dead_letters=DeadLetterQueue(queue_url) if queue_url else None,
        live=LiveState(pipeline.account),
        ledger=AlertLedger(settings.ledger_table) if settings.ledger_table else None,
    )


def handler(event: object, context: Any) -> dict[str, Any]:
    """Handle one invocation.

    ``event`` is what the subscription, EventBridge or a test sends (see :mod:`.envelope`). Returns
    counts of records, violations and published alerts; for a test also the alerts themselves.
    """
    remaining = getattr(context, "get_remaining_time_in_millis", None)
    seconds = remaining() / 1000 if remaining is not None else 60.0
    return _checker().handle(
        event,
        getattr(context, "aws_request_id", None),
        seconds,
        rehearse=_is_rehearsal(getattr(context, "invoked_function_arn", None)),
    )


def _is_rehearsal(invoked: object) -> bool:
    """Whether the function was invoked by the alias that only rehearses.

    Lambda names the qualifier after the function's name (developer guide, "Using the Lambda context
    object"): ``arn:aws:lambda:<region>:<account>:function:<name>:<qualifier>``.
    """
    parts = invoked.split(":") if isinstance(invoked, str) else []
    return len(parts) == _PARTS_WITH_QUALIFIER and parts[-1] == REHEARSAL
