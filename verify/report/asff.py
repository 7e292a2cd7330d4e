"""The ASFF form of a run: findings as AWS Security Hub takes them (BatchImportFindings).

One for each control, under the same id in each run, so that a later run updates it. Source: AWS
Security Hub User Guide, "AWS Security Finding Format (ASFF)", and the limits of its attributes.
"""

from __future__ import annotations

import re
from typing import Any

from verify.model import ControlResult, Outcome, Report
from verify.report.display import accepted, iso_time, json_lines, visible

FILE_NAME = "asff-findings.json"

_TYPE = "Software and Configuration Checks/Industry and Regulatory Standards/HIPAA Controls (USA)"
_STATUS = {
    Outcome.PASS: "PASSED",
    Outcome.FAIL: "FAILED",
    Outcome.WAIVED: "FAILED",
    Outcome.ERROR: "WARNING",
}
_WORKFLOW = {
    Outcome.PASS: "RESOLVED",
    Outcome.WAIVED: "SUPPRESSED",
    Outcome.NOT_APPLICABLE: "RESOLVED",
}
_MAXIMUM_RESOURCES = _MAXIMUM_REQUIREMENTS = 32
_TITLE, _DESCRIPTION, _REMEDY, _IDENTIFIER, _REASON = 256, 1024, 512, 512, 512

# ASFF's types by how an ARN goes on after the partition; what is not among them is Other.
_TYPES = (
    (re.compile(r"s3:::[^/]+$"), "AwsS3Bucket"),
    (re.compile(r"cloudtrail:.*:trail/"), "AwsCloudTrailTrail"),
    (re.compile(r"kms:.*:key/"), "AwsKmsKey"),
    (re.compile(r"lambda:.*:function:"), "AwsLambdaFunction"),
    (re.compile(r"sns:"), "AwsSnsTopic"),
    (re.compile(r"sqs:"), "AwsSqsQueue"),
    (re.compile(r"iam:.*:role/"), "AwsIamRole"),
    (re.compile(r"iam:.*:policy/"), "AwsIamPolicy"),
    (re.compile(r"cloudwatch:.*:alarm:"), "AwsCloudWatchAlarm"),
    (re.compile(r"dynamodb:.*:table/"), "AwsDynamoDbTable"),
)
_BY_PREFIX = {
    "vpc-": "AwsEc2Vpc",
    "subnet-": "AwsEc2Subnet",
    "sg-": "AwsEc2SecurityGroup",
    "acl-": "AwsEc2NetworkAcl",
    "rtb-": "AwsEc2RouteTable",
}

Document = dict[str, Any]


def render(report: Report) -> str:
    """Return the run as a JSON list of findings."""
    return json_lines([_finding(report, one) for one in report.results])


def _finding(report: Report, result: ControlResult) -> Document:
    control, target = result.control, report.target
    place = f"{target.account}/{target.region}/{target.environment}"
    account = f"{target.region}:{target.account}"
    found: Document = {
        "SchemaVersion": "2018-10-08",
        "Id": f"trailwarden/{place}/{control.identifier}",
        "ProductArn": (
            f"arn:{target.partition}:securityhub:{account}:product/{target.account}/default"
        ),
        "ProductName": "Trailwarden",
        "CompanyName": "Trailwarden",
        "GeneratorId": f"trailwarden/{control.identifier}",
        "AwsAccountId": target.account,
        "Region": target.region,
        "Types": [_TYPE],
        "CreatedAt": iso_time(report.started),
        "UpdatedAt": iso_time(report.finished),
        "Severity": {"Label": _severity(result), "Original": control.severity},
        "Title": _cut(control.statement, _TITLE),
        "Description": _cut(result.message or control.rationale, _DESCRIPTION),
        "Remediation": {"Recommendation": {"Text": _cut(control.remediation, _REMEDY)}},
        "Resources": _resources(report, result),
        "Compliance": {
            "Status": _STATUS.get(result.outcome, "NOT_AVAILABLE"),
            "SecurityControlId": control.identifier,
            "RelatedRequirements": _requirements(result)[:_MAXIMUM_REQUIREMENTS],
        },
        "Workflow": {"Status": _WORKFLOW.get(result.outcome, "NEW")},
        "RecordState": "ARCHIVED" if result.outcome is Outcome.NOT_APPLICABLE else "ACTIVE",
        "ProductFields": {
            "trailwarden/run": report.run_id,
            "trailwarden/outcome": str(result.outcome),
            "trailwarden/version": report.tool_version,
        },
    }
    waivers = "; ".join(accepted(one) for one in report.waivers_of(result))
    if waivers:
        found["Note"] = {
            "Text": _cut(waivers, _REASON),
            "UpdatedBy": "trailwarden",
            "UpdatedAt": iso_time(report.finished),
        }
    return found


def _severity(result: ControlResult) -> str:
    passed = result.outcome in (Outcome.PASS, Outcome.NOT_APPLICABLE)
    return "INFORMATIONAL" if passed else result.control.severity


def _requirements(result: ControlResult) -> list[str]:
    citations = result.control.citations
    return [
        *(f"HIPAA 45 CFR {one}" for one in citations.primary + citations.secondary),
        *(f"NIST.800-53.r5 {one}" for one in citations.nist),
        *(f"CIS AWS Foundations Benchmark {one}" for one in citations.cis),
    ]


def _resources(report: Report, result: ControlResult) -> list[Document]:
    """The subjects of the verdict, what is not as it must be first; at least the account."""
    ordered = sorted(result.observations, key=lambda one: one.met)
    subjects = list(dict.fromkeys(one.subject for one in ordered))[:_MAXIMUM_RESOURCES]
    place = {"Partition": report.target.partition, "Region": report.target.region}
    if not subjects:
        return [{"Type": "AwsAccount", "Id": f"AWS::::Account:{report.target.account}", **place}]
    return [
        {"Type": _type(subject), "Id": _cut(subject, _IDENTIFIER), **place} for subject in subjects
    ]


def _type(subject: str) -> str:
    parts = subject.split(":", 2)
    if parts[0] == "arn" and len(parts) == 3:
        return next((name for way, name in _TYPES if way.match(parts[2])), "Other")
    return next((name for start, name in _BY_PREFIX.items() if subject.startswith(start)), "Other")


def _cut(text: str, limit: int) -> str:
    """The text as far as Security Hub takes it; never empty."""
    shown = visible(text).strip() or "none"
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"
