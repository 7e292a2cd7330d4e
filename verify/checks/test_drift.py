"""Inventory: what Terraform would change is what somebody changed without it."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import pytest

from verify.account.door import Aws
from verify.account.evidence import ApiCall
from verify.check import Check
from verify.inputs.deployment import Deployment
from verify.inputs.plan import Plan, PlanError, parse_plan
from verify.model import NotVerifiedError, Observation
from verify.run.verification import Run

# Time enough for a slow plan and a slow run; an older plan says nothing of the account as it is.
_MAXIMUM_AGE = timedelta(hours=1)
_IDENTITY = ("account_id", "region", "environment", "trail_arn")


@pytest.mark.control("no-drift")
def test_terraform_would_change_nothing(
    check: Check, aws: Aws, deployment: Deployment, verification_run: Run
) -> None:
    settings = verification_run.settings
    if settings.plan is None and settings.plan_problem is None:
        check.not_applicable(
            "no plan was asked for: run `make verify DRIFT=1`, or give what "
            "`terraform show -json <plan>` prints with --plan=<file>"
        )
    if settings.plan is None:
        raise NotVerifiedError(str(settings.plan_problem))
    try:
        plan = parse_plan(settings.plan)
    except PlanError as error:
        raise NotVerifiedError(str(error)) from None
    for name in _IDENTITY:
        planned, deployed = plan.outputs.get(name), getattr(deployment, name)
        if planned != deployed:
            raise NotVerifiedError(
                f"the plan is of another deployment: its {name} is {planned}, not {deployed}"
            )
    age = datetime.now(UTC) - plan.made
    if age > _MAXIMUM_AGE:
        raise NotVerifiedError(f"the plan is {age.total_seconds() / 60:.0f} minutes old: make one")
    check.evidence.append(aws.record(_seen(plan, deployment)))
    check.holds(
        deployment.trail_arn,
        "resources in the plan",
        plan.resources > 0,
        expected="at least one",
        seen=plan.resources,
    )
    for found in plan.differences:
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


def _seen(plan: Plan, deployment: Deployment) -> ApiCall:
    """The plan as evidence, without what it holds beyond the differences."""
    found = {
        "resources": plan.resources,
        "differences": [asdict(difference) for difference in plan.differences],
    }
    return ApiCall(
        service="terraform",
        operation="plan",
        region=deployment.region,
        parameters={},
        time=plan.made,
        seconds=0.0,
        request_ids=(),
        pages=(found,),
        error=None,
    )
