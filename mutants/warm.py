"""Imported once by the fork server: what every run of the suite would otherwise load anew.

The checks themselves are not among it: pytest imports them in each run.
"""

from __future__ import annotations

import gc
import importlib
from pathlib import Path

from verify.declared import parse

for _name in (
    "_pytest.config",
    "boto3",
    "botocore.client",
    "jinja2",
    "jsonschema",
    "rich.console",
    "tenacity",
    "verify.checks.findings",
    "verify.plugin",
    "yaml",
):
    importlib.import_module(_name)

# Parsing is slow; what was parsed once is kept, and most mutants leave the configuration alone.
_terraform = Path(__file__).parents[1] / "terraform"
for _path in (*_terraform.glob("*.tf"), *_terraform.glob("profiles/*.tfvars")):
    parse(_path)

# What is loaded here stays: a collection in a forked run need not look at it, nor copy its pages.
gc.freeze()
