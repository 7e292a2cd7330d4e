"""Inventory: what Terraform would change is what somebody changed without it."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import pytest

from verify.account.door import Aws
from verify.account.evidence import ApiCall
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
    seen, evidence = aws.looked("terraform", "plan", lambda: _seen(settings, deployment))
    check.evidence.append(evidence)
    if "problem" in seen:
        raise NotVerifiedError(seen["problem"])
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


def _seen(settings: Settings, deployment: Deployment) -> ApiCall:
    """The plan as evidence, without what it holds beyond the differences."""
    now = datetime.now(UTC)
    try:
        if settings.plan is None:
            raise PlanError(str(settings.plan_problem))
        plan = parse_plan(settings.plan)
        made = plan.made
        found = {
            "outputs": {name: plan.outputs.get(name) for name in _IDENTITY},
            "made": plan.made.isoformat(),
            "resources": plan.resources,
            "differences": [asdict(difference) for difference in plan.differences],
        }
    except PlanError as error:
        made, found = now, {"problem": str(error)}
    return ApiCall(
        service="terraform",
        operation="plan",
        region=deployment.region,
        parameters={},
        time=made,
        seconds=0.0,
        request_ids=(),
        pages=(found,),
        error=None,
    )
