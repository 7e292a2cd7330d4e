"""Configurations of buckets that moto lacks: kept as they were put, and shown so, as S3 does.

moto takes a request for one of them for something else: it lists the bucket's objects, makes the
bucket anew, or deletes it.
https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from moto.s3.exceptions import S3ClientError
from moto.s3.responses import S3Response

from sandbox.gaps.kept_buckets import check_versioning, note_lifecycle
from sandbox.metrics.bucket_requests import KEPT, SUBRESOURCE
from sandbox.replacement import Kind, Replacement
from sandbox.world import World

_NAMESPACE = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
_METADATA = "metadataConfiguration"
# An attribute of moto's bucket, and gone with it, like KEPT.
_MFA_DELETE = "mfa_delete_of_the_sandbox"

_Response = Any  # status, headers and body


@dataclass(frozen=True)
class _Subresource:
    """`shown` is what there is before any was put; `listing` the root of a list of many."""

    shown: str = ""
    listing: str = ""


_SUBRESOURCES: Mapping[str, _Subresource] = {
    "abac": _Subresource(f"<AbacStatus {_NAMESPACE}><Status>Disabled</Status></AbacStatus>"),
    "requestPayment": _Subresource(
        f"<RequestPaymentConfiguration {_NAMESPACE}><Payer>BucketOwner</Payer>"
        "</RequestPaymentConfiguration>"
    ),
    "analytics": _Subresource(listing="ListBucketAnalyticsConfigurationResult"),
    "intelligent-tiering": _Subresource(listing="ListBucketIntelligentTieringConfigurationsOutput"),
    "inventory": _Subresource(listing="ListInventoryConfigurationsResult"),
    SUBRESOURCE: _Subresource(listing="ListMetricsConfigurationsResult"),
    _METADATA: _Subresource(),
}


class _S3Error(S3ClientError):  # type: ignore[misc]  # moto has no types
    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(code, message)
        self.status_code = status


def bucket_response(
    world: World, original: Callable[..., _Response], response: Any, request: Any, full_url: str
) -> _Response:
    """The answer to a request for a bucket or one of its subresources."""
    _check_owner(world, request)
    query = response._get_querystring(request, full_url)
    asked = next((name for name in _SUBRESOURCES if name in query), None)
    if asked is None:
        return original(response, request, full_url)
    bucket = response.backend.get_bucket(response.parse_bucket_name_from_url(request, full_url))
    kept: dict[tuple[str, str], str] = bucket.__dict__.setdefault(KEPT, {})
    key = (asked, query.get("id", [""])[0])
    if request.method in ("PUT", "POST"):
        kept[key] = _DECLARATION.sub("", response.body.decode())
        return 200, {}, ""
    if request.method == "DELETE":
        if kept.pop(key, None) is None:
            raise _missing(asked)
        return 204, {}, ""
    return 200, {"content-type": "application/xml"}, _shown(world, bucket, kept, key)


def key_response(
    world: World, original: Callable[..., _Response], response: Any, request: Any, full_url: str
) -> _Response:
    """The answer to a request for an object."""
    _check_owner(world, request)
    return original(response, request, full_url)


def _check_owner(world: World, request: Any) -> None:
    """S3 refuses who takes a bucket for somebody else's.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html
    """
    expected = request.headers.get("x-amz-expected-bucket-owner")
    if expected and expected != world.settings.account:
        raise _S3Error(403, "AccessDenied", "Access Denied")


def _shown(world: World, bucket: Any, kept: Mapping[tuple[str, str], str], key: Any) -> str:
    asked, identifier = key
    subresource = _SUBRESOURCES[asked]
    if subresource.listing and not identifier:
        found = "".join(text for (name, _), text in sorted(kept.items()) if name == asked)
        root = subresource.listing
        return f"<{root} {_NAMESPACE}><IsTruncated>false</IsTruncated>{found}</{root}>"
    text = kept.get(key, subresource.shown)
    if not text:
        raise _missing(asked)
    return _tables(world, bucket, text) if asked == _METADATA else text


def _missing(asked: str) -> _S3Error:
    if asked == _METADATA:
        message = "The metadata configuration does not exist."
        return _S3Error(404, "MetadataConfigurationNotFound", message)
    return _S3Error(404, "NoSuchConfiguration", "The specified configuration does not exist.")


def _tables(world: World, bucket: Any, put: str) -> str:
    """The tables that a metadata configuration has made: S3 shows these, not what was put.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketMetadataConfiguration.html
    """
    region, account = bucket.region_name, world.settings.account
    tables = f"arn:{bucket.partition}:s3tables:{region}:{account}:bucket/aws-s3"
    expiration = re.search(r"<RecordExpiration>.*?</RecordExpiration>", put, re.DOTALL)
    return (
        f"<GetBucketMetadataConfigurationResult {_NAMESPACE}><MetadataConfigurationResult>"
        f"<DestinationResult><TableBucketType>aws</TableBucketType>"
        f"<TableBucketArn>{tables}</TableBucketArn>"
        f"<TableNamespace>b_{bucket.name}</TableNamespace></DestinationResult>"
        f"<JournalTableConfigurationResult><TableStatus>ACTIVE</TableStatus>"
        f"<TableName>journal</TableName><TableArn>{tables}/table/journal</TableArn>"
        f"{expiration[0] if expiration else ''}</JournalTableConfigurationResult>"
        f"</MetadataConfigurationResult></GetBucketMetadataConfigurationResult>"
    )


# --- what moto keeps, and does not show -----------------------------------------------------------


def get_bucket_notification(
    world: World, original: Callable[..., _Response], response: Any
) -> _Response:
    """A bucket's notifications, those to EventBridge included."""
    found = response.backend.get_bucket_notification_configuration(response.bucket_name)
    answer = original(response)
    if found is None or found.event_bridge is None:
        return answer
    return _with_element(answer, "<EventBridgeConfiguration/>")


def put_response(
    world: World,
    original: Callable[..., _Response],
    response: Any,
    request: Any,
    bucket_name: str,
    query: Mapping[str, Any],
) -> _Response:
    """The answer to a request that changes a bucket.

    MFA delete comes with the versioning, and the least size of what moves with the lifecycle. What
    locks or copies versions keeps them from being suspended.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/MultiFactorAuthenticationDelete.html
    """
    if "lifecycle" in query:
        note_lifecycle(response.backend.get_bucket(bucket_name), request, response.body)
    if "versioning" not in query:
        return original(response, request, bucket_name, query)
    bucket = response.backend.get_bucket(bucket_name)
    wanted = re.search(r"<MfaDelete>(Enabled|Disabled)</MfaDelete>", response.body.decode())
    needed = wanted is not None or getattr(bucket, _MFA_DELETE, "Disabled") == "Enabled"
    if needed and not request.headers.get("x-amz-mfa"):
        raise _S3Error(403, "AccessDenied", "Mfa Authentication must be used for this request")
    check_versioning(bucket, response.body.decode())
    answer = original(response, request, bucket_name, query)
    if wanted is not None:
        setattr(bucket, _MFA_DELETE, wanted[1])
    return answer


def get_bucket_versioning(
    world: World, original: Callable[..., _Response], response: Any
) -> _Response:
    """A bucket's versioning, with MFA delete where it was ever set."""
    bucket, answer = response.backend.get_bucket(response.bucket_name), original(response)
    found = getattr(bucket, _MFA_DELETE, None)
    if found is None:
        return answer
    return _with_element(answer, f"<MfaDelete>{found}</MfaDelete>")


def _with_element(answer: _Response, element: str) -> _Response:
    """The answer with one element more at the end of its root, which may have been empty."""
    status, headers, body = answer
    text = (body.decode() if isinstance(body, bytes) else body).rstrip()
    if text.endswith("/>"):
        root = re.findall(r"<(\w+)[^<]*/>$", text)[0]
        text = f"{text[:-2]}></{root}>"
    end = text.rindex("</")
    return status, headers, text[:end] + element + text[end:]


REPLACEMENTS = (
    Replacement(
        S3Response,
        "_bucket_response",
        bucket_response,
        "moto lacks these configurations, and takes a request for one for the bucket itself; it "
        "does not ask whom a caller expects to own the bucket.",
        Kind.AROUND,
    ),
    Replacement(
        S3Response,
        "_key_response",
        key_response,
        "moto does not ask whom a caller expects to own the bucket.",
        Kind.AROUND,
    ),
    Replacement(
        S3Response,
        "_bucket_response_put",
        put_response,
        "moto overlooks MFA delete, that it takes an MFA device to change it, the least size of "
        "what a lifecycle moves, and that locks and copies need versions.",
        Kind.AROUND,
    ),
    Replacement(
        S3Response,
        "get_bucket_versioning",
        get_bucket_versioning,
        "moto has no MFA delete to show.",
        Kind.AROUND,
    ),
    Replacement(
        S3Response,
        "get_bucket_notification",
        get_bucket_notification,
        "moto keeps that a bucket notifies EventBridge, and does not say so.",
        Kind.AROUND,
    ),
)
