"""`terraform output -json` -> Deployment: where things are, never how they should be."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from verify import schemas
from verify.inputs import foreign
from verify.inputs.reader import AbsentError, UnreadableError, read_text

MAXIMUM_CHARACTERS = 5_000_000


class DeploymentError(Exception):
    """The outputs cannot be used. The message names the cause and the remedy."""


def _output(description: str, example: object, resource: str = "", **schema: Any) -> Any:
    """One output: what it is, one as Terraform prints it, what JSON Schema its value must obey.

    `resource` is the Terraform address of the resource that the value identifies, for the
    inventory; of several resources, the type alone.
    """
    rules = schema or {"type": "string", "minLength": 1}
    return field(
        metadata={
            "description": description,
            "example": example,
            "resource": resource,
            "schema": rules,
        }
    )


def _text(pattern: str) -> dict[str, Any]:
    return {"type": "string", "pattern": pattern}


def _arn(service: str) -> dict[str, Any]:
    return _text(f"^arn:aws[a-z-]*:{service}:")


def _list(pattern: str) -> dict[str, Any]:
    return {"type": "array", "minItems": 1, "uniqueItems": True, "items": _text(pattern)}


def _list_or_none(pattern: str) -> dict[str, Any]:
    return {"type": "array", "uniqueItems": True, "items": _text(pattern)}


_BY_PURPOSE: dict[str, Any] = {
    "type": "object",
    "minProperties": 1,
    "additionalProperties": {"type": "string", "minLength": 1},
}
# What the names of regional services end in, where it is not amazonaws.com.
_DNS_SUFFIXES = {"aws-cn": "amazonaws.com.cn", "aws-eusc": "amazonaws.eu"}
_ACCOUNT, _REGION = "123456789012", "ap-southeast-1"
_HERE = f"{_REGION}:{_ACCOUNT}"
_QUEUES = f"https://sqs.{_REGION}.amazonaws.com/{_ACCOUNT}"


@dataclass(frozen=True)
class Deployment:
    """The outputs of the root module, by output name: the one place that lists them.

    Each field says what its value must look like, what it identifies, and gives an example. They
    tell where things are, never how they should be.
    """

    account_id: str = _output("Account.", _ACCOUNT, **_text("^[0-9]{12}$"))
    region: str = _output("Home region.", _REGION, **_text("^[a-z]{2,5}(-[a-z]+)+-[0-9]$"))
    partition: str = _output("AWS partition.", "aws", **_text("^aws(-[a-z]+)*$"))
    environment: str = _output("Environment, part of every name.", "dev")
    profile: str = _output("Profile that was deployed.", "dev")
    vpc_id: str = _output("VPC.", "vpc-0a1b2c3d4e5f60718", "aws_vpc.audit", **_text("^vpc-"))
    private_subnet_ids: tuple[str, ...] = _output(
        "Private subnets.",
        ["subnet-0a1b2c3d", "subnet-1a1b2c3d"],
        "aws_subnet.private",
        **_list("^subnet-"),
    )
    private_route_table_ids: tuple[str, ...] = _output(
        "Route tables of the private subnets.",
        ["rtb-0a1b2c3d", "rtb-1a1b2c3d"],
        "aws_route_table.private",
        **_list("^rtb-"),
    )
    application_security_group_id: str = _output(
        "Application security group.",
        "sg-0a1b2c3d",
        "aws_security_group.application",
        **_text("^sg-"),
    )
    default_security_group_id: str = _output(
        "The VPC's default security group.",
        "sg-1a1b2c3d",
        "aws_default_security_group.closed",
        **_text("^sg-"),
    )
    trail_name: str = _output("Trail.", "cloudtrail-audit-dev")
    trail_arn: str = _output(
        "Trail.",
        f"arn:aws:cloudtrail:{_HERE}:trail/cloudtrail-audit-dev",
        "aws_cloudtrail.audit",
        **_arn("cloudtrail"),
    )
    trail_home_region: str = _output("Region from which the trail is administered.", _REGION)
    log_bucket_name: str = _output(
        "Bucket of the log files.",
        f"s3-cloudtrail-logs-dev-{_ACCOUNT}",
        "aws_s3_bucket.logs",
        type="string",
        minLength=3,
        maxLength=63,
    )
    log_bucket_arn: str = _output(
        "Bucket of the log files.",
        f"arn:aws:s3:::s3-cloudtrail-logs-dev-{_ACCOUNT}",
        **_arn("s3"),
    )
    kms_key_arn: str = _output(
        "Customer-managed key.",
        f"arn:aws:kms:{_HERE}:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        "aws_kms_key.logs",
        **_arn("kms"),
    )
    kms_key_alias: str = _output(
        "Alias of the key.", "alias/cloudtrail-logs-key-dev", **_text("^alias/")
    )
    trail_log_group_name: str = _output(
        "Log group of the trail.",
        "/aws/cloudtrail/cloudtrail-audit-dev",
        "aws_cloudwatch_log_group.trail",
    )
    trail_log_group_arn: str = _output(
        "Log group of the trail.",
        f"arn:aws:logs:{_HERE}:log-group:/aws/cloudtrail/cloudtrail-audit-dev",
        **_arn("logs"),
    )
    function_name: str = _output("Compliance function.", "lambda-compliance-checker-dev")
    function_arn: str = _output(
        "Compliance function.",
        f"arn:aws:lambda:{_HERE}:function:lambda-compliance-checker-dev",
        "aws_lambda_function.compliance_checker",
        **_arn("lambda"),
    )
    function_log_group_name: str = _output(
        "Log group of the function.",
        "/aws/lambda/lambda-compliance-checker-dev",
        "aws_cloudwatch_log_group.function",
    )
    function_role_name: str = _output(
        "Execution role of the function.", "role-compliance-checker-dev"
    )
    function_role_arn: str = _output(
        "Execution role of the function.",
        f"arn:aws:iam::{_ACCOUNT}:role/role-compliance-checker-dev",
        "aws_iam_role.function",
        **_arn("iam"),
    )
    function_rehearsal_alias: str = _output(
        "Alias of the function that judges and does nothing else.", "rehearsal"
    )
    event_forwarding_region: str = _output(
        "Region of the global services, whose events go to the home region's bus.",
        "us-east-1",
        **_text("^[a-z]{2,5}(-[a-z]+)+-[0-9]$"),
    )
    event_forwarding_role_name: str = _output(
        "Role with which EventBridge forwards events to the home region.",
        "role-event-forwarding-dev",
    )
    event_forwarding_role_arn: str = _output(
        "Role with which EventBridge forwards events to the home region.",
        f"arn:aws:iam::{_ACCOUNT}:role/role-event-forwarding-dev",
        "aws_iam_role.event_forwarding",
        **_arn("iam"),
    )
    further_event_regions: tuple[str, ...] = _output(
        "Further regions, whose events go to the home region's bus too.",
        ["eu-west-1"],
        **_list_or_none("^[a-z]{2,5}(-[a-z]+)+-[0-9]$"),
    )
    event_stack_set_arns: tuple[str, ...] = _output(
        "Stack set that keeps the rules of further regions.",
        [f"arn:aws:cloudformation:{_HERE}:stackset/stackset-event-forwarding-dev:1a2b3c4d"],
        "aws_cloudformation_stack_set.forwarded",
        **_list_or_none("^arn:aws[a-z-]*:cloudformation:"),
    )
    event_stack_set_role_arns: tuple[str, ...] = _output(
        "Roles by which the stack set keeps them.",
        [
            f"arn:aws:iam::{_ACCOUNT}:role/role-event-administration-dev",
            f"arn:aws:iam::{_ACCOUNT}:role/role-event-execution-dev",
        ],
        "aws_iam_role",
        **_list_or_none("^arn:aws[a-z-]*:iam:"),
    )
    ledger_table_name: str = _output(
        "Table of the alerts that have been told.", "dynamodb-alert-ledger-dev"
    )
    ledger_table_arn: str = _output(
        "Table of the alerts that have been told.",
        f"arn:aws:dynamodb:{_HERE}:table/dynamodb-alert-ledger-dev",
        "aws_dynamodb_table.alert_ledger",
        **_arn("dynamodb"),
    )
    trail_logs_role_name: str = _output(
        "Role with which CloudTrail writes to the log group.", "role-cloudtrail-logs-dev"
    )
    trail_logs_role_arn: str = _output(
        "Role with which CloudTrail writes to the log group.",
        f"arn:aws:iam::{_ACCOUNT}:role/role-cloudtrail-logs-dev",
        "aws_iam_role.trail_logs",
        **_arn("iam"),
    )
    verifier_role_name: str = _output("Role of the verification suite.", "role-verifier-dev")
    verifier_role_arn: str = _output(
        "Role of the verification suite.",
        f"arn:aws:iam::{_ACCOUNT}:role/role-verifier-dev",
        "aws_iam_role.verifier",
        **_arn("iam"),
    )
    alert_topic_name: str = _output("Topic of the alerts.", "sns-compliance-alerts-dev")
    alert_topic_arn: str = _output(
        "Topic of the alerts.",
        f"arn:aws:sns:{_HERE}:sns-compliance-alerts-dev",
        "aws_sns_topic.alerts",
        **_arn("sns"),
    )
    delivery_topic_arn: str = _output(
        "Topic that the trail notifies of each log file.",
        f"arn:aws:sns:{_HERE}:sns-trail-delivery-dev",
        "aws_sns_topic.delivery",
        **_arn("sns"),
    )
    delivery_queue_url: str = _output(
        "Queue subscribed to the delivery topic.",
        f"{_QUEUES}/sqs-trail-delivery-dev",
        "aws_sqs_queue.delivery",
        **_text("^https?://"),
    )
    dead_letter_queue_url: str = _output(
        "Dead-letter queue of the function.",
        f"{_QUEUES}/sqs-compliance-checker-dlq-dev",
        "aws_sqs_queue.dead_letter",
        **_text("^https?://"),
    )
    dead_letter_queue_arn: str = _output(
        "Dead-letter queue of the function.",
        f"arn:aws:sqs:{_HERE}:sqs-compliance-checker-dlq-dev",
        **_arn("sqs"),
    )
    subscription_filter_name: str = _output(
        "Subscription filter that feeds the function.", "subscription-compliance-checker-dev"
    )
    alarm_names: Mapping[str, str] = _output(
        "Alarm names by purpose.", {"function-errors": "alarm-function-errors-dev"}, **_BY_PURPOSE
    )
    alarm_arns: Mapping[str, str] = _output(
        "Alarm ARNs by purpose.",
        {"function-errors": f"arn:aws:cloudwatch:{_HERE}:alarm:alarm-function-errors-dev"},
        "aws_cloudwatch_metric_alarm",
        **_BY_PURPOSE,
    )

    @property
    def kms_key_id(self) -> str:
        """The key's id, the last part of its ARN."""
        return self.kms_key_arn.rpartition("/")[2]

    @property
    def forwarding_regions(self) -> tuple[str, ...]:
        """The regions whose events are forwarded: of the global services, if not here; further."""
        of_global_services = self.event_forwarding_region
        at_first = () if of_global_services == self.region else (of_global_services,)
        return (*at_first, *self.further_event_regions)

    @property
    def dead_letter_queue_name(self) -> str:
        """The name by which CloudWatch's metrics know the dead-letter queue."""
        return self.dead_letter_queue_arn.rpartition(":")[2]

    @property
    def delivery_topic_name(self) -> str:
        """The name by which CloudWatch's metrics know the delivery topic."""
        return self.delivery_topic_arn.rpartition(":")[2]

    def identified(self, kind: str) -> tuple[str, ...]:
        """What identifies the resources of a Terraform type, in the order of the outputs."""
        return tuple(
            text
            for output in fields(self)
            if output.metadata["resource"].partition(".")[0] == kind
            for text in _strings(getattr(self, output.name))
        )

    def address(self, identifier: str) -> str:
        """The Terraform address of the resource that an output identifies as `identifier`."""
        return next(
            str(output.metadata["resource"])
            for output in fields(self)
            if output.metadata["resource"] and identifier in _strings(getattr(self, output.name))
        )

    def placeholders(self) -> Mapping[str, str]:
        """What a baseline may name in braces: every output that is one string, and what follows."""
        values = {
            output.name: getattr(self, output.name)
            for output in fields(self)
            if isinstance(getattr(self, output.name), str)
        }
        return values | {
            "dns_suffix": _DNS_SUFFIXES.get(self.partition, "amazonaws.com"),
            "dead_letter_queue_name": self.dead_letter_queue_name,
            "delivery_topic_name": self.delivery_topic_name,
        }

    def lists(self) -> Mapping[str, tuple[str, ...]]:
        """What a baseline may name by {each ...}: every output that is a list."""
        values = {output.name: getattr(self, output.name) for output in fields(self)}
        return {name: value for name, value in values.items() if isinstance(value, tuple)}


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of what `terraform output -json` must hold; others are ignored."""
    outputs = {
        output.name: {
            "description": output.metadata["description"],
            "type": "object",
            "required": ["value"],
            "properties": {"value": output.metadata["schema"]},
        }
        for output in fields(Deployment)
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Terraform outputs",
        "type": "object",
        "required": sorted(outputs),
        "properties": outputs,
    }


def example() -> dict[str, Any]:
    """Outputs of a deployment that does not exist, as `terraform output -json` prints them."""
    return {
        output.name: {"value": output.metadata["example"], "sensitive": False}
        for output in fields(Deployment)
    }


def read(source: str) -> str:
    """The text of the outputs from the file `source`, or from standard input for "-".

    Raises DeploymentError when there is no such file, it cannot be read, or it is too large.
    """
    try:
        return read_text(source, f"the outputs file {source}", MAXIMUM_CHARACTERS)
    except AbsentError:
        raise DeploymentError(
            f"no outputs file at {source}: run `make deploy` first, or name the file that "
            "`terraform output -json` wrote with OUTPUTS=<file> (--outputs=<file>)"
        ) from None
    except UnreadableError as error:
        raise DeploymentError(str(error)) from None


def parse(text: str, source: str = "the outputs") -> Deployment:
    """The Deployment that the JSON `text` describes.

    Raises DeploymentError when the text is not JSON or lacks an output, or when an output has the
    wrong type or names another account or region than the rest; every fault is listed.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DeploymentError(
            f"{source} is not JSON ({error}): {foreign.remedy_of_text(text)}"
        ) from None
    something_else = foreign.remedy_of_document(document)
    if something_else:
        raise DeploymentError(f"{source} is {something_else}")
    faults = schemas.violations(schema(), document)
    if faults:
        raise DeploymentError(
            f"{source} does not describe a deployment of this module:\n  "
            + "\n  ".join(faults)
            + "\nRun `make deploy` again so that the outputs match this version."
        )
    values: dict[str, Any] = {
        output.name: _frozen(document[output.name]["value"]) for output in fields(Deployment)
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
            found.update(_strings(output.get("value")))
    return frozenset(value for value in found if value)


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return [text for _, item in sorted(value.items()) for text in _strings(item)]
    if isinstance(value, (list, tuple)):
        return [text for item in value for text in _strings(item)]
    return []


def _arns_elsewhere(deployment: Deployment) -> list[str]:
    """The ARN outputs whose account or region is not the deployment's (empty parts are global)."""
    elsewhere = []
    for output in fields(Deployment):
        for text in sorted(_strings(getattr(deployment, output.name))):
            parts = text.split(":", 5)
            if len(parts) < 6 or parts[0] != "arn":
                continue
            if parts[4] not in ("", deployment.account_id) or parts[3] not in (
                "",
                deployment.region,
            ):
                elsewhere.append(f"{output.name} = {text}")
    return elsewhere
