"""The regions that the account has enabled."""

from __future__ import annotations

from verify.account import reads
from verify.account.answer import pick
from verify.account.door import Aws
from verify.inputs.deployment import Deployment
from verify.model import NotVerifiedError


def enabled_regions(aws: Aws, deployment: Deployment) -> list[str]:
    """Their names. Raises NotVerifiedError where AWS does not even list the deployment's own."""
    names = [str(pick(one, "RegionName")) for one in aws.pick(reads.enabled_regions(), "Regions")]
    if deployment.region not in names:
        raise NotVerifiedError(f"AWS's list of enabled regions lacks {deployment.region}")
    return names
