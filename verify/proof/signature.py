"""The signature of a manifest: by an Ed25519 key in a file, or by a key of KMS's.

Sources: RFC 8032 (Ed25519); AWS KMS API Reference, Sign and GetPublicKey (ECDSA and RSASSA over a
SHA-256 digest).
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

from verify.account.errors import describe
from verify.inputs.reader import UnreadableError, read_text
from verify.proof.manifest import FILE_NAME, SIGNATURE, Manifest, SignedBy

PASSPHRASE = "TRAILWARDEN_SIGNING_PASSPHRASE"  # noqa: S105 - the variable's name
_MAXIMUM_CHARACTERS = 100_000
_ED25519 = "ED25519"
# What KMS calls its algorithms, in the order in which we choose of those that a key has.
_OF_KMS = ("ECDSA_SHA_256", "RSASSA_PSS_SHA_256", "RSASSA_PKCS1_V1_5_SHA_256")
_SHA256 = utils.Prehashed(hashes.SHA256())


class SigningError(Exception):
    """Nothing can be signed with this key. The message names the cause and the remedy."""


class SignatureError(Exception):
    """The signature is not that of the manifest, or cannot be checked. The message says why."""


@dataclass(frozen=True)
class Signed:
    """By which key a manifest is signed; `fingerprint` is the SHA-256 of its public key (DER)."""

    key: str
    fingerprint: str
    algorithm: str
    pinned: bool  # whether the public key is the one that the reader gave


class Signer(Protocol):
    """Signs a text by a key."""

    @property
    def signed_by(self) -> SignedBy:
        """Which key it is. Raises SigningError."""

    def sign(self, text: bytes) -> bytes:
        """The signature. Raises SigningError."""


class FileSigner:
    """Signs with the Ed25519 private key in a PEM file. Raises SigningError.

    The passphrase of an encrypted one is taken from the environment.
    """

    def __init__(self, path: Path, environment: Mapping[str, str] = os.environ) -> None:
        passphrase = environment.get(PASSPHRASE)
        try:
            text = read_text(path, f"the signing key {path}", _MAXIMUM_CHARACTERS)
            key = serialization.load_pem_private_key(
                text.encode(), None if passphrase is None else passphrase.encode()
            )
        except UnreadableError as error:
            raise SigningError(str(error)) from None
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise SigningError(
                f"the signing key {path} cannot be used: {error}; of an encrypted one {PASSPHRASE} "
                "is the passphrase"
            ) from None
        if not isinstance(key, ed25519.Ed25519PrivateKey):
            raise SigningError(
                f"the signing key {path} is not of Ed25519: make one by "
                "`openssl genpkey -algorithm ed25519 -out <file>`"
            )
        self._key, self._name = key, path.name

    @property
    def signed_by(self) -> SignedBy:
        """See Signer."""
        return SignedBy(self._name, _ED25519, _text(_der(self._key.public_key())))

    def sign(self, text: bytes) -> bytes:
        """See Signer."""
        return self._key.sign(text)


class KmsSigner:
    """Signs with an asymmetric key of KMS's, by its ARN or alias; `client` is of its region."""

    def __init__(self, client: Any, key: str) -> None:
        self._client, self._key = client, key

    @cached_property
    def signed_by(self) -> SignedBy:
        """See Signer."""
        public = self._asked("get_public_key")
        offered = public.get("SigningAlgorithms", ())
        algorithm = next((name for name in _OF_KMS if name in offered), None)
        if algorithm is None:
            raise SigningError(
                f"the key {self._key} signs by none of {', '.join(_OF_KMS)}: it must be an "
                "asymmetric key for signing (ECC_NIST_P256, say)"
            )
        return SignedBy(public["KeyId"], algorithm, _text(public["PublicKey"]))

    def sign(self, text: bytes) -> bytes:
        """See Signer."""
        signed = self._asked(
            "sign",
            Message=hashlib.sha256(text).digest(),
            MessageType="DIGEST",
            SigningAlgorithm=self.signed_by.algorithm,
        )
        return bytes(signed["Signature"])

    def _asked(self, operation: str, **parameters: Any) -> Mapping[str, Any]:
        try:
            answer: Mapping[str, Any] = getattr(self._client, operation)(
                KeyId=self._key, **parameters
            )
        except (ClientError, BotoCoreError) as error:
            region = self._client.meta.region_name
            raise SigningError(describe(error, "kms", operation, region)) from error
        return answer


def check(folder: Path, manifest: Manifest, public_key: Path | None) -> Signed | None:
    """By whom the manifest of a folder is signed; None where it is not.

    Raises SignatureError where it is not by the key in the PEM file `public_key`, if one is given,
    or not by the key that it names.
    """
    path, by = folder / SIGNATURE, manifest.signed_by
    if by is None:
        if public_key is not None:
            raise SignatureError(f"{folder} was sealed without one, although a key is given")
        if path.exists():
            raise SignatureError(f"{path}: put there after the sealing, which knows of none")
        return None
    try:
        public = base64.b64decode(by.public_key, validate=True)
        _verify(by.algorithm, public, path.read_bytes(), (folder / FILE_NAME).read_bytes())
    except FileNotFoundError:
        raise SignatureError(f"{path}: missing, and it was signed by {by.key}") from None
    except (ValueError, OSError, UnsupportedAlgorithm) as error:
        raise SignatureError(f"{path} cannot be checked: {error}") from None
    except InvalidSignature:
        raise SignatureError(
            f"{path}: it is not the signature of {FILE_NAME} by {by.key}"
        ) from None
    fingerprint = hashlib.sha256(public).hexdigest()
    if public_key is not None and _given(public_key) != public:
        raise SignatureError(
            f"{path}: signed by another key than {public_key}: by {by.key}, whose public key has "
            f"the SHA-256 {fingerprint}"
        )
    return Signed(by.key, fingerprint, by.algorithm, pinned=public_key is not None)


def _verify(algorithm: str, public: bytes, signature: bytes, text: bytes) -> None:
    """Raises InvalidSignature, ValueError for a key of another kind."""
    key = serialization.load_der_public_key(public)
    digest = hashlib.sha256(text).digest()
    if algorithm == _ED25519 and isinstance(key, ed25519.Ed25519PublicKey):
        key.verify(signature, text)
    elif algorithm == "ECDSA_SHA_256" and isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(signature, digest, ec.ECDSA(_SHA256))
    elif algorithm == "RSASSA_PSS_SHA_256" and isinstance(key, rsa.RSAPublicKey):
        salted = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
        key.verify(signature, digest, salted, _SHA256)
    elif algorithm == "RSASSA_PKCS1_V1_5_SHA_256" and isinstance(key, rsa.RSAPublicKey):
        key.verify(signature, digest, padding.PKCS1v15(), _SHA256)
    else:
        raise ValueError(f"{algorithm} is not an algorithm of such a key")


def _given(path: Path) -> bytes:
    try:
        text = read_text(path, f"the public key {path}", _MAXIMUM_CHARACTERS)
        return _der(serialization.load_pem_public_key(text.encode()))
    except UnreadableError as error:
        raise SignatureError(str(error)) from None
    except (ValueError, UnsupportedAlgorithm) as error:
        raise SignatureError(
            f"the public key {path} cannot be used: {error}: it must be PEM, as `openssl pkey "
            "-pubout` writes it"
        ) from None


def _text(public: bytes) -> str:
    return base64.b64encode(public).decode("ascii")


def _der(key: Any) -> bytes:
    found: bytes = key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return found
