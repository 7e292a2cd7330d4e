"""HCL as python-hcl2 reads it, which takes its time: what it read is kept."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from verify.kept import Kept

KEPT = Kept(Path(__file__).parent / "__pycache__", "hcl", "python-hcl2")


class HclError(Exception):
    """The text is not HCL. The message says where."""


def parsed(text: str) -> Mapping[str, Any]:
    """The document that `text` is, with python-hcl2's bookkeeping. Raises HclError."""
    kept = KEPT.get(text)
    if isinstance(kept, dict):
        return kept
    document = _read(text)
    KEPT.put(text, document)
    return document


def _read(text: str) -> Mapping[str, Any]:
    # Imported here: its grammar takes a tenth of a second, which only a new text needs.
    import hcl2
    from lark.exceptions import LarkError

    try:
        document: Mapping[str, Any] = hcl2.loads(text)
    except LarkError as error:
        raise HclError(str(error).splitlines()[0]) from None
    return document
