"""Which regions the account has."""

from __future__ import annotations

from typing import Any

from moto.ec2.models.availability_zones_and_regions import Region, RegionsAndZonesBackend
from moto.utilities.utils import get_partition

from sandbox.settings import Settings

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

# Where events of services without regions are: IAM, STS's global endpoint, sign-in.
# https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-concepts.html
_GLOBAL_EVENTS = {
    "aws": "us-east-1",
    "aws-cn": "cn-north-1",
    "aws-eusc": "eusc-de-east-1",
    "aws-us-gov": "us-gov-west-1",
}
_DNS_SUFFIXES = {"aws-cn": "amazonaws.com.cn", "aws-eusc": "amazonaws.eu"}


def global_events_region(region: str) -> str:
    """The region, in the partition of a region, that events of services without regions carry."""
    return _GLOBAL_EVENTS.get(get_partition(region), "us-east-1")


def dns_suffix(region: str) -> str:
    """What the names of a region's endpoints end in."""
    return _DNS_SUFFIXES.get(get_partition(region), "amazonaws.com")


def enabled(settings: Settings, region: str) -> list[str]:
    """The enabled regions of the partition that a region belongs to."""
    return [
        known.name for known in of_partition(settings, get_partition(region)) if is_enabled(known)
    ]


def is_enabled(region: Any) -> bool:
    """Whether the account has a region of moto's."""
    return bool(region.opt_in_status != "not-opted-in")


def of_partition(settings: Settings, partition: str) -> list[Any]:
    """moto's regions of a partition, each with the opt-in status that the account has there."""
    return [
        Region(region.name, region.endpoint, _opt_in_status(settings, partition, region.name))
        for region in RegionsAndZonesBackend.regions
        if get_partition(region.name) == partition
    ]


def _opt_in_status(settings: Settings, partition: str, name: str) -> str:
    if partition != "aws" or name in _OPT_IN_NOT_REQUIRED:
        return "opt-in-not-required"
    return "opted-in" if name == settings.region else "not-opted-in"
