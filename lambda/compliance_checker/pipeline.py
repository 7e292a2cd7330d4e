"""Which resources carry the audit trail itself.

Much of what an attacker does to a trail's surroundings (deleting an alarm, changing a function) is
daily business on any other resource. Those rules look only at the resources that this deployment
names, known by the environment variables of the function or by the naming convention
``<resource-type>-<purpose>-<environment>``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass


def last_part(name: str) -> str:
    """The name within an ARN, a queue URL or a path; a plain name stays as it is."""
    return name.rstrip(":*").replace("/", ":").rsplit(":", 1)[-1]


@dataclass(frozen=True, slots=True)
class AuditPipeline:
    """The deployment's own resources. Without an environment, those of every environment."""

    environment: str | None = None
    function_name: str | None = None
    topic_arn: str | None = None
    trail_arn: str | None = None
    key_arn: str | None = None

    @classmethod
    def from_environment(cls, variables: Mapping[str, str] = os.environ) -> AuditPipeline:
        """Read from the environment variables that Terraform and Lambda set."""
        return cls(
            environment=variables.get("ENVIRONMENT") or None,
            function_name=variables.get("AWS_LAMBDA_FUNCTION_NAME") or None,
            topic_arn=variables.get("ALERT_TOPIC_ARN") or None,
            trail_arn=variables.get("TRAIL_ARN") or None,
            key_arn=variables.get("KEY_ARN") or None,
        )

    @property
    def account(self) -> str | None:
        """The account that the function runs in, as far as its settings tell."""
        return self._of_arn(4)

    @property
    def region(self) -> str | None:
        """The region that the function runs in, likewise."""
        return self._of_arn(3)

    def _of_arn(self, part: int) -> str | None:
        for arn in (self.trail_arn, self.topic_arn):
            parts = (arn or "").split(":")
            if len(parts) > part and parts[part]:
                return parts[part]
        return None

    def _named(self, name: str, prefix: str) -> bool:
        if not name.startswith(prefix):
            return False
        return self.environment is None or name.endswith(f"-{self.environment}")

    def is_function(self, name: str) -> bool:
        """The compliance function, by name or (partial) ARN, with or without a qualifier."""
        parts = name.split(":")
        if "function" in parts[:-1]:
            name = parts[parts.index("function") + 1]
        elif len(parts) > 1:  # "name:qualifier" or "account:name"
            return any(self.is_function(part) for part in parts)
        return name == self.function_name or self._named(name, "lambda-compliance-checker-")

    def is_topic(self, arn: str) -> bool:
        """The alert topic or the trail's delivery topic; also a subscription to one of them."""
        if self.topic_arn and (arn == self.topic_arn or arn.startswith(self.topic_arn + ":")):
            return True
        return any(
            self._named(part, "sns-compliance-alerts-") or self._named(part, "sns-trail-delivery-")
            for part in arn.split(":")
        )

    def is_log_group(self, name: str) -> bool:
        """A group that holds the trail or the function's own log, by name or ARN."""
        if ":log-group:" in name:
            name = name.split(":log-group:", 1)[1]
        name = name.removesuffix(":*")
        if name.startswith("/aws/lambda/"):
            return self.is_function(name.removeprefix("/aws/lambda/"))
        return "cloudtrail" in name.lower()

    def is_trail(self, name: str) -> bool:
        """The trail, by name or ARN."""
        if self.trail_arn and name in (self.trail_arn, last_part(self.trail_arn)):
            return True
        return self._named(last_part(name), "cloudtrail-audit-")

    def is_log_bucket(self, name: str) -> bool:
        """A bucket that keeps trail logs, as far as its name tells."""
        return "cloudtrail" in name.lower()

    def is_own_log_bucket(self, name: str, account: str | None) -> bool:
        """The bucket that the deployment's trail writes to. Anyone may have one of a like name."""
        environment, owner = self.environment or "", account or ""
        return name.startswith(f"s3-cloudtrail-logs-{environment}") and name.endswith(owner)

    def is_alarm(self, name: str) -> bool:
        """One of the deployment's alarms."""
        return self._named(last_part(name), "alarm-")

    def is_queue(self, url: str) -> bool:
        """The dead-letter queue or the delivery queue."""
        name = last_part(url)
        return self._named(name, "sqs-compliance-checker-dlq-") or self._named(
            name, "sqs-trail-delivery-"
        )

    def is_key(self, name: str) -> bool:
        """The key of the trail and its surroundings, by ARN or id, as far as it is known."""
        return self.key_arn is not None and name in (self.key_arn, last_part(self.key_arn))

    def is_key_alias(self, name: str) -> bool:
        """An alias of the key that trail logs are encrypted with, as far as its name tells."""
        return "cloudtrail" in name.lower()

    def is_role(self, name: str) -> bool:
        """A role that delivers the trail or runs the function."""
        name = last_part(name)
        return self._named(name, "role-cloudtrail-logs-") or self._named(
            name, "role-compliance-checker-"
        )

    def is_function_role(self, name: str) -> bool:
        """The role that the function runs under."""
        return self._named(last_part(name), "role-compliance-checker-")

    def is_event_rule(self, name: str) -> bool:
        """An EventBridge rule of the deployment: the scan's schedule or a real-time rule."""
        name = last_part(name)
        return any(self._named(name, prefix) for prefix in ("rule-", "event-rule-", "eventbridge-"))

    def is_relevance_filter(self, name: str) -> bool:
        """The metric filter that counts what the function should be invoked for."""
        return self._named(name, "metric-filter-relevant-events-")

    def is_subscription_filter(self, name: str) -> bool:
        """The filter that feeds the function."""
        return self._named(name, "subscription-compliance-checker-")
