"""Whether the deployment that the outputs describe is in the account at all.

Where it is not, every control would fail or find nothing: true, but no finding about a deployment.
The VPC stands for the whole: all of the deployment hangs on it, and no other thing's absence is
looked for here, since what somebody has removed of a deployment is for its controls to say.
"""

from __future__ import annotations

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from verify.account import reads, sessions
from verify.account.sign_in import CONFIG
from verify.inputs.deployment import Deployment
from verify.run.settings import RunError

_ABSENT = frozenset({"InvalidVpcID.NotFound", "InvalidVpcID.Malformed"})


def require_presence(deployment: Deployment, source: str) -> None:
    """Raise RunError where the deployment's VPC is not there; what is not answered is no answer."""
    session = boto3.Session(botocore_session=sessions.core_session({"ec2": {"describe_vpcs"}}))
    client = session.client("ec2", region_name=deployment.region, config=CONFIG)
    try:
        client.describe_vpcs(**reads.vpc(deployment).parameters)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") not in _ABSENT:
            return
        raise RunError(
            f"the VPC {deployment.vpc_id} of {source} is not in {deployment.region} of account "
            f"{deployment.account_id}, so the deployment that it describes is not there: name the "
            "outputs of the one that is (OUTPUTS=<file>), or deploy it with `make deploy`"
        ) from None
    except BotoCoreError:
        return
