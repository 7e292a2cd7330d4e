"""The address ranges of a VPC or a subnet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from verify.account.answer import pick


def ranges_of(resource: Mapping[str, Any], family: str = "") -> list[str]:
    """The address ranges of a VPC or a subnet; what is about to come counts, as does what goes."""
    return [
        str(pick(association, f"{family}CidrBlock"))
        for association in pick(resource, f"{family}CidrBlockAssociationSet")
        if pick(association, f"{family}CidrBlockState", "State") not in ("disassociated", "failed")
    ]
