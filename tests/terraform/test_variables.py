"""Each variable is deployed with another value somewhere, and refuses nonsense with a sentence."""

from __future__ import annotations

import importlib
import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from deploy import workspace
from tests.deploy import variables
from tests.deploy.variables import VARIABLES, Elsewhere, Varied
from tests.terraform.support import MODULES, blocks, native_tests, plain
from verify.inputs import baseline

DECLARED = sorted(blocks("variable"))


def test_every_variable_is_accounted_for_and_no_other() -> None:
    """A new variable needs a value with which it is deployed and verified, or a reason."""
    assert sorted(VARIABLES) == DECLARED
    assert len(DECLARED) >= 34


@pytest.mark.parametrize(
    "name", [name for name, how in VARIABLES.items() if isinstance(how, Varied)]
)
def test_the_value_is_another_than_the_default(name: str) -> None:
    varied = VARIABLES[name]
    assert isinstance(varied, Varied)
    default = plain(blocks("variable")[name]["default"])
    assert _unordered(varied.value) != _unordered(default)
    assert varied.deployment in variables.PROFILES


def _unordered(value: Any) -> Any:
    """A set of Terraform's has no order, so another order is no other value."""
    return sorted(value, key=str) if isinstance(value, list) else value


@pytest.mark.parametrize(
    "name", [name for name, how in VARIABLES.items() if isinstance(how, Elsewhere)]
)
def test_what_is_deployed_elsewhere_is_tested_there(name: str) -> None:
    elsewhere = VARIABLES[name]
    assert isinstance(elsewhere, Elsewhere)
    path, _, test = elsewhere.test.partition("::")
    module = importlib.import_module(path.removesuffix(".py").replace("/", "."))
    assert callable(getattr(module, test))
    assert elsewhere.why


@pytest.mark.parametrize("group", variables.PROFILES)
def test_the_baselines_of_the_values_say_each_thing_once(group: str) -> None:
    assert variables.baseline_of(group)["extends"] == variables.PROFILES[group]
    assert len(variables.values_of(group)) >= 5


def test_each_profile_has_its_file() -> None:
    [validation] = blocks("variable")["profile"]["validation"]
    admitted = re.findall(r'"([a-z]+)"', re.sub(r"var\.\w+", "", validation["condition"]))
    assert sorted(admitted) == workspace.profiles() == sorted(baseline.profiles())


# --- bad values -----------------------------------------------------------------------------------


@cache
def _refused(module: Path) -> Counter[str]:
    """How often the module's native tests expect a variable to be refused."""
    return Counter(
        name
        for path in native_tests(module)
        for expected in re.findall(
            r"expect_failures = \[(.*?)\]", path.read_text(encoding="utf-8"), re.DOTALL
        )
        for name in re.findall(r"\bvar\.(\w+)", expected)
    )


@pytest.mark.parametrize(
    ("module", "name"),
    [
        pytest.param(module, name, id=f"{module.name}-{name}")
        for module in MODULES
        for name, variable in blocks("variable", module).items()
        if "validation" in variable
    ],
)
def test_every_validation_is_seen_to_refuse(module: Path, name: str) -> None:
    """As many bad values as the variable has validations; each says a whole sentence."""
    validations = blocks("variable", module)[name]["validation"]
    assert _refused(module)[name] >= len(validations)
    for validation in validations:
        said = str(plain(validation["error_message"]))
        assert re.fullmatch(r"[A-Z].*[.)]", said, re.DOTALL), said
        assert len(said.split()) >= 5
