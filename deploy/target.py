"""What is deployed to: an AWS account, or a sandbox that stands in for one."""

from __future__ import annotations

import json
import os
import re
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from deploy.errors import DeployError
from verify.account import sign_in
from verify.account.endpoints import stand_ins
from verify.account.sign_in import SignInError

DEFAULT_REGION = "ap-southeast-1"

_REGION = re.compile(r"[a-z]{2,5}(-[a-z]+)+-[0-9]")
# Endpoints that Terraform's provider and its S3 backend heed besides those of AWS's SDKs. Source:
# the provider's documentation, "Custom Service Endpoint Configuration", and that of the backend.
_TERRAFORM_ENDPOINT = re.compile(r"(TF_)?AWS_(DYNAMODB|IAM|S3|STS|SSO)_ENDPOINT")


@dataclass(frozen=True)
class Target:
    """Where to deploy.

    `name` tells targets, and so their states, apart; `environment` is what Terraform runs in.
    """

    name: str
    account_id: str
    caller_arn: str
    region: str
    environment: Mapping[str, str]
    sandbox_url: str | None
    session: Any = None  # botocore's, where the target is AWS

    @property
    def is_sandbox(self) -> bool:
        """Whether this is a sandbox, where nothing can be broken and nobody is asked."""
        return self.sandbox_url is not None

    @property
    def description(self) -> str:
        """The target in a sentence's object: `AWS account 123456789012 in eu-west-1`."""
        kind = f"the sandbox at {self.sandbox_url}," if self.is_sandbox else "AWS"
        return f"{kind} account {self.account_id} in {self.region}"

    def client(self, service: str) -> Any:
        """A boto3 client for this target."""
        if self.sandbox_url is not None:
            return _sandbox_client(service, self.sandbox_url, self.region)
        return self.session.create_client(service, region_name=self.region, config=_config())


def sandbox(url: str, region: str | None, environment: Mapping[str, str]) -> Target:
    """The sandbox that answers at `url`.

    Its credentials are made up and live in the child's environment alone; nothing of the user's own
    AWS configuration reaches it. Raises DeployError when no sandbox answers.
    """
    parts = urlsplit(url)
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        port = 0
    if parts.scheme not in ("http", "https") or not parts.hostname or not port:
        raise DeployError(
            f"--sandbox {url} is not an HTTP address", "Example: --sandbox http://127.0.0.1:4599"
        )
    url = f"{parts.scheme}://{parts.netloc}"
    _check_health(url)
    chosen = _region(region, environment, None)
    try:
        identity = _sandbox_client("sts", url, chosen).get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        raise DeployError(
            f"The sandbox at {url} is up but does not answer STS: {error}",
            "Restart it with: make sandbox",
        ) from error
    where = "" if parts.hostname in ("127.0.0.1", "localhost") else f"{parts.hostname}-"
    kept = {name: value for name, value in environment.items() if not name.startswith("AWS_")}
    proxies = _proxies(url, parts.scheme, parts.hostname, environment)
    return Target(
        name=f"sandbox-{where}{port}-{chosen}".replace(":", "-"),
        account_id=identity["Account"],
        caller_arn=identity["Arn"],
        region=chosen,
        environment=kept
        | {
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": chosen,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            **proxies,
        },
        sandbox_url=url,
    )


def _proxies(url: str, scheme: str, host: str, environment: Mapping[str, str]) -> Mapping[str, str]:
    """The variables by which no request to the sandbox goes through the user's proxy.

    Terraform's provider asks S3 Control at a host that begins with the account's number, which is
    nobody's name. As its own proxy, the sandbox gets that request too; a name that is exempt from
    proxies would exempt whatever ends in it.
    """
    found = {}
    exempt = [environment.get("NO_PROXY", "")]
    if scheme == "http":
        found = dict.fromkeys(("HTTP_PROXY", "http_proxy"), url)
    if scheme != "http" or _is_address(host):
        exempt.append(host)
    return found | dict.fromkeys(("NO_PROXY", "no_proxy"), ",".join(filter(None, exempt)))


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def aws(region: str | None, environment: Mapping[str, str]) -> Target:
    """The AWS account that the ordinary credential chain leads to.

    Raises DeployError for missing, expired or refused credentials, and when an endpoint is set that
    would send "AWS" somewhere else.
    """
    try:
        session = sign_in.session_of(environment)
        for stand_in in stand_ins(session, environment):
            raise _elsewhere(stand_in.setting, stand_in.url)
        for name, url in environment.items():
            if _TERRAFORM_ENDPOINT.fullmatch(name) and url:
                raise _elsewhere(name, url)
        chosen = _region(region, environment, session.get_config_variable("region"))
        identity = sign_in.identity(session, chosen, environment)
    except SignInError as error:
        raise DeployError(_sentence(error.cause), f"{_sentence(error.remedy)}.") from error
    mfa = sign_in.asked_once(session, environment)
    return Target(
        name=f"aws-{identity['Account']}-{chosen}",
        account_id=identity["Account"],
        caller_arn=identity["Arn"],
        region=chosen,
        environment=dict(environment) | {"AWS_REGION": chosen} | mfa,
        sandbox_url=None,
        session=session,
    )


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"


def _elsewhere(setting: str, url: str) -> DeployError:
    return DeployError(
        _sentence(f"{setting} is set to {url}, so this would not go to AWS"),
        f"Remove it, or say that it is a sandbox: --sandbox {url}",
    )


def _region(asked: str | None, environment: Mapping[str, str], configured: str | None) -> str:
    region = (
        asked
        or environment.get("AWS_REGION")
        or environment.get("AWS_DEFAULT_REGION")
        or configured
        or DEFAULT_REGION
    )
    if not _REGION.fullmatch(region):
        raise DeployError(f"{region} is not an AWS region code", "Example: --region eu-west-1")
    return region


def _config() -> Config:
    return Config(connect_timeout=10, read_timeout=30, retries={"mode": "standard"})


def _sandbox_client(service: str, url: str, region: str) -> Any:
    # Without the user's AWS configuration: a profile or an endpoint in it is not for the sandbox.
    session = botocore.session.Session(
        session_vars={
            "profile": (None, None, None, None),
            "config_file": (None, None, os.devnull, None),
            "credentials_file": (None, None, os.devnull, None),
        }
    )
    return session.create_client(
        service,
        region_name=region,
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106 - the sandbox takes any credentials
        endpoint_url=url,
        config=Config(connect_timeout=5, read_timeout=30, proxies={}),
    )


def _check_health(url: str) -> None:
    # No proxy: a sandbox is on this machine or next to it.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{url}/_sandbox/health", timeout=10) as response:
            json.load(response)
    except (OSError, ValueError) as error:
        if isinstance(error, urllib.error.HTTPError):
            cause = f"What answers at {url} is not a sandbox (HTTP {error.code})"
        elif isinstance(error, OSError):
            cause = f"No sandbox answers at {url}"
        else:
            cause = f"What answers at {url} is not a sandbox"
        raise DeployError(cause, "Start one with: make sandbox") from error
