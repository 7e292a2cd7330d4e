"""Attestations: what no check can see, and somebody states, for a time.

They stand apart in the report and count for no verdict: a statement is not a verification.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from verify import schemas
from verify.inputs.reader import UnreadableError, read_text
from verify.model import Attestation

_MAXIMUM_CHARACTERS = 1_000_000
_MAXIMUM_KEY = 100_000
MAXIMUM_ATTACHMENT = 50_000_000  # bytes


class AttestationError(Exception):
    """The attestations cannot be used. The message names the cause and the remedy."""


@dataclass(frozen=True)
class Stated:
    """One entry of the file, its attachment's path and hash; both empty where it has none."""

    entry: dict[str, Any]
    attachment: Path | None
    attachment_sha256: str

    @property
    def text(self) -> bytes:
        """What is signed: all that is stated, and the attachment's hash, as JSON."""
        said = {
            name: value
            for name, value in self.entry.items()
            if name not in ("signature", "public_key", "attachment")
        }
        document = {**said, "attachment_sha256": self.attachment_sha256}
        return json.dumps(document, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def read(path: Path) -> tuple[Stated, ...]:
    """The entries of the YAML file `path`, by `schemas/attestations.schema.json`.

    Raises AttestationError.
    """
    # Imported here: it takes long, and most runs have none.
    from verify.inputs.yaml_documents import read_unplaced

    try:
        document = read_unplaced(path, f"the attestations {path}", _MAXIMUM_CHARACTERS)
    except UnreadableError as error:
        raise AttestationError(str(error)) from None
    if faults := schemas.violations("attestations", document):
        raise AttestationError(f"the attestations {path} are not valid:\n  " + "\n  ".join(faults))
    entries = document["attestations"]
    twice = [name for name, count in Counter(one["title"] for one in entries).items() if count > 1]
    if twice:
        raise AttestationError(f"the attestations {path} have {', '.join(twice)} twice")
    return tuple(_stated(entry, path) for entry in entries)


def _stated(entry: dict[str, Any], path: Path) -> Stated:
    for name in ("date", "expires"):
        try:
            date.fromisoformat(entry[name])
        except ValueError:
            raise AttestationError(
                f"the attestations {path}: {entry['title']}: {entry[name]} is no day"
            ) from None
    if "attachment" not in entry:
        return Stated(entry, None, "")
    attachment = path.parent / entry["attachment"]
    try:
        if attachment.stat().st_size > MAXIMUM_ATTACHMENT:
            raise AttestationError(
                f"the attachment {attachment} exceeds {MAXIMUM_ATTACHMENT:,} bytes"
            )
        found = hashlib.sha256(attachment.read_bytes()).hexdigest()
    except OSError as error:
        raise AttestationError(
            f"the attachment of {entry['title']} cannot be read: {error}"
        ) from None
    return Stated(entry, attachment, found)


def load(path: Path, today: date) -> tuple[Attestation, ...]:
    """What is attested, and whether it holds `today`.

    Raises AttestationError, for a signature that is not of the statement as well.
    """
    return tuple(_attestation(stated, path, today) for stated in read(path))


def _attestation(stated: Stated, path: Path, today: date) -> Attestation:
    entry = stated.entry
    made, last = date.fromisoformat(entry["date"]), date.fromisoformat(entry["expires"])
    status = "not yet in force" if made > today else "expired" if last < today else "in force"
    return Attestation(
        title=entry["title"],
        citation=entry["citation"],
        statement=entry["statement"],
        by=entry["by"],
        role=entry["role"],
        date=entry["date"],
        expires=entry["expires"],
        status=status,
        attachment=None if stated.attachment is None else stated.attachment.name,
        attachment_sha256=stated.attachment_sha256 or None,
        signed_by=_signed_by(stated, path),
    )


def _signed_by(stated: Stated, path: Path) -> str | None:
    """The SHA-256 of the public key (DER) of the signature; None where there is none."""
    entry = stated.entry
    if "signature" not in entry:
        return None
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ed25519

    where = f"the attestations {path}: {entry['title']}"
    try:
        text = read_text(path.parent / entry["public_key"], "its public key", _MAXIMUM_KEY)
        key = serialization.load_pem_public_key(text.encode())
        if not isinstance(key, ed25519.Ed25519PublicKey):
            raise AttestationError(f"{where}: its public key is not of Ed25519")
        key.verify(base64.b64decode(entry["signature"], validate=True), stated.text)
    except InvalidSignature:
        raise AttestationError(
            f"{where}: the signature is not of this statement: sign what `python -m verify attest` "
            "prints of it"
        ) from None
    except (UnreadableError, ValueError, UnsupportedAlgorithm) as error:
        raise AttestationError(f"{where}: {error}") from None
    der = key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return hashlib.sha256(der).hexdigest()
