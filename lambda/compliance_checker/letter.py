"""Dead letters: what could not be processed or published, as it is kept for a person to look at."""

from __future__ import annotations

import json
from typing import Any

MAXIMUM_LETTER_BYTES = 200_000  # of the 262,144 that SQS takes for a whole batch


def letter(reason: str, error: str, content: object, **origin: object) -> dict[str, Any]:
    """A dead letter: why, where from, and as much of the content as SQS takes."""
    whole = content if isinstance(content, str) else json.dumps(content, default=str)
    kept = whole[:MAXIMUM_LETTER_BYTES]
    while len(json.dumps(kept)) > MAXIMUM_LETTER_BYTES:  # escapes lengthen it
        kept = kept[: len(kept) * 3 // 4]
    return {
        "schema_version": "1.0",
        "reason": reason,
        "error": error[:1024],
        **origin,
        "content": kept,
        "truncated": len(kept) < len(whole),
    }
