"""Who verifies: the caller's identity, known before anything is asked of the account."""

from __future__ import annotations

import os
from collections.abc import Mapping

from verify.account import sign_in
from verify.account.sign_in import SignInError
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
