"""Access: who may not stop the trail is really refused it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import pytest

from verify.account.read import Read
from verify.check import Check
from verify.live_fire.refusals import as_role, attempts, refusal_of
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
    role = as_role(run, arn)
    group = run.deployment.trail_log_group_name
    # What it may do it can do: what follows is refused to it, and not to a session that is worth
    # nothing.
    streams = Read("logs", "describe_log_streams", {"logGroupName": group, "limit": 1})
    seen = role.read_again(streams).response
    check.holds(group, "look at the log streams", seen is not None, expected="let", seen="let")
    for attempt in attempts(run):
        act = partial(role.act, attempt.service, attempt.operation, **attempt.parameters)
        check.holds(
            attempt.subject,
            f"{attempt.service}.{attempt.operation} by {name}",
            (refused := refusal_of(act)) is not None,
            expected="refused",
            seen=refused or "let through",
        )
