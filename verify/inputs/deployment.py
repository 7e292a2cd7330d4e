"""`terraform output -json` -> Deployment: where things are, never how they should be."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from verify import schemas

MAXIMUM_BYTES = 5_000_000


class DeploymentError(Exception):
    """The outputs cannot be used. The message names the cause and the remedy."""


@dataclass(frozen=True)
class Deployment:
    """The outputs of the root module, by output name; see `schemas/outputs.schema.json`."""

    account_id: str
    region: str
    partition: str
    environment: str
    profile: str
    tags: Mapping[str, str]
    vpc_id: str
    vpc_cidr_block: str
    private_subnet_ids: tuple[str, ...]
    private_subnet_cidr_blocks: tuple[str, ...]
    private_route_table_ids: tuple[str, ...]
    application_security_group_id: str
    default_security_group_id: str
    trail_name: str
    trail_arn: str
    trail_home_region: str
    log_bucket_name: str
    log_bucket_arn: str
    kms_key_id: str
    kms_key_arn: str
    kms_key_alias: str
    trail_log_group_name: str
    trail_log_group_arn: str
    function_name: str
    function_arn: str
    function_log_group_name: str
    function_role_name: str
    function_role_arn: str
    trail_logs_role_name: str
    trail_logs_role_arn: str
    verifier_role_name: str
    verifier_role_arn: str
    alert_topic_name: str
    alert_topic_arn: str
    delivery_topic_arn: str
    delivery_queue_url: str
    delivery_queue_arn: str
    dead_letter_queue_url: str
    dead_letter_queue_arn: str
    subscription_filter_name: str
    alarm_names: Mapping[str, str]
    alarm_arns: Mapping[str, str]
    metric_filter_names: Mapping[str, str]


def read(source: str) -> str:
    """The text of the outputs from the file `source`, or from standard input for "-".

    Raises DeploymentError when there is no such file, it cannot be read, or it is too large.
    """
    if source == "-":
        text = sys.stdin.read(MAXIMUM_BYTES + 1)
    else:
        path = Path(source)
        try:
            with path.open(encoding="utf-8") as stream:
                text = stream.read(MAXIMUM_BYTES + 1)
        except FileNotFoundError:
            raise DeploymentError(
                f"no outputs file at {path}: run `make deploy` first, or name the file that "
                "`terraform output -json` wrote with OUTPUTS=<file> (--outputs=<file>)"
            ) from None
        except (OSError, UnicodeDecodeError) as error:
            raise DeploymentError(f"the outputs file {path} cannot be read: {error}") from None
    if len(text) > MAXIMUM_BYTES:
        raise DeploymentError(f"the outputs from {source} exceed {MAXIMUM_BYTES:,} characters")
    return text


def parse(text: str, source: str = "the outputs") -> Deployment:
    """The Deployment that the JSON `text` describes.

    Raises DeploymentError when the text is not JSON or lacks an output, or when an output has the
    wrong type or names another account or region than the rest; every fault is listed.
    """
    try:
        document = json.loads(text)
    except ValueError as error:
        raise DeploymentError(
            f"{source} is not JSON ({error}): give it what `terraform output -json` prints"
        ) from None
    faults = schemas.violations("outputs", document)
    if faults:
        raise DeploymentError(
            f"{source} does not describe a deployment of this module:\n  "
            + "\n  ".join(faults)
            + "\nRun `make deploy` again so that the outputs match this version."
        )
    values: dict[str, Any] = {
        field.name: _frozen(document[field.name]["value"]) for field in fields(Deployment)
    }
    deployment = Deployment(**values)
    strangers = _arns_elsewhere(deployment)
    if strangers:
        raise DeploymentError(
            f"{source} says account {deployment.account_id} and region {deployment.region}, "
            "but these outputs are of another:\n  " + "\n  ".join(strangers)
        )
    return deployment


def sensitive_values(text: str) -> frozenset[str]:
    """The string values of outputs that Terraform marks as sensitive, for redaction."""
    found: set[str] = set()
    for output in json.loads(text).values():
        if isinstance(output, dict) and output.get("sensitive"):
            found |= _strings(output.get("value"))
    return frozenset(value for value in found if value)


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _strings(value: Any) -> set[str]:
    if isinstance(value, str):
        return {value}
    if isinstance(value, Mapping):
        return set().union(*(_strings(item) for item in value.values()))
    if isinstance(value, (list, tuple)):
        return set().union(*(_strings(item) for item in value))
    return set()


def _arns_elsewhere(deployment: Deployment) -> list[str]:
    """The ARN outputs whose account or region is not the deployment's (empty parts are global)."""
    elsewhere = []
    for field in fields(Deployment):
        value = getattr(deployment, field.name)
        for text in sorted(_strings(value)):
            parts = text.split(":", 5)
            if len(parts) < 6 or parts[0] != "arn":
                continue
            if parts[4] not in ("", deployment.account_id) or parts[3] not in (
                "",
                deployment.region,
            ):
                elsewhere.append(f"{field.name} = {text}")
    return elsewhere
