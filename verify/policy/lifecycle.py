"""What S3 does by itself to the objects of a bucket, by its rules.

Sources: Amazon S3 API reference, LifecycleRule, LifecycleExpiration, Transition,
NoncurrentVersionExpiration, IntelligentTieringConfiguration, ObjectLockConfiguration,
PutBucketLifecycleConfiguration (TransitionDefaultMinimumObjectSize); user guide, "Object Lock
considerations" (a lifecycle removes no locked version, and puts a delete marker all the same).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
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


# Below this many bytes S3 moves no file, unless a configuration or a rule says otherwise.
_ORDINARY_SMALLEST = 128 * 1024
_ARCHIVES = frozenset({"GLACIER", "DEEP_ARCHIVE"})


def losses(
    configuration: Mapping[str, Any], locked_days: int, required: Mapping[str, Any]
) -> list[str]:
    """What a lifecycle takes away, or out of reach, sooner than it may or otherwise.

    `configuration` is GetBucketLifecycleConfiguration's answer, empty where there is none;
    `locked_days` how long each version is locked from its first day on. `required` has `kept_days`,
    within which no file may go, be it deleted or overwritten on its first day; `versions_days`, how
    long a version must stay from when it was; and `archive`: "none", or the `storage_class` to
    which files of `smallest_bytes` and more may move after `after_days`. A rule for some files
    alone counts as one for all; what a rule does that is not known yet is a loss.
    """
    return [
        f"{rule.get('ID') or 'a rule without a name'}: {loss}"
        for rule in _in_force(configuration)
        for loss in _losses_of(rule, configuration, locked_days, required)
    ]


def leftovers(
    configuration: Mapping[str, Any], locked_days: int, required: Mapping[str, Any]
) -> list[str]:
    """What a lifecycle leaves where it is beyond its time; arguments as for `losses`.

    `required` has `gone_after_days` too, by which every file and its versions must be gone. Here
    only rules count that are for every file.
    """
    rules = [
        rule
        for rule in _in_force(configuration)
        if rule.get("Status") == "Enabled" and _is_for_every_file(rule)
    ]
    return [
        *_stays(rules, locked_days, required),
        *_stays_on_the_shelf(rules, configuration, required),
    ]


def _in_force(configuration: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    rules = configuration.get("Rules") or ()
    return [rule for rule in rules if rule.get("Status") != "Disabled"]


def _losses_of(
    rule: Mapping[str, Any],
    configuration: Mapping[str, Any],
    locked_days: int,
    required: Mapping[str, Any],
) -> Iterator[str]:
    for action in _actions(rule):
        value = rule.get(action)
        if action == "Expiration" and isinstance(value, Mapping):
            if value:
                days = None if "Date" in value else value.get("Days")
                yield from _sooner("a file expires", days, required["kept_days"])
        elif action == "NoncurrentVersionExpiration" and isinstance(value, Mapping):
            days = value.get("NoncurrentDays")
            what = "a deleted or overwritten file goes"
            until = None if days is None else max(days, locked_days)
            yield from _sooner(what, until, required["kept_days"])
            what = "a version goes that ceased to be the file's own"
            yield from _sooner(what, days, required["versions_days"])
        elif action in ("Transitions", "NoncurrentVersionTransitions"):
            for transition in value or ():
                yield from _moved(transition, rule, configuration, required["archive"])
        elif action not in ("AbortIncompleteMultipartUpload", "ExpiredObjectDeleteMarker"):
            yield f"{action}, of which it is not known what it does"


def _sooner(what: str, days: Any, least: int) -> Iterator[str]:
    # A date comes for files of every age.
    if not isinstance(days, int):
        yield f"{what} at another time than after a number of days"
    elif days < least:
        yield f"{what} after {days} days"


def _moved(
    transition: Mapping[str, Any],
    rule: Mapping[str, Any],
    configuration: Mapping[str, Any],
    archive: Mapping[str, Any] | str,
) -> Iterator[str]:
    to = transition.get("StorageClass", "a class that is not named")
    if isinstance(archive, str) or to != archive["storage_class"]:
        yield f"files move to {to}"
        return
    days = transition.get("Days", transition.get("NoncurrentDays"))
    if "Date" in transition:
        days = None
    yield from _sooner(f"files move to {to}", days, archive["after_days"])
    smallest = _smallest(rule, configuration, to)
    if smallest is None or smallest < archive["smallest_bytes"]:
        yield f"files of {'any size' if smallest is None else f'{smallest} bytes'} move to {to}"


def _smallest(rule: Mapping[str, Any], configuration: Mapping[str, Any], to: str) -> int | None:
    """The least size of a file that a rule's transition moves; None where S3 does not say.

    A rule's own size goes before the configuration's.
    """
    selection = rule.get("Filter") or {}
    selection = selection.get("And") or selection
    if "ObjectSizeGreaterThan" in selection:
        return int(selection["ObjectSizeGreaterThan"]) + 1
    if "ObjectSizeLessThan" in selection:
        return 0
    by_default = configuration.get("TransitionDefaultMinimumObjectSize")
    if by_default == "varies_by_storage_class":
        return 0 if to in _ARCHIVES else _ORDINARY_SMALLEST
    return _ORDINARY_SMALLEST if by_default == "all_storage_classes_128K" else None


def _is_for_every_file(rule: Mapping[str, Any]) -> bool:
    selection = rule.get("Filter") or {}
    return not rule.get("Prefix") and all(
        name == "Prefix" and not value for name, value in selection.items()
    )


def _stays(
    rules: Collection[Mapping[str, Any]], locked_days: int, required: Mapping[str, Any]
) -> Iterator[str]:
    expiries = [
        days
        for rule in rules
        if isinstance(days := (rule.get("Expiration") or {}).get("Days"), int)
    ]
    if not expiries:
        yield "no rule expires every file"
    versions = [
        days
        for rule in rules
        if isinstance(
            days := (rule.get("NoncurrentVersionExpiration") or {}).get("NoncurrentDays"), int
        )
        and not rule["NoncurrentVersionExpiration"].get("NewerNoncurrentVersions")
    ]
    if not versions:
        yield "no rule removes every version that is not the file's own any more"
    if expiries and versions:
        gone = max(min(expiries) + min(versions), locked_days)
        if gone > required["gone_after_days"]:
            yield f"a file is gone after {gone} days"


def _stays_on_the_shelf(
    rules: Collection[Mapping[str, Any]],
    configuration: Mapping[str, Any],
    required: Mapping[str, Any],
) -> Iterator[str]:
    archive = required["archive"]
    if isinstance(archive, str):
        return
    to = archive["storage_class"]
    moves = [
        days
        for rule in rules
        for transition in rule.get("Transitions") or ()
        if transition.get("StorageClass") == to
        and isinstance(days := transition.get("Days"), int)
        and (smallest := _smallest(rule, configuration, to)) is not None
        and smallest <= archive["smallest_bytes"]
    ]
    if not moves:
        yield f"no rule moves every file of {archive['smallest_bytes']} bytes and more to {to}"
    elif min(moves) > archive["after_days"]:
        yield f"files move to {to} after {min(moves)} days"


_RETENTION = frozenset({"Mode", "Days", "Years"})


def default_lock_days(lock: Mapping[str, Any]) -> int:
    """How long an ObjectLockConfiguration locks what comes; 0 where it locks nothing by itself."""
    retention = (lock.get("Rule") or {}).get("DefaultRetention") or {}
    if lock.get("ObjectLockEnabled") != "Enabled" or not retention.get("Mode"):
        return 0
    return int(retention.get("Days") or 0) + 365 * int(retention.get("Years") or 0)


def locks_as(lock: Mapping[str, Any], required: Mapping[str, Any] | str) -> bool:
    """Whether an ObjectLockConfiguration, empty where there is none, is as required.

    `required` is "none", or a `mode` and the `minimum_days` of the default retention.
    """
    if isinstance(required, str):
        return not lock
    retention = (lock.get("Rule") or {}).get("DefaultRetention") or {}
    return bool(
        retention.keys() <= _RETENTION  # what is not known yet may lock otherwise
        and retention.get("Mode") == required["mode"]
        and default_lock_days(lock) >= required["minimum_days"]
    )
