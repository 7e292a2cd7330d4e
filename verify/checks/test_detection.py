"""What watches the account beside trail and recorder: GuardDuty, Security Hub, Access Analyzer."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from verify.account import reads
from verify.account.answer import pick
from verify.account.door import Aws
from verify.check import Check
from verify.checks.duties import finding_rules
from verify.checks.event_rules import hold_rule, home_side, pattern_of, rule_found
from verify.events.event_bus import UnknownPatternError, lets_through
from verify.inputs.deployment import Deployment
from verify.model import NotVerifiedError

Ended = Callable[[], None]
# How soon a threat that goes on is told again, in minutes.
_MINUTES: Mapping[str, int] = {"FIFTEEN_MINUTES": 15, "ONE_HOUR": 60, "SIX_HOURS": 360}
_OUTSIDE = frozenset({"ACCOUNT", "ORGANIZATION"})
_HIGHEST = 10


# --- threats --------------------------------------------------------------------------------------


@pytest.mark.control(
    "threats-detected",
    reads.detectors,
    reads.detector,
    reads.detector_filters,
    reads.detector_filter,
    reads.trusted_addresses,
)
def test_threats_are_looked_for_and_told(
    check: Check,
    aws: Aws,
    deployment: Deployment,
    baseline: Mapping[str, Any],
    unless_owned: Ended,
) -> None:
    unless_owned()
    required = baseline["threats"]
    found = list(aws.pick(reads.detectors(), "DetectorIds"))
    place = f"GuardDuty in {deployment.region}"
    check.holds(place, "detector", bool(found), expected="one", seen=found or "none")
    for identifier in found:
        _hold_detector(check, aws, identifier, required)
        _hold_told(check, aws, identifier, required)


def _hold_detector(check: Check, aws: Aws, identifier: str, required: Mapping[str, Any]) -> None:
    read = reads.detector(identifier)
    check.equal(identifier, "status", expected="ENABLED", seen=aws.pick(read, "Status"))
    features = {
        pick(feature, "Name"): pick(feature, "Status") for feature in aws.pick(read, "Features")
    }
    for name in required["protections"]:
        seen = features.get(name, "not there")
        check.equal(identifier, f"protection {name}", expected="ENABLED", seen=seen)
    often = aws.pick(read, "FindingPublishingFrequency")
    check.holds(
        identifier,
        "how soon it tells again",
        _MINUTES.get(often, _MINUTES["SIX_HOURS"]) <= _MINUTES[required["frequency"]],
        expected=f"{required['frequency']} or sooner",
        seen=often,
    )


def _hold_told(check: Check, aws: Aws, identifier: str, required: Mapping[str, Any]) -> None:
    """Nothing that is found is kept from being told.

    A finding that a filter archives goes to no EventBridge rule; what comes from a trusted address
    is no finding.
    """
    quiet = [
        name
        for name in aws.pick(reads.detector_filters(identifier), "FilterNames")
        if name not in required["accepted_filters"]
        and aws.pick(reads.detector_filter(identifier, name), "Action") == "ARCHIVE"
    ]
    check.none(identifier, "filters that keep findings quiet", quiet)
    trusted = aws.pick(reads.trusted_addresses(identifier), "IpSetIds")
    check.none(
        identifier,
        "lists of addresses that it trusts",
        sorted(set(trusted) - set(required["accepted_address_lists"])),
    )


@pytest.mark.control("threats-alerted", reads.event_rule, reads.event_targets)
def test_high_findings_come_to_the_function(
    check: Check,
    aws: Aws,
    deployment: Deployment,
    baseline: Mapping[str, Any],
    unless_owned: Ended,
) -> None:
    unless_owned()
    names = finding_rules(baseline)
    if not names:
        check.not_applicable("the baseline has no findings told")
    least = baseline["function"]["findings"]["from_severity"]
    home = home_side(deployment)
    for name in names:
        arn = reads.event_rule_arn(deployment, home.region, name)
        rule = rule_found(check, aws, arn)
        if rule is None:
            continue
        hold_rule(check, aws, arn, rule, home)
        state, pattern = pick(rule, "State"), pattern_of(check, arn, rule)
        if pattern is None:
            continue
        try:
            wrong = [
                description
                for description, wanted, event in _findings(deployment, least)
                if lets_through(state, pattern, event) is not wanted
            ]
        except UnknownPatternError as error:
            raise NotVerifiedError(f"the pattern of {arn} cannot be judged: {error}") from None
        check.none(arn, "findings that it takes for others than they are", wrong)


def _findings(
    deployment: Deployment, least: float
) -> Iterator[tuple[str, bool, Mapping[str, Any]]]:
    """Findings, whether each must be taken to the function, and as EventBridge has them."""
    kinds = ("CredentialAccess:IAMUser/AnomalousBehavior", "CryptoCurrency:EC2/BitcoinTool.B!DNS")
    severities = ((least, True), (least + 0.5, True), (_HIGHEST, True), (least - 0.1, False))
    for kind in kinds:
        for severity, wanted in (*severities, (1, False)):
            yield (
                f"{kind} of severity {severity:g}: {'kept back' if wanted else 'let through'}",
                wanted,
                {
                    "version": "0",
                    "id": "00000000-0000-0000-0000-000000000000",
                    "detail-type": "GuardDuty Finding",
                    "source": "aws.guardduty",
                    "account": deployment.account_id,
                    "time": "2026-01-01T00:00:00Z",
                    "region": deployment.region,
                    "resources": [],
                    "detail": {
                        "schemaVersion": "2.0",
                        "accountId": deployment.account_id,
                        "region": deployment.region,
                        "partition": deployment.partition,
                        "type": kind,
                        "severity": severity,
                        "service": {"serviceName": "guardduty", "archived": False, "count": 1},
                    },
                },
            )


# --- standards ------------------------------------------------------------------------------------


@pytest.mark.control("account-held-to-standards", reads.hub, reads.standards)
def test_the_account_is_held_to_its_standards(
    check: Check,
    aws: Aws,
    deployment: Deployment,
    baseline: Mapping[str, Any],
    unless_owned: Ended,
) -> None:
    unless_owned()
    place = f"Security Hub in {deployment.region}"
    hub = aws.read(reads.hub())
    check.holds(place, "hub", hub.found, expected="there", seen=hub.error_code or "there")
    if hub.response is None:
        return
    if deployment.security_hub_arn is not None:
        seen = pick(hub.response, "HubArn")
        check.equal(place, "ARN", expected=deployment.security_hub_arn, seen=seen)
    automatic = hub.response.get("AutoEnableControls", False)
    check.equal(place, "takes up new controls at once", expected=True, seen=automatic)
    by_standard = {
        pick(one, "StandardsArn").partition("standards/")[2]: one
        for one in aws.pick(reads.standards(), "StandardsSubscriptions")
    }
    for standard in baseline["security_hub"]["standards"]:
        found = by_standard.get(standard)
        if found is None:
            check.equal(standard, "status", expected="READY", seen="not subscribed to")
            continue
        status = pick(found, "StandardsStatus")
        if status == "PENDING":
            check.unknown(standard, "Security Hub is still switching it on")
            continue
        reason = found.get("StandardsStatusReason", {}).get("StatusReasonCode")
        seen = f"{status} ({reason})" if reason else status
        check.holds(standard, "status", status == "READY", expected="READY", seen=seen)


# --- openings -------------------------------------------------------------------------------------


@pytest.mark.control("outside-access-analyzed", reads.analyzers, reads.archive_rules)
def test_openings_to_outsiders_are_looked_for(
    check: Check,
    aws: Aws,
    deployment: Deployment,
    baseline: Mapping[str, Any],
    unless_owned: Ended,
) -> None:
    unless_owned()
    accepted = baseline["access_analyzer"]["accepted_archive_rules"]
    found = {
        pick(one, "name"): one
        for one in aws.pick(reads.analyzers(), "analyzers")
        if pick(one, "type") in _OUTSIDE
    }
    # One that looks and tells all is enough, whatever others are there.
    seen = {name: _shortcomings(aws, one, accepted) for name, one in sorted(found.items())}
    check.holds(
        f"IAM Access Analyzer in {deployment.region}",
        "analyzer of access from outside",
        [] in seen.values(),
        expected="one that is active and archives nothing by a rule",
        seen=json.dumps(seen) if seen else "none",
    )


def _shortcomings(aws: Aws, analyzer: Mapping[str, Any], accepted: list[str]) -> list[str]:
    status = pick(analyzer, "status")
    if status != "ACTIVE":
        return [f"status {status}"]
    rules = aws.pick(reads.archive_rules(pick(analyzer, "name")), "archiveRules")
    names = sorted(pick(rule, "ruleName") for rule in rules)
    return [f"archive rule {name}" for name in names if name not in accepted]
