"""Whose call is being served: for answers that depend on what the caller may do."""

from __future__ import annotations

from contextvars import ContextVar

from sandbox.access.caller import Caller

_caller: ContextVar[Caller | None] = ContextVar("caller", default=None)


def serve(caller: Caller) -> None:
    """From now on this thread answers a call of ``caller``."""
    _caller.set(caller)


def caller() -> Caller | None:
    """Who made the call that this thread answers; None where it works of its own accord."""
    return _caller.get()
