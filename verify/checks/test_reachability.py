"""Network: what can pass, by every chain of gateways, routes, network ACLs and security groups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from verify.account.door import Aws
from verify.check import Check
from verify.checks.reachability import READINGS, LaidOut, report_ways, tiers_of
from verify.exposure.reachability import Tiers, picture_of
from verify.inputs.deployment import Deployment
from verify.model import NotVerifiedError


@pytest.fixture(scope="session")
def laid_out() -> LaidOut:
    """The network is the same for all checks of a run."""
    return LaidOut()


@pytest.fixture
def tiers(
    laid_out: LaidOut,
    check: Check,
    aws: Aws,
    deployment: Deployment,
    baseline: Mapping[str, Any],
    vpc: Mapping[str, Any],
    vpc_subnets: list[Mapping[str, Any]],
    vpc_route_tables: list[Mapping[str, Any]],
    vpc_groups: list[Mapping[str, Any]],
) -> Tiers:
    """The network, with the tiers of the baseline."""
    return tiers_of(
        laid_out, check, aws, deployment, baseline, vpc, vpc_subnets, vpc_route_tables, vpc_groups
    )


# The tiers that are judged by what reaches them, and by what they reach.
_REACHED = ("application", "database", "bastion")
_CLOSED = ("application", "database")


def _require_tier(check: Check, tiers: Tiers, name: str) -> None:
    """A tier of which nothing is there, or could be, is none that was judged."""
    members = tiers.members(name)
    if not members:
        raise NotVerifiedError(f"the baseline's tier {name} has no group in the VPC")
    groups = sorted({group for member in members for group in member.groups})
    subnets = {member.subnet for member in members}
    check.notes.append(
        f"{name} tier: {', '.join(groups)} in {len(subnets)} subnets, "
        f"{sum(member.real for member in members)} interfaces"
    )


@pytest.mark.control("nothing-reaches-in", *READINGS)
def test_no_way_leads_in_from_outside(check: Check, deployment: Deployment, tiers: Tiers) -> None:
    found = tiers.from_outside()
    check.network = picture_of(tiers, [*found, *tiers.outward()])
    report_ways(check, deployment.vpc_id, "ways in from outside", found)


@pytest.mark.control("nothing-reaches-out", *READINGS)
def test_no_way_leads_out(check: Check, deployment: Deployment, tiers: Tiers) -> None:
    report_ways(check, deployment.vpc_id, "ways out", tiers.outward())


@pytest.mark.control("internet-reaches-web-alone", *READINGS)
def test_outsiders_reach_the_web_tier_alone(
    check: Check, deployment: Deployment, tiers: Tiers
) -> None:
    _require_tier(check, tiers, "web")
    found = tiers.from_outside()
    into = [finding for name in _REACHED for finding in tiers.into(name)]
    out = [finding for name in _CLOSED for finding in tiers.out_of(name)]
    check.network = picture_of(tiers, [*found, *into, *out])
    report_ways(check, deployment.vpc_id, "other ways in from outside", found)


@pytest.mark.control("application-reached-from-web-alone", *READINGS)
def test_application_tier_is_reached_from_the_web_tier_alone(check: Check, tiers: Tiers) -> None:
    _only_as_allowed_into(check, tiers, "application")


@pytest.mark.control("database-reached-from-application-alone", *READINGS)
def test_database_tier_is_reached_from_the_application_tier_alone(
    check: Check, tiers: Tiers
) -> None:
    _only_as_allowed_into(check, tiers, "database")


@pytest.mark.control("bastion-reached-from-its-list-alone", *READINGS)
def test_bastion_is_reached_from_its_list_alone(check: Check, tiers: Tiers) -> None:
    _only_as_allowed_into(check, tiers, "bastion")


def _only_as_allowed_into(check: Check, tiers: Tiers, name: str) -> None:
    _require_tier(check, tiers, name)
    report_ways(check, f"{name} tier", "other ways in", tiers.into(name))


@pytest.mark.control("application-reaches-no-internet", *READINGS)
def test_application_tier_reaches_no_internet(check: Check, tiers: Tiers) -> None:
    _only_as_allowed_out_of(check, tiers, "application")


@pytest.mark.control("database-reaches-no-internet", *READINGS)
def test_database_tier_reaches_no_internet(check: Check, tiers: Tiers) -> None:
    _only_as_allowed_out_of(check, tiers, "database")


def _only_as_allowed_out_of(check: Check, tiers: Tiers, name: str) -> None:
    _require_tier(check, tiers, name)
    report_ways(check, f"{name} tier", "other ways out", tiers.out_of(name))
