"""How commands speak: what they find on standard output, line by line, and what is wrong beside."""

from __future__ import annotations

import sys


def say(line: str) -> None:
    """Print a line at once: what is known is told while the rest is under way."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def complain(command: str, message: str) -> None:
    """Print why a command cannot do what it was asked for."""
    sys.stderr.write(f"{command}: {message}\n")
