"""The time stamp of a manifest: an authority's word that it was there at a time.

Source: RFC 3161 (Time-Stamp Protocol over HTTP, section 3.4). `manifest.tsr` is the authority's
whole answer, as `openssl ts -verify` reads it.
"""

from __future__ import annotations

import hashlib
import urllib.error
import urllib.request
from dataclasses import dataclass
from datetime import datetime
from http.client import HTTPException
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from rfc3161_client import (
    HashAlgorithm,
    PKIStatus,
    TimestampRequestBuilder,
    TimeStampResponse,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from verify.inputs.reader import UnreadableError, read_text
from verify.proof.manifest import FILE_NAME, TIME_STAMP, Manifest

_MAXIMUM_BYTES = 1_000_000
_MAXIMUM_CHARACTERS = 1_000_000
_PATIENCE_SECONDS = 30.0
_SHA256 = x509.ObjectIdentifier("2.16.840.1.101.3.4.2.1")
_DIFFERENT_HASH = "it is of something else, by its hash"


class StampingError(Exception):
    """There is no time stamp to be had. The message names the cause and the remedy."""


class TimeStampError(Exception):
    """The time stamp is not that of the manifest, or cannot be checked. The message says why."""


@dataclass(frozen=True)
class Stamped:
    """When a manifest was there, by the authority at an address; `proven` is whether what it signed
    leads to a root that the reader gave."""

    at: datetime
    authority: str
    proven: bool


class Authority:
    """An authority by its address. Raises StampingError for one that is none."""

    def __init__(self, url: str, patience_seconds: float = _PATIENCE_SECONDS) -> None:
        try:
            parts = urlsplit(url)
            usable = parts.scheme in ("http", "https") and bool(parts.hostname)
        except ValueError:
            usable = False
        if not usable:
            raise StampingError(
                f"{url!r} is no address of a time-stamping authority: it begins with https:// or "
                "http://"
            )
        if parts.username or parts.password or parts.query or parts.fragment:
            # It stands in the manifest, and in the list of this machine's processes.
            raise StampingError(
                "the address of the time-stamping authority has more in it than host and path, "
                "such as a name, a password or a key: choose an authority that asks for none"
            )
        self.url, self._patience = url, patience_seconds

    def stamp(self, text: bytes) -> bytes:
        """The authority's answer for a text, which is of this text. Raises StampingError."""
        request = TimestampRequestBuilder().data(text).hash_algorithm(HashAlgorithm.SHA256).build()
        answer = self._asked(request.as_bytes())
        try:
            response = _decoded(answer)
            if response.tst_info.nonce != request.nonce:
                raise TimeStampError("it is an answer to another request, by its nonce")
            _require_of(response, text)
        except TimeStampError as error:
            raise StampingError(
                f"the answer of {self.url} is no time stamp of this manifest: {error}"
            ) from None
        return answer

    def _asked(self, request: bytes) -> bytes:
        """Raises StampingError."""
        asked = urllib.request.Request(  # noqa: S310 - the scheme was looked at
            self.url, request, {"Content-Type": "application/timestamp-query"}
        )
        try:
            with urllib.request.urlopen(asked, timeout=self._patience) as answer:  # noqa: S310
                found: bytes = answer.read(_MAXIMUM_BYTES + 1)
        except urllib.error.HTTPError as error:
            why = f"HTTP {error.code} {error.reason}"
        except urllib.error.URLError as error:
            why = str(error.reason)
        except (OSError, HTTPException) as error:
            why = str(error) or type(error).__name__
        else:
            if len(found) <= _MAXIMUM_BYTES:
                return found
            why = f"more than {_MAXIMUM_BYTES:,} bytes"
        raise StampingError(
            f"the time-stamping authority {self.url} did not answer: {why}; see that this machine "
            "reaches it, or leave out --timestamp-url"
        )


def _decoded(answer: bytes) -> TimeStampResponse:
    """Raises TimeStampError where it is none, or none was given."""
    try:
        response = decode_timestamp_response(answer)
        status = PKIStatus(response.status)
        if status is not PKIStatus.GRANTED:
            said = "; ".join(response.status_string) or "without a reason"
            raise TimeStampError(f"refused ({status.name}): {said}")
        response.tst_info  # noqa: B018 - whether there is one is known when it is asked for
    except ValueError as error:
        raise TimeStampError(
            f"it cannot be read ({error}): the authority's answers must be in DER, as RFC 3161 "
            "demands"
        ) from None
    return response


def _require_of(response: TimeStampResponse, text: bytes) -> None:
    """Raises TimeStampError where it is of another text."""
    imprint = response.tst_info.message_imprint
    if imprint.hash_algorithm != _SHA256 or imprint.message != hashlib.sha256(text).digest():
        raise TimeStampError(_DIFFERENT_HASH)


def check(folder: Path, manifest: Manifest, root: Path | None) -> Stamped | None:
    """When the manifest of a folder was there; None where it has no time stamp.

    Raises TimeStampError where it is not of the manifest or, if a PEM file `root` is given, does
    not lead to one of its certificates.
    """
    path, authority = folder / TIME_STAMP, manifest.time_stamped_by
    if authority is None:
        if root is not None:
            raise TimeStampError(f"{folder} was sealed without one, although a root is given")
        if path.exists():
            raise TimeStampError(f"{path}: put there after the sealing, which knows of none")
        return None
    try:
        with path.open("rb") as stream:
            answer = stream.read(_MAXIMUM_BYTES)
        text = (folder / FILE_NAME).read_bytes()
        response = _decoded(answer)
        _require_of(response, text)
        if root is not None:
            _require_root(response, text, root)
    except FileNotFoundError:
        raise TimeStampError(f"{path}: missing, and there was one by {authority}") from None
    except OSError as error:
        raise TimeStampError(f"{path} cannot be checked: {error}") from None
    except TimeStampError as error:
        raise TimeStampError(f"{path}: {error}") from None
    return Stamped(response.tst_info.gen_time, authority, proven=root is not None)


def _require_root(response: TimeStampResponse, text: bytes, root: Path) -> None:
    """Raises TimeStampError where what is signed leads to none of the certificates in a file.

    They must have been valid when it was stamped, and need not be now.
    """
    verifier = VerifierBuilder(roots=_roots(root)).build()
    try:
        verifier.verify_message(response, text)
    except (VerificationError, ValueError) as error:
        raise TimeStampError(f"it does not lead to a certificate in {root}: {error}") from None


def _roots(path: Path) -> list[x509.Certificate]:
    """Raises TimeStampError."""
    try:
        text = read_text(path, f"the root {path}", _MAXIMUM_CHARACTERS)
        return x509.load_pem_x509_certificates(text.encode())
    except UnreadableError as error:
        raise TimeStampError(str(error)) from None
    except ValueError as error:
        raise TimeStampError(
            f"the root {path} cannot be used: {error}: it must be certificates in PEM"
        ) from None
