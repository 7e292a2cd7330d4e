"""`terraform output -json` -> Deployment: where things are, never how they should be."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from verify import foreign_json, schemas
from verify.inputs import foreign
from verify.inputs.absence import Absence, AbsentOutputError
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


def _output_or_none(description: str, example: object, resource: str = "", **schema: Any) -> Any:
    """An output of a part that may be off: null then, which Terraform does not print at all."""
    described = _output(description, example, resource, **schema)
    rules = {**described.metadata["schema"], "type": ["string", "null"]}
    return field(default=None, metadata={**described.metadata, "schema": rules})


def _text(pattern: str) -> dict[str, Any]:
    return {"type": "string", "pattern": pattern}


def _arn(service: str) -> dict[str, Any]:
    return _text(f"^arn:aws[a-z-]*:{service}:")


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

    A deployment of another module may be without some, for reasons that its `absences` give. To
    ask for one of these raises AbsentOutputError, so that no check passes over it unawares.
    """

    account_id: str = _output("Account.", _ACCOUNT, **_text("^[0-9]{12}$"))
    region: str = _output("Home region.", _REGION, **_text("^[a-z]{2,5}(-[a-z]+)+-[0-9]$"))
    partition: str = _output("AWS partition.", "aws", **_text("^aws(-[a-z]+)*$"))
    environment: str = _output("Environment, part of every name.", "dev")
    profile: str = _output("Profile that was deployed.", "dev")
    vpc_id: str = _output(
        "VPC.", "vpc-0a1b2c3d4e5f60718", "module.network.aws_vpc.audit", **_text("^vpc-")
    )
    private_subnet_ids: tuple[str, ...] = _output(
        "Private subnets.",
        ["subnet-0a1b2c3d", "subnet-1a1b2c3d"],
        "module.network.aws_subnet.private",
        **_list_or_none("^subnet-"),
    )
    private_route_table_ids: tuple[str, ...] = _output(
        "Route tables of the private subnets.",
        ["rtb-0a1b2c3d", "rtb-1a1b2c3d"],
        "module.network.aws_route_table.private",
        **_list_or_none("^rtb-"),
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
    alert_subscription_endpoints: tuple[str, ...] = _output(
        "Addresses, numbers and URLs that alerts are sent to on request: personal data.",
        [],
        **_list_or_none("."),
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
    access_role_arns: tuple[str, ...] = _output(
        "Roles for break glass, investigation and compliance tools.",
        [
            f"arn:aws:iam::{_ACCOUNT}:role/role-break-glass-dev",
            f"arn:aws:iam::{_ACCOUNT}:role/role-investigation-dev",
            f"arn:aws:iam::{_ACCOUNT}:role/role-compliance-tools-dev",
        ],
        "aws_iam_role",
        **_list_or_none("^arn:aws[a-z-]*:iam:"),
    )
    trail_protection_policy_arns: tuple[str, ...] = _output(
        "Policy that denies whatever would stop the trail or blind it.",
        [f"arn:aws:iam::{_ACCOUNT}:policy/policy-trail-protection-dev"],
        "aws_iam_policy.trail_protection",
        **_list_or_none("^arn:aws[a-z-]*:iam:"),
    )
    trail_protection_policy_document: str = _output(
        "The same policy as JSON; empty where there is none.", "", type="string"
    )
    access_log_bucket_names: tuple[str, ...] = _output(
        "Bucket of the log bucket's access logs.",
        [f"s3-access-logs-dev-{_ACCOUNT}"],
        "aws_s3_bucket.access_logs",
        **_list_or_none("^[a-z0-9]"),
    )
    investigation_results_bucket_names: tuple[str, ...] = _output(
        "Bucket of the results of queries.",
        [f"s3-investigation-results-dev-{_ACCOUNT}"],
        "module.investigation.aws_s3_bucket.results",
        **_list_or_none("^[a-z0-9]"),
    )
    config_history_bucket_names: tuple[str, ...] = _output(
        "Bucket that AWS Config delivers into.",
        [f"s3-config-history-dev-{_ACCOUNT}"],
        "module.detection.aws_s3_bucket.config_history",
        **_list_or_none("^[a-z0-9]"),
    )
    config_rule_names: tuple[str, ...] = _output(
        "Rules of AWS Config.",
        ["config-rule-cloudtrail-enabled-dev"],
        "module.detection.aws_config_config_rule.managed",
        **_list_or_none("."),
    )
    config_role_arns: tuple[str, ...] = _output(
        "Service-linked role of AWS Config, if the deployment made it.",
        [
            f"arn:aws:iam::{_ACCOUNT}:role/aws-service-role/config.amazonaws.com/"
            "AWSServiceRoleForConfig"
        ],
        "module.detection.aws_iam_service_linked_role.config",
        **_list_or_none("^arn:aws[a-z-]*:iam:"),
    )
    session_log_bucket_names: tuple[str, ...] = _output(
        "Bucket of Session Manager's sessions.",
        [f"s3-session-logs-dev-{_ACCOUNT}"],
        "module.detection.aws_s3_bucket.session_logs",
        **_list_or_none("^[a-z0-9]"),
    )
    session_logging_policy_document: str = _output(
        "What an instance's role needs for its sessions to be logged, as JSON; empty without that.",
        "",
        type="string",
    )
    replica_bucket_names: tuple[str, ...] = _output(
        "Bucket of the copies of the log files.",
        [f"s3-cloudtrail-logs-replica-dev-{_ACCOUNT}"],
        "aws_s3_bucket.replica",
        **_list_or_none("^[a-z0-9]"),
    )
    replica_regions: tuple[str, ...] = _output(
        "Region of the copies of the log files.",
        ["ap-southeast-2"],
        **_list_or_none("^[a-z]{2,5}(-[a-z]+)+-[0-9]$"),
    )
    reports_bucket_names: tuple[str, ...] = _output(
        "Bucket for the verifier's reports.",
        [f"s3-verification-reports-dev-{_ACCOUNT}"],
        "aws_s3_bucket.reports",
        **_list_or_none("^[a-z0-9]"),
    )
    report_signing_key_arns: tuple[str, ...] = _output(
        "Key with which the verifier signs its reports.",
        [f"arn:aws:kms:ap-southeast-1:{_ACCOUNT}:key/5678cdef-12ab-34cd-56ef-1234567890ab"],
        "aws_kms_key.reports",
        **_list_or_none("^arn:aws[a-z-]*:kms:"),
    )
    replica_key_arns: tuple[str, ...] = _output(
        "Key of the copies of the log files.",
        [f"arn:aws:kms:ap-southeast-2:{_ACCOUNT}:key/4321dcba-12ab-34cd-56ef-1234567890ab"],
        "aws_kms_key.replica",
        **_list_or_none("^arn:aws[a-z-]*:kms:"),
    )
    replication_role_arns: tuple[str, ...] = _output(
        "Role with which S3 copies the log files.",
        [f"arn:aws:iam::{_ACCOUNT}:role/role-log-replication-dev"],
        "aws_iam_role.replication",
        **_list_or_none("^arn:aws[a-z-]*:iam:"),
    )
    application_log_group_names: tuple[str, ...] = _output(
        "Log groups of applications.",
        ["/application/django-dev", "/application/laravel-dev"],
        "aws_cloudwatch_log_group.application",
        **_list_or_none("^[A-Za-z0-9_/.#-]{1,512}$"),
    )
    # The network in tiers, and flow logs.
    public_subnet_ids: tuple[str, ...] = _output(
        "Public subnets.",
        ["subnet-2a1b2c3d", "subnet-3a1b2c3d"],
        "module.network.aws_subnet.public",
        **_list_or_none("^subnet-"),
    )
    public_route_table_ids: tuple[str, ...] = _output(
        "Route tables of the public subnets.",
        ["rtb-2a1b2c3d"],
        "module.network.aws_route_table.public",
        **_list_or_none("^rtb-"),
    )
    nat_gateway_ids: tuple[str, ...] = _output(
        "NAT gateways, in the order of the public subnets.",
        ["nat-0a1b2c3d", "nat-1a1b2c3d"],
        "module.network.aws_nat_gateway.private",
        **_list_or_none("^nat-"),
    )
    nat_address_ids: tuple[str, ...] = _output(
        "Public addresses of the NAT gateways, by their allocation.",
        ["eipalloc-0a1b2c3d", "eipalloc-1a1b2c3d"],
        "module.network.aws_eip.nat",
        **_list_or_none("^eipalloc-"),
    )
    network_acl_ids: tuple[str, ...] = _output(
        "Network ACLs of the tiers.",
        ["acl-0a1b2c3d", "acl-1a1b2c3d"],
        "module.network.aws_network_acl.tier",
        **_list_or_none("^acl-"),
    )
    vpc_endpoint_ids: tuple[str, ...] = _output(
        "Endpoints of AWS services.",
        ["vpce-0a1b2c3d", "vpce-1a1b2c3d"],
        "aws_vpc_endpoint",
        **_list_or_none("^vpce-"),
    )
    gateway_endpoint_prefix_list_ids: tuple[str, ...] = _output(
        "AWS's prefix lists of the services that have a gateway endpoint.",
        ["pl-0a1b2c3d"],
        **_list_or_none("^pl-"),
    )
    internet_gateway_id: str | None = _output_or_none(
        "Internet gateway.",
        "igw-0a1b2c3d",
        "module.network.aws_internet_gateway.public",
        **_text("^igw-"),
    )
    application_security_group_id: str | None = _output_or_none(
        "Application security group.",
        "sg-0a1b2c3d",
        "module.network.aws_security_group.application",
        **_text("^sg-"),
    )
    default_security_group_id: str | None = _output_or_none(
        "The VPC's default security group.",
        "sg-1a1b2c3d",
        "module.network.aws_default_security_group.closed",
        **_text("^sg-"),
    )
    web_security_group_id: str | None = _output_or_none(
        "Security group of the web tier.",
        "sg-2a1b2c3d",
        "module.network.aws_security_group.web",
        **_text("^sg-"),
    )
    database_security_group_id: str | None = _output_or_none(
        "Security group of the database tier.",
        "sg-3a1b2c3d",
        "module.network.aws_security_group.database",
        **_text("^sg-"),
    )
    bastion_security_group_id: str | None = _output_or_none(
        "Security group of the bastion.",
        "sg-4a1b2c3d",
        "module.network.aws_security_group.bastion",
        **_text("^sg-"),
    )
    endpoints_security_group_id: str | None = _output_or_none(
        "Security group of the interface endpoints.",
        "sg-5a1b2c3d",
        "module.network.aws_security_group.endpoints",
        **_text("^sg-"),
    )
    flow_log_id: str | None = _output_or_none(
        "Flow log of the VPC.", "fl-0a1b2c3d", "module.network.aws_flow_log.vpc", **_text("^fl-")
    )
    flow_log_group_name: str | None = _output_or_none(
        "Log group of the VPC's flow logs.",
        "/aws/vpc/flow-logs-dev",
        "module.network.aws_cloudwatch_log_group.flow",
    )
    flow_log_group_arn: str | None = _output_or_none(
        "Log group of the VPC's flow logs.",
        f"arn:aws:logs:{_HERE}:log-group:/aws/vpc/flow-logs-dev",
        **_arn("logs"),
    )
    flow_log_role_arn: str | None = _output_or_none(
        "Role with which VPC Flow Logs writes to its log group.",
        f"arn:aws:iam::{_ACCOUNT}:role/role-vpc-flow-logs-dev",
        "module.network.aws_iam_role.flow_logs",
        **_arn("iam"),
    )

    @property
    def absences(self) -> Mapping[str, Absence]:
        """The outputs that the deployment is without, by name: none of our own module's."""
        found: Mapping[str, Absence] = self.__dict__.get(_ABSENCES, {})
        return found

    if not TYPE_CHECKING:  # a type checker would take any name for an attribute

        def __getattr__(self, name: str) -> Any:
            absences = self.__dict__.get(_ABSENCES, {})
            if name in absences:
                raise AbsentOutputError(absences[name])
            raise AttributeError(f"Deployment has no attribute {name!r}")

    def if_there(self, name: str) -> Any:
        """An output; None where the deployment is without it and the baseline lets it be.

        Raises AbsentOutputError where the baseline does not.
        """
        absence = self.absences.get(name)
        if absence is None:
            return getattr(self, name)
        if absence.admitted is None:
            raise AbsentOutputError(absence)
        return None

    def require(self, *names: str) -> None:
        """Raise AbsentOutputError where the deployment is without one of these outputs."""
        for name in names:
            if name in self.absences:
                raise AbsentOutputError(self.absences[name])

    def under(self, admitting: Mapping[str, str]) -> Deployment:
        """The same deployment, by what a baseline says of parts that need not be there."""
        absences = [absence.under(admitting) for absence in self.absences.values()]
        return without(dict(self._present()), absences)

    def _present(self) -> Iterator[tuple[str, Any]]:
        """Each output that the deployment has, with its value."""
        for output in fields(self):
            if output.name not in self.absences:
                yield output.name, getattr(self, output.name)

    @property
    def has_network(self) -> bool:
        """Whether the VPC is the deployment's own, and not somebody else's that it only uses."""
        return bool(self.private_subnet_ids)

    # What is watched, at a glance.
    dashboard_name: str | None = _output_or_none(
        "Dashboard of the alarms and of what they watch.",
        "dashboard-audit-dev",
        "aws_cloudwatch_dashboard.audit",
    )
    verification_metric_namespace: str | None = _output_or_none(
        "Namespace of the metric that tells when the last clean verification was.",
        "Trailwarden/Verification",
    )

    # What asks the trail's log files.
    investigation_workgroup_name: str | None = _output_or_none(
        "Athena workgroup in which the trail's log files are asked.",
        "workgroup-investigation-dev",
        "module.investigation.aws_athena_workgroup.investigation",
    )
    investigation_database_name: str | None = _output_or_none(
        "Glue database with the table of the trail's records.",
        "investigation_dev",
        "module.investigation.aws_glue_catalog_database.investigation",
    )
    investigation_table_name: str | None = _output_or_none(
        "Glue table of the trail's records.",
        "trail_records",
        "module.investigation.aws_glue_catalog_table.records",
    )

    # What watches the account beside the trail.
    config_recorder_name: str | None = _output_or_none(
        "Recorder of AWS Config.",
        "config-recorder-dev",
    )
    config_delivery_channel_name: str | None = _output_or_none(
        "Delivery channel of AWS Config.",
        "config-delivery-dev",
    )
    guardduty_detector_id: str | None = _output_or_none(
        "Detector of GuardDuty.",
        "12abc34d567e8fa901bc2d34e56789f0",
        "module.detection.aws_guardduty_detector.account",
        pattern="^[0-9a-f]+$",
    )
    security_hub_arn: str | None = _output_or_none(
        "Hub of Security Hub.",
        f"arn:aws:securityhub:ap-southeast-1:{_ACCOUNT}:hub/default",
        "module.detection.aws_securityhub_account.account",
        pattern="^arn:aws[a-z-]*:securityhub:",
    )
    access_analyzer_name: str | None = _output_or_none(
        "Analyzer of IAM Access Analyzer.",
        "access-analyzer-dev",
        "module.detection.aws_accessanalyzer_analyzer.account",
    )
    session_document_name: str | None = _output_or_none(
        "Document of Session Manager's preferences.",
        "SSM-SessionManagerRunShell",
        "module.detection.aws_ssm_document.sessions",
    )
    session_log_group_name: str | None = _output_or_none(
        "Log group of Session Manager's sessions.",
        "/aws/ssm/session-logs-dev",
        "module.detection.aws_cloudwatch_log_group.sessions",
    )
    finding_log_group_name: str | None = _output_or_none(
        "Log group that keeps what GuardDuty, Security Hub and IAM Access Analyzer find.",
        "/aws/events/findings-dev",
        "module.detection.aws_cloudwatch_log_group.findings",
    )

    @property
    def further_buckets(self) -> tuple[str, ...]:
        """The names of the buckets beside the log bucket."""
        return (
            *self.access_log_bucket_names,
            *self.replica_bucket_names,
            *self.investigation_results_bucket_names,
            *self.config_history_bucket_names,
            *self.session_log_bucket_names,
            *self.reports_bucket_names,
        )

    def bucket_region(self, name: str) -> str:
        """The region of one of the deployment's buckets."""
        if name in self.replica_bucket_names and self.replica_regions:
            return self.replica_regions[0]
        return self.region

    def bucket_arn(self, name: str) -> str:
        """The ARN of a bucket."""
        return f"arn:{self.partition}:s3:::{name}"

    @property
    def kms_key_id(self) -> str:
        """The key's id, the last part of its ARN."""
        return self.kms_key_arn.rpartition("/")[2]

    @property
    def forwarding_regions(self) -> tuple[str, ...]:
        """The regions whose events are forwarded: of the global services, if not here; further."""
        of_global_services = self.if_there("event_forwarding_region")
        at_first = () if of_global_services in (None, self.region) else (of_global_services,)
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
            if _type(output.metadata["resource"]) == kind
            for text in _strings(self.if_there(output.name))
        )

    def subjects(self, kind: str) -> tuple[str, ...]:
        """The same, for a control of these resources.

        Raises AbsentOutputError where there is none, since they belong to parts that are absent.
        """
        found = self.identified(kind)
        if not found:
            of_kind = (one for one in fields(self) if _type(one.metadata["resource"]) == kind)
            self.require(*(output.name for output in of_kind))
        return found

    def address(self, identifier: str) -> str:
        """The Terraform address of the resource that an output identifies as `identifier`."""
        return next(
            str(output.metadata["resource"])
            for output in fields(self)
            if output.metadata["resource"] and identifier in _strings(self.if_there(output.name))
        )

    def placeholders(self) -> Mapping[str, str]:
        """What a baseline may name in braces: every output that is one string, and what follows."""
        values = {name: value for name, value in self._present() if isinstance(value, str)}
        following = {
            name: getattr(self, name)
            for name, output in _FOLLOWING.items()
            if output not in self.absences
        }
        suffix = _DNS_SUFFIXES.get(self.partition, "amazonaws.com")
        return values | following | {"dns_suffix": suffix}

    def absent_placeholders(self) -> Mapping[str, Absence]:
        """What a baseline may name in braces, of what the deployment is without."""
        following = {
            name: self.absences[output]
            for name, output in _FOLLOWING.items()
            if output in self.absences
        }
        return {**self.absences, **following}

    def lists(self) -> Mapping[str, tuple[str, ...]]:
        """What a baseline may name by {each ...}: every output that is a list, or may be null.

        `investigation_catalog_arns` is what an investigation's table is found in.
        """
        values = dict(self._present())
        optional = {
            name: () if values[name] is None else (values[name],) for name in _names_of_optional()
        }
        listed = {name: value for name, value in values.items() if isinstance(value, tuple)}
        catalog = f"arn:{self.partition}:glue:{self.region}:{self.account_id}:catalog"
        catalogs = {"investigation_catalog_arns": (catalog,) if optional[_DATABASE] else ()}
        return listed | optional | catalogs


def _type(address: str) -> str:
    """The type in a resource's address, which may be the type alone or begin with modules."""
    return address.split(".")[-2:][0]


_DATABASE = "investigation_database_name"
_ABSENCES = "_absences"  # of the instance's own, and none of its fields, which are the outputs
# What placeholders follow from which output.
_FOLLOWING = {
    "dead_letter_queue_name": "dead_letter_queue_arn",
    "delivery_topic_name": "delivery_topic_arn",
}


def _names_of_optional() -> frozenset[str]:
    return frozenset(output.name for output in fields(Deployment) if output.default is None)


def without(values: Mapping[str, Any], absences: Iterable[Absence]) -> Deployment:
    """The Deployment that has all outputs of `values`, and is without the others."""
    deployment = object.__new__(Deployment)
    deployment.__dict__.update(values)
    deployment.__dict__[_ABSENCES] = {absence.output: absence for absence in absences}
    return deployment


def none_of(output: str) -> Any:
    """What an output says where there is none of it: nothing, in a list, a text or as null.

    Raises KeyError for one that has no word for that.
    """
    rules = next(one.metadata["schema"] for one in fields(Deployment) if one.name == output)
    if rules["type"] == "array":
        return ()
    if "null" in rules["type"]:
        return None
    if rules == {"type": "string"}:
        return ""
    raise KeyError(output)


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
        "required": sorted(outputs.keys() - _names_of_optional()),
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
    wrong type, names another account or region than the rest or but a part of a network; every
    fault is listed.
    """
    document = read_outputs(text, source)
    faults = schemas.violations(schema(), document)
    if faults:
        raise DeploymentError(
            f"{source} does not describe a deployment of this module:\n  "
            + "\n  ".join(faults)
            + "\nRun `make deploy` again so that the outputs match this version."
        )
    values: dict[str, Any] = {
        output.name: frozen(document[output.name]["value"])
        for output in fields(Deployment)
        if output.name in document
    }
    deployment = Deployment(**values)
    require_of_one_place(deployment, source)
    return deployment


def read_outputs(text: str, source: str) -> dict[str, Any]:
    """The outputs that the JSON `text` holds, whosever they are. Raises DeploymentError."""
    try:
        document = foreign_json.parsed(text)
    except ValueError as error:
        raise DeploymentError(
            f"{source} is not JSON ({error}): {foreign.remedy_of_text(text)}"
        ) from None
    something_else = foreign.remedy_of_document(document)
    if something_else:
        raise DeploymentError(f"{source} is {something_else}")
    outputs: dict[str, Any] = document
    return outputs


def require_of_one_place(deployment: Deployment, source: str) -> None:
    """Raise DeploymentError for outputs of another account or region, or of half a network."""
    _require_whole_network(deployment, source)
    strangers = _arns_elsewhere(deployment)
    if strangers:
        raise DeploymentError(
            f"{source} says account {deployment.account_id} and region {deployment.region}, "
            "but these outputs are of another:\n  " + "\n  ".join(strangers)
        )


def _require_whole_network(deployment: Deployment, source: str) -> None:
    """A deployment has a network of its own, or none: with a part the rest would go unseen."""
    names = (
        "private_subnet_ids",
        "private_route_table_ids",
        "application_security_group_id",
        "default_security_group_id",
    )
    absent = [name for name in names if not getattr(deployment, name)]
    if absent and len(absent) < len(names):
        raise DeploymentError(
            f"{source} names a part of a network: {', '.join(absent)} is empty, and the rest is "
            "not: give the outputs of the whole deployment"
        )


def sensitive_values(text: str) -> frozenset[str]:
    """The string values of outputs that Terraform marks as sensitive, for redaction."""
    found: set[str] = set()
    for output in json.loads(text).values():
        if isinstance(output, dict) and output.get("sensitive"):
            found.update(_strings(output.get("value")))
    return frozenset(value for value in found if value)


def frozen(value: Any) -> Any:
    """The value of an output as a Deployment has it."""
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
    """The ARN outputs whose account or region is not the deployment's (empty parts are global).

    What belongs to the copies is in their region.
    """
    elsewhere = []
    for name, value in deployment._present():
        for text in sorted(_strings(value)):
            parts = text.split(":", 5)
            if len(parts) < 6 or parts[0] != "arn":
                continue
            regions = [deployment.region]
            if name == "replica_key_arns":
                regions = list(deployment.replica_regions)
            if parts[4] not in ("", deployment.account_id) or parts[3] not in ("", *regions):
                elsewhere.append(f"{name} = {text}")
    return elsewhere
