"""Imported once by the fork server: what every run of the suite would otherwise load anew.

The checks themselves are not among it: pytest imports them in each run.
"""

from __future__ import annotations

import gc
import importlib

import hcl2

for _name in (
    "_pytest.config",
    "boto3",
    "botocore.client",
    "jinja2",
    "jsonschema",
    "rich.console",
    "tenacity",
    "verify.checks.findings",
    "verify.suite.plugin",
    "yaml",
):
    importlib.import_module(_name)

# The grammar is compiled when the first text is parsed.
hcl2.loads("warm = true\n")

# What is loaded here stays: a collection in a forked run need not look at it, nor copy its pages.
gc.freeze()
