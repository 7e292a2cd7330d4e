"""How long a lifecycle keeps files, played out; and what a replication rule leaves behind."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.policy.lifecycle import default_lock_days, leftovers, losses
from verify.policy.replication import Copies, copying_faults

REQUIRED: dict[str, Any] = {
    "archive": {"storage_class": "GLACIER", "after_days": 90, "smallest_bytes": 131072},
    "kept_days": 2557,
    "versions_days": 30,
    "gone_after_days": 2587,
}
LIFECYCLE: dict[str, Any] = {
    "TransitionDefaultMinimumObjectSize": "all_storage_classes_128K",
    "Rules": [
        {
            "ID": "keep",
            "Status": "Enabled",
            "Filter": {},
            "Transitions": [{"Days": 90, "StorageClass": "GLACIER"}],
            "Expiration": {"Days": 2557},
            "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
        },
        {
            "ID": "clean",
            "Status": "Enabled",
            "Filter": {"Prefix": ""},
            "Expiration": {"ExpiredObjectDeleteMarker": True},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
        },
    ],
}
LOCKED = 2557


def _altered(edit: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    lifecycle = copy.deepcopy(LIFECYCLE)
    edit(lifecycle)
    return lifecycle


def test_what_is_required_is_neither_too_soon_nor_too_late() -> None:
    assert losses(LIFECYCLE, LOCKED, REQUIRED) == []
    assert leftovers(LIFECYCLE, LOCKED, REQUIRED) == []


def test_without_any_rule_nothing_is_lost_and_all_stays() -> None:
    assert losses({}, 0, REQUIRED) == []
    assert leftovers({}, 0, REQUIRED) == [
        "no rule expires every file",
        "no rule removes every version that is not the file's own any more",
        "no rule moves every file of 131072 bytes and more to GLACIER",
    ]


@pytest.mark.parametrize(
    ("edit", "lost"),
    [
        (
            lambda found: found["Rules"][0]["Expiration"].update(Days=2556),
            "keep: a file expires after 2556 days",
        ),
        (
            lambda found: found["Rules"][0]["Expiration"].update(Date="2030-01-01"),
            "keep: a file expires at another time than after a number of days",
        ),
        (
            lambda found: found["Rules"][0]["Transitions"][0].update(Days=89),
            "keep: files move to GLACIER after 89 days",
        ),
        (
            lambda found: found["Rules"][0]["Transitions"][0].update(StorageClass="STANDARD_IA"),
            "keep: files move to STANDARD_IA",
        ),
        (
            lambda found: found.update(
                TransitionDefaultMinimumObjectSize="varies_by_storage_class"
            ),
            "keep: files of 0 bytes move to GLACIER",
        ),
        (
            lambda found: found.pop("TransitionDefaultMinimumObjectSize"),
            "keep: files of any size move to GLACIER",
        ),
        (
            lambda found: found["Rules"][0].update(Filter={"ObjectSizeGreaterThan": 1000}),
            "keep: files of 1001 bytes move to GLACIER",
        ),
        (
            lambda found: found["Rules"][1].update(Filter={}, Shred={"Days": 1}),
            "clean: Shred, of which it is not known what it does",
        ),
    ],
)
def test_what_takes_files_too_soon_or_elsewhere_is_named(
    edit: Callable[[dict[str, Any]], object], lost: str
) -> None:
    assert losses(_altered(edit), LOCKED, REQUIRED) == [lost]


def test_without_the_lock_a_file_deleted_on_its_first_day_is_lost() -> None:
    said = "keep: a deleted or overwritten file goes after 30 days"
    assert losses(LIFECYCLE, 0, REQUIRED) == [said]
    assert losses(LIFECYCLE, 2556, REQUIRED) == [said.replace("30", "2556")]


@pytest.mark.parametrize(
    ("edit", "left"),
    [
        (
            lambda found: found["Rules"][0].update(Status="Disabled"),
            "no rule expires every file",
        ),
        (
            lambda found: found["Rules"][0].update(Filter={"Prefix": "AWSLogs/"}),
            "no rule expires every file",
        ),
        (
            lambda found: found["Rules"][0].update(Filter={"Tag": {"Key": "a", "Value": "b"}}),
            "no rule expires every file",
        ),
        (
            lambda found: found["Rules"][0]["Expiration"].update(Days=2558),
            "a file is gone after 2588 days",
        ),
        (
            lambda found: found["Rules"][0]["Transitions"][0].update(Days=91),
            "files move to GLACIER after 91 days",
        ),
        (
            lambda found: found["Rules"][0]["NoncurrentVersionExpiration"].update(
                NewerNoncurrentVersions=1
            ),
            "no rule removes every version that is not the file's own any more",
        ),
    ],
)
def test_what_stays_beyond_its_time_is_named(
    edit: Callable[[dict[str, Any]], object], left: str
) -> None:
    assert left in leftovers(_altered(edit), LOCKED, REQUIRED)


def test_a_lock_beyond_the_time_keeps_files_beyond_it() -> None:
    assert leftovers(LIFECYCLE, 36500, REQUIRED) == ["a file is gone after 36500 days"]


@given(
    expiry=st.integers(1, 4000),
    noncurrent=st.integers(1, 4000),
    locked=st.integers(0, 4000),
    deleted=st.integers(0, 4000),
    kept=st.integers(1, 4000),
)
def test_what_is_not_called_a_loss_loses_no_file_whenever_it_is_deleted(
    expiry: int, noncurrent: int, locked: int, deleted: int, kept: int
) -> None:
    """A file that is deleted on any day, played out day by day's arithmetic."""
    rule = {
        "ID": "any",
        "Status": "Enabled",
        "Filter": {},
        "Expiration": {"Days": expiry},
        "NoncurrentVersionExpiration": {"NoncurrentDays": noncurrent},
    }
    required = {**REQUIRED, "kept_days": kept, "versions_days": 1, "archive": "none"}
    ceased = min(deleted, expiry)
    gone = max(ceased + noncurrent, locked)
    if not losses({"Rules": [rule]}, locked, required):
        assert gone >= kept
    if not leftovers({"Rules": [rule]}, locked, {**required, "gone_after_days": kept}):
        assert gone <= kept


def test_a_default_lock_counts_years_as_s3_does() -> None:
    lock = {"ObjectLockEnabled": "Enabled"}
    assert default_lock_days(lock) == 0
    rule = {"DefaultRetention": {"Mode": "GOVERNANCE", "Years": 7}}
    assert default_lock_days({**lock, "Rule": rule}) == 2555
    assert default_lock_days({"Rule": rule}) == 0


# --- copies ---------------------------------------------------------------------------------------

COPIES = Copies("arn:aws:s3:::copies", "arn:aws:kms:eu-west-1:123456789012:key/k", "role")
RULE: dict[str, Any] = {
    "ID": "all",
    "Priority": 1,
    "Status": "Enabled",
    "Filter": {"Prefix": ""},
    "DeleteMarkerReplication": {"Status": "Disabled"},
    "SourceSelectionCriteria": {"SseKmsEncryptedObjects": {"Status": "Enabled"}},
    "Destination": {
        "Bucket": COPIES.bucket,
        "EncryptionConfiguration": {"ReplicaKmsKeyID": COPIES.key},
        "Metrics": {"Status": "Enabled"},
    },
}


def test_a_rule_for_every_file_is_as_it_must_be() -> None:
    assert copying_faults({"Role": "role", "Rules": [RULE]}, COPIES) == []


def test_no_replication_copies_nothing() -> None:
    assert copying_faults({}, COPIES) == ["the role is None", "there are 0 rules"]


@pytest.mark.parametrize(
    ("rule", "destination", "fault"),
    [
        ({"Status": "Disabled"}, {}, "it is switched off"),
        ({"Filter": {"Prefix": "a/"}}, {}, "it is for some files alone"),
        ({"Filter": {}, "Prefix": "a/"}, {}, "it is for some files alone"),
        ({"Filter": {"And": {"Tags": [1]}}}, {}, "it is for some files alone"),
        ({"DeleteMarkerReplication": {}}, {}, "deletions are copied too"),
        ({"SourceSelectionCriteria": {}}, {}, "it passes over what is encrypted"),
        ({}, {"Bucket": "arn:aws:s3:::elsewhere"}, "it copies to arn:aws:s3:::elsewhere"),
        ({}, {"EncryptionConfiguration": {}}, "copies are encrypted with no key of their own"),
        ({}, {"Account": "999999999999"}, "copies belong to another"),
        ({}, {"StorageClass": "DEEP_ARCHIVE"}, "copies are of the class DEEP_ARCHIVE"),
        ({}, {"Metrics": {}}, "nothing counts what could not be copied"),
    ],
)
def test_what_keeps_files_from_being_copied_is_named(
    rule: dict[str, Any], destination: dict[str, Any], fault: str
) -> None:
    altered = {**RULE, **rule, "Destination": {**RULE["Destination"], **destination}}
    [found] = copying_faults({"Role": "role", "Rules": [altered]}, COPIES)
    assert found.startswith(f"all: {fault}")


def test_a_second_rule_is_one_too_many() -> None:
    assert copying_faults({"Role": "role", "Rules": [RULE, RULE]}, COPIES) == ["there are 2 rules"]
