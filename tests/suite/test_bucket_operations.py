"""Whatever botocore can ask of a bucket is read by a control, or left out for a reason.

So the next configuration that S3 invents shows as a failure here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import botocore.session
import pytest
from botocore import xform_name

from verify.integrity.read.s3 import ACTIONS
from verify.suite.declarations import declared_readings

_READING = ("Get", "Head", "List", "Describe")
_ONE_BY_ONE = "its listing shows every one of them"
_OLD = "the older form of another reading, which shows the same"
_OF_DIRECTORIES = "for directory buckets, which take no trail's files"
_OUTPOSTS = "for buckets on Outposts, which take no trail's files"
_CONTENT = "what lies in the bucket, which the validation of the log files reads"
_EFFECTIVE_BY_POLICY = (
    "it gives nothing that the bucket's own policy, or a role's in the account, does not give"
)
LEFT_OUT = {
    "s3": {
        "GetBucketAnalyticsConfiguration": _ONE_BY_ONE,
        "GetBucketIntelligentTieringConfiguration": _ONE_BY_ONE,
        "GetBucketInventoryConfiguration": _ONE_BY_ONE,
        "GetBucketLifecycle": _OLD,
        "GetBucketLocation": "encrypted under a key of its region, it can lie nowhere else",
        "GetBucketMetadataTableConfiguration": _OLD,
        "GetBucketMetricsConfiguration": _ONE_BY_ONE,
        "GetBucketNotification": _OLD,
        "HeadBucket": "says that there is a bucket, and its region: the other answers do as well",
        "ListMultipartUploads": "parts of files that are not there yet; only the trail may write",
        "ListObjectVersions": _CONTENT,
        "ListObjects": _OLD,
        "ListObjectsV2": _CONTENT,
    },
    "s3control": {
        "GetAccessPointConfigurationForObjectLambda": _EFFECTIVE_BY_POLICY,
        "GetAccessPointForObjectLambda": _EFFECTIVE_BY_POLICY,
        "GetAccessPointPolicyForObjectLambda": _EFFECTIVE_BY_POLICY,
        "GetAccessPointPolicyStatusForObjectLambda": _EFFECTIVE_BY_POLICY,
        "GetAccessPointScope": _OF_DIRECTORIES,
        "GetBucket": _OUTPOSTS,
        "GetBucketLifecycleConfiguration": _OUTPOSTS,
        "GetBucketPolicy": _OUTPOSTS,
        "GetBucketReplication": _OUTPOSTS,
        "GetBucketTagging": _OUTPOSTS,
        "GetBucketVersioning": _OUTPOSTS,
        "GetMultiRegionAccessPoint": _EFFECTIVE_BY_POLICY,
        "GetMultiRegionAccessPointPolicy": _EFFECTIVE_BY_POLICY,
        "GetMultiRegionAccessPointPolicyStatus": _EFFECTIVE_BY_POLICY,
        "GetMultiRegionAccessPointRoutes": _EFFECTIVE_BY_POLICY,
        "ListAccessPointsForDirectoryBuckets": _OF_DIRECTORIES,
        "ListAccessPointsForObjectLambda": _EFFECTIVE_BY_POLICY,
        "ListMultiRegionAccessPoints": _EFFECTIVE_BY_POLICY,
        "ListRegionalBuckets": _OUTPOSTS,
    },
}


def _of_a_bucket(service: str) -> Iterator[str]:
    """The operations that read something about one bucket, or about ways to it."""
    model: Any = botocore.session.Session().get_service_model(service)
    for name in model.operation_names:
        members = model.operation_model(name).input_shape.members
        about = "Bucket" in members and "Key" not in members
        if name.startswith(_READING) and (about or "AccessPoint" in name or "Bucket" in name):
            yield name


# Of the account, or of no one bucket.
_OF_NO_BUCKET = {"ListBuckets", "ListDirectoryBuckets", "DescribeMultiRegionAccessPointOperation"}


@pytest.mark.parametrize("service", LEFT_OUT)
def test_every_reading_of_a_bucket_is_a_controls_or_left_out(service: str) -> None:
    model: Any = botocore.session.Session().get_service_model(service)
    boto3s_names = {xform_name(name): name for name in model.operation_names}
    read = {
        boto3s_names[reading.operation]
        for readings in declared_readings().values()
        for reading in readings
        if reading.service == service
    }
    offered = set(_of_a_bucket(service)) - _OF_NO_BUCKET
    assert sorted(offered - read - set(LEFT_OUT[service])) == [], "read these, or say why not"
    assert sorted(set(LEFT_OUT[service]) & read) == [], "these are read: they are not left out"
    assert sorted(set(LEFT_OUT[service]) - offered) == [], "botocore has these no more"


def test_the_content_is_read_by_the_validation() -> None:
    assert {"s3:ListBucket", "s3:ListBucketVersions"} <= set(ACTIONS)
