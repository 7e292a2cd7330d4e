"""Compliance function: invoked by the trail's log group, and by nothing that nobody knows of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pytest

from verify.account import reads
from verify.account.answer import Answer, pick
from verify.account.door import Aws
from verify.check import Check
from verify.checks.duties import finding_rules, scan_rules
from verify.checks.findings import report_findings
from verify.inputs.deployment import Deployment
from verify.policy import Invoker, other_invocations, refused_invokers


@pytest.mark.control(
    "function-not-public",
    reads.function_policy,
    reads.function_aliases,
    reads.function_versions,
    reads.qualified_function_policy,
    reads.function_urls,
    reads.function_event_sources,
    reads.rules_of_function,
)
def test_only_the_trail_log_group_may_invoke_the_function(
    check: Check, aws: Aws, deployment: Deployment, baseline: Mapping[str, Any]
) -> None:
    name, required = deployment.function_arn, baseline["function"]
    duties = [*scan_rules(baseline), *finding_rules(baseline)]
    rules = [*required["event_path"], *required["event_rules"], *duties]
    invokers = _invokers(deployment, rules)
    answer = aws.read(reads.function_policy(deployment))
    check.holds(
        name, "policy", answer.found, expected="admits CloudWatch Logs", seen=answer.error_code
    )
    for subject, policy in _policies(aws, deployment, answer):
        report_findings(
            check,
            subject,
            "others that may invoke it",
            other_invocations(policy, deployment.account_id, invokers),
        )
        if subject == name:
            refused = refused_invokers(policy, name, deployment.account_id, invokers)
            report_findings(check, name, "invokers that may not", refused)
    sources = aws.pick(reads.function_event_sources(deployment), "EventSourceMappings")
    check.none(
        name,
        "event sources",
        [source.get("EventSourceArn") or pick(source, "UUID") for source in sources],
    )
    urls = aws.read(reads.function_urls(deployment)).response
    if urls is None:
        offered = f"not offered in {deployment.region}"
        check.holds(name, "function URLs", True, expected="none", seen=offered)
    else:
        found = [pick(item, "FunctionUrl") for item in pick(urls, "FunctionUrlConfigs")]
        check.none(name, "function URLs", found)
    check.equal(
        name,
        "EventBridge rules that invoke it",
        expected=sorted(rules),
        seen=sorted(aws.pick(reads.rules_of_function(deployment), "RuleNames")),
    )


def _invokers(deployment: Deployment, rules: Iterable[str]) -> list[Invoker]:
    """Who may invoke the function: the trail's log group, and the baseline's rules."""
    trail = Invoker("logs.amazonaws.com", f"{deployment.trail_log_group_arn}:*")
    arn = f"arn:{deployment.partition}:events:{deployment.region}:{deployment.account_id}:rule"
    return [trail, *(Invoker("events.amazonaws.com", f"{arn}/{rule}") for rule in rules)]


def _policies(aws: Aws, deployment: Deployment, of_function: Answer) -> Iterator[tuple[str, str]]:
    """The policies by which something may be invoked: the function, its aliases and versions."""
    aliases = aws.pick(reads.function_aliases(deployment), "Aliases")
    versions = aws.pick(reads.function_versions(deployment), "Versions")
    qualifiers = [pick(alias, "Name") for alias in aliases]
    qualifiers += [pick(version, "Version") for version in versions]
    answers = {deployment.function_arn: of_function} | {
        f"{deployment.function_arn}:{qualifier}": aws.read(
            reads.qualified_function_policy(deployment, qualifier)
        )
        for qualifier in qualifiers
        if qualifier != "$LATEST"  # Lambda takes no policy for it
    }
    for subject, answer in answers.items():
        if answer.response is not None:
            yield subject, pick(answer.response, "Policy")
