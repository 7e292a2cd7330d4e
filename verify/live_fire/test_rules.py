"""Rules: the deployed function, asked directly, judges as it should."""

from __future__ import annotations

import pytest

from verify import schemas
from verify.check import Check
from verify.live_fire.invocation import Invocation


@pytest.mark.live_fire
@pytest.mark.control("function-judges-every-rule")
def test_the_function_judges_every_rule(check: Check, rule_invocation: Invocation) -> None:
    reply = rule_invocation.result()
    check.evidence.extend(reply.evidence)
    for sample in reply.samples:
        check.equal(
            sample.rule,
            "alerts on its violation",
            expected=[sample.rule],
            seen=reply.raised_by(sample),
        )
    check.none(
        "all rules",
        "alerts on the same calls when they failed",
        sorted(str(alert.get("rule")) for alert in reply.false_alerts),
    )
    for alert in reply.alerts:
        faults = schemas.violations("alert", alert)
        if faults:
            check.none(str(alert.get("rule")), "faults by the alert's schema", faults)
