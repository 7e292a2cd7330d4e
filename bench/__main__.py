"""Run every benchmark, or those that are named: ``python -m bench [NAME ...]``.

A benchmark is a module of this package with ``main() -> int``, which prints its figures and returns
0 if they keep the limits that it states.
"""

from __future__ import annotations

import argparse
import importlib
import os
import subprocess
import sys
from collections.abc import Sequence

NAMES = ("compliance_function", "evidence", "integrity", "production", "report", "suite", "targets")


def main() -> int:
    """Run the benchmarks; 1 if one of them is over its limit."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=main.__doc__)
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help=f"which of {', '.join(NAMES)} (default: every one)",
    )
    chosen: Sequence[str] = parser.parse_args().names or NAMES
    if unknown := sorted(set(chosen) - set(NAMES)):
        parser.error(f"no such benchmark: {', '.join(unknown)}; there are {', '.join(NAMES)}")
    # Where this is set, what is measured would compile our modules anew in every run.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    if len(chosen) > 1:
        # Linux counts the memory of whoever starts a process as that process's peak, too: what one
        # benchmark has imported must not show in another's figures.
        commands = [[sys.executable, "-m", "bench", name] for name in chosen]
        codes = [subprocess.run(command, check=False).returncode for command in commands]
        return int(any(codes))
    [name] = chosen
    print(f"== {name}", flush=True)
    return int(importlib.import_module(f"bench.{name}").main())


if __name__ == "__main__":
    sys.exit(main())
