"""Whether the deployment that the outputs describe is in the account at all.

Where it is not, every control would fail or find nothing: true, but no finding about a deployment.
The VPC stands for the whole: all of the deployment hangs on it, or is verified in it, and no other
thing's absence is looked for here, since what somebody has removed of a deployment is for its
controls to say.
"""

from __future__ import annotations

from dataclasses import replace

from verify.account import reads
from verify.account.door import Aws
from verify.inputs.deployment import Deployment
from verify.model import NotVerifiedError
from verify.run.settings import RunError

_ABSENT = ("InvalidVpcID.NotFound", "InvalidVpcID.Malformed")


def require_presence(aws: Aws, deployment: Deployment, source: str) -> None:
    """Raise RunError where the deployment's VPC is not there; what is not answered is no answer."""
    if "vpc_id" in deployment.absences:
        _require_trail(aws, deployment, source)
        return
    try:
        answer = aws.read(replace(reads.vpc(deployment), absent=_ABSENT))
    except NotVerifiedError:
        return
    if not answer.found:
        raise RunError(
            f"the VPC {deployment.vpc_id} of {source} is not in {deployment.region} of account "
            f"{deployment.account_id}, so the deployment that it describes is not there: name the "
            "outputs of the one that is (OUTPUTS=<file>), or deploy it with `make deploy`"
        )


def _require_trail(aws: Aws, deployment: Deployment, source: str) -> None:
    try:
        found = aws.pick(reads.trail(deployment), "trailList")
    except NotVerifiedError:
        return
    if not found:
        raise RunError(
            f"the trail {deployment.trail_arn} of {source} is not in {deployment.region} of "
            f"account {deployment.account_id}: name the outputs of one that is (OUTPUTS=<file>, "
            "OUTPUTS_MAP=<file>)"
        )
