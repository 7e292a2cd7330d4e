"""The markers of checks."""

from __future__ import annotations

import pytest

MARKERS = (
    "control(identifier, *readings): this check decides the control, from these readings alone",
    "live_fire: this check acts on the account and waits for the consequence",
    "after_live_fire: this check reads what the live fire proves to flow",
)


def register(config: pytest.Config) -> None:
    """Let pytest know the markers."""
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)
