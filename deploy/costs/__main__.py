"""`python -m deploy.costs`: the page of costs, on standard output."""

from __future__ import annotations

import sys

from deploy.costs.estimate import CostError, load
from deploy.costs.page import render


def main() -> int:
    """Print the page; the exit code."""
    try:
        print(render(load()), end="")
    except CostError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
