"""The one inventory: every resource that the deployment has, found in the account.

A resource is ours when an output names it, when it lies in our VPC or hangs on something of ours,
or when it bears the deployment's identifying tags: the last alone would let whatever lost its tags
out of sight. `KINDS` says for each Terraform type how its resources are found; a type that the
module declares and that is missing here is one that nobody looks at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
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
    """One resource: its Terraform type, what its reader calls it, and what AWS says of it."""

    kind: str
    identifier: str
    arn: str
    tags: Tags
    names: tuple[str, ...] = ()  # under which AWS knows it


Find = Callable[[Aws, Deployment], Iterator[Resource]]


@dataclass(frozen=True)
class Kind:
    """Resources that are found in one way.

    `parts` are Terraform types that bear no tags and belong to a resource of this kind, whose
    controls look at them.
    """

    types: tuple[str, ...]
    readings: tuple[Reading[Any], ...]
    find: Find
    parts: tuple[str, ...] = ()


class Inventory:
    """The deployment's resources, each kind read when it is first asked for."""

    def __init__(self, aws: Aws, deployment: Deployment, identifying_tags: Tags) -> None:
        self._aws = aws
        self._deployment = deployment
        self._identifying_tags = identifying_tags

    def of(self, *types: str) -> list[Resource]:
        """The resources of Terraform types.

        Raises NotVerifiedError where AWS lists fewer than the outputs name.
        """
        return [
            resource
            for kind in KINDS
            if set(types) & set(kind.types)
            for resource in kind.find(self._aws, self._deployment)
        ]

    def everything(self) -> list[Resource]:
        """All resources of the deployment. Raises NotVerifiedError."""
        return [found for kind in KINDS for found in kind.find(self._aws, self._deployment)]

    def has_named(self, name: str) -> bool:
        """Whether AWS knows one of the resources by this name. Raises NotVerifiedError."""
        return any(
            name in found.names
            for kind in KINDS
            for found in kind.find(self._aws, self._deployment)
        )

    def unknown(self) -> list[str]:
        """The ARNs of what bears the deployment's tags and is not in the inventory.

        Raises NotVerifiedError when the listing lacks what is known to bear them: it is not whole.
        """
        tagged = {
            str(pick(entry, "ResourceARN"))
            for entry in self._aws.pick(
                reads.resources_tagged(dict(self._identifying_tags)), "ResourceTagMappingList"
            )
        }
        if not tagged:
            raise NotVerifiedError("AWS lists nothing that bears the deployment's tags")
        return sorted(tagged - {resource.arn for resource in self.everything()})


def undeclared_types(declared: Iterable[str]) -> list[str]:
    """The Terraform types among `declared` that no kind of the inventory covers."""
    covered = {name for kind in KINDS for name in (*kind.types, *kind.parts)}
    return sorted(set(declared) - covered)


# --- how each kind is found -----------------------------------------------------------------------


def _pairs(entries: Iterable[Mapping[str, str]], key: str = "Key", value: str = "Value") -> Tags:
    return {entry[key]: entry[value] for entry in entries}


def _arn(deployment: Deployment, service: str, resource: str) -> str:
    place = f"{deployment.region}:{deployment.account_id}"
    return f"arn:{deployment.partition}:{service}:{place}:{resource}"


def _in_vpc(
    reading: Reading[[Deployment]],
    listing: str,
    identifier: str,
    noun: str,
    *types: str,
    parts: tuple[str, ...] = (),
) -> Kind:
    """A kind that EC2 lists by VPC, with its tags."""

    def find(aws: Aws, deployment: Deployment) -> Iterator[Resource]:
        found = {pick(one, identifier): one for one in aws.pick(reading(deployment), listing)}
        named = {name for type_ in types for name in deployment.identified(type_)}
        if named - found.keys() or not found:
            missing = ", ".join(sorted(named - found.keys())) or f"every {noun} of the VPC"
            raise NotVerifiedError(f"{reading.operation} does not list {missing}")
        for name, one in sorted(found.items()):
            tags = _pairs(one.get("Tags", []))
            yield Resource(types[0], name, _arn(deployment, "ec2", f"{noun}/{name}"), tags)

    return Kind(types, (reading,), find, parts)


def _trails(aws: Aws, deployment: Deployment) -> Iterator[Resource]:
    [entry] = aws.pick(reads.trail_tags(deployment), "ResourceTagList") or [None]
    arn = deployment.trail_arn
    if entry is None:
        raise NotVerifiedError(f"list_tags does not list {arn}")
    names = tuple(pick(item, "Name") for item in aws.pick(reads.trail(deployment), "trailList"))
    yield Resource("aws_cloudtrail", arn, arn, _pairs(pick(entry, "TagsList")), names)


def _buckets(aws: Aws, deployment: Deployment) -> Iterator[Resource]:
    # That S3 has tags, or has no tag set, for a bucket of this name shows that there is one.
    answer = aws.read(reads.bucket_tags(deployment))
    tags = _pairs(pick(answer.response, "TagSet")) if answer.response else {}
    arn, name = deployment.log_bucket_arn, deployment.log_bucket_name
    yield Resource("aws_s3_bucket", arn, arn, tags, (name,))


def _keys(aws: Aws, deployment: Deployment) -> Iterator[Resource]:
    tags = _pairs(aws.pick(reads.key_tags(deployment), "Tags"), "TagKey", "TagValue")
    aliases = aws.pick(reads.key_aliases(deployment), "Aliases")
    names = tuple(pick(alias, "AliasName") for alias in aliases)
    yield Resource("aws_kms_key", deployment.kms_key_arn, deployment.kms_key_arn, tags, names)


def _log_groups(aws: Aws, deployment: Deployment) -> Iterator[Resource]:
    for name in deployment.identified("aws_cloudwatch_log_group"):
        tags = aws.pick(reads.log_group_tags(deployment, name), "tags")
        arn = reads.log_group_arn(deployment, name)
        yield Resource("aws_cloudwatch_log_group", name, arn, tags, (name,))


def _functions(aws: Aws, deployment: Deployment) -> Iterator[Resource]:
    arn = deployment.function_arn
    tags = aws.pick(reads.function_tags(deployment), "Tags")
    name = aws.pick(reads.function(deployment), "FunctionName")
    yield Resource("aws_lambda_function", arn, arn, tags, (name,))


def _event_rules(aws: Aws, deployment: Deployment) -> Iterator[Resource]:
    for name in aws.pick(reads.rules_of_function(deployment), "RuleNames"):
        arn = _arn(deployment, "events", f"rule/{name}")
        tags = _pairs(aws.pick(reads.rule_tags(arn), "Tags"))
        yield Resource("aws_cloudwatch_event_rule", arn, arn, tags, (name,))


def _topics(aws: Aws, deployment: Deployment) -> Iterator[Resource]:
    for arn in deployment.identified("aws_sns_topic"):
        tags = _pairs(aws.pick(reads.topic_tags(deployment, arn), "Tags"))
        yield Resource("aws_sns_topic", arn, arn, tags, (arn.rpartition(":")[2],))


def _queues(aws: Aws, deployment: Deployment) -> Iterator[Resource]:
    for url in deployment.identified("aws_sqs_queue"):
        # SQS leaves Tags out for a queue without any.
        tags = aws.pick(reads.queue_tags(deployment, url)).get("Tags", {})
        name = url.rpartition("/")[2]
        yield Resource("aws_sqs_queue", url, _arn(deployment, "sqs", name), tags, (name,))


def _alarms(aws: Aws, deployment: Deployment) -> Iterator[Resource]:
    for arn in deployment.identified("aws_cloudwatch_metric_alarm"):
        tags = _pairs(aws.pick(reads.alarm_tags(deployment, arn), "Tags"))
        name = arn.partition(":alarm:")[2]
        yield Resource("aws_cloudwatch_metric_alarm", arn, arn, tags, (name,))


def _roles(aws: Aws, deployment: Deployment) -> Iterator[Resource]:
    for arn in deployment.identified("aws_iam_role"):
        name = arn.rpartition("/")[2]
        tags = _pairs(aws.pick(reads.role_tags(deployment, name), "Tags"))
        yield Resource("aws_iam_role", name, arn, tags, (name,))


def attached_policies(aws: Aws, deployment: Deployment, role: str) -> list[str]:
    """The ARNs of the managed policies that are attached to a role."""
    attached = aws.pick(reads.attached_policies(deployment, role), "AttachedPolicies")
    return [pick(policy, "PolicyArn") for policy in attached]


def _policies(aws: Aws, deployment: Deployment) -> Iterator[Resource]:
    """The account's own policies that hang on the deployment's roles: AWS's bear no tags."""
    for role in reads.roles(deployment):
        for arn in attached_policies(aws, deployment, role):
            if f":iam::{deployment.account_id}:" not in arn:
                continue
            policy = aws.pick(reads.managed_policy(arn), "Policy")
            tags = _pairs(policy.get("Tags", []))
            yield Resource("aws_iam_policy", arn, arn, tags, (arn.rpartition("/")[2],))


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
    ),
    _in_vpc(
        reads.security_groups,
        "SecurityGroups",
        "GroupId",
        "security-group",
        "aws_security_group",
        "aws_default_security_group",
    ),
    Kind(("aws_cloudtrail",), (reads.trail, reads.trail_tags), _trails),
    Kind(
        ("aws_s3_bucket",),
        (reads.bucket_tags,),
        _buckets,
        (
            "aws_s3_bucket_ownership_controls",
            "aws_s3_bucket_policy",
            "aws_s3_bucket_public_access_block",
            "aws_s3_bucket_server_side_encryption_configuration",
            "aws_s3_bucket_versioning",
        ),
    ),
    Kind(("aws_kms_key",), (reads.key_tags, reads.key_aliases), _keys, ("aws_kms_alias",)),
    Kind(
        ("aws_cloudwatch_log_group",),
        (reads.log_group_tags,),
        _log_groups,
        ("aws_cloudwatch_log_metric_filter", "aws_cloudwatch_log_subscription_filter"),
    ),
    Kind(
        ("aws_lambda_function",),
        (reads.function, reads.function_tags),
        _functions,
        ("aws_lambda_permission",),
    ),
    Kind(
        ("aws_cloudwatch_event_rule",),
        (reads.rules_of_function, reads.rule_tags),
        _event_rules,
        ("aws_cloudwatch_event_target",),
    ),
    Kind(
        ("aws_sns_topic",),
        (reads.topic_tags,),
        _topics,
        ("aws_sns_topic_policy", "aws_sns_topic_subscription"),
    ),
    Kind(("aws_sqs_queue",), (reads.queue_tags,), _queues),
    Kind(("aws_cloudwatch_metric_alarm",), (reads.alarm_tags,), _alarms),
    Kind(("aws_iam_role",), (reads.role_tags,), _roles, ("aws_iam_role_policy_attachment",)),
    Kind(("aws_iam_policy",), (reads.attached_policies, reads.managed_policy), _policies),
)

# What a control reads that looks at everything.
READINGS = tuple({id(one): one for kind in KINDS for one in kind.readings}.values())
