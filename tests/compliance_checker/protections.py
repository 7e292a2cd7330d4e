"""What protects the trail taken back in part: the records that do, and their benign neighbours.

Each table holds one kind, generated where the kind has a shape: every field, every class of
storage, every service.
"""

from __future__ import annotations

from typing import Any

from tests.compliance_checker.records import (
    ACCOUNT,
    REGION,
    STRANGER,
    Record,
    policy,
    policy_text,
    record,
    statement,
)

BUCKET = f"s3-cloudtrail-logs-dev-{ACCOUNT}"
TRAIL = "cloudtrail-audit-dev"
GROUP = "/aws/cloudtrail/cloudtrail-audit-dev"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:sns-compliance-alerts-dev"
QUEUE = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/sqs-compliance-checker-dlq-dev"
FUNCTION = "lambda-compliance-checker-dev"
FOREIGN_KEY = f"arn:aws:kms:{REGION}:{STRANGER}:key/1234abcd"
OWN_KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234abcd"

Case = tuple[str, Record, list[str]]


def s3(name: str, *, bucket: str = BUCKET, **parameters: Any) -> Record:
    """A call on the log bucket."""
    return record("s3", name, {"bucketName": bucket, "Host": f"{bucket}.s3", **parameters})


def lifecycle(*rules: Record, bucket: str = BUCKET, **changes: Any) -> Record:
    """PutBucketLifecycle: a single rule is an object, as XML collapses to it."""
    content: Any = rules[0] if len(rules) == 1 else list(rules)
    call = s3("PutBucketLifecycle", bucket=bucket, LifecycleConfiguration={"Rule": content})
    return {**call, **changes}


def rule(**parts: Any) -> Record:
    """A lifecycle rule in force for the whole bucket."""
    return {"ID": "r", "Status": "Enabled", "Filter": "", **parts}


def replication(*rules: Record) -> Record:
    content: Any = rules[0] if len(rules) == 1 else list(rules)
    return s3("PutBucketReplication", ReplicationConfiguration={"Role": "r", "Rule": content})


def copy_to(bucket: str, account: str | None = None, status: str = "Enabled") -> Record:
    destination = {"Bucket": f"arn:aws:s3:::{bucket}"}
    if account:
        destination["Account"] = account
    return {"Status": status, "Filter": "", "Destination": destination}


EXPIRY = ["log-bucket-expiry-shortened"]
COPIED = ["log-bucket-copied-out"]
WEAKENED = ["log-bucket-weakened"]
UNPROTECTED = ["log-bucket-unprotected"]
ENCRYPTION = ["bucket-encryption-weakened"]

IN_TIME: list[Case] = [
    (f"{what}, the log bucket", call, EXPIRY)
    for what, call in (
        ("deleted after a day", lifecycle(rule(Expiration={"Days": 1}))),
        ("deleted after a day, in text", lifecycle(rule(Expiration={"Days": "1"}))),
        ("deleted after five years", lifecycle(rule(Expiration={"Days": 5 * 365}))),
        ("deleted from a day on", lifecycle(rule(Expiration={"Date": "2026-12-01T00:00:00.000Z"}))),
        (
            "deleted from a day past on",
            lifecycle(rule(Expiration={"Date": "2020-01-01T00:00:00Z"})),
        ),
        ("deleted from no readable day on", lifecycle(rule(Expiration={"Date": "soon"}))),
        (
            "former versions deleted",
            lifecycle(rule(NoncurrentVersionExpiration={"NoncurrentDays": 1})),
        ),
        (
            "former versions deleted but for two",
            lifecycle(
                rule(
                    NoncurrentVersionExpiration={
                        "NoncurrentDays": 30,
                        "NewerNoncurrentVersions": 2,
                    }
                )
            ),
        ),
        *(
            (f"put into {kind}", lifecycle(rule(Transition={"Days": 0, "StorageClass": kind})))
            for kind in ("GLACIER", "DEEP_ARCHIVE")
        ),
        (
            "put away in the second of two steps",
            lifecycle(
                rule(
                    Transition=[
                        {"Days": 30, "StorageClass": "STANDARD_IA"},
                        {"Days": 60, "StorageClass": "DEEP_ARCHIVE"},
                    ]
                )
            ),
        ),
        (
            "the second of two rules",
            lifecycle(
                rule(AbortIncompleteMultipartUpload={"DaysAfterInitiation": 7}),
                rule(Expiration={"Days": 30}),
            ),
        ),
        *(
            (f"by the filter {scope!r}", lifecycle({**rule(Expiration={"Days": 30}), **scope}))
            for scope in (
                {"Filter": {"Prefix": ""}},
                {"Filter": {"Prefix": "AWS"}},
                {"Filter": {"Prefix": f"AWSLogs/{ACCOUNT}/CloudTrail-Digest/"}},
                {"Filter": {"And": {"Prefix": "AWSLogs/", "ObjectSizeGreaterThan": 0}}},
                {"Filter": {"ObjectSizeGreaterThan": 0}},
                {"Filter": {"Tag": {"Key": "old", "Value": "yes"}}},
                {"Prefix": "AWSLogs/"},
            )
        ),
        (
            "a prefix of another trail's bucket",
            lifecycle(
                {**rule(Expiration={"Days": 30}), "Filter": {"Prefix": "audit/"}},
                bucket="org-cloudtrail-logs",
            ),
        ),
    )
]

AWAY: list[Case] = [
    ("replicated to another account", replication(copy_to("copy", STRANGER)), COPIED),
    (
        "replicated to another account in the second rule",
        replication(copy_to(f"own-{ACCOUNT}"), copy_to("copy", STRANGER)),
        COPIED,
    ),
    ("replicated to nobody knows whom", replication(copy_to("copy")), COPIED),
    (
        "listed to another account",
        s3(
            "PutBucketInventoryConfiguration",
            InventoryConfiguration={
                "Destination": {
                    "S3BucketDestination": {"AccountId": STRANGER, "Bucket": "arn:aws:s3:::b"}
                }
            },
        ),
        COPIED,
    ),
    (
        "counted for another account",
        s3(
            "PutBucketAnalyticsConfiguration",
            AnalyticsConfiguration={
                "StorageClassAnalysis": {
                    "DataExport": {
                        "Destination": {"S3BucketDestination": {"BucketAccountId": STRANGER}}
                    }
                }
            },
        ),
        COPIED,
    ),
    (
        "told to another account",
        s3(
            "PutBucketNotification",
            NotificationConfiguration={
                "TopicConfiguration": {"Topic": f"arn:aws:sns:{REGION}:{STRANGER}:t"}
            },
        ),
        COPIED,
    ),
]

BUCKET_SETTINGS: list[Case] = [
    (
        "MFA delete off",
        s3(
            "PutBucketVersioning",
            VersioningConfiguration={"Status": "Enabled", "MfaDelete": "Disabled"},
        ),
        WEAKENED,
    ),
    (
        "Object Lock without a default",
        s3(
            "PutBucketObjectLockConfiguration",
            ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"},
        ),
        WEAKENED,
    ),
    (
        "Object Lock for a month",
        s3(
            "PutObjectLockConfiguration",
            ObjectLockConfiguration={
                "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 30}}
            },
        ),
        WEAKENED,
    ),
    *(
        (
            f"owned by {who}",
            s3("PutBucketOwnershipControls", OwnershipControls={"Rule": {"ObjectOwnership": who}}),
            WEAKENED,
        )
        for who in ("ObjectWriter", "BucketOwnerPreferred")
    ),
    ("ownership left open", s3("DeleteBucketOwnershipControls"), WEAKENED),
    ("no longer replicated", s3("DeleteBucketReplication"), WEAKENED),
    (
        "granted to a stranger by header",
        s3("PutBucketAcl", accessControlList={"x-amz-grant-read": f'id="{"a" * 64}"'}),
        WEAKENED,
    ),
    (
        "granted to a stranger",
        s3(
            "PutBucketAcl",
            AccessControlPolicy={
                "Owner": {"ID": "b" * 64},
                "AccessControlList": {
                    "Grant": [
                        {"Grantee": {"ID": "b" * 64}, "Permission": "FULL_CONTROL"},
                        {"Grantee": {"ID": "a" * 64}, "Permission": "READ"},
                    ]
                },
            },
        ),
        WEAKENED,
    ),
    (
        "an access point",
        record(
            "s3",
            "CreateAccessPoint",
            {"name": "door", "CreateAccessPointRequest": {"Bucket": BUCKET}},
        ),
        WEAKENED,
    ),
    *(
        (
            f"encrypted with {what}",
            s3(
                "PutBucketEncryption",
                ServerSideEncryptionConfiguration={
                    "Rule": {"ApplyServerSideEncryptionByDefault": default}
                },
            ),
            ENCRYPTION,
        )
        for what, default in (
            ("a stranger's key", {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": FOREIGN_KEY}),
            ("AWS's key", {"SSEAlgorithm": "aws:kms"}),
            (
                "AWS's key by name",
                {
                    "SSEAlgorithm": "aws:kms:dsse",
                    "KMSMasterKeyID": f"arn:aws:kms:{REGION}:{ACCOUNT}:alias/aws/s3",
                },
            ),
        )
    ),
]


def whole_policy(partition: str = "aws") -> list[Record]:
    """A policy of the log bucket with everything that the deployment's own has."""
    bucket = f"arn:{partition}:s3:::{BUCKET}"
    everyone = {"effect": "Deny", "Principal": "*"}
    return [
        statement(
            "s3:PutObject",
            f"{bucket}/AWSLogs/{ACCOUNT}/*",
            Principal={"Service": "cloudtrail.amazonaws.com"},
        ),
        statement(
            "s3:*",
            [bucket, f"{bucket}/*"],
            Condition={"Bool": {"aws:SecureTransport": "false"}},
            **everyone,
        ),
        statement(
            "s3:PutObject",
            f"{bucket}/*",
            Condition={"Bool": {"aws:PrincipalIsAWSService": "false"}},
            **everyone,
        ),
        statement(
            ["s3:DeleteObject", "s3:DeleteObjectVersion"],
            f"{bucket}/*",
            Condition={
                "ArnNotLike": {
                    "aws:PrincipalArn": f"arn:{partition}:iam::{ACCOUNT}:role/break-glass"
                }
            },
            **everyone,
        ),
        statement(
            [
                "s3:DeleteBucket",
                "s3:PutBucketVersioning",
                "s3:PutLifecycleConfiguration",
                "s3:PutReplicationConfiguration",
            ],
            bucket,
            **everyone,
        ),
    ]


def put_policy(*statements: Record) -> Record:
    return s3("PutBucketPolicy", policy="", bucketPolicy=policy(*statements))


POLICIES: list[Case] = [
    *(
        (
            f"policy without its statement {number}",
            put_policy(*(each for place, each in enumerate(whole_policy()) if place != number)),
            UNPROTECTED,
        )
        for number in range(len(whole_policy()))
    ),
    *(
        (
            f"policy for {who}",
            put_policy(
                *whole_policy(),
                statement("s3:GetObject", f"arn:aws:s3:::{BUCKET}/*", Principal={kind: who}),
            ),
            UNPROTECTED,
        )
        for kind, who in (
            ("AWS", STRANGER),
            ("AWS", f"arn:aws:iam::{STRANGER}:root"),
            ("AWS", f"arn:aws-cn:iam::{STRANGER}:role/reader"),
            ("CanonicalUser", "c" * 64),
        )
    ),
    (
        "policy whose Deny spares a role of any name",
        put_policy(
            *whole_policy()[:3],
            statement(
                ["s3:DeleteObject", "s3:DeleteObjectVersion"],
                f"arn:aws:s3:::{BUCKET}/*",
                effect="Deny",
                Principal="*",
                Condition={"ArnNotLike": {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/*"}},
            ),
            whole_policy()[4],
        ),
        UNPROTECTED,
    ),
    (
        "policy that keeps CloudTrail out",
        put_policy(
            *whole_policy(),
            statement("s3:PutObject", "*", effect="Deny", Principal="*"),
        ),
        UNPROTECTED,
    ),
]

# Every field of UpdateTrail that can turn the deployment's trail elsewhere or narrow it.
TRAIL_FIELDS: dict[str, Any] = {
    "S3BucketName": "elsewhere",
    "S3KeyPrefix": "aside",
    "SnsTopicName": "another-topic",
    "IncludeGlobalServiceEvents": False,
    "IsMultiRegionTrail": False,
    "EnableLogFileValidation": False,
    "CloudWatchLogsLogGroupArn": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:scratch:*",
    "CloudWatchLogsRoleArn": f"arn:aws:iam::{ACCOUNT}:role/nobody",
    "KmsKeyId": FOREIGN_KEY,
    "IsOrganizationTrail": False,
}


def camel(name: str) -> str:
    """A field's name as CloudTrail mostly writes it."""
    return name[0].lower() + name[1:]


def update_trail(name: str = TRAIL, **fields: Any) -> Record:
    return record("cloudtrail", "UpdateTrail", {"name": name, **fields})


TRAIL_WEAK = ["trail-weakened"]
NARROWED = ["trail-selectors-narrowed"]
TURNED: list[Case] = [
    *(
        (f"{spelling(field)} of the trail", update_trail(**{spelling(field): value}), TRAIL_WEAK)
        for field, value in TRAIL_FIELDS.items()
        for spelling in (camel, str)
    ),
    *(
        (f"{field} of another account", update_trail("t", **{field: value}), TRAIL_WEAK)
        for field, value in (
            ("kmsKeyId", FOREIGN_KEY),
            ("cloudWatchLogsLogGroupArn", f"arn:aws:logs:{REGION}:{STRANGER}:log-group:g:*"),
            ("cloudWatchLogsRoleArn", f"arn:aws-us-gov:iam::{STRANGER}:role/r"),
            ("snsTopicName", f"arn:aws:sns:{REGION}:{STRANGER}:t"),
        )
    ),
    ("another organization trail", update_trail("t", isOrganizationTrail=False), TRAIL_WEAK),
    (
        "announced to nobody",
        record(
            "cloudtrail",
            "UpdateTrail",
            {"name": TRAIL, "snsTopicName": ""},
            {"name": TRAIL, "snsTopicName": ""},
        ),
        TRAIL_WEAK,
    ),
    (
        "the trail made anew with less",
        record(
            "cloudtrail",
            "CreateTrail",
            {"name": TRAIL, "s3BucketName": BUCKET},
            {"name": TRAIL, "isMultiRegionTrail": False, "logFileValidationEnabled": False},
        ),
        TRAIL_WEAK,
    ),
    (
        "selectors by their API's names",
        record(
            "cloudtrail",
            "PutEventSelectors",
            {"TrailName": TRAIL, "EventSelectors": [{"IncludeManagementEvents": False}]},
        ),
        ["trail-selectors-narrowed"],
    ),
    *(
        (f"selectors, {what}", record("cloudtrail", "PutEventSelectors", parameters), NARROWED)
        for what, parameters in (
            (
                "writes alone",
                {"trailName": TRAIL, "eventSelectors": [{"readWriteType": "WriteOnly"}]},
            ),
            (
                "advanced, writes alone",
                {
                    "trailName": TRAIL,
                    "advancedEventSelectors": [
                        {
                            "fieldSelectors": [
                                {"field": "eventCategory", "equals": ["Management"]},
                                {"field": "readOnly", "equals": ["false"]},
                            ]
                        }
                    ],
                },
            ),
        )
    ),
    (
        "insights of a data store",
        record(
            "cloudtrail",
            "PutInsightSelectors",
            {"eventDataStore": "eds", "insightSelectors": []},
        ),
        ["trail-insights-disabled"],
    ),
    *(
        (
            f"data store: {name}",
            record("cloudtrail", name, {"eventDataStore": "eds", **extra}),
            ["event-data-store-weakened"],
        )
        for name, extra in (
            ("DeleteEventDataStore", {}),
            ("StopEventDataStoreIngestion", {}),
            ("UpdateEventDataStore", {"multiRegionEnabled": False}),
            ("UpdateEventDataStore", {"organizationEnabled": False}),
            ("UpdateEventDataStore", {"terminationProtectionEnabled": False}),
            (
                "UpdateEventDataStore",
                {
                    "advancedEventSelectors": [
                        {
                            "fieldSelectors": [
                                {"field": "eventCategory", "equals": ["Management"]},
                                {"field": "readOnly", "equals": ["true"]},
                            ]
                        }
                    ]
                },
            ),
        )
    ),
    (
        "trails delegated",
        record("cloudtrail", "RegisterOrganizationDelegatedAdmin", {"memberAccountId": STRANGER}),
        ["trail-administration-delegated"],
    ),
]


def recorder(**settings: Any) -> Record:
    return record("config", "PutConfigurationRecorder", {"configurationRecorder": settings})


RECORDER = ["config-recorder-narrowed"]
CONFIG: list[Case] = [
    (
        "recorder with exclusions and no flag",
        recorder(
            recordingGroup={"exclusionByResourceTypes": {"resourceTypes": ["AWS::IAM::Role"]}}
        ),
        RECORDER,
    ),
    ("recorder of some", recorder(recordingGroup={"resourceTypes": ["AWS::IAM::Role"]}), RECORDER),
    *(
        (
            f"recorder by {strategy}",
            recorder(recordingGroup={"recordingStrategy": {"useOnly": strategy}}),
            RECORDER,
        )
        for strategy in ("EXCLUSION_BY_RESOURCE_TYPES", "INCLUSION_BY_RESOURCE_TYPES")
    ),
    (
        "recorder by its API's names",
        record(
            "config",
            "PutConfigurationRecorder",
            {"ConfigurationRecorder": {"RecordingGroup": {"AllSupported": False}}},
        ),
        RECORDER,
    ),
    (
        "recorder once a day",
        recorder(
            recordingGroup={"allSupported": True}, recordingMode={"recordingFrequency": "DAILY"}
        ),
        RECORDER,
    ),
    (
        "recorder once a day for roles",
        recorder(
            recordingMode={
                "recordingFrequency": "CONTINUOUS",
                "recordingModeOverrides": [
                    {"resourceTypes": ["AWS::IAM::Role"], "recordingFrequency": "DAILY"}
                ],
            }
        ),
        RECORDER,
    ),
    (
        "kinds taken out of a recorder",
        record(
            "config",
            "DisassociateResourceTypes",
            {"configurationRecorderArn": "arn:r", "resourceTypes": ["AWS::IAM::Role"]},
        ),
        RECORDER,
    ),
    (
        "history of a month",
        record("config", "PutRetentionConfiguration", {"retentionPeriodInDays": 30}),
        ["config-history-shortened"],
    ),
]

BLINDED = ["guardduty-blinded"]
REDUCED = ["guardduty-protection-reduced"]
ENDED = ["detection-membership-ended"]
OFF = ["detection-service-disabled"]
DETECTORS: list[Case] = [
    (f"{service} {name} {parameters}", record(service, name, parameters), rules)
    for service, name, parameters, rules in (
        *(
            ("guardduty", f"{verb}{kind}", {"detectorId": "d", **extra}, BLINDED)
            for kind in ("IPSet", "TrustedEntitySet")
            for verb, extra in (
                ("Create", {"activate": True, "location": "s3://l"}),
                ("Update", {"activate": True}),
                ("Update", {"location": "s3://other"}),
            )
        ),
        *(
            ("guardduty", name, {"detectorId": "d", **extra}, BLINDED)
            for name, extra in (
                ("CreateFilter", {"name": "f", "action": "ARCHIVE"}),
                ("UpdateFilter", {"filterName": "f", "action": "ARCHIVE"}),
                ("UpdateFilter", {"filterName": "f", "findingCriteria": {"criterion": {"a": 1}}}),
                ("DeletePublishingDestination", {"destinationId": "x"}),
                ("UpdatePublishingDestination", {"destinationId": "x"}),
                ("DeleteThreatIntelSet", {"threatIntelSetId": "t"}),
                ("DeleteThreatEntitySet", {"threatEntitySetId": "t"}),
                ("UpdateThreatIntelSet", {"threatIntelSetId": "t", "activate": False}),
                ("UpdateThreatEntitySet", {"threatEntitySetId": "t", "activate": False}),
                ("DeleteMalwareProtectionPlan", {"malwareProtectionPlanId": "m"}),
                (
                    "UpdateMalwareScanSettings",
                    {"scanResourceCriteria": {"exclude": {"EC2_INSTANCE_TAG": {}}}},
                ),
            )
        ),
        (
            "guardduty",
            "UpdateDetector",
            {
                "detectorId": "d",
                "features": [
                    {
                        "name": "RUNTIME_MONITORING",
                        "status": "ENABLED",
                        "additionalConfiguration": [
                            {"name": "EC2_AGENT_MANAGEMENT", "status": "DISABLED"}
                        ],
                    }
                ],
            },
            REDUCED,
        ),
        (
            "guardduty",
            "UpdateDetector",
            {"detectorId": "d", "dataSources": {"kubernetes": {"auditLogs": {"enable": False}}}},
            REDUCED,
        ),
        (
            "guardduty",
            "UpdateMemberDetectors",
            {"accountIds": [STRANGER], "features": [{"name": "S3", "status": "DISABLED"}]},
            REDUCED,
        ),
        (
            "guardduty",
            "UpdateOrganizationConfiguration",
            {"detectorId": "d", "autoEnableOrganizationMembers": "NONE"},
            REDUCED,
        ),
        *(
            (service, name, {}, ENDED)
            for service, names in (
                ("guardduty", ("DeleteMembers", "DisableOrganizationAdminAccount")),
                ("securityhub", ("DeleteMembers", "DisableOrganizationAdminAccount")),
                (
                    "macie2",
                    (
                        "DeleteMember",
                        "DisableOrganizationAdminAccount",
                        "DisassociateFromAdministratorAccount",
                        "DisassociateMember",
                    ),
                ),
                ("inspector2", ("DisableDelegatedAdminAccount", "DisassociateMember")),
            )
            for name in names
        ),
        ("access-analyzer", "DeleteAnalyzer", {"analyzerName": "a"}, OFF),
        ("inspector2", "Disable", {"accountIds": [ACCOUNT]}, OFF),
        ("macie2", "DisableMacie", None, OFF),
        ("macie2", "UpdateMacieSession", {"status": "PAUSED"}, OFF),
        ("securityhub", "DisableImportFindingsForProduct", {"productSubscriptionArn": "a"}, OFF),
        ("securityhub", "UpdateStandardsControl", {"controlStatus": "DISABLED"}, OFF),
    )
]

LEAVES = ["account-leaves-organization"]
GUARDRAIL = ["organization-guardrail-removed"]
WATCH = ["organization-watch-ended"]
DENY_STOPPING = policy_text(
    statement(["cloudtrail:StopLogging", "cloudtrail:DeleteTrail"], effect="Deny")
)
ORGANIZATION: list[Case] = [
    (f"{service} {name} {parameters}", record(service, name, parameters), rules)
    for service, name, parameters, rules in (
        ("organizations", "CloseAccount", {"accountId": STRANGER}, LEAVES),
        ("account", "CloseAccount", None, LEAVES),
        ("organizations", "LeaveOrganization", None, LEAVES),
        ("organizations", "RemoveAccountFromOrganization", {"accountId": STRANGER}, LEAVES),
        ("organizations", "MoveAccount", {"accountId": STRANGER}, LEAVES),
        ("organizations", "DeleteOrganization", None, LEAVES),
        ("organizations", "DetachPolicy", {"policyId": "p-1", "targetId": ACCOUNT}, GUARDRAIL),
        ("organizations", "DeletePolicy", {"policyId": "p-1"}, GUARDRAIL),
        (
            "organizations",
            "DisablePolicyType",
            {"rootId": "r-1", "policyType": "SERVICE_CONTROL_POLICY"},
            GUARDRAIL,
        ),
        (
            "organizations",
            "UpdatePolicy",
            {"policyId": "p-1", "content": policy_text(statement())},
            GUARDRAIL,
        ),
        (
            "organizations",
            "DisableAWSServiceAccess",
            {"servicePrincipal": "cloudtrail.amazonaws.com"},
            WATCH,
        ),
        (
            "organizations",
            "DeregisterDelegatedAdministrator",
            {"accountId": STRANGER, "servicePrincipal": "guardduty.amazonaws.com"},
            WATCH,
        ),
    )
]


def account_policy(kind: str, **parameters: Any) -> Record:
    return record("logs", "PutAccountPolicy", {"policyName": "p", "policyType": kind, **parameters})


FOREIGN_DESTINATION = f"arn:aws:logs:{REGION}:{STRANGER}:destination:d"
AUDIT_LOG = ["audit-log-weakened"]
ACCOUNT_POLICY = ["log-account-policy-intrudes"]
OPENED = ["log-resource-policy-opened"]
LOG_GROUPS: list[Case] = [
    *(
        (f"trail's group: {name}", record("logs", name, parameters), AUDIT_LOG)
        for name, parameters in (
            ("PutDataProtectionPolicy", {"logGroupIdentifier": GROUP, "policyDocument": "{}"}),
            (
                "PutTransformer",
                {
                    "logGroupIdentifier": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{GROUP}",
                    "transformerConfig": [],
                },
            ),
            (
                "PutLogGroupDeletionProtection",
                {"logGroupIdentifier": GROUP, "deletionProtectionEnabled": False},
            ),
            (
                "PutMetricFilter",
                {
                    "logGroupName": GROUP,
                    "filterName": "metric-filter-relevant-events-dev",
                    "filterPattern": "nothing",
                },
            ),
            ("AssociateKmsKey", {"logGroupName": GROUP, "kmsKeyId": FOREIGN_KEY}),
        )
    ),
    *(
        (
            f"trail's group subscribed to by {name} {extra}",
            record(
                "logs",
                "PutSubscriptionFilter",
                {
                    "logGroupName": GROUP,
                    "filterName": name,
                    "filterPattern": "",
                    "destinationArn": destination,
                    **extra,
                },
            ),
            rules,
        )
        for rules, name, destination, extra in (
            (["audit-log-sent-away"], "second", FOREIGN_DESTINATION, {}),
            (
                ["subscription-filter-redirected"],
                "subscription-compliance-checker-dev",
                f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{FUNCTION}",
                {"fieldSelectionCriteria": '@aws.region = "eu-west-1"'},
            ),
            (
                ["subscription-filter-redirected"],
                "subscription-compliance-checker-dev",
                f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{FUNCTION}",
                {"applyOnTransformedLogs": True},
            ),
        )
    ),
    ("masks everywhere", account_policy("DATA_PROTECTION_POLICY"), ACCOUNT_POLICY),
    ("rewrites everywhere", account_policy("TRANSFORMER_POLICY"), ACCOUNT_POLICY),
    (
        "rewrites some, the trail's among them",
        account_policy("TRANSFORMER_POLICY", selectionCriteria='LogGroupNamePrefix = "/aws/cloud"'),
        ACCOUNT_POLICY,
    ),
    (
        "sends everything away but one group",
        account_policy(
            "SUBSCRIPTION_FILTER_POLICY",
            policyDocument=f'{{"DestinationArn": "{FOREIGN_DESTINATION}"}}',
            selectionCriteria='LogGroupName NOT IN ["/aws/lambda/x"]',
        ),
        ACCOUNT_POLICY,
    ),
    *(
        (
            f"log policy, {what}",
            record("logs", "PutResourcePolicy", {"policyName": "p", "policyDocument": document}),
            OPENED,
        )
        for what, document in (
            ("public", policy_text(statement("logs:PutLogEvents", Principal="*"))),
            (
                "a stranger",
                policy_text(statement("logs:PutLogEvents", Principal={"AWS": STRANGER})),
            ),
            (
                "a service into the trail's group",
                policy_text(
                    statement(
                        "logs:PutLogEvents",
                        f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{GROUP}:*",
                        Principal={"Service": "delivery.logs.amazonaws.com"},
                    )
                ),
            ),
        )
    ),
]


def topic(name: str, value: Any) -> Record:
    return record(
        "sns",
        "SetTopicAttributes",
        {"topicArn": TOPIC, "attributeName": name, "attributeValue": value},
    )


def queue(**attributes: Any) -> Record:
    return record("sqs", "SetQueueAttributes", {"queueUrl": QUEUE, "attributes": attributes})


TOPIC_RULE = ["alert-topic-tampered"]
QUEUE_RULE = ["audit-queue-emptied"]
PUBLISH = statement("sns:Publish", Principal={"Service": "cloudwatch.amazonaws.com"})
NO_TLS = statement(
    "sqs:*",
    effect="Deny",
    Principal="*",
    Condition={"Bool": {"aws:SecureTransport": "false"}},
)
WAY: list[Case] = [
    (
        "key granted to a stranger",
        record(
            "kms",
            "CreateGrant",
            {
                "keyId": OWN_KEY,
                "granteePrincipal": f"arn:aws:iam::{STRANGER}:role/r",
                "operations": ["Decrypt"],
            },
        ),
        ["kms-key-granted-to-stranger"],
    ),
    (
        "topic's policy for a stranger",
        topic(
            "Policy", policy_text(PUBLISH, statement("sns:Subscribe", Principal={"AWS": STRANGER}))
        ),
        TOPIC_RULE,
    ),
    ("topic's policy without alarms", topic("Policy", policy_text()), TOPIC_RULE),
    ("topic with AWS's key", topic("KmsMasterKeyId", "alias/aws/sns"), TOPIC_RULE),
    ("topic with a stranger's key", topic("KmsMasterKeyId", FOREIGN_KEY), TOPIC_RULE),
    (
        "topic that masks",
        record("sns", "PutDataProtectionPolicy", {"resourceArn": TOPIC}),
        TOPIC_RULE,
    ),
    ("queue's policy public", queue(Policy=policy_text(statement(Principal="*"))), QUEUE_RULE),
    (
        "queue's policy for a stranger",
        queue(Policy=policy_text(NO_TLS, statement(Principal={"AWS": STRANGER}))),
        QUEUE_RULE,
    ),
    ("queue's policy without its Deny", queue(Policy=policy_text()), QUEUE_RULE),
    ("queue that forgets", queue(MessageRetentionPeriod="60"), QUEUE_RULE),
    ("queue without its key", queue(KmsMasterKeyId=""), QUEUE_RULE),
    ("queue with a stranger's key", queue(KmsMasterKeyId=FOREIGN_KEY), QUEUE_RULE),
    *(
        (f"queue: {name}", record("sqs", name, {"queueUrl": QUEUE, "label": "l"}), QUEUE_RULE)
        for name in ("AddPermission", "RemovePermission")
    ),
    *(
        (
            f"function: {name}",
            record("lambda", name, {"functionName": FUNCTION}),
            ["compliance-function-tampered"],
        )
        for name in (
            "DeleteFunctionEventInvokeConfig",
            "PutFunctionEventInvokeConfig",
            "UpdateFunctionEventInvokeConfig",
        )
    ),
    (
        "alarm muted",
        record(
            "monitoring",
            "PutAlarmMuteRule",
            {"name": "quiet", "muteTargets": {"alarmNames": ["alarm-trail-delivery-dev"]}},
        ),
        ["audit-alarm-silenced"],
    ),
    (
        "rule that starts something else",
        record(
            "events",
            "PutTargets",
            {
                "rule": "rule-hourly-scan-dev",
                "targets": [{"id": "t", "arn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:x"}],
            },
        ),
        ["audit-event-rule-disabled"],
    ),
]


def on_file(name: str, bucket: str = BUCKET, **parameters: Any) -> Record:
    """A data event on a file of the trail."""
    return record(
        "s3",
        name,
        {"bucketName": bucket, "key": f"AWSLogs/{ACCOUNT}/CloudTrail/a.json.gz", **parameters},
        managementEvent=False,
        eventCategory="Data",
    )


FILE_RULE = ["log-file-deleted-or-unlocked"]
FILES: list[Case] = [
    (f"file: {name} {parameters}", on_file(name, **parameters), FILE_RULE)
    for name, parameters in (
        ("DeleteObject", {}),
        ("DeleteObject", {"versionId": "v"}),
        ("DeleteObjects", {}),
        ("PutObjectLegalHold", {"LegalHold": {"Status": "OFF"}}),
        ("PutObjectRetention", {"Retention": {}}),
        (
            "PutObjectRetention",
            {"Retention": {"Mode": "GOVERNANCE", "RetainUntilDate": "2026-12-01T00:00:00Z"}},
        ),
    )
]


def key_policy(*statements: Record, name: str = "PutKeyPolicy", **parameters: Any) -> Record:
    """A key's policy, beside what every key's has."""
    account = statement("kms:*", Sid="account", Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"})
    document = policy_text(account, *statements)
    return record("kms", name, {"keyId": OWN_KEY, "policy": document, **parameters})


def for_service(service: str, action: str = "kms:GenerateDataKey*") -> Record:
    return statement(action, Principal={"Service": service})


def for_people(*names: str) -> Record:
    return statement("kms:Decrypt", Principal={"AWS": list(names)})


def alias(name: str, **parameters: str) -> Record:
    return record("kms", name, {"aliasName": "alias/cloudtrail-logs-key-dev", **parameters})


TRAIL_ENCRYPTS = for_service("cloudtrail.amazonaws.com")
STRANGERS_RULE = ["kms-key-policy-lets-in-strangers"]
ALIAS_RULE = ["audit-key-alias-turned"]
CHANNEL_RULE = ["config-delivery-turned"]


def channel(**parts: Any) -> Record:
    """PutDeliveryChannel."""
    settings = {"name": "default", "s3BucketName": f"config-{ACCOUNT}", **parts}
    return record("config", "PutDeliveryChannel", {"deliveryChannel": settings})


KEYS: list[Case] = [
    *(
        (f"key's policy for {who}", key_policy(for_people(who), name=name), STRANGERS_RULE)
        for name in ("PutKeyPolicy", "CreateKey")
        for who in (STRANGER, f"arn:aws:iam::{STRANGER}:role/r", f"arn:aws:iam::{STRANGER}:root")
    ),
    (
        "replica's policy for a stranger",
        record("kms", "ReplicateKey", {"policy": policy_text(for_people(STRANGER))}),
        STRANGERS_RULE,
    ),
    *(
        (f"policy of a trail's key for {who}", key_policy(TRAIL_ENCRYPTS, case), STRANGERS_RULE)
        for who, case in (
            ("a role", for_people(f"arn:aws:iam::{ACCOUNT}:role/r")),
            ("a user", for_people(f"arn:aws:iam::{ACCOUNT}:user/u")),
            ("somebody deleted", for_people("AIDAEXAMPLEEXAMPLE")),
            ("another service", for_service("lambda.amazonaws.com")),
        )
    ),
    ("alias turned", alias("UpdateAlias", targetKeyId="other"), ALIAS_RULE),
    ("alias deleted", alias("DeleteAlias"), ALIAS_RULE),
    ("Config's channel turned", channel(s3BucketName="elsewhere"), CHANNEL_RULE),
    (
        "Config's channel with a stranger's topic",
        channel(snsTopicARN=f"arn:aws:sns:{REGION}:{STRANGER}:t"),
        CHANNEL_RULE,
    ),
]


def alarm(purpose: str, **changes: Any) -> Record:
    """PutMetricAlarm of an alarm as it is deployed, but for the changes; None leaves a part out."""
    parameters = {
        "alarmName": f"alarm-{purpose}-dev",
        "actionsEnabled": True,
        "alarmActions": [TOPIC],
        "threshold": 1.0,
        **_ALARMS[purpose],
        **changes,
    }
    kept = {name: value for name, value in parameters.items() if value is not None}
    return record("monitoring", "PutMetricAlarm", kept)


def _measured(
    identity: str, metric: str, namespace: str, period: int, **dimensions: str
) -> dict[str, Any]:
    listed = [{"name": name, "value": value} for name, value in dimensions.items()]
    return {
        "id": identity,
        "returnData": False,
        "metricStat": {
            "metric": {"namespace": namespace, "metricName": metric, "dimensions": listed},
            "period": period,
            "stat": "Sum",
        },
    }


def _filled(metric: str, namespace: str, **dimensions: str) -> list[dict[str, Any]]:
    return [
        {"id": "filled", "expression": "FILL(arrived, 0)", "returnData": True},
        _measured("arrived", metric, namespace, 900, **dimensions),
    ]


def _counted(metric: str, statistic: str = "Sum", **dimensions: str) -> dict[str, Any]:
    return {
        "metricName": metric,
        "statistic": statistic,
        "dimensions": [{"name": name, "value": value} for name, value in dimensions.items()],
        "comparisonOperator": "GreaterThanOrEqualToThreshold",
        "period": 300,
        "evaluationPeriods": 1,
        "treatMissingData": "notBreaching",
    }


_FALLS = {
    "comparisonOperator": "LessThanThreshold",
    "evaluationPeriods": 4,
    "treatMissingData": "breaching",
}
_NOT_INVOKED = (
    "((events > 0) > (invocations > 0)) OR "
    "((RUNNING_SUM(FILL(events, 0)) > 0) > (RUNNING_SUM(FILL(invocations, 0)) > 0))"
)
_ALARMS: dict[str, dict[str, Any]] = {
    "trail-delivery": {
        **_FALLS,
        "metrics": _filled(
            "NumberOfNotificationsDelivered", "AWS/SNS", TopicName="sns-trail-delivery-dev"
        ),
    },
    "log-delivery": {
        **_FALLS,
        "metrics": _filled("IncomingLogEvents", "AWS/Logs", LogGroupName=GROUP),
    },
    "function-errors": _counted("Errors", FunctionName=FUNCTION),
    "function-throttles": _counted("Throttles", FunctionName=FUNCTION),
    "function-duration": {
        **_counted("Duration", "Maximum", FunctionName=FUNCTION),
        "threshold": 48000.0,
    },
    "dead-letter-queue-depth": _counted(
        "ApproximateNumberOfMessagesVisible", "Maximum", QueueName="sqs-compliance-checker-dlq-dev"
    ),
    "function-not-invoked": {
        "comparisonOperator": "GreaterThanOrEqualToThreshold",
        "evaluationPeriods": 2,
        "treatMissingData": "notBreaching",
        "metrics": [
            {"id": "not_invoked", "expression": _NOT_INVOKED, "returnData": True},
            _measured("events", "relevant-events-dev", "Trailwarden/AuditTrail", 300),
            _measured("invocations", "Invocations", "AWS/Lambda", 300, FunctionName=FUNCTION),
        ],
    },
    **{
        purpose: _counted(f"{purpose}-dev")
        for purpose in (
            "security-group-changes",
            "iam-policy-changes",
            "cloudtrail-changes",
            "root-account-use",
        )
    },
}
ALARM_RULE = ["audit-alarm-silenced"]
_FALLING = ("trail-delivery", "log-delivery")
_RISING = tuple(purpose for purpose in _ALARMS if purpose not in _FALLING)
_PLAIN = tuple(purpose for purpose in _RISING if "metrics" not in _ALARMS[purpose])

ALARMS: list[Case] = [
    (f"{purpose}: {what}", alarm(purpose, **changes), ALARM_RULE)
    for purposes, what, changes in (
        (_FALLING, "a threshold that nothing falls below", {"threshold": 0.0}),
        (_FALLING, "missing data are ignored", {"treatMissingData": "ignore"}),
        (_FALLING, "missing data are a good sign", {"treatMissingData": "notBreaching"}),
        (_FALLING, "missing data are left out", {"treatMissingData": None}),
        (_FALLING, "a longer wait", {"evaluationPeriods": 96}),
        (_FALLING, "the other way round", {"comparisonOperator": "GreaterThanThreshold"}),
        (_RISING, "a threshold out of reach", {"threshold": 1e9}),
        (_RISING, "the other way round", {"comparisonOperator": "LessThanThreshold"}),
        (_RISING, "a longer wait", {"evaluationPeriods": 12}),
        (_PLAIN, "longer periods", {"period": 86400}),
        (_PLAIN, "another metric", {"metricName": "ConcurrentExecutions"}),
        (_PLAIN, "another statistic", {"statistic": "Minimum"}),
        (_PLAIN, "a percentile", {"statistic": None, "extendedStatistic": "p50"}),
        (
            _PLAIN,
            "another resource",
            {"dimensions": [{"name": "FunctionName", "value": "something-else"}]},
        ),
        (
            tuple(_ALARMS),
            "a number for an expression",
            {"metrics": [{"id": "e", "expression": "TIME_SERIES(0)", "returnData": True}]},
        ),
        (
            tuple(_ALARMS),
            "a band of anomalies",
            {"threshold": None, "thresholdMetricId": "ad1"},
        ),
    )
    for purpose in purposes
] + [
    (
        "more than one where one is enough",
        alarm("function-errors", comparisonOperator="GreaterThanThreshold"),
        ALARM_RULE,
    ),
]

TAKEN_BACK: list[Case] = [
    *KEYS,
    *ALARMS,
    *IN_TIME,
    *AWAY,
    *BUCKET_SETTINGS,
    *POLICIES,
    *TURNED,
    *CONFIG,
    *DETECTORS,
    *ORGANIZATION,
    *LOG_GROUPS,
    *WAY,
    *FILES,
]


KEPT: list[tuple[str, Record]] = [
    *((f"{purpose} as deployed", alarm(purpose)) for purpose in _ALARMS),
    ("an alarm that rings sooner", alarm("function-duration", threshold=1000.0)),
    ("an alarm that looks oftener", alarm("log-delivery", evaluationPeriods=2)),
    ("somebody else's alarm", alarm("function-errors", alarmName="app-errors", threshold=1e9)),
    (
        "policy of the trail's key as deployed",
        key_policy(
            TRAIL_ENCRYPTS,
            for_service(f"logs.{REGION}.amazonaws.com"),
            for_service("cloudwatch.amazonaws.com"),
        ),
    ),
    ("another key's policy for a role", key_policy(for_people(f"arn:aws:iam::{ACCOUNT}:role/r"))),
    ("another key's policy for a service", key_policy(for_service("lambda.amazonaws.com"))),
    ("a new key for the account", key_policy(name="CreateKey")),
    (
        "an application's alias",
        record("kms", "UpdateAlias", {"aliasName": "alias/app", "targetKeyId": "k"}),
    ),
    ("an application's alias deleted", record("kms", "DeleteAlias", {"aliasName": "alias/app"})),
    ("a grant on some key revoked", record("kms", "RevokeGrant", {"keyId": "k", "grantId": "g"})),
    (
        "Config set up by a service",
        {
            **channel(),
            "userIdentity": {"type": "AssumedRole", "invokedBy": "controltower.amazonaws.com"},
        },
    ),
    ("seven years", lifecycle(rule(Expiration={"Days": 2557}))),
    ("seven years, by date", lifecycle(rule(Expiration={"Date": "2033-12-01T00:00:00Z"}))),
    (
        "six years of versions",
        lifecycle(rule(NoncurrentVersionExpiration={"NoncurrentDays": 2190})),
    ),
    ("markers alone", lifecycle(rule(Expiration={"ExpiredObjectDeleteMarker": True}))),
    ("parts alone", lifecycle(rule(AbortIncompleteMultipartUpload={"DaysAfterInitiation": 7}))),
    ("a rule not in force", lifecycle({**rule(Expiration={"Days": 1}), "Status": "Disabled"})),
    ("another prefix", lifecycle({**rule(Expiration={"Days": 1}), "Filter": {"Prefix": "tmp/"}})),
    *(
        (
            f"cheaper and at hand, {kind}",
            lifecycle(rule(Transition={"Days": 30, "StorageClass": kind})),
        )
        for kind in ("STANDARD_IA", "INTELLIGENT_TIERING", "GLACIER_IR")
    ),
    (
        "archived after a year",
        lifecycle(rule(Transition={"Days": 365, "StorageClass": "DEEP_ARCHIVE"})),
    ),
    ("no lifecycle at all", s3("DeleteBucketLifecycle")),
    ("replicated within the account", replication(copy_to("replica", ACCOUNT))),
    ("replicated within the account by name", replication(copy_to(f"replica-{ACCOUNT}"))),
    ("a replication not in force", replication(copy_to("copy", STRANGER, status="Disabled"))),
    (
        "another bucket replicated",
        record(
            "s3",
            "PutBucketReplication",
            {
                "bucketName": "scans",
                "ReplicationConfiguration": {"Rule": copy_to("copy", STRANGER)},
            },
        ),
    ),
    (
        "listed within the account",
        s3(
            "PutBucketInventoryConfiguration",
            InventoryConfiguration={"Destination": {"S3BucketDestination": {"AccountId": ACCOUNT}}},
        ),
    ),
    (
        "MFA delete on",
        s3(
            "PutBucketVersioning",
            VersioningConfiguration={"Status": "Enabled", "MfaDelete": "Enabled"},
        ),
    ),
    (
        "Object Lock for seven years",
        s3(
            "PutObjectLockConfiguration",
            ObjectLockConfiguration={
                "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Years": 7}}
            },
        ),
    ),
    (
        "owner enforced",
        s3(
            "PutBucketOwnershipControls",
            OwnershipControls={"Rule": {"ObjectOwnership": "BucketOwnerEnforced"}},
        ),
    ),
    (
        "encrypted with a key of one's own",
        s3(
            "PutBucketEncryption",
            ServerSideEncryptionConfiguration={
                "Rule": {
                    "ApplyServerSideEncryptionByDefault": {
                        "SSEAlgorithm": "aws:kms",
                        "KMSMasterKeyID": OWN_KEY,
                    }
                }
            },
        ),
    ),
    ("an access point of scans", record("s3", "CreateAccessPoint", {"bucket": "scans"})),
    *(
        (f"the whole policy in {partition}", put_policy(*whole_policy(partition)))
        for partition in ("aws", "aws-cn", "aws-us-gov", "aws-eusc", "aws-iso-b")
    ),
    (
        "the whole policy and a reader of the account",
        put_policy(
            *whole_policy(),
            statement(
                "s3:GetObject",
                f"arn:aws:s3:::{BUCKET}/*",
                Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:role/auditor"},
            ),
        ),
    ),
    (
        "the trail as it is",
        update_trail(
            s3BucketName=BUCKET,
            snsTopicName="sns-trail-delivery-dev",
            isMultiRegionTrail=True,
            enableLogFileValidation=True,
            includeGlobalServiceEvents=True,
            kmsKeyId=OWN_KEY,
            cloudWatchLogsLogGroupArn=f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{GROUP}:*",
            cloudWatchLogsRoleArn=f"arn:aws:iam::{ACCOUNT}:role/role-cloudtrail-logs-dev",
        ),
    ),
    ("an organization trail made", update_trail("t", isOrganizationTrail=True)),
    (
        "one trail more, with less",
        record("cloudtrail", "CreateTrail", {"name": "t", "isMultiRegionTrail": False}),
    ),
    (
        "a data store of Config's items",
        record(
            "cloudtrail",
            "UpdateEventDataStore",
            {
                "advancedEventSelectors": [
                    {
                        "fieldSelectors": [
                            {"field": "eventCategory", "equals": ["ConfigurationItem"]}
                        ]
                    }
                ]
            },
        ),
    ),
    ("a recorder by its default", recorder(name="default", roleARN="arn:aws:iam::1:role/r")),
    (
        "a recorder of all, all the time",
        recorder(
            recordingGroup={
                "allSupported": True,
                "recordingStrategy": {"useOnly": "ALL_SUPPORTED_RESOURCE_TYPES"},
            },
            recordingMode={"recordingFrequency": "CONTINUOUS"},
        ),
    ),
    (
        "history of seven years",
        record("config", "PutRetentionConfiguration", {"retentionPeriodInDays": 2557}),
    ),
    *(
        (f"guardduty {name} {extra}", record("guardduty", name, {"detectorId": "d", **extra}))
        for name, extra in (
            ("CreateIPSet", {"activate": False, "location": "s3://l"}),
            ("UpdateIPSet", {"activate": False}),
            ("UpdateIPSet", {"name": "renamed"}),
            ("CreateThreatIntelSet", {"activate": True}),
            ("CreateFilter", {"action": "NOOP"}),
            ("UpdateThreatIntelSet", {"activate": True}),
            ("UpdateMalwareScanSettings", {"ebsSnapshotPreservation": "RETENTION_WITH_FINDING"}),
            ("UpdateDetector", {"features": [{"name": "S3_DATA_EVENTS", "status": "ENABLED"}]}),
            ("UpdateOrganizationConfiguration", {"autoEnableOrganizationMembers": "ALL"}),
        )
    ),
    ("Macie on", record("macie2", "UpdateMacieSession", {"status": "ENABLED"})),
    *(
        (f"organizations {name}", record("organizations", name, parameters))
        for name, parameters in (
            ("DetachPolicy", {"policyId": "p-FullAWSAccess", "targetId": ACCOUNT}),
            ("DisablePolicyType", {"policyType": "TAG_POLICY"}),
            ("UpdatePolicy", {"policyId": "p-1", "content": DENY_STOPPING}),
            ("UpdatePolicy", {"policyId": "p-1", "name": "renamed"}),
            ("DisableAWSServiceAccess", {"servicePrincipal": "ram.amazonaws.com"}),
            ("CreateAccount", {"accountName": "new"}),
        )
    ),
    (
        "masks in another group",
        record("logs", "PutDataProtectionPolicy", {"logGroupIdentifier": "/aws/lambda/x"}),
    ),
    (
        "rewrites other groups",
        account_policy("TRANSFORMER_POLICY", selectionCriteria='LogGroupNamePrefix = "/app/"'),
    ),
    (
        "masks all groups but the trail's",
        account_policy(
            "DATA_PROTECTION_POLICY", selectionCriteria=f'LogGroupName NOT IN ["{GROUP}"]'
        ),
    ),
    ("fields indexed everywhere", account_policy("FIELD_INDEX_POLICY")),
    (
        "a service into its own group",
        record(
            "logs",
            "PutResourcePolicy",
            {
                "policyDocument": policy_text(
                    statement(
                        "logs:PutLogEvents",
                        f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/route53/*",
                        Principal={"Service": "route53.amazonaws.com"},
                    )
                )
            },
        ),
    ),
    (
        "a second subscription within the account",
        record(
            "logs",
            "PutSubscriptionFilter",
            {
                "logGroupName": GROUP,
                "filterName": "second",
                "destinationArn": f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/s",
            },
        ),
    ),
    *(
        (f"key granted to {who}", record("kms", "CreateGrant", {"granteePrincipal": who}))
        for who in ("dynamodb.us-west-2.amazonaws.com", f"arn:aws:iam::{ACCOUNT}:role/r")
    ),
    ("topic's policy with alarms", topic("Policy", policy_text(PUBLISH))),
    ("topic with a key of one's own", topic("KmsMasterKeyId", OWN_KEY)),
    ("queue that keeps", queue(MessageRetentionPeriod="1209600", Policy=policy_text(NO_TLS))),
    (
        "another queue",
        record("sqs", "SetQueueAttributes", {"queueUrl": "https://q/1/jobs", "attributes": {}}),
    ),
    (
        "other alarms muted",
        record("monitoring", "PutAlarmMuteRule", {"muteTargets": {"alarmNames": ["cpu"]}}),
    ),
    (
        "rule that starts the function",
        record(
            "events",
            "PutTargets",
            {
                "rule": "rule-hourly-scan-dev",
                "targets": [
                    {"id": "t", "arn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{FUNCTION}"}
                ],
            },
        ),
    ),
    ("another file deleted", on_file("DeleteObject", bucket="scans")),
    ("a file held", on_file("PutObjectLegalHold", LegalHold={"Status": "ON"})),
    (
        "a file locked for seven years",
        on_file("PutObjectRetention", Retention={"RetainUntilDate": "2033-12-01T00:00:00Z"}),
    ),
    ("a file written", on_file("PutObject")),
]
