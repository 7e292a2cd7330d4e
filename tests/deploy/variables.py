"""For each variable of the module another value than its default, and what a baseline says to it.

Values are grouped into deployments: what goes together is deployed together. A baseline's words are
those that a user would write; what is judged without any has none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from verify.inputs.declared import Configuration

_MODULE = Path(__file__).resolve().parents[2] / "terraform"
ACCOUNT = "123456789012"
REGION = "ap-southeast-1"
BREAK_GLASS = f"arn:aws:iam::{ACCOUNT}:role/people/keeper-of-the-keys"
GITHUB = f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com"
PIPELINE = "repo:hospital/audit-trail:ref:refs/heads/main"
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/boundary"
AUDITOR = f"arn:aws:iam::{ACCOUNT}:user/auditor"
MAILBOX, PAGER = "soc@hospital.example", "+15555550100"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:security"
REMEDIES = [
    "kms-key-rotation-disabled",
    "public-access-block-weakened",
    "security-group-open-to-internet",
    "security-group-rule-changed-to-internet",
    "trail-stopped",
    "trail-weakened",
]
KEEPER = f"arn:aws:iam::{ACCOUNT}:user/people/keeper-1"
INVESTIGATORS = f"arn:aws:iam::{ACCOUNT}:role/security-team"
COLLECTOR = f"arn:aws:iam::{ACCOUNT}:role/audit-collector"
DEPLOYER = f"arn:aws:iam::{ACCOUNT}:role/deploy"
BOOKING = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/booking"
FLOWS = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/vpc/flow-logs-{{environment}}"
FINDINGS = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/events/findings-{{environment}}"
TOPIC_KEY = "the key that the test makes for the topic"  # KMS chooses its id

# Files that are locked for less than they are kept.
LOCKED = {"mode": "GOVERNANCE", "minimum_days": 400}
STORED = {
    "archive": {"storage_class": "GLACIER", "after_days": 30, "smallest_bytes": 0},
    "kept_days": 730,
    "versions_days": 730,
    "gone_after_days": 1460,
}


@dataclass(frozen=True)
class Varied:
    """A value of a variable, in one deployment, and what the baseline says to it."""

    deployment: str
    value: Any
    baseline: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Elsewhere:
    """A variable whose other values another test deploys or refuses, named by file and name."""

    test: str
    why: str


# The quick path and the topic of its own belong to each other's opposite: two deployments. The
# third is of what needs the profile prod.
FULL, SPARE, STACK = "full", "spare", "stack"
PROFILES = {FULL: "dev", SPARE: "dev", STACK: "prod"}


def _ssh(**sources: list[str]) -> dict[str, Any]:
    return {"protocol": "tcp", "from_port": 22, "to_port": 22, **sources}


VARIABLES: dict[str, Varied | Elsewhere] = {
    "profile": Elsewhere(
        "tests/terraform/test_variables.py::test_each_profile_has_its_file",
        "it admits the profiles that there are, and `python -m deploy` sets it by --profile",
    ),
    "region": Elsewhere(
        "tests/deploy/test_partitions.py::test_the_dev_profile_is_clean_and_stable",
        "`python -m deploy` sets it by --region",
    ),
    "function_package": Elsewhere(
        "tests/deploy/test_deploying.py::test_apply_on_aws_plans_applies_that_plan_and_writes_the_outputs",
        "`python -m deploy` sets it, in every deployment, to a copy of the package",
    ),
    "existing_vpc_id": Elsewhere(
        "tests/deploy/test_trail_alone.py::test_the_trail_is_verified_without_a_network",
        "it takes the place of the network, whose variables are deployed here",
    ),
    "environment": Varied(FULL, "staging-eu"),
    "owner": Varied(FULL, "cardiology"),
    "cost_center": Varied(FULL, "4711"),
    "additional_tags": Varied(FULL, {"DataClass": "audit", "Team": "Blue / 7"}),
    "vpc_cidr_block": Varied(
        FULL,
        "172.20.0.0/20",
        {
            "network": {
                "vpc_cidr_block": "172.20.0.0/20",
                "application_ingress": [
                    {
                        "protocol": "tcp",
                        "from_port": 443,
                        "to_port": 443,
                        "cidr_blocks": ["172.20.0.0/20"],
                    }
                ],
            }
        },
    ),
    "private_subnet_cidr_blocks": Varied(
        FULL,
        ["172.20.1.0/24", "172.20.2.0/24", "172.20.3.0/24"],
        {
            "network": {
                "private_subnet_cidr_blocks": ["172.20.1.0/24", "172.20.2.0/24", "172.20.3.0/24"]
            }
        },
    ),
    "key_deletion_window_days": Varied(FULL, 30),
    "log_bucket_force_destroy": Varied(FULL, False),
    "break_glass_role_arn": Varied(
        FULL, BREAK_GLASS, {"log_bucket": {"break_glass_roles": [BREAK_GLASS]}}
    ),
    "log_group_retention_days": Varied(FULL, 365, {"log_groups": {"retention_days": 365}}),
    "trail_log_group_retention_days": Varied(
        STACK, 2557, {"log_groups": {"retention_of": {"{trail_log_group_name}": 2557}}}
    ),
    "application_log_groups": Varied(
        STACK,
        {"booking": {"retention_days": 400}, "django": {}},
        {
            "application_logs": {
                "groups": [
                    "/application/booking-{environment}",
                    "/application/django-{environment}",
                ]
            },
            "log_groups": {"retention_of": {"/application/booking-{environment}": 400}},
        },
    ),
    "application_log_data_identifiers": Varied(
        STACK,
        ["EmailAddress", "Ssn-US"],
        {"application_logs": {"data_identifiers": ["EmailAddress", "Ssn-US"]}},
    ),
    "log_retention_days": Varied(STACK, 730),
    "log_lifecycle_enabled": Varied(
        STACK,
        True,
        {"log_bucket": {"lifecycle": STORED}, "copies": {"lifecycle": STORED}},
    ),
    "log_archive_after_days": Varied(STACK, 30),
    "log_archive_small_files": Varied(STACK, True),
    "object_lock_mode": Varied(
        STACK,
        "GOVERNANCE",
        {"log_bucket": {"object_lock": LOCKED}, "copies": {"object_lock": LOCKED}},
    ),
    "object_lock_days": Varied(STACK, 400),
    "access_logs_enabled": Varied(STACK, True),
    "access_log_retention_days": Varied(
        STACK,
        400,
        {
            "access_log_bucket": {
                "lifecycle": {
                    "archive": "none",
                    "kept_days": 400,
                    "versions_days": 400,
                    "gone_after_days": 800,
                }
            }
        },
    ),
    "replication_region": Varied(STACK, "ap-southeast-2", {"copies": {"region": "ap-southeast-2"}}),
    "trail_name": Varied(
        FULL,
        "audit.hospital",
        {
            "names": {
                "trail_name": "audit.hospital",
                "trail_log_group_name": "/aws/cloudtrail/audit.hospital",
            }
        },
    ),
    "data_events": Varied(
        STACK,
        ["AWS::Lambda::Function"],
        {
            "trail": {
                "data_events": [
                    {"type": "AWS::Lambda::Function", "arns": ["arn:{partition}:lambda:"]}
                ]
            }
        },
    ),
    "existing_alert_topic_arn": Varied(
        SPARE,
        TOPIC,
        {"names": {"alert_topic_name": "security"}, "owned_by_others": ["{alert_topic_arn}"]},
    ),
    "existing_alert_topic_key_arn": Varied(SPARE, TOPIC_KEY, {"alert_topic": {"key": TOPIC_KEY}}),
    "activity_alarms": Varied(
        SPARE,
        ["root-account-use"],
        {
            "alarms": {
                "metric_filters": [
                    {
                        "purpose": "use of the root user",
                        "within_minutes": 5,
                        "kind": "root-user",
                    }
                ]
            }
        },
    ),
    "function_runtime": Varied(FULL, "python3.13"),
    "function_timeout_seconds": Varied(FULL, 120, {"function": {"timeout_seconds": 120}}),
    "function_memory_megabytes": Varied(FULL, 512, {"function": {"memory_megabytes": 512}}),
    "function_reserved_concurrency": Varied(FULL, 5),
    "function_log_level": Varied(FULL, "DEBUG"),
    "function_metric_namespace": Varied(FULL, "Hospital/Audit"),
    "event_path_enabled": Varied(SPARE, False, {"function": {"event_path": []}}),
    "further_event_regions": Varied(
        FULL, ["eu-central-1"], {"function": {"event_regions": ["eu-central-1"]}}
    ),
    "ledger_deletion_protection": Varied(FULL, True, {"ledger": {"deletion_protection": True}}),
    "account_scan_enabled": Varied(
        FULL,
        True,
        {"function": {"scan": {"checks": ["buckets", "trails"], "schedule": "rate(30 minutes)"}}},
    ),
    "account_scan_schedule": Varied(FULL, "rate(30 minutes)"),
    "account_scan_checks": Varied(FULL, ["trails", "buckets"]),
    "unusual_access_alarm_enabled": Varied(
        FULL, True, {"additional_controls": ["unusual-access-rings"]}
    ),
    # Its metrics are in the function's own namespace, which SPARE leaves as it is.
    "dashboard_enabled": Varied(
        SPARE, True, {"additional_controls": ["dashboard-shows-what-is-watched"]}
    ),
    "verification_metric_enabled": Varied(
        SPARE, True, {"roles": {"additions": {"verification-metric": "required"}}}
    ),
    "remediation_rules": Varied(FULL, REMEDIES, {"function": {"remediation": {"rules": REMEDIES}}}),
    "remediation_mode": Varied(FULL, "apply", {"function": {"remediation": {"mode": "apply"}}}),
    "remediation_exemption_tag": Varied(FULL, "hospital:exempt"),
    "public_subnet_cidr_blocks": Varied(
        STACK,
        ["10.0.3.0/24", "10.0.4.0/27"],
        {"network": {"public_subnet_cidr_blocks": ["10.0.3.0/24", "10.0.4.0/27"]}},
    ),
    "public_addresses_on_launch": Varied(
        STACK, True, {"network": {"public_addresses_on_launch": True}}
    ),
    "bastion_cidr_blocks": Varied(
        STACK,
        ["203.0.113.0/28"],
        {
            "network": {
                "admitted_public_ranges": ["203.0.113.0/28"],
                "tier_groups": {
                    "bastion_security_group_id": {
                        "ingress": [_ssh(cidr_blocks=["203.0.113.0/28"])],
                        "egress": [_ssh(groups=["{application_security_group_id}"])],
                    }
                },
                "application_ingress": [
                    {
                        "protocol": "tcp",
                        "from_port": 8080,
                        "to_port": 8080,
                        "groups": ["{each web_security_group_id}"],
                    },
                    _ssh(groups=["{each bastion_security_group_id}"]),
                ],
                "reachability": {
                    "tiers": {
                        "bastion": {
                            "reached_from": [
                                {
                                    "place": "internet",
                                    "protocol": "tcp",
                                    "ports": [22],
                                    "cidr_blocks": ["203.0.113.0/28"],
                                }
                            ]
                        },
                        "application": {
                            "reached_from": [
                                {"place": "web", "protocol": "tcp", "ports": [8080]},
                                {"place": "bastion", "protocol": "tcp", "ports": [22]},
                            ]
                        },
                    }
                },
            }
        },
    ),
    "network_acl_blocked_ports": Varied(
        STACK,
        [3389, 5900],
        {
            "network": {
                "network_acls": {
                    "public": {"blocked_ports": [3389, 5900]},
                    "private": {"blocked_ports": [3389, 5900]},
                }
            }
        },
    ),
    "gateway_endpoints": Varied(
        STACK, ["s3"], {"network": {"endpoints": {"gateway": ["com.amazonaws.{region}.s3"]}}}
    ),
    "interface_endpoints": Varied(
        STACK,
        ["kms", "sts"],
        {
            "network": {
                "endpoints": {
                    "interface": ["com.amazonaws.{region}.kms", "com.amazonaws.{region}.sts"]
                }
            }
        },
    ),
    # In dev, where a private network records its traffic as well.
    "flow_logs_enabled": Varied(
        FULL,
        True,
        {
            "additional_controls": ["vpc-flow-logs"],
            "names": {"flow_log_group_name": "/aws/vpc/flow-logs-{environment}"},
        },
    ),
    "flow_log_retention_days": Varied(
        FULL, 731, {"log_groups": {"retention_of": {"/aws/vpc/flow-logs-{environment}": 731}}}
    ),
    "account_settings_enabled": Varied(
        FULL,
        True,
        {
            "additional_controls": [
                "access-keys-rotated",
                "account-public-access-blocked",
                "console-users-have-mfa",
                "password-policy",
                "root-user-protected",
                "unused-credentials-removed",
                "volumes-encrypted-by-default",
            ]
        },
    ),
    "password_policy": Varied(
        FULL,
        {"minimum_length": 20, "maximum_age_days": 60, "reuse_prevention": 12},
        {
            "account": {
                "password_policy": {
                    "minimum_length": 20,
                    "maximum_age_days": 60,
                    "reuse_prevention": 12,
                }
            }
        },
    ),
    "alert_subscriptions": Varied(
        FULL,
        [{"protocol": "email", "endpoint": MAILBOX}, {"protocol": "sms", "endpoint": PAGER}],
        {
            "alert_topic": {
                "subscriptions": {
                    "minimum": 2,
                    "protocols": ["email", "sms"],
                    "required": {"email": [MAILBOX], "sms": 1},
                }
            }
        },
    ),
    "verifier_principals": Varied(FULL, [AUDITOR]),
    "verifier_oidc_trusts": Varied(
        FULL,
        [{"provider_arn": GITHUB, "subjects": [PIPELINE]}],
        {
            "roles": {
                "oidc_trusts": {
                    "{verifier_role_name}": [
                        {
                            "provider": GITHUB,
                            "audience": "sts.amazonaws.com",
                            "subjects": [PIPELINE],
                        }
                    ]
                }
            }
        },
    ),
    "verifier_probes": Varied(SPARE, ["bucket", "key", "network", "role"]),
    "permissions_boundary_arn": Varied(
        FULL, BOUNDARY, {"roles": {"permissions_boundary": BOUNDARY}}
    ),
    "access_roles_enabled": Varied(STACK, True),
    "break_glass_principals": Varied(
        STACK,
        [KEEPER],
        {
            "access": {"break_glass": {"principals": [KEEPER]}},
            "roles": {"serves": {"role-break-glass-{environment}": [KEEPER]}},
        },
    ),
    "break_glass_mfa_age_seconds": Varied(
        STACK, 300, {"access": {"break_glass": {"mfa_age_seconds": 300}}}
    ),
    "investigation_principals": Varied(
        STACK,
        [INVESTIGATORS],
        {
            "roles": {
                "serves": {
                    "role-investigation-{environment}": [INVESTIGATORS, "{verifier_role_arn}"]
                }
            }
        },
    ),
    "investigation_log_group_arns": Varied(
        STACK, [BOOKING], {"access": {"investigation_log_groups": [BOOKING, FLOWS, FINDINGS]}}
    ),
    "compliance_tools_principals": Varied(
        STACK,
        [COLLECTOR],
        {"roles": {"serves": {"role-compliance-tools-{environment}": [COLLECTOR]}}},
    ),
    "investigation_role_probe_enabled": Varied(
        STACK, True, {"roles": {"additions": {"probe-investigation-role": "required"}}}
    ),
    "config_enabled": Varied(
        SPARE,
        True,
        {
            "additional_controls": [
                "configuration-recorded",
                "configuration-delivered",
                "configuration-history-encrypted",
                "configuration-history-closed",
                "configuration-history-kept",
                "config-rules-in-place",
            ],
            "key": {"services": {"config.amazonaws.com": ["kms:Decrypt", "kms:GenerateDataKey"]}},
        },
    ),
    # The account has the role before.
    "config_service_linked_role_enabled": Varied(STACK, False),
    "config_retention_days": Varied(
        SPARE,
        2190,
        {
            "config": {
                "retention_days": 2190,
                "lifecycle": {
                    "archive": "none",
                    "kept_days": 2190,
                    "versions_days": 2190,
                    "gone_after_days": 4380,
                },
            }
        },
    ),
    "guardduty_enabled": Varied(
        SPARE,
        True,
        {
            "additional_controls": ["threats-detected", "threats-alerted"],
            "function": {"findings": {"from_severity": 7}},
        },
    ),
    "guardduty_protections": Varied(
        SPARE,
        ["EKS_AUDIT_LOGS", "S3_DATA_EVENTS"],
        {"threats": {"protections": ["EKS_AUDIT_LOGS", "S3_DATA_EVENTS"]}},
    ),
    "security_hub_enabled": Varied(
        SPARE, True, {"additional_controls": ["account-held-to-standards"]}
    ),
    "security_hub_standards": Varied(
        SPARE,
        ["cis-aws-foundations-benchmark/v/3.0.0"],
        {"security_hub": {"standards": ["cis-aws-foundations-benchmark/v/3.0.0"]}},
    ),
    "access_analyzer_enabled": Varied(
        SPARE, True, {"additional_controls": ["outside-access-analyzed"]}
    ),
    "session_logging_enabled": Varied(
        SPARE,
        True,
        {
            "additional_controls": [
                "session-logging-configured",
                "session-documents-log-alike",
                "session-logs-encrypted",
                "session-logs-closed",
                "session-logs-kept",
            ]
        },
    ),
    "session_log_retention_days": Varied(
        SPARE,
        731,
        {
            "sessions": {
                "retention_days": 731,
                "lifecycle": {
                    "archive": "none",
                    "kept_days": 731,
                    "versions_days": 731,
                    "gone_after_days": 1462,
                },
            },
            "log_groups": {"retention_of": {"/aws/ssm/session-logs-{environment}": 731}},
        },
    ),
    "reports_bucket_enabled": Varied(
        STACK,
        True,
        {
            "reports": {
                "bucket": "required",
                "object_lock": LOCKED,
                "lifecycle": {**STORED, "archive": "none"},
            },
            "roles": {"additions": {"reports-bucket": "required"}},
        },
    ),
    "report_signing_enabled": Varied(
        STACK,
        True,
        {
            "reports": {"signing_key": "required"},
            "roles": {"additions": {"report-signing": "required"}},
        },
    ),
    "finding_import_enabled": Varied(
        SPARE, True, {"roles": {"additions": {"finding-import": "required"}}}
    ),
    "finding_logs_enabled": Varied(SPARE, True, {"additional_controls": ["findings-kept"]}),
    "finding_log_retention_days": Varied(
        SPARE, 731, {"log_groups": {"retention_of": {"/aws/events/findings-{environment}": 731}}}
    ),
    "investigation_enabled": Varied(
        STACK, True, {"roles": {"additions": {"investigation-queries": "required"}}}
    ),
    "investigation_results_days": Varied(
        STACK,
        30,
        {
            "investigation": {
                "lifecycle": {
                    "archive": "none",
                    "kept_days": 30,
                    "versions_days": 30,
                    "gone_after_days": 60,
                }
            }
        },
    ),
    "investigation_scan_limit_gigabytes": Varied(
        STACK, 200, {"investigation": {"scan_limit_bytes": 214748364800}}
    ),
    # The auditor of the other deployments may assume any role, and so the verifier's.
    "trail_administrator_arns": Varied(
        STACK, [DEPLOYER], {"access": {"administrators": [DEPLOYER, AUDITOR]}}
    ),
}


def values_of(deployment: str) -> dict[str, Any]:
    """The variables of a deployment, with its values, over those of another profile than dev."""
    own = {
        name: varied.value
        for name, varied in VARIABLES.items()
        if isinstance(varied, Varied) and varied.deployment == deployment
    }
    return own if PROFILES[deployment] == "dev" else {**_of_profile(PROFILES[deployment]), **own}


def _of_profile(profile: str) -> dict[str, Any]:
    text = (_MODULE / "profiles" / f"{profile}.tfvars").read_text(encoding="utf-8")
    declared = Configuration(_MODULE, profile)
    names = re.findall(r"^([a-z_]+) *=", text, re.MULTILINE)
    return {name: declared.argument(f"var.{name}") for name in names}


def baseline_of(deployment: str) -> dict[str, Any]:
    """The baseline that extends the profile's by what the values of a deployment ask for."""
    merged: dict[str, Any] = {"extends": PROFILES[deployment]}
    for varied in VARIABLES.values():
        if isinstance(varied, Varied) and varied.deployment == deployment:
            _lay(merged, varied.baseline)
    return merged


def _lay(merged: dict[str, Any], more: Mapping[str, Any]) -> None:
    for key, value in more.items():
        if isinstance(value, Mapping):
            _lay(merged.setdefault(key, {}), value)
        elif key == "additional_controls":
            merged[key] = [*merged.get(key, []), *value]
        else:
            assert key not in merged, f"two variables say something to {key}"
            merged[key] = value
