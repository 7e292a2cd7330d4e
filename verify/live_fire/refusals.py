"""Tries, as the investigation role, what must be refused to it, in forms that change nothing.

Each asks for what is so already, or for a dry run: should one be let through against all
expectation, the trail, its groups and its key stay as they are.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import boto3

from verify.account import sessions
from verify.account.answer import pick
from verify.account.door import Aws
from verify.account.errors import DENIED, ActionFailedError
from verify.account.live import Live
from verify.account.read import Read
from verify.run.verification import Run

_SESSION_SECONDS = 900  # the shortest that AWS gives


@dataclass(frozen=True)
class Attempt:
    """A call that must be refused; `subject` is what it is about."""

    subject: str
    service: str
    operation: str
    parameters: Mapping[str, Any]


def tries(run: Run, arn: str) -> dict[str, Any]:
    """What came of the attempts of the role `arn`. Raises NotVerifiedError."""
    role = _as_role(run, arn)
    # What it may do it can do: what follows is refused to it, and not to a session that is worth
    # nothing.
    group = run.deployment.trail_log_group_name
    streams = Read("logs", "describe_log_streams", {"logGroupName": group, "limit": 1})
    looks = role.read_again(streams).response is not None
    refused = [
        {
            "subject": attempt.subject,
            "service": attempt.service,
            "operation": attempt.operation,
            "refused": _refusal_of(
                partial(role.act, attempt.service, attempt.operation, **attempt.parameters)
            ),
        }
        for attempt in _attempts(run)
    ]
    return {"looks": looks, "attempts": refused}


def _attempts(run: Run) -> Iterator[Attempt]:
    """What is tried. What it takes to ask for the same as is there is read as the verifier."""
    deployment = run.deployment
    trail = deployment.trail_arn
    yield Attempt(trail, "cloudtrail", "update_trail", {"Name": trail})
    asked = Read("cloudtrail", "get_event_selectors", {"TrailName": trail})
    live = run.aws.read_again(asked).response or {}
    kinds = ("EventSelectors", "AdvancedEventSelectors")
    same = next(({kind: live[kind]} for kind in kinds if live.get(kind)), None)
    if same is not None:
        parameters = {"TrailName": trail, **same}
        yield Attempt(trail, "cloudtrail", "put_event_selectors", parameters)
    group = deployment.trail_log_group_name
    for found in run.aws.pick_again(
        Read("logs", "describe_log_groups", {"logGroupNamePrefix": group}), "logGroups"
    ):
        if pick(found, "logGroupName") == group and "retentionInDays" in found:
            parameters = {"logGroupName": group, "retentionInDays": found["retentionInDays"]}
            yield Attempt(group, "logs", "put_retention_policy", parameters)
    alias = deployment.kms_key_alias
    yield Attempt(
        alias, "kms", "update_alias", {"AliasName": alias, "TargetKeyId": deployment.kms_key_id}
    )
    versions = {"Status": "Enabled"}
    bucket = deployment.log_bucket_name
    yield Attempt(
        bucket,
        "s3",
        "put_bucket_versioning",
        {
            "Bucket": bucket,
            "ExpectedBucketOwner": deployment.account_id,
            "VersioningConfiguration": versions,
        },
    )
    yield Attempt(
        deployment.function_name,
        "lambda",
        "update_function_code",
        {"FunctionName": deployment.function_name, "ZipFile": _nothing(), "DryRun": True},
    )


def _nothing() -> bytes:
    """A zip with one empty file: what a dry run does not deploy."""
    text = io.BytesIO()
    with zipfile.ZipFile(text, "w") as archive:
        archive.writestr(zipfile.ZipInfo("nothing.py"), "")
    return text.getvalue()


def _as_role(run: Run, arn: str) -> Aws:
    """A door to the account in the role. Raises ActionFailedError.

    Whoever may not assume it tries by way of the verifier's role, which it serves.
    """
    try:
        return _door(run, _assume(run.aws, run, arn))
    except ActionFailedError as error:
        if error.code not in DENIED:
            raise
    verifier = _door(run, _assume(run.aws, run, run.deployment.verifier_role_arn))
    return _door(run, _assume(verifier, run, arn))


def _assume(aws: Aws, run: Run, arn: str) -> Mapping[str, Any]:
    keys: Mapping[str, Any] = aws.act(
        "sts",
        "assume_role",
        RoleArn=arn,
        RoleSessionName=f"trailwarden-{run.settings.run_id}",
        DurationSeconds=_SESSION_SECONDS,
    )["Credentials"]
    return keys


def _door(run: Run, keys: Mapping[str, Any]) -> Aws:
    def session() -> boto3.Session:
        core = sessions.core_session()
        core.set_credentials(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
        return boto3.Session(botocore_session=core)

    store = run.aws.store
    return Aws(Live(session(), run.deployment.region, store), store)


def _refusal_of(act: Callable[[], object]) -> str | None:
    """By which error a call was refused; None where it was let through. Raises others."""
    try:
        act()
    except ActionFailedError as error:
        if error.code in DENIED:
            return error.code
        raise
    return None
