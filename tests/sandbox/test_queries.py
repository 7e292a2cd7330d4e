"""Athena in the sandbox reads the trail's files, and only as the table and the caller let it."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox import investigation
from tests.sandbox.investigation import Investigation
from tests.sandbox.support import ACCOUNT, REGION, Account, eventually, name, refused

TODAY = datetime.now(UTC)


def _record(number: int, **more: Any) -> dict[str, Any]:
    return {
        "eventTime": f"{TODAY:%Y-%m-%d}T00:00:{number:02d}Z",
        "eventID": f"e-{number}",
        "eventName": "DeleteTrail",
        "awsRegion": REGION,
        "userIdentity": {"type": "IAMUser", "userName": "bob", "accessKeyId": "AKIA1"},
        "requestParameters": {"name": "audit", "deep": {"list": [1, True, None]}},
        "readOnly": False,
        **more,
    }


def _put(
    made: Investigation,
    records: list[dict[str, Any]],
    region: str = REGION,
    age: int = 0,
    **more: Any,
) -> None:
    day = TODAY - timedelta(days=age)
    key = f"AWSLogs/{ACCOUNT}/CloudTrail/{region}/{day:%Y/%m/%d}/{name('file')}.json.gz"
    made.account.s3.put_object(
        Bucket=made.bucket,
        Key=key,
        Body=gzip.compress(json.dumps({"Records": records}).encode()),
        **more,
    )


@pytest.fixture(scope="module")
def made(account: Account) -> Investigation:
    bucket = name("logs")
    account.s3.create_bucket(
        Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    made = investigation.make(account, bucket)
    _put(made, [_record(1), _record(2, errorCode="AccessDenied")])
    _put(made, [_record(3, awsRegion="us-east-1", readOnly=True)], region="us-east-1")
    _put(made, [_record(4)], region="eu-south-2")
    _put(made, [_record(5)], age=31)
    _put(made, [_record(6)], StorageClass="GLACIER")
    account.s3.put_object(Bucket=bucket, Key=f"AWSLogs/{ACCOUNT}/CloudTrail-Digest/x", Body=b"{}")
    return made


def _run(made: Investigation, query: str, *parameters: str, **keys: str) -> dict[str, Any]:
    client = made.account.sandbox.client("athena", **keys)
    started = client.start_query_execution(
        QueryString=query,
        WorkGroup=made.workgroup,
        QueryExecutionContext={"Database": made.database},
        **({"ExecutionParameters": list(parameters)} if parameters else {}),
    )
    found: dict[str, Any] = eventually(
        lambda: client.get_query_execution(QueryExecutionId=started["QueryExecutionId"])[
            "QueryExecution"
        ],
        lambda one: one["Status"]["State"] not in ("QUEUED", "RUNNING"),
    )
    return found


def _rows(made: Investigation, query: str, *parameters: str) -> list[list[str | None]]:
    done = _run(made, query, *parameters)
    assert done["Status"]["State"] == "SUCCEEDED", done["Status"]
    client = made.account.sandbox.client("athena")
    pages = client.get_paginator("get_query_results").paginate(
        QueryExecutionId=done["QueryExecutionId"]
    )
    rows = [row for page in pages for row in page["ResultSet"]["Rows"]]
    return [[one.get("VarCharValue") for one in row["Data"]] for row in rows[1:]]


def _reason(made: Investigation, query: str, *parameters: str, **keys: str) -> str:
    done = _run(made, query, *parameters, **keys)
    assert done["Status"]["State"] == "FAILED"
    return str(done["Status"]["StateChangeReason"])


def test_the_files_of_the_tables_partitions_are_read_and_no_others(made: Investigation) -> None:
    """Not of a region, a day or a folder that the table lacks, and none that is archived."""
    found = _rows(made, "SELECT eventid, account, region, day FROM records ORDER BY eventid")
    today = f"{TODAY:%Y/%m/%d}"
    assert found == [
        ["e-1", ACCOUNT, REGION, today],
        ["e-2", ACCOUNT, REGION, today],
        ["e-3", ACCOUNT, "us-east-1", today],
    ]


def test_archived_files_are_read_once_restored_where_the_table_says_so(
    made: Investigation,
) -> None:
    made.table("restored", projection_region_values="eu-west-1,eu-north-1")
    glue = made.account.sandbox.client("glue")
    table = glue.get_table(DatabaseName=made.database, Name="restored")["Table"]
    kept = {key: table[key] for key in ("Name", "PartitionKeys", "StorageDescriptor")}
    _put(made, [_record(7)], region="eu-north-1", StorageClass="GLACIER")
    [key] = [
        one["Key"]
        for one in made.account.s3.list_objects_v2(Bucket=made.bucket)["Contents"]
        if "eu-north-1" in one["Key"]
    ]
    query = "SELECT eventid FROM restored WHERE region = 'eu-north-1'"
    made.account.s3.restore_object(
        Bucket=made.bucket,
        Key=key,
        RestoreRequest={"Days": 1, "GlacierJobParameters": {"Tier": "Standard"}},
    )
    assert _rows(made, query) == []
    properties = {**table["Parameters"], "read_restored_glacier_objects": "true"}
    glue.update_table(DatabaseName=made.database, TableInput={**kept, "Parameters": properties})
    assert _rows(made, query) == [["e-7"]]


def test_conditions_and_parameters_decide(made: Investigation) -> None:
    query = "SELECT eventid FROM records WHERE useridentity.username = ? AND errorcode IS NOT NULL"
    assert _rows(made, query, "'bob'") == [["e-2"]]
    assert _rows(made, query, "'alice'") == []
    assert _rows(made, query, "'x'' OR ''1''=''1'") == []


def test_nested_values_and_truths_are_text(made: Investigation) -> None:
    query = "SELECT requestparameters, readonly, tlsdetails.tlsversion FROM records LIMIT 1"
    assert _rows(made, query) == [['{"name":"audit","deep":{"list":[1,true,null]}}', "false", None]]


@pytest.mark.parametrize(
    ("query", "parameters", "reason"),
    [
        ("SELECT nothing FROM records", (), "nothing"),
        ("SELECT eventid FROM absent", (), "TABLE_NOT_FOUND"),
        ("SELECT eventid FROM absent.records", (), "SCHEMA_NOT_FOUND"),
        ("SELECT FROM WHERE", (), "SYNTAX_ERROR"),
        ("SELECT 1; SELECT 2", (), "Only one sql statement is allowed"),
        ("DROP TABLE records", (), "NOT_SUPPORTED"),
        ("SELECT * FROM read_csv('/etc/hostname')", (), "NOT_SUPPORTED"),
        ("SELECT eventid FROM records WHERE eventid = ?", (), "expected 1 but found 0"),
        ("SELECT eventid FROM records", ("'a'",), "expected 0 but found 1"),
        (
            "SELECT eventid FROM records WHERE eventid = ?",
            ("(SELECT eventid FROM records)",),
            "not a constant",
        ),
    ],
)
def test_what_athena_refuses_fails_with_its_reason(
    made: Investigation, query: str, parameters: tuple[str, ...], reason: str
) -> None:
    assert reason in _reason(made, query, *parameters)


def test_results_lie_where_the_workgroup_says_whatever_the_client_asks_for(
    made: Investigation,
) -> None:
    client = made.account.sandbox.client("athena")
    started = client.start_query_execution(
        QueryString="SELECT eventid FROM records WHERE eventid = 'e-1'",
        QueryExecutionContext={"Database": made.database},
        WorkGroup=made.workgroup,
        ResultConfiguration={"OutputLocation": f"s3://{made.bucket}/elsewhere/"},
    )["QueryExecutionId"]
    location = eventually(
        lambda: client.get_query_execution(QueryExecutionId=started)["QueryExecution"],
        lambda one: one["Status"]["State"] == "SUCCEEDED",
    )["ResultConfiguration"]["OutputLocation"]
    assert location == f"s3://{made.results}/results/{started}.csv"
    body = made.account.s3.get_object(Bucket=made.results, Key=f"results/{started}.csv")["Body"]
    assert body.read() == b'"eventid"\r\n"e-1"\r\n'


def test_a_query_that_would_read_too_much_is_cancelled(made: Investigation) -> None:
    made.table("large", projection_region_values="ap-south-1")
    _put(made, [_record(8, padding="")], region="ap-south-1")
    key = f"AWSLogs/{ACCOUNT}/CloudTrail/ap-south-1/{TODAY:%Y/%m/%d}/large.json"
    body = json.dumps({"Records": [_record(9, padding="x" * 10_000_000)]}).encode()
    made.account.s3.put_object(Bucket=made.bucket, Key=key, Body=body)
    done = _run(made, "SELECT eventid FROM large")
    assert done["Status"]["State"] == "CANCELLED"
    assert "Bytes scanned limit was exceeded" in done["Status"]["StateChangeReason"]


def _session(made: Investigation, *statements: dict[str, Any]) -> dict[str, str]:
    role = made.account.role("ec2.amazonaws.com", *statements)
    found = made.account.sts.assume_role(RoleArn=role, RoleSessionName="asking")["Credentials"]
    return {
        "aws_access_key_id": found["AccessKeyId"],
        "aws_secret_access_key": found["SecretAccessKey"],
        "aws_session_token": found["SessionToken"],
    }


def test_a_role_reads_by_athena_what_it_may_read_itself(made: Investigation) -> None:
    query = "SELECT eventid FROM records"
    ask = {"Effect": "Allow", "Action": ["athena:*"], "Resource": "*"}
    table = {"Effect": "Allow", "Action": ["glue:*"], "Resource": "*"}
    results = {
        "Effect": "Allow",
        "Action": "s3:*",
        "Resource": [f"arn:aws:s3:::{made.results}", f"arn:aws:s3:::{made.results}/*"],
    }
    files = {
        "Effect": "Allow",
        "Action": "s3:ListBucket",
        "Resource": f"arn:aws:s3:::{made.bucket}",
    }
    read = {
        "Effect": "Allow",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{made.bucket}/*",
    }
    with pytest.raises(ClientError, match="athena:StartQueryExecution"):
        _run(made, query, **_session(made, table, results, files, read))
    assert "glue:GetDatabase" in _reason(made, query, **_session(made, ask, results, files, read))
    assert "writing output" in _reason(made, query, **_session(made, ask, table, files, read))
    assert "s3:ListBucket" in _reason(made, query, **_session(made, ask, table, results, read))
    assert "s3:GetObject" in _reason(made, query, **_session(made, ask, table, results, files))
    allowed = _session(made, ask, table, results, files, read)
    assert _run(made, query, **allowed)["Status"]["State"] == "SUCCEEDED"


def test_a_workgroup_that_is_not_there_is_told(made: Investigation) -> None:
    client = made.account.sandbox.client("athena")
    code = refused(client.start_query_execution, QueryString="SELECT 1", WorkGroup="absent")
    assert code == "InvalidRequestException"
    assert refused(client.get_query_execution, QueryExecutionId="absent") == code
