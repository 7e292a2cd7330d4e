"""Destroying what Object Lock keeps: what is said of it before, and what is left."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from deploy.errors import DeployError
from deploy.locked import Locked, locked_buckets, removable
from tests.deploy.support import Outcome, run
from tests.sandbox.support import ACCOUNT, RunningSandbox, eventually, started
from tests.suite.support import build_package

REGION = "ap-southeast-1"
LOGS = f"s3-cloudtrail-logs-dev-{ACCOUNT}"
NOW = datetime.now(UTC)


class _S3:
    """One bucket with these versions: (mode, days until the lock ends), or None for no lock."""

    def __init__(
        self,
        *versions: tuple[str, int] | None,
        default: dict[str, Any] | None = None,
        refuses: str = "",
    ) -> None:
        self._versions = versions
        self._default = default
        self._refuses = refuses

    def _check(self, call: str) -> None:
        if call == self._refuses:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, call)

    def get_paginator(self, _: str) -> _S3:
        return self

    def paginate(self, **_: str) -> Iterator[dict[str, Any]]:
        self._check("ListObjectVersions")
        for number in range(len(self._versions)):
            row = {"Key": str(number), "VersionId": "v", "LastModified": NOW}
            yield {"Versions": [{**row, "Key": str(number)}]}

    def get_object_retention(self, *, Key: str, **_: str) -> dict[str, Any]:  # noqa: N803
        self._check("GetObjectRetention")
        found = self._versions[int(Key)]
        if found is None:
            raise ClientError({"Error": {"Code": "NoSuchObjectLockConfiguration"}}, "x")
        mode, days = found
        return {"Retention": {"Mode": mode, "RetainUntilDate": NOW + timedelta(days=days)}}

    def get_object_lock_configuration(self, **_: str) -> dict[str, Any]:
        if self._default is None:
            raise ClientError({"Error": {"Code": "ObjectLockConfigurationNotFoundError"}}, "x")
        rule = {"DefaultRetention": self._default}
        return {"ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled", "Rule": rule}}


def _resource(address: str, *needs: str, **values: Any) -> dict[str, Any]:
    return {
        "address": address,
        "mode": "managed",
        "type": address.removeprefix("module.network[0].").partition(".")[0],
        "values": values,
        "depends_on": list(needs),
    }


def _state(*resources: dict[str, Any]) -> dict[str, Any]:
    return {"values": {"root_module": {"resources": list(resources)}}}


STATE = _state(
    _resource("aws_s3_bucket.logs", bucket="logs", object_lock_enabled=True),
    _resource(
        "aws_s3_bucket_policy.logs",
        "aws_s3_bucket.access_logs",
        "module.network.aws_vpc_endpoint.gateway",
        bucket="logs",
    ),
    _resource('module.network[0].aws_vpc_endpoint.gateway["s3"]', "module.network.aws_vpc.audit"),
    _resource("module.network[0].aws_vpc.audit"),
    _resource("module.network[0].aws_eip.nat[0]"),
    _resource("aws_s3_bucket.access_logs[0]", bucket="access", object_lock_enabled=False),
    _resource("aws_s3_bucket_policy.access_logs[0]", bucket="access"),
    _resource("aws_kms_key.logs"),
    _resource("aws_cloudtrail.audit", "aws_s3_bucket.logs"),
)


@pytest.mark.parametrize("s3", [_S3(), _S3(None), _S3(("COMPLIANCE", -1), ("GOVERNANCE", -3))])
def test_what_is_not_locked_now_is_not_told(s3: _S3) -> None:
    assert locked_buckets(STATE, s3) == []


def test_governance_says_what_the_deletion_takes() -> None:
    [found] = locked_buckets(STATE, _S3(("GOVERNANCE", 5)))
    assert not found.stays
    assert "takes s3:BypassGovernanceRetention" in str(found)
    assert f"{NOW + timedelta(days=5):%Y-%m-%d}" in str(found)


def test_compliance_says_until_when_the_last_file_remains() -> None:
    """The trail delivers until it is gone, so the newest file is locked for the whole default."""
    default = {"Mode": "COMPLIANCE", "Days": 100}
    [found] = locked_buckets(STATE, _S3(("COMPLIANCE", 5), default=default))
    assert found.stays
    assert f"until {NOW + timedelta(days=100):%Y-%m-%d}: nobody can delete them" in str(found)


def test_one_version_that_nobody_can_unlock_is_enough() -> None:
    [found] = locked_buckets(STATE, _S3(("GOVERNANCE", 500), ("COMPLIANCE", 5)))
    assert found.stays


@pytest.mark.parametrize("call", ["ListObjectVersions", "GetObjectRetention"])
def test_what_cannot_be_seen_removes_nothing(call: str) -> None:
    with pytest.raises(DeployError, match="It cannot be seen whether files in logs are locked"):
        locked_buckets(STATE, _S3(("COMPLIANCE", 5), refuses=call))


def test_with_a_kept_bucket_stays_what_it_needs_and_nothing_else() -> None:
    kept = [Locked("logs", "COMPLIANCE", NOW)]
    assert removable(STATE, kept) == [
        "module.network[0].aws_eip.nat[0]",
        "aws_cloudtrail.audit",
    ]


# --- in a sandbox ---------------------------------------------------------------------------------


@pytest.fixture
def sandbox() -> Iterator[RunningSandbox]:
    with started("--region", REGION) as running:
        yield running


def _deploy(sandbox: RunningSandbox, folder: Path, step: str) -> Outcome:
    flags = ["--sandbox", sandbox.url, "--working-directory", str(folder / "work")]
    flags += ["--region", REGION, "--variables", str(folder / "own.tfvars")]
    return run(step, *flags, environment=os.environ)


def _buckets(sandbox: RunningSandbox) -> list[str]:
    listed = sandbox.client("s3", REGION).list_buckets()["Buckets"]
    return [bucket["Name"] for bucket in listed]


@pytest.mark.slow
def test_a_bucket_that_nobody_may_unlock_is_left_and_all_else_destroyed(
    sandbox: RunningSandbox, tmp_path: Path
) -> None:
    """One that its owner may unlock is destroyed in tests/deploy/test_trail_alone.py."""
    build_package()
    own = 'object_lock_mode = "COMPLIANCE"\nobject_lock_days = 30\n'
    (tmp_path / "own.tfvars").write_text(own)
    applied = _deploy(sandbox, tmp_path, "apply")
    assert applied.code == 0, applied.text
    s3 = sandbox.client("s3", REGION)
    eventually(lambda: s3.list_object_versions(Bucket=LOGS).get("Versions"))
    destroyed = _deploy(sandbox, tmp_path, "destroy")
    assert destroyed.code == 8, destroyed.text
    assert f"The files in {LOGS} are locked in COMPLIANCE mode" in destroyed.stderr
    assert _buckets(sandbox) == [LOGS]
    # It lies there as protected as before, and can still be read.
    assert "DenyDeletion" in s3.get_bucket_policy(Bucket=LOGS)["Policy"]
    [key] = [
        rule["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"]
        for rule in s3.get_bucket_encryption(Bucket=LOGS)["ServerSideEncryptionConfiguration"][
            "Rules"
        ]
    ]
    kms = sandbox.client("kms", REGION)
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Enabled"
    assert "Destroy once more after " in destroyed.stderr
    again = _deploy(sandbox, tmp_path, "destroy")
    assert again.code == 8, again.text
    assert _buckets(sandbox) == [LOGS]
