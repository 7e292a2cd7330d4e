"""Puts the real package before the name that pytest derives from this folder.

pytest calls these modules ``compliance_checker.test_...`` (the path below its root) and makes an
empty parent of that name, which would hide the function's package.
"""

from __future__ import annotations

import importlib
import sys

_parent = sys.modules.get("compliance_checker")
if _parent is not None and getattr(_parent, "__file__", None) is None:
    del sys.modules["compliance_checker"]
importlib.import_module("compliance_checker")
