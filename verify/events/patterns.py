"""What a filter pattern selects, where its text alone shows it."""

from __future__ import annotations

import re

# { ($.eventName = A) || ($.eventName = B) }, the form of the CIS benchmark's patterns.
_TERM = r"\(\s*\$\.eventName\s*=\s*\"?(\w+)\"?\s*\)"
_ANY_OF_NAMES = re.compile(rf"\{{\s*{_TERM}(?:\s*\|\|\s*{_TERM})*\s*\}}")


def names_selected(pattern: str) -> frozenset[str]:
    """The names of events that a pattern selects, whatever else is true of them.

    Nothing where the pattern is of another form: that must be tried. One of this form selects
    nothing else.
    """
    if _ANY_OF_NAMES.fullmatch(pattern) is None:
        return frozenset()
    return frozenset(re.findall(_TERM, pattern))
