"""All mutants, family by family."""

from __future__ import annotations

from mutants import (
    access,
    alarms,
    alert_topic,
    alerts,
    encryption_key,
    function,
    inventory,
    log_bucket,
    log_bucket_policy,
    log_groups,
    log_integrity,
    network,
    network_ways,
    trail,
    untagged,
)
from mutants.model import Mutant

_MODULES = (
    network,
    network_ways,
    trail,
    log_bucket,
    log_bucket_policy,
    log_integrity,
    encryption_key,
    log_groups,
    function,
    alert_topic,
    alarms,
    access,
    inventory,
    untagged,
    alerts,
)


def every_mutant() -> tuple[Mutant, ...]:
    """The mutants in the order of the catalogue's groups."""
    return tuple(mutant for module in _MODULES for mutant in module.FAMILY.mutants)
