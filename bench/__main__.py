"""Measure, and make one table of what was measured: ``python -m bench [PART ...]``.

Every figure is a ratio within one run. Exit codes: 0 every limit is kept, 1 one is not, 2 something
could not be measured.
"""

from __future__ import annotations

import argparse
import os
import pkgutil
import subprocess
import sys
import tempfile
from pathlib import Path

from bench import parts
from bench.table import Part, page, read_rows

PEERS = "peers"  # they are large, and have an environment of their own


def main() -> int:
    """Run the parts and print their table."""
    names = sorted(module.name for module in pkgutil.iter_modules(parts.__path__))
    options = _options(names)
    chosen = options.parts or [name for name in names if options.peers or name != PEERS]
    if unknown := sorted(set(chosen) - set(names)):
        print(
            f"bench: no such part: {', '.join(unknown)}; there are {', '.join(names)}",
            file=sys.stderr,
        )
        return 2
    # Where this is set, what is measured would compile our modules anew in every run.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    load, _, _ = os.getloadavg()
    with tempfile.TemporaryDirectory(prefix="trailwarden-bench-") as folder:
        done = [_run(name, Path(folder) / name) for name in chosen]
    table = page(done, load)
    print(f"\n{table}", end="")
    if options.output:
        options.output.write_text(table, encoding="utf-8")
        print(f"\nwritten to {options.output}")
    if any(part.code for part in done):
        return 2
    return int(not all(row.met for part in done for row in part.rows))


def _options(names: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "parts",
        nargs="*",
        metavar="PART",
        help=f"which of {', '.join(names)} (default: all, {PEERS} on request)",
    )
    parser.add_argument(
        "--peers", action="store_true", help="compare with Prowler and Cloud Custodian, too"
    )
    parser.add_argument("--output", type=Path, metavar="FILE", help="write the table there as well")
    return parser.parse_args()


def _run(name: str, path: Path) -> Part:
    print(f"== {name}", flush=True)
    done = subprocess.run([sys.executable, "-m", "bench.part", name, str(path)], check=False)
    return Part(name, list(read_rows(path)), done.returncode)


if __name__ == "__main__":
    sys.exit(main())
