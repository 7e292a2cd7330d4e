"""Compliance function: able to run as it was reviewed, encrypted, logging, and losing nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from verify.account import reads
from verify.account.answer import pick
from verify.account.door import Aws
from verify.check import Check
from verify.checks.duties import variables as variables_of_duties
from verify.checks.functions import require_function
from verify.inputs.deployment import Deployment
from verify.model import NotVerifiedError

# By this variable the function leaves out what is less severe; see `function-logs-results`.
_LOG_LEVEL = "LOG_LEVEL"
# What the reviewed function has no use for, and what it would do: each changes what runs, or where.
_BESIDE = (
    "AcceleratorConfig",  # hardware that it shares
    "CapacityProviderConfig",  # machines of the account's own
    "DurableConfig",  # records kept beside the log, under a key of their own
    "FileSystemConfigs",  # code, or records, in another place
    "ImageConfigResponse",  # another entry point
    "MasterArn",  # it is a copy of another function
    "RuntimeConfig",  # a runtime that is not AWS's
    "TenancyConfig",  # every invocation without a tenant fails
)


def _variables(function: Mapping[str, Any]) -> Mapping[str, str]:
    """The function's environment variables. Lambda leaves them out where there is none.

    Raises NotVerifiedError when Lambda could not decrypt them in the caller's name.
    """
    environment = function.get("Environment", {})
    if "Error" in environment:
        error = environment["Error"]
        raise NotVerifiedError(
            f"Lambda does not show the variables ({error.get('ErrorCode')}: "
            f"{error.get('Message')}): the caller needs kms:Decrypt for the function's key"
        )
    variables: Mapping[str, str] = environment.get("Variables", {})
    return variables


def _hold_state(
    check: Check, function: Mapping[str, Any], member: str, aspect: str, expected: str
) -> None:
    """A state, with the reason for another where Lambda says it."""
    state, reason = pick(function, member), function.get(f"{member}Reason")
    seen = f"{state} ({reason})" if reason else state
    name = pick(function, "FunctionArn")
    check.holds(name, aspect, state == expected, expected=expected, seen=seen)


@pytest.mark.control(
    "function-configuration",
    reads.function,
    reads.function_concurrency,
    reads.function_runtime_updates,
)
def test_function_is_active_and_configured(
    check: Check,
    aws: Aws,
    function: Mapping[str, Any],
    deployment: Deployment,
    baseline: Mapping[str, Any],
    hold_settings: Callable[[], None],
) -> None:
    name, required = deployment.function_arn, baseline["function"]
    _hold_state(check, function, "State", "state", "Active")
    _hold_state(check, function, "LastUpdateStatus", "last update", "Successful")
    hold_settings()
    check.equal(
        name,
        "role",
        expected=deployment.function_role_arn,
        seen=pick(function, "Role"),
        declared="aws_lambda_function.compliance_checker.role",
    )
    # Zero switches a function off; without a reservation the field is left out.
    concurrency = aws.pick(reads.function_concurrency(deployment))
    reserved = concurrency.get("ReservedConcurrentExecutions", "unreserved")
    check.holds(name, "reserved concurrency", reserved != 0, expected="not 0", seen=reserved)
    management = aws.pick(reads.function_runtime_updates(deployment))
    require_function(deployment, pick(management, "FunctionArn"))
    updates, accepted = pick(management, "UpdateRuntimeOn"), required["runtime_updates"]
    check.holds(name, "runtime updates", updates in accepted, expected=accepted, seen=updates)
    _hold_network(check, function, deployment, required["vpc"])
    check.none(name, "settings of other purpose", [key for key in _BESIDE if function.get(key)])
    if "Error" in function.get("RuntimeVersionConfig", {}):
        check.unknown(name, f"its runtime's version: {function['RuntimeVersionConfig']['Error']}")
    _hold_variables(check, name, _variables(function), baseline)


def _hold_network(
    check: Check,
    function: Mapping[str, Any],
    deployment: Deployment,
    required: Mapping[str, list[str]],
) -> None:
    """Lambda leaves the configuration out for a function that never was in a VPC."""
    network = function.get("VpcConfig", {})
    expected = {
        "VPC": deployment.vpc_id if required["subnets"] else "none",
        "subnets": sorted(required["subnets"]),
        "security groups": sorted(required["security_groups"]),
        "IPv6": False,
    }
    seen = {
        "VPC": network.get("VpcId") or "none",
        "subnets": sorted(network.get("SubnetIds", [])),
        "security groups": sorted(network.get("SecurityGroupIds", [])),
        "IPv6": network.get("Ipv6AllowedForDualStack", False),
    }
    check.equal(deployment.function_arn, "network", expected=expected, seen=seen)


def _hold_variables(
    check: Check, name: str, variables: Mapping[str, str], baseline: Mapping[str, Any]
) -> None:
    environment = baseline["function"]["environment"]
    required = {**environment["required"], **variables_of_duties(baseline)}
    optional = environment["optional"]
    for variable, value in required.items():
        check.equal(
            name,
            f"environment variable {variable}",
            expected=value,
            seen=variables.get(variable),
        )
    for variable in sorted(set(variables) & set(optional)):
        check.holds(
            name,
            f"environment variable {variable}",
            re.fullmatch(optional[variable], variables[variable]) is not None,
            expected=optional[variable],
            seen=variables[variable],
        )
    known = {*required, *optional, _LOG_LEVEL}
    beyond = sorted(set(variables) - known)
    check.none(name, "environment variables beyond those of the baseline", beyond)


@pytest.mark.control("function-encrypted", reads.function)
def test_function_is_encrypted_with_the_key(
    check: Check, function: Mapping[str, Any], deployment: Deployment
) -> None:
    check.equal(
        deployment.function_arn,
        "key",
        expected=deployment.kms_key_arn,
        # Lambda names a key only if it is a customer's.
        seen=function.get("KMSKeyArn", "AWS's own"),
        declared="aws_lambda_function.compliance_checker.kms_key_arn",
    )


@pytest.mark.control("function-logs-results", reads.function)
def test_function_logs_every_result(
    check: Check,
    function: Mapping[str, Any],
    deployment: Deployment,
    baseline: Mapping[str, Any],
) -> None:
    name, required = deployment.function_arn, baseline["function"]["logging"]
    logging = pick(function, "LoggingConfig")
    check.equal(
        name,
        "log group",
        expected=deployment.function_log_group_name,
        seen=pick(logging, "LogGroup"),
    )
    form = pick(logging, "LogFormat")
    check.holds(
        name, "log format", form in required["formats"], expected=required["formats"], seen=form
    )
    # Lambda's own filters are for its JSON format, and left out with the other.
    levels = {
        key: logging[key] for key in ("ApplicationLogLevel", "SystemLogLevel") if key in logging
    }
    levels[f"environment variable {_LOG_LEVEL}"] = (
        _variables(function).get(_LOG_LEVEL) or "INFO"
    ).upper()
    for aspect, level in levels.items():
        check.holds(
            name, aspect, level in required["levels"], expected=required["levels"], seen=level
        )


@pytest.mark.control("function-tries-again", reads.function, reads.function_event_invoke_configs)
def test_function_tries_again_what_failed(
    check: Check,
    aws: Aws,
    function: Mapping[str, Any],
    deployment: Deployment,
    baseline: Mapping[str, Any],
) -> None:
    required = baseline["function"]["asynchronous"]
    found = aws.pick(reads.function_event_invoke_configs(deployment), "FunctionEventInvokeConfigs")
    # Without a configuration, or a member of it, Lambda does the most that it can.
    for settings in found or [{"FunctionArn": pick(function, "FunctionArn")}]:
        name = pick(settings, "FunctionArn")
        require_function(deployment, name)
        for aspect, member, most, least in (
            ("retries", "MaximumRetryAttempts", 2, required["minimum_retries"]),
            ("seconds", "MaximumEventAgeInSeconds", 21600, required["minimum_seconds"]),
        ):
            seen = settings.get(member, most)
            check.holds(name, aspect, seen >= least, expected=f"at least {least}", seen=seen)
        destinations = settings.get("DestinationConfig", {})
        seen = {
            target["Destination"] for target in destinations.values() if target.get("Destination")
        }
        check.none(
            name, "destinations beyond the baseline's", sorted(seen - set(required["destinations"]))
        )
