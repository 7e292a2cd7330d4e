"""Where moto's AWS Config differs from AWS's: how a recorder records, and whether it delivers.

A recorder delivers as the service itself (as it does for its service-linked role), by the bucket's
policy and the key's. AWS delivers a resource's history within six hours and snapshots as often as
the channel says; here a delivery is tried whenever somebody asks how the last one went.
https://docs.aws.amazon.com/config/latest/developerguide/s3-bucket-policy.html
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from moto.config.models import (
    ConfigBackend,
    ConfigRecorder,
    ConfigRecorderStatus,
    ConfigRule,
    Scope,
)
from moto.config.responses import ConfigResponse
from moto.core.exceptions import JsonRESTError
from moto.iam.models import IAMBackend

from sandbox.access import permissions
from sandbox.clock import now
from sandbox.replacement import Kind, Replacement
from sandbox.world import World

_SERVICE = "config.amazonaws.com"
_CONTINUOUS = {"recordingFrequency": "CONTINUOUS"}

Document = dict[str, Any]


# --- the recorder ---------------------------------------------------------------------------------


def put_configuration_recorder(
    world: World, original: Callable[..., Any], backend: Any, given: Document
) -> Any:
    """Make or change a recorder, with how often it records."""
    answer = original(backend, given)
    recorder = backend.recorders[given["name"]]
    # moto tells every attribute of a recorder whose name does not begin with an underscore.
    recorder.recording_mode = given.get("recordingMode") or _CONTINUOUS
    recorder.recording_scope = "PAID"
    recorder._sandbox_place = backend.region_name
    return answer


def recorder_told(world: World, original: Callable[..., Document], recorder: Any) -> Document:
    """A recorder as AWS tells of it."""
    region = recorder._sandbox_place
    account, partition = world.settings.account, recorder.role_arn.split(":")[1]
    arn = f"arn:{partition}:config:{region}:{account}:configuration-recorder/{recorder.name}"
    told = {**original(recorder), "arn": arn}
    told.pop("status", None)
    return told


def start(_: World, original: Callable[..., None], status: Any) -> None:
    """Begin to record, at once and with success."""
    original(status)
    status.last_status = "SUCCESS"


# --- the delivery ---------------------------------------------------------------------------------


def put_delivery_channel(
    world: World, original: Callable[..., Any], backend: Any, given: Document
) -> Any:
    """Make or change the channel; AWS Config tries at once whether it can deliver there."""
    before = dict(backend.delivery_channels)
    answer = original(backend, given)
    channel = backend.delivery_channels[given["name"]]
    bucket = world.backend("s3", backend.region_name).buckets.get(channel.s3_bucket_name)
    refusal = _refusal(world, backend, channel)
    if refusal is not None:
        backend.delivery_channels = before
        code = "NoSuchBucketException" if bucket is None else "InsufficientDeliveryPolicyException"
        raise JsonRESTError(
            code,
            f"Insufficient delivery policy to s3 bucket: {channel.s3_bucket_name}, unable to write "
            "to bucket, provided s3 key prefix is 'null', provided kms key is "
            f"'{channel.s3_kms_key_arn}'.",
        )
    world.backend("s3", backend.region_name).put_object(
        channel.s3_bucket_name,
        f"{_folder(world, channel)}/ConfigWritabilityCheckFile",
        b"",
        encryption="aws:kms" if channel.s3_kms_key_arn else None,
        kms_key_id=channel.s3_kms_key_arn,
    )
    return answer


def describe_delivery_channel_status(world: World, response: Any) -> str:
    """How the last deliveries went: of history, of snapshots, and to a topic."""
    backend = response.config_backend
    names = response._get_param("DeliveryChannelNames")
    told = [channel["name"] for channel in backend.describe_delivery_channels(names)]
    channels = [backend.delivery_channels[name] for name in told]
    recording = any(recorder.status.recording for recorder in backend.recorders.values())
    return json.dumps(
        {
            "DeliveryChannelsStatus": [
                _status(world, backend, channel, recording) for channel in channels
            ]
        }
    )


def _status(world: World, backend: Any, channel: Any, recording: bool) -> Document:
    last: Document = getattr(channel, "_sandbox_last", {})
    if recording:
        refusal, moment = _refusal(world, backend, channel), now().timestamp()
        kept = {key: last[key] for key in ("lastSuccessfulTime",) if key in last}
        last = {"lastAttemptTime": moment, **kept}
        last |= (
            {"lastStatus": "SUCCESS", "lastSuccessfulTime": moment}
            if refusal is None
            else {"lastStatus": "FAILURE", "lastErrorCode": refusal, "lastErrorMessage": refusal}
        )
        channel._sandbox_last = last
    return {
        "name": channel.name,
        "configHistoryDeliveryInfo": last,
        "configSnapshotDeliveryInfo": last,
        "configStreamDeliveryInfo": {"lastStatus": "NOT_APPLICABLE"},
    }


def _folder(world: World, channel: Any) -> str:
    prefix = f"{channel.s3_key_prefix}/" if channel.s3_key_prefix else ""
    return f"{prefix}AWSLogs/{world.settings.account}/Config"


def _refusal(world: World, backend: Any, channel: Any) -> str | None:
    """Why AWS Config cannot deliver; None when it can."""
    bucket = world.backend("s3", backend.region_name).buckets.get(channel.s3_bucket_name)
    if bucket is None:
        return "NoSuchBucket"
    account = world.settings.account
    source = f"arn:{bucket.arn.split(':')[1]}:config:{backend.region_name}:{account}:*"
    key = f"{bucket.arn}/{_folder(world, channel)}/{backend.region_name}/file.json.gz"
    admitted = all(
        permissions.service_may(bucket.policy, _SERVICE, action, resource, source, account, context)
        for action, resource, context in (
            ("s3:GetBucketAcl", bucket.arn, {}),
            ("s3:ListBucket", bucket.arn, {}),
            ("s3:PutObject", key, {"s3:x-amz-acl": "bucket-owner-full-control"}),
        )
    )
    if not admitted:
        return "AccessDenied"
    if channel.s3_kms_key_arn:
        return permissions.key_refusal(
            world,
            channel.s3_kms_key_arn,
            _SERVICE,
            "kms:GenerateDataKey",
            source,
            {},
            backend.region_name,
        )
    return None


# --- rules ----------------------------------------------------------------------------------------


def put_config_rule(
    _: World,
    original: Callable[..., str],
    backend: Any,
    given: Document,
    tags: list[dict[str, str]] | None = None,
) -> str:
    """Make a rule, or change one, which keeps its tags.

    https://docs.aws.amazon.com/config/latest/APIReference/API_PutConfigRule.html
    """
    before = backend.config_rules.get(given.get("ConfigRuleName"))
    kept = None if before is None else before.tags
    answer = original(backend, given, tags)
    if kept is not None:
        backend.config_rules[given["ConfigRuleName"]].tags = kept
    return answer


def rule_told(_: World, original: Callable[..., Document], rule: Any) -> Document:
    """A rule as AWS tells of it: each looks at what is there, unless it was made otherwise."""
    return {"EvaluationModes": [{"Mode": "DETECTIVE"}], **original(rule)}


def create_service_linked_role(
    _: World, original: Callable[..., Any], backend: Any, service_name: str, *rest: Any, **more: Any
) -> Any:
    """Make a service's own role, by the name that AWS gives it."""
    role = original(backend, service_name, *rest, **more)
    if service_name == _SERVICE:
        role.name = "AWSServiceRoleForConfig"
    return role


def scope_told(_: World, original: Callable[..., Document], scope: Any) -> Document:
    """What a rule looks at alone: types, one resource, or what bears a tag."""
    told = original(scope)
    told.pop("Tags", None)
    for key, value in (scope.tags or {}).items():
        told |= {"TagKey": key, **({"TagValue": value} if value else {})}
    return told


REPLACEMENTS = (
    Replacement(
        Scope,
        "to_dict",
        scope_told,
        "A rule for what bears a tag says so, where moto leaves the tag out.",
        Kind.AROUND,
    ),
    Replacement(
        IAMBackend,
        "create_service_linked_role",
        create_service_linked_role,
        "AWS Config's own role has a capital, which moto leaves out.",
        Kind.AROUND,
    ),
    Replacement(
        ConfigBackend,
        "put_configuration_recorder",
        put_configuration_recorder,
        "A recorder records as things change or once a day, which moto drops.",
        Kind.AROUND,
    ),
    Replacement(
        ConfigRecorder,
        "to_dict",
        recorder_told,
        "A recorder has an ARN, and its status is told elsewhere.",
        Kind.AROUND,
    ),
    Replacement(
        ConfigRecorderStatus,
        "start",
        start,
        "What is recorded is a success, where moto's recorder stays pending for ever.",
        Kind.AROUND,
    ),
    Replacement(
        ConfigBackend,
        "put_delivery_channel",
        put_delivery_channel,
        "AWS Config takes no bucket that it cannot deliver into.",
        Kind.AROUND,
    ),
    Replacement(
        ConfigResponse,
        "describe_delivery_channel_status",
        describe_delivery_channel_status,
        "How the last delivery went is told, where moto raises NotImplementedError.",
    ),
    Replacement(
        ConfigBackend,
        "put_config_rule",
        put_config_rule,
        "A rule that is changed keeps its tags, which moto replaces by those that are given.",
        Kind.AROUND,
    ),
    Replacement(
        ConfigRule,
        "to_dict",
        rule_told,
        "A rule says whether it looks at what is there or at what is to be made.",
        Kind.AROUND,
    ),
)
