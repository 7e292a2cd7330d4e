"""The vocabulary of a verification: controls, observations, outcomes, results, the report of a run.

Everybody may know this module, and it knows nobody. Times are aware datetimes in UTC, durations are
seconds.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

EXIT_CLEAN = 0
EXIT_CONTROL_FAILED = 1
EXIT_NOT_VERIFIED = 6  # pytest uses 0 to 5 itself


class Outcome(StrEnum):
    """The verdict on one control of the catalogue.

    ERROR and NOT_TESTED are not failures of the account but of our sight: neither counts as a pass.
    """

    PASS = "PASS"  # noqa: S105 - an outcome, not a password
    FAIL = "FAIL"
    ERROR = "ERROR"
    WAIVED = "WAIVED"
    NOT_TESTED = "NOT TESTED"
    NOT_APPLICABLE = "NOT APPLICABLE"


NOT_VERIFIED = frozenset({Outcome.ERROR, Outcome.NOT_TESTED})


def exit_code(outcomes: Iterable[Outcome]) -> int:
    """The exit code that a run with these outcomes deserves.

    Returns 1 when a control failed, 6 when none failed but at least one could not be verified
    (or when there is no outcome at all), else 0.
    """
    seen = set(outcomes)
    if Outcome.FAIL in seen:
        return EXIT_CONTROL_FAILED
    if not seen or seen & NOT_VERIFIED:
        return EXIT_NOT_VERIFIED
    return EXIT_CLEAN


class NotVerifiedError(Exception):
    """What a control needs could not be seen. The outcome is ERROR, never PASS."""


@dataclass(frozen=True)
class Citations:
    """Where a control comes from: 45 CFR 164 (HIPAA Security Rule), NIST SP 800-53 r5, CIS AWS."""

    primary: tuple[str, ...]
    secondary: tuple[str, ...]
    nist: tuple[str, ...]
    cis: tuple[str, ...]


@dataclass(frozen=True)
class Control:
    """One entry of the control catalogue."""

    identifier: str  # kebab-case, e.g. "trail-is-logging"
    family: str  # e.g. "Trail"
    statement: str  # what must be true, one sentence
    severity: str  # CRITICAL, HIGH, MEDIUM or LOW
    citations: Citations
    rationale: str
    remediation: str


@dataclass(frozen=True)
class PolicyRow:
    """A row of the logging policy: what it is about, what it demands, and what shows it.

    `purpose` is that of the baseline's alarm on an event; empty for another row. `uncaused` says
    why live fire does not cause what the row is about; empty where it does, and of other areas.
    """

    area: str
    row: str
    controls: tuple[str, ...]
    purpose: str = ""
    uncaused: str = ""


@dataclass(frozen=True)
class Requirement:
    """A point of what the infrastructure must be.

    It holds in `profiles`, and is shown by `controls` on a live account and by files of `tests`.
    """

    identifier: str
    statement: str
    profiles: tuple[str, ...]
    controls: tuple[str, ...]
    tests: tuple[str, ...]


@dataclass(frozen=True)
class Observation:
    """One expectation that a check held against one subject."""

    subject: str  # the resource that the verdict is about: an ARN or an id
    aspect: str  # what was looked at, e.g. "log file validation"
    expected: str  # by the baseline
    seen: str  # in the account
    met: bool
    declared: str | None = None  # by the Terraform configuration; None where that is not known

    @property
    def comparison(self) -> str:
        """What the witnesses say, in one line."""
        declared = "" if self.declared is None else f"declared {self.declared}, "
        return f"{declared}required {self.expected}, live {self.seen}"


@dataclass(frozen=True)
class EvidenceReference:
    """A recorded API call that a verdict rests on."""

    identifier: str  # e.g. "0007-cloudtrail-get_trail_status"
    service: str
    operation: str
    region: str
    time: datetime
    request_id: str | None
    file: str  # path below the run's folder
    sha256: str  # of that file


@dataclass(frozen=True)
class RecordedChange:
    """A change of a resource, as CloudTrail recorded it; `error` is empty if it was carried out."""

    time: datetime
    event_id: str
    region: str
    action: str  # service:EventName
    who: str
    principal: str  # the ARN, or what there is instead
    source: str  # address, or the service that called
    error: str


@dataclass(frozen=True)
class ControlResult:
    """The verdict on one control."""

    control: Control
    outcome: Outcome
    message: str  # empty for PASS; for ERROR the cause, with API call and permission where known
    observations: tuple[Observation, ...]
    evidence: tuple[str, ...]  # identifiers of EvidenceReference
    test: str | None  # pytest node id; None when no test ran
    seconds: float
    changes: tuple[RecordedChange, ...] = ()  # of what failed, the latest first


@dataclass(frozen=True)
class WaiverUse:
    """A waiver that was given to the run, and what became of it."""

    control: str
    subject: str  # a pattern with * and ?
    reason: str
    ticket: str  # where the decision is kept
    owner: str  # who answers for it
    approver: str  # who has accepted the risk
    issued: str  # the first day on which it holds, ISO 8601
    expires: str  # the last one
    days_left: int  # negative when it has expired
    status: str  # used, unused, expired or not yet in force


@dataclass(frozen=True)
class Provenance:
    """Which code verified, and what it ran on.

    `commit` is None where that is not known; `clean` says whether the code was as committed.
    """

    commit: str | None
    clean: bool | None
    python: str
    libraries: tuple[str, ...]  # names and versions


@dataclass(frozen=True)
class TerraformState:
    """Which state the deployment's outputs are of: a state counts its changes by its serial."""

    lineage: str  # stays the same as long as it is the same state
    serial: int
    terraform_version: str


@dataclass(frozen=True)
class EarlierRun:
    """What an earlier, sealed run of the same deployment came to.

    `longest_alert_seconds` is as in `Report`.
    """

    run_id: str
    started: datetime
    finished: datetime
    verdict: str
    counts: Mapping[Outcome, int]
    longest_alert_seconds: float | None


@dataclass(frozen=True)
class Attestation:
    """What no check can see, and somebody states: no verdict, and shown apart.

    `signed_by` is the SHA-256 of the public key of its signature; None where it has none.
    """

    title: str
    citation: str  # of 45 CFR Part 164
    statement: str
    by: str
    role: str
    date: str  # ISO 8601
    expires: str  # the last day on which it holds
    status: str  # in force, expired or not yet in force
    attachment: str | None  # the file's name
    attachment_sha256: str | None
    signed_by: str | None


AWS, OURS = "AWS", "ours"


@dataclass(frozen=True)
class Leg:
    """One stretch of an alert's way, e.g. from the trail's record to the log group.

    `whose` it is says who answers for it: AWS, or what the deployment made. Empty where not said.
    """

    name: str
    seconds: float | None  # None where one of its two times is not known
    whose: str = ""


@dataclass(frozen=True)
class AlertTiming:
    """How long an alert of live fire took to its receipt, or its event to the function.

    It runs from the API call. There is no target for a way that nobody promises as a whole.
    """

    probe: str
    legs: tuple[Leg, ...]
    total_seconds: float
    target_seconds: float | None


@dataclass(frozen=True)
class Target:
    """The deployment that the run looked at."""

    account: str
    region: str
    partition: str
    environment: str
    profile: str
    endpoint: str | None  # set when the AWS APIs were not AWS's own (a local stand-in)


@dataclass(frozen=True)
class BaselineSource:
    """One file of the baseline that the account was held to."""

    name: str  # of the profile
    file: str  # below the project's folder; of a baseline of the user's own, its name
    sha256: str  # of that file


@dataclass(frozen=True)
class InputFile:
    """A file that the run was given, as it is kept below the run's folder."""

    file: str
    sha256: str


OUTSIDE, GATEWAY, TIER, OTHER = "outside", "gateway", "tier", "other"


@dataclass(frozen=True)
class NetworkNode:
    """What stands in the picture of a network: OUTSIDE, a GATEWAY, a TIER, or OTHER."""

    name: str
    kind: str
    details: tuple[str, ...] = ()  # its groups, its subnets, how many interfaces are there


@dataclass(frozen=True)
class NetworkSubnet:
    """A subnet, with what its routes lead to beyond the VPC."""

    name: str
    ranges: tuple[str, ...]
    leads_to: tuple[str, ...]


@dataclass(frozen=True)
class NetworkWay:
    """Traffic that can pass between two nodes of a picture, by the nodes of `via`.

    `chain` says every step, of a forbidden way from its very beginning.
    """

    source: str
    via: tuple[str, ...]
    destination: str
    traffic: str
    forbidden: bool
    chain: str


@dataclass(frozen=True)
class NetworkPicture:
    """What can pass through a VPC, as its gateways, routes, ACLs and groups are now."""

    vpc: str
    ranges: tuple[str, ...]
    nodes: tuple[NetworkNode, ...]
    subnets: tuple[NetworkSubnet, ...]
    ways: tuple[NetworkWay, ...]


@dataclass(frozen=True)
class ControlChange:
    """What became of a control since an earlier run: see `verify.report.difference` for the kinds.

    An outcome is None where one of the two runs does not have the control. `details` say which
    expectations are not met, or were not, or why nothing could be seen.
    """

    control: str
    kind: str
    before: Outcome | None
    after: Outcome | None
    details: tuple[str, ...]


@dataclass(frozen=True)
class Comparison:
    """What has changed since an earlier run of the same deployment, the worst first."""

    run_id: str
    started: datetime
    verdict: str
    changes: tuple[ControlChange, ...]


@dataclass(frozen=True)
class Report:
    """A whole run. The rows come from the baseline's list of controls, so none can vanish."""

    run_id: str
    tool_version: str
    started: datetime
    finished: datetime
    target: Target
    caller: str  # ARN of the identity that verified
    results: tuple[ControlResult, ...]
    evidence: tuple[EvidenceReference, ...]
    timings: tuple[AlertTiming, ...]
    waivers: tuple[WaiverUse, ...]
    notes: tuple[str, ...]  # what a reader must know to judge the run, e.g. cleanup of earlier runs
    baseline: tuple[BaselineSource, ...]  # the profile's file, then what it extends
    inputs: tuple[InputFile, ...] = ()  # what else it was given; none of a replay
    network: NetworkPicture | None = None  # None where no check has looked at it as a whole
    command: tuple[str, ...] = ()  # the command line
    attestations: tuple[Attestation, ...] = ()  # beside what was verified
    provenance: Provenance | None = None
    since: Comparison | None = None  # None where no earlier run of the deployment is there
    history: tuple[EarlierRun, ...] = ()  # of the same deployment, the latest first
    terraform_state: TerraformState | None = None  # None where it was not given

    @property
    def counts(self) -> Mapping[Outcome, int]:
        """The number of controls by outcome; every outcome has an entry."""
        found = Counter(result.outcome for result in self.results)
        return {outcome: found.get(outcome, 0) for outcome in Outcome}

    @property
    def longest_alert_seconds(self) -> float | None:
        """How long the slowest alert took that has a target; None where none was timed."""
        alerts = (one.total_seconds for one in self.timings if one.target_seconds is not None)
        return max(alerts, default=None)

    @property
    def exit_code(self) -> int:
        """See `exit_code`."""
        return exit_code(result.outcome for result in self.results)

    @property
    def verdict(self) -> str:
        """The run in a few words, for headings."""
        if self.exit_code == EXIT_CLEAN and self.counts[Outcome.WAIVED]:
            return "CLEAN WITH WAIVERS"
        return {0: "CLEAN", 1: "CONTROLS FAILED"}.get(self.exit_code, "NOT FULLY VERIFIED")

    def waivers_of(self, result: ControlResult) -> tuple[WaiverUse, ...]:
        """The waivers by which the failure of a control is accepted; none of another outcome."""
        if result.outcome is not Outcome.WAIVED:
            return ()
        return tuple(
            waiver
            for waiver in self.waivers
            if waiver.control == result.control.identifier and waiver.status == "used"
        )


@dataclass(frozen=True)
class TestResult:
    """What one phase (setup, call, teardown) of one check gave."""

    __test__ = False  # not a test class, whatever pytest thinks of the name

    control: str
    test: str
    when: str
    outcome: Outcome
    message: str
    observations: tuple[Observation, ...]
    evidence: tuple[str, ...]
    seconds: float
    timings: tuple[AlertTiming, ...]
    notes: tuple[str, ...]
    network: NetworkPicture | None = None

    def to_json(self) -> str:
        """As text, so that it can travel from a worker in a test report."""
        return json.dumps(asdict(self))


def result_from_json(text: str) -> TestResult:
    """The reverse of `TestResult.to_json`."""
    values: dict[str, Any] = json.loads(text)
    return TestResult(
        **{
            **values,
            "outcome": Outcome(values["outcome"]),
            "observations": tuple(Observation(**item) for item in values["observations"]),
            "evidence": tuple(values["evidence"]),
            "notes": tuple(values["notes"]),
            "timings": tuple(
                AlertTiming(**{**timing, "legs": tuple(Leg(**leg) for leg in timing["legs"])})
                for timing in values["timings"]
            ),
            "network": network_picture(values["network"]),
        }
    )


def network_picture(values: Mapping[str, Any] | None) -> NetworkPicture | None:
    """A picture from the values of its members, as JSON has them."""
    if values is None:
        return None
    parts = {"nodes": NetworkNode, "subnets": NetworkSubnet, "ways": NetworkWay}
    made = {
        name: tuple(part(**_with_tuples(item)) for item in values[name])
        for name, part in parts.items()
    }
    return NetworkPicture(**{**_with_tuples(values), **made})


def _with_tuples(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
    }
