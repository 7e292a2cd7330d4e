"""Judging a digest by itself: bytes, form, place and signature; each version, then all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from verify.integrity.judge.anomaly import Anomaly, AnomalyKind, Discrepancy
from verify.integrity.judge.chain import Node
from verify.integrity.judge.content import Content, ContentProblem
from verify.integrity.judge.digest import Digest, DigestFormatError, parse_digest
from verify.integrity.judge.history import MAXIMUM_VERSIONS_READ, History, Version
from verify.integrity.judge.layout import ChainScope, DigestName
from verify.integrity.judge.signature import PublicKey, SignatureProblem, judge_signature
from verify.wording import time_span, utc_time

_GENERATED = "backfill-generation-timestamp"

_KINDS = {
    SignatureProblem.MISSING: AnomalyKind.DIGEST_SIGNATURE_MISSING,
    SignatureProblem.ALGORITHM: AnomalyKind.DIGEST_SIGNATURE_INVALID,
    SignatureProblem.KEY_UNKNOWN: AnomalyKind.DIGEST_KEY_UNKNOWN,
    SignatureProblem.KEY_NOT_VALID: AnomalyKind.DIGEST_KEY_NOT_VALID,
    SignatureProblem.KEY_UNUSABLE: AnomalyKind.DIGEST_KEY_UNKNOWN,
    SignatureProblem.INVALID: AnomalyKind.DIGEST_SIGNATURE_INVALID,
}


@dataclass(frozen=True)
class DigestVersion:
    """One version of a digest, judged by itself. `digest` is None when it has no such form."""

    hash_value: str
    signature: str | None
    digest: Digest | None
    problems: tuple[Discrepancy, ...]

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
    written: datetime | None = None,
) -> DigestVersion:
    """Judge a digest's content and metadata by themselves.

    `name` is what its key says of it, `written` when S3 noted its content.
    """
    signature = metadata.get("signature")
    if content.problem is not None and content.problem is not ContentProblem.TRAILING:
        malformed = Discrepancy(
            AnomalyKind.DIGEST_MALFORMED, "one complete gzip member", content.problem.value
        )
        return DigestVersion("", signature, None, (malformed,))
    problems: list[Discrepancy] = []
    if content.problem is ContentProblem.TRAILING:
        problems.append(
            Discrepancy(
                AnomalyKind.DIGEST_TRAILING_DATA,
                "one gzip member and nothing more",
                "data after it",
            )
        )
    try:
        digest = parse_digest(content.body)
    except DigestFormatError as error:
        problems.append(
            Discrepancy(
                AnomalyKind.DIGEST_MALFORMED, "a digest as CloudTrail writes them", str(error)
            )
        )
        return DigestVersion(content.hash_value, signature, None, tuple(problems))
    if (digest.bucket, digest.key) != (bucket, key) or digest.end != name.end:
        # What it says is about another time or place, where it may well be true.
        problems.append(
            Discrepancy(
                AnomalyKind.DIGEST_MOVED,
                f"the digest of this place, ending {utc_time(name.end)}",
                f"that of s3://{digest.bucket}/{digest.key}, ending {digest.end_text}",
            )
        )
        return DigestVersion(content.hash_value, signature, None, tuple(problems))
    problems += _signature_problems(
        digest, content.hash_value, metadata, name.backfill, keys, written
    )
    return DigestVersion(content.hash_value, signature, digest, tuple(problems))


def _signature_problems(
    digest: Digest,
    content_hash: str,
    metadata: Mapping[str, str],
    backfill: bool,
    keys: Sequence[PublicKey],
    written: datetime | None,
) -> list[Discrepancy]:
    problems: list[Discrepancy] = []
    signed_at: datetime | None = None
    if backfill:
        signed_at = generation_time(metadata)
        if signed_at is None:
            problems.append(
                Discrepancy(
                    AnomalyKind.DIGEST_MALFORMED,
                    f"the metadata {_GENERATED} of a backfill digest",
                    "no such time",
                )
            )
    broken = judge_signature(
        digest,
        content_hash,
        metadata.get("signature"),
        metadata.get("signature-algorithm"),
        keys,
        signed_at,
        written,
    )
    if broken is not None:
        problems.append(_broken_signature(broken, digest, metadata, keys))
    return problems


def _broken_signature(
    problem: SignatureProblem,
    digest: Digest,
    metadata: Mapping[str, str],
    keys: Sequence[PublicKey],
) -> Discrepancy:
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
        key = next(known for known in keys if known.fingerprint == digest.fingerprint)
        expected = f"a key valid at {digest.end_text}"
        validity = time_span(key.valid_from, key.valid_until)
        seen = f"{digest.fingerprint}, valid from {validity}"
    elif problem is SignatureProblem.KEY_UNUSABLE:
        seen = f"that ListPublicKeys gives no RSA key for {digest.fingerprint}"
    return Discrepancy(_KINDS[problem], expected, seen)


def generation_time(metadata: Mapping[str, str]) -> datetime | None:
    """When a backfill digest was generated, by its metadata; None where that says no time."""
    try:
        moment = datetime.fromisoformat(metadata.get(_GENERATED, ""))
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


@dataclass(frozen=True)
class JudgedDigest:
    """A digest as it was found: the version that holds the truth, and what is to be said of it.

    Of versions that are archived `archived_bytes` is what is stored.
    """

    name: DigestName
    node: Node
    digest: Digest | None
    anomalies: tuple[Anomaly, ...]
    archived_bytes: int = 0


def judge_digest_versions(
    scope: ChainScope,
    bucket: str,
    history: History,
    name: DigestName,
    judged: Sequence[tuple[Version, DigestVersion]],
    unread: Sequence[Discrepancy],
) -> JudgedDigest:
    """Judge a digest by its versions: those that were read, and what kept others from being read.

    Where the latest version is not what CloudTrail wrote, an earlier one that is takes its place,
    so that the log files are held against the truth; the anomaly says which version that was.
    """
    if judged:
        version, best = next((pair for pair in judged if pair[1].proven), judged[0])
        problems = [
            *unread,
            *_hidden(history, version),
            *_overwritten(history, judged, version, best),
            *judged[0][1].problems,
        ]
        node = _node(bucket, history, name, version, best)
        digest = best.digest
    else:
        problems = list(unread)
        if not history.contents:
            problems.append(
                Discrepancy(
                    AnomalyKind.DIGEST_MISSING, "a digest", "delete markers and no version of it"
                )
            )
        node, digest = _unparsed(bucket, history, name, None), None
    anomalies = tuple(Anomaly.at(scope, bucket, history.key, problem) for problem in problems)
    return JudgedDigest(name, node, digest, anomalies)


def _hidden(history: History, read: Version) -> list[Discrepancy]:
    if not history.is_hidden:
        return []
    return [
        Discrepancy(
            AnomalyKind.DIGEST_HIDDEN,
            "a digest",
            f"a delete marker of {utc_time(history.versions[0].modified)}; "
            f"read by version {read.identifier}",
        )
    ]


def _overwritten(
    history: History,
    judged: Sequence[tuple[Version, DigestVersion]],
    version: Version,
    best: DigestVersion,
) -> list[Discrepancy]:
    """That versions differ, if they do; `best` of them, `version`, is the one that is believed."""
    latest = judged[0][1]
    if all(
        (earlier.hash_value, earlier.signature, earlier.problems)
        == (latest.hash_value, latest.signature, latest.problems)
        for _, earlier in judged[1:]
    ):
        return []
    count = min(len(history.contents), MAXIMUM_VERSIONS_READ)
    verdict = (
        f"version {version.identifier} is as CloudTrail signed it"
        if best.proven
        else "none is as CloudTrail signed it"
    )
    return [
        Discrepancy(
            AnomalyKind.DIGEST_OVERWRITTEN,
            "one version, or several with the same content",
            f"{count} versions that differ; {verdict}",
        )
    ]


def _node(
    bucket: str, history: History, name: DigestName, version: Version, best: DigestVersion
) -> Node:
    if best.digest is None:
        return _unparsed(bucket, history, name, best)
    return Node(
        bucket=bucket,
        key=history.key,
        start=best.digest.start,
        end=name.end,
        hash_value=best.hash_value,
        signature=best.signature,
        previous=best.digest.previous,
        parsed=True,
        proven=best.proven,
        modified=version.modified,
    )


def _unparsed(
    bucket: str, history: History, name: DigestName, judged: DigestVersion | None
) -> Node:
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
