"""What S3 does by itself to the objects of a bucket, by its rules.

Sources: Amazon S3 API reference, LifecycleRule, LifecycleExpiration,
IntelligentTieringConfiguration, ObjectLockConfiguration.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

# The members that say which objects a rule is about, and no action.
_SELECTION = frozenset({"ID", "Status", "Filter", "Prefix"})


def removals(rules: Iterable[Mapping[str, Any]], permitted: Collection[str]) -> list[str]:
    """What rules in force do beyond the `permitted` actions, as `<rule>: <action>`.

    `rules` are those of GetBucketLifecycleConfiguration. An action is named as in a rule, one that
    is not known yet included; expiring the delete marker of an object without versions removes
    nothing, and so has a name of its own, ExpiredObjectDeleteMarker. A rule for some objects alone
    counts as one for all.
    """
    return [
        f"{rule.get('ID') or 'a rule without a name'}: {action}"
        for rule in rules
        if rule.get("Status") != "Disabled"
        for action in _actions(rule)
        if action not in permitted
    ]


def _actions(rule: Mapping[str, Any]) -> list[str]:
    expiration = rule.get("Expiration")
    marker_alone = isinstance(expiration, Mapping) and expiration.keys() == {
        "ExpiredObjectDeleteMarker"
    }
    return [
        "ExpiredObjectDeleteMarker" if name == "Expiration" and marker_alone else name
        for name in rule
        if name not in _SELECTION
    ]


def archivals(configurations: Iterable[Mapping[str, Any]], permitted: Collection[str]) -> list[str]:
    """Which IntelligentTieringConfigurations in force move files where they cannot be read at once.

    Named among the `permitted` actions as in a configuration, Tierings.
    """
    return [
        f"{found.get('Id') or 'a configuration without a name'}: {name}"
        for found in configurations
        if found.get("Status") != "Disabled"
        for name in ("Tierings",)
        if name not in permitted
    ]


def locks_as(lock: Mapping[str, Any], required: Mapping[str, Any] | str) -> bool:
    """Whether an ObjectLockConfiguration, empty where there is none, is as required.

    `required` is "none", or a `mode` and the `minimum_days` of the default retention.
    """
    if isinstance(required, str):
        return not lock
    retention = (lock.get("Rule") or {}).get("DefaultRetention") or {}
    days = (retention.get("Days") or 0) + 365 * (retention.get("Years") or 0)
    return (
        lock.get("ObjectLockEnabled") == "Enabled"
        and retention.get("Mode") == required["mode"]
        and bool(days >= required["minimum_days"])
    )
