"""The matrix of several deployments: as a page for people, and as JSON for machines."""

from __future__ import annotations

import json
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Template

from verify import __version__
from verify.model import Outcome
from verify.report import pages
from verify.report.display import iso_time
from verify.targets.matrix import Matrix

SCHEMA_VERSION = "1.0"
_TEMPLATES = Path(__file__).parent / "templates"
_BAD = (Outcome.FAIL, Outcome.ERROR, Outcome.NOT_TESTED, Outcome.WAIVED)


def text(matrix: Matrix, made: datetime) -> str:
    """The matrix as JSON text."""
    return json.dumps(_document(matrix, made), indent=1) + "\n"


def _document(matrix: Matrix, made: datetime) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": "trailwarden", "version": __version__},
        "made": iso_time(made),
        "exit_code": matrix.exit_code,
        "targets": [
            {
                "name": column.name,
                "verdict": column.verdict,
                "problem": column.problem,
                "folder": column.folder,
                "run_id": None if column.report is None else column.report.run_id,
                "account": None if column.report is None else column.report.target.account,
                "region": None if column.report is None else column.report.target.region,
            }
            for column in matrix.columns
        ],
        "controls": [
            {
                "control": row.control.identifier,
                "severity": row.control.severity,
                "outcomes": {
                    column.name: outcome
                    for column, outcome in zip(matrix.columns, row.outcomes, strict=True)
                },
            }
            for row in matrix.rows
        ],
    }


def render(matrix: Matrix, made: datetime) -> str:
    """The matrix as one HTML page."""
    return _template().render(
        matrix=matrix,
        # What anybody must look at comes first.
        wanting=[row for row in matrix.rows if set(row.outcomes) & set(_BAD)],
        good=[row for row in matrix.rows if not set(row.outcomes) & set(_BAD)],
        made=made,
        version=__version__,
        **pages.allowed(),
    )


@cache
def _template() -> Template:
    return pages.environment(_TEMPLATES).get_template("matrix.html")
