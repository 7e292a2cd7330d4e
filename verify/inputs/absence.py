"""Parts of the stack that a deployment of another module may be without, and what follows.

Whoever verifies says that a part is absent, and why (the map of outputs). Whether it need not be
there is the auditor's to say (`may_be_absent` of the baseline). What needs an absent part does not
apply where both say so, and fails where the baseline does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

# The baseline's member that names parts.
ADMITTING = "may_be_absent"
# How a reason begins that nobody has read yet, and that so lets nothing be.
UNREAD = "REVIEW:"


@dataclass(frozen=True)
class Part:
    """A part of the stack, by the outputs that say where it is."""

    description: str
    outputs: tuple[str, ...]


PARTS: Mapping[str, Part] = {
    "access-logs": Part("the bucket of the log bucket's access logs", ("access_log_bucket_names",)),
    "access-roles": Part(
        "the roles of break glass, investigation and compliance, and what protects the trail",
        (
            "access_role_arns",
            "trail_protection_policy_arns",
            "trail_protection_policy_document",
        ),
    ),
    "alarms": Part("the alarms", ("alarm_names", "alarm_arns")),
    "alert-topic": Part(
        "the topic of the alerts",
        ("alert_topic_name", "alert_topic_arn", "alert_subscription_endpoints"),
    ),
    "applications": Part("the log groups of applications", ("application_log_group_names",)),
    "copies": Part(
        "the copies of the log files in another region",
        (
            "replica_bucket_names",
            "replica_key_arns",
            "replica_regions",
            "replication_role_arns",
        ),
    ),
    "dashboard": Part(
        "the dashboard and the metric of verifications",
        ("dashboard_name", "verification_metric_namespace"),
    ),
    "delivery-queue": Part("the queue of the notices of log files", ("delivery_queue_url",)),
    "delivery-topic": Part("the topic of the notices of log files", ("delivery_topic_arn",)),
    "detection": Part(
        "what watches the account beside the trail",
        (
            "access_analyzer_name",
            "config_delivery_channel_name",
            "config_history_bucket_names",
            "config_recorder_name",
            "config_role_arns",
            "config_rule_names",
            "finding_log_group_name",
            "guardduty_detector_id",
            "security_hub_arn",
            "session_document_name",
            "session_log_bucket_names",
            "session_log_group_name",
            "session_logging_policy_document",
        ),
    ),
    "function": Part(
        "the compliance function, with its ledger, its dead-letter queue and both its paths",
        (
            "dead_letter_queue_arn",
            "dead_letter_queue_url",
            "event_forwarding_region",
            "event_forwarding_role_arn",
            "event_forwarding_role_name",
            "event_stack_set_arns",
            "event_stack_set_role_arns",
            "function_arn",
            "function_log_group_name",
            "function_name",
            "function_rehearsal_alias",
            "function_role_arn",
            "function_role_name",
            "further_event_regions",
            "ledger_table_arn",
            "ledger_table_name",
            "subscription_filter_name",
        ),
    ),
    "investigation": Part(
        "what asks the log files by SQL",
        (
            "investigation_database_name",
            "investigation_results_bucket_names",
            "investigation_table_name",
            "investigation_workgroup_name",
        ),
    ),
    "key": Part("the customer-managed key", ("kms_key_alias", "kms_key_arn")),
    "network": Part(
        "a network",
        (
            "application_security_group_id",
            "bastion_security_group_id",
            "database_security_group_id",
            "default_security_group_id",
            "endpoints_security_group_id",
            "flow_log_group_arn",
            "flow_log_group_name",
            "flow_log_id",
            "flow_log_role_arn",
            "gateway_endpoint_prefix_list_ids",
            "internet_gateway_id",
            "nat_address_ids",
            "nat_gateway_ids",
            "network_acl_ids",
            "private_route_table_ids",
            "private_subnet_ids",
            "public_route_table_ids",
            "public_subnet_ids",
            "vpc_endpoint_ids",
            "vpc_id",
            "web_security_group_id",
        ),
    ),
    "reports": Part(
        "the bucket that keeps reports, and the key that signs them",
        ("report_signing_key_arns", "reports_bucket_names"),
    ),
    "trail-log-group": Part(
        "the trail's log group, and the role that writes to it",
        (
            "trail_log_group_arn",
            "trail_log_group_name",
            "trail_logs_role_arn",
            "trail_logs_role_name",
        ),
    ),
    "verifier": Part(
        "a role of the verification suite's own", ("verifier_role_arn", "verifier_role_name")
    ),
}

PART_OF: Mapping[str, str] = {
    output: name for name, part in PARTS.items() for output in part.outputs
}


@dataclass(frozen=True)
class Absence:
    """That a deployment is without an output, as the one says who gives it.

    `place` is where that is said, for a reader who has the map; `admitted` is why the baseline lets
    it be, or None where it does not.
    """

    output: str
    reason: str
    place: str
    admitted: str | None = None

    @property
    def part(self) -> str:
        """The part of the stack that the output belongs to."""
        return PART_OF[self.output]

    def under(self, admitting: Mapping[str, str]) -> Absence:
        """The same, by what a baseline says of the parts that need not be there."""
        return replace(self, admitted=admitting.get(self.part))

    @property
    def expected(self) -> str:
        """What the baseline has to say to it."""
        return f"there, or let be by the baseline's {ADMITTING}.{self.part}"

    @property
    def seen(self) -> str:
        """What is said of it."""
        return f"absent: {self.reason} ({self.place})"


class AbsentOutputError(Exception):
    """What was asked for is an output that the deployment is without."""

    def __init__(self, absence: Absence) -> None:
        self.absence = absence
        super().__init__(absence)

    def __str__(self) -> str:
        absence = self.absence
        what = (
            f"the deployment is without {PARTS[absence.part].description} ({absence.output}), as "
            f"{absence.place} says: {absence.reason}"
        )
        member = f"{ADMITTING}.{absence.part}"
        if absence.admitted is not None:
            return f"{what}; by the baseline's {member} it need not be there: {absence.admitted}"
        return (
            f"{what}; this control needs it: deploy it, or, where it need not be there, let the "
            f"baseline say so and why, as {member}"
        )
