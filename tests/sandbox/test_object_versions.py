"""ListObjectVersions of the sandbox: order, latest versions, markers, folders and pages."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.support import Account, name


@pytest.fixture
def bucket(account: Account) -> str:
    """Versioned; a key with two versions and a delete marker, and keys around it."""
    made = account.bucket()
    account.s3.put_bucket_versioning(Bucket=made, VersioningConfiguration={"Status": "Enabled"})
    for key, body in (("b/2", b"1"), ("b/2", b"22"), ("a", b"a"), ("b/10", b"b"), ("é", b"c")):
        account.s3.put_object(Bucket=made, Key=key, Body=body)
    account.s3.delete_object(Bucket=made, Key="b/2")
    account.s3.put_object(Bucket=made, Key="c/1", Body=b"c")
    return made


def _rows(page: dict[str, Any]) -> list[tuple[str, int | None, bool]]:
    return [
        (row["Key"], row.get("Size"), row["IsLatest"])
        for part in ("Versions", "DeleteMarkers")
        for row in page.get(part, ())
    ]


def test_versions_come_by_key_and_from_the_newest_on(account: Account, bucket: str) -> None:
    page = account.s3.list_object_versions(Bucket=bucket)
    assert _rows(page) == [
        ("a", 1, True),
        ("b/10", 1, True),
        ("b/2", 2, False),
        ("b/2", 1, False),
        ("c/1", 1, True),
        ("é", 1, True),
        ("b/2", None, True),
    ]
    assert page["IsTruncated"] is False


def test_a_prefix_and_a_key_marker_narrow_the_listing(account: Account, bucket: str) -> None:
    s3 = account.s3
    assert [row[0] for row in _rows(s3.list_object_versions(Bucket=bucket, Prefix="b/1"))] == [
        "b/10"
    ]
    # The marker need not be a key.
    after = s3.list_object_versions(Bucket=bucket, KeyMarker="b/11")
    assert [row[0] for row in _rows(after)] == ["b/2", "b/2", "c/1", "é", "b/2"]
    after = s3.list_object_versions(Bucket=bucket, KeyMarker="b/2")
    assert [row[0] for row in _rows(after)] == ["c/1", "é"]


def test_folders_stand_for_what_is_below_them(account: Account, bucket: str) -> None:
    page = account.s3.list_object_versions(Bucket=bucket, Delimiter="/")
    assert [one["Prefix"] for one in page["CommonPrefixes"]] == ["b/", "c/"]
    assert [row[0] for row in _rows(page)] == ["a", "é"]


@pytest.mark.parametrize("size", [1, 2, 3, 6, 7])
def test_pages_hold_everything_once(account: Account, bucket: str, size: int) -> None:
    whole = account.s3.list_object_versions(Bucket=bucket)
    paginator = account.s3.get_paginator("list_object_versions")
    pages = list(paginator.paginate(Bucket=bucket, PaginationConfig={"PageSize": size}))
    assert sorted(map(str, (row for page in pages for row in _rows(page)))) == sorted(
        map(str, _rows(whole))
    )
    assert len(pages) == -(-7 // size)
    folders = list(
        paginator.paginate(Bucket=bucket, Delimiter="/", PaginationConfig={"PageSize": size})
    )
    assert [one["Prefix"] for page in folders for one in page.get("CommonPrefixes", ())] == [
        "b/",
        "c/",
    ]
    assert [row[0] for page in folders for row in _rows(page)] == ["a", "é"]


def test_an_unversioned_object_has_one_version(account: Account) -> None:
    made = account.bucket()
    key = name("key")
    for body in (b"1", b"22"):
        account.s3.put_object(Bucket=made, Key=key, Body=body)
    (row,) = account.s3.list_object_versions(Bucket=made)["Versions"]
    assert (row["VersionId"], row["IsLatest"], row["Size"]) == ("null", True, 2)
