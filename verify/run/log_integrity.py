"""The validation of the trail's last hours: made once a run, beside the other checks.

It reads too much for the recorded door (see `verify.integrity.read.reader`): what it found, and all
that it rests on (see `verify.integrity.read.kept_reads`), is kept as one piece of evidence instead.
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
from verify.account.recorded import answered
from verify.account.regions import enabled_regions
from verify.inputs.deployment import Deployment
from verify.model import NotVerifiedError
from verify.redaction import jsonable

if TYPE_CHECKING:
    from verify.integrity.judge.layout import ChainScope
    from verify.integrity.judge.tail import TrailStatus
    from verify.integrity.read.discovery import Trail
    from verify.integrity.read.kept_reads import Kept, Recording
    from verify.integrity.run.result import Result

_WORKERS = 16
_WORTH_ASKING_AGAIN = timedelta(seconds=5)


@dataclass(frozen=True)
class Limits:
    """How far back to look, how late a digest may be, and in whose folders.

    `organization` is the id of the organization that the trail is of; None for an account's own.
    """

    period: timedelta
    lateness: timedelta
    settling: timedelta
    organization: str | None


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

    @property
    def archived(self) -> tuple[str, ...]:
        """What is archived, and what a restore would cost; nothing where nothing is."""
        from verify.integrity import restore

        return tuple(line.strip() for line in restore.lines(self.result.totals))


@dataclass
class _Statuses:
    """Asks for the trail's status in each region, and keeps what was wrong there."""

    reader: Recording | Kept
    deployment: Deployment
    home: Mapping[str, Any]  # GetTrailStatus's answer in the trail's home region
    delivery_errors: dict[str, str] = field(default_factory=dict)
    unasked: dict[str, str] = field(default_factory=dict)

    def of(self, scope: ChainScope) -> TrailStatus | None:
        """The status in a region; None where it could not be read."""
        from verify.integrity.read import discovery
        from verify.integrity.read.reader import UnreadableError

        region, answer = scope.region, self.home
        try:
            if region != self.deployment.trail_home_region:
                answer = self.reader.status(self.deployment.trail_arn, region)
        except UnreadableError as error:
            self.unasked[region] = str(error)
            return None
        status = discovery.status_of(answer)
        if status.latest_digest_error:
            self.delivery_errors[region] = status.latest_digest_error
        return status


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

    def forget(self) -> None:
        """Validate anew at the next question, where a replay has altered the answers."""
        with self._lock:
            self._under_way, self._repeated = None, False

    def _begin(self, reads_again: bool = False) -> Future[Validation]:
        executor = ThreadPoolExecutor(1, thread_name_prefix="log-integrity")
        under_way = executor.submit(self._validate, reads_again)
        executor.shutdown(wait=False)
        return under_way

    def _validate(self, reads_again: bool) -> Validation:
        # Here, so that what it takes to load them delays no other check.
        from verify.integrity.read.discovery import UsageError
        from verify.integrity.read.kept_reads import Kept, Recording
        from verify.integrity.read.s3 import Connection, S3Reader

        described = self._described(self._trail())
        made: list[Validation] = []

        def judged(reader: Recording | Kept, home: Mapping[str, Any], now: datetime) -> Result:
            statuses, begun = _Statuses(reader, self.deployment, home), self._begun(home)
            try:
                result = self._run(reader, described, statuses, now, begun)
            except UsageError as error:
                raise NotVerifiedError(str(error)) from error
            made.append(Validation(result, begun, statuses.delivery_errors, statuses.unasked, ""))
            return result

        def look() -> Mapping[str, Any]:
            home, started = self._home_status(reads_again), datetime.now(UTC)
            connection = Connection(self.deployment.region, _WORKERS)
            reader = Recording(S3Reader(connection, self.session, self.aws.client))
            return self._seen(judged(reader, home, started), reader, home, started)

        seen, evidence = self.aws.looked(
            "trailwarden", "validate_log_files", look, TrailARN=self.deployment.trail_arn
        )
        if not made:
            if seen["reads"]["omitted"]:
                raise NotVerifiedError(
                    f"{seen['reads']['omitted']:,} of the objects that were read are not in the "
                    "evidence: they were too many to be kept"
                )
            home = answered("cloudtrail", "get_trail_status", seen["home"])
            judged(Kept(seen["reads"]), home, datetime.fromisoformat(seen["asked"]))
        return replace(made[0], evidence=evidence)

    def _run(
        self,
        reader: Recording | Kept,
        described: Trail,
        statuses: _Statuses,
        started: datetime,
        begun: datetime | None,
    ) -> Result:
        from verify.integrity.read.discovery import find_scopes
        from verify.integrity.run import executors
        from verify.integrity.run.progress import Progress
        from verify.integrity.run.request import Request, days_of
        from verify.integrity.run.validation import validate

        now = started.replace(microsecond=0)
        enabled = enabled_regions(self.aws, self.deployment) if described.is_multi_region else ()
        start = now - self.limits.period
        days = days_of(start, now, now)
        discovered = find_scopes(reader, described, days, None, None, enabled)
        request = Request(
            layout=described.layout,
            scopes=discovered.scopes,
            start=start,
            end=now,
            now=now,
            lateness=self.limits.lateness,
            begun=begun,
            without_files=discovered.without_files,
            departures=discovered.departures,
        )
        silent = Progress(lambda _: None, terminal=False, expected=1)
        with executors.threads(reader, _WORKERS, described.layout.bucket) as engine:
            return validate(request, reader, engine, statuses.of, silent, discovered.anomalies)

    def _described(self, trail: Mapping[str, Any]) -> Trail:
        from verify.integrity.judge.layout import Layout
        from verify.integrity.read.discovery import Trail

        deployment = self.deployment
        return Trail(
            arn=deployment.trail_arn,
            account=deployment.account_id,
            layout=Layout(
                # Where the files must be, wherever the trail is turned to by now.
                bucket=deployment.log_bucket_name,
                prefix=str(trail.get("S3KeyPrefix", "")),
                organization=self.limits.organization,
                trail=deployment.trail_name,
                home_region=deployment.trail_home_region,
            ),
            is_multi_region=bool(pick(trail, "IsMultiRegionTrail")),
        )

    def _trail(self) -> Mapping[str, Any]:
        found = self.aws.pick(reads.trail(self.deployment), "trailList")
        if len(found) != 1:
            raise NotVerifiedError(f"AWS lists {len(found)} trails {self.deployment.trail_arn}")
        trail: Mapping[str, Any] = found[0]
        return trail

    def _home_status(self, again: bool) -> Mapping[str, Any]:
        read = reads.trail_status(self.deployment)
        ask = self.aws.pick_again if again else self.aws.pick
        status: Mapping[str, Any] = ask(read)
        pick(status, "IsLogging")
        return status

    def _begun(self, status: Mapping[str, Any]) -> datetime | None:
        """When the trail began to log, where that belongs to the deployment's first hour.

        Later it was a restart, and what was not recorded before is missing. The key is as old as
        the deployment: nothing else that is read anyway tells its age.
        """
        if self.deployment.if_there("kms_key_arn") is None:
            return None
        started = status.get("StartLoggingTime")
        created = self.aws.pick(reads.key(self.deployment), "KeyMetadata", "CreationDate")
        if not isinstance(started, datetime) or started - created > self.limits.settling:
            return None
        return started.astimezone(UTC)

    def _seen(
        self, result: Result, reader: Recording, home: Mapping[str, Any], started: datetime
    ) -> Mapping[str, Any]:
        from verify.integrity import report

        return {
            **report.document(result, self.deployment.trail_arn, datetime.now(UTC)),
            "asked": started.isoformat(),
            "home": jsonable(home),
            "reads": reader.document(),
        }
