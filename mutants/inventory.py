"""Inventory faults: tags, names, and a configuration that says something else than the account."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial

from mutants.account import Account
from mutants.model import Family

_PROTECTED = "trail-cannot-be-stopped-by-others"

FAMILY = Family("inventory")


# --- tags that say something else; that there is none at all: mutants.untagged --------------------


@FAMILY.fault("the trail says that it is for another purpose", "resources-tagged")
def trail_tag(account: Account, mending: ExitStack) -> None:
    def put(value: str) -> None:
        account.cloudtrail.add_tags(
            ResourceId=account.outputs["trail_arn"],
            TagsList=[{"Key": "Purpose", "Value": value}],
        )

    mending.callback(put, "audit-logging")
    put("trying out")


@FAMILY.fault("the key's CostCenter is empty", "resources-tagged")
def key_tag(account: Account, mending: ExitStack) -> None:
    def put(value: str) -> None:
        account.kms.tag_resource(
            KeyId=account.outputs["kms_key_arn"],
            Tags=[{"TagKey": "CostCenter", "TagValue": value}],
        )

    tags = account.kms.list_resource_tags(KeyId=account.outputs["kms_key_arn"])["Tags"]
    [before] = [tag["TagValue"] for tag in tags if tag["TagKey"] == "CostCenter"]
    mending.callback(put, before)
    put("")


@FAMILY.fault("the function's Environment is another", "resources-tagged")
def function_tag(account: Account, mending: ExitStack) -> None:
    resource = {"Resource": account.outputs["function_arn"]}
    tags = {"Environment": account.outputs["environment"]}
    mending.callback(account.functions.tag_resource, **resource, Tags=tags)
    account.functions.tag_resource(**resource, Tags={"Environment": "another"})


@FAMILY.fault("the topic no longer says that HIPAA concerns it", "resources-tagged")
def topic_tag(account: Account, mending: ExitStack) -> None:
    resource = {"ResourceArn": account.outputs["alert_topic_arn"]}
    tag = {"Key": "Compliance", "Value": "HIPAA"}
    mending.callback(account.sns.tag_resource, **resource, Tags=[tag])
    account.sns.untag_resource(**resource, TagKeys=["Compliance"])


@FAMILY.fault("the verifier's role is not known to be Terraform's", "resources-tagged")
def role_tag(account: Account, mending: ExitStack) -> None:
    role = {"RoleName": account.outputs["verifier_role_name"]}
    tag = {"Key": "ManagedBy", "Value": "Terraform"}
    mending.callback(account.iam.tag_role, **role, Tags=[tag])
    account.iam.untag_role(**role, TagKeys=["ManagedBy"])


# --- what nobody looks at -------------------------------------------------------------------------


@FAMILY.fault(
    "a topic that bears the deployment's tags and that no output names", "resources-known"
)
def topic_beside(account: Account, mending: ExitStack) -> None:
    tags = account.sns.list_tags_for_resource(ResourceArn=account.outputs["alert_topic_arn"])
    made = account.sns.create_topic(Name="beside", Tags=tags["Tags"])["TopicArn"]
    mending.callback(account.sns.delete_topic, TopicArn=made)


@FAMILY.fault("the configuration declares a type that nothing reads", "resources-known")
def type_without_reader(account: Account, mending: ExitStack) -> None:
    queue = 'resource "aws_kinesis_stream" "records" {\n  name = "records"\n}\n'
    account.change_configuration(mending, "delivery.tf", lambda text: f"{text}\n{queue}")


# --- names: the deployment says by its outputs what it calls things -------------------------------


def key_alias(account: Account, mending: ExitStack) -> None:
    alias, before = "alias/audit", account.outputs["kms_key_alias"]
    key = {"TargetKeyId": account.outputs["kms_key_arn"]}
    # A second alias beside the first would be another fault, of the key.
    mending.callback(account.kms.create_alias, AliasName=before, **key)
    account.kms.delete_alias(AliasName=before)
    account.kms.create_alias(AliasName=alias, **key)
    mending.callback(account.kms.delete_alias, AliasName=alias)
    account.change_outputs(mending, kms_key_alias=alias)


_ALIAS = "the key's alias was exchanged for one of its own choosing, and the deployment uses it"
FAMILY.add("key-alias", _ALIAS, key_alias, "names-follow-convention", unless=_PROTECTED)
FAMILY.add(
    "key-alias-that-nobody-protects",
    f"{_ALIAS}: what lets roles alter the key names the other",
    key_alias,
    "names-follow-convention",
    _PROTECTED,
    "roles-least-privilege",
    "access-roles-refused-by-simulation",
    needs=_PROTECTED,
)


def _rename(output: str, account: Account, mending: ExitStack) -> None:
    account.change_outputs(mending, **{output: "audit"})


for _output in ("trail_name", "alert_topic_name"):
    FAMILY.add(
        f"{_output.replace('_', '-')}-by-itself",
        f"the deployment calls its {_output} audit",
        partial(_rename, _output),
        "names-follow-convention",
    )


# --- declared, required and live ------------------------------------------------------------------


def _weaken(file: str, edit: Callable[[str], str], account: Account, mending: ExitStack) -> None:
    account.change_configuration(mending, file, edit)


def _replacing(before: str, after: str) -> Callable[[str], str]:
    return lambda text: text.replace(before, after)


for _name, _description, _file, _before, _after in (
    (
        "rotation",
        "no key rotation",
        "key.tf",
        "enable_key_rotation     = true",
        "enable_key_rotation     = false",
    ),
    (
        "versioning",
        "suspended versioning",
        "log_bucket.tf",
        'status = "Enabled"',
        'status = "Suspended"',
    ),
    (
        "regions",
        "a trail of one region",
        "trail.tf",
        "is_multi_region_trail         = true",
        "is_multi_region_trail         = false",
    ),
):
    FAMILY.add(
        f"configuration-without-{_name}",
        f"the Terraform configuration was changed to {_description}, and not yet applied",
        partial(_weaken, _file, _replacing(_before, _after)),
        "declared-matches-live",
    )
