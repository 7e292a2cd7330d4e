"""Inventory: what Terraform would change is what somebody changed without it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

import pytest

from verify.account.door import Aws
from verify.check import Check
from verify.inputs.deployment import Deployment
from verify.inputs.plan import Difference, PlanError, parse_plan
from verify.model import NotVerifiedError, Observation
from verify.run.settings import Settings
from verify.run.verification import Run

# Time enough for a slow plan and a slow run; an older plan says nothing of the account as it is.
_MAXIMUM_AGE = timedelta(hours=1)
_IDENTITY = ("account_id", "region", "environment", "trail_arn")


@pytest.mark.control("no-drift")
def test_terraform_would_change_nothing(
    check: Check, aws: Aws, deployment: Deployment, verification_run: Run
) -> None:
    settings = verification_run.settings
    if not settings.plan_asked:
        check.not_applicable(
            "no plan was asked for: run `make verify DRIFT=1`, or give what "
            "`terraform show -json <plan>` prints with --plan=<file>"
        )
    seen, _ = aws.looked("terraform", "plan", lambda: _seen(settings))
    for name in _IDENTITY:
        planned, deployed = seen["outputs"][name], getattr(deployment, name)
        if planned != deployed:
            raise NotVerifiedError(
                f"the plan is of another deployment: its {name} is {planned}, not {deployed}"
            )
    age = verification_run.as_of - datetime.fromisoformat(seen["made"])
    if age > _MAXIMUM_AGE:
        raise NotVerifiedError(f"the plan is {age.total_seconds() / 60:.0f} minutes old: make one")
    check.holds(
        deployment.trail_arn,
        "resources in the plan",
        seen["resources"] > 0,
        expected="at least one",
        seen=seen["resources"],
    )
    for found in (Difference(**difference) for difference in seen["differences"]):
        check.observations.append(
            Observation(
                found.subject,
                f"{found.address} {found.attribute}",
                expected="as declared",
                seen=found.live,
                met=False,
                declared=found.declared,
            )
        )


def _seen(settings: Settings) -> Mapping[str, Any]:
    """The plan as evidence, without what it holds beyond the differences."""
    try:
        if settings.plan is None:
            raise PlanError(str(settings.plan_problem))
        plan = parse_plan(settings.plan)
    except PlanError as error:
        raise NotVerifiedError(str(error)) from None
    return {
        "outputs": {name: plan.outputs.get(name) for name in _IDENTITY},
        "made": plan.made.isoformat(),
        "resources": plan.resources,
        "differences": [asdict(difference) for difference in plan.differences],
    }
