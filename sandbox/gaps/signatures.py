"""Where moto's signatures by asymmetric keys differ from KMS's."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from moto.kms.exceptions import ValidationException
from moto.kms.responses import KmsResponse
from moto.kms.utils import ECDSAPrivateKey, RSAPrivateKey

from sandbox.replacement import Kind, Replacement
from sandbox.world import World

_hashed: ContextVar[bool] = ContextVar("hashed", default=False)


def by_message_type(world: World, original: Callable[[Any], str], response: Any) -> str:
    """Sign or verify a message, or one of which the caller gives the digest.

    Raises ValidationException for a digest that is none of the algorithm's.
    """
    algorithm = str(response._get_param("SigningAlgorithm"))
    is_digest = response._get_param("MessageType") == "DIGEST"
    digest_bytes = int(algorithm[-3:]) // 8 if algorithm[-3:].isdigit() else 0
    if is_digest and len(response._get_param("Message")) != digest_bytes:
        raise ValidationException(f"Digest is invalid length for algorithm {algorithm}.")
    token = _hashed.set(is_digest)
    try:
        return original(response)
    finally:
        _hashed.reset(token)


def hash_of_curve(
    world: World, original: Callable[[Any, str], Any], key: Any, algorithm: str
) -> Any:
    """By what a message is hashed for a signature of an elliptic curve's."""
    hashing = original(key, algorithm)
    return Prehashed(hashing) if _hashed.get() else hashing


def padding_and_hash(
    world: World, original: Callable[[Any, str], tuple[Any, Any]], key: Any, algorithm: str
) -> tuple[Any, Any]:
    """By what a message is padded and hashed for a signature of RSA's."""
    padded, hashing = original(key, algorithm)
    if isinstance(padded, padding.PSS):
        padded = padding.PSS(padding.MGF1(hashing), padding.PSS.DIGEST_LENGTH)
    return padded, Prehashed(hashing) if _hashed.get() else hashing


REPLACEMENTS = (
    # https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html (MessageType)
    *(
        Replacement(
            KmsResponse,
            name,
            by_message_type,
            "Of a message that is a digest nothing is hashed again, as moto does.",
            Kind.AROUND,
        )
        for name in ("sign", "verify")
    ),
    Replacement(
        ECDSAPrivateKey,
        "_ECDSAPrivateKey__hash_algorithm",
        hash_of_curve,
        "A digest is signed as it is.",
        Kind.AROUND,
    ),
    # https://docs.aws.amazon.com/kms/latest/developerguide/symm-asymm-choose-key-spec.html
    Replacement(
        RSAPrivateKey,
        "_RSAPrivateKey__padding_and_hash_algorithm",
        padding_and_hash,
        "A digest is signed as it is, and PSS's salt is as long as it is, not as long as can be.",
        Kind.AROUND,
    ),
)
