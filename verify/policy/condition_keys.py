"""What AWS says of condition keys: one table for the verification suite and for the function.

The table is condition-keys.json, beside this module, which explains its fields. A key that it does
not have is not known: whether it holds anyone back cannot be told.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from types import MappingProxyType


class Caller(Enum):
    """Who a condition has to hold back: callers of any account, or a service acting for anyone."""

    ANYONE = "anyone"
    SERVICE = "service"


class Names(Enum):
    """What the values of a condition key name."""

    NOTHING = "nothing"
    ACCOUNT = "account"
    ARN = "arn"
    ORGANIZATION = "organization"
    IDENTITY = "identity"
    ADDRESS = "address"
    SERVICE = "service"
    PROVIDER = "provider"
    NETWORK = "network"
    NETWORK_ARN = "network-arn"
    NETWORK_ACCOUNT = "network-account"
    NETWORK_ORGANIZATION = "network-organization"
    RESOURCE_ACCOUNT = "resource-account"
    RESOURCE_ORGANIZATION = "resource-organization"


@dataclass(frozen=True)
class ConditionKey:
    """A condition key: what its values name, whom it holds back, and when a request lacks it.

    `unsure` are the callers whom it may hold back in a way that is not known. `absent` is "never"
    for a key that every request has, and empty where AWS does not say.
    """

    name: str
    names: Names
    bounds: frozenset[Caller]
    unsure: frozenset[Caller]
    absent: str
    why: str

    @property
    def is_always_there(self) -> bool:
        """Whether every request has the key, an anonymous one too."""
        return self.absent == "never"


_CALLERS = {
    "nobody": frozenset[Caller](),
    "anyone": frozenset({Caller.ANYONE}),
    "service": frozenset({Caller.SERVICE}),
    "both": frozenset(Caller),
}


def _read() -> Mapping[str, ConditionKey]:
    path = Path(__file__).with_name("condition-keys.json")
    table = json.loads(path.read_text(encoding="utf-8"))["keys"]
    return MappingProxyType(
        {
            name.lower(): ConditionKey(
                name=name,
                names=Names(entry.get("names", "nothing")),
                bounds=_CALLERS[entry["bounds"]],
                unsure=_CALLERS[entry.get("unsure", "nobody")],
                absent=entry.get("absent", ""),
                why=entry["why"],
            )
            for name, entry in table.items()
        }
    )


# By name in lower case. A name that ends in / or : stands for all that begin with it.
CONDITION_KEYS = _read()
_BEGINNINGS = sorted((name for name in CONDITION_KEYS if name[-1] in "/:"), key=len, reverse=True)


def key_of(name: str) -> ConditionKey | None:
    """What is known of a key, whatever its case; None for one that is not known."""
    lowered = name.lower()
    found = CONDITION_KEYS.get(lowered)
    if found is not None:
        return found
    beginning = next((known for known in _BEGINNINGS if lowered.startswith(known)), None)
    return None if beginning is None else CONDITION_KEYS[beginning]
