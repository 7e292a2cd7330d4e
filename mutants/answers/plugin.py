"""A pytest plugin: the state checks on every altered answer, in one process, without an account.

Used with `--replay`, which takes the answers from the evidence of a clean run.
"""

from __future__ import annotations

import fnmatch
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from _pytest.runner import runtestprotocol

from mutants.answers import progress
from mutants.answers.alterations import Alteration, alterations, altered
from mutants.answers.failures import DENIED, FAILURES, noticed
from mutants.answers.sampling import sampled
from verify.account.door import evidence_used
from verify.account.recorded import Recorded, RecordKey
from verify.account.shapes import output_shape
from verify.inputs import accounted
from verify.inputs.accounted import Account, OperationFields, written
from verify.model import Outcome
from verify.suite import stash
from verify.suite.results import result_of

_PASSES = frozenset({Outcome.PASS, Outcome.NOT_APPLICABLE})


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("altered answers")
    group.addoption("--answers-findings", metavar="FILE", type=Path)
    group.addoption("--answers-only", metavar="PATTERN", action="append", default=[])
    group.addoption("--answers-sample", action="store_true")
    group.addoption("--answers-share", metavar="NUMBER/OF", default="1/1")
    group.addoption("--answers-account", metavar="FOLDER", type=Path, default=accounted.FOLDER)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool:
    config = session.config
    number, _, of = config.option.answers_share.partition("/")
    trial = _Trial(session, accounted.load(config.option.answers_account))
    unclean = trial.unclean()
    findings = {"unclean": unclean} if unclean else trial.run(int(number) - 1, int(of))
    config.option.answers_findings.write_text(json.dumps(findings, indent=1) + "\n")
    return True


class _Trial:
    """The checks, the answers that they were given, and what became of altered ones."""

    def __init__(self, session: pytest.Session, account: Account) -> None:
        option = session.config.option
        self._findings: Path = option.answers_findings
        self._tried = 0
        self._run = session.config.stash[stash.RUN]
        self._account = accounted.filled(account, self._run.deployment.placeholders())
        source = self._run.aws.source
        if not isinstance(source, Recorded):
            raise pytest.UsageError("altered answers are those of a recorded run: give --replay")
        self._source = source
        self._only: list[str] = option.answers_only
        self._sample: bool = option.answers_sample
        self._items = {
            marker.args[0]: item
            for item in session.items
            for marker in item.iter_markers("control")
        }
        self._needing: dict[str, set[str]] = defaultdict(set)  # evidence -> controls
        self._clean = {name: self._first(name) for name in self._items}
        self._readers: dict[tuple[str, str], list[str]] = defaultdict(list)
        for name, item in self._items.items():
            marker = item.get_closest_marker("control")
            if marker is not None and self._clean[name][0] in _PASSES:
                for call in {reading.call for reading in marker.args[1:]}:
                    self._readers[call].append(name)

    def unclean(self) -> dict[str, str]:
        """The controls that do not pass the answers as they are, and why: nothing follows then."""
        return {
            name: message
            for name, (outcome, message) in self._clean.items()
            if outcome not in _PASSES
        }

    def run(self, share: int, of: int) -> dict[str, Any]:
        """Try a share of all alterations; what is to be told of it."""
        survivors: list[dict[str, str]] = []
        changed: list[dict[str, str]] = []
        somewhere: dict[tuple[Any, ...], bool] = {}
        tried = {"judged": 0, "harmless": 0}
        fields: dict[str, set[str]] = {"judged": set(), "harmless": set()}
        for index, (key, account, alteration) in enumerate(self._alterations()):
            name = "judged" if alteration.judged else "harmless"
            fields[name].add(f"{key[0]}.{key[1]} {written(alteration.way)}")
            if index % of != share:
                continue
            tried[name] += 1
            self._tell()
            outcomes = self._outcomes(key, alteration)
            about = {
                "call": f"{key[0]}.{key[1]}",
                "parameters": key[2],
                "field": written(alteration.way),
                "alteration": alteration.text,
                "place": _place(account, alteration),
            }
            if not alteration.judged:
                different = {
                    control: seen
                    for control, seen in outcomes.items()
                    if seen[0] is not self._clean[control][0]
                }
                if different:
                    said = "; ".join(f"{c} {o.value}: {m}" for c, (o, m) in different.items())
                    changed.append({**about, "outcomes": said[:600]})
                continue
            killed = any(seen[0] not in _PASSES for seen in outcomes.values())
            if alteration.somewhere or not outcomes.keys() & set(alteration.judged):
                # To who is not named, it is enough that it matters in one of the places.
                by = () if alteration.somewhere else tuple(sorted(outcomes))
                group = (key[:2], alteration.way, alteration.sort, by)
                somewhere[group] = somewhere.get(group, False) or killed
            elif not killed:
                survivors.append({**about, "controls": ", ".join(alteration.judged)})
        blind, failures = self._failing(share, of)
        return {
            "failures": failures,
            "blind": blind,
            "unclean": {},
            "fields": {name: sorted(found) for name, found in fields.items()},
            "tried": tried,
            "survivors": survivors,
            "changed": changed,
            "somewhere": [
                [f"{call[0]}.{call[1]}", written(way), kind, ", ".join(by), killed]
                for (call, way, kind, by), killed in somewhere.items()
            ],
        }

    def _alterations(self) -> Iterator[tuple[RecordKey, OperationFields, Alteration]]:
        for key, answer in self._source.answers():
            account = self._account.get(key[:2])
            shape = output_shape(*key[:2]) if account is not None else None
            if account is None or shape is None or not self._readers.get(key[:2]):
                continue
            found = list(alterations(shape, answer, account))
            if self._source.refused(key):
                # There was nothing; now there is something, with each of its members in turn.
                found = [alteration for alteration in found if alteration.judged]
            # What controls of another profile alone judge is not judged here.
            found = [
                alteration
                for alteration in found
                if not alteration.judged or self._items.keys() & alteration.judged
            ]
            for alteration in sampled(found) if self._sample else found:
                if self._wanted(key, alteration):
                    yield key, account, alteration

    def _failing(self, share: int, of: int) -> tuple[list[dict[str, str]], int]:
        """Let each operation fail in each way, and each of its calls be denied alone.

        The controls that concluded on what they could not see, and how many failures were tried.
        """
        operations: dict[tuple[str, str], list[RecordKey]] = defaultdict(list)
        for key, _ in self._source.answers():
            operations[key[:2]].append(key)
        tries = [(keys, failure) for keys in operations.values() for failure in FAILURES]
        tries += [([key], DENIED) for keys in operations.values() for key in keys[1:]]
        blind: list[dict[str, str]] = []
        tried = 0
        for index, (keys, failure) in enumerate(tries):
            call = ".".join(keys[0][:2])
            controls = set().union(*(self._needing[self._source.evidence(key)] for key in keys))
            if index % of != share or not controls or not self._named(call, *controls):
                continue
            tried += 1
            self._tell()
            change = self._source.replaced(keys, FAILURES[failure])
            seen = self._seen(change, keys[0], sorted(controls))
            blind += [
                {
                    "call": call,
                    "parameters": keys[0][2],
                    "failure": failure,
                    "control": control,
                    "outcome": f"{outcome.value} {message}".strip()[:300],
                }
                for control, (outcome, message) in seen.items()
                if not noticed(call, failure, outcome)
            ]
        return blind, tried

    def _tell(self) -> None:
        self._tried += 1
        progress.write(self._findings, self._tried)

    def _wanted(self, key: RecordKey, alteration: Alteration) -> bool:
        return self._named(f"{key[0]}.{key[1]}", written(alteration.way), *alteration.judged)

    def _named(self, *texts: str) -> bool:
        return not self._only or any(
            fnmatch.fnmatchcase(text, pattern) for text in texts for pattern in self._only
        )

    def _outcomes(self, key: RecordKey, alteration: Alteration) -> dict[str, tuple[Outcome, str]]:
        """What the controls say to `alteration`: of a harmless member all that read the operation.

        Of a judged one those that the account names, as far as their verdicts rest on this very
        answer. Where none of these does, whoever else's verdict does: the same operation is asked
        of resources that other controls look after.
        """
        controls = self._readers[key[:2]]
        if alteration.judged:
            resting = self._needing[self._source.evidence(key)]
            named = [control for control in alteration.judged if control in resting]
            controls = named or sorted(resting)
        change = self._source.altered(
            key, lambda answer: altered(answer, alteration.where, alteration.value)
        )
        return self._seen(change, key, controls)

    def _seen(
        self, change: AbstractContextManager[None], key: RecordKey, controls: Iterable[str]
    ) -> dict[str, tuple[Outcome, str]]:
        """What `controls` say under a change of answers to the operation of `key`."""
        with change:
            self._forget(key)
            found = {control: self._outcome(control) for control in controls}
        self._forget(key)
        return found

    def _forget(self, key: RecordKey) -> None:
        self._run.aws.forget(*key[:2])
        self._run.log_integrity.forget()

    def _first(self, control: str) -> tuple[Outcome, str]:
        with evidence_used() as identifiers:
            outcome = self._outcome(control)
        for evidence in identifiers:
            self._needing[evidence].add(control)
        return outcome

    def _outcome(self, control: str) -> tuple[Outcome, str]:
        item = self._items[control]
        # What comes next is known to belong to the session alone, whose fixtures are to stay.
        reports = runtestprotocol(item, nextitem=item.session, log=False)  # type: ignore[arg-type]
        results = [result for report in reports if (result := result_of(report)) is not None]
        worst = [result for result in results if result.outcome is not Outcome.PASS]
        return (worst[0].outcome, worst[0].message) if worst else (Outcome.PASS, "")


def _place(account: OperationFields, alteration: Alteration) -> str:
    field = account.of(alteration.way)
    return str(account.place if field is None else field.place)
