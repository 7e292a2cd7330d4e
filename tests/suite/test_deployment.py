"""Outputs become a Deployment, or one clear message."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.suite.support import ROOT
from verify.inputs import deployment
from verify.inputs.declared import Configuration


def _with(name: str, value: Any) -> str:
    return json.dumps({**deployment.example(), name: {"value": value}})


def test_valid_outputs_become_a_deployment() -> None:
    deployed = deployment.parse(json.dumps(deployment.example()))
    assert deployed.trail_arn == (
        "arn:aws:cloudtrail:ap-southeast-1:123456789012:trail/cloudtrail-audit-dev"
    )
    assert deployed.private_subnet_ids == ("subnet-0a1b2c3d", "subnet-1a1b2c3d")
    assert deployed.alarm_names == {"function-errors": "alarm-function-errors-dev"}


def test_every_output_is_read_by_something() -> None:
    """An output that nobody reads is gone from Terraform and from here."""
    read = "".join(
        path.read_text()
        for path in (ROOT / "verify").rglob("*")
        if path.suffix in (".py", ".yaml") and path.name != "deployment.py"
    )
    own = (ROOT / "verify/inputs/deployment.py").read_text()
    unread = [
        output.name
        for output in fields(deployment.Deployment)
        if not output.metadata["resource"]
        and not re.search(rf"\.{output.name}\b|\{{{output.name}\}}|^  {output.name}:", read, re.M)
        and f"self.{output.name}" not in own
    ]
    assert unread == []


def test_every_address_that_an_output_identifies_is_declared() -> None:
    declared = Configuration(ROOT / "terraform", "dev")
    for output in fields(deployment.Deployment):
        address = output.metadata["resource"]
        if "." in address:
            assert address in declared.resources()
        elif address:
            assert address in declared.resource_types()


def test_outputs_that_nobody_asked_for_are_ignored() -> None:
    assert deployment.parse(_with("something_else", 1)) == deployment.parse(
        json.dumps(deployment.example())
    )


@pytest.mark.parametrize("name", ["trail_arn", "account_id", "alarm_names"])
def test_a_missing_output_is_named(name: str) -> None:
    document = deployment.example()
    del document[name]
    with pytest.raises(deployment.DeploymentError, match=f"'{name}' is a required property"):
        deployment.parse(json.dumps(document))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("private_subnet_ids", "subnet-0a1b2c3d"),
        ("alarm_names", ["alarm-function-errors-dev"]),
        ("account_id", 123456789012),
        ("trail_arn", "cloudtrail-audit-dev"),
        ("vpc_id", None),
    ],
)
def test_an_output_of_the_wrong_type_is_named(name: str, value: Any) -> None:
    with pytest.raises(deployment.DeploymentError, match=f"{name}.value: "):
        deployment.parse(_with(name, value))


def test_a_network_is_there_or_it_is_not() -> None:
    document = deployment.example()
    assert deployment.parse(json.dumps(document)).has_network
    for name in ("private_subnet_ids", "private_route_table_ids"):
        document[name]["value"] = []
    del document["application_security_group_id"]  # null, which Terraform does not print
    with pytest.raises(deployment.DeploymentError, match="names a part of a network: private_sub"):
        deployment.parse(json.dumps(document))
    document["default_security_group_id"]["value"] = None
    assert not deployment.parse(json.dumps(document)).has_network


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:sns:ap-southeast-1:999999999999:sns-compliance-alerts-dev",
        "arn:aws:sns:eu-west-1:123456789012:sns-compliance-alerts-dev",
    ],
)
def test_an_arn_of_another_account_or_region_is_named(arn: str) -> None:
    with pytest.raises(deployment.DeploymentError, match="alert_topic_arn") as caught:
        deployment.parse(_with("alert_topic_arn", arn))
    assert arn in str(caught.value)


def test_what_is_not_json_says_what_to_give() -> None:
    with pytest.raises(deployment.DeploymentError, match="terraform output -json"):
        deployment.parse("Outputs:\n\nvpc_id = vpc-1")


@given(st.text(max_size=200))
def test_no_text_gives_anything_but_a_deployment_error(text: str) -> None:
    with pytest.raises(deployment.DeploymentError):
        deployment.parse(text)


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(deployment.DeploymentError, match="run `make deploy` first"):
        deployment.read(str(tmp_path / "none.json"))


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "outputs.json"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(deployment.DeploymentError, match="cannot be read"):
        deployment.read(str(path))


def test_a_huge_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "outputs.json"
    path.write_text(" " * (deployment.MAXIMUM_CHARACTERS + 1))
    with pytest.raises(deployment.DeploymentError, match="exceed"):
        deployment.read(str(path))


def test_sensitive_outputs_are_known_for_redaction() -> None:
    document = {
        **deployment.example(),
        "secret": {"value": {"a": ["hush", 1]}, "sensitive": True},
        "open": {"value": "said", "sensitive": False},
    }
    assert deployment.sensitive_values(json.dumps(document)) == {"hush"}


# --- what people hold in the place of the outputs ------------------------------------------------

RIGHT = json.dumps(deployment.example(), indent=2)


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        (f"[command]/opt/terraform-bin output -json\n{RIGHT}", "terraform_wrapper: false"),
        (f"{RIGHT}\n::debug::Terraform exited with code 0.\n", "terraform_wrapper: false"),
        (f"::set-output name=stdout::{RIGHT}", "terraform_wrapper: false"),
        (f"12:00:00.000 STDOUT [audit] terraform: {RIGHT}", "--log-disable"),
        (f"time=2026-01-01T00:00:00Z level=info msg=hello\n{RIGHT}", "--log-disable"),
        (f"{RIGHT}\n{RIGHT}", "of the one unit"),
        ("\x1b[33mWarning: No outputs found\x1b[0m", "message of Terraform's for people"),
        ("", "it is empty"),
        ("no", "is not JSON"),
        ("[" * 200_000, "is not JSON"),
        ('{"a":' * 200_000, "is not JSON"),
        ("[]", "a list or a single value"),
        ("3", "a list or a single value"),
        ("{}", "nothing is deployed there"),
        (
            json.dumps({"format_version": "1.0", "values": {"outputs": deployment.example()}}),
            "a whole state (`terraform show -json`)",
        ),
        (json.dumps({"format_version": "1.2", "planned_values": {}}), "a plan goes to --plan"),
        (
            json.dumps({"version": 4, "serial": 1, "lineage": "x", "outputs": {}}),
            "a state file, which may hold secrets",
        ),
        (
            json.dumps({name: one["value"] for name, one in deployment.example().items()}),
            "made of values alone",
        ),
    ],
)
def test_what_is_something_else_is_refused_with_what_to_do(text: str, remedy: str) -> None:
    with pytest.raises(deployment.DeploymentError) as raised:
        deployment.parse(text, "outputs.json")
    assert str(raised.value).startswith("outputs.json ")
    assert remedy in str(raised.value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_outputs_are_read_as_any_shell_writes_them(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "outputs.json"
    path.write_bytes(RIGHT.replace("\n", "\r\n").encode(encoding))
    assert deployment.parse(deployment.read(str(path))) == deployment.parse(RIGHT)


@pytest.mark.parametrize("content", [b"\xff\xfe{", b"\xef\xbb\xbf\xff", b"\x80"])
def test_what_is_no_text_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "outputs.json"
    path.write_bytes(content)
    with pytest.raises(deployment.DeploymentError, match="cannot be read"):
        deployment.read(str(path))
