"""Facts about the module that Terraform itself does not check."""

from __future__ import annotations

import re
from dataclasses import fields

import pytest

from deploy import provider
from tests.terraform.support import MODULE, ROOT, blocks, code, resource_types, text
from verify.inputs.deployment import Deployment

# What the verification suite reads; the one list is Deployment's own.
OUTPUTS = {output.name for output in fields(Deployment)}

# Types without tags in the provider's schema.
UNTAGGED = {
    "aws_cloudformation_stack_instances",
    "aws_cloudwatch_log_metric_filter",
    "aws_cloudwatch_event_target",
    "aws_cloudwatch_log_subscription_filter",
    "aws_iam_role_policy_attachment",
    "aws_kms_alias",
    "aws_lambda_alias",
    "aws_lambda_permission",
    "aws_route_table_association",
    "aws_s3_bucket_ownership_controls",
    "aws_s3_bucket_policy",
    "aws_s3_bucket_public_access_block",
    "aws_s3_bucket_server_side_encryption_configuration",
    "aws_s3_bucket_versioning",
    "aws_sns_topic_policy",
    "aws_sns_topic_subscription",
}


def test_the_outputs_are_the_agreed_ones() -> None:
    assert set(blocks("output")) == OUTPUTS
    assert len(OUTPUTS) >= 25


@pytest.mark.parametrize("name", sorted(OUTPUTS))
def test_every_output_is_described(name: str) -> None:
    description = blocks("output")[name]["description"].strip('"')
    assert description.endswith(".")
    assert len(description.split()) >= 4


@pytest.mark.parametrize("name", sorted(blocks("variable")))
def test_every_variable_is_described_typed_validated_and_used(name: str) -> None:
    variable = blocks("variable")[name]
    assert variable["description"].strip('"').count(" ") >= 3
    assert "type" in variable
    assert "default" in variable, "the profile sets what it must; a plain plan needs no input"
    assert (
        "validation" in variable
        or str(variable["type"]) == "${bool}"
        or (str(variable["type"]) == "bool")
    )
    uses = re.sub(r'^variable "' + name + r'" \{.*?^\}', "", code(), flags=re.M | re.S)
    assert f"var.{name}" in uses, "a variable that nothing reads is dead"


def test_every_local_is_used() -> None:
    names = {
        name
        for block in re.findall(r"^locals \{\n(.*?)^\}", code(), re.MULTILINE | re.DOTALL)
        for name in re.findall(r"^  ([a-z0-9_]+)\s+= ", block, re.MULTILINE)
    }
    assert len(names) > 20
    assert sorted(name for name in names if f"local.{name}" not in code()) == []


def test_one_provider_of_the_agreed_versions() -> None:
    versions = (MODULE / "versions.tf").read_text(encoding="utf-8")
    assert re.findall(r'source\s*=\s*"([^"]+)"', versions) == ["hashicorp/aws"]
    assert re.findall(r'version\s*=\s*"([^"]+)"', versions) == [
        ">= 1.5.0",
        ">= 5.100, < 7.0",
    ]
    assert provider.SUITABLE == ">= 5.100, < 7.0"
    assert (provider.MINIMUM, provider.BELOW) == ((5, 100, 0), (7, 0, 0))
    types = {*resource_types(), *re.findall(r'^data "([a-z0-9_]+)"', code(), re.MULTILINE)}
    assert {type_.partition("_")[0] for type_ in types} == {"aws"}


def test_nothing_resists_destruction() -> None:
    assert "prevent_destroy" not in code()
    assert "skip_destroy" not in code()
    assert "retain_on_delete" not in code()


def test_no_way_to_the_internet_is_declared() -> None:
    forbidden = {
        "aws_internet_gateway",
        "aws_nat_gateway",
        "aws_egress_only_internet_gateway",
        "aws_eip",
        "aws_route",
        "aws_vpc_peering_connection",
    }
    assert forbidden.isdisjoint(resource_types())


def test_no_credential_and_no_endpoint_is_declared() -> None:
    block = (MODULE / "provider.tf").read_text(encoding="utf-8")
    for word in ("access_key", "secret_key", "endpoints", "skip_", "token", "profile", "assume"):
        assert word not in re.sub(r"#.*", "", block)
    assert not re.search(r"\b(AKIA|ASIA)[A-Z0-9]{16}\b", text())
    assert not re.search(r"\b\d{12}\b", re.sub(r'"[^"]*(message|example)[^"]*"', "", _values()))


def _values() -> str:
    """The code without error messages and descriptions, whose examples hold made-up accounts."""
    return re.sub(r"^\s*(error_message|description)\s*=.*$", "", code(), flags=re.MULTILINE)


def test_the_attribute_that_changed_meaning_is_avoided() -> None:
    # `name` is deprecated in provider 6 and `region` unknown in 5; `id` is right in both.
    assert "aws_region.current.id" in code()
    assert "aws_region.current.name" not in code()
    assert "aws_region.current.region" not in code()


def test_every_taggable_resource_has_a_name_tag() -> None:
    bodies = re.findall(
        r'^resource "([a-z0-9_]+)" "([a-z0-9_]+)" \{\n(.*?)^\}', code(), re.MULTILINE | re.DOTALL
    )
    assert len(bodies) > 40
    untagged = {f"{type_}.{name}" for type_, name, body in bodies if "tags = {" not in body}
    assert {address.partition(".")[0] for address in untagged} == UNTAGGED


def test_no_inline_policy_and_no_managed_policy_of_aws() -> None:
    assert not {"aws_iam_role_policy", "aws_iam_user", "aws_iam_access_key"} & set(resource_types())
    assert not re.search(r"inline_policy|managed_policy_arns", code())
    # One is named, as the boundary that keeps a scratch role from everything; none is attached.
    assert set(re.findall(r":iam::aws:policy/(\w+)", _values())) <= {"AWSDenyAll"}


def test_the_dev_profile_sets_declared_variables_alone() -> None:
    profile = (MODULE / "profiles" / "dev.tfvars").read_text(encoding="utf-8")
    names = set(re.findall(r"^([a-z_]+)\s*=", profile, re.MULTILINE))
    assert names <= set(blocks("variable"))
    assert {"profile", "environment"} <= names


def test_no_file_names_a_registry_host() -> None:
    # A lock file would; it is ignored by git, and `python -m deploy` keeps its own elsewhere.
    host = "registry" + ".terraform" + ".io"
    files = [
        path
        for folder in (MODULE, ROOT / "deploy")
        for path in folder.rglob("*")
        if path.is_file()
        and path.name != ".terraform.lock.hcl"
        and not {".terraform", "__pycache__"} & set(path.parts)
    ]
    assert MODULE / "versions.tf" in files
    assert not [path for path in files if host.encode() in path.read_bytes()]
