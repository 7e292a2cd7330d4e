"""Consent that is given beforehand, by a variable of the environment."""

from __future__ import annotations

from collections.abc import Mapping


def given(environment: Mapping[str, str], name: str) -> bool:
    """Whether the variable `name` says yes: `1`, `true` or `yes`."""
    return environment.get(name, "").strip().lower() in ("1", "true", "yes")
