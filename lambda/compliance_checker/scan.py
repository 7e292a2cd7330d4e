"""The hourly look at the whole account: what no record told, or what was so before the trail began.

Every security group and VPC of the region, every bucket of the account, every trail that covers the
region. What cannot be read is never taken for fine: it is counted, named and alerted as well.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from . import aws
from .addresses import Opening, internet_openings
from .live import Clients, LiveState, NotReadError, Place
from .model import Severity
from .policy.admission import public_statements
from .policy.document import parse_document
from .record import text
from .rules.exposure import exposure_severity, in_words, read_opening
from .rules.trail import advanced_gaps, basic_gaps

CHECKS = ("security-groups", "buckets", "trails", "flow-logs")
_BUCKETS_AT_ONCE = 8
_PUBLIC_GROUPS = ("/global/AllUsers", "/global/AuthenticatedUsers")
_RANKS: dict[str, int] = {"LOW": 0, "MEDIUM": 1, "HIGH": 2, "CRITICAL": 3}


@dataclass(frozen=True, slots=True)
class Fault:
    """One resource that is not as it has to be."""

    check: str
    resource_type: str
    resource: str
    severity: Severity
    what: str

    def as_details(self) -> dict[str, str]:
        """The fault as it stands in log and alert."""
        return {
            "check": self.check,
            "type": self.resource_type,
            "resource": self.resource,
            "severity": self.severity,
            "what": self.what,
        }


class Report:
    """What a scan found: how many resources each check looked at, faults, and reads that failed."""

    def __init__(self, checks: Iterable[str]) -> None:
        self.resources: dict[str, int] = dict.fromkeys(checks, 0)
        self.faults: list[Fault] = []
        self.not_read: list[tuple[str, NotReadError]] = []

    @property
    def clean(self) -> bool:
        """Whether everything was read and nothing is wrong."""
        return not self.faults and not self.not_read

    @property
    def severity(self) -> Severity:
        """The gravest fault's; MEDIUM at least for what could not be read."""
        found: list[Severity] = [fault.severity for fault in self.faults]
        if self.not_read:
            found.append("MEDIUM")
        return max(found, key=_RANKS.__getitem__, default="LOW")

    def counts(self, check: str) -> dict[str, int]:
        """The numbers of one check, by the names of their metrics."""
        return {
            "ScanResources": self.resources[check],
            "ScanFaults": sum(fault.check == check for fault in self.faults),
            "ScanNotRead": sum(name == check for name, _ in self.not_read),
        }


class AccountScan:
    """One scan of the account and region that the function runs in."""

    def __init__(
        self,
        account: str | None,
        region: str | None,
        *,
        checks: Iterable[str] = CHECKS,
        trail_arn: str | None = None,
        clients: Clients = aws.client_in,
        seconds: float = 45.0,
    ) -> None:
        self._place = Place(account, region)
        self._trail_arn = trail_arn
        self._clients = clients
        self._until = time.monotonic() + seconds
        self._live = LiveState(account, clients)
        self._report = Report(checks)

    def run(self) -> Report:
        """Every check in turn; one that fails as a whole does not keep the others from running."""
        work: dict[str, Callable[[], None]] = {
            "security-groups": self._security_groups,
            "buckets": self._buckets,
            "trails": self._trails,
            "flow-logs": self._flow_logs,
        }
        for check in self._report.resources:
            try:
                work[check]()
            except NotReadError as error:
                self._report.not_read.append((check, error))
        return self._report

    def _client(self, service: str) -> Any:
        return self._clients(service, self._place.region)

    def _read(
        self,
        service: str,
        call: str,
        resource: str,
        read: Callable[[Any], Any],
        absent: Iterable[str] = (),
    ) -> Any:
        """The answer; None for an error code that means that there is nothing; or NotReadError."""
        if time.monotonic() > self._until:
            raise NotReadError(call, resource, "OutOfTime")
        try:
            return read(self._client(service))
        except aws.errors() as error:
            code = aws.code(error)
            if code in absent:
                return None
            raise NotReadError(call, resource, code) from None
        except (AttributeError, LookupError, TypeError):
            raise NotReadError(call, resource, "UnexpectedAnswer") from None

    def _pages(self, service: str, call: str, operation: str, key: str) -> Iterator[Any]:
        pages = self._read(
            service, call, "*", lambda client: iter(client.get_paginator(operation).paginate())
        )
        while True:
            page = self._read(service, call, "*", lambda _: next(pages, None))
            if page is None:
                return
            yield from page.get(key) or []

    def _fault(self, check: str, kind: str, resource: str, severity: Severity, what: str) -> None:
        self._report.faults.append(Fault(check, kind, resource, severity, what))

    # --- security groups --------------------------------------------------------------------------

    def _security_groups(self) -> None:
        check = "security-groups"
        for group in self._pages(
            "ec2", "ec2:DescribeSecurityGroups", "describe_security_groups", "SecurityGroups"
        ):
            self._report.resources[check] += 1
            openings = internet_openings(list(self._openings(check, group)))
            severity = exposure_severity(openings) if openings else "LOW"
            # Web ports are what a public service is for; whoever opened them was alerted.
            if severity in ("HIGH", "CRITICAL"):
                self._fault(
                    check,
                    "AWS::EC2::SecurityGroup",
                    str(group.get("GroupId")),
                    severity,
                    f"admits {in_words(openings)}",
                )

    def _openings(self, check: str, group: Mapping[str, Any]) -> Iterator[Opening]:
        for permission in group.get("IpPermissions", []):
            cidrs = [entry.get("CidrIp") for entry in permission.get("IpRanges", [])]
            cidrs += [entry.get("CidrIpv6") for entry in permission.get("Ipv6Ranges", [])]
            for entry in permission.get("PrefixListIds", []):
                try:
                    self._live.begin()  # bounded by the scan's own time
                    cidrs += self._live.prefix_list(self._place, entry.get("PrefixListId", ""))
                except NotReadError as error:
                    self._report.not_read.append((check, error))
            for cidr in cidrs:
                opening = read_opening(
                    permission.get("IpProtocol"),
                    permission.get("FromPort"),
                    permission.get("ToPort"),
                    cidr,
                )
                if opening is not None:
                    yield opening

    # --- buckets ----------------------------------------------------------------------------------

    def _buckets(self) -> None:
        answer = self._read("s3", "s3:ListAllMyBuckets", "*", _list_buckets)
        names = [str(bucket["Name"]) for bucket in answer]
        self._report.resources["buckets"] = len(names)
        found: list[tuple[Fault, str | None]] = []
        # A bucket takes four calls of 20 ms or more, and an account may hold a thousand.
        with ThreadPoolExecutor(_BUCKETS_AT_ONCE) as pool:
            for faults, failures in pool.map(self._bucket, names):
                found += faults
                self._report.not_read += [("buckets", error) for error in failures]
        # The account's own block shields every bucket; it matters only where one needs a shield.
        shields = self._account_block() if any(shield for _, shield in found) else {}
        self._report.faults += [
            fault for fault, shield in found if shield is None or not shields.get(shield)
        ]

    def _account_block(self) -> Mapping[str, Any]:
        account = self._place.account or ""
        try:
            answer = self._read(
                "s3control",
                "s3:GetAccountPublicAccessBlock",
                account,
                lambda client: client.get_public_access_block(AccountId=account),
                absent=("NoSuchPublicAccessBlockConfiguration",),
            )
        except NotReadError as error:
            self._report.not_read.append(("buckets", error))
            return {}
        return _block(answer)

    def _bucket(self, bucket: str) -> tuple[list[tuple[Fault, str | None]], list[NotReadError]]:
        """A bucket's faults, each with the flag of a public access block that would undo it."""
        faults: list[tuple[Fault, str | None]] = []
        failures: list[NotReadError] = []

        def fault(severity: Severity, what: str, shield: str | None = None) -> None:
            faults.append((Fault("buckets", "AWS::S3::Bucket", bucket, severity, what), shield))

        def read(call: str, operation: str, *absent: str) -> Any:
            try:
                return self._read(
                    "s3",
                    f"s3:{call}",
                    bucket,
                    lambda client: getattr(client, operation)(Bucket=bucket),
                    # A bucket that was deleted meanwhile is no fault.
                    absent=(*absent, "NoSuchBucket"),
                )
            except NotReadError as error:
                failures.append(error)
                return error

        encryption = read(
            "GetEncryptionConfiguration",
            "get_bucket_encryption",
            "ServerSideEncryptionConfigurationNotFoundError",
        )
        if encryption is None:
            fault("HIGH", "has no encryption configuration")
        answer = read(
            "GetBucketPublicAccessBlock",
            "get_public_access_block",
            "NoSuchPublicAccessBlockConfiguration",
        )
        block = {} if isinstance(answer, NotReadError) else _block(answer)
        if not block.get("RestrictPublicBuckets"):
            answer = read("GetBucketPolicy", "get_bucket_policy", "NoSuchBucketPolicy")
            if isinstance(answer, dict):
                document = parse_document(answer.get("Policy"))
                if document is not None and public_statements(document):
                    fault("CRITICAL", "has a policy that lets anyone in", "RestrictPublicBuckets")
        if not block.get("IgnorePublicAcls"):
            answer = read("GetBucketAcl", "get_bucket_acl")
            if isinstance(answer, dict) and any(
                str(grant.get("Grantee", {}).get("URI")).endswith(_PUBLIC_GROUPS)
                for grant in answer.get("Grants", [])
            ):
                fault(
                    "CRITICAL", "has an access control list that lets anyone in", "IgnorePublicAcls"
                )
        return faults, failures

    # --- trails -----------------------------------------------------------------------------------

    def _trails(self) -> None:
        trails = self._read(
            "cloudtrail",
            "cloudtrail:DescribeTrails",
            "*",
            lambda client: client.describe_trails(includeShadowTrails=True)["trailList"],
        )
        self._report.resources["trails"] = len(trails)
        if not any(trail.get("IsMultiRegionTrail") for trail in trails):
            self._fault(
                "trails",
                "AWS::CloudTrail::Trail",
                self._trail_arn or "*",
                "CRITICAL",
                "no trail records every region",
            )
        elif self._trail_arn and all(each.get("TrailARN") != self._trail_arn for each in trails):
            self._fault(
                "trails", "AWS::CloudTrail::Trail", self._trail_arn, "CRITICAL", "does not exist"
            )
        for trail in trails:
            try:
                self._trail(trail)
            except NotReadError as error:
                self._report.not_read.append(("trails", error))

    def _trail(self, trail: Mapping[str, Any]) -> None:
        arn = str(trail.get("TrailARN"))

        def fault(severity: Severity, what: str) -> None:
            self._fault("trails", "AWS::CloudTrail::Trail", arn, severity, what)

        status = self._read(
            "cloudtrail",
            "cloudtrail:GetTrailStatus",
            arn,
            lambda client: client.get_trail_status(Name=arn),
        )
        if not status.get("IsLogging"):
            fault("CRITICAL", "does not record")
        for key, what in (
            ("LatestDeliveryError", "log files"),
            ("LatestDigestDeliveryError", "digest files"),
            ("LatestCloudWatchLogsDeliveryError", "records to CloudWatch Logs"),
        ):
            if text(status.get(key)):
                fault("CRITICAL", f"cannot deliver {what}: {str(status[key])[:100]}")
        # What a trail of somebody else's records is theirs to choose.
        if self._trail_arn is not None and arn != self._trail_arn:
            return
        for key, what in (
            ("LogFileValidationEnabled", "has no log file validation"),
            ("KmsKeyId", "is not encrypted with a key of one's own"),
            ("CloudWatchLogsLogGroupArn", "does not send its records to CloudWatch Logs"),
            ("IncludeGlobalServiceEvents", "does not record IAM"),
        ):
            if not trail.get(key):
                fault("HIGH", what)
        answer = self._read(
            "cloudtrail",
            "cloudtrail:GetEventSelectors",
            arn,
            lambda client: client.get_event_selectors(TrailName=arn),
        )
        advanced = answer.get("AdvancedEventSelectors")
        basic = [
            {key[:1].lower() + key[1:]: value for key, value in selector.items()}
            for selector in answer.get("EventSelectors") or []
        ]
        for gap in advanced_gaps(advanced) if advanced else basic_gaps(basic):
            fault("HIGH", gap)

    # --- flow logs --------------------------------------------------------------------------------

    def _flow_logs(self) -> None:
        logged = {
            flow_log.get("ResourceId")
            for flow_log in self._pages(
                "ec2", "ec2:DescribeFlowLogs", "describe_flow_logs", "FlowLogs"
            )
            if flow_log.get("FlowLogStatus") == "ACTIVE"
            and flow_log.get("DeliverLogsStatus") != "FAILED"
        }
        for vpc in self._pages("ec2", "ec2:DescribeVpcs", "describe_vpcs", "Vpcs"):
            self._report.resources["flow-logs"] += 1
            if vpc["VpcId"] not in logged:
                self._fault(
                    "flow-logs", "AWS::EC2::VPC", vpc["VpcId"], "HIGH", "has no active flow log"
                )


def _list_buckets(s3: Any) -> list[Any]:
    if s3.can_paginate("list_buckets"):  # older versions of boto3 get all of them at once
        pages = s3.get_paginator("list_buckets").paginate(PaginationConfig={"PageSize": 1000})
        return [bucket for page in pages for bucket in page.get("Buckets", [])]
    return list(s3.list_buckets()["Buckets"])


def _block(answer: Any) -> Mapping[str, Any]:
    block = (answer or {}).get("PublicAccessBlockConfiguration")
    return block if isinstance(block, dict) else {}
