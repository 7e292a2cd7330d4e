"""What a call brought, and how its parts are taken from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from verify.model import NotVerifiedError

# AWS refuses requests of a clock that differs by more: what is so much later than the time of an
# answer is no past time.
CLOCKS_DIFFER = timedelta(minutes=5)

_Worth = Callable[[Mapping[str, Any]], object]


@dataclass(frozen=True)
class Called:
    """One call that was made: its pages or its error, when, and the evidence that keeps it.

    `evidence` is empty for what was not worth keeping.
    """

    pages: tuple[Mapping[str, Any], ...]
    error: ClientError | BotoCoreError | None
    time: datetime
    evidence: str


class Source(Protocol):
    """Where answers come from: the account itself, or the recorded evidence of an earlier run."""

    @property
    def region(self) -> str:
        """The region that is asked."""

    @property
    def moves_on(self) -> bool:
        """Whether the same call may be answered otherwise later."""

    def call(
        self,
        service: str,
        operation: str,
        parameters: Mapping[str, Any],
        moment: str = "",
        worth_keeping: _Worth = lambda _: True,
        region: str = "",
    ) -> Called:
        """Make one call, with all of its pages, and keep it as evidence.

        It is asked in `region`, by default the deployment's own. `worth_keeping` is asked of the
        first page. Raises NotVerifiedError where there is nothing to be had, not even an error of
        AWS's.
        """

    def client(self, service: str, region: str) -> Any:
        """A client for what is read beside the door. Raises NotVerifiedError if there is none."""

    def looked(self, service: str, operation: str) -> Called | None:
        """What was seen beside the door, of a replay; None where one has to look.

        Raises NotVerifiedError where nothing of it was kept.
        """


@dataclass(frozen=True)
class Answer:
    """What a call brought: a response (pages merged), or the code of a declared error.

    `time` is when AWS was asked: what is judged by its age is judged by its age then.
    """

    response: Mapping[str, Any] | None
    error_code: str | None
    evidence: str
    time: datetime

    @property
    def found(self) -> bool:
        """Whether the thing that was asked for exists."""
        return self.response is not None


def merged(pages: tuple[Mapping[str, Any], ...]) -> Mapping[str, Any]:
    """One response of all pages: lists are joined, everything else is the last page's."""
    merged: dict[str, Any] = {}
    for page in pages:
        for key, value in page.items():
            earlier = merged.get(key)
            merged[key] = [*earlier, *value] if isinstance(earlier, list) else value
    return merged


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
