"""How buckets keep what they hold: lock, lifecycle and replication, as S3 takes and shows them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from moto.s3.exceptions import InvalidBucketState, MissingKey, S3ClientError
from moto.s3.models import S3Backend
from moto.s3.responses import S3Response

from sandbox.replacement import Kind, Replacement
from sandbox.world import World

_NAMESPACE = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
_SMALLEST = "x-amz-transition-default-minimum-object-size"
_BY_DEFAULT = "all_storage_classes_128K"
_ROOT = re.compile(r"<ReplicationConfiguration[^>]*>(.*)</ReplicationConfiguration>", re.DOTALL)
_LIFECYCLE = re.compile(r"<LifecycleConfiguration[^>]*>(.*)</LifecycleConfiguration>", re.DOTALL)
_DROPPED = ("NewerNoncurrentVersions", "ObjectSizeGreaterThan", "ObjectSizeLessThan")
# Attributes of moto's bucket, and gone with it.
_REPLICATION = "replication_of_the_sandbox"
_SMALLEST_KEPT = "smallest_transition_of_the_sandbox"
_RULES_KEPT = "lifecycle_rules_of_the_sandbox"

_Response = Any  # status, headers and body


def put_object_lock_configuration(
    world: World,
    backend: Any,
    bucket_name: str,
    lock_enabled: bool,
    mode: str | None = None,
    days: int | None = None,
    years: int | None = None,
) -> None:
    """A bucket's default lock, from now on; a bucket with versions may turn Object Lock on.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-configure.html
    """
    bucket = backend.get_bucket(bucket_name)
    if not bucket.is_versioned:
        raise InvalidBucketState(
            "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration"
        )
    bucket.object_lock_enabled = bucket.object_lock_enabled or lock_enabled
    bucket.default_lock_mode = mode
    bucket.default_lock_days = days
    bucket.default_lock_years = years


def replication_config_from_xml(
    world: World, original: Callable[..., Any], response: Any, xml: Any
) -> Any:
    """What is put as a bucket's replication, which is kept to be shown as it is."""
    config = original(response, xml)
    found = _ROOT.search(xml.decode() if isinstance(xml, bytes) else xml)
    if found is not None:
        config[_REPLICATION] = found[1]
    return config


def get_bucket_replication(
    world: World, original: Callable[..., _Response], response: Any
) -> _Response:
    """A bucket's replication, as it was put: with what is encrypted, filters and metrics."""
    answer = original(response)
    put = (response.backend.get_bucket_replication(response.bucket_name) or {}).get(_REPLICATION)
    if put is None:
        return answer
    status, headers, _ = answer
    body = f"<ReplicationConfiguration {_NAMESPACE}>{put}</ReplicationConfiguration>"
    return status, headers, body


def note_lifecycle(bucket: Any, request: Any, body: bytes) -> None:
    """Keep of a lifecycle that is put now what moto does not: which files are too small for it, and
    the rules as they are where they have what moto drops.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketLifecycleConfiguration.html
    """
    setattr(bucket, _SMALLEST_KEPT, request.headers.get(_SMALLEST) or _BY_DEFAULT)
    found = _LIFECYCLE.search(body.decode())
    dropped = found is not None and any(member in found[1] for member in _DROPPED)
    setattr(bucket, _RULES_KEPT, found[1] if found is not None and dropped else "")


def check_versioning(bucket: Any, body: str) -> None:
    """Refuse to suspend the versions of a bucket that locks or copies them.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-configure.html
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-requirements.html
    """
    if "<Status>Suspended</Status>" not in body:
        return
    for there, configuration in (
        (bucket.object_lock_enabled, "An Object Lock"),
        (getattr(bucket, "replication", None), "A replication"),
    ):
        if there:
            raise StaysVersionedError(configuration)


class StaysVersionedError(S3ClientError):  # type: ignore[misc]  # moto has no types
    """The bucket needs its versions."""

    def __init__(self, configuration: str) -> None:
        super().__init__(
            "InvalidBucketState",
            f"{configuration} configuration is present on this bucket, so the versioning state "
            "cannot be changed.",
        )
        self.status_code = 409


def key_response_get(
    world: World, original: Callable[..., _Response], response: Any, query: Any, key_name: str
) -> _Response:
    """The answer to a GET of an object: also until when a version is locked, and how.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectRetention.html
    """
    if "retention" not in query:
        return original(response, query, key_name)
    version = query.get("versionId", [None])[0]
    key = response.backend.get_object(response.bucket_name, key_name, version_id=version)
    if key is None:
        raise MissingKey(key=key_name)
    if not key.lock_mode:
        raise NoRetentionError
    body = (
        f"<Retention {_NAMESPACE}><Mode>{key.lock_mode}</Mode>"
        f"<RetainUntilDate>{key.lock_until}</RetainUntilDate></Retention>"
    )
    return 200, {"content-type": "application/xml"}, body


class NoRetentionError(S3ClientError):  # type: ignore[misc]  # moto has no types
    """The version is not locked."""

    def __init__(self) -> None:
        super().__init__(
            "NoSuchObjectLockConfiguration",
            "The specified object does not have a ObjectLock configuration",
        )
        self.status_code = 404


def get_bucket_lifecycle(
    world: World, original: Callable[..., _Response], response: Any
) -> _Response:
    """A bucket's lifecycle, with which files are too small for it."""
    status, headers, body = original(response)
    bucket = response.backend.get_bucket(response.bucket_name)
    rules = getattr(bucket, _RULES_KEPT, "")
    if rules:
        body = f"<LifecycleConfiguration {_NAMESPACE}>{rules}</LifecycleConfiguration>"
    return status, {**headers, _SMALLEST: getattr(bucket, _SMALLEST_KEPT, _BY_DEFAULT)}, body


REPLACEMENTS = (
    Replacement(
        S3Backend,
        "put_object_lock_configuration",
        put_object_lock_configuration,
        "moto locks new buckets alone; S3 locks any that has versions.",
    ),
    Replacement(
        S3Response,
        "_replication_config_from_xml",
        replication_config_from_xml,
        "moto keeps of a replication rule what it knows of.",
        Kind.AROUND,
    ),
    Replacement(
        S3Response,
        "get_bucket_replication",
        get_bucket_replication,
        "moto shows neither what a replication rule selects nor how it encrypts.",
        Kind.AROUND,
    ),
    Replacement(
        S3Response,
        "_key_response_get",
        key_response_get,
        "moto has no GetObjectRetention.",
        Kind.AROUND,
    ),
    Replacement(
        S3Response,
        "get_bucket_lifecycle",
        get_bucket_lifecycle,
        "moto says of every lifecycle that it leaves files below 128 KB alone, and drops what a "
        "rule says of sizes and of newer versions.",
        Kind.AROUND,
    ),
)
