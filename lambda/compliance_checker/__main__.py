"""Judge CloudTrail records without AWS: ``python -m compliance_checker < events.jsonl``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import TextIO

from . import alert as alerts
from .evaluate import evaluate
from .pipeline import AuditPipeline
from .reading import Unreadable, files_in, records_in, text_of, values
from .rules import RULES
from .times import now

_DESCRIPTION = """\
Read CloudTrail records and print one line of JSON for each violation, by the published alert
schema. Nothing is sent anywhere and no AWS account is needed.

Input, from standard input, files or folders, one JSON value a line or one for the whole file:
  a CloudTrail record, or a list of them;
  a CloudTrail log file: {"Records": [...]};
  what "aws cloudtrail lookup-events" prints: {"Events": [{"CloudTrailEvent": "..."}]};
  what "aws logs filter-log-events" or "get-log-events" prints: {"events": [{"message": "..."}]};
  what "aws logs get-query-results" prints, with @message;
  a line of an export from CloudWatch Logs, or of "aws logs tail": a time before the record;
  what CloudWatch Logs sends to a subscription: {"awslogs": {"data": "..."}}, or unpacked;
  an EventBridge event with a record: {"detail-type": "... via CloudTrail", "detail": {...}};
  a line of a labelled collection: {"event": {...}}.
Several values may stand one behind the other. Any input may be packed with gzip. Of a folder, all
files are read, and those of the folders in it; digest files hold no records and are passed over.
"""
_EPILOG = """\
exit status: 0 no violation; 1 at least one violation; 2 something could not be read
(what could be read is judged and printed all the same)
"""


# An input that is no log at all would tell so in each of its lines.
_MOST_MESSAGES = 20


def _judge(stream: TextIO, name: str, pipeline: AuditPipeline) -> tuple[int, int]:
    """Print the violations of one input; return how many, and how many parts were unreadable."""
    violations = unreadable = 0
    for number, value in values(stream):
        for record in records_in(value):
            if isinstance(record, Unreadable):
                unreadable += 1
                if unreadable <= _MOST_MESSAGES:
                    print(
                        f"compliance_checker: {name}, line {number}: {record.why}", file=sys.stderr
                    )
                continue
            received = now()
            for violation in evaluate(record, pipeline):
                violations += 1
                event_id = record.get("eventID")
                alert = alerts.build(
                    violation,
                    record,
                    event_id=event_id if isinstance(event_id, str) else f"{name}:{number}",
                    environment=pipeline.environment or "unknown",
                    received=received,
                    delivered=None,
                )
                print(alerts.encode(alert, now()))
    if unreadable > 1:
        print(f"compliance_checker: {name}: {unreadable} parts could not be read", file=sys.stderr)
    return violations, unreadable


def _judge_input(name: str, pipeline: AuditPipeline) -> tuple[int, int]:
    if name == "-":
        return _judge(text_of(sys.stdin.buffer), "standard input", pipeline)
    with open(name, "rb") as stream:
        return _judge(text_of(stream), name, pipeline)


def _list_rules() -> None:
    for rule in RULES:
        print(
            json.dumps(
                {
                    "rule": rule.id,
                    "title": rule.title,
                    "severity": rule.severity,
                    "citations": rule.citations,
                    "resource_type": rule.resource_type,
                    "events": [f"{source}:{name}" for source, name in rule.events]
                    or [f"every event of userIdentity.type {rule.identity_type}"],
                    "fields": rule.fields,
                }
            )
        )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m compliance_checker",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "files", nargs="*", metavar="FILE", help="or a folder; - is standard input, and the default"
    )
    parser.add_argument(
        "--environment",
        help="judge changes to the audit trail's own resources of this environment only "
        "(default: of every environment)",
    )
    parser.add_argument("--list-rules", action="store_true", help="print the rules and stop")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status (see --help)."""
    options = _parser().parse_args(arguments)
    if options.list_rules:
        _list_rules()
        return 0
    pipeline = AuditPipeline(environment=options.environment)
    violations = unreadable = 0
    for name in (file for given in options.files or ["-"] for file in files_in(given)):
        try:
            found = _judge_input(name, pipeline)
        except BrokenPipeError:
            raise
        except OSError as error:
            found = (0, 1)
            print(f"compliance_checker: {name}: {error.strerror}", file=sys.stderr)
        violations += found[0]
        unreadable += found[1]
    if unreadable:
        return 2
    return 1 if violations else 0


if __name__ == "__main__":
    try:
        status = main()
        sys.stdout.flush()
    except BrokenPipeError:  # the reader, such as head, has seen enough
        sys.stderr.close()
        status = 0
    sys.exit(status)
