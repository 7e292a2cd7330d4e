"""Who verifies: the caller's identity, and what to do where AWS does not tell it."""

from __future__ import annotations

import os
from collections.abc import Mapping

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
)

from verify.account import sessions
from verify.run.settings import RunError

_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
_INVALID = frozenset(
    {"InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch"}
)


def identity_of_caller(region: str) -> Mapping[str, str]:
    """STS's answer: Account, Arn, UserId. Raises RunError."""
    try:
        client = boto3.Session(botocore_session=sessions.core_session()).client(
            "sts",
            region_name=region,
            config=Config(retries={"max_attempts": 2}, connect_timeout=5, read_timeout=15),
        )
        identity: Mapping[str, str] = client.get_caller_identity()
    except (NoCredentialsError, PartialCredentialsError):
        raise RunError(
            "no AWS credentials found: sign in (`aws sso login`), set AWS_PROFILE or the "
            "AWS_ACCESS_KEY_ID variables, or use a running sandbox with SANDBOX=1"
        ) from None
    except ProfileNotFound as error:
        raise RunError(f"{error}: correct AWS_PROFILE") from None
    except EndpointConnectionError as error:
        where = os.environ.get("AWS_ENDPOINT_URL")
        remedy = (
            f"nothing answers at AWS_ENDPOINT_URL={where}: start the sandbox with `make sandbox`, "
            "or unset the variable to reach AWS"
            if where
            else f"AWS cannot be reached: {error}"
        )
        raise RunError(remedy) from None
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        if code in _EXPIRED:
            raise RunError("the AWS credentials have expired: sign in again") from None
        if code in _INVALID:
            raise RunError(
                f"AWS does not accept the credentials ({code}): check AWS_PROFILE or sign in again"
            ) from None
        raise RunError(f"the caller's identity cannot be read: {error}") from None
    except BotoCoreError as error:
        raise RunError(f"the caller's identity cannot be read: {error}") from None
    return identity
