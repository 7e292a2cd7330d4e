"""Every read of the state checks, defined once: checks ask for them, and a run fetches them ahead.

Fetching ahead is what makes a run last as long as its slowest answer and not as their sum. A read
that depends on another's answer (the version of a policy, the entries of a prefix list) is made
when a check needs it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from verify.account.read import Read
from verify.inputs.deployment import Deployment


def _in_vpc(deployment: Deployment) -> dict[str, Any]:
    return {"Filters": [{"Name": "vpc-id", "Values": [deployment.vpc_id]}]}


# --- network --------------------------------------------------------------------------------------


def vpc(deployment: Deployment) -> Read:
    """The VPC."""
    return Read("ec2", "describe_vpcs", {"VpcIds": [deployment.vpc_id]})


def vpc_attribute(deployment: Deployment, attribute: str) -> Read:
    """One attribute of the VPC."""
    return Read(
        "ec2", "describe_vpc_attribute", {"VpcId": deployment.vpc_id, "Attribute": attribute}
    )


def subnets(deployment: Deployment) -> Read:
    """Every subnet of the VPC, those that the outputs do not name included."""
    return Read("ec2", "describe_subnets", _in_vpc(deployment))


def route_tables(deployment: Deployment) -> Read:
    """Every route table of the VPC."""
    return Read("ec2", "describe_route_tables", _in_vpc(deployment))


def security_groups(deployment: Deployment) -> Read:
    """Every security group of the VPC."""
    return Read("ec2", "describe_security_groups", _in_vpc(deployment))


def internet_gateways(deployment: Deployment) -> Read:
    """The internet gateways that are attached to the VPC."""
    attached = [{"Name": "attachment.vpc-id", "Values": [deployment.vpc_id]}]
    return Read("ec2", "describe_internet_gateways", {"Filters": attached})


def nat_gateways(deployment: Deployment) -> Read:
    """The NAT gateways of the VPC."""
    return Read("ec2", "describe_nat_gateways", _in_vpc(deployment))


def prefix_list(identifier: str) -> Read:
    """The address ranges of a prefix list."""
    return Read("ec2", "get_managed_prefix_list_entries", {"PrefixListId": identifier})


def interfaces_of_group(identifier: str) -> Read:
    """The network interfaces that a security group protects."""
    filters = [{"Name": "group-id", "Values": [identifier]}]
    return Read("ec2", "describe_network_interfaces", {"Filters": filters})


# --- trail ----------------------------------------------------------------------------------------


def trail(deployment: Deployment) -> Read:
    """The trail's configuration."""
    return Read("cloudtrail", "describe_trails", {"trailNameList": [deployment.trail_arn]})


def trail_status(deployment: Deployment) -> Read:
    """Whether the trail is logging, and its latest deliveries, in its home region."""
    return Read("cloudtrail", "get_trail_status", {"Name": deployment.trail_arn})


def trail_status_after_live_fire(deployment: Deployment) -> Read:
    """The same, once the live fire has made events that the trail must have delivered."""
    return replace(trail_status(deployment), moment="after the live fire")


def event_selectors(deployment: Deployment) -> Read:
    """Which events the trail records."""
    return Read("cloudtrail", "get_event_selectors", {"TrailName": deployment.trail_arn})


def trail_tags(deployment: Deployment) -> Read:
    """The trail's tags."""
    return Read("cloudtrail", "list_tags", {"ResourceIdList": [deployment.trail_arn]})


def enabled_regions() -> Read:
    """The regions that the account has enabled: a multi-region trail records in each."""
    return Read("ec2", "describe_regions")


# --- log bucket -----------------------------------------------------------------------------------


def _bucket(deployment: Deployment, operation: str, *absent: str) -> Read:
    return Read("s3", operation, {"Bucket": deployment.log_bucket_name}, absent)


def bucket_policy(deployment: Deployment) -> Read:
    """The bucket's policy."""
    return _bucket(deployment, "get_bucket_policy", "NoSuchBucketPolicy")


def bucket_policy_status(deployment: Deployment) -> Read:
    """Whether S3 holds the policy to be public."""
    return _bucket(deployment, "get_bucket_policy_status", "NoSuchBucketPolicy")


def bucket_encryption(deployment: Deployment) -> Read:
    """The bucket's default encryption."""
    return _bucket(
        deployment, "get_bucket_encryption", "ServerSideEncryptionConfigurationNotFoundError"
    )


def public_access_block(deployment: Deployment) -> Read:
    """The bucket's four public-access blocks."""
    return _bucket(deployment, "get_public_access_block", "NoSuchPublicAccessBlockConfiguration")


def bucket_acl(deployment: Deployment) -> Read:
    """The bucket's access control list."""
    return _bucket(deployment, "get_bucket_acl")


def bucket_versioning(deployment: Deployment) -> Read:
    """Whether the bucket keeps versions."""
    return _bucket(deployment, "get_bucket_versioning")


def bucket_ownership(deployment: Deployment) -> Read:
    """Who owns the bucket's objects."""
    return _bucket(deployment, "get_bucket_ownership_controls", "OwnershipControlsNotFoundError")


def bucket_lifecycle(deployment: Deployment) -> Read:
    """What S3 itself does to the bucket's objects in time."""
    return _bucket(deployment, "get_bucket_lifecycle_configuration", "NoSuchLifecycleConfiguration")


def bucket_tags(deployment: Deployment) -> Read:
    """The bucket's tags."""
    return _bucket(deployment, "get_bucket_tagging", "NoSuchTagSet")


# --- key ------------------------------------------------------------------------------------------


def _key(deployment: Deployment, operation: str, **more: str) -> Read:
    return Read("kms", operation, {"KeyId": deployment.kms_key_arn, **more})


def key(deployment: Deployment) -> Read:
    """The key's metadata."""
    return _key(deployment, "describe_key")


def key_aliases(deployment: Deployment) -> Read:
    """The key's aliases."""
    return _key(deployment, "list_aliases")


def key_rotation(deployment: Deployment) -> Read:
    """Whether, and how often, the key's material is rotated."""
    return _key(deployment, "get_key_rotation_status")


def key_policy(deployment: Deployment) -> Read:
    """The key's policy."""
    return _key(deployment, "get_key_policy", PolicyName="default")


def key_tags(deployment: Deployment) -> Read:
    """The key's tags."""
    return _key(deployment, "list_resource_tags")


# --- log groups -----------------------------------------------------------------------------------


def log_group(name: str) -> Read:
    """The log groups whose name begins with `name`."""
    return Read("logs", "describe_log_groups", {"logGroupNamePrefix": name})


def log_group_tags(deployment: Deployment, name: str) -> Read:
    """A log group's tags."""
    arn = f"arn:{deployment.partition}:logs:{deployment.region}:{deployment.account_id}"
    return Read("logs", "list_tags_for_resource", {"resourceArn": f"{arn}:log-group:{name}"})


def subscription_filters(deployment: Deployment) -> Read:
    """Who is sent the trail's events."""
    return Read(
        "logs", "describe_subscription_filters", {"logGroupName": deployment.trail_log_group_name}
    )


def metric_filters(deployment: Deployment) -> Read:
    """What is counted in the trail's events."""
    return Read(
        "logs", "describe_metric_filters", {"logGroupName": deployment.trail_log_group_name}
    )


# --- function, topics, queues, alarms -------------------------------------------------------------


def function(deployment: Deployment) -> Read:
    """The function's configuration."""
    return Read("lambda", "get_function_configuration", {"FunctionName": deployment.function_arn})


def function_policy(deployment: Deployment) -> Read:
    """Who may invoke the function."""
    return Read(
        "lambda",
        "get_policy",
        {"FunctionName": deployment.function_arn},
        ("ResourceNotFoundException",),
    )


def function_concurrency(deployment: Deployment) -> Read:
    """How many invocations the function may have at a time."""
    return Read("lambda", "get_function_concurrency", {"FunctionName": deployment.function_arn})


def function_urls(deployment: Deployment) -> Read:
    """The function's URLs."""
    return Read("lambda", "list_function_url_configs", {"FunctionName": deployment.function_arn})


def function_tags(deployment: Deployment) -> Read:
    """The function's tags."""
    return Read("lambda", "list_tags", {"Resource": deployment.function_arn})


def alert_topic(deployment: Deployment) -> Read:
    """The alert topic's attributes."""
    return Read("sns", "get_topic_attributes", {"TopicArn": deployment.alert_topic_arn})


def alert_subscriptions(deployment: Deployment) -> Read:
    """Who is sent the alerts."""
    return Read("sns", "list_subscriptions_by_topic", {"TopicArn": deployment.alert_topic_arn})


def topic_tags(arn: str) -> Read:
    """A topic's tags."""
    return Read("sns", "list_tags_for_resource", {"ResourceArn": arn})


def dead_letter_queue(deployment: Deployment) -> Read:
    """The attributes of the dead-letter queue."""
    return Read(
        "sqs",
        "get_queue_attributes",
        {"QueueUrl": deployment.dead_letter_queue_url, "AttributeNames": ["All"]},
    )


def queue_tags(url: str) -> Read:
    """A queue's tags."""
    return Read("sqs", "list_queue_tags", {"QueueUrl": url})


def alarms() -> Read:
    """Every metric alarm of the account and region."""
    return Read("cloudwatch", "describe_alarms", {"AlarmTypes": ["MetricAlarm"]})


def alarm_tags(arn: str) -> Read:
    """An alarm's tags."""
    return Read("cloudwatch", "list_tags_for_resource", {"ResourceARN": arn})


# --- roles ----------------------------------------------------------------------------------------


def roles(deployment: Deployment) -> tuple[str, ...]:
    """The names of the deployment's roles."""
    return (
        deployment.function_role_name,
        deployment.trail_logs_role_name,
        deployment.verifier_role_name,
    )


def role(name: str) -> Read:
    """A role, with its trust policy."""
    return Read("iam", "get_role", {"RoleName": name})


def role_tags(name: str) -> Read:
    """A role's tags."""
    return Read("iam", "list_role_tags", {"RoleName": name})


def inline_policies(role_name: str) -> Read:
    """The names of a role's inline policies."""
    return Read("iam", "list_role_policies", {"RoleName": role_name})


def inline_policy(role_name: str, policy: str) -> Read:
    """An inline policy of a role."""
    return Read("iam", "get_role_policy", {"RoleName": role_name, "PolicyName": policy})


def attached_policies(role_name: str) -> Read:
    """The managed policies that are attached to a role."""
    return Read("iam", "list_attached_role_policies", {"RoleName": role_name})


def managed_policy(arn: str) -> Read:
    """A managed policy, with the version that is in force."""
    return Read("iam", "get_policy", {"PolicyArn": arn})


def managed_policy_version(arn: str, version: str) -> Read:
    """The document of one version of a managed policy."""
    return Read("iam", "get_policy_version", {"PolicyArn": arn, "VersionId": version})


def ahead(deployment: Deployment) -> Iterator[Read]:
    """The reads that depend on the outputs alone; the slow services first."""
    yield alarms()
    yield enabled_regions()
    yield from (attached_policies(name) for name in roles(deployment))
    for of_deployment in (
        trail,
        vpc,
        subnets,
        route_tables,
        security_groups,
        internet_gateways,
        nat_gateways,
        event_selectors,
        trail_status,
        trail_tags,
        bucket_policy,
        bucket_policy_status,
        bucket_encryption,
        public_access_block,
        bucket_acl,
        bucket_versioning,
        bucket_ownership,
        bucket_lifecycle,
        bucket_tags,
        key,
        key_aliases,
        key_rotation,
        key_policy,
        key_tags,
        subscription_filters,
        metric_filters,
        function,
        function_policy,
        function_concurrency,
        function_urls,
        function_tags,
        alert_topic,
        alert_subscriptions,
        dead_letter_queue,
    ):
        yield of_deployment(deployment)
    for attribute in ("enableDnsSupport", "enableDnsHostnames"):
        yield vpc_attribute(deployment, attribute)
    for name in (deployment.trail_log_group_name, deployment.function_log_group_name):
        yield log_group(name)
        yield log_group_tags(deployment, name)
    for arn in (deployment.alert_topic_arn, deployment.delivery_topic_arn):
        yield topic_tags(arn)
    for url in (deployment.dead_letter_queue_url, deployment.delivery_queue_url):
        yield queue_tags(url)
    for name in roles(deployment):
        yield role(name)
        yield role_tags(name)
        yield inline_policies(name)
    for arn in sorted(deployment.alarm_arns.values()):
        yield alarm_tags(arn)
