"""Compliance function: the reviewed code, able to run, and callable by CloudWatch Logs alone."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from verify.account import reads
from verify.account.answer import pick
from verify.account.door import Aws
from verify.check import Check
from verify.checks.findings import report_findings
from verify.inputs.deployment import Deployment
from verify.model import NotVerifiedError
from verify.policy import foreign_grants, service_grants
from verify.run.verification import Run


@pytest.mark.control("function-configuration", reads.function, reads.function_concurrency)
def test_function_is_active_and_configured(
    check: Check,
    aws: Aws,
    function: Mapping[str, Any],
    deployment: Deployment,
    baseline: Mapping[str, Any],
    hold_settings: Callable[[], None],
) -> None:
    name = deployment.function_arn
    check.equal(name, "state", expected="Active", seen=pick(function, "State"))
    check.equal(name, "last update", expected="Successful", seen=pick(function, "LastUpdateStatus"))
    hold_settings()
    check.equal(
        name,
        "role",
        expected=deployment.function_role_arn,
        seen=pick(function, "Role"),
        declared="aws_lambda_function.compliance_checker.role",
    )
    # Without Logging configuration Lambda writes to the group that carries the function's name.
    check.equal(
        name,
        "log group",
        expected=deployment.function_log_group_name,
        seen=function.get("LoggingConfig", {}).get(
            "LogGroup", f"/aws/lambda/{pick(function, 'FunctionName')}"
        ),
    )
    # Zero switches a function off; without a reservation the field is left out.
    concurrency = aws.pick(reads.function_concurrency(deployment))
    reserved = concurrency.get("ReservedConcurrentExecutions", "unreserved")
    check.holds(name, "reserved concurrency", reserved != 0, expected="not 0", seen=reserved)
    variables = function.get("Environment", {}).get("Variables", {})
    environment = baseline["function"]["environment"]
    for variable, value in environment["required"].items():
        check.equal(
            name,
            f"environment variable {variable}",
            expected=value,
            seen=variables.get(variable),
        )
    check.none(
        name,
        "environment variables beyond those of the baseline",
        sorted(set(variables) - set(environment["required"]) - set(environment["optional"])),
    )


@pytest.mark.control("function-code-reviewed", reads.function)
def test_function_runs_the_reviewed_code(
    check: Check, function: Mapping[str, Any], deployment: Deployment, verification_run: Run
) -> None:
    package = Path(verification_run.settings.function_package)
    try:
        digest = hashlib.sha256(package.read_bytes()).digest()
    except OSError as error:
        raise NotVerifiedError(
            f"the reviewed build {package} cannot be read ({error}): make it with "
            "`python lambda/build.py`"
        ) from None
    check.equal(
        deployment.function_arn,
        "SHA-256 of the code",
        expected=base64.b64encode(digest).decode("ascii"),
        seen=pick(function, "CodeSha256"),
    )
    check.none(deployment.function_arn, "layers", function.get("Layers", []))


@pytest.mark.control("function-not-public", reads.function_policy, reads.function_urls)
def test_only_the_trail_log_group_may_invoke_the_function(
    check: Check, aws: Aws, deployment: Deployment
) -> None:
    name = deployment.function_arn
    answer = aws.read(reads.function_policy(deployment))
    check.holds(
        name, "policy", answer.found, expected="admits CloudWatch Logs", seen=answer.error_code
    )
    if answer.response is None:
        return
    document = pick(answer.response, "Policy")
    report_findings(
        check, name, "grants to strangers", foreign_grants(document, deployment.account_id)
    )
    grants = service_grants(document)
    check.equal(
        name,
        "services that may invoke it",
        expected={"logs.amazonaws.com"},
        seen={grant.service for grant in grants},
    )
    check.none(
        name,
        "function URLs",
        [
            pick(item, "FunctionUrl")
            for item in aws.pick(reads.function_urls(deployment), "FunctionUrlConfigs")
        ],
    )
    source = f"{deployment.trail_log_group_arn}:*"
    for grant in grants:
        check.holds(
            name,
            f"conditions for {grant.service}",
            grant.requires("aws:SourceArn", source)
            and grant.requires("aws:SourceAccount", deployment.account_id),
            expected=f"aws:SourceArn {source} and aws:SourceAccount {deployment.account_id}",
            seen=grant.describe(),
        )
