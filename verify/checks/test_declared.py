"""Inventory: declared, required and live are three witnesses, and they must agree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from verify.account.door import Aws
from verify.check import Check
from verify.checks.settings import READINGS, SETTINGS
from verify.inputs.deployment import Deployment
from verify.run.verification import Run


@pytest.mark.control("declared-matches-live", *READINGS)
def test_declared_required_and_live_agree(
    check: Check,
    aws: Aws,
    deployment: Deployment,
    baseline: Mapping[str, Any],
    verification_run: Run,
) -> None:
    in_force = {control.identifier for control in verification_run.controls}
    for setting in SETTINGS:
        if setting.control not in in_force:
            continue
        check.agree(
            getattr(deployment, setting.subject),
            setting.declared,
            expected=setting.required(baseline),
            seen=setting.live(aws, deployment),
            accepts=setting.accepts,
        )
