"""The compliance function: cost of a batch against parsing alone, growth, cold start, memory.

Times are of the processor, which a busy machine distorts least. "Parsing" has two readings: that of
the delivery alone, in which the records are still text, and that of each record besides. Both are
in the table. The stricter has no limit. In units of it, unpacking costs 0.15, the
search for what may be passed over 0.6, parsing the hundred records that remain 0.25, judging them
0.7, and alerts, log and metrics 0.9.

The batch is made of records in CloudTrail's shapes: 5 % violations, 5 % calls that a rule looks at
and finds harmless, 90 % everyday calls. With ``TRAILWARDEN_BENCH_RECORDS=<file>`` it is drawn from
a labelled collection instead (one ``{"label": "violation" | "benign", "event": {...}}`` a line).
"""

from __future__ import annotations

import base64
import gzip
import io
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

from botocore.awsrequest import AWSPreparedRequest, AWSResponse

_REPOSITORY = Path(__file__).resolve().parents[2]
_LAMBDA = _REPOSITORY / "lambda"
sys.path.insert(0, str(_LAMBDA))

from compliance_checker import aws  # noqa: E402
from compliance_checker.checker import Checker  # noqa: E402
from compliance_checker.ledger import AlertLedger  # noqa: E402
from compliance_checker.live import LiveState  # noqa: E402
from compliance_checker.output import StructuredLog  # noqa: E402
from compliance_checker.pipeline import AuditPipeline  # noqa: E402
from compliance_checker.publish import AlertPublisher  # noqa: E402
from compliance_checker.settings import Settings  # noqa: E402

from bench.table import Row  # noqa: E402
from tests.compliance_checker.door import COMPACT, delivery, refusing  # noqa: E402
from tests.compliance_checker.records import record  # noqa: E402
from tests.compliance_checker.violations import LOOK_ALIKES, VIOLATIONS  # noqa: E402

Record = dict[str, Any]

_RECORDS = 1000
_VIOLATIONS = 50
_LOOKED_AT = 50
_ROUNDS = 60
_STARTS = 11
_DRAWS = 10
_LIMIT_OF_BATCH = 1.5
_LIMIT_OF_COLD_START = 4.5
_LIMIT_WITH_LEDGER = 1.25
_LIMIT_OF_IMPORT_WITH_LEDGER = 1.2
_LIMIT_OF_GROWTH = 1.2
_MEGABYTES = 128
_TOPIC = "arn:aws:sns:ap-southeast-1:123456789012:sns-compliance-alerts-dev"
_SESSION: Record = {
    "type": "AssumedRole",
    "principalId": "AROAEXAMPLEEXAMPLE:session",
    "arn": "arn:aws:sts::123456789012:assumed-role/application/session",
    "accountId": "123456789012",
    "accessKeyId": "EXAMPLEKEYID",
    "sessionContext": {
        "sessionIssuer": {
            "type": "Role",
            "principalId": "AROAEXAMPLEEXAMPLE",
            "arn": "arn:aws:iam::123456789012:role/application",
            "accountId": "123456789012",
            "userName": "application",
        },
        "attributes": {"creationDate": "2026-11-20T08:00:00Z", "mfaAuthenticated": "false"},
    },
}
# What every call by today's tools carries besides.
_TOOL: Record = {
    "userAgent": "aws-cli/2.22.0 md/awscrt#0.22.0 ua/2.0 os/linux#6.8.0-1018-aws md/arch#x86_64 "
    "lang/python#3.12.6 md/pyimpl#CPython cfg/retry-mode#standard md/installer#exe md/prompt#off",
    "tlsDetails": {
        "tlsVersion": "TLSv1.3",
        "cipherSuite": "TLS_AES_128_GCM_SHA256",
        "clientProvidedHostHeader": "ec2.ap-southeast-1.amazonaws.com",
    },
}
_EVERYDAY: tuple[tuple[str, str, Any, Any], ...] = (
    ("ec2", "DescribeInstances", {"instancesSet": {}, "filterSet": {}, "maxResults": 1000}, None),
    ("sts", "AssumeRole", {"roleArn": "arn:aws:iam::123456789012:role/a"}, {"assumedRoleUser": {}}),
    (
        "kms",
        "Decrypt",
        {"encryptionContext": {"aws:s3:arn": "arn:aws:s3:::b"}, "encryptionAlgorithm": "SYM"},
        None,
    ),
    ("s3", "GetBucketLocation", {"bucketName": "b", "Host": "b.s3.amazonaws.com"}, None),
    ("iam", "ListRoles", {"maxItems": 1000}, None),
    ("monitoring", "DescribeAlarms", {"maxRecords": 100}, None),
    ("ecr", "BatchGetImage", {"repositoryName": "app", "imageIds": [{"imageTag": "1"}]}, None),
)


def _everyday(number: int) -> Record:
    service, name, parameters, response = _EVERYDAY[number % len(_EVERYDAY)]
    return record(service, name, parameters, response, userIdentity=_SESSION, readOnly=True)


def _draw(source: random.Random) -> list[Record]:
    named = os.environ.get("TRAILWARDEN_BENCH_RECORDS")
    if named:
        rows = [json.loads(line) for line in Path(named).read_text(encoding="utf-8").splitlines()]
        violations = [row["event"] for row in rows if row["label"] == "violation"]
        others = [row["event"] for row in rows if row["label"] == "benign"]
        harmless = [source.choice(others) for _ in range(_RECORDS - _VIOLATIONS)]
    else:
        violations = [{**case, **_TOOL} for _, case, _ in VIOLATIONS]
        looked_at = [{**case, **_TOOL} for _, case in LOOK_ALIKES]
        harmless = [source.choice(looked_at) for _ in range(_LOOKED_AT)]
        harmless += [
            {**_everyday(number), **_TOOL} for number in range(_RECORDS - _VIOLATIONS - _LOOKED_AT)
        ]
    drawn = [source.choice(violations) for _ in range(_VIOLATIONS)] + harmless
    source.shuffle(drawn)
    return [{**each, "eventID": f"{number:032x}"} for number, each in enumerate(drawn)]


def _pack(records: list[Record]) -> bytes:
    """A delivery as CloudWatch Logs compresses it, without white space."""
    messages = (json.dumps(each, separators=COMPACT) for each in records)
    return gzip.compress(delivery(*messages).encode())


def _event(data: bytes) -> Record:
    return {"awslogs": {"data": base64.b64encode(data).decode("ascii")}}


class _Topic:
    """Takes every alert, without a network and without boto3."""

    def publish_batch(self, **batch: Any) -> dict[str, Any]:
        return {"Successful": batch["PublishBatchRequestEntries"], "Failed": []}


class _Body:
    """An answer's body, as botocore reads one."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self._content


def _answering(service: str, answers: Mapping[str, bytes]) -> Any:
    """The function's own client of a service, whose calls are answered at once.

    All that boto3 does for a call is done, but for the network.
    """
    made: Any = aws.ledger_client(service) if service == "dynamodb" else aws.client(service)

    def answer(request: AWSPreparedRequest, event_name: str, **_: Any) -> AWSResponse:
        content = answers[event_name.rsplit(".", 1)[1]]
        return AWSResponse(str(request.url), 200, {}, _Body(content))

    made.meta.events.register(f"before-send.{service}", answer)
    return made


def _clients() -> tuple[Any, Any]:
    """A topic and a table that take everything."""
    published = (
        b"<PublishBatchResponse><PublishBatchResult><Failed/><Successful/></PublishBatchResult>"
        b"</PublishBatchResponse>"
    )
    counted = b'{"Attributes": {"told_count": {"N": "1"}}}'
    with_credentials = {
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_DEFAULT_REGION": "ap-southeast-1",
    }
    with patch.dict(os.environ, with_credentials):
        return (
            _answering("sns", {"PublishBatch": published}),
            _answering("dynamodb", {"TransactWriteItems": b"{}", "UpdateItem": counted}),
        )


def _checker(topic: Any = None, table: Any = None) -> Checker:
    """A function that has not published anything yet; without a table it has no ledger."""
    return Checker(
        settings=Settings(alert_topic_arn=_TOPIC, environment="dev"),
        pipeline=AuditPipeline(environment="dev", topic_arn=_TOPIC),
        log=StructuredLog(stream=io.StringIO()),
        publisher=AlertPublisher(_TOPIC, lambda _: topic or _Topic()),
        dead_letters=None,
        live=LiveState("123456789012", refusing("NoSuchEntity")),
        ledger=None if table is None else AlertLedger("ledger", lambda _: table),
    )


def _seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def _batch() -> Iterator[Row]:
    data = _pack(_draw(random.Random(1)))  # noqa: S311
    event = _event(data)

    def envelope() -> object:
        return json.loads(gzip.decompress(data))

    def everything() -> None:
        for entry in json.loads(gzip.decompress(data))["logEvents"]:
            json.loads(entry["message"])

    names = ("envelope", "everything", "function", "sending", "ledger")
    best = dict.fromkeys(names, float("inf"))
    topic, table = _clients()
    for _ in range(_ROUNDS):
        # In turns, so that a busy moment of the machine meets each of them.
        checker, sending, with_ledger = _checker(), _checker(topic), _checker(topic, table)
        for name, work in (
            ("envelope", envelope),
            ("everything", everything),
            ("function", lambda checker=checker: checker.handle(event)),
            ("sending", lambda checker=sending: checker.handle(event)),
            ("ledger", lambda checker=with_ledger: checker.handle(event)),
        ):
            best[name] = min(best[name], _seconds(work))
    summary = _checker().handle(event)
    of = f"{summary['records']} records, {summary['violations']} of them violations"

    def against(what: str, name: str, other: str, limit: float | None) -> Row:
        mine, theirs = best[name] * 1000, best[other] * 1000
        return Row(f"{of}", what, mine / theirs, limit, f"{mine:.1f} ms and {theirs:.1f} ms")

    yield against("parsing the delivery, records left as text", "function", "envelope", None)
    yield against("parsing the delivery and each record", "function", "everything", _LIMIT_OF_BATCH)
    yield Row(
        f"{of}, with the ledger",
        "without, both by boto3, answered at once",
        best["ledger"] / best["sending"],
        _LIMIT_WITH_LEDGER,
    )


def _growth() -> Iterator[Row]:
    """Processor time a record, of deliveries of several sizes."""
    draws = [_draw(random.Random(number)) for number in range(_DRAWS)]  # noqa: S311
    few = _event(_pack(draws[0]))
    many = _event(_pack([each for draw in draws for each in draw]))
    best = {"few": float("inf"), "many": float("inf")}
    for _ in range(_ROUNDS // 2):
        for name, event in (("few", few), ("many", many)):
            best[name] = min(best[name], _seconds(partial(_checker().handle, event)))
    yield Row(
        f"{_DRAWS * _RECORDS} records, processor time a record",
        f"{_RECORDS} records",
        best["many"] / best["few"] / _DRAWS,
        _LIMIT_OF_GROWTH,
    )


_RUNTIME = "import awslambdaric.bootstrap"
_FUNCTION = (
    f"{_RUNTIME}; import sys; sys.path.insert(0, {{path!r}}); import compliance_checker.handler"
)
_PROCESSOR_SECONDS = "; import time; print(time.process_time())"


def _start(code: str) -> float:
    """Processor time in seconds of an interpreter that starts, runs the code and keeps nothing."""
    return float(_run(code + _PROCESSOR_SECONDS))


def _run(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-I", "-B", "-c", code], check=True, capture_output=True, text=True
    )
    return done.stdout


@contextmanager
def _sources() -> Iterator[str]:
    """A folder with the function's sources, without bytecode."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(
            _LAMBDA / "compliance_checker",
            Path(folder) / "compliance_checker",
            ignore=shutil.ignore_patterns("__pycache__"),
        )
        yield folder


def _cold_start() -> Iterator[Row]:
    """A cold start with the function against one without it.

    Without it, an interpreter starts and imports the client of Lambda's runtime, which is there
    before any function. The function is imported from sources without bytecode, as Lambda does it:
    it keeps none of a package's.
    """
    with _sources() as folder:
        function = _FUNCTION.format(path=folder)
        # In turns, so that a busy moment of the machine meets both of them.
        times = [(_start(_RUNTIME), _start(function)) for _ in range(_STARTS)]
    bare = min(without for without, _ in times)
    ratio = min(with_function for _, with_function in times) / bare
    yield Row(
        "cold start with the function, processor time",
        "the runtime alone",
        ratio,
        _LIMIT_OF_COLD_START,
        f"{ratio * bare * 1000:.0f} ms and {bare * 1000:.0f} ms",
    )


# What the ledger's modules need and what the function has without them is imported first.
_IMPORT = """
import sys, time
sys.path.insert(0, {path!r})
begin = time.process_time()
from compliance_checker import alert, aws, coalesce
before = time.process_time()
from compliance_checker import gathering
after = time.process_time()
import compliance_checker.handler
print(time.process_time() - begin, after - before)
"""


def _import() -> Iterator[Row]:
    """The function's import, from sources without bytecode, against that without the ledger."""
    with _sources() as folder:
        code = f"{_RUNTIME}{_IMPORT.format(path=folder)}"
        times = [[float(part) for part in _run(code).split()] for _ in range(_STARTS)]
    whole, ledger = (min(column) for column in zip(*times, strict=True))
    yield Row(
        "import of the function",
        "import without the ledger",
        whole / (whole - ledger),
        _LIMIT_OF_IMPORT_WITH_LEDGER,
        f"{whole * 1000:.0f} ms and {(whole - ledger) * 1000:.0f} ms",
    )


_PEAK = """
import json, resource, sys
sys.path[:0] = [{lambda_!r}, {repository!r}]
import boto3
for service in ("sns", "sqs"):
    boto3.client(service, region_name="ap-southeast-1")
from bench.parts.compliance_function import _checker
with open({path!r}, encoding="ascii") as stream:
    event = json.load(stream)
summary = _checker().handle(event)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(summary["records"], peak // (1024 if sys.platform == "linux" else 1024 * 1024))
"""


def _memory() -> Iterator[Row]:
    """Peak resident memory of a process that handles as much as one invocation can bring."""
    source = random.Random(2)  # noqa: S311
    records: list[Record] = []
    data = b""
    while len(data) * 4 // 3 < 1_000_000:
        # Identifiers as real ones: what compresses too well would not be a megabyte of records.
        records += [
            {**each, "eventID": source.randbytes(96).hex(), "requestID": source.randbytes(96).hex()}
            for each in _draw(source)
        ]
        data = _pack(records)
    with tempfile.NamedTemporaryFile("w", encoding="ascii", suffix=".json") as stream:
        json.dump(_event(data), stream)
        stream.flush()
        code = _PEAK.format(lambda_=str(_LAMBDA), repository=str(_REPOSITORY), path=stream.name)
        answer = subprocess.run(
            [sys.executable, "-c", code],
            check=True,
            capture_output=True,
            text=True,
            env={**os.environ, "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"},
        ).stdout
    count, peak = (int(part) for part in answer.split()[-2:])
    yield Row(
        f"{count} records in {len(data) * 4 / 3 / 1e6:.1f} MB, peak memory, boto3 included",
        f"{_MEGABYTES} MB, the least that Lambda gives",
        peak / _MEGABYTES,
        1.0,
        f"{peak} MB",
    )


def rows() -> Iterator[Row]:
    """Measure the function without any account."""
    # Linux counts the memory of whoever starts a process as that process's peak: it comes first.
    yield from _memory()
    yield from _batch()
    yield from _growth()
    yield from _cold_start()
    yield from _import()
