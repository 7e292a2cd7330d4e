"""Waivers: failures that somebody has accepted, for a reason and for a time.

A waiver never hides anything: the failure stays in the report with all that was seen. It covers
failures alone, since nobody can accept what nobody saw. It says who answers for it, who has
accepted the risk and where that is kept, and holds from its day of issue to its last day.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from verify import schemas
from verify.inputs.reader import UnreadableError
from verify.model import Control, ControlResult, Outcome, WaiverUse
from verify.policy.patterns import matches

MAXIMUM_CHARACTERS = 1_000_000


class WaiverError(Exception):
    """The waivers cannot be used. The message names the cause and the remedy."""


@dataclass(frozen=True)
class Waiver:
    """One accepted failure; `subject` is a pattern with * and ?."""

    control: str
    subject: str
    reason: str
    ticket: str
    owner: str
    approver: str
    issued: date
    expires: date

    def holds(self, today: date) -> bool:
        """Whether `today` is one of its days."""
        return self.issued <= today <= self.expires

    def covers(self, subject: str) -> bool:
        """Whether `subject` is one of those that the waiver is for. Case counts, as in ARNs."""
        return matches(self.subject, subject)


def load(path: Path, controls: Mapping[str, Control], longest_days: int) -> tuple[Waiver, ...]:
    """The waivers in the YAML file `path`, by `schemas/waivers.schema.json`.

    Raises WaiverError when the file cannot be read, breaks the schema, gives a day that does not
    exist, names a control that is not among `controls`, waives one of severity CRITICAL for more
    subjects than those that it names, or has one for longer than `longest_days`.
    """
    # Imported here: it takes long, and most runs have no waivers.
    from verify.inputs.yaml_documents import read_unplaced

    try:
        document = read_unplaced(path, f"the waivers {path}", MAXIMUM_CHARACTERS)
    except UnreadableError as error:
        raise WaiverError(str(error)) from None
    faults = schemas.violations("waivers", document)
    if faults:
        raise WaiverError(f"the waivers {path} are not valid:\n  " + "\n  ".join(faults))
    found = [_waiver(path, entry) for entry in document["waivers"]]
    for waiver in found:
        _require_acceptable(path, waiver, controls, longest_days)
    return tuple(found)


def _require_acceptable(
    path: Path, waiver: Waiver, controls: Mapping[str, Control], longest_days: int
) -> None:
    control = controls.get(waiver.control)
    if control is None:
        raise WaiverError(
            f"the waivers {path} name the control {waiver.control}, which does not exist: "
            "correct its name, so that the waiver covers what it was meant for"
        )
    if control.severity == "CRITICAL" and set(waiver.subject) & set("*?"):
        raise WaiverError(
            f"the waivers {path} waive {waiver.control} on {waiver.subject}: a control of severity "
            "CRITICAL is waived on one subject at a time: name each, without * and ?"
        )
    days = (waiver.expires - waiver.issued).days
    if days < 0:
        raise WaiverError(
            f"the waivers {path} have {waiver.control} end on {waiver.expires}, before it is "
            f"issued on {waiver.issued}: correct one of the days"
        )
    if days > longest_days:
        raise WaiverError(
            f"the waivers {path} waive {waiver.control} for {days} days, from {waiver.issued} to "
            f"{waiver.expires}: the baseline admits {longest_days} at most (waivers.longest_days): "
            "let it end earlier, and have it issued anew if need be"
        )


def _waiver(path: Path, entry: Mapping[str, Any]) -> Waiver:
    return Waiver(**{**entry, **{name: _day(path, entry[name]) for name in ("issued", "expires")}})


def _day(path: Path, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise WaiverError(f"the waivers {path} give a day that does not exist: {text}") from None


def waived(control: str, unmet: Collection[str], waivers: Iterable[Waiver], today: date) -> bool:
    """Whether waivers that hold `today` cover every subject on which `control` failed."""
    living = [waiver for waiver in waivers if waiver.control == control and waiver.holds(today)]
    return bool(unmet) and all(
        any(waiver.covers(subject) for waiver in living) for subject in unmet
    )


def apply(
    results: Sequence[ControlResult], waivers: Sequence[Waiver], today: date
) -> tuple[tuple[ControlResult, ...], tuple[WaiverUse, ...]]:
    """`results` with what is waived as WAIVED, and what became of each waiver.

    A failed control is waived only when waivers that hold `today` cover every subject on which an
    expectation was not met. One that has expired, or does not hold yet, covers nothing; one that
    covers nothing that failed is unused, and better removed.
    """
    covered: set[Waiver] = set()
    judged = []
    for result in results:
        mine = [waiver for waiver in waivers if waiver.control == result.control.identifier]
        unmet = [item.subject for item in result.observations if not item.met]
        if result.outcome is not Outcome.FAIL or not unmet:
            judged.append(result)
            continue
        covered |= {waiver for waiver in mine if any(map(waiver.covers, unmet))}
        accepted = waived(result.control.identifier, unmet, waivers, today)
        judged.append(replace(result, outcome=Outcome.WAIVED) if accepted else result)
    return tuple(judged), tuple(_use(waiver, waiver in covered, today) for waiver in waivers)


def _use(waiver: Waiver, covers_something: bool, today: date) -> WaiverUse:
    return WaiverUse(
        control=waiver.control,
        subject=waiver.subject,
        reason=waiver.reason,
        ticket=waiver.ticket,
        owner=waiver.owner,
        approver=waiver.approver,
        issued=waiver.issued.isoformat(),
        expires=waiver.expires.isoformat(),
        days_left=(waiver.expires - today).days,
        status=_status(waiver, covers_something, today),
    )


def _status(waiver: Waiver, covers_something: bool, today: date) -> str:
    if waiver.expires < today:
        return "expired"
    if waiver.issued > today:
        return "not yet in force"
    return "used" if covers_something else "unused"
