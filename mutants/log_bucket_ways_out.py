"""Log-bucket faults: S3 itself carries files away, or opens another door to them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from mutants.account import STRANGER, Account
from mutants.log_bucket import tamper
from mutants.model import Family
from mutants.trail import make_bucket

FAMILY = Family("log bucket ways out")
_SENDS = "log-bucket-sends-nothing-away"
_DOORS = "log-bucket-has-one-door"
_ELSEWHERE = "arn:aws:s3:::s3-of-a-stranger"
_POINT = "by-hand"


def _bucket(account: Account) -> dict[str, str]:
    return {"Bucket": account.outputs["log_bucket_name"]}


def _configure(
    put: str,
    parameters: Mapping[str, Any],
    mend: str,
    mended_by: Mapping[str, Any],
    account: Account,
    mending: ExitStack,
) -> None:
    """Make the call `put`, until mended by the call `mend`."""
    mending.callback(getattr(account.s3, mend), **_bucket(account), **mended_by)
    getattr(account.s3, put)(**_bucket(account), **parameters)


def _identified(kind: str, member: str, configuration: Mapping[str, Any]) -> tuple[Any, ...]:
    """How a configuration of which a bucket may have many is put and removed."""
    return (
        f"put_bucket_{kind}_configuration",
        {"Id": _POINT, member: {"Id": _POINT, **configuration}},
        f"delete_bucket_{kind}_configuration",
        {"Id": _POINT},
    )


# --- what S3 sends elsewhere ----------------------------------------------------------------------


def replication_of(account: Account) -> Mapping[str, Any] | None:
    """The log bucket's replication, as PutBucketReplication takes it; None where it has none."""
    try:
        answer = account.s3.get_bucket_replication(**_bucket(account))
    except ClientError as error:
        if error.response["Error"]["Code"] != "ReplicationConfigurationNotFoundError":
            raise
        return None
    found: Mapping[str, Any] = answer["ReplicationConfiguration"]
    return found


def replicate(account: Account, configuration: Mapping[str, Any] | None) -> None:
    """Put a replication in place of the log bucket's; None takes it away."""
    if configuration is None:
        tamper(account, "delete_bucket_replication")
    else:
        tamper(account, "put_bucket_replication", ReplicationConfiguration=configuration)


@FAMILY.fault("every file is copied to a stranger's bucket", _SENDS, "log-files-copied")
def replicated(account: Account, mending: ExitStack) -> None:
    name = make_bucket(account, mending, "s3-of-a-stranger")
    account.s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    rule = {
        "ID": _POINT,
        "Priority": 1,
        "Filter": {"Prefix": "nothing/yet"},
        "Status": "Enabled",
        "DeleteMarkerReplication": {"Status": "Disabled"},
        "Destination": {"Bucket": _ELSEWHERE, "Account": STRANGER},
    }
    mending.callback(replicate, account, replication_of(account))
    replicate(account, {"Role": account.outputs["function_role_arn"], "Rules": [rule]})


_EXPORT = {"Format": "CSV", "Bucket": _ELSEWHERE}
_NOTIFY = "put_bucket_notification_configuration"
for _name, _description, _put in (
    (
        "inventory",
        "a list of every file goes to a stranger's bucket each day",
        _identified(
            "inventory",
            "InventoryConfiguration",
            {
                "Destination": {"S3BucketDestination": {**_EXPORT, "AccountId": STRANGER}},
                "IsEnabled": True,
                "IncludedObjectVersions": "All",
                "Schedule": {"Frequency": "Daily"},
            },
        ),
    ),
    (
        "analysis",
        "the analysis of storage classes is exported",
        _identified(
            "analytics",
            "AnalyticsConfiguration",
            {
                "StorageClassAnalysis": {
                    "DataExport": {
                        "OutputSchemaVersion": "V_1",
                        "Destination": {"S3BucketDestination": _EXPORT},
                    }
                }
            },
        ),
    ),
    (
        "metadata-tables",
        "tables list every file and its changes",
        (
            "create_bucket_metadata_configuration",
            {
                "MetadataConfiguration": {
                    "JournalTableConfiguration": {"RecordExpiration": {"Expiration": "DISABLED"}}
                }
            },
            "delete_bucket_metadata_configuration",
            {},
        ),
    ),
    (
        "event-bridge",
        "news of every file goes to EventBridge",
        (
            _NOTIFY,
            {"NotificationConfiguration": {"EventBridgeConfiguration": {}}},
            _NOTIFY,
            {"NotificationConfiguration": {}},
        ),
    ),
):
    FAMILY.add(_name, _description, partial(_configure, *_put), _SENDS)


@FAMILY.fault(
    "who asks for files is logged in another bucket", _SENDS, "log-bucket-requests-logged"
)
def access_logs(account: Account, mending: ExitStack) -> None:
    name = make_bucket(account, mending, "s3-access-logs")
    allowed = {
        "Effect": "Allow",
        "Principal": {"Service": "logging.s3.amazonaws.com"},
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{name}/*",
    }
    document = {"Version": "2012-10-17", "Statement": [allowed]}
    account.s3.put_bucket_policy(Bucket=name, Policy=json.dumps(document))
    log_requests(account, mending, {"LoggingEnabled": {"TargetBucket": name, "TargetPrefix": ""}})


def log_requests(account: Account, mending: ExitStack, status: Mapping[str, Any]) -> None:
    """Log requests to the log bucket otherwise until mended."""
    found = account.s3.get_bucket_logging(**_bucket(account))
    before = {name: value for name, value in found.items() if name == "LoggingEnabled"}
    put = "put_bucket_logging"
    mending.callback(tamper, account, put, BucketLoggingStatus=before)
    tamper(account, put, BucketLoggingStatus=status)


@FAMILY.fault("news of every file goes to a queue", _SENDS)
def notified(account: Account, mending: ExitStack) -> None:
    url = account.sqs.create_queue(QueueName=_POINT)["QueueUrl"]
    mending.callback(account.sqs.delete_queue, QueueUrl=url)
    arn = account.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    allowed = {
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn["Attributes"]["QueueArn"],
    }
    account.sqs.set_queue_attributes(
        QueueUrl=url,
        Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": [allowed]})},
    )
    configuration = {
        "QueueConfigurations": [
            {"QueueArn": arn["Attributes"]["QueueArn"], "Events": ["s3:ObjectCreated:*"]}
        ]
    }
    none: dict[str, Any] = {"NotificationConfiguration": {}}
    put = {"NotificationConfiguration": configuration}
    _configure(_NOTIFY, put, _NOTIFY, none, account, mending)


# --- other doors ----------------------------------------------------------------------------------

_PAY = "put_bucket_request_payment"
_TAGS = "put_bucket_abac"
_ACCELERATE = "put_bucket_accelerate_configuration"
for _name, _description, _put in (
    (
        "website",
        "the bucket serves a website",
        (
            "put_bucket_website",
            {"WebsiteConfiguration": {"IndexDocument": {"Suffix": "index.html"}}},
            "delete_bucket_website",
            {},
        ),
    ),
    (
        "other-sites-pages",
        "pages of any site may read the bucket",
        (
            "put_bucket_cors",
            {
                "CORSConfiguration": {
                    "CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}]
                }
            },
            "delete_bucket_cors",
            {},
        ),
    ),
    (
        "requester-pays",
        "requesters pay, and CloudTrail cannot",
        (
            _PAY,
            {"RequestPaymentConfiguration": {"Payer": "Requester"}},
            _PAY,
            {"RequestPaymentConfiguration": {"Payer": "BucketOwner"}},
        ),
    ),
    (
        "access-by-tags",
        "tags of the bucket decide who may use it",
        (
            _TAGS,
            {"AbacStatus": {"Status": "Enabled"}},
            _TAGS,
            {"AbacStatus": {"Status": "Disabled"}},
        ),
    ),
    (
        "accelerated",
        "the bucket is reached from the edge, past private endpoints",
        (
            _ACCELERATE,
            {"AccelerateConfiguration": {"Status": "Enabled"}},
            _ACCELERATE,
            {"AccelerateConfiguration": {"Status": "Suspended"}},
        ),
    ),
):
    FAMILY.add(_name, _description, partial(_configure, *_put), _DOORS)


def _access_point(account: Account, mending: ExitStack, **settings: Any) -> dict[str, str]:
    which = {"AccountId": account.outputs["account_id"], "Name": _POINT}
    account.s3control.create_access_point(**which, **_bucket(account), **settings)
    mending.callback(account.s3control.delete_access_point, **which)
    return which


@FAMILY.fault("there is an access point to the bucket", _DOORS)
def access_point(account: Account, mending: ExitStack) -> None:
    _access_point(account, mending)


@FAMILY.fault("an access point admits anyone, and blocks no policy", _DOORS)
def public_access_point(account: Account, mending: ExitStack) -> None:
    open_to_all = dict.fromkeys(
        ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), False
    )
    which = _access_point(account, mending, PublicAccessBlockConfiguration=open_to_all)
    found = account.s3control.get_access_point(**which)["AccessPointArn"]
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"{found}/object/*",
    }
    document = {"Version": "2012-10-17", "Statement": [statement]}
    account.s3control.put_access_point_policy(**which, Policy=json.dumps(document))


# --- what moves or locks files --------------------------------------------------------------------


FAMILY.add(
    "archived",
    "files are moved where they cannot be read, by tiering",
    partial(
        _configure,
        *_identified(
            "intelligent_tiering",
            "IntelligentTieringConfiguration",
            {
                "Status": "Enabled",
                "Tierings": [{"Days": 90, "AccessTier": "ARCHIVE_ACCESS"}],
            },
        ),
    ),
    "log-bucket-keeps-files",
)


@FAMILY.fault("every deletion of a version takes an MFA device", "log-bucket-versioned")
def mfa_delete(account: Account, mending: ExitStack) -> None:
    device = f"arn:aws:iam::{account.outputs['account_id']}:mfa/root-account-mfa-device 123456"

    def put(wanted: str) -> None:
        versioning = {"Status": "Enabled", "MFADelete": wanted}
        tamper(account, "put_bucket_versioning", VersioningConfiguration=versioning, MFA=device)

    mending.callback(put, "Disabled")
    put("Enabled")
