"""Signing in: who the caller is, and what is wrong where the credentials or settings do not say.

botocore looks for credentials in a dozen places, and where one of them is broken it raises what
befell it there: an OSError of a program or file, a ValueError of a number or an address. Here each
becomes a cause and a remedy.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import botocore
from botocore.config import Config
from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004 - botocore's own, of which its time-outs are kinds too
    CredentialRetrievalError,
    HTTPClientError,
    LoginError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    RefreshWithMFAUnsupportedError,
    SSOError,
    TokenRetrievalError,
)

from verify.account import sessions
from verify.account.endpoints import stand_ins

_SIGN_IN = (
    "sign in (`aws sso login`, `aws configure`, or a role in CI), choose a profile with "
    "AWS_PROFILE, or use a local account: `make sandbox`, then SANDBOX=1"
)
_AGAIN = "sign in again (`aws sso login`, or new keys)"
_CORRECT = "correct it in the environment or in AWS's configuration file, or remove it there"
_EXPIRED = frozenset(
    {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"}
)
_INVALID = frozenset(
    {
        "InvalidClientTokenId",
        "UnrecognizedClientException",
        "SignatureDoesNotMatch",
        "InvalidAccessKeyId",
        "AuthFailure",
    }
)
_MAXIMUM_SAID = 300  # characters of what somebody else's program says


# Of the clients that ask before a run begins. How often to try again is said, in which mode is not:
# that setting of the user's is looked at.
CONFIG = Config(retries={"total_max_attempts": 3}, connect_timeout=5, read_timeout=15)


class SignInError(Exception):
    """Who calls is not known: `cause` without a full stop, and `remedy`, both in lower case."""

    def __init__(self, cause: str, remedy: str) -> None:
        super().__init__(f"{cause}: {remedy}")
        self.cause = cause
        self.remedy = remedy


def session_of(environment: Mapping[str, str]) -> Any:
    """A botocore session of what the environment and AWS's files say. Raises SignInError."""
    with _explaining(None, environment):
        session = sessions.core_session()
        session.get_scoped_config()  # raises what is wrong with the files
    wrong = _wrong_setting(session)
    if wrong:
        raise SignInError(f"{wrong} has a value that cannot be used", _CORRECT)
    return session


def identity(session: Any, region: str, environment: Mapping[str, str]) -> Mapping[str, str]:
    """Whom `session` calls as in a region: STS's Account, Arn and UserId.

    Raises SignInError for whatever keeps it from being known.
    """
    require_region(session, region)
    with _explaining(session, environment):
        client = session.create_client("sts", region_name=region, config=CONFIG)
        answer: Mapping[str, str] = client.get_caller_identity()
    return answer


# What a missing file, a broken program, a strange address or number, or a terminal that is not
# there raises inside botocore is of no class of its own; nor is an answer of another shape.
@contextmanager
def _explaining(session: Any, environment: Mapping[str, str]) -> Iterator[None]:
    try:
        yield
    except (BotoCoreError, ClientError, OSError, ValueError, EOFError, AttributeError) as error:
        raise _explained(error, session, environment) from error


def require_region(session: Any, region: str) -> None:
    """Raise SignInError unless there is such a region; no name need be looked up for that."""
    known = sorted(
        name
        for partition in session.get_data("partitions")["partitions"]
        for name in partition["regions"]
    )
    if region in known:
        return
    close = difflib.get_close_matches(region, known, n=1)
    raise SignInError(
        f"there is no region {region} that botocore {botocore.__version__} knows",
        (f"is {close[0]} meant? " if close else "")
        + "A region that is newer needs newer dependencies (`make lock`)",
    )


def asked_once(session: Any, environment: Mapping[str, str]) -> dict[str, str]:
    """What must be in the environment of all that this run starts, so that MFA is asked but once.

    Empty where no profile that takes part asks for a code. Each session would ask for itself, and
    Terraform and parallel workers have nobody to ask. Call it when `identity` has answered.
    """
    if not any("mfa_serial" in profile for profile in _profiles(session, environment)):
        return {}
    found = session.get_credentials().get_frozen_credentials()
    return as_environment(found.access_key, found.secret_key, found.token or "")


def as_environment(access_key: str, secret_key: str, token: str) -> dict[str, str]:
    """A session's keys as the variables by which processes pass them on."""
    return {
        "AWS_ACCESS_KEY_ID": access_key,
        "AWS_SECRET_ACCESS_KEY": secret_key,
        "AWS_SESSION_TOKEN": token,
    }


def _profiles(session: Any, environment: Mapping[str, str]) -> Iterator[Mapping[str, Any]]:
    """The profile in use, and those that it takes its credentials from."""
    if environment.get("AWS_ACCESS_KEY_ID"):
        return
    profiles = session.full_config.get("profiles", {})
    name = session.get_config_variable("profile") or "default"
    seen: set[str] = set()
    while name in profiles and name not in seen:
        seen.add(name)
        yield profiles[name]
        name = profiles[name].get("source_profile", "")


def _explained(error: Exception, session: Any, environment: Mapping[str, str]) -> SignInError:
    if isinstance(error, ClientError):
        return _refused(error)
    if isinstance(error, BotoCoreError):
        return _not_had(error, session, environment)
    return _broken(error, session, environment)


def _refused(error: ClientError) -> SignInError:
    code = error.response.get("Error", {}).get("Code", "")
    if code in _EXPIRED:
        return SignInError(f"the AWS credentials have expired ({code})", _AGAIN)
    if code in _INVALID:
        return SignInError(
            f"AWS does not accept the credentials ({code})", f"check AWS_PROFILE, or {_AGAIN}"
        )
    return SignInError(f"AWS STS refused to say who you are ({_said(error)})", _SIGN_IN)


def _not_had(error: BotoCoreError, session: Any, environment: Mapping[str, str]) -> SignInError:
    if isinstance(error, NoCredentialsError):
        return SignInError("no AWS credentials found", _SIGN_IN)
    if isinstance(error, PartialCredentialsError):
        return SignInError(f"the AWS credentials are not complete ({_said(error)})", _SIGN_IN)
    if isinstance(error, ProfileNotFound):
        return SignInError(f"{_said(error)}", "correct AWS_PROFILE")
    if isinstance(error, RefreshWithMFAUnsupportedError):
        return SignInError("the session that was confirmed by MFA has expired", "start again")
    if isinstance(error, SSOError | TokenRetrievalError | LoginError):
        return SignInError(
            f"the AWS sign-in is missing or has expired ({_said(error)})",
            "sign in again: `aws sso login` (or `aws login`), with --profile where you use one",
        )
    if isinstance(error, CredentialRetrievalError):
        if error.kwargs.get("provider") == "custom-process":
            return _of_process(error, session, environment)
        return SignInError(f"the AWS credentials could not be had ({_said(error)})", _SIGN_IN)
    if isinstance(error, ConnectionError | HTTPClientError):
        container = _container(environment)
        if container and not isinstance(error, ConnectionError):
            return SignInError(f"{container} cannot be used ({_said(error)})", _CORRECT)
        return _not_reached(error, session, environment)
    return SignInError(f"AWS's settings cannot be used ({_said(error)})", _CORRECT)


def _not_reached(error: BotoCoreError, session: Any, environment: Mapping[str, str]) -> SignInError:
    for stand_in in stand_ins(session, environment, ["sts"]):
        return SignInError(
            f"nothing answers at {stand_in.setting}={stand_in.url}",
            "start the sandbox with `make sandbox`, or remove the setting to reach AWS",
        )
    return SignInError(
        f"AWS could not be reached ({_said(error)})",
        "check the region, the network and the proxy settings, or use a local account: "
        "`make sandbox`, then SANDBOX=1",
    )


def _broken(error: Exception, session: Any, environment: Mapping[str, str]) -> SignInError:
    """An error that botocore let through from what it looked at; it says little by itself."""
    if session is None:
        return SignInError(f"AWS's settings cannot be used ({_said(error)})", _CORRECT)
    settings = _settings(session, environment)
    for stand_in in stand_ins(session, environment, ["sts"]):
        if "://" not in stand_in.url:
            return SignInError(
                f"{stand_in.setting}={stand_in.url} is no address",
                f"it needs a scheme, as in http://{stand_in.url}, or remove the setting",
            )
    file = error.filename if isinstance(error, OSError) else None
    tokens = {
        environment.get("AWS_WEB_IDENTITY_TOKEN_FILE"),
        settings.get("web_identity_token_file"),
    }
    if file and file in tokens:
        return SignInError(
            f"the web identity token file {file} cannot be read",
            f"correct AWS_WEB_IDENTITY_TOKEN_FILE (web_identity_token_file), or {_SIGN_IN}",
        )
    unasked = isinstance(error, EOFError) or (isinstance(error, OSError) and file is None)
    if "mfa_serial" in settings and (unasked or "credential_process" not in settings):
        return SignInError(
            f"the profile's role needs a code of the MFA device {settings['mfa_serial']}, and "
            "there is no terminal to ask for it on",
            "run it in a terminal, or choose a profile that needs none with AWS_PROFILE",
        )
    if "credential_process" in settings:
        return _of_process(error, session, environment)
    container = _container(environment)
    if container:
        return SignInError(f"{container} cannot be used ({_said(error)})", _CORRECT)
    return SignInError(f"AWS's settings cannot be used ({_said(error)})", _CORRECT)


def _of_process(error: Exception, session: Any, environment: Mapping[str, str]) -> SignInError:
    command = _settings(session, environment).get("credential_process", "")
    return SignInError(
        f"the profile's credential_process ({command.partition(' ')[0]}) gave no credentials "
        f"({_said(error)})",
        "run it by itself to see why; it must print JSON as AWS's documentation says, page "
        '"Process credential provider"',
    )


def _settings(session: Any, environment: Mapping[str, str]) -> Mapping[str, Any]:
    """What the profile says, and those that it takes its credentials from where it does not."""
    profiles = list(_profiles(session, environment))
    return {name: value for profile in reversed(profiles) for name, value in profile.items()}


def _container(environment: Mapping[str, str]) -> str | None:
    """The variable that has the credentials asked for from a container's host, if any."""
    if environment.get("AWS_ACCESS_KEY_ID"):
        return None
    names = ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI")
    return next((name for name in names if environment.get(name)), None)


def _wrong_setting(session: Any) -> str | None:
    """The setting of botocore's whose value is not of its kind, as it is written."""
    for name, (in_file, variable, _, convert) in BOTOCORE_DEFAUT_SESSION_VARIABLES.items():
        if convert is None:
            continue
        setting = " or ".join(text for text in (variable, in_file) if isinstance(text, str))
        try:
            value = session.get_config_variable(name)
        except ValueError:
            return setting
        if name == "max_attempts" and value is not None and value < 1:
            return setting
    return None


def _said(error: BaseException) -> str:
    """An error's own words, on one line."""
    text = " ".join(str(error).split()).rstrip(".") or type(error).__name__
    return text if len(text) <= _MAXIMUM_SAID else f"{text[:_MAXIMUM_SAID]}..."
