"""What no door is for, and why."""

from __future__ import annotations

from collections.abc import Mapping

# Schemas of what is written, and read by nobody here.
WRITTEN_ONLY: Mapping[str, str] = {
    "alert": "the function writes it, and live fire holds what it hears to it",
    "integrity": "the validator writes it",
}

NO_INPUT: Mapping[str, str] = {}
