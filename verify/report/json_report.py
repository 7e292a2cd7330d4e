"""The JSON form of a run: complete, strict and in a fixed order, for machines and for later runs.

Its schema is published in verify/schemas/report.schema.json (JSON Schema 2020-12).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from verify import foreign_json
from verify.model import (
    AlertTiming,
    Attestation,
    BaselineSource,
    Citations,
    Comparison,
    Control,
    ControlChange,
    ControlResult,
    EarlierRun,
    EvidenceReference,
    InputFile,
    Leg,
    Observation,
    Outcome,
    Provenance,
    RecordedChange,
    Report,
    Target,
    TerraformState,
    WaiverUse,
    network_picture,
)
from verify.report.display import iso_time, visible

FILE_NAME = "report.json"
SCHEMA_VERSION = "1.5"
SCHEMA_PATH = Path(__file__).parent.parent / "schemas" / "report.schema.json"

_SURROGATE = re.compile("[\ud800-\udfff]")


class InvalidReportError(ValueError):
    """A JSON report that breaks its schema or contradicts itself."""


def document(report: Report) -> dict[str, Any]:
    """Return the run as JSON values.

    Results keep the catalogue's order; evidence is ordered by identifier and timings by probe,
    because the order in which parallel workers hand them in means nothing.
    """
    return {
        "schema_version": SCHEMA_VERSION,
        "run_id": report.run_id,
        "tool": {"name": "trailwarden", "version": report.tool_version},
        "started": iso_time(report.started),
        "finished": iso_time(report.finished),
        "verdict": report.verdict,
        "exit_code": report.exit_code,
        "counts": {str(outcome): number for outcome, number in report.counts.items()},
        "target": _plain(report.target),
        "baseline": _plain(report.baseline),
        "inputs": _plain(report.inputs),
        "command": list(report.command),
        "attestations": _plain(report.attestations),
        "provenance": _plain(report.provenance),
        "terraform_state": _plain(report.terraform_state),
        "caller": report.caller,
        "waivers": _plain(report.waivers),
        "network": _plain(report.network),
        "since": _since(report.since),
        "history": _plain(report.history),
        "notes": list(report.notes),
        "results": _plain(report.results),
        "timings": _plain(_ordered_timings(report.timings)),
        "evidence": [
            _plain(reference) | {"time": iso_time(reference.time)}
            for reference in sorted(report.evidence, key=lambda found: found.identifier)
        ],
    }


def _since(comparison: Comparison | None) -> Any:
    if comparison is None:
        return None
    return _plain(comparison) | {"started": iso_time(comparison.started)}


def _plain(value: Any) -> Any:
    """A value of the report's model as JSON has it; unlike `asdict`, without copies of texts."""
    if isinstance(value, datetime):
        return iso_time(value)
    if isinstance(value, str) or value is None:
        return value
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    return value


def render(report: Report) -> str:
    """Return the run as JSON text: a line for each member, and for each element of a list.

    It holds every string as it is, but for lone surrogates, which become ``[U+D800]`` and the like.

    Raises ValueError for a time without a zone or a number that JSON lacks (NaN, infinity).
    """
    members = (f" {_encoded(name)}: {_lines(value)}" for name, value in document(report).items())
    text = "{\n" + ",\n".join(members) + "\n}"
    # A lone surrogate has no UTF-8 form. JSON could escape it, but jq and others then refuse the
    # whole file, so it is spelled out as the other formats do.
    return _SURROGATE.sub(lambda found: visible(found[0]), text) + "\n"


def _encoded(value: Any) -> str:
    # Without indentation: with it, Python's encoder takes a multiple of the time.
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _lines(value: Any) -> str:
    if not (isinstance(value, list) and value):
        return _encoded(value)
    return "[\n  " + ",\n  ".join(map(_encoded, value)) + "\n ]"


def parse(text: str) -> Report:
    """Return the run that a JSON report holds.

    Raises InvalidReportError when the text is not JSON, breaks the schema, or when its verdict,
    counts or exit code are not what its results amount to.
    """
    try:
        found = foreign_json.parsed(text)
    except ValueError as error:
        raise InvalidReportError(f"the report is not JSON: {error}") from error
    version = found.get("schema_version") if isinstance(found, dict) else None
    if isinstance(version, str) and version != SCHEMA_VERSION:
        raise InvalidReportError(
            f"the report is of version {version} ($.schema_version), and this version of "
            f"trailwarden reads {SCHEMA_VERSION}: read it with the version that made it"
        )
    _require_valid(found)
    report = _report(found)
    for name, amount in json.loads(render(report)).items():
        if found[name] != amount:
            raise InvalidReportError(f"the report's {name} is not what its contents amount to")
    return report


def verdicts(text: str) -> Report:
    """Of the run that a JSON report of ours holds the verdicts, what is not met, and the timings.

    Quickly: it is not held to its schema, may be of an earlier version, and the rest is left out.
    Raises InvalidReportError where it is no such report at all.
    """
    try:
        found = json.loads(text)
        results = [
            result | {"observations": [one for one in result["observations"] if not one["met"]]}
            for result in found["results"]
        ]
        rest: dict[str, Any] = {"evidence": [], "network": None, "since": None, "history": []}
        rest["terraform_state"] = None
        return _report({**found, **rest, "results": results})
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidReportError(
            f"the report cannot be read: {type(error).__name__}: {error}"
        ) from None


def _require_valid(found: Any) -> None:
    # Imported here: a run writes reports and reads none, and the import takes long.
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    schema = json.loads(SCHEMA_PATH.read_text(encoding="utf-8"))
    checker = Draft202012Validator.FORMAT_CHECKER
    problem = best_match(Draft202012Validator(schema, format_checker=checker).iter_errors(found))
    if problem is not None:
        raise InvalidReportError(
            f"the report breaks its schema at {problem.json_path}: {problem.message}"
        ) from problem


def _ordered_timings(timings: tuple[AlertTiming, ...]) -> list[AlertTiming]:
    return sorted(timings, key=lambda timing: (timing.probe, timing.total_seconds))


def _report(found: Mapping[str, Any]) -> Report:
    return Report(
        run_id=found["run_id"],
        tool_version=found["tool"]["version"],
        started=_time(found["started"]),
        finished=_time(found["finished"]),
        target=Target(**found["target"]),
        caller=found["caller"],
        results=tuple(_result(result) for result in found["results"]),
        evidence=tuple(
            EvidenceReference(**(reference | {"time": _time(reference["time"])}))
            for reference in found["evidence"]
        ),
        timings=tuple(
            AlertTiming(**(timing | {"legs": tuple(Leg(**leg) for leg in timing["legs"])}))
            for timing in found["timings"]
        ),
        waivers=tuple(WaiverUse(**waiver) for waiver in found["waivers"]),
        notes=tuple(found["notes"]),
        baseline=tuple(BaselineSource(**source) for source in found["baseline"]),
        inputs=tuple(InputFile(**file) for file in found["inputs"]),
        command=tuple(found["command"]),
        attestations=tuple(Attestation(**one) for one in found["attestations"]),
        provenance=_provenance(found["provenance"]),
        network=network_picture(found["network"]),
        since=_comparison(found["since"]),
        history=tuple(_earlier(run) for run in found["history"]),
        terraform_state=_state(found["terraform_state"]),
    )


def _state(found: Mapping[str, Any] | None) -> TerraformState | None:
    return None if found is None else TerraformState(**found)


def _earlier(found: Mapping[str, Any]) -> EarlierRun:
    counts = {Outcome(name): number for name, number in found["counts"].items()}
    times = {name: _time(found[name]) for name in ("started", "finished")}
    return EarlierRun(**{**found, **times, "counts": counts})


def _provenance(found: Mapping[str, Any] | None) -> Provenance | None:
    if found is None:
        return None
    return Provenance(**{**found, "libraries": tuple(found["libraries"])})


def _comparison(found: Mapping[str, Any] | None) -> Comparison | None:
    if found is None:
        return None
    changes = tuple(
        ControlChange(
            control=change["control"],
            kind=change["kind"],
            before=None if change["before"] is None else Outcome(change["before"]),
            after=None if change["after"] is None else Outcome(change["after"]),
            details=tuple(change["details"]),
        )
        for change in found["changes"]
    )
    return Comparison(found["run_id"], _time(found["started"]), found["verdict"], changes)


def _result(found: Mapping[str, Any]) -> ControlResult:
    control = found["control"]
    citations = {name: tuple(values) for name, values in control["citations"].items()}
    return ControlResult(
        control=Control(**(control | {"citations": Citations(**citations)})),
        outcome=Outcome(found["outcome"]),
        message=found["message"],
        observations=tuple(Observation(**observation) for observation in found["observations"]),
        evidence=tuple(found["evidence"]),
        test=found["test"],
        seconds=found["seconds"],
        changes=tuple(
            RecordedChange(**(change | {"time": _time(change["time"])}))
            for change in found["changes"]
        ),
    )


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
