"""The address ranges of a VPC or a subnet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from verify.account.answer import pick
from verify.model import NotVerifiedError

# What is about to come counts as there, and what goes until it is gone.
_THERE = ("associating", "associated", "disassociating", "failing")
_GONE = ("disassociated", "failed")


def ranges_of(resource: Mapping[str, Any], family: str = "") -> list[str]:
    """The IPv4 ranges, or those of the `family` Ipv6.

    Raises NotVerifiedError for a range in a state that is not known.
    """
    found = []
    for association in pick(resource, f"{family}CidrBlockAssociationSet"):
        block, state = (
            pick(association, f"{family}CidrBlock"),
            pick(association, f"{family}CidrBlockState", "State"),
        )
        if state not in (*_THERE, *_GONE):
            raise NotVerifiedError(f"the range {block} is in a state that is not known: {state!r}")
        if state in _THERE:
            found.append(str(block))
    return found
