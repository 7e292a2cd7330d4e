"""What was made of a text, kept by its hash, so that the same text need not be read again.

It is kept where Python keeps what it compiled, and under the same rule: nothing is written where
PYTHONDONTWRITEBYTECODE is set or the folder is not ours to write in. Another text, or another
version of the library that read it, has another hash.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

_MAXIMUM_KEPT = 200  # of a kind; then all are made anew


@dataclass(frozen=True)
class Kept:
    """What the library `made_by` makes of texts of a `kind`: values that JSON can hold."""

    folder: Path
    kind: str
    made_by: str

    def get(self, text: str) -> Any:
        """What was made of `text`; None where that is not known."""
        with suppress(OSError, ValueError):
            return json.loads(self._path(text).read_text(encoding="utf-8"))
        return None

    def put(self, text: str, value: Any) -> None:
        """Keep what was made of `text`, where that is possible."""
        if sys.dont_write_bytecode:
            return
        path = self._path(text)
        with suppress(OSError):
            kept = list(self.folder.glob(f"{self.kind}-*.json"))
            for old in kept if len(kept) >= _MAXIMUM_KEPT else ():
                old.unlink(missing_ok=True)
            self.folder.mkdir(exist_ok=True)
            fresh = path.with_suffix(f".{os.getpid()}")
            fresh.write_text(json.dumps(value), encoding="utf-8")
            fresh.replace(path)

    def _path(self, text: str) -> Path:
        name = hashlib.sha256(f"{_version(self.made_by)}\n{text}".encode()).hexdigest()
        return self.folder / f"{self.kind}-{name}.json"


@cache
def _version(library: str) -> str:
    return version(library)
