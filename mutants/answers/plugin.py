"""A pytest plugin: the state checks on every altered answer, in one process, without an account.

Used with `--replay`, which takes the answers from the evidence of a clean run.
"""

from __future__ import annotations

import fnmatch
import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from _pytest.runner import runtestprotocol

from mutants.answers.alterations import Alteration, alterations, altered
from mutants.answers.sampling import sampled
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
    account = accounted.load(config.option.answers_account)
    trial = _Trial(session, account, config.option.answers_only, config.option.answers_sample)
    findings = trial.run(int(number) - 1, int(of))
    config.option.answers_findings.write_text(json.dumps(findings, indent=1) + "\n")
    return True


class _Trial:
    """The checks, the answers that they were given, and what became of altered ones."""

    def __init__(
        self, session: pytest.Session, account: Account, only: list[str], sample: bool
    ) -> None:
        self._account = account
        self._run = session.config.stash[stash.RUN]
        source = self._run.aws.source
        if not isinstance(source, Recorded):
            raise pytest.UsageError("altered answers are those of a recorded run: give --replay")
        self._source = source
        self._only, self._sample = only, sample
        self._items = {
            marker.args[0]: item
            for item in session.items
            for marker in item.iter_markers("control")
        }
        # What is not read through the door cannot be replayed: these controls have mutants alone.
        self._clean = {name: self._outcome(name) for name in self._items}
        self._readers: dict[tuple[str, str], list[str]] = defaultdict(list)
        for name, item in self._items.items():
            marker = item.get_closest_marker("control")
            if marker is not None and self._clean[name][0] in _PASSES:
                for call in {reading.call for reading in marker.args[1:]}:
                    self._readers[call].append(name)

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
            if alteration.somewhere:
                group = (key[:2], alteration.way, alteration.kind)
                somewhere[group] = somewhere.get(group, False) or killed
            elif not killed:
                survivors.append({**about, "controls": ", ".join(alteration.judged)})
        return {
            "messages": {
                name: message
                for name, (outcome, message) in self._clean.items()
                if outcome not in _PASSES
            },
            "fields": {name: sorted(found) for name, found in fields.items()},
            "tried": tried,
            "survivors": survivors,
            "changed": changed,
            "somewhere": [
                [f"{call[0]}.{call[1]}", written(way), kind, killed]
                for (call, way, kind), killed in somewhere.items()
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
            for alteration in sampled(found) if self._sample else found:
                if self._wanted(key, alteration):
                    yield key, account, alteration

    def _wanted(self, key: RecordKey, alteration: Alteration) -> bool:
        texts = (f"{key[0]}.{key[1]}", written(alteration.way), *alteration.judged)
        return not self._only or any(
            fnmatch.fnmatchcase(text, pattern) for text in texts for pattern in self._only
        )

    def _outcomes(self, key: RecordKey, alteration: Alteration) -> dict[str, tuple[Outcome, str]]:
        controls = alteration.judged or tuple(self._readers[key[:2]])
        with self._source.altered(
            key, lambda answer: altered(answer, alteration.where, alteration.value)
        ):
            self._run.aws.forget(*key[:2])
            found = {
                control: self._outcome(control) for control in controls if control in self._items
            }
        self._run.aws.forget(*key[:2])
        return found

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
