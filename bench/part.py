"""One part in a process of its own: ``python -m bench.part NAME FILE``.

Linux counts the memory of whoever starts a process as that process's peak, too: what one part has
imported must not show in another's figures.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from bench.table import write_rows


def main() -> int:
    """Measure, print the rows and append them to the file."""
    _, name, path = sys.argv
    write_rows(Path(path), importlib.import_module(f"bench.parts.{name}").rows())
    return 0


if __name__ == "__main__":
    sys.exit(main())
