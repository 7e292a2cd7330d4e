"""The outcomes that a control can have, and what a run of them is worth as an exit code."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

EXIT_CLEAN = 0
EXIT_CONTROL_FAILED = 1
EXIT_NOT_VERIFIED = 6  # pytest uses 0 to 5 itself


class Outcome(StrEnum):
    """The verdict on one control of the catalogue.

    ERROR and NOT_TESTED are not failures of the account but of our sight: neither counts as a pass.
    """

    PASS = "PASS"  # noqa: S105 - an outcome, not a password
    FAIL = "FAIL"
    ERROR = "ERROR"
    WAIVED = "WAIVED"
    NOT_TESTED = "NOT TESTED"
    NOT_APPLICABLE = "NOT APPLICABLE"


NOT_VERIFIED = frozenset({Outcome.ERROR, Outcome.NOT_TESTED})


def exit_code(outcomes: Iterable[Outcome]) -> int:
    """The exit code that a run with these outcomes deserves.

    Returns 1 when a control failed, 6 when none failed but at least one could not be verified
    (or when there is no outcome at all), else 0.
    """
    seen = set(outcomes)
    if Outcome.FAIL in seen:
        return EXIT_CONTROL_FAILED
    if not seen or seen & NOT_VERIFIED:
        return EXIT_NOT_VERIFIED
    return EXIT_CLEAN
