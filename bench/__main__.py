"""Run every benchmark, or those that are named: ``python -m bench [NAME ...]``.

A benchmark is a module of this package with ``main() -> int``, which prints its figures and returns
0 if they keep the limits that it states.
"""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import sys

import bench


def main() -> int:
    """Run the benchmarks; 1 if one of them is over its limit."""
    names = [module.name for module in pkgutil.iter_modules(bench.__path__)]
    parser = argparse.ArgumentParser(prog="python -m bench", description=main.__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="default: every one")
    chosen = parser.parse_args().names
    if unknown := sorted(set(chosen) - set(names)):
        parser.error(f"no such benchmark: {', '.join(unknown)}")
    status = 0
    for name in names:
        module = importlib.import_module(f"bench.{name}")
        if hasattr(module, "main") and (not chosen or name in chosen):
            print(f"== {name}", flush=True)
            status |= int(module.main())
    return status


if __name__ == "__main__":
    sys.exit(main())
