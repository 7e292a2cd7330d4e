"""The validation of the trail's last hours: made once a run, beside the other checks.

It reads too much for the recorded door (see `verify.integrity.read.reader`): what it found, and the hash
of each digest that it rests on, are kept as one piece of evidence instead.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from verify.account import reads
from verify.account.answer import pick
from verify.account.door import Aws
from verify.account.evidence import ApiCall
from verify.inputs.deployment import Deployment
from verify.model import NotVerifiedError

if TYPE_CHECKING:
    from verify.integrity.judge.layout import Target
    from verify.integrity.judge.tail import TrailStatus
    from verify.integrity.run.day import DayJob, DayResult
    from verify.integrity.run.validation import Result

Digest = dict[str, str | bool]

_WORKERS = 16
_WORTH_ASKING_AGAIN = timedelta(seconds=5)
# Digests of which the evidence holds the hash: a day's of all regions, and then some.
MAXIMUM_DIGESTS = 2_000


@dataclass(frozen=True)
class Limits:
    """How far back to look, and how late a digest may be."""

    period: timedelta
    lateness: timedelta
    settling: timedelta


@dataclass(frozen=True)
class Validation:
    """What was found.

    `begun` is when the trail of a young deployment began to log; None where the whole period must
    be covered. `delivery_errors` are those of the digests of each region, `unasked` the regions
    of which the trail's status could not be read, with the reason.
    """

    result: Result
    begun: datetime | None
    delivery_errors: Mapping[str, str]
    unasked: Mapping[str, str]
    evidence: str


@dataclass
class LogIntegrity:
    """Validates in a thread of its own, from `start` or the first question on.

    `session` is botocore's, which knows the credentials of the clients of `aws`.
    """

    aws: Aws
    deployment: Deployment
    limits: Limits
    session: Any
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _under_way: Future[Validation] | None = None
    _repeated: bool = False

    def start(self) -> None:
        """Begin, if it has not begun yet."""
        with self._lock:
            if self._under_way is None:
                self._under_way = self._begin()

    def validation(self) -> Validation:
        """What was found. Raises NotVerifiedError."""
        self.start()
        with self._lock:
            under_way = self._under_way
        if under_way is None:
            raise NotVerifiedError("the validation of the log files did not begin")
        return under_way.result()

    def again(self, first: Validation) -> Validation:
        """Validate once more, for a trail that is too young to have had a digest at `first`.

        At most once a run, and only when the run has lasted long enough for one to have come.
        """
        with self._lock:
            waited = datetime.now(UTC) - first.result.request.now
            if not self._repeated and waited >= _WORTH_ASKING_AGAIN:
                self._repeated = True
                self._under_way = self._begin(reads_again=True)
        return self.validation()

    def _begin(self, reads_again: bool = False) -> Future[Validation]:
        executor = ThreadPoolExecutor(1, thread_name_prefix="log-integrity")
        under_way = executor.submit(self._validate, reads_again)
        executor.shutdown(wait=False)
        return under_way

    def _validate(self, reads_again: bool) -> Validation:
        # Here, so that what it takes to load them delays no other check.
        from verify.integrity.judge.layout import Layout
        from verify.integrity.read import discovery
        from verify.integrity.read.reader import UnreadableError
        from verify.integrity.read.s3 import Connection, S3Reader
        from verify.integrity.run import executors
        from verify.integrity.run.progress import Progress
        from verify.integrity.run.validation import Request, validate

        deployment, started = self.deployment, datetime.now(UTC)
        home = self._home_status(reads_again)
        trail = self._trail()
        reader = S3Reader(Connection(deployment.region, _WORKERS), self.session, self.aws.client)
        described = discovery.Trail(
            arn=deployment.trail_arn,
            account=deployment.account_id,
            layout=Layout(
                # Where the files must be, wherever the trail is turned to by now.
                bucket=deployment.log_bucket_name,
                prefix=str(trail.get("S3KeyPrefix", "")),
                organization=None,
                trail=deployment.trail_name,
                home_region=deployment.trail_home_region,
            ),
            is_multi_region=bool(pick(trail, "IsMultiRegionTrail")),
        )
        errors: dict[str, str] = {}
        unasked: dict[str, str] = {}
        digests: list[Digest] = []

        def status(target: Target) -> TrailStatus | None:
            try:
                answer = (
                    home
                    if target.region == deployment.trail_home_region
                    else discovery.ask_status(reader, deployment.trail_arn, target.region)
                )
            except UnreadableError as error:
                unasked[target.region] = str(error)
                return None
            found = discovery.status_of(answer)
            if found.latest_digest_error:
                errors[target.region] = found.latest_digest_error
            return found

        now = started.replace(microsecond=0)
        begun = self._begun(home)
        try:
            scope = discovery.find_targets(
                reader, described, None, None, self._regions() if described.is_multi_region else ()
            )
            request = Request(
                layout=described.layout,
                targets=scope.targets,
                start=now - self.limits.period,
                end=now,
                now=now,
                lateness=self.limits.lateness,
                begun=begun,
                without_files=scope.without_files,
            )
            with executors.threads(reader, _WORKERS, described.layout.bucket) as engine:

                def task(job: DayJob) -> DayResult:
                    day = engine.task(job)
                    digests.extend(
                        {"key": one.key, "sha256": one.hash_value, "proven": one.proven}
                        for one in (*day.nodes, *day.backfill_nodes)
                    )
                    return day

                silent = Progress(lambda _: None, terminal=False, expected=1)
                result = validate(
                    request, reader, replace(engine, task=task), status, silent, scope.findings
                )
        except discovery.UsageError as error:
            raise NotVerifiedError(str(error)) from error
        return Validation(result, begun, errors, unasked, self._record(result, digests, started))

    def _trail(self) -> Mapping[str, Any]:
        answer = self.aws.read(reads.trail(self.deployment)).response or {}
        found = pick(answer, "trailList")
        if len(found) != 1:
            raise NotVerifiedError(f"AWS lists {len(found)} trails {self.deployment.trail_arn}")
        trail: Mapping[str, Any] = found[0]
        return trail

    def _home_status(self, again: bool) -> Mapping[str, Any]:
        read = reads.trail_status(self.deployment)
        answer = (self.aws.read_again(read) if again else self.aws.read(read)).response or {}
        pick(answer, "IsLogging")
        return answer

    def _regions(self) -> list[str]:
        answer = self.aws.read(reads.enabled_regions()).response or {}
        return [str(pick(one, "RegionName")) for one in pick(answer, "Regions")]

    def _begun(self, status: Mapping[str, Any]) -> datetime | None:
        """When the trail began to log, where that belongs to the deployment's first hour.

        Later it was a restart, and what was not recorded before is missing. The key is as old as
        the deployment: nothing else that is read anyway tells its age.
        """
        started = status.get("StartLoggingTime")
        answer = self.aws.read(reads.key(self.deployment)).response or {}
        created = pick(answer, "KeyMetadata", "CreationDate")
        if not isinstance(started, datetime) or started - created > self.limits.settling:
            return None
        return started.astimezone(UTC)

    def _record(self, result: Result, digests: list[Digest], started: datetime) -> str:
        from verify.integrity import report

        finished = datetime.now(UTC)
        document = report.document(result, self.deployment.trail_arn, finished)
        return self.aws.record(
            ApiCall(
                service="trailwarden",
                operation="validate_log_files",
                region=self.deployment.region,
                parameters={"TrailARN": self.deployment.trail_arn},
                time=started,
                seconds=(finished - started).total_seconds(),
                request_ids=(),
                pages=({**document, "digests": digests[:MAXIMUM_DIGESTS]},),
                error=None,
            )
        )
