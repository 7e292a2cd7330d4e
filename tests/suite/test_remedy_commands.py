"""What the catalogue's remedies tell to do can be done: by the AWS CLI, with real identifiers."""

from __future__ import annotations

import contextlib
import re
import shlex
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from awscli.clidriver import create_clidriver  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from verify.inputs import catalogue
from verify.inputs.deployment import Deployment
from verify.model import Observation
from verify.run.remedies import MAXIMUM_COMMANDS, filled

REMEDIES = {name: one.remediation for name, one in catalogue.load().items()}
COMMAND = re.compile(r"`(aws [^`]+)`")
OUTPUT = re.compile(r"\{([a-z][a-z0-9_]*)\}")
# What the reader, or what failed, gives; a word unless it stands here.
_GIVEN = {
    "number": "100",
    "required": "7",
    "range": "10.0.0.0/8",
    "access point": "access-point",
    "bucket": "a-bucket",
    "group": "/aws/group",
    "version": "1",
    "latest": "2",
    "type": "DATA_PROTECTION_POLICY",
    "key": "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    "key id": "AKIAIOSFODNN7EXAMPLE",
    "mapping": "1234abcd-12ab-34cd-56ef-1234567890ab",
    "grant": "a" * 64,
}


def _value(name: str) -> str:
    if name.endswith(("_arn", "_arns")):
        return "arn:aws:service:eu-west-1:123456789012:thing/one"
    return {"account_id": "123456789012", "region": "eu-west-1"}.get(name, "one-two")


def _commands() -> list[Any]:
    """Each once, however many remedies have it."""
    first: dict[str, str] = {}
    for name, remedy in REMEDIES.items():
        for place, command in enumerate(COMMAND.findall(remedy)):
            first.setdefault(command, f"{name}-{place}")
    return [pytest.param(command, id=place) for command, place in first.items()]


def _cli(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """What the AWS CLI says of a command on a service that is not there."""
    with contextlib.suppress(SystemExit):
        create_clidriver().main(arguments)
    printed = capsys.readouterr()
    return printed.out + printed.err


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    environment = {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_MAX_ATTEMPTS": "1",
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "policy.json").write_text("{}")
    monkeypatch.chdir(tmp_path)


@pytest.mark.slow
@pytest.mark.usefixtures("nowhere")
@pytest.mark.parametrize("command", _commands())
def test_the_aws_cli_takes_the_command(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = OUTPUT.sub(lambda found: _value(found[1]), command)
    text = re.sub(r"<([^<>]+)>", lambda found: _GIVEN.get(found[1], "a-word"), text)
    arguments = [one for one in shlex.split(text)[1:] if not one.startswith(">")]
    # It gets as far as the network: command, parameters and their shapes are as it knows them.
    assert "Could not connect to the endpoint URL" in _cli(arguments, capsys)


@pytest.mark.usefixtures("nowhere")
@pytest.mark.parametrize(
    "wrong",
    [
        "cloudtrail start-logging",
        "cloudtrail start-logging --trail one",
        "cloudwatch restore-alarm-actions --alarm-names one",
        "s3api put-public-access-block --bucket b --public-access-block-configuration Blocks=true",
    ],
)
def test_one_that_cannot_work_would_be_noticed(
    wrong: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "Could not connect" not in _cli(shlex.split(wrong), capsys)


def test_there_are_commands_to_try() -> None:
    assert len(_commands()) > 60


def test_every_name_in_braces_is_an_output() -> None:
    outputs = {one.name for one in fields(Deployment)}
    named = {name for remedy in REMEDIES.values() for name in OUTPUT.findall(remedy)}
    assert named - outputs == set()
    assert {"trail_arn", "kms_key_arn", "log_bucket_name"} <= named


def test_a_command_is_given_whole() -> None:
    """A bare operation, such as `aws kms enable-key`, or half of one, tells nobody what to type."""
    bare = [
        command
        for remedy in REMEDIES.values()
        for command in re.findall(r"`((?:aws )?[a-z0-9-]+ [a-z]+(?:-[a-z]+)+)`", remedy)
        if command not in ("aws logs describe-resource-policies",)
        and not command.startswith("make ")
    ]
    assert bare == []


def _unmet(subject: str, seen: str = "no", expected: str = "yes") -> Observation:
    return Observation(subject, "aspect", expected, seen, met=False)


OUTPUTS: Mapping[str, str] = {"trail_arn": "arn:aws:cloudtrail:x:1:trail/t", "vpc_id": "vpc-1"}
IGW, RTB = "igw-0a1b2c3d4e5f60718", "rtb-0a1b2c3d4e5f60718"


@pytest.mark.parametrize(
    ("remedy", "unmet", "printed"),
    [
        (
            "`aws a b --name {trail_arn}`, then",
            [],
            f"`aws a b --name {OUTPUTS['trail_arn']}`, then",
        ),
        ("`aws a b --name {dashboard_name}`", [], "`aws a b --name <dashboard name>`"),
        ("`aws a b --w {workgroups}`", [], "`aws a b --w the-one`"),
        ("`aws a b --id <igw> --vpc {vpc_id}`", [], "`aws a b --id <igw> --vpc vpc-1`"),
        (
            "`aws a b --id <igw> --vpc {vpc_id}`",
            [_unmet("vpc-1", f"{IGW}; and another", "none")],
            f"`aws a b --id {IGW} --vpc vpc-1`",
        ),
        ("`aws a b --id <igw>`", [_unmet("vpc-1", IGW, f"only {IGW}")], "`aws a b --id <igw>`"),
        (
            "`aws a b --table <rtb> --to <range>`",
            [_unmet(RTB, f"{RTB} sends 0.0.0.0/1 to eni-1; sends 128.0.0.0/1 to eni-1", "none")],
            f"`aws a b --table {RTB} --to 0.0.0.0/1`, `aws a b --table {RTB} --to 128.0.0.0/1`",
        ),
        (
            "`aws a b --g <group> --days <required>`",
            [_unmet("/aws/one", "30", "7"), _unmet("/aws/one", "INFREQUENT", "STANDARD")],
            "`aws a b --g /aws/one --days 7`",
        ),
        ("`aws a b --b <bucket>`", [_unmet("arn:aws:s3:::logs")], "`aws a b --b logs`"),
        ("`aws a b --rule <rule>`", [_unmet("sg-1", "rule-12345678")], "`aws a b --rule <rule>`"),
        (
            "`aws a b --alarm-names <subject>`",
            [_unmet(f"alarm-{number}") for number in range(7)],
            ", ".join(f"`aws a b --alarm-names alarm-{number}`" for number in range(5))
            + ", and so on for 2 more",
        ),
    ],
)
def test_what_is_known_is_filled_in(remedy: str, unmet: list[Observation], printed: str) -> None:
    lists = {"workgroups": ("the-one",), "many": ("one", "two"), "dashboard_name": ()}
    assert filled(remedy, OUTPUTS, lists, unmet) == printed


@given(
    st.sampled_from(sorted(REMEDIES)),
    st.lists(st.builds(_unmet, st.text(), st.text(), st.text()), max_size=12),
)
def test_whatever_failed_a_remedy_stays_one(name: str, unmet: list[Observation]) -> None:
    text = filled(REMEDIES[name], {}, {}, unmet)
    assert text.count("`aws ") <= MAXIMUM_COMMANDS * REMEDIES[name].count("`aws ")
    assert "make deploy" not in REMEDIES[name] or "make deploy" in text
