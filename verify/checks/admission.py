"""What checks ask of the policies of topics and queues."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from verify.check import Check
from verify.checks.findings import report_findings
from verify.inputs.deployment import Deployment
from verify.policy import (
    Decision,
    Evaluation,
    allows_beside,
    effective_allows,
    excessive_grants,
    foreign_grants,
    service_grants,
)

_PLAIN, _TLS = {"aws:SecureTransport": "false"}, {"aws:SecureTransport": "true"}


def root_of(deployment: Deployment) -> str:
    """The ARN that stands for the deployment's account."""
    return f"arn:{deployment.partition}:iam::{deployment.account_id}:root"


def report_admitted(
    check: Check,
    name: str,
    policy: str,
    deployment: Deployment,
    permitted: Mapping[str, Iterable[str]],
) -> None:
    """The policy of `name` admits the permitted, principal -> actions, and nobody else."""
    report_findings(
        check, name, "grants to strangers", foreign_grants(policy, deployment.account_id)
    )
    report_findings(
        check,
        name,
        "grants beyond those of the baseline",
        excessive_grants(policy, permitted),
    )


def report_transport(
    check: Check, name: str, policy: str, deployment: Deployment, actions: Iterable[str]
) -> None:
    """Whoever calls without TLS is refused, whatever other policies allow."""
    for action in actions:
        evaluation = allows_beside(policy, root_of(deployment), action, name, _PLAIN)
        _report(check, name, f"{action} without TLS", evaluation, Decision.DENIED)


def report_usable(
    check: Check, name: str, policy: str, principal: str, actions: Iterable[str]
) -> None:
    """Nothing refuses the principal, whose own policy allows these actions."""
    for action in actions:
        evaluation = allows_beside(policy, principal, action, name, _TLS)
        _report(check, name, f"{action} by {principal}", evaluation, Decision.ALLOWED)


def report_allowed(check: Check, name: str, aspect: str, evaluation: Evaluation) -> None:
    """The policy of `name` itself must allow it."""
    _report(check, name, aspect, evaluation, Decision.ALLOWED)


@dataclass(frozen=True)
class Sender:
    """A service that sends for the sake of one resource; `name` is what messages call that."""

    name: str
    service: str
    source: str  # ARN


def report_sender(
    check: Check, name: str, policy: str, sender: Sender, action: str, verb: str
) -> None:
    """The policy of `name` lets the sender act, and its service for no other resource's sake."""
    for grant in service_grants(policy, sender.service):
        check.holds(
            name,
            f"condition for {grant.service}",
            grant.requires("aws:SourceArn", sender.source),
            expected=f"aws:SourceArn {sender.source}",
            seen=grant.describe(),
        )
    context = {**_TLS, "aws:SourceArn": sender.source}
    evaluation = effective_allows(policy, sender.service, action, name, context)
    report_allowed(check, name, f"{verb} by {sender.name}", evaluation)


def report_refused(check: Check, name: str, aspect: str, evaluation: Evaluation) -> None:
    """The policy of `name` must not allow it: it says no, or nothing."""
    if evaluation.decision is Decision.CANNOT_TELL:
        check.unknown(name, evaluation.reason)
        return
    check.holds(name, aspect, evaluation.refused, expected="not allowed", seen=evaluation.reason)


def _report(
    check: Check, name: str, aspect: str, evaluation: Evaluation, expected: Decision
) -> None:
    if evaluation.decision is Decision.CANNOT_TELL:
        check.unknown(name, evaluation.reason)
        return
    check.holds(
        name,
        aspect,
        evaluation.decision is expected,
        expected="refused" if expected is Decision.DENIED else "allowed",
        seen=evaluation.reason,
    )
