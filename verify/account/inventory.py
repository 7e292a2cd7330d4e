"""The one inventory: every resource that the deployment has, found in the account.

A resource is ours when an output names it, when it lies in a VPC of ours or hangs on something of
ours, or when it bears the deployment's identifying tags: the last alone would let whatever lost its
tags out of sight. `KINDS` says for each Terraform type how its resources are found; a type that the
module declares and that is missing here is one that nobody looks at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from verify.account import reads
from verify.account.answer import pick
from verify.account.door import Aws
from verify.account.read import Reading
from verify.inputs.deployment import Deployment
from verify.model import NotVerifiedError

Tags = Mapping[str, str]


@dataclass(frozen=True)
class Resource:
    """One resource: its Terraform type, what its reader calls it, and its ARN."""

    type: str
    identifier: str
    arn: str


Find = Callable[[Aws, Deployment], Iterator[Resource]]
TagsOf = Callable[[Aws, Deployment, Resource], Tags]
NamesOf = Callable[[Aws, Deployment], Iterable[str]]


@dataclass(frozen=True)
class Kind:
    """Resources that are found in one way, and what tells their tags and names.

    `parts` are Terraform types that bear no tags and belong to a resource of this kind, whose
    controls look at them. `found_by` is empty where the outputs alone say which there are. `named`
    are the outputs that tell a name of such a resource, which AWS gives by `names`. `deleted` are
    those that AWS shows for a while after they are gone, tags and all.
    """

    types: tuple[str, ...]
    find: Find
    tags: TagsOf
    tagged_by: tuple[Reading[Any], ...]
    found_by: tuple[Reading[Any], ...] = ()
    names: NamesOf | None = None
    named_by: tuple[Reading[Any], ...] = ()
    named: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    deleted: Find | None = None

    @property
    def tells_tags_itself(self) -> bool:
        """Whether what lists its resources gives their tags as well, without another call."""
        return set(self.tagged_by) <= set(self.found_by)


class Inventory:
    """The deployment's resources."""

    def __init__(self, aws: Aws, deployment: Deployment, identifying_tags: Tags) -> None:
        self._aws = aws
        self._deployment = deployment
        self._identifying_tags = identifying_tags

    def everything(self) -> list[Resource]:
        """All resources of the deployment.

        Raises NotVerifiedError where AWS lists fewer than the outputs name.
        """
        return [found for kind in KINDS for found in kind.find(self._aws, self._deployment)]

    def tagged(self, required: Callable[[Tags], bool]) -> Iterator[tuple[Resource, Tags]]:
        """Every resource with its tags. Raises NotVerifiedError.

        One listing tells the tags of most, and may be some minutes old. Where those are not as
        `required`, or there are none, the resource's own service is asked.
        """
        listed = self._listed()
        asked: list[Callable[[], Tags]] = []
        found: list[tuple[Resource, Callable[[], Tags]]] = []
        for kind in KINDS:
            for resource in kind.find(self._aws, self._deployment):
                tags = None if kind.tells_tags_itself else listed.get(resource.arn)
                if tags is not None and required(tags):
                    found.append((resource, partial(dict, tags)))
                else:
                    asked.append(partial(kind.tags, self._aws, self._deployment, resource))
                    found.append((resource, asked[-1]))
        self._aws.side_by_side(asked)
        for resource, ask in found:
            yield resource, ask()

    def _listed(self) -> Mapping[str, Tags]:
        """By ARN the tags of what bears the deployment's identifying ones.

        Raises NotVerifiedError where AWS lists nothing that bears them.
        """
        found = {
            str(pick(entry, "ResourceARN")): _pairs(pick(entry, "Tags"))
            for entry in self._aws.pick(
                reads.resources_tagged(dict(self._identifying_tags)), "ResourceTagMappingList"
            )
        }
        if not found:
            raise NotVerifiedError("AWS lists nothing that bears the deployment's tags")
        return found

    def has_named(self, output: str, name: str) -> bool:
        """Whether AWS knows the resource that `output` names by this name. Raises NotVerifiedError.

        A resource of another kind that bears it is not the one.
        """
        for kind in KINDS:
            if output in kind.named and kind.names is not None:
                return name in kind.names(self._aws, self._deployment)
        raise NotVerifiedError(f"nothing says what the output {output} names")

    def unknown(self) -> list[str]:
        """The ARNs of what bears the deployment's tags, is there and is not in the inventory.

        Raises NotVerifiedError where AWS lists nothing that bears them.
        """
        tagged = self._listed().keys()
        deleted = [
            found
            for kind in KINDS
            if kind.deleted is not None
            for found in kind.deleted(self._aws, self._deployment)
        ]
        return sorted(tagged - {resource.arn for resource in (*self.everything(), *deleted)})


def undeclared_types(declared: Iterable[str]) -> list[str]:
    """The Terraform types among `declared` that no kind of the inventory covers, nor a setting."""
    covered = {name for kind in KINDS for name in (*kind.types, *kind.parts)}
    covered |= SETTINGS_OF_ACCOUNT
    return sorted(set(declared) - covered)


# --- how each kind is found -----------------------------------------------------------------------


def _pairs(entries: Iterable[Mapping[str, str]], key: str = "Key", value: str = "Value") -> Tags:
    return {entry[key]: entry[value] for entry in entries}


def _arn(deployment: Deployment, service: str, resource: str) -> str:
    place = f"{deployment.region}:{deployment.account_id}"
    return f"arn:{deployment.partition}:{service}:{place}:{resource}"


# EC2 writes states in capitals or not, by kind.
_DELETED = "deleted"


def _in_vpc(
    reading: Reading[[Deployment]],
    listing: str,
    identifier: str,
    noun: str,
    *types: str,
    parts: tuple[str, ...] = (),
    optional: bool = False,
) -> Kind:
    """A kind that EC2 lists by VPC, with its tags.

    Of an `optional` one there may be none. What is deleted is shown for a while, and is none.
    """

    def listed(
        aws: Aws, deployment: Deployment, *, deleted: bool = False
    ) -> dict[str, Mapping[str, Any]]:
        return {
            pick(entry, identifier): entry
            for entry in aws.pick(reading(deployment), listing)
            if (str(entry.get("State", "")).lower() == _DELETED) is deleted
        }

    def resource(deployment: Deployment, name: str) -> Resource:
        return Resource(types[0], name, _arn(deployment, "ec2", f"{noun}/{name}"))

    def find(aws: Aws, deployment: Deployment) -> Iterator[Resource]:
        if not deployment.has_network:
            return  # what lies in somebody else's VPC is theirs
        found = listed(aws, deployment)
        named = {name for type_ in types for name in deployment.identified(type_)}
        if named - found.keys() or not (found or optional):
            missing = ", ".join(sorted(named - found.keys())) or f"any {noun} of the VPC"
            raise NotVerifiedError(f"{reading.operation} does not list {missing}")
        for name in sorted(found):
            yield resource(deployment, name)

    def deleted(aws: Aws, deployment: Deployment) -> Iterator[Resource]:
        if deployment.has_network:
            for name in listed(aws, deployment, deleted=True):
                yield resource(deployment, name)

    def tags(aws: Aws, deployment: Deployment, found: Resource) -> Tags:
        return _pairs(listed(aws, deployment)[found.identifier].get("Tags", []))

    return Kind(types, find, tags, (reading,), (reading,), parts=parts, deleted=deleted)


def _by_arn(type_: str) -> Find:
    """Resources that the outputs name by their ARNs."""

    def find(_: Aws, deployment: Deployment) -> Iterator[Resource]:
        for arn in deployment.identified(type_):
            yield Resource(type_, arn, arn)

    return find


def _addresses(aws: Aws, deployment: Deployment) -> Iterator[Resource]:
    for identifier in deployment.identified("aws_eip"):
        _address(aws, deployment, identifier)
        yield Resource("aws_eip", identifier, _arn(deployment, "ec2", f"elastic-ip/{identifier}"))


def _address(aws: Aws, deployment: Deployment, identifier: str) -> Mapping[str, Any]:
    found = aws.pick(reads.address(deployment, identifier), "Addresses")
    if [pick(address, "AllocationId") for address in found] != [identifier]:
        raise NotVerifiedError(f"describe_addresses does not list {identifier}")
    address: Mapping[str, Any] = found[0]
    return address


def _address_tags(aws: Aws, deployment: Deployment, found: Resource) -> Tags:
    return _pairs(_address(aws, deployment, found.identifier).get("Tags", []))


def _trail_tags(aws: Aws, deployment: Deployment, _: Resource) -> Tags:
    entries = aws.pick(reads.trail_tags(deployment), "ResourceTagList")
    found = [pick(entry, "ResourceId") for entry in entries]
    if found != [deployment.trail_arn]:
        raise NotVerifiedError(f"asked for the tags of {deployment.trail_arn}, AWS lists {found}")
    return _pairs(pick(entries[0], "TagsList"))


def _trail_names(aws: Aws, deployment: Deployment) -> list[str]:
    return [
        pick(trail, "Name")
        for trail in aws.pick(reads.trail(deployment), "trailList")
        if pick(trail, "TrailARN") == deployment.trail_arn
    ]


def _buckets(_: Aws, deployment: Deployment) -> Iterator[Resource]:
    for name in deployment.identified("aws_s3_bucket"):
        yield Resource("aws_s3_bucket", name, deployment.bucket_arn(name))


def _bucket_tags(aws: Aws, deployment: Deployment, found: Resource) -> Tags:
    answer = aws.read(reads.bucket_tags(deployment, found.identifier))
    return _pairs(pick(answer.response, "TagSet")) if answer.response else {}


def _bucket_names(aws: Aws, deployment: Deployment) -> list[str]:
    aws.pick(reads.bucket_acl(deployment), "Owner")  # of a bucket of this name, which so exists
    return [deployment.log_bucket_name]


def _key_tags(aws: Aws, deployment: Deployment, found: Resource) -> Tags:
    return _pairs(aws.pick(reads.key_tags(deployment, found.arn), "Tags"), "TagKey", "TagValue")


def _key_names(aws: Aws, deployment: Deployment) -> list[str]:
    return [
        pick(alias, "AliasName")
        for alias in aws.pick(reads.key_aliases(deployment), "Aliases")
        if pick(alias, "TargetKeyId") == deployment.kms_key_id
    ]


def _log_groups(_: Aws, deployment: Deployment) -> Iterator[Resource]:
    for name in deployment.identified("aws_cloudwatch_log_group"):
        yield Resource("aws_cloudwatch_log_group", name, reads.log_group_arn(deployment, name))


def _log_group_tags(aws: Aws, deployment: Deployment, found: Resource) -> Tags:
    tags: Tags = aws.pick(reads.log_group_tags(deployment, found.identifier), "tags")
    return tags


def _log_group_names(aws: Aws, deployment: Deployment) -> list[str]:
    """The names of the log groups. Raises NotVerifiedError where an application's is not there."""
    found = [
        pick(group, "logGroupName")
        for name in deployment.identified("aws_cloudwatch_log_group")
        for group in aws.pick(reads.log_group(deployment, name), "logGroups")
        if pick(group, "arn") == f"{reads.log_group_arn(deployment, name)}:*"
    ]
    missing = sorted(set(deployment.application_log_group_names) - set(found))
    if missing:
        raise NotVerifiedError(f"describe_log_groups does not list {', '.join(missing)}")
    return found


def _function_tags(aws: Aws, deployment: Deployment, _: Resource) -> Tags:
    tags: Tags = aws.pick(reads.function_tags(deployment), "Tags")
    return tags


def _function_names(aws: Aws, deployment: Deployment) -> list[str]:
    function = aws.pick(reads.function(deployment))
    ours = pick(function, "FunctionArn") == deployment.function_arn
    return [pick(function, "FunctionName")] if ours else []


def _event_rules(aws: Aws, deployment: Deployment) -> Iterator[Resource]:
    at_home = []
    if deployment.if_there("function_arn") is not None:
        at_home.append(reads.rules_of_function(deployment))
    if deployment.finding_log_group_name is not None:
        group = deployment.finding_log_group_name
        at_home.append(reads.rules_of_log_group(deployment, group))
    for read in at_home:
        for name in aws.pick(read, "RuleNames"):
            arn = reads.event_rule_arn(deployment, deployment.region, name)
            yield Resource("aws_cloudwatch_event_rule", arn, arn)
    for region in deployment.forwarding_regions:
        for name in aws.pick(reads.rules_of_bus(deployment, region), "RuleNames"):
            arn = reads.event_rule_arn(deployment, region, name)
            yield Resource("aws_cloudwatch_event_rule", arn, arn)


def _stack_set_tags(aws: Aws, deployment: Deployment, found: Resource) -> Tags:
    answer = aws.pick(reads.stack_set(deployment, found.arn), "StackSet")
    if pick(answer, "StackSetARN") != found.arn:
        raise NotVerifiedError(f"asked for {found.arn}, AWS tells of {answer['StackSetARN']}")
    return _pairs(answer.get("Tags", []))


def _ledger_tags(aws: Aws, deployment: Deployment, _: Resource) -> Tags:
    return _pairs(aws.pick(reads.ledger_tags(deployment), "Tags"))


def _event_rule_tags(aws: Aws, _: Deployment, found: Resource) -> Tags:
    return _pairs(aws.pick(reads.rule_tags(found.arn), "Tags"))


def _topic_tags(aws: Aws, deployment: Deployment, found: Resource) -> Tags:
    return _pairs(aws.pick(reads.topic_tags(deployment, found.arn), "Tags"))


def _topic_names(aws: Aws, deployment: Deployment) -> list[str]:
    arn = aws.pick(reads.alert_topic(deployment), "Attributes", "TopicArn")
    return [arn.rpartition(":")[2]] if arn == deployment.alert_topic_arn else []


def _queues(_: Aws, deployment: Deployment) -> Iterator[Resource]:
    for url in deployment.identified("aws_sqs_queue"):
        yield Resource("aws_sqs_queue", url, _arn(deployment, "sqs", url.rpartition("/")[2]))


def _queue_tags(aws: Aws, deployment: Deployment, found: Resource) -> Tags:
    # SQS leaves Tags out for a queue without any.
    tags: Tags = aws.pick(reads.queue_tags(deployment, found.identifier)).get("Tags", {})
    return tags


def _alarm_tags(aws: Aws, deployment: Deployment, found: Resource) -> Tags:
    return _pairs(aws.pick(reads.alarm_tags(deployment, found.arn), "Tags"))


def _roles(type_: str) -> Find:
    """Roles of a Terraform type, which the outputs name by their ARNs."""

    def find(_: Aws, deployment: Deployment) -> Iterator[Resource]:
        for arn in deployment.identified(type_):
            yield Resource(type_, arn.rpartition("/")[2], arn)

    return find


def _role_tags(aws: Aws, deployment: Deployment, found: Resource) -> Tags:
    # GetRole leaves Tags out for a role without any.
    role = aws.pick(reads.role(deployment, found.identifier), "Role")
    return _pairs(role.get("Tags", []))


def attached_policies(aws: Aws, deployment: Deployment, role: str) -> list[str]:
    """The ARNs of the managed policies that are attached to a role."""
    attached = aws.pick(reads.attached_policies(deployment, role), "AttachedPolicies")
    return [pick(policy, "PolicyArn") for policy in attached]


def _policies(aws: Aws, deployment: Deployment) -> Iterator[Resource]:
    """The account's own policies that hang on the deployment's roles: AWS's bear no tags."""
    attached = [
        arn for role in reads.roles(deployment) for arn in attached_policies(aws, deployment, role)
    ]
    # The verifier's role has some, wherever it is there.
    if not attached and deployment.if_there("verifier_role_name") is not None:
        raise NotVerifiedError("AWS lists no policy of any role of the deployment")
    for arn in dict.fromkeys(attached):
        if f":iam::{deployment.account_id}:" in arn:
            yield Resource("aws_iam_policy", arn, arn)


def _policy_tags(aws: Aws, _: Deployment, found: Resource) -> Tags:
    return _pairs(aws.pick(reads.managed_policy(found.arn), "Policy").get("Tags", []))


def _workgroups(_: Aws, deployment: Deployment) -> Iterator[Resource]:
    for name in deployment.identified("aws_athena_workgroup"):
        yield Resource("aws_athena_workgroup", name, reads.workgroup_arn(deployment))


def _workgroup_tags(aws: Aws, deployment: Deployment, _: Resource) -> Tags:
    return _pairs(aws.pick(reads.workgroup_tags(deployment), "Tags"))


def _databases(_: Aws, deployment: Deployment) -> Iterator[Resource]:
    for name in deployment.identified("aws_glue_catalog_database"):
        yield Resource("aws_glue_catalog_database", name, reads.database_arn(deployment))


def _database_tags(aws: Aws, deployment: Deployment, _: Resource) -> Tags:
    tags: Tags = aws.pick(reads.database_tags(deployment)).get("Tags") or {}
    return tags


def _service_linked_role_tags(aws: Aws, deployment: Deployment, found: Resource) -> Tags:
    return _pairs(aws.pick(reads.service_linked_role_tags(deployment, found.identifier), "Tags"))


def _config_rules(aws: Aws, deployment: Deployment) -> Iterator[Resource]:
    """Those that the outputs name: AWS Config gives one that is made again another ARN."""
    named = deployment.identified("aws_config_config_rule")
    listed = aws.pick(reads.config_rules(deployment), "ConfigRules") if named else []
    arns = {pick(rule, "ConfigRuleName"): pick(rule, "ConfigRuleArn") for rule in listed}
    if missing := sorted(set(named) - arns.keys()):
        raise NotVerifiedError(f"describe_config_rules does not list {', '.join(missing)}")
    for name in named:
        yield Resource("aws_config_config_rule", name, arns[name])


def _config_rule_tags(aws: Aws, _: Deployment, found: Resource) -> Tags:
    return _pairs(aws.pick(reads.config_rule_tags(found.arn), "Tags"))


def _detectors(_: Aws, deployment: Deployment) -> Iterator[Resource]:
    for name in deployment.identified("aws_guardduty_detector"):
        arn = _arn(deployment, "guardduty", f"detector/{name}")
        yield Resource("aws_guardduty_detector", name, arn)


def _detector_tags(aws: Aws, _: Deployment, found: Resource) -> Tags:
    tags: Tags = aws.pick(reads.detector(found.identifier), "Tags")
    return tags


def _analyzers(_: Aws, deployment: Deployment) -> Iterator[Resource]:
    for name in deployment.identified("aws_accessanalyzer_analyzer"):
        arn = _arn(deployment, "access-analyzer", f"analyzer/{name}")
        yield Resource("aws_accessanalyzer_analyzer", name, arn)


def _analyzer_tags(aws: Aws, _: Deployment, found: Resource) -> Tags:
    for analyzer in aws.pick(reads.analyzers(), "analyzers"):
        if pick(analyzer, "name") == found.identifier:
            tags: Tags = pick(analyzer, "tags")
            return tags
    raise NotVerifiedError(f"list_analyzers does not list {found.identifier}")


def _documents(_: Aws, deployment: Deployment) -> Iterator[Resource]:
    for name in deployment.identified("aws_ssm_document"):
        yield Resource("aws_ssm_document", name, _arn(deployment, "ssm", f"document/{name}"))


def _document_tags(aws: Aws, deployment: Deployment, _: Resource) -> Tags:
    return _pairs(aws.pick(reads.session_document_tags(deployment), "TagList"))


KINDS = (
    _in_vpc(reads.vpc, "Vpcs", "VpcId", "vpc", "aws_vpc"),
    _in_vpc(reads.subnets, "Subnets", "SubnetId", "subnet", "aws_subnet"),
    _in_vpc(
        reads.route_tables,
        "RouteTables",
        "RouteTableId",
        "route-table",
        "aws_route_table",
        "aws_default_route_table",
        parts=("aws_route_table_association",),
    ),
    _in_vpc(
        reads.network_acls,
        "NetworkAcls",
        "NetworkAclId",
        "network-acl",
        "aws_default_network_acl",
        "aws_network_acl",
    ),
    _in_vpc(
        reads.security_groups,
        "SecurityGroups",
        "GroupId",
        "security-group",
        "aws_security_group",
        "aws_default_security_group",
        parts=("aws_security_group_rule",),
    ),
    _in_vpc(
        reads.internet_gateways,
        "InternetGateways",
        "InternetGatewayId",
        "internet-gateway",
        "aws_internet_gateway",
        optional=True,
    ),
    _in_vpc(
        reads.nat_gateways,
        "NatGateways",
        "NatGatewayId",
        "natgateway",
        "aws_nat_gateway",
        optional=True,
    ),
    _in_vpc(
        reads.vpc_endpoints,
        "VpcEndpoints",
        "VpcEndpointId",
        "vpc-endpoint",
        "aws_vpc_endpoint",
        optional=True,
    ),
    _in_vpc(
        reads.flow_logs,
        "FlowLogs",
        "FlowLogId",
        "vpc-flow-log",
        "aws_flow_log",
        optional=True,
    ),
    Kind(("aws_eip",), _addresses, _address_tags, (reads.address,), (reads.address,)),
    Kind(
        ("aws_cloudtrail",),
        _by_arn("aws_cloudtrail"),
        _trail_tags,
        (reads.trail_tags,),
        names=_trail_names,
        named_by=(reads.trail,),
        named=("trail_name",),
    ),
    Kind(
        ("aws_s3_bucket",),
        _buckets,
        _bucket_tags,
        (reads.bucket_tags,),
        names=_bucket_names,
        named_by=(reads.bucket_acl,),
        named=("log_bucket_name",),
        parts=(
            "aws_s3_bucket_lifecycle_configuration",
            "aws_s3_bucket_logging",
            "aws_s3_bucket_metric",
            "aws_s3_bucket_object_lock_configuration",
            "aws_s3_bucket_ownership_controls",
            "aws_s3_bucket_policy",
            "aws_s3_bucket_public_access_block",
            "aws_s3_bucket_replication_configuration",
            "aws_s3_bucket_server_side_encryption_configuration",
            "aws_s3_bucket_versioning",
        ),
    ),
    Kind(
        ("aws_kms_key",),
        _by_arn("aws_kms_key"),
        _key_tags,
        (reads.key_tags,),
        names=_key_names,
        named_by=(reads.key_aliases,),
        named=("kms_key_alias",),
        parts=("aws_kms_alias",),
    ),
    Kind(
        ("aws_cloudwatch_log_group",),
        _log_groups,
        _log_group_tags,
        (reads.log_group_tags,),
        names=_log_group_names,
        named_by=(reads.log_group,),
        named=(
            "trail_log_group_name",
            "function_log_group_name",
            "flow_log_group_name",
            "session_log_group_name",
            "finding_log_group_name",
        ),
        parts=(
            "aws_cloudwatch_log_data_protection_policy",
            "aws_cloudwatch_log_metric_filter",
            "aws_cloudwatch_log_resource_policy",
            "aws_cloudwatch_log_subscription_filter",
        ),
    ),
    Kind(
        ("aws_lambda_function",),
        _by_arn("aws_lambda_function"),
        _function_tags,
        (reads.function_tags,),
        names=_function_names,
        named_by=(reads.function,),
        named=("function_name",),
        parts=("aws_lambda_alias", "aws_lambda_permission"),
    ),
    Kind(
        ("aws_cloudwatch_event_rule",),
        _event_rules,
        _event_rule_tags,
        (reads.rule_tags,),
        (reads.rules_of_function, reads.rules_of_bus, reads.rules_of_log_group),
        parts=("aws_cloudwatch_event_target",),
    ),
    Kind(
        ("aws_cloudformation_stack_set",),
        _by_arn("aws_cloudformation_stack_set"),
        _stack_set_tags,
        (reads.stack_set,),
        # What it puts into each region is told by the rules above.
        parts=("aws_cloudformation_stack_instances",),
    ),
    Kind(
        ("aws_dynamodb_table",),
        _by_arn("aws_dynamodb_table"),
        _ledger_tags,
        (reads.ledger_tags,),
    ),
    Kind(
        ("aws_sns_topic",),
        _by_arn("aws_sns_topic"),
        _topic_tags,
        (reads.topic_tags,),
        names=_topic_names,
        named_by=(reads.alert_topic,),
        named=("alert_topic_name",),
        parts=("aws_sns_topic_policy", "aws_sns_topic_subscription"),
    ),
    Kind(
        ("aws_athena_workgroup",),
        _workgroups,
        _workgroup_tags,
        (reads.workgroup_tags,),
        parts=("aws_athena_named_query",),
    ),
    Kind(
        ("aws_glue_catalog_database",),
        _databases,
        _database_tags,
        (reads.database_tags,),
        parts=("aws_glue_catalog_table",),
    ),
    Kind(
        ("aws_config_config_rule",),
        _config_rules,
        _config_rule_tags,
        (reads.config_rule_tags,),
        (reads.config_rules,),
        parts=(
            "aws_config_configuration_recorder",
            "aws_config_configuration_recorder_status",
            "aws_config_delivery_channel",
            "aws_config_retention_configuration",
        ),
    ),
    Kind(
        ("aws_guardduty_detector",),
        _detectors,
        _detector_tags,
        (reads.detector,),
        parts=("aws_guardduty_detector_feature",),
    ),
    Kind(("aws_accessanalyzer_analyzer",), _analyzers, _analyzer_tags, (reads.analyzers,)),
    Kind(("aws_ssm_document",), _documents, _document_tags, (reads.session_document_tags,)),
    Kind(("aws_sqs_queue",), _queues, _queue_tags, (reads.queue_tags,)),
    Kind(
        ("aws_cloudwatch_metric_alarm",),
        _by_arn("aws_cloudwatch_metric_alarm"),
        _alarm_tags,
        (reads.alarm_tags,),
        # A dashboard shows them, and can bear no tags.
        parts=("aws_cloudwatch_dashboard",),
    ),
    Kind(
        ("aws_iam_role",),
        _roles("aws_iam_role"),
        _role_tags,
        (reads.role,),
        parts=("aws_iam_role_policy_attachment",),
    ),
    # AWS's own, with permissions and a trust that nobody else can change.
    Kind(
        ("aws_iam_service_linked_role",),
        _roles("aws_iam_service_linked_role"),
        _service_linked_role_tags,
        (reads.service_linked_role_tags,),
    ),
    Kind(
        ("aws_iam_policy",),
        _policies,
        _policy_tags,
        (reads.managed_policy,),
        (reads.attached_policies,),
    ),
)

# What is no resource but a setting of the account, without tags or name: the account's own controls
# look at it.
SETTINGS_OF_ACCOUNT = frozenset(
    {
        "aws_ebs_encryption_by_default",
        "aws_iam_account_password_policy",
        "aws_s3_account_public_access_block",
        "aws_securityhub_account",
        "aws_securityhub_standards_subscription",
    }
)

# What a control reads that lists everything, that looks at all tags, at all names.
FOUND_BY = tuple(dict.fromkeys(reading for kind in KINDS for reading in kind.found_by))
TAGGED_BY = tuple(
    dict.fromkeys(
        (
            reads.resources_tagged,
            *FOUND_BY,
            *(reading for kind in KINDS for reading in kind.tagged_by),
        )
    )
)
NAMED_BY = tuple(dict.fromkeys(reading for kind in KINDS for reading in kind.named_by))
