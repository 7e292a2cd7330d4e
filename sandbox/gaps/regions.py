"""DescribeRegions, as AWS answers it."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.responses.availability_zones_and_regions import AvailabilityZonesAndRegions
from moto.utilities.utils import filter_resources, get_partition

from sandbox import regions
from sandbox.replacement import Replacement
from sandbox.world import World

_FILTERS = (
    ("region-name", "name"),
    ("endpoint", "endpoint"),
    ("opt-in-status", "opt_in_status"),
)


def describe_regions(world: World, response: Any) -> Any:
    """The regions of the caller's own partition: those asked for, or those that are enabled."""
    response.error_on_dryrun()
    found = regions.of_partition(world.settings, get_partition(response.region))
    names = response._get_param("RegionNames", [])
    if names:
        found = [region for region in found if region.name in names]
    elif not response._get_bool_param("AllRegions", False):
        found = [region for region in found if regions.is_enabled(region)]
    filters = response._filters_from_querystring()
    return ActionResult({"Regions": filter_resources(found, filters, _FILTERS)})


REPLACEMENTS = (
    Replacement(
        AvailabilityZonesAndRegions,
        "describe_regions",
        describe_regions,
        "moto names every region of every partition, wherever and whatever is asked.",
    ),
)
