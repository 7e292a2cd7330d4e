"""What has changed between two runs, control by control. Pure: it knows the model alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from verify.model import (
    NOT_VERIFIED,
    Comparison,
    ControlChange,
    ControlResult,
    Outcome,
    Report,
)

NEWLY_FAILED, FAILS_OTHERWISE, NEWLY_UNVERIFIED = (
    "newly failed",
    "fails otherwise",
    "newly unverified",
)
NEWLY_WAIVED, MENDED, VERIFIED_AGAIN = "newly waived", "mended", "verified again"
APPEARED, GONE, OTHERWISE = "new in the baseline", "not in the baseline any more", "otherwise"
# The worst first.
KINDS = (
    NEWLY_FAILED,
    FAILS_OTHERWISE,
    NEWLY_UNVERIFIED,
    NEWLY_WAIVED,
    MENDED,
    VERIFIED_AGAIN,
    APPEARED,
    GONE,
    OTHERWISE,
)
_UNMET = frozenset({Outcome.FAIL, Outcome.WAIVED})


def compare(before: Report, after: Report) -> Comparison:
    """What has changed from one run to a later one of the same deployment, the worst first."""
    earlier = {one.control.identifier: one for one in before.results}
    later = {one.control.identifier: one for one in after.results}
    changes = [
        change
        for name in dict.fromkeys((*later, *earlier))
        for change in _change(name, earlier.get(name), later.get(name))
    ]
    return Comparison(
        run_id=before.run_id,
        started=before.started,
        verdict=before.verdict,
        changes=tuple(sorted(changes, key=lambda change: KINDS.index(change.kind))),
    )


def _change(
    name: str, before: ControlResult | None, after: ControlResult | None
) -> Iterator[ControlChange]:
    if after is None:
        if before is not None:
            yield ControlChange(name, GONE, before.outcome, None, ())
        return
    if before is None:
        yield ControlChange(name, APPEARED, None, after.outcome, _rows(after, {}))
        return
    kind = _kind(before.outcome, after.outcome)
    known = _unmet(before)
    rows = _rows(after, known) if after.outcome in _UNMET else ()
    gone = () if kind in (MENDED,) else _gone(known, _unmet(after))
    if kind is None and after.outcome in _UNMET and (rows or gone):
        kind = FAILS_OTHERWISE
    if kind is not None:
        said = (after.message,) if after.outcome in NOT_VERIFIED and after.message else ()
        yield ControlChange(name, kind, before.outcome, after.outcome, (*rows, *gone, *said))


def _kind(before: Outcome, after: Outcome) -> str | None:
    """What it is called that one outcome became another; None where it is the same."""
    if before is after:
        return None
    if after is Outcome.FAIL:
        return NEWLY_FAILED
    if after in NOT_VERIFIED:
        return None if before in NOT_VERIFIED else NEWLY_UNVERIFIED
    if after is Outcome.WAIVED:
        return NEWLY_WAIVED
    if before in _UNMET:
        return MENDED
    return VERIFIED_AGAIN if before in NOT_VERIFIED else OTHERWISE


def _unmet(result: ControlResult) -> Mapping[tuple[str, str], str]:
    return {
        (one.subject, one.aspect): f"{one.subject}: {one.aspect}: {one.comparison}"
        for one in result.observations
        if not one.met
    }


def _rows(result: ControlResult, known: Mapping[tuple[str, str], str]) -> tuple[str, ...]:
    """What is not met now and was, or was otherwise."""
    return tuple(text for key, text in _unmet(result).items() if known.get(key) != text)


def _gone(
    before: Mapping[tuple[str, str], str], after: Mapping[tuple[str, str], str]
) -> tuple[str, ...]:
    return tuple(f"no more: {text}" for key, text in before.items() if key not in after)
