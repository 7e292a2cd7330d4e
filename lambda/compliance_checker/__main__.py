"""Judge CloudTrail records without AWS: ``python -m compliance_checker < events.jsonl``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from io import TextIOWrapper
from typing import Any, TextIO

from . import alert as alerts
from .evaluate import evaluate
from .pipeline import AuditPipeline
from .rules import RULES
from .times import now

_DESCRIPTION = """\
Read CloudTrail records and print one line of JSON for each violation, by the published alert
schema. Nothing is sent anywhere and no AWS account is needed.

Input, from standard input or from files, one JSON value a line or one for the whole file:
  a CloudTrail record;
  a CloudTrail log file: {"Records": [...]};
  an EventBridge event with a record: {"detail-type": "... via CloudTrail", "detail": {...}};
  a line of a labelled collection: {"event": {...}}.
"""
_EPILOG = """\
exit status: 0 no violation; 1 at least one violation; 2 something could not be read
(what could be read is judged and printed all the same)
"""


class _UnreadableError(ValueError):
    """A part of the input that holds no CloudTrail record."""


def _records(value: object) -> Iterator[Mapping[str, Any]]:
    """The CloudTrail records in one JSON value."""
    if isinstance(value, list):
        for member in value:
            yield from _records(member)
        return
    if not isinstance(value, dict):
        raise _UnreadableError("not a JSON object")
    if isinstance(value.get("Records"), list):
        yield from _records(value["Records"])
    elif "eventName" in value or "eventSource" in value:
        yield value
    elif isinstance(value.get("detail"), dict):
        yield from _records(value["detail"])
    elif isinstance(value.get("event"), dict):
        yield from _records(value["event"])
    else:
        raise _UnreadableError("holds no CloudTrail record")


def _values(stream: TextIO) -> Iterator[tuple[int, object]]:
    """JSON values with the line on which each begins; _UnreadableError in place of a broken one."""
    for number, line in enumerate(stream, start=1):
        if not line.strip():
            continue
        try:
            yield number, json.loads(line)
        except RecursionError:
            yield number, _UnreadableError("nested too deeply")
        except ValueError as error:
            if number > 1 or line.lstrip()[:1] not in "{[":
                yield number, _UnreadableError(f"not JSON: {error}")
                continue
            # The first line may begin a value that spans the whole file.
            rest = stream.read()
            try:
                yield number, json.loads(line + rest)
            except RecursionError:
                yield number, _UnreadableError("nested too deeply")
            except ValueError:
                yield number, _UnreadableError(f"not JSON: {error}")
                for offset, each in enumerate(rest.splitlines(), start=2):
                    if each.strip():
                        yield from _single(offset, each)
            return


def _single(number: int, line: str) -> Iterator[tuple[int, object]]:
    try:
        yield number, json.loads(line)
    except RecursionError:
        yield number, _UnreadableError("nested too deeply")
    except ValueError as error:
        yield number, _UnreadableError(f"not JSON: {error}")


def _judge(stream: TextIO, name: str, pipeline: AuditPipeline) -> tuple[int, int]:
    """Print the violations of one input; return how many, and how many parts were unreadable."""
    violations = unreadable = 0
    for number, value in _values(stream):
        try:
            if isinstance(value, _UnreadableError):
                raise value
            for record in _records(value):
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
        except _UnreadableError as error:
            unreadable += 1
            print(f"compliance_checker: {name}, line {number}: {error}", file=sys.stderr)
    return violations, unreadable


def _judge_input(name: str, pipeline: AuditPipeline) -> tuple[int, int]:
    # Bytes that are no UTF-8 spoil one string, not the whole input.
    if name == "-":
        if isinstance(sys.stdin, TextIOWrapper):
            sys.stdin.reconfigure(encoding="utf-8", errors="replace")
        return _judge(sys.stdin, "standard input", pipeline)
    with open(name, encoding="utf-8", errors="replace") as stream:
        return _judge(stream, name, pipeline)


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
    parser.add_argument("files", nargs="*", metavar="FILE", help="default: standard input")
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
    for name in options.files or ["-"]:
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
