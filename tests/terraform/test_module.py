"""Facts about the module that Terraform itself does not check."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from deploy import provider
from tests.terraform.support import MODULE, MODULES, ROOT, blocks, code, resource_types, text
from verify.inputs.deployment import Deployment

# What the verification suite reads; the one list is Deployment's own.
OUTPUTS = {output.name for output in fields(Deployment)}

# Types without tags in the provider's schema.
UNTAGGED = {
    "aws_athena_named_query",
    "aws_glue_catalog_table",
    "aws_guardduty_detector_feature",
    "aws_cloudformation_stack_instances",
    "aws_cloudwatch_dashboard",
    "aws_cloudwatch_event_target",
    "aws_cloudwatch_log_data_protection_policy",
    "aws_cloudwatch_log_metric_filter",
    "aws_cloudwatch_log_resource_policy",
    "aws_cloudwatch_log_subscription_filter",
    "aws_config_configuration_recorder",
    "aws_config_configuration_recorder_status",
    "aws_config_delivery_channel",
    "aws_config_retention_configuration",
    "aws_ebs_encryption_by_default",
    "aws_iam_account_password_policy",
    "aws_iam_role_policy_attachment",
    "aws_kms_alias",
    "aws_lambda_alias",
    "aws_lambda_permission",
    "aws_route_table_association",
    "aws_s3_account_public_access_block",
    "aws_securityhub_account",
    "aws_securityhub_standards_subscription",
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
    "aws_security_group_rule",
    "aws_sns_topic_policy",
    "aws_sns_topic_subscription",
}


def test_the_outputs_are_the_agreed_ones() -> None:
    assert set(blocks("output")) == OUTPUTS
    assert len(OUTPUTS) >= 25


def _named(kind: str) -> list[Any]:
    """Each block of a kind, with its module."""
    return [
        pytest.param(module, name, id=f"{module.name}-{name}")
        for module in MODULES
        for name in sorted(blocks(kind, module))
    ]


@pytest.mark.parametrize(("module", "name"), _named("output"))
def test_every_output_is_described_and_used(module: Path, name: str) -> None:
    output = blocks("output", module)[name]
    description = output["description"].strip('"')
    assert description.endswith(".")
    assert len(description.split()) >= 3
    if module != MODULE:
        of_it = rf"\bmodule\.{module.name}(\[\*\])?\.{name}\b"
        assert re.search(of_it, code(MODULE)) is not None


@pytest.mark.parametrize(("module", "name"), _named("variable"))
def test_every_variable_is_described_typed_validated_and_used(module: Path, name: str) -> None:
    variable = blocks("variable", module)[name]
    assert variable["description"].strip('"').count(" ") >= 3
    assert "type" in variable
    # The profile sets what it must, and a plain plan needs no input; what a module is given
    # has its default there, and nowhere else.
    assert ("default" in variable) == (module == MODULE)
    assert f"var.{name}" in _without(code(module), name), "a variable that nothing reads is dead"


def _without(text: str, variable: str) -> str:
    return re.sub(rf'^variable "{variable}" \{{.*?^\}}', "", text, flags=re.M | re.S)


# What the root gives its modules of its own making, which no user could get wrong.
_MADE = {
    "access_log_bucket_names",
    "break_glass_role_arns",
    "flow_log_group_name",
    "kms_key_arn",
    "log_bucket_name",
    "result_reader_arns",
}


@pytest.mark.parametrize(
    "name", sorted({name for module in MODULES for name in blocks("variable", module)})
)
def test_what_a_good_value_is_is_said_in_one_place(name: str) -> None:
    """By the module whose variable it is, or by the root for all of them."""
    declared = [found for module in MODULES if (found := blocks("variable", module).get(name))]
    validated = sum("validation" in variable for variable in declared)
    truth = {str(variable["type"]).strip("${}") for variable in declared} == {"bool"}
    assert validated == (0 if truth or name in _MADE else 1)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
def test_every_local_is_used(module: Path) -> None:
    names = {
        name
        for block in re.findall(r"^locals \{\n(.*?)^\}", code(module), re.MULTILINE | re.DOTALL)
        for name in re.findall(r"^  ([a-z0-9_]+)\s+= ", block, re.MULTILINE)
    }
    assert len(names) > 5
    assert sorted(name for name in names if f"local.{name}" not in code(module)) == []


def test_what_was_in_the_root_is_moved_into_the_network_under_its_name() -> None:
    """That it works, a state of before shows (tests/deploy/test_sandbox_deployment.py)."""
    moved = re.findall(
        r"^moved \{\n  from = (\S+)\n  to   = module\.network\[0\]\.(\S+)\n\}",
        code(MODULE),
        re.MULTILINE,
    )
    network = code(MODULE / "modules" / "network")
    declared = re.findall(r'^resource "(\w+)" "(\w+)"', network, re.MULTILINE)
    assert len(moved) == code(MODULE).count("moved {") == 29
    assert all(before == after for before, after in moved)
    assert {before for before, _ in moved} <= {".".join(labels) for labels in declared}


def test_modules_ask_for_the_same_provider_and_leave_its_newest_release_to_the_root() -> None:
    for module in MODULES[1:]:
        versions = (module / "versions.tf").read_text(encoding="utf-8")
        assert re.findall(r'source\s*=\s*"([^"]+)"', versions) == ["hashicorp/aws"]
        assert re.findall(r'version\s*=\s*"([^"]+)"', versions) == [">= 1.5.0", ">= 5.100"]
        assert 'provider "' not in text(module)


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


def test_ways_to_the_internet_are_those_of_the_public_subnets_alone() -> None:
    """That there are none without public subnets, terraform's own tests show."""
    forbidden = {"aws_egress_only_internet_gateway", "aws_route", "aws_vpc_peering_connection"}
    assert forbidden.isdisjoint(resource_types())
    ways = re.findall(
        r'^resource "aws_(?:internet_gateway|nat_gateway|eip)" "\w+" \{\n\s*count = (.*)$',
        code(),
        re.MULTILINE,
    )
    types = resource_types()
    declared = [*types["aws_internet_gateway"], *types["aws_nat_gateway"], *types["aws_eip"]]
    assert len(ways) == len(declared) == 3
    assert set(ways) == {"local.tiers", "length(var.public_subnet_cidr_blocks)"}


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
    # Two are named: the boundary that keeps a scratch role from everything, and what a probe may
    # attach to a role so bounded. None is attached.
    named = set(re.findall(r":iam::aws:policy/(\w+)", _values()))
    assert named <= {"AWSDenyAll", "AdministratorAccess"}


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
