"""Access: who may not stop the trail is really refused it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from verify.check import Check
from verify.live_fire.refusals import tries
from verify.run.verification import Run


@pytest.mark.live_fire
@pytest.mark.control("investigation-role-refused")
def test_the_investigation_role_is_refused_what_would_blind_the_trail(
    check: Check, verification_run: Run, baseline: Mapping[str, Any]
) -> None:
    run = verification_run
    name = f"role-investigation-{run.deployment.environment}"
    arn = next((one for one in run.deployment.access_role_arns if one.endswith(f"/{name}")), None)
    if arn is None:
        check.not_applicable("the deployment has no access roles (access_roles_enabled)")
    if baseline["roles"]["additions"].get("probe-investigation-role") is None:
        check.not_applicable(
            "not asked for: the variable investigation_role_probe_enabled, and "
            "probe-investigation-role in the baseline's roles.additions, let the verifier try it"
        )
    group = run.deployment.trail_log_group_name
    tried, _ = run.aws.looked("trailwarden", "try_refusals", lambda: tries(run, arn), RoleArn=arn)
    check.holds(group, "look at the log streams", tried["looks"], expected="let", seen="let")
    for attempt in tried["attempts"]:
        refused = attempt["refused"]
        check.holds(
            attempt["subject"],
            f"{attempt['service']}.{attempt['operation']} by {name}",
            refused is not None,
            expected="refused",
            seen=refused or "let through",
        )
