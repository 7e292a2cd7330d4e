"""Every rule, by family; the order is that of the alerts of one record."""

from __future__ import annotations

from ..model import Rule
from . import (
    alarms,
    delivery,
    detection,
    identity,
    keys,
    log_bucket,
    logs,
    network,
    organization,
    security_groups,
    sign_in,
    storage,
    trail,
)

RULES: tuple[Rule, ...] = (
    *security_groups.RULES,
    *network.RULES,
    *storage.RULES,
    *log_bucket.RULES,
    *identity.RULES,
    *keys.RULES,
    *trail.RULES,
    *logs.RULES,
    *detection.RULES,
    *organization.RULES,
    *delivery.RULES,
    *alarms.RULES,
    *sign_in.RULES,
)
