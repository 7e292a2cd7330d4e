"""The function's configuration, from the environment variables that Terraform sets."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass


class ConfigurationError(RuntimeError):
    """A required environment variable is missing."""


@dataclass(frozen=True)
class Settings:
    """How this deployment's function works."""

    alert_topic_arn: str
    environment: str = "unknown"
    log_level: str = "INFO"
    metric_namespace: str = "Trailwarden/ComplianceChecker"
    dead_letter_queue_url: str | None = None
    ledger_table: str | None = None
    scan_checks: tuple[str, ...] | None = None
    remediation_rules: frozenset[str] = frozenset()
    remediation_applies: bool = False
    remediation_exemption_tag: str = "trailwarden:exempt"

    @classmethod
    def from_environment(cls, variables: Mapping[str, str] = os.environ) -> Settings:
        """Read the settings; ConfigurationError if the topic is not named."""
        topic = variables.get("ALERT_TOPIC_ARN")
        if not topic:
            raise ConfigurationError("environment variable ALERT_TOPIC_ARN is not set")
        return cls(
            alert_topic_arn=topic,
            environment=variables.get("ENVIRONMENT") or cls.environment,
            log_level=variables.get("LOG_LEVEL") or cls.log_level,
            metric_namespace=variables.get("METRIC_NAMESPACE") or cls.metric_namespace,
            ledger_table=variables.get("LEDGER_TABLE") or None,
            dead_letter_queue_url=variables.get("DEAD_LETTER_QUEUE_URL") or None,
            remediation_rules=frozenset(_names(variables.get("REMEDIATION_RULES"))),
            remediation_applies=variables.get("REMEDIATION_MODE") == "apply",
            remediation_exemption_tag=(
                variables.get("REMEDIATION_EXEMPTION_TAG") or cls.remediation_exemption_tag
            ),
            scan_checks=_names(variables.get("SCAN_CHECKS")) or None,
        )


def _names(listed: str | None) -> tuple[str, ...]:
    """The names in a list with commas."""
    return tuple(name.strip() for name in (listed or "").split(",") if name.strip())
