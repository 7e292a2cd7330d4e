"""What the configuration says, found without parsing more of it than is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.suite.support import ROOT
from verify.check import Check, ControlFailedError
from verify.inputs.declared import Configuration, DeclaredError, NotDeclaredError, Unresolved

_MODULE = """
variable "range" {
  default = "10.0.0.0/16"
}
variable "days" { default = 7 }
variable "owner" {
  type = string
}
variable "nothing" {
  default = null
}

resource "aws_vpc" "audit" {
  cidr_block         = var.range # not "10.9.0.0/16" /* nor <<this
  enable_dns_support = true
  tags               = { Name = "vpc-${var.range}" }
}

resource "aws_kms_key" "logs" {
  deletion_window_in_days = var.days
  description             = var.owner
  policy                  = var.nothing
  rotation {
    enabled = true
    period  = 90
  }
}
"""


def _configuration(folder: Path, text: str, assignments: str = "") -> Configuration:
    (folder / "main.tf").write_text(text)
    (folder / "profiles").mkdir()
    (folder / "profiles/dev.tfvars").write_text(assignments)
    return Configuration(folder, "dev")


@pytest.mark.parametrize(
    ("address", "value"),
    [
        ("aws_vpc.audit.cidr_block", "10.0.0.0/16"),
        ("aws_vpc.audit.enable_dns_support", True),
        ("aws_vpc.audit.enable_dns_hostnames", None),
        ("aws_vpc.audit.cidr_block.deeper", None),
        ("aws_vpc.audit.tags", {"Name": Unresolved("vpc-${var.range}")}),
        ("aws_kms_key.logs.deletion_window_in_days", 14),
        ("aws_kms_key.logs.description", Unresolved("${var.owner}")),
        ("aws_kms_key.logs.policy", None),
        ("aws_kms_key.logs.rotation.period", 90),
        ("var.range", "10.0.0.0/16"),
        ("var.days", 14),
        ("var.unheard_of", Unresolved("${var.unheard_of}")),
    ],
)
def test_an_argument_is_known_or_said_to_be_unknown(
    tmp_path: Path, address: str, value: object
) -> None:
    assert _configuration(tmp_path, _MODULE, "days = 14\n").argument(address) == value


def test_variables_of_ones_own_take_the_place_of_the_profiles(tmp_path: Path) -> None:
    _configuration(tmp_path, _MODULE, "days = 14\n")
    own = tmp_path / "strict.tfvars"
    own.write_text('days = 30\nrange = "10.1.0.0/16"\n')
    configuration = Configuration(tmp_path, "dev", own)
    assert configuration.argument("aws_kms_key.logs.deletion_window_in_days") == 30
    assert configuration.argument("aws_vpc.audit.cidr_block") == "10.1.0.0/16"
    with pytest.raises(DeclaredError, match="absent"):
        Configuration(tmp_path, "dev", tmp_path / "absent.tfvars").argument("var.days")


def test_our_own_configuration_is_read_block_by_block() -> None:
    configuration = Configuration(ROOT / "terraform", "dev")
    assert configuration.argument("aws_lambda_function.compliance_checker.timeout") == 60
    assert configuration.argument("var.private_subnet_cidr_blocks") == [
        "10.0.10.0/24",
        "10.0.20.0/24",
    ]


# --- modules --------------------------------------------------------------------------------------

_CALL = """
variable "range" { default = "10.0.0.0/16" }
module "network" {
  source = "./modules/network"
  count  = var.range == null ? 0 : 1
  range  = var.range
  names  = [var.range, "b"]
  key    = aws_kms_key.logs.arn
}
"""
_CALLED = """
variable "range" { type = string }
variable "names" { type = list(string) }
variable "key" { type = string }
variable "count" { default = 3 }
resource "aws_vpc" "audit" {
  cidr_block = var.range
  names      = var.names
  key        = var.key
  number     = var.count
}
module "deeper" {
  source = "../deeper"
  range  = var.range
}
"""
_DEEPER = 'variable "range" {}\nresource "aws_subnet" "one" {\n  cidr_block = var.range\n}\n'


def _calling(folder: Path, called: str = _CALLED) -> Configuration:
    for name, text in (("network", called), ("deeper", _DEEPER)):
        (folder / "modules" / name).mkdir(parents=True)
        (folder / "modules" / name / "main.tf").write_text(text)
    return _configuration(folder, _CALL)


@pytest.mark.parametrize(
    ("address", "value"),
    [
        ("module.network.aws_vpc.audit.cidr_block", "10.1.0.0/16"),
        ("module.network.aws_vpc.audit.names", ["10.1.0.0/16", "b"]),
        ("module.network.aws_vpc.audit.key", Unresolved("${aws_kms_key.logs.arn}")),
        ("module.network.aws_vpc.audit.number", 3),
        ("module.network.aws_vpc.audit.tags", None),
        ("module.network.module.deeper.aws_subnet.one.cidr_block", "10.1.0.0/16"),
        ("module.network.var.range", "10.1.0.0/16"),
    ],
)
def test_a_module_declares_with_what_it_is_given(
    tmp_path: Path, address: str, value: object
) -> None:
    _calling(tmp_path)
    own = tmp_path / "own.tfvars"
    own.write_text('range = "10.1.0.0/16"\n')
    assert Configuration(tmp_path, "dev", own).argument(address) == value


def test_resources_are_those_of_modules_too(tmp_path: Path) -> None:
    configuration = _calling(tmp_path)
    assert configuration.resources() == {
        "module.network.aws_vpc.audit",
        "module.network.module.deeper.aws_subnet.one",
    }
    assert configuration.resource_types() == {"aws_vpc", "aws_subnet"}


@pytest.mark.parametrize(
    ("called", "said"),
    [
        (
            'module "x" {\n  source = "git::https://example.org/x"\n}\n',
            r"^module\.network\.module\.x comes from git::https://example\.org/x: .*cannot be read",
        ),
        ('module "x" {\n  source = "../absent"\n}\n', r"no Terraform configuration in .*absent"),
        ('module "x" {\n  source = "./"\n}\n', r"^module\.network\.module\.x calls itself"),
        ('resource "aws_vpc" "a" {\n  b = \n}\n', r"modules/network/main\.tf is not HCL"),
    ],
)
def test_a_module_that_cannot_be_seen_is_not_left_out(
    tmp_path: Path, called: str, said: str
) -> None:
    configuration = _calling(tmp_path, called)
    below = "module.x." if "module" in called else ""
    with pytest.raises(DeclaredError, match=said):
        configuration.argument(f"module.network.{below}aws_vpc.a.b")
    if below:
        with pytest.raises(DeclaredError, match=said):
            configuration.resource_types()


def test_what_a_module_does_not_declare_is_named_whole(tmp_path: Path) -> None:
    with pytest.raises(NotDeclaredError, match=r"declares no module\.network\.aws_vpc\.other$"):
        _calling(tmp_path).argument("module.network.aws_vpc.other.cidr_block")
    with pytest.raises(NotDeclaredError, match=r"declares no module\.elsewhere$"):
        Configuration(tmp_path, "dev").argument("module.elsewhere.aws_vpc.other.cidr_block")


def test_our_own_network_is_found_in_its_module() -> None:
    configuration = Configuration(ROOT / "terraform", "prod")
    assert configuration.argument("module.network.aws_vpc.audit.cidr_block") == "10.0.0.0/16"
    assert (
        configuration.argument("module.network.aws_cloudwatch_log_group.flow.retention_in_days")
        == 365
    )
    assert "aws_nat_gateway" in configuration.resource_types()


_REAL = 'resource "aws_vpc" "audit" {\n  cidr_block = "real"\n}\n'
_FALSE = 'resource "aws_vpc" "audit" {\n  cidr_block = "false"\n}\n'


@pytest.mark.parametrize(
    "text",
    [
        f"{_REAL}/*\n{_FALSE}*/\n",
        f"locals {{\n  x = <<EOT\n{_FALSE}EOT\n}}\n{_REAL}",
        'resource "aws_vpc" "audit" {\n  x {\n  y = 1\n}\n  cidr_block = "real"\n}\n',
        '  resource "aws_vpc" "audit" {\n  cidr_block = "real"\n  }\n',
        'resource "aws_vpc" "audit" { cidr_block = "real" }\n',
        'resource aws_vpc audit {\n  cidr_block = "real"\n}\n',
        f'variable "one" {{}} # nothing\n{_REAL}variable "two" {{\n}} # nothing\n{_REAL}',
        f'locals {{\n  x = "#"\n  y = "}}" # "/*\n}}\n{_REAL}',
    ],
    ids=[
        "commented-out",
        "in-a-heredoc",
        "brace-in-the-first-column",
        "indented",
        "one-line",
        "without-quotes",
        "words-after-the-brace",
        "hidden-in-strings",
    ],
)
def test_no_layout_makes_it_read_something_else(tmp_path: Path, text: str) -> None:
    assert _configuration(tmp_path, text).argument("aws_vpc.audit.cidr_block") == "real"


def test_what_is_not_declared_is_told_from_what_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(DeclaredError, match=r"no Terraform configuration in .*--terraform"):
        Configuration(tmp_path / "absent", "dev").argument("aws_vpc.audit.cidr_block")
    broken = _configuration(tmp_path, 'resource "aws_vpc" "audit" {\n  cidr_block = \n}\n')
    with pytest.raises(DeclaredError, match=r"main\.tf is not HCL: ") as caught:
        broken.argument("aws_vpc.audit.cidr_block")
    assert not isinstance(caught.value, NotDeclaredError)
    with pytest.raises(NotDeclaredError, match=r"declares no aws_vpc\.other"):
        broken.argument("aws_vpc.other.cidr_block")


# --- said three ways ------------------------------------------------------------------------------


@pytest.fixture
def check(tmp_path: Path) -> Check:
    return Check(configuration=_configuration(tmp_path, _MODULE))


def _failure(check: Check) -> str:
    with pytest.raises(ControlFailedError) as caught:
        check.conclude()
    return str(caught.value)


def test_what_differs_is_said_three_ways(check: Check) -> None:
    check.equal("vpc-1", "DNS", expected=True, seen=False, declared="aws_vpc.audit.cidr_block")
    assert _failure(check) == "vpc-1: DNS: declared 10.0.0.0/16, required yes, live no"


@pytest.mark.parametrize(
    "address", ["aws_kms_key.logs.description", "aws_vpc.other.cidr_block", None]
)
def test_what_is_not_known_to_be_declared_is_left_out(check: Check, address: str | None) -> None:
    check.equal("vpc-1", "DNS", expected=True, seen=False, declared=address)
    assert _failure(check) == "vpc-1: DNS: required yes, live no"


@pytest.mark.parametrize(
    ("required", "live", "met"), [(True, True, True), (False, False, False), (True, False, False)]
)
def test_all_three_must_agree(check: Check, required: bool, live: bool, met: bool) -> None:
    check.agree("vpc-1", "aws_vpc.audit.enable_dns_support", expected=required, seen=live)
    [observation] = check.observations
    assert (observation.met, observation.declared) == (met, "yes")


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("aws_vpc.other.cidr_block", "the configuration declares no aws_vpc.other"),
        ("aws_vpc.audit.enable_dns_hostnames", "nothing"),
    ],
)
def test_what_is_required_must_be_declared(check: Check, address: str, said: str) -> None:
    check.agree("vpc-1", address, expected=True, seen=True)
    assert _failure(check) == f"vpc-1: {address}: declared {said}, required yes, live yes"


def test_what_only_terraform_can_compute_is_not_a_match(check: Check) -> None:
    check.agree("key-1", "aws_kms_key.logs.description", expected="x", seen="x")
    observed: list[Any] = check.observations
    assert observed == []
    assert check.unknowns == ["key-1: aws_kms_key.logs.description is the expression ${var.owner}"]
