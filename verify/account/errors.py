"""What an error of an AWS API says to a user: the call, and the permission that is missing."""

from __future__ import annotations

import re

from botocore.exceptions import BotoCoreError, ClientError

from verify.model import NotVerifiedError

DENIED = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "AuthorizationError",
        "AuthorizationErrorException",
        "UnauthorizedOperation",
        "Client.UnauthorizedOperation",
        "403",
    }
)

# What an API that a region does not have is answered with: as such by services that are asked by an
# operation's name, and by those that are asked by an address as if a permission were lacking, which
# nobody could give. The second as users tell of it: https://github.com/zappa/Zappa/issues/1425
NOT_OFFERED = "UnknownOperationException"
_NO_SUCH_ADDRESS = re.compile(r"(?i)unable to determine service/operation name to be authori[sz]ed")

# IAM names the permission after the operation, but for these. Source: Service Authorization
# Reference, page "Actions, resources, and condition keys for Amazon S3".
_IAM_ACTIONS = {
    ("accessanalyzer", "list_analyzers"): "access-analyzer:ListAnalyzers",
    ("accessanalyzer", "list_archive_rules"): "access-analyzer:ListArchiveRules",
    ("resourcegroupstaggingapi", "get_resources"): "tag:GetResources",
    ("guardduty", "list_ip_sets"): "guardduty:ListIPSets",
    ("lambda", "invoke"): "lambda:InvokeFunction",
    ("s3", "delete_bucket_encryption"): "s3:PutEncryptionConfiguration",
    ("s3", "get_bucket_accelerate_configuration"): "s3:GetAccelerateConfiguration",
    ("s3", "get_bucket_cors"): "s3:GetBucketCORS",
    ("s3", "get_bucket_encryption"): "s3:GetEncryptionConfiguration",
    ("s3", "get_bucket_lifecycle_configuration"): "s3:GetLifecycleConfiguration",
    ("s3", "get_bucket_metadata_configuration"): "s3:GetBucketMetadataTableConfiguration",
    ("s3", "get_bucket_notification_configuration"): "s3:GetBucketNotification",
    ("s3", "get_bucket_replication"): "s3:GetReplicationConfiguration",
    ("s3", "get_object_lock_configuration"): "s3:GetBucketObjectLockConfiguration",
    ("s3", "get_public_access_block"): "s3:GetBucketPublicAccessBlock",
    ("s3", "list_bucket_analytics_configurations"): "s3:GetAnalyticsConfiguration",
    (
        "s3",
        "list_bucket_intelligent_tiering_configurations",
    ): "s3:GetIntelligentTieringConfiguration",
    ("s3", "list_bucket_inventory_configurations"): "s3:GetInventoryConfiguration",
    ("s3", "list_bucket_metrics_configurations"): "s3:GetMetricsConfiguration",
    ("s3", "list_buckets"): "s3:ListAllMyBuckets",
    ("s3", "put_public_access_block"): "s3:PutBucketPublicAccessBlock",
    ("s3", "list_object_versions"): "s3:ListBucketVersions",
    ("s3", "list_objects_v2"): "s3:ListBucket",
    ("s3control", "get_access_point"): "s3:GetAccessPoint",
    ("s3control", "get_access_point_policy"): "s3:GetAccessPointPolicy",
    ("s3control", "get_access_point_policy_status"): "s3:GetAccessPointPolicyStatus",
    ("s3control", "get_public_access_block"): "s3:GetAccountPublicAccessBlock",
    ("s3control", "list_access_points"): "s3:ListAccessPoints",
}
# What is denied may be another action than the operation's own: reading an object decrypts it.
_NAMED_ACTION = re.compile(r"not authorized to perform: ([a-z0-9-]+:\w+)")
# These pass a permission check only on the service's own operations, never on a resource.
_UNCHECKED = frozenset({("sts", "get_caller_identity")})


def iam_action(service: str, operation: str) -> str | None:
    """The IAM action that permits `operation` (boto3's name), None where none is needed."""
    if (service, operation) in _UNCHECKED:
        return None
    named = _IAM_ACTIONS.get((service, operation))
    if named:
        return named
    name = "".join(part.capitalize() for part in operation.split("_"))
    return f"{service}:{name}"


def code_and_message(error: ClientError | BotoCoreError) -> tuple[str, str]:
    """AWS's own words; empty where the call did not get that far."""
    if not isinstance(error, ClientError):
        return "", ""
    detail = error.response.get("Error", {})
    return str(detail.get("Code", "")), str(detail.get("Message", ""))


def answer_code(error: ClientError | BotoCoreError) -> str:
    """The code by which an error may count as an answer: AWS's own, or NOT_OFFERED."""
    code, message = code_and_message(error)
    return NOT_OFFERED if code in DENIED and _NO_SUCH_ADDRESS.search(message) else code


def describe(error: ClientError | BotoCoreError, service: str, operation: str, region: str) -> str:
    """`error` in one sentence that names the API call and, where denied, the missing permission."""
    call = f"{service}.{operation} in {region}"
    if isinstance(error, ClientError):
        code, message = code_and_message(error)
        if answer_code(error) == NOT_OFFERED:
            return f"{call} is not offered there ({code}: {message})"
        if code in DENIED:
            named = _NAMED_ACTION.search(message)
            lacking = named[1] if named else iam_action(service, operation)
            return f"{call} was denied ({code}): the caller lacks {lacking}"
        return f"{call} failed: {code}: {message}"
    return f"{call} failed: {error}"


class ActionFailedError(NotVerifiedError):
    """A call that acts on the account failed: `code` and `said` are AWS's words for why, if any.

    The text names the API call and, where it was denied, the permission that the caller lacks.
    """

    def __init__(self, text: str, code: str, said: str) -> None:
        super().__init__(text)
        self.code = code
        self.said = said
