"""What a run was asked for."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from verify.report import FORMATS


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
    as_of: str  # at which moment the account is judged: when it was seen, which may be long ago
    function_package: str
    terraform_folder: str
    alert_timeout: float  # seconds
    outputs_map: str | None = None  # the file that says which of their outputs is which of ours
    variables: str | None = None  # the file of values beside the profile's
    integrity_hours: float | None = None  # in place of the baseline's
    waivers: str | None = None  # the waivers' file
    attestations: str | None = None  # the attestations' file
    terraform_state: str | None = None  # a file with the serial of the state, for the report alone
    formats: tuple[str, ...] = tuple(FORMATS)  # of the reports
    probes: tuple[str, ...] = ()  # the optional probes that were asked for beside the baseline's
    plan: str | None = None  # JSON of a Terraform plan
    plan_problem: str | None = None  # why there is none, although one was asked for
    plan_asked: bool = False
    replay: str | None = (
        None  # the folder of a run whose evidence is judged, in place of an account
    )
    as_verifier: bool = False  # assume the role that the outputs name, and verify as it
    role: str | None = None  # the role to assume in its place, from another account say
    external_id: str | None = None  # that the role asks for
    signing_key: str | None = None  # a file, or a key of KMS's by its ARN or alias
    timestamp_url: str | None = None  # of an authority (RFC 3161)
    reports_bucket: str | None = None  # where a sealed run is put: s3://bucket/prefix
    import_findings: bool = False  # into Security Hub
    put_metric: bool = False  # publish, if the run is clean, when it was
    caller: str = ""
    actor: str = ""  # who acted on the account: the caller, or that of the run that is replayed


def new_run_id(now: datetime) -> str:
    """A run id that sorts by time and does not repeat."""
    return f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"


def default_settings(**values: Any) -> Settings:
    """Settings with a new run id and the current time, which is also that of the judgement."""
    now = datetime.now(UTC)
    run_id = new_run_id(now)
    folder = str(Path(values.pop("reports_folder")).resolve() / run_id)
    values = {"as_of": now.isoformat(), **values}
    return Settings(run_id=run_id, started=now.isoformat(), folder=folder, **values)
