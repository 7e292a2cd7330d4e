"""What the validation calls beside reading objects by plain HTTP."""

from __future__ import annotations

from collections.abc import Mapping

# By service, as boto3 names both. Others' clients know all operations (see discovery.py).
OPERATIONS: Mapping[str, frozenset[str]] = {
    "cloudtrail": frozenset({"describe_trails", "get_trail_status", "list_public_keys"}),
    "ec2": frozenset({"describe_regions"}),
    "s3": frozenset(
        {"get_bucket_location", "get_object", "list_object_versions", "list_objects_v2"}
    ),
}
