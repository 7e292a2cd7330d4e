"""Which Terraform state a deployment is in: its serial counts the state's changes.

`terraform output -json` does not say it; `terraform state pull` does. A state holds secrets, of
which nothing is kept.
"""

from __future__ import annotations

import json
from pathlib import Path

from verify.inputs.reader import UnreadableError, read_text
from verify.model import TerraformState

_MAXIMUM_CHARACTERS = 200_000_000
# Source: Terraform's state file format, version 4.
_MEMBERS = {"lineage": str, "serial": int, "terraform_version": str}


class TerraformStateError(Exception):
    """The state cannot be used. The message names the cause and the remedy."""


def read(path: Path) -> TerraformState:
    """The serial and lineage of the state in a file, or of a file with these members alone.

    Raises TerraformStateError.
    """
    try:
        document = json.loads(read_text(path, f"the Terraform state {path}", _MAXIMUM_CHARACTERS))
    except (UnreadableError, ValueError, RecursionError) as error:
        raise TerraformStateError(f"{path} is no Terraform state: {error}{_REMEDY}") from None
    found = document if isinstance(document, dict) else {}
    for name, kind in _MEMBERS.items():
        value = found.get(name)
        known = isinstance(value, kind) and not isinstance(value, bool)
        if not known or value == "" or (kind is int and found[name] < 0):
            raise TerraformStateError(f"{path} has no {name} of a Terraform state{_REMEDY}")
    return TerraformState(**{name: found[name] for name in _MEMBERS})


_REMEDY = ": give what `terraform state pull` printed, or leave out --terraform-state"
