"""Puts a violation of every rule before the deployed function itself, without publishing anything.

The probes prove the whole way for a few events. This proves the judgement for all: the function is
invoked once, directly, with a record for each rule and a finding of GuardDuty's, and again with the
same records as calls that failed, which must raise nothing (a failed call changes nothing).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Template
from typing import Any

from verify.account.door import evidence_used
from verify.inputs.deployment import Deployment
from verify.model import NotVerifiedError
from verify.run.verification import Run

_SAMPLES = Path(__file__).parent / "rule_samples.json"


@dataclass(frozen=True)
class Sample:
    """A record, as CloudTrail would write it, that violates one rule and no other.

    Or a finding, as GuardDuty would write it, which is no record.
    """

    rule: str
    record: Mapping[str, Any]

    @property
    def event_id(self) -> str:
        """By which the alert names the record."""
        return str(self.record["id" if self.is_finding else "eventID"])

    @property
    def is_finding(self) -> bool:
        """Whether GuardDuty would have written it."""
        return "eventID" not in self.record


@dataclass(frozen=True)
class Reply:
    """What the function said of the violations, and of the same calls had they failed."""

    samples: tuple[Sample, ...]
    alerts: tuple[Mapping[str, Any], ...]
    false_alerts: tuple[Mapping[str, Any], ...]
    evidence: tuple[str, ...]

    def raised_by(self, sample: Sample) -> list[str]:
        """The rules that the function says `sample` violates."""
        return sorted(
            str(alert.get("rule")) for alert in self.alerts if _event_id(alert) == sample.event_id
        )


def samples(deployment: Deployment, run_id: str) -> tuple[Sample, ...]:
    """The records for `deployment`, with event ids of their own for each run."""
    text = Template(_template()).substitute(
        account=deployment.account_id,
        region=deployment.region,
        partition=deployment.partition,
        environment=deployment.environment,
        key=deployment.kms_key_arn,
    )
    document = json.loads(text)
    findings = [
        Sample(entry["rule"], {**entry["finding"], "id": f"{run_id.lower()}-{entry['rule']}"})
        for entry in document["findings"]
    ]
    records = [
        Sample(
            entry["rule"],
            {
                **document["common"],
                **entry["record"],
                "eventID": f"{run_id.lower()}-{entry['rule']}",
            },
        )
        for entry in document["samples"]
    ]
    return (*records, *findings)


@cache
def _template() -> str:
    return _SAMPLES.read_text(encoding="utf-8")


class Invocation:
    """Runs in a thread of its own, beside the probes."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="invocation")
        self._future: Future[Reply] | None = None

    def fire(self) -> None:
        """Start. Returns at once."""
        self._future = self._executor.submit(self._work)

    def result(self) -> Reply:
        """The function's reply. Raises NotVerifiedError when it gave none."""
        if self._future is None:
            raise NotVerifiedError("the function was not invoked")
        return self._future.result()

    def stop(self) -> None:
        """Wait for the end of what is under way."""
        self._executor.shutdown(wait=True, cancel_futures=True)

    def _work(self) -> Reply:
        run_id = self._run.settings.run_id
        page, evidence = self._run.aws.looked(
            "trailwarden", "rehearse_rules", lambda: self._rehearse(run_id)
        )
        return Reply(
            samples(self._run.deployment, page["run_id"]),
            tuple(page["alerts"]),
            tuple(page["false_alerts"]),
            (*page["evidence"], evidence),
        )

    def _rehearse(self, run_id: str) -> dict[str, Any]:
        made = samples(self._run.deployment, run_id)
        records = [sample.record for sample in made if not sample.is_finding]
        findings = [sample.record for sample in made if sample.is_finding]
        failed = [{**record, "errorCode": "AccessDenied"} for record in records]
        with evidence_used() as evidence:
            alerts = self._invoke(records, findings)
            false_alerts = self._invoke(failed, [])
        return {
            "run_id": run_id,
            "alerts": alerts,
            "false_alerts": false_alerts,
            "evidence": list(evidence),
        }

    def _invoke(
        self, records: Sequence[Mapping[str, Any]], findings: Sequence[Mapping[str, Any]]
    ) -> tuple[Mapping[str, Any], ...]:
        function = self._run.deployment.function_arn
        invoked = self._run.aws.act(
            "lambda",
            "invoke",
            FunctionName=function,
            Qualifier=self._run.deployment.function_rehearsal_alias,
            Payload=json.dumps(
                {"test": {"records": records, "findings": findings, "publish": False}}
            ).encode(),
        )
        said = invoked.get("Payload", "")
        if error := invoked.get("FunctionError"):
            raise NotVerifiedError(f"{function} failed ({error}): {said[:500]}")
        try:
            summary = json.loads(said)
            counted, alerts = summary["records"], tuple(summary["alerts"])
        except (ValueError, KeyError, TypeError):
            raise NotVerifiedError(
                f"{function} did not answer as the compliance function does: {said[:500]}"
            ) from None
        if counted != len(records):
            raise NotVerifiedError(f"{function} looked at {counted} of {len(records)} records")
        return alerts


def _event_id(alert: Mapping[str, Any]) -> object:
    event = alert.get("event")
    return event.get("event_id") if isinstance(event, Mapping) else None
