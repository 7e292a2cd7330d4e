"""No control passes for what is not there: each output in turn is made to lead nowhere."""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, fields
from pathlib import Path
from threading import Event
from typing import Any

from mutants.account import Account
from mutants.model import Suite
from mutants.suite import InterruptedRunError, SuiteError, SuiteRunner
from verify.account.recorded import Recorded, RecordKey, key_of
from verify.inputs import catalogue, deployment
from verify.inputs.deployment import Deployment, DeploymentError
from verify.suite.declarations import state_readings

# What these say is checked before anything is judged: a run with another of them does not start,
# and says this. What no deployment has, such as a region that there is not, is refused as such.
REFUSED: Mapping[str, str] = {
    "profile": "profile",
    "vpc_id": " is not in ",
    "verifier_role_arn": "could not be assumed",
}
# Control -> the calls on which its verdict rests.
Resting = Mapping[str, frozenset[RecordKey]]

_HEXADECIMAL = re.compile(r"[0-9a-f]{8,}$")
_NEXT = str.maketrans("0123456789abcdef", "123456789abcdef0")


@dataclass(frozen=True)
class OutputFindings:
    """The outputs that were tried, a line for each that went wrong, and what nothing led to.

    `unmoved` are the controls that passed wherever the outputs led, though they judge something of
    the deployment's; of a part of the outputs alone nothing follows, and it is empty.
    """

    tried: tuple[str, ...]
    wrong: tuple[str, ...]
    unmoved: tuple[str, ...]

    @property
    def good(self) -> bool:
        """Whether every output was needed by who should need it."""
        return not self.wrong and not self.unmoved


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


def leading(document: Mapping[str, Any], only: Sequence[str] | None = None) -> list[str]:
    """The outputs of `document` that name something, and match one of the shell patterns."""
    return [
        output.name
        for output in fields(Deployment)
        if document.get(output.name, {}).get("value")
        and (not only or any(fnmatch.fnmatch(output.name, pattern) for pattern in only))
    ]


def resting(run: Path, region: str) -> Resting:
    """On which calls each verdict of a run in `region` rested. Raises RecordError."""
    recorded = Recorded(run, region)
    called = {recorded.evidence(key): key for key, _ in recorded.answers()}
    report = json.loads((run / "report.json").read_text(encoding="utf-8"))
    return {
        row["control"]["identifier"]: frozenset(
            called[identifier] for identifier in row["evidence"] if identifier in called
        )
        for row in report["results"]
    }


def depending(document: Mapping[str, Any], output: str, rests: Resting) -> frozenset[str]:
    """The controls that rest on a call to which they are not led once that output leads elsewhere.

    Who comes by the same call in another way, say by a name in the baseline, is still led to it.
    None do for an output whose other value no deployment has, such as a region that there is not.
    """
    after = _moved(document, output)
    if after is None:
        return frozenset()
    led, still = asked(deployment.parse(json.dumps(document))), asked(after)
    return frozenset(
        control
        for control, calls in led.items()
        if rests.get(control, frozenset()) & (calls - still[control])
    )


def _moved(document: Mapping[str, Any], output: str) -> Deployment | None:
    """The deployment with that output elsewhere; None where there can be no such deployment."""
    moved = {**document[output], "value": elsewhere(document[output]["value"])}
    try:
        return deployment.parse(json.dumps({**document, output: moved}))
    except DeploymentError:
        return None


def asked(deployed: Deployment) -> Resting:
    """The calls to which the outputs alone lead each control."""
    return {
        control: frozenset(
            key_of(read, deployed.region)
            for reading in readings
            for read in reading.ahead(deployed)
        )
        for control, readings in state_readings().items()
    }


def try_outputs(
    account: Account,
    runner: SuiteRunner,
    rests: Resting,
    say: Callable[[str], None],
    stopping: Event,
    only: Sequence[str] | None = None,
) -> OutputFindings:
    """Run the state checks once for each output, or for each that matches; `say` tells of each.

    A control that rested (`rests`, by a clean run) on what the output led to must not pass, and
    some control must mind: else nothing needs the output. Each control must mind one of them, but
    those of the account itself. Raises InterruptedRunError once `stopping` is set.
    """
    document = json.loads(account.outputs_file.read_text(encoding="utf-8"))
    names = leading(document, only)
    wrong: list[str] = []
    minded: set[str] = set()
    passed: set[str] = set()
    for number, output in enumerate(names, 1):
        if stopping.is_set():
            raise InterruptedRunError("the outputs were interrupted")
        ways = depending(document, output, rests)
        expected = REFUSED.get(output)
        if _moved(document, output) is None:
            expected = f"{output}.value"
        try:
            with ExitStack() as mending:
                value = elsewhere(document[output]["value"])
                account.change_outputs(mending, **{output: value})
                seen = runner.run(account, Suite.STATE).outcomes
        except SuiteError as error:
            found = _refusal(output, expected, str(error))
            minded |= ways if found is None else set()
        else:
            minding = {name for name, outcome in seen.items() if outcome in ("FAIL", "ERROR")}
            minded |= minding
            passed |= {name for name, outcome in seen.items() if outcome == "PASS"}
            found = _problem(output, expected, ways - minding, minding)
        say(f"[{number:>3}/{len(names)}] {found or 'minded: ' + output}")
        wrong += [found] if found else []
    unmoved = () if only else tuple(sorted((passed - minded) & _of_the_deployment()))
    return OutputFindings(tuple(names), tuple(wrong), unmoved)


def _of_the_deployment() -> set[str]:
    """The controls that read anything of AWS, without those of the account as a whole."""
    controls = catalogue.load()
    return {
        control
        for control, readings in state_readings().items()
        if readings and controls[control].family != "Account"
    }


def _refusal(output: str, expected: str | None, said: str) -> str | None:
    if expected is not None and expected in said:
        return None
    return f"NOT JUDGED: {output} leads nowhere: {said}"


def _problem(
    output: str, expected: str | None, passing: frozenset[str], minding: set[str]
) -> str | None:
    if expected is not None:
        return f"SURVIVED: {output} leads nowhere, and the run started"
    if passing:
        return f"SURVIVED: {output} leads nowhere, and who reads it passed: {sorted(passing)}"
    if not minding:
        return f"SURVIVED: {output} leads nowhere, and no control minded: nothing needs it"
    return None


def totals_of(found: OutputFindings) -> str:
    """The figures in one line."""
    return (
        f"outputs that lead nowhere: {len(found.tried)} tried; {len(found.wrong)} survived, "
        f"{len(found.unmoved)} controls depend on none"
    )


def lines_of(found: OutputFindings) -> list[str]:
    """A line for each thing that is wrong."""
    return [*found.wrong, *(f"DEPENDS ON NO OUTPUT: {control}" for control in found.unmoved)]
