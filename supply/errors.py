"""What keeps a command from answering."""

from __future__ import annotations


class SupplyError(Exception):
    """`cause` says what is wrong, `remedy` what to do about it; both without a full stop."""

    def __init__(self, cause: str, remedy: str) -> None:
        super().__init__(f"{cause}; {remedy}")
