"""What CloudWatch Logs keeps of a log group and of an account beside what moto keeps of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

_ATTRIBUTE = "sandbox_settings"  # of moto's objects, so that a deleted group takes them along


@dataclass
class GroupSettings:
    """Of one log group. `data_protection` and `transformer` are None for a group without one."""

    log_class: str = "STANDARD"
    deletion_protection: bool = False
    bearer_tokens: bool = False
    data_protection: str | None = None
    had_data_protection: bool = False
    data_protection_updated: int = 0
    transformer: list[dict[str, Any]] | None = None
    transformer_created: int = 0
    resource_policy: dict[str, Any] | None = None
    syslog_endpoints: dict[str, int] = field(default_factory=dict)  # endpoint -> creation


@dataclass(frozen=True)
class AccountPolicy:
    """A policy for the log groups of an account and region that its criteria select."""

    name: str
    kind: str
    document: str
    criteria: str
    updated: datetime

    def reaches(self, group: str) -> bool:
        """Whether a log group is one that the policy is for."""
        return criteria_select(self.criteria, group)


@dataclass
class AccountSettings:
    """Of an account in one region. Policies by type and name, scheduled queries by ARN."""

    policies: dict[tuple[str, str], AccountPolicy] = field(default_factory=dict)
    scheduled_queries: dict[str, dict[str, Any]] = field(default_factory=dict)

    def policies_for(self, kind: str, group: str) -> list[AccountPolicy]:
        """The policies of a kind that reach a log group."""
        return [
            policy
            for policy in self.policies.values()
            if policy.kind == kind and policy.reaches(group)
        ]


def of_group(group: Any) -> GroupSettings:
    """The settings of one of moto's log groups."""
    found: GroupSettings = vars(group).setdefault(_ATTRIBUTE, GroupSettings())
    return found


def of_account(backend: Any) -> AccountSettings:
    """The settings of moto's state of CloudWatch Logs in one region."""
    found: AccountSettings = vars(backend).setdefault(_ATTRIBUTE, AccountSettings())
    return found


_CRITERIA = re.compile(
    r"\s*(?:LogGroupName\s+NOT\s+IN\s*\[(?P<others>[^\]]*)\]"
    r'|LogGroupNamePrefix\s*=\s*"(?P<prefix>[^"]*)")\s*'
)
_TEXT = re.compile(r'"([^"]*)"')


class InvalidCriteriaError(ValueError):
    """Criteria that CloudWatch Logs would not take."""


def criteria_select(criteria: str, group: str) -> bool:
    """Whether selectionCriteria of an account policy select a log group.

    Raises InvalidCriteriaError.
    https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutAccountPolicy.html
    """
    if not criteria.strip():
        return True
    found = _CRITERIA.fullmatch(criteria)
    if found is None:
        raise InvalidCriteriaError(f"Invalid selection criteria: {criteria}")
    if found["prefix"] is not None:
        return group.startswith(found["prefix"])
    return group not in _TEXT.findall(found["others"])


_FIELD = re.compile(
    r'\s*(?P<field>@[\w.]+)\s*(?:(?P<sign>=|!=)\s*"(?P<one>[^"]*)"'
    r"|(?P<without>NOT\s+)?IN\s*\[(?P<many>[^\]]*)\])\s*"
)


def fields_select(criteria: str | None, fields: Mapping[str, str]) -> bool:
    """Whether fieldSelectionCriteria of a filter select events with these system fields.

    Conditions joined by AND, those by OR; no parentheses. Raises InvalidCriteriaError.
    https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutSubscriptionFilter.html
    """
    if not (criteria or "").strip():
        return True
    alternatives = re.split(r"\bOR\b", criteria or "")
    judged = [
        [_condition(part, fields) for part in re.split(r"\bAND\b", alternative)]
        for alternative in alternatives
    ]
    return any(all(parts) for parts in judged)


def _condition(text: str, fields: Mapping[str, str]) -> bool:
    found = _FIELD.fullmatch(text)
    if found is None or found["field"] not in fields:
        raise InvalidCriteriaError(f"Invalid field selection criteria: {text.strip()}")
    wanted: Iterable[str] = [found["one"]] if found["sign"] else _TEXT.findall(found["many"])
    inverted = found["sign"] == "!=" or found["without"] is not None
    return (fields[found["field"]] in wanted) != inverted


def system_fields(group: Any) -> dict[str, str]:
    """What CloudWatch Logs itself says of the events of a log group."""
    return {
        "@aws.account": group.account_id,
        "@aws.region": group.region,
        "@source.log": group.name,
    }
