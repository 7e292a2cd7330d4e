"""Investigation: the trail's log files can be asked, all of them, and only as they should."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from verify.account import reads
from verify.account.answer import pick
from verify.account.door import Aws
from verify.account.regions import enabled_regions
from verify.check import Check
from verify.checks.buckets import (
    CLOSED_READS,
    ENCRYPTION_READS,
    LIFECYCLE_READS,
    hold_closed,
    hold_denied,
    hold_encryption,
    hold_leftovers,
    hold_lock,
    hold_losses,
    policy_of,
)
from verify.inputs.deployment import Deployment
from verify.investigate.meaning import QueryError, absent_columns, same
from verify.investigate.partitions import Files, ProjectionError, missing
from verify.investigate.question import Question
from verify.investigate.statement import statement

_PART = "investigation"
# Elsewhere in the bucket whoever asks may write nothing (roles-least-privilege).
_FOLDER = "results/"
_INPUT = "com.amazon.emr.cloudtrail.CloudTrailInputFormat"
_SERDE = "org.apache.hive.hcatalog.data.JsonSerDe"


def _there(check: Check, deployment: Deployment, name: str | None, what: str) -> str:
    """A name of the outputs; that there is none decides the control."""
    check.holds(
        deployment.trail_name,
        f"{what} of its log files",
        name is not None,
        expected="one",
        seen=name or "none",
    )
    return name or ""


# --- the table ------------------------------------------------------------------------------------


@pytest.mark.control(
    "log-files-can-be-asked", reads.records_table, reads.trail, reads.enabled_regions
)
def test_the_table_has_every_log_file(
    check: Check, aws: Aws, deployment: Deployment, baseline: Mapping[str, Any], as_of: datetime
) -> None:
    name = _there(check, deployment, deployment.investigation_table_name, "table")
    if not name:
        return
    table = aws.pick(reads.records_table(deployment), "Table")
    check.equal(name, "name", expected=name, seen=pick(table, "Name"))
    check.equal(name, "type", expected="EXTERNAL_TABLE", seen=table.get("TableType", "none"))
    elsewhere = table.get("TargetTable") or table.get("FederatedTable")
    check.equal(name, "another table in its place", expected="none", seen=elsewhere or "none")
    stored = pick(table, "StorageDescriptor")
    check.equal(name, "input format", expected=_INPUT, seen=stored.get("InputFormat"))
    serde = stored.get("SerdeInfo", {}).get("SerializationLibrary")
    check.equal(name, "SerDe", expected=_SERDE, seen=serde)
    keys = [pick(key, "Name") for key in table.get("PartitionKeys", [])]
    try:
        lost = missing(
            table.get("Parameters", {}), keys, _files(aws, deployment, baseline, as_of.date())
        )
    except ProjectionError as error:
        check.unknown(name, str(error))
    else:
        check.none(name, "log files that it does not have", lost)
    columns = {
        pick(one, "Name"): pick(one, "Type") for one in pick(stored, "Columns")
    } | dict.fromkeys(keys, "string")
    try:
        absent = sorted(
            {path for query in _queries(baseline) for path in absent_columns(query, columns)}
        )
    except QueryError as error:
        check.unknown(name, str(error))
        return
    check.none(name, "columns that queries ask for and that it lacks", absent)
    restored = table.get("Parameters", {}).get("read_restored_glacier_objects", "false")
    check.equal(
        name, "archived files read once restored", expected="true", seen=str(restored).lower()
    )


def _files(aws: Aws, deployment: Deployment, baseline: Mapping[str, Any], today: date) -> Files:
    [trail] = [
        one
        for one in aws.pick(reads.trail(deployment), "trailList")
        if pick(one, "TrailARN") == deployment.trail_arn
    ]
    kept = baseline["log_bucket"]["lifecycle"]["kept_days"]
    return Files(
        bucket=pick(trail, "S3BucketName"),
        prefix=trail.get("S3KeyPrefix") or "",
        # Another trail's; that this one is of the account alone, trail-multi-region holds.
        organization="",
        accounts=(deployment.account_id,),
        regions=enabled_regions(aws, deployment),
        first=today - timedelta(days=kept),
        last=today,
    )


def _queries(baseline: Mapping[str, Any]) -> Iterator[str]:
    """What is asked of the table: the saved queries, and all that `who` can ask for."""
    yield from baseline[_PART]["queries"].values()
    ever = datetime(2026, 1, 1, tzinfo=UTC)  # of any time the same is asked
    everything = Question(
        ever, ever, resource="r", principal="p", role="r", event="e", failed=True, changes=True
    )
    yield statement(everything, "d", "t", ["r"], 1).text


# --- the workgroup --------------------------------------------------------------------------------


@pytest.mark.control("queries-confined", reads.workgroup)
def test_the_workgroup_decides_where_results_go_and_how(
    check: Check, aws: Aws, deployment: Deployment, baseline: Mapping[str, Any]
) -> None:
    name = _there(check, deployment, deployment.investigation_workgroup_name, "workgroup")
    if not name:
        return
    required = baseline[_PART]
    group = aws.pick(reads.workgroup(deployment), "WorkGroup")
    check.equal(name, "name", expected=name, seen=pick(group, "Name"))
    check.equal(name, "state", expected="ENABLED", seen=pick(group, "State"))
    found = pick(group, "Configuration")
    check.equal(
        name,
        "its configuration prevails over the client's",
        expected=True,
        seen=found.get("EnforceWorkGroupConfiguration", False),
    )
    results = found.get("ResultConfiguration") or {}
    bucket = next(iter(deployment.investigation_results_bucket_names), None)
    location = results.get("OutputLocation", "none")
    check.holds(
        name,
        "place of results",
        bucket is not None and location == f"s3://{bucket}/{_FOLDER}",
        expected=f"s3://{bucket}/{_FOLDER}",
        seen=location,
    )
    check.equal(
        name,
        "owner of that bucket",
        expected=deployment.account_id,
        seen=results.get("ExpectedBucketOwner", "anybody"),
    )
    encryption = results.get("EncryptionConfiguration") or {}
    check.equal(
        name,
        "encryption of results",
        expected=("SSE_KMS", deployment.kms_key_arn),
        seen=(encryption.get("EncryptionOption", "none"), encryption.get("KmsKey", "none")),
    )
    acl = (results.get("AclConfiguration") or {}).get("S3AclOption", "none")
    check.equal(name, "ACL of results", expected="none", seen=acl)
    kept = (found.get("ManagedQueryResultsConfiguration") or {}).get("Enabled", False)
    check.equal(name, "results kept by Athena itself", expected=False, seen=kept)
    most, limit = required["scan_limit_bytes"], found.get("BytesScannedCutoffPerQuery")
    check.holds(
        name,
        "bytes that a query may read",
        isinstance(limit, int) and limit <= most,
        expected=f"at most {most:,}",
        seen=limit or "no limit",
    )
    check.equal(
        name,
        "metrics",
        expected=True,
        seen=found.get("PublishCloudWatchMetricsEnabled", False),
    )
    check.equal(
        name, "requester pays", expected=False, seen=found.get("RequesterPaysEnabled", False)
    )
    engine = (found.get("EngineVersion") or {}).get("EffectiveEngineVersion", "none")
    check.equal(name, "engine", expected=required["engine_version"], seen=engine)


@pytest.mark.control("saved-queries-in-place", reads.saved_queries, reads.saved_query)
def test_the_saved_queries_mean_what_they_must(
    check: Check, aws: Aws, deployment: Deployment, baseline: Mapping[str, Any]
) -> None:
    group = _there(check, deployment, deployment.investigation_workgroup_name, "workgroup")
    if not group:
        return
    database = deployment.investigation_database_name or ""
    table = deployment.investigation_table_name or ""
    found = [
        aws.pick(reads.saved_query(identifier), "NamedQuery")
        for identifier in aws.pick(reads.saved_queries(deployment), "NamedQueryIds")
    ]
    for name, expected in baseline[_PART]["queries"].items():
        named = [one for one in found if pick(one, "Name") == name]
        check.holds(group, f"query {name}", bool(named), expected="saved", seen=len(named))
        for one in named:
            place = one.get("Database", ""), one.get("WorkGroup")
            check.equal(name, "database and workgroup", expected=(database, group), seen=place)
            text = pick(one, "QueryString")
            try:
                equal = same(text, expected, database, table)
            except QueryError as error:
                check.holds(name, "meaning", False, expected="a query", seen=str(error))
                continue
            check.holds(
                name, "meaning", equal, expected=expected, seen="the same" if equal else text
            )


# --- the results ----------------------------------------------------------------------------------


def _results(check: Check, deployment: Deployment) -> str:
    bucket = next(iter(deployment.investigation_results_bucket_names), None)
    return _there(check, deployment, bucket, "bucket of what is found")


@pytest.mark.control("query-results-encrypted", *ENCRYPTION_READS)
def test_results_are_encrypted_with_the_key_of_the_records(
    check: Check, aws: Aws, deployment: Deployment, baseline: Mapping[str, Any]
) -> None:
    name = _results(check, deployment)
    if name:
        hold_encryption(check, aws, deployment, name, baseline[_PART], deployment.kms_key_arn)


@pytest.mark.control("query-results-closed", *CLOSED_READS)
def test_results_are_for_those_who_ask_alone(
    check: Check, aws: Aws, deployment: Deployment, baseline: Mapping[str, Any]
) -> None:
    name = _results(check, deployment)
    if not name:
        return
    hold_closed(check, aws, deployment, baseline, name, _PART)
    policy = policy_of(check, aws, deployment, name)
    if policy is not None:
        subject, required = deployment.bucket_arn(name), baseline[_PART]
        who = required["readers"]
        hold_denied(check, policy, subject, required["protected_reads"], who, services=True)
        hold_denied(check, policy, subject, required["protected_writes"], who, services=True)


@pytest.mark.control("query-results-expire", *LIFECYCLE_READS)
def test_results_go_in_time(
    check: Check, aws: Aws, deployment: Deployment, baseline: Mapping[str, Any]
) -> None:
    name = _results(check, deployment)
    if name:
        required = baseline[_PART]["lifecycle"]
        hold_lock(check, aws, deployment, name, "none")
        hold_losses(check, aws, deployment, name, required)
        hold_leftovers(check, aws, deployment, name, required)
