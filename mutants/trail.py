"""Trail faults: stopped, narrowed, redirected or unable to deliver, while its flags look right."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from typing import Any

from mutants.account import Account, statement, without
from mutants.model import Family

FAMILY = Family("trail")
_ADMITS = "log-bucket-admits-only-the-trail"
_PATIENCE_SECONDS = 20.0
# One from before, a starting digest, and three that continue it.
_DIGESTS_THAT_TELL_THE_PACE = 5


def await_status(account: Account, accept: Callable[[Mapping[str, Any]], bool]) -> None:
    """Wait until GetTrailStatus is accepted; each question is itself an event to deliver.

    Raises TimeoutError after 20 seconds.
    """
    until = time.monotonic() + _PATIENCE_SECONDS
    while True:
        status = account.cloudtrail.get_trail_status(Name=account.outputs["trail_arn"])
        if accept(status):
            return
        if time.monotonic() > until:
            raise TimeoutError(f"the trail's status did not change; last: {status}")
        time.sleep(0.1)


def fails(account: Account, what: str) -> None:
    """Wait until deliveries of a kind fail."""
    await_status(account, lambda status: bool(status.get(f"{what}Error")))


def delivers(account: Account, what: str) -> None:
    """Wait until deliveries of a kind succeed."""
    await_status(account, lambda status: not status.get(f"{what}Error"))


@FAMILY.fault(
    "the trail is stopped; every flag is as it should be",
    "trail-is-logging",
    "declared-matches-live",
)
def stopped(account: Account, mending: ExitStack) -> None:
    name = {"Name": account.outputs["trail_arn"]}
    mending.callback(account.cloudtrail.start_logging, **name)
    account.cloudtrail.stop_logging(**name)


def _update(account: Account, mending: ExitStack, **changes: Any) -> None:
    """Change the trail until mended."""
    name = account.outputs["trail_arn"]
    [trail] = account.cloudtrail.describe_trails(trailNameList=[name])["trailList"]
    described = {**trail, "SnsTopicName": trail.get("SnsTopicARN", "")}
    described["EnableLogFileValidation"] = described["LogFileValidationEnabled"]
    before = {key: described.get(key, "") for key in changes}
    mending.callback(account.cloudtrail.update_trail, Name=name, **before)
    account.cloudtrail.update_trail(Name=name, **changes)


def begins_anew(account: Account, mending: ExitStack) -> None:
    """Restart the trail when all else is mended: what was not digested is then not asked for."""
    name = {"Name": account.outputs["trail_arn"]}
    mending.callback(account.cloudtrail.start_logging, **name)
    mending.callback(account.cloudtrail.stop_logging, **name)


@FAMILY.fault(
    "the trail records its home region only",
    "trail-multi-region",
    "declared-matches-live",
    later="log-integrity-intact",  # as soon as a digest of another region is due
)
def one_region(account: Account, mending: ExitStack) -> None:
    begins_anew(account, mending)
    _update(account, mending, IsMultiRegionTrail=False)


@FAMILY.fault(
    "the trail leaves the global services out",
    "trail-multi-region",
    "declared-matches-live",
    later="log-integrity-intact",  # as soon as a digest of another region is due
)
def no_global_services(account: Account, mending: ExitStack) -> None:
    begins_anew(account, mending)
    # A multi-region trail always includes them.
    _update(account, mending, IsMultiRegionTrail=False, IncludeGlobalServiceEvents=False)


@FAMILY.fault(
    "log file validation is switched off", "trail-log-file-validation", "declared-matches-live"
)
def validation_off(account: Account, mending: ExitStack) -> None:
    begins_anew(account, mending)
    _update(account, mending, EnableLogFileValidation=False)


# --- what it records ------------------------------------------------------------------------------


def select(selectors: Mapping[str, Any], account: Account, mending: ExitStack) -> None:
    """Let the trail select otherwise until mended. Selectors of one kind replace the other's."""
    name = account.outputs["trail_arn"]
    now = account.cloudtrail.get_event_selectors(TrailName=name)
    kind = "AdvancedEventSelectors" if now.get("AdvancedEventSelectors") else "EventSelectors"
    mending.callback(account.cloudtrail.put_event_selectors, TrailName=name, **{kind: now[kind]})
    account.cloudtrail.put_event_selectors(TrailName=name, **selectors)


def _basic(**settings: Any) -> Mapping[str, Any]:
    return {
        "EventSelectors": [
            {
                "ReadWriteType": "All",
                "IncludeManagementEvents": True,
                "DataResources": [],
                **settings,
            }
        ]
    }


def _of_reads_and_writes(kind: str, *fields: tuple[str, str, str]) -> Mapping[str, Any]:
    """Two advanced selectors, of which one is for writes, the other as `fields` say."""
    management = ("eventCategory", "Equals", "Management")
    writes = _advanced(management, ("readOnly", "Equals", "false"))
    others = _advanced(management, ("readOnly", "Equals", kind), *fields)
    return {
        "AdvancedEventSelectors": [
            *writes["AdvancedEventSelectors"],
            *others["AdvancedEventSelectors"],
        ]
    }


def _advanced(*fields: tuple[str, str, str]) -> Mapping[str, Any]:
    selectors = [{"Field": field, operator: [value]} for field, operator, value in fields]
    return {"AdvancedEventSelectors": [{"Name": "some", "FieldSelectors": selectors}]}


_DATA_OF_BUCKETS = [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3"]}]
for _name, _description, _selectors in (
    (
        "no-management-events",
        "data events only",
        _basic(IncludeManagementEvents=False, DataResources=_DATA_OF_BUCKETS),
    ),
    ("writes-only", "write events only", _basic(ReadWriteType="WriteOnly")),
    ("reads-only", "read events only", _basic(ReadWriteType="ReadOnly")),
    (
        "kms-excluded",
        "everything but KMS: a disabled key goes unseen",
        _basic(ExcludeManagementEventSources=["kms.amazonaws.com"]),
    ),
    (
        "advanced-data-only",
        "data events, by an advanced selector",
        _advanced(
            ("eventCategory", "Equals", "Data"), ("resources.type", "Equals", "AWS::S3::Object")
        ),
    ),
    (
        "advanced-writes-only",
        "management events that write, by an advanced selector",
        _advanced(("eventCategory", "Equals", "Management"), ("readOnly", "Equals", "false")),
    ),
    (
        "advanced-kms-excluded",
        "management events but KMS's, by an advanced selector",
        _advanced(
            ("eventCategory", "Equals", "Management"),
            ("eventSource", "NotEquals", "kms.amazonaws.com"),
        ),
    ),
    (
        "advanced-one-source-not-to-start-with",
        "management events but those of services that begin with k, by an advanced selector",
        _advanced(
            ("eventCategory", "Equals", "Management"),
            ("eventSource", "NotStartsWith", "k"),
        ),
    ),
    (
        "advanced-writes-twice",
        "writes twice and reads never, by two advanced selectors",
        _of_reads_and_writes("false"),
    ),
    (
        "advanced-reads-without-kms",
        "writes, and reads but KMS's, by two advanced selectors",
        _of_reads_and_writes("true", ("eventSource", "NotEquals", "kms.amazonaws.com")),
    ),
):
    FAMILY.add(
        f"selects-{_name}",
        f"the trail selects {_description}",
        partial(select, _selectors),
        "trail-management-events",
        "trail-data-events",
    )


# --- data events ----------------------------------------------------------------------------------


def _reselect(
    edit: Callable[[list[dict[str, Any]]], object], account: Account, mending: ExitStack
) -> None:
    """Change the trail's advanced selectors, which `edit` gets by themselves."""
    name = account.outputs["trail_arn"]
    now = account.cloudtrail.get_event_selectors(TrailName=name)["AdvancedEventSelectors"]
    after = copy.deepcopy(now)
    edit(after)
    if after == now:
        raise ValueError("the selectors are as they were")
    select({"AdvancedEventSelectors": after}, account, mending)


def _is_of(selector: Mapping[str, Any], *values: str) -> bool:
    """Whether a selector tests for each of some values, be it by beginning."""
    said = [
        str(value)
        for test in selector["FieldSelectors"]
        for operator, texts in test.items()
        if operator != "Field"
        for value in texts
    ]
    return all(any(text.startswith(value) for text in said) for value in values)


_OBJECTS, _FUNCTIONS = "AWS::S3::Object", "AWS::Lambda::Function"


def _only_management(selectors: list[dict[str, Any]]) -> None:
    selectors[:] = [each for each in selectors if _is_of(each, "Management")]


def _without(type_: str, selectors: list[dict[str, Any]]) -> None:
    selectors[:] = [each for each in selectors if not _is_of(each, type_)]


def _without_changes_of_logs(selectors: list[dict[str, Any]]) -> None:
    selectors[:] = [each for each in selectors if not _is_of(each, "PutObject")]


def _more(
    type_: str, field: str, operator: str, value: str, selectors: list[dict[str, Any]]
) -> None:
    """One more test, or one more value of a test, of the first selector of a type."""
    tests = next(each for each in selectors if _is_of(each, type_))["FieldSelectors"]
    for test in tests:
        if test["Field"] == field:
            test[operator] = [*test.get(operator, []), value]
            return
    tests.append({"Field": field, operator: [value]})


def _everything_of(type_: str, selectors: list[dict[str, Any]]) -> None:
    """A selector that takes all events of a type, log files' too."""
    tests = [("eventCategory", "Data"), ("resources.type", type_)]
    fields = [{"Field": field, "Equals": [value]} for field, value in tests]
    selectors.append({"Name": "all", "FieldSelectors": fields})


def _admitted(bucket: str, selectors: list[dict[str, Any]]) -> None:
    """A bucket that is left out no longer."""
    for test in (test for each in selectors for test in each["FieldSelectors"]):
        if "NotStartsWith" in test:
            test["NotStartsWith"] = [each for each in test["NotStartsWith"] if bucket not in each]


def _deliveries_too(selectors: list[dict[str, Any]]) -> None:
    for selector in selectors:
        if _is_of(selector, "PutObject"):
            selector["FieldSelectors"] = [
                test for test in selector["FieldSelectors"] if test["Field"] != "eventName"
            ]


for _name, _description, _edit in (
    ("no-data-events", "the trail records management events alone", _only_management),
    ("no-objects", "what is done to objects goes unrecorded", partial(_without, _OBJECTS)),
    ("no-invocations", "functions are invoked unseen", partial(_without, _FUNCTIONS)),
    (
        "log-files-unseen",
        "what is done to log files goes unrecorded",
        _without_changes_of_logs,
    ),
    (
        "another-bucket-left-out",
        "a bucket of patients' records is left out",
        partial(_more, _OBJECTS, "resources.ARN", "NotStartsWith", "arn:aws:s3:::patients/"),
    ),
    (
        "too-much-left-out",
        "every bucket whose name begins with s3 is left out",
        partial(_more, _OBJECTS, "resources.ARN", "NotStartsWith", "arn:aws:s3:::s3"),
    ),
    (
        "an-ending-left-out",
        "objects with a certain ending are left out",
        partial(_more, _OBJECTS, "resources.ARN", "NotEndsWith", ".csv"),
    ),
    (
        "object-reads-left-out",
        "who reads objects goes unrecorded",
        partial(_more, _OBJECTS, "readOnly", "Equals", "false"),
    ),
    (
        "downloads-left-out",
        "the download of an object is no event",
        partial(_more, _OBJECTS, "eventName", "NotEquals", "GetObject"),
    ),
    (
        "one-function-alone",
        "the invocations of one function alone are recorded",
        partial(
            _more,
            _FUNCTIONS,
            "resources.ARN",
            "StartsWith",
            "arn:aws:lambda:ap-southeast-1:123456789012:function:one",
        ),
    ),
    (
        "somebody-spared",
        "what one role invokes goes unrecorded",
        partial(
            _more,
            _FUNCTIONS,
            "userIdentity.arn",
            "NotStartsWith",
            "arn:aws:sts::123456789012:assumed-role/intruder/",
        ),
    ),
    ("deliveries-recorded", "each delivered log file is an event of the next", _deliveries_too),
    (
        "everything-recorded",
        "a second selector takes what the first leaves out",
        partial(_everything_of, _OBJECTS),
    ),
    (
        "access-logs-recorded",
        "each file of access logs is an event",
        partial(_admitted, "s3-access-logs-"),
    ),
):
    FAMILY.add(f"data-events-{_name}", _description, partial(_reselect, _edit), "trail-data-events")


@FAMILY.fault(
    "basic selectors take all objects, deliveries of log files too, and every function",
    "trail-data-events",
)
def data_events_by_basic_selectors(account: Account, mending: ExitStack) -> None:
    resources = [
        {"Type": _OBJECTS, "Values": ["arn:aws:s3"]},
        {"Type": _FUNCTIONS, "Values": ["arn:aws:lambda"]},
    ]
    select(_basic(DataResources=resources), account, mending)


# --- where it writes ------------------------------------------------------------------------------


@FAMILY.fault("the trail encrypts without KMS", "trail-encrypted")
def no_key(account: Account, mending: ExitStack) -> None:
    _update(account, mending, KmsKeyId="")


@FAMILY.fault(
    "the trail encrypts with another key", "trail-encrypted", "log-bucket-refuses-other-keys"
)
def another_key(account: Account, mending: ExitStack) -> None:
    # The bucket refuses files with another key, and with it the trail.
    policy = without(account.document("bucket"), "DenyWrongEncryptionKey")
    account.replace(mending, "bucket", policy)
    _update(account, mending, KmsKeyId=make_key(account, mending))


def make_key(account: Account, mending: ExitStack) -> str:
    """Another key, with the same policy; deleted when mended."""
    made = account.kms.create_key(Policy=json.dumps(account.document("key")))["KeyMetadata"]["Arn"]
    mending.callback(account.kms.schedule_key_deletion, KeyId=made, PendingWindowInDays=7)
    return str(made)


@FAMILY.fault(
    "the trail writes to another bucket",
    "trail-destination",
    "log-integrity-intact",
    "log-files-can-be-asked",  # where the new files are
)
def another_bucket(account: Account, mending: ExitStack) -> None:
    bucket, trail = "s3-somewhere-else", {"Name": account.outputs["trail_arn"]}
    # Its last digest belongs there too; in our bucket the trail begins anew.
    mending.callback(account.cloudtrail.start_logging, **trail)
    make_bucket(account, mending, bucket)
    text = json.dumps(account.document("bucket")).replace(
        account.outputs["log_bucket_name"], bucket
    )
    policy = json.loads(text)
    policy["Statement"] = [item for item in policy["Statement"] if item["Effect"] == "Allow"]
    account.s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
    _digests_in_a_row(account)
    _update(account, mending, S3BucketName=bucket)
    mending.callback(_digested_after, account, lambda status: status["StopLoggingTime"])
    mending.callback(account.cloudtrail.stop_logging, **trail)
    turned = datetime.now(UTC)
    _digested_after(account, lambda _: turned)


def make_bucket(account: Account, mending: ExitStack, name: str) -> str:
    """A bucket beside ours, emptied and deleted when mended. Returns its name."""
    account.s3.create_bucket(
        Bucket=name, CreateBucketConfiguration={"LocationConstraint": account.outputs["region"]}
    )
    mending.callback(_remove_bucket, account, name)
    return name


def _digests_in_a_row(account: Account) -> None:
    """Wait for several digests, of which the suite knows their pace and so when the next is due.

    A fault before this one may have begun the chain anew: a starting digest says nothing of it.
    """
    seen = set[datetime]()

    def delivered(status: Mapping[str, Any]) -> bool:
        if status.get("LatestDigestDeliveryTime"):
            seen.add(status["LatestDigestDeliveryTime"])
        return len(seen) >= _DIGESTS_THAT_TELL_THE_PACE

    await_status(account, delivered)


def _digested_after(account: Account, moment: Callable[[Mapping[str, Any]], datetime]) -> None:
    """Wait until a digest was delivered after a moment, which the trail's status may tell."""

    def delivered(status: Mapping[str, Any]) -> bool:
        latest = status.get("LatestDigestDeliveryTime")
        return latest is not None and latest > moment(status)

    await_status(account, delivered)


def _remove_bucket(account: Account, bucket: str) -> None:
    """Empty and delete a bucket; what was still on its way may come while it is emptied."""
    until = time.monotonic() + _PATIENCE_SECONDS
    while True:
        for page in account.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            for found in page.get("Contents", []):
                account.s3.delete_object(Bucket=bucket, Key=found["Key"])
        try:
            account.s3.delete_bucket(Bucket=bucket)
        except account.s3.exceptions.ClientError as error:
            if error.response["Error"]["Code"] != "BucketNotEmpty" or time.monotonic() > until:
                raise
            time.sleep(0.1)
        else:
            return


@FAMILY.fault("the trail announces its files on another topic", "trail-destination")
def another_topic(account: Account, mending: ExitStack) -> None:
    made = account.sns.create_topic(Name="somewhere-else")["TopicArn"]
    mending.callback(account.sns.delete_topic, TopicArn=made)
    policy = account.sns.get_topic_attributes(TopicArn=account.outputs["delivery_topic_arn"])
    text = policy["Attributes"]["Policy"].replace(account.outputs["delivery_topic_arn"], made)
    account.sns.set_topic_attributes(TopicArn=made, AttributeName="Policy", AttributeValue=text)
    _update(account, mending, SnsTopicName=made)


# There the verifier may read nothing: its permission is for the folder in which the trail belongs.
@FAMILY.fault(
    "the trail writes below a folder of the bucket",
    "trail-destination",
    "log-files-can-be-asked",
    _ADMITS,
    errors=frozenset({"log-integrity-intact"}),
)
def another_folder(account: Account, mending: ExitStack) -> None:
    policy = account.document("bucket")
    written = statement(policy, "AWSCloudTrailWrite")
    here = written["Resource"]
    written["Resource"] = [here, here.replace("/AWSLogs/", "/folder/AWSLogs/")]
    account.replace(mending, "bucket", policy)
    # The digests of each folder are a chain of their own, that ends before the other begins.
    trail = {"Name": account.outputs["trail_arn"]}
    account.cloudtrail.stop_logging(**trail)
    mending.callback(account.cloudtrail.start_logging, **trail)
    _digested_after(account, lambda status: status["StopLoggingTime"])
    _update(account, mending, S3KeyPrefix="folder")
    mending.callback(_digested_after, account, lambda status: status["StopLoggingTime"])
    mending.callback(account.cloudtrail.stop_logging, **trail)
    account.cloudtrail.start_logging(**trail)
    # As long as nothing lies there, there is nothing that the role may not read.
    _digested_after(account, lambda status: status["StartLoggingTime"])


@FAMILY.fault(
    "the trail writes to another log group of ours", "trail-destination", "roles-least-privilege"
)
def another_log_group(account: Account, mending: ExitStack) -> None:
    arn = account.own_policy(account.outputs["trail_logs_role_name"])
    allowed = policy_statements(account, arn)
    here = account.outputs["trail_log_group_arn"]
    there = here.replace(
        account.outputs["trail_log_group_name"], account.outputs["function_log_group_name"]
    )
    for allow in allowed:
        resources = allow["Resource"]
        listed = resources if isinstance(resources, list) else [resources]
        allow["Resource"] = [*listed, *(item.replace(here, there) for item in listed)]
    change_policy(account, mending, arn, *allowed)
    _update(account, mending, CloudWatchLogsLogGroupArn=f"{there}:*")


@FAMILY.fault("the trail no longer writes to a log group", "trail-destination")
def no_log_group(account: Account, mending: ExitStack) -> None:
    _update(account, mending, CloudWatchLogsLogGroupArn="", CloudWatchLogsRoleArn="")


# --- whether it arrives ---------------------------------------------------------------------------


@FAMILY.fault(
    "the trail's role may no longer write to its log streams",
    "trail-delivers-to-log-group",
    "roles-least-privilege",
)
def log_group_refuses(account: Account, mending: ExitStack) -> None:
    arn = account.own_policy(account.outputs["trail_logs_role_name"])
    group = account.outputs["trail_log_group_arn"]
    change_policy(
        account,
        mending,
        arn,
        {
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": f"{group}:log-stream:renamed",
        },
        before_mended=partial(delivers, account, "LatestCloudWatchLogsDelivery"),
    )
    fails(account, "LatestCloudWatchLogsDelivery")


def change_policy(
    account: Account,
    mending: ExitStack,
    arn: str,
    *statements: Mapping[str, Any],
    before_mended: Callable[[], None] | None = None,
) -> None:
    """Give a managed policy a new default version until mended; then run `before_mended`."""
    if before_mended is not None:
        mending.callback(before_mended)
    original = account.iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    made = account.iam.create_policy_version(
        PolicyArn=arn,
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": list(statements)}),
        SetAsDefault=True,
    )["PolicyVersion"]["VersionId"]
    mending.callback(account.iam.delete_policy_version, PolicyArn=arn, VersionId=made)
    mending.callback(account.iam.set_default_policy_version, PolicyArn=arn, VersionId=original)


def policy_statements(account: Account, arn: str) -> list[dict[str, Any]]:
    """The statements of a managed policy, to be edited in place."""
    version = account.iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    answer = account.iam.get_policy_version(PolicyArn=arn, VersionId=version)
    statements: list[dict[str, Any]] = answer["PolicyVersion"]["Document"]["Statement"]
    return statements


@FAMILY.fault("the bucket refuses the trail's files", "trail-delivers-to-bucket")
def bucket_refuses(account: Account, mending: ExitStack) -> None:
    mending.callback(delivers, account, "LatestDelivery")
    policy = account.document("bucket")
    files = (
        f"{account.outputs['log_bucket_arn']}/AWSLogs/{account.outputs['account_id']}/CloudTrail/*"
    )
    policy["Statement"].append(
        {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": files}
    )
    account.replace(mending, "bucket", policy)
    fails(account, "LatestDelivery")


@FAMILY.fault(
    "the delivery topic refuses the trail's notifications",
    "trail-notifies-deliveries",
    "delivery-topic-policy",
)
def delivery_topic_refuses(account: Account, mending: ExitStack) -> None:
    mending.callback(delivers, account, "LatestNotification")
    topic = account.outputs["delivery_topic_arn"]
    policy = account.sns.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"]

    def put(text: str) -> None:
        account.sns.set_topic_attributes(
            TopicArn=topic, AttributeName="Policy", AttributeValue=text
        )

    mending.callback(put, policy)
    changed = json.loads(policy)
    changed["Statement"].append(
        {"Effect": "Deny", "Principal": "*", "Action": "sns:Publish", "Resource": topic}
    )
    put(json.dumps(changed))
    fails(account, "LatestNotification")
