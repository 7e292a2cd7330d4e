"""One reading call of an AWS API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Read:
    """One reading call. `absent` are the error codes by which the API says "there is none".

    The same call at another `moment` of the run is another read.
    """

    service: str
    operation: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    absent: tuple[str, ...] = ()
    moment: str = ""
