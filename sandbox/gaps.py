"""Where moto's answers differ from AWS's in ways that Terraform or a verifier would notice.

One function a gap, each with its reason. What moto lacks altogether has modules of its own.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from moto.cloudwatch import models as cloudwatch_models
from moto.cloudwatch.exceptions import ResourceNotFoundException as CloudWatchNotFoundException
from moto.ec2.exceptions import InvalidNetworkAclIdError, InvalidRouteTableIdError
from moto.ec2.models import network_acls
from moto.kms.exceptions import ValidationException
from moto.kms.models import KmsBackend
from moto.kms.responses import KmsResponse
from moto.logs import models as logs_models
from moto.logs.exceptions import InvalidParameterException, ResourceNotFoundException
from moto.logs.metric_filters import MetricFilters
from moto.logs.responses import LogsResponse
from moto.s3 import models as s3_models
from moto.s3 import responses as s3_responses
from moto.utilities.utils import get_partition

from sandbox import bucket_policy, metric_filter_test, permissions, policy
from sandbox.clock import milliseconds, now
from sandbox.subscriptions import check_pattern
from sandbox.world import World


def install(world: World) -> None:
    """Close all the gaps."""
    for close in _GAPS:
        close(world)


def _log_group_class(world: World) -> None:
    """DescribeLogGroups tells a group's class and its number of metric filters.

    Without the class the provider replaces the group at each apply.
    """
    original_create = LogsResponse.create_log_group
    original_describe = logs_models.LogGroup.to_describe_dict

    def create_log_group(response: Any) -> str:
        region = response.logs_backend.region_name
        name, key = response._get_param("logGroupName"), response._get_param("kmsKeyId")
        if key and name:
            _check_log_group_key(world, region, name, key)
        answer: str = original_create(response)
        group = response.logs_backend.groups[response._get_param("logGroupName")]
        group.sandbox_class = response._get_param("logGroupClass") or "STANDARD"
        return answer

    def to_describe_dict(group: Any) -> dict[str, Any]:
        shown: dict[str, Any] = original_describe(group)
        shown["logGroupClass"] = getattr(group, "sandbox_class", "STANDARD")
        filters = world.backend("logs", group.region).filters.metric_filters
        shown["metricFilterCount"] = sum(one["logGroupName"] == group.name for one in filters)
        return shown

    LogsResponse.create_log_group = create_log_group
    logs_models.LogGroup.to_describe_dict = to_describe_dict


def _check_log_group_key(world: World, region: str, name: str, key: str) -> None:
    """CloudWatch Logs takes a key only when its policy admits the service of the region."""
    arn = f"arn:{get_partition(region)}:logs:{region}:{world.settings.account}:log-group:{name}"
    encryption = {"kms:encryptioncontext:aws:logs:arn": arn}
    service = f"logs.{region}.amazonaws.com"
    for action in ("kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey"):
        if permissions.key_refusal(world, key, service, action, arn, encryption, region):
            raise InvalidParameterException(
                "The specified KMS key does not exist or is not allowed to be used with "
                f"LogGroup '{arn}'"
            )


def _log_group_keys(world: World) -> None:
    """AssociateKmsKey, which moto lacks, and DisassociateKmsKey."""

    def group_of(response: Any) -> Any:
        name = response._get_param("logGroupName")
        if not name:
            name = (response._get_param("resourceIdentifier") or "").split(":log-group:")[-1]
            name = name.removesuffix(":*")
        group = response.logs_backend.groups.get(name)
        if group is None:
            raise ResourceNotFoundException()
        return group

    def associate_kms_key(response: Any) -> str:
        group, key = group_of(response), response._get_param("kmsKeyId")
        _check_log_group_key(world, group.region, group.name, key)
        group.kms_key_id = key
        return ""

    def disassociate_kms_key(response: Any) -> str:
        group_of(response).kms_key_id = None
        return ""

    LogsResponse.associate_kms_key = associate_kms_key
    LogsResponse.disassociate_kms_key = disassociate_kms_key


def _metric_filters(world: World) -> None:
    """A second PutMetricFilter of a name replaces the first; moto keeps both.

    A group's filters go with the group; a filter has a creation time.
    """

    def add_filter(
        filters: Any,
        filter_name: str,
        filter_pattern: str,
        log_group_name: str,
        metric_transformations: Any,
    ) -> None:
        check_pattern(filter_pattern)
        delete_filter(filters, filter_name, log_group_name)
        filters.metric_filters.append(
            {
                "filterName": filter_name,
                "filterPattern": filter_pattern,
                "logGroupName": log_group_name,
                "metricTransformations": metric_transformations,
                "creationTime": milliseconds(now()),
            }
        )

    def delete_filter(
        filters: Any, filter_name: str | None = None, log_group_name: str | None = None
    ) -> list[dict[str, Any]]:
        filters.metric_filters = [
            one
            for one in filters.metric_filters
            if (one["filterName"], one["logGroupName"]) != (filter_name, log_group_name)
        ]
        kept: list[dict[str, Any]] = filters.metric_filters
        return kept

    original_delete = logs_models.LogsBackend.delete_log_group

    def delete_log_group(backend: Any, log_group_name: str) -> None:
        original_delete(backend, log_group_name)
        backend.filters.metric_filters = [
            one for one in backend.filters.metric_filters if one["logGroupName"] != log_group_name
        ]

    MetricFilters.add_filter = add_filter
    MetricFilters.delete_filter = delete_filter
    logs_models.LogsBackend.delete_log_group = delete_log_group


def _key_states_by_arn(world: World) -> None:
    """Keys can be disabled, enabled and scheduled for deletion by ARN; moto raises KeyError."""

    def by_any_id(original: Callable[..., Any]) -> Callable[..., Any]:
        def method(backend: Any, key_id: str, *arguments: Any, **keywords: Any) -> Any:
            return original(backend, backend.any_id_to_key_id(key_id), *arguments, **keywords)

        return method

    for name in ("disable_key", "enable_key", "cancel_key_deletion", "schedule_key_deletion"):
        setattr(KmsBackend, name, by_any_id(getattr(KmsBackend, name)))


def _key_rotation_period(world: World) -> None:
    """A key's rotation has a period, which moto drops: 365 days unless one was given.

    https://docs.aws.amazon.com/kms/latest/APIReference/API_EnableKeyRotation.html
    """
    original_status = KmsResponse.get_key_rotation_status
    original_enable = KmsResponse.enable_key_rotation

    def enable_key_rotation(response: Any) -> str:
        days = response._get_param("RotationPeriodInDays")
        if days is not None and not 90 <= int(days) <= 2560:
            raise ValidationException(
                f"1 validation error detected: Value '{days}' at 'rotationPeriodInDays' failed to "
                "satisfy constraint: Member must have value between 90 and 2560"
            )
        answer: str = original_enable(response)
        key = response.kms_backend.describe_key(response._get_param("KeyId"))
        if days is not None:
            key.sandbox_rotation_days = int(days)
        return answer

    def get_key_rotation_status(response: Any) -> str:
        status = json.loads(original_status(response))
        key = response.kms_backend.describe_key(response._get_param("KeyId"))
        shown = {"KeyId": key.arn, **status}
        if status["KeyRotationEnabled"]:
            shown["RotationPeriodInDays"] = getattr(key, "sandbox_rotation_days", 365)
        return json.dumps(shown)

    KmsResponse.enable_key_rotation = enable_key_rotation
    KmsResponse.get_key_rotation_status = get_key_rotation_status


def _alarm_tags_go_with_the_alarm(world: World) -> None:
    """A deleted alarm has no tags to list: there is no such resource, whatever moto remembers.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_ListTagsForResource.html
    """
    backend_class = cloudwatch_models.CloudWatchBackend
    original_delete = backend_class.delete_alarms
    original_list = backend_class.list_tags_for_resource

    def delete_alarms(backend: Any, alarm_names: list[str]) -> None:
        for name in alarm_names:
            if name in backend.alarms:
                backend.tagger.delete_all_tags_for_resource(backend.alarms[name].alarm_arn)
        original_delete(backend, alarm_names)

    def list_tags_for_resource(backend: Any, arn: str) -> dict[str, str]:
        kind, _, name = arn.split(":", 5)[-1].partition(":")
        if kind == "alarm" and name not in backend.alarms:
            raise CloudWatchNotFoundException(f"Unknown resource: {arn}")
        tags: dict[str, str] = original_list(backend, arn)
        return tags

    backend_class.delete_alarms = delete_alarms
    backend_class.list_tags_for_resource = list_tags_for_resource


def _bucket_encryption_default(world: World) -> None:
    """Every bucket is encrypted: one without a configuration of its own has SSE-S3.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-encryption-faq.html
    """

    def get_bucket_encryption(backend: Any, bucket_name: str) -> dict[str, Any]:
        configured: dict[str, Any] | None = backend.get_bucket(bucket_name).encryption
        return configured or {
            "Rule": {
                "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"},
                "BucketKeyEnabled": "false",
            }
        }

    s3_models.S3Backend.get_bucket_encryption = get_bucket_encryption


def _bucket_policy_status(world: World) -> None:
    """GetBucketPolicyStatus by S3's definition of public; moto takes any condition as enough."""

    def bucket_policy_is_public(text: bytes | str) -> bool:
        return bucket_policy.is_public(policy.parse(text))

    s3_responses.bucket_policy_is_public = bucket_policy_is_public


def _alarm_starts_without_data(world: World) -> None:
    """A new alarm is INSUFFICIENT_DATA until it has been evaluated; moto says OK."""
    original_init = cloudwatch_models.Alarm.__init__

    def __init__(alarm: Any, *arguments: Any, **keywords: Any) -> None:  # noqa: N807
        original_init(alarm, *arguments, **keywords)
        alarm.state_value = "INSUFFICIENT_DATA"

    cloudwatch_models.Alarm.__init__ = __init__


def _unknown_network_acl(world: World) -> None:
    """DescribeNetworkAcls of an unknown id speaks of an ACL; moto speaks of a route table.

    By the code the provider tells an ACL that has gone, with its VPC, from an error.
    """
    original = network_acls.NetworkAclBackend.describe_network_acls

    def describe_network_acls(
        backend: Any, network_acl_ids: list[str] | None = None, filters: Any = None
    ) -> Any:
        try:
            return original(backend, network_acl_ids, filters)
        except InvalidRouteTableIdError:
            known = {acl.id for acl in original(backend)}
            missing = [name for name in network_acl_ids or () if name not in known]
            raise InvalidNetworkAclIdError(missing[0]) from None

    network_acls.NetworkAclBackend.describe_network_acls = describe_network_acls


_GAPS: tuple[Callable[[World], None], ...] = (
    _log_group_class,
    _log_group_keys,
    _metric_filters,
    metric_filter_test.install,
    _key_states_by_arn,
    _key_rotation_period,
    _alarm_tags_go_with_the_alarm,
    _bucket_encryption_default,
    _bucket_policy_status,
    _alarm_starts_without_data,
    _unknown_network_acl,
)
