"""Buckets that are not encrypted, or that let anyone in."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ..live import NotReadError
from ..model import Severity
from ..policy.admission import public_statements
from ..policy.document import parse_document
from ..rules.storage import PUBLIC_GROUPS
from .reader import AccountReader
from .report import Fault, Report

_CHECK = "buckets"
_BUCKETS_AT_ONCE = 8


def check_buckets(reader: AccountReader, report: Report) -> None:
    """Add what is wrong with the account's buckets, unless the account's own block undoes it."""
    answer = reader.read("s3", "s3:ListAllMyBuckets", "*", _list_buckets)
    names = [str(bucket["Name"]) for bucket in answer]
    report.resources[_CHECK] = len(names)
    # A bucket takes four calls of 20 ms or more, and an account may hold a thousand.
    with ThreadPoolExecutor(_BUCKETS_AT_ONCE) as pool:
        buckets = list(pool.map(lambda name: _look_at(reader, name), names))
    for bucket in buckets:
        report.not_read += [(_CHECK, error) for error in bucket.not_read]
    found = [fault for bucket in buckets for fault in bucket.faults]
    # The account's own block shields every bucket; it matters only where one needs a shield.
    shields = _account_block(reader, report) if any(shield for _, shield in found) else {}
    report.faults += [fault for fault, shield in found if shield is None or not shields.get(shield)]


def _account_block(reader: AccountReader, report: Report) -> Mapping[str, Any]:
    account = reader.place.account or ""
    try:
        answer = reader.read(
            "s3control",
            "s3:GetAccountPublicAccessBlock",
            account,
            lambda client: client.get_public_access_block(AccountId=account),
            absent=("NoSuchPublicAccessBlockConfiguration",),
        )
    except NotReadError as error:
        report.not_read.append((_CHECK, error))
        return {}
    return _block(answer)


class _Bucket:
    """A look at one bucket: its faults, and the reads that brought no answer.

    Each fault has the flag of a public access block that would undo it, or None.
    """

    def __init__(self, reader: AccountReader, name: str) -> None:
        self._reader = reader
        self._name = name
        self.faults: list[tuple[Fault, str | None]] = []
        self.not_read: list[NotReadError] = []

    def fault(self, severity: Severity, what: str, shield: str | None = None) -> None:
        """Add a fault, and the flag that would undo it."""
        fault = Fault(_CHECK, "AWS::S3::Bucket", self._name, severity, what)
        self.faults.append((fault, shield))

    def read(self, call: str, operation: str, *absent: str) -> Any:
        """The answer, None if there is nothing, or the error that there was instead."""
        try:
            return self._reader.read(
                "s3",
                f"s3:{call}",
                self._name,
                lambda client: getattr(client, operation)(Bucket=self._name),
                # A bucket that was deleted meanwhile is no fault.
                absent=(*absent, "NoSuchBucket"),
            )
        except NotReadError as error:
            self.not_read.append(error)
            return error


def _look_at(reader: AccountReader, name: str) -> _Bucket:
    bucket = _Bucket(reader, name)
    encryption = bucket.read(
        "GetEncryptionConfiguration",
        "get_bucket_encryption",
        "ServerSideEncryptionConfigurationNotFoundError",
    )
    if encryption is None:
        bucket.fault("HIGH", "has no encryption configuration")
    answer = bucket.read(
        "GetBucketPublicAccessBlock",
        "get_public_access_block",
        "NoSuchPublicAccessBlockConfiguration",
    )
    block = {} if isinstance(answer, NotReadError) else _block(answer)
    if not block.get("RestrictPublicBuckets"):
        _judge_policy(bucket)
    if not block.get("IgnorePublicAcls"):
        _judge_acl(bucket)
    return bucket


def _judge_policy(bucket: _Bucket) -> None:
    answer = bucket.read("GetBucketPolicy", "get_bucket_policy", "NoSuchBucketPolicy")
    if isinstance(answer, dict):
        document = parse_document(answer.get("Policy"))
        if document is not None and public_statements(document):
            bucket.fault("CRITICAL", "has a policy that lets anyone in", "RestrictPublicBuckets")


def _judge_acl(bucket: _Bucket) -> None:
    answer = bucket.read("GetBucketAcl", "get_bucket_acl")
    if isinstance(answer, dict) and any(
        str(grant.get("Grantee", {}).get("URI")).endswith(tuple(PUBLIC_GROUPS))
        for grant in answer.get("Grants", [])
    ):
        what = "has an access control list that lets anyone in"
        bucket.fault("CRITICAL", what, "IgnorePublicAcls")


def _list_buckets(s3: Any) -> list[Any]:
    if s3.can_paginate("list_buckets"):  # older versions of boto3 get all of them at once
        pages = s3.get_paginator("list_buckets").paginate(PaginationConfig={"PageSize": 1000})
        return [bucket for page in pages for bucket in page.get("Buckets", [])]
    return list(s3.list_buckets()["Buckets"])


def _block(answer: Any) -> Mapping[str, Any]:
    block = (answer or {}).get("PublicAccessBlockConfiguration")
    return block if isinstance(block, dict) else {}
