"""Which controls of the catalogue have a mutant, and which are excused, with the reason."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from mutants.model import Mutant

EXEMPTIONS = Path(__file__).with_name("exemptions.yaml")
MAXIMUM_BYTES = 100_000


class ExemptionError(Exception):
    """The exemptions cannot be used. The message names the fault."""


@dataclass(frozen=True)
class Coverage:
    """`uncovered` controls have neither a mutant nor an exemption."""

    covered: frozenset[str]
    exempt: Mapping[str, str]  # control -> reason
    uncovered: frozenset[str]


def load_exemptions(path: Path = EXEMPTIONS) -> Mapping[str, str]:
    """Control -> reason.

    Raises ExemptionError for anything that is not a list of a control and a reason each.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ExemptionError(f"{path} cannot be read: {error}") from None
    if len(text) > MAXIMUM_BYTES:
        raise ExemptionError(f"{path} exceeds {MAXIMUM_BYTES:,} characters")
    try:
        entries = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ExemptionError(f"{path} is not YAML: {error}") from None
    reasons: dict[str, str] = {}
    for entry in entries if isinstance(entries, list) else [entries]:
        if not isinstance(entry, dict) or set(entry) != {"control", "reason"}:
            raise ExemptionError(f"{path}: an entry is a control and a reason, not {entry!r}")
        control, reason = entry["control"], entry["reason"]
        if not isinstance(control, str) or not isinstance(reason, str) or not reason.strip():
            raise ExemptionError(f"{path}: {control!r} needs a reason in words")
        if control in reasons:
            raise ExemptionError(f"{path}: {control} is exempt twice")
        reasons[control] = reason.strip()
    return reasons


def coverage(
    controls: Collection[str], mutants: Iterable[Mutant], exemptions: Mapping[str, str]
) -> Coverage:
    """What the mutants cover of the catalogue's `controls`.

    Raises ExemptionError for an exemption that is not needed or of no known control, and
    ValueError for a mutant that names an unknown control.
    """
    known, seeded = frozenset(controls), tuple(mutants)
    for mutant in seeded:
        unknown = (mutant.fails | mutant.errors) - known
        if unknown:
            raise ValueError(f"mutant {mutant.name} names unknown controls: {sorted(unknown)}")
    covered = frozenset(control for mutant in seeded for control in mutant.fails)
    for control in exemptions:
        if control not in known:
            raise ExemptionError(f"{control} is exempt, but the catalogue has no such control")
        if control in covered:
            raise ExemptionError(f"{control} is exempt, but has a mutant: remove the exemption")
    return Coverage(covered, exemptions, known - covered - exemptions.keys())
