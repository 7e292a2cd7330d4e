"""Inventory: every resource says whose it is and what it is for, in one way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from verify.aws import Aws, NotVerifiedError
from verify.check import Check, pick
from verify.deployment import Deployment

Tags = Mapping[str, str]


def _pairs(entries: list[Mapping[str, str]], key: str = "Key", value: str = "Value") -> Tags:
    return {entry[key]: entry[value] for entry in entries}


def _tagged(aws: Aws, deployed: Deployment) -> Iterator[tuple[str, Tags]]:
    """Each resource of the deployment with its tags."""

    def read(service: str, operation: str, *path: str, **parameters: Any) -> Any:
        return pick(aws.read(service, operation, **parameters).response or {}, *path)

    yield from _ec2_tags(aws, deployed)
    [entry] = read(
        "cloudtrail", "list_tags", "ResourceTagList", ResourceIdList=[deployed.trail_arn]
    )
    yield deployed.trail_arn, _pairs(pick(entry, "TagsList"))
    yield deployed.log_bucket_arn, _bucket_tags(aws, deployed.log_bucket_name)
    key_tags = read("kms", "list_resource_tags", "Tags", KeyId=deployed.kms_key_arn)
    yield deployed.kms_key_arn, _pairs(key_tags, "TagKey", "TagValue")
    for group in (deployed.trail_log_group_name, deployed.function_log_group_name):
        arn = (
            f"arn:{deployed.partition}:logs:{deployed.region}:{deployed.account_id}"
            f":log-group:{group}"
        )
        yield arn, read("logs", "list_tags_for_resource", "tags", resourceArn=arn)
    yield (
        deployed.function_arn,
        read("lambda", "list_tags", "Tags", Resource=deployed.function_arn),
    )
    for topic in (deployed.alert_topic_arn, deployed.delivery_topic_arn):
        yield topic, _pairs(read("sns", "list_tags_for_resource", "Tags", ResourceArn=topic))
    for url in (deployed.dead_letter_queue_url, deployed.delivery_queue_url):
        # SQS leaves Tags out for a queue without any.
        queue_tags = aws.read("sqs", "list_queue_tags", QueueUrl=url)
        yield url, (queue_tags.response or {}).get("Tags", {})
    for role in (
        deployed.function_role_name,
        deployed.trail_logs_role_name,
        deployed.verifier_role_name,
    ):
        yield role, _pairs(read("iam", "list_role_tags", "Tags", RoleName=role))
    for alarm in sorted(deployed.alarm_arns.values()):
        yield alarm, _pairs(read("cloudwatch", "list_tags_for_resource", "Tags", ResourceARN=alarm))


def _ec2_tags(aws: Aws, deployed: Deployment) -> Iterator[tuple[str, Tags]]:
    """Tags of the network, from the calls that the network checks make as well."""
    in_vpc = [{"Name": "vpc-id", "Values": [deployed.vpc_id]}]
    for operation, parameters, key, name, wanted in (
        ("describe_vpcs", {"VpcIds": [deployed.vpc_id]}, "Vpcs", "VpcId", {deployed.vpc_id}),
        (
            "describe_subnets",
            {"Filters": in_vpc},
            "Subnets",
            "SubnetId",
            set(deployed.private_subnet_ids),
        ),
        (
            "describe_route_tables",
            {"Filters": in_vpc},
            "RouteTables",
            "RouteTableId",
            set(deployed.private_route_table_ids),
        ),
        (
            "describe_security_groups",
            {"Filters": in_vpc},
            "SecurityGroups",
            "GroupId",
            {deployed.application_security_group_id, deployed.default_security_group_id},
        ),
    ):
        answer = aws.read("ec2", operation, **parameters)
        for item in pick(answer.response or {}, key):
            if pick(item, name) in wanted:
                wanted.discard(item[name])
                yield item[name], _pairs(item.get("Tags", []))
        if wanted:
            raise NotVerifiedError(f"{operation} does not list {', '.join(sorted(wanted))}")


def _bucket_tags(aws: Aws, bucket: str) -> Tags:
    answer = aws.read("s3", "get_bucket_tagging", Bucket=bucket, absent=("NoSuchTagSet",))
    return _pairs(pick(answer.response, "TagSet")) if answer.response else {}


@pytest.mark.control("resources-tagged")
def test_every_resource_carries_the_required_tags(
    check: Check, aws: Aws, deployment: Deployment, baseline: Mapping[str, Any]
) -> None:
    required = {
        key: value.format(environment=deployment.environment)
        for key, value in baseline["tags"].items()
    }
    for subject, live in _tagged(aws, deployment):
        wrong = {
            key: live.get(key, "no such tag")
            for key, value in required.items()
            if live.get(key) != value
        }
        wrong |= {key: "no such tag" for key in baseline["required_tag_keys"] if not live.get(key)}
        check.holds(
            subject,
            "tags",
            not wrong,
            expected={**required, **dict.fromkeys(baseline["required_tag_keys"], "any")},
            seen=wrong or "as required",
        )


@pytest.mark.control("names-follow-convention")
def test_resources_carry_the_names_of_the_convention(
    check: Check, deployment: Deployment, baseline: Mapping[str, Any]
) -> None:
    for output, template in baseline["names"].items():
        check.equal(
            output,
            "name",
            expected=template.format(
                environment=deployment.environment, account=deployment.account_id
            ),
            seen=getattr(deployment, output),
        )
