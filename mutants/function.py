"""Function faults: other settings, another key, another log, fewer tries."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial
from typing import Any

from mutants.account import STRANGER, Account
from mutants.model import Family

FAMILY = Family("function")


def named(account: Account) -> dict[str, str]:
    """The function, as Lambda's calls take it."""
    return {"FunctionName": account.outputs["function_arn"]}


# --- configuration --------------------------------------------------------------------------------


def _configure(changes: Mapping[str, Any], account: Account, mending: ExitStack) -> None:
    account.change_function(mending, **changes)


for _aspect, _changes in (("time-out", {"Timeout": 3}), ("memory", {"MemorySize": 128})):
    FAMILY.add(
        f"{_aspect}-cut",
        f"the function's {_aspect} is cut: {_changes}",
        partial(_configure, _changes),
        "function-configuration",
        "declared-matches-live",
    )
for _aspect, _other in (
    ("runtime", {"Runtime": "python3.9"}),
    ("handler", {"Handler": "compliance_checker.handler.ignore"}),
):
    FAMILY.add(
        f"another-{_aspect}",
        f"the function's {_aspect} is changed: {_other}",
        partial(_configure, _other),
        "function-configuration",
        "declared-matches-live",
    )


def _set(variable: str, value: str, account: Account, mending: ExitStack) -> None:
    now = account.functions.get_function_configuration(**named(account))["Environment"]["Variables"]
    variables = {**now, variable: value.format(**account.outputs)}
    account.change_function(mending, Environment={"Variables": variables})


for _variable, _value, _what in (
    ("ALERT_TOPIC_ARN", "{delivery_topic_arn}", "alerts another topic"),
    ("DEAD_LETTER_QUEUE_URL", "{delivery_queue_url}", "keeps what it cannot process elsewhere"),
    ("TRAIL_ARN", "{trail_arn}-old", "guards another trail"),
    ("KEY_ARN", "{kms_key_arn}-old", "guards another key"),
    ("AWS_ENDPOINT_URL_SNS", "http://127.0.0.1:9", "reaches SNS by way of somebody else"),
    ("PYTHONPATH", "/mnt/other", "looks for code in another place first"),
    ("METRIC_NAMESPACE", "Trailwarden/AuditTrail", "counts among what the alarms watch"),
    ("REMEDIATION_EXEMPTION_TAG", "Application", "spares whatever bears the stack's own tag"),
    ("REMEDIATION_MODE", "always", "is told of a mode that there is not"),
    ("REMEDIATION_RULES", "trail-stopped", "is to mend what nobody asked it to"),
    ("SCAN_CHECKS", "flow-logs,trails", "scans for something else than what is asked for"),
):
    FAMILY.add(
        f"variable-{_variable.lower().replace('_', '-')}",
        f"the function {_what}",
        partial(_set, _variable, _value),
        "function-configuration",
    )


@FAMILY.fault("the function is moved into the VPC, away from SNS", "function-configuration")
def in_the_vpc(account: Account, mending: ExitStack) -> None:
    values = account.outputs
    account.change_function(
        mending,
        VpcConfig={
            "SubnetIds": values["private_subnet_ids"],
            "SecurityGroupIds": [values["application_security_group_id"]],
        },
    )


@FAMILY.fault("a file system is mounted into the function", "function-configuration")
def file_system(account: Account, mending: ExitStack) -> None:
    values = account.outputs
    place = f"elasticfilesystem:{values['region']}:{values['account_id']}"
    arn = f"arn:{values['partition']}:{place}:access-point/fsap-0123456789abcdef0"
    account.change_function(
        mending, FileSystemConfigs=[{"Arn": arn, "LocalMountPath": "/mnt/other"}]
    )


@FAMILY.fault("the function's runtime is kept from AWS's updates", "function-configuration")
def runtime_pinned(account: Account, mending: ExitStack) -> None:
    now = account.functions.get_function_configuration(**named(account))
    put = partial(account.functions.put_runtime_management_config, **named(account))
    mending.callback(put, UpdateRuntimeOn="Auto")
    put(
        UpdateRuntimeOn="Manual", RuntimeVersionArn=now["RuntimeVersionConfig"]["RuntimeVersionArn"]
    )


# --- key and log ----------------------------------------------------------------------------------


@FAMILY.fault("AWS's own key encrypts the function's variables", "function-encrypted")
def key_of_aws(account: Account, mending: ExitStack) -> None:
    account.change_function(mending, KMSKeyArn="")


# Nor may the verifier decrypt the variables with that key.
@FAMILY.fault(
    "another key encrypts the function's variables",
    "function-encrypted",
    errors=frozenset({"function-configuration", "function-logs-results"}),
)
def another_key(account: Account, mending: ExitStack) -> None:
    key = account.kms.create_key()["KeyMetadata"]["Arn"]
    mending.callback(account.kms.schedule_key_deletion, KeyId=key)
    account.change_function(mending, KMSKeyArn=key)


for _log, _logged in (
    ("logs to another group", {"LoggingConfig": {"LogGroup": "/somewhere/else"}}),
    ("log is wrapped into Lambda's JSON", {"LoggingConfig": {"LogFormat": "JSON"}}),
    (
        "log is filtered by Lambda",
        {"LoggingConfig": {"LogFormat": "JSON", "ApplicationLogLevel": "ERROR"}},
    ),
):
    FAMILY.add(
        _log.replace(" ", "-").replace("'", "").lower(),
        f"the function's {_log}".replace("function's logs", "function logs"),
        partial(_configure, _logged),
        "function-logs-results",
    )


@FAMILY.fault("the function logs no result below WARNING", "function-logs-results")
def results_not_logged(account: Account, mending: ExitStack) -> None:
    _set("LOG_LEVEL", "WARNING", account, mending)


# --- tries ----------------------------------------------------------------------------------------


def _invoke(settings: Mapping[str, Any], account: Account, mending: ExitStack) -> None:
    mending.callback(account.functions.delete_function_event_invoke_config, **named(account))
    account.functions.put_function_event_invoke_config(**named(account), **settings)


def _elsewhere(when: str, account: Account, mending: ExitStack) -> None:
    arn = f"arn:aws:sqs:{account.outputs['region']}:{STRANGER}:collector"
    _invoke({"DestinationConfig": {when: {"Destination": arn}}}, account, mending)


for _case, _what, _invoked in (
    ("no-retry", "is not tried again", partial(_invoke, {"MaximumRetryAttempts": 0})),
    ("one-minute", "is given up soon", partial(_invoke, {"MaximumEventAgeInSeconds": 60})),
    ("success-elsewhere", "goes to a stranger when it is done", partial(_elsewhere, "OnSuccess")),
    ("failure-elsewhere", "goes to a stranger when it fails", partial(_elsewhere, "OnFailure")),
):
    FAMILY.add(f"event-{_case}", f"an event {_what}", _invoked, "function-tries-again")


@FAMILY.fault("the function runs with another role", "function-configuration")
def another_role(account: Account, mending: ExitStack) -> None:
    like = account.outputs["function_role_name"]
    made = account.iam.create_role(
        RoleName="by-hand",
        AssumeRolePolicyDocument=json.dumps(account.document(f"role:{like}")),
    )["Role"]["Arn"]
    mending.callback(account.iam.delete_role, RoleName="by-hand")
    # Lambda takes only a role that may use the dead-letter queue.
    queue = account.outputs["dead_letter_queue_arn"]
    account.role_policy(
        mending,
        "by-hand",
        {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": queue},
    )
    account.change_function(mending, Role=made)


@FAMILY.fault(
    "the function is throttled for good: no concurrency is reserved", "function-configuration"
)
def throttled(account: Account, mending: ExitStack) -> None:
    throttle(account, mending)


def throttle(account: Account, mending: ExitStack) -> None:
    """Leave the function without any concurrency until mended."""
    mending.callback(account.functions.delete_function_concurrency, **named(account))
    account.functions.put_function_concurrency(**named(account), ReservedConcurrentExecutions=0)


# --- dead-letter queue ----------------------------------------------------------------------------


@FAMILY.fault("the function has no dead-letter queue", "function-dead-letter-queue")
def no_dead_letter_queue(account: Account, mending: ExitStack) -> None:
    account.change_function(mending, DeadLetterConfig={"TargetArn": ""})


@FAMILY.fault(
    "the function's dead letters go to another queue",
    "function-dead-letter-queue",
    "roles-least-privilege",
)
def dead_letters_elsewhere(account: Account, mending: ExitStack) -> None:
    queues = account.outputs["dead_letter_queue_arn"].rpartition(":")[0]
    name = account.outputs["delivery_queue_url"].rpartition("/")[2]
    target = {"TargetArn": f"{queues}:{name}"}
    # Lambda takes only a target to which the function's role may send.
    account.role_policy(
        mending,
        account.outputs["function_role_name"],
        {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": target["TargetArn"]},
    )
    account.change_function(mending, DeadLetterConfig=target)


@FAMILY.fault("the dead-letter queue is not encrypted", "function-dead-letter-queue")
def dead_letters_in_the_open(account: Account, mending: ExitStack) -> None:
    url = account.outputs["dead_letter_queue_url"]

    def encrypt(**attributes: str) -> None:
        account.sqs.set_queue_attributes(QueueUrl=url, Attributes=attributes)

    mending.callback(encrypt, KmsMasterKeyId=account.outputs["kms_key_arn"])
    encrypt(KmsMasterKeyId="", SqsManagedSseEnabled="false")
