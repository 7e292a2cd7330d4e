"""For each variable of the module another value than its default, and what a baseline says to it.

Values are grouped into deployments: what goes together is deployed together. A baseline's words are
those that a user would write; what is judged without any has none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

ACCOUNT = "123456789012"
REGION = "ap-southeast-1"
BREAK_GLASS = f"arn:aws:iam::{ACCOUNT}:role/people/keeper-of-the-keys"
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/boundary"
AUDITOR = f"arn:aws:iam::{ACCOUNT}:user/auditor"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:security"
REMEDIES = [
    "kms-key-rotation-disabled",
    "public-access-block-weakened",
    "security-group-open-to-internet",
    "security-group-rule-changed-to-internet",
    "trail-stopped",
    "trail-weakened",
]
TOPIC_KEY = "the key that the test makes for the topic"  # KMS chooses its id


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


# The quick path and the topic of its own belong to each other's opposite: two deployments.
FULL, SPARE = "full", "spare"

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
    "log_retention_days": Varied(FULL, 365, {"log_groups": {"retention_days": 365}}),
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
                        "root_user": True,
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
    "remediation_rules": Varied(FULL, REMEDIES, {"function": {"remediation": {"rules": REMEDIES}}}),
    "remediation_mode": Varied(FULL, "apply", {"function": {"remediation": {"mode": "apply"}}}),
    "remediation_exemption_tag": Varied(FULL, "hospital:exempt"),
    "verifier_principals": Varied(FULL, [AUDITOR]),
    "verifier_probes": Varied(SPARE, ["bucket-policy", "role-policy"]),
    "permissions_boundary_arn": Varied(
        FULL, BOUNDARY, {"roles": {"permissions_boundary": BOUNDARY}}
    ),
}


def values_of(deployment: str) -> dict[str, Any]:
    """The variables of a deployment, with its values."""
    return {
        name: varied.value
        for name, varied in VARIABLES.items()
        if isinstance(varied, Varied) and varied.deployment == deployment
    }


def baseline_of(deployment: str) -> dict[str, Any]:
    """The baseline that extends the profile's by what the values of a deployment ask for."""
    merged: dict[str, Any] = {"extends": "dev"}
    for varied in VARIABLES.values():
        if isinstance(varied, Varied) and varied.deployment == deployment:
            _lay(merged, varied.baseline)
    return merged


def _lay(merged: dict[str, Any], more: Mapping[str, Any]) -> None:
    for key, value in more.items():
        if isinstance(value, Mapping):
            _lay(merged.setdefault(key, {}), value)
        else:
            assert key not in merged, f"two variables say something to {key}"
            merged[key] = value
