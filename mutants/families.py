"""All mutants, family by family."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from mutants import (
    access,
    alarms,
    alert_ledger,
    alert_topic,
    alerts,
    application_logs,
    aws_config,
    dashboard,
    dead_letter_queue,
    delivery_topic,
    detection,
    encryption_key,
    event_path,
    function,
    function_callers,
    function_code,
    inventory,
    investigation,
    log_bucket,
    log_bucket_policy,
    log_bucket_ways_out,
    log_groups,
    log_integrity,
    log_storage,
    network,
    network_tiers,
    network_ways,
    reachability,
    reports,
    session_logging,
    trail,
    trail_access,
    untagged,
    whole_account,
)
from mutants.model import Mutant

_MODULES = (
    network,
    network_tiers,
    network_ways,
    reachability,
    trail,
    log_bucket,
    log_bucket_policy,
    log_bucket_ways_out,
    log_storage,
    log_integrity,
    investigation,
    aws_config,
    detection,
    session_logging,
    reports,
    encryption_key,
    log_groups,
    application_logs,
    function,
    function_code,
    function_callers,
    event_path,
    alert_ledger,
    dead_letter_queue,
    alert_topic,
    delivery_topic,
    alarms,
    dashboard,
    access,
    trail_access,
    whole_account,
    inventory,
    untagged,
    alerts,
)


def every_mutant() -> tuple[Mutant, ...]:
    """The mutants in the order of the catalogue's groups."""
    return tuple(mutant for module in _MODULES for mutant in module.FAMILY.mutants)


def mutants_of(controls: Collection[str]) -> tuple[Mutant, ...]:
    """The mutants that one of a profile's controls must notice, with those of its controls alone.

    A profile may hold to less than the catalogue has: what only another's controls see is no fault
    there, or there is nothing there to break.
    """
    held = frozenset(controls)
    return tuple(
        replace(mutant, fails=mutant.fails & held, errors=mutant.errors & held)
        for mutant in every_mutant()
        if mutant.needs <= held
        and mutant.unless not in held
        and (mutant.fails & held or (not mutant.fails and mutant.errors & held))
    )
