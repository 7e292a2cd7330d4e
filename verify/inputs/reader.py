"""Reading our own YAML documents quickly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

# libyaml is ten times faster, and a part of every wheel of PyYAML; an own build may lack it.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_yaml(path: Path) -> Any:
    """The document in `path`. Raises OSError and yaml.YAMLError."""
    return yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506 - both are safe
