"""The hourly scan: everything in the account, and never silent on what it could not read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from botocore.exceptions import ClientError
from compliance_checker.scan.account_scan import AccountScan
from compliance_checker.scan.report import Report
from compliance_checker.settings import ConfigurationError

from tests.compliance_checker.door import TRAIL, Door, alert_schema, refusing
from tests.compliance_checker.mock_account import client
from tests.compliance_checker.records import ACCOUNT, REGION, Record, policy_text, statement

pytestmark = pytest.mark.usefixtures("mock_account")

SCHEDULE: Record = {
    "version": "0",
    "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
    "detail-type": "Scheduled Event",
    "source": "aws.events",
    "account": ACCOUNT,
    "time": "2026-11-20T08:00:00Z",
    "region": REGION,
    "resources": ["arn:aws:events:ap-southeast-1:123456789012:rule/rule-account-scan-dev"],
    "detail": {},
}


def _bucket(name: str) -> str:
    client("s3").create_bucket(
        Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    client("s3").put_bucket_encryption(
        Bucket=name,
        ServerSideEncryptionConfiguration={
            "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
        },
    )
    return name


def _group(**ingress: Any) -> str:
    ec2 = client("ec2")
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    group = ec2.create_security_group(GroupName="g", Description="d", VpcId=vpc)["GroupId"]
    if ingress:
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[ingress])
    return str(group)


def _sound_trail() -> None:
    bucket = _bucket("trail-records")
    log_group = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:trail:*"
    cloudtrail = client("cloudtrail")
    cloudtrail.create_trail(
        Name="cloudtrail-audit-dev",
        S3BucketName=bucket,
        IsMultiRegionTrail=True,
        IncludeGlobalServiceEvents=True,
        EnableLogFileValidation=True,
        KmsKeyId="arn:aws:kms:ap-southeast-1:123456789012:key/k",
        CloudWatchLogsLogGroupArn=log_group,
        CloudWatchLogsRoleArn=f"arn:aws:iam::{ACCOUNT}:role/r",
    )
    cloudtrail.put_event_selectors(
        TrailName="cloudtrail-audit-dev",
        EventSelectors=[{"ReadWriteType": "All", "IncludeManagementEvents": True}],
    )
    cloudtrail.start_logging(Name="cloudtrail-audit-dev")


def _flow_logs() -> None:
    ec2 = client("ec2")
    client("logs").create_log_group(logGroupName="flow")
    vpcs = [vpc["VpcId"] for vpc in ec2.describe_vpcs()["Vpcs"]]
    ec2.create_flow_logs(
        ResourceIds=vpcs,
        ResourceType="VPC",
        TrafficType="ALL",
        LogDestinationType="cloud-watch-logs",
        LogGroupName="flow",
        DeliverLogsPermissionArn=f"arn:aws:iam::{ACCOUNT}:role/flow",
    )


def _scan(*checks: str) -> Report:
    return AccountScan(ACCOUNT, REGION, checks=checks, trail_arn=TRAIL, clients=client).run()


def _found(report: Report) -> list[tuple[str, str]]:
    assert [str(error) for _, error in report.not_read] == []
    return [(fault.resource, fault.what) for fault in report.faults]


def test_sound_account_raises_nothing_and_is_measured() -> None:
    _sound_trail()
    _flow_logs()
    door = Door(account=client)
    summary = door.handle(SCHEDULE)
    assert summary == {
        "source": "schedule",
        "records": 0,
        "violations": 0,
        "published": 0,
        "unprocessable": 0,
    }
    assert not door.published
    measured = {
        line["Check"]: (line["ScanResources"] > 0, line["ScanFaults"], line["ScanNotRead"])
        for line in door.lines()
        if "Check" in line
    }
    assert measured == {
        "security-groups": (True, 0, 0),
        "buckets": (True, 0, 0),
        "trails": (True, 0, 0),
        "flow-logs": (True, 0, 0),
    }


def test_what_is_wrong_is_alerted_once() -> None:
    _sound_trail()
    _flow_logs()
    group = _group(IpProtocol="tcp", FromPort=22, ToPort=22, IpRanges=[{"CidrIp": "0.0.0.0/0"}])
    door = Door(account=client)
    for _ in range(2):  # EventBridge delivers at least once
        door.handle(SCHEDULE)
    (alert,) = door.alerts()
    jsonschema.validate(alert, alert_schema())
    assert (alert["rule"], alert["severity"], alert["basis"]) == (
        "account-scan",
        "CRITICAL",
        "live-state",
    )
    assert alert["details"]["faults"] == [
        {
            "check": "security-groups",
            "type": "AWS::EC2::SecurityGroup",
            "resource": group,
            "severity": "CRITICAL",
            "what": "admits tcp 22 from 0.0.0.0/0",
        }
    ]
    assert alert["details"]["checks"]["security-groups"]["ScanFaults"] == 1
    assert "not_read" not in alert
    later = {**SCHEDULE, "id": "later"}
    door.handle(later)
    assert len(door.alerts()) == 2


@pytest.mark.parametrize(
    ("ports", "source", "open_"),
    [
        ((22, 22), {"IpRanges": [{"CidrIp": "0.0.0.0/0"}]}, True),
        ((0, 65535), {"Ipv6Ranges": [{"CidrIpv6": "::/0"}]}, True),
        ((8080, 8080), {"IpRanges": [{"CidrIp": "0.0.0.0/0"}]}, True),
        ((443, 443), {"IpRanges": [{"CidrIp": "0.0.0.0/0"}]}, False),
        ((22, 22), {"IpRanges": [{"CidrIp": "10.0.0.0/8"}]}, False),
        (
            (3389, 3389),
            {"IpRanges": [{"CidrIp": "0.0.0.0/1"}, {"CidrIp": "128.0.0.0/1"}]},
            True,
        ),
    ],
)
def test_dangerous_ports(ports: tuple[int, int], source: Record, open_: bool) -> None:
    group = _group(IpProtocol="tcp", FromPort=ports[0], ToPort=ports[1], **source)
    found = [resource for resource, _ in _found(_scan("security-groups"))]
    assert found == ([group] if open_ else [])


def test_prefix_lists_are_opened() -> None:
    ec2 = client("ec2")
    lists = [
        ec2.create_managed_prefix_list(
            PrefixListName="l", MaxEntries=5, AddressFamily="IPv4", Entries=[{"Cidr": cidr}]
        )["PrefixList"]["PrefixListId"]
        for cidr in ("0.0.0.0/0", "10.0.0.0/8")
    ]
    group = _group(
        IpProtocol="tcp", FromPort=22, ToPort=22, PrefixListIds=[{"PrefixListId": lists[1]}]
    )
    assert _found(_scan("security-groups")) == []
    ec2.authorize_security_group_ingress(
        GroupId=group,
        IpPermissions=[
            {
                "IpProtocol": "tcp",
                "FromPort": 22,
                "ToPort": 22,
                "PrefixListIds": [{"PrefixListId": lists[0]}],
            }
        ],
    )
    assert _found(_scan("security-groups")) == [(group, "admits tcp 22 from 0.0.0.0/0")]


def test_every_page_is_read() -> None:
    class Paged:
        def get_paginator(self, operation: str) -> Any:
            assert operation == "describe_security_groups"
            return self

        def paginate(self) -> Iterator[Record]:
            for page in range(3):
                yield {
                    "SecurityGroups": [
                        {
                            "GroupId": f"sg-{page}",
                            "IpPermissions": [
                                {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
                            ],
                        }
                    ]
                }

    report = AccountScan(
        ACCOUNT, REGION, checks=["security-groups"], clients=lambda service, region: Paged()
    ).run()
    assert [fault.resource for fault in report.faults] == ["sg-0", "sg-1", "sg-2"]
    assert report.resources == {"security-groups": 3}


def test_buckets() -> None:
    for name in (
        "plain-records",
        "open-records",
        "listed-records",
        "shielded-records",
        "closed-records",
    ):
        _bucket(name)
    s3 = client("s3")
    s3.delete_bucket_encryption(Bucket="plain-records")
    for name in ("open-records", "shielded-records"):
        public = statement("s3:GetObject", f"arn:aws:s3:::{name}/*", Principal="*")
        s3.put_bucket_policy(Bucket=name, Policy=policy_text(public))
    s3.put_bucket_acl(Bucket="listed-records", ACL="public-read")
    every = dict.fromkeys(
        ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
    )
    s3.put_public_access_block(Bucket="shielded-records", PublicAccessBlockConfiguration=every)
    expected = [
        ("listed-records", "has an access control list that lets anyone in"),
        ("open-records", "has a policy that lets anyone in"),
        ("plain-records", "has no encryption configuration"),
    ]
    assert sorted(_found(_scan("buckets"))) == expected
    client("s3control").put_public_access_block(
        AccountId=ACCOUNT, PublicAccessBlockConfiguration=every
    )
    assert _found(_scan("buckets")) == expected[2:]


def test_no_trail_at_all() -> None:
    assert _found(_scan("trails")) == [(TRAIL, "no trail records every region")]


def test_stopped_and_weakened_trail() -> None:
    _sound_trail()
    cloudtrail = client("cloudtrail")
    assert _found(_scan("trails")) == []
    cloudtrail.stop_logging(Name="cloudtrail-audit-dev")
    cloudtrail.update_trail(Name="cloudtrail-audit-dev", EnableLogFileValidation=False)
    cloudtrail.put_event_selectors(
        TrailName="cloudtrail-audit-dev",
        EventSelectors=[{"ReadWriteType": "ReadOnly", "IncludeManagementEvents": True}],
    )
    assert _found(_scan("trails")) == [
        (TRAIL, "does not record"),
        (TRAIL, "has no log file validation"),
        (TRAIL, "changes (write events) are not recorded"),
    ]


def test_our_trail_gone_while_another_lives() -> None:
    _sound_trail()
    report = AccountScan(
        ACCOUNT, REGION, checks=["trails"], trail_arn=f"{TRAIL}-2", clients=client
    ).run()
    assert _found(report) == [(f"{TRAIL}-2", "does not exist")]


def test_flow_logs() -> None:
    ec2 = client("ec2")
    _flow_logs()
    assert _found(_scan("flow-logs")) == []
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    assert _found(_scan("flow-logs")) == [(vpc, "has no active flow log")]


def test_what_cannot_be_read_is_never_fine() -> None:
    door = Door(account=refusing("AccessDenied"))
    door.handle(SCHEDULE)
    (alert,) = door.alerts()
    jsonschema.validate(alert, alert_schema())
    assert alert["severity"] == "MEDIUM"
    assert {each["call"] for each in alert["not_read"]} == {
        "ec2:DescribeSecurityGroups",
        "s3:ListAllMyBuckets",
        "cloudtrail:DescribeTrails",
        "ec2:DescribeFlowLogs",
    }
    assert "4 reads brought no answer" in alert["reason"]
    assert len(door.said("scan could not read")) == 4


def test_one_bucket_that_cannot_be_read() -> None:
    for name in ("mine-records", "theirs-records"):
        _bucket(name)

    class Denying:
        def __init__(self) -> None:
            self._s3 = client("s3")

        def __getattr__(self, name: str) -> Any:
            return getattr(self._s3, name)

        def get_bucket_encryption(self, **request: Any) -> Any:
            if request["Bucket"] == "theirs-records":
                raise ClientError({"Error": {"Code": "AccessDenied"}}, "GetBucketEncryption")
            return self._s3.get_bucket_encryption(**request)

    s3 = Denying()
    report = AccountScan(
        ACCOUNT,
        REGION,
        checks=["buckets"],
        clients=lambda service, region: s3 if service == "s3" else client(service, region),
    ).run()
    assert [(check, error.resource, error.code) for check, error in report.not_read] == [
        ("buckets", "theirs-records", "AccessDenied")
    ]
    assert report.faults == []


def test_time_that_runs_out_is_said() -> None:
    report = AccountScan(ACCOUNT, REGION, clients=client, seconds=-1.0).run()
    assert {error.code for _, error in report.not_read} == {"OutOfTime"}
    assert len(report.not_read) == 4


def test_checks_can_be_chosen() -> None:
    door = Door(account=client, settings={"scan_checks": ("flow-logs",)})
    door.handle(SCHEDULE)
    (alert,) = door.alerts()
    assert set(alert["details"]["checks"]) == {"flow-logs"}
    wrong = Door(account=client, settings={"scan_checks": ("flow-log",)})
    with pytest.raises(ConfigurationError, match="flow-log"):
        wrong.handle(SCHEDULE)


def test_summary_of_many_faults_stays_small() -> None:
    _sound_trail()
    _flow_logs()
    ec2 = client("ec2")
    for _ in range(40):
        ec2.create_vpc(CidrBlock="10.9.0.0/16")
    door = Door(account=client)
    door.handle(SCHEDULE)
    (alert,) = door.alerts()
    assert alert["details"]["checks"]["flow-logs"]["ScanFaults"] == 40
    assert len(alert["details"]["faults"]) == 20
    assert alert["details"]["truncated"] is True
    assert len(json.dumps(alert)) < 20_000
    assert len(door.said("scan fault")) == 40
