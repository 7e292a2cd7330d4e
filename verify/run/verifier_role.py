"""Verifying as the deployment's verifier role, whose permissions are those that the suite needs."""

from __future__ import annotations

import os

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from verify.account import sessions, sign_in
from verify.account.errors import code_and_message
from verify.inputs.absence import AbsentOutputError
from verify.inputs.deployment import Deployment
from verify.run.settings import RunError

# The role's longest session, and the longest of any role that was assumed by way of another.
# Source: IAM guide, "Methods to assume a role", role chaining.
_SESSION_SECONDS = 3600


def assume(
    deployed: Deployment, run_id: str, role: str | None = None, external_id: str | None = None
) -> str:
    """Let this process and those that it starts go on as `role`, or as that which the outputs name.

    Gives the session's ARN, which is the caller's from here on; its keys are kept in the
    environment alone. Raises RunError with AWS's own words.
    """
    try:
        arn = role or deployed.verifier_role_arn
    except AbsentOutputError as error:
        raise RunError(
            f"there is no verifier role to assume: it is {error.absence.seen}: give another by "
            "--role=<arn>, or leave out --as-verifier (AS_VERIFIER=1)"
        ) from None
    asked = {} if external_id is None else {"ExternalId": external_id}
    try:
        client = boto3.Session(botocore_session=sessions.core_session()).client(
            "sts",
            region_name=deployed.region,
            config=sign_in.CONFIG,
        )
        answer = client.assume_role(
            RoleArn=arn,
            RoleSessionName=f"trailwarden-{run_id}",
            DurationSeconds=_SESSION_SECONDS,
            **asked,
        )
    except (BotoCoreError, ClientError) as error:
        said = ": ".join(filter(None, code_and_message(error))) or str(error)
        raise RunError(
            f"the verifier role {arn} could not be assumed ({said}): the caller needs "
            "sts:AssumeRole for it and, where the variable verifier_principals is set, must be "
            "listed there; and the role must be there, so the outputs those of a deployment that is"
        ) from None
    keys = answer["Credentials"]
    os.environ.update(
        sign_in.as_environment(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
    )
    return str(answer["AssumedRoleUser"]["Arn"])
