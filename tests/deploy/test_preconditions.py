"""Whatever is missing or wrong is said once: what, and what to do about it."""

from __future__ import annotations

import socket
from collections.abc import Callable

import pytest

from tests.deploy.support import FakeAws, Machine, Outcome, run

FailsClearly = Callable[[Outcome, str, str], None]


def test_no_terraform(machine: Machine, fails_clearly: FailsClearly) -> None:
    (machine.folder / "bin" / "terraform").unlink()
    machine.environment["PATH"] = str(machine.folder / "bin")
    fails_clearly(
        machine.deploy("plan", *machine.package),
        "Neither terraform nor tofu was found on PATH",
        "Install Terraform 1.5 or later",
    )


def test_named_terraform_does_not_exist(machine: Machine, fails_clearly: FailsClearly) -> None:
    machine.environment["TERRAFORM"] = "/nowhere/terraform"
    fails_clearly(
        machine.deploy("plan", *machine.package), "/nowhere/terraform", "Install Terraform"
    )


@pytest.mark.parametrize("version", ["Terraform v1.4.7", "Terraform v0.15.0"])
def test_terraform_is_too_old(machine: Machine, fails_clearly: FailsClearly, version: str) -> None:
    machine.environment["SHIM_VERSION"] = version
    fails_clearly(machine.deploy("plan", *machine.package), "1.5.0 or later", "Update it")


def test_not_terraform_at_all(machine: Machine, fails_clearly: FailsClearly) -> None:
    machine.install("terraform", "#!/bin/sh\necho hello\n")
    fails_clearly(
        machine.deploy("plan", *machine.package),
        "does not say that it is Terraform",
        "TERRAFORM=/path/to/terraform",
    )


@pytest.mark.parametrize(
    ("version", "needed"),
    [
        ("Terraform v1.5.7", "1.7.0 or later"),
        ("Terraform v1.6.6", "1.7.0 or later"),
        ("OpenTofu v1.6.3", "1.8.0 or later"),
        ("OpenTofu v1.7.10", "1.8.0 or later"),
    ],
)
def test_native_tests_need_mocked_providers(
    machine: Machine, fails_clearly: FailsClearly, version: str, needed: str
) -> None:
    machine.environment["SHIM_VERSION"] = version
    fails_clearly(machine.deploy("check"), needed, "Update it")


def test_no_provider_in_the_named_mirror(machine: Machine, fails_clearly: FailsClearly) -> None:
    empty = machine.folder / "empty"
    empty.mkdir()
    machine.mirror(empty, "4.67.0")
    machine.environment["TF_PLUGIN_MIRROR"] = str(empty)
    fails_clearly(
        machine.deploy("plan", *machine.package),
        "holds no version 5 of the AWS provider",
        "unset TF_PLUGIN_MIRROR",
    )


def test_provider_cannot_be_installed(signed_in: Machine, fails_clearly: FailsClearly) -> None:
    signed_in.environment |= {
        "SHIM_FAILS": "init",
        "SHIM_MESSAGE": "Error: Failed to query available provider packages",
    }
    outcome = signed_in.deploy("plan", *signed_in.package)
    assert outcome.code == 2
    assert "The AWS provider could not be installed" in outcome.stderr
    assert "TF_PLUGIN_MIRROR=/path/to/mirror" in outcome.stderr
    assert "Traceback" not in outcome.text


def test_no_credentials(machine: Machine, fails_clearly: FailsClearly) -> None:
    fails_clearly(
        machine.deploy("plan", *machine.package),
        "No complete AWS credentials",
        "aws sso login",
    )
    assert machine.commands() == []


@pytest.mark.parametrize(
    ("refusal", "cause"),
    [
        ("ExpiredToken", "have expired (ExpiredToken)"),
        ("InvalidClientTokenId", "does not accept the credentials (InvalidClientTokenId)"),
        ("SignatureDoesNotMatch", "does not accept the credentials (SignatureDoesNotMatch)"),
        ("AccessDenied", "refused to say who you are"),
    ],
)
def test_credentials_are_refused(
    signed_in: Machine, fake_aws: FakeAws, fails_clearly: FailsClearly, refusal: str, cause: str
) -> None:
    fake_aws.refusal = refusal
    outcome = signed_in.deploy("apply", "--auto-approve", *signed_in.package)
    fails_clearly(outcome, cause, "Sign in")
    assert "not-a-real-secret-either" not in outcome.text


def test_unknown_credentials_profile(signed_in: Machine, fails_clearly: FailsClearly) -> None:
    signed_in.environment["AWS_PROFILE"] = "nobody"
    fails_clearly(signed_in.deploy("plan", *signed_in.package), "nobody", "AWS_PROFILE")


def test_aws_cannot_be_reached(signed_in: Machine, fails_clearly: FailsClearly) -> None:
    signed_in.environment["AWS_ENDPOINT_URL_STS"] = f"http://127.0.0.1:{_closed_port()}"
    fails_clearly(
        signed_in.deploy("plan", *signed_in.package), "AWS could not be reached", "the network"
    )


def test_an_endpoint_would_lead_elsewhere(
    signed_in: Machine, fake_aws: FakeAws, fails_clearly: FailsClearly
) -> None:
    signed_in.environment["AWS_ENDPOINT_URL"] = fake_aws.url
    fails_clearly(
        signed_in.deploy("plan", *signed_in.package),
        "would not go to AWS",
        f"--sandbox {fake_aws.url}",
    )


def test_no_terminal_to_confirm_on(signed_in: Machine, fails_clearly: FailsClearly) -> None:
    for command in (["apply", *signed_in.package], ["destroy"]):
        fails_clearly(signed_in.deploy(*command), "no terminal to confirm it on", "AUTO_APPROVE=1")
    assert signed_in.commands() == []


def test_unknown_profile(signed_in: Machine, fails_clearly: FailsClearly) -> None:
    fails_clearly(
        signed_in.deploy("plan", "--profile", "production", *signed_in.package),
        "There is no profile production",
        "dev",
    )


@pytest.mark.parametrize("region", ["Singapore", "ap-southeast-1a", "eu-west"])
def test_not_a_region(signed_in: Machine, fails_clearly: FailsClearly, region: str) -> None:
    fails_clearly(
        signed_in.deploy("plan", "--region", region, *signed_in.package),
        f"{region} is not an AWS region code",
        "eu-west-1",
    )


def test_function_is_not_built(signed_in: Machine, fails_clearly: FailsClearly) -> None:
    missing = str(signed_in.folder / "missing.zip")
    fails_clearly(
        signed_in.deploy("apply", "--auto-approve", "--function-package", missing),
        f"{missing} does not exist",
        "python lambda/build.py",
    )


def test_sandbox_is_not_running(machine: Machine, fails_clearly: FailsClearly) -> None:
    url = f"http://127.0.0.1:{_closed_port()}"
    fails_clearly(
        machine.deploy("apply", "--sandbox", url, *machine.package),
        f"No sandbox answers at {url}",
        "make sandbox",
    )


def test_something_else_runs_there(
    machine: Machine, fake_aws: FakeAws, fails_clearly: FailsClearly
) -> None:
    fake_aws.health = False
    fails_clearly(
        machine.deploy("apply", "--sandbox", fake_aws.url, *machine.package),
        "is not a sandbox (HTTP 404)",
        "make sandbox",
    )


@pytest.mark.parametrize("url", ["4599", "ftp://127.0.0.1", "http://", "http://127.0.0.1:port"])
def test_not_an_address(machine: Machine, fails_clearly: FailsClearly, url: str) -> None:
    fails_clearly(
        machine.deploy("plan", "--sandbox", url, *machine.package),
        "is not an HTTP address",
        "http://127.0.0.1:4599",
    )


def test_state_bucket_needs_native_locking(signed_in: Machine, fails_clearly: FailsClearly) -> None:
    signed_in.environment["SHIM_VERSION"] = "Terraform v1.9.8"
    fails_clearly(
        signed_in.deploy("plan", "--state-bucket", "states", *signed_in.package),
        "1.10.0 or later",
        "Update it",
    )


def test_state_bucket_does_not_exist(signed_in: Machine, fails_clearly: FailsClearly) -> None:
    fails_clearly(
        signed_in.deploy("plan", "--state-bucket", "nowhere", *signed_in.package),
        "The state bucket nowhere does not exist",
        "Create it first",
    )


def test_nothing_is_deployed(signed_in: Machine, fails_clearly: FailsClearly) -> None:
    signed_in.environment["SHIM_OUTPUTS"] = "{}"
    fails_clearly(
        signed_in.deploy("outputs"),
        "Nothing is deployed on AWS account 111122223333",
        "make deploy",
    )


def test_outputs_cannot_be_written(signed_in: Machine, fails_clearly: FailsClearly) -> None:
    fails_clearly(
        signed_in.deploy("outputs", "--output", str(signed_in.folder)),
        "could not be written",
        "--output FILE",
    )


@pytest.mark.parametrize("arguments", [[], ["deploy"], ["apply", "--nonsense"]])
def test_usage_errors(machine: Machine, arguments: list[str]) -> None:
    outcome = run(*arguments, environment=machine.environment)
    assert outcome.code == 2
    assert "usage: python -m deploy" in outcome.stderr
    assert "Traceback" not in outcome.stderr


@pytest.mark.parametrize("command", ["", "apply", "plan", "destroy", "outputs", "check"])
def test_help_everywhere(machine: Machine, command: str) -> None:
    outcome = run(*filter(None, [command]), "--help", environment=machine.environment)
    assert outcome.code == 0
    assert "usage: python -m deploy" in outcome.stdout


def _closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
