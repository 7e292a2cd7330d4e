"""Function faults: other code, other settings, other callers."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial
from typing import Any

from mutants.account import STRANGER, Account
from mutants.model import Family

FAMILY = Family("function")
_STATEMENT = "by-hand"


def _name(account: Account) -> dict[str, str]:
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
    now = account.functions.get_function_configuration(**_name(account))["Environment"]["Variables"]
    variables = {**now, variable: value.format(**account.outputs)}
    account.change_function(mending, Environment={"Variables": variables})


for _variable, _value, _what in (
    ("ALERT_TOPIC_ARN", "{delivery_topic_arn}", "alerts another topic"),
    ("DEAD_LETTER_QUEUE_URL", "{delivery_queue_url}", "keeps what it cannot process elsewhere"),
    ("TRAIL_ARN", "{trail_arn}-old", "guards another trail"),
    ("AWS_ENDPOINT_URL_SNS", "http://127.0.0.1:9", "reaches SNS by way of somebody else"),
    ("PYTHONPATH", "/mnt/other", "looks for code in another place first"),
):
    FAMILY.add(
        f"variable-{_variable.lower().replace('_', '-')}",
        f"the function {_what}",
        partial(_set, _variable, _value),
        "function-configuration",
    )


@FAMILY.fault("the function writes to another log group", "function-configuration")
def logs_elsewhere(account: Account, mending: ExitStack) -> None:
    account.change_function(mending, LoggingConfig={"LogGroup": "/somewhere/else"})


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
    mending.callback(account.functions.delete_function_concurrency, **_name(account))
    account.functions.put_function_concurrency(**_name(account), ReservedConcurrentExecutions=0)


# --- code -----------------------------------------------------------------------------------------


def _run(account: Account, package: bytes) -> None:
    account.functions.update_function_code(**_name(account), ZipFile=package)
    account.wait_for_function()


def run_with(account: Account, mending: ExitStack, module: str, more: str) -> None:
    """Let the function run, until mended, with `more` at the end of one of its modules."""
    original = account.function_package.read_bytes()
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(original)) as source, zipfile.ZipFile(changed, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            target.writestr(name, content + more.encode() if name == module else content)
    mending.callback(_run, account, original)
    _run(account, changed.getvalue())


@FAMILY.fault("the function's code is changed behind Terraform's back", "function-code-reviewed")
def code_changed(account: Account, mending: ExitStack) -> None:
    run_with(account, mending, "compliance_checker/handler.py", "# not reviewed\n")


@FAMILY.fault("a layer slips code under the function", "function-code-reviewed")
def layer_added(account: Account, mending: ExitStack) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("python/boto3.py", "# not boto3\n")
    made = account.functions.publish_layer_version(
        LayerName="by-hand", Content={"ZipFile": content.getvalue()}
    )
    mending.callback(
        account.functions.delete_layer_version,
        LayerName="by-hand",
        VersionNumber=made["Version"],
    )
    account.change_function(mending, Layers=[made["LayerVersionArn"]])


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


# --- callers --------------------------------------------------------------------------------------


def _permit(settings: Mapping[str, str], account: Account, mending: ExitStack) -> None:
    filled = {key: value.format(**account.outputs) for key, value in settings.items()}
    account.functions.add_permission(
        **_name(account), StatementId=_STATEMENT, Action="lambda:InvokeFunction", **filled
    )
    mending.callback(account.functions.remove_permission, **_name(account), StatementId=_STATEMENT)


for _caller, _settings in (
    ("anyone", {"Principal": "*"}),
    ("a-stranger", {"Principal": STRANGER}),
    ("another-service", {"Principal": "s3.amazonaws.com", "SourceAccount": "{account_id}"}),
    ("any-log-group", {"Principal": "logs.amazonaws.com"}),
    ("log-groups-of-a-stranger", {"Principal": "logs.amazonaws.com", "SourceAccount": STRANGER}),
    (
        "another-log-group",
        {
            "Principal": "logs.amazonaws.com",
            "SourceArn": "{trail_log_group_arn}-old:*",
            "SourceAccount": "{account_id}",
        },
    ),
):
    FAMILY.add(
        f"invoked-by-{_caller}",
        f"{_caller.replace('-', ' ')} may invoke the function",
        partial(_permit, _settings),
        "function-not-public",
    )


def forbid(account: Account, mending: ExitStack) -> None:
    """Take the permission to invoke the function from CloudWatch Logs until mended."""
    values = account.outputs
    mending.callback(
        account.functions.add_permission,
        **_name(account),
        StatementId="AllowTrailLogGroup",
        Action="lambda:InvokeFunction",
        Principal="logs.amazonaws.com",
        SourceArn=f"{values['trail_log_group_arn']}:*",
        SourceAccount=values["account_id"],
    )
    account.functions.remove_permission(**_name(account), StatementId="AllowTrailLogGroup")


@FAMILY.fault(
    "nobody may invoke the function, the trail's log group neither", "function-not-public"
)
def invoked_by_nobody(account: Account, mending: ExitStack) -> None:
    forbid(account, mending)


def _url(kind: str, account: Account, mending: ExitStack) -> None:
    account.functions.create_function_url_config(**_name(account), AuthType=kind)
    mending.callback(account.functions.delete_function_url_config, **_name(account))


for _kind in ("NONE", "AWS_IAM"):
    FAMILY.add(
        f"url-with-auth-{_kind.lower().replace('_', '-')}",
        f"the function has a URL with authorization {_kind}",
        partial(_url, _kind),
        "function-not-public",
    )
