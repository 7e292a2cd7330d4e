"""All mutants, family by family."""

from __future__ import annotations

from mutants import (
    access,
    alarms,
    alert_ledger,
    alert_topic,
    alerts,
    dead_letter_queue,
    delivery_topic,
    encryption_key,
    event_path,
    function,
    function_callers,
    function_code,
    inventory,
    log_bucket,
    log_bucket_policy,
    log_bucket_ways_out,
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
    log_bucket_ways_out,
    log_integrity,
    encryption_key,
    log_groups,
    function,
    function_code,
    function_callers,
    event_path,
    alert_ledger,
    dead_letter_queue,
    alert_topic,
    delivery_topic,
    alarms,
    access,
    inventory,
    untagged,
    alerts,
)


def every_mutant() -> tuple[Mutant, ...]:
    """The mutants in the order of the catalogue's groups."""
    return tuple(mutant for module in _MODULES for mutant in module.FAMILY.mutants)
