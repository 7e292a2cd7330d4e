"""The locks in `requirements/`, as pip-compile writes them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from supply.errors import SupplyError

_PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;\\]+)", re.MULTILINE)


def pins(path: Path) -> Mapping[str, str]:
    """The version of each distribution that the lock at `path` pins, by normalized name (PEP 503).

    Raises SupplyError when the file cannot be read or pins nothing.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SupplyError(f"{path} cannot be read ({error})", "name a lock file") from error
    found = {normalized(name): version for name, version in _PIN.findall(text)}
    if not found:
        raise SupplyError(f"{path} pins nothing", "name a lock file, as `make lock` writes them")
    return found


def normalized(name: str) -> str:
    """A distribution's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()
