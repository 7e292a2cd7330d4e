"""Outputs that lead nowhere: what is tried, and what counts as noticed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from threading import Event
from typing import Any, cast

import pytest

from mutants.account import Account
from mutants.model import Suite
from mutants.outputs import (
    Resting,
    asked,
    depending,
    elsewhere,
    leading,
    lines_of,
    resting,
    try_outputs,
)
from mutants.suite import InterruptedRunError, Outcomes, SuiteError, SuiteRunner
from verify.inputs import deployment
from verify.inputs.deployment import example
from verify.suite.declarations import state_readings


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("vpc-0a1b2c3d4e5f60718", "vpc-1b2c3d4e5f6071829"),
        ("cloudtrail-audit-dev", "cloudtrail-audit-dev-absent"),
        (["subnet-0a1b2c3d", "subnet-1a1b2c3d"], ["subnet-1b2c3d4e", "subnet-1a1b2c3d"]),
        ({"a": "x", "b": "y"}, {"a": "x-absent", "b": "y"}),
    ],
)
def test_what_is_elsewhere_is_of_the_same_kind(value: Any, expected: Any) -> None:
    assert elsewhere(value) == expected


def test_what_names_nothing_leads_nowhere_already() -> None:
    outputs = example()
    outputs["public_subnet_ids"]["value"] = []
    del outputs["flow_log_id"]
    named = leading(outputs)
    assert "public_subnet_ids" not in named
    assert "flow_log_id" not in named
    assert {"vpc_id", "kms_key_arn", "alarm_names", "nat_gateway_ids"} <= set(named)
    assert leading(outputs, ["kms_*", "vpc_id"]) == ["vpc_id", "kms_key_arn", "kms_key_alias"]


def _resting() -> Resting:
    """As if each control rested on everything to which the outputs lead it."""
    return asked(deployment.parse(json.dumps(example())))


def test_who_depends_on_an_output_follows_from_what_its_verdict_rested_on() -> None:
    rests = _resting()
    assert "key-rotates" in depending(example(), "kms_key_arn", rests)
    assert "key-rotates" not in depending(example(), "trail_arn", rests)
    assert depending(example(), "account_id", rests) == frozenset()  # no account has that number
    # By a name of the baseline it comes to the same role, wherever the output leads.
    rests = {**rests, "break-glass-role-guarded": rests["roles-trust"]}
    assert "roles-trust" in depending(example(), "access_role_arns", rests)
    assert "break-glass-role-guarded" not in depending(example(), "access_role_arns", rests)
    rests = {**rests, "key-rotates": frozenset()}
    assert "key-rotates" not in depending(example(), "kms_key_arn", rests)


def test_what_a_verdict_rested_on_is_read_from_its_evidence(tmp_path: Path) -> None:
    (tmp_path / "evidence").mkdir()
    evidence: dict[str, Any] = {
        "identifier": "main-0001-kms-describe_key",
        "service": "kms",
        "operation": "describe_key",
        "parameters": {"KeyId": "key"},
        "moment": "",
        "region": "eu-west-1",
        "time": "2026-11-27T12:00:00+00:00",
        "error": None,
        "error_code": None,
        "response": [{}],
    }
    (tmp_path / "evidence" / "one.json").write_text(json.dumps(evidence))
    used = ["main-0001-kms-describe_key", "beside-0001-s3-get_object"]
    row = {"control": {"identifier": "key-usable"}, "evidence": used}
    (tmp_path / "report.json").write_text(json.dumps({"results": [row]}))
    assert resting(tmp_path, "eu-west-1") == {
        "key-usable": {("kms", "describe_key", '{"KeyId": "key"}', "", "eu-west-1")}
    }


class _Suite:
    """A suite whose controls mind what they are told to mind: output -> control -> outcome."""

    def __init__(self, minding: Mapping[str, Mapping[str, str]], refusing: Mapping[str, str]):
        self.minding = minding
        self.refusing = refusing
        self.before = example()

    def run(self, account: Account, suite: Suite) -> Outcomes:
        assert suite is Suite.STATE
        given = json.loads(account.outputs_file.read_text())
        [altered] = [name for name in given if given[name] != self.before[name]]
        if altered in self.refusing:
            raise SuiteError(self.refusing[altered])
        outcomes = dict.fromkeys(state_readings(), "PASS")
        outcomes.update(self.minding.get(altered, {}))
        return Outcomes(outcomes, {}, Path())


def _tried(
    folder: Path,
    *only: str,
    minding: Mapping[str, Mapping[str, str]] | None = None,
    refusing: Mapping[str, str] | None = None,
) -> list[str]:
    file = folder / "outputs.json"
    file.write_text(json.dumps(example()))
    account = Account("http://127.0.0.1:1", file, folder / "none.zip", folder, folder)
    suite = cast(SuiteRunner, _Suite(minding or {}, refusing or {}))
    said: list[str] = []
    found = try_outputs(account, suite, _resting(), said.append, Event(), only)
    assert len(said) == len(found.tried)
    assert found.good == (not lines_of(found))
    return lines_of(found)


def test_an_output_is_noticed_when_all_who_read_it_mind(tmp_path: Path) -> None:
    readers = depending(example(), "flow_log_group_name", _resting())
    assert len(readers) > 1
    minding = {"flow_log_group_name": dict.fromkeys(readers, "ERROR")}
    assert _tried(tmp_path, "flow_log_group_name", minding=minding) == []


def test_a_control_that_passes_on_what_is_not_there_is_named(tmp_path: Path) -> None:
    passing, *others = sorted(depending(example(), "flow_log_group_name", _resting()))
    minding = {"flow_log_group_name": dict.fromkeys(others, "FAIL")}
    [line] = _tried(tmp_path, "flow_log_group_name", minding=minding)
    assert line == (
        f"SURVIVED: flow_log_group_name leads nowhere, and who reads it passed: ['{passing}']"
    )


def test_an_output_that_nothing_needs_is_named(tmp_path: Path) -> None:
    [line] = _tried(tmp_path, "environment")
    assert line == ("SURVIVED: environment leads nowhere, and no control minded: nothing needs it")


@pytest.mark.parametrize(
    ("refusing", "expected"),
    [
        ({"vpc_id": "the VPC vpc-1 is not in ap-southeast-1 of the account"}, []),
        ({"vpc_id": "Traceback"}, ["NOT JUDGED: vpc_id leads nowhere: Traceback"]),
        ({}, ["SURVIVED: vpc_id leads nowhere, and the run started"]),
    ],
)
def test_what_is_checked_first_must_be_refused_and_say_so(
    tmp_path: Path, refusing: Mapping[str, str], expected: list[str]
) -> None:
    assert _tried(tmp_path, "vpc_id", refusing=refusing) == expected


def test_what_no_deployment_has_must_be_refused_as_such(tmp_path: Path) -> None:
    said = "outputs.json does not describe a deployment: replica_regions.value.0: 'x' does not"
    assert _tried(tmp_path, "replica_regions", refusing={"replica_regions": said}) == []
    [line] = _tried(tmp_path, "replica_regions")
    assert line == "SURVIVED: replica_regions leads nowhere, and the run started"


def test_an_interruption_ends_it_between_two_outputs(tmp_path: Path) -> None:
    file = tmp_path / "outputs.json"
    file.write_text(json.dumps(example()))
    account = Account("http://127.0.0.1:1", file, tmp_path / "none.zip", tmp_path, tmp_path)
    stopping, said = Event(), list[str]()

    def say(line: str) -> None:
        said.append(line)
        stopping.set()

    with pytest.raises(InterruptedRunError):
        try_outputs(account, cast(SuiteRunner, _Suite({}, {})), _resting(), say, stopping)
    assert len(said) == 1


def test_a_run_that_ends_for_another_output_is_not_judged(tmp_path: Path) -> None:
    assert _tried(tmp_path, "kms_key_alias", refusing={"kms_key_alias": "broken"}) == [
        "NOT JUDGED: kms_key_alias leads nowhere: broken"
    ]


def test_a_control_that_no_output_moves_is_named(tmp_path: Path) -> None:
    lines = _tried(tmp_path, minding={"kms_key_arn": {"key-rotates": "FAIL"}})
    named = {line for line in lines if line.startswith("DEPENDS ON NO OUTPUT")}
    assert "DEPENDS ON NO OUTPUT: key-usable" in named
    assert "DEPENDS ON NO OUTPUT: key-rotates" not in named
    assert "DEPENDS ON NO OUTPUT: root-user-protected" not in named  # the account's own
