"""What the HTML pages have in common: templates that escape, one style sheet, nothing fetched.

A Content-Security-Policy allows the style sheet by its hash and refuses everything else.
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

_STYLE = Path(__file__).parent / "templates" / "report.css"


def environment(templates: Path) -> Environment:
    """For the templates in a folder; every value is escaped and made visible."""
    made = Environment(
        loader=FileSystemLoader(templates),
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


def styled() -> Mapping[str, str]:
    """The style sheet, and its hash for the page's policy, as templates name them."""
    style = Markup(_STYLE.read_text(encoding="utf-8"))  # noqa: S704 - ours
    return {"style": style, "style_hash": content_hash(style)}


def content_hash(text: str) -> str:
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
