"""Which regions the account has: DescribeRegions, and whoever else must know."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.models.availability_zones_and_regions import Region, RegionsAndZonesBackend
from moto.ec2.responses.availability_zones_and_regions import AvailabilityZonesAndRegions
from moto.utilities.utils import filter_resources, get_partition

from sandbox.settings import Settings
from sandbox.world import World

# https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html: the regions of the
# partition aws that every account has; it must ask for the others.
_OPT_IN_NOT_REQUIRED = frozenset(
    {
        "ap-northeast-1",
        "ap-northeast-2",
        "ap-northeast-3",
        "ap-south-1",
        "ap-southeast-1",
        "ap-southeast-2",
        "ca-central-1",
        "eu-central-1",
        "eu-north-1",
        "eu-west-1",
        "eu-west-2",
        "eu-west-3",
        "sa-east-1",
        "us-east-1",
        "us-east-2",
        "us-west-1",
        "us-west-2",
    }
)


def install(world: World) -> None:
    """Answer DescribeRegions as AWS does: the account's own partition, and enabled regions.

    moto names every region of every partition, wherever it is asked and whatever is asked for.
    """

    def describe_regions(response: Any) -> Any:
        response.error_on_dryrun()
        regions = _partition_regions(world.settings, get_partition(response.region))
        names = response._get_param("RegionNames", [])
        if names:
            regions = [region for region in regions if region.name in names]
        elif not response._get_bool_param("AllRegions", False):
            regions = [region for region in regions if region.opt_in_status != "not-opted-in"]
        attributes = (
            ("region-name", "name"),
            ("endpoint", "endpoint"),
            ("opt-in-status", "opt_in_status"),
        )
        filters = response._filters_from_querystring()
        return ActionResult({"Regions": filter_resources(regions, filters, attributes)})

    AvailabilityZonesAndRegions.describe_regions = describe_regions


def enabled(settings: Settings, region: str) -> list[str]:
    """The enabled regions of the partition that a region belongs to."""
    return [
        one.name
        for one in _partition_regions(settings, get_partition(region))
        if one.opt_in_status != "not-opted-in"
    ]


def _partition_regions(settings: Settings, partition: str) -> list[Any]:
    return [
        Region(region.name, region.endpoint, _opt_in_status(settings, partition, region.name))
        for region in RegionsAndZonesBackend.regions
        if get_partition(region.name) == partition
    ]


def _opt_in_status(settings: Settings, partition: str, name: str) -> str:
    if partition != "aws" or name in _OPT_IN_NOT_REQUIRED:
        return "opt-in-not-required"
    return "opted-in" if name == settings.region else "not-opted-in"
