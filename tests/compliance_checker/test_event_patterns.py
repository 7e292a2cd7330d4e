"""EventBridge's patterns: made of the rules' own events, up to date, within EventBridge's size."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from compliance_checker.rules import RULES

REPOSITORY = Path(__file__).parents[2]
PATTERNS = json.loads((REPOSITORY / "terraform" / "event-patterns.json").read_text("utf-8"))


def test_the_file_is_up_to_date() -> None:
    checked = subprocess.run(
        [sys.executable, str(REPOSITORY / "lambda" / "event_patterns.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr


def test_each_is_of_the_size_that_eventbridge_takes() -> None:
    for name, rule in PATTERNS.items():
        assert len(json.dumps(rule["pattern"], separators=(",", ":"))) <= 2048, name


def test_every_event_of_a_rule_is_in_one_of_them() -> None:
    named = {
        (source, name if isinstance(name, str) else name["prefix"])
        for rule in PATTERNS.values()
        for alternative in rule["pattern"]["detail"].get("$or", [])
        for source in alternative["eventSource"]
        for name in alternative["eventName"]
    }
    assert named == {event for rule in RULES for event in rule.events}


def test_the_root_user_is_seen_when_it_reads_too() -> None:
    assert PATTERNS["root-user"]["state"] == "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"
    assert PATTERNS["root-user"]["pattern"]["detail"] == {
        "errorCode": [{"exists": False}],
        "userIdentity": {"type": ["Root"]},
    }


def test_none_matches_what_anyone_may_put_on_the_bus() -> None:
    for rule in PATTERNS.values():
        assert rule["pattern"]["source"] == [{"prefix": "aws."}]
        assert all(kind.endswith(" via CloudTrail") for kind in rule["pattern"]["detail-type"])
