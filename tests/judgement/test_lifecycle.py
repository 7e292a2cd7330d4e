"""Which lifecycle rules remove or move files."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.policy.lifecycle import archivals, locks_as, removals

HARMLESS = ("AbortIncompleteMultipartUpload", "ExpiredObjectDeleteMarker")
DAY = {"Expiration": {"Days": 1}}


def _rule(**members: Any) -> dict[str, Any]:
    return {"ID": "r", "Status": "Enabled", "Filter": {"Prefix": ""}, **members}


@pytest.mark.parametrize(
    ("rule", "found"),
    [
        (_rule(**DAY), ["r: Expiration"]),
        (_rule(Expiration={"Date": "2030-01-01T00:00:00Z"}), ["r: Expiration"]),
        (_rule(Filter={"Prefix": "other/"}, **DAY), ["r: Expiration"]),
        ({"Prefix": "", "Status": "Enabled", **DAY}, ["a rule without a name: Expiration"]),
        ({"ID": "r", "Filter": {}, **DAY}, ["r: Expiration"]),
        (_rule(Status="Disabled", **DAY), []),
        (_rule(Expiration={"ExpiredObjectDeleteMarker": True}), []),
        (_rule(Expiration={"ExpiredObjectDeleteMarker": True, "Days": 1}), ["r: Expiration"]),
        (_rule(Expiration={}), ["r: Expiration"]),
        (_rule(AbortIncompleteMultipartUpload={"DaysAfterInitiation": 7}), []),
        (
            _rule(NoncurrentVersionExpiration={"NoncurrentDays": 1}, Transitions=[{"Days": 1}]),
            ["r: NoncurrentVersionExpiration", "r: Transitions"],
        ),
        (
            _rule(NoncurrentVersionTransitions=[{"NoncurrentDays": 1}]),
            ["r: NoncurrentVersionTransitions"],
        ),
        (_rule(SomethingNew={}), ["r: SomethingNew"]),
    ],
)
def test_what_a_rule_removes(rule: dict[str, Any], found: list[str]) -> None:
    assert removals([rule], HARMLESS) == found


@given(st.lists(st.sampled_from(["Enabled", "Disabled"]), max_size=5))
def test_each_rule_in_force_is_told(states: list[str]) -> None:
    rules = [_rule(ID=str(number), Status=state, **DAY) for number, state in enumerate(states)]
    assert removals(rules, HARMLESS) == [
        f"{number}: Expiration" for number, state in enumerate(states) if state == "Enabled"
    ]
    assert removals(rules, [*HARMLESS, "Expiration"]) == []


def test_tiering_that_archives_files() -> None:
    tiers = [{"Days": 90, "AccessTier": "ARCHIVE_ACCESS"}]
    found = [
        {"Id": "on", "Status": "Enabled", "Tierings": tiers},
        {"Id": "off", "Status": "Disabled", "Tierings": tiers},
        {"Status": "Soon", "Tierings": tiers},
    ]
    assert archivals(found, HARMLESS) == [
        "on: Tierings",
        "a configuration without a name: Tierings",
    ]
    assert archivals(found, ["Tierings"]) == []


def _lock(**retention: Any) -> dict[str, Any]:
    return {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": retention}}


@pytest.mark.parametrize(
    ("lock", "holds"),
    [
        ({}, False),
        ({"ObjectLockEnabled": "Enabled"}, False),
        ({"ObjectLockEnabled": "Disabled", "Rule": {}}, False),
        (_lock(Mode="GOVERNANCE", Days=365), True),
        (_lock(Mode="GOVERNANCE", Days=364), False),
        (_lock(Mode="GOVERNANCE", Years=6), True),
        (_lock(Mode="GOVERNANCE"), False),
        (_lock(Mode="COMPLIANCE", Days=365), False),
        ({"Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 365}}}, False),
    ],
)
def test_a_lock_is_worth_its_mode_and_days(lock: dict[str, Any], holds: bool) -> None:
    assert locks_as(lock, {"mode": "GOVERNANCE", "minimum_days": 365}) is holds


def test_no_lock_means_none_of_any_kind() -> None:
    assert locks_as({}, "none")
    assert not locks_as({"ObjectLockEnabled": "Enabled"}, "none")
    assert not locks_as(_lock(Mode="GOVERNANCE", Days=1), "none")
