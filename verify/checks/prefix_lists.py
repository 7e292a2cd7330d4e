"""The address ranges behind the prefix lists that rules and routes name."""

from __future__ import annotations

from collections.abc import Iterable

from verify.account import reads
from verify.account.door import Aws
from verify.exposure import PrefixLists, Rule


def prefix_lists_of(aws: Aws, rules: Iterable[Rule]) -> PrefixLists:
    """The address ranges of every prefix list that `rules` name."""
    return resolved(aws, {name for rule in rules for name in rule.sources.prefix_list_ids})


def resolved(aws: Aws, named: Iterable[str]) -> PrefixLists:
    """The address ranges of each of these prefix lists. Reads `reads.prefix_list`."""
    found = {}
    for name in sorted(named):
        found[name] = [entry["Cidr"] for entry in aws.pick(reads.prefix_list(name), "Entries")]
    return found
