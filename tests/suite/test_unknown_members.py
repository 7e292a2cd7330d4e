"""What AWS says that botocore's models do not know is kept, and told to the reader."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.suite.answers import answer
from tests.suite.support import REGION
from verify.account.door import Aws, evidence_used
from verify.account.evidence import EvidenceStore
from verify.account.live import Live
from verify.account.read import Read
from verify.account.sessions import core_session
from verify.inputs import accounted
from verify.inputs.accounted import Field, OperationFields, parsed

# One service a protocol: what it answers, and the members that no model has.
_ANSWERS = {
    ("ec2", "describe_vpcs"): (
        "<DescribeVpcsResponse><requestId>1</requestId><vpcSet><item><vpcId>vpc-1</vpcId>"
        "<openedTo><anyone>true</anyone></openedTo></item></vpcSet></DescribeVpcsResponse>",
        ["Vpcs[].openedTo.anyone"],
    ),
    ("iam", "list_account_aliases"): (
        "<R><ListAccountAliasesResult><AccountAliases/><IsTruncated>false</IsTruncated>"
        "<Sold>yes</Sold></ListAccountAliasesResult>"
        "<ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></R>",
        ["Sold"],
    ),
    ("s3", "get_bucket_versioning"): (
        "<VersioningConfiguration><Status>Enabled</Status><Until>noon</Until>"
        "</VersioningConfiguration>",
        ["Until"],
    ),
    ("kms", "describe_key"): (
        json.dumps({"KeyMetadata": {"KeyId": "1", "Copies": [{"Where": "elsewhere"}]}, "New": 1}),
        ["KeyMetadata.Copies[].Where", "New"],
    ),
    ("lambda", "get_function_concurrency"): (
        json.dumps({"ReservedConcurrentExecutions": 1, "Borrowed": {"From": "others"}}),
        ["Borrowed.From"],
    ),
    ("sqs", "list_queue_tags"): (json.dumps({"Tags": {"a": "b"}, "Shared": True}), ["Shared"]),
}
_PARAMETERS: dict[str, dict[str, Any]] = {
    "get_bucket_versioning": {"Bucket": "bucket"},
    "describe_key": {"KeyId": "1"},
    "get_function_concurrency": {"FunctionName": "function"},
    "list_queue_tags": {"QueueUrl": "https://sqs.invalid/1/queue"},
}
_KNOWN = {
    "describe_vpcs": ["Vpcs[].VpcId"],
    "list_account_aliases": ["AccountAliases", "IsTruncated"],
    "get_bucket_versioning": ["Status"],
    "describe_key": ["KeyMetadata.KeyId"],
    "get_function_concurrency": ["ReservedConcurrentExecutions"],
    "list_queue_tags": ["Tags{}"],
}


@pytest.mark.parametrize(("service", "operation"), sorted(_ANSWERS))
def test_a_member_that_no_model_knows_is_evidence_and_a_note(
    service: str, operation: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    text, members = _ANSWERS[service, operation]
    session = boto3.Session(botocore_session=core_session())
    session.events.register(
        "before-send.*.*",
        lambda **_: answer(text),
    )
    fields = {parsed(name): Field(parsed(name), "", reason="known") for name in _KNOWN[operation]}
    account = {(service, operation): OperationFields(service, operation, "", fields)}
    monkeypatch.setattr(accounted, "load", lambda: account)
    store = EvidenceStore(tmp_path)
    aws = Aws(Live(session, REGION, store), store)

    with evidence_used() as used:
        aws.read(Read(service, operation, _PARAMETERS.get(operation, {})))

    assert aws.unaccounted(used) == [
        f"AWS says {member} in {service}.{operation}, which no control is known to judge: see what "
        f"it means, and account for it in verify/inputs/fields/{service}.yaml"
        for member in members
    ]
    recorded = json.dumps(
        json.loads((tmp_path / "evidence" / f"{used[0]}.json").read_text())["response"]
    )
    assert all(f'"{member.split(".")[-1]}"' in recorded for member in members)
    assert aws.unaccounted(used) == []
