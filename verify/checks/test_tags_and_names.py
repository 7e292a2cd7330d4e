"""Inventory: every resource says whose it is and what it is for, in one way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from verify.account import reads
from verify.account.answer import pick
from verify.account.door import Aws
from verify.account.read import Read
from verify.check import Check
from verify.inputs.deployment import Deployment
from verify.model import NotVerifiedError

Tags = Mapping[str, str]


def _pairs(entries: list[Mapping[str, str]], key: str = "Key", value: str = "Value") -> Tags:
    return {entry[key]: entry[value] for entry in entries}


def _tagged(aws: Aws, deployed: Deployment) -> Iterator[tuple[str, Tags]]:
    """Each resource of the deployment with its tags."""

    def read(wanted: Read, *path: str) -> Any:
        return pick(aws.read(wanted).response or {}, *path)

    yield from _ec2_tags(aws, deployed)
    [entry] = read(reads.trail_tags(deployed), "ResourceTagList")
    yield deployed.trail_arn, _pairs(pick(entry, "TagsList"))
    yield deployed.log_bucket_arn, _bucket_tags(aws, deployed)
    yield deployed.kms_key_arn, _pairs(read(reads.key_tags(deployed), "Tags"), "TagKey", "TagValue")
    for group in (deployed.trail_log_group_name, deployed.function_log_group_name):
        yield group, read(reads.log_group_tags(deployed, group), "tags")
    yield deployed.function_arn, read(reads.function_tags(deployed), "Tags")
    for topic in (deployed.alert_topic_arn, deployed.delivery_topic_arn):
        yield topic, _pairs(read(reads.topic_tags(topic), "Tags"))
    for url in (deployed.dead_letter_queue_url, deployed.delivery_queue_url):
        # SQS leaves Tags out for a queue without any.
        yield url, read(reads.queue_tags(url)).get("Tags", {})
    for role in reads.roles(deployed):
        yield role, _pairs(read(reads.role_tags(role), "Tags"))
    for alarm in sorted(deployed.alarm_arns.values()):
        yield alarm, _pairs(read(reads.alarm_tags(alarm), "Tags"))


def _ec2_tags(aws: Aws, deployed: Deployment) -> Iterator[tuple[str, Tags]]:
    """Tags of the network, from the calls that the network checks make as well."""
    for read, key, name, wanted in (
        (reads.vpc(deployed), "Vpcs", "VpcId", {deployed.vpc_id}),
        (reads.subnets(deployed), "Subnets", "SubnetId", set(deployed.private_subnet_ids)),
        (
            reads.route_tables(deployed),
            "RouteTables",
            "RouteTableId",
            set(deployed.private_route_table_ids),
        ),
        (
            reads.security_groups(deployed),
            "SecurityGroups",
            "GroupId",
            {deployed.application_security_group_id, deployed.default_security_group_id},
        ),
    ):
        for item in pick(aws.read(read).response or {}, key):
            if pick(item, name) in wanted:
                wanted.discard(item[name])
                yield item[name], _pairs(item.get("Tags", []))
        if wanted:
            raise NotVerifiedError(f"{read.operation} does not list {', '.join(sorted(wanted))}")


def _bucket_tags(aws: Aws, deployment: Deployment) -> Tags:
    answer = aws.read(reads.bucket_tags(deployment))
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
