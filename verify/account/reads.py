"""Every reading of the state checks, defined once: controls name them in their markers.

A run fetches ahead what depends on the outputs alone, which makes it last as long as its slowest
answer and not as their sum. A reading that follows another's answer (the version of a policy, the
entries of a prefix list) is made when a check needs it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
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


@of_deployment("cloudtrail", "list_tags")
def trail_tags(deployment: Deployment) -> dict[str, Any]:
    """The trail's tags."""
    return {"ResourceIdList": [deployment.trail_arn]}


# The regions that the account has enabled: a multi-region trail records in each.
enabled_regions = of_account("ec2", "describe_regions")


# --- log bucket -----------------------------------------------------------------------------------


def _bucket(deployment: Deployment) -> dict[str, Any]:
    # Names of buckets are the world's: should ours be gone, anybody may have one of its name.
    return {
        "Bucket": deployment.log_bucket_name,
        "ExpectedBucketOwner": deployment.account_id,
    }


def _account(deployment: Deployment) -> dict[str, Any]:
    return {"AccountId": deployment.account_id}


bucket_policy = of_deployment("s3", "get_bucket_policy", "NoSuchBucketPolicy")(_bucket)
# Whether S3 itself holds the policy to be public.
bucket_policy_status = of_deployment("s3", "get_bucket_policy_status", "NoSuchBucketPolicy")(
    _bucket
)
bucket_encryption = of_deployment(
    "s3", "get_bucket_encryption", "ServerSideEncryptionConfigurationNotFoundError"
)(_bucket)
public_access_block = of_deployment(
    "s3", "get_public_access_block", "NoSuchPublicAccessBlockConfiguration"
)(_bucket)
# What the account blocks for all of its buckets; asked for where the baseline demands any of it.
account_public_access_block = following(
    "s3control", "get_public_access_block", "NoSuchPublicAccessBlockConfiguration"
)(_account)
bucket_acl = of_deployment("s3", "get_bucket_acl")(_bucket)
bucket_versioning = of_deployment("s3", "get_bucket_versioning")(_bucket)
bucket_object_lock = of_deployment(
    "s3", "get_object_lock_configuration", "ObjectLockConfigurationNotFoundError"
)(_bucket)
bucket_ownership = of_deployment(
    "s3", "get_bucket_ownership_controls", "OwnershipControlsNotFoundError"
)(_bucket)
# What S3 itself does to the bucket's objects in time.
bucket_lifecycle = of_deployment(
    "s3", "get_bucket_lifecycle_configuration", "NoSuchLifecycleConfiguration"
)(_bucket)
bucket_tiering = of_deployment("s3", "list_bucket_intelligent_tiering_configurations")(_bucket)
bucket_tags = of_deployment("s3", "get_bucket_tagging", "NoSuchTagSet")(_bucket)

# What S3 itself sends elsewhere: files, lists of them, news of them, who asked for them.
bucket_replication = of_deployment(
    "s3", "get_bucket_replication", "ReplicationConfigurationNotFoundError"
)(_bucket)
bucket_inventories = of_deployment("s3", "list_bucket_inventory_configurations")(_bucket)
bucket_analytics = of_deployment("s3", "list_bucket_analytics_configurations")(_bucket)
bucket_metadata = of_deployment(
    "s3", "get_bucket_metadata_configuration", "MetadataConfigurationNotFound"
)(_bucket)
bucket_notifications = of_deployment("s3", "get_bucket_notification_configuration")(_bucket)
bucket_logging = of_deployment("s3", "get_bucket_logging")(_bucket)

# How else the bucket can be reached, and at whose expense.
bucket_website = of_deployment("s3", "get_bucket_website", "NoSuchWebsiteConfiguration")(_bucket)
bucket_cors = of_deployment("s3", "get_bucket_cors", "NoSuchCORSConfiguration")(_bucket)
bucket_payer = of_deployment("s3", "get_bucket_request_payment")(_bucket)
# By these S3 says that a region has no acceleration.
bucket_acceleration = of_deployment(
    "s3", "get_bucket_accelerate_configuration", "MethodNotAllowed", "UnsupportedArgument"
)(_bucket)
bucket_tag_access = of_deployment("s3", "get_bucket_abac")(_bucket)


@of_deployment("s3control", "list_access_points")
def access_points(deployment: Deployment) -> dict[str, Any]:
    """The account's access points to the bucket."""
    return {**_account(deployment), "Bucket": deployment.log_bucket_name}


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


# --- key ------------------------------------------------------------------------------------------


def _key(deployment: Deployment) -> dict[str, Any]:
    return {"KeyId": deployment.kms_key_arn}


key = of_deployment("kms", "describe_key")(_key)
key_aliases = of_deployment("kms", "list_aliases")(_key)
# Whether, and how often, the key's material is rotated.
key_rotation = of_deployment("kms", "get_key_rotation_status")(_key)
key_tags = of_deployment("kms", "list_resource_tags")(_key)
# Who may use the key beside all policies.
key_grants = of_deployment("kms", "list_grants")(_key)


@of_deployment("kms", "get_key_policy")
def key_policy(deployment: Deployment) -> dict[str, Any]:
    """The key's policy."""
    return {**_key(deployment), "PolicyName": "default"}


# --- log groups -----------------------------------------------------------------------------------


@of_each("logs", "describe_log_groups", _each("aws_cloudwatch_log_group"))
def log_group(_: Deployment, name: str) -> dict[str, Any]:
    """The log groups whose name begins with `name`."""
    return {"logGroupNamePrefix": name}


@of_each("logs", "list_tags_for_resource", _each("aws_cloudwatch_log_group"))
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


@of_deployment("lambda", "list_tags")
def function_tags(deployment: Deployment) -> dict[str, Any]:
    """The function's tags."""
    return {"Resource": deployment.function_arn}


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


@of_deployment("dynamodb", "list_tags_of_resource")
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


@of_each("sns", "list_tags_for_resource", _each("aws_sns_topic"))
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


@of_each("sqs", "list_queue_tags", _each("aws_sqs_queue"))
def queue_tags(_: Deployment, url: str) -> dict[str, Any]:
    """A queue's tags."""
    return {"QueueUrl": url}


# Every metric alarm of the account and region.
alarms = of_account("cloudwatch", "describe_alarms", AlarmTypes=["MetricAlarm"])
# The rules by which alarms' actions are muted.
mute_rules = of_account("cloudwatch", "list_alarm_mute_rules")


@following("cloudwatch", "get_alarm_mute_rule")
def mute_rule(name: str) -> dict[str, Any]:
    """A rule by which alarms' actions are muted, with the alarms."""
    return {"AlarmMuteRuleName": name}


@of_each("cloudwatch", "list_tags_for_resource", _each("aws_cloudwatch_metric_alarm"))
def alarm_tags(_: Deployment, arn: str) -> dict[str, Any]:
    """An alarm's tags."""
    return {"ResourceARN": arn}


# --- roles ----------------------------------------------------------------------------------------


def roles(deployment: Deployment) -> tuple[str, ...]:
    """The names of the deployment's roles."""
    return tuple(arn.rpartition("/")[2] for arn in deployment.identified("aws_iam_role"))


def _role(_: Deployment, name: str) -> dict[str, Any]:
    return {"RoleName": name}


# A role, with its trust policy and its tags.
role = of_each("iam", "get_role", roles)(_role)
inline_policies = of_each("iam", "list_role_policies", roles)(_role)
attached_policies = of_each("iam", "list_attached_role_policies", roles)(_role)
# By which machines may wear a role.
instance_profiles = of_each("iam", "list_instance_profiles_for_role", roles)(_role)


# A role that is no part of the deployment, and need not be there.
@following("iam", "get_role", "NoSuchEntity")
def other_role(name: str) -> dict[str, Any]:
    """A role, with its trust policy."""
    return {"RoleName": name}


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
    return {"TagFilters": [{"Key": key, "Values": [value]} for key, value in tags.items()]}


def operations() -> Mapping[str, frozenset[str]]:
    """What the readings call, by service, as boto3 names both."""
    calls = [reading.call for reading in globals().values() if isinstance(reading, Reading)]
    services = {service for service, _ in calls}
    return {
        service: frozenset(name for other, name in calls if other == service)
        for service in services
    }
