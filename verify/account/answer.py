"""What a call brought, and how its parts are taken from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from verify.model import NotVerifiedError


@dataclass(frozen=True)
class Answer:
    """What a call brought: a response (pages merged), or the code of a declared error."""

    response: Mapping[str, Any] | None
    error_code: str | None
    evidence: str

    @property
    def found(self) -> bool:
        """Whether the thing that was asked for exists."""
        return self.response is not None


def pick(document: Mapping[str, Any], *path: str) -> Any:
    """The value at `path` of an API's answer.

    Raises NotVerifiedError where a part is missing: what AWS did not say is not a state.
    """
    value: Any = document
    for index, part in enumerate(path):
        if not isinstance(value, Mapping) or part not in value:
            raise NotVerifiedError(f"the API's answer lacks {'.'.join(path[: index + 1])}")
        value = value[part]
    return value
