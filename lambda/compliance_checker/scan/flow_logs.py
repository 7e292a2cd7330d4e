"""VPCs whose traffic no flow log records."""

from __future__ import annotations

from .reader import AccountReader
from .report import Report

_CHECK = "flow-logs"


def check_flow_logs(reader: AccountReader, report: Report) -> None:
    """Add the VPCs of the region without an active flow log."""
    logged = {
        flow_log.get("ResourceId")
        for flow_log in reader.pages(
            "ec2", "ec2:DescribeFlowLogs", "describe_flow_logs", "FlowLogs"
        )
        if flow_log.get("FlowLogStatus") == "ACTIVE"
        and flow_log.get("DeliverLogsStatus") != "FAILED"
    }
    for vpc in reader.pages("ec2", "ec2:DescribeVpcs", "describe_vpcs", "Vpcs"):
        report.resources[_CHECK] += 1
        if vpc["VpcId"] not in logged:
            report.add(_CHECK, "AWS::EC2::VPC", vpc["VpcId"], "HIGH", "has no active flow log")
