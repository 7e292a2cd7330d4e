"""HCL as python-hcl2 reads it, which takes its time; so what it read is kept, by the text's hash.

It is kept where Python keeps what it compiled, and under the same rule: nothing is written where
PYTHONDONTWRITEBYTECODE is set or the folder is not ours to write in.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "__pycache__"
_MAXIMUM_KEPT = 200  # texts; then all are read anew


class HclError(Exception):
    """The text is not HCL. The message says where."""


def parsed(text: str) -> Mapping[str, Any]:
    """The document that `text` is, with python-hcl2's bookkeeping. Raises HclError."""
    name = hashlib.sha256(f"{_version()}\n{text}".encode()).hexdigest()
    path = FOLDER / f"hcl-{name}.json"
    with suppress(OSError, ValueError):
        kept = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(kept, dict):
            return kept
    document = _read(text)
    if not sys.dont_write_bytecode:
        _keep(path, document)
    return document


@cache
def _version() -> str:
    return version("python-hcl2")


def _read(text: str) -> Mapping[str, Any]:
    # Imported here: its grammar takes a tenth of a second, which only a new text needs.
    import hcl2
    from lark.exceptions import LarkError

    try:
        document: Mapping[str, Any] = hcl2.loads(text)
    except LarkError as error:
        raise HclError(str(error).splitlines()[0]) from None
    return document


def _keep(path: Path, document: Mapping[str, Any]) -> None:
    with suppress(OSError):
        kept = sorted(path.parent.glob("hcl-*.json"))
        for old in kept if len(kept) >= _MAXIMUM_KEPT else ():
            old.unlink(missing_ok=True)
        path.parent.mkdir(exist_ok=True)
        fresh = path.with_suffix(f".{os.getpid()}")
        fresh.write_text(json.dumps(document), encoding="utf-8")
        fresh.replace(path)
