"""Inventory faults: tags, names, and a configuration that says something else than the account."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial

from mutants.account import Account
from mutants.model import Family

FAMILY = Family("inventory")


# --- tags: each kind of resource has a tagging call of its own ------------------------------------


@FAMILY.fault("the VPC has lost its Owner", "resources-tagged")
def vpc_tag(account: Account, mending: ExitStack) -> None:
    resource = {"Resources": [account.outputs["vpc_id"]]}
    tag = {"Key": "Owner", "Value": account.outputs["tags"]["Owner"]}
    mending.callback(account.ec2.create_tags, **resource, Tags=[tag])
    account.ec2.delete_tags(**resource, Tags=[{"Key": "Owner"}])


@FAMILY.fault("the trail says that it is for another purpose", "resources-tagged")
def trail_tag(account: Account, mending: ExitStack) -> None:
    def put(value: str) -> None:
        account.cloudtrail.add_tags(
            ResourceId=account.outputs["trail_arn"],
            TagsList=[{"Key": "Purpose", "Value": value}],
        )

    mending.callback(put, "audit-logging")
    put("trying out")


@FAMILY.fault("the bucket has no tag at all", "resources-tagged")
def bucket_tags(account: Account, mending: ExitStack) -> None:
    bucket = {"Bucket": account.outputs["log_bucket_name"]}
    tags = account.s3.get_bucket_tagging(**bucket)["TagSet"]
    mending.callback(account.s3.put_bucket_tagging, **bucket, Tagging={"TagSet": tags})
    account.s3.delete_bucket_tagging(**bucket)


@FAMILY.fault("the key's CostCenter is empty", "resources-tagged")
def key_tag(account: Account, mending: ExitStack) -> None:
    def put(value: str) -> None:
        account.kms.tag_resource(
            KeyId=account.outputs["kms_key_arn"],
            Tags=[{"TagKey": "CostCenter", "TagValue": value}],
        )

    mending.callback(put, account.outputs["tags"]["CostCenter"])
    put("")


@FAMILY.fault("the function's Environment says production", "resources-tagged")
def function_tag(account: Account, mending: ExitStack) -> None:
    resource = {"Resource": account.outputs["function_arn"]}
    tags = {"Environment": account.outputs["environment"]}
    mending.callback(account.functions.tag_resource, **resource, Tags=tags)
    account.functions.tag_resource(**resource, Tags={"Environment": "prod"})


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


# --- names: the deployment says by its outputs what it calls things -------------------------------


@FAMILY.fault(
    "the key got an alias of its own choosing, and the deployment uses it",
    "names-follow-convention",
)
def key_alias(account: Account, mending: ExitStack) -> None:
    alias = "alias/audit"
    account.kms.create_alias(AliasName=alias, TargetKeyId=account.outputs["kms_key_id"])
    mending.callback(account.kms.delete_alias, AliasName=alias)
    account.change_outputs(mending, kms_key_alias=alias)


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
