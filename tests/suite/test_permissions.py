"""The verifier's policy permits what the checks declare, no more and no less, by its source."""

from __future__ import annotations

import re

from tests.suite.support import ROOT
from verify.suite.declarations import read_actions


def _permitted() -> set[str]:
    """The actions that the Terraform source of the policy for reading lists."""
    source = (ROOT / "terraform/verifier.tf").read_text()
    [policy] = re.findall(
        r'^resource "aws_iam_policy" "verifier_state" \{\n(.*?)^\}',
        source,
        re.MULTILINE | re.DOTALL,
    )
    stated = re.findall(r"^\s*Action\s*=\s*(\[.*?\]|\".*?\")", policy, re.MULTILINE | re.DOTALL)
    return {action for text in stated for action in re.findall(r'"([^"]+)"', text)}


def test_the_policy_permits_exactly_what_the_checks_declare() -> None:
    needed = set(read_actions())
    assert sorted(needed - _permitted()) == [], "add these to terraform/verifier.tf"
    assert sorted(_permitted() - needed) == [], "take these out of terraform/verifier.tf"
