"""The suite's command line."""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from verify.inputs import deployment
from verify.inputs.plan import PlanError, read_plan
from verify.live_fire.probes import OPTIONAL
from verify.report import FORMATS
from verify.run.given import replayed
from verify.run.settings import RunError, Settings, default_settings

# Beyond a week, `python -m verify integrity` is made for it.
_MAXIMUM_HOURS = 168.0
# No alert is awaited for longer than a day; nothing else limits it.
_MAXIMUM_SECONDS = 86_400.0
_PROJECT = Path(__file__).parents[2]
_PROFILE = "dev"


# pytest's options that choose or order tests by its cache, which is off here.
_OF_EARLIER_RUNS = {
    "lf": "--lf",
    "failedfirst": "--ff",
    "newfirst": "--nf",
    "stepwise": "--stepwise",
    "stepwise_skip": "--stepwise-skip",
    "stepwise_reset": "--stepwise-reset",
    "cacheshow": "--cache-show",
    "cacheclear": "--cache-clear",
}


def add_options(parser: pytest.Parser) -> None:
    """The suite's own options."""
    group = parser.getgroup("verification of a deployment")
    group.addoption(
        "--outputs",
        metavar="FILE",
        help="what `terraform output -json` printed: a file, or - for standard input",
    )
    group.addoption(
        "--outputs-map",
        metavar="FILE",
        help="which of another module's outputs is which of ours, and which parts are absent "
        "(YAML, schemas/outputs-map.schema.json; see docs/bring-your-own-trail.md)",
    )
    group.addoption(
        "--profile",
        help="the baseline that the account is held to: a profile or a YAML file (default: "
        f"{_PROFILE})",
    )
    group.addoption(
        "--reports",
        metavar="FOLDER",
        default=str(_PROJECT / "reports"),
        help="where each run gets a folder; <FOLDER>/latest is the newest (default: the project's "
        "reports)",
    )
    group.addoption(
        "--function-package",
        metavar="ZIP",
        help="the reviewed build of the function, which must be what is deployed "
        "(default: lambda/dist/compliance_checker.zip of the project)",
    )
    group.addoption(
        "--terraform-folder",
        metavar="FOLDER",
        help="the Terraform configuration for declared-versus-live (default: the project's)",
    )
    group.addoption(
        "--variables",
        metavar="FILE",
        help="the values of variables (.tfvars) with which it was deployed, beside the profile's",
    )
    group.addoption(
        "--plan",
        metavar="FILE",
        help="what `terraform show -json <plan>` printed of a plan made now, for the control of "
        "drift: a file, or - for standard input (default: drift is not looked for)",
    )
    group.addoption(
        "--as-verifier",
        action="store_true",
        help="assume the role that the outputs name (verifier_role_arn) and verify as it, with no "
        "more permissions than the suite needs",
    )
    group.addoption(
        "--role",
        metavar="ARN",
        help="assume this role, from another account say, and verify as it",
    )
    group.addoption(
        "--external-id",
        metavar="ID",
        help="that the assumed role asks for",
    )
    group.addoption(
        "--waivers",
        metavar="FILE",
        help="failures that somebody has accepted for a time (YAML, schemas/waivers.schema.json)",
    )
    group.addoption(
        "--attestations",
        metavar="FILE",
        help="what no check can see and somebody states, to stand apart in the report (YAML, "
        "schemas/attestations.schema.json)",
    )
    group.addoption(
        "--terraform-state",
        metavar="FILE",
        help="what `terraform state pull` printed: its serial and lineage stand in the report, and "
        "nothing else of it is kept",
    )
    group.addoption(
        "--formats",
        metavar="FORMATS",
        type=_formats,
        default=tuple(FORMATS),
        help=f"which reports to write, of {','.join(FORMATS)} (default: all); report.json, by "
        "which a run is known, is always among them",
    )
    group.addoption(
        "--probe",
        metavar="PROBE",
        action="append",
        default=[],
        choices=sorted(OPTIONAL),
        help="also raise alerts by a scratch resource, one of %(choices)s, beside those of the "
        "baseline (alerts.probes); may be repeated",
    )
    group.addoption(
        "--alert-timeout",
        metavar="SECONDS",
        type=_seconds,
        default=900.0,
        help="how long to wait for an alert; AWS delivers in about 5 minutes "
        "(default: %(default)s)",
    )
    group.addoption(
        "--put-metric",
        action="store_true",
        help="if the run is clean, publish when it was as a metric of the account, for the "
        "dashboard (verification_metric_namespace of the outputs)",
    )
    group.addoption(
        "--signing-key",
        metavar="KEY",
        help="sign the run's manifest with the Ed25519 private key in a file (PEM), or with a key "
        "of KMS's, by its ARN or alias (default: not signed)",
    )
    group.addoption(
        "--timestamp-url",
        metavar="URL",
        help="have the run's manifest time-stamped by the authority at this address (RFC 3161) "
        "(default: no time stamp)",
    )
    group.addoption(
        "--reports-bucket",
        metavar="S3-URL",
        help="put the sealed run into this bucket (s3://<bucket>/[<prefix>]), beside the folder of "
        "reports",
    )
    group.addoption(
        "--import-findings",
        action="store_true",
        help="import the run's findings into the region's Security Hub, one for each control",
    )
    group.addoption(
        "--replay",
        metavar="FOLDER",
        help="judge again what is in the folder of an earlier run, its answers and what it was "
        "given (but for what is given anew), instead of an account: nothing is asked of AWS",
    )
    group.addoption(
        "--integrity-hours",
        metavar="HOURS",
        type=_hours,
        help="how many of the last hours' log files to validate (default: the baseline's)",
    )


def _formats(text: str) -> tuple[str, ...]:
    named = {name.strip() for name in text.split(",")}
    if unknown := sorted(named - FORMATS.keys()):
        raise argparse.ArgumentTypeError(
            f"there is no format {', '.join(map(repr, unknown))}: choose of {', '.join(FORMATS)}"
        )
    return tuple(name for name in FORMATS if name in named | {"json"})


def _seconds(text: str) -> float:
    return _number(text, "seconds", _MAXIMUM_SECONDS, "no alert is awaited for longer")


def _hours(text: str) -> float:
    further = "python -m verify integrity looks back further"
    return _number(text, "hours", _MAXIMUM_HOURS, further)


def _number(text: str, unit: str, maximum: float, why: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number <= maximum:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no number of {unit} above 0 and up to {maximum:g}: {why}"
        )
    return number


def settings_of(config: pytest.Config) -> Settings:
    """What the command line asked for. Raises RunError."""
    for name, option in _OF_EARLIER_RUNS.items():
        if getattr(config.option, name, None):
            raise RunError(
                f"{option} goes by what an earlier run found, and a verification remembers none: "
                "leave it out, or choose tests by -k"
            )
    source = config.option.outputs
    if not source and not config.option.replay:
        raise RunError(
            "no outputs given: run `make verify`, or name what `terraform output -json` printed "
            "with --outputs=<file>"
        )
    if config.option.outputs_map and not source:
        raise RunError(
            "--outputs-map is for the outputs of another module: name them with --outputs=<file>"
        )
    if config.option.external_id and not (config.option.as_verifier or config.option.role):
        raise RunError("--external-id is for a role: give --role=<arn> or --as-verifier as well")
    if (config.option.as_verifier or config.option.role) and config.option.replay:
        raise RunError(
            "--replay asks nothing of an account, so there is no role to assume for it: leave out "
            "--as-verifier and --role"
        )
    _refuse_of_replay(config)
    plan, plan_problem = _plan(config.option.plan)
    asked: dict[str, Any] = {
        "outputs_text": None if source is None else deployment.read(source),
        "outputs_source": "standard input" if source == "-" else source,
        "outputs_map": config.option.outputs_map,
        "profile": config.option.profile,
        "function_package": config.option.function_package,
        "terraform_folder": config.option.terraform_folder,
        "variables": _variables(config.option.variables),
        "integrity_hours": config.option.integrity_hours,
        "waivers": config.option.waivers,
        "attestations": config.option.attestations,
        "terraform_state": config.option.terraform_state,
        "probes": tuple(config.option.probe) or None,
        "plan": plan,
        "plan_problem": plan_problem,
        "plan_asked": True if config.option.plan is not None else None,
    }
    given = {name: value for name, value in asked.items() if value is not None}
    settings = default_settings(
        **{**_DEFAULTS, **given},
        reports_folder=config.option.reports,
        alert_timeout=config.option.alert_timeout,
        replay=config.option.replay,
        formats=config.option.formats,
        as_verifier=config.option.as_verifier,
        role=config.option.role,
        external_id=config.option.external_id,
        signing_key=config.option.signing_key,
        timestamp_url=config.option.timestamp_url,
        reports_bucket=config.option.reports_bucket,
        import_findings=config.option.import_findings,
        put_metric=config.option.put_metric,
    )
    return settings if settings.replay is None else replayed(settings, given=frozenset(given))


def _refuse_of_replay(config: pytest.Config) -> None:
    """Raise RunError for what a replay cannot be asked for: it seals nothing, and is not now."""
    if not config.option.replay:
        return
    for asked, option, why in (
        (config.option.put_metric, "--put-metric", "not that it is clean now"),
        (config.option.import_findings, "--import-findings", "not how it is now"),
        (config.option.timestamp_url, "--timestamp-url", "seals nothing"),
        (config.option.reports_bucket, "--reports-bucket", "seals nothing"),
    ):
        if asked:
            raise RunError(f"--replay says how an account was, and {why}: leave out {option}")


# Of a run on an account; of a replay it is what its run was given.
_DEFAULTS: Mapping[str, Any] = {
    "outputs_text": "",
    "outputs_source": "",
    "profile": _PROFILE,
    "function_package": str(_PROJECT / "lambda" / "dist" / "compliance_checker.zip"),
    "terraform_folder": str(_PROJECT / "terraform"),
}


def _variables(path: str | None) -> str | None:
    if path is not None and not Path(path).is_file():
        raise RunError(
            f"there is no file of variables {path}: name the one with which it was deployed, or "
            "leave out --variables"
        )
    return path


def _plan(source: str | None) -> tuple[str | None, str | None]:
    """The plan's text, or why there is none: that is the control's concern, not the run's."""
    if source is None:
        return None, None
    try:
        return read_plan(source), None
    except PlanError as error:
        return None, str(error)
