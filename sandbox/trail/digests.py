"""Digest files: a signed chain for each region in which a trail delivers.

A trail has a chain in its home region, and a multi-region trail in every enabled region. Digests
come once in a period. Where the period is shorter than AWS's hour, that holds for the regions that
the settings name; elsewhere a digest that would name no log file waits for AWS's hour to be over,
so that accelerated digests fill neither the process's memory nor the time of who validates them.

A chain begins when a trail that is logging has log file validation on. It ends with a final digest
when validation is switched off, when the trail is deleted, and, once the StopLogging event itself
has been delivered, when logging is stopped.

Backfill digests, which AWS makes of log files that its own delays kept out of the regular ones, are
made on demand (``sandbox.control``). They take the log files that are not in a digest yet, and
those delivered while validation was off.
"""

from __future__ import annotations

import gzip
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sandbox import regions
from sandbox.clock import iso_seconds, now
from sandbox.control import ControlError
from sandbox.settings import DIGEST_SECONDS
from sandbox.trail import digest_document, layout, storage
from sandbox.trail.digest_document import Link, LogFile, Source
from sandbox.trail.signing_keys import SigningKeys
from sandbox.world import World

_TICK_SECONDS = 0.25
_SECOND = timedelta(seconds=1)
_AWS_PERIOD = timedelta(seconds=DIGEST_SECONDS)
# Log files that wait for a digest, by trail and region. A chain waits for long only while its
# digests cannot be written.
MAXIMUM_WAITING = 10_000

_Place = tuple[str, str]  # a trail's ARN and a region


@dataclass
class _Chain:
    """A region's chain: where its next digest begins, what that names, and what came before."""

    start: datetime
    regular: bool  # the settings ask for digests that name nothing, too
    pressing: bool = False  # log files cannot be written: whether digests can is soon to be told
    previous: Link | None = None
    waiting: deque[LogFile] = field(default_factory=deque)

    def is_due(self, end: datetime) -> bool:
        """Whether a digest up to ``end`` need not wait for the hour."""
        if self.regular or self.pressing:
            return True
        return bool(self.waiting) and self.waiting[0].delivered < end


@dataclass
class _Validated:
    """A trail that is digested. ``stopping`` from StopLogging until that event is delivered."""

    trail: Any
    begun: datetime
    multi_region: bool
    chains: dict[str, _Chain] = field(default_factory=dict)
    stopping: bool = False


@dataclass
class DigestStatus:
    """What GetTrailStatus tells of a trail's digests in a region. No error after a success."""

    delivered: datetime | None = None
    error: str | None = None


class Digests:
    """Writes digest files when they are due. Whoever calls a method holds the world's lock."""

    def __init__(self, world: World, keys: SigningKeys) -> None:
        self._world = world
        self._keys = keys
        self._period = timedelta(seconds=world.settings.digest_period)
        self._validated: dict[str, _Validated] = {}
        self._status: dict[_Place, DigestStatus] = {}
        # Where a chain ended: the next one begins no earlier, so that no two digests share a name.
        self._ended: dict[_Place, datetime] = {}
        self._unreferenced: dict[_Place, deque[LogFile]] = {}
        self._backfilled: dict[_Place, Link] = {}
        world.scheduler.every(_TICK_SECONDS, self.write_due)

    # --- what happens to a trail -------------------------------------------------------------

    def changed(self, trail: Any) -> None:
        """Begin or end a trail's chains as its settings now want."""
        validated = self._validated.get(trail.arn)
        if validated is not None and validated.stopping and trail.status.is_logging:
            self._end(validated)
            validated = None
        if not trail.log_validation:
            if validated is not None:
                self._end(validated)
            return
        if validated is None:
            if trail.status.is_logging:
                self._begin(trail)
            return
        if validated.multi_region and not trail.is_multi_region:
            for region in [other for other in validated.chains if other != trail.region_name]:
                self._finish(validated, region)
        validated.multi_region = trail.is_multi_region
        self._open(validated)

    def stopping(self, trail: Any) -> None:
        """Logging was stopped; the chains go on until the event of that is delivered."""
        if trail.arn in self._validated:
            self._validated[trail.arn].stopping = True

    def stopped(self, trail: Any) -> None:
        """The StopLogging event was delivered: write the final digests."""
        validated = self._validated.get(trail.arn)
        if validated is not None and validated.stopping:
            self._end(validated)

    def forget(self, trail: Any) -> None:
        """Write the final digests of a trail that is about to go, and forget it."""
        validated = self._validated.get(trail.arn)
        if validated is not None:
            self._end(validated)
        for places in (self._status, self._unreferenced, self._backfilled):
            for place in [place for place in places if place[0] == trail.arn]:
                del places[place]

    def delivered(self, trail: Any, region: str, file: LogFile) -> None:
        """A log file was delivered."""
        validated = self._validated.get(trail.arn)
        if validated is None:
            self._leave_out(trail, region, [file])
            return
        waiting = self._chain(validated, region).waiting
        waiting.append(file)
        if len(waiting) > MAXIMUM_WAITING:
            self._leave_out(trail, region, [waiting.popleft()])

    def undelivered(self, trail: Any, region: str) -> None:
        """A log file could not be delivered."""
        validated = self._validated.get(trail.arn)
        if validated is not None:
            self._chain(validated, region).pressing = True

    def status(self, trail: Any, region: str) -> DigestStatus:
        """The state of a trail's digests in a region."""
        return self._status.setdefault((trail.arn, region), DigestStatus())

    # --- chains ------------------------------------------------------------------------------

    def _begin(self, trail: Any) -> None:
        # Not earlier than now: what was delivered before is not in it.
        begun = _whole_second(now() + timedelta(microseconds=999_999))
        ended = self._ended.get((trail.arn, trail.region_name), begun)
        validated = _Validated(trail, max(begun, ended), trail.is_multi_region)
        self._validated[trail.arn] = validated
        self._open(validated)

    def _open(self, validated: _Validated) -> None:
        settings, home = self._world.settings, validated.trail.region_name
        self._chain(validated, home)
        if not validated.multi_region:
            return
        for region in regions.enabled(settings, home):
            self._chain(validated, region)
        for region in settings.digest_regions:
            self._chain(validated, region)

    def _chain(self, validated: _Validated, region: str) -> _Chain:
        if region not in validated.chains:
            ended = self._ended.get((validated.trail.arn, region), validated.begun)
            regular = region in self._world.settings.digest_regions
            validated.chains[region] = _Chain(max(validated.begun, ended), regular)
        return validated.chains[region]

    def _end(self, validated: _Validated) -> None:
        for region in list(validated.chains):
            self._finish(validated, region)
        del self._validated[validated.trail.arn]

    def _finish(self, validated: _Validated, region: str) -> None:
        """Write a chain's final digest, of all that has been delivered, and drop the chain.

        A chain that has no digest yet and nothing to put into one ends without, as does one in a
        region where none is asked for.
        """
        chain = validated.chains.pop(region)
        home = region == validated.trail.region_name
        if chain.previous is None and not (home or chain.regular or chain.waiting):
            return
        # Not later than now, as far as whole seconds allow: what comes after it is not in it.
        end = _whole_second(now())
        if end <= chain.start:
            if chain.previous is None and not chain.waiting:
                return
            end = chain.start + _SECOND
        self._write(validated.trail, region, chain, end, list(chain.waiting))
        self._leave_out(validated.trail, region, chain.waiting)
        self._ended[validated.trail.arn, region] = end

    def _leave_out(self, trail: Any, region: str, files: Sequence[LogFile]) -> None:
        place = (trail.arn, region)
        if files:
            self._unreferenced.setdefault(place, deque(maxlen=MAXIMUM_WAITING)).extend(files)

    # --- writing -----------------------------------------------------------------------------

    def write_due(self) -> None:
        """Write the digests of the periods that are over. Takes the lock itself.

        A process that was suspended for many periods makes up for them with one digest.
        """
        moment = now()
        with self._world.lock:
            due = {region for _, region, _, _ in self._due(moment)}
        for region in due:
            self._keys.of(region)  # generating takes its time: not under the lock
        with self._world.lock:
            for trail, region, chain, end in self._due(moment):
                files = [file for file in chain.waiting if file.delivered < end]
                self._write(trail, region, chain, end, files)

    def _due(self, moment: datetime) -> list[tuple[Any, str, _Chain, datetime]]:
        found = []
        for validated in self._validated.values():
            since = moment - validated.begun
            period_end, hour_end = (
                validated.begun + since // period * period
                for period in (self._period, max(self._period, _AWS_PERIOD))
            )
            found += [
                (validated.trail, region, chain, end)
                for region, chain in validated.chains.items()
                if (end := period_end if chain.is_due(period_end) else hour_end) > chain.start
            ]
        return found

    def _write(
        self, trail: Any, region: str, chain: _Chain, end: datetime, files: Sequence[LogFile]
    ) -> None:
        """Write the digest from the chain's start to ``end``; what fails is tried again later."""
        status = self.status(trail, region)
        written = self._put(trail, region, chain.start, end, chain.previous, files)
        if isinstance(written, str):
            status.error = written
            return
        for _ in files:  # they are the first of those that wait
            chain.waiting.popleft()
        chain.start, chain.previous, chain.pressing = end, written, False
        status.delivered, status.error = now(), None

    def _put(
        self,
        trail: Any,
        region: str,
        start: datetime,
        end: datetime,
        previous: Link | None,
        files: Sequence[LogFile],
        generated: datetime | None = None,
    ) -> Link | str:
        """Sign a digest and write it; a backfill digest says when it was generated.

        Returns the link for the next digest, or the error that kept it from being written.
        """
        source = self._source(trail, region)
        key = source.key(end, generated is not None)
        signing_key = self._keys.of(region)
        content = digest_document.document(
            source, key, start, end, signing_key.fingerprint, previous, files
        )
        body = digest_document.serialize(content)
        hash_value = digest_document.sha256(body)
        signature = signing_key.sign(digest_document.string_to_sign(content, hash_value))
        metadata = {
            "signature": signature,
            "signature-algorithm": digest_document.SIGNATURE_ALGORITHM,
        }
        if generated is not None:
            metadata["backfill-generation-timestamp"] = iso_seconds(generated)
        error = storage.put(self._world, trail, key, gzip.compress(body), metadata)
        return error or Link(source.bucket, key, hash_value, signature)

    def _source(self, trail: Any, region: str) -> Source:
        return Source(
            self._world.settings.account,
            region,
            trail.trail_name,
            trail.region_name,
            trail.bucket_name,
            layout.folder(self._world, trail),
        )

    # --- backfill ----------------------------------------------------------------------------

    def backfill(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Write a backfill digest of the log files that no digest names.

        ``request`` has ``trail`` (a name or an ARN) and ``region`` (by default the trail's own).
        Returns the digest's ``bucket``, ``key`` and number of ``logFiles``. Raises ControlError
        when there is no such trail, nothing to put into a digest, or no way to write it.
        """
        trail = self._find(request.get("trail"))
        region = request.get("region", trail.region_name)
        if not isinstance(region, str):
            raise ControlError("400 Bad Request", "region must be a text")
        place = (trail.arn, region)
        validated = self._validated.get(trail.arn)
        chain = validated.chains.get(region) if validated is not None else None
        queues = [self._unreferenced.get(place), chain.waiting if chain is not None else None]
        files = sorted(
            (file for queue in queues if queue for file in queue), key=lambda file: file.delivered
        )
        if not files:
            raise ControlError(
                "409 Conflict",
                f"no log file of {trail.trail_name} in {region} is without a digest",
            )
        start = _whole_second(files[0].delivered)
        end = _whole_second(files[-1].delivered) + _SECOND
        source = self._source(trail, region)
        while storage.exists(self._world, trail, source.key(end, backfill=True)):
            end += _SECOND
        previous = self._backfilled.get(place)
        written = self._put(trail, region, start, end, previous, files, generated=now())
        if isinstance(written, str):
            raise ControlError("409 Conflict", f"the digest cannot be written: {written}")
        for queue in queues:
            if queue:
                queue.clear()
        self._backfilled[place] = written
        return {"bucket": written.bucket, "key": written.key, "logFiles": len(files)}

    def _find(self, name: Any) -> Any:
        for backend in self._world.regions("cloudtrail"):
            for trail in backend.trails.values():
                if name in (trail.trail_name, trail.arn):
                    return trail
        raise ControlError("404 Not Found", f"there is no trail {name!r}")


def _whole_second(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)
