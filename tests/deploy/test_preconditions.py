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
    "line", ["[command]/opt/terraform-bin version", "::debug::exitcode: 0"], ids=["old", "debug"]
)
def test_a_wrapper_of_ci(machine: Machine, fails_clearly: FailsClearly, line: str) -> None:
    machine.environment["SHIM_BEFORE_VERSION"] = line
    fails_clearly(
        machine.deploy("plan", *machine.package),
        "is a wrapper that adds lines of its own",
        "terraform_wrapper: false",
    )
    assert machine.commands() == []


@pytest.mark.parametrize("text", ["Downloading ...\n{}", "[" * 100_000])
def test_an_answer_that_is_no_json(
    signed_in: Machine, fails_clearly: FailsClearly, text: str
) -> None:
    signed_in.environment["SHIM_OUTPUTS"] = text
    fails_clearly(
        signed_in.deploy("outputs"), "printed something else than JSON", "TERRAFORM=/path/to"
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


@pytest.mark.parametrize("version", ["4.67.0", "5.99.1", "7.0.0", "6.0.0-beta1"])
def test_no_provider_in_the_named_mirror(
    machine: Machine, fails_clearly: FailsClearly, version: str
) -> None:
    empty = machine.folder / "empty"
    empty.mkdir()
    machine.mirror(empty, version)
    machine.environment["TF_PLUGIN_MIRROR"] = str(empty)
    fails_clearly(
        machine.deploy("plan", *machine.package),
        "holds no version (>= 5.100, < 7.0) of the AWS provider",
        "unset TF_PLUGIN_MIRROR",
    )


@pytest.mark.parametrize(
    ("versions", "chosen"),
    [(["5.100.0", "6.2.0"], "6.2.0"), (["5.100.0", "5.99.0", "7.1.0"], "5.100.0")],
)
def test_the_newest_suitable_provider_of_a_mirror(
    signed_in: Machine, versions: list[str], chosen: str
) -> None:
    mirror = signed_in.folder / "several"
    for version in versions:
        signed_in.mirror(mirror, version)
    signed_in.environment["TF_PLUGIN_MIRROR"] = str(mirror)
    assert f"hashicorp/aws {chosen} from" in signed_in.deploy("plan", *signed_in.package).stderr


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
        "No AWS credentials found",
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
    fails_clearly(outcome, cause, "ign in")
    assert "not-a-real-secret-either" not in outcome.text


def test_unknown_credentials_profile(signed_in: Machine, fails_clearly: FailsClearly) -> None:
    signed_in.environment["AWS_PROFILE"] = "nobody"
    fails_clearly(signed_in.deploy("plan", *signed_in.package), "nobody", "AWS_PROFILE")


def test_aws_cannot_be_reached(signed_in: Machine, fails_clearly: FailsClearly) -> None:
    signed_in.environment["HTTPS_PROXY"] = f"http://127.0.0.1:{_closed_port()}"
    fails_clearly(
        signed_in.deploy("plan", *signed_in.package), "AWS could not be reached", "the network"
    )


@pytest.mark.parametrize(
    "variable",
    [
        "AWS_ENDPOINT_URL",
        "AWS_ENDPOINT_URL_STS",
        "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS",
        "AWS_STS_ENDPOINT",
        "TF_AWS_S3_ENDPOINT",
    ],
)
def test_an_endpoint_would_lead_elsewhere(
    signed_in: Machine, fake_aws: FakeAws, fails_clearly: FailsClearly, variable: str
) -> None:
    signed_in.environment[variable] = fake_aws.url
    fails_clearly(
        signed_in.deploy("plan", *signed_in.package),
        f"{variable} is set to {fake_aws.url}, so this would not go to AWS",
        f"--sandbox {fake_aws.url}",
    )
    assert signed_in.commands() == []


@pytest.mark.parametrize(
    ("configuration", "setting"),
    [
        ("[default]\nendpoint_url = {url}\n", "endpoint_url in the profile"),
        (
            "[default]\nservices = mine\n[services mine]\nsts =\n  endpoint_url = {url}\n",
            "endpoint_url of sts in the services section",
        ),
    ],
)
def test_an_endpoint_in_the_configuration_would_lead_elsewhere(
    signed_in: Machine,
    fake_aws: FakeAws,
    fails_clearly: FailsClearly,
    configuration: str,
    setting: str,
) -> None:
    _configure(signed_in, configuration.format(url=fake_aws.url))
    fails_clearly(
        signed_in.deploy("plan", *signed_in.package),
        f"{setting[0].upper()}{setting[1:]} is set to",
        "--sandbox",
    )


@pytest.mark.parametrize(
    "setting",
    [
        {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"},
        {"AWS_ENDPOINT_URL_S3": "https://bucket.vpce-1-2.s3.eu-west-1.vpce.amazonaws.com"},
    ],
    ids=["ignored", "of AWS itself"],
)
def test_an_endpoint_that_changes_nothing_is_no_obstacle(
    signed_in: Machine, setting: dict[str, str]
) -> None:
    signed_in.environment |= setting
    outcome = signed_in.deploy("plan", *signed_in.package)
    assert outcome.code == 0, outcome.text
    assert "account   111122223333" in outcome.stderr


def _configure(machine: Machine, text: str) -> None:
    folder = machine.home / ".aws"
    folder.mkdir()
    (folder / "config").write_text(text)


ROLE = "role_arn = arn:aws:iam::111122223333:role/x\nsource_profile = base\n"
MFA = "mfa_serial = arn:aws:iam::111122223333:mfa/me\n"
BASE = "[profile base]\naws_access_key_id = a\naws_secret_access_key = b\n"


@pytest.mark.parametrize(
    ("configuration", "environment", "cause"),
    [
        ("credential_process = /nowhere/x", {}, "credential_process (/nowhere/x) gave no"),
        ("credential_process = /bin/false", {}, "credential_process (/bin/false) gave no"),
        ("credential_process = /bin/echo no", {}, "credential_process (/bin/echo) gave no"),
        ("credential_process = /bin/echo []", {}, "credential_process (/bin/echo) gave no"),
        ("credential_process = '", {}, "credential_process (') gave no credentials"),
        (
            "",
            {"AWS_WEB_IDENTITY_TOKEN_FILE": "/nowhere/t", "AWS_ROLE_ARN": "arn:aws:iam::1:role/x"},
            "web identity token file /nowhere/t cannot be read",
        ),
        (
            "role_arn = arn:aws:iam::111122223333:role/x\nweb_identity_token_file = /nowhere/t",
            {},
            "web identity token file /nowhere/t cannot be read",
        ),
        (f"{ROLE}{MFA}{BASE}", {}, "needs a code of the MFA device arn:aws:iam::111122223333:mfa/"),
        ("", {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://e.example"}, "Unsupported host"),
        ("", {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "ftp://127.0.0.1"}, "FULL_URI cannot be used"),
        ("", {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://["}, "FULL_URI cannot be used"),
        ("", {"AWS_MAX_ATTEMPTS": "often"}, "AWS_MAX_ATTEMPTS or max_attempts has a value that"),
        ("", {"AWS_MAX_ATTEMPTS": "0"}, "AWS_MAX_ATTEMPTS or max_attempts has a value that"),
        ("max_attempts = x", {}, "AWS_MAX_ATTEMPTS or max_attempts has a value that"),
        ("aws_access_key_id = a\naws_secret_access_key = b\nretry_mode = x", {}, '"mode": "x"'),
        ("", {"AWS_METADATA_SERVICE_TIMEOUT": "x"}, "AWS_METADATA_SERVICE_TIMEOUT"),
        ("", {"AWS_PROFILE": "nobody"}, "profile (nobody) could not be found"),
        ("role_arn = x\nsource_profile = nobody", {}, '"nobody" referenced in the profile'),
        ("role_arn = x\nsource_profile = default", {}, "Infinite loop"),
        ("role_arn = x\ncredential_source = Moon", {}, '"Moon" referenced in profile'),
        (
            "sso_session = s\nsso_account_id = 111122223333\nsso_role_name = x\n"
            "[sso-session s]\nsso_start_url = https://s.example\nsso_region = eu-west-1",
            {},
            "The AWS sign-in is missing or has expired",
        ),
        ("nonsense", {}, "Unable to parse config file"),
        ("", {"AWS_ACCESS_KEY_ID": "a"}, "credentials are not complete"),
        ("", {"AWS_REGION": "eu-wset-1"}, "no region eu-wset-1 that botocore"),
    ],
)
def test_credentials_that_cannot_be_loaded(
    machine: Machine,
    fails_clearly: FailsClearly,
    configuration: str,
    environment: dict[str, str],
    cause: str,
) -> None:
    """Each of botocore's ways: a cause, a remedy, exit code 2, and nothing is started."""
    _configure(machine, f"[default]\n{configuration}\n")
    machine.environment |= environment
    fails_clearly(machine.deploy("plan", *machine.package), cause, "")
    assert machine.commands() == []


@pytest.mark.parametrize("url", ["localhost:4566", "sandbox"])
def test_an_endpoint_without_a_scheme(
    signed_in: Machine, fails_clearly: FailsClearly, url: str
) -> None:
    signed_in.environment["AWS_ENDPOINT_URL"] = url
    fails_clearly(
        signed_in.deploy("plan", *signed_in.package), f"AWS_ENDPOINT_URL is set to {url}", "Remove"
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


@pytest.mark.parametrize(
    ("name", "said"),
    [("strict.tfvars", "does not exist"), ("strict.yaml", "does not end with .tfvars")],
)
def test_no_such_variables(
    signed_in: Machine, fails_clearly: FailsClearly, name: str, said: str
) -> None:
    path = str(signed_in.folder / name)
    for command in (["apply", "--auto-approve"], ["plan"], ["destroy", "--auto-approve"]):
        fails_clearly(
            signed_in.deploy(*command, "--variables", path, *_package_for(signed_in, command)),
            f"The file of variables {path} {said}",
            "Write one" if name.endswith("yaml") else "leave it out",
        )


def _package_for(machine: Machine, command: list[str]) -> list[str]:
    return [] if command[0] == "destroy" else machine.package


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
