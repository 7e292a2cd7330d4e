"""Judging network rules on sets of addresses: pure functions on what EC2's Describe calls return.

Everything public is importable from here. Nothing here talks to AWS.
"""

from __future__ import annotations

from verify.exposure.acls import network_acl_lacks
from verify.exposure.comparison import Difference, Part, allowed_sources, difference_from
from verify.exposure.interfaces import interface_kind, interface_weaknesses
from verify.exposure.internet import (
    Exposure,
    Verdict,
    exposure_verdict,
    internet_exposures,
    network_acl_internet_exposures,
)
from verify.exposure.references import foreign_references
from verify.exposure.routes import InternetRoute, Reach, WayOut, internet_routes, ways_out
from verify.exposure.rules import (
    AclEntry,
    Direction,
    PrefixLists,
    Rule,
    Sources,
    rules_from_descriptions,
    rules_from_group,
    rules_from_permissions,
)

__all__ = [
    "AclEntry",
    "Difference",
    "Direction",
    "Exposure",
    "InternetRoute",
    "Part",
    "PrefixLists",
    "Reach",
    "Rule",
    "Sources",
    "Verdict",
    "WayOut",
    "allowed_sources",
    "difference_from",
    "exposure_verdict",
    "foreign_references",
    "interface_kind",
    "interface_weaknesses",
    "internet_exposures",
    "internet_routes",
    "network_acl_internet_exposures",
    "network_acl_lacks",
    "rules_from_descriptions",
    "rules_from_group",
    "rules_from_permissions",
    "ways_out",
]
