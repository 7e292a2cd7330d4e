"""Waivers: failures that somebody has accepted, for a reason and for a time.

A waiver never hides anything: the failure stays in the report with all that was seen. It covers
failures alone, since nobody can accept what nobody saw, and it ends with its last day.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from verify import schemas
from verify.inputs.reader import UnreadableError
from verify.model import ControlResult, Outcome, WaiverUse

MAXIMUM_CHARACTERS = 1_000_000


class WaiverError(Exception):
    """The waivers cannot be used. The message names the cause and the remedy."""


@dataclass(frozen=True)
class Waiver:
    """One accepted failure; `subject` is a pattern with * and ?."""

    control: str
    subject: str
    reason: str
    owner: str
    expires: date

    def covers(self, subject: str) -> bool:
        """Whether `subject` is one of those that the waiver is for. Case counts, as in ARNs."""
        pattern = "".join(
            ".*" if part == "*" else "." if part == "?" else re.escape(part)
            for part in re.split(r"([*?])", self.subject)
        )
        return re.fullmatch(pattern, subject, re.DOTALL) is not None


def load(path: Path, controls: Iterable[str]) -> tuple[Waiver, ...]:
    """The waivers in the YAML file `path`, by `schemas/waivers.schema.json`.

    Raises WaiverError when the file cannot be read, breaks the schema, gives a day that does not
    exist, or names a control that is not among `controls`.
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
    known = frozenset(controls)
    found = []
    for entry in document["waivers"]:
        if entry["control"] not in known:
            raise WaiverError(
                f"the waivers {path} name the control {entry['control']}, which does not exist: "
                "correct its name, so that the waiver covers what it was meant for"
            )
        found.append(_waiver(path, entry))
    return tuple(found)


def _waiver(path: Path, entry: Mapping[str, Any]) -> Waiver:
    try:
        expires = date.fromisoformat(entry["expires"])
    except ValueError:
        raise WaiverError(
            f"the waivers {path} give a day that does not exist: {entry['expires']}"
        ) from None
    return Waiver(**{**entry, "expires": expires})


def waived(control: str, unmet: Collection[str], waivers: Iterable[Waiver], today: date) -> bool:
    """Whether waivers that have not expired cover every subject on which `control` failed."""
    living = [waiver for waiver in waivers if waiver.control == control and waiver.expires >= today]
    return bool(unmet) and all(
        any(waiver.covers(subject) for waiver in living) for subject in unmet
    )


def apply(
    results: Sequence[ControlResult], waivers: Sequence[Waiver], today: date
) -> tuple[tuple[ControlResult, ...], tuple[WaiverUse, ...]]:
    """`results` with what is waived as WAIVED, and what became of each waiver.

    A failed control is waived only when waivers that have not expired cover every subject on which
    an expectation was not met. An expired waiver covers nothing; one that covers nothing that
    failed is unused, and better removed.
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
    expired = waiver.expires < today
    return WaiverUse(
        control=waiver.control,
        subject=waiver.subject,
        reason=waiver.reason,
        owner=waiver.owner,
        expires=waiver.expires.isoformat(),
        days_left=(waiver.expires - today).days,
        status="expired" if expired else "used" if covers_something else "unused",
    )
