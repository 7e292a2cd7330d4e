"""Who verifies: the caller's identity, known before anything is asked of the account."""

from __future__ import annotations

import os
from collections.abc import Mapping

from verify.account import sign_in
from verify.account.sign_in import SignInError
from verify.inputs.deployment import Deployment
from verify.run.settings import RunError


def identity_of_caller(region: str) -> Mapping[str, str]:
    """STS's answer: Account, Arn, UserId. Raises RunError.

    Where the profile asks for a code of an MFA device, it has been asked for once from here on:
    this process and those that it starts go on with the session that the code gave.
    """
    try:
        session = sign_in.session_of(os.environ)
        identity = sign_in.identity(session, region, os.environ)
    except SignInError as error:
        raise RunError(str(error)) from None
    os.environ.update(sign_in.asked_once(session, os.environ))
    return identity


def require_account(deployed: Deployment) -> Mapping[str, str]:
    """STS's answer, which must be of the deployment's account. Raises RunError."""
    identity = identity_of_caller(deployed.region)
    if identity["Account"] != deployed.account_id:
        raise RunError(
            f"the outputs are of account {deployed.account_id}, but the credentials are of account "
            f"{identity['Account']} ({identity['Arn']}): use that account's credentials, or the "
            "outputs of this one"
        )
    return identity
