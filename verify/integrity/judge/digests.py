"""Reading one digest and judging it by itself: bytes, form, place and signature, by version."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from verify.integrity.judge.anomaly import Finding, Kind
from verify.integrity.judge.chain import Node
from verify.integrity.judge.content import MAXIMUM_DIGEST_BYTES, Content, ContentProblem, inflate
from verify.integrity.judge.digest import Digest, DigestFormatError, parse_digest
from verify.integrity.judge.layout import DigestName, Target
from verify.integrity.judge.signature import PublicKey, SignatureProblem, judge_signature
from verify.integrity.read.reader import (
    History,
    ObjectMissingError,
    Reader,
    UnreadableError,
    Version,
)
from verify.wording import utc_time

MAXIMUM_VERSIONS_READ = 20
_GENERATED = "backfill-generation-timestamp"
_BACKFILL_KEYS = timedelta(hours=1)

_KINDS = {
    SignatureProblem.MISSING: Kind.DIGEST_SIGNATURE_MISSING,
    SignatureProblem.ALGORITHM: Kind.DIGEST_SIGNATURE_INVALID,
    SignatureProblem.KEY_UNKNOWN: Kind.DIGEST_KEY_UNKNOWN,
    SignatureProblem.KEY_NOT_VALID: Kind.DIGEST_KEY_NOT_VALID,
    SignatureProblem.KEY_UNUSABLE: Kind.DIGEST_KEY_UNKNOWN,
    SignatureProblem.INVALID: Kind.DIGEST_SIGNATURE_INVALID,
}


@dataclass(frozen=True)
class Problem:
    """What is wrong with one version of a digest."""

    kind: Kind
    expected: str
    seen: str


@dataclass(frozen=True)
class Judged:
    """One version of a digest, judged by itself. `digest` is None when it has no such form."""

    hash_value: str
    signature: str | None
    digest: Digest | None
    problems: tuple[Problem, ...]

    @property
    def proven(self) -> bool:
        """Whether CloudTrail signed it, for the place where it is."""
        return self.digest is not None and not self.problems


def judge_digest(
    bucket: str,
    key: str,
    name: DigestName,
    content: Content,
    metadata: Mapping[str, str],
    keys: Sequence[PublicKey],
) -> Judged:
    """Judge a digest's content and metadata by themselves. `name` is what its key says of it."""
    signature = metadata.get("signature")
    problems: list[Problem] = []
    if content.problem is ContentProblem.TRAILING:
        problems.append(
            Problem(Kind.DIGEST_TRAILING_DATA, "one gzip member and nothing more", "data after it")
        )
    elif content.problem is not None:
        problem = Problem(Kind.DIGEST_MALFORMED, "one complete gzip member", content.problem.value)
        return Judged("", signature, None, (problem,))
    try:
        digest = parse_digest(content.body)
    except DigestFormatError as error:
        problem = Problem(Kind.DIGEST_MALFORMED, "a digest as CloudTrail writes them", str(error))
        return Judged(content.hash_value, signature, None, (*problems, problem))
    if (digest.bucket, digest.key) != (bucket, key) or digest.end != name.end:
        # What it says is about another time or place, where it may well be true.
        problem = Problem(
            Kind.DIGEST_MOVED,
            f"the digest of this place, ending {utc_time(name.end)}",
            f"that of s3://{digest.bucket}/{digest.key}, ending {digest.end_text}",
        )
        return Judged(content.hash_value, signature, None, (*problems, problem))
    signed_at: datetime | None = None
    if name.backfill:
        signed_at = generation_time(metadata)
        if signed_at is None:
            problems.append(
                Problem(
                    Kind.DIGEST_MALFORMED,
                    f"the metadata {_GENERATED} of a backfill digest",
                    "no such time",
                )
            )
    broken = judge_signature(
        digest,
        content.hash_value,
        signature,
        metadata.get("signature-algorithm"),
        keys,
        signed_at,
    )
    if broken is not None:
        problems.append(_signature_problem(broken, digest, metadata, keys))
    return Judged(content.hash_value, signature, digest, tuple(problems))


def _signature_problem(
    problem: SignatureProblem,
    digest: Digest,
    metadata: Mapping[str, str],
    keys: Sequence[PublicKey],
) -> Problem:
    expected = f"a signature of key {digest.fingerprint}, RSA PKCS #1 v1.5 with SHA-256"
    seen = "one that does not hold"
    if problem is SignatureProblem.MISSING:
        seen = "no signature in the object's metadata, as after a copy without it"
    elif problem is SignatureProblem.ALGORITHM:
        seen = (
            f"digestSignatureAlgorithm {digest.algorithm}, metadata signature-algorithm "
            f"{metadata.get('signature-algorithm')}"
        )
    elif problem is SignatureProblem.KEY_UNKNOWN:
        expected = "a key that CloudTrail has in this region (ListPublicKeys)"
        seen = f"fingerprint {digest.fingerprint}, not among the {len(keys)} of the time"
    elif problem is SignatureProblem.KEY_NOT_VALID:
        key = next(one for one in keys if one.fingerprint == digest.fingerprint)
        expected = f"a key valid at {digest.end_text}"
        seen = f"{digest.fingerprint}, valid from {utc_time(key.valid_from)} to {utc_time(key.valid_until)}"
    elif problem is SignatureProblem.KEY_UNUSABLE:
        seen = f"that ListPublicKeys gives no RSA key for {digest.fingerprint}"
    return Problem(_KINDS[problem], expected, seen)


def generation_time(metadata: Mapping[str, str]) -> datetime | None:
    """When a backfill digest was generated, by its metadata; None where that says no time."""
    try:
        moment = datetime.fromisoformat(metadata.get(_GENERATED, ""))
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


@dataclass(frozen=True)
class Loaded:
    """A digest as it was found: the version that holds the truth, and what is to be said of it."""

    name: DigestName
    node: Node
    digest: Digest | None
    findings: tuple[Finding, ...]


def load_digest(
    reader: Reader,
    target: Target,
    bucket: str,
    history: History,
    name: DigestName,
    keys: Sequence[PublicKey],
) -> Loaded:
    """Read a digest, all its versions where there are several, and judge it.

    Where the latest version is not what CloudTrail wrote, an earlier one that is takes its place,
    so that the log files are held against the truth; the finding says which version that was.
    """
    key = history.key
    findings: list[Finding] = []

    def find(kind: Kind, expected: str, seen: str) -> None:
        findings.append(Finding(kind, target.account, target.region, bucket, key, expected, seen))

    versions = history.contents[:MAXIMUM_VERSIONS_READ]
    judged: list[tuple[Version, Judged]] = []
    for version in versions:
        # The latest is read as anyone would read it.
        identifier = None if version.is_latest else version.identifier
        try:
            judged.append((version, _read(reader, target, bucket, key, identifier, name, keys)))
        except UnreadableError as error:
            find(Kind.DIGEST_UNREADABLE, "a digest", str(error))
        except ObjectMissingError:
            find(Kind.DIGEST_MISSING, "the object that the bucket lists", "no such object")
    if not judged:
        if not versions:
            find(Kind.DIGEST_MISSING, "a digest", "delete markers and no version of it")
        return Loaded(name, _unparsed(bucket, history, name, None), None, tuple(findings))
    version, best = next((one for one in judged if one[1].proven), judged[0])
    if history.is_hidden:
        find(
            Kind.DIGEST_HIDDEN,
            "a digest",
            f"a delete marker of {utc_time(history.versions[0].modified)}; "
            f"read by version {version.identifier}",
        )
    latest = judged[0][1]
    differing = [
        one
        for one, other in judged[1:]
        if (other.hash_value, other.signature) != (latest.hash_value, latest.signature)
        or other.problems != latest.problems
    ]
    if differing:
        verdict = "is as CloudTrail signed it" if best.proven else "none is as CloudTrail signed it"
        find(
            Kind.DIGEST_OVERWRITTEN,
            "one version, or several with the same content",
            f"{len(versions)} versions that differ; "
            + (f"version {version.identifier} {verdict}" if best.proven else verdict),
        )
    for problem in latest.problems:
        find(problem.kind, problem.expected, problem.seen)
    if best.digest is None:
        return Loaded(name, _unparsed(bucket, history, name, best), None, tuple(findings))
    node = Node(
        bucket=bucket,
        key=key,
        start=best.digest.start,
        end=name.end,
        hash_value=best.hash_value,
        signature=best.signature,
        previous=best.digest.previous,
        parsed=True,
        proven=best.proven,
        modified=version.modified,
    )
    return Loaded(name, node, best.digest, tuple(findings))


def _unparsed(bucket: str, history: History, name: DigestName, judged: Judged | None) -> Node:
    return Node(
        bucket=bucket,
        key=history.key,
        start=name.end,
        end=name.end,
        hash_value="" if judged is None else judged.hash_value,
        signature=None if judged is None else judged.signature,
        previous=None,
        parsed=False,
        proven=False,
        modified=history.versions[0].modified,
    )


def _read(
    reader: Reader,
    target: Target,
    bucket: str,
    key: str,
    version: str | None,
    name: DigestName,
    keys: Sequence[PublicKey],
) -> Judged:
    content, metadata = reader.read(bucket, key, version, _consume)
    judged = judge_digest(bucket, key, name, content, metadata, keys)
    generated = generation_time(metadata) if name.backfill else None
    unknown = any(one.kind is Kind.DIGEST_KEY_UNKNOWN for one in judged.problems)
    if not unknown or generated is None:
        return judged
    # A backfill digest is signed with the key of the time at which it was generated.
    others = reader.public_keys(
        target.region, generated - _BACKFILL_KEYS, generated + _BACKFILL_KEYS
    )
    return judge_digest(bucket, key, name, content, metadata, [*keys, *others])


def _consume(
    metadata: Mapping[str, str], chunks: Iterable[bytes]
) -> tuple[Content, dict[str, str]]:
    return inflate(chunks, MAXIMUM_DIGEST_BYTES, keep=True), dict(metadata)
