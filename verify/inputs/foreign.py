"""What is given in the place of `terraform output -json`, and how to come by the right thing."""

from __future__ import annotations

import re
from typing import Any

_RIGHT = "give it what `terraform output -json` prints"
# What hashicorp/setup-terraform's wrapper adds: a line for the command, and workflow commands.
_WRAPPER = re.compile(r"^(\[command\]|::[a-z-]+( [^:]*)?::)", re.MULTILINE)
# Terragrunt's own log: formatted ("12:00:00.000 STDOUT [unit] terraform: {"), or of key and value.
_TERRAGRUNT = re.compile(
    r"^(\d\d:\d\d:\d\d\.\d+ +(STDOUT|STDERR|INFO|WARN|ERROR|DEBUG)\b"
    r"|time=\S+ level=|\[terragrunt\])",
    re.MULTILINE,
)
_ENDS_AND_BEGINS = re.compile(r"^\}\s*\{", re.MULTILINE)
_COLOURED = "\x1b["


def remedy_of_text(text: str) -> str:
    """What to do about a text that is not JSON."""
    if not text.strip():
        return f"it is empty: {_RIGHT}"
    if _WRAPPER.search(text):
        return (
            "it holds lines of the wrapper that CI puts before Terraform; in GitHub Actions, give "
            "hashicorp/setup-terraform the input terraform_wrapper: false"
        )
    if _TERRAGRUNT.search(text):
        return (
            "it holds lines of Terragrunt's log; run `terragrunt output -json --log-disable` "
            "in the unit's folder, and keep what it writes to stderr out of the file"
        )
    if _ENDS_AND_BEGINS.search(text):
        return (
            "it holds several documents, as `terragrunt run --all output -json` prints them; "
            f"of the one unit, {_RIGHT}"
        )
    if _COLOURED in text or "Warning: No outputs found" in text:
        return f"it holds a message of Terraform's for people; {_RIGHT}"
    return _RIGHT


def remedy_of_document(document: Any) -> str | None:
    """What `document` is instead and what to do about it; None where it may be the outputs."""
    if not isinstance(document, dict):
        return f"a list or a single value, and no object: {_RIGHT}"
    if not document:
        return "empty, so nothing is deployed there: run `make deploy` first"
    if "planned_values" in document or "resource_changes" in document:
        return f"a plan (`terraform show -json <plan>`): {_RIGHT}; a plan goes to --plan"
    if isinstance(document.get("values"), dict) and "format_version" in document:
        return f"a whole state (`terraform show -json`), secrets included: {_RIGHT}"
    if "lineage" in document and "serial" in document:
        return (
            "a state file, which may hold secrets: in the folder of its configuration, "
            "`terraform output -json` prints its outputs"
        )
    if "region" in document and not any(_is_output(value) for value in document.values()):
        return f"made of values alone, without what Terraform says of each: {_RIGHT}"
    return None


def _is_output(value: Any) -> bool:
    return isinstance(value, dict) and "value" in value
