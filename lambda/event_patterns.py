"""Write the EventBridge patterns that bring the function what its rules judge.

    python lambda/event_patterns.py            write terraform/event-patterns.json
    python lambda/event_patterns.py --check    say whether it is up to date; 1 if not

The file is an object: the name of each rule that Terraform makes, and its ``pattern`` and
``state``. The rules' own event names are the source; nothing else is to be edited. EventBridge
takes 2,048 characters a pattern (EventBridge user guide, "Amazon EventBridge quotas").
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

_HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(_HERE))

from compliance_checker.model import Rule  # noqa: E402
from compliance_checker.rules import RULES  # noqa: E402

TARGET = _HERE.parent / "terraform" / "event-patterns.json"
MAXIMUM_CHARACTERS = 2048

# What CloudTrail's management events are on a bus; only AWS may put events whose source begins so.
_OF_CLOUDTRAIL: dict[str, Any] = {
    "source": [{"prefix": "aws."}],
    "detail-type": [
        "AWS API Call via CloudTrail",
        "AWS Console Action via CloudTrail",
        "AWS Console Sign In via CloudTrail",
        "AWS Service Event via CloudTrail",
    ],
}
# A failed call changed nothing: CloudTrail leaves errorCode out of a successful one.
_SUCCESSFUL: dict[str, Any] = {"errorCode": [{"exists": False}]}
# Lambda's names have the API's date behind them (UpdateFunctionCode20150331v2).
_DATED_SOURCE = "lambda.amazonaws.com"


def patterns(rules: Iterable[Rule] = RULES) -> dict[str, dict[str, Any]]:
    """The EventBridge rules by name: ``pattern`` and ``state`` of each."""
    known = tuple(rules)
    found = {
        f"changes-{number}": {"state": "ENABLED", "pattern": _pattern(alternatives)}
        for number, alternatives in enumerate(_packed(_alternatives(known)), start=1)
    }
    if any(rule.identity_type == "Root" for rule in known):
        # The root user's reads are to be seen too: EventBridge keeps those from other states.
        found["root-user"] = {
            "state": "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS",
            "pattern": {
                **_OF_CLOUDTRAIL,
                "detail": {**_SUCCESSFUL, "userIdentity": {"type": ["Root"]}},
            },
        }
    return found


def encode(found: dict[str, dict[str, Any]]) -> str:
    """The file's text."""
    return json.dumps(found, indent=2, sort_keys=True) + "\n"


def _pattern(alternatives: list[dict[str, Any]]) -> dict[str, Any]:
    return {**_OF_CLOUDTRAIL, "detail": {**_SUCCESSFUL, "$or": alternatives}}


def _alternatives(rules: Iterable[Rule]) -> Iterator[dict[str, Any]]:
    """For each source the names that are in a rule."""
    names: dict[str, set[str]] = {}
    for rule in rules:
        for source, name in rule.events:
            names.setdefault(source, set()).add(name)
    for source in sorted(names):
        listed = sorted(names[source])
        dated = source == _DATED_SOURCE
        yield {
            "eventSource": [source],
            "eventName": [{"prefix": name} for name in listed] if dated else listed,
        }


def _packed(alternatives: Iterable[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """As few patterns as hold them in their order."""
    packed: list[list[dict[str, Any]]] = []
    for alternative in alternatives:
        if packed and _length([*packed[-1], alternative]) <= MAXIMUM_CHARACTERS:
            packed[-1].append(alternative)
        else:
            packed.append([alternative])
    return packed


def _length(alternatives: list[dict[str, Any]]) -> int:
    """How long Terraform's jsonencode makes the pattern; it writes < and > and & as six."""
    text = json.dumps(_pattern(alternatives), separators=(",", ":"))
    return len(text) + 5 * sum(text.count(mark) for mark in "<>&")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="event_patterns.py", description=__doc__.split("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; 1 if out of date")
    options = parser.parse_args(arguments)
    text = encode(patterns())
    if options.check:
        if TARGET.read_text(encoding="utf-8") == text:
            return 0
        print(f"{TARGET} is out of date: python lambda/event_patterns.py", file=sys.stderr)
        return 1
    TARGET.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
