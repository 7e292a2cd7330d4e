"""What a baseline asks of the function besides judging, and all that follows from it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.checks.duties import role_needs, scan_rules, variables

REMEDIES = ["public-access-block-weakened", "trail-stopped"]


def _baseline(
    checks: list[str] | None = None, rules: list[str] | None = None, mode: str = "dry-run"
) -> dict[str, Any]:
    return {
        "function": {
            "scan": {"checks": checks or [], "rule": "scan-it", "schedule": "rate(1 hour)"},
            "remediation": {"rules": rules or [], "mode": mode},
        },
        "roles": {"additions": {"live-fire": "permitted"}, "permissions": {"of": "all"}},
    }


def test_nothing_follows_where_nothing_is_asked_for() -> None:
    baseline = _baseline()
    assert scan_rules(baseline) == []
    assert variables(baseline) == {}
    assert role_needs(baseline) == baseline["roles"]


def test_a_scan() -> None:
    baseline = _baseline(checks=["trails", "buckets"])
    assert scan_rules(baseline) == ["scan-it"]
    assert variables(baseline) == {"SCAN_CHECKS": "buckets,trails"}
    assert role_needs(baseline)["additions"] == {
        "live-fire": "permitted",
        "scan-trails": "required",
        "scan-buckets": "required",
    }


@pytest.mark.parametrize(
    ("mode", "applied"), [("dry-run", []), ("apply", [f"{rule}-applied" for rule in REMEDIES])]
)
def test_remedies(mode: str, applied: list[str]) -> None:
    baseline = _baseline(rules=REMEDIES[::-1], mode=mode)
    assert scan_rules(baseline) == []
    assert variables(baseline) == {
        "REMEDIATION_RULES": "public-access-block-weakened,trail-stopped",
        "REMEDIATION_MODE": mode,
    }
    additions = dict(role_needs(baseline)["additions"])
    assert additions.pop("live-fire") == "permitted"
    assert additions == dict.fromkeys([*REMEDIES, *applied], "required")


_CHECKS = ("buckets", "flow-logs", "security-groups", "trails")


@given(st.sets(st.sampled_from(_CHECKS)), st.sets(st.sampled_from(REMEDIES)))
def test_what_is_not_asked_for_is_never_permitted(checks: set[str], rules: set[str]) -> None:
    asked = _baseline(sorted(checks), sorted(rules), "dry-run")
    additions = role_needs(asked)["additions"]
    assert set(additions) - {"live-fire"} == {f"scan-{check}" for check in checks} | rules
    assert bool(scan_rules(asked)) == bool(checks)
