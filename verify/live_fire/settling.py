"""AWS's services learn of what was just made a little later than the one that made it.

Sources: EC2 API reference, "Eventual consistency"; IAM guide, "Changes that I make are not always
immediately visible"; SQS API reference, DeleteQueue (up to 60 seconds); S3 guide, "Amazon S3 data
consistency model" (bucket configurations).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar

from verify.account.errors import ActionFailedError

T = TypeVar("T")

# How long the first use of a new thing may be refused as if there were no such thing.
KNOWN_WITHIN = 60.0
# How long what was removed may still be listed.
GONE_WITHIN = 90.0
_LONGEST_PAUSE = 5.0


Unknown = Callable[[ActionFailedError], bool]


def with_code(*codes: str) -> Unknown:
    """Whether a refusal has one of these codes."""
    return lambda error: error.code in codes


def once_known(call: Callable[[], T], unknown: Unknown, seconds: float = KNOWN_WITHIN) -> T:
    """Make a call on something new, again while its refusal says that this is `unknown` yet.

    Raises ActionFailedError: the last refusal, or any other.
    """
    # Imported here: it takes long, and the state checks alone have nothing to wait for.
    import tenacity

    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception(
            lambda error: isinstance(error, ActionFailedError) and unknown(error)
        ),
        stop=tenacity.stop_after_delay(seconds),
        wait=tenacity.wait_exponential(multiplier=0.25, max=_LONGEST_PAUSE),
        reraise=True,
    )
    return retrying(call)


def unless_gone(call: Callable[[], object], *codes: str) -> None:
    """Make a call that removes something, which has gone already by a refusal with these codes.

    Raises ActionFailedError for any other.
    """
    try:
        call()
    except ActionFailedError as error:
        if error.code not in codes:
            raise


def once_gone(find: Callable[[], T], left: Callable[[T], bool], stop: threading.Event) -> T:
    """What `find` finds, looked for again while there is something `left`, or until `stop`."""
    import tenacity

    retrying: tenacity.Retrying = tenacity.Retrying(
        retry=tenacity.retry_if_result(left),
        stop=tenacity.stop_any(
            tenacity.stop_after_delay(GONE_WITHIN), tenacity.stop_when_event_set(stop)
        ),
        wait=tenacity.wait_exponential(multiplier=0.25, max=_LONGEST_PAUSE),
        retry_error_callback=_latest,
    )
    return retrying(find)


def _latest(state: Any) -> Any:
    return state.outcome.result()
