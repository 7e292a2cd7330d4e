"""What can be asked of the sandbox itself, under ``/_sandbox/``, where AWS has nothing.

- ``GET /_sandbox/health``: what this sandbox is.
- ``POST /_sandbox/backfill-digest`` with ``{"trail": <name or ARN>, "region": <region>}``: a
  backfill digest of the log files that no digest of that trail and region names (see
  ``sandbox.trail.digests``). The region may be left out: it is the trail's own then.
- ``POST /_sandbox/rotate-signing-key`` with ``{"region": <region>}``: digests of that region are
  signed with a new key from now on.
- ``POST /_sandbox/expire-unconfirmed-subscriptions`` with ``{}``: SNS forgets the subscriptions
  that nobody has confirmed, as it does after three days.
- ``POST /_sandbox/confirm-subscription`` with ``{"endpoint": <address or URL>}``: whoever has the
  mailbox follows the link that SNS has sent there, without signing in.
- ``POST /_sandbox/root-user`` with any of ``{"mfa": <bool>, "access_keys": <number>,
  "certificates": <number>, "password": <bool>}``: what the account's root user has from now on. It
  begins with MFA and a password, and with neither keys nor certificates.
- ``POST /_sandbox/age-credentials`` with ``{"user": <name>, "days": <number>, "used_days":
  <number>}``: the IAM user, its password and its keys were made so many days ago, and used last
  ``used_days`` ago; without it never.
- ``POST /_sandbox/expire-credential-report`` with ``{}``: IAM makes a new credential report when it
  is asked to next, as it does after four hours.
- ``POST /_sandbox/age-metrics`` with ``{"minutes": <number>}``: all data of metrics that there are
  were published so many minutes earlier, so that an alarm's periods need not be waited for.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

Control = Callable[[Mapping[str, Any]], dict[str, Any]]

MAXIMUM_REQUEST_BYTES = 64 * 1024


class ControlError(Exception):
    """A request that cannot be met; ``status`` is the HTTP status line."""

    def __init__(self, status: str, message: str) -> None:
        super().__init__(message)
        self.status = status


def read_request(content_type: str, body: bytes) -> dict[str, Any]:
    """The JSON object in a request. Raises ControlError when there is none."""
    # A page in a browser cannot send this type to another site without asking first.
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise ControlError("415 Unsupported Media Type", "Content-Type must be application/json")
    if len(body) > MAXIMUM_REQUEST_BYTES:
        raise ControlError("413 Content Too Large", "the request is too large")
    try:
        request = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ControlError("400 Bad Request", "the request is not JSON") from error
    if not isinstance(request, dict):
        raise ControlError("400 Bad Request", "the request is not a JSON object")
    return request
