"""The subscription filter pattern that this version of the function is deployed with.

Its text stands once, in Terraform's ``subscription-filter-pattern.txt``; the file beside this
module is a link to that one, and a copy of it in the package.
"""

from __future__ import annotations

import os
from functools import cache

_FILE = os.path.join(os.path.dirname(__file__), "subscription-filter-pattern.txt")


@cache
def deployed_pattern(path: str = _FILE) -> str:
    """The pattern as CloudWatch Logs is given it: without its notes, and on one line.

    Raises OSError when the file cannot be read.
    """
    with open(path, encoding="ascii") as file:
        lines = [line.strip() for line in file]
    return " ".join(line for line in lines if line and not line.startswith("#"))
