"""Whether a digest's signature is CloudTrail's: RSA PKCS #1 v1.5 with SHA-256 and nothing else."""

from __future__ import annotations

import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from functools import lru_cache

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from verify.integrity.judge.digest import Digest

ALGORITHM = "SHA256withRSA"
# A digest is signed when it is delivered, which is after its end; a new key may be in use by then.
SIGNING_DELAY = timedelta(hours=2)


@dataclass(frozen=True)
class PublicKey:
    """A key that ListPublicKeys returned: DER of PKCS #1, and the time for which it is valid."""

    fingerprint: str
    der: bytes
    valid_from: datetime
    valid_until: datetime


class SignatureProblem(Enum):
    """Why a signature does not hold."""

    MISSING = "missing"
    ALGORITHM = "another algorithm"
    KEY_UNKNOWN = "public key unknown"
    KEY_NOT_VALID = "public key not valid at the time"
    KEY_UNUSABLE = "public key unusable"
    INVALID = "invalid"


def judge_signature(
    digest: Digest,
    content_hash: str,
    signature: str | None,
    algorithm: str | None,
    keys: Sequence[PublicKey],
    signed_at: datetime | None = None,
    written: datetime | None = None,
) -> SignatureProblem | None:
    """None when `signature` (hexadecimal, of the object's metadata) is that of `digest`.

    `keys` are those of the digest's region. `signed_at` is when a backfill digest was generated;
    every other digest is signed between its end and when S3 noted that it was `written`, which is
    shortly after as a rule, and later where its delivery was late. The key must be valid then.
    """
    if signature is None or algorithm is None:
        return SignatureProblem.MISSING
    if algorithm != ALGORITHM or digest.algorithm != ALGORITHM:
        return SignatureProblem.ALGORITHM
    key = next((known for known in keys if known.fingerprint == digest.fingerprint), None)
    if key is None:
        return SignatureProblem.KEY_UNKNOWN
    signed = signed_at or digest.end
    latest = max(signed + SIGNING_DELAY, written or signed)
    if key.valid_until < signed or key.valid_from > latest:
        return SignatureProblem.KEY_NOT_VALID
    loaded = _load(key.der)
    if loaded is None:
        return SignatureProblem.KEY_UNUSABLE
    try:
        raw = binascii.unhexlify(signature)
        loaded.verify(raw, digest.string_to_sign(content_hash), padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, ValueError):
        return SignatureProblem.INVALID
    return None


@lru_cache(maxsize=256)
def _load(der: bytes) -> rsa.RSAPublicKey | None:
    try:
        key = serialization.load_der_public_key(der)
    except (ValueError, UnsupportedAlgorithm):
        return None
    return key if isinstance(key, rsa.RSAPublicKey) else None
