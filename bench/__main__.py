"""Run every benchmark, or those that are named: ``python -m bench [NAME ...]``.

A benchmark is a module of this package with ``main() -> int``, which prints its figures and returns
0 if they keep the limits that it states.
"""

from __future__ import annotations

import argparse
import sys

from bench import compliance_function, integrity, suite

BENCHMARKS = {
    module.__name__.rpartition(".")[2]: module.main
    for module in (compliance_function, integrity, suite)
}


def main() -> int:
    """Run the benchmarks; 1 if one of them is over its limit."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=main.__doc__)
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help=f"which of {', '.join(BENCHMARKS)} (default: every one)",
    )
    chosen = parser.parse_args().names
    if unknown := sorted(set(chosen) - set(BENCHMARKS)):
        parser.error(f"no such benchmark: {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    status = 0
    for name in chosen or BENCHMARKS:
        print(f"== {name}", flush=True)
        status |= BENCHMARKS[name]()
    return status


if __name__ == "__main__":
    sys.exit(main())
