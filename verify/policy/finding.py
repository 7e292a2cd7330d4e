"""What the judgements on policies return."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from verify.policy.document import Statement


class Verdict(Enum):
    """A judgement has three answers: what could not be decided never counts as fine."""

    VIOLATION = "violation"
    CLEAN = "clean"
    CANNOT_TELL = "cannot tell"


@dataclass(frozen=True)
class Finding:
    """Something wrong with a statement (`verdict` VIOLATION), or perhaps wrong (CANNOT_TELL).

    `index` is the statement's position, None when the whole document is meant. `subject` is the
    principal, action or resource concerned. `reason` says it all in words, with the statement's
    name.
    """

    verdict: Verdict
    index: int | None
    sid: str
    subject: str
    reason: str

    @classmethod
    def about(
        cls, statement: Statement, subject: str, what: str, verdict: Verdict = Verdict.VIOLATION
    ) -> Finding:
        """A finding about a statement; `what` follows the statement's name in the reason."""
        reason = f"{statement.label} {what}"
        return cls(verdict, statement.index, statement.sid, subject, reason)


@dataclass(frozen=True)
class Judgement:
    """The answer to a question about a whole document: `holds` only when it surely does.

    `undecided` is true when it may hold: what decides that is not known here.
    """

    holds: bool
    reason: str
    undecided: bool = False


def verdict_of(findings: Iterable[Finding]) -> Verdict:
    """One answer for many findings: the worst of theirs, CLEAN for none."""
    verdicts = {finding.verdict for finding in findings}
    for verdict in (Verdict.VIOLATION, Verdict.CANNOT_TELL):
        if verdict in verdicts:
            return verdict
    return Verdict.CLEAN
