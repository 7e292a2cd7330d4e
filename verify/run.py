"""One run of the verification: what it looks at, through what, and where it leaves its findings."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
)

from verify import baseline, catalogue, deployment, waivers
from verify.aws import Aws
from verify.declared import Configuration
from verify.evidence import EvidenceStore
from verify.log_integrity import Limits, LogIntegrity
from verify.report.model import Control, Target
from verify.waivers import Waiver

_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
_INVALID = frozenset(
    {"InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch"}
)


class RunError(Exception):
    """The run cannot start. The message names the cause and the remedy."""


@dataclass(frozen=True)
class Settings:
    """What the user asked for; travels as it is to every worker, so plain values only."""

    outputs_text: str
    outputs_source: str
    profile: str
    folder: str  # of this run, e.g. reports/20260102T030405Z-1a2b3c4d
    run_id: str
    started: str  # ISO 8601, UTC
    function_package: str
    terraform_folder: str
    alert_timeout: float  # seconds
    integrity_hours: float | None = None  # in place of the baseline's
    waivers: str | None = None  # the waivers' file
    probes: tuple[str, ...] = ()  # the optional probes that were asked for
    plan: str | None = None  # JSON of a Terraform plan
    plan_problem: str | None = None  # why there is none, although one was asked for
    caller: str = ""


@dataclass(frozen=True)
class Run:
    """Everything that fixtures hand to checks."""

    settings: Settings
    deployment: deployment.Deployment
    baseline: Mapping[str, Any]
    catalogue: Mapping[str, Control]
    waivers: tuple[Waiver, ...]
    aws: Aws
    configuration: Configuration
    log_integrity: LogIntegrity

    @property
    def folder(self) -> Path:
        """Where this run leaves its reports and evidence."""
        return Path(self.settings.folder)

    @property
    def target(self) -> Target:
        """The deployment, for the report."""
        return Target(
            account=self.deployment.account_id,
            region=self.deployment.region,
            partition=self.deployment.partition,
            environment=self.deployment.environment,
            profile=self.settings.profile,
            endpoint=os.environ.get("AWS_ENDPOINT_URL"),
        )


def new_run_id(now: datetime) -> str:
    """A run id that sorts by time and does not repeat."""
    return f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"


def prepare(settings: Settings) -> Settings:
    """Check, before anything runs, that the run can be made; returns settings with the caller.

    Raises RunError for unusable outputs, profile, baseline, catalogue, credentials or endpoint.
    """
    try:
        deployed = deployment.parse(settings.outputs_text, settings.outputs_source)
        baseline.load(settings.profile)
        controls = catalogue.load()
        _waivers(settings, controls)
    except (
        deployment.DeploymentError,
        baseline.BaselineError,
        catalogue.CatalogueError,
        waivers.WaiverError,
    ) as error:
        raise RunError(str(error)) from None
    if deployed.profile != settings.profile:
        raise RunError(
            f"the outputs are of a deployment with profile {deployed.profile!r}, but this run "
            f"holds it to profile {settings.profile!r}: if that is meant, set "
            f"PROFILE={deployed.profile}"
        )
    unmatched = catalogue.mismatches(controls, catalogue.tested_controls(Path(__file__).parent))
    if unmatched:
        raise RunError("catalogue and tests do not match:\n  " + "\n  ".join(unmatched))
    identity = _identity(deployed.region)
    if identity["Account"] != deployed.account_id:
        raise RunError(
            f"the outputs are of account {deployed.account_id}, but the credentials are of account "
            f"{identity['Account']} ({identity['Arn']}): use that account's credentials, or the "
            "outputs of this one"
        )
    return replace(settings, caller=identity["Arn"])


def start(settings: Settings, worker: str) -> Run:
    """The Run of prepared `settings` in this process."""
    deployed = deployment.parse(settings.outputs_text, settings.outputs_source)
    store = EvidenceStore(
        Path(settings.folder), worker, deployment.sensitive_values(settings.outputs_text)
    )
    controls = catalogue.load()
    required = baseline.load(settings.profile)
    session = core_session()
    aws = Aws(boto3.Session(botocore_session=session), deployed.region, store)
    return Run(
        settings=settings,
        deployment=deployed,
        baseline=required,
        catalogue=controls,
        waivers=_waivers(settings, controls),
        aws=aws,
        configuration=Configuration(Path(settings.terraform_folder), settings.profile),
        log_integrity=LogIntegrity(aws, deployed, _limits(settings, required), session),
    )


def core_session() -> Any:
    """A botocore session of what the environment says."""
    return botocore.session.get_session()


def _limits(settings: Settings, required: Mapping[str, Any]) -> Limits:
    limits = required["log_integrity"]
    hours = limits["hours"] if settings.integrity_hours is None else settings.integrity_hours
    return Limits(
        period=timedelta(hours=hours),
        lateness=timedelta(minutes=limits["lateness_minutes"]),
        settling=timedelta(minutes=limits["settling_minutes"]),
    )


def _waivers(settings: Settings, controls: Mapping[str, Control]) -> tuple[Waiver, ...]:
    return waivers.load(Path(settings.waivers), controls) if settings.waivers else ()


def default_settings(**values: Any) -> Settings:
    """Settings with a new run id and the current time."""
    now = datetime.now(UTC)
    run_id = new_run_id(now)
    folder = str(Path(values.pop("reports_folder")).resolve() / run_id)
    return Settings(run_id=run_id, started=now.isoformat(), folder=folder, **values)


def _identity(region: str) -> Mapping[str, str]:
    try:
        client = boto3.Session(botocore_session=core_session()).client(
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
