"""Every resource of the stack untagged, one at a time: generated from what Terraform declares.

Terraform's state, not the suite's inventory, says what there is and what tags it bears.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from mutants.account import Account
from mutants.model import Family
from verify.inputs.declared import Configuration

MODULE = Path(__file__).resolve().parents[1] / "terraform"
FAMILY = Family("untagged")

# Of a module that is there several times, or perhaps.
_INDEX = re.compile(r"\[[^]]*\]")

Attributes = Mapping[str, Any]
Tags = Mapping[str, str]
# Takes all tags of a resource away, and gives them back.
Change = Callable[[Account, Attributes, Tags], object]


def _listed(tags: Tags, key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
    return [{key: name, value: text} for name, text in tags.items()]


def _untag_ec2(account: Account, found: Attributes, tags: Tags) -> object:
    return account.ec2.delete_tags(Resources=[found["id"]], Tags=[{"Key": name} for name in tags])


def _tag_ec2(account: Account, found: Attributes, tags: Tags) -> object:
    return account.ec2.create_tags(Resources=[found["id"]], Tags=_listed(tags))


_EC2 = (_untag_ec2, _tag_ec2)


def _events_of(account: Account, found: Attributes) -> Any:
    """EventBridge in the region of a rule."""
    return account.client("events", str(found["arn"]).split(":")[3])


def _tag_stack_set(account: Account, found: Attributes, tags: Tags) -> object:
    """Its tags and, as CloudFormation does it, those of all that it has made."""
    return account.client("cloudformation").update_stack_set(
        StackSetName=found["name"],
        UsePreviousTemplate=True,
        AdministrationRoleARN=found["administration_role_arn"],
        ExecutionRoleName=found["execution_role_name"],
        Description=found["description"],
        Tags=_listed(tags),
    )


# By Terraform type. A declared type that bears tags and is missing here fails a test.
CHANGES: Mapping[str, tuple[Change, Change]] = {
    "aws_vpc": _EC2,
    "aws_subnet": _EC2,
    "aws_route_table": _EC2,
    "aws_default_route_table": _EC2,
    "aws_default_network_acl": _EC2,
    "aws_network_acl": _EC2,
    "aws_internet_gateway": _EC2,
    "aws_nat_gateway": _EC2,
    "aws_eip": _EC2,
    "aws_vpc_endpoint": _EC2,
    "aws_flow_log": _EC2,
    "aws_security_group": _EC2,
    "aws_default_security_group": _EC2,
    "aws_cloudtrail": (
        lambda account, found, tags: account.cloudtrail.remove_tags(
            ResourceId=found["arn"], TagsList=_listed(tags)
        ),
        lambda account, found, tags: account.cloudtrail.add_tags(
            ResourceId=found["arn"], TagsList=_listed(tags)
        ),
    ),
    "aws_s3_bucket": (
        lambda account, found, _: account.s3.delete_bucket_tagging(Bucket=found["bucket"]),
        lambda account, found, tags: account.s3.put_bucket_tagging(
            Bucket=found["bucket"], Tagging={"TagSet": _listed(tags)}
        ),
    ),
    "aws_kms_key": (
        lambda account, found, tags: account.kms_of(found["arn"]).untag_resource(
            KeyId=found["arn"], TagKeys=list(tags)
        ),
        lambda account, found, tags: account.kms_of(found["arn"]).tag_resource(
            KeyId=found["arn"], Tags=_listed(tags, "TagKey", "TagValue")
        ),
    ),
    "aws_cloudwatch_log_group": (
        lambda account, found, tags: account.logs.untag_resource(
            resourceArn=found["arn"], tagKeys=list(tags)
        ),
        lambda account, found, tags: account.logs.tag_resource(
            resourceArn=found["arn"], tags=dict(tags)
        ),
    ),
    "aws_lambda_function": (
        lambda account, found, tags: account.functions.untag_resource(
            Resource=found["arn"], TagKeys=list(tags)
        ),
        lambda account, found, tags: account.functions.tag_resource(
            Resource=found["arn"], Tags=dict(tags)
        ),
    ),
    "aws_athena_workgroup": (
        lambda account, found, tags: account.client("athena").untag_resource(
            ResourceARN=found["arn"], TagKeys=list(tags)
        ),
        lambda account, found, tags: account.client("athena").tag_resource(
            ResourceARN=found["arn"], Tags=_listed(tags)
        ),
    ),
    "aws_glue_catalog_database": (
        lambda account, found, tags: account.client("glue").untag_resource(
            ResourceArn=found["arn"], TagsToRemove=list(tags)
        ),
        lambda account, found, tags: account.client("glue").tag_resource(
            ResourceArn=found["arn"], TagsToAdd=dict(tags)
        ),
    ),
    "aws_config_config_rule": (
        lambda account, found, tags: account.client("config").untag_resource(
            ResourceArn=found["arn"], TagKeys=list(tags)
        ),
        lambda account, found, tags: account.client("config").tag_resource(
            ResourceArn=found["arn"], Tags=_listed(tags)
        ),
    ),
    "aws_guardduty_detector": (
        lambda account, found, tags: account.client("guardduty").untag_resource(
            ResourceArn=found["arn"], TagKeys=list(tags)
        ),
        lambda account, found, tags: account.client("guardduty").tag_resource(
            ResourceArn=found["arn"], Tags=dict(tags)
        ),
    ),
    "aws_accessanalyzer_analyzer": (
        lambda account, found, tags: account.client("accessanalyzer").untag_resource(
            resourceArn=found["arn"], tagKeys=list(tags)
        ),
        lambda account, found, tags: account.client("accessanalyzer").tag_resource(
            resourceArn=found["arn"], tags=dict(tags)
        ),
    ),
    "aws_ssm_document": (
        lambda account, found, tags: account.client("ssm").remove_tags_from_resource(
            ResourceType="Document", ResourceId=found["name"], TagKeys=list(tags)
        ),
        lambda account, found, tags: account.client("ssm").add_tags_to_resource(
            ResourceType="Document", ResourceId=found["name"], Tags=_listed(tags)
        ),
    ),
    "aws_cloudformation_stack_set": (
        lambda account, found, _: _tag_stack_set(account, found, {}),
        lambda account, found, tags: _tag_stack_set(account, found, tags),
    ),
    "aws_cloudwatch_event_rule": (
        lambda account, found, tags: _events_of(account, found).untag_resource(
            ResourceARN=found["arn"], TagKeys=list(tags)
        ),
        lambda account, found, tags: _events_of(account, found).tag_resource(
            ResourceARN=found["arn"], Tags=_listed(tags)
        ),
    ),
    "aws_dynamodb_table": (
        lambda account, found, tags: account.client("dynamodb").untag_resource(
            ResourceArn=found["arn"], TagKeys=list(tags)
        ),
        lambda account, found, tags: account.client("dynamodb").tag_resource(
            ResourceArn=found["arn"], Tags=_listed(tags)
        ),
    ),
    "aws_sns_topic": (
        lambda account, found, tags: account.sns.untag_resource(
            ResourceArn=found["arn"], TagKeys=list(tags)
        ),
        lambda account, found, tags: account.sns.tag_resource(
            ResourceArn=found["arn"], Tags=_listed(tags)
        ),
    ),
    "aws_sqs_queue": (
        lambda account, found, tags: account.sqs.untag_queue(
            QueueUrl=found["url"], TagKeys=list(tags)
        ),
        lambda account, found, tags: account.sqs.tag_queue(QueueUrl=found["url"], Tags=dict(tags)),
    ),
    "aws_cloudwatch_metric_alarm": (
        lambda account, found, tags: account.cloudwatch.untag_resource(
            ResourceARN=found["arn"], TagKeys=list(tags)
        ),
        lambda account, found, tags: account.cloudwatch.tag_resource(
            ResourceARN=found["arn"], Tags=_listed(tags)
        ),
    ),
    "aws_iam_role": (
        lambda account, found, tags: account.iam.untag_role(
            RoleName=found["name"], TagKeys=list(tags)
        ),
        lambda account, found, tags: account.iam.tag_role(
            RoleName=found["name"], Tags=_listed(tags)
        ),
    ),
    "aws_iam_service_linked_role": (
        lambda account, found, tags: account.iam.untag_role(
            RoleName=found["name"], TagKeys=list(tags)
        ),
        lambda account, found, tags: account.iam.tag_role(
            RoleName=found["name"], Tags=_listed(tags)
        ),
    ),
    "aws_iam_policy": (
        lambda account, found, tags: account.iam.untag_policy(
            PolicyArn=found["arn"], TagKeys=list(tags)
        ),
        lambda account, found, tags: account.iam.tag_policy(
            PolicyArn=found["arn"], Tags=_listed(tags)
        ),
    ),
}


def taggable() -> Iterator[str]:
    """The addresses of the resources that the module declares with tags."""
    configuration = Configuration(MODULE, "dev")
    for address in sorted(configuration.resources()):
        if configuration.argument(f"{address}.tags") is not None:
            yield address


def instances(outputs_file: Path, address: str) -> list[Attributes]:
    """The attributes of the resources at `address`, by the state of the deployment.

    Raises ValueError where there is no state beside or below the outputs.
    """
    module, kind, name = _parts(address)
    states = sorted(outputs_file.parent.rglob("terraform.tfstate"))
    found = [
        instance["attributes"]
        for state in states
        for resource in json.loads(state.read_text(encoding="utf-8")).get("resources", [])
        if (resource["mode"], resource["type"], resource["name"]) == ("managed", kind, name)
        and _INDEX.sub("", resource.get("module", "")) == module
        for instance in resource["instances"]
    ]
    if not states:
        raise ValueError(f"there is no Terraform state in {outputs_file.parent}")
    return found


def untag(account: Account, mending: ExitStack, kind: str, found: Attributes) -> None:
    """Take all tags of one resource away until mended."""
    take, give = CHANGES[kind]
    tags = found["tags_all"]
    mending.callback(give, account, found, tags)
    take(account, found, tags)


def _untag_last(address: str, account: Account, mending: ExitStack) -> None:
    there = instances(account.deployed_outputs_file, address)
    if not there:
        raise ValueError(f"the deployment has no {address}")
    untag(account, mending, kind_of(address), there[-1])


def kind_of(address: str) -> str:
    """The type of the resource at an address."""
    return _parts(address)[1]


def _parts(address: str) -> tuple[str, str, str]:
    """The module of an address, empty for the root, its type and its name."""
    *module, kind, name = address.split(".")
    return ".".join(module), kind, name


# Not in every deployment: what a variable switches on.
_OF_ACCESS = {
    "aws_iam_role": ("break_glass", "compliance_tools", "investigation"),
    "aws_iam_policy": (
        "break_glass",
        "investigation_queries",
        "verifier_investigation",
        "log_events",
        "log_files",
        "trail_configuration",
        "trail_protection",
        "verifier_access",
        "verifier_probe_investigation_role",
    ),
}
OPTIONAL = frozenset(
    {
        "aws_cloudwatch_event_rule.account_scan",
        "aws_iam_policy.verifier_metric",
        "module.investigation.aws_athena_workgroup.investigation",
        "module.investigation.aws_glue_catalog_database.investigation",
        "module.investigation.aws_s3_bucket.results",
        *(f"{kind}.{name}" for kind, names in _OF_ACCESS.items() for name in names),
    }
)
# Only where the network has tiers, which is where its flow logs are on; and only where it has none.
_OF_TIERS = frozenset(
    {
        "module.network.aws_cloudwatch_log_group.flow",
        "module.network.aws_eip.nat",
        "module.network.aws_flow_log.vpc",
        "module.network.aws_iam_policy.flow_logs",
        "module.network.aws_iam_role.flow_logs",
        "module.network.aws_internet_gateway.public",
        "module.network.aws_nat_gateway.private",
        "module.network.aws_network_acl.tier",
        "module.network.aws_route_table.private_nat",
        "module.network.aws_route_table.public",
        "module.network.aws_security_group.bastion",
        "module.network.aws_security_group.database",
        "module.network.aws_security_group.endpoints",
        "module.network.aws_security_group.web",
        "module.network.aws_subnet.public",
        "module.network.aws_vpc_endpoint.gateway",
        "module.network.aws_vpc_endpoint.interface",
    }
)
_OF_PRIVATE_NETWORKS = frozenset({"module.network.aws_route_table.private"})
# Only where a service watches the account, or reports are kept: by the control that looks at it.
_OF_SERVICES = {
    "aws_cloudwatch_event_rule.threat_findings": "threats-alerted",
    "module.detection.aws_accessanalyzer_analyzer.account": "outside-access-analyzed",
    "module.detection.aws_config_config_rule.managed": "configuration-recorded",
    "module.detection.aws_guardduty_detector.account": "threats-detected",
    "module.detection.aws_iam_service_linked_role.config": "configuration-recorded",
    "module.detection.aws_s3_bucket.config_history": "configuration-recorded",
    "module.detection.aws_cloudwatch_event_rule.findings_kept": "findings-kept",
    "module.detection.aws_cloudwatch_log_group.findings": "findings-kept",
    "module.detection.aws_cloudwatch_log_group.sessions": "session-logging-configured",
    "module.detection.aws_s3_bucket.session_logs": "session-logging-configured",
    "module.detection.aws_ssm_document.sessions": "session-logging-configured",
    "aws_iam_policy.verifier_reports": "reports-bucket",
    "aws_kms_key.reports": "reports-signing-key",
    "aws_s3_bucket.reports": "reports-bucket",
}
_TIERS = "tier-routes"

for _address in taggable():
    if _address not in OPTIONAL:
        FAMILY.add(
            _address.removeprefix("module.").replace("_", "-").replace(".", "-"),
            f"{_address} has no tag at all",
            partial(_untag_last, _address),
            "resources-tagged",
            needs=_TIERS if _address in _OF_TIERS else _OF_SERVICES.get(_address, ""),
            unless=_TIERS if _address in _OF_PRIVATE_NETWORKS else "",
        )
