"""Security groups that let the Internet in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..addresses import Opening, internet_openings
from ..live import NotReadError
from ..rules.exposure import exposure_severity, in_words, read_opening
from .reader import AccountReader
from .report import Report

_CHECK = "security-groups"


def check_security_groups(reader: AccountReader, report: Report) -> None:
    """Add the groups of the region that let the Internet in to more than web ports."""
    for group in reader.pages(
        "ec2", "ec2:DescribeSecurityGroups", "describe_security_groups", "SecurityGroups"
    ):
        report.resources[_CHECK] += 1
        openings = internet_openings(list(_openings(reader, report, group)))
        severity = exposure_severity(openings) if openings else "LOW"
        # Web ports are what a public service is for; whoever opened them was alerted.
        if severity in ("HIGH", "CRITICAL"):
            report.add(
                _CHECK,
                "AWS::EC2::SecurityGroup",
                str(group.get("GroupId")),
                severity,
                f"admits {in_words(openings)}",
            )


def _openings(reader: AccountReader, report: Report, group: Mapping[str, Any]) -> Iterator[Opening]:
    for permission in group.get("IpPermissions", []):
        cidrs = [entry.get("CidrIp") for entry in permission.get("IpRanges", [])]
        cidrs += [entry.get("CidrIpv6") for entry in permission.get("Ipv6Ranges", [])]
        for entry in permission.get("PrefixListIds", []):
            try:
                cidrs += reader.prefix_list(entry.get("PrefixListId", ""))
            except NotReadError as error:
                report.not_read.append((_CHECK, error))
        for cidr in cidrs:
            opening = read_opening(
                permission.get("IpProtocol"),
                permission.get("FromPort"),
                permission.get("ToPort"),
                cidr,
            )
            if opening is not None:
                yield opening
