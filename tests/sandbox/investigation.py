"""What asks a trail's log files: a table, a workgroup and a bucket of results, by hand."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.sandbox.support import ACCOUNT, REGION, ROOT, Account, name
from verify.inputs import deployment

_QUERIES = ROOT / "terraform/modules/investigation/queries.yaml"
COLUMNS = {
    "useridentity": "struct<type:string,principalid:string,arn:string,accountid:string,"
    "invokedby:string,accesskeyid:string,username:string,onbehalfof:struct<userid:string>,"
    "sessioncontext:struct<sessionissuer:struct<arn:string,username:string>,"
    "sourceidentity:string>>",
    "resources": "array<struct<arn:string,accountid:string,type:string>>",
    "tlsdetails": "struct<tlsversion:string>",
    **dict.fromkeys(
        (
            *("eventtime", "eventsource", "eventname", "awsregion", "sourceipaddress", "useragent"),
            *("errorcode", "errormessage", "requestparameters", "responseelements", "eventid"),
            "readonly",
        ),
        "string",
    ),
}


@dataclass(frozen=True)
class Investigation:
    """Names of what was made."""

    account: Account
    bucket: str
    results: str
    database: str
    workgroup: str
    properties: dict[str, str]

    def table(self, table: str, **changes: str) -> None:
        """Make a table of the trail's files, some of its properties otherwise (_ for .)."""
        changed = {key.replace("_", "."): value for key, value in changes.items()}
        self.account.sandbox.client("glue").create_table(
            DatabaseName=self.database,
            TableInput={
                "Name": table,
                "Parameters": {**self.properties, **changed},
                "PartitionKeys": [
                    {"Name": key, "Type": "string"} for key in ("account", "region", "day")
                ],
                "StorageDescriptor": {
                    "Location": f"s3://{self.bucket}/AWSLogs/",
                    "InputFormat": "com.amazon.emr.cloudtrail.CloudTrailInputFormat",
                    "SerdeInfo": {
                        "SerializationLibrary": "org.apache.hive.hcatalog.data.JsonSerDe"
                    },
                    "Columns": [{"Name": key, "Type": COLUMNS[key]} for key in COLUMNS],
                },
            },
        )

    def outputs(self, folder: Path, **changes: Any) -> str:
        """A file with the outputs of a deployment that has this."""
        # Of another region, but for this.
        text = json.dumps(deployment.example()).replace("ap-southeast-1", REGION)
        outputs = json.loads(text)
        values = {
            "log_bucket_name": self.bucket,
            "investigation_workgroup_name": self.workgroup,
            "investigation_database_name": self.database,
            "investigation_table_name": "records",
            "investigation_results_bucket_names": [self.results],
            **changes,
        }
        for key, value in values.items():
            outputs[key] = {"value": value}
        path = folder / "outputs.json"
        path.write_text(json.dumps(outputs), encoding="utf-8")
        return str(path)


def make(account: Account, bucket: str) -> Investigation:
    """A table ``records`` of the trail's files in a bucket; a workgroup, and its saved queries."""
    results, database, workgroup = name("results"), name("d").replace("-", "_"), name("workgroup")
    account.s3.create_bucket(
        Bucket=results, CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    account.sandbox.client("glue").create_database(DatabaseInput={"Name": database})
    account.sandbox.client("athena").create_work_group(
        Name=workgroup,
        Configuration={
            "EnforceWorkGroupConfiguration": True,
            "BytesScannedCutoffPerQuery": 10_000_000,
            "ResultConfiguration": {"OutputLocation": f"s3://{results}/results/"},
        },
    )
    made = Investigation(
        account,
        bucket,
        results,
        database,
        workgroup,
        {
            "projection.enabled": "true",
            "projection.account.type": "enum",
            "projection.account.values": ACCOUNT,
            "projection.region.type": "enum",
            "projection.region.values": f"{REGION},us-east-1",
            "projection.day.type": "date",
            "projection.day.format": "yyyy/MM/dd",
            "projection.day.range": "NOW-30DAYS,NOW",
            "storage.location.template": (
                f"s3://{bucket}/AWSLogs/${{account}}/CloudTrail/${{region}}/${{day}}"
            ),
        },
    )
    made.table("records")
    saved = yaml.safe_load(_QUERIES.read_text(encoding="utf-8"))
    for query, described in saved.items():
        account.sandbox.client("athena").create_named_query(
            Name=query,
            Database=database,
            WorkGroup=workgroup,
            QueryString=described["query"].replace("{table}", "records"),
        )
    return made
