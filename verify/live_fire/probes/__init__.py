"""The probes: ways to raise an alert that are safe on a real account, by their key.

`ALWAYS` is fired in every run. The others create a bucket, a key, a network ACL or a role, or try
what is refused, which not every organization wants a verification to do: they are fired where the
baseline names them in `alerts.probes`, or `--probe=<key>` asks for them.
"""

from __future__ import annotations

from collections.abc import Iterable

from verify.live_fire.probes.attempts import AttemptsProbe
from verify.live_fire.probes.bucket import BucketProbe
from verify.live_fire.probes.key import KeyProbe
from verify.live_fire.probes.network import NetworkProbe
from verify.live_fire.probes.role import RoleProbe
from verify.live_fire.probes.security_group import SecurityGroupProbe
from verify.live_fire.shot import Probe

ALWAYS = SecurityGroupProbe()
OPTIONAL: dict[str, Probe] = {
    probe.key: probe
    for probe in (AttemptsProbe(), BucketProbe(), KeyProbe(), NetworkProbe(), RoleProbe())
}

# Those for which the verifier role needs permissions (Terraform's verifier_probes); what is only
# tried takes none.
PERMITTED: tuple[str, ...] = tuple(sorted(set(OPTIONAL) - {AttemptsProbe.key}))


def chosen(keys: Iterable[str]) -> tuple[Probe, ...]:
    """The probes of a run for which `keys` were asked."""
    return (ALWAYS, *(OPTIONAL[key] for key in sorted(set(keys))))
