"""The key pairs with which CloudTrail signs digest files: one at a time for each region."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sandbox.clock import now
from sandbox.control import ControlError

_KEY_BITS = 2048
# Longer than a sandbox runs, so that one key serves its whole life unless it is rotated.
_VALIDITY = timedelta(days=365)


@dataclass(frozen=True)
class SigningKey:
    """A region's key pair, and the time in which its signatures count."""

    private_key: rsa.RSAPrivateKey
    public_key: bytes  # DER of a PKCS #1 RSAPublicKey
    fingerprint: str  # 32 hexadecimal digits
    valid_from: datetime
    valid_until: datetime

    def sign(self, text: str) -> str:
        """The signature in hexadecimal: RSA PKCS #1 v1.5 with SHA-256."""
        return self.private_key.sign(text.encode(), padding.PKCS1v15(), SHA256()).hex()

    def valid_in(self, start: datetime, end: datetime) -> bool:
        """Whether the key is valid at some moment from ``start`` to ``end``."""
        return self.valid_from <= end and start <= self.valid_until


class SigningKeys:
    """Makes a region's key pair when it is first needed, and another when it is rotated.

    Earlier ones stay known: what they signed must remain verifiable.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._keys: dict[str, list[SigningKey]] = {}
        # From midnight, because a digest may begin before its region's key was first needed.
        self._valid_from = now().replace(hour=0, minute=0, second=0, microsecond=0)

    def of(self, region: str) -> SigningKey:
        """The key pair with which a region signs now."""
        return self.every(region)[-1]

    def every(self, region: str) -> list[SigningKey]:
        """The key pairs with which a region ever signed, the oldest first."""
        with self._guard:
            if region not in self._keys:
                self._keys[region] = [_generate(self._valid_from)]
            return list(self._keys[region])

    def rotate(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Sign with a new key pair from now on, in the ``region`` of ``request``.

        Returns the ``fingerprint`` of the new one. Raises ControlError without a region.
        """
        region = request.get("region")
        if not isinstance(region, str):
            raise ControlError("400 Bad Request", "region must be a text")
        earlier, moment = self.every(region), now()
        made = _generate(moment)
        with self._guard:
            ended = replace(earlier[-1], valid_until=moment)
            self._keys[region] = [*earlier[:-1], ended, made]
        return {"region": region, "fingerprint": made.fingerprint}


def _generate(valid_from: datetime) -> SigningKey:
    private_key = rsa.generate_private_key(public_exponent=65537, key_size=_KEY_BITS)
    public_key = private_key.public_key().public_bytes(Encoding.DER, PublicFormat.PKCS1)
    return SigningKey(
        private_key,
        public_key,
        hashlib.md5(public_key, usedforsecurity=False).hexdigest(),
        valid_from,
        valid_from + _VALIDITY,
    )
