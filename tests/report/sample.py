"""A run that has everything: every outcome, every severity, hostile and very long strings."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

from verify.model import (
    AlertTiming,
    BaselineSource,
    Citations,
    Control,
    ControlResult,
    EvidenceReference,
    Leg,
    NetworkNode,
    NetworkPicture,
    NetworkSubnet,
    NetworkWay,
    Observation,
    Outcome,
    Report,
    Target,
    WaiverUse,
)

STARTED = datetime(2026, 11, 20, 8, 30, 0, 125000, tzinfo=UTC)
SCRIPT = "<script>document.title='owned'</script>"
IMAGE = '"><img src=http://127.0.0.1:9/x onerror="document.title=\'owned\'">'
CONTROL_CHARACTERS = "bell\u0007 escape\u001b nul\u0000 delete\u007f surrogate\ud800 end\uffff"
REORDERED = "gnp.\u202etxt.evil"
UNICODE = "Ünïcødé 東京 Ελλάδα 🔐"
LONG = "0123456789" * 3000
TRAIL = "arn:aws:cloudtrail:ap-southeast-1:123456789012:trail/cloudtrail-audit-dev"
BUCKET = "arn:aws:s3:::s3-cloudtrail-logs-dev-123456789012"


def evidence(
    number: int, service: str, operation: str, file: str | None = None
) -> EvidenceReference:
    identifier = f"{number:04d}-{service}-{operation}"
    return EvidenceReference(
        identifier=identifier,
        service=service,
        operation=operation,
        region="ap-southeast-1",
        time=STARTED + timedelta(seconds=number),
        request_id=f"7a1c0b6e-1d3f-4a52-9c58-{number:012d}",
        file=file or f"evidence/{identifier}.json",
        sha256=hashlib.sha256(identifier.encode()).hexdigest(),
    )


EVIDENCE = (
    evidence(1, "cloudtrail", "describe_trails"),
    evidence(2, "cloudtrail", "get_trail_status"),
    evidence(3, "s3", "get_bucket_encryption"),
    evidence(4, "s3", "get_public_access_block"),
    evidence(5, "ec2", "describe_security_groups"),
    evidence(6, "kms", "get_key_rotation_status"),
    evidence(7, "sns", "get_topic_attributes", file=f"evidence/odd name {UNICODE} #1?.json"),
    evidence(8, "logs", "describe_log_groups", file="javascript:alert(1)"),
    evidence(9, "logs", "filter_log_events", file="../../etc/passwd"),
)


def control(
    identifier: str,
    family: str,
    statement: str,
    severity: str = "HIGH",
    *,
    remediation: str = "Apply the Terraform configuration again and look at the plan for drift.",
    rationale: str = "Without it nobody can say later who touched protected health information.",
    primary: tuple[str, ...] = ("164.312(b)",),
) -> Control:
    return Control(
        identifier=identifier,
        family=family,
        statement=statement,
        severity=severity,
        citations=Citations(
            primary=primary,
            secondary=("164.308(a)(1)(ii)(D)", "164.316(b)(2)(i)"),
            nist=("AU-2", "AU-12"),
            cis=("3.1",),
        ),
        rationale=rationale,
        remediation=remediation,
    )


def observation(
    aspect: str, expected: str, seen: str, subject: str = TRAIL, declared: str | None = None
) -> Observation:
    return Observation(subject, aspect, expected, seen, expected == seen, declared)


def result(
    entry: Control,
    outcome: Outcome,
    message: str = "",
    observations: tuple[Observation, ...] = (),
    cited: tuple[int, ...] = (),
    test: str | None = "verify/checks/test_trail.py::test_sample",
) -> ControlResult:
    return ControlResult(
        control=entry,
        outcome=outcome,
        message=message,
        observations=observations,
        evidence=tuple(EVIDENCE[number - 1].identifier for number in cited),
        test=test,
        seconds=0.0 if test is None else 1.25,
    )


RESULTS = (
    result(
        control("trail-is-logging", "Trail", "The trail is logging at this moment.", "CRITICAL"),
        Outcome.PASS,
        observations=(
            observation("IsLogging", "true", "true"),
            observation("latest delivery error", "none", "none"),
        ),
        cited=(1, 2),
    ),
    result(
        control(
            "trail-covers-every-region",
            "Trail",
            "The trail records management events of every region, and of global services.",
            "CRITICAL",
            remediation="Set is_multi_region_trail to true in terraform/trail.tf and apply.",
        ),
        Outcome.FAIL,
        "The trail is bound to its home region: what happens in any other region leaves no record.",
        (
            observation("IsMultiRegionTrail", "true", "false", declared="true"),
            observation("IncludeGlobalServiceEvents", "true", "true"),
        ),
        (1,),
    ),
    result(
        control(
            "trail-validates-log-files",
            "Trail",
            "Log file validation is on, so that a changed or deleted log file shows.",
            primary=("164.312(c)(1)", "164.312(c)(2)"),
        ),
        Outcome.PASS,
        observations=(observation("LogFileValidationEnabled", "true", "true"),),
        cited=(1,),
    ),
    result(
        control("log-bucket-is-encrypted", "Log bucket", "The log bucket encrypts with our key."),
        Outcome.ERROR,
        "s3:GetEncryptionConfiguration on the log bucket was refused (AccessDenied). The verifier "
        "role needs that permission; without it nothing can be said about the encryption.",
        cited=(3,),
    ),
    result(
        control("log-bucket-is-private", "Log bucket", "The log bucket blocks all public access."),
        Outcome.PASS,
        observations=tuple(
            observation(aspect, "true", "true", BUCKET)
            for aspect in ("BlockPublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
        ),
        cited=(4,),
    ),
    result(
        control(
            "log-bucket-keeps-logs-six-years",
            "Log bucket",
            "Logs are kept for six years.",
            "MEDIUM",
        ),
        Outcome.WAIVED,
        "s3-cloudtrail-logs-dev: lifecycle expiry: required at least 2192 days, live 90 days",
        (observation("lifecycle expiry", "at least 2192 days", "90 days", BUCKET),),
        (3,),
    ),
    result(
        control("key-rotates", "Encryption", "The key of the logs rotates every year.", "MEDIUM"),
        Outcome.PASS,
        observations=(
            observation("KeyRotationEnabled", "true", "true", "alias/cloudtrail-logs-key-dev"),
        ),
        cited=(6,),
    ),
    result(
        control(f"hostile-{1}", f"Odd & {SCRIPT}", f"Statement {SCRIPT} {UNICODE}", "LOW"),
        Outcome.FAIL,
        f"{IMAGE} {CONTROL_CHARACTERS} {REORDERED} ]]> {{{{ 7 * 7 }}}}\nsecond line",
        (
            observation(SCRIPT, IMAGE, CONTROL_CHARACTERS, subject=f"sg-1 {SCRIPT}"),
            observation("very long", "short", LONG),
        ),
        (5, 7, 8, 9),
    ),
    ControlResult(
        control=control(
            "application-group-is-closed",
            "Network",
            "The application's security group admits nobody from outside the VPC.",
            remediation="Remove the rule, then find in the trail who added it.",
            primary=("164.312(e)(1)",),
        ),
        outcome=Outcome.NOT_TESTED,
        message="",
        observations=(),
        evidence=(),
        test=None,
        seconds=0.0,
    ),
    result(
        control("default-group-is-empty", "Network", "The default group has no rule.", "LOW"),
        Outcome.NOT_APPLICABLE,
        "The VPC is shared: its default security group belongs to another account.",
        cited=(5,),
    ),
)

TIMINGS = (
    AlertTiming(
        probe="open port 22 to the world",
        legs=(
            Leg("API call to the trail's record", 121.4),
            Leg("record to the log group", 32.75),
            Leg("log group to the function", 3.2),
            Leg("function to the topic", 0.4),
            Leg("topic to the receiver", 0.21),
        ),
        total_seconds=157.96,
        target_seconds=300.0,
    ),
    AlertTiming(
        probe="stop the trail",
        legs=(Leg("API call to the trail's record", None), Leg("the rest of the way", 12.0)),
        total_seconds=341.0,
        target_seconds=300.0,
    ),
)


NETWORK = NetworkPicture(
    "vpc-0a1b2c3d4e5f60718",
    ("10.0.0.0/16", "2600:1f18::/56"),
    (
        NetworkNode("internet", "outside"),
        NetworkNode("igw-0a1b2c3d4e5f60718", "gateway", ("internet gateway",)),
        NetworkNode("nat-0a1b2c3d4e5f60718", "gateway", ("NAT gateway", "in subnet-1")),
        NetworkNode("web", "tier", ("sg-1", "in 2 subnets", "1 interface")),
        NetworkNode("database", "tier", ("sg-2", "in 2 subnets", "no interfaces")),
        NetworkNode(f"sg-3 {SCRIPT}", "other", (IMAGE, LONG)),
    ),
    (
        NetworkSubnet("subnet-1", ("10.0.1.0/24",), ("igw-0a1b2c3d4e5f60718",)),
        NetworkSubnet(f"subnet-2 {SCRIPT}", ("10.0.10.0/24",), ()),
    ),
    (
        NetworkWay(
            "internet",
            ("igw-0a1b2c3d4e5f60718",),
            "web",
            "tcp/80, tcp/443",
            forbidden=False,
            chain="internet -> igw-0a1b2c3d4e5f60718 -> subnet-1 -> sg-1 tcp/80, tcp/443",
        ),
        NetworkWay(
            f"sg-3 {SCRIPT}", (), "database", SCRIPT, forbidden=True, chain=f"sg-3 -> sg-2 {SCRIPT}"
        ),
        NetworkWay(
            "database",
            ("nat-0a1b2c3d4e5f60718", "igw-0a1b2c3d4e5f60718"),
            "internet",
            "everything",
            forbidden=True,
            chain="subnet-2 -> sg-2 -> nat-0a1b2c3d4e5f60718 -> internet everything",
        ),
        NetworkWay("web", (), "web", "icmp/all", forbidden=True, chain="sg-1 -> sg-1 icmp/all"),
    ),
)


def waiver(
    control_name: str, subject: str, reason: str, expires: str, days_left: int, status: str
) -> WaiverUse:
    return WaiverUse(
        control=control_name,
        subject=subject,
        reason=reason,
        ticket="RISK-42",
        owner="platform team",
        approver="Priya Raman",
        issued="2026-11-10",
        expires=expires,
        days_left=days_left,
        status=status,
    )


def report(
    results: tuple[ControlResult, ...] = RESULTS,
    *,
    endpoint: str | None = "http://127.0.0.1:4599",
    timings: tuple[AlertTiming, ...] = TIMINGS,
) -> Report:
    """Return the sample run, or one with other results."""
    return Report(
        run_id="20261120T083000Z-7f3a",
        tool_version="0.1.0",
        started=STARTED,
        finished=STARTED + timedelta(minutes=5, seconds=48.5),
        target=Target("123456789012", "ap-southeast-1", "aws", "dev", "dev", endpoint),
        caller="arn:aws:sts::123456789012:assumed-role/role-verifier-dev/verify",
        results=results,
        evidence=EVIDENCE,
        timings=timings,
        baseline=(
            BaselineSource("strict", "strict.yaml", "a" * 64),
            BaselineSource("dev", "verify/inputs/baselines/dev.yaml", "b" * 64),
        ),
        waivers=(
            waiver(
                "log-bucket-keeps-logs-six-years",
                BUCKET,
                f"the dev account holds made-up data alone {SCRIPT}",
                "2026-12-01",
                10,
                "used",
            ),
            waiver("key-rotates", "*", "not needed any more", "2027-01-01", 41, "unused"),
            waiver("resources-tagged", "*", "somebody forgot this", "2026-11-01", -20, "expired"),
            waiver("key-alias", "*", "not before the move", "2027-02-01", 72, "not yet in force"),
        ),
        notes=(
            "Two security-group rules that an earlier, killed run had left were removed first.",
            f"A note from outside: {SCRIPT}",
        ),
        network=NETWORK,
    )
