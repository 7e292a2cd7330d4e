"""The report over a period: as a page for people, and as JSON for machines."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Template

from verify import __version__
from verify.period.runs import Excluded
from verify.period.timeline import ControlPeriod, Coverage, Period
from verify.report import pages
from verify.report.display import accepted, iso_time, severity_rank

SCHEMA_VERSION = "1.0"
_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Deployment:
    """A deployment over the period, with its log files."""

    period: Period
    logs: tuple[Coverage, ...]
    log_findings: tuple[str, ...]

    @property
    def failed(self) -> tuple[ControlPeriod, ...]:
        """The controls with a failure, the gravest first."""
        found = [one for one in self.period.controls if one.failures]
        return tuple(sorted(found, key=lambda one: severity_rank(one.control.severity)))


def document(
    deployments: Sequence[Deployment], excluded: Sequence[Excluded], made: datetime
) -> dict[str, Any]:
    """The report as JSON values."""
    return {
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": "trailwarden", "version": __version__},
        "made": iso_time(made),
        "deployments": [_deployment(one) for one in deployments],
        "excluded": [asdict(one) for one in excluded],
    }


def _deployment(found: Deployment) -> dict[str, Any]:
    period = found.period
    return {
        "target": asdict(period.target),
        "from": iso_time(period.span.start),
        "to": iso_time(period.span.end),
        "valid_seconds": period.valid.total_seconds(),
        "runs": [
            {"run_id": run.run_id, "started": iso_time(run.started), "verdict": run.verdict}
            for run in period.runs
        ],
        "gaps": [_plain(asdict(gap)) for gap in period.gaps],
        "controls": [
            {
                "control": one.control.identifier,
                "severity": one.control.severity,
                "verified_share": round(one.share, 6),
                "seconds": {
                    "verified": one.verified,
                    "failing": one.failing,
                    "accepted": one.accepted,
                    "unseen": one.unseen,
                },
                "failures": [_plain(asdict(failure)) for failure in one.failures],
            }
            for one in period.controls
        ],
        "log_files": {
            "regions": [_plain(asdict(one)) for one in found.logs],
            "findings": list(found.log_findings),
        },
        "waivers": [asdict(one) for one in period.waivers],
    }


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return iso_time(value)
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def text(deployments: Sequence[Deployment], excluded: Sequence[Excluded], made: datetime) -> str:
    """The report as JSON text."""
    return json.dumps(document(deployments, excluded, made), indent=1) + "\n"


def render(deployments: Sequence[Deployment], excluded: Sequence[Excluded], made: datetime) -> str:
    """The report as one HTML page."""
    return _template().render(
        deployments=deployments,
        excluded=excluded,
        made=made,
        version=__version__,
        **pages.allowed(),
    )


def _share(part: float) -> str:
    """In percent; never a round 100 for what is less."""
    if part >= 1:
        return "100 %"
    return f"{min(part * 100, 99.99):.2f} %"


def _long(seconds: float) -> str:
    """A duration of days and hours, or shorter ones as they are."""
    days, rest = divmod(round(seconds), 86_400)
    hours, rest = divmod(rest, 3_600)
    if days:
        return f"{days} d {hours} h" if hours else f"{days} d"
    if hours:
        return f"{hours} h {rest // 60} min" if rest >= 60 else f"{hours} h"
    return f"{rest // 60} min {rest % 60} s" if rest >= 60 else f"{rest} s"


@cache
def _template() -> Template:
    environment = pages.environment(_TEMPLATES)
    environment.filters |= {
        "accepted": accepted,
        "long": _long,
        "share": _share,
        "hours": lambda valid: _long(valid.total_seconds()) if isinstance(valid, timedelta) else "",
    }
    return environment.get_template("period.html")
