"""Where requests go, when an endpoint of the user's own stands in AWS's place."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit, urlunsplit

_ACCOUNT_HOST = re.compile(r"\d{12}\.")


def reach_by_address(client: Any) -> None:
    """Let S3 Control's client reach an endpoint that is given by its address, not by a name.

    It puts the account before whatever host it is given, and 123456789012.127.0.0.1 is nobody's
    name; the account is in a header as well. Other clients and endpoints stay as they are.
    """
    host = urlsplit(client.meta.endpoint_url).hostname or ""
    try:
        ip_address(host)
    except ValueError:
        return
    client.meta.events.register("before-sign.s3-control", _without_account)


def _without_account(request: Any, **_: Any) -> None:
    parts = urlsplit(request.url)
    request.url = urlunsplit(parts._replace(netloc=_ACCOUNT_HOST.sub("", parts.netloc, count=1)))
