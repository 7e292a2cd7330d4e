"""What AWS or the network may do instead of answering, for the answers of a recorded run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError

from verify.account.answer import Called
from verify.model import Outcome


def _refused(code: str) -> Callable[[Called], Called]:
    def fail(called: Called) -> Called:
        error = ClientError({"Error": {"Code": code, "Message": "seeded"}}, "seeded")
        return _failed(called, error)

    return fail


def _unanswered(called: Called) -> Called:
    return _failed(called, ReadTimeoutError(endpoint_url="https://aws"))


def _failed(called: Called, error: ClientError | BotoCoreError) -> Called:
    return replace(called, pages=(), error=error)


def _emptied(called: Called) -> Called:
    return replace(called, pages=({},), error=None)


DENIED = "denied"
EMPTY = "empty answer"
FAILURES: Mapping[str, Callable[[Called], Called]] = {
    DENIED: _refused("AccessDeniedException"),
    "throttled": _refused("ThrottlingException"),
    "server error": _refused("ServiceUnavailable"),
    "time-out": _unanswered,
    EMPTY: _emptied,
}

# An empty answer is how AWS itself says "none" here: it cannot be told from a lost one.
EMPTY_MEANS_NONE = frozenset(
    {
        "events.list_rule_names_by_target",
        "lambda.get_function_concurrency",
        "logs.get_transformer",
        "s3.get_bucket_accelerate_configuration",
        "s3.get_bucket_logging",
        "s3.get_bucket_notification_configuration",
        "sns.get_data_protection_policy",
    }
)


def noticed(call: str, failure: str, outcome: Outcome) -> bool:
    """Whether a control that needs `call` (service.operation) may end so when all of it fails so.

    What could not be seen is an ERROR; of an empty answer something may be known to be missing.
    """
    if failure == EMPTY:
        return outcome is not Outcome.PASS or call in EMPTY_MEANS_NONE
    return outcome is Outcome.ERROR
