"""Buckets that would keep a destruction from ending, and lie unprotected from then on.

Terraform takes a bucket's policy, encryption and public access block away before the bucket itself,
and the bucket cannot go while it holds files, unless its force_destroy says that they may.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from deploy.errors import DeployError

_ABSENT = frozenset({"NoSuchBucket", "404"})


def require_removable(state: Any, s3: Any) -> None:
    """Raise DeployError where a bucket of the `state` holds files and may not lose them.

    `state` is what `terraform show -json` prints, `s3` a client.
    """
    for bucket in _kept(state):
        if _holds_files(s3, bucket):
            raise DeployError(
                f"The bucket {bucket} holds files and is protected (log_bucket_force_destroy is "
                "false), so nothing was removed",
                "Copy the files to where they are kept. Then let them be deleted with the bucket: "
                "set log_bucket_force_destroy = true in a file of variables "
                "(--variables, VARIABLES=), deploy once more, and destroy.",
            )


def _kept(state: Any) -> Iterator[str]:
    for resource in resources_of(state):
        values = resource.get("values", {})
        if resource.get("type") == "aws_s3_bucket" and not values.get("force_destroy"):
            yield values["bucket"]


def resources_of(state: Any) -> Iterator[Mapping[str, Any]]:
    """The resources of a state, as `terraform show -json` prints it."""
    yield from _resources(state.get("values", {}).get("root_module", {}))


def _resources(module: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from module.get("resources", [])
    for child in module.get("child_modules", []):
        yield from _resources(child)


def _holds_files(s3: Any, bucket: str) -> bool:
    try:
        answer = s3.list_object_versions(Bucket=bucket, MaxKeys=1)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in _ABSENT:
            return False
        raise _unseen(bucket, error) from error
    except BotoCoreError as error:
        raise _unseen(bucket, error) from error
    return bool(answer.get("Versions") or answer.get("DeleteMarkers"))


def _unseen(bucket: str, error: Exception) -> DeployError:
    return DeployError(
        f"It cannot be seen whether the protected bucket {bucket} holds files ({error}), so "
        "nothing was removed",
        "Let these credentials list its versions (s3:ListBucketVersions).",
    )
