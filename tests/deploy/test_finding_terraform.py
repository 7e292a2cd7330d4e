"""Which program and which provider are taken, and that the command says so."""

from __future__ import annotations

import platform
import re

from tests.deploy.support import ROOT, Machine


def _init(machine: Machine) -> list[str]:
    arguments: list[str] = next(
        call["arguments"] for call in machine.calls() if "init" in call["arguments"]
    )
    return arguments


def test_terraform_named_by_the_environment(signed_in: Machine) -> None:
    other = signed_in.install_shim("my-terraform")
    signed_in.install("terraform", "#!/bin/sh\nexit 9\n")
    signed_in.environment["TERRAFORM"] = str(other)
    outcome = signed_in.deploy("plan", *signed_in.package)
    assert outcome.code == 0, outcome.text
    assert f"({other})" in outcome.stderr


def test_opentofu_is_taken_when_there_is_no_terraform(signed_in: Machine) -> None:
    (signed_in.folder / "bin" / "terraform").unlink()
    tofu = signed_in.install_shim("tofu")
    signed_in.environment["PATH"] = str(signed_in.folder / "bin")
    signed_in.environment["SHIM_VERSION"] = "OpenTofu v1.8.2\non linux_amd64"
    # OpenTofu takes providers from its own registry's folder alone.
    mirror = signed_in.mirror(signed_in.folder / "mirror", "5.180.0", "registry.opentofu.example")
    signed_in.environment["TF_PLUGIN_MIRROR"] = str(mirror)
    outcome = signed_in.deploy("plan", *signed_in.package)
    assert outcome.code == 0, outcome.text
    assert f"OpenTofu 1.8.2 ({tofu})" in outcome.stderr
    assert "hashicorp/aws 5.180.0 from" in outcome.stderr


def test_a_mirror_in_the_home_folder_is_found(signed_in: Machine) -> None:
    del signed_in.environment["TF_PLUGIN_MIRROR"]
    plugins = signed_in.home / ".terraform.d" / "plugins"
    for version in ("5.100.0", "6.9.0", "6.31.0", "7.0.0", "4.67.0"):
        signed_in.mirror(plugins, version)
    outcome = signed_in.deploy("plan", *signed_in.package)
    assert f"hashicorp/aws 6.31.0 from {plugins}" in outcome.stderr
    assert f"-plugin-dir={plugins}" in _init(signed_in)


def test_a_packed_mirror_is_found(signed_in: Machine) -> None:
    del signed_in.environment["TF_PLUGIN_MIRROR"]
    architecture = {"x86_64": "amd64", "aarch64": "arm64"}.get(
        platform.machine(), platform.machine()
    )
    share = signed_in.folder / "share"
    folder = share / "terraform" / "plugins" / "registry.example.io" / "hashicorp" / "aws"
    folder.mkdir(parents=True)
    (folder / f"terraform-provider-aws_5.144.0_linux_{architecture}.zip").touch()
    (folder / "terraform-provider-aws_5.145.0_plan9_mips.zip").touch()
    signed_in.environment["XDG_DATA_HOME"] = str(share)
    outcome = signed_in.deploy("plan", *signed_in.package)
    assert "hashicorp/aws 5.144.0 from" in outcome.stderr


def test_the_users_own_installation_rules_are_respected(signed_in: Machine) -> None:
    del signed_in.environment["TF_PLUGIN_MIRROR"]
    signed_in.mirror(signed_in.home / ".terraform.d" / "plugins", "5.31.0")
    (signed_in.home / ".terraformrc").write_text(
        'provider_installation {\n  network_mirror {\n    url = "https://mirror.example/"\n  }\n}\n'
    )
    outcome = signed_in.deploy("plan", *signed_in.package)
    assert "as your CLI configuration says" in outcome.stderr
    assert not [argument for argument in _init(signed_in) if "plugin-dir" in argument]


def test_a_configuration_file_that_is_missing_is_ignored(signed_in: Machine) -> None:
    signed_in.environment["TF_CLI_CONFIG_FILE"] = "/nowhere/terraformrc"
    assert signed_in.deploy("plan", *signed_in.package).code == 0
    assert "TF_CLI_CONFIG_FILE" not in signed_in.calls()[0]["environment"]


def test_a_configuration_file_that_exists_is_kept(signed_in: Machine) -> None:
    path = signed_in.folder / "terraformrc"
    path.write_text("disable_checkpoint = true\n")
    signed_in.environment["TF_CLI_CONFIG_FILE"] = str(path)
    assert signed_in.deploy("plan", *signed_in.package).code == 0
    assert signed_in.calls()[0]["environment"]["TF_CLI_CONFIG_FILE"] == str(path)


def test_the_module_and_the_search_agree_on_the_provider_version(signed_in: Machine) -> None:
    with (ROOT / "terraform" / "versions.tf").open() as file:
        constraint = re.search(r'version = ">= (\d+)\.(\d+), < (\d+)\.0"', file.read())
    assert constraint is not None
    oldest, minor, excluded = map(int, constraint.groups())
    mirror = signed_in.folder / "both"
    for version in (f"{oldest}.{minor - 1}.9", f"{oldest}.{minor}.0", f"{excluded}.0.0"):
        signed_in.mirror(mirror, version)
    signed_in.environment["TF_PLUGIN_MIRROR"] = str(mirror)
    outcome = signed_in.deploy("plan", *signed_in.package)
    assert f"hashicorp/aws {oldest}.{minor}.0 from" in outcome.stderr
    signed_in.mirror(mirror, f"{excluded - 1}.99.0")
    outcome = signed_in.deploy("plan", *signed_in.package)
    assert f"hashicorp/aws {excluded - 1}.99.0 from" in outcome.stderr
