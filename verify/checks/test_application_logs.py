"""Log groups: what applications log of patients is masked, in each application's own group."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from verify.account import reads
from verify.account.answer import pick
from verify.account.door import Aws
from verify.check import Check
from verify.checks.log_groups import existing_groups
from verify.events.data_protection import DataProtectionError, protection
from verify.inputs.deployment import Deployment


@pytest.mark.control("application-logs-masked", reads.log_group, reads.data_protection)
def test_what_applications_log_of_patients_is_masked(
    check: Check,
    aws: Aws,
    deployment: Deployment,
    baseline: Mapping[str, Any],
    unless_owned: Callable[[], None],
) -> None:
    unless_owned()
    required = baseline["application_logs"]
    if not required["groups"]:
        check.not_applicable("the baseline's application_logs.groups name no application")
    groups = dict(existing_groups(check, aws, deployment))
    for name in required["groups"]:
        check.holds(
            name,
            "log group of an application",
            name in deployment.application_log_group_names and name in groups,
            expected="there",
            seen=deployment.application_log_group_names or "none",
        )
        if name in groups:
            _hold_masks(check, aws, deployment, name, groups[name], required)


def _hold_masks(
    check: Check,
    aws: Aws,
    deployment: Deployment,
    name: str,
    group: Mapping[str, Any],
    required: Mapping[str, Any],
) -> None:
    # AWS leaves the status out where there never was a policy.
    check.equal(
        name,
        "data protection",
        expected="ACTIVATED",
        seen=group.get("dataProtectionStatus", "never had any"),
    )
    answer = aws.read(reads.data_protection(name)).response or {}
    if "policyDocument" not in answer:
        check.equal(name, "data-protection policy of its own", expected="there", seen="none")
        return
    told = pick(answer, "logGroupIdentifier")
    known = (name, reads.log_group_arn(deployment, name))
    check.holds(name, "group of the policy", told in known, expected=known, seen=told)
    try:
        found = protection(answer["policyDocument"])
    except DataProtectionError as error:
        check.unknown(name, str(error))
        return
    managed = f"arn:{deployment.partition}:dataprotection::aws:data-identifier/"
    wanted = {f"{managed}{identifier}" for identifier in required["data_identifiers"]}
    for aspect, covered in (("masked", found.masked), ("found", found.audited)):
        check.none(name, f"identifiers that are not {aspect}", sorted(wanted - covered))
    check.none(
        name,
        "where findings are sent and the baseline does not list",
        [place for place in found.told if place not in required["findings_sent_to"]],
    )
