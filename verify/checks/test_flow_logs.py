"""Network: what passes through the VPC is recorded, and what is recorded arrives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from verify.account import reads
from verify.account.answer import pick
from verify.account.door import Aws
from verify.check import Check
from verify.inputs.deployment import Deployment
from verify.model import NotVerifiedError


@pytest.mark.control("vpc-flow-logs", reads.vpc, reads.flow_logs)
def test_flow_logs_record_all_traffic(
    check: Check,
    aws: Aws,
    deployment: Deployment,
    baseline: Mapping[str, Any],
    vpc: Mapping[str, Any],
) -> None:
    logs = {
        pick(log, "FlowLogId"): log
        for log in aws.pick(reads.flow_logs(deployment), "FlowLogs")
        if pick(log, "ResourceId") == pick(vpc, "VpcId")
    }
    name = deployment.flow_log_id or "a flow log of the deployment"
    check.equal(deployment.vpc_id, "flow logs", expected=[name], seen=sorted(logs))
    if name not in logs:
        return
    log = logs[name]
    record = " ".join(f"${{{member}}}" for member in baseline["network"]["flow_logs"]["fields"])
    group = deployment.flow_log_group_arn
    for aspect, expected, seen in (
        ("status", "ACTIVE", pick(log, "FlowLogStatus")),
        ("traffic", "ALL", pick(log, "TrafficType")),
        ("format", record, pick(log, "LogFormat")),
        ("kind of destination", "cloud-watch-logs", pick(log, "LogDestinationType")),
        ("destination", group, str(pick(log, "LogDestination")).removesuffix(":*")),
        ("role", deployment.flow_log_role_arn, pick(log, "DeliverLogsPermissionArn")),
        ("role in another account", None, log.get("DeliverCrossAccountRole")),
    ):
        check.equal(name, aspect, expected=expected, seen=seen)
    # AWS leaves it out until it has tried for the first time.
    delivered = log.get("DeliverLogsStatus")
    if delivered is None:
        raise NotVerifiedError(f"{name} does not say whether its records arrive: none was sent yet")
    said = log.get("DeliverLogsErrorMessage")
    check.equal(
        name,
        "delivery",
        expected="SUCCESS",
        seen=f"{delivered}: {said}" if said else delivered,
    )
