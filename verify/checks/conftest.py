"""What several checks look at, through the one door, which fetches it once.

Each check asks for itself, so that each names the answer as its evidence, and declares what it
reads, by these as well, in its marker.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest

from verify.account import reads
from verify.account.answer import pick
from verify.account.door import Aws
from verify.account.inventory import Inventory
from verify.check import Check
from verify.checks.settings import SETTINGS
from verify.inputs.deployment import Deployment
from verify.model import NotVerifiedError
from verify.run.verification import Run


@pytest.fixture(autouse=True)
def network_of_ones_own(
    request: pytest.FixtureRequest, check: Check, deployment: Deployment, verification_run: Run
) -> None:
    """What is true of somebody else's network is not to the credit of a deployment without one."""
    control = request.node.get_closest_marker("control").args[0]
    families = {item.identifier: item.family for item in verification_run.controls}
    if families.get(control) == "Network" and not deployment.has_network:
        check.equal(
            deployment.vpc_id,
            "whose network it is",
            expected="the deployment's own",
            seen="somebody else's",
        )


@pytest.fixture
def hold_settings(
    request: pytest.FixtureRequest,
    check: Check,
    aws: Aws,
    deployment: Deployment,
    baseline: Mapping[str, Any],
) -> Callable[[], None]:
    """Holds the control's own settings (see `verify.checks.settings`) to the baseline."""
    control = request.node.get_closest_marker("control").args[0]

    def hold() -> None:
        for setting in SETTINGS:
            if setting.control == control:
                required, live = setting.required(baseline), setting.live(aws, deployment)
                check.holds(
                    getattr(deployment, setting.subject),
                    setting.aspect,
                    setting.accepts(required, live),
                    expected=required,
                    seen=live,
                    declared=setting.declared,
                )

    return hold


@pytest.fixture
def unless_owned(
    request: pytest.FixtureRequest, check: Check, baseline: Mapping[str, Any]
) -> Callable[[], None]:
    """Ends the check where the baseline says that another team owns its control."""
    control = request.node.get_closest_marker("control").args[0]

    def end() -> None:
        team = baseline["account"]["owners"].get(control)
        if team is not None:
            check.not_applicable(f"the baseline says that {team} owns this, and answers for it")

    return end


@pytest.fixture
def inventory(aws: Aws, deployment: Deployment, baseline: Mapping[str, Any]) -> Inventory:
    """Everything that the deployment has."""
    return Inventory(aws, deployment, baseline["identifying_tags"])


@pytest.fixture
def trail(aws: Aws, deployment: Deployment) -> Mapping[str, Any]:
    """The trail as DescribeTrails gives it; it must be the one that was asked for."""
    found = aws.pick(reads.trail(deployment), "trailList")
    if len(found) != 1:
        raise NotVerifiedError(f"expected one trail {deployment.trail_arn}, AWS lists {len(found)}")
    trail: Mapping[str, Any] = found[0]
    seen = pick(trail, "TrailARN")
    if seen != deployment.trail_arn:
        raise NotVerifiedError(f"asked for the trail {deployment.trail_arn}, AWS answered {seen}")
    return trail


def _with_all(
    found: list[Mapping[str, Any]], key: str, expected: Iterable[str]
) -> list[Mapping[str, Any]]:
    """`found`, if it holds all that the outputs name; a listing that lacks one is not complete."""
    missing = set(expected) - {pick(item, key) for item in found}
    if missing:
        raise NotVerifiedError(f"AWS's listing lacks {', '.join(sorted(missing))}")
    return found


@pytest.fixture
def vpc(aws: Aws, deployment: Deployment) -> Mapping[str, Any]:
    """The VPC as DescribeVpcs gives it: that nothing is in it says nothing of one that is not."""
    found = aws.pick(reads.vpc(deployment), "Vpcs")
    if [pick(vpc, "VpcId") for vpc in found] != [deployment.vpc_id]:
        raise NotVerifiedError(f"expected the VPC {deployment.vpc_id}, AWS lists {len(found)}")
    vpc: Mapping[str, Any] = found[0]
    return vpc


@pytest.fixture
def vpc_groups(aws: Aws, deployment: Deployment) -> list[Mapping[str, Any]]:
    """Every security group of the VPC."""
    return _with_all(
        aws.pick(reads.security_groups(deployment), "SecurityGroups"),
        "GroupId",
        filter(
            None, (deployment.application_security_group_id, deployment.default_security_group_id)
        ),
    )


@pytest.fixture
def vpc_subnets(aws: Aws, deployment: Deployment) -> list[Mapping[str, Any]]:
    """Every subnet of the VPC, those that the outputs do not name included."""
    return _with_all(
        aws.pick(reads.subnets(deployment), "Subnets"),
        "SubnetId",
        (*deployment.private_subnet_ids, *deployment.public_subnet_ids),
    )


@pytest.fixture
def vpc_route_tables(aws: Aws, deployment: Deployment) -> list[Mapping[str, Any]]:
    """Every route table of the VPC."""
    return _with_all(
        aws.pick(reads.route_tables(deployment), "RouteTables"),
        "RouteTableId",
        (*deployment.private_route_table_ids, *deployment.public_route_table_ids),
    )


@pytest.fixture
def function(aws: Aws, deployment: Deployment) -> Mapping[str, Any]:
    """The function's configuration: that of the function that was asked for, as it runs now."""
    configuration: Mapping[str, Any] = aws.pick(reads.function(deployment))
    shown = pick(configuration, "FunctionArn"), pick(configuration, "Version")
    if shown != (deployment.function_arn, "$LATEST"):
        raise NotVerifiedError(f"AWS shows {shown[0]} (version {shown[1]}) instead of the function")
    return configuration


@pytest.fixture
def alarms(aws: Aws) -> list[Mapping[str, Any]]:
    """Every metric alarm of the account and region."""
    found: list[Mapping[str, Any]] = aws.pick(reads.alarms(), "MetricAlarms")
    return found


@pytest.fixture
def alert_topic(aws: Aws, deployment: Deployment) -> Mapping[str, Any]:
    """The attributes of the alert topic."""
    attributes: Mapping[str, Any] = aws.pick(reads.alert_topic(deployment), "Attributes")
    return attributes
