"""What live fire has in the account while the checks look at it."""

from __future__ import annotations

from collections.abc import Mapping

from verify.account import reads
from verify.account.door import Aws
from verify.live_fire import owner


def is_unattached_probe(aws: Aws, group: str, tags: Mapping[str, str]) -> bool:
    """Whether a security group is live fire's and protects nothing.

    The tag alone would be a way to hide. Reads `reads.interfaces_of_group`.
    """
    if tags.get(owner.PURPOSE_TAG) != owner.PURPOSE:
        return False
    return not aws.pick(reads.interfaces_of_group(group), "NetworkInterfaces")
