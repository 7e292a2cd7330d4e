"""The verifier's policies permit what the checks declare, no more and no less, by its source."""

from __future__ import annotations

import re

from tests.suite.support import ROOT
from verify.suite.declarations import read_actions

_POLICIES = "state|services|access|investigation|detection"
_FILES = ("verifier.tf", "access_roles.tf", "investigation.tf", "detection.tf")


def _permitted() -> set[str]:
    """The actions that the Terraform source of the policies for reading lists."""
    source = "".join((ROOT / "terraform" / name).read_text() for name in _FILES)
    policies = re.findall(
        rf'^resource "aws_iam_policy" "verifier_(?:{_POLICIES})" \{{\n(.*?)^\}}',
        source,
        re.MULTILINE | re.DOTALL,
    )
    assert len(policies) == 5
    stated = re.findall(
        r"^\s*Action\s*=\s*(\[.*?\]|\".*?\")", "".join(policies), re.MULTILINE | re.DOTALL
    )
    return {action for text in stated for action in re.findall(r'"([^"]+)"', text)}


def test_the_policies_permit_exactly_what_the_checks_declare() -> None:
    needed = set(read_actions())
    assert sorted(needed - _permitted()) == [], "add these to terraform/verifier.tf"
    assert sorted(_permitted() - needed) == [], "take these out of terraform/verifier.tf"
