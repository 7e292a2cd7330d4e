"""The doors by which foreign input comes in: what reads it, and what it may say of bad input.

Foreign is what somebody else has written: users' files, what Terraform prints, what AWS answers,
what lies in a bucket, what a run's folder holds when somebody else hands it over.
"""

from __future__ import annotations

import base64
import gzip
import io
import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from compliance_checker import reading
from compliance_checker.envelope import UnreadableEventError, UnsupportedEventError
from compliance_checker.policy.admission import public_statements
from compliance_checker.policy.document import parse_document
from compliance_checker.policy.privilege import broad_grants
from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

from tests.compliance_checker.door import Door as Function
from tests.compliance_checker.door import bus_event, logs_event
from tests.compliance_checker.violations import LOOK_ALIKES, VIOLATIONS
from tests.report import sample
from tests.suite.authority import Authority
from verify import foreign_json
from verify.account.recorded import Recorded, RecordError
from verify.alarms import dashboard, metric_math
from verify.alarms.alarm import CannotTellError
from verify.alarms.dashboard import DashboardError
from verify.checks import session_documents
from verify.checks.session_documents import SessionDocumentError
from verify.credentials import report as credential_report
from verify.discover import pages
from verify.discover.facts import Survey
from verify.events import account_policies, data_protection, event_bus, patterns
from verify.events.data_protection import DataProtectionError
from verify.events.event_bus import Pattern, UnknownPatternError
from verify.inputs import (
    attestations,
    baseline,
    catalogue,
    declared,
    deployment,
    hcl,
    outputs_map,
    plan,
    requirements,
    terraform_state,
    waivers,
)
from verify.inputs.absence import PART_OF, PARTS
from verify.inputs.accounted import AccountError
from verify.inputs.accounted import load as load_account
from verify.inputs.attestations import AttestationError
from verify.inputs.baseline import BaselineError
from verify.inputs.catalogue import CatalogueError
from verify.inputs.declared import DeclaredError
from verify.inputs.deployment import DeploymentError
from verify.inputs.hcl import HclError
from verify.inputs.plan import PlanError
from verify.inputs.requirements import RequirementsError
from verify.inputs.terraform_state import TerraformStateError
from verify.inputs.waivers import WaiverError
from verify.integrity.judge.content import inflate
from verify.integrity.judge.digest import DigestFormatError, parse_digest
from verify.integrity.judge.layout import ChainScope, Layout
from verify.integrity.run import state
from verify.integrity.run.state import StateError
from verify.investigate import sql, statement
from verify.investigate.act import UnreadableRecordError, act_of
from verify.investigate.errors import QueryError
from verify.investigate.partitions import Files, ProjectionError, missing
from verify.investigate.question import moment
from verify.live_fire.alert import read_alert
from verify.policy import denials, endpoints, grants, identity
from verify.policy.document import Document, PolicyError
from verify.proof import bucket, chain, check, manifest, time_stamp
from verify.proof.bucket import BucketError
from verify.proof.chain import ChainError
from verify.proof.time_stamp import TimeStampError
from verify.report import json_report
from verify.report import outcome as run_outcome
from verify.report.json_report import InvalidReportError
from verify.report.outcome import InvalidOutcomeError
from verify.run import given
from verify.run.settings import RunError, default_settings
from verify.targets import file as targets
from verify.targets.file import TargetsError

ROOT = Path(__file__).parents[2]
_NOW = datetime(2026, 11, 20, tzinfo=UTC)


@dataclass(frozen=True)
class Door:
    """One way in.

    `read` takes the bytes; what it raises must be of `refuses`. `examples` are what it is made for:
    documents, which are altered part by part, or texts, which are altered byte by byte as well.
    `schema` is that of `verify/schemas` to which it holds what it reads.
    """

    read: Callable[[bytes], object]
    refuses: tuple[type[Exception], ...]
    documents: Callable[[], tuple[Any, ...]] = tuple
    texts: Callable[[], tuple[bytes, ...]] = tuple
    schema: str | None = None


def _in_file(name: str, read: Callable[[Path], object]) -> Callable[[bytes], object]:
    """Read from a file of this name, in a folder of its own."""

    def reading_it(content: bytes) -> object:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / name
            path.write_bytes(content)
            return read(path)

    return reading_it


def _as_text(read: Callable[[str], object]) -> Callable[[bytes], object]:
    """Read what AWS gives as a text."""
    return lambda content: read(content.decode(errors="surrogateescape"))


def _as_json(read: Callable[[Any], object]) -> Callable[[bytes], object]:
    """Read what AWS's clients, or Lambda, have parsed already."""

    def of_document(content: bytes) -> object:
        try:
            document = foreign_json.parsed(content)
        except ValueError:
            return None
        return read(document)

    return of_document


# --- what users write -----------------------------------------------------------------------------


def _outputs(path: Path) -> object:
    text = deployment.read(str(path))
    found = deployment.parse(text)
    return found, deployment.sensitive_values(text)


# A trail and its bucket, and nothing else.
_MAP = {
    "outputs": {"trail_arn": "trail.arn", "log_bucket_name": 'buckets[0]["name"]'},
    "constants": {
        name: output["value"]
        for name, output in deployment.example().items()
        if name not in PART_OF and name not in ("trail_arn", "log_bucket_name")
    },
    "absent": dict.fromkeys(PARTS, "none"),
}
_THEIRS = {
    "trail": {"value": {"arn": deployment.example()["trail_arn"]["value"]}},
    "buckets": {"value": [{"name": deployment.example()["log_bucket_name"]["value"]}]},
}


def _map(path: Path) -> object:
    return outputs_map.parse(json.dumps(_THEIRS), "theirs.json", str(path))


def _mapped(path: Path) -> object:
    led = path.with_name("map.yaml")
    led.write_text(yaml.safe_dump(_MAP))
    return outputs_map.parse(deployment.read(str(path)), "theirs.json", str(led))


def _discovered(path: Path) -> object:
    theirs = deployment.read_outputs(deployment.read(str(path)), "theirs.json")
    found = Survey()
    found.take("a source", trail_arn=deployment.example()["trail_arn"]["value"])
    return pages.outputs_map(found, pages.Heading("a trail", "today", "dev"), theirs)


def _baseline(path: Path) -> object:
    found = baseline.load(str(path))
    baseline.require_known(found, catalogue.load())
    of_deployment = deployment.parse(json.dumps(deployment.example()))
    return baseline.filled(found, of_deployment.placeholders(), of_deployment.lists())


_WAIVER = {
    "control": "resources-tagged",
    "subject": "arn:aws:sns:*",
    "reason": "accepted until the move",
    "ticket": "RISK-42",
    "owner": "team",
    "approver": "Priya Raman",
    "issued": "2026-05-06",
    "expires": "2026-06-06",
}
_ATTESTATION = {
    "title": "Workforce training",
    "citation": "164.308(a)(5)(i)",
    "statement": "All of the workforce was trained in September.",
    "by": "Ada Example",
    "role": "security officer",
    "date": "2026-10-01",
    "expires": "2027-10-01",
}
_TARGET = {
    "name": "sydney",
    "outputs": "outputs.json",
    "account": "111111111111",
    "region": "ap-southeast-2",
    "role": "arn:aws:iam::111111111111:role/verifier",
    "external_id": "42",
    "baseline": "dev",
}


def _change(actions: list[str], before: Any = None, after: Any = None) -> dict[str, Any]:
    change = {"actions": actions, "before": before, "after": after}
    return {"address": "aws_kms_key.logs", "mode": "managed", "change": change}


def _plan() -> dict[str, Any]:
    return {
        "format_version": "1.2",
        "timestamp": "2026-11-20T08:00:00Z",
        "complete": True,
        "errored": False,
        "prior_state": {"values": {"outputs": deployment.example()}},
        "resource_changes": [
            _change(["no-op"]),
            _change(["update"], {"arn": "arn:key", "days": 7}, {"arn": "arn:key", "days": 8}),
        ],
    }


def _configuration(path: Path) -> object:
    found = declared.Configuration(path.parent, "dev")
    return [found.argument(f"{address}.name") for address in sorted(found.resources())]


def _mismatch(path: Path) -> object:
    return targets.Listed("t", path, "dev", account="123456789012").mismatch()


def _requirements(path: Path) -> object:
    names = catalogue.load()
    return requirements.load(names, path), requirements.load_policy(names, path)


# --- a run's folder -------------------------------------------------------------------------------


@cache
def _run_folder() -> Path:
    """A folder of reports with one sealed run in it; kept as long as the process lives."""
    reports = Path(tempfile.mkdtemp(prefix="trailwarden-fuzz-"))
    report = sample.report()
    folder = reports / report.run_id
    for name, document in _EVIDENCE.items():
        path = folder / "evidence" / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(document))
    (folder / "inputs").mkdir()
    (folder / "inputs" / "run.json").write_text(json.dumps(_RUN))
    (folder / json_report.FILE_NAME).write_text(json_report.render(report), encoding="utf-8")
    chain.seal(folder, report.run_id)
    return folder


_EVIDENCE = {
    "main-0001-ec2-describe_vpcs": {
        "identifier": "main-0001-ec2-describe_vpcs",
        "service": "ec2",
        "operation": "describe_vpcs",
        "region": "eu-west-1",
        "parameters": {},
        "time": "2026-11-20T08:00:00+00:00",
        "seconds": 0.1,
        "request_ids": ["r"],
        "moment": "",
        "error": None,
        "error_code": None,
        "response": [{"Vpcs": [{"VpcId": "vpc-1", "Tags": []}]}],
    }
}
_RUN = {
    "schema_version": given.SCHEMA_VERSION,
    "run_id": "run",
    "command": ["pytest"],
    "as_of": "2026-11-20T08:00:00+00:00",
    "actor": "ada",
    "alert_timeout": 60.0,
    "integrity_hours": 24,
    "probes": [],
    "plan_asked": False,
}


def _sealed(name: str) -> Callable[[], tuple[bytes, ...]]:
    return lambda: ((_run_folder() / name).read_bytes(),)


def _in_run(name: str, read: Callable[[Path], object]) -> Callable[[bytes], object]:
    """Read a copy of the run's folder in which a file is another."""

    def of_folder(content: bytes) -> object:
        with tempfile.TemporaryDirectory() as place:
            reports = Path(place) / "reports"
            shutil.copytree(_run_folder().parent, reports)
            folder = reports / _run_folder().name
            (folder / name).write_bytes(content)
            return read(folder)

    return of_folder


def _checked(folder: Path) -> object:
    said: list[check.Said] = []
    return check.check_run(folder, said.append, check.Asked(judge=False), within_chain=True)


@cache
def _stamped() -> tuple[bytes, ...]:
    builder = TimestampRequestBuilder().data(b"a manifest").hash_algorithm(HashAlgorithm.SHA256)
    with tempfile.TemporaryDirectory() as folder:
        _, answer = Authority(Path(folder)).stamp(builder.build().as_bytes())
    return (answer,)


def _recorded(folder: Path) -> object:
    recorded = Recorded(folder, "eu-west-1")
    return recorded.answers()


def _replayed(folder: Path) -> object:
    settings = default_settings(
        reports_folder=folder.parent,
        replay=str(folder),
        outputs_text="",
        outputs_source="",
        profile="",
        function_package="",
        terraform_folder="",
        alert_timeout=0.0,
    )
    return given.replayed(settings, given=frozenset({"outputs_text"}))


# --- what AWS answers -----------------------------------------------------------------------------

_POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "a",
            "Effect": "Allow",
            "Principal": {"AWS": ["arn:aws:iam::123456789012:root", "*"]},
            "Action": ["s3:GetObject", "s3:Put*"],
            "Resource": "arn:aws:s3:::b/*",
            "Condition": {"StringLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/x"}},
        },
        {"Effect": "Deny", "Principal": "*", "NotAction": "s3:*", "NotResource": ["*"]},
    ],
}


def _judged_policy(text: str) -> object:
    document = Document.parse(text)
    account, arn = "123456789012", "arn:aws:s3:::b"
    return (
        endpoints.resources_beyond(document, account),
        denials.denies_insecure_transport(document, arn),
        identity.overbroad_identity_statements(document),
        grants.public_grants(document, account),
        grants.service_grants(document),
    )


def _policy_of_function(document: Any) -> object:
    found = parse_document(document)
    return None if found is None else (public_statements(found), broad_grants(found, None))


_DIGEST = {
    "awsAccountId": "123456789012",
    "digestStartTime": "2026-11-20T07:00:00Z",
    "digestEndTime": "2026-11-20T08:00:00Z",
    "digestS3Bucket": "b",
    "digestS3Object": "k",
    "digestPublicKeyFingerprint": "f",
    "digestSignatureAlgorithm": "SHA256withRSA",
    "previousDigestS3Bucket": None,
    "previousDigestS3Object": None,
    "previousDigestHashValue": None,
    "previousDigestHashAlgorithm": None,
    "previousDigestSignature": None,
    "logFiles": [
        {"s3Bucket": "b", "s3Object": "k", "hashValue": "0" * 64, "hashAlgorithm": "SHA-256"}
    ],
}
_SCOPE = ChainScope("123456789012", "eu-west-1")
_LAYOUT = Layout("b", "", None, "trail", "eu-west-1")
_STATE_LIMIT = 1 << 26


def _inflated(content: bytes) -> object:
    found = inflate(
        (content[start : start + 65536] for start in range(0, len(content), 65536)), _STATE_LIMIT
    )
    return found.problem


@cache
def _state() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "state.json"
        state.save(path, _LAYOUT, state.RunState(_NOW, {_SCOPE: state.fresh(_SCOPE)}, ()))
        return path.read_bytes()


_ARN = "arn:aws:iam::123456789012:"


def _credentials() -> tuple[bytes, ...]:
    columns = (*credential_report.COLUMNS, *credential_report.IGNORED)
    root = {
        "user": credential_report.ROOT,
        "arn": _ARN + "root",
        "password_enabled": "not_supported",
    }
    rows = [root, {"user": "ada", "arn": _ARN + "user/ada", "password_enabled": "true"}]
    filled = [",".join(_credential(column, row) for column in columns) for row in rows]
    return ("\n".join([",".join(columns), *filled]).encode(),)


def _credential(column: str, row: Mapping[str, str]) -> str:
    if column == "user_creation_time":
        return "2026-01-02T03:04:05+00:00"
    return row.get(column, "false" if column.endswith("_active") else "N/A")


def _key(content: bytes) -> object:
    key = content.decode(errors="surrogateescape")
    return (
        _LAYOUT.place_of(_SCOPE, key),
        _LAYOUT.digest_name(_SCOPE, key),
        _LAYOUT.log_time(_SCOPE, key),
    )


_FOLDER = "AWSLogs/123456789012/"
_KEYS = (
    f"{_FOLDER}CloudTrail-Digest/eu-west-1/2026/11/20/123456789012_CloudTrail-Digest_eu-west-1_trail"
    "_eu-west-1_20261120T080000Z.json.gz",
    f"{_FOLDER}CloudTrail/eu-west-1/2026/11/20/123456789012_CloudTrail_eu-west-1_20261120T0800Z_"
    "0123456789abcdef.json.gz",
)


def _files() -> Files:
    return Files("b", "", "", ["123456789012"], ["eu-west-1"], date(2026, 1, 1), date(2026, 2, 1))


_PROJECTION = {
    "projection.enabled": "true",
    "storage.location.template": "s3://b/AWSLogs/${account}/CloudTrail/${region}/${day}/",
    "projection.account.type": "enum",
    "projection.account.values": "123456789012",
    "projection.region.type": "injected",
    "projection.day.type": "date",
    "projection.day.format": "yyyy/MM/dd",
    "projection.day.range": "2020/01/01,NOW",
    "projection.day.interval": "1",
    "projection.day.interval.unit": "DAYS",
}


def _projected(document: Any) -> object:
    if not isinstance(document, dict) or not all(isinstance(v, str) for v in document.values()):
        return None  # botocore gives a map of texts
    return missing(document, ["account", "region", "day"], _files())


def _act(document: Any) -> object:
    return act_of(document) if isinstance(document, dict) else None


def _row(document: Any) -> object:
    if not isinstance(document, dict) or not document.keys() >= _ROW.keys():
        return None  # the query names its columns
    if not all(isinstance(value, str | None) for value in document.values()):
        return None  # Athena gives texts
    return act_of(statement.record_of(document))


_SQS = {
    "Body": json.dumps(
        {
            "Message": json.dumps({"alert_id": "a", "resource": {"id": "b"}}),
            "MessageAttributes": {"rule": {"Value": "r"}},
            "Timestamp": "2026-11-20T08:00:00.000Z",
        }
    ),
    "Attributes": {"SentTimestamp": "1795242600000"},
}


def _message(document: Any) -> object:
    if not isinstance(document, dict):
        return None
    return read_alert(document, _NOW, 0.0)


_ROW = dict.fromkeys(
    (
        "kind",
        "arn",
        "principal_id",
        "account",
        "user_name",
        "invoked_by",
        "on_behalf_of",
        "issuer",
        "source_identity",
        "event_id",
        "source",
        "name",
        "region",
        "address",
        "agent",
        "error_code",
        "error_message",
        "read_only",
        "parameters",
        "answer",
        "resource_arns",
    ),
    '{"a": ["b"]}',
) | {"time": "2026-11-20T08:00:00Z"}
_QUERY = (
    b"SELECT eventtime, eventname FROM trail WHERE useridentity.arn = 'a' AND (eventname LIKE 'D%' "
    b"OR errorcode IS NULL) ORDER BY eventtime DESC LIMIT 100"
)


def _query(text: str) -> object:
    return sql.same(text, _QUERY.decode(), "d", "t"), sql.absent_columns(
        text, {"eventtime": "string"}
    )


_SERIES = metric_math.Scope(
    metric_math.Named({"m1": [1.0, None, 3.0], "m2": [0.0, 2.0, None]}), ["m1", "m2"], 3
)
_DASHBOARD = {
    "widgets": [
        {"type": "alarm", "properties": {"alarms": ["arn:alarm"]}},
        {
            "type": "metric",
            "properties": {
                "region": "eu-west-1",
                "metrics": [
                    ["AWS/Lambda", "Errors", "FunctionName", "f", {"stat": "Sum", "id": "m1"}],
                    ["...", "g"],
                    [".", "Invocations", ".", ".", {"visible": False}],
                    [{"expression": "m1 + 1", "label": "x"}],
                ],
                "annotations": {"alarms": ["arn:alarm"]},
            },
        },
    ]
}
_EVENT_PATTERN = {
    "source": ["aws.ec2", {"prefix": "aws."}],
    "detail": {
        "eventName": [{"anything-but": ["a"]}, {"exists": True}, {"wildcard": "A*"}],
        "n": [{"numeric": [">", 0, "<=", 5]}],
        "ip": [{"cidr": "10.0.0.0/8"}],
        "$or": [{"a": ["b"]}, {"c": [{"suffix": "d"}]}],
    },
}


def _event_pattern(document: Any) -> object:
    if not isinstance(document, dict):
        return None
    pattern = Pattern(document)
    record = VIOLATIONS[0][1]
    return event_bus.lets_through("ENABLED", pattern, bus_event(record))


_PROTECTION = {
    "Name": "p",
    "Version": "2021-06-01",
    "Statement": [
        {
            "Sid": "audit",
            "DataIdentifier": ["arn:aws:dataprotection::aws:data-identifier/EmailAddress"],
            "Operation": {"Audit": {"FindingsDestination": {"CloudWatchLogs": {"LogGroup": "g"}}}},
        },
        {
            "DataIdentifier": ["arn:aws:dataprotection::aws:data-identifier/EmailAddress"],
            "Operation": {"Deidentify": {"MaskConfig": {}}},
        },
    ],
}
_SESSION = {
    "schemaVersion": "1.0",
    "description": "d",
    "sessionType": "Standard_Stream",
    "inputs": {
        "s3BucketName": "b",
        "s3EncryptionEnabled": True,
        "cloudWatchLogGroupName": "g",
        "cloudWatchEncryptionEnabled": True,
        "cloudWatchStreamingEnabled": True,
        "idleSessionTimeout": "20",
        "runAsEnabled": False,
        "kmsKeyId": "k",
    },
}


def _session_document(text: str) -> object:
    required = baseline.load("prod").values["sessions"]
    wanted = session_documents.Wanted("g", "b", ("k",), required)
    return session_documents.shortcomings(text, wanted)


# --- what the function gets -----------------------------------------------------------------------

_RECORDS = tuple(record for _, record, _ in VIOLATIONS) + tuple(record for _, record in LOOK_ALIKES)


def _handled(document: Any) -> object:
    return Function().handle(document)


def _record_on_the_bus(document: Any) -> object:
    try:
        return Function().handle(bus_event(document))
    except (KeyError, TypeError, AttributeError):
        # The envelope is made of the record here, and not by AWS.
        return None


def _record_as_text(content: bytes) -> object:
    return Function().handle(logs_event([content.decode(errors="replace")]))


def _delivery(content: bytes) -> object:
    data = base64.b64encode(content).decode("ascii")
    return Function().handle({"awslogs": {"data": data}})


def _deliveries() -> tuple[bytes, ...]:
    event = logs_event(_RECORDS[:3])
    return (base64.b64decode(event["awslogs"]["data"]),)


def _unpacked_delivery(content: bytes) -> object:
    return _delivery(gzip.compress(content))


def _payloads() -> tuple[bytes, ...]:
    return tuple(gzip.decompress(each) for each in _deliveries())


def _read_by_hand(content: bytes) -> object:
    stream = reading.text_of(io.BytesIO(content))
    parts = 0
    for _, value in reading.values(stream, 1 << 24):
        parts += sum(1 for _ in reading.records_in(value))
    return parts


def _json_of(document: Any) -> Callable[[], tuple[bytes, ...]]:
    return lambda: (json.dumps(document).encode(),)


def _records() -> tuple[Any, ...]:
    return _RECORDS


def _example_files(*names: str) -> Callable[[], tuple[bytes, ...]]:
    return lambda: tuple((ROOT / name).read_bytes() for name in names)


_EXTENSION = b"""extends: dev
trail: {maximum_delivery_age_minutes: 20}
without_families: [Network]
lists: {readers: [a, b]}
log_groups: {retention_days: 365}
"""
_HCL = ("terraform/alarms.tf", "terraform/outputs.tf", "terraform/profiles/dev.tfvars")

DOORS: Mapping[str, Door] = {
    # What users write, or have written by Terraform.
    "outputs": Door(
        _in_file("outputs.json", _outputs), (DeploymentError,), lambda: (deployment.example(),)
    ),
    "outputs map": Door(
        _in_file("outputs-map.yaml", _map),
        (DeploymentError,),
        lambda: (_MAP,),
        schema="outputs-map",
    ),
    "outputs by a map": Door(
        _in_file("theirs.json", _mapped), (DeploymentError,), lambda: (_THEIRS,)
    ),
    "outputs of a discovery": Door(
        _in_file("theirs.json", _discovered), (DeploymentError,), lambda: (_THEIRS,)
    ),
    "baseline": Door(
        _in_file("strict.yaml", _baseline),
        (BaselineError,),
        texts=lambda: (_EXTENSION, (baseline.FOLDER / "dev.yaml").read_bytes()),
        schema="baseline",
    ),
    "baseline-extension": Door(
        _in_file("strict.yaml", _baseline),
        (BaselineError,),
        lambda: (yaml.safe_load(_EXTENSION),),
        schema="baseline-extension",
    ),
    "waivers": Door(
        _in_file("waivers.yaml", lambda path: waivers.load(path, catalogue.load(), 400)),
        (WaiverError,),
        lambda: ({"waivers": [_WAIVER]},),
        schema="waivers",
    ),
    "attestations": Door(
        _in_file("stated.yaml", lambda path: attestations.load(path, _NOW.date())),
        (AttestationError,),
        lambda: (
            {"attestations": [_ATTESTATION]},
            {"attestations": [{**_ATTESTATION, "attachment": "stated.yaml"}]},
            {"attestations": [{**_ATTESTATION, "signature": "AA==", "public_key": "stated.yaml"}]},
        ),
        schema="attestations",
    ),
    "targets": Door(
        _in_file("targets.yaml", targets.load),
        (TargetsError,),
        lambda: ({"targets": [_TARGET]},),
        schema="targets",
    ),
    "state of terraform": Door(
        _in_file("state.json", terraform_state.read),
        (TerraformStateError,),
        lambda: ({"version": 4, "lineage": "a-b", "serial": 7, "terraform_version": "1.11.4"},),
    ),
    "address of a bucket": Door(
        _as_text(bucket.parse), (BucketError,), texts=lambda: (b"s3://reports/some/prefix",)
    ),
    "outputs of a target": Door(
        _in_file("outputs.json", _mismatch), (), lambda: (deployment.example(),)
    ),
    "plan": Door(
        _in_file("plan.json", lambda path: plan.parse_plan(plan.read_plan(str(path)))),
        (PlanError,),
        lambda: (_plan(),),
    ),
    "hcl": Door(_as_text(hcl.parsed), (HclError,), texts=_example_files(*_HCL)),
    "configuration": Door(
        _in_file("main.tf", _configuration),
        (DeclaredError,),
        texts=_example_files("terraform/alarms.tf"),
    ),
    # Ours, but a fork's as well.
    "catalogue": Door(
        _in_file("controls.yaml", catalogue.load),
        (CatalogueError,),
        texts=lambda: (catalogue.FILE.read_bytes()[:4000].rpartition(b"\n  - id: ")[0],),
        schema="catalogue",
    ),
    "requirements": Door(
        _in_file("requirements.yaml", _requirements),
        (RequirementsError,),
        texts=lambda: (requirements.FILE.read_bytes(),),
        schema="requirements",
    ),
    "account of fields": Door(
        _in_file("sns.yaml", lambda path: load_account(path.parent)),
        (AccountError,),
        texts=_example_files("verify/inputs/fields/sns.yaml"),
    ),
    # A run's folder, in somebody else's hands.
    "manifest of a run": Door(
        _in_run(manifest.FILE_NAME, _checked),
        (),
        lambda: (json.loads(_sealed(manifest.FILE_NAME)()[0]),),
        schema="manifest",
    ),
    "chain of runs": Door(
        _in_run(f"../{chain.LEDGER}", _checked), (ChainError,), texts=_sealed(f"../{chain.LEDGER}")
    ),
    "faults of a chain": Door(
        _in_run(f"../{chain.LEDGER}", lambda folder: chain.faults(folder.parent)),
        (ChainError,),
        texts=_sealed(f"../{chain.LEDGER}"),
    ),
    "report of a run": Door(
        _in_run(json_report.FILE_NAME, _checked),
        (),
        lambda: (json.loads(_sealed(json_report.FILE_NAME)()[0]),),
        schema="report",
    ),
    "report": Door(
        _as_text(json_report.parse),
        (InvalidReportError,),
        lambda: (json.loads(_sealed(json_report.FILE_NAME)()[0]),),
    ),
    "outcome of a run": Door(
        _as_text(run_outcome.parse),
        (InvalidOutcomeError,),
        lambda: (json.loads(run_outcome.render(sample.report())),),
    ),
    "answer of a time-stamping authority": Door(
        time_stamp._decoded, (TimeStampError,), texts=_stamped
    ),
    "verdicts of a report": Door(
        _as_text(json_report.verdicts),
        (InvalidReportError,),
        lambda: (json.loads(_sealed(json_report.FILE_NAME)()[0]),),
    ),
    "evidence of a run": Door(
        _in_run("evidence/main-0001-ec2-describe_vpcs.json", _recorded),
        (RecordError,),
        lambda: tuple(_EVIDENCE.values()),
    ),
    "what a run was given": Door(
        _in_run("inputs/run.json", _replayed), (RunError, DeploymentError), lambda: (_RUN,)
    ),
    # What lies in the log bucket, and what a run of the validator leaves.
    "digest": Door(lambda content: parse_digest(content), (DigestFormatError,), lambda: (_DIGEST,)),
    "packed file": Door(
        _inflated, (), texts=lambda: (gzip.compress(json.dumps(_DIGEST).encode()),)
    ),
    "key of a file": Door(_key, (), texts=lambda: tuple(key.encode() for key in _KEYS)),
    "state of the validator": Door(
        _in_file("state.json", lambda path: state.load(path, _LAYOUT)),
        (StateError,),
        lambda: (json.loads(_state()),),
    ),
    # What AWS answers.
    "policy": Door(_as_text(_judged_policy), (PolicyError,), lambda: (_POLICY,)),
    "credential report": Door(
        credential_report.parse, (credential_report.ReportError,), texts=_credentials
    ),
    "dashboard": Door(
        _as_text(lambda text: dashboard.read(text, "123456789012")),
        (DashboardError,),
        lambda: (_DASHBOARD,),
    ),
    "metric math": Door(
        _as_text(lambda text: metric_math.evaluate(text, _SERIES)),
        (CannotTellError,),
        texts=lambda: (b"IF(m1 > 5 AND m2 == 0, FILL(m1, 0), AVG(m2)) + SUM([m1, m2]) / -2.5",),
    ),
    "pattern of names": Door(
        _as_text(patterns.names_selected),
        (),
        texts=lambda: (b'{ ($.eventName = A) || ($.eventName = "B") }',),
    ),
    "event pattern": Door(
        _as_json(_event_pattern), (UnknownPatternError,), lambda: (_EVENT_PATTERN,)
    ),
    "data protection policy": Door(
        _as_text(data_protection.protection), (DataProtectionError,), lambda: (_PROTECTION,)
    ),
    "account policy": Door(
        _as_text(account_policies.recipient),
        (ValueError,),
        lambda: ({"DestinationArn": "arn:a", "RoleArn": "arn:b"},),
    ),
    "criteria of an account policy": Door(
        _as_text(lambda text: account_policies.reaches({"selectionCriteria": text}, "g")),
        (),
        texts=lambda: (b'LogGroupName NOT IN ["a", "b"]', b'LogGroupNamePrefix = "a"'),
    ),
    "session document": Door(
        _as_text(_session_document), (SessionDocumentError,), lambda: (_SESSION,)
    ),
    "query": Door(_as_text(_query), (QueryError,), texts=lambda: (_QUERY,)),
    "projection of a table": Door(_as_json(_projected), (ProjectionError,), lambda: (_PROJECTION,)),
    "record of an act": Door(_as_json(_act), (UnreadableRecordError,), _records),
    "time of a question": Door(
        _as_text(lambda text: moment(text, _NOW)),
        (ValueError,),
        texts=lambda: (b"2h", b"2026-05-01T12:00", b"0001-01-01T00:00:00+00:00"),
    ),
    "row of a query": Door(_as_json(_row), (UnreadableRecordError,), lambda: (_ROW,)),
    "message of a queue": Door(_as_json(_message), (), lambda: (_SQS,)),
    # What the function gets.
    "invocation": Door(
        _as_json(_handled),
        (UnreadableEventError, UnsupportedEventError),
        lambda: (
            {"test": {"records": list(_RECORDS[:2]), "publish": True}},
            bus_event(_RECORDS[0]),
            logs_event(_RECORDS[:2]),
        ),
    ),
    "record on the event bus": Door(
        _as_json(_record_on_the_bus), (UnreadableEventError, UnsupportedEventError), _records
    ),
    "record in a log event": Door(_record_as_text, (), _records),
    "packed delivery": Door(_delivery, (UnreadableEventError,), texts=_deliveries),
    "delivery": Door(_unpacked_delivery, (UnreadableEventError,), texts=_payloads),
    "policy in a record": Door(_as_json(_policy_of_function), (), lambda: (_POLICY,)),
    "records by hand": Door(
        _read_by_hand, (), lambda: ({"Records": list(_RECORDS[:3])},), _deliveries
    ),
}
