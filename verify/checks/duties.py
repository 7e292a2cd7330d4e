"""What the function does besides judging records, where the baseline asks for it.

The baseline says it once (`function.scan`, `function.findings`, `function.remediation`); what
follows from it for the function's variables, its callers and its role is derived here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Baseline = Mapping[str, Any]


def scan_rules(baseline: Baseline) -> list[str]:
    """The EventBridge rules that start the scan: one, or none where no scan is asked for."""
    scan = baseline["function"]["scan"]
    return [scan["rule"]] if scan["checks"] else []


def finding_rules(baseline: Baseline) -> list[str]:
    """The EventBridge rules that bring GuardDuty's findings: one, or none where none are told."""
    findings = baseline["function"]["findings"]
    return [findings["rule"]] if findings["from_severity"] is not None else []


def variables(baseline: Baseline) -> dict[str, str]:
    """The environment variables by which the function knows of these duties."""
    scan, remediation = baseline["function"]["scan"], baseline["function"]["remediation"]
    found = {}
    if scan["checks"]:
        found["SCAN_CHECKS"] = ",".join(sorted(scan["checks"]))
    if remediation["rules"]:
        found["REMEDIATION_RULES"] = ",".join(sorted(remediation["rules"]))
        found["REMEDIATION_MODE"] = remediation["mode"]
    return found


def role_needs(baseline: Baseline) -> dict[str, Any]:
    """The baseline's `roles`, whose additions require what these duties take."""
    remediation = baseline["function"]["remediation"]
    asked = [f"scan-{check}" for check in baseline["function"]["scan"]["checks"]]
    for rule in remediation["rules"]:
        asked += [rule, *([f"{rule}-applied"] if remediation["mode"] == "apply" else [])]
    roles = baseline["roles"]
    return {**roles, "additions": {**roles["additions"], **dict.fromkeys(asked, "required")}}
