"""The probes: ways to raise an alert that are safe on a real account, by their key.

`ALWAYS` is fired in every run. The others create a bucket or a role, which not every organization
wants a verification to do, and are fired when `--probe=<key>` asks for them.
"""

from __future__ import annotations

from collections.abc import Iterable

from verify.live_fire.probes.bucket_policy import BucketPolicyProbe
from verify.live_fire.probes.role_policy import RolePolicyProbe
from verify.live_fire.probes.security_group import SecurityGroupProbe
from verify.live_fire.shot import Probe

ALWAYS = SecurityGroupProbe()
OPTIONAL: dict[str, Probe] = {
    probe.key: probe for probe in (BucketPolicyProbe(), RolePolicyProbe())
}


def chosen(keys: Iterable[str]) -> tuple[Probe, ...]:
    """The probes of a run for which `keys` were asked."""
    return (ALWAYS, *(OPTIONAL[key] for key in sorted(set(keys))))
