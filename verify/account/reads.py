"""Every reading of the state checks, defined once: controls name them in their markers.

A run fetches ahead what depends on the outputs alone, which makes it last as long as its slowest
answer and not as their sum. A reading that follows another's answer (the version of a policy, the
entries of a prefix list) is made when a check needs it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from verify.account.errors import NOT_OFFERED
from verify.account.read import Reading, following, following_to, of_account, of_deployment, of_each
from verify.inputs.deployment import Deployment


def _in_vpc(deployment: Deployment) -> dict[str, Any]:
    return {"Filters": [{"Name": "vpc-id", "Values": [deployment.vpc_id]}]}


def _each(resource: str) -> Callable[[Deployment], Iterable[str]]:
    """What identifies each resource of a Terraform type."""
    return lambda deployment: deployment.identified(resource)


# --- network --------------------------------------------------------------------------------------


@of_deployment("ec2", "describe_vpcs")
def vpc(deployment: Deployment) -> dict[str, Any]:
    """The VPC."""
    return {"VpcIds": [deployment.vpc_id]}


@of_each("ec2", "describe_vpc_attribute", lambda _: ("enableDnsSupport", "enableDnsHostnames"))
def vpc_attribute(deployment: Deployment, attribute: str) -> dict[str, Any]:
    """One attribute of the VPC."""
    return {"VpcId": deployment.vpc_id, "Attribute": attribute}


# Each listing of what lies in the VPC has what the outputs do not name as well.
subnets = of_deployment("ec2", "describe_subnets")(_in_vpc)
route_tables = of_deployment("ec2", "describe_route_tables")(_in_vpc)
security_groups = of_deployment("ec2", "describe_security_groups")(_in_vpc)
network_acls = of_deployment("ec2", "describe_network_acls")(_in_vpc)


# What services of AWS manage is left out of the answer where the account hides it.
@of_deployment("ec2", "describe_network_interfaces")
def interfaces(deployment: Deployment) -> dict[str, Any]:
    """Every network interface in the VPC, whoever made it."""
    return {**_in_vpc(deployment), "IncludeManagedResources": True}


@following("ec2", "describe_network_interfaces")
def interfaces_of_machines(identifiers: list[str]) -> dict[str, Any]:
    """The network interfaces of some instances, 200 at most, in whatever VPC."""
    return {
        "Filters": [{"Name": "attachment.instance-id", "Values": identifiers}],
        "IncludeManagedResources": True,
    }


@following("ec2", "describe_network_interfaces")
def interfaces_of_group(identifier: str) -> dict[str, Any]:
    """The network interfaces that a security group protects."""
    return {
        "Filters": [{"Name": "group-id", "Values": [identifier]}],
        "IncludeManagedResources": True,
    }


# The security groups of other VPCs that may be used in ours.
group_associations = of_deployment("ec2", "describe_security_group_vpc_associations")(_in_vpc)


@following("ec2", "describe_security_groups")
def groups_by_id(identifiers: list[str]) -> dict[str, Any]:
    """Security groups of whatever VPC."""
    return {"GroupIds": identifiers}


@following("ec2", "get_managed_prefix_list_entries")
def prefix_list(identifier: str) -> dict[str, Any]:
    """The address ranges of a prefix list."""
    return {"PrefixListId": identifier}


@following("ec2", "describe_dhcp_options")
def dhcp_options(identifier: str) -> dict[str, Any]:
    """What instances are told when they start: name servers, time servers, their domain."""
    return {"DhcpOptionsIds": [identifier]}


# What connects the VPC to elsewhere: each kind has a call of its own.


def _attached(deployment: Deployment) -> dict[str, Any]:
    return {"Filters": [{"Name": "attachment.vpc-id", "Values": [deployment.vpc_id]}]}


# A region's API that does not know an action knows nothing that it could list.
_NOT_IN_THIS_REGION = "InvalidAction"

internet_gateways = of_deployment("ec2", "describe_internet_gateways")(_attached)
vpn_gateways = of_deployment("ec2", "describe_vpn_gateways")(_attached)
nat_gateways = of_deployment("ec2", "describe_nat_gateways")(_in_vpc)
carrier_gateways = of_deployment("ec2", "describe_carrier_gateways", _NOT_IN_THIS_REGION)(_in_vpc)
transit_gateway_attachments = of_deployment("ec2", "describe_transit_gateway_vpc_attachments")(
    _in_vpc
)
local_gateway_associations = of_deployment(
    "ec2", "describe_local_gateway_route_table_vpc_associations", _NOT_IN_THIS_REGION
)(_in_vpc)
vpc_endpoints = of_deployment("ec2", "describe_vpc_endpoints")(_in_vpc)


@of_each("ec2", "describe_addresses", _each("aws_eip"))
def address(_: Deployment, identifier: str) -> dict[str, Any]:
    """One public address, by its allocation."""
    return {"AllocationIds": [identifier]}


@of_each(
    "ec2",
    "describe_managed_prefix_lists",
    lambda deployment: deployment.gateway_endpoint_prefix_list_ids,
)
def managed_prefix_list(_: Deployment, identifier: str) -> dict[str, Any]:
    """Whose a prefix list is, and how it is called."""
    return {"PrefixListIds": [identifier]}


@of_deployment("ec2", "describe_flow_logs")
def flow_logs(deployment: Deployment) -> dict[str, Any]:
    """The flow logs of the VPC."""
    return {"Filters": [{"Name": "resource-id", "Values": [deployment.vpc_id]}]}


# These three know no filter for the VPC.
egress_only_gateways = of_account("ec2", "describe_egress_only_internet_gateways")
vpc_peerings = of_account("ec2", "describe_vpc_peering_connections")
public_access_exclusions = of_account(
    "ec2", "describe_vpc_block_public_access_exclusions", _NOT_IN_THIS_REGION
)


# --- trail ----------------------------------------------------------------------------------------


@of_deployment("cloudtrail", "describe_trails")
def trail(deployment: Deployment) -> dict[str, Any]:
    """The trail's configuration."""
    return {"trailNameList": [deployment.trail_arn]}


@of_deployment("cloudtrail", "get_trail_status")
def trail_status(deployment: Deployment) -> dict[str, Any]:
    """Whether the trail is logging, and its latest deliveries, in its home region."""
    return {"Name": deployment.trail_arn}


# Once the live fire has made events that the trail must have delivered.
trail_status_after_live_fire = trail_status.later("after the live fire")


@of_deployment("cloudtrail", "get_event_selectors")
def event_selectors(deployment: Deployment) -> dict[str, Any]:
    """Which events the trail records."""
    return {"TrailName": deployment.trail_arn}


@following("cloudtrail", "list_tags")
def trail_tags(deployment: Deployment) -> dict[str, Any]:
    """The trail's tags."""
    return {"ResourceIdList": [deployment.trail_arn]}


# The regions that the account has enabled: a multi-region trail records in each.
enabled_regions = of_account("ec2", "describe_regions")


# --- log bucket -----------------------------------------------------------------------------------


# Each reading of the log bucket is one of the other buckets too: their names come after the
# deployment.


def _bucket(deployment: Deployment, name: str = "") -> dict[str, Any]:
    # Names of buckets are the world's: should ours be gone, anybody may have one of its name.
    return {
        "Bucket": name or deployment.log_bucket_name,
        "ExpectedBucketOwner": deployment.account_id,
    }


def _bucket_place(deployment: Deployment, name: str = "") -> str:
    region = deployment.bucket_region(name)
    return "" if region == deployment.region else region


def _each_bucket(deployment: Deployment) -> Iterable[tuple[Any, ...]]:
    return ((deployment,), *((deployment, name) for name in deployment.further_buckets))


def _of_bucket(
    operation: str,
    *absent: str,
    service: str = "s3",
    parameters: Callable[..., Mapping[str, Any]] = _bucket,
) -> Reading[...]:
    return Reading(service, operation, parameters, absent, known=_each_bucket, place=_bucket_place)


def _account(deployment: Deployment) -> dict[str, Any]:
    return {"AccountId": deployment.account_id}


bucket_policy = _of_bucket("get_bucket_policy", "NoSuchBucketPolicy")
# Whether S3 itself holds the policy to be public.
bucket_policy_status = _of_bucket("get_bucket_policy_status", "NoSuchBucketPolicy")
bucket_encryption = _of_bucket(
    "get_bucket_encryption", "ServerSideEncryptionConfigurationNotFoundError"
)
public_access_block = _of_bucket("get_public_access_block", "NoSuchPublicAccessBlockConfiguration")
# What the account blocks for all of its buckets; asked for where the baseline demands any of it.
account_public_access_block = following(
    "s3control", "get_public_access_block", "NoSuchPublicAccessBlockConfiguration"
)(_account)
bucket_acl = _of_bucket("get_bucket_acl")
bucket_versioning = _of_bucket("get_bucket_versioning")
bucket_object_lock = _of_bucket(
    "get_object_lock_configuration", "ObjectLockConfigurationNotFoundError"
)
bucket_ownership = _of_bucket("get_bucket_ownership_controls", "OwnershipControlsNotFoundError")
# What S3 itself does to the bucket's objects in time.
bucket_lifecycle = _of_bucket("get_bucket_lifecycle_configuration", "NoSuchLifecycleConfiguration")
bucket_tiering = _of_bucket("list_bucket_intelligent_tiering_configurations")
bucket_tags = _of_bucket("get_bucket_tagging", "NoSuchTagSet").when_needed()

# What S3 itself sends elsewhere: files, lists of them, news of them, who asked for them.
bucket_replication = _of_bucket("get_bucket_replication", "ReplicationConfigurationNotFoundError")
bucket_inventories = _of_bucket("list_bucket_inventory_configurations")
bucket_analytics = _of_bucket("list_bucket_analytics_configurations")
# Of which requests it keeps metrics; of the log bucket alone, which is watched by them.
bucket_request_metrics = replace(
    _of_bucket("list_bucket_metrics_configurations"), known=lambda deployment: ((deployment,),)
)
bucket_metadata = _of_bucket("get_bucket_metadata_configuration", "MetadataConfigurationNotFound")
bucket_notifications = _of_bucket("get_bucket_notification_configuration")
bucket_logging = _of_bucket("get_bucket_logging")

# How else the bucket can be reached, and at whose expense.
bucket_website = _of_bucket("get_bucket_website", "NoSuchWebsiteConfiguration")
bucket_cors = _of_bucket("get_bucket_cors", "NoSuchCORSConfiguration")
bucket_payer = _of_bucket("get_bucket_request_payment")
# By these S3 says that a region has no acceleration.
bucket_acceleration = _of_bucket(
    "get_bucket_accelerate_configuration", "MethodNotAllowed", "UnsupportedArgument"
)
bucket_tag_access = _of_bucket("get_bucket_abac")


def _access_points(deployment: Deployment, name: str = "") -> dict[str, Any]:
    return {**_account(deployment), "Bucket": name or deployment.log_bucket_name}


# The account's access points to a bucket.
access_points = _of_bucket("list_access_points", service="s3control", parameters=_access_points)


def _access_point(deployment: Deployment, name: str) -> dict[str, Any]:
    return {**_account(deployment), "Name": name}


access_point = following("s3control", "get_access_point")(_access_point)
access_point_policy = following("s3control", "get_access_point_policy", "NoSuchAccessPointPolicy")(
    _access_point
)
# Whether S3 itself holds the access point's policy to be public.
access_point_policy_status = following(
    "s3control", "get_access_point_policy_status", "NoSuchAccessPointPolicy"
)(_access_point)


# --- investigation --------------------------------------------------------------------------------


def _where_asked(deployment: Deployment) -> Iterable[tuple[Any, ...]]:
    return () if deployment.investigation_workgroup_name is None else ((deployment,),)


def _workgroup(deployment: Deployment) -> dict[str, Any]:
    return {"WorkGroup": deployment.investigation_workgroup_name}


# Where queries are asked, and how.
workgroup = Reading("athena", "get_work_group", _workgroup, known=_where_asked)
# The queries that are saved there, by their ids.
saved_queries = Reading("athena", "list_named_queries", _workgroup, known=_where_asked)


@following("athena", "get_named_query")
def saved_query(identifier: str) -> dict[str, Any]:
    """One saved query."""
    return {"NamedQueryId": identifier}


def _regional_arn(deployment: Deployment, service: str, resource: str) -> str:
    place = f"{deployment.region}:{deployment.account_id}"
    return f"arn:{deployment.partition}:{service}:{place}:{resource}"


def workgroup_arn(deployment: Deployment) -> str:
    """The ARN of the workgroup."""
    return _regional_arn(
        deployment, "athena", f"workgroup/{deployment.investigation_workgroup_name}"
    )


def database_arn(deployment: Deployment) -> str:
    """The ARN of the database that has the table of the trail's records."""
    place = f"{deployment.region}:{deployment.account_id}"
    return (
        f"arn:{deployment.partition}:glue:{place}:database/{deployment.investigation_database_name}"
    )


workgroup_tags = Reading(
    "athena",
    "list_tags_for_resource",
    lambda deployment: {"ResourceARN": workgroup_arn(deployment)},
)
database_tags = Reading(
    "glue",
    "get_tags",
    lambda deployment: {"ResourceArn": database_arn(deployment)},
)
# The table of the trail's records: where its files lie, and what is in them.
records_table = Reading(
    "glue",
    "get_table",
    lambda deployment: {
        "CatalogId": deployment.account_id,
        "DatabaseName": deployment.investigation_database_name,
        "Name": deployment.investigation_table_name,
    },
    known=_where_asked,
)


# --- detection ------------------------------------------------------------------------------------


def _where_recorded(deployment: Deployment) -> Iterable[tuple[Any, ...]]:
    return () if deployment.config_recorder_name is None else ((deployment,),)


def _of_config(operation: str) -> Reading[[Deployment]]:
    """A listing of AWS Config's in the home region: all that the account has there."""
    return Reading("config", operation, lambda _: {}, known=_where_recorded)


config_recorders = _of_config("describe_configuration_recorders")
config_recorder_status = _of_config("describe_configuration_recorder_status")
config_channels = _of_config("describe_delivery_channels")
# How the last deliveries went.
config_channel_status = _of_config("describe_delivery_channel_status")
# How long AWS Config itself keeps what it recorded.
config_retention = _of_config("describe_retention_configurations")
config_rules = _of_config("describe_config_rules")


@following("config", "list_tags_for_resource")
def config_rule_tags(arn: str) -> dict[str, Any]:
    """A rule's tags."""
    return {"ResourceArn": arn}


def _watching(service: str, operation: str, output: str, *absent: str) -> Reading[[]]:
    """A listing, fetched ahead where the deployment has what an output names."""

    def known(deployment: Deployment) -> Iterable[tuple[Any, ...]]:
        return () if getattr(deployment, output) is None else ((),)

    return replace(of_account(service, operation, *absent), known=known)


# GuardDuty tells that there is no such detector, or filter, as a bad request.
_NO_DETECTOR = "BadRequestException"
detectors = _watching("guardduty", "list_detectors", "guardduty_detector_id")


@following("guardduty", "get_detector", _NO_DETECTOR)
def detector(identifier: str) -> dict[str, Any]:
    """A detector: whether it is on, what it looks at, how soon it tells; its tags."""
    return {"DetectorId": identifier}


@following("guardduty", "list_filters")
def detector_filters(identifier: str) -> dict[str, Any]:
    """The names of a detector's filters, of which some keep findings from being told."""
    return {"DetectorId": identifier}


@following("guardduty", "get_filter", _NO_DETECTOR)
def detector_filter(identifier: str, name: str) -> dict[str, Any]:
    """What a filter does with the findings that it selects."""
    return {"DetectorId": identifier, "FilterName": name}


@following("guardduty", "list_ip_sets")
def trusted_addresses(identifier: str) -> dict[str, Any]:
    """The lists of addresses that a detector trusts."""
    return {"DetectorId": identifier}


# An account without Security Hub is told that it may not ask.
_NO_HUB = "InvalidAccessException"
hub = _watching("securityhub", "describe_hub", "security_hub_arn", _NO_HUB)
standards = _watching("securityhub", "get_enabled_standards", "security_hub_arn", _NO_HUB)
analyzers = _watching("accessanalyzer", "list_analyzers", "access_analyzer_name")


@following("accessanalyzer", "list_archive_rules")
def archive_rules(name: str) -> dict[str, Any]:
    """What an analyzer is told to keep quiet."""
    return {"analyzerName": name}


# By this code Systems Manager says that there is no document of that name.
_NO_DOCUMENT = "InvalidDocument"


def _where_sessions_are_logged(deployment: Deployment) -> Iterable[tuple[Any, ...]]:
    return () if deployment.session_document_name is None else ((deployment,),)


def _of_preferences(
    operation: str, *absent: str, name: str = "Name", **more: str
) -> Reading[[Deployment]]:
    """A reading of Session Manager's preferences, of which a region has one document."""
    return Reading(
        "ssm",
        operation,
        lambda deployment: {name: deployment.session_document_name, **more},
        absent,
        known=_where_sessions_are_logged,
    )


# Which version holds, and what it says: that of the default version.
session_document = _of_preferences("describe_document", _NO_DOCUMENT)
session_preferences = _of_preferences("get_document", _NO_DOCUMENT, DocumentFormat="JSON")
session_document_sharing = _of_preferences(
    "describe_document_permission", _NO_DOCUMENT, PermissionType="Share"
)
session_document_tags = _of_preferences(
    "list_tags_for_resource", name="ResourceId", ResourceType="Document"
).when_needed()
# Every document of the account's own by which a session may be started there.
session_documents = Reading(
    "ssm",
    "list_documents",
    lambda _: {
        "Filters": [
            {"Key": "Owner", "Values": ["Self"]},
            {"Key": "DocumentType", "Values": ["Session"]},
        ]
    },
    known=_where_sessions_are_logged,
)


@following("ssm", "get_document")
def session_document_of(name: str) -> dict[str, Any]:
    """What the default version of another such document says."""
    return {"Name": name, "DocumentFormat": "JSON"}


# --- account --------------------------------------------------------------------------------------

account_summary = of_account("iam", "get_account_summary")
password_policy = of_account("iam", "get_account_password_policy", "NoSuchEntity")
# IAM makes the report when it is asked to, and keeps it for four hours; by these codes it says that
# it has none, that it has only an older one, and that it has not finished.
credential_report_state = of_account("iam", "generate_credential_report")
REPORT_NOT_READY = ("ReportNotPresent", "ReportExpired", "ReportInProgress")


@following("iam", "get_credential_report", *REPORT_NOT_READY)
def credential_report() -> dict[str, Any]:
    """A line for the root user and for each IAM user, as CSV."""
    return {}


# Of the region that is asked: each has a setting of its own.
volumes_encrypted = of_account("ec2", "get_ebs_encryption_by_default")


# --- key ------------------------------------------------------------------------------------------


# Each is one of the key of the copies too, and but for rotation of the key that signs: its ARN
# comes after the deployment.


def _key(deployment: Deployment, arn: str = "") -> dict[str, Any]:
    return {"KeyId": arn or deployment.kms_key_arn}


def _key_policy(deployment: Deployment, arn: str = "") -> dict[str, Any]:
    return {**_key(deployment, arn), "PolicyName": "default"}


def _key_place(deployment: Deployment, arn: str = "") -> str:
    region = arn.split(":")[3] if arn else deployment.region
    return "" if region == deployment.region else region


def _each_key(deployment: Deployment) -> Iterable[tuple[Any, ...]]:
    return ((deployment,), *((deployment, arn) for arn in deployment.replica_key_arns))


def _every_key(deployment: Deployment) -> Iterable[tuple[Any, ...]]:
    signing = ((deployment, arn) for arn in deployment.report_signing_key_arns)
    return (*_each_key(deployment), *signing)


def _of_key(operation: str, parameters: Callable[..., Mapping[str, Any]] = _key) -> Reading[...]:
    return Reading("kms", operation, parameters, known=_every_key, place=_key_place)


key = _of_key("describe_key")
key_aliases = of_deployment("kms", "list_aliases")(_key)
# Whether, and how often, the key's material is rotated.
key_rotation = Reading("kms", "get_key_rotation_status", _key, known=_each_key, place=_key_place)
key_tags = _of_key("list_resource_tags").when_needed()
# Who may use the key beside all policies.
key_grants = _of_key("list_grants")
key_policy = _of_key("get_key_policy", _key_policy)


# --- log groups -----------------------------------------------------------------------------------


@of_each("logs", "describe_log_groups", _each("aws_cloudwatch_log_group"))
def log_group(_: Deployment, name: str) -> dict[str, Any]:
    """The log groups whose name begins with `name`."""
    return {"logGroupNamePrefix": name}


@following("logs", "list_tags_for_resource")
def log_group_tags(deployment: Deployment, name: str) -> dict[str, Any]:
    """A log group's tags."""
    return {"resourceArn": log_group_arn(deployment, name)}


def log_group_arn(deployment: Deployment, name: str) -> str:
    """The ARN of a log group, without the ending for its streams."""
    arn = f"arn:{deployment.partition}:logs:{deployment.region}:{deployment.account_id}"
    return f"{arn}:log-group:{name}"


def _trail_log_group(deployment: Deployment) -> dict[str, Any]:
    return {"logGroupName": deployment.trail_log_group_name}


# Who is sent the trail's events, and what is counted in them.
subscription_filters = of_deployment("logs", "describe_subscription_filters")(_trail_log_group)
metric_filters = of_deployment("logs", "describe_metric_filters")(_trail_log_group)


# Of each group, the trail's as above. Whom its events are sent to:
subscriptions_of_group = of_each(
    "logs", "describe_subscription_filters", _each("aws_cloudwatch_log_group")
)(lambda _, name: {"logGroupName": name})


def _group(_: Deployment, name: str) -> dict[str, Any]:
    return {"logGroupIdentifier": name}


# What changes the events before filters see them. Whether AWS answers with an error where there is
# none is not documented; that the group exists is known from its own description.
transformer = of_each(
    "logs", "get_transformer", _each("aws_cloudwatch_log_group"), "ResourceNotFoundException"
)(_group)


@following("logs", "get_data_protection_policy", "ResourceNotFoundException")
def data_protection(name: str) -> dict[str, Any]:
    """What a log group's own policy masks."""
    return {"logGroupIdentifier": name}


@of_each(
    "logs",
    "describe_resource_policies",
    _each("aws_cloudwatch_log_group"),
    "ResourceNotFoundException",
)
def resource_policies_of_group(deployment: Deployment, name: str) -> dict[str, Any]:
    """The policy of one log group on who may write into it."""
    return {"resourceArn": log_group_arn(deployment, name), "policyScope": "RESOURCE"}


# The account's policies on who may write into which log groups.
resource_policies = of_account("logs", "describe_resource_policies")


def _account_policies(kind: str) -> Reading[[]]:
    return of_account("logs", "describe_account_policies", policyType=kind)


# The account's policies for many log groups at once. Its retention policies show in each group; its
# field indexes change how events are found and nothing else.
account_subscriptions = _account_policies("SUBSCRIPTION_FILTER_POLICY")
account_data_protection = _account_policies("DATA_PROTECTION_POLICY")
account_transformers = _account_policies("TRANSFORMER_POLICY")
account_metric_extraction = _account_policies("METRIC_EXTRACTION_POLICY")

# Where log groups are fed from beside PutLogEvents, and queried by themselves. Regions that do not
# have one of these yet do not know its name.
delivery_destinations = of_account("logs", "describe_delivery_destinations", NOT_OFFERED)
syslog_configurations = of_account("logs", "list_syslog_configurations", NOT_OFFERED)
scheduled_queries = of_account("logs", "list_scheduled_queries", NOT_OFFERED)


@following("logs", "get_scheduled_query")
def scheduled_query(arn: str) -> dict[str, Any]:
    """What a scheduled query looks at, and where its results go."""
    return {"identifier": arn}


@following("logs", "test_metric_filter")
def pattern_on_messages(pattern: str, messages: list[str]) -> dict[str, Any]:
    """Which of some messages, 50 at most, a filter pattern selects."""
    return {"filterPattern": pattern, "logEventMessages": messages}


# --- function, topics, queues, alarms -------------------------------------------------------------


def _function(deployment: Deployment) -> dict[str, Any]:
    return {"FunctionName": deployment.function_arn}


function = of_deployment("lambda", "get_function_configuration")(_function)
# Who may invoke the function.
function_policy = of_deployment("lambda", "get_policy", "ResourceNotFoundException")(_function)


@following("lambda", "get_policy", "ResourceNotFoundException")
def qualified_function_policy(deployment: Deployment, qualifier: str) -> dict[str, Any]:
    """Who may invoke one alias or version of the function."""
    return {**_function(deployment), "Qualifier": qualifier}


function_aliases = of_deployment("lambda", "list_aliases")(_function)
function_versions = of_deployment("lambda", "list_versions_by_function")(_function)
# What the function is fed with, besides what invokes it.
function_event_sources = of_deployment("lambda", "list_event_source_mappings")(_function)
# How often and for how long an event is tried, and where it goes then.
function_event_invoke_configs = of_deployment("lambda", "list_function_event_invoke_configs")(
    _function
)
function_code_signing = of_deployment("lambda", "get_function_code_signing_config")(_function)
# Whether AWS's updates of the runtime reach the function.
function_runtime_updates = of_deployment("lambda", "get_runtime_management_config")(_function)
# How many invocations the function may have at a time.
function_concurrency = of_deployment("lambda", "get_function_concurrency")(_function)
# Eleven regions have none to offer. Source: Lambda developer guide, "Creating and managing Lambda
# function URLs".
function_urls = of_deployment("lambda", "list_function_url_configs", NOT_OFFERED)(_function)


@following("lambda", "list_tags")
def function_tags(deployment: Deployment) -> dict[str, Any]:
    """The function's tags."""
    return {"Resource": deployment.function_arn}


def _finding_log_group(deployment: Deployment) -> Iterable[str]:
    return filter(None, (deployment.finding_log_group_name,))


@of_each("events", "list_rule_names_by_target", _finding_log_group)
def rules_of_log_group(deployment: Deployment, name: str) -> dict[str, Any]:
    """The EventBridge rules that write into a log group."""
    return {"TargetArn": log_group_arn(deployment, name)}


@of_deployment("events", "list_rule_names_by_target")
def rules_of_function(deployment: Deployment) -> dict[str, Any]:
    """The EventBridge rules that invoke the function."""
    return {"TargetArn": deployment.function_arn}


def _of_rule(arn: str) -> str:
    """The region of an EventBridge rule."""
    return arn.split(":")[3]


@following_to(_of_rule, "events", "list_tags_for_resource")
def rule_tags(arn: str) -> dict[str, Any]:
    """An EventBridge rule's tags."""
    return {"ResourceARN": arn}


def _name_of_rule(arn: str) -> str:
    return arn.partition(":rule/")[2]


@following_to(_of_rule, "events", "describe_rule", "ResourceNotFoundException")
def event_rule(arn: str) -> dict[str, Any]:
    """An EventBridge rule of the default bus."""
    return {"Name": _name_of_rule(arn)}


@following_to(_of_rule, "events", "list_targets_by_rule", "ResourceNotFoundException")
def event_targets(arn: str) -> dict[str, Any]:
    """Where an EventBridge rule sends events."""
    return {"Rule": _name_of_rule(arn)}


def event_bus_arn(deployment: Deployment) -> str:
    """The default bus of the home region."""
    return (
        f"arn:{deployment.partition}:events:{deployment.region}:{deployment.account_id}"
        ":event-bus/default"
    )


def _forwarding_region(deployment: Deployment, region: str) -> str:
    return region


@following_to(_forwarding_region, "events", "list_rule_names_by_target")
def rules_of_bus(deployment: Deployment, region: str) -> dict[str, Any]:
    """The rules of another region that send to the home region's bus."""
    return {"TargetArn": event_bus_arn(deployment)}


def event_rule_arn(deployment: Deployment, region: str, name: str) -> str:
    """A rule of the default bus of a region."""
    return f"arn:{deployment.partition}:events:{region}:{deployment.account_id}:rule/{name}"


@of_each("cloudformation", "describe_stack_set", _each("aws_cloudformation_stack_set"))
def stack_set(_: Deployment, arn: str) -> dict[str, Any]:
    """A stack set, by the id that policies speak of."""
    return {"StackSetName": arn.partition(":stackset/")[2]}


# --- alert ledger ---------------------------------------------------------------------------------


def _ledger(deployment: Deployment) -> dict[str, Any]:
    return {"TableName": deployment.ledger_table_name}


ledger = of_deployment("dynamodb", "describe_table")(_ledger)
ledger_backups = of_deployment("dynamodb", "describe_continuous_backups")(_ledger)
ledger_time_to_live = of_deployment("dynamodb", "describe_time_to_live")(_ledger)


@of_deployment("dynamodb", "get_resource_policy", "PolicyNotFoundException")
def ledger_policy(deployment: Deployment) -> dict[str, Any]:
    """The ledger's own policy."""
    return {"ResourceArn": deployment.ledger_table_arn}


@following("dynamodb", "list_tags_of_resource")
def ledger_tags(deployment: Deployment) -> dict[str, Any]:
    """The ledger's tags."""
    return {"ResourceArn": deployment.ledger_table_arn}


def _alert_topic(deployment: Deployment) -> dict[str, Any]:
    return {"TopicArn": deployment.alert_topic_arn}


alert_topic = of_deployment("sns", "get_topic_attributes")(_alert_topic)
# Who is sent the alerts.
alert_subscriptions = of_deployment("sns", "list_subscriptions_by_topic")(_alert_topic)


# A region that does not know the action has no such policies.
@of_deployment("sns", "get_data_protection_policy", "InvalidAction")
def alert_data_protection(deployment: Deployment) -> dict[str, Any]:
    """What is held back or masked in the messages of the alert topic."""
    return {"ResourceArn": deployment.alert_topic_arn}


def _delivery_topic(deployment: Deployment) -> dict[str, Any]:
    return {"TopicArn": deployment.delivery_topic_arn}


delivery_topic = of_deployment("sns", "get_topic_attributes")(_delivery_topic)
# Who is sent the notices of log files.
delivery_subscriptions = of_deployment("sns", "list_subscriptions_by_topic")(_delivery_topic)


@following("sns", "get_subscription_attributes")
def subscription(arn: str) -> dict[str, Any]:
    """What a subscription lets through, and how."""
    return {"SubscriptionArn": arn}


@following("sns", "list_tags_for_resource")
def topic_tags(_: Deployment, arn: str) -> dict[str, Any]:
    """A topic's tags."""
    return {"ResourceArn": arn}


@of_deployment("sqs", "get_queue_attributes")
def dead_letter_queue(deployment: Deployment) -> dict[str, Any]:
    """The attributes of the dead-letter queue."""
    return {"QueueUrl": deployment.dead_letter_queue_url, "AttributeNames": ["All"]}


@of_deployment("sqs", "get_queue_attributes")
def delivery_queue(deployment: Deployment) -> dict[str, Any]:
    """The attributes of the queue to which the notices of log files go."""
    return {"QueueUrl": deployment.delivery_queue_url, "AttributeNames": ["All"]}


@following("sqs", "list_queue_tags")
def queue_tags(_: Deployment, url: str) -> dict[str, Any]:
    """A queue's tags."""
    return {"QueueUrl": url}


# Every metric alarm of the account and region.
alarms = of_account("cloudwatch", "describe_alarms", AlarmTypes=["MetricAlarm"])
# The dashboard of the outputs, if there is any.
dashboard = Reading(
    "cloudwatch",
    "get_dashboard",
    lambda deployment: {"DashboardName": deployment.dashboard_name},
    known=lambda deployment: () if deployment.dashboard_name is None else ((deployment,),),
    absent=("ResourceNotFound", "DashboardNotFoundError"),
)
# The rules by which alarms' actions are muted.
mute_rules = of_account("cloudwatch", "list_alarm_mute_rules")


@following("cloudwatch", "get_alarm_mute_rule")
def mute_rule(name: str) -> dict[str, Any]:
    """A rule by which alarms' actions are muted, with the alarms."""
    return {"AlarmMuteRuleName": name}


@following("cloudwatch", "list_tags_for_resource")
def alarm_tags(_: Deployment, arn: str) -> dict[str, Any]:
    """An alarm's tags."""
    return {"ResourceARN": arn}


# --- roles ----------------------------------------------------------------------------------------


def _role_names(resource: str) -> Callable[[Deployment], tuple[str, ...]]:
    """The names of the roles of a Terraform type."""
    return lambda deployment: tuple(
        arn.rpartition("/")[2] for arn in deployment.identified(resource)
    )


# The names of the deployment's roles.
roles = _role_names("aws_iam_role")


def _role(_: Deployment, name: str) -> dict[str, Any]:
    return {"RoleName": name}


# A role, with its trust policy and its tags.
role = of_each("iam", "get_role", roles)(_role)
inline_policies = of_each("iam", "list_role_policies", roles)(_role)
attached_policies = of_each("iam", "list_attached_role_policies", roles)(_role)
# By which machines may wear a role.
instance_profiles = of_each("iam", "list_instance_profiles_for_role", roles)(_role)


# A role that is AWS's: only its tags can be anybody else's doing.
service_linked_role_tags = of_each(
    "iam", "list_role_tags", _role_names("aws_iam_service_linked_role")
)(_role)


# A role that is no part of the deployment, and need not be there.
@following("iam", "get_role", "NoSuchEntity")
def other_role(name: str) -> dict[str, Any]:
    """A role, with its trust policy."""
    return {"RoleName": name}


# Every user, group, role and policy of the account.
account_authorization = of_account("iam", "get_account_authorization_details")


@following("iam", "simulate_principal_policy")
def simulation(arn: str, actions: list[str], resources: list[str]) -> dict[str, Any]:
    """What IAM's simulator says to a role's actions, on resources or, for "*", without any."""
    entry = {
        "ContextKeyName": "aws:PrincipalArn",
        "ContextKeyValues": [arn],
        "ContextKeyType": "string",
    }
    return {
        "PolicySourceArn": arn,
        "ActionNames": actions,
        "ContextEntries": [entry],
        **({} if resources == ["*"] else {"ResourceArns": resources}),
    }


@following("iam", "get_role_policy")
def inline_policy(role_name: str, policy: str) -> dict[str, Any]:
    """An inline policy of a role."""
    return {"RoleName": role_name, "PolicyName": policy}


@following("iam", "get_policy")
def managed_policy(arn: str) -> dict[str, Any]:
    """A managed policy, with its tags and the version that is in force."""
    return {"PolicyArn": arn}


@following("iam", "get_policy_version")
def managed_policy_version(arn: str, version: str) -> dict[str, Any]:
    """The document of one version of a managed policy."""
    return {"PolicyArn": arn, "VersionId": version}


# --- what bears the deployment's tags -------------------------------------------------------------


@following("resourcegroupstaggingapi", "get_resources")
def resources_tagged(tags: dict[str, str]) -> dict[str, Any]:
    """Everything in the region that bears all of these tags."""
    filters = [{"Key": key, "Values": [value]} for key, value in tags.items()]
    return {"TagFilters": filters, "ResourcesPerPage": 100}


def operations() -> Mapping[str, frozenset[str]]:
    """What the readings call, by service, as boto3 names both."""
    calls = [reading.call for reading in globals().values() if isinstance(reading, Reading)]
    services = {service for service, _ in calls}
    return {
        service: frozenset(name for other, name in calls if other == service)
        for service in services
    }
