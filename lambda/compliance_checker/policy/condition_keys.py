"""What AWS says of condition keys and identity providers: the tables that the suite judges by too.

``condition-keys.json`` and ``identity-providers.json`` beside this module are links to the suite's,
and copies of them in the package; each explains its fields. A key that is not in the table holds
nobody back as far as is known here.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any


def _table(name: str) -> Mapping[str, Any]:
    path = os.path.join(os.path.dirname(__file__), name)
    with open(path, encoding="utf-8") as file:
        table: Mapping[str, Any] = json.load(file)
    return table


@dataclass(frozen=True, slots=True)
class ConditionKey:
    """A condition key: what its values name of a caller; "nothing" if it holds no caller back."""

    names: str
    always_there: bool


_NOTHING = ConditionKey("nothing", always_there=False)


@cache
def _keys() -> Mapping[str, ConditionKey]:
    return {
        name.lower(): ConditionKey(
            names=entry["names"] if entry["bounds"] in ("anyone", "both") else "nothing",
            always_there=entry.get("absent") == "never",
        )
        for name, entry in _table("condition-keys.json")["keys"].items()
    }


def is_known(name: str) -> bool:
    """Whether it is known of a key, in lower case, whom it holds back."""
    known = _keys()
    return name in known or any(
        name.startswith(beginning) for beginning in known if beginning[-1] in "/:"
    )


def key_of(name: str) -> ConditionKey:
    """What a key, in lower case, names of a caller; one that is not known names nothing."""
    return _keys().get(name, _NOTHING)


@cache
def _providers() -> Mapping[str, Any]:
    return _table("identity-providers.json")


@cache
def _tenants() -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{address})" for address in _providers()["tenants"]))


def serves_everyone(provider: str) -> bool:
    """Whether an identity provider, by host and path, is known to serve everyone."""
    return provider in _providers()["providers"]


def owner_in(provider: str, claim: str) -> str | None:
    """How the values of a provider's claim name the owner of an identity; None if they do not.

    A regular expression for a value's beginning that names an owner to its end; empty where only a
    whole value names one. The provider of one customer admits nobody else, whatever the claim; of
    one that is not known, only the subject names an identity.
    """
    if _tenants().fullmatch(provider):
        return ""
    owner: str | None = _providers()["providers"].get(provider, {"sub": ""}).get(claim)
    return owner
