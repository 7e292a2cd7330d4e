"""The verifier's policies permit what the checks declare, no more and no less, by its source."""

from __future__ import annotations

import re

from tests.suite.support import ROOT
from verify.suite.declarations import read_actions


def _permitted() -> set[str]:
    """The actions that the Terraform source of the policies for reading lists."""
    source = (ROOT / "terraform/verifier.tf").read_text()
    policies = re.findall(
        r'^resource "aws_iam_policy" "verifier_(?:state|services)" \{\n(.*?)^\}',
        source,
        re.MULTILINE | re.DOTALL,
    )
    assert len(policies) == 2
    stated = re.findall(
        r"^\s*Action\s*=\s*(\[.*?\]|\".*?\")", "".join(policies), re.MULTILINE | re.DOTALL
    )
    return {action for text in stated for action in re.findall(r'"([^"]+)"', text)}


def test_the_policies_permit_exactly_what_the_checks_declare() -> None:
    needed = set(read_actions())
    assert sorted(needed - _permitted()) == [], "add these to terraform/verifier.tf"
    assert sorted(_permitted() - needed) == [], "take these out of terraform/verifier.tf"
