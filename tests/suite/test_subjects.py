"""No control passes for what is not there: each output in turn points to nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pytest

from mutants.account import Account
from mutants.model import Suite
from mutants.suite import SuiteError, SuiteRunner
from tests.sandbox.support import RunningSandbox
from tests.suite.support import ROOT
from verify.account.read import Reading
from verify.inputs import deployment
from verify.inputs.deployment import Deployment
from verify.suite.declarations import state_readings

# What these say is checked before anything is judged: a run with another of them does not start.
_REFUSED = {
    "account_id": "account",
    "region": "region",
    "profile": "profile",
    "event_forwarding_region": "does not match",
    "further_event_regions": "does not match",
    "vpc_id": "is not in ap-southeast-1 of account 123456789012",
    "verifier_role_arn": "could not be assumed",
}
# What these controls ask AWS about is looked for before anything is judged.
_LOOKED_FOR_FIRST = "vpc_id"
_HEXADECIMAL = re.compile(r"[0-9a-f]{8,}$")
_NEXT = str.maketrans("0123456789abcdef", "123456789abcdef0")


def elsewhere(value: Any) -> Any:
    """The same kind of value that names nothing: of a list or a mapping, the first."""
    if isinstance(value, Mapping):
        name = sorted(value)[0]
        return {**value, name: elsewhere(value[name])}
    if isinstance(value, (list, tuple)):
        return [elsewhere(value[0]), *value[1:]]
    if _HEXADECIMAL.search(value):
        return _HEXADECIMAL.sub(lambda found: found[0].translate(_NEXT), value)
    return f"{value}-absent"


def _outputs() -> list[str]:
    return [output.name for output in fields(Deployment)]


@dataclass(frozen=True)
class Altered:
    """What a run saw whose outputs point elsewhere in one place."""

    outcomes: Mapping[str, str]
    refused: str  # what was printed where it did not start
    depending: frozenset[str]  # the controls that ask AWS for something else then


def _asked(readings: tuple[Reading[Any], ...], deployed: Deployment) -> set[str]:
    return {repr(read) for reading in readings for read in reading.ahead(deployed)}


def _depending(before: Deployment, after: Deployment) -> frozenset[str]:
    return frozenset(
        control
        for control, readings in state_readings().items()
        if _asked(readings, before) - _asked(readings, after)
    )


@pytest.fixture(scope="session")
def altered(
    sandbox: RunningSandbox, deployed: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Altered]:
    """The run with one output that points elsewhere, made when it is first asked for."""
    folder = tmp_path_factory.mktemp("elsewhere")
    document = json.loads(deployed.read_text())
    before = deployment.parse(json.dumps(document))
    package = ROOT / "lambda/dist/compliance_checker.zip"
    made: dict[str, Altered] = {}

    def parsed(changed: Any) -> Deployment:
        return deployment.parse(json.dumps(changed))

    def run(output: str) -> Altered:
        changed = json.loads(json.dumps(document))
        changed[output]["value"] = elsewhere(changed[output]["value"])
        own = folder / output
        own.mkdir()
        outputs = own / "outputs.json"
        outputs.write_text(json.dumps(changed))
        account = Account(sandbox.url, outputs, package, ROOT / "terraform", own)
        try:
            seen = SuiteRunner(own / "runs").run(account, Suite.STATE)
        except SuiteError as error:
            looked_for = output == _LOOKED_FOR_FIRST
            depending = _depending(before, parsed(changed)) if looked_for else frozenset()
            return Altered({}, str(error), depending)
        return Altered(seen.outcomes, "", _depending(before, parsed(changed)))

    def once(output: str) -> Altered:
        if output not in made:
            made[output] = run(output)
        return made[output]

    return once


@pytest.mark.parametrize("output", _outputs())
def test_no_control_passes_for_what_an_output_does_not_lead_to(
    output: str, altered: Callable[[str], Altered]
) -> None:
    seen = altered(output)
    if output in _REFUSED:
        assert _REFUSED[output] in seen.refused
        return
    assert seen.refused == ""
    passing = {name for name, outcome in seen.outcomes.items() if outcome not in ("FAIL", "ERROR")}
    assert sorted(seen.depending & passing) == []
    assert any(outcome in ("FAIL", "ERROR") for outcome in seen.outcomes.values()), (
        "the output leads nowhere, and no control minds: nothing needs it"
    )


def test_every_control_depends_on_where_something_is(
    altered: Callable[[str], Altered],
) -> None:
    minded = {
        control
        for output in _outputs()
        for control, outcome in altered(output).outcomes.items()
        if outcome in ("FAIL", "ERROR")
    }
    minded |= altered(_LOOKED_FOR_FIRST).depending  # a run without it does not start
    reading = {control for control, readings in state_readings().items() if readings}
    assert sorted(reading - minded) == []


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
