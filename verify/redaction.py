"""What may be written down: values as JSON can hold them, without credentials and secrets."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import Any

REDACTED = "[redacted]"

# Shapes of credentials that AWS may echo: access key ids, presigned URLs' signatures and tokens.
_CREDENTIAL = re.compile(
    r"(?P<key>\b(?:AKIA|ASIA)[A-Z0-9]{16}\b)"
    r"|(?P<query>(?<=[?&])X-Amz-(?:Signature|Credential|Security-Token)=[^&\s\"]+)"
)
_MARK = re.compile(r"AKIA|ASIA|X-Amz-")
_SECRET_NAMES = (
    *("password", "passwd", "secret", "token", "credential"),
    *("apikey", "api_key", "privatekey", "private_key"),
)
_SECRET_NAME = re.compile("|".join(_SECRET_NAMES), re.IGNORECASE)
# Names that contain one of those words and hold none: pagination, AWS's own vocabulary, and in
# policies the claims of an identity provider (token.actions.githubusercontent.com:aud).
_HARMLESS_NAME = re.compile(
    r"(?i)^(next|continuation|marker).*token$|^token$|tokenexpiration"
    r"|^[a-z0-9-]+(\.[a-z0-9-]+)+(/[\w./-]*)?:[a-z_]+$"
)


def jsonable(value: Any, secrets: frozenset[str] = frozenset()) -> Any:
    """`value` as JSON can hold it: datetimes in ISO 8601, bytes in base64.

    Bytes are redacted on the way, without `secrets`: in base64 nothing would be found.
    """
    if isinstance(value, Mapping):
        return {str(key): jsonable(item, secrets) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [jsonable(item, secrets) for item in value]
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(_redacted_bytes(value, secrets)).decode("ascii")
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    return str(value)


def written(document: Mapping[str, Any], secrets: frozenset[str] = frozenset()) -> str:
    """A document as JSON on one line, like `redact` of `jsonable` of it.

    Most hold nothing to redact, and the text tells it sooner than each value in turn.
    """
    text = json.dumps(document, ensure_ascii=False, default=lambda value: jsonable(value, secrets))
    folded = text.casefold()
    if (
        any(name in folded for name in _SECRET_NAMES)
        or _MARK.search(text)
        or any(json.dumps(secret, ensure_ascii=False)[1:-1] in text for secret in secrets)
    ):
        return json.dumps(redact(json.loads(text), secrets), ensure_ascii=False)
    return text


def redact(value: Any, secrets: frozenset[str] = frozenset()) -> Any:
    """`value` (JSON-able) without credentials, values under secret-sounding names, or `secrets`."""
    if isinstance(value, Mapping):
        return {
            key: REDACTED
            if isinstance(item, str) and _is_secret(key) and not item.startswith("arn:")
            else redact(item, secrets)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [redact(item, secrets) for item in value]
    if isinstance(value, str):
        text = value
        for secret in secrets:
            text = text.replace(secret, REDACTED)
        # Most texts hold nothing that could be one, and are many.
        return _CREDENTIAL.sub(REDACTED, text) if _MARK.search(text) else text
    return value


def _redacted_bytes(value: bytes, secrets: frozenset[str]) -> bytes:
    """Text without credentials and `secrets`; what is no text stays as it is."""
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        return value
    return str(redact(text, secrets)).encode("utf-8")


@lru_cache(maxsize=10_000)  # the same few names come again and again
def _is_secret(key: str) -> bool:
    return bool(_SECRET_NAME.search(key)) and not _HARMLESS_NAME.search(key)
