"""One run of the verification: what it looks at, through what, and where it leaves its findings."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import boto3

from verify.account import reads, sessions
from verify.account.answer import Source
from verify.account.door import Aws
from verify.account.endpoints import stand_ins
from verify.account.evidence import EvidenceStore
from verify.account.live import Live
from verify.account.models import Operations
from verify.account.recorded import Recorded, RecordError
from verify.inputs import (
    attestations,
    baseline,
    catalogue,
    deployment,
    outputs_map,
    terraform_state,
    waivers,
)
from verify.inputs.absence import ADMITTING
from verify.inputs.declared import Configuration
from verify.inputs.waivers import Waiver
from verify.integrity.read.operations import OPERATIONS
from verify.model import Attestation, BaselineSource, Control, Target
from verify.proof import upload
from verify.run import caller, given, verifier_role
from verify.run.log_integrity import Limits, LogIntegrity
from verify.run.presence import require_presence
from verify.run.settings import RunError, Settings


@dataclass(frozen=True)
class Run:
    """Everything that fixtures hand to checks."""

    settings: Settings
    deployment: deployment.Deployment
    profile: str
    sources: tuple[BaselineSource, ...]  # the baseline's files
    baseline: Mapping[str, Any]  # its values, with every placeholder filled
    controls: tuple[Control, ...]  # those that the baseline lists, in the catalogue's order
    waivers: tuple[Waiver, ...]
    attestations: tuple[Attestation, ...]
    aws: Aws
    configuration: Configuration
    log_integrity: LogIntegrity
    endpoint: str | None  # what answers in AWS's place, if anything does

    @property
    def folder(self) -> Path:
        """Where this run leaves its reports and evidence."""
        return Path(self.settings.folder)

    @property
    def as_of(self) -> datetime:
        """At which moment the account is judged: that of the run whose evidence is replayed, if one
        is."""
        return datetime.fromisoformat(self.settings.as_of)

    @property
    def probes(self) -> frozenset[str]:
        """The optional probes that the baseline demands, and those that were asked for."""
        return frozenset((*self.baseline["alerts"]["probes"], *self.settings.probes))

    @property
    def target(self) -> Target:
        """The deployment, for the report."""
        return Target(
            account=self.deployment.account_id,
            region=self.deployment.region,
            partition=self.deployment.partition,
            environment=self.deployment.environment,
            profile=self.profile,
            endpoint=self.endpoint,
        )


def prepare(settings: Settings) -> Settings:
    """Check, before anything runs, that the run can be made; returns settings with the caller.

    Raises RunError for unusable outputs, profile, baseline, catalogue, credentials or endpoint.
    """
    try:
        required = baseline.load(settings.profile)
        deployed = _deployed(settings, required)
        controls = catalogue.load()
        baseline.require_known(required, controls)
        _filled(required, deployed)
        _waivers(settings, controls, required.values)
        _attestations(settings)
        if settings.terraform_state is not None:
            terraform_state.read(Path(settings.terraform_state))
    except (
        deployment.DeploymentError,
        baseline.BaselineError,
        catalogue.CatalogueError,
        waivers.WaiverError,
        attestations.AttestationError,
        terraform_state.TerraformStateError,
    ) as error:
        raise RunError(str(error)) from None
    if deployed.profile not in required.lineage:
        raise RunError(
            f"the outputs are of a deployment with profile {deployed.profile!r}, but this run "
            f"holds it to profile {required.profile!r}: if that is meant, set "
            f"PROFILE={deployed.profile}, or let the baseline extend {deployed.profile}"
        )
    unmatched = catalogue.mismatches(controls, catalogue.tested_controls(Path(__file__).parents[1]))
    if unmatched:
        raise RunError("catalogue and tests do not match:\n  " + "\n  ".join(unmatched))
    if settings.replay is not None:
        return replace(settings, caller=f"nobody: the evidence in {settings.replay} is judged")
    if settings.role is not None:
        # Whoever assumes it need not be of the deployment's account; the role must be.
        verifier_role.assume(deployed, settings.run_id, settings.role, settings.external_id)
    arn = caller.require_account(deployed)["Arn"]
    if settings.as_verifier and settings.role is None:
        arn = verifier_role.assume(deployed, settings.run_id, external_id=settings.external_id)
    return replace(settings, caller=arn, actor=arn)


def begin(settings: Settings) -> Run:
    """The Run of `settings` in the process that prepared them.

    Raises RunError where the deployment is not there at all, and OSError where the folder cannot be
    written; then nothing is left of the run.
    """
    run = start(settings, "main")
    if settings.replay is None:
        try:
            require_presence(run.aws, run.deployment, settings.outputs_source)
            given.keep(settings, tuple(sys.argv))
        except (RunError, OSError):
            shutil.rmtree(run.folder, ignore_errors=True)
            raise
    return run


def start(settings: Settings, worker: str) -> Run:
    """The Run of prepared `settings` in this process."""
    required = baseline.load(settings.profile)
    deployed = _deployed(settings, required)
    store = EvidenceStore(
        Path(settings.folder), worker, deployment.sensitive_values(settings.outputs_text)
    )
    controls = catalogue.load()
    values = _filled(required, deployed)
    session = sessions.core_session(_operations())
    source: Source = (
        Live(
            boto3.Session(botocore_session=session),
            deployed.region,
            store,
            # What a probe does is in no reading.
            whole=lambda: boto3.Session(botocore_session=sessions.core_session()),
        )
        if settings.replay is None
        else _recorded(settings.replay, deployed.region)
    )
    aws = Aws(source, store)
    return Run(
        settings=settings,
        deployment=deployed,
        profile=required.profile,
        sources=required.sources,
        baseline=values,
        controls=tuple(item for name, item in controls.items() if name in required.controls),
        waivers=_waivers(settings, controls, values),
        attestations=_attestations(settings),
        aws=aws,
        configuration=Configuration(
            Path(settings.terraform_folder),
            deployed.profile,
            Path(settings.variables) if settings.variables else None,
        ),
        log_integrity=LogIntegrity(aws, deployed, _limits(settings, values), session),
        endpoint=_endpoint(session),
    )


def _deployed(settings: Settings, required: baseline.Baseline) -> deployment.Deployment:
    found = outputs_map.parse(settings.outputs_text, settings.outputs_source, settings.outputs_map)
    return found.under(required.values[ADMITTING])


def _filled(required: baseline.Baseline, deployed: deployment.Deployment) -> Mapping[str, Any]:
    absent = deployed.absent_placeholders()
    return baseline.filled(required, deployed.placeholders(), deployed.lists(), absent)


def _endpoint(session: Any) -> str | None:
    """Where the run's calls go, whatever setting says so; None for AWS itself."""
    found = stand_ins(session, os.environ, {*_operations(), "sts"})
    return ", ".join(stand_in.url for stand_in in found) or None


# By which a run asks who changed what failed, signs what it has found, and puts it where it was
# asked to (`verify.run.changes`, `seal`, `clean_metric` and `findings`).
_OF_THE_END: Mapping[str, Collection[str]] = {
    "cloudtrail": {"lookup_events"},
    "cloudwatch": {"put_metric_data"},
    "kms": {"get_public_key", "sign"},
    "s3": upload.OPERATIONS,
    "securityhub": {"batch_import_findings"},
}


def _operations() -> Operations:
    """What the run calls as a rule."""
    found = {service: set(names) for service, names in reads.operations().items()}
    for service, names in (*OPERATIONS.items(), *_OF_THE_END.items()):
        found.setdefault(service, set()).update(names)
    return found


def _recorded(folder: str, region: str) -> Recorded:
    try:
        return Recorded(Path(folder), region)
    except RecordError as error:
        raise RunError(str(error)) from None


def _limits(settings: Settings, required: Mapping[str, Any]) -> Limits:
    limits = required["log_integrity"]
    hours = limits["hours"] if settings.integrity_hours is None else settings.integrity_hours
    return Limits(
        period=timedelta(hours=hours),
        lateness=timedelta(minutes=limits["lateness_minutes"]),
        settling=timedelta(minutes=limits["settling_minutes"]),
        organization=required["trail"]["organization_id"],
    )


def _waivers(
    settings: Settings, controls: Mapping[str, Control], required: Mapping[str, Any]
) -> tuple[Waiver, ...]:
    if settings.waivers is None:
        return ()
    return waivers.load(Path(settings.waivers), controls, required["waivers"]["longest_days"])


def _attestations(settings: Settings) -> tuple[Attestation, ...]:
    if settings.attestations is None:
        return ()
    today = datetime.fromisoformat(settings.as_of).date()
    return attestations.load(Path(settings.attestations), today)
