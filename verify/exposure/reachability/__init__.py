"""Judging a network by what can pass through it: pure functions on what EC2's answers describe."""

from __future__ import annotations

from verify.exposure.reachability.chains import Chain, Finding, describe_way
from verify.exposure.reachability.description import Answers, network_of
from verify.exposure.reachability.network import (
    Gateway,
    Interface,
    Kind,
    Network,
    Route,
    Subnet,
)
from verify.exposure.reachability.passage import Packet
from verify.exposure.reachability.picture import picture_of
from verify.exposure.reachability.tiers import Allowed, Tier, Tiers
from verify.exposure.reachability.ways import Outside, Place, Way, Ways

__all__ = [
    "Allowed",
    "Answers",
    "Chain",
    "Finding",
    "Gateway",
    "Interface",
    "Kind",
    "Network",
    "Outside",
    "Packet",
    "Place",
    "Route",
    "Subnet",
    "Tier",
    "Tiers",
    "Way",
    "Ways",
    "describe_way",
    "network_of",
    "picture_of",
]
