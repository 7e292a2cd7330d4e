"""What the HTML pages have in common: templates that escape, one style sheet, nothing fetched.

A Content-Security-Policy allows the style sheet, and the script of a page that has one, by their
hashes and refuses everything else. A page is complete without its script.
"""

from __future__ import annotations

import base64
import hashlib
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from jinja2 import Environment, FileSystemBytecodeCache, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from verify.report.display import duration, iso_time, visible

# Of the report, and of what every page has: how it begins, its style.
SHARED = Path(__file__).parent / "templates"


def environment(templates: Path) -> Environment:
    """For the templates of a folder and what all share; each value is escaped and made visible."""
    made = Environment(
        loader=FileSystemLoader([templates, SHARED]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
        # Compiling takes longer than rendering; kept where Python keeps what it compiled.
        bytecode_cache=None if sys.dont_write_bytecode else _bytecode_cache(templates.parent),
    )
    made.filters |= {"clock": _clock, "duration": duration, "iso": iso_time, "slug": _slug}
    return made


def allowed(style: Path = SHARED / "report.css", script: Path | None = None) -> Mapping[str, str]:
    """Style sheet, script, and their hashes for the page's policy, as templates name them."""
    return with_hashes(
        style.read_text(encoding="utf-8"),
        "" if script is None else script.read_text(encoding="utf-8"),
    )


def with_hashes(style: str, script: str = "") -> Mapping[str, str]:
    """The same of their texts, which are ours and not escaped."""
    texts = {"style": Markup(style), "script": Markup(script)}  # noqa: S704
    return {**texts, **{f"{name}_hash": _content_hash(text) for name, text in texts.items()}}


def _content_hash(text: str) -> str:
    """How a page's policy names what it allows."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _slug(outcome: str) -> str:
    return outcome.lower().replace(" ", "-")


def _clock(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _finalize(value: object) -> object:
    """Make every plain string visible as it goes into the page; markup of our own stays."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return _shown(value)
    return value


@lru_cache(16_384)  # a page says the same few texts again and again
def _shown(text: str) -> Markup:
    return escape(visible(text))


def _bytecode_cache(package: Path) -> FileSystemBytecodeCache | None:
    folder = package / "__pycache__"
    try:
        folder.mkdir(exist_ok=True)
    except OSError:
        return None
    return FileSystemBytecodeCache(str(folder)) if os.access(folder, os.W_OK) else None
